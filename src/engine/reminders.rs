//! Reminds people of unanswered decisions: turns escalation steps into messages, and records the
//! results in the log.
//!
//! The log lists the fired escalation steps; a cursor in the store marks the position read so far.
//! Each step becomes rows, one per receiver and channel, committed together with the cursor. The
//! rows become messages, committed together with the Discord message or the outbox entry carrying
//! them. Finally the results go to the log, where recording twice equals recording once. A crash
//! between any two of these commits therefore loses nothing and duplicates nothing. Reminders due
//! at the same time for one receiver share a message.
//!
//! Does not depend on Discord: a [`Directory`] identifies people there.

mod audience;
mod gather;
mod read;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::deliveries::Deliveries;
use super::{Handle, HandleError};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId};
use crate::core::ladder::{Came, Way};
use crate::core::outgoing::Sending;
use crate::core::permission::Voter;
use crate::core::policy::Rules;
use crate::core::posting::Hanging;
use crate::core::remind::{GATHERED, Reminder, Standing, news};
use crate::core::text;
use crate::store::{Reminding, StoreError};

/// Wait for more escalation steps of the same moment before sending, so they share a message.
const SETTLE: Duration = Duration::from_millis(300);
/// Pause before retrying after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// The surface's users, roles and channels.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The owner of the bot's application.
    fn owner(&self) -> Option<u64>;

    /// A user with roles; `None` if the user is not a member of the server.
    ///
    /// # Errors
    /// A message, if the answer is not available now. Fails within a short time.
    async fn voter(&self, user: u64) -> Result<Option<Voter>, String>;

    /// The roles matching a rule's name, by id and name.
    fn roles(&self, named: &str) -> Vec<(u64, String)>;

    /// The id of the channel for a project's cards.
    ///
    /// # Errors
    /// A message, if the project has no channel.
    fn channel(&self, project: &str) -> Result<String, String>;

    /// If `@here` would reach no user in a channel: the reason and the remedy.
    fn no_here(&self, channel: &str) -> Option<String>;

    /// The URL of a message.
    fn link(&self, channel: &str, message: &str) -> String;
}

/// Why reminding failed for now.
#[derive(Debug, thiserror::Error)]
enum Later {
    #[error(transparent)]
    Handle(#[from] HandleError),
    #[error("{0}")]
    Unknown(String),
}

impl Later {
    /// Whether the error concerns one decision alone and a retry would not help.
    const fn is_of_one(&self) -> bool {
        matches!(
            self,
            Self::Handle(
                HandleError::NoSuchDecision(_) | HandleError::Store(StoreError::Unreadable(_))
            )
        )
    }
}

impl From<StoreError> for Later {
    fn from(error: StoreError) -> Self {
        Self::Handle(error.into())
    }
}

/// Sends reminders. One per store and surface.
pub struct Reminders {
    handle: Handle,
    directory: Arc<dyn Directory>,
    deliveries: Arc<Deliveries>,
    seen: Option<Seen>,
}

/// The inputs of the last full pass. Most hints change none of them, and a pass can then skip
/// reading.
struct Seen {
    rules: Arc<Rules>,
    wishes: String,
}

impl std::fmt::Debug for Reminders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reminders").finish_non_exhaustive()
    }
}

impl Reminders {
    /// Creates the service; [`Reminders::run`] does the work.
    #[must_use]
    pub fn new(handle: Handle, directory: Arc<dyn Directory>, deliveries: Arc<Deliveries>) -> Self {
        Self { handle, directory, deliveries, seen: None }
    }

