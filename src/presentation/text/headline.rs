//! The plain line above a card.

use super::card::{given_by_name, verdict_word};
use super::{dot, moment, name, subject};
use crate::core::decision::{
    Decision, DeskOutcome, GrantEnd, Outcome, Pending, Reported, Resolved, State, Verdict,
};
use crate::core::escalation::Stage;
use crate::core::untrusted::{escaped, in_line, one_line, one_part, plain, without_links};
use crate::core::values::time_scale::TimeScale;

/// First line of a card, shown on a phone's lock screen. Uses no Markdown, because a lock screen
/// shows Markdown unrendered.
#[must_use]
pub fn headline(decision: &Decision, time_scale: TimeScale) -> String {
    let title = headline_title(decision);
    let subject = escaped(&subject(decision), LONGEST_SUBJECT).text;
    let id = decision.id;
    match &decision.state {
        State::Pending(Pending { undone, .. }) => {
            let again = if decision.returns > 0 || undone.is_some() { " again" } else { "" };
            let risk = decision.terms.risk;
            let needs = match (decision.approvals_needed(), decision.approvals_missing()) {
                (1, _) => "your decision".to_owned(),
                (needed, missing) if needed == missing => approvals(needed),
                (_, 1) => "1 more approval".into(),
                (_, missing) => format!("{missing} more approvals"),
            };
            // The command comes first: a lock screen shows little more.
            let subject = if names_agent(decision) {
                format!("{}{again}", asks(decision))
            } else {
                format!("{subject} needs {needs}{again}")
            };
            let late =
                decision.position.as_ref().is_some_and(|position| position.stage >= Stage::Breach);
            let mark = if late { "🚨 SLA breached ·" } else { dot(risk) };
            format!("{mark} {subject}: {title} · {risk} risk · {id}")
        }
        State::Deferred { until, by, .. } => {
            format!(
                "💤 {subject} deferred until {} by {}: {title} · {id}",
                moment(time_scale.wall_time(*until)),
                name(&by.name)
            )
        }
        State::Resolved(resolved) => format!("{}: {title} · {id}", outcome(resolved, &subject)),
        State::Withdrawn { .. } => match decision.desk_outcome() {
            Some(DeskOutcome::Ran) => format!("🖥️ {subject} answered at the desk: {title} · {id}"),
            Some(DeskOutcome::Closed) => format!("🖥️ {subject} closed at the desk: {title} · {id}"),
            None => format!("⚪ {subject} no longer needs an answer: {title} · {id}"),
        },
    }
}

/// The agent that asks, and what it needs.
fn asks(decision: &Decision) -> String {
    let request = &decision.request;
    let (agent, project) = (one_part(&request.agent.name), one_part(&request.project));
    let place = if request.project == "default" {
        String::new()
    } else {
        format!(" in {}", escaped(&project, LONGEST_PROJECT).text)
    };
    let needs = match decision.approvals_missing() {
        _ if !request.questions.is_empty() => "asks you".to_owned(),
        _ if decision.at_desk().is_some() => "asks at the desk".to_owned(),
        1 => "needs your permission".to_owned(),
        missing => format!("needs {}", approvals(missing)),
    };
    format!("{} {needs}", agent_in(&agent, &place))
}

fn agent_in(agent: &str, place: &str) -> String {
    format!("{}{place}", escaped(&in_line(&plain(agent, LONGEST_AGENT).text), 40).text)
}

/// Whether the headline of a pending decision begins with the agent: it asks before a tool call, or
/// asks its person something.
pub(crate) fn names_agent(decision: &Decision) -> bool {
    decision.is_call() || !decision.request.questions.is_empty()
}

/// `1 approval`, `2 approvals`.
#[must_use]
pub fn approvals(count: u32) -> String {
    if count == 1 { "1 approval".into() } else { format!("{count} approvals") }
}

/// Whether the headline has the whole title. A tool call's title is the tool, which the headline
/// names before the command.
pub(crate) fn headline_has_title(decision: &Decision) -> bool {
    escaped(&super::card_title(&decision.request), LONGEST_HEADLINE_TITLE).whole
}

/// Whether the headline of a pending decision names in full who asks: the agent and the project of
/// a tool call, else the project and the kind.
pub(crate) fn headline_has_origin(decision: &Decision) -> bool {
    if !names_agent(decision) {
        return escaped(&subject(decision), LONGEST_SUBJECT).whole;
    }
    let request = &decision.request;
    plain(&one_part(&request.agent.name), LONGEST_AGENT).whole
        && escaped(&one_part(&request.project), LONGEST_PROJECT).whole
}

/// Maximum UTF-16 units of the headline's parts.
const LONGEST_HEADLINE_TITLE: usize = 140;
const LONGEST_SUBJECT: usize = 60;
const LONGEST_AGENT: usize = 28;
const LONGEST_PROJECT: usize = 30;

pub(crate) fn headline_title(decision: &Decision) -> String {
    // The bot's own lines use the dot as a separator.
    let call = super::title_words(&decision.request).replace('·', "-");
    if decision.is_call() && !call.contains('`') {
        // In a code span, Discord would display escape characters.
        return format!("`{}`", plain(&call, LONGEST_HEADLINE_TITLE).text);
    }
    escaped(&without_links(&super::title(&decision.request)), LONGEST_HEADLINE_TITLE).text
}

fn outcome(resolved: &Resolved, subject: &str) -> String {
    let by = given_by_name(&resolved.by, resolved.via);
    let verdict = verdict_word(&resolved.verdict);
    match &resolved.reported {
        Some(Reported { outcome: Outcome::Failed, .. }) => {
            return format!("💥 {subject} {verdict} {by}, but it failed");
        }
        Some(Reported { outcome: Outcome::NotRun, .. }) => {
            return format!("⏹️ {subject} {verdict} {by}, but it did not run");
        }
        _ => {}
    }
    let done = if resolved.reported.is_some() { ", and done" } else { "" };
    match &resolved.verdict {
        Verdict::Approved(_) => {
            let (mark, ended) = match &resolved.grant.ended {
                Some(GrantEnd { why: Some(_), .. }) => ("⏹️", ", now over".to_owned()),
                Some(end) => ("⏹️", format!(", ended by {}", name(&end.by.name))),
                None => ("✅", String::new()),
            };
            format!("{mark} {subject} {verdict} {by}{done}{ended}")
        }
        Verdict::Rejected { .. } => format!("❌ {subject} rejected {by}{done}"),
        Verdict::Chosen { option } => {
            format!(
                "✅ {subject}: {} chose {}{done}",
                name(&resolved.by.name),
                escaped(&one_line(option), 60).text
            )
        }
        Verdict::Answered { .. } => format!("✅ {subject} answered {by}{done}"),
    }
}
