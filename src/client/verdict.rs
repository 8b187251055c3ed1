//! Verdicts of a person, given with the person's token.

use reqwest::Method;
use reqwest::StatusCode;
use reqwest::header::IF_MATCH;
use serde::Serialize;

use super::send::{Call, Repeat};
use super::{Client, Error};
use crate::wire::{Answer, Approve, Choose, Decision, Defer, Reject};

/// The result of giving a verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// The verdict is given, or counts as one of several required approvals.
    Done(Decision),
    /// The risk is high or critical: the verdict is proposed and takes effect once the person
    /// confirms on Discord.
    Proposed(Decision),
}

impl Given {
    /// The current decision.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::Done(decision) | Self::Proposed(decision) => decision,
        }
    }
}

impl Client {
    /// Gives a verdict on the revision that the person saw; a newer revision is not decided.
    /// Retries only if the request certainly had no effect.
    async fn decide(
        &self,
        seen: &Decision,
        deed: &str,
        say: &impl Serialize,
    ) -> Result<Given, Error> {
        let call = Call::on(Method::POST, seen.id, &[deed]).body(say)?.repeat(Repeat::Unsent);
        let (status, decision) =
            self.send_told(&call.header(IF_MATCH, &format!("\"{}\"", seen.revision))?).await?;
        Ok(if status == StatusCode::ACCEPTED {
            Given::Proposed(decision)
        } else {
            Given::Done(decision)
        })
    }

    /// Approves the decision as seen.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::wire::ProblemKind::Outdated`] if the content has
    /// changed since.
    pub async fn approve(&self, seen: &Decision, say: &Approve) -> Result<Given, Error> {
        self.decide(seen, "approve", say).await
    }

    /// Rejects the decision as seen, with a reason for the agent.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn reject(&self, seen: &Decision, reason: &str) -> Result<Given, Error> {
        self.decide(seen, "reject", &Reject { reason: reason.to_owned() }).await
    }

    /// Chooses an option of the decision as seen.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn choose(&self, seen: &Decision, say: &Choose) -> Result<Given, Error> {
        self.decide(seen, "choose", say).await
    }

    /// Answers the decision as seen with a text.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn answer(&self, seen: &Decision, text: &str) -> Result<Given, Error> {
        self.decide(seen, "answer", &Answer { text: text.to_owned() }).await
    }

    /// Defers the decision as seen.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn defer(&self, seen: &Decision, until: Defer) -> Result<Decision, Error> {
        self.decide(seen, "defer", &until).await.map(Given::into_decision)
    }

    /// Undoes a verdict that the agent has not claimed.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::wire::ProblemKind::Conflict`] if the verdict can no
    /// longer be undone.
    pub async fn undo(&self, id: i64) -> Result<Decision, Error> {
        self.send(&Call::on(Method::POST, id, &["undo"]).repeat(Repeat::Unsent)).await
    }
}
