//! Reminds people of what nobody answers: from rungs that were climbed to messages, and from what came of those to the log.
//!
//! The log says which rungs were climbed; a cursor in the store says how far it was read. What a rung means becomes rows, one
//! for each receiver and way, in the same commit as the cursor; rows become messages in one commit with the posting or the
//! outbox's entry that carries them; what came of the messages is told to the log, and telling it twice is telling it once.
//! So a kill between any two steps loses nothing and doubles nothing. Several that are due for one receiver share a message.
//!
//! Must not know Discord: who somebody is there, it is told by a [`Directory`].

mod audience;
mod gather;
mod read;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::deliveries::Deliveries;
use super::{Handle, HandleError};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId};
use crate::core::ladder::Came;
use crate::core::outgoing::Sending;
use crate::core::permission::Voter;
use crate::core::posting::Hanging;
use crate::core::remind::{GATHERED, Reminder, Standing, news};
use crate::core::text;
use crate::store::Reminding;

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
    /// In words, if it cannot be found out now.
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

impl From<crate::store::StoreError> for Later {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Handle(error.into())
    }
}

/// Whoever reminds people. One per store and surface.
pub struct Reminders {
    handle: Handle,
    directory: Arc<dyn Directory>,
    deliveries: Arc<Deliveries>,
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
        Self { handle, directory, deliveries }
    }

    /// Runs for as long as it is polled.
    pub async fn run(self) {
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
    async fn step(&self) -> Result<Option<Time>, Later> {
        if self.read_log().await? {
            // What was climbed in the same moment belongs into the same message.
            tokio::time::sleep(SETTLE).await;
            self.read_log().await?;
        }
        let reminders = self.handle.store(|store| store.reminders()).await?;
        if reminders.is_empty() {
            return Ok(None);
        }
        let reminders = self.heard(self.tidied(reminders).await?).await?;
        self.send(&reminders).await?;
        let reminders = self.handle.store(|store| store.reminders()).await?;
        self.tell(&reminders).await?;
        let held = |reminder: &Reminder| match reminder.standing {
            Standing::Held { until } => Some(until),
            _ => None,
        };
        Ok(reminders.iter().filter_map(held).min())
    }

    /// The decisions that these are about, as they stand.
    async fn decisions(&self, reminders: &[Reminder]) -> Result<Vec<Decision>, Later> {
        let mut ids: Vec<DecisionId> = reminders.iter().map(|reminder| reminder.decision).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(self.handle.store(move |store| store.get_many(&ids)).await?)
    }

    /// Those of which something may yet come; the others are forgotten.
    async fn tidied(&self, reminders: Vec<Reminder>) -> Result<Vec<Reminder>, Later> {
        let (decisions, now) = (self.decisions(&reminders).await?, self.handle.now());
        let of = |id: DecisionId| decisions.iter().find(|decision| decision.id == id);
        let (keep, drop): (Vec<Reminder>, Vec<Reminder>) = reminders
            .iter()
            .cloned()
            .partition(|reminder| of(reminder.decision).is_some_and(|decision| matters(reminder, decision, &reminders, now)));
        if !drop.is_empty() {
            tracing::debug!(count = drop.len(), "reminders forgotten");
            self.handle.store(move |store| store.remind(Reminding { drop, ..Reminding::default() })).await?;
        }
        Ok(keep)
    }

    /// What came of those that were sent.
    async fn heard(&self, reminders: Vec<Reminder>) -> Result<Vec<Reminder>, Later> {
        let mut put = Vec::new();
        let mut known = Vec::new();
        let mut postings = HashMap::new();
        for on in reminders.iter().filter_map(|reminder| reminder.on.filter(|_| reminder.standing == Standing::Posted)) {
            if let Entry::Vacant(unread) = postings.entry(on.posting) {
                unread.insert(self.handle.store(move |store| store.posting(on.posting)).await?.map(|posting| posting.hanging));
            }
        }
        for reminder in reminders {
            let hanging = reminder.on.and_then(|on| postings.get(&on.posting)).cloned().flatten();
            let reminder = match self.came(&reminder, hanging).await? {
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
            self.handle.store(move |store| store.remind(Reminding { put, ..Reminding::default() })).await?;
        }
        Ok(known)
    }

    async fn came(&self, reminder: &Reminder, hanging: Option<Hanging>) -> Result<Option<Came>, Later> {
        let over_before = || Some(Came::Failed { why: text::OVER_BEFORE.into() });
        Ok(match &reminder.standing {
            Standing::Posted => match hanging {
                Some(Hanging::Message { .. }) => Some(Came::Reached),
                Some(Hanging::Over) | None => over_before(),
                Some(Hanging::Nothing | Hanging::Begun { .. }) => None,
            },
            Standing::Outgoing { key } => match self.handle.outgoing(key).await?.map(|letter| letter.sending) {
                Some(Sending::Sent { .. }) => Some(Came::Reached),
                Some(Sending::GaveUp { why, .. }) => Some(Came::Failed { why }),
                Some(Sending::Dropped { .. }) | None => over_before(),
                Some(Sending::Queued { .. } | Sending::Held { .. } | Sending::Trying { .. }) => None,
            },
            _ => None,
        })
    }

    /// Tells the log what is known of each rung that stands.
    async fn tell(&self, reminders: &[Reminder]) -> Result<(), Later> {
        let mut telling: JoinSet<Result<Decision, HandleError>> = JoinSet::new();
        for decision in self.decisions(reminders).await? {
            let Some(climb) = decision.climb.as_ref().map(|climb| climb.seq) else { continue };
            let of_rung = |reminder: &&Reminder| reminder.decision == decision.id && reminder.climb == climb;
            let rung: Vec<Reminder> = reminders.iter().filter(of_rung).cloned().collect();
            if rung.is_empty() {
                continue;
            }
            if let Some((contacts, complete)) = news(&decision, climb, &rung) {
                let (handle, id) = (self.handle.clone(), decision.id);
                telling.spawn(async move { handle.tell(id, climb, contacts, complete).await });
            }
        }
        // Together, so that they share a commit.
        while let Some(told) = telling.join_next().await {
            match told {
                Ok(told) => drop(told?),
                Err(error) => return Err(Later::Unknown(format!("telling the log ended early: {error}"))),
            }
        }
        Ok(())
    }
}

/// Whether something may yet come of a reminder. What was held back of an earlier rung is sent in the end, unless a later one
/// reaches the same person the same way.
fn matters(reminder: &Reminder, decision: &Decision, all: &[Reminder], now: Time) -> bool {
    use crate::core::decision::State;
    let waits = matches!(decision.state, State::Pending(_)) && decision.since() <= reminder.at;
    let stands = decision.climb.as_ref().is_some_and(|climb| climb.seq == reminder.climb);
    let replaced = || {
        all.iter().any(|other| {
            other.decision == reminder.decision
                && other.climb > reminder.climb
                && other.way == reminder.way
                && other.receiver.key() == reminder.receiver.key()
        })
    };
    let may_be_joined = || reminder.on.is_some_and(|on| now - on.since < GATHERED);
    waits
        && match reminder.standing {
            Standing::Due | Standing::Held { .. } => stands || !replaced(),
            Standing::Posted | Standing::Outgoing { .. } | Standing::Over { .. } => stands || may_be_joined(),
        }
}
