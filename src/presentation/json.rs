//! Decisions, events and questions as the JSON types of [`gander_client::types`], which agents and
//! programs exchange with Gander over every transport. Pure.

mod decision;
mod event;
mod question;
mod read;

pub use self::decision::{approvers, decision, resolution};
pub use self::event::event;
pub use self::question::{question, request};
pub use self::read::{Hint, ReadError, read};
