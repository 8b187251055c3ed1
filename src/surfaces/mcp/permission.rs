//! Claude Code's `--permission-prompt-tool`. A tool call that Claude Code's own rules would ask
//! about is judged by the gate's rules ([`crate::engine::gates`]), and a person is asked where
//! these rules require approval. Every failure denies the call.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::Server;
use super::asking::Waited;
use super::words::Permission;
use crate::core::text;
use crate::engine::access::Access;
use crate::engine::gates::{Brought, Gated, Rulebook, Told};

/// Facts about the local machine, supplied by the process; this surface does not look them up.
pub trait Gatekeeper: Rulebook {
    /// Adds the working directory and the state of the affected files to a tool call, as far as
    /// known. Reads the file system.
    fn brought(&self, agent: &str, session: &str, tool: &str, input: Value) -> Brought;

    /// Longest wait for an answer. `progress`: whether the client receives progress notifications.
    fn patience(&self, progress: bool) -> Duration;

    /// Whether no bot is running, so that no person is notified of a new decision.
    fn unserved(&self) -> bool;
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
        let told = self.judged(access, &tool_name, &input, context).await;
        let answer = match told.unwrap_or_else(|why| Told::Deny(text::gate::broken(&why))) {
            Told::Allow { .. } => json!({ "behavior": "allow", "updatedInput": input }),
            Told::Deny(message) | Told::Defer(message) | Told::Wait(message) => {
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
    ) -> Result<Told, String> {
        let gate = self.gate.clone().ok_or(text::mcp::NO_GATE)?;
        let agent =
            context.client_info().map_or_else(|| "claude-code".to_owned(), |client| client.name);
        let (session, tool, input) =
            (self.session.clone(), tool.to_owned(), Value::Object(input.clone()));
        let looks = gate.clone();
        let looked =
            tokio::task::spawn_blocking(move || looks.brought(&agent, &session, &tool, input));
        let brought = looked.await.map_err(words)?;
        let asked = match access.gate(gate.clone(), brought).await.map_err(words)? {
            Gated::Allowed(words) => return Ok(Told::Allow { words, note: None }),
            Gated::Denied(words) => return Ok(Told::Deny(words)),
            Gated::Asked(decision) => decision,
        };
        let patience = gate.patience(context.meta.get_progress_token().is_some());
        Ok(
            match self
                .wait(access, asked.id, Some(asked.revision), patience, context)
                .await
                .map_err(words)?
            {
                Waited::Cancelled => Told::Deny(text::mcp::CANCELLED.into()),
                Waited::Over(decision) => {
                    self.handle.told(&decision, asked.revision, self.unserved())
                }
            },
        )
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
