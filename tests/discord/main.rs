//! The bot as people and agents know it: through the pretend Discord, with the real client and its rate limiter.

#![allow(clippy::unwrap_used, reason = "a test")]

mod answers;
mod attention;
mod bot;
mod choices;
mod draw;
mod hostile;
mod reload;
mod weather;
