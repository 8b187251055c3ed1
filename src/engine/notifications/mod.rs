//! Notifications through channels beyond Discord: outbox, dispatcher, and the interface
//! of a channel.

pub(crate) mod dispatcher;
pub mod outbox;
pub(crate) mod sender;
