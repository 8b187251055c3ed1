//! Reminders about unanswered decisions: the receivers of an escalation step, the channels, when
//! each receiver may be reached, and the outcome.
//!
//! Pure. A reached escalation step yields one reminder per receiver and channel. Each reminder is
//! held, skipped, sent or failed independently; the known outcomes are reported to the log. Does
//! not depend on how messages look or are delivered.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::message::{Item, ListChange, Listed, MessageId};
use crate::core::Time;
use crate::core::availability::{Availability, ContactTime, ContactUrgency, delivery_timings};
use crate::core::decision::{Decision, DecisionId, Pending, Person, State};
use crate::core::escalation::{
    Channel, Contact, ContactResult, ExternalChannel, LadderPosition, Stage,
};
use crate::core::values::channel::Addressee;

/// Grouping window, by the store's time: one message lists all reminders due for a receiver within
/// this span.
pub const GROUPING_WINDOW: TimeDelta = TimeDelta::minutes(5);

/// The receiver of a reminder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Receiver {
    /// A person.
    Person {
        /// The Discord id.
        user: u64,
        /// The display name.
        name: String,
    },
    /// All members with a role of the server.
    Role {
        /// The role's id.
        role: u64,
        /// The role's name.
        name: String,
    },
    /// Everybody online in the channel (`@here`).
    Here,
    /// A webhook, or the desktop of the bot's machine.
    Machine {
        /// The webhook's name; empty for the desktop.
        name: String,
    },
}

impl Receiver {
    /// A stable key, independent of the display name.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Person { user, .. } => format!("discord:{user}"),
            Self::Role { role, .. } => format!("role:{role}"),
            Self::Here => "here".into(),
            Self::Machine { name } => format!("machine:{name}"),
        }
    }

    /// The receiver as recorded in the log; `None` for `@here` and the desktop.
    #[must_use]
    pub fn who(&self) -> Option<Person> {
        match self {
            Self::Person { user, name } => Some(Person::discord(*user, name)),
            Self::Role { name, .. } => Some(Person { id: self.key(), name: name.clone() }),
            Self::Machine { name } if !name.is_empty() => {
                Some(Person { id: self.key(), name: name.clone() })
            }
            Self::Here | Self::Machine { .. } => None,
        }
    }
}

/// State of a reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stands", rename_all = "snake_case")]
pub enum ReminderState {
    /// Due with the next message.
    Due,
    /// Held back during quiet time; due when the hold ends, unless the receiver is unavailable
    /// again.
    Held {
        /// End of the hold, by the store's time.
        until: Time,
    },
    /// Listed on a Discord message, possibly already posted.
    Posted,
    /// In the outbox.
    #[serde(rename = "outgoing")]
    Notification {
        /// The notification's key.
        key: String,
    },
    /// Finished.
    Over {
        /// The outcome.
        #[serde(rename = "came")]
        result: ContactResult,
    },
}

/// An escalation step of a decision, for one receiver and one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// Log position of the escalation step.
    #[serde(rename = "climb")]
    pub position: u64,
    /// The decision.
    pub decision: DecisionId,
    /// The stage of the escalation step.
    pub stage: Stage,
    /// The receiver.
    pub receiver: Receiver,
    /// The channel.
    #[serde(rename = "way")]
    pub channel: Channel,
    /// When the escalation step was reached, by the store's time.
    pub at: Time,
    /// The message with this reminder, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<ReminderMessage>,
    /// The state.
    #[serde(flatten)]
    pub state: ReminderState,
}

/// The message with a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderMessage {
    /// The message's number.
    #[serde(rename = "posting")]
    pub message: MessageId,
    /// When the message was opened, by the store's time.
    pub since: Time,
}

