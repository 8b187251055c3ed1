//! The reconciler's work queue: changes run at once, failures after a growing backoff.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{BoardError, Deliveries, STORE_AGAIN, Unsettled};
use crate::core::decision::DecisionId;
use crate::core::posting::PostingId;
use crate::engine::clock::LONGEST_SLEEP;

/// Concurrent tasks. Most only wait for their channel's permit (`Deliveries` keeps permits per
/// channel), so a flood in one channel delays no other. This limit bounds the tasks' memory.
const AT_ONCE: usize = 1_000;
/// Pause before retrying a rejected card: the cause may have been fixed, or the bot updated.
const REFUSED_AGAIN: Duration = Duration::from_secs(15 * 60);
/// Pause before looking for a missing channel again.
const NO_PLACE_AGAIN: Duration = Duration::from_secs(30);

/// A unit of work. Messages covering several decisions sort first: a batch's card must exist before
/// the replaced cards can link to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Work {
    /// A message covering several decisions.
    Posting(PostingId),
    /// A decision's own cards.
    Decision(DecisionId),
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Posting(id) => write!(f, "posting {id}"),
            Self::Decision(id) => write!(f, "{id}"),
        }
    }
}

/// When to start, after how many failures, and whether to compare with Discord.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    not_before: Instant,
    tries: u32,
    doubted: bool,
}

type Finished = Result<(tokio::task::Id, Result<(), Unsettled>), tokio::task::JoinError>;

/// Work waiting to start, and work in progress.
#[derive(Default)]
pub(super) struct Queue {
    waiting: HashMap<Work, Waiting>,
    pub(super) tasks: JoinSet<Result<(), Unsettled>>,
    running: HashMap<tokio::task::Id, (Work, Waiting)>,
    /// The work of `running` as a set, for fast lookup: during a flood thousands of entries wait,
    /// and each needs a lookup.
    in_hand: HashSet<Work>,
}

impl Queue {
    /// Queues work to start at once, even during a backoff: the change may have fixed the failure.
    pub(super) fn add(&mut self, id: Work, doubted: bool) {
        let waiting = self.waiting.entry(id).or_insert(Waiting {
            not_before: Instant::now(),
            tries: 0,
            doubted,
        });
        waiting.not_before = Instant::now();
        waiting.doubted |= doubted;
    }

    fn is_running(&self, id: Work) -> bool {
        self.in_hand.contains(&id)
    }

    pub(super) fn start_due(&mut self, deliveries: &Arc<Deliveries>) {
        let now = Instant::now();
        let due = self
            .waiting
            .iter()
            .filter(|(id, waiting)| waiting.not_before <= now && !self.is_running(**id));
        let mut due: Vec<Work> = due.map(|(id, _)| *id).collect();
        due.sort_unstable();
        for id in due.into_iter().take(AT_ONCE.saturating_sub(self.running.len())) {
            let Some(waiting) = self.waiting.remove(&id) else { continue };
            let deliveries = Arc::clone(deliveries);
            let task =
                self.tasks.spawn(async move { deliveries.settle(id, waiting.doubted).await });
            self.running.insert(task.id(), (id, waiting));
            self.in_hand.insert(id);
        }
    }

    pub(super) fn next_start(&self) -> Instant {
        let idle = Instant::now() + LONGEST_SLEEP;
        if self.running.len() >= AT_ONCE {
            return idle;
        }
        let startable = self
            .waiting
            .iter()
            .filter(|(id, _)| !self.is_running(**id))
            .map(|(_, waiting)| waiting.not_before);
        startable.min().map_or(idle, |first| first.min(idle))
    }

    /// Handles all tasks finished so far: during a flood many end at the same time.
    pub(super) fn all_finished(&mut self, first: Finished, deliveries: &Deliveries) {
        self.finished(first, deliveries);
        while let Some(finished) = self.tasks.try_join_next_with_id() {
            self.finished(finished, deliveries);
        }
    }

    /// Handles a finished task: reports undeliverable cards in the heartbeat and schedules retries.
    fn finished(&mut self, finished: Finished, deliveries: &Deliveries) {
        let (task, result) = match finished {
            Ok(finished) => finished,
            Err(error) => {
                (error.id(), Err(Unsettled::Store(format!("its work ended early: {error}"))))
            }
        };
        let Some((id, waiting)) = self.running.remove(&task) else { return };
        self.in_hand.remove(&id);
        if let Err(Unsettled::Board(error)) = &result
            && (waiting.tries > 0 || !matches!(error, BoardError::Later { .. }))
        {
            deliveries.hold_back(id, error);
        }
        let after = match result {
            Ok(()) => return deliveries.is_shown(id),
            Err(Unsettled::Store(error)) => {
                tracing::warn!(work = %id, error, "the card waits for the store; trying again in 1 s");
                STORE_AGAIN
            }
            Err(Unsettled::Halted(until)) => {
                return self.put_back(id, Waiting { not_before: until, ..waiting });
            }
            // The breaker logs this once for all cards.
            Err(Unsettled::Board(BoardError::NotLetIn(_))) => {
                return self.put_back(id, Waiting { not_before: Instant::now(), ..waiting });
            }
            Err(Unsettled::Board(BoardError::Refused(why))) => {
                tracing::error!(work = %id, why, "Discord refuses this card; /attention shows it. Trying again in 15 minutes");
                REFUSED_AGAIN
            }
            Err(Unsettled::Board(error)) => {
                let after = retry_after(&error, waiting.tries);
                tracing::warn!(work = %id, "card not shown yet, trying again in {} s: {error}", after.as_secs_f32().ceil());
                after
            }
        };
        self.put_back(
            id,
            Waiting { not_before: Instant::now() + after, tries: waiting.tries + 1, ..waiting },
        );
    }

    fn put_back(&mut self, id: Work, again: Waiting) {
        // A change queued meanwhile still runs at once; the need to compare and the failure count
        // carry over.
        let standing = self.waiting.entry(id).or_insert(again);
        standing.doubted |= again.doubted;
        standing.tries = again.tries;
    }
}

fn retry_after(error: &BoardError, tries: u32) -> Duration {
    match error {
        // Doubles the requested pause up to `LONGEST_SLEEP`; a longer requested pause is kept.
        BoardError::Later { after, .. } => {
            after.saturating_mul(1 << tries.min(5)).min(LONGEST_SLEEP).max(*after)
        }
        _ => NO_PLACE_AGAIN,
    }
}
