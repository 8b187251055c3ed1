//! The first answer to an interaction.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use super::{drafts, layouts};
use crate::interactions::{Answer as Stands, Interaction, Kind, Modal, Stage};
use crate::messages::{Draft, Envelope, Patch};
use crate::model::{Audience, FLAG_EPHEMERAL, FLAG_LOADING, Message};
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::validate;

/// Callback types, in Discord's numbers.
const MESSAGE: u64 = 4;
const DEFERRED_MESSAGE: u64 = 5;
const DEFERRED_UPDATE: u64 = 6;
const UPDATE: u64 = 7;
const CHOICES: u64 = 8;
const MODAL: u64 = 9;

/// POST `/interactions/{id}/{token}/callback`.
pub(super) fn respond(state: &mut State, call: &Call) -> Answer {
    let id = call.id("interaction_id")?;
    let kind = open(state, id, call.parameter("interaction_token"))?;
    let type_ = validate::callback::type_of(&call.body, allowed(kind))?;
    let data = &call.body["data"];
    validate::callback::is_object(data)?;
    let message = match type_ {
        MESSAGE => Some(reply(state, call, id, data)?),
        DEFERRED_MESSAGE => Some(defer(state, id, data)?),
        DEFERRED_UPDATE => Some(acknowledge(state, id, kind)?),
        UPDATE => Some(update(state, call, id, kind, data)?),
        CHOICES => {
            choose(state, id, data)?;
            None
        }
        _ => {
            open_modal(state, id, kind, data)?;
            None
        }
    };
    state.touch();
    if call.is_set("with_response") {
        return Ok(response(state, id, type_, message));
    }
    Ok(Reply::empty())
}

/// The interaction's kind, if its first answer may still come.
fn open(state: &mut State, id: Snowflake, token: &str) -> Result<Kind, Refusal> {
    let deadline = state.settings.interaction_deadline;
    let clock = state.clock().clone();
    let interaction = state.interactions.get_mut(id);
    let interaction = interaction
        .filter(|interaction| interaction.token == token)
        .ok_or_else(Refusal::unknown_interaction)?;
    if interaction.is_late(&clock, deadline) {
        interaction.stage = Stage::Failed;
        state.touch();
        return Err(Refusal::unknown_interaction());
    }
    match interaction.stage {
        Stage::Waiting => Ok(interaction.kind),
        Stage::Failed | Stage::Misdirected => Err(Refusal::unknown_interaction()),
        Stage::Thinking | Stage::Answered(_) => Err(Refusal::already_acknowledged()),
    }
}

/// The callback types that fit a kind of interaction.
fn allowed(kind: Kind) -> &'static [u64] {
    match kind {
        Kind::Command => &[MESSAGE, DEFERRED_MESSAGE, MODAL],
        Kind::Component { .. } => &[MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, MODAL],
        Kind::Autocomplete => &[CHOICES],
        Kind::Modal { message: None } => &[MESSAGE, DEFERRED_MESSAGE],
        Kind::Modal { message: Some(_) } => &[MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE],
    }
}

fn interaction(state: &mut State, id: Snowflake) -> Result<&mut Interaction, Refusal> {
    let interaction = state.interactions.get_mut(id);
    interaction.ok_or_else(Refusal::unknown_interaction)
}

/// Where the answers of an interaction go.
pub(super) fn envelope(interaction: &Interaction, flags: u64) -> Envelope {
    Envelope {
        channel: interaction.channel,
        author: interaction.application,
        audience: if flags & FLAG_EPHEMERAL == 0 {
            Audience::Channel
        } else {
            Audience::Only(interaction.user)
        },
        origin: Some(interaction.origin.clone()),
    }
}

fn reply(
    state: &mut State,
    call: &Call,
    id: Snowflake,
    data: &Value,
) -> Result<Snowflake, Refusal> {
    validate::callback::message(data, &drafts::enclosed(&call.files))?;
    let draft = drafts::draft(state, data, &call.files);
    let message = post(state, id, data, draft)?;
    answered(state, id, message)
}

fn defer(state: &mut State, id: Snowflake, data: &Value) -> Result<Snowflake, Refusal> {
    let mut draft = Draft::text("");
    draft.flags = FLAG_LOADING;
    let message = post(state, id, data, draft)?;
    let clock = state.clock().clone();
    let interaction = interaction(state, id)?;
    interaction.keep(message);
    interaction.acknowledge(&clock, Stage::Thinking);
    Ok(message)
}

