//! Changes to reminders for the store. A change is written as a whole: no crash can leave a
//! reminder without a message, or a message without reminders.

use crate::core::Time;
use crate::core::messaging::message::{ListChange, MessageId};
use crate::core::messaging::notification::Notification;
use crate::core::messaging::reminder::{Reminder, ReminderMessage};

use super::NewMessage;

/// One atomic change made by the reminder loop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReminderUpdate {
    /// New cursor: events up to this log position are processed.
    pub cursor: Option<u64>,
    /// People with a recorded action: Discord id and name.
    pub acted: Vec<(u64, String)>,
    /// Reminders to insert or update.
    pub put: Vec<Reminder>,
    /// Reminders to delete.
    pub drop: Vec<Reminder>,
    /// Messages to create, each with the reminders listed on the message.
    pub open: Vec<(NewMessage, Vec<Reminder>)>,
    /// Existing messages to extend with further reminders.
    pub amend: Vec<ListUpdate>,
    /// Finished reminders with an outcome recorded in the log. A reminder changed since the read is
    /// skipped.
    pub reported: Vec<Reminder>,
    /// Deletes finished reminders of fully reported escalation steps, unless a message took in the
    /// reminder after this moment of the store's time.
    pub forget: Option<Time>,
    /// Notifications for the outbox.
    pub send: Vec<Notification>,
    /// Time of the change: by the wall clock, and by the store's clock.
    pub at: (Time, Time),
}

/// An existing message to extend.
#[derive(Debug, Clone, PartialEq)]
pub struct ListUpdate {
    /// The message, and when the message was opened.
    pub on: ReminderMessage,
    /// The list's revision as read. If the message has a newer revision, the whole change fails and
    /// nothing is written.
    pub revision: u32,
    /// Changes to the list.
    pub changes: Vec<ListChange>,
    /// The reminders added to the message.
    pub reminders: Vec<Reminder>,
}

impl ListUpdate {
    /// The message's number.
    #[must_use]
    pub const fn message(&self) -> MessageId {
        self.on.message
    }
}

/// Summary of pending reminder work, computed without reading the reminders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReminderStatus {
    /// Whether any reminder needs work, apart from held reminders.
    pub moves: bool,
    /// The earliest end of a hold.
    pub held_until: Option<Time>,
    /// All people's preferences as one text, only for comparison.
    pub preferences: String,
}
