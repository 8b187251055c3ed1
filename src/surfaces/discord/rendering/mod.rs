//! Messages on Discord: cards and views as components, and the reconciler's sink.

pub(crate) mod message_views;
pub(crate) mod render;
pub(crate) mod reports;
pub(crate) mod search;
pub(crate) mod shown;
pub(crate) mod sink;
