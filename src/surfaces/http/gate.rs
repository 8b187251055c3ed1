//! Endpoints for a gate that cannot open the store. `POST /v1/gate` submits a tool call and never
//! claims a verdict; `POST /v1/gate/{id}/wait` waits for the verdict by the decision's number and
//! claims it. A response lost on the way is therefore sent again on the next try.

use crate::core::gate::rules::AskReason;
use axum::Json;
use axum::extract::State;
use gander_client::types::{AtLeast, GateAnswer, GateCall, GateReady, GateVerdict, ProblemKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{Body, PathId, Query};
use super::gate_facts;
use super::wait::{ClaimingWaitQuery, wait_for};
use super::{ApiState, Authenticated, LONGEST_CALL, Shared};
use crate::core::decision::{Decision, DecisionId, Revision};
use crate::core::gate::edits::Before;
use crate::core::gate::{ToolCall, rules};
use crate::engine::approvals::gates::{Edits, GateOutcome, GateReply, GateRequest};
use crate::engine::approvals::judging::NotJudged;
use crate::presentation::text;

/// Query of a gate's wait.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GateWaitQuery {
    /// Longest wait in seconds. Left out: 50.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600))]
    timeout: Option<u64>,
    /// The revision that was asked for the call.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    revision: u32,
    /// Whether to go on waiting while the decision is deferred.
    #[serde(default)]
    through_deferral: bool,
}

fn brought(call: GateCall) -> GateRequest {
    let GateCall {
        agent,
        session,
        tool,
        input,
        cwd,
        roots,
        home,
        real,
        poses_as_repository,
        own_prompt,
        before,
        before_unknown,
        facts,
        context,
        ..
    } = call;
    let before = match before {
        Some(before) => Before::Text(before),
        None if before_unknown || facts.is_none() => Before::Unknown,
        None => Before::Absent,
    };
    let session = session.filter(|session| !session.trim().is_empty());
    GateRequest {
        call: ToolCall {
            agent,
            session,
            tool,
            input,
            cwd,
            roots,
            home,
            real,
            poses_as_repository,
            own_prompt,
            before,
            facts: facts.map(gate_facts::received).unwrap_or_default(),
        },
        project: call.project,
        changed_since: call.changed_since.map(DecisionId),
        edits: Edits::taken_if(call.takes_edits),
        context: context.unwrap_or_default(),
        at_least: call.at_least.map(|AtLeast { risk, reason }| rules::Minimum {
            risk,
            reason: reason.as_deref().map(text::gate::configured_reason).map(AskReason::Configured),
        }),
    }
}

fn bare(answer: GateVerdict, words: String) -> GateAnswer {
    let (note, input, answers) = (None, None, Vec::new());
    GateAnswer { answer, words, note, answers, input, decision: None, revision: None }
}

fn plainly(answer: GateVerdict, words: String) -> Json<GateAnswer> {
    Json(bare(answer, words))
}

fn told(server: &ApiState, decision: &Decision, asked: Revision) -> Json<GateAnswer> {
    let (mut given, mut changed) = (Vec::new(), None);
    let (answer, words, note) = match server.handle.gates().reply(decision, asked, false) {
        GateReply::Unasked(words) => (GateVerdict::Allow, words, None),
        GateReply::Allow { words, note } => (GateVerdict::Allow, words, note),
        // An older gate would run the call as it was.
        GateReply::AllowChanged { words, note, input } => {
            changed = Some(input);
            (GateVerdict::Deny, words, Some(note))
        }
        GateReply::Answer { words, answers } => {
            given = answers.into_iter().map(Into::into).collect();
            (GateVerdict::Deny, words, None)
        }
        GateReply::Deny(words) => (GateVerdict::Deny, words, None),
        GateReply::Defer(words) => (GateVerdict::Defer, words, None),
        GateReply::Wait(words) => (GateVerdict::Wait, words, None),
    };
    let (decision, revision) = (Some(decision.id.0), Some(asked.0));
    let (answers, input) = (given, changed);
    Json(GateAnswer { answer, words, note, answers, input, decision, revision })
}

pub(super) async fn submit_call(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    Body(call): Body<GateCall, LONGEST_CALL>,
) -> Result<Json<GateAnswer>, Refusal> {
    if let Some(error) = call.validation_error() {
        return Err(Refusal::new(ProblemKind::Unprocessable, error));
    }
    let gated = access
        .gate(server.rulebook.clone(), brought(call))
        .await
        .map_err(|error| server.refused(error))?;
    Ok(match gated {
        GateOutcome::Allowed(words) => plainly(GateVerdict::Allow, words),
        GateOutcome::Denied(words) => plainly(GateVerdict::Deny, words),
        // `wait` even for a resolved decision: submitting a call never claims the verdict.
        GateOutcome::Asked(decision) => {
            let progress = server.handle.escalation().progress(&decision);
            let now = server.handle.now();
            let words = text::gate::undecided(&decision, progress.as_ref(), now, false);
            Json(GateAnswer {
                decision: Some(decision.id.0),
                revision: Some(decision.revision.0),
                ..bare(GateVerdict::Wait, words)
            })
        }
    })
}

pub(super) async fn wait(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
    PathId(id): PathId,
    Query(GateWaitQuery { timeout, revision, through_deferral }): Query<GateWaitQuery>,
) -> Result<Json<GateAnswer>, Refusal> {
    let taking = ClaimingWaitQuery::of(timeout, revision).through_deferral(through_deferral);
    let decision = wait_for(&server, &access, id, taking).await?;
    Ok(told(&server, &decision, Revision(revision)))
}

pub(super) async fn ready(
    State(server): State<Shared>,
    Authenticated(access): Authenticated,
) -> Result<Json<GateReady>, Refusal> {
    let rulebook = server.rulebook.clone();
    let problem = match access.judge(move || rulebook.rules().err()).await {
        Err(failed @ NotJudged::Failed) => Some(failed.to_string()),
        Err(busy) => return Err(server.refused(busy.into())),
        Ok(problem) => problem,
    };
    let caller = access.caller();
    Ok(Json(GateReady {
        caller: format!("{} ({})", caller.name, caller.id),
        projects: caller.grant.projects.clone(),
        problem,
    }))
}
