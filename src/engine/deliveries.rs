//! The reconciler: posts, edits and replaces messages until Discord shows the store's state.
//!
//! The store records the card each decision needs, the messages covering several decisions, and the
//! content last shown by each. A loop closes the difference: create, edit, give up. Crashes,
//! outages and bursts need no code of their own, because the difference is still on record
//! afterwards. Each create records its intent first; an interrupted create is searched for before
//! the create is repeated.
//!
//! Does not depend on Discord: all requests go through a [`Board`].

mod board;
mod breaker;
mod postings;
mod queue;
mod step;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub use self::board::{Board, BoardError};
use self::breaker::Breaker;
use self::queue::{Queue, Work};
use self::step::{Step, next_step};
use super::clock::LONGEST_SLEEP;
use super::{Handle, HandleError};
use crate::core::card::{Card, decision_card, moved_card};
use crate::core::decision::{Decision, DecisionId};
use crate::core::posting::{Posting, PostingId};
use crate::core::text;
use crate::store::{Delivery, SHOWN_FOR_GOOD, StoreError};

/// Margin before the recorded intent when searching for an interrupted create: clocks differ.
const CLOCK_DIFFERENCE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
/// Concurrent requests of the reconciler per Discord channel.
const LANE: usize = 2;
/// Time-out of a request, including waits for rate limits. When a rate-limit header is unreadable,
/// serenity repeats the request at once and without end.
const BOARD_PATIENCE: Duration = Duration::from_secs(60);
/// Pause before retrying a failed store call.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// How long a click waits for another task's lock on the card.
const LOCK_PATIENCE: Duration = Duration::from_millis(400);

/// Why reconciling stopped before the messages matched the store.
enum Unsettled {
    Board(BoardError),
    Store(String),
    /// The breaker allows no request before this moment.
    Halted(Instant),
}

