//! The next action on a decision's cards or on another message, computed from the desired state
//! (decisions, lists) and the recorded state alone.

use crate::core::decision::Decision;
use crate::core::messaging::message::{
    Item, ListChange, Listed, Message, MessageId, MessageView, PostState,
};

/// The next action.
#[derive(Debug, PartialEq)]
pub(super) enum NextAction {
    /// Change the message's list to the decisions' current state.
    ChangeList(MessageView, Vec<ListChange>),
    /// Search for the message of an interrupted create.
    Search(MessageView, IfMissing),
    /// Record an intent, then post a message.
    Create(Unposted),
    /// Edit the message to the current state.
    Edit(MessageView),
    /// Edit the card of a decision to point to another message, for the last time.
    Redirect { card: MessageView, to: RedirectTarget },
    /// Record that the message is never posted.
    Finish(MessageView),
    /// Nothing to do. The message, if any, should exist on Discord.
    Settled(Option<MessageView>),
}

/// What to do after an interrupted create if the search finds no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMissing {
    /// Repeat the create.
    Post,
    /// Record that the message is never posted.
    Finish,
}

/// A message to post.
#[derive(Debug, PartialEq)]
pub(super) enum Unposted {
    /// A new card for a decision, without a record.
    Card { decision: Box<Decision>, generation: u32 },
    /// A recorded message.
    Message(Box<MessageView>),
}

/// The message with the buttons for a decision whose card must not be clicked any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RedirectTarget {
    /// The decision's new card after a return from a deferral: channel and message.
    Card(String, String),
    /// The card of a batch: the batch's number, channel and message.
    Batch(MessageId, String, String),
}

/// The next action on a message other than a card.
pub(super) fn next_for_message(view: MessageView) -> NextAction {
    let changes = view.list_changes();
    if !changes.is_empty() {
        return NextAction::ChangeList(view, changes);
    }
    match view.message.state {
        PostState::Final(_) => NextAction::Settled(None),
        PostState::NotPosted if view.is_wanted() => {
            NextAction::Create(Unposted::Message(Box::new(view)))
        }
        PostState::NotPosted => NextAction::Finish(view),
        PostState::Creating { .. } if view.is_wanted() => NextAction::Search(view, IfMissing::Post),
        PostState::Creating { .. } => NextAction::Search(view, IfMissing::Finish),
        PostState::Posted { shown, list, .. } if view.is_outdated(shown, list) => {
            NextAction::Edit(view)
        }
        PostState::Posted { .. } => NextAction::Settled(Some(view)),
    }
}

/// The next action on the cards of a decision. `cards`: all cards, oldest first. `batch`: the card
/// of the batch with the decision, if any.
pub(super) fn next_for_decision(
    decision: &Decision,
    cards: &[Message],
    batch: Option<&Message>,
) -> NextAction {
    let view = |card: &Message| card_view(card.clone(), decision);
    let is_current = |card: &&Message| !matches!(card.state, PostState::Final(_));
    let current: Vec<&Message> = cards.iter().filter(is_current).collect();
    let interrupted = |card: &&&Message| matches!(card.state, PostState::Creating { .. });
    if let Some(card) = current.iter().find(interrupted) {
        let card = view(card);
        let is_wanted = card.is_wanted() && batch.is_none();
        return NextAction::Search(
            card,
            if is_wanted { IfMissing::Post } else { IfMissing::Finish },
        );
    }
    if let Some(batch) = batch {
        // Until the batch's card is posted, the decision's own card is the only card: leave the
        // own card unchanged.
        return match (current.first(), batch.posted()) {
            (Some(card), Some((channel, message))) => NextAction::Redirect {
                card: view(card),
                to: RedirectTarget::Batch(batch.id, channel.to_owned(), message.to_owned()),
            },
            _ => NextAction::Settled(current.last().map(|card| view(card))),
        };
    }
    let latest = current.last().filter(|card| !is_before_return(card, decision));
    if decision.state.is_open() && latest.is_none() {
        let generation = cards.last().map_or(1, |card| card.generation + 1);
        return NextAction::Create(Unposted::Card {
            decision: Box::new(decision.clone()),
            generation,
        });
    }
    let Some(latest) = current.last() else { return NextAction::Settled(None) };
    if matches!(latest.state, PostState::Posted { shown, .. } if shown < decision.changed) {
        return NextAction::Edit(view(latest));
    }
    let old = current.iter().find(|card| card.generation < latest.generation);
    match (old, latest.posted()) {
        (Some(old), Some((channel, message))) => NextAction::Redirect {
            card: view(old),
            to: RedirectTarget::Card(channel.to_owned(), message.to_owned()),
        },
        _ => NextAction::Settled(Some(view(latest))),
    }
}

/// The record of a message missing on Discord: the generation and post state. A wanted message is
/// posted again; a card is final, because a new post is a new card.
pub(super) fn after_loss(view: &MessageView) -> (u32, PostState) {
    let Message { generation, state, purpose, .. } = &view.message;
    match state {
        _ if purpose.card_of().is_some() => (*generation, state.clone().into_deleted()),
        PostState::Posted { .. } if view.is_wanted() => (generation + 1, PostState::NotPosted),
        PostState::Creating { .. } => (*generation, PostState::NotPosted),
        _ => (*generation, state.clone().into_deleted()),
    }
}

/// A card with the current state of the decision.
pub(super) fn card_view(card: Message, decision: &Decision) -> MessageView {
    let item = card.items.first().copied().unwrap_or_else(|| Item::of(decision));
    MessageView { message: card, listed: vec![Listed { item, decision: decision.clone() }] }
}

/// Whether the decision returned from a deferral after this card was created.
fn is_before_return(card: &Message, decision: &Decision) -> bool {
    card.items.first().is_some_and(|item| item.returns < decision.returns)
}

#[cfg(test)]
mod tests;
