//! Routes of channel webhooks: those that manage them, and those that their token authorizes. What
//! they need is from the page "Webhook Resource" of Discord's documentation.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::channels::{because, in_guild, need, visible};
use super::drafts;
use super::guilds::inside;
use crate::channels::Because;
use crate::gap::Gap;
use crate::mentions::id_of;
use crate::messages::Envelope;
use crate::model::{Audience, Guise, Message, Place, Webhook};
use crate::permissions::MANAGE_WEBHOOKS;
use crate::refusal::{Problems, Refusal};
use crate::snowflake::{self, Snowflake};
use crate::state::State;
use crate::validate;

/// Webhooks of a channel.
const OF_CHANNEL: usize = 15;
pub(super) fn of_channel(state: &mut State, call: &Call) -> Answer {
    let (bot, channel) = (call.bot()?, visible(state, call)?.id);
    need(state, bot, channel, MANAGE_WEBHOOKS)?;
    let webhooks = state.realm.webhooks.iter().filter(|webhook| webhook.channel == channel);
    Ok(Reply::ok(webhooks.map(|hook| full(state, hook, bot)).collect::<Vec<_>>()))
}

pub(super) fn of_guild(state: &mut State, call: &Call) -> Answer {
    let (bot, guild) = (call.bot()?, inside(state, call)?.id);
    in_guild(state, bot, guild, MANAGE_WEBHOOKS)?;
    let webhooks = state.realm.webhooks.iter().filter(|webhook| webhook.guild == guild);
    Ok(Reply::ok(webhooks.map(|hook| full(state, hook, bot)).collect::<Vec<_>>()))
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let channel = visible(state, call)?;
    let (bot, id) = (call.bot()?, channel.id);
    if !matches!(channel.place, Place::Text { .. } | Place::Voice { .. }) {
        return Err(Refusal::wrong_channel_type());
    }
    need(state, bot, id, MANAGE_WEBHOOKS)?;
    validate::channel::webhook(&call.body)?;
    let avatar = avatar(&call.body["avatar"])?;
    let others = state.realm.webhooks.iter().filter(|webhook| webhook.channel == id);
    if others.count() >= OF_CHANNEL {
        return Err(Refusal::too_many_webhooks(OF_CHANNEL));
    }
    let name = call.body["name"].as_str().unwrap_or_default();
    let created = state.create_webhook(id, name, avatar, because(call)?);
    let created = created.ok_or_else(Refusal::unknown_channel)?;
    Ok(Reply::ok(full(state, known(state, created)?, bot)))
}

fn known(state: &State, webhook: Snowflake) -> Result<&Webhook, Refusal> {
    state.realm.webhook(webhook).ok_or_else(Refusal::unknown_webhook)
}

/// The object that a bot gets, with the token only of its application's own webhooks.
fn full(state: &State, webhook: &Webhook, bot: Snowflake) -> Value {
    let mut object = state.webhook_object(webhook);
    let user = state.realm.user(webhook.application);
    object["user"] = json!(user.map(|user| state.realm.user_object(user)));
    if webhook.application == bot {
        add_token(state, webhook, &mut object);
    }
    object
}

fn add_token(state: &State, webhook: &Webhook, object: &mut Value) {
    let base = &state.settings.base;
    object["token"] = json!(webhook.token);
    object["url"] = json!(format!("{base}/api/webhooks/{}/{}", webhook.id, webhook.token));
}

/// The hash of a picture that came as a data URI; the picture itself is not kept.
fn avatar(uri: &Value) -> Result<Option<String>, Refusal> {
    match uri.as_str() {
        None => Ok(None),
        Some(uri) if uri.starts_with("data:image/") => {
            Ok(Some([(); 2].map(|()| snowflake::secret()).concat()))
        }
        Some(_) => Err(Problems::one("avatar", "IMAGE_INVALID", "Invalid image data")),
    }
}

/// The webhook of a request with a bot's token, if the bot manages its channel's (50013).
fn managed<'a>(state: &'a State, call: &Call) -> Result<&'a Webhook, Refusal> {
    let webhook = known(state, call.id("webhook_id")?)?;
    need(state, call.bot()?, webhook.channel, MANAGE_WEBHOOKS)?;
    Ok(webhook)
}

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(full(state, managed(state, call)?, call.bot()?)))
}

pub(super) fn change(state: &mut State, call: &Call) -> Answer {
    let webhook = managed(state, call)?;
    let (id, target) = (webhook.id, target(state, call, call.bot()?, webhook)?);
    apply(state, call, id, target, because(call)?)?;
    Ok(Reply::ok(full(state, known(state, id)?, call.bot()?)))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let id = managed(state, call)?.id;
    state.delete_webhook(id, because(call)?);
    Ok(Reply::empty())
}

/// The channel that a change moves a webhook to.
fn target(
    state: &State,
    call: &Call,
    bot: Snowflake,
    webhook: &Webhook,
) -> Result<Option<Snowflake>, Refusal> {
    let Some(wanted) = call.body.get("channel_id").filter(|wanted| !wanted.is_null()) else {
        return Ok(None);
    };
    let channel = id_of(wanted).and_then(|id| state.realm.channel(id));
    let channel = channel.filter(|channel| channel.guild() == Some(webhook.guild));
    let channel = channel.ok_or_else(Refusal::unknown_channel)?.id;
    need(state, bot, channel, MANAGE_WEBHOOKS)?;
    Ok(Some(channel))
}

