//! The event log as server-sent events. Each event carries its position; a client that reconnects
//! with the last position misses nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use gander_client::types::{Problem, ProblemKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{Query, single};
use super::{Authenticated, Shared};
use crate::core::decision::DecisionId;
use crate::core::decision::event::Logged;
use crate::engine::EventFollower;
use crate::engine::approvals::access::Access;
use crate::presentation::json;
use crate::presentation::text::http as text;

/// Interval of keep-alive comments on an idle stream, so that clients can detect a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The position after which a client resumes.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Filters of the event stream.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
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
    log: EventFollower,
    read: VecDeque<Logged>,
    /// The start position, sent first: a client that loses the connection before the first event
    /// can resume.
    greeting: Option<u64>,
    over: bool,
    follows: bool,
    _open: super::metrics::OpenGuard,
}

pub(super) async fn events(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    headers: HeaderMap,
    Query(which): Query<StreamQuery>,
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
    let only = which.decision.map(DecisionId);
    let log = access.follow(behind, only).await.map_err(|error| server.refused(error))?;
    let open = server.figures.streaming();
    let follows = which.follow.unwrap_or(true);
    let (read, greeting) = (VecDeque::new(), Some(log.cursor()));
    let reader = Reader { server, access, log, read, greeting, over: false, follows, _open: open };
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
            () = server.token_revoked(&caller) => {
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
                let data = json::event(&logged, self.server.handle.time_scale());
                let event = Event::default().id(data.seq.to_string()).event(data.event.clone());
                if let Ok(event) = event.json_data(&data) {
                    return Some(event);
                }
            }
            let events =
                if self.follows { self.log.next().await } else { self.log.next_or_end().await? };
            self.read = events.into();
        }
    }
}
