//! The bot as people and agents know it: through the pretend Discord, with the real client and its
//! rate limiter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

mod alarm;
mod another;
mod answers;
mod attention;
mod batches;
mod batches_page;
mod batches_review;
mod batches_weather;
mod bot;
mod card_page;
mod choices;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod confidence;
mod confirm;
mod deferring;
mod demo_page;
mod desk;
mod draw;
mod edits;
mod files;
mod gate_page;
mod grants;
mod grants_longer;
mod holders;
mod hostile;
mod hostile_page;
mod ladder;
mod ladder_page;
mod ladder_people;
mod ladder_weather;
mod links;
mod permission;
mod permission_page;
mod questions;
mod reload;
mod scripts;
mod servers;
mod talk;
mod texts;
mod together;
mod weather;
mod weather_gateway;
mod weather_rest;
