//! The list of waiting decisions. Sorting and counting use only summaries, kept in memory; full
//! decisions are read for the shown page alone.

use std::sync::Arc;

use crate::core::Time;
use crate::core::decision::authorization::{Voter, may_decide};
use crate::core::decision::event::Event;
use crate::core::decision::pending_summary::PendingSummary;
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::policy::rules::{Rules, enforced, enforced_risk};
use crate::engine::{Handle, HandleError};
use crate::store::{Filter, Store, StoreError};

/// A page of waiting decisions, most urgent first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AttentionPage {
    /// The decisions on this page.
    pub decisions: Vec<Decision>,
    /// Number of decisions before this page.
    pub offset: usize,
    /// Number of waiting decisions in all.
    pub count: usize,
}

/// Maximum number of reads when a decision on the page is answered during the read.
const TRIES: usize = 3;

/// How many events back to look for recent verdicts.
const RECENT_EVENTS: u64 = 1_000;

/// Decisions per read while looking for recent verdicts.
const DECIDED_PAGE: usize = 50;

/// What waits for an answer, for one person or for everyone.
#[derive(Debug, Clone, Copy)]
pub struct AttentionApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl AttentionApi<'_> {
    /// Decisions waiting for an answer, most urgent first: for one person, or for everyone.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(self, of: Option<&Voter>) -> Result<Vec<Decision>, HandleError> {
        Ok(self.page(of, 0, usize::MAX).await?.decisions)
    }

    /// At most `limit` waiting decisions from position `offset` on. If `offset` is past the end,
    /// the last page.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn page(
        self,
        of: Option<&Voter>,
        offset: usize,
        limit: usize,
    ) -> Result<AttentionPage, HandleError> {
        let (rules, now, voter) = (self.handle.rules(), self.handle.now(), of.cloned());
        let inner = Arc::clone(&self.handle.inner);
        let mut page = self
            .handle
            .with_store(move |store| {
                let mut page = AttentionPage::default();
                for _ in 0..TRIES {
                    let wanted = |waiting: &PendingSummary| {
                        voter.as_ref().is_none_or(|voter| is_for(&rules, waiting, voter))
                    };
                    let asker = voter.as_ref().map(|voter| voter.person.id.as_str());
                    let known = inner.pending.current(store)?;
                    let found = found(known.select(asker, wanted), now, offset, limit);
                    drop(known);
                    page = read(store, found)?;
                    let whole =
                        page.decisions.len() == limit.min(page.count.saturating_sub(page.offset));
                    if whole {
                        break;
                    }
                }
                Ok(page)
            })
            .await?;
        // The columns suffice to sort and count; the full decision says who may decide.
        page.decisions.retain(|decision| {
            of.is_none_or(|voter| self.handle.approvers().is_for(decision, voter))
        });
        let rules = self.handle.rules();
        page.decisions.iter_mut().for_each(|decision| *decision = enforced(&rules, decision));
        Ok(page)
    }

    /// Open decisions a person may decide: first the waiting ones, most urgent first; then the
    /// deferred ones, soonest return first.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn open_for(self, voter: &Voter) -> Result<Vec<Decision>, HandleError> {
        let open =
            self.handle.approvals().list(Filter { open_only: true, ..Filter::default() }).await?;
        let now = self.handle.now();
        let mut decidable: Vec<Decision> = open
            .into_iter()
            .filter(|decision| self.handle.approvers().is_for(decision, voter))
            .collect();
        decidable.sort_by_cached_key(|decision| (decision.wake_at(), decision.urgency(now)));
        Ok(decidable)
    }

    /// Ended decisions a person could decide, latest verdict or withdrawal first. At most `limit`,
    /// and only from the last 1,000 events of the log; then older decisions with a grant that has
    /// not ended.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn decided_for(
        self,
        voter: &Voter,
        limit: usize,
    ) -> Result<Vec<Decision>, HandleError> {
        let head = self.handle.event_log().head().await?.seq;
        let latest = usize::try_from(RECENT_EVENTS).unwrap_or(usize::MAX);
        let events =
            self.handle.event_log().events(head.saturating_sub(RECENT_EVENTS), latest).await?;
        let mut ids: Vec<DecisionId> = Vec::new();
        for logged in events.iter().rev() {
            let ends = matches!(
                logged.event,
                Event::Resolved { .. } | Event::Withdrawn { .. } | Event::EndedAtDesk { .. }
            );
            if ends && !ids.contains(&logged.decision) {
                ids.push(logged.decision);
            }
        }
        let mut decided = Vec::new();
        // Many decisions of other people may lie between, so read on until the page is full; the
        // events above bound the reads.
        for page in ids.chunks(DECIDED_PAGE) {
            let page = page.to_vec();
            let read = self.handle.with_store(move |store| store.decisions().get_many(&page));
            // An undone verdict does not count.
            let ended = |decision: &Decision| {
                matches!(decision.state, State::Resolved(_) | State::Withdrawn { .. })
            };
            let theirs = |decision: &Decision| self.handle.approvers().is_for(decision, voter);
            decided.extend(
                read.await?.into_iter().filter(|decision| ended(decision) && theirs(decision)),
            );
            if decided.len() >= limit {
                decided.truncate(limit);
                break;
            }
        }
        // A grant can end at any time, so it can be found at any time.
        let granted = Filter { granted: true, limit, ..Filter::default() };
        for decision in self.handle.approvals().list(granted).await? {
            let is_new = decided.iter().all(|known: &Decision| known.id != decision.id);
            if is_new && self.handle.approvers().is_for(&decision, voter) {
                decided.push(decision);
            }
        }
        Ok(decided)
    }
}

/// The numbers on a page, its position, and the number of all decisions.
struct Found {
    page: Vec<DecisionId>,
    offset: usize,
    count: usize,
}

/// Finds the page in the list. Sorts no more than the list up to the end of the page.
fn found(mut waiting: Vec<&PendingSummary>, now: Time, offset: usize, limit: usize) -> Found {
    let count = waiting.len();
    let last = if limit == 0 || count == 0 { 0 } else { (count - 1) / limit * limit };
    let offset = offset.min(last);
    let end = offset.saturating_add(limit);
    if end < count {
        waiting.select_nth_unstable_by_key(end, |summary| summary.urgency(now));
        waiting.truncate(end);
    }
    waiting.sort_unstable_by_key(|summary| summary.urgency(now));
    Found { page: waiting.iter().skip(offset).map(|summary| summary.id).collect(), offset, count }
}

fn read(store: &Store, found: Found) -> Result<AttentionPage, StoreError> {
    let Found { page, offset, count } = found;
    let mut decisions = store.decisions().get_many(&page)?;
    // An answer may have arrived between the two reads.
    decisions.retain(|decision| decision.state.word() == "pending");
    Ok(AttentionPage { decisions, offset, count })
}

fn is_for(rules: &Rules, waiting: &PendingSummary, voter: &Voter) -> bool {
    let risk = enforced_risk(rules, &waiting.project, &waiting.kind, waiting.risk);
    if risk == waiting.risk {
        return may_decide(&rules.approvers, waiting, voter).is_ok();
    }
    may_decide(&rules.approvers, &PendingSummary { risk, ..waiting.clone() }, voter).is_ok()
}
