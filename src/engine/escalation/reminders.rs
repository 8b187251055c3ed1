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
mod grouping;
mod read;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use crate::core::Time;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId};
use crate::core::escalation::{Channel, ContactResult};
use crate::core::messaging::message::PostState;
use crate::core::messaging::notification::DeliveryState;
use crate::core::messaging::reminder::{
    GROUPING_WINDOW, Reminder, ReminderState, outcomes_to_report,
};
use crate::core::policy::rules::Rules;
use crate::engine::reconciler::Reconciler;
use crate::engine::{Handle, HandleError};
use crate::presentation::text;
use crate::store::{ReminderUpdate, StoreError};

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
    reconciler: Arc<Reconciler>,
    seen: Option<Seen>,
}

/// The inputs of the last full pass. Most hints change none of them, and a pass can then skip
/// reading.
struct Seen {
    rules: Arc<Rules>,
    preferences: String,
}

impl std::fmt::Debug for Reminders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reminders").finish_non_exhaustive()
    }
}

impl Reminders {
    /// Creates the service; [`Reminders::run`] does the work.
    #[must_use]
    pub fn new(handle: Handle, directory: Arc<dyn Directory>, reconciler: Arc<Reconciler>) -> Self {
        Self { handle, directory, reconciler, seen: None }
    }

