//! The connection to Discord: login, gateway, channels, errors, health.

pub(crate) mod channels;
pub(crate) mod connect;
pub(crate) mod error;
pub(crate) mod gateway;
pub(crate) mod health;
pub(crate) mod people;
