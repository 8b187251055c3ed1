//! The ways beyond Discord against stand-ins on loopback that check each request by the
//! documentation and answer as it says, with failures; and the outbox over virtual time: retries,
//! caps, the record, deaths in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails here"
)]

#[path = "../common/mod.rs"]
mod common;

mod desk;
mod kept;
mod killed;
mod ntfy;
mod outbox;
mod process;
mod standin;
mod twilio;
mod webhook;
