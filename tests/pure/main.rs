//! What needs neither a store nor a process: the promises of a decision, phrases said to the bot,
//! plots, and the architecture of the source.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod architecture;
mod core_promises;
mod core_property;
mod core_walk;
mod invariants;
mod model;
mod opening;
mod phrases;
mod plots;
mod tidy;
