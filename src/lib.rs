//! Gander brings the decisions that AI coding agents wait for to the human who owes them.
//!
//! # How it flows
//!
//! ```text
//!  agents ──▶ sources ──▶ engine::Handle ──▶ surfaces ──▶ people
//!             cli                │  ▲            │
//!                                ▼  │            └─▶ engine::Handle (the verdict comes back)
//!                              store (SQLite: events, state, cards)
//! ```
//!
//! - [`core`] is pure: decisions and their states, who may decide, what policy allows, what a card
//!   shows, every sentence the bot says ([`core::text`]), and what happens while nobody answers
//!   ([`core::ladder`]). No clock, no async, no SQL, no Discord.
//! - An agent that asks nobody is stopped before a tool call by its own hook: what such a call is
//!   and what the rules make of it is [`core::gate`], and `gander gate` answers the hook.
//! - [`store`] holds the only SQL. A change is one transaction: event, state, and when to wake.
//! - [`engine`] is the only place where effects run: the approval API ([`engine::Handle`]), timers,
//!   and the loop that makes the cards that hang equal the cards that should
//!   ([`engine::deliveries`]).
//! - Several decisions can share a message: what it is and lists is [`core::posting`], which ones
//!   do is [`core::batch`], and the same loop keeps it true.
//! - [`sources`] turn what agents leave behind into calls of the handle.
//! - [`channels`] carry what must not wait to people's phones, desktops and programs; nothing comes
//!   back by them.
//! - [`surfaces`] show decisions and take answers; [`surfaces::discord`] is the only user of
//!   serenity and poise.
//! - [`wire`] is what agents and programs send and receive, whichever way they come, each type with
//!   its JSON Schema. Pure.
//! - [`cli`] and [`config`] wire it together.
//! - [`client`] is for programs elsewhere: it speaks to what [`surfaces`] offer over HTTP.
//!
//! One direction: `core` imports nothing of ours; `store` imports `core`; `engine` both; sources,
//! surfaces and channels import `engine` and the types of `core`; `wire` imports `core` alone, and
//! sources and surfaces import it. `tests/tidy.rs` checks it.
//!
//! # What always holds
//!
//! - The log is the truth; a verdict is shown only after it is committed, and the first one wins.
//! - Notices are hints. Losing one costs a second, never a decision.
//! - A card is computed from the decision alone, so a crash needs no memory: what hangs is compared
//!   and mended.
//! - What an agent says is data. It cannot lower its risk, shorten its SLA below the floor, or
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
