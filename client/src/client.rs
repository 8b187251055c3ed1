//! The client: settings, and the calls of an agent.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;

use crate::address::{ServerAddress, default_socket};
use crate::send::{Call, Retry};
use crate::token::Token;
use crate::types::{
    Attention, Batch, BatchItem, BatchResult, Decision, DecisionPage, GrantList, ListedGrant,
    Outcome, Question, Report, Risk, Withdraw,
};
use crate::wait::DecisionRef;
use crate::{Error, Events};

/// Default time for retries of a call: longer than a restart of the bot.
const DEFAULT_RETRY_TIME: Duration = Duration::from_secs(30);

/// The approval API of a `gander serve`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) server: ServerAddress,
    pub(crate) http: reqwest::Client,
    pub(crate) token: Option<Token>,
    pub(crate) retry_for: Duration,
    pub(crate) through_deferral: bool,
}

/// Filters and paging of the list. A missing filter matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ListFilter {
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
struct Paging {
    offset: u32,
    limit: u32,
}

/// Filter of the list of grants.
#[derive(Serialize)]
struct GrantFilter<'a> {
    project: Option<&'a str>,
}

impl Client {
    /// Client for an address: `http://127.0.0.1:7777`, `https://…`, or
    /// `unix:///path/of/the/socket`. Without a token the caller is this Unix user, which the server
    /// can identify only on a socket.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(url: &str) -> Result<Self, Error> {
        let server = ServerAddress::parse(url)?;
        let http = server.http_client()?;
        let retry_for = DEFAULT_RETRY_TIME;
        Ok(Self { server, http, token: None, retry_for, through_deferral: false })
    }

    /// Client from the environment: `GANDER_URL` is the address, `GANDER_TOKEN` the token or
    /// `GANDER_TOKEN_FILE` a file with the token. Without an address: the socket of this user's own
    /// `gander serve`.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn from_env() -> Result<Self, Error> {
        let url = std::env::var("GANDER_URL").ok().filter(|url| !url.trim().is_empty());
        let url = match url {
            Some(url) => url,
            None => format!("unix://{}", default_socket()?.display()),
        };
        Self::new(&url)?.token_from(None)
    }

    /// Reads the token from `file`. Without a file: from `GANDER_TOKEN`, or from the file named by
    /// `GANDER_TOKEN_FILE`, if set.
    ///
    /// # Errors
    /// [`Error::Settings`]: the file cannot be read or is empty, or the content does not look like
    /// a token.
    pub fn token_from(self, file: Option<PathBuf>) -> Result<Self, Error> {
        Ok(Self { token: Token::from_file_or_environment(file)?, ..self })
    }

    /// Sets the token, as printed by `gander token create`.
    ///
    /// # Errors
    /// [`Error::Settings`]: the text does not look like a token.
    pub fn token(self, token: &str) -> Result<Self, Error> {
        let token = Token::new(token, "the given token")?;
        Ok(Self { token: Some(token), ..self })
    }

    /// Sets how long a call retries while the server does not answer or asks for a later retry.
    /// Default: 30 s. A wait retries until its own time-out instead.
    #[must_use]
    pub fn retry_for(self, retry_for: Duration) -> Self {
        Self { retry_for, ..self }
    }

    /// Lets waits go on while a decision is deferred: for an agent that has nothing else to do
    /// until then.
    #[must_use]
    pub fn wait_through_deferral(self) -> Self {
        Self { through_deferral: true, ..self }
    }

    /// Asks a question and returns as soon as the question is filed. Retries are safe, because the
    /// call carries an idempotency key. A program that may die between asking and waiting should
    /// also set a `dedup_key`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ask(&self, question: &Question) -> Result<Decision, Error> {
        self.send(&Call::post(&["v1", "decisions"]).with_idempotency_key()?.body(question)?).await
    }

    /// Asks up to 100 questions at once. Each question succeeds or fails alone.
    ///
    /// # Errors
    /// [`Error`], if no question was filed.
    pub async fn ask_all(&self, questions: Vec<Question>) -> Result<Vec<BatchItem>, Error> {
        let batch = Batch { questions };
        let result: BatchResult = self
            .send(&Call::post(&["v1", "decisions:batch"]).with_idempotency_key()?.body(&batch)?)
            .await?;
        Ok(result.items)
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
    pub async fn list(&self, filter: &ListFilter) -> Result<DecisionPage, Error> {
        self.send(&Call::get(&["v1", "decisions"]).query(filter)?).await
    }

    /// Lists decisions that wait for an answer, most urgent first. Skips `offset` decisions and
    /// returns up to `limit` (1 to 100).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn attention(&self, offset: u32, limit: u32) -> Result<Attention, Error> {
        self.send(&Call::get(&["v1", "attention"]).query(&Paging { offset, limit })?).await
    }

    /// Lists the grants that let calls through and that this token may see, newest first;
    /// optionally of one project.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn grants(&self, project: Option<&str>) -> Result<Vec<ListedGrant>, Error> {
        let list: GrantList =
            self.send(&Call::get(&["v1", "grants"]).query(&GrantFilter { project })?).await?;
        Ok(list.items)
    }

    /// Claims the verdict in order to act on it; a claimed verdict cannot be undone.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::ProblemKind::Conflict`] if the decision has no
    /// verdict.
    pub async fn claim(&self, decision: impl Into<DecisionRef>) -> Result<Decision, Error> {
        self.send(&Call::on(Method::POST, decision.into().id, &["claim"])).await
    }

    /// Reports the outcome of acting on a verdict; the card shows the report. `text`: at most 4,000
    /// characters.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn report(
        &self,
        decision: impl Into<DecisionRef>,
        outcome: Outcome,
        text: &str,
    ) -> Result<Decision, Error> {
        let report = Report { outcome, text: text.to_owned() };
        self.send(&Call::on(Method::POST, decision.into().id, &["outcome"]).body(&report)?).await
    }

    /// Withdraws a question that no longer needs an answer.
    ///
    /// # Errors
    /// [`Error`]; a problem of kind [`crate::ProblemKind::Conflict`] if the decision is no longer
    /// open.
    pub async fn withdraw(
        &self,
        decision: impl Into<DecisionRef>,
        reason: Option<&str>,
    ) -> Result<Decision, Error> {
        let withdraw = Withdraw { reason: reason.map(ToOwned::to_owned) };
        // A second withdrawal would be rejected, so the call is not repeated if the first may have
        // arrived.
        self.send(
            &Call::on(Method::POST, decision.into().id, &["withdraw"])
                .body(&withdraw)?
                .retry(Retry::OnlyIfNotSent),
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