    /// Sends reminders until dropped.
    pub async fn run(mut self) {
        let mut hints = self.handle.hints();
        loop {
            hints.mark_unchanged();
            let next = match self.step().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "people could not be reminded; trying again in 1 s");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            let until = next.unwrap_or_else(|| self.handle.now() + chrono::TimeDelta::days(1));
            tokio::select! {
                _ = hints.changed() => {}
                () = self.handle.clock().sleep_until(until) => {}
            }
        }
    }

    /// Does all work possible now. Returns when the next held reminder may be sent.
    async fn step(&mut self) -> Result<Option<Time>, Later> {
        // A failed read of the log must not delay reminders read earlier.
        let climbed = self.read_settled().await;
        let glance = self.handle.store(|store| store.glance_at_reminders()).await?;
        let rules = self.handle.rules();
        let is_as_seen =
            |seen: &Seen| Arc::ptr_eq(&seen.rules, &rules) && seen.wishes == glance.wishes;
        let ends = glance.held_until.is_some_and(|until| until <= self.handle.now());
        let nothing_new = matches!(climbed, Ok(false))
            && !glance.moves
            && !ends
            && self.seen.as_ref().is_some_and(is_as_seen);
        let next = if nothing_new {
            glance.held_until
        } else {
            self.seen = None;
            let next = self.look_at_all().await?;
            self.seen = Some(Seen { rules, wishes: glance.wishes });
            next
        };
        climbed.map(|_| next)
    }

    /// Reads the log to the end. Returns whether any escalation step fired.
    async fn read_settled(&self) -> Result<bool, Later> {
        let climbed = self.read_log().await?;
        if climbed {
            // Steps fired at the same moment belong in the same message.
            tokio::time::sleep(SETTLE).await;
            self.read_log().await?;
        }
        Ok(climbed)
    }

    async fn look_at_all(&self) -> Result<Option<Time>, Later> {
        let reminders = self.handle.store(|store| store.reminders()).await?;
        if reminders.is_empty() {
            return Ok(None);
        }
        let decisions = self.decisions(&reminders).await?;
        let mut reminders = self.heard(self.tidied(reminders, &decisions).await?).await?;
        if self.send(&reminders, &decisions).await? {
            reminders = self.handle.store(|store| store.reminders()).await?;
        }
        self.tell(&reminders, &decisions).await?;
        let held = |reminder: &Reminder| match reminder.standing {
            Standing::Held { until } => Some(until),
            _ => None,
        };
        Ok(reminders.iter().filter_map(held).min())
    }

    /// The reminders' decisions, in their current state.
    async fn decisions(
        &self,
        reminders: &[Reminder],
    ) -> Result<HashMap<DecisionId, Decision>, Later> {
        let mut ids: Vec<DecisionId> = reminders.iter().map(|reminder| reminder.decision).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.handle.store(move |store| store.get_many(&ids)).await?;
        Ok(found.into_iter().map(|decision| (decision.id, decision)).collect())
    }

    /// Deletes obsolete reminders and returns the rest.
    async fn tidied(
        &self,
        reminders: Vec<Reminder>,
        decisions: &HashMap<DecisionId, Decision>,
    ) -> Result<Vec<Reminder>, Later> {
        let (latest, now) = (latest(&reminders), self.handle.now());
        let stays = |reminder: &Reminder| {
            decisions
                .get(&reminder.decision)
                .is_some_and(|decision| matters(reminder, decision, &latest, now))
        };
        let (keep, drop): (Vec<Reminder>, Vec<Reminder>) = reminders.into_iter().partition(stays);
        if !drop.is_empty() {
            tracing::debug!(count = drop.len(), "reminders forgotten");
            self.handle
                .store(move |store| store.remind(Reminding { drop, ..Reminding::default() }))
                .await?;
        }
        Ok(keep)
    }

    /// Looks up the results of sent reminders and stores them.
    async fn heard(&self, reminders: Vec<Reminder>) -> Result<Vec<Reminder>, Later> {
        let mut put = Vec::new();
        let mut known = Vec::new();
        let mut postings = HashMap::new();
        let mut letters = HashMap::new();
        for on in reminders
            .iter()
            .filter_map(|reminder| reminder.on.filter(|_| reminder.standing == Standing::Posted))
        {
            if let Entry::Vacant(unread) = postings.entry(on.posting) {
                unread.insert(
                    self.handle
                        .store(move |store| store.posting(on.posting))
                        .await?
                        .map(|posting| posting.hanging),
                );
            }
        }
        for reminder in reminders {
            let hanging = reminder.on.and_then(|on| postings.get(&on.posting)).cloned().flatten();
            let reminder = match self.came(&reminder, hanging, &mut letters).await? {
                Some(came) => {
                    let settled = Reminder { standing: Standing::Over { came }, ..reminder };
                    put.push(settled.clone());
                    settled
                }
                None => reminder,
            };
            known.push(reminder);
        }
        if !put.is_empty() {
            self.handle
                .store(move |store| store.remind(Reminding { put, ..Reminding::default() }))
                .await?;
        }
        Ok(known)
    }

    /// A sent reminder's result, if known. `letters` caches the status of outbox entries.
    async fn came(
        &self,
        reminder: &Reminder,
        hanging: Option<Hanging>,
        letters: &mut HashMap<String, Option<Sending>>,
    ) -> Result<Option<Came>, Later> {
        let over_before = || Some(Came::Failed { why: text::OVER_BEFORE.into() });
        Ok(match &reminder.standing {
            Standing::Posted => match hanging {
                Some(Hanging::Message { .. }) => Some(Came::Reached),
                Some(Hanging::Over) | None => over_before(),
                Some(Hanging::Nothing | Hanging::Begun { .. }) => None,
            },
            Standing::Outgoing { key } => {
                if !letters.contains_key(key) {
                    letters.insert(
                        key.clone(),
                        self.handle.outgoing(key).await?.map(|letter| letter.sending),
                    );
                }
                match letters.get(key).and_then(Option::as_ref) {
                    Some(Sending::Sent { .. }) => Some(Came::Reached),
                    Some(Sending::GaveUp { why, .. }) => Some(Came::Failed { why: why.clone() }),
                    Some(Sending::Dropped { .. }) | None => over_before(),
                    Some(
                        Sending::Queued { .. } | Sending::Held { .. } | Sending::Trying { .. },
                    ) => None,
                }
            }
            _ => None,
        })
    }

    /// Records the known results of each current escalation step in the log. Recorded reminders are
    /// not read again.
    async fn tell(
        &self,
        reminders: &[Reminder],
        decisions: &HashMap<DecisionId, Decision>,
    ) -> Result<(), Later> {
        let mut rungs: BTreeMap<u64, Vec<Reminder>> = BTreeMap::new();
        for reminder in reminders {
            rungs.entry(reminder.climb).or_default().push(reminder.clone());
        }
        let mut telling: JoinSet<Result<Vec<Reminder>, HandleError>> = JoinSet::new();
        let mut told = Vec::new();
        for (climb, rung) in rungs {
            let Some(decision) = rung.first().and_then(|first| decisions.get(&first.decision))
            else {
                continue;
            };
            if let Some((contacts, complete)) = news(decision, climb, &rung) {
                let (handle, id) = (self.handle.clone(), decision.id);
                telling.spawn(async move {
                    handle.tell(id, climb, contacts, complete).await.map(|_| rung)
                });
            } else if !rung
                .iter()
                .any(|reminder| matches!(reminder.standing, Standing::Due | Standing::Posted))
            {
                told.extend(rung);
            }
        }
        // Concurrently, so the writes share a commit, and so a failure does not keep the other
        // results from the log.
        let mut failed = None;
        while let Some(ended) = telling.join_next().await {
            match ended {
                Ok(Ok(rung)) => told.extend(rung),
                Ok(Err(error)) => failed = Some(Later::from(error)),
                Err(error) => {
                    failed = Some(Later::Unknown(format!("telling the log ended early: {error}")))
                }
            }
        }
        told.retain(|reminder| matches!(reminder.standing, Standing::Over { .. }));
        if !told.is_empty() {
            let forget = self.handle.now().checked_sub_signed(GATHERED);
            self.handle
                .store(move |store| {
                    store.remind(Reminding { told, forget, ..Reminding::default() })
                })
                .await?;
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Decision, channel and receiver.
type Reached = (DecisionId, Way, String);

fn reached(reminder: &Reminder) -> Reached {
    (reminder.decision, reminder.way, reminder.receiver.key())
}

/// The latest escalation step for each decision, channel and receiver.
fn latest(reminders: &[Reminder]) -> HashMap<Reached, u64> {
    let mut latest = HashMap::new();
    for reminder in reminders {
        let climb: &mut u64 = latest.entry(reached(reminder)).or_default();
        *climb = reminder.climb.max(*climb);
    }
    latest
}

/// Whether a reminder can still have an effect. A reminder held back at an earlier escalation step
/// is still sent, unless a later step reaches the same receiver over the same channel.
fn matters(
    reminder: &Reminder,
    decision: &Decision,
    latest: &HashMap<Reached, u64>,
    now: Time,
) -> bool {
    use crate::core::decision::State;
    let waits = matches!(decision.state, State::Pending(_)) && decision.since() <= reminder.at;
    let stands = decision.climb.as_ref().is_some_and(|climb| climb.seq == reminder.climb);
    let replaced = || latest.get(&reached(reminder)).is_some_and(|climb| *climb > reminder.climb);
    let may_be_joined = || reminder.on.is_some_and(|on| now - on.since < GATHERED);
    waits
        && match reminder.standing {
            Standing::Due | Standing::Held { .. } => stands || !replaced(),
            Standing::Posted | Standing::Outgoing { .. } | Standing::Over { .. } => {
                stands || may_be_joined()
            }
        }
}

#[cfg(test)]
mod tests;
