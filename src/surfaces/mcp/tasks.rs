//! The tasks extension (`io.modelcontextprotocol/tasks`): a question as a task, which the client
//! polls until its result is the verdict.
//!
//! A task has no state of its own. Its id names a revision of a decision, sealed for the caller
//! that asked; its status follows from the decision. Nothing is kept per task, so a task outlives
//! every process, and ends when the decision does. A client never gives a verdict through a task:
//! `tasks/update` changes nothing.

use std::time::Duration;

use chrono::SecondsFormat;
use rmcp::model::{
    CallToolResponse, CallToolResult, ClientCapabilities, CreateTaskResult, DetailedTask,
    ProtocolVersion, Task, TaskPayload,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::McpServer;
use super::answer::{broken, tool_error};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Revision, State};
use crate::engine::HandleError;
use crate::engine::approvals::access::{Access, AccessError};
use crate::engine::approvals::seal::SealPurpose;
use crate::presentation::text;

/// How often a client should look while people may answer.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How often a client should look, at least, while the decision is deferred.
const LONGEST_POLL_INTERVAL: Duration = Duration::from_secs(60);

/// A task: one revision of a question that the caller asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TaskRef {
    decision: DecisionId,
    revision: Revision,
}

impl TaskRef {
    const fn of(decision: &Decision) -> Self {
        Self { decision: decision.id, revision: decision.revision }
    }

    fn numbers(self) -> [i64; 2] {
        [self.decision.0, i64::from(self.revision.0)]
    }

    /// Splits a task's id into the task and its seal, which is still to be checked.
    fn parse(id: &str) -> Option<(Self, &str)> {
        let (numbers, seal) = id.rsplit_once('.')?;
        let (decision, revision) = numbers.split_once('.')?;
        let decision = DecisionId(decision.parse().ok()?);
        let revision = Revision(revision.parse().ok()?);
        let task = Self { decision, revision };
        // A task has one spelling: not `+1` or `01`.
        (task.to_string() == numbers).then_some((task, seal))
    }
}

impl std::fmt::Display for TaskRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.decision.0, self.revision.0)
    }
}

/// Whether the request is of the revision 2026-07-28 or a later one.
pub(super) fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    let newest = ProtocolVersion::V_2026_07_28;
    context.meta.protocol_version().is_some_and(|version| version.as_str() >= newest.as_str())
}

/// Whether this very request declares the tasks extension. What a client declared earlier does not
/// count: another request may come from another client.
pub(super) fn speaks_tasks(context: &RequestContext<RoleServer>) -> bool {
    is_stateless(context)
        && context.meta.client_capabilities().is_some_and(|declared| declared.supports_tasks())
}

/// Rejects a request about a task that does not declare the tasks extension.
pub(super) fn must_speak_tasks(context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    if speaks_tasks(context) {
        return Ok(());
    }
    let needed = ClientCapabilities::builder().enable_tasks().build();
    Err(ErrorData::missing_required_client_capability(needed))
}

/// When the decision last changed, as far as a client can see it.
fn updated_at(decision: &Decision) -> Time {
    match &decision.state {
        State::Pending(_) => decision.began.unwrap_or(decision.asked_at),
        State::Deferred { at, .. } | State::Withdrawn { at, .. } => *at,
        State::Resolved(resolved) => resolved.claimed_at.unwrap_or(resolved.at),
    }
}

impl McpServer {
    /// The task for a question that was just asked.
    pub(super) async fn new_task(
        &self,
        access: &Access,
        decision: &Decision,
    ) -> Result<CallToolResponse, HandleError> {
        let task = TaskRef::of(decision);
        let seal = access.seal(SealPurpose::Question, &task.numbers()).await?;
        // A verdict may be there already; the client gets it, and claims it, by polling.
        let working = self.describe(&format!("{task}.{seal}"), decision, TaskPayload::Working);
        Ok(CreateTaskResult::new(working.task).into())
    }

    /// The task that the caller names, with its decision as of now. Tasks of other callers do not
    /// exist for the caller.
    async fn find_task(&self, access: &Access, id: &str) -> Result<(TaskRef, Decision), ErrorData> {
        let unknown = || ErrorData::invalid_params(text::mcp::task::UNKNOWN, None);
        let (task, seal) = TaskRef::parse(id).ok_or_else(unknown)?;
        let sealed = access.is_sealed(SealPurpose::Question, &task.numbers(), seal).await;
        if !sealed.map_err(|error| broken(&error.into()))? {
            return Err(unknown());
        }
        match access.get(task.decision).await {
            Ok(decision) if access.caller().may_take(&decision).is_ok() => Ok((task, decision)),
            Ok(_) | Err(AccessError::Handle(HandleError::NoSuchDecision(_))) => Err(unknown()),
            Err(error) => Err(broken(&error)),
        }
    }

