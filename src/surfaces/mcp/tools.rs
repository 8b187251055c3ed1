//! The tools. Name, schemas and scopes of each tool are declared once and used for listing, calling
//! and checking.

use std::sync::Arc;

use gander_client::types::Question;
use rmcp::handler::server::common::{schema_for_input, schema_for_output};
use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject, Tool, ToolAnnotations};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::McpServer;
use super::answer::{Done, tool_error};
use super::arguments::fitted;
use super::schema::{
    ApproveInput, Await, Blockers, Blocking, DecisionList, DecisionOutput, PendingInput,
    Permission, Prioritize, RejectInput, ReportInput, Search, WithdrawInput,
};
use crate::core::access::{Forbidden, Scope};
use crate::engine::approvals::access::Access;
use crate::presentation::json::{self, ReadError};
use crate::presentation::text;
use crate::presentation::text::mcp::tool;

/// The tool's effect, for clients that ask their user before a call.
#[derive(Clone, Copy)]
enum ToolEffect {
    /// Read only.
    Look,
    /// Adds something; repeated calls add nothing more.
    Add,
    /// Ends something.
    End,
}

/// A tool's declaration without its types.
pub(super) struct ToolKind {
    name: &'static str,
    words: &'static str,
    does: ToolEffect,
    /// The caller needs at least one of these scopes.
    needs: &'static [Scope],
}

const ASK: &[Scope] = &[Scope::Ask];
const SEE: &[Scope] = &[Scope::Observe, Scope::Decide, Scope::Admin];
const DECIDE: &[Scope] = &[Scope::Decide];

const fn kind(
    name: &'static str,
    words: &'static str,
    does: ToolEffect,
    needs: &'static [Scope],
) -> ToolKind {
    ToolKind { name, words, does, needs }
}

const REQUEST: ToolKind = kind("request_approval", tool::REQUEST, ToolEffect::Add, ASK);
const AWAIT: ToolKind = kind("await_decision", tool::AWAIT, ToolEffect::Add, ASK);
const REPORT: ToolKind = kind("report_outcome", tool::REPORT, ToolEffect::Add, ASK);
const WITHDRAW: ToolKind =
    kind("withdraw", tool::WITHDRAW, ToolEffect::End, &[Scope::Ask, Scope::Admin]);
const PERMISSION: ToolKind = kind("permission_prompt", tool::PERMISSION, ToolEffect::Add, ASK);
const PENDING: ToolKind = kind("factory_get_pending_tasks", tool::PENDING, ToolEffect::Look, SEE);
const APPROVE: ToolKind = kind("factory_approve_task", tool::APPROVE, ToolEffect::End, DECIDE);
const REJECT: ToolKind = kind("factory_reject_task", tool::REJECT, ToolEffect::End, DECIDE);
const PRIORITY: ToolKind = kind("factory_assign_priority", tool::PRIORITY, ToolEffect::Add, DECIDE);
const BLOCKERS: ToolKind = kind("factory_get_blockers", tool::BLOCKERS, ToolEffect::Look, SEE);
const SEARCH: ToolKind = kind("factory_search", tool::SEARCH, ToolEffect::Look, SEE);

impl ToolKind {
    fn tool<I: JsonSchema + 'static>(&self, gives: Option<Arc<JsonObject>>) -> Tool {
        let annotations = match self.does {
            ToolEffect::Look => ToolAnnotations::new().read_only(true).idempotent(true),
            ToolEffect::Add => {
                ToolAnnotations::new().read_only(false).destructive(false).idempotent(true)
            }
            ToolEffect::End => {
                ToolAnnotations::new().read_only(false).destructive(true).idempotent(true)
            }
        };
        // Without a `dedup_key`, every call of these two tools files a new decision.
        let annotations = annotations
            .idempotent(self.name != REQUEST.name && self.name != PERMISSION.name)
            .open_world(false);
        // Never falls back to the default: all input types are objects.
        let takes = schema_for_input::<I>().unwrap_or_default();
        let mut tool = Tool::new(self.name, self.words, takes).with_annotations(annotations);
        tool.output_schema = gives;
        tool
    }

    fn may(&self, access: &Access) -> Result<(), Forbidden> {
        let first = self.needs.first().copied().unwrap_or(Scope::Admin);
        let has = self.needs.iter().any(|scope| access.caller().has(*scope).is_ok());
        if has { Ok(()) } else { Err(Forbidden::Lacks(first)) }
    }
}