impl From<BoardError> for Unsettled {
    fn from(error: BoardError) -> Self {
        Self::Board(error)
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

/// How to correct a message's record.
#[derive(Debug, Clone, Copy)]
enum Amend {
    /// The message no longer exists.
    Lost,
    /// The message shows other content than recorded.
    Redraw,
}

/// The reconciler. One per store and [`Board`].
pub struct Deliveries {
    handle: Handle,
    board: Arc<dyn Board>,
    locks: Mutex<HashMap<Work, Arc<tokio::sync::Mutex<()>>>>,
    /// Work to queue again. `true`: also check whether the message still exists on Discord.
    again: Mutex<HashMap<Work, bool>>,
    /// For each message covering several decisions, the decision named in the heartbeat if the
    /// message cannot be shown.
    faces: Mutex<HashMap<PostingId, DecisionId>>,
    /// Request permits per channel.
    lanes: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// Every open card must be compared with Discord, but the store could not list the cards yet.
    all_doubted: AtomicBool,
    doubt: Notify,
    breaker: Breaker,
}

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

impl Deliveries {
    /// Creates the reconciler; [`Deliveries::run`] does the work.
    #[must_use]
    pub fn new(handle: Handle, board: Arc<dyn Board>) -> Arc<Self> {
        Arc::new(Self {
            handle,
            board,
            locks: Mutex::default(),
            again: Mutex::default(),
            faces: Mutex::default(),
            lanes: Mutex::default(),
            all_doubted: AtomicBool::default(),
            doubt: Notify::new(),
            breaker: Breaker::default(),
        })
    }

    /// Locks a decision's cards. `None` if another task holds the lock longer than a click can
    /// wait; the other task then leaves the cards up to date.
    pub async fn lock(&self, id: DecisionId) -> Option<OwnedMutexGuard<()>> {
        tokio::time::timeout(LOCK_PATIENCE, self.lock_of(Work::Decision(id)).lock_owned())
            .await
            .ok()
    }

    fn lock_of(&self, work: Work) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.len() > 1024 {
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(locks.entry(work).or_default())
    }

    /// The record of a clicked message. If the click belongs to an interrupted create, its message
    /// id is recorded now: a decided card has no button, so a later search could not find the
    /// message.
    pub async fn clicked(
        &self,
        id: DecisionId,
        channel: &str,
        message: String,
    ) -> Option<Delivery> {
        let cards = self.handle.store(move |store| store.deliveries(id)).await.ok()?;
        if let Some(card) = cards.iter().find(|card| card.message.as_ref() == Some(&message)) {
            return Some(card.clone());
        }
        let interrupted = cards
            .into_iter()
            .find(|card| card.message.is_none() && !card.lost && card.channel == channel)?;
        let card = Delivery { message: Some(message), ..interrupted };
        self.put(card.clone()).await.ok()?;
        Some(card)
    }

    /// Acquires a request permit for a channel. Discord limits requests per channel, and a flooded
    /// channel must not delay the others.
    async fn turn(&self, channel: &str) -> Result<Option<OwnedSemaphorePermit>, Unsettled> {
        let lane = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                lanes.entry(channel.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(LANE))),
            )
        };
        // The semaphore is never closed. Without a permit the request would still only queue later.
        let turn = lane.acquire_owned().await.ok();
        // Ask the breaker last: most of the time is spent waiting for the permit.
        self.breaker.admit(Instant::now()).map_err(Unsettled::Halted)?;
        Ok(turn)
    }

    /// Runs a request with a time-out and reports the result to the breaker. A hung request must
    /// not keep the channel's permit for ever. After a time-out, recovery works as after a crash:
    /// the reconciler finds out whether the request was carried out.
    async fn heard<T>(
        &self,
        request: impl Future<Output = Result<T, BoardError>>,
    ) -> Result<T, BoardError> {
        let result = tokio::time::timeout(BOARD_PATIENCE, request).await.unwrap_or_else(|_| {
            let why = format!("the request did not end within {} s", BOARD_PATIENCE.as_secs());
            Err(BoardError::Later { after: LONGEST_SLEEP, why })
        });
        self.breaker.hear(Instant::now(), result)
    }

    /// Records the decision state shown by a message after the answer to a click redrew the card.
    pub async fn drawn(&self, mut card: Delivery, decision: &Decision) {
        card.shown = decision.changed;
        match self.handle.store(move |store| store.put_delivery(&card)).await {
            Ok(()) => tracing::debug!(
                decision = decision.id.0,
                shown = decision.changed,
                "revision recorded"
            ),
            // The loop then draws the card once more, which is harmless.
            Err(error) => {
                tracing::warn!(decision = decision.id.0, %error, "the drawn card could not be recorded")
            }
        }
    }

    /// Handles a deleted message: each decision on the message gets a new card while still open.
    pub async fn lost(&self, message: String) {
        self.amend(message, Amend::Lost).await;
    }

    /// Handles a click on outdated content: redraws the card whatever the record says.
    pub async fn redraw(&self, message: String) {
        self.amend(message, Amend::Redraw).await;
    }

    /// Corrects a message's record and queues the decisions on the message.
    async fn amend(&self, message: String, how: Amend) {
        let find = || self.handle.delivery_of(message.clone());
        let unsettled = self.unsettled().await;
        let posting = self.posting_of(&message).await;
        let (unsettled, posting, found) = match (unsettled, posting, find().await) {
            (Ok(unsettled), Ok(posting), Ok(found)) => (unsettled, posting, found),
            // The store failed, so the notice would be lost: compare everything.
            _ => return self.look_at_all().await,
        };
        if let Some(id) = posting {
            return self.amend_posting(id, &message, how).await;
        }
        let Some(card) = found else {
            // Perhaps a card posted just now and not recorded yet. Compare all unsettled cards once
            // recorded; for this reason the unsettled list was read before looking up the message.
            return self.look_again(unsettled, true);
        };
        let id = card.decision;
        // A task working on the card also writes the record: read again after acquiring the lock.
        let lock = self.lock_of(Work::Decision(id));
        let _held = lock.lock().await;
        match find().await {
            Ok(Some(card)) if card.lost || card.shown == SHOWN_FOR_GOOD => return,
            Ok(Some(card)) => {
                let card = match how {
                    Amend::Lost => Delivery { lost: true, ..card },
                    Amend::Redraw => Delivery { shown: card.shown.min(1), ..card },
                };
                // If this write fails, the comparison queued below finds the difference.
                let _ = self.put(card).await;
            }
            _ => {}
        }
        self.look_again([Work::Decision(id)], true);
    }

    /// Compares every open card with Discord, after events may have been missed (lost connection,
    /// changed channel).
    pub async fn look_at_all(&self) {
        match self.handle.store(|store| Ok((store.open_ids()?, store.hanging_postings()?))).await {
            Ok((open, postings)) => {
                let open = open.into_iter().map(Work::Decision);
                self.look_again(open.chain(postings.into_iter().map(Work::Posting)), true);
            }
            Err(error) => {
                tracing::warn!(%error, "the open decisions could not be read; their cards are compared in 1 s");
                self.all_doubted.store(true, Ordering::Relaxed);
                self.doubt.notify_one();
            }
        }
    }

    /// Retries all unsettled cards at once, after a possible cause of their failure was fixed.
    pub async fn try_again(&self) {
        match self.unsettled().await {
            Ok(unsettled) => self.look_again(unsettled, true),
            // The cards are then retried after their backoff.
            Err(error) => tracing::debug!(%error, "the cards that wait could not be read"),
        }
    }

    /// Queues messages covering several decisions after another component opened or changed them.
    pub async fn look_at_postings(&self) {
        match self.handle.store(|store| store.postings_behind(None)).await {
            Ok(behind) => self.look_again(behind.into_iter().map(Work::Posting), false),
            Err(error) => {
                tracing::warn!(%error, "the messages that are to be posted could not be read; looked for in 1 s");
                self.all_doubted.store(true, Ordering::Relaxed);
                self.doubt.notify_one();
            }
        }
    }

    /// All work still needed according to the store's records.
    async fn unsettled(&self) -> Result<Vec<Work>, HandleError> {
        let (cards, postings) = self
            .handle
            .store(|store| Ok((store.unsettled()?, store.postings_behind(None)?)))
            .await?;
        Ok(cards
            .into_iter()
            .map(Work::Decision)
            .chain(postings.into_iter().map(Work::Posting))
            .collect())
    }

    fn look_again(&self, works: impl IntoIterator<Item = Work>, doubted: bool) {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        for work in works {
            *again.entry(work).or_default() |= doubted;
        }
        drop(again);
        self.doubt.notify_one();
    }

    /// Runs until dropped. Every new connection must call [`Deliveries::look_at_all`].
    pub async fn run(self: Arc<Self>) {
        let mut queue = Queue::default();
        let mut hints = self.handle.hints();
        let mut cursor = None;
        loop {
            hints.mark_unchanged();
            let happened = match self.read_log(&mut cursor, &mut queue).await {
                Ok(happened) => happened,
                Err(error) => {
                    tracing::warn!(%error, "the log could not be read; trying again in 1 s");
                    tokio::time::sleep(STORE_AGAIN).await;
                    continue;
                }
            };
            if self.all_doubted.swap(false, Ordering::Relaxed) {
                tokio::time::sleep(STORE_AGAIN).await;
                self.look_at_all().await;
            }
            let opened = std::mem::take(
                &mut *self.handle.inner.opened.lock().unwrap_or_else(PoisonError::into_inner),
            );
            opened.into_iter().for_each(|id| queue.add(Work::Posting(id), false));
            let again =
                std::mem::take(&mut *self.again.lock().unwrap_or_else(PoisonError::into_inner));
            let anything = !again.is_empty();
            for (work, doubted) in again {
                queue.add(work, doubted);
            }
            // Before posting any card: a decision about to join a batch must not get a card of its
            // own first.
            if (happened || anything)
                && let Err(error) = self.before_cards(&mut queue).await
            {
                tracing::warn!(%error, "what waits could not be drawn together; trying again in 1 s");
                tokio::time::sleep(STORE_AGAIN).await;
                continue;
            }
            queue.start_due(&self);
            let next_start = queue.next_start();
            tokio::select! {
                _ = hints.changed() => {}
                () = self.doubt.notified() => {}
                Some(finished) = queue.tasks.join_next_with_id() => queue.all_finished(finished, &self),
                () = tokio::time::sleep_until(next_start) => {}
            }
        }
    }

    /// Queues decisions named in the log since the cursor; on the first call, all unsettled work.
    /// Returns whether the log had news.
    async fn read_log(
        &self,
        cursor: &mut Option<u64>,
        queue: &mut Queue,
    ) -> Result<bool, HandleError> {
        let Some(position) = cursor else {
            let head = self.handle.head().await?;
            self.unsettled().await?.into_iter().for_each(|work| queue.add(work, false));
            *cursor = Some(head.seq);
            return Ok(true);
        };
        let mut happened = false;
        loop {
            let events = self.handle.events(*position, 500).await?;
            let Some(last) = events.last() else { return Ok(happened) };
            (*position, happened) = (last.seq, true);
            for logged in &events {
                tracing::debug!(
                    decision = logged.decision.0,
                    event = logged.event.word(),
                    seq = logged.seq,
                    "happened"
                );
                queue.add(Work::Decision(logged.decision), false);
            }
            let changed: Vec<DecisionId> = events.iter().map(|logged| logged.decision).collect();
            let behind =
                self.handle.store(move |store| store.postings_behind(Some(&changed))).await?;
            behind.into_iter().for_each(|id| queue.add(Work::Posting(id), false));
        }
    }

    /// Reconciles one decision or message until Discord shows the store's state.
    async fn settle(&self, work: Work, doubted: bool) -> Result<(), Unsettled> {
        let lock = self.lock_of(work);
        let _held = lock.lock().await;
        match work {
            Work::Posting(id) => self.settle_or_let_go(id, doubted).await,
            Work::Decision(id) => self.settle_cards(id, doubted).await,
        }
    }

    async fn settle_cards(&self, id: DecisionId, doubted: bool) -> Result<(), Unsettled> {
        let mut doubted = doubted;
        loop {
            let decision = self.handle.enforce(id).await?;
            let (cards, carrier) = self
                .handle
                .store(move |store| Ok((store.deliveries(id)?, store.carrier_of(id)?)))
                .await?;
            match next_step(&decision, &cards, carrier.as_ref()) {
                Step::Search(intent) => {
                    self.search(&decision, &cards, carrier.is_some(), intent).await?
                }
                Step::Create(intent) => self.create(&decision, intent).await?,
                Step::Draw(card) => self.draw(&decision, card).await?,
                Step::Move { old, to } => self.move_on(&decision, old, &to).await?,
                Step::Join { old, to } => self.join(&decision, old, *to).await?,
                Step::Settled if std::mem::take(&mut doubted) => self.compare(&cards).await?,
                Step::Settled => return Ok(()),
            }
        }
    }

    /// Finds out whether an interrupted create succeeded, then finishes or repeats the create.
    async fn search(
        &self,
        decision: &Decision,
        cards: &[Delivery],
        carried: bool,
        intent: Delivery,
    ) -> Result<(), Unsettled> {
        let turn = self.turn(&intent.channel).await?;
        let found =
            self.board.find(&intent.channel, decision.id, intent.intent_at - CLOCK_DIFFERENCE);
        let found = match self.heard(found).await {
            // The channel is gone, and its messages with it.
            Err(BoardError::Gone) => return self.forget(intent).await,
            found => found?,
        };
        // Posting acquires a permit of its own.
        drop(turn);
        let known =
            |message: &String| cards.iter().any(|card| card.message.as_ref() == Some(message));
        match found.into_iter().find(|message| !known(message)) {
            Some(message) => {
                self.put(Delivery { message: Some(message), shown: 0, ..intent }).await
            }
            // A click has recorded the message meanwhile.
            None if self.is_known(&intent).await? => Ok(()),
            None if decision.state.is_open() && intent.returns == decision.returns && !carried => {
                let _turn = self.turn(&intent.channel).await?;
                // The nonce may return the message of the first attempt, with outdated content.
                // `shown` = 0 forces a redraw.
                self.post(decision, intent, 0).await
            }
            None => self.forget(intent).await,
        }
    }

    async fn is_known(&self, intent: &Delivery) -> Result<bool, Unsettled> {
        let (id, generation) = (intent.decision, intent.generation);
        let cards = self.handle.store(move |store| store.deliveries(id)).await?;
        Ok(cards.iter().any(|card| card.generation == generation && card.message.is_some()))
    }

    async fn create(&self, decision: &Decision, intent: Delivery) -> Result<(), Unsettled> {
        let channel = self.board.place(decision).await?;
        // Check for a batch only after acquiring the permit. During a flood most cards wait here,
        // and many join a batch before their turn.
        let _turn = self.turn(&channel).await?;
        let id = decision.id;
        if self.handle.store(move |store| store.carrier_of(id)).await?.is_some() {
            return Ok(());
        }
        let intent = Delivery { channel, intent_at: self.handle.clock().wall(), ..intent };
        self.put(intent.clone()).await?;
        tracing::debug!(
            decision = decision.id.0,
            generation = intent.generation,
            "intent recorded"
        );
        self.post(decision, intent, decision.changed).await
    }

    /// The caller must hold a permit for the channel.
    async fn post(
        &self,
        decision: &Decision,
        intent: Delivery,
        shown: u64,
    ) -> Result<(), Unsettled> {
        let nonce = format!("{}.{}.{}", self.handle.tag(), decision.id.0, intent.generation);
        let card = decision_card(decision, self.handle.pace());
        match self.heard(self.board.post(&intent.channel, decision, &card, &nonce)).await {
            Ok(message) => {
                tracing::info!(
                    decision = decision.id.0,
                    card = message,
                    channel = intent.channel,
                    "card posted"
                );
                self.put(Delivery { message: Some(message), shown, ..intent }).await?;
                tracing::debug!(decision = decision.id.0, "message id recorded");
                Ok(())
            }
            // The channel disappeared between choosing and posting: the next round chooses again.
            Err(error @ (BoardError::Gone | BoardError::NoPlace(_))) => {
                self.forget(intent).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn draw(&self, decision: &Decision, card: Delivery) -> Result<(), Unsettled> {
        let drawn = decision_card(decision, self.handle.pace());
        self.edit(decision, card, &drawn, decision.changed).await
    }

    async fn move_on(
        &self,
        decision: &Decision,
        old: Delivery,
        to: &Delivery,
    ) -> Result<(), Unsettled> {
        let link = to.message.as_ref().and_then(|message| self.board.link(&to.channel, message));
        self.edit(
            decision,
            old,
            &moved_card(decision, text::moved(decision, link.as_deref())),
            SHOWN_FOR_GOOD,
        )
        .await
    }

    /// Edits a decision's own card to point to a batch's card. Like the card of a returned
    /// decision, the card keeps its place and loses its buttons, so a person about to click, or
    /// with a link to the card, finds the batch.
    async fn join(&self, decision: &Decision, old: Delivery, to: Posting) -> Result<(), Unsettled> {
        let link = to.message().and_then(|(channel, message)| self.board.link(channel, message));
        let headline = text::moved_into_batch(decision, to.id, link.as_deref());
        self.edit(decision, old, &moved_card(decision, headline), SHOWN_FOR_GOOD).await
    }

    async fn edit(
        &self,
        decision: &Decision,
        card: Delivery,
        drawn: &Card,
        shown: u64,
    ) -> Result<(), Unsettled> {
        let Some(message) = &card.message else { return Ok(()) };
        let _turn = self.turn(&card.channel).await?;
        match self.heard(self.board.edit(&card.channel, message, decision, drawn)).await {
            Ok(()) => {
                tracing::debug!(decision = decision.id.0, "card edited");
                self.put(Delivery { shown, ..card }).await?;
                tracing::debug!(decision = decision.id.0, shown, "revision recorded");
                Ok(())
            }
            Err(BoardError::Gone) => self.forget(card).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Checks whether the latest message still exists on Discord.
    async fn compare(&self, cards: &[Delivery]) -> Result<(), Unsettled> {
        let Some(card) = cards.iter().rfind(|card| !card.lost && card.shown != SHOWN_FOR_GOOD)
        else {
            return Ok(());
        };
        let Some(message) = &card.message else { return Ok(()) };
        let _turn = self.turn(&card.channel).await?;
        match self.heard(self.board.hangs(&card.channel, message)).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(BoardError::Gone) => self.forget(card.clone()).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, card: Delivery) -> Result<(), Unsettled> {
        self.handle.store(move |store| store.put_delivery(&card)).await?;
        self.handle.hangs();
        Ok(())
    }

    async fn forget(&self, card: Delivery) -> Result<(), Unsettled> {
        self.put(Delivery { lost: true, ..card }).await
    }
}
