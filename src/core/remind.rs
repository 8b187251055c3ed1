//! Who is reminded of a decision that nobody answers: whom a rung means, by which ways, when each
//! may be reached, and what came of it.
//!
//! Pure. A rung that was climbed becomes reminders, one for each receiver and way; each is held
//! back, passed over, sent or lost on its own, and what is known of all of them is what the log is
//! told. Must not know how a message looks or travels.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::{Decision, DecisionId, Pending, Person, State};
use super::ladder::{Came, Climb, Contact, Stage, Way};
use super::outgoing;
use super::people::{Availability, Reach, Urgency, who_is_reached};
use super::posting::{Change, Item, Listed, PostingId};

/// Within this time, of the store's, one message lists all that is due for a receiver.
pub const GATHERED: TimeDelta = TimeDelta::minutes(5);

mod card;

pub use self::card::{
    confirmation_card, incident_card, mention_card, reminder_card, unreached_card,
};

/// Who receives a reminder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Receiver {
    /// A person.
    Person {
        /// Their Discord id.
        user: u64,
        /// What they are called.
        name: String,
    },
    /// Everybody with a role of the server's.
    Role {
        /// Its id.
        role: u64,
        /// Its name.
        name: String,
    },
    /// Whoever is in the channel at the time.
    Here,
    /// A program or machine of the user's own.
    Machine {
        /// Its address, of a webhook its name; empty for the desktop.
        name: String,
    },
}

impl Receiver {
    /// Names it for good, whatever it is called.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Person { user, .. } => format!("discord:{user}"),
            Self::Role { role, .. } => format!("role:{role}"),
            Self::Here => "here".into(),
            Self::Machine { name } => format!("machine:{name}"),
        }
    }

    /// As the log names it; absent: everybody in the channel, or the machine.
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

/// How a reminder stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stands", rename_all = "snake_case")]
pub enum Standing {
    /// It goes out with the next message.
    Due,
    /// It is their quiet time: it goes out then, unless it is quiet again.
    Held {
        /// When, by the store's time.
        until: Time,
    },
    /// It is on a message of the surface (a posting), which may hang already.
    Posted,
    /// It is in the outbox.
    Outgoing {
        /// The message's key there.
        key: String,
    },
    /// Nothing more comes of it.
    Over {
        /// What came.
        came: Came,
    },
}

/// A decision's rung, for one receiver by one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// The log's position of the rung.
    pub climb: u64,
    /// Of which decision.
    pub decision: DecisionId,
    /// The sort of the rung.
    pub stage: Stage,
    /// To whom.
    pub receiver: Receiver,
    /// By what.
    pub way: Way,
    /// When the rung was climbed, by the store's time.
    pub at: Time,
    /// The message that it is on, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<On>,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// The message that a reminder is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct On {
    /// The posting.
    pub posting: PostingId,
    /// Since when, by the store's time.
    pub since: Time,
}

impl Reminder {
    /// What came of it, as the log is told. `None`: that is not known yet.
    #[must_use]
    pub fn contact(&self) -> Option<Contact> {
        let came = match &self.standing {
            Standing::Due | Standing::Posted | Standing::Outgoing { .. } => return None,
            Standing::Held { until } => Came::Held { until: *until },
            Standing::Over { came } => came.clone(),
        };
        Some(Contact { who: self.receiver.who(), way: self.way, came })
    }
}

/// Somebody who may decide, and whether they can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Their Discord id.
    pub user: u64,
    /// What they are called.
    pub name: String,
    /// Whether they can be reached.
    pub availability: Availability,
    /// The ways beyond the surface by which they can be reached.
    pub ways: Vec<outgoing::Way>,
}

/// All who may decide a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Those known by name. Never the asker.
    pub people: Vec<Approver>,
    /// Roles whose holders may, by id and name.
    pub roles: Vec<(u64, String)>,
    /// Programs and machines that hear of it: of a webhook its name, for the desktop nothing.
    pub machines: Vec<(outgoing::Way, String)>,
    /// Why `@here` would reach nobody in its channel, if so.
    pub no_here: Option<String>,
}

/// The way as the outbox names it; `None` for the surface's own.
#[must_use]
pub const fn beyond(way: Way) -> Option<outgoing::Way> {
    Some(match way {
        Way::Dm | Way::Mention | Way::Here => return None,
        Way::Push => outgoing::Way::Push,
        Way::Sms => outgoing::Way::Sms,
        Way::Voice => outgoing::Way::Voice,
        Way::Webhook => outgoing::Way::Webhook,
        Way::Desktop => outgoing::Way::Desktop,
    })
}

/// How a rung presses.
#[must_use]
pub fn urgency(stage: Stage) -> Urgency {
    if stage >= Stage::Breach { Urgency::Breach } else { Urgency::Usual }
}

