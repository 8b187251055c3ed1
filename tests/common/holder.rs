//! Tokens of people, for tests: the program makes those only for somebody at a terminal.

use std::path::Path;
use std::sync::Arc;

use gander::core::caller::{Grant, Holder, Scope};
use gander::core::decision::Person;
use gander::core::policy::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};
use gander::store::Store as _;
use gander::store::sqlite::SqliteStore;

/// A token by which Maya sees and decides. Its secret.
pub(crate) async fn token_of_maya(store: &Path, projects: &[&str]) -> String {
    let store = SqliteStore::open(store, None, wall_time()).unwrap();
    let clock = Arc::new(SystemClock::new(store.pace()));
    let handle = Handle::new(Arc::new(store), Rules::default(), clock);
    let holder = Some(Holder { person: Person::discord(7, "Maya"), roles: Vec::new() });
    let projects = projects.iter().map(|project| (*project).to_owned()).collect();
    let grant = Grant { scopes: [Scope::Observe, Scope::Decide].into(), projects, holder };
    handle.create_token("Maya's phone", grant).await.unwrap().1.reveal().to_owned()
}
