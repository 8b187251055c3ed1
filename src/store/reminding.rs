//! What the store is told of reminders: a step is written as a whole, so that a reminder is never
//! without its message, nor a message without its reminders, wherever the process is killed.

use crate::core::Time;
use crate::core::outgoing::Outgoing;
use crate::core::posting::{Change, PostingId};
use crate::core::remind::{On, Reminder};

use super::NewPosting;

/// A step of whoever reminds people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reminding {
    /// The log was read up to here.
    pub cursor: Option<u64>,
    /// Somebody who has acted: their Discord id and name.
    pub acted: Vec<(u64, String)>,
    /// Reminders as they stand from now on, new or changed.
    pub put: Vec<Reminder>,
    /// Reminders of which nothing more comes.
    pub drop: Vec<Reminder>,
    /// Messages to be opened, each with the reminders that go onto it.
    pub open: Vec<(NewPosting, Vec<Reminder>)>,
    /// A message that takes in more: its list of this revision is changed, and these reminders go
    /// onto it.
    pub amend: Vec<Amended>,
    /// Reminders that are over, of which the log knows what came. One that has changed since it was
    /// read is passed over.
    pub told: Vec<Reminder>,
    /// Rungs of which the log knows all are forgotten where no message has taken in any of them
    /// after this, by the store's time.
    pub forget: Option<Time>,
    /// Messages for the outbox.
    pub send: Vec<Outgoing>,
    /// When: the wall clock's time and the store's.
    pub at: (Time, Time),
}

/// A message that takes in more.
#[derive(Debug, Clone, PartialEq)]
pub struct Amended {
    /// Which, and since when it is out.
    pub on: On,
    /// Its list as it was seen. Another one by now: then nothing of the whole step is written.
    pub revision: u32,
    /// What is changed.
    pub changes: Vec<Change>,
    /// The reminders that go onto it.
    pub reminders: Vec<Reminder>,
}

impl Amended {
    /// Which posting.
    #[must_use]
    pub const fn posting(&self) -> PostingId {
        self.on.posting
    }
}

/// What of the reminders may be seen at a glance, without reading them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// Whether there is anything to be done about one of them, apart from those that are held back.
    pub moves: bool,
    /// When the first that is held back may go.
    pub held_until: Option<Time>,
    /// What people have said of themselves, all of it: to be compared, not read.
    pub wishes: String,
}
