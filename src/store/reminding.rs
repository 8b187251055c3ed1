//! Changes to reminders for the store. A change is written as a whole: no crash can leave a
//! reminder without a message, or a message without reminders.

use crate::core::Time;
use crate::core::outgoing::Outgoing;
use crate::core::posting::{Change, PostingId};
use crate::core::remind::{On, Reminder};

use super::NewPosting;

/// One atomic change made by the reminder loop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reminding {
    /// New cursor: events up to this log position are processed.
    pub cursor: Option<u64>,
    /// People with a recorded action: Discord id and name.
    pub acted: Vec<(u64, String)>,
    /// Reminders to insert or update.
    pub put: Vec<Reminder>,
    /// Reminders to delete.
    pub drop: Vec<Reminder>,
    /// Messages to create, each with the reminders listed on the message.
    pub open: Vec<(NewPosting, Vec<Reminder>)>,
    /// Existing messages to extend with further reminders.
    pub amend: Vec<Amended>,
    /// Finished reminders with an outcome recorded in the log. A reminder changed since the read is
    /// skipped.
    pub told: Vec<Reminder>,
    /// Deletes finished reminders of fully reported escalation steps, unless a message took in the
    /// reminder after this moment of the store's time.
    pub forget: Option<Time>,
    /// Notifications for the outbox.
    pub send: Vec<Outgoing>,
    /// Time of the change: by the wall clock, and by the store's clock.
    pub at: (Time, Time),
}

/// An existing message to extend.
#[derive(Debug, Clone, PartialEq)]
pub struct Amended {
    /// The message, and when the message was opened.
    pub on: On,
    /// The list's revision as read. If the message has a newer revision, the whole change fails and
    /// nothing is written.
    pub revision: u32,
    /// Changes to the list.
    pub changes: Vec<Change>,
    /// The reminders added to the message.
    pub reminders: Vec<Reminder>,
}

impl Amended {
    /// The message's number.
    #[must_use]
    pub const fn posting(&self) -> PostingId {
        self.on.posting
    }
}

/// Summary of pending reminder work, computed without reading the reminders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// Whether any reminder needs work, apart from held reminders.
    pub moves: bool,
    /// The earliest end of a hold.
    pub held_until: Option<Time>,
    /// All people's preferences as one text, only for comparison.
    pub wishes: String,
}
