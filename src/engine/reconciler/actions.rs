//! The actions of the reconciler: search, create, edit, compare, forget.
//!
//! Every purpose takes the same path. A create records its intent first; an interrupted create is
//! searched for before the create is repeated. Content is read after acquiring the channel's
//! permit, so a flood of changes becomes one edit. Each action ends with the record of the result,
//! from which the next action follows.

use super::next_action::{IfMissing, RedirectTarget, Unposted, after_loss, card_view};
use super::permits::Turn;
use super::sink::within_timeout;
use super::{CLOCK_DIFFERENCE, Check, Reconciler, SinkError, Unsettled, Work};
use crate::core::Time;
use crate::core::decision::Decision;
use crate::core::messaging::message::{
    Destination, Item, ListChange, Message, MessageId, MessageView, PostState, Purpose,
};
use crate::presentation::card::{Card, moved_card};
use crate::presentation::message::present;
use crate::presentation::text;
use crate::store::{NewCard, NewMessage};

/// Whether an earlier create may have posted other content under the same nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The first create of this generation.
    First,
    /// A repeated create. The service may return the message of the first, with outdated content.
    Repeated,
}

/// A search result for an interrupted create.
enum Found {
    /// This message has no record yet.
    Message(String),
    /// No message.
    Nothing,
    /// A click has recorded the message meanwhile.
    Recorded,
}

impl Unposted {
    fn place(&self) -> Destination {
        match self {
            Self::Card { decision, .. } => Destination::Project(decision.request.project.clone()),
            Self::Message(view) => view.message.place.clone(),
        }
    }

    /// The decision to name if the channel is unusable.
    fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Card { decision, .. } => Some(decision),
            Self::Message(view) => view.first_open(),
        }
    }
}

impl Reconciler {
    /// The turn of a request that shows this message.
    fn turn_of(&self, view: &MessageView) -> Turn {
        Turn::of_message(view, self.handle.now())
    }

    /// Finds out whether an interrupted create succeeded, then finishes or repeats the create.
    pub(super) async fn search(
        &self,
        view: MessageView,
        if_missing: IfMissing,
    ) -> Result<(), Unsettled> {
        let PostState::Creating { channel, at } = view.message.state.clone() else {
            return Ok(());
        };
        let _permit = self.permit(&channel, self.turn_of(&view)).await?;
        let found = self.sink.find(&channel, &view.message, at - CLOCK_DIFFERENCE);
        let found = match self.request(found).await {
            // The channel is gone, and its messages with it.
            Err(SinkError::Gone) => return self.forget(&view).await,
            found => found?,
        };
        match self.unrecorded(&view.message, found).await? {
            Found::Message(message) => {
                // Outdated content is possible: `shown` = 0 forces an edit.
                let state = PostState::Posted { channel, message, shown: 0, list: 0 };
                self.record(&view.message, state).await?;
                self.redirect_cards(&view.message).await
            }
            Found::Recorded => Ok(()),
            Found::Nothing if if_missing == IfMissing::Post => {
                let view = self.renew_intent(view, &channel, at).await?;
                self.post(&view, channel, Attempt::Repeated).await
            }
            Found::Nothing => self.finish(&view).await,
        }
    }

    /// Moves the recorded intent back if the clock was set back since: a later search starts at the
    /// recorded time, and must find the repeated message.
    async fn renew_intent(
        &self,
        mut view: MessageView,
        channel: &str,
        at: Time,
    ) -> Result<MessageView, Unsettled> {
        let now = self.handle.clock().wall();
        if now < at {
            let state = PostState::Creating { channel: channel.to_owned(), at: now };
            self.record(&view.message, state.clone()).await?;
            view.message.state = state;
        }
        Ok(view)
    }

    /// The first found message without a record.
    async fn unrecorded(&self, message: &Message, found: Vec<String>) -> Result<Found, Unsettled> {
        let id = message.id;
        let result = self.handle.with_store(move |store| {
            let current = store.messages().get(id)?.map(|message| message.state);
            if !matches!(current, Some(PostState::Creating { .. })) {
                return Ok(Found::Recorded);
            }
            for message in found {
                if store.messages().with_discord_id(&message)?.is_none() {
                    return Ok(Found::Message(message));
                }
            }
            Ok(Found::Nothing)
        });
        Ok(result.await?)
    }

