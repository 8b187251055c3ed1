//! Follows the event log from a cursor: pages, a filter, wake-ups, and a backoff while the store
//! fails.
//!
//! Every reader of new events uses [`EventFollower`], so page size and backoff stand here once. A
//! follower wakes when the process that reads the log ([`super::waiters::run`]) finds new events;
//! without such a process, at every hint; and in any case after [`POLL_INTERVAL`], because hints
//! can be lost.

use std::time::Duration;

use tokio::sync::watch::Receiver;

use super::history::EventLogApi;
use crate::core::access::{Caller, Visibility};
use crate::core::decision::authorization::ApproverRule;
use crate::core::decision::event::Logged;
use crate::core::decision::{Decision, DecisionId};
use crate::core::jobs::LoggedJob;
use crate::engine::{Handle, HandleError};
use crate::store::{LogPage, Store, StoreError};

/// Events per read of the log.
const PAGE: usize = 500;
/// Longest wait without a look at the log.
const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// Pause after a first failure; doubles with every further failure.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest pause after a failure.
const MAX_BACKOFF: Duration = Duration::from_secs(15);

/// The events to deliver. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only events of decisions visible to this caller.
    pub visible_to: Option<Caller>,
    /// Only events of this decision.
    pub decision: Option<DecisionId>,
}

impl EventFilter {
    /// Removes the events to leave out.
    fn apply(
        &self,
        store: &Store,
        approvers: &[ApproverRule],
        events: &mut Vec<Logged>,
    ) -> Result<(), StoreError> {
        events.retain(|logged| self.decision.is_none_or(|id| id == logged.decision));
        let Some(caller) = &self.visible_to else { return Ok(()) };
        if caller.visibility(approvers) == Visibility::All {
            return Ok(());
        }
        let mut ids: Vec<DecisionId> = events.iter().map(|logged| logged.decision).collect();
        ids.sort_unstable();
        ids.dedup();
        let decisions = store.decisions().get_many(&ids)?;
        let can_see = |id| {
            decisions
                .iter()
                .any(|decision: &Decision| decision.id == id && caller.can_see(decision, approvers))
        };
        events.retain(|logged| can_see(logged.decision));
        Ok(())
    }
}

/// A subscription to the event log. Events are delivered in order and once, starting after the
/// cursor.
///
/// Every method is cancel-safe: a dropped call delivers its events again at the next call.
#[derive(Debug)]
pub struct EventFollower {
    handle: Handle,
    filter: EventFilter,
    /// Position of the latest event read, delivered or filtered out.
    cursor: u64,
    /// The highest cursor so far, to tell a repeated delivery from progress.
    furthest: u64,
    /// Whether the latest page was the last.
    at_end: bool,
    /// Failures in a row.
    failures: u32,
    hints: Receiver<u64>,
    /// How far the reading process of the log has come. Absent in this process itself.
    log_position: Option<Receiver<u64>>,
}

impl EventLogApi<'_> {
    /// Follows the log after a position that a follower outside this process had before.
    ///
    /// # Errors
    /// [`HandleError::BeyondLog`] if the log ends before the position: a backup was restored, and
    /// the follower would hear nothing until the log has grown past the position;
    /// [`HandleError::Store`].
    pub async fn resume(
        self,
        after: u64,
        filter: EventFilter,
    ) -> Result<EventFollower, HandleError> {
        // Position 0 is before every log: spares a read.
        let end = if after == 0 { 0 } else { self.head().await?.seq };
        if after > end {
            return Err(HandleError::BeyondLog { position: after, end });
        }
        Ok(self.follow(after, filter))
    }

    /// Follows the log after a position of this log.
    #[must_use]
    pub fn follow(self, after: u64, filter: EventFilter) -> EventFollower {
        EventFollower {
            handle: self.handle.clone(),
            filter,
            cursor: after,
            furthest: after,
            at_end: false,
            failures: 0,
            hints: self.handle.hints(),
            log_position: Some(self.handle.inner.waiters.position()),
        }
    }

    /// Follows the log from now on.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn follow_new(self, filter: EventFilter) -> Result<EventFollower, HandleError> {
        let head = self.head().await?.seq;
        Ok(self.follow(head, filter))
    }
}

