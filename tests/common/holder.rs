//! Tokens of people, for tests: the program makes those only for somebody at a terminal.

use std::path::Path;
use std::sync::Arc;

use gander::core::access::{Grant, Holder, Scope};
use gander::core::decision::Person;
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use gander::engine::clock::{SystemClock, wall_time};
use gander::store::Store;
use secrecy::ExposeSecret as _;

/// What a token allows; `user`: in whose name it decides, called Maya.
pub(crate) fn grant(scopes: &[Scope], projects: &[&str], user: Option<u64>) -> Grant {
    let holder =
        user.map(|user| Holder { person: Person::discord(user, "Maya"), roles: Vec::new() });
    Grant {
        scopes: scopes.iter().copied().collect(),
        projects: projects.iter().map(|project| (*project).to_owned()).collect(),
        holder,
    }
}

/// A token by which Maya sees and decides. Its secret. `user`: Maya's Discord id; a bot that runs
/// looks for Maya among the members of its server.
pub(crate) async fn token_of_maya(store: &Path, user: u64, projects: &[&str]) -> String {
    let store = Store::open(store, None, wall_time()).unwrap();
    let clock = Arc::new(SystemClock::new(store.time_scale()));
    let handle = Handle::new(Arc::new(store), Rules::default(), clock);
    let grant = grant(&[Scope::Observe, Scope::Decide], projects, Some(user));
    handle.tokens().create("Maya's phone", grant).await.unwrap().1.expose_secret().to_owned()
}
