//! The question about a tool call: what a person reads before the call runs.

use serde_json::{Map, Value};

use crate::core::decision::question::{UnfitQuestion, check_questions};
use crate::core::decision::session::{ONCE, PERMISSION, QUESTION};
use crate::core::decision::{
    Agent, Attested, Detail, Expects, Insight, Kind, Link, Question, Request, Risk, Script,
};
use crate::core::gate::ToolCall;
use crate::core::gate::edits::{Edit, FileChange};
use crate::core::gate::facts::RunFile;
use crate::core::gate::questions::{ADDRESS, SERVER, expects};
use crate::core::gate::rules::AskReason;
use crate::core::untrusted::live_link;
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
    /// Digest of the rules that judged the call ([`crate::core::gate::rules::digest`]).
    pub rules: String,
}

/// The decision request for a call.
///
/// # Errors
/// [`UnfitQuestion`]: the call asks what nobody could answer.
pub fn question(
    call: &ToolCall,
    project: Option<String>,
    terms: QuestionTerms,
) -> Result<Request, UnfitQuestion> {
    match call.questions() {
        Some(questions) => asked(call, questions, project, terms),
        None => Ok(permission(call, project, terms)),
    }
}

/// The request for questions of the agent to its person. Nothing runs.
fn asked(
    call: &ToolCall,
    questions: Vec<Question>,
    project: Option<String>,
    terms: QuestionTerms,
) -> Result<Request, UnfitQuestion> {
    check_questions(&questions)?;
    let expects = expects(&questions);
    let options = match (expects, questions.as_slice()) {
        (Expects::Choose, [question]) => question.options.clone(),
        _ => Vec::new(),
    };
    let usual = Request::default();
    let address = call.input.get(ADDRESS).and_then(Value::as_str);
    let server = call.input.get(SERVER).and_then(Value::as_str);
    let (links, observation) = match server {
        Some(server) => (link(server, address), message(call)),
        None => (Vec::new(), String::new()),
    };
    Ok(Request {
        title: text::questions_title(&questions),
        kind: terms.kind.unwrap_or_else(|| Kind::from(QUESTION)),
        expects,
        insight: Insight {
            observation,
            why_it_matters: terms.reason.as_ref().map(text::gate::reason).unwrap_or_default(),
            ..Insight::default()
        },
        details: server
            .map(|server| detail(text::gate::SERVER, server.to_owned()))
            .into_iter()
            .collect(),
        body: text::gate::previews(&call.input),
        links,
        options,
        questions,
        project: project.unwrap_or(usual.project),
        agent: Agent { name: call.agent.clone(), session: call.session.clone() },
        risk: terms.risk,
        dedup_key: Some(call.key()),
        ..Request::default()
    })
}

/// The address that a server asks a person to visit, if it is one that Gander shows.
fn link(server: &str, address: Option<&str>) -> Vec<Link> {
    let shown = |url: &&str| live_link(url).is_some();
    let link = |url: &str| Link { name: server.to_owned(), url: url.to_owned() };
    address.filter(shown).map(link).into_iter().collect()
}

/// The words of a server beside its form. Those of a form without fields are the question.
fn message(call: &ToolCall) -> String {
    let words = text::gate::message(&call.input);
    let is_question =
        call.questions().is_some_and(|all| all.iter().any(|q| q.text.contains(words)));
    if is_question { String::new() } else { words.to_owned() }
}

fn detail(name: &str, value: String) -> Detail {
    Detail { name: name.to_owned(), value }
}

/// The request for a call that runs something.
pub(super) fn permission(
    call: &ToolCall,
    project: Option<String>,
    terms: QuestionTerms,
) -> Request {
    let usual = Request::default();
    let Drawn { title, body, beside } = drawn(call);
    // Over a connection, the working directory may be unknown.
    let cwd = if call.roots.is_empty() && call.cwd.parent().is_none() {
        text::gate::UNKNOWN_DIRECTORY.into()
    } else {
        call.cwd.to_string_lossy()
    };
    let why_it_matters = terms.reason.as_ref().map(text::gate::reason).unwrap_or_default();
    let observation = text::gate::fields(&call.introduction());
    let mut details = vec![
        detail(text::gate::DIRECTORY, cwd.into_owned()),
        detail(text::gate::TOOL, call.tool.clone()),
    ];
    // A long command leaves no room on the card for what stands below it.
    let widening = call.widening(&beside);
    details.extend(widening.into_iter().map(|(name, value)| detail(name, value.to_string())));
    let scripts = scripts(call);
    let summary = text::scripts_summary(&scripts);
    details.extend(summary.map(|summary| detail(text::SCRIPTS_DETAIL, summary)));
    let key = call.key();
    if key.ends_with(ONCE) && call.session.is_some() {
        details.push(detail(text::ONCE_DETAIL, text::ONCE.to_owned()));
    }
    Request {
        title,
        kind: terms.kind.unwrap_or_else(|| Kind::from(PERMISSION)),
        expects: Expects::Approve,
        insight: Insight { observation, why_it_matters, ..Insight::default() },
        details,
        plan: call.is_plan() && !body.trim().is_empty(),
        body,
        project: project.unwrap_or(usual.project),
        agent: Agent { name: call.agent.clone(), session: call.session.clone() },
        risk: terms.risk,
        scripts,
        dedup_key: Some(key),
        attested: Some(Attested { rules: terms.rules, call: call.hash() }),
        ..Request::default()
    }
}

