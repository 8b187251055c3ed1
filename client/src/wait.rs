//! Waits for a verdict by repeated long polls.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::send::{Call, pause, retry_backoff};
use crate::types::{Decision, Phase};
use crate::{Client, Error, Reaction};

/// Length of one long poll: short enough that proxies usually keep an idle connection open.
const POLL_LENGTH: Duration = Duration::from_secs(50);
/// Longest wait. Much longer spans overflow clocks that count in fractions of a second.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A decision to wait for: by number, or as returned by an earlier call, which also fixes the
/// revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionRef {
    /// The decision's number.
    pub id: i64,
    /// The revision to wait for. A verdict on another revision does not count.
    pub revision: Option<u32>,
}

impl From<i64> for DecisionRef {
    fn from(id: i64) -> Self {
        Self { id, revision: None }
    }
}

impl From<&Decision> for DecisionRef {
    fn from(decision: &Decision) -> Self {
        Self { id: decision.id, revision: Some(decision.revision) }
    }
}

/// Query of one poll.
#[derive(Debug, Serialize)]
struct Poll {
    timeout: u64,
    revision: Option<u32>,
    /// Set only in a call that claims the verdict.
    claim: Option<bool>,
    /// Set only in a call that goes on while the decision is deferred.
    through_deferral: Option<bool>,
}

impl Client {
    /// Waits until the decision is answered, deferred or withdrawn, or until `timeout` (rounded up
    /// to whole seconds); then returns the decision. A verdict is claimed in order to act on it,
    /// and can no longer be undone. If `gander serve` ends meanwhile, keeps waiting until `gander
    /// serve` is back.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::ProblemKind::Superseded`] if the question was
    /// asked again with different content.
    pub async fn wait(
        &self,
        asked: impl Into<DecisionRef>,
        timeout: Duration,
    ) -> Result<Decision, Error> {
        self.wait_for(Method::POST, asked.into(), timeout).await
    }

    /// Like [`Client::wait`], but does not claim the verdict: another program acts on it.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub async fn watch(
        &self,
        asked: impl Into<DecisionRef>,
        timeout: Duration,
    ) -> Result<Decision, Error> {
        self.wait_for(Method::GET, asked.into(), timeout).await
    }

    async fn wait_for(
        &self,
        method: Method,
        asked: DecisionRef,
        timeout: Duration,
    ) -> Result<Decision, Error> {
        let claim = (method == Method::POST).then_some(true);
        let call = Call::on(method, asked.id, &["wait"]);
        self.poll(&call, asked.revision, claim, timeout, |decision: &Decision| {
            match decision.state {
                Phase::Pending => true,
                Phase::Deferred => self.through_deferral,
                Phase::Resolved | Phase::Withdrawn => false,
            }
        })
        .await
    }

    /// Repeats long polls, through errors that may pass, until `pending` is false for the response
    /// or the time is over.
    pub(crate) async fn poll<T: DeserializeOwned>(
        &self,
        call: &Call,
        revision: Option<u32>,
        claim: Option<bool>,
        timeout: Duration,
        pending: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut backoff = retry_backoff();
        loop {
            let (began, span) = (Instant::now(), left().min(POLL_LENGTH));
            let poll = Poll {
                timeout: span.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
                revision,
                claim,
                through_deferral: self.through_deferral.then_some(true),
            };
            let call = call.clone().query(&poll)?.waits(span);
            match self.once::<T>(&call).await {
                Ok((_, answer)) if !pending(&answer) || left().is_zero() => return Ok(answer),
                // The server waited for the requested time, so poll again at once.
                Ok(_) if began.elapsed() >= span => backoff = retry_backoff(),
                // The server answered early because of a shutdown. An immediate retry would find no
                // server.
                Ok(_) => sleep(pause(&mut backoff, Duration::ZERO).min(left())).await,
                Err(failed) => match failed.error.reaction() {
                    Reaction::RetryAfter(after) if !left().is_zero() => {
                        sleep(pause(&mut backoff, after).min(left())).await
                    }
                    _ => return Err(failed.error),
                },
            }
        }
    }
}
