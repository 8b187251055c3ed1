//! Waiting for a verdict: one long poll after the other, until there is something to tell or the
//! time is over.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::send::{Call, pause, pauses};
use super::{Client, Error, Next};
use crate::wire::{Decision, Phase};

/// How long one poll is. Shorter than what lies between usually lets a quiet connection stand.
const POLL: Duration = Duration::from_secs(50);
/// The longest time that can be waited: some things count in fractions of a second.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A decision that was asked: by its number, or as it was, whose revision then counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its number.
    pub id: i64,
    /// The revision whose verdict is wanted. A verdict on another is none on this.
    pub revision: Option<u32>,
}

impl From<i64> for Asked {
    fn from(id: i64) -> Self {
        Self { id, revision: None }
    }
}

impl From<&Decision> for Asked {
    fn from(decision: &Decision) -> Self {
        Self { id: decision.id, revision: Some(decision.revision) }
    }
}

/// What a poll says.
#[derive(Debug, Serialize)]
struct Poll {
    timeout: u64,
    revision: Option<u32>,
    /// Only who takes the verdict says so.
    claim: Option<bool>,
}

impl Client {
    /// Waits until there is an answer, it is put off or taken back, or this long is over; then says
    /// how it stands. An answer is taken, to act on it: from then on it cannot be undone. If
    /// `gander serve` ends meanwhile, it goes on waiting for it to come back. To the second.
    ///
    /// # Errors
    /// [`Error`]; a problem of the sort [`crate::wire::ProblemKind::Superseded`] if it was asked
    /// again with another content.
    pub async fn wait(
        &self,
        asked: impl Into<Asked>,
        timeout: Duration,
    ) -> Result<Decision, Error> {
        self.wait_for(Method::POST, asked.into(), timeout).await
    }

    /// The same, but an answer is only looked at: it is for somebody else to act on.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub async fn watch(
        &self,
        asked: impl Into<Asked>,
        timeout: Duration,
    ) -> Result<Decision, Error> {
        self.wait_for(Method::GET, asked.into(), timeout).await
    }

    async fn wait_for(
        &self,
        method: Method,
        asked: Asked,
        timeout: Duration,
    ) -> Result<Decision, Error> {
        let claim = (method == Method::POST).then_some(true);
        let call = Call::on(method, asked.id, &["wait"]);
        self.poll(&call, asked.revision, claim, timeout, |decision: &Decision| {
            decision.state == Phase::Pending
        })
        .await
    }

    /// One long poll after the other, through whatever passes, until what is told is no longer
    /// `pending` or the time is over.
    pub(super) async fn poll<T: DeserializeOwned>(
        &self,
        call: &Call,
        revision: Option<u32>,
        claim: Option<bool>,
        timeout: Duration,
        pending: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + timeout.min(LONGEST);
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut waited = pauses();
        loop {
            let (began, span) = (Instant::now(), left().min(POLL));
            let poll = Poll {
                timeout: span.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
                revision,
                claim,
            };
            let call = call.clone().query(&poll)?.waits(span);
            match self.once::<T>(&call).await {
                Ok((_, told)) if !pending(&told) || left().is_zero() => return Ok(told),
                // It waited as long as it was asked to.
                Ok(_) if began.elapsed() >= span => waited = pauses(),
                // A server that is about to end answers early. Whoever comes back at once finds
                // nobody.
                Ok(_) => sleep(pause(&mut waited, Duration::ZERO).min(left())).await,
                Err(failed) => match failed.error.next() {
                    Next::Again(after) if !left().is_zero() => {
                        sleep(pause(&mut waited, after).min(left())).await
                    }
                    _ => return Err(failed.error),
                },
            }
        }
    }
}
