//! Text of an incident report, in Markdown: a file for a browser, an editor or Discord.

use std::fmt::Write as _;

use super::{climbed_to, contact, escaped, given_by_name, one_line, quoted, span, subject};
use crate::core::Time;
use crate::core::decision::{Decision, Pending, State, Verdict};
use crate::core::event::{Event, Logged};
use crate::core::incident::Climbed;
use crate::core::ladder::Came;

/// Maximum characters of an agent's text.
const LONGEST: usize = 1_500;

/// First line of the message with the report.
#[must_use]
pub fn incident_headline(decision: &Decision) -> String {
    let subject = escaped(&subject(decision), 60).text;
    let done = match &decision.state {
        State::Resolved(resolved) => format!("{} by the safe default", resolved.verdict.word()),
        State::Withdrawn { .. } => "withdrawn since".into(),
        _ => "still open".into(),
    };
    format!("📋 {subject}: nobody answered {} in time. Incident report; {done}", decision.id)
}

/// A table cell. The text is already escaped.
fn cell(text: &str) -> String {
    text.replace('\n', " ")
}

/// The report. `rungs` are the escalation steps that were executed; `moment` formats a time.
#[must_use]
pub fn incident(
    decision: &Decision,
    happened: &[Logged],
    rungs: &[Climbed<'_>],
    moment: &dyn Fn(Time) -> String,
) -> String {
    let title = escaped(&super::title(&decision.request), 300).text;
    let agent = escaped(&one_line(&decision.request.agent.name), 80).text;
    let (since, breach) = (decision.since(), decision.breach_at());
    let began = if since == decision.asked_at {
        String::new()
    } else {
        format!("| Waited again since | {} |\n", moment(since))
    };
    let mut report = format!(
        "# Nobody answered {} in time\n\n**{title}**\n\n| | |\n|---|---|\n| About | {} · {} risk |\n| Asked | {}{} |\n{began}\
         | SLA | {}, breached {} |\n| What came of it | {} |\n",
        decision.id,
        cell(&escaped(&subject(decision), 80).text),
        decision.terms.risk,
        moment(decision.asked_at),
        if agent.is_empty() { String::new() } else { format!(" by {}", cell(&agent)) },
        span(breach - since),
        moment(breach),
        cell(&outcome(decision, moment)),
    );
    let insight = &decision.request.insight;
    let parts = [
        ("Observation", &insight.observation),
        ("Why it matters", &insight.why_it_matters),
        ("What to do", &insight.what_to_do),
    ];
    if parts.iter().any(|(_, text)| !text.trim().is_empty()) {
        report.push_str("\n## What was asked\n");
        for (name, text) in parts.iter().filter(|(_, text)| !text.trim().is_empty()) {
            let _ = write!(report, "\n{name}:\n\n{}\n", quoted(text, LONGEST));
        }
    }
    report.push_str("\n## What was done to get an answer\n\n| When | Rung | Reached | Not reached |\n|---|---|---|---|\n");
    for rung in rungs {
        let _ = writeln!(report, "{}", line(rung, moment));
    }
    if rungs.is_empty() {
        report.push_str("| – | nothing | – | – |\n");
    }
    report.push_str("\n## What people did\n\n");
    report.push_str(&acts(happened, moment));
    if let Some(last) = happened.last() {
        let _ = write!(
            report,
            "\nFrom the log up to entry {}, whose hash is `{}`.\n",
            last.seq, last.hash
        );
    }
    report
}

fn outcome(decision: &Decision, moment: &dyn Fn(Time) -> String) -> String {
    match &decision.state {
        State::Resolved(resolved) => {
            let told = match &resolved.verdict {
                Verdict::Rejected { reason } => {
                    format!(". The agent is told: “{}”", escaped(&one_line(reason), 300).text)
                }
                _ => String::new(),
            };
            let by = given_by_name(&resolved.by, resolved.via);
            format!("{} {by}, {}{told}", resolved.verdict.word(), moment(resolved.at))
        }
        State::Withdrawn { .. } => "withdrawn".into(),
        State::Pending(Pending { taken: Some(taken), .. }) => {
            format!("still open; {} is on it", escaped(&one_line(&taken.by.name), 60).text)
        }
        State::Pending(_) | State::Deferred { .. } => "still open".into(),
    }
}

fn line(rung: &Climbed<'_>, moment: &dyn Fn(Time) -> String) -> String {
    let (reached, not): (Vec<_>, Vec<_>) =
        rung.contacts.iter().partition(|contact| matches!(contact.came, Came::Reached));
    let said = |contacts: &[&&crate::core::ladder::Contact]| {
        let all: Vec<String> = contacts.iter().map(|known| contact(known)).collect();
        if all.is_empty() { "–".to_owned() } else { cell(&all.join(", ")) }
    };
    format!(
        "| {} | {} | {} | {} |",
        moment(rung.at),
        cell(&climbed_to(rung.rung)),
        said(&reached),
        said(&not)
    )
}

/// Actions of people and agents while the decision was pending.
fn acts(happened: &[Logged], moment: &dyn Fn(Time) -> String) -> String {
    let name = |person: &crate::core::decision::Person| escaped(&one_line(&person.name), 60).text;
    let act = |logged: &Logged| {
        let said = match &logged.event {
            Event::Taken { by, from: None } => format!("{} was on it", name(by)),
            Event::Taken { by, from: Some(from) } => {
                format!("{} handed it to {}", name(from), name(by))
            }
            Event::Prioritized { priority, by } => {
                format!("{} gave it the priority {priority}", name(by))
            }
            Event::Voted { by, .. } => format!("{} approved, one of several who must", name(by)),
            Event::Lapsed { of } => super::votes_lapsed(of, name),
            Event::Revised { .. } => "the agent asked with another content".to_owned(),
            _ => return None,
        };
        Some(format!("- {} {said}\n", moment(logged.at)))
    };
    let all: String = happened.iter().filter_map(act).collect();
    if all.is_empty() { "Nothing.\n".into() } else { all }
}
