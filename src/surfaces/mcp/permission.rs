//! Claude Code's `--permission-prompt-tool`. A tool call that Claude Code's own rules would ask
//! about is judged by the gate's rules ([`crate::engine::approvals::gates`]), and a person is asked
//! where these rules require approval. Every failure denies the call.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::McpServer;
use super::asking::Waited;
use super::schema::Permission;
use crate::core::decision::Risk;
use crate::core::gate::changes;
use crate::core::gate::questions::answered;
use crate::core::gate::rules::Minimum;
use crate::engine::approvals::access::Access;
use crate::engine::approvals::gates::{GateOutcome, GateReply, GateRequest, RuleSource};
use crate::presentation::text;

/// Facts about the local machine, supplied by the process; this surface does not look them up.
pub trait Gatekeeper: RuleSource {
    /// Adds the working directory and the state of the affected files to a tool call, as far as
    /// known. Reads the file system.
    fn brought(&self, agent: &str, session: &str, tool: &str, input: Value) -> GateRequest;

    /// Longest wait for an answer. `progress`: whether the client receives progress notifications.
    fn patience(&self, progress: bool) -> Duration;

    /// Whether no bot is running, so that no person is notified of a new decision.
    fn unserved(&self) -> bool;
}

impl McpServer {
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
        let told = self.judged(access, &tool_name, &input, context).await;
        let answer = match told.unwrap_or_else(|why| GateReply::Deny(text::gate::broken(&why))) {
            GateReply::Unasked(_) | GateReply::Allow { .. } => {
                json!({ "behavior": "allow", "updatedInput": input })
            }
            // Not looked at again with its files.
            GateReply::AllowChanged { note, .. } => {
                json!({ "behavior": "deny", "message": text::gate::not_handed_over(&note) })
            }
            GateReply::Answer { words, answers } => {
                match answered(&tool_name, &Value::Object(input), &answers) {
                    Some(input) => json!({ "behavior": "allow", "updatedInput": input }),
                    None => json!({ "behavior": "deny", "message": words }),
                }
            }
            GateReply::Deny(message) | GateReply::Defer(message) | GateReply::Wait(message) => {
                json!({ "behavior": "deny", "message": message })
            }
        };
        CallToolResult::success(vec![ContentBlock::text(answer.to_string())])
    }

    async fn judged(
        &self,
        access: &Access,
        tool: &str,
        input: &Map<String, Value>,
        context: &RequestContext<RoleServer>,
    ) -> Result<GateReply, String> {
        let gate = self.gate.clone().ok_or(text::mcp::NO_GATE)?;
        let agent =
            context.client_info().map_or_else(|| "claude-code".to_owned(), |client| client.name);
        let look = || {
            let (looks, agent, session) = (gate.clone(), agent.clone(), self.session.clone());
            let (tool, input) = (tool.to_owned(), Value::Object(input.clone()));
            access.judge(move || looks.brought(&agent, &session, &tool, input))
        };
        let patience = gate.patience(context.meta.get_progress_token().is_some());
        let began = self.handle.clock().wall();
        let mut brought = never_silent(look().await.map_err(words)?);
        loop {
            let asked = match access.gate(gate.clone(), brought.clone()).await.map_err(words)? {
                GateOutcome::Allowed(words) => return Ok(GateReply::Unasked(words)),
                GateOutcome::Denied(words) => return Ok(GateReply::Deny(words)),
                GateOutcome::Asked(decision) => decision,
            };
            let waited = (self.handle.clock().wall() - began).to_std().unwrap_or_default();
            let left = patience.saturating_sub(waited);
            let reply = match self.wait(access, asked.id, Some(asked.revision), left, context).await
            {
                Err(error) => return Err(words(error)),
                Ok(Waited::Cancelled) => GateReply::Deny(text::mcp::CANCELLED.into()),
                Ok(Waited::Over(decision)) => {
                    self.handle.gates().reply(&decision, asked.revision, self.unserved())
                }
            };
            if !matches!(reply, GateReply::Allow { .. }) {
                return Ok(reply);
            }
            let now = never_silent(look().await.map_err(words)?);
            if changes::stands(&brought.call, &now.call) {
                return Ok(reply);
            }
            brought = GateRequest { changed_since: Some(asked.id), ..now };
        }
    }
}

/// Has a person asked what a call asks. No other prompt follows this one: a rule that allows a
/// question would leave it without an answer.
fn never_silent(mut brought: GateRequest) -> GateRequest {
    if brought.call.questions().is_some() {
        brought.at_least.get_or_insert(Minimum { risk: Risk::Low, reason: None });
    }
    brought
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
