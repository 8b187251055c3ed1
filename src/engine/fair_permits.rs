//! Permits for a limited number of uses at a time, granted by turns: no party delays the others by
//! asking much.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::core::values::fair_queue::FairQueue;

struct Uses<P: Clone + Eq + Hash, U: Ord> {
    free: usize,
    queue: FairQueue<P, U, oneshot::Sender<FairPermit<P, U>>>,
}

/// Permits for parties `P`; each use has an urgency `U`. Cheap to clone.
pub(super) struct FairPermits<P: Clone + Eq + Hash, U: Ord>(Arc<Mutex<Uses<P, U>>>);

/// Permission for one use, returned on drop.
pub(super) struct FairPermit<P: Clone + Eq + Hash, U: Ord>(Option<FairPermits<P, U>>);

impl<P: Clone + Eq + Hash, U: Ord> Clone for FairPermits<P, U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Clone + Eq + Hash, U: Ord> fmt::Debug for FairPermits<P, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairPermits").finish_non_exhaustive()
    }
}

impl<P: Clone + Eq + Hash, U: Ord> FairPermits<P, U> {
    /// `count`: uses at a time.
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(Uses { free: count, queue: FairQueue::default() })))
    }

    fn uses(&self) -> MutexGuard<'_, Uses<P, U>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self, party: P, urgency: U) -> FairPermit<P, U> {
        let granted = {
            let mut uses = self.uses();
            // While a permit is free, no use waits.
            if uses.free > 0 {
                uses.free -= 1;
                return FairPermit(Some(self.clone()));
            }
            let (grant, granted) = oneshot::channel();
            uses.queue.push(party, urgency, grant);
            granted
        };
        // The sender stays in the queue until the grant, so this cannot fail; a permit without a
        // place to return to would only go beyond the count.
        granted.await.unwrap_or(FairPermit(None))
    }

    /// Passes a returned permit on to the next use that still waits.
    fn pass_on(&self) {
        loop {
            let grant = {
                let mut uses = self.uses();
                let Some(grant) = uses.queue.pop() else {
                    uses.free += 1;
                    return;
                };
                grant
            };
            match grant.send(FairPermit(Some(self.clone()))) {
                Ok(()) => return,
                // The use was given up. Its permit must not return a second time.
                Err(mut permit) => permit.0 = None,
            }
        }
    }

    /// Permits that nobody holds or waits for.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.uses().free
    }
}

impl<P: Clone + Eq + Hash, U: Ord> Drop for FairPermit<P, U> {
    fn drop(&mut self) {
        if let Some(permits) = self.0.take() {
            permits.pass_on();
        }
    }
}
