//! Endpoints for a gate that cannot open the store. `POST /v1/gate` submits a tool call and never
//! claims a verdict; `POST /v1/gate/{id}/wait` waits for the verdict by the decision's number and
//! claims it. A response lost on the way is therefore sent again on the next try.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::Refusal;
use super::extract::{Body, Id, Query};
use super::wait::{Taking, wait_for};
use super::{Guest, LONGEST_CALL, Server, Shared};
use crate::core::decision::{Decision, Revision};
use crate::core::gate::{ToolCall, rules};
use crate::core::text;
use crate::engine::gates::{Brought, Gated, Told};
use crate::wire::gate::{AtLeast, Verdict};
use crate::wire::{GateAnswer, GateCall, GateReady, ProblemKind};

/// Query of a gate's wait.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    /// Longest wait in seconds. Left out: 60.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600))]
    timeout: Option<u64>,
    /// The revision that was asked for the call.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    revision: u32,
}

fn brought(call: GateCall) -> Brought {
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
        before,
        ..
    } = call;
    let session = session.filter(|session| !session.trim().is_empty());
    Brought {
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
            before,
        },
        project: call.project,
        at_least: call.at_least.map(|AtLeast { risk, reason }| rules::AtLeast {
            risk,
            reason: reason.as_deref().map(text::gate::theirs),
        }),
        own_prompt: call.own_prompt,
    }
}

fn plainly(answer: Verdict, words: String) -> Json<GateAnswer> {
    Json(GateAnswer { answer, words, note: None, decision: None, revision: None })
}

fn told(server: &Server, decision: &Decision, asked: Revision) -> Json<GateAnswer> {
    let (answer, words, note) = match server.handle.told(decision, asked, false) {
        Told::Allow { words, note } => (Verdict::Allow, words, note),
        Told::Deny(words) => (Verdict::Deny, words, None),
        Told::Defer(words) => (Verdict::Defer, words, None),
        Told::Wait(words) => (Verdict::Wait, words, None),
    };
    Json(GateAnswer { answer, words, note, decision: Some(decision.id.0), revision: Some(asked.0) })
}

pub(super) async fn bring(
    State(server): State<Shared>,
    Guest(access): Guest,
    Body(call): Body<GateCall, LONGEST_CALL>,
) -> Result<Json<GateAnswer>, Refusal> {
    if let Some(flaw) = call.flaw() {
        return Err(Refusal::new(ProblemKind::Unprocessable, flaw));
    }
    let gated = access
        .gate(server.rulebook.clone(), brought(call))
        .await
        .map_err(|error| server.refused(error))?;
    Ok(match gated {
        Gated::Allowed(words) => plainly(Verdict::Allow, words),
        Gated::Denied(words) => plainly(Verdict::Deny, words),
        // `wait` even for a resolved decision: submitting a call never claims the verdict.
        Gated::Asked(decision) => Json(GateAnswer {
            answer: Verdict::Wait,
            words: text::gate::undecided(
                &decision,
                server.handle.standing(&decision).as_ref(),
                server.handle.now(),
                false,
            ),
            note: None,
            decision: Some(decision.id.0),
            revision: Some(decision.revision.0),
        }),
    })
}

pub(super) async fn wait(
    State(server): State<Shared>,
    Guest(access): Guest,
    Id(id): Id,
    Query(Waiting { timeout, revision }): Query<Waiting>,
) -> Result<Json<GateAnswer>, Refusal> {
    let taking = Taking::of(timeout, revision);
    let decision = wait_for(&server, &access, id, taking).await?;
    Ok(told(&server, &decision, Revision(revision)))
}

pub(super) async fn ready(State(server): State<Shared>, Guest(access): Guest) -> Json<GateReady> {
    let rulebook = server.rulebook.clone();
    let read = tokio::task::spawn_blocking(move || rulebook.rules().err()).await;
    let problem = read.unwrap_or_else(|_| Some(text::gate::FAILED.to_owned()));
    let caller = access.caller();
    Json(GateReady {
        caller: format!("{} ({})", caller.name, caller.id),
        projects: caller.grant.projects.clone(),
        problem,
    })
}
