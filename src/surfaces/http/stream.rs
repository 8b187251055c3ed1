//! The event log as server-sent events. Each event carries its position; a client that reconnects
//! with the last position misses nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch::Receiver;

use super::error::Refusal;
use super::extract::{Query, single};
use super::{Guest, Shared};
use crate::core::decision::DecisionId;
use crate::core::event::Logged;
use crate::core::text::http as text;
use crate::engine::access::Access;
use crate::wire::{Happened, Problem, ProblemKind};

/// Events per read of the log.
const PAGE: usize = 200;
/// Interval of keep-alive comments on an idle stream, so that clients can detect a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Pause after the log could not be read.
const AGAIN: Duration = Duration::from_secs(1);
/// The position after which a client resumes.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Filters of the event stream.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Start after this position; 0 is the beginning. `Last-Event-ID` takes precedence. Left out:
    /// only new events.
    #[serde(default)]
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    after: Option<u64>,
    /// Only events of this decision.
    #[serde(default)]
    #[schemars(range(min = 1, max = 9_223_372_036_854_775_807_u64))]
    decision: Option<i64>,
    /// `false`: end the stream at the end of the log. Left out: true, keep following.
    #[serde(default)]
    follow: Option<bool>,
}

/// State of one stream.
struct Reader {
    server: Shared,
    access: Access,
    only: Option<DecisionId>,
    after: u64,
    read: VecDeque<Logged>,
    grown: Receiver<u64>,
    /// The start position, sent first: a client that loses the connection before the first event
    /// can resume.
    greeting: Option<u64>,
    over: bool,
    follows: bool,
    _open: super::metrics::Open,
}

pub(super) async fn events(
    State(server): State<Shared>,
    Guest(access): Guest,
    headers: HeaderMap,
    Query(which): Query<Which>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let wrong = || Refusal::new(ProblemKind::BadRequest, text::WRONG_POSITION);
    let behind = single(&headers, LAST_EVENT_ID)?.filter(|id| !id.is_empty());
    let behind =
        behind.map(|id| id.parse::<u64>().map_err(|_| wrong())).transpose()?.or(which.after);
    if behind.is_some_and(|behind| i64::try_from(behind).is_err())
        || which.decision.is_some_and(|id| id < 1)
    {
        return Err(wrong());
    }
    // Subscribe before reading the head of the log, so that no event in between is missed.
    let grown = server.handle.log_grows();
    let after = match behind {
        Some(behind) => behind,
        None => server.handle.head().await.map_err(|error| server.refused(error.into()))?.seq,
    };
    let open = server.figures.streaming();
    let only = which.decision.map(DecisionId);
    let follows = which.follow.unwrap_or(true);
    let (read, greeting) = (VecDeque::new(), Some(after));
    let reader = Reader {
        server,
        access,
        only,
        after,
        read,
        grown,
        greeting,
        over: false,
        follows,
        _open: open,
    };
    let stream = unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

impl Reader {
    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        if let Some(position) = self.greeting.take() {
            // Without data, clients dispatch no event; only the last event id is set.
            return Some(Event::default().id(position.to_string()));
        }
        let server = Shared::clone(&self.server);
        let caller = self.access.caller().clone();
        tokio::select! {
            biased;
            () = server.ends() => None,
            () = server.turned_away(&caller) => {
                self.over = true;
                let problem = Problem::new(ProblemKind::Unauthorized, text::UNKNOWN_TOKEN);
                Event::default().event("problem").json_data(problem).ok()
            }
            event = self.read() => event,
        }
    }

    /// The next event from the log; `None` at the end of the log, unless the stream follows.
    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some(logged) = self.read.pop_front() {
                let told = Happened::of(&logged, self.server.handle.pace());
                let event = Event::default().id(told.seq.to_string()).event(told.event.clone());
                if let Ok(event) = event.json_data(&told) {
                    return Some(event);
                }
            }
            self.grown.mark_unchanged();
            match self.access.events(self.after, PAGE).await {
                Ok((_, read)) if read == self.after && !self.follows => return None,
                Ok((_, read)) if read == self.after => {
                    // The sender lives in the handle, so the channel cannot close.
                    let _ = self.grown.changed().await;
                }
                Ok((events, read)) => {
                    self.after = read;
                    self.read = events
                        .into_iter()
                        .filter(|logged| self.only.is_none_or(|id| id == logged.decision))
                        .collect();
                }
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be read for a stream; will look again in 1 s");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
