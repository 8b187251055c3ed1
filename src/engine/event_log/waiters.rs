//! Wakes the tasks waiting for a decision when the decision changes, and no others.
//!
//! Thousands of agents may wait. If each read the store at every change, one verdict would cost
//! thousands of reads. Instead one task reads the log, and each event wakes only the waiters of its
//! decision. A spurious wake-up costs one read. A missed wake-up is impossible, because a waiter
//! subscribes before reading the decision.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender};

use crate::core::decision::DecisionId;
use crate::engine::{EventFilter, Handle};

/// Pause after a failed read of the log.
const AGAIN: Duration = Duration::from_secs(1);

/// Waiting tasks by decision.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Absent while no task reads the log: waiters then follow the hints instead.
    by_decision: Mutex<Option<HashMap<DecisionId, Sender<()>>>>,
    /// The log position read up to.
    read: Sender<u64>,
}

impl Waiters {
    fn with<T>(&self, act: impl FnOnce(&mut Option<HashMap<DecisionId, Sender<()>>>) -> T) -> T {
        act(&mut self.by_decision.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Subscribes to a decision; `None` while no task reads the log.
    pub(crate) fn subscribe(&self, id: DecisionId) -> Option<Waiter<'_>> {
        let woken = self
            .with(|by_decision| Some(by_decision.as_mut()?.entry(id).or_default().subscribe()))?;
        Some(Waiter { waiters: self, id, woken })
    }

    /// Whether a task reads the log.
    pub(crate) fn is_reading(&self) -> bool {
        self.with(|by_decision| by_decision.is_some())
    }

    /// The log position read up to; changes as the log grows, while a task reads the log.
    pub(crate) fn position(&self) -> Receiver<u64> {
        self.read.subscribe()
    }

    fn wake(&self, ids: impl Iterator<Item = DecisionId>) {
        self.with(|by_decision| {
            for id in ids {
                if let Some(subscription) =
                    by_decision.as_ref().and_then(|by_decision| by_decision.get(&id))
                {
                    subscription.send_replace(());
                }
            }
        });
    }
}

/// A subscription to one decision.
#[derive(Debug)]
pub(crate) struct Waiter<'a> {
    waiters: &'a Waiters,
    id: DecisionId,
    woken: Receiver<()>,
}

/// Wakes a waiting task: by a subscription, or by every hint while no task reads the log.
#[derive(Debug)]
pub(crate) struct ChangeSignal<'a> {
    subscription: Option<Waiter<'a>>,
    hints: Receiver<u64>,
    soon: bool,
}

impl<'a> ChangeSignal<'a> {
    pub(crate) fn new(handle: &'a Handle, id: DecisionId) -> Self {
        Self {
            subscription: handle.inner.waiters.subscribe(id),
            hints: handle.hints(),
            soon: false,
        }
    }

    /// Marks the current state as seen: only later changes wake the task. Call before reading.
    pub(crate) fn mark_seen(&mut self) {
        self.soon = false;
        self.hints.mark_unchanged();
        if let Some(subscription) = &mut self.subscription {
            subscription.woken.mark_unchanged();
        }
    }

    /// Requests a retry after a short pause, because the read failed.
    pub(crate) const fn retry_soon(&mut self) {
        self.soon = true;
    }

    /// Resolves when reading again is worthwhile.
    pub(crate) async fn wait_for_change(&mut self) {
        match &mut self.subscription {
            // The log reader has ended: drop the useless subscription.
            Some(subscription) if !self.soon => {
                if subscription.woken.changed().await.is_err() {
                    self.subscription = None;
                }
            }
            _ if self.soon => tokio::time::sleep(AGAIN).await,
            // The sender lives in the handle, so the channel cannot close.
            _ => drop(self.hints.changed().await),
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.waiters.with(|by_decision| {
            if let Some(by_decision) = by_decision
                && by_decision
                    .get(&self.id)
                    .is_some_and(|subscription| subscription.receiver_count() <= 1)
            {
                by_decision.remove(&self.id);
            }
        });
    }
}

/// Drops all subscriptions when the log reader ends; waiters then follow the hints again.
struct LogReaderGuard<'a>(&'a Waiters);

impl Drop for LogReaderGuard<'_> {
    fn drop(&mut self) {
        self.0.with(Option::take);
    }
}

/// Follows the log and wakes the waiters of each event's decision, until dropped. Publishes how far
/// the log is read, which wakes the followers.
pub async fn run(handle: Handle) {
    let mut log = loop {
        match handle.event_log().follow_new(EventFilter::default()).await {
            Ok(log) => break log.on_hints_only(),
            Err(error) => {
                tracing::warn!(%error, "could not read the event log; waiting callers are \
                     woken late. Trying again in 1 s");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let waiters = &handle.inner.waiters;
    waiters.with(|by_decision| *by_decision = Some(HashMap::new()));
    let _reading = LogReaderGuard(waiters);
    loop {
        let read = log.cursor();
        waiters.read.send_if_modified(|known| std::mem::replace(known, read) != read);
        let events = log.next().await;
        waiters.wake(events.into_iter().map(|logged| logged.decision));
    }
}
