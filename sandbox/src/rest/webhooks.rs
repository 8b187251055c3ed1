//! Answers to an interaction after the first one: follow-ups, and the messages its token reaches.

use super::call::{Answer, Call, Reply, id};
use super::{callbacks, drafts};
use crate::interactions::{Answer as Stands, Interaction, Stage};
use crate::messages::Patch;
use crate::model::{FLAG_EPHEMERAL, Message};
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

pub(super) fn route(
    state: &mut State,
    call: &Call,
    application: &str,
    token: &str,
    path: &[&str],
) -> Answer {
    let interaction = reachable(state, application, token)?;
    let (interaction, original) = (interaction.id, interaction.original);
    match (call.method.as_str(), path) {
        ("POST", []) => follow_up(state, call, interaction),
        ("GET", ["messages", message]) => {
            let message = named(state, interaction, original, message)?;
            Ok(Reply::ok(state.realm.message_object(message)))
        }
        ("PATCH", ["messages", message]) => {
            let message = named(state, interaction, original, message)?.clone();
            edit(state, call, interaction, &message)
        }
        ("DELETE", ["messages", message]) => {
            let message = named(state, interaction, original, message)?.clone();
            delete(state, interaction, &message);
            Ok(Reply::empty())
        }
        _ => Err(Refusal::bare(404)),
    }
}

/// The interaction of a token that may be used: known, not expired (50027), answered once (10015).
fn reachable<'a>(
    state: &'a State,
    application: &str,
    token: &str,
) -> Result<&'a Interaction, Refusal> {
    let application = state.realm.application(id(application, "webhook_id")?);
    let application = application.ok_or_else(Refusal::unknown_webhook)?.id();
    let interaction = state.interactions.by_token(token);
    let interaction = interaction.filter(|interaction| interaction.application == application);
    let interaction = interaction.ok_or_else(Refusal::invalid_webhook_token)?;
    if interaction.is_expired(state.clock(), state.settings.token_lifetime) {
        return Err(Refusal::invalid_webhook_token());
    }
    match interaction.stage {
        Stage::Waiting => Err(Refusal::unknown_webhook()),
        Stage::Failed | Stage::Misdirected => Err(Refusal::invalid_webhook_token()),
        Stage::Thinking | Stage::Answered(_) => Ok(interaction),
    }
}

/// The message that `@original` or an id means, if it belongs to the interaction.
fn named<'a>(
    state: &'a State,
    interaction: Snowflake,
    original: Option<Snowflake>,
    message: &str,
) -> Result<&'a Message, Refusal> {
    let wanted = match message {
        "@original" => original.ok_or_else(Refusal::unknown_message)?,
        other => id(other, "message_id")?,
    };
    let interaction = state.interactions.get(interaction);
    interaction
        .filter(|interaction| interaction.messages.contains(&wanted))
        .and_then(|_| state.realm.message(wanted))
        .ok_or_else(Refusal::unknown_message)
}

/// The first follow-up after a deferred answer takes its place; every other is a new message.
fn follow_up(state: &mut State, call: &Call, id: Snowflake) -> Answer {
    validate::message::create(&call.body, call.files.len())?;
    let mut draft = drafts::draft(state, &call.body, &call.files);
    let interaction = state.interactions.get(id);
    let interaction = interaction.ok_or_else(Refusal::unknown_webhook)?;
    let placeholder = interaction
        .original
        .and_then(|original| state.realm.message(original))
        .filter(|message| message.is_loading())
        .map(|message| message.id);
    let message = if let Some(placeholder) = placeholder {
        let patch = Patch {
            content: Some(draft.content),
            embeds: Some(draft.embeds),
            components: Some(draft.components),
            attachments: Some(draft.attachments),
            flags: None,
            allowed: Some(draft.allowed),
        };
        state.edit(placeholder, patch);
        placeholder
    } else {
        let ephemeral = call.body["flags"].as_u64().unwrap_or(0) & FLAG_EPHEMERAL;
        draft.flags |= ephemeral;
        let envelope = callbacks::envelope(interaction, ephemeral);
        let posted = state.post(envelope, draft);
        posted.ok_or_else(Refusal::unknown_channel)?
    };
    settle(state, id, message);
    let object = state.message_object(message);
    Ok(Reply::ok(object.ok_or_else(Refusal::unknown_message)?))
}

/// Notes a message of the interaction; the first one after a deferral is the answer waited for.
fn settle(state: &mut State, interaction: Snowflake, message: Snowflake) {
    if let Some(interaction) = state.interactions.get_mut(interaction) {
        interaction.keep(message);
        if matches!(interaction.stage, Stage::Thinking) {
            interaction.stage = Stage::Answered(Stands::Message(message));
        }
    }
    state.touch();
}

fn edit(state: &mut State, call: &Call, interaction: Snowflake, message: &Message) -> Answer {
    let patch = drafts::patch(state, message, &call.body, &call.files)?;
    state.edit(message.id, patch);
    settle(state, interaction, message.id);
    let object = state.message_object(message.id);
    Ok(Reply::ok(object.ok_or_else(Refusal::unknown_message)?))
}

fn delete(state: &mut State, interaction: Snowflake, message: &Message) {
    state.remove(message.id);
    if let Some(interaction) = state.interactions.get_mut(interaction)
        && matches!(interaction.stage, Stage::Thinking)
        && message.is_loading()
    {
        interaction.stage = Stage::Answered(Stands::Nothing);
    }
    state.touch();
}