    /// Sends reminders until dropped.
    pub async fn run(mut self) {
        let mut hints = self.handle.hints();
        loop {
            hints.mark_unchanged();
            let next = match self.step().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "could not send reminders; trying again in 1 s");
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
        let glance = self.handle.with_store(|store| store.reminders().status()).await?;
        let rules = self.handle.rules();
        let is_as_seen = |seen: &Seen| {
            Arc::ptr_eq(&seen.rules, &rules) && seen.preferences == glance.preferences
        };
        let ends = glance.held_until.is_some_and(|until| until <= self.handle.now());
        let nothing_new = matches!(climbed, Ok(false))
            && !glance.moves
            && !ends
            && self.seen.as_ref().is_some_and(is_as_seen);
        let next = if nothing_new {
            glance.held_until
        } else {
            self.seen = None;
            let next = self.compare_all().await?;
            self.seen = Some(Seen { rules, preferences: glance.preferences });
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

    async fn compare_all(&self) -> Result<Option<Time>, Later> {
        let reminders = self.handle.with_store(|store| store.reminders().all()).await?;
        if reminders.is_empty() {
            return Ok(None);
        }
        let decisions = self.decisions(&reminders).await?;
        let mut reminders =
            self.note_results(self.drop_obsolete(reminders, &decisions).await?).await?;
        if self.send(&reminders, &decisions).await? {
            reminders = self.handle.with_store(|store| store.reminders().all()).await?;
        }
        self.record_contacts(&reminders, &decisions).await?;
        let held = |reminder: &Reminder| match reminder.state {
            ReminderState::Held { until } => Some(until),
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
        let found = self.handle.with_store(move |store| store.decisions().get_many(&ids)).await?;
        Ok(found.into_iter().map(|decision| (decision.id, decision)).collect())
    }

    /// Deletes obsolete reminders and returns the rest.
    async fn drop_obsolete(
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
                .with_store(move |store| {
                    store.reminders().record(ReminderUpdate { drop, ..ReminderUpdate::default() })
                })
                .await?;
        }
        Ok(keep)
    }

    /// Looks up the results of sent reminders and stores them.
    async fn note_results(&self, reminders: Vec<Reminder>) -> Result<Vec<Reminder>, Later> {
        let mut put = Vec::new();
        let mut known = Vec::new();
        let mut states = HashMap::new();
        let mut entries = HashMap::new();
        for on in reminders
            .iter()
            .filter_map(|reminder| reminder.on.filter(|_| reminder.state == ReminderState::Posted))
        {
            if let Entry::Vacant(unread) = states.entry(on.message) {
                unread.insert(
                    self.handle
                        .with_store(move |store| store.messages().get(on.message))
                        .await?
                        .map(|message| message.state),
                );
            }
        }
        for reminder in reminders {
            let state = reminder.on.and_then(|on| states.get(&on.message)).cloned().flatten();
            let reminder = match self.contact_result(&reminder, state, &mut entries).await? {
                Some(result) => {
                    let settled = Reminder { state: ReminderState::Over { result }, ..reminder };
                    put.push(settled.clone());
                    settled
                }
                None => reminder,
            };
            known.push(reminder);
        }
        if !put.is_empty() {
            self.handle
                .with_store(move |store| {
                    store.reminders().record(ReminderUpdate { put, ..ReminderUpdate::default() })
                })
                .await?;
        }
        Ok(known)
    }

    /// A sent reminder's result, if known. `entries` caches the status of outbox entries.
    async fn contact_result(
        &self,
        reminder: &Reminder,
        state: Option<PostState>,
        entries: &mut HashMap<String, Option<DeliveryState>>,
    ) -> Result<Option<ContactResult>, Later> {
        let over_before =
            || Some(ContactResult::Failed { why: text::CLOSED_BEFORE_SENDING.into() });
        Ok(match &reminder.state {
            ReminderState::Posted => match state {
                Some(PostState::Posted { .. }) => Some(ContactResult::Reached),
                Some(PostState::Final(_)) | None => over_before(),
                Some(PostState::NotPosted | PostState::Creating { .. }) => None,
            },
            ReminderState::Notification { key } => {
                if !entries.contains_key(key) {
                    entries.insert(
                        key.clone(),
                        self.handle.notifications().get(key).await?.map(|entry| entry.state),
                    );
                }
                match entries.get(key).and_then(Option::as_ref) {
                    Some(DeliveryState::Sent { .. }) => Some(ContactResult::Reached),
                    Some(DeliveryState::GaveUp { why, .. }) => {
                        Some(ContactResult::Failed { why: why.clone() })
                    }
                    Some(DeliveryState::Dropped { .. }) | None => over_before(),
                    Some(
                        DeliveryState::Queued { .. }
                        | DeliveryState::Held { .. }
                        | DeliveryState::Trying { .. },
                    ) => None,
                }
            }
            _ => None,
        })
    }

    /// Records the known results of each current escalation step in the log. Recorded reminders are
    /// not read again.
    async fn record_contacts(
        &self,
        reminders: &[Reminder],
        decisions: &HashMap<DecisionId, Decision>,
    ) -> Result<(), Later> {
        let mut steps: BTreeMap<u64, Vec<Reminder>> = BTreeMap::new();
        for reminder in reminders {
            steps.entry(reminder.position).or_default().push(reminder.clone());
        }
        let mut recording: JoinSet<Result<Vec<Reminder>, HandleError>> = JoinSet::new();
        let mut told = Vec::new();
        for (position, fired_step) in steps {
            let Some(decision) =
                fired_step.first().and_then(|first| decisions.get(&first.decision))
            else {
                continue;
            };
            if let Some((contacts, complete)) = outcomes_to_report(decision, position, &fired_step)
            {
                let (handle, id) = (self.handle.clone(), decision.id);
                recording.spawn(async move {
                    handle
                        .escalation()
                        .record_contacts(id, position, contacts, complete)
                        .await
                        .map(|_| fired_step)
                });
            } else if !fired_step.iter().any(|reminder| {
                matches!(reminder.state, ReminderState::Due | ReminderState::Posted)
            }) {
                told.extend(fired_step);
            }
        }
        // Concurrently, so the writes share a commit, and so a failure does not keep the other
        // results from the log.
        let mut failed = None;
        while let Some(ended) = recording.join_next().await {
            match ended {
                Ok(Ok(fired_step)) => told.extend(fired_step),
                Ok(Err(error)) => failed = Some(Later::from(error)),
                Err(error) => {
                    failed =
                        Some(Later::Unknown(format!("recording the contacts panicked: {error}")))
                }
            }
        }
        told.retain(|reminder| matches!(reminder.state, ReminderState::Over { .. }));
        if !told.is_empty() {
            let forget = self.handle.now().checked_sub_signed(GROUPING_WINDOW);
            self.handle
                .with_store(move |store| {
                    store.reminders().record(ReminderUpdate {
                        reported: told,
                        forget,
                        ..ReminderUpdate::default()
                    })
                })
                .await?;
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Decision, channel and receiver.
type Reached = (DecisionId, Channel, String);

fn reached(reminder: &Reminder) -> Reached {
    (reminder.decision, reminder.channel, reminder.receiver.key())
}

/// The latest escalation step for each decision, channel and receiver.
fn latest(reminders: &[Reminder]) -> HashMap<Reached, u64> {
    let mut latest = HashMap::new();
    for reminder in reminders {
        let position: &mut u64 = latest.entry(reached(reminder)).or_default();
        *position = reminder.position.max(*position);
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
    let waits =
        matches!(decision.state, State::Pending(_)) && decision.ladder_began_at() <= reminder.at;
    let stands =
        decision.position.as_ref().is_some_and(|position| position.seq == reminder.position);
    let replaced =
        || latest.get(&reached(reminder)).is_some_and(|position| *position > reminder.position);
    let may_be_joined = || reminder.on.is_some_and(|on| now - on.since < GROUPING_WINDOW);
    waits
        && match reminder.state {
            ReminderState::Due | ReminderState::Held { .. } => stands || !replaced(),
            ReminderState::Posted
            | ReminderState::Notification { .. }
            | ReminderState::Over { .. } => stands || may_be_joined(),
        }
}

#[cfg(test)]
mod tests;