fn post(
    state: &mut State,
    id: Snowflake,
    data: &Value,
    mut draft: Draft,
) -> Result<Snowflake, Refusal> {
    let ephemeral = data["flags"].as_u64().unwrap_or(0) & FLAG_EPHEMERAL;
    draft.flags |= ephemeral;
    let interaction = state.interactions.get(id);
    let interaction = interaction.ok_or_else(Refusal::unknown_interaction)?;
    let envelope = envelope(interaction, ephemeral);
    let posted = state.post(envelope, draft);
    posted.ok_or_else(Refusal::unknown_channel)
}

/// Notes that a message answers the interaction.
fn answered(state: &mut State, id: Snowflake, message: Snowflake) -> Result<Snowflake, Refusal> {
    let clock = state.clock().clone();
    let interaction = interaction(state, id)?;
    interaction.keep(message);
    interaction.acknowledge(&clock, Stage::Answered(Stands::Message(message)));
    Ok(message)
}

/// Type 6: the person sees nothing, so to them the answer stands.
fn acknowledge(state: &mut State, id: Snowflake, kind: Kind) -> Result<Snowflake, Refusal> {
    let message = source(state, kind)?.id;
    answered(state, id, message)
}

fn update(
    state: &mut State,
    call: &Call,
    id: Snowflake,
    kind: Kind,
    data: &Value,
) -> Result<Snowflake, Refusal> {
    let message = source(state, kind)?.clone();
    let patch: Patch = drafts::patch(state, &message, data, &call.files).map_err(under_data)?;
    state.edit(message.id, patch);
    answered(state, id, message.id)
}

/// The message whose component was used.
fn source(state: &State, kind: Kind) -> Result<&Message, Refusal> {
    kind.message().and_then(|id| state.realm.message(id)).ok_or_else(Refusal::unknown_message)
}

fn choose(state: &mut State, id: Snowflake, data: &Value) -> Result<(), Refusal> {
    validate::callback::choices(data)?;
    let choices = data["choices"].as_array().cloned().unwrap_or_default();
    let stage = Stage::Answered(Stands::Choices(choices));
    let clock = state.clock().clone();
    interaction(state, id)?.acknowledge(&clock, stage);
    Ok(())
}

fn open_modal(state: &mut State, id: Snowflake, kind: Kind, data: &Value) -> Result<(), Refusal> {
    validate::modal::check(data)?;
    let clock = state.clock().clone();
    let interaction = interaction(state, id)?;
    let form = json!({
        "modal_id": id,
        "title": data["title"],
        "custom_id": data["custom_id"],
        "components": layouts::components(&data["components"], &[]),
    });
    interaction.acknowledge(&clock, Stage::Answered(Stands::Modal(form.clone())));
    let modal = Modal {
        application: interaction.application,
        user: interaction.user,
        channel: interaction.channel,
        message: kind.message(),
        trigger: interaction.origin.clone(),
        form,
    };
    state.interactions.modals.insert(id, modal);
    Ok(())
}

/// Errors of a callback's data stand below `data`.
fn under_data(refusal: Refusal) -> Refusal {
    refusal.below("data")
}

/// The body for `?with_response=true`.
fn response(state: &State, id: Snowflake, type_: u64, message: Option<Snowflake>) -> Reply {
    let object = message.and_then(|id| state.message_object(id));
    let kind = state.interactions.get(id).map(|i| i.kind.number());
    let loading = type_ == DEFERRED_MESSAGE;
    let ephemeral = object
        .as_ref()
        .and_then(|object| object["flags"].as_u64())
        .is_some_and(|flags| flags & FLAG_EPHEMERAL != 0);
    let mut body = json!({
        "interaction": {
            "id": id,
            "type": kind,
            "response_message_loading": loading,
            "response_message_ephemeral": ephemeral,
        },
    });
    if let Some(message) = message {
        body["interaction"]["response_message_id"] = json!(message);
    }
    if matches!(type_, MESSAGE | UPDATE) {
        body["resource"] = json!({ "type": type_, "message": object });
    }
    Reply::ok(body)
}
