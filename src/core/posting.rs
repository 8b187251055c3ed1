//! A message that stands for several decisions: what it is for, where it belongs, and what it
//! lists.
//!
//! A batch's card is one; a reminder is another. Each list that was drawn is numbered and kept, so
//! that a button means exactly what stood above it, for as long as its message hangs. What it looks
//! like is `batch`'s (and that of whoever adds a purpose); how it comes to hang and stays true is
//! the engine's. Must not know Discord or SQL.

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

/// The number of a posting within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostingId(pub i64);

impl fmt::Display for PostingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a posting is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// The card that decisions of low and medium risk of one project share. It stands in the place
    /// of their own cards.
    Batch {
        /// The project.
        project: String,
    },
    /// What was approved by itself in one project, for people to disagree with.
    Review {
        /// The project.
        project: String,
        /// Up to this moment of the store's time.
        until: Time,
    },
    /// The figures of a day.
    Digest {
        /// Them, as they were then.
        digest: Box<Digest>,
    },
    /// What one person chose to go through or to approve together. Kept for its buttons, and never
    /// posted.
    Selection {
        /// The person's id.
        of: String,
    },
    /// A direct message: what one person is reminded of.
    Reminder {
        /// The person's Discord id.
        user: u64,
    },
    /// A mention under the cards of one channel.
    Mention {
        /// People who are mentioned, by their Discord ids.
        users: Vec<u64>,
        /// Roles that are.
        roles: Vec<u64>,
        /// Whether everybody who is there is.
        here: bool,
    },
    /// To one person: to confirm what they said where it is not decided.
    Confirmation {
        /// The person's Discord id.
        user: u64,
        /// Whether it goes to them alone; else it is a mention under the card.
        direct: bool,
    },
    /// The report on one that nobody answered in time.
    Incident {
        /// The whole of it, as it was when it was made.
        report: String,
    },
    /// That nobody could be reached for one, by any way.
    Unreached {
        /// Who was tried.
        contacts: Vec<Contact>,
    },
}

impl Purpose {
    /// Its name, as it is searched by.
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

    /// Whether it is let go where it cannot be posted: whoever wanted to tell somebody must know,
    /// and try another way.
    #[must_use]
    pub const fn gives_up(&self) -> bool {
        matches!(
            self,
            Self::Reminder { .. } | Self::Mention { .. } | Self::Confirmation { direct: true, .. }
        )
    }

    /// What is posted beside the card where it could not be posted, so that the person hears of it
    /// all the same.
    #[must_use]
    pub const fn instead(&self) -> Option<Self> {
        match self {
            Self::Confirmation { user, direct: true } => {
                Some(Self::Confirmation { user: *user, direct: false })
            }
            _ => None,
        }
    }

    /// Whether a message that somebody deleted stays away.
    const fn is_posted_once(&self) -> bool {
        !matches!(self, Self::Batch { .. })
    }

    /// Whether a message that somebody deleted is posted again: while something on it waits.
    #[must_use]
    pub fn is_wanted(&self, listed: &[Listed]) -> bool {
        match self {
            Self::Batch { .. }
            | Self::Reminder { .. }
            | Self::Mention { .. }
            | Self::Confirmation { .. } => listed.iter().any(Listed::waits_here),
            // Whoever deletes one has read it.
            Self::Review { .. } | Self::Digest { .. } | Self::Selection { .. } => false,
            Self::Incident { .. } | Self::Unreached { .. } => true,
        }
    }
}

/// Where a posting belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The channel of a project, whichever that is when it is posted.
    Project(String),
    /// A channel, by its id.
    Channel(String),
    /// The direct messages of a person, by their Discord id.
    Direct(u64),
    /// Where the digest is posted, whichever channel that is then.
    Digest,
    /// Nowhere: a list that is kept for its buttons.
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

