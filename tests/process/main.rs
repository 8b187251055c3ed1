//! The program as a process: `gander serve` and its commands, killed and started again; and what
//! feeds it and what it sends: watched folders, the drop folder, the ladder, push, SMS, calls,
//! webhooks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here"
)]

mod agent_task;
mod agent_task_cards;
mod auto_approval;
mod channels_desk;
mod channels_killed;
mod channels_ntfy;
mod channels_outbox;
mod channels_process;
mod channels_standin;
mod channels_twilio;
mod channels_webhook;
mod command_line;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod doctor;
mod inbox;
mod inbox_files;
mod inbox_schema;
mod inbox_world;
mod kill_intervals;
mod killed;
mod ladder_channels;
mod ladder_killed;
mod ladder_rungs;
mod ladder_world;
mod logs;
mod opening;
mod packaging;
mod serve;
mod serve_reload;
mod status;
mod terminal;
mod token;
mod webhooks;
mod work;
mod work_killed;
mod work_orchestrate;
mod work_world;
mod workrail;
