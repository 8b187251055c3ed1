//! What a line of `WorkRail` means: a question, the end of questions, or nothing. Has all text that
//! this source puts on a card. Pure.

use serde_json::Value;

use super::WorkRailFolder;
use super::files::NewLine;
use crate::core::decision::{Agent, Detail, Expects, Insight, Kind, Priority, Request, Risk};
use crate::sources::effect::{Effect, text_at, title_part};
use crate::sources::short_hash;

/// Why a message's question ends when the person has read the message in `WorkRail`.
pub(super) const READ_THERE: &str = "it was read in WorkRail's own inbox";
const ENDED: &str = "the session has ended";
const ADVANCED: &str = "the session goes on";

/// The effects of a line, in order. Lines of other kinds and shapes have none.
pub(super) fn effect(folder: &WorkRailFolder, line: &NewLine) -> Vec<Effect> {
    match line {
        NewLine::Outbox(number, text) => {
            let message = serde_json::from_str(text).ok();
            let asked = message.and_then(|message: Value| outbox(folder, *number, text, &message));
            asked.into_iter().map(Effect::ask).collect()
        }
        NewLine::Event(text) => serde_json::from_str(text)
            .map(|event: Value| daemon_event(folder, text, &event))
            .unwrap_or_default(),
    }
}

/// The line number of an outbox message in a key.
pub(super) fn outbox_line(folder: &WorkRailFolder, key: &str) -> Option<u64> {
    let rest = key.strip_prefix(&folder.key())?.strip_prefix("outbox:")?;
    rest.split(':').next()?.parse().ok()
}

/// Whether two questions are about one stuck session: `WorkRail` writes a message and an event.
pub(super) fn is_same_cause(asked: &Request, new: &Request) -> bool {
    let reason = |request: &Request| {
        let stuck = request.title.starts_with(STUCK);
        request.details.iter().find(|detail| stuck && detail.name == "reason").cloned()
    };
    asked.dedup_key != new.dedup_key && reason(asked).is_some_and(|it| Some(it) == reason(new))
}

const STUCK: &str = "Agent stuck";

fn outbox(folder: &WorkRailFolder, number: u64, line: &str, message: &Value) -> Option<Request> {
    let (id, text) = (text_at(message, "/id")?, text_at(message, "/message")?);
    let key = format!("outbox:{number}:{}", short_hash(line.as_bytes()));
    let is_stuck = text_at(message, "/kind") == Some("stuck");
    let heading = if is_stuck { STUCK } else { "Message" };
    let mut details = facts(message, &["workflowId", "reason"]);
    let issues = message.get("issueSummaries").and_then(Value::as_array);
    details.extend(
        issues
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .take(5)
            .map(|issue| Detail { name: "issue".into(), value: issue.to_owned() }),
    );
    Some(Request {
        expects: Expects::Answer,
        kind: Kind::from(if is_stuck { "routine" } else { "insight" }),
        risk: if is_stuck { Risk::Medium } else { Risk::Low },
        priority: if is_stuck { Priority::High } else { Priority::Normal },
        insight: Insight {
            observation: String::new(),
            why_it_matters: if is_stuck {
                "The session makes no progress until somebody helps.".into()
            } else {
                String::new()
            },
            what_to_do: "Answer, or read the message in WorkRail's inbox.".into(),
        },
        details,
        body: if is_short(text) { String::new() } else { text.to_owned() },
        agent: Agent { name: "workrail".into(), session: Some(id.to_owned()) },
        ..base(folder, &format!("{heading}: {}", title_part(text)), key)
    })
}

