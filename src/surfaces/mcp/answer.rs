//! Tool results: structured data beside text, and errors that tell the caller what to do.

use gander_client::types;
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;

use super::McpServer;
use super::schema::{DecisionOutput, DecisionState};
use crate::core::decision::{Decision, Refused, Revision};
use crate::engine::HandleError;
use crate::engine::approvals::access::{Access, AccessError};
use crate::presentation::{json, text};

/// A tool's result. An error is text about a mistake that the caller can correct.
pub(super) type Done = Result<CallToolResult, String>;

/// A successful result: text, and structured data.
pub(super) fn tool_success(words: impl Into<String>, data: &impl Serialize) -> Done {
    let data = serde_json::to_value(data).map_err(|error| error.to_string())?;
    let mut result = CallToolResult::success(vec![ContentBlock::text(words)]);
    result.structured_content = Some(data);
    Ok(result)
}

/// An error result for the caller.
pub(super) fn tool_error(words: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(words)])
}

/// Logs an internal failure and returns a protocol error.
pub(super) fn broken(error: &AccessError) -> ErrorData {
    tracing::error!(%error, "an MCP request failed");
    ErrorData::internal_error(error.to_string(), None)
}

impl McpServer {
    /// A decision as a JSON type, as of now.
    pub(super) fn view(&self, decision: &Decision) -> types::Decision {
        json::decision(
            decision,
            self.handle.approvers().who_may(decision),
            self.handle.now(),
            self.handle.time_scale(),
        )
    }

    /// A decision in one line of text.
    pub(super) fn line(&self, decision: &Decision) -> String {
        text::mcp::line(
            decision,
            self.handle.escalation().progress(decision).as_ref(),
            self.handle.now(),
        )
    }

    /// A decision with its state and text for the caller.
    pub(super) fn told(
        &self,
        stands: DecisionState,
        words: String,
        decision: &Decision,
    ) -> DecisionOutput {
        DecisionOutput { stands, words, data: text::mcp::DATA, decision: self.view(decision) }
    }

    /// A decision as a tool's result.
    pub(super) fn answer(&self, stands: DecisionState, words: String, decision: &Decision) -> Done {
        // `words` already describe the escalation, so the line leaves it out.
        let line = text::mcp::line(decision, None, self.handle.now());
        tool_success(
            format!("{words}\n{line}\n{}", text::mcp::DATA),
            &self.told(stands, words, decision),
        )
    }

    /// Why a call was rejected, and what to do.
    pub(super) async fn refused(&self, access: &Access, error: AccessError) -> String {
        match error {
            AccessError::Handle(HandleError::NoSuchDecision(id)) => text::mcp::nothing(id.0),
            AccessError::Handle(HandleError::Denied(decision, denied)) => {
                text::mcp::denied(&decision, &denied)
            }
            AccessError::Handle(HandleError::Refused(decision, refused)) => {
                let mut words = text::mcp::refused(&decision, &refused);
                // An error must not reveal a decision that the caller may not see.
                if access.sees(&decision) {
                    words = format!("{words}\n{}\n{}", self.line(&decision), text::mcp::DATA);
                    if let Refused::Outdated { seen, .. } = refused {
                        words = format!("{words}\n{}", self.changed(&decision, seen).await);
                    }
                }
                words
            }
            other => other.to_string(),
        }
    }

    async fn changed(&self, decision: &Decision, seen: Revision) -> String {
        match self.handle.event_log().request_at(decision.id, seen).await {
            Ok(Some(before)) => text::mcp::changed(&before, decision),
            _ => String::new(),
        }
    }
}
