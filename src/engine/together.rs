//! Bulk approval: several decisions with one click.
//!
//! The list is frozen when drawn. Each decision is checked on its own, in the transaction of its
//! verdict: permission, revision, risk. A decision changed since drops out, and the result lists
//! the outcome of each decision.

use std::sync::{Arc, OnceLock};

use super::hold::{enforced, held};
use super::{Handle, HandleError};
use crate::core::batch::{LeftOut, goes_along};
use crate::core::decision::{Decision, DecisionId, State, Verdict, Via};
use crate::core::permission::{Voter, may_decide};
use crate::core::posting::{Item, Listed, Place, Posting, PostingId, Purpose, Sheet};
use crate::store::{Decide, NewPosting};

/// Verdicts per transaction: few enough to keep other people's clicks from waiting long.
pub const TOGETHER: usize = 100;

/// A preview of a bulk approval by one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// Decisions to approve.
    pub goes: Vec<Listed>,
    /// Skipped decisions, with the reason.
    pub left_out: Vec<(Decision, LeftOut)>,
}

/// The outcome for one decision of the list.
#[derive(Debug)]
pub enum Fate {
    /// Approved; or voted for, where several people must approve.
    Approved(Decision),
    /// Skipped, with the reason.
    LeftOut(Decision, LeftOut),
    /// Not approved: the store failed.
    Failed(DecisionId, HandleError),
}

impl Fate {
    /// The decision's number.
    #[must_use]
    pub const fn id(&self) -> DecisionId {
        match self {
            Self::Approved(decision) | Self::LeftOut(decision, _) => decision.id,
            Self::Failed(id, _) => *id,
        }
    }
}

impl Handle {
    /// Freezes a list for one person to review or approve in bulk.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn freeze(&self, items: Vec<Item>, by: &Voter) -> Result<PostingId, HandleError> {
        let new = NewPosting {
            purpose: Purpose::Selection { of: by.person.id.clone() },
            place: Place::Nowhere,
            items,
            at: self.clock().wall(),
        };
        Ok(self.store(move |store| store.open_posting(new)).await?)
    }

    /// A list as drawn at revision `list`, with the current state of its decisions. `None`: no such
    /// list exists, or the list is another person's selection.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list_of(
        &self,
        id: PostingId,
        list: u32,
        by: &Voter,
    ) -> Result<Option<Sheet>, HandleError> {
        let Some(sheet) = self.sheet(id).await? else { return Ok(None) };
        if matches!(&sheet.posting.purpose, Purpose::Selection { of } if *of != by.person.id) {
            return Ok(None);
        }
        let items = sheet.posting.list_at(list);
        let Sheet { posting, mut listed } = sheet;
        // Both are sorted by decision number, and a list contains each decision once.
        listed.retain_mut(|listed| {
            match items.binary_search_by_key(&listed.decision.id, |item| item.decision) {
                Ok(place) => {
                    listed.item = items[place];
                    true
                }
                Err(_) => false,
            }
        });
        Ok((!listed.is_empty()).then_some(Sheet { posting: Posting { items, ..posting }, listed }))
    }

    /// Previews a bulk approval by this person.
    #[must_use]
    pub fn weigh(&self, list: Vec<Listed>, by: &Voter) -> Weighed {
        let rules = self.rules();
        let mut weighed = Weighed { goes: Vec::new(), left_out: Vec::new() };
        for listed in list {
            let may = may_decide(&rules.approvers, &listed.decision, by).is_ok();
            match goes_along(&listed.item, &listed.decision, &by.person.id, may) {
                Ok(()) => weighed.goes.push(listed),
                Err(why) => weighed.left_out.push((listed.decision, why)),
            }
        }
        weighed
    }

    /// Approves part of a list, skipping decisions no longer as listed. All verdicts share a
    /// transaction, so `part` has at most [`TOGETHER`] items; a caller with more calls repeatedly
    /// and can show progress.
    pub async fn approve_together(&self, part: &[Item], by: &Voter, via: Via) -> Vec<Fate> {
        let failed = |error: &HandleError, item: &Item| {
            // Only the error's text is shown, once for each decision.
            Fate::Failed(
                item.decision,
                HandleError::Store(crate::store::StoreError::Failed(error.to_string())),
            )
        };
        if let Err(error) = self.hold_to_rules(part).await {
            return part.iter().map(|item| failed(&error, item)).collect();
        }
        let (mut changes, mut whys) = (Vec::new(), Vec::new());
        for item in part {
            let (why, decide) = self.approval(*item, by, via);
            whys.push(why);
            changes.push((item.decision, decide));
        }
        let at = self.now();
        let changed = match self.store(move |store| store.change_many(changes, at)).await {
            Ok(changed) => changed,
            Err(error) => {
                let error = error.into();
                return part.iter().map(|item| failed(&error, item)).collect();
            }
        };
        self.hint();
        let rules = self.rules();
        let fate = |(changed, why): (crate::store::Changed, Arc<OnceLock<LeftOut>>)| match (
            changed,
            why.get(),
        ) {
            (Ok(decision), None) => Fate::Approved(decision),
            (Ok(decision), Some(why)) => Fate::LeftOut(enforced(&rules, &decision), why.clone()),
            (Err(unchanged), why) => {
                let over = !matches!(unchanged.decision.state, State::Pending(_));
                let why =
                    why.cloned().unwrap_or(if over { LeftOut::Over } else { LeftOut::Changed });
                Fate::LeftOut(unchanged.decision, why)
            }
        };
        changed.into_iter().zip(whys).map(fate).collect()
    }

    /// The change of one decision inside the transaction. If the decision is skipped, the returned
    /// cell holds the reason.
    fn approval(&self, item: Item, by: &Voter, via: Via) -> (Arc<OnceLock<LeftOut>>, Decide) {
        let why = Arc::new(OnceLock::new());
        let (rules, voter, told) = (self.rules(), by.clone(), Arc::clone(&why));
        let decide: Decide = Box::new(move |decision| {
            let decision = &enforced(&rules, decision);
            let may = may_decide(&rules.approvers, decision, &voter).is_ok();
            if let Err(left_out) = goes_along(&item, decision, &voter.person.id, may) {
                // Runs once, so the cell is empty.
                let _ = told.set(left_out);
                return Ok(None);
            }
            Ok(Some(decision.resolve(Verdict::approved(), voter, via, item.seen)?))
        });
        (why, decide)
    }

    /// Enforces this process's rules first: the asking process may have read other rules, and the
    /// log must contain the terms in force before a verdict.
    async fn hold_to_rules(&self, part: &[Item]) -> Result<(), HandleError> {
        let ids: Vec<DecisionId> = part.iter().map(|item| item.decision).collect();
        let rules = self.rules();
        for decision in self.store(move |store| store.get_many(&ids)).await? {
            if held(&rules, &decision).is_some() {
                self.enforce(decision.id).await?;
            }
        }
        Ok(())
    }
}
