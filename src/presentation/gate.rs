//! The question about a tool call: what a person reads before the call runs.

use crate::core::decision::session::PERMISSION;
use crate::core::decision::{Agent, Detail, Expects, Insight, Kind, Request, Risk};
use crate::core::gate::ToolCall;
use crate::core::gate::edits::{Edit, FileChange};
use crate::core::gate::rules::AskReason;
use crate::presentation::text;

/// What the rules say about a question.
#[derive(Debug, Clone)]
pub struct QuestionTerms {
    /// The risk.
    pub risk: Risk,
    /// The kind; `None`: a permission.
    pub kind: Option<Kind>,
    /// Why a person is asked.
    pub reason: Option<AskReason>,
}

/// The decision request for a call.
#[must_use]
pub fn question(call: &ToolCall, project: Option<String>, terms: QuestionTerms) -> Request {
    let usual = Request::default();
    let detail = |name: &str, value: String| Detail { name: name.to_owned(), value };
    let (title, body) = title_and_body(call);
    // `roots` is empty only when the working directory is unknown.
    let cwd = if call.roots.is_empty() {
        text::gate::UNKNOWN_DIRECTORY.into()
    } else {
        call.cwd.to_string_lossy()
    };
    let why_it_matters = terms.reason.as_ref().map(text::gate::reason).unwrap_or_default();
    Request {
        title,
        kind: terms.kind.unwrap_or_else(|| Kind::from(PERMISSION)),
        expects: Expects::Approve,
        insight: Insight { why_it_matters, ..Insight::default() },
        details: vec![
            detail(text::gate::DIRECTORY, cwd.into_owned()),
            detail(text::gate::TOOL, call.tool.clone()),
        ],
        body,
        project: project.unwrap_or(usual.project),
        agent: Agent { name: call.agent.clone(), session: call.session.clone() },
        risk: terms.risk,
        dedup_key: Some(call.key()),
        ..Request::default()
    }
}

fn title_and_body(call: &ToolCall) -> (String, String) {
    if let Some(command) = call.command() {
        let directory = call.cwd.file_name().map(|name| name.to_string_lossy().into_owned());
        let title = text::gate::run(&command, directory.as_deref());
        return (title, text::gate::with_fields(command, &call.extra_arguments()));
    }
    if let Some(edit) = call.edit() {
        let edit = Edit { path: call.shorter(&edit.path), ..edit };
        let diff = edit.diff(call.before.as_deref());
        let is_new = matches!(edit.change, FileChange::Whole(_)) && call.before.is_none();
        return (text::gate::edit(&edit.path, &diff, is_new), diff);
    }
    let subject = ["plan", "url", "query", "file_path", "path", "command", "prompt"];
    let subject = subject.iter().find_map(|name| call.input.get(name)?.as_str());
    let body = match call.input.get("plan").and_then(serde_json::Value::as_str) {
        Some(plan) => plan.to_owned(),
        None => serde_json::to_string_pretty(&call.input).unwrap_or_default(),
    };
    (text::gate::tool(&call.tool, subject), body)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn terms(reason: Option<&str>) -> QuestionTerms {
        let reason = reason.map(|reason| AskReason::Configured(reason.into()));
        QuestionTerms { risk: Risk::High, kind: None, reason }
    }

    fn call(tool: &str, input: Value) -> ToolCall {
        ToolCall {
            agent: "claude-code".into(),
            session: Some("s-1".into()),
            tool: tool.into(),
            input,
            cwd: "/home/maya/shop".into(),
            roots: vec!["/home/maya/shop".into()],
            home: None,
            real: Vec::new(),
            poses_as_repository: false,
            before: None,
        }
    }

    #[test]
    fn what_is_asked_shows_what_will_run() {
        let lines: Vec<String> = [
            call("Bash", json!({"command": "git push origin main", "description": "x"})),
            call("Bash", json!({"command": "set -e\nmake\nmake install"})),
            call("shell", json!({"command": ["bash", "-lc", "git push"]})),
            call("shell", json!({"command": ["git", "commit", "-m", "it's done"]})),
            call("Write", json!({"file_path": "/home/maya/shop/a.txt", "content": "a\nb\n"})),
            ToolCall {
                before: Some("a\nb\n".into()),
                ..call("Edit", json!({"file_path": "a.txt", "old_string": "b", "new_string": "c"}))
            },
            call("WebFetch", json!({"url": "https://example.org/x", "prompt": "Read it"})),
            call("ExitPlanMode", json!({"plan": "1. Look\n2. Leap"})),
            call("mcp__shop__refund", json!({"order": 7})),
        ]
        .iter()
        .map(|call| {
            let asked = question(call, None, terms(Some("Others see it.")));
            assert_eq!(asked.dedup_key, Some(call.key()));
            format!("# {}\n{}", asked.title, asked.body)
        })
        .collect();
        insta::assert_snapshot!(lines.join("\n\n"));
    }

    #[test]
    fn all_of_a_call_is_shown() {
        for (tool, input, hidden) in [
            ("Bash", json!({"command": "ls", "env": {"PATH": "./evil"}}), "./evil"),
            ("shell", json!({"command": ["ls"], "workdir": "/elsewhere"}), "/elsewhere"),
            (
                "developer__write",
                json!({"path": "x", "content": "EVIL", "before": "a", "after": "b"}),
                "EVIL",
            ),
            (
                "developer__edit",
                json!({"path": "x", "before": "a", "after": "EVIL", "edits": []}),
                "EVIL",
            ),
            (
                "Edit",
                json!({
                    "file_path": "x",
                    "edits": [{"old_string": "a", "new_string": "b", "content": "EVIL"}],
                }),
                "EVIL",
            ),
            (
                "NotebookEdit",
                json!({"notebook_path": "x", "new_source": "", "edit_mode": "EVIL"}),
                "EVIL",
            ),
            (
                "apply_patch",
                json!({
                    "input": "*** Begin Patch\n*** Add File: a\n+x",
                    "patch": "*** Begin Patch EVIL",
                }),
                "EVIL",
            ),
        ] {
            let asked = question(&call(tool, input), None, terms(None));
            assert!(asked.body.contains(hidden), "{tool}: {}", asked.body);
        }
    }
}
