//! Asks people from a Rust program: the approval API over HTTP, as a few calls.
//!
//! Whatever happens between — `gander serve` restarts, an answer is lost on the way — a call tries
//! again by itself as long as that can do no harm: questions carry a key of their own, and whoever
//! waits goes on waiting. Must not know the store, nor how the server is built: it knows what
//! travels ([`crate::wire`]) and the routes.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use gander::client::{Client, Error, Outcome, Question, Word};
//!
//! # async fn agent() -> Result<(), Error> {
//! // GANDER_URL and GANDER_TOKEN say where it is and who asks; without them, the socket of this user's own `gander serve`.
//! let client = Client::from_env()?;
//! let asked = client.ask(&Question::new("Delete the old checkout?")).await?;
//! let decision = client.wait(&asked, Duration::from_secs(2 * 60 * 60)).await?;
//! if decision.said.verdict == Some(Word::Approved) {
//!     // … it is deleted here …
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

/// How long a call goes on trying, where nothing else is said: a restart of the bot is over by
/// then.
const PATIENCE: Duration = Duration::from_secs(30);

/// The approval API of a `gander serve`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    place: Place,
    http: reqwest::Client,
    token: Option<Secret>,
    patience: Duration,
}

/// Which decisions are listed. All that is left out is of any sort.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Which {
    /// open (pending or deferred), pending, deferred, resolved, withdrawn.
    pub state: Option<String>,
    /// The project.
    pub project: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The risk that counts.
    pub risk: Option<Risk>,
    /// So many of a page, 1 to 100. Left out: 50.
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A part of what waits.
#[derive(Serialize)]
struct Part {
    offset: u32,
    limit: u32,
}

impl Client {
    /// The server at an address: `http://127.0.0.1:7777`, `https://…`, or
    /// `unix:///path/of/the/socket`. Without a token it is this user who asks, which a socket alone
    /// knows.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(url: &str) -> Result<Self, Error> {
        let place = Place::of(url)?;
        let http = place.http()?;
        Ok(Self { place, http, token: None, patience: PATIENCE })
    }

    /// As the environment says: `GANDER_URL` is the address, `GANDER_TOKEN` the token or
    /// `GANDER_TOKEN_FILE` a file that holds it. Without an address it is the socket of this user's
    /// own `gander serve`.
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

    /// With the token that this file holds; without a file, with that of `GANDER_TOKEN`, or of the
    /// file that `GANDER_TOKEN_FILE` names, if there is one.
    ///
    /// # Errors
    /// [`Error::Settings`]: the file cannot be read or is empty, or no token looks like this.
    pub fn token_from(self, file: Option<PathBuf>) -> Result<Self, Error> {
        let token =
            SecretFrom { file, variable: "GANDER_TOKEN" }.read().map_err(Error::Settings)?;
        Ok(Self { token, ..self })
    }

    /// With a token, as `gander token create` prints it.
    ///
    /// # Errors
    /// [`Error::Settings`]: no token looks like this.
    pub fn token(self, token: &str) -> Result<Self, Error> {
        let token = Secret::new(token, "the given token").map_err(Error::Settings)?;
        Ok(Self { token: Some(token), ..self })
    }

    /// How long a call goes on trying while nobody answers, or the server asks to come back later;
    /// 30 s if nothing is said. A wait tries for as long as it waits.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Puts a question to the people. Returns as soon as it is filed. Repeating itself it is safe:
    /// the call has a key, under which the server knows it again. A program that may die between
    /// asking and waiting gives the question a `dedup_key`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ask(&self, question: &Question) -> Result<Decision, Error> {
        self.send(&Call::post(&["v1", "decisions"]).keyed()?.body(question)?).await
    }

    /// Puts up to 100 questions at once. Each is filed, or refused, by itself.
    ///
    /// # Errors
    /// [`Error`], where none was filed.
    pub async fn ask_all(&self, questions: Vec<Question>) -> Result<Vec<BatchItem>, Error> {
        let batch = Batch { questions };
        let batched: Batched =
            self.send(&Call::post(&["v1", "decisions:batch"]).keyed()?.body(&batch)?).await?;
        Ok(batched.items)
    }

    /// A decision as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get(&self, id: i64) -> Result<Decision, Error> {
        self.send(&Call::on(Method::GET, id, &[])).await
    }

    /// Decisions that this token sees, the newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, which: &Which) -> Result<Page, Error> {
        self.send(&Call::get(&["v1", "decisions"]).query(which)?).await
    }

    /// What waits for an answer, the most urgent first: `limit` (1 to 100) of it, after the first
    /// `offset`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn attention(&self, offset: u32, limit: u32) -> Result<Attention, Error> {
        self.send(&Call::get(&["v1", "attention"]).query(&Part { offset, limit })?).await
    }

    /// Takes the verdict that is there, to act on it: from then on it cannot be undone.
    ///
    /// # Errors
    /// [`Error`]; a problem of the sort [`ProblemKind::Conflict`] if there is none.
    pub async fn claim(&self, asked: impl Into<Asked>) -> Result<Decision, Error> {
        self.send(&Call::on(Method::POST, asked.into().id, &["claim"])).await
    }

    /// Says how it went when this agent acted on a verdict; the card shows it. At most 4,000
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

    /// Takes a question back that nobody needs to answer any more.
    ///
    /// # Errors
    /// [`Error`]; a problem of the sort [`ProblemKind::Conflict`] if it is over.
    pub async fn withdraw(
        &self,
        asked: impl Into<Asked>,
        reason: Option<&str>,
    ) -> Result<Decision, Error> {
        let withdraw = Withdraw { reason: reason.map(ToOwned::to_owned) };
        // A second one would be refused, so it is not repeated where the first may have come
        // through.
        self.send(
            &Call::on(Method::POST, asked.into().id, &["withdraw"])
                .body(&withdraw)?
                .repeat(Repeat::Unsent),
        )
        .await
    }

    /// Follows what happens to the decisions that this token sees, from behind this position of the
    /// log on; `None`: from now on.
    #[must_use]
    pub fn events(&self, after: Option<u64>) -> Events {
        Events::new(self.clone(), after)
    }
}
