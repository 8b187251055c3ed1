//! The dispatcher: sends due notifications, one at a time per receiver, and records each attempt
//! before making it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::sender::{NotificationSender, SearchResult, SendError};
use crate::core::Time;
use crate::core::decision::State;
use crate::core::messaging::notification::{
    DeliveryState, ExternalChannel, GIVE_UP_AFTER, MAX_ATTEMPTS, Notification, OutboxEntry,
    earliest_send, longest_cap, may_retry, pause,
};
use crate::engine::{Handle, HandleError};
use crate::presentation::text;

/// The configured senders, replaced when the configuration changes.
pub type Senders = Arc<Vec<Arc<dyn NotificationSender>>>;

/// Time-out of a sender's call. Senders use shorter time-outs of their own.
const SENDER_TIMEOUT: Duration = Duration::from_secs(25);
/// Delay before looking for an interrupted notification: longer than any attempt can last, and late
/// enough for the service to list the notification.
const LOOK_AFTER: TimeDelta = TimeDelta::seconds(30);
/// Minimum pause before retrying due notifications that could not be started.
const BREATH: TimeDelta = TimeDelta::seconds(1);
/// Concurrent sends.
const MAX_IN_FLIGHT: usize = 8;
/// Due notifications read per round.
const ROUND: usize = 256;

/// Sends queued notifications until dropped. One per store.
pub async fn run(handle: Handle, mut senders: watch::Receiver<Senders>) {
    let mut outbox = Outbox {
        handle,
        senders: Senders::default(),
        tasks: JoinSet::new(),
        in_flight: HashMap::new(),
    };
    let mut hints = outbox.handle.hints();
    let mut can_change = true;
    loop {
        hints.mark_unchanged();
        outbox.senders = Arc::clone(&senders.borrow_and_update());
        let now = outbox.handle.clock().wall();
        let next = outbox.start_due(now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not read the outbox; trying again within 15 s");
            None
        });
        let until = next.unwrap_or_else(|| now + TimeDelta::days(1)).max(now + BREATH);
        // The clock sleeps in store time.
        let until = outbox.handle.time_scale().store_time(until);
        tokio::select! {
            _ = hints.changed() => {}
            changed = senders.changed(), if can_change => can_change = changed.is_ok(),
            Some(done) = outbox.tasks.join_next_with_id() => outbox.done(done),
            () = outbox.handle.clock().sleep_until(until) => {}
        }
    }
}

struct Outbox {
    handle: Handle,
    senders: Senders,
    tasks: JoinSet<()>,
    /// Receivers with a send in progress. A second notification to the same receiver waits, so a
    /// lookup at the service can only find the first.
    in_flight: HashMap<Id, (ExternalChannel, String)>,
}

impl Outbox {
    fn done(&mut self, done: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "sending a notification panicked; \
                     checking its status in 30 s");
                error.id()
            }
        };
        self.in_flight.remove(&id);
    }

    /// Starts due notifications, within the limits. Returns when the next is due.
    async fn start_due(&mut self, now: Time) -> Result<Option<Time>, HandleError> {
        for entry in self.handle.with_store(move |store| store.outbox().due(now, ROUND)).await? {
            let receiver = (entry.message.channel, entry.message.to.clone());
            if self.tasks.len() < MAX_IN_FLIGHT
                && !self.in_flight.values().any(|other| *other == receiver)
            {
                self.start(entry, now).await?;
            }
        }
        Ok(self.handle.with_store(|store| store.outbox().next_attempt()).await?)
    }

    /// Starts a send or a lookup, or settles the notification without either.
    async fn start(&mut self, entry: OutboxEntry, now: Time) -> Result<(), HandleError> {
        let channel = entry.message.channel;
        let sender = self.senders.iter().find(|sender| sender.channel() == channel).map(Arc::clone);
        let interrupted = match entry.state {
            DeliveryState::Trying { since, .. } => Some(since),
            _ => None,
        };
        if interrupted.is_none() && self.is_over(&entry.message).await? {
            return record(&self.handle, &entry, DeliveryState::Dropped { at: now }).await;
        }
        let Some(sender) = sender else {
            let why = text::channel_not_configured(channel);
            let why = if interrupted.is_some() { text::delivery_unknown(&why) } else { why };
            return record(&self.handle, &entry, DeliveryState::GaveUp { at: now, why }).await;
        };
        if entry.message.to.is_empty() && channel != ExternalChannel::Desktop {
            return record(
                &self.handle,
                &entry,
                DeliveryState::GaveUp { at: now, why: text::no_address(channel) },
            )
            .await;
        }
        if now - entry.asked_at >= GIVE_UP_AFTER
            || (interrupted.is_none() && !may_retry(&entry, now))
        {
            let why = text::given_up(&entry);
            return record(&self.handle, &entry, DeliveryState::GaveUp { at: now, why }).await;
        }
        let (handle, receiver) = (self.handle.clone(), (channel, entry.message.to.clone()));
        let task = if let Some(since) = interrupted {
            let known = self.recent_sends(&entry.message, since - longest_cap(channel)).await?;
            let known = known.into_iter().filter_map(|(_, receipt)| receipt).collect();
            self.tasks.spawn(look_up_interrupted(handle, sender, entry, since, known))
        } else {
            let sent = self.recent_sends(&entry.message, now - longest_cap(channel)).await?;
            let sent: Vec<Time> = sent.into_iter().map(|(at, _)| at).collect();
            let until = earliest_send(channel, &sent, now);
            if until > now {
                return record(&self.handle, &entry, DeliveryState::Held { until }).await;
            }
            // The intent: from here on the notification may have been sent.
            let entry = OutboxEntry {
                tries: entry.tries + 1,
                state: DeliveryState::Trying { since: now, next_try: now + LOOK_AFTER },
                ..entry
            };
            record(&self.handle, &entry, entry.state.clone()).await?;
            self.tasks.spawn(send(handle, sender, entry, now))
        };
        self.in_flight.insert(task.id(), receiver);
        Ok(())
    }

    async fn recent_sends(
        &self,
        message: &Notification,
        since: Time,
    ) -> Result<Vec<(Time, Option<String>)>, HandleError> {
        let (person, channel) = (message.person.clone(), message.channel);
        Ok(self
            .handle
            .with_store(move |store| store.outbox().recent_sends(&person, channel, since))
            .await?)
    }

    /// Whether the notification is about decisions and none of them is pending any more.
    async fn is_over(&self, message: &Notification) -> Result<bool, HandleError> {
        let ids: Vec<_> = message.decisions.iter().copied().collect();
        let decisions =
            self.handle.with_store(move |store| store.decisions().get_many(&ids)).await?;
        let waits = decisions.iter().any(|decision| matches!(decision.state, State::Pending(_)));
        Ok(!message.decisions.is_empty() && !waits)
    }
}

