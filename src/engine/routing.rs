//! Automatic approval, by the rules of the serving process; and people's disagreement.
//!
//! The asking process may have read another configuration, so no decision is approved there. The
//! serving process checks every new decision once, and all open decisions at startup and after each
//! change of the rules, so no decision is missed while no process served. The rule is checked
//! against the current state, inside the approving transaction. The reconciler runs automatic
//! approval ([`Handle::let_pass`]) before posting cards, so a decision approved at once never gets
//! a card.

use std::sync::Arc;

use super::clock::LONGEST_SLEEP;
use super::{Handle, HandleError, enforced};
use crate::core::decision::{Decision, DecisionId, Refused, State, Via};
use crate::core::event::Event;
use crate::core::permission::Voter;
use crate::core::policy::Rules;

/// Progress of the checks.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The log position checked up to.
    position: Option<u64>,
    /// The rules used for the checks.
    rules: Option<Arc<Rules>>,
    /// The highest decision number checked.
    last: DecisionId,
}

/// Events read at a time.
const PAGE: usize = 500;

/// Approves automatically until dropped.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        if let Err(error) = handle.let_pass().await {
            tracing::warn!(%error, "could not look whether anything passes by itself; people are asked meanwhile, and it is tried again within 15 s");
        }
        // Wait for a change, or retry. The sender lives in the handle, so the channel cannot close.
        let _ = tokio::time::timeout(LONGEST_SLEEP, hints.changed()).await;
    }
}

fn may_any_pass(rules: &Rules) -> bool {
    rules.projects.values().any(|rule| rule.route_by_confidence)
        && rules.kinds.values().any(|rule| rule.route_by_confidence)
}

impl Handle {
    /// Checks new decisions and approves where the rules allow. Returns the highest decision number
    /// checked.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the next call checks the remaining decisions.
    pub async fn let_pass(&self) -> Result<DecisionId, HandleError> {
        let mut looked = self.inner.looked.lock().await;
        let rules = self.rules();
        let same = looked.rules.as_ref().is_some_and(|known| Arc::ptr_eq(known, &rules));
        if !may_any_pass(&rules) {
            *looked = Looked { position: None, rules: Some(rules), last: DecisionId(i64::MAX) };
            return Ok(looked.last);
        }
        let (position, last) = match looked.position.filter(|_| same) {
            Some(position) => self.let_new_pass(position, looked.last).await?,
            None => self.let_open_pass().await?,
        };
        *looked = Looked { position: Some(position), rules: Some(rules), last };
        Ok(last)
    }

    /// Checks all open decisions.
    async fn let_open_pass(&self) -> Result<(u64, DecisionId), HandleError> {
        // Read the log's end first: decisions asked from now on come after this position.
        let position = self.head().await?.seq;
        let open = self.store(|store| store.open_ids()).await?;
        for id in &open {
            self.pass_one(*id).await?;
        }
        Ok((position, open.last().copied().unwrap_or_default()))
    }

    async fn let_new_pass(
        &self,
        mut position: u64,
        mut last: DecisionId,
    ) -> Result<(u64, DecisionId), HandleError> {
        loop {
            let events = self.events(position, PAGE).await?;
            for logged in &events {
                if matches!(logged.event, Event::Asked { .. }) {
                    self.pass_one(logged.decision).await?;
                    last = last.max(logged.decision);
                }
                position = logged.seq;
            }
            if events.len() < PAGE {
                return Ok((position, last));
            }
        }
    }

    /// Approves the decision if its current state and the current rules allow.
    async fn pass_one(&self, id: DecisionId) -> Result<(), HandleError> {
        let decision = self.enforce(id).await?;
        if enforced(&self.rules(), &decision).pass(&self.rules()).is_none() {
            return Ok(());
        }
        let rules = self.rules();
        let passed =
            self.change(id, move |decision| Ok(enforced(&rules, decision).pass(&rules))).await?;
        if matches!(&passed.state, State::Resolved(resolved) if resolved.via == Via::Routing) {
            tracing::info!(
                decision = id.0,
                confidence = passed.request.confidence,
                "approved by itself"
            );
        }
        Ok(())
    }

    /// Records a person's disagreement with an automatic approval. Undoes the approval unless
    /// claimed. If a newer question with the same dedup key prevents the undo, the approval stands
    /// and the newer decision's number is returned too.
    ///
    /// # Errors
    /// As [`Handle::approve`]; [`Refused::NotByItself`], [`Refused::AlreadyDisagreed`].
    pub async fn disagree(
        &self,
        id: DecisionId,
        by: &Voter,
    ) -> Result<(Decision, Option<DecisionId>), HandleError> {
        let person = by.person.clone();
        match self.decide(id, by, move |decision| decision.disagree(person, false)).await {
            Err(HandleError::Refused(_, Refused::AskedAgain { again })) => {
                let person = by.person.clone();
                let stands =
                    self.decide(id, by, move |decision| decision.disagree(person, true)).await?;
                Ok((stands, Some(again)))
            }
            done => done.map(|decision| (decision, None)),
        }
    }
}
