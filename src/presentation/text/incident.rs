//! Text of an incident report, in Markdown: a file for a browser, an editor or Discord.

use std::fmt::Write as _;

use chrono_tz::Tz;

use super::{contact, escaped, given_by_name, one_line, quoted, span, step_line, subject};
use crate::core::Time;
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{Decision, Pending, State, Verdict};
use crate::core::escalation::ContactResult;
use crate::core::messaging::incident::{self, ExecutedStep};
use crate::core::values::time_scale::TimeScale;

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

/// The report in Markdown, as of log position `at`. `events` is the decision's own log, `zone` the
/// server's time zone.
#[must_use]
pub fn incident_report(
    decision: &Decision,
    events: &[Logged],
    at: u64,
    time_scale: TimeScale,
    zone: Tz,
) -> String {
    let happened = incident::ladder_run(events, at);
    let moment = |at: Time| {
        time_scale.wall_time(at).with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    };
    incident(decision, happened, &incident::steps(happened), &moment)
}

/// The report. `steps` are the escalation steps that were executed; `moment` formats a time.
fn incident(
    decision: &Decision,
    happened: &[Logged],
    steps: &[ExecutedStep<'_>],
    moment: &dyn Fn(Time) -> String,
) -> String {
    let title = escaped(&super::title(&decision.request), 300).text;
    let agent = escaped(&one_line(&decision.request.agent.name), 80).text;
    let (since, breach) = (decision.ladder_began_at(), decision.breach_at());
    let began = if since == decision.asked_at {
        String::new()
    } else {
        format!("| Waiting again since | {} |\n", moment(since))
    };
    let mut report = format!(
        "# Nobody answered {} in time\n\
         \n\
         **{title}**\n\
         \n\
         | | |\n\
         |---|---|\n\
         | About | {} · {} risk |\n\
         | Asked | {}{} |\n\
         {began}| SLA | {}, breached {} |\n\
         | Result | {} |\n",
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
    report.push_str(
        "\n\
        ## Escalation\n\
        \n\
        | When | Step | Reached | Not reached |\n\
        |---|---|---|---|\n",
    );
    for step in steps {
        let _ = writeln!(report, "{}", line(step, moment));
    }
    if steps.is_empty() {
        report.push_str("| – | no steps | – | – |\n");
    }
    report.push_str("\n## What people did\n\n");
    report.push_str(&acts(happened, moment));
    if let Some(last) = happened.last() {
        let _ = write!(
            report,
            "\nCompiled from the event log up to event {}, hash `{}`.\n",
            last.seq, last.hash
        );
    }
    report
}

fn outcome(decision: &Decision, moment: &dyn Fn(Time) -> String) -> String {
    match &decision.state {
        State::Resolved(resolved) => {
            let told = match &*super::worded(&resolved.verdict, resolved.via) {
                Verdict::Rejected { reason } => {
                    format!(
                        ". Reason given to the agent: “{}”",
                        escaped(&one_line(reason), 300).text
                    )
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

fn line(step: &ExecutedStep<'_>, moment: &dyn Fn(Time) -> String) -> String {
    let (reached, not): (Vec<_>, Vec<_>) =
        step.contacts.iter().partition(|contact| matches!(contact.result, ContactResult::Reached));
    let said = |contacts: &[&&crate::core::escalation::Contact]| {
        let all: Vec<String> = contacts.iter().map(|known| contact(known)).collect();
        if all.is_empty() { "–".to_owned() } else { cell(&all.join(", ")) }
    };
    format!(
        "| {} | {} | {} | {} |",
        moment(step.at),
        cell(&step_line(step.step)),
        said(&reached),
        said(&not)
    )
}

/// Actions of people and agents while the decision was pending.
fn acts(happened: &[Logged], moment: &dyn Fn(Time) -> String) -> String {
    let name = |person: &crate::core::decision::Person| escaped(&one_line(&person.name), 60).text;
    let act = |logged: &Logged| {
        let said = match &logged.event {
            Event::Taken { by, from: None } => format!("{} took it", name(by)),
            Event::Taken { by, from: Some(from) } => {
                format!("{} assigned it to {}", name(from), name(by))
            }
            Event::Prioritized { priority, by } => {
                format!("{} set the priority to {priority}", name(by))
            }
            Event::Voted { by, .. } => format!("{} approved; more approvals were needed", name(by)),
            Event::Lapsed { of } => super::votes_lapsed(of, name),
            Event::Revised { .. } => "the agent revised the decision".to_owned(),
            _ => return None,
        };
        Some(format!("- {} {said}\n", moment(logged.at)))
    };
    let all: String = happened.iter().filter_map(act).collect();
    if all.is_empty() { "Nothing.\n".into() } else { all }
}

#[cfg(test)]
mod tests;
