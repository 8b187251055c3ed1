//! Batching: which open decisions share a card, and how changes affect a shared card.
//!
//! Critical-risk and high-risk decisions have own cards, and so has a lone decision. Several
//! low-risk or medium-risk decisions of one project, asked at once, share a card, because nobody
//! reads thirty cards in a row. Pure: the caller passes the pending decisions and the time.
//!
//! "At once" covers all decisions without a card, however old, because all would be posted now,
//! plus decisions whose own card was posted within the window. A batch card not yet posted accepts
//! further decisions without a time limit; a posted batch card accepts decisions only within the
//! window, because an edit notifies nobody.

mod card;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

pub(in crate::core) use self::card::cell;
pub use self::card::{PAGE_ITEMS, Page, Summary, batch_card, list_file, pages, summary};
use super::decision::{Decision, DecisionId, Kind, Revision, Risk, State};
use super::policy::{Rules, enforced_risk};
use super::posting::{Change, Item, Listed, PostingId};

/// Rules for sharing a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching {
    /// Minimum number of decisions for a batch; below 2, batching is off.
    pub min: usize,
    /// Decisions within this wall-clock span count as asked at once.
    pub window: TimeDelta,
    /// Projects without batching.
    pub except: BTreeSet<String>,
}

impl Default for Batching {
    fn default() -> Self {
        Self { min: 3, window: TimeDelta::seconds(5), except: BTreeSet::new() }
    }
}

impl Batching {
    /// No batching: every decision has an own card.
    #[must_use]
    pub fn off() -> Self {
        Self { min: 0, ..Self::default() }
    }

    fn covers(&self, project: &str) -> bool {
        self.min >= 2 && !self.except.contains(project)
    }
}

/// Maximum number of decisions per batch: two menus reach every decision ([`pages`]).
pub const MOST_OF_A_BATCH: usize = 1_000;

/// A pending decision considered for a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The decision.
    pub id: DecisionId,
    /// The decision's revision.
    pub revision: Revision,
    /// The decision's return count.
    pub returns: u32,
    /// The project.
    pub project: String,
    /// The kind.
    pub kind: Kind,
    /// The risk.
    pub risk: Risk,
}

/// A batch open to further decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Young {
    /// The batch's number.
    pub id: PostingId,
    /// The project.
    pub project: String,
    /// Number of listed decisions.
    pub count: usize,
}

/// All pending decisions and batches considered for grouping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Pending decisions without any card.
    pub fresh: Vec<Candidate>,
    /// Pending decisions with an own card posted within the window, without any vote or taker.
    pub recent: Vec<Candidate>,
    /// Batches not yet posted, or opened within the window.
    pub young: Vec<Young>,
}

impl Crowd {
    /// Without fresh decisions numbered above `last`.
    #[must_use]
    pub fn up_to(&self, last: DecisionId) -> Self {
        let mut crowd = self.clone();
        crowd.fresh.retain(|candidate| candidate.id <= last);
        crowd
    }
}

/// A planned grouping step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Creates a batch.
    Open {
        /// The project.
        project: String,
        /// The listed decisions.
        items: Vec<Item>,
    },
    /// Adds decisions to an existing batch.
    Join {
        /// The batch.
        batch: PostingId,
        /// The added decisions.
        items: Vec<Item>,
    },
}

/// Whether a decision of this kind and risk may share a card.
#[must_use]
pub fn may_share(kind: &Kind, risk: Risk) -> bool {
    // The card of a credentials decision says where the credentials go, and must be read.
    risk <= Risk::Medium && kind.as_str() != "credentials"
}

/// Plans the batches for the pending decisions. The remaining decisions get own cards.
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
        // Cards already posted are grouped only together with new decisions.
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

/// Why a decision moves from a batch back to an own card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The risk or kind does not allow a shared card.
    Risk,
    /// Returned after a deferral: the return needs a new message, because an edit notifies nobody.
    CameBack,
}

/// Why a listed decision must leave the shared card, if so. A resolved decision stays, with the
/// result.
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

/// Changes needed to bring a batch's list up to date. Every change makes a new list, and a bulk
/// approval from an older list covers only decisions unchanged since.
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

/// Why a decision is excluded from a bulk approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// Resolved or withdrawn.
    Over,
    /// Deferred.
    PutOff,
    /// The content changed since listed.
    Changed,
    /// The risk is not low.
    Risk(Risk),
    /// The decision expects a choice or a text, not an approval.
    NotAYes,
    /// Taken by another person.
    Taken,
    /// About credentials: the approver must confirm that the credentials are in place.
    Credentials,
    /// Already approved by this person.
    Voted,
    /// Outside this person's permissions.
    NotTheirs,
}

/// Whether this person can approve a listed decision in bulk, in the decision's current state.
///
/// # Errors
/// The reason for the exclusion.
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
