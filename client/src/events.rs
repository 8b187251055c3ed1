//! The event stream (server-sent events). Reconnects and resumes after a broken connection.

use std::time::Duration;

use backon::ExponentialBackoff;
use reqwest::Response;
use reqwest::header::{ACCEPT, HeaderName};
use tokio::time::{sleep, timeout};

use crate::http::root_cause;
use crate::send::{Call, Failed, pause, retry_backoff};
use crate::sse::{SseDecoder, SseEvent, TooLong};
use crate::types::{DecisionEvent, Problem};
use crate::{Client, Error, Reaction};

/// The server sends at least a comment every 15 s; a connection silent for this long is dead.
const READ_TIMEOUT: Duration = Duration::from_secs(45);

/// Events in order. Nothing is lost when the connection breaks: the stream resumes after the last
/// event received.
#[derive(Debug)]
pub struct Events {
    client: Client,
    after: Option<u64>,
    response: Option<Response>,
    decoder: SseDecoder,
    backoff: ExponentialBackoff,
}

/// The end of the log, named by the problem that a position is beyond it.
fn end_of_log(error: &Error) -> Option<u64> {
    error.problem().filter(|_| error.reaction() == Reaction::ReadAgain)?.position
}

impl Events {
    pub(crate) fn new(client: Client, after: Option<u64>) -> Self {
        let (response, decoder) = (None, SseDecoder::default());
        Self { client, after, response, decoder, backoff: retry_backoff() }
    }

    /// The position up to which events have been received, from which a later stream can resume.
    /// `None`: no position received yet.
    #[must_use]
    pub const fn position(&self) -> Option<u64> {
        self.after
    }

    /// Waits for the next event, without a time limit and across restarts of `gander serve`. Cancel
    /// safe.
    ///
    /// # Errors
    /// [`Error::Refused`], for example when the token is revoked; [`Error::UnexpectedResponse`]. A
    /// problem of kind [`crate::ProblemKind::PositionGone`] says that a backup was restored:
    /// decisions may differ from what earlier events said. The stream then stands at the end of the
    /// log: read the decisions, and call again.
    pub async fn next(&mut self) -> Result<DecisionEvent, Error> {
        loop {
            while let Some(received) = self.decoder.next() {
                self.after = received.position.or(self.after);
                if let Some(event) = self.parse(&received)? {
                    self.backoff = retry_backoff();
                    return Ok(event);
                }
            }
            if let Err(error) = self.read_chunk().await {
                (self.response, self.decoder) = (None, SseDecoder::default());
                let Reaction::RetryAfter(after) = error.reaction() else {
                    self.after = end_of_log(&error).or(self.after);
                    return Err(error);
                };
                sleep(pause(&mut self.backoff, after)).await;
            }
        }
    }

    fn unexpected(&self, why: String) -> Error {
        Error::UnexpectedResponse { address: self.client.server.as_given.clone(), why }
    }

    /// Parses an event's data; `None`: the event carries only a position.
    fn parse(&self, received: &SseEvent) -> Result<Option<DecisionEvent>, Error> {
        if received.data.is_empty() {
            return Ok(None);
        }
        if received.event == "problem" {
            let problem: Problem = serde_json::from_str(&received.data)
                .map_err(|error| self.unexpected(error.to_string()))?;
            return Err(Error::Refused(Box::new(problem)));
        }
        serde_json::from_str(&received.data)
            .map(Some)
            .map_err(|error| self.unexpected(format!("cannot read an event: {error}")))
    }

    /// Reads one chunk of the stream; connects first if necessary.
    async fn read_chunk(&mut self) -> Result<(), Error> {
        if self.response.is_none() {
            let mut call = Call::get(&["v1", "events"]).header(ACCEPT, "text/event-stream")?;
            if let Some(after) = self.after {
                call = call.header(HeaderName::from_static("last-event-id"), &after.to_string())?;
            }
            let opened = timeout(READ_TIMEOUT, self.client.open(&call, None)).await;
            self.response =
                Some(opened.map_err(|_| self.silent())?.map_err(|Failed { error, .. }| error)?);
        }
        let Some(response) = &mut self.response else { return Ok(()) };
        match timeout(READ_TIMEOUT, response.chunk()).await {
            Ok(Ok(Some(chunk))) => self
                .decoder
                .push(&chunk)
                .map_err(|TooLong| self.unexpected("an event exceeds the size limit".into())),
            Ok(Ok(None)) => Err(self.broken("the server ended the stream".into())),
            Ok(Err(error)) => Err(self.broken(root_cause(&error.without_url()))),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> Error {
        self.broken("the server sent nothing for too long".into())
    }

    fn broken(&self, why: String) -> Error {
        let address = self.client.server.as_given.clone();
        Error::Unreachable { address, why, retry_after: None }
    }
}
