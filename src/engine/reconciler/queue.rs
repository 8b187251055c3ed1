//! The reconciler's work queue: changes run at once, failures after a growing backoff. If more is
//! due than may run, askers take turns.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::permits::{Party, party};
use super::{Reconciler, STORE_RETRY, SinkError, Unsettled};
use crate::core::decision::DecisionId;
use crate::core::messaging::message::{Message, MessageId, MessageView};
use crate::engine::clock::LONGEST_SLEEP;

/// Concurrent tasks. Most only wait for their channel's permit (`Reconciler` keeps permits per
/// channel), so a flood in one channel delays no other. This limit bounds the tasks' memory.
const AT_ONCE: usize = 1_000;
/// Pause before retrying a rejected card: the cause may have been fixed, or the bot updated.
const REFUSED_RETRY: Duration = Duration::from_secs(15 * 60);
/// How long the edit for an escalation step waits for the results of contacting people. Discord
/// takes about 0.3 s to open a direct message, and as long to post it; the rest is for rate limits.
const PROGRESS_DELAY: Duration = Duration::from_secs(10);
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

/// The work of one party.
#[derive(Default)]
struct Turns {
    in_hand: usize,
    due: VecDeque<Work>,
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
    /// Who asked the decisions in the queue, as far as looked up.
    parties: HashMap<DecisionId, Party>,
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

    /// Queues work that may wait for [`PROGRESS_DELAY`], to share a request with what follows.
    pub(super) fn add_later(&mut self, id: Work) {
        let later = Instant::now() + PROGRESS_DELAY;
        let waiting = Waiting { not_before: later, tries: 0, check: Check::Record };
        let waiting = self.waiting.entry(id).or_insert(waiting);
        waiting.not_before = waiting.not_before.min(later);
    }

    fn is_running(&self, id: Work) -> bool {
        self.in_hand.contains(&id)
    }

    pub(super) async fn start_due(&mut self, reconciler: &Arc<Reconciler>) {
        let now = Instant::now();
        let due = self
            .waiting
            .iter()
            .filter(|(id, waiting)| waiting.not_before <= now && !self.is_running(**id));
        let mut due: Vec<Work> = due.map(|(id, _)| *id).collect();
        due.sort_unstable();
        let room = AT_ONCE.saturating_sub(self.running.len());
        if due.len() > room && room > 0 {
            self.learn_parties(&due, reconciler).await;
            due = self.by_turns(due, room);
        }
        for id in due.into_iter().take(room) {
            let Some(waiting) = self.waiting.remove(&id) else { continue };
            let reconciler = Arc::clone(reconciler);
            let task = self.tasks.spawn(async move { reconciler.settle(id, waiting.check).await });
            self.running.insert(task.id(), (id, waiting));
            self.in_hand.insert(id);
        }
    }

    /// Finds out who asked the decisions that are due. Each decision is looked up once.
    async fn learn_parties(&mut self, due: &[Work], reconciler: &Reconciler) {
        let running = self.in_hand.iter();
        let decisions = due.iter().chain(running).filter_map(|work| match work {
            Work::Decision(id) if !self.parties.contains_key(id) => Some(*id),
            _ => None,
        });
        let unknown: Vec<DecisionId> = decisions.collect();
        if unknown.is_empty() {
            return;
        }
        match reconciler.handle.with_store(move |store| store.decisions().get_many(&unknown)).await
        {
            Ok(decisions) => {
                let parties = decisions.iter().map(|decision| (decision.id, party(decision)));
                self.parties.extend(parties);
            }
            // They then count as Gander's own, and are looked up again.
            Err(error) => tracing::debug!(%error, "could not read who asked"),
        }
    }

    fn party_of(&self, work: Work) -> Party {
        match work {
            Work::Decision(id) => self.parties.get(&id).cloned().flatten(),
            Work::Message(_) => None,
        }
    }

    /// The next `room` of the due work: at each step the party with the least in hand is next. An
    /// asker whose flood holds every place thereby gives way as soon as any place is free.
    fn by_turns(&self, due: Vec<Work>, room: usize) -> Vec<Work> {
        let mut parties: HashMap<Party, Turns> = HashMap::new();
        for work in &self.in_hand {
            parties.entry(self.party_of(*work)).or_default().in_hand += 1;
        }
        for work in due {
            parties.entry(self.party_of(work)).or_default().due.push_back(work);
        }
        let mut parties: Vec<Turns> = parties.into_values().collect();
        let next = || {
            parties.retain(|turns| !turns.due.is_empty());
            let least = parties
                .iter_mut()
                .min_by_key(|turns| (turns.in_hand, turns.due.front().copied()))?;
            least.in_hand += 1;
            least.due.pop_front()
        };
        std::iter::from_fn(next).take(room).collect()
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
        if let Work::Decision(id) = id {
            self.parties.remove(&id);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_least_in_hand_is_next() {
        let mut queue = Queue::default();
        let decision = |id| Work::Decision(DecisionId(id));
        for id in 1..=2_000 {
            queue.parties.insert(DecisionId(id), Some("token:1".into()));
        }
        queue.in_hand.extend((1..=998).map(decision));
        for (id, asker) in [(2_001, "token:2"), (2_002, "token:3"), (2_003, "token:3")] {
            queue.parties.insert(DecisionId(id), Some(asker.into()));
        }
        let due: Vec<Work> = (999..=2_003).map(decision).collect();
        assert_eq!(queue.by_turns(due.clone(), 2), [decision(2_001), decision(2_002)]);
        let more = queue.by_turns(due.clone(), 5);
        assert_eq!(more[2..], [decision(2_003), decision(999), decision(1_000)]);
        assert_eq!(queue.by_turns(due, 10_000).len(), 1_005, "nothing is lost");
    }
}
