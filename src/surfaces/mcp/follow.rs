//! Tells clients that something changed, as the log grows. Only hints: whoever gets one reads the
//! resource again, and a lost one costs nothing but time.

use std::collections::BTreeSet;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, SubscriptionSink};

use super::Server;
use super::resources::{SUMMARY, uri};
use crate::core::event::Event;
use crate::engine::access::Access;

/// Events that are read at once.
const PAGE: usize = 500;
/// How often it is looked whether the client is still there, where nothing happens.
const STILL_THERE: Duration = Duration::from_secs(60);

/// Where the hints go.
pub(super) enum Sink<'a> {
    /// A client of before 2026-07-28.
    Peer(Peer<RoleServer>),
    /// A request that listens.
    Subscription(&'a SubscriptionSink),
}

impl Sink<'_> {
    async fn updated(&self, uri: String) {
        // One that is gone, or did not ask for this, hears nothing.
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

/// Whether what is open is another list by this.
const fn changes_list(event: &Event) -> bool {
    matches!(
        event,
        Event::Asked { .. }
            | Event::Resolved { .. }
            | Event::Withdrawn { .. }
            | Event::Undone { .. }
    )
}

/// Tells of what happens from now on, as far as the caller sees it; ends when the client is gone or
/// its token revoked. `wants` says of which resources.
pub(super) async fn follow(
    server: &Server,
    access: &Access,
    sink: &Sink<'_>,
    wants: impl Fn(&str) -> bool,
) {
    let mut hints = server.handle.hints();
    let mut read = match server.handle.head().await {
        Ok(head) => head.seq,
        Err(error) => return tracing::warn!(%error, "a client is told of no changes"),
    };
    while !sink.is_closed() {
        hints.mark_unchanged();
        match access.events(read, PAGE).await {
            // Nobody loses by it: the next look reads the same again.
            Err(error) => tracing::warn!(%error, "the log cannot be read; clients are told late"),
            Ok((events, up_to)) => {
                if !events.is_empty() && server.is_revoked(access.caller()).await.unwrap_or(true) {
                    return;
                }
                let more = up_to > read;
                read = up_to;
                let changed: BTreeSet<String> =
                    events.iter().map(|logged| uri(logged.decision)).collect();
                for uri in changed.into_iter().filter(|uri| wants(uri)) {
                    sink.updated(uri).await;
                }
                if !events.is_empty() && wants(SUMMARY) {
                    sink.updated(SUMMARY.to_owned()).await;
                }
                if events.iter().any(|logged| changes_list(&logged.event)) {
                    sink.list_changed().await;
                }
                if more {
                    continue;
                }
            }
        }
        let _ = tokio::time::timeout(STILL_THERE, hints.changed()).await;
    }
}
