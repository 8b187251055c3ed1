//! The server as a bot's library meets it: REST, the gateway, interactions, and how they misbehave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod channels;
mod clock;
#[path = "../common/mod.rs"]
mod common;
mod control;
mod conversation;
mod coverage;
mod faults;
mod forms;
mod gateway;
mod guilds;
mod interactions;
mod layout;
mod members;
mod menus;
mod permissions;
mod pins;
mod program;
mod reactions;
mod rest;
mod snapshots;
mod strict;
mod threads;
mod webhooks;
mod wire;
