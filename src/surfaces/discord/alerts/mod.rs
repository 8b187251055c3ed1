//! Messages without a click: reminders, direct messages, and alerts about the bot itself.

pub(crate) mod assignments;
pub(crate) mod config_alert;
pub(crate) mod direct_message;
pub(crate) mod duplicate_bot;
pub(crate) mod other_server;
pub(crate) mod reminders;
pub(crate) mod undeliverable_alert;
