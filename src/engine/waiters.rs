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

use super::Handle;
use crate::core::decision::DecisionId;

/// Events read at a time.
const PAGE: usize = 500;
/// Pause after a failed read of the log.
const AGAIN: Duration = Duration::from_secs(1);

/// Waiting tasks by decision.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// Absent while no task reads the log: waiters then follow the hints instead.
    seats: Mutex<Option<HashMap<DecisionId, Sender<()>>>>,
    /// The log position read up to.
    read: Sender<u64>,
}

impl Waiters {
    fn with<T>(&self, act: impl FnOnce(&mut Option<HashMap<DecisionId, Sender<()>>>) -> T) -> T {
        act(&mut self.seats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Subscribes to a decision; `None` while no task reads the log.
    pub(super) fn seat(&self, id: DecisionId) -> Option<Seat<'_>> {
        let woken = self.with(|seats| Some(seats.as_mut()?.entry(id).or_default().subscribe()))?;
        Some(Seat { waiters: self, id, woken })
    }

    fn wake(&self, ids: impl Iterator<Item = DecisionId>) {
        self.with(|seats| {
            for id in ids {
                if let Some(seat) = seats.as_ref().and_then(|seats| seats.get(&id)) {
                    seat.send_replace(());
                }
            }
        });
    }
}

/// A subscription to one decision.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    waiters: &'a Waiters,
    id: DecisionId,
    woken: Receiver<()>,
}

/// Wakes a waiting task: by a subscription, or by every hint while no task reads the log.
#[derive(Debug)]
pub(super) struct News<'a> {
    seat: Option<Seat<'a>>,
    hints: Receiver<u64>,
    soon: bool,
}

impl<'a> News<'a> {
    pub(super) fn new(handle: &'a Handle, id: DecisionId) -> Self {
        Self { seat: handle.inner.waiters.seat(id), hints: handle.hints(), soon: false }
    }

    /// Marks the current state as seen: only later changes wake the task. Call before reading.
    pub(super) fn look(&mut self) {
        self.soon = false;
        self.hints.mark_unchanged();
        if let Some(seat) = &mut self.seat {
            seat.woken.mark_unchanged();
        }
    }

    /// Requests a retry after a short pause, because the read failed.
    pub(super) const fn soon(&mut self) {
        self.soon = true;
    }

    /// Resolves when reading again is worthwhile.
    pub(super) async fn come(&mut self) {
        match &mut self.seat {
            // The log reader has ended: drop the useless subscription.
            Some(seat) if !self.soon => {
                if seat.woken.changed().await.is_err() {
                    self.seat = None;
                }
            }
            _ if self.soon => tokio::time::sleep(AGAIN).await,
            // The sender lives in the handle, so the channel cannot close.
            _ => drop(self.hints.changed().await),
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.waiters.with(|seats| {
            if let Some(seats) = seats
                && seats.get(&self.id).is_some_and(|seat| seat.receiver_count() <= 1)
            {
                seats.remove(&self.id);
            }
        });
    }
}

/// Drops all subscriptions when the log reader ends; waiters then follow the hints again.
struct Reading<'a>(&'a Waiters);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.with(Option::take);
    }
}

/// Follows the log and wakes the waiters of each event's decision, until dropped.
pub async fn run(handle: Handle) {
    let mut hints = handle.hints();
    let mut read = loop {
        match handle.head().await {
            Ok(head) => break head.seq,
            Err(error) => again(&error).await,
        }
    };
    let waiters = &handle.inner.waiters;
    waiters.with(|seats| *seats = Some(HashMap::new()));
    let _reading = Reading(waiters);
    loop {
        hints.mark_unchanged();
        waiters.read.send_if_modified(|known| std::mem::replace(known, read) != read);
        match handle.events(read, PAGE).await {
            Ok(events) if events.is_empty() => {
                // The sender lives in the handle, so the channel cannot close.
                let _ = hints.changed().await;
            }
            Ok(events) => {
                read = events.last().map_or(read, |last| last.seq);
                waiters.wake(events.into_iter().map(|logged| logged.decision));
            }
            Err(error) => again(&error).await,
        }
    }
}

async fn again(error: &super::HandleError) {
    tracing::warn!(%error, "the log cannot be read; those who wait are woken late. Will look again in 1 s");
    tokio::time::sleep(AGAIN).await;
}

impl Handle {
    /// The log position read up to; changes as the log grows, while [`run`] runs.
    #[must_use]
    pub fn log_grows(&self) -> Receiver<u64> {
        self.inner.waiters.read.subscribe()
    }
}
