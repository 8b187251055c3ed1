//! New messages for several decisions.
//!
//! To post a message, call [`open_posting`](super::Store::open_posting) with a [`Purpose`] and a
//! [`Place`]; the engine's reconciler (`engine::deliveries`) does the rest: posts the message,
//! edits after every change of a listed decision, posts a deleted batch card again while
//! [`Purpose::is_wanted`], and finds the message after a crash by the buttons. To change the list
//! later, call [`amend_posting`](super::Store::amend_posting).

use crate::core::Time;
use crate::core::batch::{Crowd, Planned};
use crate::core::posting::{Item, Place, Purpose};

/// A message to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPosting {
    /// The purpose.
    pub purpose: Purpose,
    /// Where to post. A message for [`Place::Nowhere`] is never posted, and kept only for buttons
    /// that refer to the list.
    pub place: Place,
    /// The list: each decision once, in the current state ([`Item::of`]).
    pub items: Vec<Item>,
    /// Creation time, by the wall clock.
    pub at: Time,
}

/// Inspects the pending decisions and plans the batches.
pub type PlanBatches = Box<dyn Fn(&Crowd) -> Vec<Planned> + Send>;
