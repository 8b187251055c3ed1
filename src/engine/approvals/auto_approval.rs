//! Automatic approval, by the rules of the serving process; and people's disagreement.
//!
//! The asking process may have read another configuration, so no decision is approved there. The
//! serving process checks every new decision once, and all open decisions at startup and after each
//! change of the rules, so no decision is missed while no process served. The rule is checked
//! against the current state, inside the approving transaction. The reconciler runs automatic
//! approval ([`AutoApprovalApi::approve_allowed`]) before posting cards, so a decision approved at
//! once never gets a card.

use std::sync::Arc;

use crate::core::decision::authorization::Voter;
use crate::core::decision::event::Event;
use crate::core::decision::{Decision, DecisionId, Refused, State, Via};
use crate::core::policy::rules::{Rules, enforced};
use crate::engine::clock::LONGEST_SLEEP;
use crate::engine::{EventFilter, Handle, HandleError};

/// Progress of the checks.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The log position checked up to.
    position: Option<u64>,
    /// The rules used for the checks.
    rules: Option<Arc<Rules>>,
    /// The highest decision number checked.
    last: DecisionId,
}

/// Approves automatically until dropped.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        if let Err(error) = handle.auto_approval().approve_allowed().await {
            tracing::warn!(%error, "could not check for automatic approvals; people are asked \
                meanwhile; trying again within 15 s");
        }
        // Wait for a change, or retry. The sender lives in the handle, so the channel cannot close.
        let _ = tokio::time::timeout(LONGEST_SLEEP, hints.changed()).await;
    }
}

fn any_rule_allows(rules: &Rules) -> bool {
    rules.projects.values().any(|rule| rule.route_by_confidence)
        && rules.kinds.values().any(|rule| rule.route_by_confidence)
}

/// Approves by the rules, and records people's disagreement.
#[derive(Debug, Clone, Copy)]
pub struct AutoApprovalApi<'a> {
    pub(in crate::engine) handle: &'a Handle,
}

impl AutoApprovalApi<'_> {
    /// Checks new decisions and approves where the rules allow. Returns the highest decision number
    /// checked.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the next call checks the remaining decisions.
    pub async fn approve_allowed(self) -> Result<DecisionId, HandleError> {
        let mut looked = self.handle.inner.auto_approval_progress.lock().await;
        let rules = self.handle.rules();
        let same = looked.rules.as_ref().is_some_and(|known| Arc::ptr_eq(known, &rules));
        if !any_rule_allows(&rules) {
            *looked = Checked { position: None, rules: Some(rules), last: DecisionId(i64::MAX) };
            return Ok(looked.last);
        }
        let (position, last) = match looked.position.filter(|_| same) {
            Some(position) => self.approve_new(position, looked.last).await?,
            None => self.approve_open().await?,
        };
        *looked = Checked { position: Some(position), rules: Some(rules), last };
        Ok(last)
    }

    /// Checks all open decisions.
    async fn approve_open(self) -> Result<(u64, DecisionId), HandleError> {
        // Read the log's end first: decisions asked from now on come after this position.
        let position = self.handle.event_log().head().await?.seq;
        let open = self.handle.with_store(|store| store.decisions().open_ids()).await?;
        for id in &open {
            self.approve_if_allowed(*id).await?;
        }
        Ok((position, open.last().copied().unwrap_or_default()))
    }

    /// Checks the decisions asked after a log position.
    async fn approve_new(
        self,
        position: u64,
        mut last: DecisionId,
    ) -> Result<(u64, DecisionId), HandleError> {
        let mut log = self.handle.event_log().follow(position, EventFilter::default());
        while let Some(events) = log.try_next().await? {
            for logged in events {
                if matches!(logged.event, Event::Asked { .. }) {
                    self.approve_if_allowed(logged.decision).await?;
                    last = last.max(logged.decision);
                }
            }
        }
        Ok((log.cursor(), last))
    }

    /// Approves the decision if its current state and the current rules allow.
    async fn approve_if_allowed(self, id: DecisionId) -> Result<(), HandleError> {
        let decision = self.handle.approvals().enforce(id).await?;
        if enforced(&self.handle.rules(), &decision).auto_approve(&self.handle.rules()).is_none() {
            return Ok(());
        }
        let rules = self.handle.rules();
        let passed = self
            .handle
            .approvals()
            .change(id, move |decision| Ok(enforced(&rules, decision).auto_approve(&rules)))
            .await;
        let passed = match passed {
            // A person's no to the same question came at this very moment.
            Err(HandleError::Refused(_, Refused::Precedent { .. })) => return Ok(()),
            passed => passed?,
        };
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
    /// As [`ApprovalApi::approve`](crate::engine::ApprovalApi::approve);
    /// [`Refused::NotAutoApproved`], [`Refused::AlreadyDisagreed`].
    pub async fn disagree(
        self,
        id: DecisionId,
        by: &Voter,
    ) -> Result<(Decision, Option<DecisionId>), HandleError> {
        let person = by.person.clone();
        match self
            .handle
            .approvals()
            .decide(id, by, move |decision| decision.disagree(person, false))
            .await
        {
            Err(HandleError::Refused(_, Refused::AskedAgain { again })) => {
                let person = by.person.clone();
                let stands = self
                    .handle
                    .approvals()
                    .decide(id, by, move |decision| decision.disagree(person, true))
                    .await?;
                Ok((stands, Some(again)))
            }
            done => done.map(|decision| (decision, None)),
        }
    }
}