/// A decision on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub decision: DecisionId,
    /// The revision at which it is listed: only that can be approved from this list.
    pub seen: Revision,
    /// How often it had come back then.
    pub returns: u32,
    /// The first list that it was on like this.
    pub since: u32,
    /// The first list that it was not on any more, if it is not.
    pub gone: Option<u32>,
}

impl Item {
    /// A decision as it stands, to be listed.
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

    /// Whether it was on this list.
    #[must_use]
    pub fn was_on(&self, revision: u32) -> bool {
        self.since <= revision && self.gone.is_none_or(|gone| gone > revision)
    }
}

/// What is changed about a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// This decision is put on, or listed anew at the revision and return that it has now.
    Put(Item),
    /// It is taken off.
    Drop(DecisionId),
}

/// What of a posting hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hanging {
    /// Nothing yet.
    Nothing,
    /// A create was begun, and may have happened.
    Begun {
        /// The channel's id.
        channel: String,
        /// When, by the wall clock.
        at: Time,
    },
    /// A message.
    Message {
        /// The channel's id.
        channel: String,
        /// The message's id.
        message: String,
        /// The log position that it shows.
        shown: u64,
        /// The list that it shows; 0: it is not known.
        drawn: u32,
    },
    /// Nothing will change any more.
    Over,
}

/// A posting, with all that it lists or has listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Its number.
    pub id: PostingId,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it belongs.
    pub place: Place,
    /// When it was opened, by the wall clock.
    pub opened_at: Time,
    /// Counts its lists, from 1. Every [`Change`] makes a new one.
    pub revision: u32,
    /// Counts its messages, from 1.
    pub generation: u32,
    /// What hangs.
    pub hanging: Hanging,
    /// What it lists, in the order of the decisions' numbers; a decision that was listed at several
    /// revisions is here once for each.
    pub items: Vec<Item>,
}

impl Posting {
    /// What was listed when this list was drawn. Empty if there never was such a list.
    #[must_use]
    pub fn list_at(&self, revision: u32) -> Vec<Item> {
        let known = (1..=self.revision).contains(&revision);
        self.items.iter().filter(|item| known && item.was_on(revision)).copied().collect()
    }

    /// What is listed now.
    #[must_use]
    pub fn list(&self) -> Vec<Item> {
        self.list_at(self.revision)
    }

    /// Every decision that is or was on it, once, as it was listed last.
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

    /// The channel and id of its message, if one hangs.
    #[must_use]
    pub fn message(&self) -> Option<(&str, &str)> {
        match &self.hanging {
            Hanging::Message { channel, message, .. } => Some((channel, message)),
            _ => None,
        }
    }
}

/// A listed decision as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// How it is listed.
    pub item: Item,
    /// How it stands.
    pub decision: Decision,
}

impl Listed {
    /// A decision as it would be listed now.
    #[must_use]
    pub fn now(decision: &Decision) -> Self {
        Self { item: Item::of(decision), decision: decision.clone() }
    }

    /// Whether this message is where it is decided, and it can be.
    #[must_use]
    pub fn waits_here(&self) -> bool {
        self.item.gone.is_none() && self.decision.state.is_open()
    }
}

/// A posting with its decisions: what a message is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The posting.
    pub posting: Posting,
    /// Every decision that is or was on it, in the order of their numbers.
    pub listed: Vec<Listed>,
}

impl Sheet {
    /// The log position that a message drawn from this shows.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.listed.iter().map(|listed| listed.decision.changed).max().unwrap_or(0)
    }

    /// What its message shows. `None`: nothing is ever shown of it.
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

    /// How its list must change before it is shown, so that it is true.
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

    /// Whether its message is to hang.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let told = matches!(self.posting.purpose, Purpose::Review { .. } | Purpose::Digest { .. });
        let hangs = matches!(self.posting.hanging, Hanging::Message { .. } | Hanging::Over);
        let purpose = &self.posting.purpose;
        let again = self.posting.generation == 1 || !purpose.is_posted_once();
        (told && !hangs) || (again && purpose.is_wanted(&self.listed))
    }

    /// The most urgent decision that waits on it, to be named where one is.
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
