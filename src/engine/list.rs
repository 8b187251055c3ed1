//! The list of what waits: ordered and counted from a few columns, read only as far as it is shown.

use super::{Handle, HandleError, enforced};
use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::permission::{Voter, may_decide};
use crate::core::policy::{Rules, enforced_risk};
use crate::core::waiting::Waiting;
use crate::store::Store;

/// A part of what waits, the most urgent first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The decisions of this part.
    pub decisions: Vec<Decision>,
    /// How many decisions come before them.
    pub offset: usize,
    /// How many wait in all.
    pub count: usize,
}

/// Reads again if what was to be shown is no longer waiting by then, so often at most.
const TRIES: usize = 3;

impl Handle {
    /// What waits for an answer now, the most urgent first; of one person, or of anybody.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn attention(&self, of: Option<&Voter>) -> Result<Vec<Decision>, HandleError> {
        Ok(self.attention_page(of, 0, usize::MAX).await?.decisions)
    }

    /// At most `limit` of what waits, from the place `offset` on; where there is nothing any more,
    /// the last ones.
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
        // The columns order and count; the decision itself says whose it is.
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
    // Somebody may have answered in between.
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
