//! Tells the approvers when cards cannot be shown: by direct message, because the channel is what
//! is broken.
//!
//! Once for each channel until one of its cards is posted again, and not again soon after that.
//! What was said is kept in memory; a restart says it once more, for it is still so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::all::{CreateAllowedMentions, CreateMessage, Http, UserId};
use tokio::time::Instant;

use super::error::meaning;
use crate::core::decision::Decision;
use crate::core::text;
use crate::engine::Handle;

/// People who are told at most: Discord refuses a bot that opens many direct messages quickly
/// (40003).
const MOST_PEOPLE: usize = 10;

/// A channel that is open again and then closed is no news so soon: some of its cards may still be
/// on their way.
const QUIET: Duration = Duration::from_secs(10 * 60);

/// What was said of a place.
#[derive(Debug, Clone, Copy)]
struct Raised {
    at: Instant,
    mended: bool,
}

/// Who is told, and what was.
pub(super) struct Alarm {
    http: Arc<Http>,
    handle: Handle,
    owner: Option<UserId>,
    raised: Mutex<HashMap<String, Raised>>,
}

impl std::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}

impl Alarm {
    pub(super) fn new(http: Arc<Http>, handle: Handle, owner: Option<UserId>) -> Self {
        Self { http, handle, owner, raised: Mutex::default() }
    }

    /// The card of a decision cannot be shown, and why. Who may decide it is told, if that was not
    /// said before. `place` is where its cards belong: an agent may name a thousand projects, and
    /// they share one.
    pub(super) fn raise(&self, place: &str, decision: &Decision, why: &str) {
        if !self.is_news(place) {
            return;
        }
        let words = text::no_place(decision, why);
        let (http, people, id) = (Arc::clone(&self.http), self.people(decision), decision.id.0);
        // Not awaited: the reconciler has other cards to post.
        tokio::spawn(async move {
            for person in people {
                if let Err(error) = tell(&http, person, &words).await {
                    tracing::warn!(decision = id, %person, "they could not be told that cards cannot be shown: {}", meaning(&error).1);
                }
            }
        });
    }

    /// A card of this place hangs: the next failure is news again.
    pub(super) fn clear(&self, place: &str) {
        if let Some(raised) =
            self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place)
        {
            raised.mended = true;
        }
    }

    fn is_news(&self, place: &str) -> bool {
        let mut all = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(place).is_some_and(|raised| !raised.mended || raised.at.elapsed() < QUIET) {
            return false;
        }
        all.insert(place.to_owned(), Raised { at: Instant::now(), mended: false });
        true
    }

    /// Those that are known by name. Who has a role is not: listing a server's members needs a
    /// privileged intent.
    fn people(&self, decision: &Decision) -> Vec<UserId> {
        let who = self.handle.who_may(decision);
        let named = who.users.into_iter().map(UserId::new).take(MOST_PEOPLE);
        // Somebody must hear of it: where only roles approve, it is the one who set the bot up.
        let mut people: Vec<UserId> = named.collect();
        if people.is_empty() {
            people.extend(self.owner);
        }
        people
    }
}

async fn tell(http: &Http, person: UserId, words: &str) -> serenity::Result<()> {
    let channel = person.create_dm_channel(http).await?;
    let message =
        CreateMessage::new().content(words).allowed_mentions(CreateAllowedMentions::new());
    channel.id.send_message(http, message).await.map(drop)
}
