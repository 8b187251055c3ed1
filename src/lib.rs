//! Gander brings the decisions that AI coding agents wait for to the human who owes them.
//!
//! # Data flow
//!
//! ```text
//!  agents ──▶ sources ──▶ engine::Handle ──▶ surfaces ──▶ people
//!             cli                │  ▲            │
//!                                ▼  │            └─▶ engine::Handle (the verdict comes back)
//!                              store (SQLite: events, state, cards)
//! ```
//!
//! - [`core`] is pure: decisions and their states, permissions, policy, the content of cards, every
//!   sentence that the bot says ([`core::text`]), and escalation ([`core::ladder`]). No clock, no
//!   async, no SQL, no Discord.
//! - A gate stops an agent's tool call by the agent's own hook. [`core::gate`] models the call and
//!   the rules; `gander gate` answers the hook.
//! - [`store`] contains all SQL. A change is one transaction: event, state, and next wake-up time.
//! - [`engine`] is the only place for side effects: the approval API ([`engine::Handle`]), timers,
//!   and the reconciler, which posts, edits or deletes messages until Discord shows what the store
//!   says ([`engine::deliveries`]).
//! - Several decisions can share a message: [`core::posting`] is the message and its content,
//!   [`core::batch`] selects the decisions, and the reconciler keeps the message current.
//! - [`sources`] turn files that agents leave behind into calls of the handle.
//! - [`channels`] carry urgent notifications to people's phones, desktops and programs, one way
//!   only.
//! - [`surfaces`] show decisions and accept answers; only [`surfaces::discord`] uses serenity and
//!   poise.
//! - [`wire`] holds the JSON types that agents and programs exchange with Gander over every
//!   transport, each type with its JSON Schema. Pure.
//! - [`cli`] and [`config`] assemble the parts.
//! - [`client`] is for other programs: a client of the HTTP surface.
//!
//! Imports go one way: `core` imports no other module; `store` imports `core`; `engine` both;
//! sources, surfaces and channels import `engine` and the types of `core`; `wire` imports only
//! `core`, and sources and surfaces import `wire`. `tests/tidy.rs` checks these rules.
//!
//! # Invariants
//!
//! - The log is the truth; a verdict is shown only after its commit, and the first verdict wins.
//! - Wake-up hints may be lost: a lost hint costs a second, never a decision.
//! - A card is computed from the decision alone. After a crash no memory is needed: the reconciler
//!   compares posted cards with decisions and corrects the difference.
//! - Text from agents is data. An agent cannot lower its risk, shorten its SLA below the floor, or
//!   decide.

pub mod channels;
pub mod cli;
pub mod client;
pub mod config;
pub mod core;
pub mod engine;
pub mod sources;
pub mod store;
pub mod surfaces;
pub mod wire;
