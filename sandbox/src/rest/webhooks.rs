//! Answers to an interaction after the first one: follow-ups, and the messages its token reaches.

use super::call::{Answer, Call, Reply};
use super::{callbacks, drafts, hooks};
use crate::interactions::{Answer as Stands, Interaction, Stage};
use crate::messages::Patch;
use crate::model::{FLAG_COMPONENTS_V2, FLAG_EPHEMERAL, Message};
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    if hooks::of_path(state, call).is_some() {
        return hooks::get_message(state, call);
    }
    let (_, message) = named(state, call)?;
    Ok(Reply::ok(state.realm.message_object(message)))
}

/// The interaction of a token that may be used: known, not expired (50027), answered once (10015).
fn reachable<'a>(state: &'a State, call: &Call) -> Result<&'a Interaction, Refusal> {
    let application = state.realm.application(call.id("webhook_id")?);
    let application = application.ok_or_else(Refusal::unknown_webhook)?.id();
    let interaction = state.interactions.by_token(call.parameter("webhook_token"));
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

/// The message that `@original` or an id means, if it belongs to the interaction, and the
/// interaction's id.
fn named<'a>(state: &'a State, call: &Call) -> Result<(Snowflake, &'a Message), Refusal> {
    let interaction = reachable(state, call)?;
    // Only the address of the original message names none.
    let wanted = match call.parameter("message_id") {
        "" => interaction.original.ok_or_else(Refusal::unknown_message)?,
        _ => call.id("message_id")?,
    };
    let message = state.realm.message(wanted);
    let message = message.filter(|_| interaction.messages.contains(&wanted));
    Ok((interaction.id, message.ok_or_else(Refusal::unknown_message)?))
}

/// The first follow-up after a deferred answer takes its place; every other is a new message.
pub(super) fn follow_up(state: &mut State, call: &Call) -> Answer {
    if hooks::of_path(state, call).is_some() {
        return hooks::execute(state, call);
    }
    let id = reachable(state, call)?.id;
    validate::message::create(&call.body, &drafts::enclosed(&call.files))?;
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
            flags: Some((FLAG_COMPONENTS_V2, draft.flags)),
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

pub(super) fn edit(state: &mut State, call: &Call) -> Answer {
    if hooks::of_path(state, call).is_some() {
        return hooks::edit_message(state, call);
    }
    let (interaction, message) = named(state, call)?;
    let message = message.clone();
    let patch = drafts::patch(state, &message, &call.body, &call.files)?;
    state.edit(message.id, patch);
    settle(state, interaction, message.id);
    let object = state.message_object(message.id);
    Ok(Reply::ok(object.ok_or_else(Refusal::unknown_message)?))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    if hooks::of_path(state, call).is_some() {
        return hooks::delete_message(state, call);
    }
    let (interaction, message) = named(state, call)?;
    let message = message.clone();
    state.remove(message.id);
    if let Some(interaction) = state.interactions.get_mut(interaction)
        && matches!(interaction.stage, Stage::Thinking)
        && message.is_loading()
    {
        interaction.stage = Stage::Answered(Stands::Nothing);
    }
    state.touch();
    Ok(Reply::empty())
}
