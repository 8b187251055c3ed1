//! Reconciles messages covering several decisions: batches, and every other
//! [`Purpose`](crate::core::posting::Purpose).
//!
//! Works like the reconciler of a decision's own card, with the same channel permits, breaker and
//! backoff: an intent is recorded before a create, an interrupted create is searched for before
//! being repeated, and a change of any listed decision leads to an edit. The content is read after
//! acquiring the channel's permit, so a flood of changes becomes one edit. A deleted message is
//! posted again while its purpose requires.
//!
//! To add a purpose: add a variant of `Purpose` and its content (`Sheet::card`), call
//! `Store::open_posting`, and add its buttons where the surface draws messages. This module needs
//! no change.

use std::sync::PoisonError;

use super::{Amend, BoardError, CLOCK_DIFFERENCE, Deliveries, Queue, Unsettled, Work};
use crate::core::batch::plan;
use crate::core::decision::DecisionId;
use crate::core::posting::{Change, Hanging, Item, Listed, Place, Posting, PostingId, Sheet};
use crate::engine::{Handle, HandleError};
use crate::store::NewPosting;

impl Handle {
    /// Records new messages covering several decisions; the reconciler posts them.
    ///
    /// # Errors
    /// [`HandleError::Store`]; messages recorded before the error are posted.
    pub async fn open_postings(&self, new: Vec<NewPosting>) -> Result<(), HandleError> {
        for new in new {
            let id = self.store(move |store| store.open_posting(new)).await?;
            self.inner.opened.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            self.hint();
        }
        Ok(())
    }

    /// A message with the current state of its decisions.
    ///
    /// # Errors
    /// [`HandleError::Store`].
    pub async fn sheet(&self, id: PostingId) -> Result<Option<Sheet>, HandleError> {
        let found = self.store(move |store| {
            let Some(posting) = store.posting(id)? else { return Ok(None) };
            let items = posting.ever_listed();
            let ids: Vec<DecisionId> = items.iter().map(|item| item.decision).collect();
            Ok(Some((posting, items, store.get_many(&ids)?)))
        });
        let Some((posting, items, decisions)) = found.await? else { return Ok(None) };
        let rules = self.rules();
        let listed = items
            .into_iter()
            .zip(decisions)
            .filter(|(item, decision)| item.decision == decision.id);
        let listed = listed.map(|(item, decision)| Listed {
            item,
            decision: super::super::enforced(&rules, &decision),
        });
        Ok(Some(Sheet { posting, listed: listed.collect() }))
    }
}

impl Deliveries {
    /// Approves automatically where the rules allow, and puts waiting decisions into batches.
    pub(super) async fn before_cards(&self, queue: &mut Queue) -> Result<(), HandleError> {
        // If automatic approval fails, people are asked. A later automatic approval then edits the
        // card.
        let looked = self.handle.let_pass().await.unwrap_or(DecisionId(i64::MAX));
        self.plan_batches(queue, looked).await
    }

    /// Puts waiting decisions without a card into batches, where a project has enough of them.
    /// Decisions numbered above `looked` may still be approved automatically and are left out.
    async fn plan_batches(&self, queue: &mut Queue, looked: DecisionId) -> Result<(), HandleError> {
        let (rules, at) = (self.handle.rules(), self.handle.clock().wall());
        let since = at.checked_sub_signed(rules.batching.window).unwrap_or(at);
        let behind = self.handle.store(move |store| {
            if store.plan_batches(
                since,
                at,
                Box::new(move |crowd| plan(&rules, &crowd.up_to(looked))),
            )? {
                return store.postings_behind(None);
            }
            Ok(Vec::new())
        });
        behind.await?.into_iter().for_each(|id| queue.add(Work::Posting(id), false));
        Ok(())
    }

    /// Like [`Deliveries::settle_posting`], but gives up on an impossible post and records why, for
    /// purposes where the sender must know.
    pub(super) async fn settle_or_let_go(
        &self,
        id: PostingId,
        doubted: bool,
    ) -> Result<(), Unsettled> {
        let settled = self.settle_posting(id, doubted).await;
        let why = match &settled {
            Err(Unsettled::Board(BoardError::NoPlace(why) | BoardError::Refused(why))) => {
                why.clone()
            }
            Err(Unsettled::Board(BoardError::Gone)) => "its channel is gone".into(),
            _ => return settled,
        };
        let sheet = self.handle.sheet(id).await?;
        let Some(sheet) = sheet
            .filter(|sheet| sheet.posting.purpose.gives_up() && sheet.posting.message().is_none())
        else {
            return settled;
        };
        let instead = self.instead(&sheet);
        tracing::warn!(
            posting = id.0,
            why,
            "could not be posted, and is not tried again: whoever it was for is reached otherwise"
        );
        self.handle.store(move |store| store.give_up_posting(id, &why, instead)).await?;
        self.handle.hint();
        self.look_at_postings().await;
        Ok(())
    }

