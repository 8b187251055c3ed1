//! The reconciler: posts, edits and replaces messages until Discord shows the store's state.
//!
//! The store records the decisions, the messages and the content last shown by each message. A loop
//! closes the difference: `next_action` computes the next action from the records alone, and
//! `actions` carries out the action: search, create, edit, compare, forget. Crashes, outages and
//! bursts need no code of their own, because the difference is still on record afterwards. Each
//! create records its intent first; an interrupted create is searched for before the create is
//! repeated.
//!
//! Does not depend on Discord: all requests go through a [`MessageSink`].

mod actions;
mod batches;
mod breaker;
mod messages;
mod next_action;
mod permits;
mod queue;
mod sink;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::time::Instant;

use self::breaker::Breaker;
use self::next_action::{NextAction, next_for_decision, next_for_message};
use self::permits::{Permit, Permits, Turn};
use self::queue::{Check, Queue, Work};
use self::sink::within_timeout;
pub use self::sink::{MessageSink, SinkError};
use super::{EventFilter, EventFollower, Handle, HandleError};
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{Decision, DecisionId};
use crate::core::messaging::message::{Message, MessageId, PostState};
use crate::store::StoreError;

/// Margin before the recorded intent when searching for an interrupted create: clocks differ.
pub const CLOCK_DIFFERENCE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
/// Concurrent requests of the reconciler per Discord channel.
const PERMITS: usize = 2;
/// Pause before retrying a failed store call.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// How long a click waits for another task's lock on the card.
const LOCK_TIMEOUT: Duration = Duration::from_millis(400);

/// Why reconciling stopped before the messages matched the store.
enum Unsettled {
    Sink(SinkError),
    Store(String),
    /// The breaker allows no request before this moment.
    Halted(Instant),
}

impl From<SinkError> for Unsettled {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

impl From<HandleError> for Unsettled {
    fn from(error: HandleError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<StoreError> for Unsettled {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// A difference between a message's record and Discord.
#[derive(Debug, Clone, Copy)]
enum Difference {
    /// The message no longer exists.
    Deleted,
    /// The message may show other content than recorded.
    Content,
}

/// The reconciler. One per store and [`MessageSink`].
pub struct Reconciler {
    handle: Handle,
    /// For a click, which waits for no card.
    for_clicks: Handle,
    sink: Arc<dyn MessageSink>,
    locks: Mutex<HashMap<Work, Arc<tokio::sync::Mutex<()>>>>,
    /// Work to queue again.
    again: Mutex<HashMap<Work, Check>>,
    /// For each message other than a card, the decision named in the heartbeat if the
    /// message cannot be shown.
    representatives: Mutex<HashMap<MessageId, DecisionId>>,
    /// Request permits per channel.
    permits: Mutex<HashMap<String, Permits>>,
    /// Every open card must be compared with Discord, but the store could not list the cards yet.
    compare_all_pending: AtomicBool,
    /// Wakes the loop after a change of `again` or `compare_all_pending`.
    changed: Notify,
    breaker: Breaker,
}

impl std::fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconciler").finish_non_exhaustive()
    }
}

impl Reconciler {
    /// Creates the reconciler; [`Reconciler::run`] does the work.
    #[must_use]
    pub fn new(handle: Handle, sink: Arc<dyn MessageSink>) -> Arc<Self> {
        Arc::new(Self {
            handle: handle.for_cards(),
            for_clicks: handle,
            sink,
            locks: Mutex::default(),
            again: Mutex::default(),
            representatives: Mutex::default(),
            permits: Mutex::default(),
            compare_all_pending: AtomicBool::default(),
            changed: Notify::new(),
            breaker: Breaker::default(),
        })
    }

    /// Locks a decision's cards. `None` if another task holds the lock longer than a click can
    /// wait; the other task then leaves the cards up to date.
    pub async fn lock(&self, id: DecisionId) -> Option<OwnedMutexGuard<()>> {
        tokio::time::timeout(LOCK_TIMEOUT, self.lock_of(Work::Decision(id)).lock_owned()).await.ok()
    }

    fn lock_of(&self, work: Work) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.len() > 1024 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(work).or_default())
    }

