//! A message for several decisions: purpose, place and list.
//!
//! Batch cards and reminders are examples. Every posted list is numbered and kept, so that a button
//! refers to exactly the list above the button, as long as the message exists. Presentation lives
//! in `batch` and in the modules of the other purposes; posting and reconciling is the engine's
//! part. Does not depend on Discord or SQL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Time;
use super::batch::{batch_card, mend};
use super::card::Card;
use super::decision::{Decision, DecisionId, Revision};
use super::digest::Digest;
use super::figures::digest_card;
use super::ladder::Contact;
use super::pace::Pace;
use super::remind::{
    confirmation_card, follow, incident_card, mention_card, reminder_card, unreached_card,
};
use super::review::review_card;

/// The number of a message within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostingId(pub i64);

impl fmt::Display for PostingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The purpose of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// The shared card for low-risk and medium-risk decisions of one project, in place of own
    /// cards.
    Batch {
        /// The project.
        project: String,
    },
    /// The automatic approvals of one project, for people to disagree with.
    Review {
        /// The project.
        project: String,
        /// The end of the reviewed span, by the store's time.
        until: Time,
    },
    /// A day's figures.
    Digest {
        /// The figures at the time of the digest.
        digest: Box<Digest>,
    },
    /// One person's selection, to review step by step or to approve in bulk. Never posted; kept for
    /// buttons that refer to the list.
    Selection {
        /// The person's id.
        of: String,
    },
    /// A direct message with one person's reminders.
    Reminder {
        /// The person's Discord id.
        user: u64,
    },
    /// A mention under the cards of one channel.
    Mention {
        /// Discord ids of the mentioned people.
        users: Vec<u64>,
        /// Ids of the mentioned roles.
        roles: Vec<u64>,
        /// Whether to mention `@here`.
        here: bool,
    },
    /// Asks one person to confirm a proposed verdict, given where it could not take effect.
    Confirmation {
        /// The person's Discord id.
        user: u64,
        /// `true` for a direct message, `false` for a mention under the card.
        direct: bool,
    },
    /// The incident report on a decision without a timely answer.
    Incident {
        /// The full report, as of the time of the report.
        report: String,
    },
    /// Alert: nobody could be reached for a decision through any channel.
    Unreached {
        /// The attempted contacts.
        contacts: Vec<Contact>,
    },
}

impl Purpose {
    /// The name used in stored rows and queries.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Batch { .. } => "batch",
            Self::Review { .. } => "review",
            Self::Digest { .. } => "digest",
            Self::Selection { .. } => "selection",
            Self::Reminder { .. } => "reminder",
            Self::Mention { .. } => "mention",
            Self::Confirmation { .. } => "confirmation",
            Self::Incident { .. } => "incident",
            Self::Unreached { .. } => "unreached",
        }
    }

    /// Whether the reconciler gives up if the message cannot be posted. The requester must then
    /// learn of the failure, to try another channel.
    #[must_use]
    pub const fn gives_up(&self) -> bool {
        matches!(
            self,
            Self::Reminder { .. } | Self::Mention { .. } | Self::Confirmation { direct: true, .. }
        )
    }

    /// The fallback purpose posted beside the card if the message cannot be posted, so that the
    /// person is still informed.
    #[must_use]
    pub const fn instead(&self) -> Option<Self> {
        match self {
            Self::Confirmation { user, direct: true } => {
                Some(Self::Confirmation { user: *user, direct: false })
            }
            _ => None,
        }
    }

    /// Whether a deleted message stays deleted.
    const fn is_posted_once(&self) -> bool {
        !matches!(self, Self::Batch { .. })
    }

    /// Whether the message still serves a purpose for these decisions: for most purposes, while a
    /// listed decision is open.
    #[must_use]
    pub fn is_wanted(&self, listed: &[Listed]) -> bool {
        match self {
            Self::Batch { .. }
            | Self::Reminder { .. }
            | Self::Mention { .. }
            | Self::Confirmation { .. } => listed.iter().any(Listed::waits_here),
            // A deleted review or digest counts as read.
            Self::Review { .. } | Self::Digest { .. } | Self::Selection { .. } => false,
            Self::Incident { .. } | Self::Unreached { .. } => true,
        }
    }
}

