//! Where people see decisions and answer them, and agents ask and wait. Each surface calls
//! `engine::Handle` and nothing else.

pub mod discord;
pub mod http;
pub mod mcp;
