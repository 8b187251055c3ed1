//! Which open decisions share a card, and what becomes of a shared card when they change.
//!
//! Critical and high risk have a card of their own, and so has a decision that stands alone. Where
//! several of low and medium risk of one project come at once, they share one, because thirty cards
//! in a row are read by nobody. Pure: it is told what waits and what time it is.
//!
//! What counts as "at once": everything that has no card yet, however old it is, for all of it
//! would be posted now; and whatever got its own card within the window. A card that is not posted
//! yet takes in whatever comes; one that hangs does so for as long as the window lasts, because an
//! edit tells nobody that something was added.

mod card;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

pub(in crate::core) use self::card::cell;
pub use self::card::{PAGE_ITEMS, Page, Summary, batch_card, list_file, pages, summary};
use super::decision::{Decision, DecisionId, Kind, Revision, Risk, State};
use super::policy::{Rules, enforced_risk};
use super::posting::{Change, Item, Listed, PostingId};

/// When decisions share a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching {
    /// So many at once share a card; below 2: none ever do.
    pub min: usize,
    /// What comes within this time, by the wall clock, comes at once.
    pub window: TimeDelta,
    /// Projects whose decisions each have a card of their own.
    pub except: BTreeSet<String>,
}

impl Default for Batching {
    fn default() -> Self {
        Self { min: 3, window: TimeDelta::seconds(5), except: BTreeSet::new() }
    }
}

impl Batching {
    /// Every decision has a card of its own.
    #[must_use]
    pub fn off() -> Self {
        Self { min: 0, ..Self::default() }
    }

    fn covers(&self, project: &str) -> bool {
        self.min >= 2 && !self.except.contains(project)
    }
}

/// Decisions on one card at most: two menus lead to any of them ([`pages`]).
pub const MOST_OF_A_BATCH: usize = 1_000;

/// A decision that might share a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub id: DecisionId,
    /// The version of its content.
    pub revision: Revision,
    /// How often it came back.
    pub returns: u32,
    /// Its project.
    pub project: String,
    /// What it is about.
    pub kind: Kind,
    /// Its risk.
    pub risk: Risk,
}

/// A batch that may take in more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Young {
    /// Which.
    pub id: PostingId,
    /// Its project.
    pub project: String,
    /// How many it lists.
    pub count: usize,
}

/// What waits and might share cards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Waiting, and shown by no card yet.
    pub fresh: Vec<Candidate>,
    /// Waiting on a card of their own that was posted within the window, untouched.
    pub recent: Vec<Candidate>,
    /// Batches that are not posted yet, or were opened within the window.
    pub young: Vec<Young>,
}

impl Crowd {
    /// Without what was asked behind a number.
    #[must_use]
    pub fn up_to(&self, last: DecisionId) -> Self {
        let mut crowd = self.clone();
        crowd.fresh.retain(|candidate| candidate.id <= last);
        crowd
    }
}

/// What is to be done about a crowd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// A new batch.
    Open {
        /// The project.
        project: String,
        /// What it lists.
        items: Vec<Item>,
    },
    /// More for a batch that is there.
    Join {
        /// Which.
        batch: PostingId,
        /// What is added.
        items: Vec<Item>,
    },
}

/// Whether a decision of this kind and risk may share a card.
#[must_use]
pub fn may_share(kind: &Kind, risk: Risk) -> bool {
    // What to do about credentials stands on their own card, and must be read there.
    risk <= Risk::Medium && kind.as_str() != "credentials"
}

