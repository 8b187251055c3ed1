//! What a Discord message stands for: card, batch, reminder, digest, incident report; and the
//! notifications that leave through other channels.

pub mod batch;
pub mod daily;
pub mod digest;
pub mod incident;
pub mod message;
pub mod notification;
pub mod reminder;
