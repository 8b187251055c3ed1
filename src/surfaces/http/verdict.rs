//! Verdicts in the name of the token's holder. For high and critical risk, a verdict is only a
//! proposal to confirm on Discord.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;
use gander_client::types::{Answer, Approve, Choose, Defer, ProblemKind, Reject};

use super::ask::check_report_length;
use super::error::Refusal;
use super::extract::{Body, PathId, Seen};
use super::{ApiState, Authenticated, Shared};
use crate::core::Time;
use crate::core::decision::{Approval, Ballot, DecisionId, GrantTerms, Revision, Verdict, Via};
use crate::engine::approvals::access::{Access, VerdictOutcome};
use crate::presentation::text::http as text;

async fn give(
    server: &ApiState,
    access: &Access,
    id: DecisionId,
    seen: Revision,
    ballot: Ballot,
) -> Result<Response, Refusal> {
    match access.decide(id, seen, Via::Http, ballot).await.map_err(|error| server.refused(error))? {
        VerdictOutcome::Done(decision) => Ok(server.answer(StatusCode::OK, &decision)),
        VerdictOutcome::Proposed(decision) => Ok(server.answer(StatusCode::ACCEPTED, &decision)),
    }
}

pub(super) async fn approve(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Seen(seen): Seen,
    Body(Approve { note, for_session, confirmation }): Body<Approve>,
) -> Result<Response, Refusal> {
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    check_report_length(note.as_deref().unwrap_or_default())?;
    let grant = for_session.then_some(GrantTerms::SESSION);
    let verdict = Verdict::Approved(Approval { note, grant, ..Approval::default() });
    give(&server, &access, id, seen, Ballot { verdict, confirmation }).await
}

pub(super) async fn reject(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Seen(seen): Seen,
    Body(Reject { reason }): Body<Reject>,
) -> Result<Response, Refusal> {
    check_report_length(&reason)?;
    give(&server, &access, id, seen, Verdict::Rejected { reason: reason.trim().to_owned() }.into())
        .await
}

pub(super) async fn choose(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Seen(seen): Seen,
    Body(Choose { option, confirmation }): Body<Choose>,
) -> Result<Response, Refusal> {
    give(&server, &access, id, seen, Ballot { verdict: Verdict::Chosen { option }, confirmation })
        .await
}

pub(super) async fn answer(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Seen(seen): Seen,
    Body(Answer { text, answers }): Body<Answer>,
) -> Result<Response, Refusal> {
    check_report_length(&text)?;
    let answers = answers.into_iter().map(Into::into).collect();
    let verdict = Verdict::Answered { text: text.trim().to_owned(), answers };
    give(&server, &access, id, seen, verdict.into()).await
}

pub(super) async fn defer(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Seen(seen): Seen,
    Body(defer): Body<Defer>,
) -> Result<Response, Refusal> {
    let until = until(&server, defer)
        .ok_or_else(|| Refusal::new(ProblemKind::Unprocessable, text::BEYOND_ALL_TIME))?;
    let decision = access.defer(id, seen, until).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}

/// The end of the deferral, in store time. `None`: out of range.
fn until(server: &ApiState, defer: Defer) -> Option<Time> {
    match defer {
        Defer::Until(moment) => Some(server.handle.time_scale().store_time(moment.0)),
        Defer::For(span) => server
            .handle
            .now()
            .checked_add_signed(TimeDelta::try_seconds(i64::try_from(span.0).ok()?)?),
    }
}

pub(super) async fn undo(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
) -> Result<Response, Refusal> {
    let decision = access.undo(id).await.map_err(|error| server.refused(error))?;
    Ok(server.answer(StatusCode::OK, &decision))
}