    /// Records an intent and posts the message.
    pub(super) async fn create(&self, unposted: Unposted) -> Result<(), Unsettled> {
        let place = unposted.place();
        let channel = self.sink.channel_for(&place, unposted.decision());
        let channel = within_timeout(channel).await?;
        let turn = match &unposted {
            Unposted::Card { decision, .. } => Turn::of(decision, self.handle.now()),
            Unposted::Message(view) => self.turn_of(view),
        };
        let _permit = self.permit(&channel, turn).await?;
        let Some(view) = self.record_intent(unposted, &channel).await? else { return Ok(()) };
        tracing::debug!(
            decision = decision_of(&view),
            message_id = view.message.id.0,
            "intent recorded"
        );
        self.post(&view, channel, Attempt::First).await
    }

    /// Records the intent to post in this channel. `None`: changes during the wait for the permit
    /// have made the post unnecessary, or require another action first.
    async fn record_intent(
        &self,
        unposted: Unposted,
        channel: &str,
    ) -> Result<Option<MessageView>, Unsettled> {
        let (place, at) = (unposted.place(), self.handle.clock().wall());
        match unposted {
            Unposted::Card { decision, generation } => {
                // During a flood most cards wait here, and many join a batch before their turn.
                let id = decision.id;
                if self
                    .handle
                    .with_store(move |store| store.messages().batch_card_of(id))
                    .await?
                    .is_some()
                {
                    return Ok(None);
                }
                let (item, channel) = (Item::of(&decision), channel.to_owned());
                let new = NewCard { item, generation, place, channel, at };
                let card =
                    self.handle.with_store(move |store| store.messages().open_card(new)).await?;
                self.handle.messages().notify_card_change();
                Ok(Some(card_view(card, &decision)))
            }
            Unposted::Message(view) => {
                let Some(mut view) = self.up_to_date(*view).await? else { return Ok(None) };
                if !view.is_wanted() {
                    return Ok(None);
                }
                let state = PostState::Creating { channel: channel.to_owned(), at };
                self.record(&view.message, state.clone()).await?;
                view.message.state = state;
                Ok(Some(view))
            }
        }
    }

    /// The message read again after the wait for the permit: all changes during the wait go into
    /// one request. A card is not read again: only the task with the decision's lock edits the
    /// card. `None`: another action comes first.
    async fn up_to_date(&self, view: MessageView) -> Result<Option<MessageView>, Unsettled> {
        if view.message.purpose.card_of().is_some() {
            return Ok(Some(view));
        }
        let view = self.handle.messages().view(view.message.id).await?;
        Ok(view.filter(|view| view.list_changes().is_empty()))
    }