/// Where to post a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The project's channel, resolved at the time of posting.
    Project(String),
    /// A channel, by id.
    Channel(String),
    /// A person's direct messages, by Discord id.
    Direct(u64),
    /// The digest channel, resolved at the time of posting.
    Digest,
    /// Not posted: a list kept only for buttons.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(name) => write!(f, "project:{name}"),
            Self::Channel(id) => write!(f, "channel:{id}"),
            Self::Direct(user) => write!(f, "dm:{user}"),
            Self::Digest => f.write_str("digest"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("the place {text:?}");
        match text.split_once(':') {
            Some(("project", name)) => Ok(Self::Project(name.to_owned())),
            Some(("channel", id)) => Ok(Self::Channel(id.to_owned())),
            Some(("dm", user)) => user.parse().map(Self::Direct).map_err(|_| unknown()),
            _ if text == "digest" => Ok(Self::Digest),
            _ if text == "nowhere" => Ok(Self::Nowhere),
            _ => Err(unknown()),
        }
    }
}

/// A decision on a message's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The decision.
    pub decision: DecisionId,
    /// The listed revision; this list can approve no other revision.
    pub seen: Revision,
    /// The decision's return count when listed.
    pub returns: u32,
    /// The first list with this item.
    pub since: u32,
    /// The first list without this item, if removed.
    pub gone: Option<u32>,
}

impl Item {
    /// A list item for a decision's current state.
    #[must_use]
    pub const fn of(decision: &Decision) -> Self {
        Self {
            decision: decision.id,
            seen: decision.revision,
            returns: decision.returns,
            since: 0,
            gone: None,
        }
    }

    /// Whether the list with this number contains the item.
    #[must_use]
    pub fn was_on(&self, revision: u32) -> bool {
        self.since <= revision && self.gone.is_none_or(|gone| gone > revision)
    }
}

/// A change to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Adds a decision, or updates a listed decision to the current revision and return count.
    Put(Item),
    /// Removes a decision.
    Drop(DecisionId),
}

/// Post state of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hanging {
    /// Not posted yet.
    Nothing,
    /// A create has started and may have succeeded.
    Begun {
        /// The channel's id.
        channel: String,
        /// When the create started, by the wall clock.
        at: Time,
    },
    /// Posted.
    Message {
        /// The channel's id.
        channel: String,
        /// The message's id.
        message: String,
        /// Log position of the state shown in the message.
        shown: u64,
        /// Number of the list shown in the message; 0 if unknown.
        drawn: u32,
    },
    /// Final: never posted or edited again.
    Over,
}

/// A message with all current and former items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The message's number.
    pub id: PostingId,
    /// The purpose.
    pub purpose: Purpose,
    /// Where to post the message.
    pub place: Place,
    /// Creation time of the record, by the wall clock.
    pub opened_at: Time,
    /// Number of the latest list, from 1. Each set of [`Change`]s makes a new list.
    pub revision: u32,
    /// Number of the Discord message, from 1; incremented to post again after a deletion.
    pub generation: u32,
    /// The post state.
    pub hanging: Hanging,
    /// Current and former items, ordered by decision number; a decision listed at several revisions
    /// has an item for each.
    pub items: Vec<Item>,
}

impl Posting {
    /// The items of the list with this number; empty for an unknown number.
    #[must_use]
    pub fn list_at(&self, revision: u32) -> Vec<Item> {
        let known = (1..=self.revision).contains(&revision);
        self.items.iter().filter(|item| known && item.was_on(revision)).copied().collect()
    }

    /// The items of the latest list.
    #[must_use]
    pub fn list(&self) -> Vec<Item> {
        self.list_at(self.revision)
    }

    /// Every decision ever listed, once, as last listed.
    #[must_use]
    pub fn ever_listed(&self) -> Vec<Item> {
        let mut latest: Vec<Item> = Vec::new();
        for item in &self.items {
            match latest.last_mut() {
                Some(last) if last.decision == item.decision => *last = *item,
                _ => latest.push(*item),
            }
        }
        latest
    }

    /// The channel id and message id, if posted.
    #[must_use]
    pub fn message(&self) -> Option<(&str, &str)> {
        match &self.hanging {
            Hanging::Message { channel, message, .. } => Some((channel, message)),
            _ => None,
        }
    }
}

/// A list item with the decision's current state.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The list item.
    pub item: Item,
    /// The decision's current state.
    pub decision: Decision,
}

impl Listed {
    /// A list item for the decision's current state, with the decision.
    #[must_use]
    pub fn now(decision: &Decision) -> Self {
        Self { item: Item::of(decision), decision: decision.clone() }
    }

