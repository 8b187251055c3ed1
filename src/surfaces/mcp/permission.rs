//! Claude Code's `--permission-prompt-tool`: a tool call that its own rules would ask about is judged by the same rules as at a gate
//! ([`crate::core::gate`]), and asked of a person where they say so. Whatever goes wrong denies.

use std::fmt::Debug;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::Server;
use super::asking::Waited;
use super::words::Permission;
use crate::core::decision::{Decision, Request, State, Verdict};
use crate::core::gate::ToolCall;
use crate::core::gate::rules::{Rule, Ruling, judge};
use crate::core::policy::project_name;
use crate::core::session::Earlier;
use crate::core::text;
use crate::engine::access::{Access, AccessError};
use crate::engine::{Filter, HandleError};

/// What the process knows of the machine that it runs on, and this surface must not.
pub trait Gatekeeper: Send + Sync + Debug {
    /// The rules of gates, as they stand now.
    ///
    /// # Errors
    /// Words, if they cannot be read: then nothing is allowed.
    fn rules(&self) -> Result<Vec<Rule>, String>;

    /// A tool call, with where it runs and what lies there.
    fn call(&self, agent: &str, session: &str, tool: &str, input: Value) -> ToolCall;

    /// How long an answer may take. `progress`: the client is told meanwhile that it is being waited.
    fn patience(&self, progress: bool) -> Duration;

    /// Whether no bot runs, so that nobody is told of what is asked.
    fn unserved(&self) -> bool;
}

/// What the agent is told.
enum Answer {
    Allow,
    Deny(String),
}

impl Server {
    pub(super) fn unserved(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.unserved())
    }

    pub(super) async fn permission(
        &self,
        access: &Access,
        input: Permission,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        let Permission { tool_name, input, .. } = input;
        let answer = match self.judged(access, &tool_name, &input, context).await {
            Ok(answer) => answer,
            Err(why) => Answer::Deny(text::gate::broken(&why)),
        };
        let answer = match answer {
            Answer::Allow => json!({ "behavior": "allow", "updatedInput": input }),
            Answer::Deny(message) => json!({ "behavior": "deny", "message": message }),
        };
        CallToolResult::success(vec![ContentBlock::text(answer.to_string())])
    }

    async fn judged(
        &self,
        access: &Access,
        tool: &str,
        input: &Map<String, Value>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Answer, String> {
        let gate = self.gate.clone().ok_or(text::mcp::NO_GATE)?;
        let agent = context.client_info().map_or_else(|| "claude-code".to_owned(), |client| client.name);
        let (session, tool, input) = (self.session.clone(), tool.to_owned(), Value::Object(input.clone()));
        // Files are looked at.
        let looked = tokio::task::spawn_blocking({
            let gate = gate.clone();
            move || (gate.rules(), gate.call(&agent, &session, &tool, input))
        });
        let (rules, call) = looked.await.map_err(|error| error.to_string())?;
        let (risk, kind, reason) = match judge(&rules?, &call) {
            Ruling::Allow => return Ok(Answer::Allow),
            Ruling::Deny { reason } => return Ok(Answer::Deny(text::gate::denied(reason.as_deref()))),
            Ruling::Ask { risk, kind, reason } => (risk, kind, reason),
        };
        let project = match access.caller().grant.projects.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let request = call.request(project, risk, kind, reason);
        if let Some(answer) = self.answered_before(access, &request).await? {
            return Ok(answer);
        }
        let asked = access.ask_as_gate(request).await.map_err(words)?;
        let patience = gate.patience(context.meta.get_progress_token().is_some());
        match self.wait(access, asked.id, Some(asked.revision), patience, context).await.map_err(words)? {
            Waited::Cancelled => Ok(Answer::Deny(text::mcp::CANCELLED.into())),
            Waited::Over(decision) if decision.revision != asked.revision => Ok(Answer::Deny(text::gate::superseded(&decision))),
            Waited::Over(decision) => Ok(self.given(&decision)),
        }
    }

    /// What an earlier answer to the same call is good for: one for the session covers it, and one that nobody has picked up,
    /// because it came after the last call had to be told something, is for this one.
    async fn answered_before(&self, access: &Access, request: &Request) -> Result<Option<Answer>, String> {
        let asker = access.caller().asker();
        // As it is kept: keys are told apart by who asks.
        let kept = Request {
            dedup_key: request.dedup_key.as_ref().map(|key| format!("{}:{key}", asker.id)),
            project: project_name(&request.project),
            asked_by: Some(asker),
            ..request.clone()
        };
        let filter =
            Filter { key_prefix: kept.dedup_key.clone(), project: Some(kept.project.clone()), limit: 1, ..Filter::default() };
        let Some(earlier) = access.list(filter).await.map_err(words)?.pop() else { return Ok(None) };
        match earlier.as_answer_to(&kept) {
            Earlier::Covers => return Ok(Some(Answer::Allow)),
            Earlier::Nothing => return Ok(None),
            Earlier::Unclaimed => {}
        }
        match access.claim(earlier.id).await {
            Ok(claimed) => Ok(Some(self.given(&claimed))),
            // Undone in this moment.
            Err(AccessError::Handle(HandleError::Refused(..))) => Ok(None),
            Err(error) => Err(words(error)),
        }
    }

    fn given(&self, decision: &Decision) -> Answer {
        match &decision.state {
            State::Resolved(resolved) => match &resolved.verdict {
                Verdict::Approved { .. } => Answer::Allow,
                Verdict::Rejected { reason } => Answer::Deny(text::gate::rejected(decision, resolved, reason)),
                // Neither is offered by such a question.
                Verdict::Chosen { .. } | Verdict::Answered { .. } => Answer::Deny(text::gate::superseded(decision)),
            },
            State::Deferred { until, by, .. } => {
                Answer::Deny(text::gate::deferred(decision, *until, &by.name, self.handle.rules().zone))
            }
            State::Withdrawn { reason, .. } => Answer::Deny(text::gate::withdrawn(decision, reason)),
            State::Pending(_) => {
                let stands = self.handle.standing(decision);
                Answer::Deny(text::gate::undecided(decision, stands.as_ref(), self.handle.now(), self.unserved()))
            }
        }
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
