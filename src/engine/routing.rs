//! Lets pass what needs no person, by the rules of the process that serves, and takes people's
//! disagreement.
//!
//! Whoever asks may have read another configuration: nothing passes in the asking process. Here
//! every decision that is asked is looked at once, and all open ones at the start and whenever the
//! rules change, so that none is missed while nothing ran. The rule is checked on what stands,
//! within the transaction that approves. Whoever shows cards lets pass first
//! ([`Handle::let_pass`]), so that what passes at once never has a card.

use std::sync::Arc;

use super::clock::LONGEST_SLEEP;
use super::{Handle, HandleError, enforced};
use crate::core::decision::{Decision, DecisionId, Refused, State, Via};
use crate::core::event::Event;
use crate::core::permission::Voter;
use crate::core::policy::Rules;

/// What was looked at.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The log, up to here.
    position: Option<u64>,
    /// Under these rules.
    rules: Option<Arc<Rules>>,
    /// The last number that was asked by then.
    last: DecisionId,
}

/// Events that are read at a time.
const PAGE: usize = 500;

/// Runs for as long as it is polled.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    loop {
        hints.mark_unchanged();
        if let Err(error) = handle.let_pass().await {
            tracing::warn!(%error, "could not look whether anything passes by itself; people are asked meanwhile, and it is tried again within 15 s");
        }
        // A change, or the next try. The sender lives in the handle, so the channel cannot close.
        let _ = tokio::time::timeout(LONGEST_SLEEP, hints.changed()).await;
    }
}

fn may_any_pass(rules: &Rules) -> bool {
    rules.projects.values().any(|rule| rule.route_by_confidence)
        && rules.kinds.values().any(|rule| rule.route_by_confidence)
}

impl Handle {
    /// Looks at what is new, and approves what passes by itself. Up to and with this number
    /// everything was looked at.
    ///
    /// # Errors
    /// [`HandleError::Store`]; what was not looked at is the next time.
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

    /// Looks at all that is open.
    async fn let_open_pass(&self) -> Result<(u64, DecisionId), HandleError> {
        // First the end of the log: what is asked from now on stands behind it.
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

    /// Approves it if it passes, as it stands and by the rules that hold now.
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

    /// A person disagrees with what was approved by itself: undone if the agent has not taken it,
    /// and written down in any case. With it, the decision that was asked instead meanwhile, if
    /// that is why the verdict stands.
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
