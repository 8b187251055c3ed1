//! Wakes those who wait for a decision when something happens to it, and nobody else.
//!
//! Thousands of agents may wait. If each looked whenever anything happens, one verdict would cost
//! thousands of reads; here the log is read once, and each event wakes those who wait for its
//! decision. Waking too often costs a read; too seldom cannot be, because a seat is taken before
//! the decision is looked at.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender};

use super::Handle;
use crate::core::decision::DecisionId;

/// Events that are read at once.
const PAGE: usize = 500;
/// The pause after the log could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// Who waits, by what they wait for.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// Absent while nobody reads the log: then those who wait look for themselves.
    seats: Mutex<Option<HashMap<DecisionId, Sender<()>>>>,
    /// The position up to which the log was read.
    read: Sender<u64>,
}

impl Waiters {
    fn with<T>(&self, act: impl FnOnce(&mut Option<HashMap<DecisionId, Sender<()>>>) -> T) -> T {
        act(&mut self.seats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A seat for somebody who waits; `None` if nobody would wake them.
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

/// Where somebody waits.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    waiters: &'a Waiters,
    id: DecisionId,
    woken: Receiver<()>,
}

/// What wakes somebody who waits: a seat, or every hint where nobody would wake them.
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

    /// What comes from now on wakes.
    pub(super) fn look(&mut self) {
        self.soon = false;
        self.hints.mark_unchanged();
        if let Some(seat) = &mut self.seat {
            seat.woken.mark_unchanged();
        }
    }

    /// It could not be looked: it is to be tried again before long.
    pub(super) const fn soon(&mut self) {
        self.soon = true;
    }

    /// Resolves when it is worth looking again.
    pub(super) async fn come(&mut self) {
        match &mut self.seat {
            // Nobody reads the log any more: the seat is of no use.
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

/// Takes the seats away when nobody reads the log any more: whoever waits looks for themselves
/// again.
struct Reading<'a>(&'a Waiters);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.with(Option::take);
    }
}

/// Reads the log as it grows and wakes those whom it concerns, for as long as it is polled.
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
    /// Changes when the log has grown, while [`run`] runs: the position up to which it was read.
    #[must_use]
    pub fn log_grows(&self) -> Receiver<u64> {
        self.inner.waiters.read.subscribe()
    }
}
