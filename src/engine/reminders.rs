//! Reminds people of what nobody answers: from rungs that were climbed to messages, and from what
//! came of those to the log.
//!
//! The log says which rungs were climbed; a cursor in the store says how far it was read. What a
//! rung means becomes rows, one for each receiver and way, in the same commit as the cursor; rows
//! become messages in one commit with the posting or the outbox's entry that carries them; what
//! came of the messages is told to the log, and telling it twice is telling it once. So a kill
//! between any two steps loses nothing and doubles nothing. Several that are due for one receiver
//! share a message.
//!
//! Must not know Discord: who somebody is there, it is told by a [`Directory`].

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

/// How long it is waited for more of the same moment before a message goes out.
const SETTLE: Duration = Duration::from_millis(300);
/// How soon something that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Who people are on the surface.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The owner of the bot's application.
    fn owner(&self) -> Option<u64>;

    /// Somebody with their roles; `None`: they are not in the server.
    ///
    /// # Errors
    /// In words, if it cannot be found out now. That does not take long.
    async fn voter(&self, user: u64) -> Result<Option<Voter>, String>;

    /// The roles that a rule means, by id and name.
    fn roles(&self, named: &str) -> Vec<(u64, String)>;

    /// The channel of a project's cards, by its id.
    ///
    /// # Errors
    /// In words, if there is none.
    fn channel(&self, project: &str) -> Result<String, String>;

    /// Why `@here` would reach nobody in a channel, and what to do, if so.
    fn no_here(&self, channel: &str) -> Option<String>;

    /// The address of a message.
    fn link(&self, channel: &str, message: &str) -> String;
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
enum Later {
    #[error(transparent)]
    Handle(#[from] HandleError),
    #[error("{0}")]
    Unknown(String),
}

impl Later {
    /// Whether it is about one decision alone, and would be the same a moment later.
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

/// Whoever reminds people. One per store and surface.
pub struct Reminders {
    handle: Handle,
    directory: Arc<dyn Directory>,
    deliveries: Arc<Deliveries>,
    seen: Option<Seen>,
}

/// What held when all was looked at last. Most hints change nothing of it, and then nothing is
/// read.
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
    /// Reminds people by this surface.
    #[must_use]
    pub fn new(handle: Handle, directory: Arc<dyn Directory>, deliveries: Arc<Deliveries>) -> Self {
        Self { handle, directory, deliveries, seen: None }
    }

    /// Runs for as long as it is polled.
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

    /// Does all that can be done now. The time at which something that is held back may go.
    async fn step(&mut self) -> Result<Option<Time>, Later> {
        // What cannot be read holds up nothing that was read before.
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

    /// Reads the log to its end. Whether any rung was climbed.
    async fn read_settled(&self) -> Result<bool, Later> {
        let climbed = self.read_log().await?;
        if climbed {
            // What was climbed in the same moment belongs into the same message.
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

    /// The decisions that these are about, as they stand.
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

    /// Those of which something may yet come; the others are forgotten.
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

    /// What came of those that were sent.
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

    /// `letters`: how messages of the outbox stand, as far as it was asked for.
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

    /// Tells the log what is known of each rung that stands. What it knows is not read again.
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
        // Together, so that they share a commit; and one that fails keeps none of the others from
        // the log.
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

/// Who is reached by what, of which decision.
type Reached = (DecisionId, Way, String);

fn reached(reminder: &Reminder) -> Reached {
    (reminder.decision, reminder.way, reminder.receiver.key())
}

/// The last rung that reaches each of them.
fn latest(reminders: &[Reminder]) -> HashMap<Reached, u64> {
    let mut latest = HashMap::new();
    for reminder in reminders {
        let climb: &mut u64 = latest.entry(reached(reminder)).or_default();
        *climb = reminder.climb.max(*climb);
    }
    latest
}

/// Whether something may yet come of a reminder. What was held back of an earlier rung is sent in
/// the end, unless a later one reaches the same person the same way.
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
