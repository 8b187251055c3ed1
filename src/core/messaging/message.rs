//! A message about one or several decisions: purpose, place, list and post state.
//!
//! Cards, batch cards and reminders are examples. Every posted list is numbered and kept, so that a
//! button refers to exactly the list above the button, as long as the message exists. The content
//! is the presentation's part (`presentation::message::present`); posting and reconciling is the
//! engine's part (`engine::reconciler`). Does not depend on Discord or SQL.

mod post_state;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::post_state::{FinalPost, PostState};
use super::batch;
use super::digest::DigestFigures;
use super::reminder;
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::escalation::Contact;

/// The number of a message within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub i64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The purpose of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// The card of one decision. Each card is a message of its own: a return from a deferral and a
    /// deletion lead to a new message with the next generation.
    Card {
        /// The decision.
        decision: DecisionId,
    },
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
        digest: Box<DigestFigures>,
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
            Self::Card { .. } => "card",
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

    /// The names of the purposes that show each step of the escalation ladder. The others are about
    /// their own step, so later steps do not change them.
    pub const SHOWING_PROGRESS: [&str; 2] = ["card", "batch"];

    /// The decision of a card.
    #[must_use]
    pub const fn card_of(&self) -> Option<DecisionId> {
        match self {
            Self::Card { decision } => Some(*decision),
            _ => None,
        }
    }

    /// Whether the reconciler gives up if the message cannot be posted. The requester must then
    /// learn of the failure, to try another channel.
    #[must_use]
    pub const fn gives_up_on_failure(&self) -> bool {
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
        !matches!(self, Self::Card { .. } | Self::Batch { .. })
    }

    /// Whether the message still serves a purpose for these decisions: for most purposes, while a
    /// listed decision is open.
    #[must_use]
    pub fn is_wanted(&self, listed: &[Listed]) -> bool {
        match self {
            // A decision returned since needs a new card.
            Self::Card { .. } => listed.iter().any(|listed| {
                listed.is_open_here() && listed.item.returns == listed.decision.returns
            }),
            Self::Batch { .. }
            | Self::Reminder { .. }
            | Self::Mention { .. }
            | Self::Confirmation { .. } => listed.iter().any(Listed::is_open_here),
            // A deleted review or digest counts as read.
            Self::Review { .. } | Self::Digest { .. } | Self::Selection { .. } => false,
            Self::Incident { .. } | Self::Unreached { .. } => true,
        }
    }
}

/// Where to post a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
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

impl fmt::Display for Destination {
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

impl FromStr for Destination {
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
pub enum ListChange {
    /// Adds a decision, or updates a listed decision to the current revision and return count.
    Put(Item),
    /// Removes a decision.
    Drop(DecisionId),
}

/// A message with all current and former items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The message's number.
    pub id: MessageId,
    /// The purpose.
    pub purpose: Purpose,
    /// Where to post the message.
    pub place: Destination,
    /// Creation time of the record, by the wall clock.
    pub opened_at: Time,
    /// Number of the latest list, from 1. Each set of [`ListChange`]s makes a new list.
    pub revision: u32,
    /// Number of the Discord message, from 1; incremented to post again after a deletion.
    pub generation: u32,
    /// The post state.
    pub state: PostState,
    /// Current and former items, ordered by decision number; a decision listed at several revisions
    /// has an item for each.
    pub items: Vec<Item>,
}

impl Message {
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
    pub fn latest_items(&self) -> Vec<Item> {
        let mut latest: Vec<Item> = Vec::new();
        for item in &self.items {
            match latest.last_mut() {
                Some(last) if last.decision == item.decision => *last = *item,
                _ => latest.push(*item),
            }
        }
        latest
    }

    /// The channel id and message id, if posted and not final.
    #[must_use]
    pub fn posted(&self) -> Option<(&str, &str)> {
        match &self.state {
            PostState::Posted { channel, message, .. } => Some((channel, message)),
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
    pub fn is_open_here(&self) -> bool {
        self.item.gone.is_none() && self.decision.state.is_open()
    }
}

/// A message with the listed decisions: the input for rendering.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageView {
    /// The message.
    pub message: Message,
    /// Every decision ever listed, ordered by number.
    pub listed: Vec<Listed>,
}

impl MessageView {
    /// The log position shown by a message rendered from this state.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.listed.iter().map(|listed| listed.decision.changed).max().unwrap_or(0)
    }

    /// Changes needed to bring the list up to date before rendering.
    #[must_use]
    pub fn list_changes(&self) -> Vec<ListChange> {
        match &self.message.purpose {
            Purpose::Batch { .. } => batch::list_changes(&self.listed),
            Purpose::Reminder { .. } | Purpose::Confirmation { .. } => {
                reminder::list_changes(&self.listed)
            }
            Purpose::Card { .. }
            | Purpose::Review { .. }
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
        let purpose = &self.message.purpose;
        let is_report = matches!(purpose, Purpose::Review { .. } | Purpose::Digest { .. });
        let is_done = matches!(self.message.state, PostState::Posted { .. } | PostState::Final(_));
        let may_be_posted = self.message.generation == 1 || !purpose.is_posted_once();
        (is_report && !is_done) || (may_be_posted && purpose.is_wanted(&self.listed))
    }

    /// Whether a decision or the list changed after the shown log position and the shown list.
    #[must_use]
    pub fn is_outdated(&self, shown: u64, list: u32) -> bool {
        list < self.message.revision
            || self.listed.iter().any(|listed| listed.decision.changed > shown)
    }

    /// The first open decision on the latest list.
    #[must_use]
    pub fn first_open(&self) -> Option<&Decision> {
        let open = self.listed.iter().find(|listed| listed.is_open_here());
        open.map(|listed| &listed.decision)
    }

    /// The most urgent open decision on the latest list.
    #[must_use]
    pub fn first_waiting(&self, now: Time) -> Option<&Decision> {
        let waiting = self.listed.iter().filter(|listed| listed.is_open_here());
        waiting.map(|listed| &listed.decision).min_by_key(|decision| decision.urgency(now))
    }
}

#[cfg(test)]
mod tests;
