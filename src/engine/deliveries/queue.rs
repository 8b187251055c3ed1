//! Which decisions' cards and which postings are worked on when: changes at once, failures after a
//! pause that grows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{BoardError, Deliveries, STORE_AGAIN, Unsettled};
use crate::core::decision::DecisionId;
use crate::core::posting::PostingId;
use crate::engine::clock::LONGEST_SLEEP;

/// Decisions and postings that are worked on at the same time. Most only wait for their channel's
/// turn (`Deliveries` gives each channel its own), so that a flood in one channel holds up no
/// other; this bounds the memory that they take.
const AT_ONCE: usize = 1_000;
/// How soon a refused card is tried again: whatever refused it may have been mended, or updated.
const REFUSED_AGAIN: Duration = Duration::from_secs(15 * 60);
/// How soon a missing channel is looked for again.
const NO_PLACE_AGAIN: Duration = Duration::from_secs(30);

/// What is worked on as one. Postings come first: a batch's card stands before the cards that it
/// replaces point to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Work {
    /// A message that stands for several decisions.
    Posting(PostingId),
    /// The cards of a decision.
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

/// When it is worked on next.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    not_before: Instant,
    tries: u32,
    doubted: bool,
}

type Finished = Result<(tokio::task::Id, Result<(), Unsettled>), tokio::task::JoinError>;

/// The decisions and postings that want work.
#[derive(Default)]
pub(super) struct Queue {
    waiting: HashMap<Work, Waiting>,
    pub(super) tasks: JoinSet<Result<(), Unsettled>>,
    running: HashMap<tokio::task::Id, (Work, Waiting)>,
    /// The same, to be found: of a flood thousands wait, and each is asked about.
    in_hand: HashSet<Work>,
}

impl Queue {
    /// A change is worth a try at once, whatever was waited for: it may be the mend.
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

    /// What becomes of the pieces of work that have ended: of a flood many end at once.
    pub(super) fn all_finished(&mut self, first: Finished, deliveries: &Deliveries) {
        self.finished(first, deliveries);
        while let Some(finished) = self.tasks.try_join_next_with_id() {
            self.finished(finished, deliveries);
        }
    }

    /// What becomes of a piece of work. Cards that cannot be shown are told of in the bot's pulse.
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
            // Said once for all cards, by whoever stopped them.
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
        // A change that came meanwhile is tried at once; what was doubted and how often it failed
        // still counts.
        let standing = self.waiting.entry(id).or_insert(again);
        standing.doubted |= again.doubted;
        standing.tries = again.tries;
    }
}

fn retry_after(error: &BoardError, tries: u32) -> Duration {
    match error {
        // Doubles from what was asked for, up to the sleep that is never exceeded.
        BoardError::Later { after, .. } => {
            after.saturating_mul(1 << tries.min(5)).min(LONGEST_SLEEP).max(*after)
        }
        _ => NO_PLACE_AGAIN,
    }
}
