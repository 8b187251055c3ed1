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

/// The buttons and menus of a reminder, mention or report. While a decision is open, at least one
/// component carries the message's own id: the search after a crash finds the message by this id,
/// and otherwise the message would be posted twice.
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
            if message_view.first_open().is_some() {
                with_button(&mut rows, hush(message_view, tag));
            }
            rows
        }
        // A deferred decision is open too, though the card shows no controls.
        (Purpose::Mention { .. } | Purpose::Confirmation { .. }, _)
            if message_view.first_open().is_some() =>
        {
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

/// Appends a button to the last row with room (Discord: 5 buttons in a row), or as a new row.
fn with_button(rows: &mut Vec<CreateActionRow>, one: CreateButton) {
    let room = |row: &&mut CreateActionRow| match row {
        CreateActionRow::Buttons(buttons) => buttons.len() < 5,
        _ => false,
    };
    match rows.iter_mut().rev().find(room) {
        Some(CreateActionRow::Buttons(buttons)) => buttons.push(one),
        // Discord takes 5 rows; a card has at most 4.
        _ => rows.push(CreateActionRow::Buttons(vec![one])),
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::core::Time;
    use crate::core::decision::event::Event;
    use crate::core::decision::{Decision, DecisionId, Person, Request, Terms};
    use crate::core::messaging::message::{Destination, Listed, Message, MessageId, PostState};
    use crate::core::values::time_scale::TimeScale;
    use crate::presentation::message::present;
    use crate::surfaces::discord::interactions::custom_id::{Control, CustomId};
    use crate::surfaces::discord::rendering::message_views::message_view;

    fn at(minutes: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    fn asked() -> Decision {
        let request = Request { title: "Deploy?".into(), ..Request::default() };
        Decision::new(DecisionId(7), request, Terms::default(), at(0))
    }

    /// A decision in each state in which a message about it may be posted.
    fn open() -> Vec<(&'static str, Decision)> {
        let ann = || Person::discord(1, "Ann");
        let deferred = Event::Deferred { until: at(99), by: ann() };
        let reminded = asked().escalate(at(30), TimeDelta::zero()).unwrap();
        let off = asked().evolve(&deferred, at(1), 2);
        vec![
            ("asked", asked()),
            ("reminded", asked().evolve(&reminded, at(30), 2)),
            ("returned", off.clone().evolve(&Event::Returned, at(99), 3)),
            ("deferred", off),
        ]
    }

    /// The search after an interrupted create finds a message by its id on a component.
    #[test]
    fn every_message_that_may_be_posted_carries_its_id() {
        let purposes = [
            Purpose::Reminder { user: 1 },
            Purpose::Mention { users: vec![1], roles: Vec::new(), here: false },
            Purpose::Mention { users: Vec::new(), roles: vec![2], here: true },
            Purpose::Confirmation { user: 1, direct: true },
            Purpose::Confirmation { user: 1, direct: false },
            Purpose::Incident { report: "# Report".into() },
            Purpose::Unreached { contacts: Vec::new() },
            Purpose::Batch { project: "shop".into() },
        ];
        for purpose in purposes {
            for (state, decision) in open() {
                for several in [false, true] {
                    let other = Decision { id: DecisionId(8), ..decision.clone() };
                    let mut listed = vec![Listed::now(&decision)];
                    listed.extend(several.then(|| Listed::now(&other)));
                    let message = Message {
                        id: MessageId(42),
                        purpose: purpose.clone(),
                        place: Destination::Nowhere,
                        opened_at: at(0),
                        revision: 1,
                        generation: 1,
                        state: PostState::NotPosted,
                        items: listed.iter().map(|listed| listed.item).collect(),
                    };
                    let view = MessageView { message, listed };
                    assert!(view.is_wanted(), "{purpose:?}, {state}");
                    let card = present(&view, TimeScale::REAL).unwrap();
                    let rows = message_view(&card, &view, "abc123").rows;
                    assert!(rows.len() <= 5, "{purpose:?}, {state}: {rows:?}");
                    let rows = serde_json::to_value(rows).unwrap();
                    let components = rows.as_array().unwrap().iter();
                    let ids = components
                        .flat_map(|row| row["components"].as_array().unwrap())
                        .filter_map(|component| CustomId::parse(component["custom_id"].as_str()?));
                    let is_found =
                        |id: CustomId| matches!(id.act, Control::With(id, ..) if id.0 == 42);
                    assert!(
                        ids.into_iter().any(is_found),
                        "{purpose:?}, {state}, several: {several}: {rows:#}"
                    );
                }
            }
        }
    }
}