    /// The record of a clicked card. If the click belongs to an interrupted create, the message id
    /// is recorded now: a decided card has no button, so a later search could not find the message.
    pub async fn clicked(&self, id: DecisionId, channel: &str, message: String) -> Option<Message> {
        self.sink.forget_content(&message);
        let cards =
            self.for_clicks.with_store(move |store| store.messages().cards_of(id)).await.ok()?;
        if let Some(card) = cards.iter().find(|card| card.state.message_id() == Some(&message)) {
            return Some(card.clone());
        }
        let mut interrupted = cards.into_iter().find(|card| {
            matches!(&card.state, PostState::Creating { channel: begun, .. } if begun == channel)
        })?;
        interrupted.state =
            PostState::Posted { channel: channel.to_owned(), message, shown: 0, list: 0 };
        self.record(&interrupted, interrupted.state.clone()).await.ok()?;
        Some(interrupted)
    }

    /// Acquires a request permit for a channel, in its turn. Discord limits requests per channel,
    /// and a flooded channel must not delay the others.
    async fn permit(&self, channel: &str, turn: Turn) -> Result<Permit, Unsettled> {
        let permits = {
            let mut channels = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
            channels.entry(channel.to_owned()).or_insert_with(|| Permits::new(PERMITS)).clone()
        };
        let permit = permits.acquire(turn).await;
        // Ask the breaker last: most of the time is spent waiting for the permit.
        self.breaker.admit(Instant::now()).map_err(Unsettled::Halted)?;
        Ok(permit)
    }

    /// Runs a request with a time-out and reports the result to the breaker. A hung request must
    /// not keep the channel's permit for ever. After a time-out, recovery works as after a crash:
    /// the reconciler finds out whether the request was carried out.
    async fn request<T>(
        &self,
        request: impl Future<Output = Result<T, SinkError>>,
    ) -> Result<T, SinkError> {
        self.breaker.record(Instant::now(), within_timeout(request).await)
    }

    /// Records the decision state shown by a card after the answer to a click edited the card.
    pub async fn answered(&self, card: Message, decision: &Decision) {
        let PostState::Posted { channel, message, shown, .. } = card.state else { return };
        if shown >= decision.changed {
            return;
        }
        let (id, generation, list) = (card.id, card.generation, card.revision);
        let state = PostState::Posted { channel, message, shown: decision.changed, list };
        let recorded = self
            .for_clicks
            .with_store(move |store| store.messages().put_post_state(id, generation, state));
        match recorded.await {
            Ok(()) => tracing::debug!(
                decision = decision.id.0,
                shown = decision.changed,
                "revision recorded"
            ),
            // The loop then edits the card once more, which is harmless.
            Err(error) => {
                let id = decision.id.0;
                tracing::warn!(decision = id, %error, "the edited card could not be recorded");
            }
        }
    }

    /// Handles a deleted message: each decision on the message gets a new card while still open.
    pub async fn deleted(&self, message: String) {
        self.correct(message, Difference::Deleted).await;
    }

    /// Handles a click on outdated content: edits the message whatever the record says.
    pub async fn redraw(&self, message: String) {
        self.correct(message, Difference::Content).await;
    }

    /// Corrects a message's record and queues the work on the message.
    async fn correct(&self, message: String, difference: Difference) {
        self.sink.forget_content(&message);
        let outdated = self.outdated().await;
        let found = self.handle.messages().with_discord_id(message.clone()).await;
        let (Ok(outdated), Ok(found)) = (outdated, found) else {
            // The store failed, so the notice would be lost: compare everything.
            return self.compare_all().await;
        };
        let Some(found) = found else {
            // Perhaps a message posted just now and not recorded yet. Compare all outdated messages
            // once recorded; for this reason the list was read before looking up the message.
            return self.requeue(outdated, Check::Discord);
        };
        let work = Work::on(&found);
        // A task working on the message also writes the record: read again after acquiring the
        // lock.
        let lock = self.lock_of(work);
        let _held = lock.lock().await;
        if let Ok(Some(view)) = self.handle.messages().view(found.id).await
            && let PostState::Posted { channel, message: posted, .. } = view.message.state.clone()
            && posted == message
        {
            // If this write fails, the comparison queued below finds the difference.
            let _ = match difference {
                Difference::Deleted => self.forget(&view).await,
                Difference::Content => {
                    let state = PostState::Posted { channel, message, shown: 0, list: 0 };
                    self.record(&view.message, state).await
                }
            };
        }
        self.requeue([work], Check::Discord);
    }

