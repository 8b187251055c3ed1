//! The reconciler's work queue: changes run at once, failures after a growing backoff.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Reconciler, STORE_RETRY, SinkError, Unsettled};
use crate::core::decision::DecisionId;
use crate::core::messaging::message::{Message, MessageId, MessageView};
use crate::engine::clock::LONGEST_SLEEP;

/// Concurrent tasks. Most only wait for their channel's permit (`Reconciler` keeps permits per
/// channel), so a flood in one channel delays no other. This limit bounds the tasks' memory.
const AT_ONCE: usize = 1_000;
/// Pause before retrying a rejected card: the cause may have been fixed, or the bot updated.
const REFUSED_RETRY: Duration = Duration::from_secs(15 * 60);
/// Pause before looking for a missing channel again.
const NO_CHANNEL_RETRY: Duration = Duration::from_secs(30);

/// A unit of work. Messages other than cards sort first: a batch's card must exist before the
/// replaced cards can link to the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Work {
    /// A message other than a card.
    Message(MessageId),
    /// The cards of a decision.
    Decision(DecisionId),
}

impl Work {
    /// The work on this message.
    pub(super) fn on(message: &Message) -> Self {
        message.purpose.card_of().map_or(Self::Message(message.id), Self::Decision)
    }
}

/// What to compare with the store's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    /// The record of the message.
    #[default]
    Record,
    /// The record, and whether the message still exists on Discord.
    Discord,
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(id) => write!(f, "message {id}"),
            Self::Decision(id) => write!(f, "{id}"),
        }
    }
}

/// When to start, after how many failures, and what to compare.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    not_before: Instant,
    tries: u32,
    check: Check,
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
    pub(super) fn add(&mut self, id: Work, check: Check) {
        let waiting = self.waiting.entry(id).or_insert(Waiting {
            not_before: Instant::now(),
            tries: 0,
            check,
        });
        waiting.not_before = Instant::now();
        waiting.check = waiting.check.max(check);
    }

    fn is_running(&self, id: Work) -> bool {
        self.in_hand.contains(&id)
    }

    pub(super) fn start_due(&mut self, reconciler: &Arc<Reconciler>) {
        let now = Instant::now();
        let due = self
            .waiting
            .iter()
            .filter(|(id, waiting)| waiting.not_before <= now && !self.is_running(**id));
        let mut due: Vec<Work> = due.map(|(id, _)| *id).collect();
        due.sort_unstable();
        for id in due.into_iter().take(AT_ONCE.saturating_sub(self.running.len())) {
            let Some(waiting) = self.waiting.remove(&id) else { continue };
            let reconciler = Arc::clone(reconciler);
            let task = self.tasks.spawn(async move { reconciler.settle(id, waiting.check).await });
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
    pub(super) fn all_finished(&mut self, first: Finished, reconciler: &Reconciler) {
        self.finished(first, reconciler);
        while let Some(finished) = self.tasks.try_join_next_with_id() {
            self.finished(finished, reconciler);
        }
    }

    /// Handles a finished task: reports undeliverable cards in the heartbeat and schedules retries.
    fn finished(&mut self, finished: Finished, reconciler: &Reconciler) {
        let (task, result) = match finished {
            Ok(finished) => finished,
            Err(error) => {
                (error.id(), Err(Unsettled::Store(format!("its task panicked: {error}"))))
            }
        };
        let Some((id, waiting)) = self.running.remove(&task) else { return };
        self.in_hand.remove(&id);
        if let Err(Unsettled::Sink(error)) = &result
            && (waiting.tries > 0 || !matches!(error, SinkError::Later { .. }))
        {
            reconciler.report_undelivered(id, error);
        }
        let after = match result {
            Ok(()) => return reconciler.clear_undelivered(id),
            Err(Unsettled::Store(error)) => {
                tracing::warn!(work = %id, error, "the store failed; trying again in 1 s");
                STORE_RETRY
            }
            Err(Unsettled::Halted(until)) => {
                return self.put_back(id, Waiting { not_before: until, ..waiting });
            }
            // The breaker logs this once for all cards.
            Err(Unsettled::Sink(SinkError::AccessDenied(_))) => {
                return self.put_back(id, Waiting { not_before: Instant::now(), ..waiting });
            }
            Err(Unsettled::Sink(SinkError::Refused(why))) => {
                tracing::error!(
                    work = %id,
                    why,
                    "Discord refuses this card; /attention shows it. Trying again in 15 minutes"
                );
                REFUSED_RETRY
            }
            Err(Unsettled::Sink(error)) => {
                let after = retry_after(&error, waiting.tries);
                tracing::warn!(work = %id, "card not posted yet; trying again \
                     in {} s: {error}", after.as_secs_f32().ceil());
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
        let waiting = self.waiting.entry(id).or_insert(again);
        waiting.check = waiting.check.max(again.check);
        waiting.tries = again.tries;
    }
}

fn retry_after(error: &SinkError, tries: u32) -> Duration {
    match error {
        // Doubles the requested pause up to `LONGEST_SLEEP`; a longer requested pause is kept.
        SinkError::Later { after, .. } => {
            after.saturating_mul(1 << tries.min(5)).min(LONGEST_SLEEP).max(*after)
        }
        _ => NO_CHANNEL_RETRY,
    }
}

impl Reconciler {
    /// Remembers the decision to name in the heartbeat if this message cannot be shown.
    pub(super) fn remember_representative(&self, view: &MessageView) {
        if let Some(decision) = view.first_waiting(self.handle.now()) {
            self.representatives
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(view.message.id)
                .or_insert(decision.id);
        }
    }

    /// Reports an undeliverable message in the bot's heartbeat.
    pub(super) fn report_undelivered(&self, work: Work, why: &SinkError) {
        let named = match work {
            Work::Decision(id) => Some(id),
            Work::Message(id) => self
                .representatives
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&id)
                .copied(),
        };
        if let Some(id) = named {
            self.handle
                .operations()
                .update_heartbeat(|heartbeat| heartbeat.report_undelivered(id, why.to_string()));
        }
    }

    /// Removes the report once the message shows the store's state.
    pub(super) fn clear_undelivered(&self, work: Work) {
        let named = match work {
            Work::Decision(id) => Some(id),
            Work::Message(id) => {
                self.representatives.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
            }
        };
        if let Some(id) = named {
            self.handle
                .operations()
                .update_heartbeat(|heartbeat| drop(heartbeat.held_back.remove(&id)));
        }
    }
}