/// The request with what the agent told before the call. It is shown with the call, and no part of
/// it.
#[must_use]
pub fn introduced(request: Request, context: &str) -> Request {
    let told = [request.insight.observation.as_str(), context];
    let told: Vec<&str> = told.into_iter().filter(|text| !text.trim().is_empty()).collect();
    let insight = Insight { observation: told.join("\n"), ..request.insight };
    Request { insight, ..request }
}

/// The files that a call runs, as people see them.
fn scripts(call: &ToolCall) -> Vec<Script> {
    let found = call.facts.runs.iter().filter_map(|(path, file)| match file {
        RunFile::Nothing => None,
        RunFile::Found(content) => {
            let path = call.shorter(&path.to_string_lossy());
            Some(Script { path, content: content.clone() })
        }
    });
    found.collect()
}

/// What a call shows: all of its arguments.
struct Drawn {
    title: String,
    /// What will run, with the arguments beside it.
    body: String,
    /// The arguments beside a command, a diff or a plan.
    beside: Map<String, Value>,
}

fn drawn(call: &ToolCall) -> Drawn {
    let (title, runs, beside) = if let Some(command) = call.command() {
        let directory = call.cwd.file_name().map(|name| name.to_string_lossy().into_owned());
        (text::gate::run(&command, directory.as_deref()), command, call.extra_arguments())
    } else if let Some(edit) = call.edit() {
        let edit = Edit { path: call.shorter(&edit.path), ..edit };
        let diff = edit.diff(&call.before);
        // Pieces are shown even if the file is not.
        let replaces = matches!(edit.change, FileChange::Whole(_)).then_some(&call.before);
        (text::gate::edit(&edit.path, &diff, replaces), diff, edit.beside)
    } else {
        other_tool(call)
    };
    Drawn { title, body: text::gate::with_fields(runs, &beside), beside }
}

/// Title, text and other arguments of a tool that neither runs a command nor changes a file.
fn other_tool(call: &ToolCall) -> (String, String, Map<String, Value>) {
    let subject = ["plan", "url", "query", "file_path", "path", "command", "prompt"];
    let subject = subject.iter().find_map(|name| call.input.get(name)?.as_str());
    let title = text::gate::tool(&call.tool, subject);
    let Value::Object(mut fields) = call.input.clone() else {
        return (title, text::gate::arguments(&call.input), Map::new());
    };
    match fields.remove("plan") {
        Some(Value::String(plan)) if call.is_plan() => (text::gate::plan(&plan), plan, fields),
        Some(Value::String(plan)) => (title, plan, fields),
        _ if call.is_plan() => {
            let mut fields = call.input.as_object().cloned().unwrap_or_default();
            fields.retain(|name, value| name != "plan" || !value.is_null());
            (title, String::new(), fields)
        }
        _ => (title, text::gate::arguments(&call.input), Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::core::gate::edits::Before;

    use super::*;

    fn terms(reason: Option<&str>) -> QuestionTerms {
        let reason = reason.map(|reason| AskReason::Configured(reason.into()));
        QuestionTerms { risk: Risk::High, kind: None, reason, rules: String::new() }
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
            own_prompt: false,
            before: Before::Absent,
            facts: crate::core::gate::facts::Facts::default(),
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
                before: Before::Text("a\nb\n".into()),
                ..call("Edit", json!({"file_path": "a.txt", "old_string": "b", "new_string": "c"}))
            },
            call("WebFetch", json!({"url": "https://example.org/x", "prompt": "Read it"})),
            call("ExitPlanMode", json!({"plan": "1. Look\n2. Leap"})),
            call("ExitPlanMode", json!({})),
            call(
                "ExitPlanMode",
                json!({
                    "plan": "Tidy.",
                    "planFilePath": "/x/y.md",
                    "allowedPrompts": [{"tool": "Bash", "prompt": "drop the old tables"}],
                }),
            ),
            call("ExitPlanMode", json!({"allowedPrompts": [{"tool": "Bash", "prompt": "x"}]})),
            call(
                "Edit",
                json!({
                    "file_path": "a.txt", "old_string": "b", "new_string": "c", "replace_all": true,
                }),
            ),
            ToolCall {
                agent: "codex".into(),
                ..call(
                    "Bash",
                    json!({
                        "command": "npm run test",
                        "description": "network-access https://collect.evil.example:443",
                    }),
                )
            },
            call("mcp__shop__refund", json!({"order": 7})),
        ]
        .iter()
        .map(|call| {
            let asked = question(call, None, terms(Some("Others see it."))).unwrap();
            assert_eq!(asked.dedup_key, Some(call.key()));
            let beside: Vec<String> = asked.details[2..]
                .iter()
                .map(|detail| format!("\n› {}: {}", detail.name, detail.value))
                .collect();
            let says = asked.insight.observation;
            format!("# {}\n{}\n« {says} »{}", asked.title, asked.body, beside.concat())
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
            let asked = question(&call(tool, input), None, terms(None)).unwrap();
            assert!(asked.body.contains(hidden), "{tool}: {}", asked.body);
        }
    }
}
