//! Gates: agents stop at a person's decision, and at everything that goes wrong with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here"
)]

mod broken;
#[path = "../common/mod.rs"]
mod common;
mod decided;
mod faulty;
mod install;
mod reach;
mod real;
mod standin;
mod world;
