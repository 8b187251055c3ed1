//! Work budget for judging a call: an agent chooses the text, so the text must not choose how long
//! judging takes.
//!
//! A step is one unit of bounded work: a character read, a word compared with a pattern. Every loop
//! over an agent's text spends its steps first. When the budget is spent, judging stops, and the
//! call is asked.

use std::cell::Cell;

/// Steps for one call. Reading 1 MiB, the longest call that a hook accepts, takes about half.
const MOST: u64 = 2_000_000;

/// The steps left for one call.
#[derive(Debug)]
pub struct Budget {
    left: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Cell::new(MOST) }
    }
}

impl Budget {
    /// Spends steps. `false` if fewer are left; then the budget is spent.
    #[must_use]
    pub fn spend(&self, steps: usize) -> bool {
        let left = self.left.get().checked_sub(u64::try_from(steps).unwrap_or(u64::MAX));
        self.left.set(left.unwrap_or(0));
        left.is_some_and(|left| left > 0)
    }

    /// Whether the budget is spent: the judgement is incomplete.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// The steps spent until now.
    #[must_use]
    pub fn spent(&self) -> u64 {
        MOST - self.left.get()
    }
}
