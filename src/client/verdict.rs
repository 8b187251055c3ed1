//! A person's verdicts, with a token that is theirs.

use reqwest::Method;
use reqwest::StatusCode;
use reqwest::header::IF_MATCH;
use serde::Serialize;

use super::send::{Call, Repeat};
use super::{Client, Error};
use crate::wire::{Answer, Approve, Choose, Decision, Defer, Reject};

/// What became of a verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// It is given, or counts as one of several that are needed.
    Done(Decision),
    /// Its risk is high: it is proposed, and counts once the person confirms it on Discord.
    Proposed(Decision),
}

impl Given {
    /// The decision as it stands.
    #[must_use]
    pub fn into_decision(self) -> Decision {
        match self {
            Self::Done(decision) | Self::Proposed(decision) => decision,
        }
    }
}

impl Client {
    /// Each of these names the decision as the person saw it: what was asked anew since is not
    /// decided. Only a call that surely did not arrive is made again.
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

    /// Says yes to what was seen.
    ///
    /// # Errors
    /// [`Error`]; a problem of the sort [`crate::wire::ProblemKind::Outdated`] if it changed since.
    pub async fn approve(&self, seen: &Decision, say: &Approve) -> Result<Given, Error> {
        self.decide(seen, "approve", say).await
    }

    /// Says no to what was seen, and why.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn reject(&self, seen: &Decision, reason: &str) -> Result<Given, Error> {
        self.decide(seen, "reject", &Reject { reason: reason.to_owned() }).await
    }

    /// Chooses one of the options that were seen.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn choose(&self, seen: &Decision, say: &Choose) -> Result<Given, Error> {
        self.decide(seen, "choose", say).await
    }

    /// Answers what was seen with a text.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn answer(&self, seen: &Decision, text: &str) -> Result<Given, Error> {
        self.decide(seen, "answer", &Answer { text: text.to_owned() }).await
    }

    /// Puts off what was seen.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn defer(&self, seen: &Decision, until: Defer) -> Result<Decision, Error> {
        self.decide(seen, "defer", &until).await.map(Given::into_decision)
    }

    /// Takes a verdict back that the agent has not taken.
    ///
    /// # Errors
    /// [`Error`]; a problem of the sort [`crate::wire::ProblemKind::Conflict`] if it is too late.
    pub async fn undo(&self, id: i64) -> Result<Decision, Error> {
        self.send(&Call::on(Method::POST, id, &["undo"]).repeat(Repeat::Unsent)).await
    }
}