    /// Posts a message with a recorded intent. The caller must hold a permit for the channel.
    async fn post(
        &self,
        view: &MessageView,
        channel: String,
        attempt: Attempt,
    ) -> Result<(), Unsettled> {
        let Some(card) = present(view, self.handle.time_scale()) else {
            return self.finish(view).await;
        };
        let nonce = nonce(self.handle.tag(), &view.message);
        match self.request(self.sink.post(&channel, view, &card, &nonce)).await {
            Ok(message) => {
                let (decision, purpose) = (decision_of(view), view.message.purpose.word());
                tracing::info!(
                    decision,
                    message_id = view.message.id.0,
                    post = message,
                    channel,
                    "{purpose} posted"
                );
                let (shown, list) = match attempt {
                    Attempt::First => (view.position(), view.message.revision),
                    Attempt::Repeated => {
                        self.sink.forget_content(&message);
                        (0, 0)
                    }
                };
                let state = PostState::Posted { channel, message, shown, list };
                self.record(&view.message, state).await?;
                tracing::debug!(decision, message_id = view.message.id.0, "message id recorded");
                self.redirect_cards(&view.message).await
            }
            // The channel disappeared between choosing and posting: the next round chooses again.
            Err(error @ (SinkError::Gone | SinkError::NoPlace(_))) => {
                self.forget(view).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Edits a posted message to the current state.
    pub(super) async fn edit(&self, view: MessageView) -> Result<(), Unsettled> {
        let Some((channel, _)) = view.message.posted() else { return Ok(()) };
        let _permit = self.permit(channel, self.turn_of(&view)).await?;
        let Some(view) = self.up_to_date(view).await? else { return Ok(()) };
        let PostState::Posted { channel, message, .. } = view.message.state.clone() else {
            return Ok(());
        };
        let Some(card) = present(&view, self.handle.time_scale()) else {
            return self.finish(&view).await;
        };
        let (shown, list) = (view.position(), view.message.revision);
        self.edit_to(&view, &card, PostState::Posted { channel, message, shown, list }).await
    }

    /// Edits a card to point to another message. The card keeps its place and loses its buttons, so
    /// a person about to click, or with a link to the card, finds the other message.
    pub(super) async fn redirect(
        &self,
        card: MessageView,
        to: RedirectTarget,
    ) -> Result<(), Unsettled> {
        let (Some((channel, _)), Some(listed)) = (card.message.posted(), card.listed.first())
        else {
            return Ok(());
        };
        let decision = &listed.decision;
        let headline = match to {
            RedirectTarget::Card(channel, message) => {
                text::moved(decision, self.sink.link(&channel, &message).as_deref())
            }
            RedirectTarget::Batch(id, channel, message) => {
                let link = self.sink.link(&channel, &message);
                text::moved_into_batch(decision, id, link.as_deref())
            }
        };
        let content = moved_card(decision, headline);
        let _permit = self.permit(channel, self.turn_of(&card)).await?;
        self.edit_to(&card, &content, card.message.state.clone().into_final()).await
    }

    /// Edits the message and records the state. The caller must hold a permit for the channel.
    async fn edit_to(
        &self,
        view: &MessageView,
        card: &Card,
        state: PostState,
    ) -> Result<(), Unsettled> {
        let Some((channel, message)) = view.message.posted() else { return Ok(()) };
        match self.request(self.sink.edit(channel, message, view, card)).await {
            Ok(()) => {
                let (decision, purpose) = (decision_of(view), view.message.purpose.word());
                tracing::debug!(decision, message_id = view.message.id.0, "{purpose} edited");
                self.record(&view.message, state).await?;
                tracing::debug!(decision, shown = view.position(), "revision recorded");
                Ok(())
            }
            Err(SinkError::Gone) => self.forget(view).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Checks whether a posted message still exists on Discord.
    pub(super) async fn compare(&self, view: &MessageView) -> Result<(), Unsettled> {
        let Some((channel, message)) = view.message.posted() else { return Ok(()) };
        let turn = Turn::to_compare(view, self.handle.now());
        let _permit = self.permit(channel, turn).await?;
        match self.request(self.sink.exists(channel, message)).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(SinkError::Gone) => self.forget(view).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Records that the message is missing on Discord.
    pub(super) async fn forget(&self, view: &MessageView) -> Result<(), Unsettled> {
        let (generation, state) = after_loss(view);
        let is_over = matches!(state, PostState::Final(_));
        self.record(&Message { generation, ..view.message.clone() }, state).await?;
        if is_over {
            self.wake_cards(view);
        }
        Ok(())
    }

    /// Records that the message is never posted or edited again.
    pub(super) async fn finish(&self, view: &MessageView) -> Result<(), Unsettled> {
        self.record(&view.message, view.message.state.clone().into_final()).await?;
        self.wake_cards(view);
        Ok(())
    }

    /// Queues the decisions of a batch that is over. Their own cards, if any, were left as they are
    /// while the batch's card was about to replace them.
    fn wake_cards(&self, view: &MessageView) {
        if matches!(view.message.purpose, Purpose::Batch { .. }) {
            let listed = view.listed.iter().map(|listed| Work::Decision(listed.decision.id));
            self.requeue(listed, Check::Record);
        }
    }

    /// Records the post state of a message.
    pub(super) async fn record(
        &self,
        message: &Message,
        state: PostState,
    ) -> Result<(), Unsettled> {
        let (id, generation) = (message.id, message.generation);
        self.handle
            .with_store(move |store| store.messages().put_post_state(id, generation, state))
            .await?;
        self.handle.messages().notify_card_change();
        Ok(())
    }

    /// Changes the message's list. Decisions dropped from the list are queued for cards of their
    /// own.
    pub(super) async fn change_list(
        &self,
        view: &MessageView,
        changes: Vec<ListChange>,
    ) -> Result<(), Unsettled> {
        let (id, revision) = (view.message.id, view.message.revision);
        let dropped = changes.iter().filter_map(|change| match change {
            ListChange::Drop(id) => Some(Work::Decision(*id)),
            ListChange::Put(_) => None,
        });
        let dropped: Vec<Work> = dropped.collect();
        if self
            .handle
            .with_store(move |store| store.messages().amend(id, revision, changes))
            .await?
        {
            tracing::debug!(message_id = id.0, dropped = dropped.len(), "list changed");
        }
        self.requeue(dropped, Check::Record);
        Ok(())
    }

    /// Gives up a message that cannot be posted and records why, for purposes where the requester
    /// must know. Returns the error for all other messages.
    pub(super) async fn give_up(&self, id: MessageId, error: SinkError) -> Result<(), Unsettled> {
        let why = match &error {
            SinkError::NoPlace(why) | SinkError::Refused(why) => why.clone(),
            SinkError::Gone => "its channel is gone".into(),
            SinkError::Later { .. } | SinkError::AccessDenied(_) => return Err(error.into()),
        };
        let view = self.handle.messages().view(id).await?;
        let Some(view) = view.filter(|view| {
            view.message.purpose.gives_up_on_failure() && view.message.posted().is_none()
        }) else {
            return Err(error.into());
        };
        let instead = self.instead(&view);
        tracing::warn!(
            message_id = id.0,
            why,
            "could not be posted, and is not tried again: whoever it was for is reached otherwise"
        );
        self.handle.with_store(move |store| store.messages().give_up(id, &why, instead)).await?;
        self.handle.hint();
        self.queue_messages().await;
        Ok(())
    }

    /// A replacement message beside the card for the same person, if a decision still waits.
    fn instead(&self, view: &MessageView) -> Option<NewMessage> {
        let decision = view.first_open()?;
        Some(NewMessage {
            purpose: view.message.purpose.instead()?,
            place: Destination::Project(decision.request.project.clone()),
            items: vec![Item::of(decision)],
            at: self.handle.clock().wall(),
        })
    }

    /// After the post of a message other than a card: wakes tasks waiting for the post. After the
    /// post of a batch, queues the decisions whose cards must now point to the batch. Other
    /// messages replace no card: a card that waits for the results of a reminder is left alone.
    async fn redirect_cards(&self, message: &Message) -> Result<(), Unsettled> {
        if message.purpose.card_of().is_some() {
            return Ok(());
        }
        if matches!(message.purpose, Purpose::Batch { .. }) {
            self.queue_redirects(message.id).await?;
        }
        self.handle.hint();
        Ok(())
    }

    async fn queue_redirects(&self, id: MessageId) -> Result<(), Unsettled> {
        let cards =
            self.handle.with_store(move |store| store.messages().cards_to_redirect(id)).await?;
        self.requeue(cards.into_iter().map(Work::Decision), Check::Record);
        Ok(())
    }
}

/// The nonce of a create: a repeated create within a few minutes returns the first message.
fn nonce(tag: &str, message: &Message) -> String {
    let Message { id, generation, purpose, .. } = message;
    match purpose {
        Purpose::Card { decision } => format!("{tag}.{}.{generation}", decision.0),
        _ => format!("{tag}.p{id}.{generation}"),
    }
}

/// The decision of a card, for the log.
fn decision_of(view: &MessageView) -> Option<i64> {
    view.message.purpose.card_of().map(|id| id.0)
}