/// All tools.
fn all() -> Vec<(&'static ToolKind, Tool)> {
    let told = || Some(schema_for_output::<DecisionOutput>());
    let several = || Some(schema_for_output::<DecisionList>());
    vec![
        (&REQUEST, REQUEST.tool::<Question>(told())),
        (&AWAIT, AWAIT.tool::<Await>(told())),
        (&REPORT, REPORT.tool::<ReportInput>(told())),
        (&WITHDRAW, WITHDRAW.tool::<WithdrawInput>(told())),
        // Claude Code reads only the text of this tool's result.
        (&PERMISSION, PERMISSION.tool::<Permission>(None)),
        (&PENDING, PENDING.tool::<PendingInput>(several())),
        (&APPROVE, APPROVE.tool::<ApproveInput>(told())),
        (&REJECT, REJECT.tool::<RejectInput>(told())),
        (&PRIORITY, PRIORITY.tool::<Prioritize>(told())),
        (&BLOCKERS, BLOCKERS.tool::<Blocking>(Some(schema_for_output::<Blockers>()))),
        (&SEARCH, SEARCH.tool::<Search>(several())),
    ]
}

/// Parses the arguments of a call.
fn read<T: DeserializeOwned>(kind: &ToolKind, arguments: &JsonObject) -> Result<T, String> {
    let text = serde_json::to_vec(arguments).map_err(|error| error.to_string())?;
    let no_files = ("attachments", text::mcp::NO_FILES);
    json::read(&text, &[no_files]).map_err(|wrong| match wrong {
        ReadError::UnexpectedEnd(why)
        | ReadError::NotJson(why)
        | ReadError::InvalidContent(why) => {
            // Remove the line and column: the caller did not write this JSON text.
            let why = why
                .split_once(", column ")
                .and_then(|(_, why)| why.split_once([',', ':']))
                .map_or(&*why, |(_, why)| why.trim());
            text::mcp::wrong_input(kind.name, why)
        }
    })
}

/// What a client sends with a tool's call, beside the tool's arguments.
pub(super) struct ClientCall<'a> {
    /// The state that an earlier result asked the client to send back. Chosen by the client: it is
    /// checked where it is used.
    pub(super) state: Option<&'a str>,
    pub(super) context: &'a RequestContext<RoleServer>,
}

impl McpServer {
    /// The tools that this caller may use.
    pub(super) fn tools(&self, access: &Access) -> Vec<Tool> {
        let is_there = |kind: &ToolKind| {
            kind.may(access).is_ok() && (self.gate.is_some() || kind.name != PERMISSION.name)
        };
        all().into_iter().filter(|(kind, _)| is_there(kind)).map(|(_, tool)| tool).collect()
    }

    /// Calls a tool. A mistake that the caller can correct is a tool error; an unknown tool is a
    /// protocol error.
    pub(super) async fn call(
        &self,
        access: &Access,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = &*request.name;
        let Some((kind, tool)) = all().into_iter().find(|(kind, _)| kind.name == name) else {
            return Err(ErrorData::invalid_params(text::mcp::no_tool(name), None));
        };
        if let Err(forbidden) = kind.may(access) {
            return Ok(tool_error(text::forbidden(&forbidden)).into());
        }
        let arguments = fitted(&request.arguments.unwrap_or_default(), &tool.input_schema);
        let call = ClientCall { state: request.request_state.as_deref(), context };
        let done = self.run(kind, access, &arguments, &call).await;
        Ok(done.unwrap_or_else(|words| tool_error(words).into()))
    }

    async fn run(
        &self,
        kind: &ToolKind,
        access: &Access,
        given: &JsonObject,
        call: &ClientCall<'_>,
    ) -> Result<CallToolResponse, String> {
        match kind.name {
            "request_approval" => {
                self.request_approval(access, read(kind, given)?, call.context).await
            }
            "await_decision" => self.await_decision(access, read(kind, given)?, call).await,
            _ => self.run_to_end(kind, access, given, call.context).await.map(Into::into),
        }
    }

    /// Runs a tool that always gives its final result.
    async fn run_to_end(
        &self,
        kind: &ToolKind,
        access: &Access,
        given: &JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Done {
        match kind.name {
            "report_outcome" => self.report_outcome(access, read(kind, given)?).await,
            "withdraw" => self.withdraw(access, read(kind, given)?).await,
            "permission_prompt" => Ok(self.permission(access, read(kind, given)?, context).await),
            "factory_get_pending_tasks" => self.pending(access, read(kind, given)?).await,
            "factory_approve_task" => self.approve(access, read(kind, given)?).await,
            "factory_reject_task" => self.reject(access, read(kind, given)?).await,
            "factory_assign_priority" => self.prioritize(access, read(kind, given)?).await,
            "factory_get_blockers" => self.blockers(access, read(kind, given)?).await,
            _ => self.search(access, read(kind, given)?).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_an_object_for_its_input_and_is_run_by_its_own_name() {
        for (kind, tool) in all() {
            assert_eq!(tool.input_schema.get("type"), Some(&"object".into()), "{}", kind.name);
            let runs = include_str!("tools.rs").contains(&format!("{:?} => ", kind.name))
                || kind.name == SEARCH.name;
            assert!(runs, "{}", kind.name);
        }
    }
}
