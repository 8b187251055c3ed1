//! The list of waiting decisions. Sorting and counting use only a few columns; full decisions are
//! read for the shown page alone.

use super::{Handle, HandleError, enforced};
use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::permission::{Voter, may_decide};
use crate::core::policy::{Rules, enforced_risk};
use crate::core::waiting::Waiting;
use crate::store::Store;

/// A page of waiting decisions, most urgent first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The decisions on this page.
    pub decisions: Vec<Decision>,
    /// Number of decisions before this page.
    pub offset: usize,
    /// Number of waiting decisions in all.
    pub count: usize,
}

/// Maximum number of reads when a decision on the page is answered during the read.
const TRIES: usize = 3;

impl Handle {
    /// Decisions waiting for an answer, most urgent first: for one person, or for everyone.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn attention(&self, of: Option<&Voter>) -> Result<Vec<Decision>, HandleError> {
        Ok(self.attention_page(of, 0, usize::MAX).await?.decisions)
    }

    /// At most `limit` waiting decisions from position `offset` on. If `offset` is past the end,
    /// the last page.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn attention_page(
        &self,
        of: Option<&Voter>,
        offset: usize,
        limit: usize,
    ) -> Result<Page, HandleError> {
        let (rules, now, voter) = (self.rules(), self.now(), of.cloned());
        let mut page = self
            .store(move |store| {
                let mut page = Page::default();
                for _ in 0..TRIES {
                    page = read(store, &rules, voter.as_ref(), now, offset, limit)?;
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
        page.decisions.retain(|decision| of.is_none_or(|voter| self.is_for(decision, voter)));
        let rules = self.rules();
        page.decisions.iter_mut().for_each(|decision| *decision = enforced(&rules, decision));
        Ok(page)
    }
}

fn read(
    store: &dyn Store,
    rules: &Rules,
    voter: Option<&Voter>,
    now: Time,
    offset: usize,
    limit: usize,
) -> Result<Page, crate::store::StoreError> {
    let mut waiting = store.waiting()?;
    waiting.retain(|waiting| voter.is_none_or(|voter| is_for(rules, waiting, voter)));
    waiting.sort_by_cached_key(|waiting| waiting.urgency(now));
    let count = waiting.len();
    let last = if limit == 0 || count == 0 { 0 } else { (count - 1) / limit * limit };
    let offset = offset.min(last);
    let ids: Vec<_> = waiting.iter().skip(offset).take(limit).map(|waiting| waiting.id).collect();
    let mut decisions = store.get_many(&ids)?;
    // An answer may have arrived between the two reads.
    decisions.retain(|decision| decision.state.word() == "pending");
    Ok(Page { decisions, offset, count })
}

fn is_for(rules: &Rules, waiting: &Waiting, voter: &Voter) -> bool {
    let risk = enforced_risk(rules, &waiting.project, &waiting.kind, waiting.risk);
    if risk == waiting.risk {
        return may_decide(&rules.approvers, waiting, voter).is_ok();
    }
    may_decide(&rules.approvers, &Waiting { risk, ..waiting.clone() }, voter).is_ok()
}