impl EventFollower {
    /// Position of the latest event read. A new follower from here on misses nothing.
    #[must_use]
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Wakes at hints only: for the process that publishes the log's position.
    pub(super) fn on_hints_only(self) -> Self {
        Self { log_position: None, ..self }
    }

    /// The next events, or `None` at the end of the log. Never an empty list.
    ///
    /// # Errors
    /// [`HandleError::Store`]; the next call reads again.
    pub async fn try_next(&mut self) -> Result<Option<Vec<Logged>>, HandleError> {
        self.try_next_of(|page| page.decisions).await
    }

    /// The next events of a kind, or `None` at the end of the log.
    async fn try_next_of<T>(
        &mut self,
        kind: impl Fn(LogPage) -> Vec<T>,
    ) -> Result<Option<Vec<T>>, HandleError> {
        loop {
            // A short page was the last: spares a read. A newer event wakes `changed`.
            if std::mem::take(&mut self.at_end) {
                return Ok(None);
            }
            // Before the read, so that an event after the read wakes `changed`.
            self.hints.mark_unchanged();
            if let Some(position) = &mut self.log_position {
                position.mark_unchanged();
            }
            let (after, filter) = (self.cursor, self.filter.clone());
            let rules = self.handle.rules();
            let page = self
                .handle
                .with_store(move |store| {
                    let mut page = store.event_log().page(after, PAGE)?;
                    filter.apply(store, &rules.approvers, &mut page.decisions)?;
                    Ok(page)
                })
                .await?;
            if after >= self.furthest {
                self.failures = 0;
            }
            if page.count == 0 {
                return Ok(None);
            }
            self.cursor = page.last;
            self.furthest = self.furthest.max(page.last);
            self.at_end = page.count < PAGE;
            let events = kind(page);
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    /// The next events, or `None` at the end of the log. Reads again after a failure.
    pub async fn next_or_end(&mut self) -> Option<Vec<Logged>> {
        self.next_or_end_of(|page| page.decisions).await
    }

    async fn next_or_end_of<T>(
        &mut self,
        kind: impl Fn(LogPage) -> Vec<T> + Copy,
    ) -> Option<Vec<T>> {
        loop {
            match self.try_next_of(kind).await {
                Ok(events) => return events,
                Err(error) => {
                    let pause = self.backoff();
                    tracing::warn!(%error, ?pause, "could not read the event log; trying again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// The next events. Waits for them, and reads again after a failure.
    pub async fn next(&mut self) -> Vec<Logged> {
        loop {
            if let Some(events) = self.next_or_end().await {
                return events;
            }
            self.changed().await;
        }
    }

    /// The next events of jobs and of the queue. Waits for them, and reads again after a failure.
    pub(in crate::engine) async fn next_of_jobs(&mut self) -> Vec<LoggedJob> {
        loop {
            if let Some(events) = self.next_or_end_of(|page| page.jobs).await {
                return events;
            }
            self.changed().await;
        }
    }

    /// The next events of jobs and of the queue, or `None` at the end of the log.
    pub(in crate::engine) async fn try_next_of_jobs(
        &mut self,
    ) -> Result<Option<Vec<LoggedJob>>, HandleError> {
        self.try_next_of(|page| page.jobs).await
    }

    /// Waits until the log may have grown since the latest read.
    pub async fn changed(&mut self) {
        let is_read = self.handle.inner.waiters.is_reading();
        let grown = async {
            // The senders live in the handle, so the channels cannot close.
            let _ = match &mut self.log_position {
                Some(position) if is_read => position.changed().await,
                _ => self.hints.changed().await,
            };
        };
        let _ = tokio::time::timeout(POLL_INTERVAL, grown).await;
    }

    /// Delivers the events after `cursor` again, after a pause: their processing failed.
    pub async fn retry_from(&mut self, cursor: u64) {
        (self.cursor, self.at_end) = (cursor, false);
        let pause = self.backoff();
        tokio::time::sleep(pause).await;
    }

    fn backoff(&mut self) -> Duration {
        let pause = FIRST_BACKOFF.saturating_mul(1 << self.failures.min(8)).min(MAX_BACKOFF);
        self.failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests;