impl Reminder {
    /// The outcome as recorded in the log. `None` while unknown.
    #[must_use]
    pub fn contact(&self) -> Option<Contact> {
        let result = match &self.state {
            ReminderState::Due | ReminderState::Posted | ReminderState::Notification { .. } => {
                return None;
            }
            ReminderState::Held { until } => ContactResult::Held { until: *until },
            ReminderState::Over { result } => result.clone(),
        };
        Some(Contact { who: self.receiver.who(), channel: self.channel, result })
    }
}

/// An approver with availability and channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The Discord id.
    pub user: u64,
    /// The display name.
    pub name: String,
    /// Quiet hours, snooze or absence.
    pub availability: Availability,
    /// The channels outside Discord with an address for this person.
    pub channels: Vec<ExternalChannel>,
}

/// Everybody with permission to decide a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Individually known approvers, never including the asker.
    pub people: Vec<Approver>,
    /// Approver roles, by id and name.
    pub roles: Vec<(u64, String)>,
    /// Webhooks (by name) and the desktop (empty name) subscribed to the decision.
    pub machines: Vec<(ExternalChannel, String)>,
    /// Why `@here` would reach nobody in the decision's channel, if so.
    pub no_here: Option<String>,
}

/// The urgency of an escalation step.
#[must_use]
pub fn urgency(stage: Stage) -> ContactUrgency {
    if stage >= Stage::Breach { ContactUrgency::Breach } else { ContactUrgency::Usual }
}

/// The people and roles addressed at a stage: before the breach only the person who took the
/// decision, and never a person who has voted.
fn addressees<'a>(
    decision: &Decision,
    stage: Stage,
    audience: &'a Audience,
) -> (Vec<&'a Approver>, &'a [(u64, String)]) {
    let State::Pending(Pending { taken, votes, .. }) = &decision.state else {
        return (Vec::new(), &[]);
    };
    let is = |person: &Person, approver: &Approver| person.discord_id() == Some(approver.user);
    let missing = |approver: &&Approver| !votes.iter().any(|vote| is(&vote.by, approver));
    if let Some(taken) = taken.as_ref().filter(|_| stage < Stage::Breach) {
        let alone: Vec<&Approver> =
            audience.people.iter().filter(|approver| is(&taken.by, approver)).collect();
        // A person who is away, or not a known approver, does not keep the others from being
        // reminded.
        if alone.iter().any(|approver| !matches!(approver.availability, Availability::Away { .. }))
        {
            return (alone, &[]);
        }
    }
    (audience.people.iter().filter(missing).collect(), &audience.roles)
}

/// The reminders of a reached escalation step, in the order of the step's channels. Channels
/// without configuration or address are skipped.
#[must_use]
pub fn reminders(
    decision: &Decision,
    position: &LadderPosition,
    by: &[Channel],
    audience: &Audience,
) -> Vec<Reminder> {
    let stage = position.stage;
    let (people, roles) = addressees(decision, stage, audience);
    let is_alone = roles.is_empty() && people.len() < audience.people.len() + audience.roles.len();
    let available: Vec<Availability> =
        people.iter().map(|approver| approver.availability).collect();
    let reach = delivery_timings(&available, urgency(stage), decision.terms.risk);
    let reminder = |receiver, channel, state| Reminder {
        position: position.seq,
        decision: decision.id,
        stage,
        receiver,
        channel,
        at: position.at,
        on: None,
        state,
    };
    let to_each = |channel: Channel| {
        let has = move |approver: &Approver| {
            channel.external().is_none_or(|channel| approver.channels.contains(&channel))
        };
        let meant = people.iter().zip(&reach).filter(move |(approver, _)| has(approver));
        meant.map(move |(approver, reach)| {
            let receiver = Receiver::Person { user: approver.user, name: approver.name.clone() };
            reminder(receiver, channel, initial_state(*reach))
        })
    };
    let mention = || {
        let role =
            |(role, name): &(u64, String)| Receiver::Role { role: *role, name: name.clone() };
        let roles = roles
            .iter()
            .map(move |named| reminder(role(named), Channel::Mention, ReminderState::Due));
        to_each(Channel::Mention).chain(roles)
    };
    let mut found: Vec<Reminder> = Vec::new();
    for channel in by.iter().copied() {
        match (channel, &audience.no_here) {
            (Channel::Dm, _) => found.extend(to_each(channel)),
            (Channel::Mention, _) => found.extend(mention()),
            // Reminds the person who took the decision before the whole channel.
            (Channel::Here, _) if is_alone => found.extend(to_each(Channel::Mention)),
            (Channel::Here, None) => {
                found.push(reminder(Receiver::Here, Channel::Here, ReminderState::Due))
            }
            (Channel::Here, Some(why)) => {
                let result = ContactResult::Failed { why: why.clone() };
                found.push(reminder(Receiver::Here, Channel::Here, ReminderState::Over { result }));
                found.extend(mention());
            }
            (Channel::External(external), _) => match external.addressee() {
                Addressee::Person => found.extend(to_each(channel)),
                Addressee::Machine => found.extend(
                    machines(audience, external)
                        .map(|machine| reminder(machine, channel, ReminderState::Due)),
                ),
            },
        }
    }
    without_duplicates(found)
}

