//! What the tests share: the program as a process, and cards as people see them.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here"
)]

pub(crate) mod agents;
pub(crate) mod cards;
pub(crate) mod chance;
pub(crate) mod engine;
pub(crate) mod holder;
pub(crate) mod intervals;
pub(crate) mod process;
pub(crate) mod scripted;
pub(crate) mod tools;
pub(crate) mod truth;