/// Those who are meant at a stage: whoever has taken it alone, until the breach; nobody who has
/// voted already.
fn meant<'a>(
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
        // Somebody who is away, or not known, is not waited for.
        if alone.iter().any(|approver| !matches!(approver.availability, Availability::Away { .. }))
        {
            return (alone, &[]);
        }
    }
    (audience.people.iter().filter(missing).collect(), &audience.roles)
}

/// The reminders of a rung that was climbed, in the order of its ways. What is not configured or
/// has no address is left out.
#[must_use]
pub fn reminders(
    decision: &Decision,
    climb: &Climb,
    by: &[Way],
    audience: &Audience,
) -> Vec<Reminder> {
    let stage = climb.stage;
    let (people, roles) = meant(decision, stage, audience);
    let is_alone = roles.is_empty() && people.len() < audience.people.len() + audience.roles.len();
    let available: Vec<Availability> =
        people.iter().map(|approver| approver.availability).collect();
    let reach = who_is_reached(&available, urgency(stage), decision.terms.risk);
    let reminder = |receiver, way, standing| Reminder {
        climb: climb.seq,
        decision: decision.id,
        stage,
        receiver,
        way,
        at: climb.at,
        on: None,
        standing,
    };
    let to_each = |way: Way| {
        let has =
            move |approver: &Approver| beyond(way).is_none_or(|way| approver.ways.contains(&way));
        let meant = people.iter().zip(&reach).filter(move |(approver, _)| has(approver));
        meant.map(move |(approver, reach)| {
            let receiver = Receiver::Person { user: approver.user, name: approver.name.clone() };
            reminder(receiver, way, standing(*reach))
        })
    };
    let mention = || {
        let role =
            |(role, name): &(u64, String)| Receiver::Role { role: *role, name: name.clone() };
        let roles =
            roles.iter().map(move |named| reminder(role(named), Way::Mention, Standing::Due));
        to_each(Way::Mention).chain(roles)
    };
    let mut found: Vec<Reminder> = Vec::new();
    for way in by {
        match (way, &audience.no_here) {
            (Way::Dm | Way::Push | Way::Sms | Way::Voice, _) => found.extend(to_each(*way)),
            (Way::Mention, _) => found.extend(mention()),
            // Whoever said "I'm on it" is asked before the whole channel is.
            (Way::Here, _) if is_alone => found.extend(to_each(Way::Mention)),
            (Way::Here, None) => found.push(reminder(Receiver::Here, Way::Here, Standing::Due)),
            (Way::Here, Some(why)) => {
                let came = Came::Failed { why: why.clone() };
                found.push(reminder(Receiver::Here, Way::Here, Standing::Over { came }));
                found.extend(mention());
            }
            (Way::Webhook | Way::Desktop, _) => {
                let hears =
                    audience.machines.iter().filter(|(machine, _)| beyond(*way) == Some(*machine));
                found.extend(hears.map(|(_, name)| {
                    reminder(Receiver::Machine { name: name.clone() }, *way, Standing::Due)
                }));
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|reminder| seen.insert((reminder.receiver.key(), reminder.way)));
    found
}

const fn standing(reach: Reach) -> Standing {
    match reach {
        Reach::Now => Standing::Due,
        Reach::Held { until, .. } => Standing::Held { until },
        Reach::PassedOver { until } => Standing::Over { came: Came::Away { until } },
    }
}

/// What the log is to be told of a rung's reminders, and whether that is all. `None`: nothing that
/// it does not know.
#[must_use]
pub fn news(
    decision: &Decision,
    climb: u64,
    reminders: &[Reminder],
) -> Option<(Vec<Contact>, bool)> {
    let standing = decision.climb.as_ref().filter(|standing| standing.seq == climb)?;
    // One word at a time: what is on its way to the surface is known in a moment. What goes beyond
    // may take long.
    if reminders
        .iter()
        .any(|reminder| matches!(reminder.standing, Standing::Due | Standing::Posted))
    {
        return None;
    }
    let known = |contact: &Contact| standing.contacts.contains(contact);
    let contacts: Vec<Contact> = reminders.iter().filter_map(Reminder::contact).collect();
    let complete = contacts.len() == reminders.len();
    let waits = |contact: &Contact| matches!(contact.came, Came::Reached | Came::Held { .. });
    let in_vain = complete && !contacts.iter().any(waits);
    let new: Vec<Contact> = contacts.iter().filter(|contact| !known(contact)).cloned().collect();
    (!new.is_empty() || in_vain != standing.in_vain).then_some((new, complete))
}

/// How a reminder's list must change so that what is decided from it is what stands.
#[must_use]
pub fn follow(listed: &[Listed]) -> Vec<Change> {
    let changed =
        |listed: &&Listed| listed.waits_here() && listed.item.seen != listed.decision.revision;
    listed.iter().filter(changed).map(|listed| Change::Put(Item::of(&listed.decision))).collect()
}

#[cfg(test)]
mod tests;