    /// A replacement message beside the card for the same person, if a decision still waits.
    fn instead(&self, sheet: &Sheet) -> Option<NewPosting> {
        let decision = &sheet.listed.iter().find(|listed| listed.waits_here())?.decision;
        let (place, at) =
            (Place::Project(decision.request.project.clone()), self.handle.clock().wall());
        Some(NewPosting {
            purpose: sheet.posting.purpose.instead()?,
            place,
            items: vec![Item::of(decision)],
            at,
        })
    }

    async fn settle_posting(&self, id: PostingId, doubted: bool) -> Result<(), Unsettled> {
        let mut doubted = doubted;
        loop {
            let Some(sheet) = self.handle.sheet(id).await? else { return Ok(()) };
            self.give_face(&sheet);
            if self.mended(&sheet).await? {
                continue;
            }
            match sheet.posting.hanging.clone() {
                Hanging::Over => return Ok(()),
                Hanging::Nothing if sheet.is_wanted() => self.put_up(sheet).await?,
                Hanging::Nothing => return self.hang(&sheet.posting, Hanging::Over).await,
                Hanging::Begun { channel, at } => self.search_sheet(sheet, channel, at).await?,
                Hanging::Message { shown, drawn, .. } if is_behind(&sheet, shown, drawn) => {
                    self.draw_sheet(id).await?
                }
                Hanging::Message { channel, message, .. } if std::mem::take(&mut doubted) => {
                    self.compare_sheet(&sheet, &channel, &message).await?;
                }
                Hanging::Message { .. } => return Ok(()),
            }
        }
    }

    /// Brings the list up to date before drawing. Decisions dropped from the list are queued for
    /// cards of their own. Returns whether the list changed.
    async fn mended(&self, sheet: &Sheet) -> Result<bool, Unsettled> {
        let changes = sheet.mend();
        if changes.is_empty() {
            return Ok(false);
        }
        let (id, revision) = (sheet.posting.id, sheet.posting.revision);
        let dropped = changes.iter().filter_map(|change| match change {
            Change::Drop(id) => Some(Work::Decision(*id)),
            Change::Put(_) => None,
        });
        let dropped: Vec<Work> = dropped.collect();
        if self.handle.store(move |store| store.amend_posting(id, revision, changes)).await? {
            tracing::debug!(posting = id.0, dropped = dropped.len(), "the list changed");
        }
        self.look_again(dropped, false);
        Ok(true)
    }

    async fn put_up(&self, sheet: Sheet) -> Result<(), Unsettled> {
        let channel = self.board.place_of(&sheet).await?;
        let _turn = self.turn(&channel).await?;
        // Read again: changes during the wait for the permit belong in this message too.
        let Some(sheet) = self.handle.sheet(sheet.posting.id).await? else { return Ok(()) };
        if !sheet.is_wanted() || !sheet.mend().is_empty() {
            return Ok(());
        }
        self.hang(
            &sheet.posting,
            Hanging::Begun { channel: channel.clone(), at: self.handle.clock().wall() },
        )
        .await?;
        self.post_sheet(&sheet, channel, true).await
    }

