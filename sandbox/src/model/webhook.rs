//! Webhooks of channels.

use crate::snowflake::Snowflake;

/// An incoming webhook.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) id: Snowflake,
    pub(crate) guild: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) name: String,
    /// The hash of its picture.
    pub(crate) avatar: Option<String>,
    pub(crate) token: String,
    /// The application whose bot made it, and which owns it.
    pub(crate) application: Snowflake,
}
