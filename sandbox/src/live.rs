//! Tells followers of every change: the page over a WebSocket, whoever asks plainly (`curl -N`)
//! over server-sent events. Tells that something changed, never what.
//!
//! A page must not be told by an HTTP answer that never ends: a browser opens at most six HTTP
//! connections to a host, over all its tabs and over the pages it keeps for its Back button, and
//! with six such answers under way it asks the host nothing more. WebSockets are not among the six.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde_json::json;
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::WatchStream;

use crate::http::{is_own_origin, refuse};
use crate::hub::Hub;

/// How often a follower is asked whether it is still there; one that stayed silent in between is
/// let go.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Largest frame read from a follower, who has nothing to say.
const LARGEST_FRAME: usize = 1024;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// GET `/_sandbox/live`. A WebSocket is not bound by the same-origin policy, so another site's page
/// is turned away here.
pub(crate) async fn follow(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    let changes = changes(hub);
    match upgrade {
        Ok(_) if !is_own_origin(&headers) => {
            refuse(StatusCode::FORBIDDEN, "the Origin must be the sandbox's own")
        }
        Ok(upgrade) => {
            upgrade.max_message_size(LARGEST_FRAME).on_upgrade(|socket| tell(socket, changes))
        }
        Err(_) => {
            let events = changes
                .map(|data| Ok::<_, Infallible>(Event::default().event("change").data(data)));
            Sse::new(events).keep_alive(KeepAlive::default()).into_response()
        }
    }
}

/// The counter of changes as JSON: now, and after each change, until the sandbox stops. Changes
/// that come faster than they are read arrive as one.
fn changes(hub: Arc<Hub>) -> impl Stream<Item = String> + Send + Unpin {
    let changes = WatchStream::new(hub.lock().subscribe());
    let closing = Box::pin(async move { hub.closing().await });
    changes.map(|change| json!({ "change": change }).to_string()).take_until(closing)
}

/// Tells until the sandbox stops or the follower is gone.
async fn tell(mut socket: WebSocket, mut changes: impl Stream<Item = String> + Unpin) {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    let mut heard = true;
    loop {
        let told = tokio::select! {
            change = changes.next() => match change {
                Some(change) => socket.send(Message::text(change)).await,
                None => return,
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    heard = true;
                    Ok(())
                }
            },
            _ = heartbeat.tick() => {
                if !std::mem::take(&mut heard) {
                    return;
                }
                socket.send(Message::Ping(Vec::new().into())).await
            }
        };
        if told.is_err() {
            return;
        }
    }
}
