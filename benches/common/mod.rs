//! What the benchmarks share: how large a run is, the pretend Discord, and the printed table.

#![allow(dead_code, reason = "each benchmark uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

pub(crate) mod bare;
pub(crate) mod bot;
pub(crate) mod report;
pub(crate) mod size;
pub(crate) mod wire;
