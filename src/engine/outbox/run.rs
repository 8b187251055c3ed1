//! The dispatcher: sends due notifications, one at a time per receiver, and records each attempt
//! before making it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::super::{Handle, HandleError};
use super::carrier::{Carrier, Found, Unsent};
use crate::core::Time;
use crate::core::decision::State;
use crate::core::outgoing::{
    GIVE_UP_AFTER, Letter, MOST_TRIES, Outgoing, Sending, Way, is_worth_a_try, longest_cap, may_go,
    pause,
};
use crate::core::text;

/// The configured carriers, replaced when the configuration changes.
pub type Carriers = Arc<Vec<Arc<dyn Carrier>>>;

/// Time-out of a carrier's call. Carriers use shorter time-outs of their own.
const PATIENCE: Duration = Duration::from_secs(25);
/// Delay before looking for an interrupted notification: longer than any attempt can last, and late
/// enough for the carrier to list the notification.
const LOOK_AFTER: TimeDelta = TimeDelta::seconds(30);
/// Minimum pause before retrying due notifications that could not be started.
const BREATH: TimeDelta = TimeDelta::seconds(1);
/// Concurrent sends.
const MOST_TOGETHER: usize = 8;
/// Due notifications read per round.
const ROUND: usize = 256;

/// Sends queued notifications until dropped. One per store.
pub async fn run(handle: Handle, mut carriers: watch::Receiver<Carriers>) {
    let mut outbox = Outbox {
        handle,
        carriers: Carriers::default(),
        tasks: JoinSet::new(),
        at_work: HashMap::new(),
    };
    let mut hints = outbox.handle.hints();
    let mut can_change = true;
    loop {
        hints.mark_unchanged();
        outbox.carriers = Arc::clone(&carriers.borrow_and_update());
        let now = outbox.handle.clock().wall();
        let next = outbox.start_due(now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the outbox could not be read; trying again within 15 s");
            None
        });
        let until = next.unwrap_or_else(|| now + TimeDelta::days(1)).max(now + BREATH);
        // The clock sleeps in store time.
        let until = outbox.handle.pace().store_time(until);
        tokio::select! {
            _ = hints.changed() => {}
            changed = carriers.changed(), if can_change => can_change = changed.is_ok(),
            Some(done) = outbox.tasks.join_next_with_id() => outbox.done(done),
            () = outbox.handle.clock().sleep_until(until) => {}
        }
    }
}

struct Outbox {
    handle: Handle,
    carriers: Carriers,
    tasks: JoinSet<()>,
    /// Receivers with a send in progress. A second notification to the same receiver waits, so a
    /// lookup at the carrier can only find the first.
    at_work: HashMap<Id, (Way, String)>,
}

impl Outbox {
    fn done(&mut self, done: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "sending a message ended early; it is looked for in 30 s");
                error.id()
            }
        };
        self.at_work.remove(&id);
    }

    /// Starts due notifications, within the limits. Returns when the next is due.
    async fn start_due(&mut self, now: Time) -> Result<Option<Time>, HandleError> {
        for letter in self.handle.store(move |store| store.outgoing_due(now, ROUND)).await? {
            let receiver = (letter.message.way, letter.message.to.clone());
            if self.tasks.len() < MOST_TOGETHER
                && !self.at_work.values().any(|other| *other == receiver)
            {
                self.start(letter, now).await?;
            }
        }
        Ok(self.handle.store(|store| store.next_outgoing()).await?)
    }

    /// Starts a send or a lookup, or settles the notification without either.
    async fn start(&mut self, letter: Letter, now: Time) -> Result<(), HandleError> {
        let way = letter.message.way;
        let carrier = self.carriers.iter().find(|carrier| carrier.way() == way).map(Arc::clone);
        let interrupted = match letter.sending {
            Sending::Trying { since, .. } => Some(since),
            _ => None,
        };
        if interrupted.is_none() && self.is_over(&letter.message).await? {
            return record(&self.handle, &letter, Sending::Dropped { at: now }).await;
        }
        let Some(carrier) = carrier else {
            let why = text::way_not_configured(way);
            let why = if interrupted.is_some() { text::nobody_knows(&why) } else { why };
            return record(&self.handle, &letter, Sending::GaveUp { at: now, why }).await;
        };
        if letter.message.to.is_empty() && way != Way::Desktop {
            return record(
                &self.handle,
                &letter,
                Sending::GaveUp { at: now, why: text::no_address(way) },
            )
            .await;
        }
        if now - letter.asked_at >= GIVE_UP_AFTER
            || (interrupted.is_none() && !is_worth_a_try(&letter, now))
        {
            let why = text::given_up(&letter);
            return record(&self.handle, &letter, Sending::GaveUp { at: now, why }).await;
        }
        let (handle, receiver) = (self.handle.clone(), (way, letter.message.to.clone()));
        let task = if let Some(since) = interrupted {
            let known = self.went(&letter.message, since - longest_cap(way)).await?;
            let known = known.into_iter().filter_map(|(_, receipt)| receipt).collect();
            self.tasks.spawn(look_for(handle, carrier, letter, since, known))
        } else {
            let went = self.went(&letter.message, now - longest_cap(way)).await?;
            let went: Vec<Time> = went.into_iter().map(|(at, _)| at).collect();
            let until = may_go(way, &went, now);
            if until > now {
                return record(&self.handle, &letter, Sending::Held { until }).await;
            }
            // The intent: from here on the notification may have been sent.
            let letter = Letter {
                tries: letter.tries + 1,
                sending: Sending::Trying { since: now, next_try: now + LOOK_AFTER },
                ..letter
            };
            record(&self.handle, &letter, letter.sending.clone()).await?;
            self.tasks.spawn(send(handle, carrier, letter, now))
        };
        self.at_work.insert(task.id(), receiver);
        Ok(())
    }

    async fn went(
        &self,
        message: &Outgoing,
        since: Time,
    ) -> Result<Vec<(Time, Option<String>)>, HandleError> {
        let (person, way) = (message.person.clone(), message.way);
        Ok(self.handle.store(move |store| store.outgoing_went(&person, way, since)).await?)
    }

    /// Whether the notification is about decisions and none of them is pending any more.
    async fn is_over(&self, message: &Outgoing) -> Result<bool, HandleError> {
        let ids: Vec<_> = message.decisions.iter().copied().collect();
        let decisions = self.handle.store(move |store| store.get_many(&ids)).await?;
        let waits = decisions.iter().any(|decision| matches!(decision.state, State::Pending(_)));
        Ok(!message.decisions.is_empty() && !waits)
    }
}

