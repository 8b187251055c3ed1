//! Looks up members and roles for the engine's reminders, and draws a reminder's buttons.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateButton, Http, RoleId, UserId,
};
use tokio::time::Instant;

use crate::core::decision::authorization::Voter;
use crate::core::messaging::message::{MessageView, Purpose};
use crate::engine::escalation::reminders::Directory;
use crate::presentation::card::Card;
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::connection::channels::Places;
use crate::surfaces::discord::connection::error::{Meaning, meaning};
use crate::surfaces::discord::connection::people::Application;
use crate::surfaces::discord::interactions::custom_id::ListAction;
use crate::surfaces::discord::rendering::message_views::{batch_rows, id_of, open_menu};
use crate::surfaces::discord::rendering::render;
use crate::surfaces::discord::rendering::render::{View, button};
use crate::surfaces::discord::{Bot, commands};

/// How long a member's roles are cached. Fifty decisions due at the same moment need a single
/// request per person.
const MEMBER_CACHE_TTL: Duration = Duration::from_secs(60);

/// Duration of a snooze by the button "Not now".
const NOT_NOW: &str = "1h";

/// How long to wait before asking again after a failed lookup.
const FAILED_LOOKUP_TTL: Duration = Duration::from_secs(10);

/// Time-out of a member lookup. Notifications on other channels wait for the lookup.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// A cached member lookup.
#[derive(Debug, Clone)]
pub(crate) struct KnownMembers {
    /// When the entry expires.
    until: Instant,
    /// The member; `None`: not in the server. An error if no lookup has succeeded yet.
    voter: Result<Option<Voter>, String>,
}

/// The members of the server, with a cache.
pub(crate) struct Members {
    pub(crate) http: Arc<Http>,
    pub(crate) application: Application,
    pub(crate) places: Arc<Places>,
    pub(crate) known: Mutex<HashMap<u64, KnownMembers>>,
}

#[async_trait]
impl Directory for Members {
    fn owner(&self) -> Option<u64> {
        self.application.owner_id()
    }

    async fn voter(&self, user: u64) -> Result<Option<Voter>, String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&user).cloned();
        if let Some(known) = known.as_ref().filter(|known| Instant::now() < known.until) {
            return known.voter.clone();
        }
        let (voter, lasts) = match self.ask(user).await {
            Ok(voter) => (Ok(voter), MEMBER_CACHE_TTL),
            // After a failed lookup the last known roles are the best answer.
            Err(why) => (known.and_then(|known| known.voter.ok()).ok_or(why), FAILED_LOOKUP_TTL),
        };
        let known = KnownMembers { until: Instant::now() + lasts, voter: voter.clone() };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(user, known);
        voter
    }

    fn roles(&self, named: &str) -> Vec<(u64, String)> {
        let roles = self.places.roles(&self.places.role_ids(named));
        roles.into_iter().map(|role| (role.id, role.name)).collect()
    }

    fn channel(&self, project: &str) -> Result<String, String> {
        self.places.of_project(project).map(|channel| channel.to_string())
    }

    fn no_here(&self, channel: &str) -> Option<String> {
        let channel = channel.parse().ok().map(serenity::all::ChannelId::new)?;
        self.places.channel_without_here(channel).map(|name| text::no_here(&name))
    }

    fn link(&self, channel: &str, message: &str) -> String {
        format!("https://discord.com/channels/{}/{channel}/{message}", self.application.guild)
    }
}

impl Members {
    async fn ask(&self, user: u64) -> Result<Option<Voter>, String> {
        let unknown = |why: &str| Err(format!("Discord does not report the user {user}: {why}"));
        let asked = self.http.get_member(self.application.guild, UserId::new(user.max(1)));
        match tokio::time::timeout(LOOKUP_TIMEOUT, asked).await {
            Ok(Ok(member)) => Ok(Some(
                self.application.voter(&self.http, &self.places, &member.user, Some(&member)).await,
            )),
            Ok(Err(error)) => match meaning(&error) {
                (Meaning::Passing | Meaning::Unauthorized, why) => unknown(&why),
                // Unknown member, unknown user or invalid user id: no such approver exists.
                _ => Ok(None),
            },
            Err(_) => unknown("it did not answer in time"),
        }
    }
}

impl Bot {
    /// The button "Not now" on a reminder: snoozes for [`NOT_NOW`].
    pub(crate) async fn hush(&self, voter: &Voter) -> View {
        commands::snoozed(self, &voter.person, NOT_NOW).await
    }
}

/// The buttons and menus of a reminder, mention or report. While a decision waits, at least one
/// component carries the message's own id: the search after a crash finds the message by this id.
pub(crate) fn rows(card: &Card, message_view: &MessageView, tag: &str) -> Vec<CreateActionRow> {
    let message = &message_view.message;
    match (&message.purpose, message_view.listed.as_slice()) {
        (Purpose::Reminder { .. } | Purpose::Confirmation { direct: true, .. }, [one]) => {
            let mut rows = render::card(card, &one.decision, tag).rows;
            if one.is_open_here() {
                with_button(&mut rows, hush(message_view, tag));
            }
            rows
        }
        (Purpose::Reminder { .. }, _) => {
            let mut rows = batch_rows(message_view, tag);
            if card.controls {
                with_button(&mut rows, hush(message_view, tag));
            }
            rows
        }
        (Purpose::Mention { .. } | Purpose::Confirmation { .. }, _) if card.controls => {
            let waiting = message_view.listed.iter().filter(|listed| listed.is_open_here()).count();
            let label =
                if waiting == 1 { label::LOOK.to_owned() } else { text::review_all_label(waiting) };
            let review =
                button(id_of(message, tag, ListAction::Walk(0)), ButtonStyle::Primary, &label);
            vec![CreateActionRow::Buttons(vec![review])]
        }
        (Purpose::Incident { .. } | Purpose::Unreached { .. }, listed) => {
            vec![open_menu(message, listed, 0, tag)]
        }
        _ => Vec::new(),
    }
}

fn hush(message_view: &MessageView, tag: &str) -> CreateButton {
    button(
        id_of(&message_view.message, tag, ListAction::Hush),
        ButtonStyle::Secondary,
        label::NOT_NOW,
    )
}

/// Appends a button to the last row with room (Discord: 5 buttons in a row).
fn with_button(rows: &mut [CreateActionRow], one: CreateButton) {
    let room = |row: &&mut CreateActionRow| match row {
        CreateActionRow::Buttons(buttons) => buttons.len() < 5,
        _ => false,
    };
    if let Some(CreateActionRow::Buttons(buttons)) = rows.iter_mut().rev().find(room) {
        buttons.push(one);
    }
}

/// Allows exactly the intended mentions when the message is created, regardless of the agent's
/// text.
pub(crate) fn pings(view: View, purpose: &Purpose) -> View {
    let (users, roles, here): (&[u64], &[u64], bool) = match purpose {
        Purpose::Mention { users, roles, here } => (users, roles, *here),
        Purpose::Confirmation { user, direct: false } => (std::slice::from_ref(user), &[], false),
        _ => return view,
    };
    let users = users.iter().map(|user| UserId::new((*user).max(1)));
    let roles = roles.iter().map(|role| RoleId::new((*role).max(1)));
    View { pings: CreateAllowedMentions::new().users(users).roles(roles).everyone(here), ..view }
}
