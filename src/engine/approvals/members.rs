//! Whether a token's holder is still a member of the bot's server, and with which roles.
//!
//! The process with a connection to Discord asks there: before each verdict, and at most every
//! `KNOWN_FOR` for everything else. Discord limits such requests, so verdicts at the same time
//! share a request, and a flood of verdicts asks every `FLOOD_KNOWN_FOR`. The process keeps each
//! answer in the store, for processes without a connection and for the time when Discord does not
//! answer. Does not depend on Discord's client.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::core::access::{Caller, HolderStanding, Scope};
use crate::core::decision::authorization::Role;
use crate::engine::rate_limit::RateLimit;
use crate::engine::{Handle, TokenApi};

/// How long an answer counts for reading. A verdict asks anew.
const KNOWN_FOR: Duration = Duration::from_secs(30);
/// How long an answer counts for a verdict after [`REQUESTS_AT_ONCE`] requests in a row.
const FLOOD_KNOWN_FOR: Duration = Duration::from_secs(1);
/// Requests about one user, a second and at once. Discord's limit is not documented; waiting for it
/// would delay every verdict of the user by seconds.
const REQUESTS_PER_SECOND: u32 = 2;
const REQUESTS_AT_ONCE: u32 = 4;
/// Longest wait for an answer. A caller waits at most twice as long: for the request before, and
/// for its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A person's membership in the bot's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// A member with these roles.
    Member {
        /// The roles.
        roles: Vec<Role>,
        /// Whether the member owns the bot's application.
        owner: bool,
    },
    /// Not a member.
    Stranger,
}

/// Knows the members of the bot's server.
#[async_trait]
pub trait MemberDirectory: Send + Sync + Debug {
    /// The membership of a user.
    ///
    /// # Errors
    /// Why no answer came, as text for the log.
    async fn membership(&self, user: u64) -> Result<Membership, String>;
}

/// The directory, once there is a connection, and its latest answers.
#[derive(Debug)]
pub(crate) struct KnownMembers {
    directory: Mutex<Option<Arc<dyn MemberDirectory>>>,
    known: Mutex<HashMap<u64, (Instant, HolderStanding)>>,
    requests: Mutex<HashMap<u64, LastRequest>>,
    request_rate: RateLimit,
}

impl Default for KnownMembers {
    fn default() -> Self {
        Self {
            directory: Mutex::default(),
            known: Mutex::default(),
            requests: Mutex::default(),
            request_rate: RateLimit::per_second(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE),
        }
    }
}

/// The last request about a user, locked while it runs: when it began, and the result.
type LastRequest = Arc<tokio::sync::Mutex<Option<(Instant, HolderStanding)>>>;

impl KnownMembers {
    fn directory(&self) -> Option<Arc<dyn MemberDirectory>> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn latest(&self, user: u64) -> Option<HolderStanding> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, standing) = known.get(&user)?;
        (at.elapsed() < KNOWN_FOR).then(|| standing.clone())
    }

    fn last_request(&self, user: u64) -> LastRequest {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(requests.entry(user).or_default())
    }

    fn learn(&self, user: u64, standing: &HolderStanding) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(user, (Instant::now(), standing.clone()));
    }
}

/// The name of the memo with the latest answer about a user.
fn memo(user: u64) -> String {
    format!("member:{user}")
}

fn holder(caller: &Caller) -> Option<u64> {
    caller.has(Scope::Decide).ok()?;
    caller.grant.holder.as_ref()?.person.discord_id()
}

impl Handle {
    /// Asks this directory about the holders of tokens from now on.
    pub fn set_member_directory(&self, directory: Arc<dyn MemberDirectory>) {
        let members = &self.inner.members;
        *members.directory.lock().unwrap_or_else(PoisonError::into_inner) = Some(directory);
    }

    /// What the store says about a user from an earlier answer.
    async fn stored_standing(&self, user: u64) -> Option<HolderStanding> {
        let found = self.with_store(move |store| store.memos().get(&memo(user))).await;
        let text = found.unwrap_or_else(|error| {
            tracing::warn!(%error, user, "could not read what is known of a token's holder");
            None
        });
        serde_json::from_str(&text?).ok()
    }

    async fn store_standing(&self, user: u64, standing: &HolderStanding) {
        let Ok(text) = serde_json::to_string(standing) else { return };
        let put = self.with_store(move |store| store.memos().put(&memo(user), Some(text)));
        if let Err(error) = put.await {
            tracing::warn!(%error, user, "could not record what Discord says of a token's holder");
        }
    }
}

impl TokenApi<'_> {
    /// The standing of a caller's holder, at most [`KNOWN_FOR`] old if Discord answers.
    pub(crate) async fn standing_of(self, caller: &Caller) -> HolderStanding {
        let Some(user) = holder(caller) else { return HolderStanding::Stated };
        self.standing_of_user(user).await
    }

    /// The standing of a person, at most [`KNOWN_FOR`] old if Discord answers.
    pub(crate) async fn standing_of_user(self, user: u64) -> HolderStanding {
        match self.handle.inner.members.latest(user) {
            Some(standing) => standing,
            None => self.ask(user).await,
        }
    }

    /// The standing of a person, as Discord says now.
    pub(crate) async fn standing_of_user_now(self, user: u64) -> HolderStanding {
        self.ask(user).await
    }

    /// The standing of a caller's holder, as Discord says now.
    pub(crate) async fn standing_now(self, caller: &Caller) -> HolderStanding {
        match holder(caller) {
            Some(user) => self.ask(user).await,
            None => HolderStanding::Stated,
        }
    }

    /// The result of a request that begins after this call, perhaps for another caller; in a flood,
    /// at most [`FLOOD_KNOWN_FOR`] before.
    async fn ask(self, user: u64) -> HolderStanding {
        let called = Instant::now();
        let members = &self.handle.inner.members;
        let last = members.last_request(user);
        let mut last = last.lock().await;
        let is_flood = || members.request_rate.check(&user.to_string()).is_err();
        match &*last {
            Some((began, standing))
                if *began > called || began.elapsed() < FLOOD_KNOWN_FOR && is_flood() =>
            {
                standing.clone()
            }
            _ => {
                let began = Instant::now();
                let standing = self.request(user).await;
                *last = Some((began, standing.clone()));
                standing
            }
        }
    }

    async fn request(self, user: u64) -> HolderStanding {
        let members = &self.handle.inner.members;
        let stored = self.handle.stored_standing(user).await;
        let Some(directory) = members.directory() else {
            return stored.unwrap_or_default();
        };
        let asked = tokio::time::timeout(ANSWER_WITHIN, directory.membership(user)).await;
        let standing = match asked {
            Ok(Ok(Membership::Member { roles, owner })) => HolderStanding::Member { roles, owner },
            Ok(Ok(Membership::Stranger)) => HolderStanding::Left,
            failed => {
                let why = failed.ok().and_then(Result::err);
                let why = why.unwrap_or_else(|| "no answer in time".to_owned());
                tracing::warn!(
                    user,
                    why,
                    "Discord does not say whether a token's holder is still \
                    a member of the server"
                );
                return stored.unwrap_or(HolderStanding::Unknown);
            }
        };
        members.learn(user, &standing);
        if stored.as_ref() != Some(&standing) {
            if standing == HolderStanding::Left {
                tracing::warn!(
                    user,
                    "a token's holder is no longer a member of the server: the \
                    token decides nothing in their name. Revoke it with gander token revoke"
                );
            }
            self.handle.store_standing(user, &standing).await;
            // Streams and waits of the token end.
            self.handle.hint();
        }
        standing
    }
}

#[cfg(test)]
mod tests;
