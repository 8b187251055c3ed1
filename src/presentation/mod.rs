//! What people and agents read, computed from the core's data: cards, plots, and every sentence.
//!
//! Pure. [`text`] has the wording, a module per context; [`chat`] understands words said to the
//! bot.

pub mod acp;
pub mod batch;
pub mod card;
pub mod chat;
pub mod find;
pub mod gate;
pub mod json;
pub mod message;
pub mod plot;
pub mod questions;
pub mod reminder;
pub mod reports;
pub mod review;
pub mod text;
