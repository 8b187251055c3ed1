//! Where people see decisions and answer them. Each surface calls `engine::Handle` and nothing else.

pub mod discord;
