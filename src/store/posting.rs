//! What the store is told of postings: messages that stand for several decisions.
//!
//! To post one, [`open_posting`](super::Store::open_posting) with a [`Purpose`] of its own and a
//! [`Place`]; the engine's reconciler (`engine::deliveries`) does the rest. It posts it, edits it
//! whenever a decision on it changes anywhere, posts it again where somebody deleted it while
//! [`Purpose::is_wanted`], and finds it after a crash by the buttons on it. A purpose that needs
//! other lists later calls [`amend_posting`](super::Store::amend_posting).

use crate::core::Time;
use crate::core::batch::{Crowd, Planned};
use crate::core::posting::{Item, Place, Purpose};

/// A posting to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPosting {
    /// What it is for.
    pub purpose: Purpose,
    /// Where it belongs. One that belongs [`Place::Nowhere`] is kept for its buttons and never
    /// posted.
    pub place: Place,
    /// What it lists: each decision once, as it stands ([`Item::of`]).
    pub items: Vec<Item>,
    /// When, by the wall clock.
    pub at: Time,
}

/// Looks at what waits and names what shall share cards.
pub type PlanBatches = Box<dyn Fn(&Crowd) -> Vec<Planned> + Send>;