    /// The task as of now. A verdict is claimed before the client sees it: from then on nobody can
    /// undo it, and the client reads the same result again.
    pub(super) async fn task(&self, access: &Access, id: &str) -> Result<DetailedTask, ErrorData> {
        let (task, mut decision) = self.find_task(access, id).await?;
        if task.revision == decision.revision && matches!(decision.state, State::Resolved(_)) {
            decision = self.claimed(access, decision).await?;
        }
        let payload = if task.revision == decision.revision {
            match &decision.state {
                State::Pending(_) | State::Deferred { .. } => TaskPayload::Working,
                State::Withdrawn { .. } => TaskPayload::Cancelled,
                State::Resolved(_) => self.completed(access, task, &decision)?,
            }
        } else {
            self.completed(access, task, &decision)?
        };
        Ok(self.describe(id, &decision, payload))
    }

    /// The decision with its verdict claimed; or as it is now, if the verdict was undone meanwhile.
    async fn claimed(&self, access: &Access, decision: Decision) -> Result<Decision, ErrorData> {
        match access.claim(decision.id).await {
            Ok(claimed) => Ok(claimed),
            Err(AccessError::Handle(HandleError::Refused(now, _))) => Ok(*now),
            Err(error) => Err(broken(&error)),
        }
    }

    fn completed(
        &self,
        access: &Access,
        task: TaskRef,
        decision: &Decision,
    ) -> Result<TaskPayload, ErrorData> {
        let result =
            self.wait_result(access, Some(task.revision), decision).unwrap_or_else(tool_error);
        Ok(TaskPayload::Completed { result: object(&result)? })
    }

    /// Withdraws the question. After a verdict, and for an earlier revision, nothing changes: the
    /// client reads on what became of the task.
    pub(super) async fn cancel(&self, access: &Access, id: &str) -> Result<(), ErrorData> {
        let (task, decision) = self.find_task(access, id).await?;
        if task.revision != decision.revision || !decision.state.is_open() {
            return Ok(());
        }
        match access.withdraw(decision.id, text::mcp::TAKEN_BACK).await {
            // A verdict, or another withdrawal, came first.
            Ok(_) | Err(AccessError::Handle(HandleError::Refused(..))) => Ok(()),
            Err(error) => Err(broken(&error)),
        }
    }

    /// Acknowledges responses to input requests. There never are such requests, so the responses
    /// are for nothing, and are ignored.
    pub(super) async fn update(&self, access: &Access, id: &str) -> Result<(), ErrorData> {
        self.find_task(access, id).await.map(drop)
    }

    fn describe(&self, id: &str, decision: &Decision, payload: TaskPayload) -> DetailedTask {
        let scale = self.handle.time_scale();
        let moment = |at| scale.wall_time(at).to_rfc3339_opts(SecondsFormat::Millis, true);
        let (created, updated) = (moment(decision.asked_at), moment(updated_at(decision)));
        let mut task = Task::new(id, payload.status(), created, updated);
        let progress = self.handle.escalation().progress(decision);
        let words = match payload {
            TaskPayload::Working | TaskPayload::Cancelled => Some(text::mcp::task::status(
                decision,
                progress.as_ref(),
                self.handle.now(),
                self.handle.rules().zone,
                self.unserved(),
            )),
            // The result says it.
            _ => None,
        };
        if let Some(words) = words {
            task = task.with_status_message(words);
        }
        if decision.state.is_open() {
            let interval = self.poll_interval(decision).as_millis();
            task = task.with_poll_interval_ms(u64::try_from(interval).unwrap_or(u64::MAX));
        }
        // No time to live: a question waits until it is answered or withdrawn.
        DetailedTask::new(task, payload)
    }

    fn poll_interval(&self, decision: &Decision) -> Duration {
        let State::Deferred { until, .. } = &decision.state else { return POLL_INTERVAL };
        let left = self.handle.time_scale().wall_span(*until - self.handle.now());
        left.to_std().unwrap_or_default().clamp(POLL_INTERVAL, LONGEST_POLL_INTERVAL)
    }
}

fn object(result: &CallToolResult) -> Result<rmcp::model::JsonObject, ErrorData> {
    match serde_json::to_value(result) {
        Ok(Value::Object(result)) => Ok(result),
        other => {
            tracing::error!(?other, "a tool's result is not a JSON object");
            Err(ErrorData::internal_error("the result cannot be written", None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DecisionId, Revision, TaskRef};

    #[test]
    fn a_task_has_one_spelling() {
        let task = TaskRef { decision: DecisionId(142), revision: Revision(3) };
        assert_eq!(TaskRef::parse("142.3.abc"), Some((task, "abc")));
        for other in [
            "",
            ".",
            "..",
            "142",
            "142.3",
            "+142.3.abc",
            "0142.3.abc",
            "142.03.abc",
            "142.+3.abc",
            " 142.3.abc",
            "142.3.4.abc",
            "142.-3.abc",
            "142.4294967296.abc",
            "99999999999999999999.1.abc",
            "١.1.abc",
        ] {
            assert_eq!(TaskRef::parse(other), None, "{other:?}");
        }
    }
}
