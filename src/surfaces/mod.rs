//! Where people see and answer decisions, and where agents ask and wait. A surface calls
//! `engine::Handle` only.

pub mod discord;
pub mod http;
pub mod mcp;
