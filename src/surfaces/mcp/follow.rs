//! Sends clients change notifications from the event log. Notifications are only hints: a client
//! reads the resource again, and a lost notification only delays the client.

use std::collections::BTreeSet;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, SubscriptionSink};

use super::McpServer;
use super::resources::{SUMMARY, uri};
use crate::core::decision::event::Event;
use crate::engine::approvals::access::Access;

/// Interval at which an idle follower checks whether the client is still connected.
const CONNECTION_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Where notifications go.
pub(super) enum Sink<'a> {
    /// A client that speaks a protocol version before 2026-07-28.
    Peer(Peer<RoleServer>),
    /// A subscription request of a newer client.
    Subscription(&'a SubscriptionSink),
}

impl Sink<'_> {
    async fn updated(&self, uri: String) {
        // Ignore errors: the client has gone, or did not subscribe to this notification.
        match self {
            Self::Peer(peer) => {
                drop(peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await)
            }
            Self::Subscription(sink) => drop(sink.notify_resource_updated(uri).await),
        }
    }

    async fn list_changed(&self) {
        match self {
            Self::Peer(peer) => drop(peer.notify_resource_list_changed().await),
            Self::Subscription(sink) => drop(sink.notify_resource_list_changed().await),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self, Self::Peer(peer) if peer.is_transport_closed())
    }
}

/// Whether the event adds a decision to the list of open decisions or removes a decision.
const fn changes_list(event: &Event) -> bool {
    matches!(
        event,
        Event::Asked { .. }
            | Event::Resolved { .. }
            | Event::Withdrawn { .. }
            | Event::EndedAtDesk { .. }
            | Event::Undone { .. }
    )
}

/// Notifies a client of changes from now on, limited to decisions that the caller may see. Returns
/// when the client has gone or its token is revoked. `wants` selects resources by URI.
pub(super) async fn follow(
    server: &McpServer,
    access: &Access,
    sink: &Sink<'_>,
    wants: impl Fn(&str) -> bool,
) {
    let mut log = match access.follow(None, None).await {
        Ok(log) => log,
        Err(error) => return tracing::warn!(%error, "a client receives no change notifications"),
    };
    while !sink.is_closed() {
        let Ok(events) = tokio::time::timeout(CONNECTION_CHECK_INTERVAL, log.next()).await else {
            continue;
        };
        if server.is_revoked(access.caller()).await.unwrap_or(true) {
            return;
        }
        let changed: BTreeSet<String> = events.iter().map(|logged| uri(logged.decision)).collect();
        for uri in changed.into_iter().filter(|uri| wants(uri)) {
            sink.updated(uri).await;
        }
        if wants(SUMMARY) {
            sink.updated(SUMMARY.to_owned()).await;
        }
        if events.iter().any(|logged| changes_list(&logged.event)) {
            sink.list_changed().await;
        }
    }
}