fn apply(
    state: &mut State,
    call: &Call,
    webhook: Snowflake,
    target: Option<Snowflake>,
    because: Because<'_>,
) -> Result<(), Refusal> {
    validate::channel::webhook_change(&call.body)?;
    let picture = call.body.get("avatar").map(avatar).transpose()?;
    state.change_webhook(webhook, because, |webhook| {
        let name = call.body["name"].as_str();
        webhook.name = name.map_or_else(|| webhook.name.clone(), str::to_owned);
        webhook.avatar = picture.unwrap_or_else(|| webhook.avatar.clone());
        webhook.channel = target.unwrap_or(webhook.channel);
    });
    Ok(())
}

/// The webhook of a channel that a request names; an application's interactions have addresses of
/// the same form.
pub(super) fn of_path(state: &State, call: &Call) -> Option<Snowflake> {
    let webhook = call.id("webhook_id").ok().and_then(|id| state.realm.webhook(id));
    webhook.map(|webhook| webhook.id)
}

/// The webhook whose token stands in the path: known (10015), and the token right (50027).
fn with_token(state: &State, call: &Call) -> Result<Webhook, Refusal> {
    let webhook = known(state, call.id("webhook_id")?)?;
    if webhook.token == call.parameter("webhook_token") {
        Ok(webhook.clone())
    } else {
        Err(Refusal::invalid_webhook_token())
    }
}

/// In the audit log, the owner of a webhook does what its token is used for.
fn because_of<'a>(webhook: &Webhook, call: &'a Call) -> Because<'a> {
    Because { by: webhook.application, reason: call.reason.as_deref() }
}

pub(super) fn get_with_token(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(bare(state, &with_token(state, call)?)))
}

pub(super) fn change_with_token(state: &mut State, call: &Call) -> Answer {
    let webhook = with_token(state, call)?;
    apply(state, call, webhook.id, None, because_of(&webhook, call))?;
    Ok(Reply::ok(bare(state, known(state, webhook.id)?)))
}

pub(super) fn delete_with_token(state: &mut State, call: &Call) -> Answer {
    let webhook = with_token(state, call)?;
    state.delete_webhook(webhook.id, because_of(&webhook, call));
    Ok(Reply::empty())
}

pub(super) fn get_message(state: &mut State, call: &Call) -> Answer {
    let message = own(state, call)?;
    Ok(Reply::ok(state.realm.message_object(message)))
}

pub(super) fn edit_message(state: &mut State, call: &Call) -> Answer {
    let message = own(state, call)?.clone();
    let patch = drafts::patch(state, &message, &call.body, &call.files)?;
    state.edit(message.id, patch);
    let object = state.message_object(message.id);
    Ok(Reply::ok(object.ok_or_else(Refusal::unknown_message)?))
}

pub(super) fn delete_message(state: &mut State, call: &Call) -> Answer {
    let message = own(state, call)?.id;
    state.remove(message);
    Ok(Reply::empty())
}

/// The object without the account that made the webhook, as the token shows it.
fn bare(state: &State, webhook: &Webhook) -> Value {
    let mut object = state.webhook_object(webhook);
    add_token(state, webhook, &mut object);
    object
}

/// The channel that `thread_id` means, which must be a thread of the webhook's channel.
fn place(state: &State, call: &Call, webhook: &Webhook) -> Result<Snowflake, Refusal> {
    let Some(wanted) = call.wanted("thread_id")? else {
        return Ok(webhook.channel);
    };
    let thread = state.realm.channel(wanted).and_then(|channel| channel.thread());
    match thread {
        Some(thread) if thread.parent == webhook.channel && !thread.locked => Ok(wanted),
        Some(thread) if thread.parent == webhook.channel => Err(Refusal::locked_thread()),
        _ => Err(Refusal::unknown_channel()),
    }
}

/// Posts a message of a webhook.
pub(super) fn execute(state: &mut State, call: &Call) -> Answer {
    let webhook = &with_token(state, call)?;
    let body = &call.body;
    let channel = place(state, call, webhook)?;
    if !body["thread_name"].is_null() {
        return Err(Refusal::gap(Gap::field("message of a webhook", "thread_name")));
    }
    validate::channel::guise(body)?;
    validate::message::create(body, &drafts::enclosed(&call.files))?;
    let mut draft = drafts::draft(state, body, &call.files);
    let name = body["username"].as_str().filter(|name| !name.is_empty());
    draft.guise = Some(Guise {
        name: name.unwrap_or(&webhook.name).to_owned(),
        avatar: webhook.avatar.clone(),
        application: webhook.application,
    });
    let audience = Audience::Channel;
    let envelope = Envelope { channel, author: webhook.id, audience, origin: None };
    let posted = state.post(envelope, draft).ok_or_else(Refusal::unknown_channel)?;
    if !call.is_set("wait") {
        return Ok(Reply::empty());
    }
    Ok(Reply::ok(state.message_object(posted).ok_or_else(Refusal::unknown_message)?))
}

/// A message of the webhook (10008), in its channel or in the thread that `thread_id` means.
fn own<'a>(state: &'a State, call: &Call) -> Result<&'a Message, Refusal> {
    let webhook = with_token(state, call)?;
    let channel = match call.wanted("thread_id")? {
        Some(thread) => thread,
        None => webhook.channel,
    };
    let found = state.realm.message(call.id("message_id")?);
    let found = found.filter(|found| found.author == webhook.id && found.channel == channel);
    found.ok_or_else(Refusal::unknown_message)
}
