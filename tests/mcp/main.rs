//! MCP as its clients meet it: the real program on standard input, streamable HTTP on loopback, raw
//! messages and two SDKs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here"
)]

mod agents;
mod attacks;
mod claude;
#[path = "../common/mod.rs"]
mod common;
mod http;
mod permission;
mod rpc;
mod sdk;
mod stdio;
mod world;
