//! Long polling for a verdict: the request stays open until the decision is no longer pending or
//! the time-out passes, then returns the decision.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;
use gander_client::types::ProblemKind;
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{PathId, Query};
use super::{ApiState, Authenticated, LONGEST_WAIT, Shared};
use crate::core::decision::{Decision, DecisionId, Refused, Revision, State as Standing};
use crate::engine::approvals::access::{Access, AccessError};
use crate::engine::{Claim, HandleError};
use crate::presentation::text::http as text;

/// Default wait, in seconds: less than the 60 s after which nginx and other proxies, by default,
/// give up a silent request.
const DEFAULT_WAIT_SECONDS: u64 = 50;

/// Query of a wait without claim.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitQuery {
    /// Longest wait in seconds. Left out: 50.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600))]
    timeout: Option<u64>,
    /// The revision to wait for. If the content has changed since, the response is a problem of
    /// type `superseded`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    revision: Option<u32>,
    /// Whether to go on waiting while the decision is deferred.
    #[serde(default)]
    through_deferral: bool,
}

/// Query of a wait with an optional claim.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimingWaitQuery {
    /// Longest wait in seconds. Left out: 50.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600))]
    timeout: Option<u64>,
    /// The revision to wait for. If the content has changed since, the response is a problem of
    /// type `superseded`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    revision: Option<u32>,
    /// Whether to claim the verdict in order to act on it; a claimed verdict cannot be undone.
    #[serde(default)]
    claim: bool,
    /// Whether to go on waiting while the decision is deferred.
    #[serde(default)]
    through_deferral: bool,
}

impl ClaimingWaitQuery {
    /// Waits for and claims the verdict on a revision.
    pub(super) const fn of(timeout: Option<u64>, revision: u32) -> Self {
        Self { timeout, revision: Some(revision), claim: true, through_deferral: false }
    }

    /// The same, also while the decision is deferred if this is so.
    pub(super) const fn through_deferral(self, through_deferral: bool) -> Self {
        Self { through_deferral, ..self }
    }
}

/// `GET` never claims: a repeated request or a followed link must change nothing.
pub(super) async fn look(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Query(WaitQuery { timeout, revision, through_deferral }): Query<WaitQuery>,
) -> Result<Response, Refusal> {
    let query = ClaimingWaitQuery { timeout, revision, claim: false, through_deferral };
    wait(&server, &access, id, query).await
}

pub(super) async fn take(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Query(taking): Query<ClaimingWaitQuery>,
) -> Result<Response, Refusal> {
    wait(&server, &access, id, taking).await
}

async fn wait(
    server: &ApiState,
    access: &Access,
    id: DecisionId,
    taking: ClaimingWaitQuery,
) -> Result<Response, Refusal> {
    let decision = wait_for(server, access, id, taking).await?;
    if taking.revision.is_some_and(|asked| Revision(asked) != decision.revision) {
        return Err(server.with(&decision, Refusal::new(ProblemKind::Superseded, text::SUPERSEDED)));
    }
    Ok(server.answer(StatusCode::OK, &decision))
}

/// Waits until the decision is no longer pending, or until the time-out. Claims only a verdict on
/// the requested revision; another revision is returned unclaimed for the caller to check.
pub(super) async fn wait_for(
    server: &ApiState,
    access: &Access,
    id: DecisionId,
    taking: ClaimingWaitQuery,
) -> Result<Decision, Refusal> {
    let seconds = taking.timeout.unwrap_or(DEFAULT_WAIT_SECONDS);
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
    let deadline = server.handle.time_scale().store_time(server.handle.clock().wall() + seconds);
    loop {
        let waited = async {
            if taking.through_deferral {
                access.wait_through_deferral(id, asked, Some(deadline)).await
            } else {
                access.wait(id, asked, Claim::No, Some(deadline)).await
            }
        };
        let decision = tokio::select! {
            waited = waited => waited.map_err(refused)?,
            () = server.ends() => access.get(id).await.map_err(refused)?,
            () = server.token_revoked(access.caller()) => {
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

/// Claims the verdict. `None`: an undo came first, and the decision is open again.
async fn taken(access: &Access, id: DecisionId) -> Result<Option<Decision>, AccessError> {
    match access.claim(id).await {
        Err(AccessError::Handle(HandleError::Refused(_, Refused::NotResolved))) => Ok(None),
        other => other.map(Some),
    }
}