    /// The caller must hold a permit for the channel. `first`: no earlier attempt can have posted
    /// other content under this nonce.
    async fn post_sheet(
        &self,
        sheet: &Sheet,
        channel: String,
        first: bool,
    ) -> Result<(), Unsettled> {
        let Posting { id, generation, revision, .. } = sheet.posting;
        let Some(card) = sheet.card(self.handle.pace()) else {
            return self.hang(&sheet.posting, Hanging::Over).await;
        };
        let nonce = format!("{}.p{id}.{generation}", self.handle.tag());
        match self.heard(self.board.post_sheet(&channel, sheet, &card, &nonce)).await {
            Ok(message) => {
                tracing::info!(
                    posting = id.0,
                    message,
                    channel,
                    listed = sheet.listed.len(),
                    "posting posted"
                );
                let (shown, drawn) = if first { (sheet.position(), revision) } else { (0, 0) };
                self.hang(&sheet.posting, Hanging::Message { channel, message, shown, drawn })
                    .await?;
                let moved = self.handle.store(move |store| store.to_move_to(id)).await?;
                self.look_again(moved.into_iter().map(Work::Decision), false);
                // Wakes tasks waiting for the post to arrive.
                self.handle.hint();
                Ok(())
            }
            Err(error @ (BoardError::Gone | BoardError::NoPlace(_))) => {
                self.hang(&sheet.posting, Hanging::Nothing).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Finds out whether an interrupted create succeeded, then finishes or repeats the create.
    async fn search_sheet(
        &self,
        sheet: Sheet,
        channel: String,
        at: crate::core::Time,
    ) -> Result<(), Unsettled> {
        let _turn = self.turn(&channel).await?;
        let found = match self
            .heard(self.board.find_sheet(&channel, sheet.posting.id, at - CLOCK_DIFFERENCE))
            .await
        {
            Err(BoardError::Gone) => return self.hang(&sheet.posting, Hanging::Nothing).await,
            found => found?,
        };
        match found.into_iter().next() {
            Some(message) => {
                self.hang(
                    &sheet.posting,
                    Hanging::Message { channel, message, shown: 0, drawn: 0 },
                )
                .await?;
                let id = sheet.posting.id;
                let moved = self.handle.store(move |store| store.to_move_to(id)).await?;
                self.look_again(moved.into_iter().map(Work::Decision), false);
                Ok(())
            }
            None if sheet.is_wanted() => self.post_sheet(&sheet, channel, false).await,
            None => self.hang(&sheet.posting, Hanging::Over).await,
        }
    }

    async fn draw_sheet(&self, id: PostingId) -> Result<(), Unsettled> {
        let Some(posting) = self.handle.store(move |store| store.posting(id)).await? else {
            return Ok(());
        };
        let Hanging::Message { channel, .. } = posting.hanging else { return Ok(()) };
        let _turn = self.turn(&channel).await?;
        // Read only now: all changes during the wait for the permit go into this one edit.
        let Some(sheet) = self.handle.sheet(id).await? else { return Ok(()) };
        let Hanging::Message { channel, message, .. } = sheet.posting.hanging.clone() else {
            return Ok(());
        };
        if !sheet.mend().is_empty() {
            return Ok(());
        }
        let Some(card) = sheet.card(self.handle.pace()) else {
            return self.hang(&sheet.posting, Hanging::Over).await;
        };
        match self.heard(self.board.edit_sheet(&channel, &message, &sheet, &card)).await {
            Ok(()) => {
                tracing::debug!(posting = id.0, list = sheet.posting.revision, "posting edited");
                let (shown, drawn) = (sheet.position(), sheet.posting.revision);
                self.hang(&sheet.posting, Hanging::Message { channel, message, shown, drawn }).await
            }
            Err(BoardError::Gone) => self.gone(&sheet).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn compare_sheet(
        &self,
        sheet: &Sheet,
        channel: &str,
        message: &str,
    ) -> Result<(), Unsettled> {
        let _turn = self.turn(channel).await?;
        match self.heard(self.board.hangs(channel, message)).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(BoardError::Gone) => self.gone(sheet).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Records a deleted message and requests a new post if the message is still wanted.
    async fn gone(&self, sheet: &Sheet) -> Result<(), Unsettled> {
        if sheet.is_wanted() {
            let next =
                Posting { generation: sheet.posting.generation + 1, ..sheet.posting.clone() };
            return self.hang(&next, Hanging::Nothing).await;
        }
        self.hang(&sheet.posting, Hanging::Over).await
    }

    async fn hang(&self, posting: &Posting, hanging: Hanging) -> Result<(), Unsettled> {
        let (id, generation) = (posting.id, posting.generation);
        self.handle.store(move |store| store.put_hanging(id, generation, hanging)).await?;
        self.handle.hangs();
        Ok(())
    }

    /// Corrects the record of a message covering several decisions.
    pub(super) async fn amend_posting(&self, id: PostingId, message: &str, how: Amend) {
        let lock = self.lock_of(Work::Posting(id));
        let _held = lock.lock().await;
        // A task working on the message also writes the record: read again after acquiring the
        // lock.
        if let Ok(Some(sheet)) = self.handle.sheet(id).await
            && let Hanging::Message { channel, message: standing, .. } =
                sheet.posting.hanging.clone()
            && standing == message
        {
            // If this write fails, the comparison queued below finds the difference.
            let _ = match how {
                Amend::Lost => self.gone(&sheet).await,
                Amend::Redraw => {
                    self.hang(
                        &sheet.posting,
                        Hanging::Message { channel, message: standing, shown: 0, drawn: 0 },
                    )
                    .await
                }
            };
        }
        self.look_again([Work::Posting(id)], true);
    }

    pub(super) async fn posting_of(&self, message: &str) -> Result<Option<PostingId>, HandleError> {
        let message = message.to_owned();
        Ok(self
            .handle
            .store(move |store| store.posting_of(&message))
            .await?
            .map(|posting| posting.id))
    }

    /// Remembers the decision to name in the heartbeat if this message cannot be shown.
    fn give_face(&self, sheet: &Sheet) {
        if let Some(decision) = sheet.first_waiting(self.handle.now()) {
            self.faces
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(sheet.posting.id)
                .or_insert(decision.id);
        }
    }

    /// Reports an undeliverable message in the bot's heartbeat.
    pub(super) fn hold_back(&self, work: Work, why: &BoardError) {
        let named = match work {
            Work::Decision(id) => Some(id),
            Work::Posting(id) => {
                self.faces.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
            }
        };
        if let Some(id) = named {
            self.handle.beat(|pulse| pulse.hold_back(id, why.to_string()));
        }
    }

    /// Removes the report once the message shows the store's state.
    pub(super) fn is_shown(&self, work: Work) {
        let named = match work {
            Work::Decision(id) => Some(id),
            Work::Posting(id) => {
                self.faces.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
            }
        };
        if let Some(id) = named {
            self.handle.beat(|pulse| drop(pulse.held_back.remove(&id)));
        }
    }
}

fn is_behind(sheet: &Sheet, shown: u64, drawn: u32) -> bool {
    drawn < sheet.posting.revision
        || sheet.listed.iter().any(|listed| listed.decision.changed > shown)
}
