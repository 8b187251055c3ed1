//! The agents' side, against the real program: gates at which agents stop without knowing of
//! Gander, the HTTP API, MCP, `gander-client`, and the loops of docs/agents.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here"
)]

mod acp_answers;
mod acp_decided;
mod acp_hostile;
mod acp_prompt;
mod acp_real;
mod acp_release;
mod acp_world;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod examples;
mod examples_agent;
mod gates_broken;
mod gates_check;
mod gates_decided;
mod gates_desk;
mod gates_edits;
mod gates_faulty;
mod gates_grants;
mod gates_install;
mod gates_others;
mod gates_places;
mod gates_questions;
mod gates_reach;
mod gates_real;
mod gates_release;
mod gates_resume;
mod gates_scripts;
mod gates_standin;
mod gates_surroundings;
mod gates_world;
mod http_agent;
mod http_attacks;
mod http_attacks_hard;
mod http_attacks_wire;
mod http_document;
mod http_edits;
mod http_flood;
mod http_gate;
mod http_grants;
mod http_looks;
mod http_program;
mod http_proxy;
mod http_scopes;
mod http_world;
mod mcp_agents;
mod mcp_arguments;
mod mcp_attacks;
mod mcp_behind;
mod mcp_claude;
mod mcp_http;
mod mcp_permission;
mod mcp_protocol;
mod mcp_rounds;
mod mcp_rpc;
mod mcp_sdk;
mod mcp_stdio;
mod mcp_tasks;
mod mcp_tasks_attacks;
mod mcp_world;
