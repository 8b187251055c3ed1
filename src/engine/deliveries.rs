//! Makes the cards that hang equal the cards that should.
//!
//! The store says which card each decision should show and which message shows what; so it does for
//! messages that stand for several (postings). A loop makes the second equal the first: create,
//! edit, let go. A crash, an outage or a burst needs no code of its own, because whatever is
//! missing afterwards is missing from the same record. A create records its intent first; an
//! interrupted one is searched for before it is repeated.
//!
//! Must not know Discord: messages hang on a [`Board`].

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

/// How much earlier than the recorded intent an interrupted create is searched for: clocks differ.
const CLOCK_DIFFERENCE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
/// Requests of the reconciler in one channel at the same time.
const LANE: usize = 2;
/// How long a request may take, waiting for rate limits included. serenity repeats one whose answer
/// has a rate-limit header that cannot be read, at once and without end.
const BOARD_PATIENCE: Duration = Duration::from_secs(60);
/// How soon the store is asked again after it failed.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// How long a click waits for a card that is being worked on.
const LOCK_PATIENCE: Duration = Duration::from_millis(400);

/// Why a decision's cards are not settled yet.
enum Unsettled {
    Board(BoardError),
    Store(String),
    /// No request is made before this.
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

/// How the record of a message is corrected.
#[derive(Debug, Clone, Copy)]
enum Amend {
    /// It is gone.
    Lost,
    /// It shows something else than is recorded.
    Redraw,
}

/// The reconciler. One per store and board.
pub struct Deliveries {
    handle: Handle,
    board: Arc<dyn Board>,
    locks: Mutex<HashMap<Work, Arc<tokio::sync::Mutex<()>>>>,
    /// What is to be looked at again, and whether it is to be compared with what hangs.
    again: Mutex<HashMap<Work, bool>>,
    /// The decision by which a posting is named that cannot be shown.
    faces: Mutex<HashMap<PostingId, DecisionId>>,
    /// Whose turn it is in each channel.
    lanes: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// Everything is to be compared, but could not be listed yet.
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
    /// Keeps the board true to the handle's store.
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

    /// Keeps everybody else from a decision's cards. `None` if somebody else works on them for
    /// longer than a click can wait; that one leaves them true.
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

    /// The record of a message that somebody clicked. One whose create was interrupted is known
    /// from now on: once it is decided it carries no button by which it could be found.
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

