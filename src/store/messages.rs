//! New messages.
//!
//! To post a message, call [`MessageStore::open`](super::sqlite::MessageStore::open) with a
//! [`Purpose`] and a [`Destination`]; the engine's reconciler (`engine::reconciler`) does the rest:
//! posts the message, edits after every change of a listed decision, posts a deleted batch card
//! again while [`Purpose::is_wanted`], and finds the message after a crash by the buttons. To
//! change the list later, call [`MessageStore::amend`](super::sqlite::MessageStore::amend). Only
//! the reconciler creates cards
//! ([`MessageStore::open_card`](super::sqlite::MessageStore::open_card)).

use crate::core::Time;
use crate::core::messaging::batch::{BatchCandidates, BatchChange};
use crate::core::messaging::message::{Destination, Item, Purpose};

/// A message to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The purpose.
    pub purpose: Purpose,
    /// Where to post. A message for [`Destination::Nowhere`] is never posted, and kept only for
    /// buttons that refer to the list.
    pub place: Destination,
    /// The list: each decision once, in the current state ([`Item::of`]).
    pub items: Vec<Item>,
    /// Creation time, by the wall clock.
    pub at: Time,
}

/// A card to create, with the channel to post in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCard {
    /// The decision in the current state ([`Item::of`]).
    pub item: Item,
    /// Number of the decision's card, from 1.
    pub generation: u32,
    /// Where to post.
    pub place: Destination,
    /// The channel's id.
    pub channel: String,
    /// When the create starts, by the wall clock.
    pub at: Time,
}

/// Inspects the pending decisions and plans the batches.
pub type PlanBatches = Box<dyn Fn(&BatchCandidates) -> Vec<BatchChange> + Send>;
