//! Decisions, events, grants and questions as the JSON types of [`gander_client::types`], which
//! agents and programs exchange with Gander over every transport. Pure.

mod decision;
mod event;
mod grant;
mod job;
mod question;
mod read;
mod script;

pub use self::decision::{approvers, decision, resolution};
pub use self::event::event;
pub use self::grant::listed_grant;
pub use self::job::{job, job_event};
pub use self::question::{question, request};
pub use self::read::{Hint, ReadError, read};