/// Which of the crowd share a card from now on. The others get one of their own.
#[must_use]
pub fn plan(rules: &Rules, crowd: &Crowd) -> Vec<Planned> {
    let mut projects: BTreeMap<&str, (Vec<&Candidate>, Vec<&Candidate>)> = BTreeMap::new();
    let shares = |candidate: &&Candidate| {
        let risk = enforced_risk(rules, &candidate.project, &candidate.kind, candidate.risk);
        may_share(&candidate.kind, risk) && rules.batching.covers(&candidate.project)
    };
    for candidate in crowd.fresh.iter().filter(shares) {
        projects.entry(&candidate.project).or_default().0.push(candidate);
    }
    for candidate in crowd.recent.iter().filter(shares) {
        // Without anything new there is nothing to draw them into.
        if let Some((_, recent)) = projects.get_mut(candidate.project.as_str()) {
            recent.push(candidate);
        }
    }
    let mut planned = Vec::new();
    for (project, (fresh, recent)) in projects {
        let mut left: Vec<Item> = fresh.iter().map(|candidate| item(candidate)).collect();
        for young in crowd.young.iter().filter(|young| young.project == project) {
            let room = MOST_OF_A_BATCH.saturating_sub(young.count).min(left.len());
            if room > 0 {
                planned
                    .push(Planned::Join { batch: young.id, items: left.drain(..room).collect() });
            }
        }
        if left.is_empty() || left.len() + recent.len() < rules.batching.min {
            continue;
        }
        left.extend(recent.iter().map(|candidate| item(candidate)));
        left.sort_by_key(|item| item.decision);
        let open =
            |items: &[Item]| Planned::Open { project: project.to_owned(), items: items.to_vec() };
        planned.extend(left.chunks(MOST_OF_A_BATCH).map(open));
    }
    planned
}

const fn item(candidate: &Candidate) -> Item {
    Item {
        decision: candidate.id,
        seen: candidate.revision,
        returns: candidate.returns,
        since: 0,
        gone: None,
    }
}

/// Why a decision is on its own card again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Its risk does not allow a shared one.
    Risk,
    /// It was put off and came back: that is a new message, for an edit would tell nobody.
    CameBack,
}

/// Why a listed decision does not belong on a shared card any more, if so. What is decided stays,
/// with its result.
#[must_use]
pub fn leaves(item: &Item, decision: &Decision) -> Option<Left> {
    match decision.state {
        State::Pending(_) | State::Deferred { .. }
            if !may_share(&decision.request.kind, decision.terms.risk) =>
        {
            Some(Left::Risk)
        }
        State::Pending(_) | State::Deferred { .. } if decision.returns > item.returns => {
            Some(Left::CameBack)
        }
        _ => None,
    }
}

/// How a batch's list must change so that it is true. Every change makes a new list, and what was
/// approved from an older one is only what is still the same.
#[must_use]
pub fn mend(listed: &[Listed]) -> Vec<Change> {
    let change = |listed: &Listed| {
        let Listed { item, decision } = listed;
        if item.gone.is_some() {
            None
        } else if leaves(item, decision).is_some() {
            Some(Change::Drop(decision.id))
        } else if item.seen != decision.revision && decision.state.is_open() {
            Some(Change::Put(Item { returns: item.returns, ..Item::of(decision) }))
        } else {
            None
        }
    };
    listed.iter().filter_map(change).collect()
}

/// Why one of a list is not approved together with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// It is answered or withdrawn.
    Over,
    /// It was put off.
    PutOff,
    /// Its content is not what was listed.
    Changed,
    /// Its risk is not low.
    Risk(Risk),
    /// It wants a choice or an answer, and not a yes.
    NotAYes,
    /// Somebody else is on it.
    Taken,
    /// It is about credentials: whoever approves says that they are in their place.
    Credentials,
    /// This person has approved it already.
    Voted,
    /// This person may not decide it.
    NotTheirs,
}

/// Whether one of a list can be approved together with others by this person, as it stands.
///
/// # Errors
/// Why not.
pub fn goes_along(
    item: &Item,
    decision: &Decision,
    person: &str,
    may: bool,
) -> Result<(), LeftOut> {
    use super::decision::{Expects, Pending};
    if !may {
        return Err(LeftOut::NotTheirs);
    }
    match &decision.state {
        State::Resolved(_) | State::Withdrawn { .. } => return Err(LeftOut::Over),
        State::Deferred { .. } => return Err(LeftOut::PutOff),
        State::Pending(Pending { taken: Some(taken), .. }) if taken.by.id != person => {
            return Err(LeftOut::Taken);
        }
        State::Pending(Pending { votes, .. }) if votes.iter().any(|vote| vote.by.id == person) => {
            return Err(LeftOut::Voted);
        }
        State::Pending(_) => {}
    }
    if item.seen != decision.revision {
        return Err(LeftOut::Changed);
    }
    if decision.terms.risk != Risk::Low {
        return Err(LeftOut::Risk(decision.terms.risk));
    }
    if decision.request.expects != Expects::Approve {
        return Err(LeftOut::NotAYes);
    }
    if decision.is_about_credentials() { Err(LeftOut::Credentials) } else { Ok(()) }
}