fn daemon_event(folder: &WorkRailFolder, line: &str, event: &Value) -> Vec<Effect> {
    let Some(session) = text_at(event, "/sessionId") else { return Vec::new() };
    let prefix = format!("session:{}:", short_hash(session.as_bytes()));
    let over = |part: &str, reason| Effect::Over {
        prefix: format!("{}{prefix}{part}", folder.key()),
        reason,
    };
    let ask = |part: &str, asks: Asks| {
        let key = format!("{prefix}{part}:{}", short_hash(line.as_bytes()));
        Effect::ask(asks.request(folder, session, key, event))
    };
    match text_at(event, "/kind").unwrap_or_default() {
        "issue_reported" if text_at(event, "/issueKind") == Some("needs_human") => {
            let said = text_at(event, "/summary").unwrap_or("the agent gave no summary");
            vec![ask("issue", Asks::answer("A person is needed", said))]
        }
        "signal_emitted" => {
            let payload = event.get("payload").unwrap_or(&Value::Null);
            let said = ["/action", "/reason", "/request", "/summary"]
                .into_iter()
                .find_map(|part| text_at(payload, part))
                .unwrap_or("the agent gave no details");
            match text_at(event, "/signalKind").unwrap_or_default() {
                "approval_needed" => vec![ask("signal", Asks::approve("Approval needed", said))],
                "blocked" => vec![ask("signal", Asks::answer("Blocked", said))],
                "data_needed" => vec![ask("signal", Asks::answer("Data needed", said))],
                _ => Vec::new(),
            }
        }
        "agent_stuck" => {
            let said = text_at(event, "/detail").or_else(|| text_at(event, "/reason"));
            vec![ask("stuck", Asks::answer(STUCK, said.unwrap_or("it repeats itself")))]
        }
        "session_completed" if text_at(event, "/outcome") == Some("gate_parked") => {
            let said = text_at(event, "/detail").unwrap_or("a gate of the workflow");
            vec![over("", ENDED), ask("gate", Asks::approve("Parked at a gate", said))]
        }
        "session_completed" => vec![over("", ENDED)],
        "session_started" => vec![over("gate:", ADVANCED)],
        "step_advanced" => vec![over("", ADVANCED)],
        _ => Vec::new(),
    }
}

/// What an event asks.
struct Asks<'a> {
    expects: Expects,
    heading: &'static str,
    said: &'a str,
}

impl<'a> Asks<'a> {
    const fn answer(heading: &'static str, said: &'a str) -> Self {
        Self { expects: Expects::Answer, heading, said }
    }

    const fn approve(heading: &'static str, said: &'a str) -> Self {
        Self { expects: Expects::Approve, heading, said }
    }

    fn request(
        self,
        folder: &WorkRailFolder,
        session: &str,
        key: String,
        event: &Value,
    ) -> Request {
        let payload = event.get("payload").filter(|payload| !payload.is_null());
        let whole = payload.map(|payload| format!("{payload:#}")).unwrap_or_default();
        Request {
            expects: self.expects,
            kind: Kind::from("routine"),
            priority: Priority::High,
            insight: Insight {
                observation: self.said.to_owned(),
                why_it_matters: "The session waits, or goes on without what it needs.".into(),
                what_to_do: match self.expects {
                    Expects::Approve => "Approve or reject. The session gets your words.".into(),
                    _ => "Answer in words. The session gets them.".into(),
                },
            },
            details: facts(event, &["workflowId", "severity", "reason", "signalKind"]),
            body: whole,
            agent: Agent { name: "workrail".into(), session: Some(session.to_owned()) },
            ..base(folder, &format!("{}: {}", self.heading, title_part(self.said)), key)
        }
    }
}

fn base(folder: &WorkRailFolder, title: &str, key: String) -> Request {
    Request {
        title: title.to_owned(),
        project: folder.project.clone(),
        dedup_key: Some(folder.key() + &key),
        ..Request::default()
    }
}

fn facts(value: &Value, names: &[&str]) -> Vec<Detail> {
    let fact = |name: &&str| {
        let value = text_at(value, &format!("/{name}"))?.to_owned();
        Some(Detail { name: if *name == "workflowId" { "workflow" } else { name }.into(), value })
    };
    names.iter().filter_map(fact).collect()
}

/// Whether a title has the whole text.
fn is_short(text: &str) -> bool {
    title_part(text) == text
}