/// The webhooks or the desktop subscribed to the decision.
fn machines(audience: &Audience, channel: ExternalChannel) -> impl Iterator<Item = Receiver> {
    let of_channel = audience.machines.iter().filter(move |(other, _)| *other == channel);
    of_channel.map(|(_, name)| Receiver::Machine { name: name.clone() })
}

/// Keeps the first reminder of each receiver and channel.
fn without_duplicates(mut reminders: Vec<Reminder>) -> Vec<Reminder> {
    let mut seen = BTreeSet::new();
    reminders.retain(|reminder| seen.insert((reminder.receiver.key(), reminder.channel)));
    reminders
}

const fn initial_state(reach: ContactTime) -> ReminderState {
    match reach {
        ContactTime::Now => ReminderState::Due,
        ContactTime::Held { until, .. } => ReminderState::Held { until },
        ContactTime::PassedOver { until } => {
            ReminderState::Over { result: ContactResult::Away { until } }
        }
    }
}

/// Outcomes of an escalation step's reminders still missing in the log, and whether all outcomes
/// are known. `None` if nothing needs to be reported.
#[must_use]
pub fn outcomes_to_report(
    decision: &Decision,
    position: u64,
    reminders: &[Reminder],
) -> Option<(Vec<Contact>, bool)> {
    let current = decision.position.as_ref().filter(|current| current.seq == position)?;
    // Waits for all Discord reminders, known within moments, to report them together. Does not wait
    // for notifications outside Discord, possibly slow.
    if reminders
        .iter()
        .any(|reminder| matches!(reminder.state, ReminderState::Due | ReminderState::Posted))
    {
        return None;
    }
    let known = |contact: &Contact| current.contacts.contains(contact);
    let contacts: Vec<Contact> = reminders.iter().filter_map(Reminder::contact).collect();
    let complete = contacts.len() == reminders.len();
    let waits = |contact: &Contact| {
        matches!(contact.result, ContactResult::Reached | ContactResult::Held { .. })
    };
    let in_vain = complete && !contacts.iter().any(waits);
    let new: Vec<Contact> = contacts.iter().filter(|contact| !known(contact)).cloned().collect();
    (!new.is_empty() || in_vain != current.in_vain).then_some((new, complete))
}

/// Changes needed to bring a reminder's list to the decisions' current revisions.
#[must_use]
pub fn list_changes(listed: &[Listed]) -> Vec<ListChange> {
    let changed =
        |listed: &&Listed| listed.is_open_here() && listed.item.seen != listed.decision.revision;
    listed
        .iter()
        .filter(changed)
        .map(|listed| ListChange::Put(Item::of(&listed.decision)))
        .collect()
}

#[cfg(test)]
mod tests;
