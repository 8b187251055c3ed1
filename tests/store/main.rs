//! The store and the approval API on it: what every store must do, what SQLite's adds, and what it
//! withstands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

mod access;
#[path = "../common/mod.rs"]
mod common;
mod daily;
mod handle;
mod jobs;
mod precedents;
mod resumptions;
mod store_messages;
mod store_outgoing;
mod store_reminders;
mod store_sqlite;
mod store_suite;
mod store_upkeep;
mod store_versions;
mod store_worst;
