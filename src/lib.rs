//! Gander brings the decisions of AI coding agents to the people who owe them, and the verdicts
//! back.
//!
//! `docs/architecture.md` is the map: glossary, layers, two sequence diagrams, invariants, and
//! recipes for changes. In short:
//!
//! ```text
//!  agents ──▶ sources ──▶ engine::Handle ──▶ surfaces ──▶ people
//!             cli                │  ▲            │
//!                                ▼  │            └─▶ engine::Handle (the verdict comes back)
//!                              store (SQLite: events, state, messages)
//! ```
//!
//! - [`core`] has decisions and rules as pure functions: no clock, no async, no SQL, no Discord.
//! - [`presentation`] has every sentence, card, plot and JSON view; pure too.
//! - [`disk`] opens every file, so that no link or pipe of an agent is followed or waited for.
//! - [`store`] has the only SQL. A change is one transaction: event, state, next wake-up.
//! - [`engine`] is the only place with effects: the approval API ([`engine::Handle`]) and the loops
//!   behind it, such as the reconciler of messages ([`engine::reconciler`]).
//! - [`sources`] turn files of agents into calls of the handle.
//! - [`channels`] send notifications beyond Discord.
//! - [`surfaces`] show decisions and take answers: Discord, HTTP, MCP.
//! - [`cli`] and [`config`] put the parts together.
//! - [`client`], the crate `gander-client`, has the JSON types and a client for other programs.
//!
//! `tests/pure/architecture.rs` checks the direction of every import.

pub mod channels;
pub mod cli;
pub mod config;
pub mod core;
pub mod disk;
pub mod engine;
pub mod presentation;
pub mod sources;
pub mod store;
pub mod surfaces;

pub use gander_client as client;
