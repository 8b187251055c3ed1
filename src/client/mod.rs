//! Client of the approval API over HTTP, for Rust programs that ask people.
//!
//! A call retries by itself wherever a retry is harmless, for example after a restart of `gander
//! serve` or a lost response: questions carry an idempotency key, and waits continue. Does not
//! depend on the store or on the server's code, only on the JSON types ([`crate::wire`]) and the
//! routes.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use gander::client::{Client, Error, Outcome, Question, Word};
//!
//! # async fn agent() -> Result<(), Error> {
//! // GANDER_URL and GANDER_TOKEN name the server and the caller. Default: the socket of this
//! // user's own `gander serve`.
//! let client = Client::from_env()?;
//! let asked = client.ask(&Question::new("Delete the old checkout?")).await?;
//! let decision = client.wait(&asked, Duration::from_secs(2 * 60 * 60)).await?;
//! if decision.said.verdict == Some(Word::Approved) {
//!     // … delete here …
//!     client.report(&decision, Outcome::Succeeded, "deleted 214 files").await?;
//! }
//! # Ok(())
//! # }
//! ```

mod error;
mod events;
mod gate;
mod place;
mod send;
mod verdict;
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

pub use self::error::{Error, Next};
pub use self::events::Events;
use self::place::Place;
use self::send::{Call, Repeat};
pub use self::verdict::Given;
pub use self::wait::Asked;
use crate::channels::{Secret, SecretFrom};
pub use crate::core::decision::{Expects, Outcome, Priority, Risk, SafeDefault};
pub use crate::wire::{
    Agent, Answer, Approve, Attention, Batch, BatchItem, Batched, Choice, Choose, Decision, Defer,
    Detail, GateAnswer, GateCall, GateReady, Happened, Insight, Link, Moment, Page, Phase, Problem,
    ProblemKind, Question, Reject, Said, Span, Word,
};
use crate::wire::{Report, Withdraw};

/// Default time for retries of a call: longer than a restart of the bot.
const PATIENCE: Duration = Duration::from_secs(30);

/// The approval API of a `gander serve`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    place: Place,
    http: reqwest::Client,
    token: Option<Secret>,
    patience: Duration,
}

/// Filters and paging of the list. A missing filter matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Which {
    /// State: open (pending or deferred), pending, deferred, resolved, withdrawn.
    pub state: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The effective risk.
    pub risk: Option<Risk>,
    /// Decisions per page, 1 to 100. Left out: 50.
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// Paging of the decisions that need attention.
#[derive(Serialize)]
struct Part {
    offset: u32,
    limit: u32,
}