    /// Whether the decision is open and on the latest list.
    #[must_use]
    pub fn waits_here(&self) -> bool {
        self.item.gone.is_none() && self.decision.state.is_open()
    }
}

/// A message with the listed decisions: the input for rendering.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The message.
    pub posting: Posting,
    /// Every decision ever listed, ordered by number.
    pub listed: Vec<Listed>,
}

impl Sheet {
    /// The log position shown by a message rendered from this state.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.listed.iter().map(|listed| listed.decision.changed).max().unwrap_or(0)
    }

    /// The content to show. `None` if the message is never posted.
    #[must_use]
    pub fn card(&self, pace: Pace) -> Option<Card> {
        match &self.posting.purpose {
            Purpose::Batch { project } => Some(batch_card(self, project, pace)),
            Purpose::Review { project, until } => Some(review_card(self, project, *until, pace)),
            Purpose::Digest { digest } => Some(digest_card(digest, pace)),
            Purpose::Selection { .. } => None,
            Purpose::Reminder { .. } => Some(reminder_card(self, pace)),
            Purpose::Mention { users, roles, here } => {
                Some(mention_card(self, users, roles, *here))
            }
            Purpose::Confirmation { user, direct } => confirmation_card(self, *user, *direct, pace),
            Purpose::Incident { report } => incident_card(self, report),
            Purpose::Unreached { contacts } => unreached_card(self, contacts),
        }
    }

    /// Changes needed to bring the list up to date before rendering.
    #[must_use]
    pub fn mend(&self) -> Vec<Change> {
        match &self.posting.purpose {
            Purpose::Batch { .. } => mend(&self.listed),
            Purpose::Reminder { .. } | Purpose::Confirmation { .. } => follow(&self.listed),
            Purpose::Review { .. }
            | Purpose::Digest { .. }
            | Purpose::Selection { .. }
            | Purpose::Mention { .. }
            | Purpose::Incident { .. }
            | Purpose::Unreached { .. } => Vec::new(),
        }
    }

    /// Whether the message should exist on Discord.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let told = matches!(self.posting.purpose, Purpose::Review { .. } | Purpose::Digest { .. });
        let hangs = matches!(self.posting.hanging, Hanging::Message { .. } | Hanging::Over);
        let purpose = &self.posting.purpose;
        let again = self.posting.generation == 1 || !purpose.is_posted_once();
        (told && !hangs) || (again && purpose.is_wanted(&self.listed))
    }

    /// The most urgent open decision on the latest list.
    #[must_use]
    pub fn first_waiting(&self, now: Time) -> Option<&Decision> {
        let waiting = self.listed.iter().filter(|listed| listed.waits_here());
        waiting.map(|listed| &listed.decision).min_by_key(|decision| decision.urgency(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let places = [
            Place::Project("web: shop".into()),
            Place::Channel("17".into()),
            Place::Direct(9),
            Place::Digest,
            Place::Nowhere,
        ];
        for place in places {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "dm:x", "elsewhere", "x:1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_list_that_was_drawn_is_known() {
        let item = |decision, seen, since, gone| Item {
            decision: DecisionId(decision),
            seen: Revision(seen),
            returns: 0,
            since,
            gone,
        };
        let posting = Posting {
            id: PostingId(1),
            purpose: Purpose::Batch { project: "p".into() },
            place: Place::Nowhere,
            opened_at: Time::UNIX_EPOCH,
            revision: 4,
            generation: 1,
            hanging: Hanging::Nothing,
            items: vec![
                item(1, 1, 1, Some(2)),
                item(1, 2, 2, None),
                item(2, 1, 1, Some(4)),
                item(3, 1, 3, None),
            ],
        };
        let at = |revision| {
            posting
                .list_at(revision)
                .iter()
                .map(|item| (item.decision.0, item.seen.0))
                .collect::<Vec<_>>()
        };
        assert_eq!(at(0), []);
        assert_eq!(at(1), [(1, 1), (2, 1)]);
        assert_eq!(at(2), [(1, 2), (2, 1)]);
        assert_eq!(at(3), [(1, 2), (2, 1), (3, 1)]);
        assert_eq!(at(4), [(1, 2), (3, 1)]);
        assert_eq!(at(5), []);
        let ever: Vec<_> =
            posting.ever_listed().iter().map(|item| (item.decision.0, item.gone)).collect();
        assert_eq!(ever, [(1, None), (2, Some(4)), (3, None)]);
    }
}
