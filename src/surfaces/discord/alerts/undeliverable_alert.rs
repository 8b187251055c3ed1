//! Alerts the approvers when cards cannot be posted: by direct message, because the channel itself
//! is broken.
//!
//! One alert per channel, until a card is posted there again; then at most one alert in 10 minutes.
//! The state is in memory only: after a restart the alert is sent again, because the problem
//! persists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::all::{Http, UserId};
use tokio::time::Instant;

use crate::core::decision::Decision;
use crate::engine::Handle;
use crate::presentation::text;
use crate::surfaces::discord::connection::error::meaning;
use crate::surfaces::discord::rendering::render::View;

/// Maximum people per alert: Discord rejects a bot that opens many direct messages quickly (40003).
const MOST_PEOPLE: usize = 10;

/// Minimum time between alerts about a channel. A channel that reopens and closes again soon raises
/// no new alert, because some cards may still be in flight.
const QUIET: Duration = Duration::from_secs(10 * 60);

/// The last alert about a channel.
#[derive(Debug, Clone, Copy)]
struct LastAlert {
    at: Instant,
    mended: bool,
}

/// Sends the alerts, and remembers earlier alerts by channel.
pub(crate) struct Alarm {
    http: Arc<Http>,
    handle: Handle,
    owner: Option<UserId>,
    raised: Mutex<HashMap<String, LastAlert>>,
}

impl std::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}

impl Alarm {
    pub(crate) fn new(http: Arc<Http>, handle: Handle, owner: Option<UserId>) -> Self {
        Self { http, handle, owner, raised: Mutex::default() }
    }

    /// Alerts the decision's approvers, once, about a card that cannot be posted. `place` is the
    /// key: a project with a channel of its own, or empty for all other projects. An agent may name
    /// a thousand projects, and the alert is for their shared channel.
    pub(crate) fn raise(&self, place: &str, decision: &Decision, why: &str) {
        if !self.should_alert(place) {
            return;
        }
        let words = text::card_not_posted(decision, why);
        let (http, people, id) = (Arc::clone(&self.http), self.people(decision), decision.id.0);
        // Not awaited: the reconciler has other cards to post.
        tokio::spawn(async move {
            for person in people {
                if let Err(error) = tell(&http, person, &words).await {
                    tracing::warn!(decision = id, %person, "could not alert a person that cards \
                         cannot be posted: {}", meaning(&error).1);
                }
            }
        });
    }

    /// A card was posted in this channel: the next failure raises a new alert.
    pub(crate) fn clear(&self, place: &str) {
        if let Some(raised) =
            self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place)
        {
            raised.mended = true;
        }
    }

    fn should_alert(&self, place: &str) -> bool {
        let mut all = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(place).is_some_and(|raised| !raised.mended || raised.at.elapsed() < QUIET) {
            return false;
        }
        all.insert(place.to_owned(), LastAlert { at: Instant::now(), mended: false });
        true
    }

    /// The approvers named by user id. Members of a role are unknown: listing a server's members
    /// needs a privileged intent.
    fn people(&self, decision: &Decision) -> Vec<UserId> {
        let who = self.handle.approvers().who_may(decision);
        let named = who.users.into_iter().map(UserId::new).take(MOST_PEOPLE);
        // If only roles approve, alert the application's owner, who set up the bot.
        let mut people: Vec<UserId> = named.collect();
        if people.is_empty() {
            people.extend(self.owner);
        }
        people
    }
}

/// Sends a direct message that mentions nobody.
pub(super) async fn tell(http: &Http, person: UserId, words: &str) -> serenity::Result<()> {
    let channel = person.create_dm_channel(http).await?;
    channel.id.send_message(http, View::words(words).create()).await.map(drop)
}
