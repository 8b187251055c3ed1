//! How a tool answers: data beside words, and errors that say what to do.

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;

use super::Server;
use super::words::{Stands, Told};
use crate::core::decision::{Decision, Refused, Revision};
use crate::core::text;
use crate::engine::HandleError;
use crate::engine::access::{Access, AccessError};
use crate::wire;

/// What a tool came to. An error is one that its caller can do something about, in words.
pub(super) type Done = Result<CallToolResult, String>;

/// Data, and words for those who read.
pub(super) fn tell(words: impl Into<String>, data: &impl Serialize) -> Done {
    let data = serde_json::to_value(data).map_err(|error| error.to_string())?;
    let mut result = CallToolResult::success(vec![ContentBlock::text(words)]);
    result.structured_content = Some(data);
    Ok(result)
}

/// An error as the caller is told of it.
pub(super) fn complain(words: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(words)])
}

/// What is not a tool's, and cannot be answered.
pub(super) fn broken(error: &AccessError) -> ErrorData {
    tracing::error!(%error, "a request over MCP could not be answered");
    ErrorData::internal_error(error.to_string(), None)
}

impl Server {
    /// A decision as it is told.
    pub(super) fn view(&self, decision: &Decision) -> wire::Decision {
        wire::Decision::of(
            decision,
            self.handle.who_may(decision),
            self.handle.now(),
            self.handle.pace(),
        )
    }

    /// A decision in a line.
    pub(super) fn line(&self, decision: &Decision) -> String {
        text::mcp::line(decision, self.handle.standing(decision).as_ref(), self.handle.now())
    }

    /// A decision, with what to make of it.
    pub(super) fn told(&self, stands: Stands, words: String, decision: &Decision) -> Told {
        Told { stands, words, data: text::mcp::DATA, decision: self.view(decision) }
    }

    /// The same as a tool's answer.
    pub(super) fn answer(&self, stands: Stands, words: String, decision: &Decision) -> Done {
        // Where it stands is in the words.
        let line = text::mcp::line(decision, None, self.handle.now());
        tell(format!("{words}\n{line}\n{}", text::mcp::DATA), &self.told(stands, words, decision))
    }

    /// Why nothing was done, and what to do.
    pub(super) async fn refused(&self, access: &Access, error: AccessError) -> String {
        match error {
            AccessError::Handle(HandleError::NoSuchDecision(id)) => text::mcp::nothing(id.0),
            AccessError::Handle(HandleError::Denied(decision, denied)) => {
                text::mcp::denied(&decision, &denied)
            }
            AccessError::Handle(HandleError::Refused(decision, refused)) => {
                let mut words = text::mcp::refused(&decision, &refused);
                // What a caller does not see is not shown to it in passing.
                if access.caller().sees(&decision) {
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
        match self.handle.request_at(decision.id, seen).await {
            Ok(Some(before)) => text::mcp::changed(&before, decision),
            _ => String::new(),
        }
    }
}