    /// Compares every open card with Discord, after events may have been missed (lost connection,
    /// changed channel).
    pub async fn compare_all(&self) {
        match self
            .handle
            .with_store(|store| {
                Ok((store.decisions().open_ids()?, store.messages().posted_with_open()?))
            })
            .await
        {
            Ok((open, posted)) => {
                let open = open.into_iter().map(Work::Decision);
                self.requeue(open.chain(posted.into_iter().map(Work::Message)), Check::Discord);
            }
            Err(error) => {
                tracing::warn!(%error, "could not read the open decisions; \
                     comparing their cards in 1 s");
                self.compare_all_pending.store(true, Ordering::Relaxed);
                self.changed.notify_one();
            }
        }
    }

    /// Retries all outdated messages at once, after a possible cause of their failure was fixed.
    pub async fn try_again(&self) {
        match self.outdated().await {
            Ok(outdated) => self.requeue(outdated, Check::Discord),
            // The cards are then retried after their backoff.
            Err(error) => tracing::debug!(%error, "could not read the outdated cards"),
        }
    }

    /// Queues messages other than cards after another component opened or changed them.
    pub async fn queue_messages(&self) {
        match self.handle.with_store(|store| store.messages().outdated(None)).await {
            Ok(outdated) => {
                self.requeue(outdated.into_iter().map(Work::Message), Check::Record);
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "the outdated messages could not be read; read again in 1 s"
                );
                self.compare_all_pending.store(true, Ordering::Relaxed);
                self.changed.notify_one();
            }
        }
    }

    /// All work still needed according to the store's records.
    async fn outdated(&self) -> Result<Vec<Work>, HandleError> {
        let (cards, messages) = self
            .handle
            .with_store(|store| {
                Ok((store.messages().outdated_cards()?, store.messages().outdated(None)?))
            })
            .await?;
        Ok(cards
            .into_iter()
            .map(Work::Decision)
            .chain(messages.into_iter().map(Work::Message))
            .collect())
    }

    fn requeue(&self, works: impl IntoIterator<Item = Work>, check: Check) {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        for work in works {
            let queued = again.entry(work).or_default();
            *queued = check.max(*queued);
        }
        drop(again);
        self.changed.notify_one();
    }

    /// Runs until dropped. Every new connection must call [`Reconciler::compare_all`].
    pub async fn run(self: Arc<Self>) {
        let mut queue = Queue::default();
        let mut hints = self.handle.hints();
        let mut log = None;
        loop {
            hints.mark_unchanged();
            let happened = match self.read_log(&mut log, &mut queue).await {
                Ok(happened) => happened,
                Err(error) => {
                    tracing::warn!(%error, "could not read the event log; trying again in 1 s");
                    tokio::time::sleep(STORE_RETRY).await;
                    continue;
                }
            };
            if self.compare_all_pending.swap(false, Ordering::Relaxed) {
                tokio::time::sleep(STORE_RETRY).await;
                self.compare_all().await;
            }
            let opened = std::mem::take(
                &mut *self.handle.inner.unqueued.lock().unwrap_or_else(PoisonError::into_inner),
            );
            opened.into_iter().for_each(|id| queue.add(Work::Message(id), Check::Record));
            let again =
                std::mem::take(&mut *self.again.lock().unwrap_or_else(PoisonError::into_inner));
            let anything = !again.is_empty();
            for (work, check) in again {
                queue.add(work, check);
            }
            // Before posting any card: a decision about to join a batch must not get a card of its
            // own first.
            if (happened || anything)
                && let Err(error) = self.before_cards(&mut queue).await
            {
                tracing::warn!(%error, "could not plan batches; trying again in 1 s");
                tokio::time::sleep(STORE_RETRY).await;
                continue;
            }
            queue.start_due(&self).await;
            let next_start = queue.next_start();
            tokio::select! {
                _ = hints.changed() => {}
                () = self.changed.notified() => {}
                Some(finished) = queue.tasks.join_next_with_id() => {
                    queue.all_finished(finished, &self);
                }
                () = tokio::time::sleep_until(next_start) => {}
            }
        }
    }

    /// Queues the work of new events; on the first call, all outdated messages. Returns whether the
    /// log had news.
    async fn read_log(
        &self,
        log: &mut Option<EventFollower>,
        queue: &mut Queue,
    ) -> Result<bool, HandleError> {
        let Some(log) = log else {
            let follower = self.handle.event_log().follow_new(EventFilter::default()).await?;
            self.outdated().await?.into_iter().for_each(|work| queue.add(work, Check::Record));
            *log = Some(follower);
            return Ok(true);
        };
        let mut happened = false;
        loop {
            let before = log.cursor();
            let Some(events) = log.try_next().await? else { return Ok(happened) };
            happened = true;
            if let Err(error) = self.queue_events(&events, queue).await {
                log.retry_from(before).await;
                return Err(error);
            }
        }
    }

    /// Queues the decisions of events, and the outdated messages with these decisions.
    async fn queue_events(&self, events: &[Logged], queue: &mut Queue) -> Result<(), HandleError> {
        for logged in events {
            tracing::debug!(
                decision = logged.decision.0,
                event = logged.event.word(),
                seq = logged.seq,
                "happened"
            );
        }
        let (later, now): (Vec<_>, Vec<_>) =
            events.iter().partition(|logged| awaits_results(logged));
        let messages = self.messages_outdated_by(&now).await?;
        let decisions = now.iter().map(|logged| Work::Decision(logged.decision));
        decisions.chain(messages).for_each(|work| queue.add(work, Check::Record));
        let messages = self.messages_outdated_by(&later).await?;
        let decisions = later.iter().map(|logged| Work::Decision(logged.decision));
        decisions.chain(messages).for_each(|work| queue.add_later(work));
        Ok(())
    }

    /// The outdated messages other than cards that list the decisions of these events.
    async fn messages_outdated_by(&self, events: &[&Logged]) -> Result<Vec<Work>, HandleError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let changed: Vec<DecisionId> = events.iter().map(|logged| logged.decision).collect();
        let outdated =
            self.handle.with_store(move |store| store.messages().outdated(Some(&changed))).await?;
        Ok(outdated.into_iter().map(Work::Message).collect())
    }

    /// Reconciles the cards of a decision, or another message.
    async fn settle(&self, work: Work, check: Check) -> Result<(), Unsettled> {
        let lock = self.lock_of(work);
        let _held = lock.lock().await;
        match (work, self.reconcile(work, check).await) {
            (Work::Message(id), Err(Unsettled::Sink(error))) => self.give_up(id, error).await,
            (_, settled) => settled,
        }
    }

    /// Carries out one action after the other until Discord shows the store's state.
    async fn reconcile(&self, work: Work, mut check: Check) -> Result<(), Unsettled> {
        loop {
            match self.next_action(work).await? {
                NextAction::ChangeList(view, changes) => self.change_list(&view, changes).await?,
                NextAction::Search(view, if_missing) => self.search(view, if_missing).await?,
                NextAction::Create(unposted) => self.create(unposted).await?,
                NextAction::Edit(view) => self.edit(view).await?,
                NextAction::Redirect { card, to } => self.redirect(card, to).await?,
                NextAction::Finish(view) => self.finish(&view).await?,
                NextAction::Settled(Some(view)) if std::mem::take(&mut check) == Check::Discord => {
                    self.compare(&view).await?;
                }
                NextAction::Settled(_) => return Ok(()),
            }
        }
    }

    async fn next_action(&self, work: Work) -> Result<NextAction, HandleError> {
        match work {
            Work::Decision(id) => {
                let decision = self.handle.approvals().enforce(id).await?;
                let records = self.handle.with_store(move |store| {
                    Ok((store.messages().cards_of(id)?, store.messages().batch_card_of(id)?))
                });
                let (cards, batch) = records.await?;
                Ok(next_for_decision(&decision, &cards, batch.as_ref()))
            }
            Work::Message(id) => {
                let Some(view) = self.handle.messages().view(id).await? else {
                    return Ok(NextAction::Settled(None));
                };
                self.remember_representative(&view);
                Ok(next_for_message(view))
            }
        }
    }
}

/// Whether an event is an escalation step without all results of contacting people. The results
/// follow within seconds, and one edit shows both.
fn awaits_results(logged: &Logged) -> bool {
    match logged.event {
        Event::ContactsRecorded { complete, .. } => !complete,
        _ => logged.event.is_progress(),
    }
}
