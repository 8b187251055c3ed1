//! From the JSON of a request to a channel about to be created or changed, with what is wrong with
//! it. Limits and errors are from the page "Channels Resource" of Discord's documentation.

use serde_json::Value;

use crate::gap::Gap;
use crate::mentions::id_of;
use crate::model::{About, Channel, GuildPlace, Overwrite, OverwriteOf, Place};
use crate::permissions::{ADMINISTRATOR, ALL, MANAGE_ROLES};
use crate::refusal::{Problems, Refusal};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// Channels of a guild, the categories included.
const CHANNELS: usize = 500;
/// Channels of a category.
const IN_CATEGORY: usize = 50;

/// Numbers of the channel types that are simulated.
const TEXT: u64 = 0;
const VOICE: u64 = 2;
const CATEGORY: u64 = 4;

/// What a change of a channel sets; `None` leaves a part as it is.
#[derive(Debug, Default)]
pub(super) struct Form {
    name: Option<String>,
    topic: Option<String>,
    nsfw: Option<bool>,
    slowmode: Option<u32>,
    thread_minutes: Option<Option<u32>>,
    parent: Option<Option<Snowflake>>,
    pub(super) overwrites: Option<Vec<Overwrite>>,
    pub(super) position: Option<usize>,
}

impl Form {
    /// Reads the body of a change.
    pub(super) fn of_change(
        state: &State,
        guild: Snowflake,
        channel: &Channel,
        body: &Value,
    ) -> Result<Self, Refusal> {
        validate::channel::change(body)?;
        if body["type"].as_u64().is_some_and(|kind| kind != kind_of(channel)) {
            return Err(Refusal::gap(Gap::field("change of a channel", "type")));
        }
        let mut problems = Problems::default();
        let is_category = matches!(channel.place, Place::Category { .. });
        let mut form = Self::read(state, guild, body, is_category, &mut problems);
        problems.into_result()?;
        let is_text = matches!(channel.place, Place::Text { .. });
        let name = body["name"].as_str();
        form.name = name.map(|name| if is_text { text_name(name) } else { name.to_owned() });
        Ok(form)
    }

    /// Reads what bodies of new channels and of changes have in common.
    fn read(
        state: &State,
        guild: Snowflake,
        body: &Value,
        is_category: bool,
        problems: &mut Problems,
    ) -> Self {
        let minutes = "default_auto_archive_duration";
        let parent = body.get("parent_id");
        Self {
            name: None,
            topic: body.get("topic").map(|topic| topic.as_str().unwrap_or_default().to_owned()),
            nsfw: body["nsfw"].as_bool(),
            slowmode: body.get("rate_limit_per_user").map(|seconds| number(seconds).unwrap_or(0)),
            thread_minutes: body.get(minutes).map(number),
            parent: parent.map(|id| category(state, guild, id, is_category, problems)),
            overwrites: body["permission_overwrites"]
                .as_array()
                .map(|list| list.iter().filter_map(overwrite).collect()),
            position: body["position"].as_u64().and_then(|n| usize::try_from(n).ok()),
        }
    }

    /// Sets on a channel what the form sets.
    pub(super) fn apply(self, channel: &mut Channel) {
        if let Some(at) = channel.at_mut() {
            at.name = self.name.unwrap_or_else(|| at.name.clone());
            at.parent = self.parent.unwrap_or(at.parent);
            at.overwrites = self.overwrites.unwrap_or_else(|| at.overwrites.clone());
        }
        if let Place::Text { about, .. } = &mut channel.place {
            about.topic = self.topic.unwrap_or_else(|| about.topic.clone());
            about.nsfw = self.nsfw.unwrap_or(about.nsfw);
            about.slowmode = self.slowmode.unwrap_or(about.slowmode);
            about.thread_minutes = self.thread_minutes.unwrap_or(about.thread_minutes);
        }
    }
}

pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn kind_of(channel: &Channel) -> u64 {
    match channel.place {
        Place::Voice { .. } => VOICE,
        Place::Category { .. } => CATEGORY,
        Place::Text { .. } | Place::Thread(_) | Place::Dm { .. } => TEXT,
    }
}

/// The name of a text channel, as Discord writes it: in lower case, with hyphens for white space.
fn text_name(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-")
}

