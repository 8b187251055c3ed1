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

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::message::{Item, ListChange, Listed, MessageId};
use crate::core::decision::session::NAMES_IT;
use crate::core::decision::{Decision, DecisionId, Kind, Request, Revision, Risk, State};
use crate::core::untrusted::{escaped, revealed_line};

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

/// Maximum number of decisions per batch: two menus reach every decision.
pub const MAX_BATCH_SIZE: usize = 1_000;

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
pub struct RecentBatch {
    /// The batch's number.
    pub id: MessageId,
    /// The project.
    pub project: String,
    /// Number of listed decisions.
    pub count: usize,
}

/// All pending decisions and batches considered for grouping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchCandidates {
    /// Pending decisions without any card.
    pub fresh: Vec<Candidate>,
    /// Pending decisions with an own card posted within the window, without any vote or taker.
    pub recent: Vec<Candidate>,
    /// Batches not yet posted, or opened within the window.
    pub young: Vec<RecentBatch>,
}

impl BatchCandidates {
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
pub enum BatchChange {
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
        batch: MessageId,
        /// The added decisions.
        items: Vec<Item>,
    },
}

/// The highest risk of a decision that may share a card.
pub const MOST_BATCHABLE: Risk = Risk::Medium;

/// Whether a decision of this kind and risk may share a card.
#[must_use]
pub fn is_batchable(kind: &Kind, risk: Risk) -> bool {
    // The card of a credentials decision says where the credentials go, and must be read.
    risk <= MOST_BATCHABLE && kind.as_str() != "credentials"
}

/// Plans the batches for the pending decisions. The remaining decisions get own cards. `risk`: the
/// risk of a candidate by the current rules.
#[must_use]
pub fn plan(
    batching: &Batching,
    risk: impl Fn(&Candidate) -> Risk,
    crowd: &BatchCandidates,
) -> Vec<BatchChange> {
    let mut projects: BTreeMap<&str, (Vec<&Candidate>, Vec<&Candidate>)> = BTreeMap::new();
    let shares = |candidate: &&Candidate| {
        is_batchable(&candidate.kind, risk(candidate)) && batching.covers(&candidate.project)
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
            let room = MAX_BATCH_SIZE.saturating_sub(young.count).min(left.len());
            if room > 0 {
                planned.push(BatchChange::Join {
                    batch: young.id,
                    items: left.drain(..room).collect(),
                });
            }
        }
        if left.is_empty() || left.len() + recent.len() < batching.min {
            continue;
        }
        left.extend(recent.iter().map(|candidate| item(candidate)));
        left.sort_by_key(|item| item.decision);
        let open = |items: &[Item]| BatchChange::Open {
            project: project.to_owned(),
            items: items.to_vec(),
        };
        planned.extend(left.chunks(MAX_BATCH_SIZE).map(open));
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
pub enum LeaveReason {
    /// The risk or kind does not allow a shared card.
    Risk,
    /// Returned after a deferral: the return needs a new message, because an edit notifies nobody.
    CameBack,
}

/// Why a listed decision must leave the shared card, if so. A resolved decision stays, with the
/// result.
#[must_use]
pub fn leave_reason(item: &Item, decision: &Decision) -> Option<LeaveReason> {
    match decision.state {
        State::Pending(_) | State::Deferred { .. }
            if !is_batchable(&decision.request.kind, decision.terms.risk) =>
        {
            Some(LeaveReason::Risk)
        }
        State::Pending(_) | State::Deferred { .. } if decision.returns > item.returns => {
            Some(LeaveReason::CameBack)
        }
        _ => None,
    }
}

/// Changes needed to bring a batch's list up to date. Every change makes a new list, and a bulk
/// approval from an older list covers only decisions unchanged since.
#[must_use]
pub fn list_changes(listed: &[Listed]) -> Vec<ListChange> {
    let change = |listed: &Listed| {
        let Listed { item, decision } = listed;
        if item.gone.is_some() {
            None
        } else if leave_reason(item, decision).is_some() {
            Some(ListChange::Drop(decision.id))
        } else if item.seen != decision.revision && decision.state.is_open() {
            Some(ListChange::Put(Item { returns: item.returns, ..Item::of(decision) }))
        } else {
            None
        }
    };
    listed.iter().filter_map(change).collect()
}

/// Why a decision is excluded from a bulk approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
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
    /// People have handled this question before, as this decision: it needs a look of its own.
    Precedent(DecisionId),
    /// A tool call that a line of the list does not show to its end.
    LongCall,
}

/// The most UTF-16 units of a title on a line of a bulk approval.
pub const LISTED_TITLE: usize = 70;

/// Whether the title on a line shows all that an approval lets run; true of what is no tool call.
fn is_listed_whole(request: &Request) -> bool {
    if !request.is_call() {
        return true;
    }
    let (title, runs) = (revealed_line(&request.title), revealed_line(&request.body));
    let first: String = runs.chars().take(NAMES_IT).collect();
    let line = match (title.contains(&runs), title.contains(&first)) {
        (true, _) => title,
        // The title stands for the call from here on, and does not have all of it.
        (false, true) => return false,
        (false, false) => format!("{title}: {runs}"),
    };
    request.body.trim().lines().count() <= 1 && escaped(&line, LISTED_TITLE).whole
}

/// Whether this person can approve a listed decision in bulk, in the decision's current state.
///
/// # Errors
/// The reason for the exclusion.
pub fn check_bulk_approval(
    item: &Item,
    decision: &Decision,
    person: &str,
    may: bool,
) -> Result<(), SkipReason> {
    use crate::core::decision::{Expects, Pending};
    if !may {
        return Err(SkipReason::NotTheirs);
    }
    match &decision.state {
        State::Resolved(_) | State::Withdrawn { .. } => return Err(SkipReason::Over),
        State::Deferred { .. } => return Err(SkipReason::PutOff),
        State::Pending(Pending { taken: Some(taken), .. }) if taken.by.id != person => {
            return Err(SkipReason::Taken);
        }
        State::Pending(Pending { votes, .. }) if votes.iter().any(|vote| vote.by.id == person) => {
            return Err(SkipReason::Voted);
        }
        State::Pending(_) => {}
    }
    if item.seen != decision.revision {
        return Err(SkipReason::Changed);
    }
    if decision.terms.risk != Risk::Low {
        return Err(SkipReason::Risk(decision.terms.risk));
    }
    if decision.request.expects != Expects::Approve {
        return Err(SkipReason::NotAYes);
    }
    if let Some(earlier) = decision.terms.precedent {
        return Err(SkipReason::Precedent(earlier));
    }
    if !is_listed_whole(&decision.request) {
        return Err(SkipReason::LongCall);
    }
    if decision.is_about_credentials() { Err(SkipReason::Credentials) } else { Ok(()) }
}
