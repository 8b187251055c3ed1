//! What happens while nobody answers: due steps, reminders, the scheduler.

pub(crate) mod progress;
pub mod reminders;
pub mod scheduler;
