//! The event log: reading, following, waiting for changes, hints from other processes.

mod follow;
pub(crate) mod history;
pub mod waiters;
pub mod watch;

pub use self::follow::{EventFilter, EventFollower};