/// Sends a notification with a recorded intent, and records the result.
async fn send(handle: Handle, carrier: Arc<dyn Carrier>, letter: Letter, since: Time) {
    let sent = tokio::time::timeout(PATIENCE, carrier.send(&letter.message, since)).await;
    let sent = sent.unwrap_or_else(|_| Err(Unsent::Unsure(text::no_answer(PATIENCE.as_secs()))));
    let now = handle.clock().wall();
    let sending = match sent {
        Ok(receipt) => Sending::Sent { at: now, receipt },
        Err(Unsent::Later { why, .. }) if letter.tries >= MOST_TRIES => {
            Sending::GaveUp { at: now, why: text::given_up_after(letter.tries, &why) }
        }
        Err(Unsent::Later { after, why }) => {
            Sending::Queued { next_try: now + pause(letter.tries, after), why: Some(why) }
        }
        Err(Unsent::Unsure(why)) => {
            tracing::warn!(
                key = letter.message.key,
                why,
                "nobody knows whether a message went; it is looked for"
            );
            Sending::Trying { since, next_try: now.max(since) + LOOK_AFTER }
        }
        Err(Unsent::Unreachable(why) | Unsent::Refused(why)) => Sending::GaveUp { at: now, why },
    };
    record_surely(&handle, &letter, sending).await;
}

/// Finds out whether an interrupted notification was sent.
async fn look_for(
    handle: Handle,
    carrier: Arc<dyn Carrier>,
    letter: Letter,
    since: Time,
    known: Vec<String>,
) {
    let found = tokio::time::timeout(PATIENCE, carrier.find(&letter.message, since, &known)).await;
    let found = found.unwrap_or_else(|_| Err(Unsent::Unsure(text::no_answer(PATIENCE.as_secs()))));
    let now = handle.clock().wall();
    let sending = match found {
        Ok(Found::Sent(receipt)) => Sending::Sent { at: since, receipt },
        // The next round decides again: the notification may be obsolete or out of attempts.
        Ok(Found::SendAgain) => {
            Sending::Queued { next_try: now, why: Some(text::INTERRUPTED.into()) }
        }
        Err(Unsent::Later { why, .. } | Unsent::Unsure(why)) => {
            tracing::warn!(
                key = letter.message.key,
                why,
                "a message could not be looked for; it is not repeated until then"
            );
            // Waits as long as the result has been unknown, so the pauses double.
            let known_after = (now - since).clamp(LOOK_AFTER, TimeDelta::minutes(15));
            Sending::Trying { since, next_try: now + known_after }
        }
        Err(Unsent::Unreachable(why) | Unsent::Refused(why)) => {
            Sending::GaveUp { at: now, why: text::nobody_knows(&why) }
        }
    };
    record_surely(&handle, &letter, sending).await;
}

/// Records a notification's status and wakes waiting tasks.
async fn record(handle: &Handle, letter: &Letter, sending: Sending) -> Result<(), HandleError> {
    let (key, tries, way) = (letter.message.key.clone(), letter.tries, letter.message.way);
    let written = sending.clone();
    handle.store(move |store| store.put_outgoing(&key, tries, written)).await?;
    let key = &letter.message.key;
    match sending {
        Sending::Sent { .. } => tracing::info!(key, %way, tries, "message sent"),
        Sending::GaveUp { why, .. } => tracing::error!(key, %way, tries, why, "message given up"),
        Sending::Dropped { .. } => tracing::info!(key, %way, "message no longer needed"),
        Sending::Held { until } => {
            tracing::info!(key, %way, %until, "message held back: they had enough of them for now")
        }
        Sending::Queued { why, next_try } => {
            tracing::warn!(key, %way, tries, why, %next_try, "message not sent yet")
        }
        Sending::Trying { .. } => tracing::debug!(key, %way, tries, "message begun"),
    }
    handle.hint();
    Ok(())
}

/// Like [`record`], but retries until the store accepts: a known result must not be lost.
async fn record_surely(handle: &Handle, letter: &Letter, sending: Sending) {
    while let Err(error) = record(handle, letter, sending.clone()).await {
        tracing::warn!(%error, key = letter.message.key, "what became of a message could not be recorded; trying again in 1 s");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