/// The new channel that a body describes; `bits` is what the bot may do in the guild.
pub(super) fn place(
    state: &State,
    guild: Snowflake,
    body: &Value,
    bits: u64,
) -> Result<Place, Refusal> {
    let kind = body["type"].as_u64().unwrap_or(TEXT);
    validate::channel::create(body)?;
    if !matches!(kind, TEXT | VOICE | CATEGORY) {
        return Err(Refusal::gap(Gap::field("new channel", &format!("type {kind}"))));
    }
    let mut problems = Problems::default();
    let form = Form::read(state, guild, body, kind == CATEGORY, &mut problems);
    problems.into_result()?;
    let order = state.realm.guild(guild).map_or(0, |guild| guild.order.len());
    if order >= CHANNELS {
        return Err(Refusal::too_many_channels(CHANNELS));
    }
    within(form.overwrites.as_deref().unwrap_or_default(), bits)?;
    let name = body["name"].as_str().unwrap_or_default();
    let parent = form.parent.flatten();
    // A new channel is in step with its category unless its overwrites are given.
    let inherited = parent.and_then(|id| state.realm.channel(id)).and_then(Channel::at);
    let inherited = inherited.map(|at| at.overwrites.clone());
    let at = GuildPlace {
        guild,
        name: if kind == TEXT { text_name(name) } else { name.to_owned() },
        parent,
        overwrites: form.overwrites.or(inherited).unwrap_or_default(),
    };
    let about = About {
        topic: form.topic.unwrap_or_default(),
        nsfw: form.nsfw.unwrap_or_default(),
        slowmode: form.slowmode.unwrap_or_default(),
        thread_minutes: form.thread_minutes.flatten(),
    };
    Ok(match kind {
        VOICE => Place::Voice { at },
        CATEGORY => Place::Category { at },
        _ => Place::Text { at, about },
    })
}

/// The category that `parent_id` means. The words of its refusals are from public reports.
fn category(
    state: &State,
    guild: Snowflake,
    parent: &Value,
    is_category: bool,
    problems: &mut Problems,
) -> Option<Snowflake> {
    if parent.is_null() {
        return None;
    }
    let found = id_of(parent).and_then(|id| state.realm.channel(id));
    let found = found.filter(|channel| channel.guild() == Some(guild));
    let Some(found) = found else {
        problems.add("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist");
        return None;
    };
    let siblings = state.realm.channels.iter().filter_map(Channel::at);
    if is_category || !matches!(found.place, Place::Category { .. }) {
        problems.add("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category");
    } else if siblings.filter(|at| at.parent == Some(found.id)).count() >= IN_CATEGORY {
        let words = format!("Maximum number of channels in category reached ({IN_CATEGORY})");
        problems.add("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", words);
    }
    Some(found.id)
}

/// The permission overwrite that a checked object describes.
pub(super) fn overwrite(entry: &Value) -> Option<Overwrite> {
    let subject = id_of(&entry["id"])?;
    let of = match number(&entry["type"]) {
        Some(0) => OverwriteOf::Role(subject),
        _ => OverwriteOf::Member(subject),
    };
    let bits = |key: &str| id_of(&entry[key]).map_or(0, |bits| bits.number() & ALL);
    Some(Overwrite { of, allow: bits("allow"), deny: bits("deny") })
}

/// Refuses overwrites of permissions that the bot has not itself (50013). MANAGE_ROLES is for
/// administrators alone to give.
pub(super) fn within(overwrites: &[Overwrite], bits: u64) -> Result<(), Refusal> {
    let lent = if bits & ADMINISTRATOR == 0 { bits & !MANAGE_ROLES } else { ALL };
    let beyond = |overwrite: &Overwrite| (overwrite.allow | overwrite.deny) & !lent != 0;
    if overwrites.iter().any(beyond) { Err(Refusal::missing_permissions()) } else { Ok(()) }
}

/// New positions and categories of channels.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) positions: Vec<(Snowflake, usize)>,
    pub(super) parents: Vec<(Snowflake, NewParent)>,
}

/// A new category, and the overwrites that come with it.
#[derive(Debug)]
pub(super) struct NewParent {
    parent: Option<Snowflake>,
    overwrites: Option<Vec<Overwrite>>,
}

impl NewParent {
    /// Sets it on a channel.
    pub(super) fn apply(&self, channel: &mut Channel) {
        if let Some(at) = channel.at_mut() {
            at.parent = self.parent;
            at.overwrites = self.overwrites.clone().unwrap_or_else(|| at.overwrites.clone());
        }
    }
}

/// The moves that a list of positions describes.
pub(super) fn moves(state: &State, guild: Snowflake, body: &Value) -> Result<Moves, Refusal> {
    validate::channel::moves(body)?;
    let mut problems = Problems::default();
    let mut moves = Moves::default();
    for entry in body.as_array().into_iter().flatten() {
        let channel = id_of(&entry["id"]).and_then(|id| state.realm.channel(id));
        let channel = channel.filter(|channel| channel.guild() == Some(guild));
        let channel = channel.ok_or_else(Refusal::unknown_channel)?;
        let is_category = matches!(channel.place, Place::Category { .. });
        if let Some(position) = entry["position"].as_u64().and_then(|n| usize::try_from(n).ok()) {
            moves.positions.push((channel.id, position));
        }
        if let Some(parent) = entry.get("parent_id") {
            let parent = category(state, guild, parent, is_category, &mut problems);
            let place = parent.and_then(|id| state.realm.channel(id)).and_then(Channel::at);
            let place = place.filter(|_| entry["lock_permissions"] == true);
            let overwrites = place.map(|at| at.overwrites.clone());
            moves.parents.push((channel.id, NewParent { parent, overwrites }));
        }
    }
    problems.into_result()?;
    moves.positions.sort_by_key(|(_, position)| *position);
    Ok(moves)
}
