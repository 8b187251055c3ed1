//! Verdicts of a person, given with the person's token.

use reqwest::Method;
use reqwest::StatusCode;
use reqwest::header::IF_MATCH;
use serde::Serialize;

use crate::send::{Call, Retry};
use crate::types::{Answer, Approve, Choose, Decision, Defer, QuestionAnswer, Reject};
use crate::{Client, Error};

/// The result of giving a verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum VerdictResult {
    /// The verdict is given, or counts as one of several required approvals.
    Recorded(Decision),
    /// The risk is high or critical: the verdict is proposed and takes effect once the person
    /// confirms on Discord.
    Proposed(Decision),
}

impl VerdictResult {
    /// The current decision.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::Recorded(decision) | Self::Proposed(decision) => decision,
        }
    }
}

impl Client {
    /// Gives a verdict on the revision that the person saw; a newer revision is not decided.
    /// Retries only if the request certainly had no effect.
    async fn decide(
        &self,
        seen: &Decision,
        action: &str,
        body: &impl Serialize,
    ) -> Result<VerdictResult, Error> {
        let call =
            Call::on(Method::POST, seen.id, &[action]).body(body)?.retry(Retry::OnlyIfNotSent);
        let (status, decision) = self
            .send_with_status(&call.header(IF_MATCH, &format!("\"{}\"", seen.revision))?)
            .await?;
        Ok(if status == StatusCode::ACCEPTED {
            VerdictResult::Proposed(decision)
        } else {
            VerdictResult::Recorded(decision)
        })
    }

    /// Approves the decision as seen.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::ProblemKind::Outdated`] if the content has
    /// changed since.
    pub async fn approve(
        &self,
        seen: &Decision,
        approve: &Approve,
    ) -> Result<VerdictResult, Error> {
        self.decide(seen, "approve", approve).await
    }

    /// Rejects the decision as seen, with a reason for the agent.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn reject(&self, seen: &Decision, reason: &str) -> Result<VerdictResult, Error> {
        self.decide(seen, "reject", &Reject { reason: reason.to_owned() }).await
    }

    /// Chooses an option of the decision as seen.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn choose(&self, seen: &Decision, choose: &Choose) -> Result<VerdictResult, Error> {
        self.decide(seen, "choose", choose).await
    }

    /// Answers the decision as seen with a text.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn answer(&self, seen: &Decision, text: &str) -> Result<VerdictResult, Error> {
        let body = Answer { text: text.to_owned(), answers: Vec::new() };
        self.decide(seen, "answer", &body).await
    }

    /// Answers the questions of an agent.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn answer_questions(
        &self,
        seen: &Decision,
        answers: Vec<QuestionAnswer>,
    ) -> Result<VerdictResult, Error> {
        self.decide(seen, "answer", &Answer { text: String::new(), answers }).await
    }

    /// Defers the decision as seen.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn defer(&self, seen: &Decision, until: Defer) -> Result<Decision, Error> {
        self.decide(seen, "defer", &until).await.map(VerdictResult::into_decision)
    }

    /// Ends a grant, by the number of its decision: from then on the calls ask again.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::ProblemKind::Conflict`] if there is no grant, or it
    /// has ended.
    pub async fn end_grant(&self, decision: i64) -> Result<Decision, Error> {
        let id = decision.to_string();
        let call = Call::post(&["v1", "grants", &id, "end"]).retry(Retry::OnlyIfNotSent);
        self.send(&call).await
    }

    /// Undoes a verdict that the agent has not claimed.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::ProblemKind::Conflict`] if the verdict can no
    /// longer be undone.
    pub async fn undo(&self, id: i64) -> Result<Decision, Error> {
        self.send(&Call::on(Method::POST, id, &["undo"]).retry(Retry::OnlyIfNotSent)).await
    }
}
