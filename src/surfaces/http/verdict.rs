//! Verdicts in the name of the token's holder. For high and critical risk, a verdict is only a
//! proposal to confirm on Discord.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;

use super::ask::must_be_short;
use super::error::Refusal;
use super::extract::{Body, Id, Seen};
use super::{Guest, Server, Shared};
use crate::core::Time;
use crate::core::decision::{Ballot, DecisionId, Revision, Verdict, Via};
use crate::core::text::http as text;
use crate::engine::access::{Access, Given};
use crate::wire::{Answer, Approve, Choose, Defer, ProblemKind, Reject};

async fn give(
    server: &Server,
    access: &Access,
    id: DecisionId,
    seen: Revision,
    ballot: Ballot,
) -> Result<Response, Refusal> {
    match access.decide(id, seen, Via::Http, ballot).await.map_err(|error| server.refused(error))? {
        Given::Done(decision) => Ok(server.answer(StatusCode::OK, &decision)),
        Given::Proposed(decision) => Ok(server.answer(StatusCode::ACCEPTED, &decision)),
    }
}

pub(super) async fn approve(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Seen(seen): Seen,
    Body(Approve { note, for_session, confirmation }): Body<Approve>,
) -> Result<Response, Refusal> {
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    must_be_short(note.as_deref().unwrap_or_default())?;
    give(
        &server,
        &access,
        id,
        seen,
        Ballot { verdict: Verdict::Approved { note, for_session }, confirmation },
    )
    .await
}

pub(super) async fn reject(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Seen(seen): Seen,
    Body(Reject { reason }): Body<Reject>,
) -> Result<Response, Refusal> {
    must_be_short(&reason)?;
    give(&server, &access, id, seen, Verdict::Rejected { reason: reason.trim().to_owned() }.into())
        .await
}

pub(super) async fn choose(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Seen(seen): Seen,
    Body(Choose { option, confirmation }): Body<Choose>,
) -> Result<Response, Refusal> {
    give(&server, &access, id, seen, Ballot { verdict: Verdict::Chosen { option }, confirmation })
        .await
}

pub(super) async fn answer(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Seen(seen): Seen,
    Body(Answer { text }): Body<Answer>,
) -> Result<Response, Refusal> {
    must_be_short(&text)?;
    give(&server, &access, id, seen, Verdict::Answered { text: text.trim().to_owned() }.into())
        .await
}

pub(super) async fn defer(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Seen(seen): Seen,
    Body(defer): Body<Defer>,
) -> Result<Response, Refusal> {
    let until = until(&server, defer)
        .ok_or_else(|| Refusal::new(ProblemKind::Unprocessable, text::BEYOND_ALL_TIME))?;
    let decision = access.defer(id, seen, until).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}

/// The end of the deferral, in store time. `None`: out of range.
fn until(server: &Server, defer: Defer) -> Option<Time> {
    match defer {
        Defer::Until(moment) => Some(server.handle.pace().store_time(moment.0)),
        Defer::For(span) => server
            .handle
            .now()
            .checked_add_signed(TimeDelta::try_seconds(i64::try_from(span.0).ok()?)?),
    }
}

pub(super) async fn undo(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
) -> Result<Response, Refusal> {
    let decision = access.undo(id).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}
