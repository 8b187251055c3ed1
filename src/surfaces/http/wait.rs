//! Waiting for a verdict: a request that stays open until there is something to tell, or its time
//! is over. It says where things stand either way.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{Id, Query};
use super::{Guest, LONGEST_WAIT, Server, Shared};
use crate::core::decision::{Decision, DecisionId, Refused, Revision, State as Standing};
use crate::core::text::http as text;
use crate::engine::access::{Access, AccessError};
use crate::engine::{Claim, HandleError};
use crate::wire::ProblemKind;

/// Seconds of a wait, where the request does not say.
const USUAL_WAIT: u64 = 60;

/// How long, and for what.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Looking {
    /// Seconds to wait at the longest. Left out: 60.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600))]
    timeout: Option<u64>,
    /// The revision whose verdict is wanted: if it was asked again with another content, that is a
    /// problem of the type `superseded`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    revision: Option<u32>,
}

/// How long, for what, and whether the verdict is taken.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Taking {
    /// Seconds to wait at the longest. Left out: 60.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600))]
    timeout: Option<u64>,
    /// The revision whose verdict is wanted: if it was asked again with another content, that is a
    /// problem of the type `superseded`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    revision: Option<u32>,
    /// Whether the verdict is taken, to act on it: from then on it cannot be undone.
    #[serde(default)]
    claim: bool,
}

impl Taking {
    /// The verdict of a revision, to act on it.
    pub(super) const fn of(timeout: Option<u64>, revision: u32) -> Self {
        Self { timeout, revision: Some(revision), claim: true }
    }
}

/// Reading never takes: what is fetched twice, or by a link, must change nothing.
pub(super) async fn look(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Query(Looking { timeout, revision }): Query<Looking>,
) -> Result<Response, Refusal> {
    wait(&server, &access, id, Taking { timeout, revision, claim: false }).await
}

pub(super) async fn take(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Query(taking): Query<Taking>,
) -> Result<Response, Refusal> {
    wait(&server, &access, id, taking).await
}

async fn wait(
    server: &Server,
    access: &Access,
    id: DecisionId,
    taking: Taking,
) -> Result<Response, Refusal> {
    let decision = wait_for(server, access, id, taking).await?;
    if taking.revision.is_some_and(|asked| Revision(asked) != decision.revision) {
        return Err(server.with(&decision, Refusal::new(ProblemKind::Superseded, text::SUPERSEDED)));
    }
    Ok(server.answer(StatusCode::OK, &decision))
}

/// The decision as it stands once there is something to tell, or the time is over. Only a verdict
/// on the revision that is wanted is taken; what is asked otherwise by now is for the caller to
/// see.
pub(super) async fn wait_for(
    server: &Server,
    access: &Access,
    id: DecisionId,
    taking: Taking,
) -> Result<Decision, Refusal> {
    let seconds = taking.timeout.unwrap_or(USUAL_WAIT);
    if seconds > LONGEST_WAIT {
        return Err(Refusal::new(ProblemKind::BadRequest, text::wrong_timeout(LONGEST_WAIT)));
    }
    if taking.revision == Some(0) {
        return Err(Refusal::new(ProblemKind::BadRequest, text::WRONG_REVISION));
    }
    let refused = |error| server.refused(error);
    if taking.claim {
        let decision = access.get(id).await.map_err(refused)?;
        access.caller().may_take(&decision).map_err(|forbidden| refused(forbidden.into()))?;
    }
    let _waiting = server.figures.waiting();
    let asked = taking.revision.map(Revision);
    let seconds =
        TimeDelta::try_seconds(i64::try_from(seconds).unwrap_or_default()).unwrap_or_default();
    let deadline = server.handle.pace().store_time(server.handle.clock().wall() + seconds);
    loop {
        let decision = tokio::select! {
            waited = access.wait(id, asked, Claim::No, Some(deadline)) => waited.map_err(refused)?,
            () = server.ends() => access.get(id).await.map_err(refused)?,
            () = server.turned_away(access.caller()) => {
                return Err(Refusal::new(ProblemKind::Unauthorized, text::UNKNOWN_TOKEN));
            }
        };
        let is_other = asked.is_some_and(|asked| asked != decision.revision);
        if is_other || !taking.claim || !matches!(decision.state, Standing::Resolved(_)) {
            return Ok(decision);
        }
        if let Some(taken) = taken(access, id).await.map_err(refused)? {
            return Ok(taken);
        }
    }
}

/// Takes the verdict; `None`: it was undone in this moment, and there is none to take any more.
async fn taken(access: &Access, id: DecisionId) -> Result<Option<Decision>, AccessError> {
    match access.claim(id).await {
        Err(AccessError::Handle(HandleError::Refused(_, Refused::NotResolved))) => Ok(None),
        other => other.map(Some),
    }
}
