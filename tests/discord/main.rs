//! The bot as people and agents know it: through the pretend Discord, with the real client and its rate limiter.

#![allow(clippy::unwrap_used, reason = "a test")]

mod alarm;
mod answers;
mod attention;
mod bot;
mod choices;
mod commands;
mod draw;
mod hostile;
mod reload;
mod talk;
mod together;
mod weather;
