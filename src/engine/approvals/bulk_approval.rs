//! Bulk approval: several decisions with one click.
//!
//! The list is frozen when drawn. Each decision is checked on its own, in the transaction of its
//! verdict: permission, revision, risk. A decision changed since drops out, and the result lists
//! the outcome of each decision.

use std::sync::{Arc, OnceLock};

use crate::core::decision::authorization::{Voter, may_decide};
use crate::core::decision::{Decision, DecisionId, State, Verdict, Via};
use crate::core::messaging::batch::{SkipReason, check_bulk_approval};
use crate::core::messaging::message::{
    Destination, Item, Listed, Message, MessageId, MessageView, Purpose,
};
use crate::core::policy::rules::{enforced, enforcement_event};
use crate::engine::{Handle, HandleError};
use crate::store::{Decide, NewMessage};

/// Verdicts per transaction: few enough to keep other people's clicks from waiting long.
pub const TOGETHER: usize = 100;

/// A preview of a bulk approval by one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Decisions to approve.
    pub goes: Vec<Listed>,
    /// Skipped decisions, with the reason.
    pub left_out: Vec<(Decision, SkipReason)>,
}

/// The outcome for one decision of the list.
#[derive(Debug)]
pub enum ItemOutcome {
    /// Approved; or voted for, where several people must approve.
    Approved(Decision),
    /// Skipped, with the reason.
    LeftOut(Decision, SkipReason),
    /// Not approved: the store failed.
    Failed(DecisionId, HandleError),
}

impl ItemOutcome {
    /// The decision's number.
    #[must_use]
    pub const fn id(&self) -> DecisionId {
        match self {
            Self::Approved(decision) | Self::LeftOut(decision, _) => decision.id,
            Self::Failed(id, _) => *id,
        }
    }
}

/// Approves several decisions with one click.
#[derive(Debug, Clone, Copy)]
pub struct BulkApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl BulkApi<'_> {
    /// Freezes a list for one person to review or approve in bulk.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn freeze(self, items: Vec<Item>, by: &Voter) -> Result<MessageId, HandleError> {
        let new = NewMessage {
            purpose: Purpose::Selection { of: by.person.id.clone() },
            place: Destination::Nowhere,
            items,
            at: self.handle.clock().wall(),
        };
        Ok(self.handle.with_store(move |store| store.messages().open(new)).await?)
    }

    /// A list as drawn at revision `list`, with the current state of its decisions. `None`: no such
    /// list exists, or the list is another person's selection.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn list(
        self,
        id: MessageId,
        list: u32,
        by: &Voter,
    ) -> Result<Option<MessageView>, HandleError> {
        let Some(view) = self.handle.messages().view(id).await? else { return Ok(None) };
        match &view.message.purpose {
            Purpose::Selection { of } if *of != by.person.id => return Ok(None),
            // A card is no list.
            Purpose::Card { .. } => return Ok(None),
            _ => {}
        }
        let items = view.message.list_at(list);
        let MessageView { message, mut listed } = view;
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
        Ok((!listed.is_empty())
            .then_some(MessageView { message: Message { items, ..message }, listed }))
    }

    /// Previews a bulk approval by this person.
    #[must_use]
    pub fn preview(self, list: Vec<Listed>, by: &Voter) -> Preview {
        let rules = self.handle.rules();
        let mut weighed = Preview { goes: Vec::new(), left_out: Vec::new() };
        for listed in list {
            let may = may_decide(&rules.approvers, &listed.decision, by).is_ok();
            match check_bulk_approval(&listed.item, &listed.decision, &by.person.id, may) {
                Ok(()) => weighed.goes.push(listed),
                Err(why) => weighed.left_out.push((listed.decision, why)),
            }
        }
        weighed
    }

    /// Approves part of a list, skipping decisions no longer as listed. All verdicts share a
    /// transaction, so `part` has at most [`TOGETHER`] items; a caller with more calls repeatedly
    /// and can show progress.
    pub async fn approve(self, part: &[Item], by: &Voter, via: Via) -> Vec<ItemOutcome> {
        let failed = |error: &HandleError, item: &Item| {
            // Only the error's text is shown, once for each decision.
            ItemOutcome::Failed(
                item.decision,
                HandleError::Store(crate::store::StoreError::Failed(error.to_string())),
            )
        };
        if let Err(error) = self.enforce_rules(part).await {
            return part.iter().map(|item| failed(&error, item)).collect();
        }
        let (mut changes, mut whys) = (Vec::new(), Vec::new());
        for item in part {
            let (why, decide) = self.approval(*item, by, via);
            whys.push(why);
            changes.push((item.decision, decide));
        }
        let at = self.handle.now();
        let changed = match self
            .handle
            .write_store(move |store| store.decisions().change_many(changes, at))
            .await
        {
            Ok(changed) => changed,
            Err(error) => {
                let error = error.into();
                return part.iter().map(|item| failed(&error, item)).collect();
            }
        };
        self.handle.hint();
        let rules = self.handle.rules();
        let fate = |(changed, why): (crate::store::Changed, Arc<OnceLock<SkipReason>>)| match (
            changed,
            why.get(),
        ) {
            (Ok(decision), None) => ItemOutcome::Approved(decision),
            (Ok(decision), Some(why)) => {
                ItemOutcome::LeftOut(enforced(&rules, &decision), why.clone())
            }
            (Err(unchanged), why) => {
                let over = !matches!(unchanged.decision.state, State::Pending(_));
                let why = why.cloned().unwrap_or(if over {
                    SkipReason::Over
                } else {
                    SkipReason::Changed
                });
                ItemOutcome::LeftOut(unchanged.decision, why)
            }
        };
        changed.into_iter().zip(whys).map(fate).collect()
    }

    /// The change of one decision inside the transaction. If the decision is skipped, the returned
    /// cell holds the reason.
    fn approval(self, item: Item, by: &Voter, via: Via) -> (Arc<OnceLock<SkipReason>>, Decide) {
        let why = Arc::new(OnceLock::new());
        let (rules, voter, told) = (self.handle.rules(), by.clone(), Arc::clone(&why));
        let decide: Decide = Box::new(move |decision| {
            let decision = &enforced(&rules, decision);
            let may = may_decide(&rules.approvers, decision, &voter).is_ok();
            if let Err(left_out) = check_bulk_approval(&item, decision, &voter.person.id, may) {
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
    async fn enforce_rules(self, part: &[Item]) -> Result<(), HandleError> {
        let ids: Vec<DecisionId> = part.iter().map(|item| item.decision).collect();
        let rules = self.handle.rules();
        for decision in
            self.handle.with_store(move |store| store.decisions().get_many(&ids)).await?
        {
            if enforcement_event(&rules, &decision, None).is_some() {
                self.handle.approvals().enforce(decision.id).await?;
            }
        }
        Ok(())
    }
}