/// Sends a notification with a recorded intent, and records the result.
async fn send(
    handle: Handle,
    sender: Arc<dyn NotificationSender>,
    entry: OutboxEntry,
    since: Time,
) {
    let sent = tokio::time::timeout(SENDER_TIMEOUT, sender.send(&entry.message, since)).await;
    let sent = sent.unwrap_or_else(|_| {
        Err(SendError::PossiblySent(text::no_answer(SENDER_TIMEOUT.as_secs())))
    });
    let now = handle.clock().wall();
    let state = match sent {
        Ok(receipt) => DeliveryState::Sent { at: now, receipt },
        Err(SendError::Later { why, .. }) if entry.tries >= MAX_ATTEMPTS => {
            DeliveryState::GaveUp { at: now, why: text::given_up_after(entry.tries, &why) }
        }
        Err(SendError::Later { after, why }) => {
            DeliveryState::Queued { next_try: now + pause(entry.tries, after), why: Some(why) }
        }
        Err(SendError::PossiblySent(why)) => {
            tracing::warn!(
                key = entry.message.key,
                why,
                "unknown whether a notification was sent; asking the service"
            );
            DeliveryState::Trying { since, next_try: now.max(since) + LOOK_AFTER }
        }
        Err(SendError::Unreachable(why) | SendError::Refused(why)) => {
            DeliveryState::GaveUp { at: now, why }
        }
    };
    record_until_stored(&handle, &entry, state).await;
}

/// Finds out whether an interrupted notification was sent.
async fn look_up_interrupted(
    handle: Handle,
    sender: Arc<dyn NotificationSender>,
    entry: OutboxEntry,
    since: Time,
    known: Vec<String>,
) {
    let found =
        tokio::time::timeout(SENDER_TIMEOUT, sender.find(&entry.message, since, &known)).await;
    let found = found.unwrap_or_else(|_| {
        Err(SendError::PossiblySent(text::no_answer(SENDER_TIMEOUT.as_secs())))
    });
    let now = handle.clock().wall();
    let state = match found {
        Ok(SearchResult::Sent(receipt)) => DeliveryState::Sent { at: since, receipt },
        // The next round decides again: the notification may be obsolete or out of attempts.
        Ok(SearchResult::SendAgain) => {
            DeliveryState::Queued { next_try: now, why: Some(text::INTERRUPTED.into()) }
        }
        Err(SendError::Later { why, .. } | SendError::PossiblySent(why)) => {
            tracing::warn!(
                key = entry.message.key,
                why,
                "could not ask the service for a notification's status; not repeating it until then"
            );
            // Waits as long as the result has been unknown, so the pauses double.
            let known_after = (now - since).clamp(LOOK_AFTER, TimeDelta::minutes(15));
            DeliveryState::Trying { since, next_try: now + known_after }
        }
        Err(SendError::Unreachable(why) | SendError::Refused(why)) => {
            DeliveryState::GaveUp { at: now, why: text::delivery_unknown(&why) }
        }
    };
    record_until_stored(&handle, &entry, state).await;
}

/// Records a notification's status and wakes waiting tasks.
async fn record(
    handle: &Handle,
    entry: &OutboxEntry,
    state: DeliveryState,
) -> Result<(), HandleError> {
    let (key, tries, channel) = (entry.message.key.clone(), entry.tries, entry.message.channel);
    let written = state.clone();
    handle.with_store(move |store| store.outbox().put_state(&key, tries, written)).await?;
    let key = &entry.message.key;
    match state {
        DeliveryState::Sent { .. } => tracing::info!(key, %channel, tries, "notification sent"),
        DeliveryState::GaveUp { why, .. } => {
            tracing::error!(key, %channel, tries, why, "notification given up")
        }
        DeliveryState::Dropped { .. } => {
            tracing::info!(key, %channel, "notification no longer needed")
        }
        DeliveryState::Held { until } => {
            tracing::info!(key, %channel, %until, "notification held back: the person's \
                 limit is reached")
        }
        DeliveryState::Queued { why, next_try } => {
            tracing::warn!(key, %channel, tries, why, %next_try, "notification not sent yet")
        }
        DeliveryState::Trying { .. } => {
            tracing::debug!(key, %channel, tries, "sending notification")
        }
    }
    handle.hint();
    Ok(())
}

/// Like [`record`], but retries until the store accepts: a known result must not be lost.
async fn record_until_stored(handle: &Handle, entry: &OutboxEntry, state: DeliveryState) {
    while let Err(error) = record(handle, entry, state.clone()).await {
        tracing::warn!(%error, key = entry.message.key, "could not record a notification's result; \
             trying again in 1 s");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
