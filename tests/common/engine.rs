//! The approval API on a store of the test's own, in the test's process.

use std::path::Path;
use std::sync::Arc;

use gander::core::decision::authorization::Voter;
use gander::core::decision::{Decision, Person};
use gander::core::policy::rules::Rules;
use gander::engine::clock::{Clock as _, SystemClock, TestClock, wall_time};
use gander::engine::{Filter, Handle};

use super::process::LIMIT;
use gander::store::Store;

/// On this store, by the system's clock.
pub(crate) fn handle(store: &Path, rules: Rules) -> Handle {
    let store = Store::open(store, None, wall_time()).unwrap();
    let clock = SystemClock::new(store.time_scale());
    Handle::new(Arc::new(store), rules, Arc::new(clock))
}

/// On this store, by a clock that the test moves.
pub(crate) fn handle_at(store: &Path, rules: Rules, clock: &TestClock) -> Handle {
    let store = Store::open(store, None, clock.now()).unwrap();
    Handle::new(Arc::new(store), rules, Arc::new(clock.clone()))
}

/// The owner.
pub(crate) fn maya() -> Voter {
    Voter { person: Person::discord(7, "Maya"), roles: Vec::new(), owner: true }
}

/// Waits until the store says so. The handle's hints tell when to look.
pub(crate) async fn until(handle: &Handle, what: &str, holds: impl Fn(&[Decision]) -> bool) {
    let mut hints = handle.hints();
    let waited = tokio::time::timeout(LIMIT, async {
        loop {
            hints.mark_unchanged();
            if holds(&handle.approvals().list(Filter::default()).await.unwrap()) {
                return;
            }
            hints.changed().await.unwrap();
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"));
}
