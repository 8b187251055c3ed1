//! The approval API over real HTTP on loopback and a real socket: as agents use it, as others abuse
//! it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

mod agent;
mod attacks;
mod attacks_hard;
mod attacks_wire;
#[path = "../common/mod.rs"]
mod common;
mod document;
mod gate;
mod looks;
mod program;
mod world;