impl Client {
    /// Client for an address: `http://127.0.0.1:7777`, `https://…`, or
    /// `unix:///path/of/the/socket`. Without a token the caller is this Unix user, which the server
    /// can identify only on a socket.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(url: &str) -> Result<Self, Error> {
        let place = Place::of(url)?;
        let http = place.http()?;
        Ok(Self { place, http, token: None, patience: PATIENCE })
    }

    /// Client from the environment: `GANDER_URL` is the address, `GANDER_TOKEN` the token or
    /// `GANDER_TOKEN_FILE` a file with the token. Without an address: the socket of this user's own
    /// `gander serve`.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn from_env() -> Result<Self, Error> {
        let url = std::env::var("GANDER_URL").ok().filter(|url| !url.trim().is_empty());
        let usual = || Ok(format!("unix://{}", crate::config::http::usual_socket()?.display()));
        let url = url
            .map_or_else(usual, Ok)
            .map_err(|error: crate::config::ConfigError| Error::Settings(error.to_string()))?;
        Self::new(&url)?.token_from(None)
    }

    /// Reads the token from `file`. Without a file: from `GANDER_TOKEN`, or from the file named by
    /// `GANDER_TOKEN_FILE`, if set.
    ///
    /// # Errors
    /// [`Error::Settings`]: the file cannot be read or is empty, or the content does not look like
    /// a token.
    pub fn token_from(self, file: Option<PathBuf>) -> Result<Self, Error> {
        let token =
            SecretFrom { file, variable: "GANDER_TOKEN" }.read().map_err(Error::Settings)?;
        Ok(Self { token, ..self })
    }

    /// Sets the token, as printed by `gander token create`.
    ///
    /// # Errors
    /// [`Error::Settings`]: the text does not look like a token.
    pub fn token(self, token: &str) -> Result<Self, Error> {
        let token = Secret::new(token, "the given token").map_err(Error::Settings)?;
        Ok(Self { token: Some(token), ..self })
    }

    /// Sets how long a call retries while the server does not answer or asks for a later retry.
    /// Default: 30 s. A wait retries until its own time-out instead.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Asks a question and returns as soon as the question is filed. Retries are safe, because the
    /// call carries an idempotency key. A program that may die between asking and waiting should
    /// also set a `dedup_key`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ask(&self, question: &Question) -> Result<Decision, Error> {
        self.send(&Call::post(&["v1", "decisions"]).keyed()?.body(question)?).await
    }

    /// Asks up to 100 questions at once. Each question succeeds or fails alone.
    ///
    /// # Errors
    /// [`Error`], if no question was filed.
    pub async fn ask_all(&self, questions: Vec<Question>) -> Result<Vec<BatchItem>, Error> {
        let batch = Batch { questions };
        let batched: Batched =
            self.send(&Call::post(&["v1", "decisions:batch"]).keyed()?.body(&batch)?).await?;
        Ok(batched.items)
    }

    /// Gets a decision.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get(&self, id: i64) -> Result<Decision, Error> {
        self.send(&Call::on(Method::GET, id, &[])).await
    }

    /// Lists decisions that this token may see, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, which: &Which) -> Result<Page, Error> {
        self.send(&Call::get(&["v1", "decisions"]).query(which)?).await
    }

    /// Lists decisions that wait for an answer, most urgent first. Skips `offset` decisions and
    /// returns up to `limit` (1 to 100).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn attention(&self, offset: u32, limit: u32) -> Result<Attention, Error> {
        self.send(&Call::get(&["v1", "attention"]).query(&Part { offset, limit })?).await
    }

    /// Claims the verdict in order to act on it; a claimed verdict cannot be undone.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`ProblemKind::Conflict`] if the decision has no verdict.
    pub async fn claim(&self, asked: impl Into<Asked>) -> Result<Decision, Error> {
        self.send(&Call::on(Method::POST, asked.into().id, &["claim"])).await
    }

    /// Reports the outcome of acting on a verdict; the card shows the report. `text`: at most 4,000
    /// characters.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn report(
        &self,
        asked: impl Into<Asked>,
        outcome: Outcome,
        text: &str,
    ) -> Result<Decision, Error> {
        let report = Report { outcome, text: text.to_owned() };
        self.send(&Call::on(Method::POST, asked.into().id, &["outcome"]).body(&report)?).await
    }

    /// Withdraws a question that no longer needs an answer.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`ProblemKind::Conflict`] if the decision is no longer open.
    pub async fn withdraw(
        &self,
        asked: impl Into<Asked>,
        reason: Option<&str>,
    ) -> Result<Decision, Error> {
        let withdraw = Withdraw { reason: reason.map(ToOwned::to_owned) };
        // A second withdrawal would be rejected, so the call is not repeated if the first may have
        // arrived.
        self.send(
            &Call::on(Method::POST, asked.into().id, &["withdraw"])
                .body(&withdraw)?
                .repeat(Repeat::Unsent),
        )
        .await
    }

    /// Follows the events of decisions that this token may see, starting after the log position
    /// `after`; `None`: only new events.
    #[must_use]
    pub fn events(&self, after: Option<u64>) -> Events {
        Events::new(self.clone(), after)
    }
}