    /// A turn in a channel: Discord limits requests by channel, and one that is flooded must not
    /// hold up the others.
    async fn turn(&self, channel: &str) -> Result<Option<OwnedSemaphorePermit>, Unsettled> {
        let lane = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                lanes.entry(channel.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(LANE))),
            )
        };
        // It is never closed; without a turn the request would only queue later.
        let turn = lane.acquire_owned().await.ok();
        // Only now: most of the time is spent waiting.
        self.breaker.admit(Instant::now()).map_err(Unsettled::Halted)?;
        Ok(turn)
    }

    /// What came of a request. One that never ends must not keep its channel's turn for ever;
    /// whether it was carried out is found out as after a crash.
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

    /// Records that a message shows this state of the decision: a click's answer has drawn it.
    pub async fn drawn(&self, mut card: Delivery, decision: &Decision) {
        card.shown = decision.changed;
        match self.handle.store(move |store| store.put_delivery(&card)).await {
            Ok(()) => tracing::debug!(
                decision = decision.id.0,
                shown = decision.changed,
                "revision recorded"
            ),
            // Then the loop draws it once more; drawing is harmless.
            Err(error) => {
                tracing::warn!(decision = decision.id.0, %error, "the drawn card could not be recorded")
            }
        }
    }

    /// The message was deleted by somebody: what stands on it gets a new one, if it still waits.
    pub async fn lost(&self, message: String) {
        self.amend(message, Amend::Lost).await;
    }

    /// Somebody clicked what is no longer so: whatever the record says, their card is drawn again.
    pub async fn redraw(&self, message: String) {
        self.amend(message, Amend::Redraw).await;
    }

    /// Corrects the record of a message, and looks again at what stands on it.
    async fn amend(&self, message: String, how: Amend) {
        let find = || self.handle.delivery_of(message.clone());
        let unsettled = self.unsettled().await;
        let posting = self.posting_of(&message).await;
        let (unsettled, posting, found) = match (unsettled, posting, find().await) {
            (Ok(unsettled), Ok(posting), Ok(found)) => (unsettled, posting, found),
            // The notice cannot be kept, so everything is compared.
            _ => return self.look_at_all().await,
        };
        if let Some(id) = posting {
            return self.amend_posting(id, &message, how).await;
        }
        let Some(card) = found else {
            // Perhaps a card that is just being posted and not yet recorded: those are compared
            // once they are. That is why they were read before it was looked for.
            return self.look_again(unsettled, true);
        };
        let id = card.decision;
        // Whoever works on the card now writes its record too: read it again once they are done.
        let lock = self.lock_of(Work::Decision(id));
        let _held = lock.lock().await;
        match find().await {
            Ok(Some(card)) if card.lost || card.shown == SHOWN_FOR_GOOD => return,
            Ok(Some(card)) => {
                let card = match how {
                    Amend::Lost => Delivery { lost: true, ..card },
                    Amend::Redraw => Delivery { shown: card.shown.min(1), ..card },
                };
                // If this cannot be written, comparing finds the same.
                let _ = self.put(card).await;
            }
            _ => {}
        }
        self.look_again([Work::Decision(id)], true);
    }

    /// Something happened that was not seen (the connection was lost, a channel changed): every
    /// open card is compared with what hangs.
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

    /// Something that kept cards from being shown may be mended: those are tried again at once.
    pub async fn try_again(&self) {
        match self.unsettled().await {
            Ok(unsettled) => self.look_again(unsettled, true),
            // Then they are tried again when their pause is over.
            Err(error) => tracing::debug!(%error, "the cards that wait could not be read"),
        }
    }

    /// Messages that stand for several were opened or changed by somebody else: they are posted
    /// now.
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

    /// What is not as it should be, by the store's own record.
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

    /// Runs for as long as it is polled. Whoever connects calls [`Deliveries::look_at_all`].
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
            // Before any card is posted, for what shares one must not get one of its own first.
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

    /// Queues what the log names since the cursor; the first time, what the record knows to be
    /// unsettled. Whether there is anything new.
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

    /// Works until what hangs is as it should be.
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

    /// Finds out whether an interrupted create happened, and finishes or repeats it.
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
            // The channel went with whatever was in it.
            Err(BoardError::Gone) => return self.forget(intent).await,
            found => found?,
        };
        // Posting takes a turn of its own.
        drop(turn);
        let known =
            |message: &String| cards.iter().any(|card| card.message.as_ref() == Some(message));
        match found.into_iter().find(|message| !known(message)) {
            Some(message) => {
                self.put(Delivery { message: Some(message), shown: 0, ..intent }).await
            }
            // Somebody has clicked it meanwhile.
            None if self.is_known(&intent).await? => Ok(()),
            None if decision.state.is_open() && intent.returns == decision.returns && !carried => {
                let _turn = self.turn(&intent.channel).await?;
                // By its nonce this may yet turn out to be the first try's message, with what was
                // true then.
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
        // Only now: of a flood most wait here, and have been drawn together by the time that it is
        // their turn.
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

    /// Whoever calls has the channel's turn.
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
            // The channel was lost between choosing and posting: the next round chooses again.
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

    /// Its own card says that it is decided on a batch's from now on. It keeps its place and loses
    /// its buttons, as one does whose decision came back: whoever was about to click it, or was
    /// sent its address, finds the way.
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

    /// Looks whether the latest message still hangs.
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
