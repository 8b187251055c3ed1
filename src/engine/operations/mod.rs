//! Running the bot: health, status, heartbeat, maintenance, daily reports.

pub mod daily;
pub mod health;
pub mod heartbeat;
pub mod lock;
pub mod maintenance;
pub mod plot;
pub(crate) mod reports;
pub mod server;
pub mod status;
