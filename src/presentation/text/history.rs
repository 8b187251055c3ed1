//! History of a decision in readable form: on Discord, and as a file with the complete history.

use super::{
    contact, given_by, grant_ended_words, grant_scope, moment, person, step_line, verdict_word,
};
use crate::core::Time;
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{Decision, Outcome, Person, Request, Verdict, Via};
use crate::core::escalation::Contact;
use crate::core::untrusted::{escaped, one_line, plain, units};
use crate::core::values::time_scale::TimeScale;

/// Maximum characters of a title, reason or answer in a line on Discord.
const SAID: usize = 160;
/// Number of lines kept at the beginning when the middle is cut.
const FIRST: usize = 4;

/// A decision's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The lines that fit.
    pub shown: String,
    /// All lines, for a file. `None` if `shown` is complete.
    pub file: Option<String>,
}

/// Formatting of a line.
struct Style<'a> {
    at: &'a dyn Fn(Time) -> String,
    who: &'a dyn Fn(&Person) -> String,
    said: &'a dyn Fn(&str) -> String,
    title: &'a dyn Fn(&Request) -> String,
    strong: fn(&str) -> String,
}

/// History within `limit` UTF-16 units; a longer history is cut in the middle. `zone` is the time
/// zone of the file.
#[must_use]
pub fn history(
    decision: &Decision,
    events: &[Logged],
    time_scale: TimeScale,
    zone: chrono_tz::Tz,
    limit: usize,
) -> History {
    let at = |time| moment(time_scale.wall_time(time));
    let said = |text: &str| escaped(&one_line(text), SAID).text;
    let title = |request: &Request| escaped(&super::named(request), SAID).text;
    let style = Style {
        at: &at,
        who: &person,
        said: &said,
        title: &title,
        strong: |word| format!("**{word}**"),
    };
    let lines: Vec<String> = events
        .iter()
        .map(|logged| format!("{} {}", at(logged.at), line(&logged.event, &style)))
        .collect();
    match cut(&lines, limit, decision) {
        None => History { shown: lines.join("\n"), file: None },
        Some(shown) => History { shown, file: Some(whole(decision, events, time_scale, zone)) },
    }
}

/// The first lines and as many of the last lines as fit. `None` if all fit.
fn cut(lines: &[String], limit: usize, decision: &Decision) -> Option<String> {
    let size = |line: &String| units(line) + 1;
    if lines.iter().map(size).sum::<usize>() <= limit {
        return None;
    }
    let first = FIRST.min(lines.len());
    let mut left = limit.saturating_sub(lines[..first].iter().map(size).sum::<usize>() + 80);
    let mut from = lines.len();
    while from > first && size(&lines[from - 1]) <= left {
        from -= 1;
        left -= size(&lines[from]);
    }
    let between = format!("… {} more: see {} …", from - first, history_file(decision));
    let kept = lines[..first].iter().chain([&between]).chain(&lines[from..]);
    Some(plain(&kept.cloned().collect::<Vec<_>>().join("\n"), limit).text)
}

/// Name of the file.
#[must_use]
pub fn history_file(decision: &Decision) -> String {
    format!("history-{}.txt", decision.id.0)
}

/// Complete history as plain text. Cleaned, but not escaped, because the file is not rendered.
fn whole(
    decision: &Decision,
    events: &[Logged],
    time_scale: TimeScale,
    zone: chrono_tz::Tz,
) -> String {
    let at = |time| {
        time_scale.wall_time(time).with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    };
    let who = |person: &Person| one_line(&person.name);
    let style =
        Style { at: &at, who: &who, said: &one_line, title: &super::named, strong: str::to_owned };
    let lines =
        events.iter().map(|logged| format!("{}  {}\n", at(logged.at), line(&logged.event, &style)));
    format!("{} {}\n\n{}", decision.id, super::title(&decision.request), lines.collect::<String>())
}

fn line(event: &Event, style: &Style<'_>) -> String {
    let Style { at, who, said, title, .. } = style;
    let strong = |word: &str| (style.strong)(word);
    let note = |note: &Option<String>| beside(note.as_deref().unwrap_or_default(), said);
    match event {
        Event::Asked { request, terms } => {
            let by = request.person_asking().map_or_else(|| said(&request.agent.name), who);
            format!("{} by {by}, {} risk: {}", strong("asked"), terms.risk, title(request))
        }
        Event::Revised { request, terms } => {
            format!("{}, {} risk: {}", strong("revised"), terms.risk, title(request))
        }
        Event::Enforced { terms } => {
            format!("{}: {} risk", strong("rules applied"), terms.risk)
        }
        Event::Deferred { until, by } => {
            format!("{} until {} by {}", strong("deferred"), at(*until), who(by))
        }
        Event::Returned => strong("came back"),
        Event::StepFired { step } => strong(&step_line(step)),
        Event::ContactsRecorded { contacts, .. } => {
            format!("{}: {}", strong("notified"), contacted(contacts))
        }
        Event::Proposed { verdict, by, via, .. } => said(&super::proposed(verdict, by, *via, who)),
        Event::Lapsed { of } => super::votes_lapsed(of, who),
        Event::Voted { by, note: words, .. } => {
            format!("{} by {}, more approvals needed{}", strong("approved"), who(by), note(words))
        }
        Event::Taken { by, from: None } => format!("{} by {}", strong("taken"), who(by)),
        Event::Taken { by, from: Some(from) } => {
            format!("{} to {} by {}", strong("assigned"), who(by), who(from))
        }
        Event::Prioritized { priority, by } => {
            format!("{} {priority} by {}", strong("priority"), who(by))
        }
        Event::Undone { by } => format!("{} by {}", strong("undone"), who(by)),
        Event::GrantUsed { call: None } => {
            format!("{} by the approval for the session", strong("let through"))
        }
        Event::GrantUsed { call: Some(call) } => {
            format!("{} without asking: {}", strong("let through"), said(&call.title))
        }
        Event::GrantEnded { by, why } => {
            format!("{}: the approval, {}", strong("ended"), grant_ended_words(by, *why, who))
        }
        Event::Disagreed { by, undone: true } => {
            format!("{} by {}, and undone", strong("disagreed"), who(by))
        }
        Event::Disagreed { by, undone: false } => {
            format!("{} by {}; the approval remains", strong("disagreed"), who(by))
        }
        Event::Resolved { verdict, by, via, .. } => resolved_line(verdict, by, *via, style),
        Event::AskedAtDesk { until, .. } => {
            format!("{}, and here {}", strong("asked at the desk"), at(*until))
        }
        Event::LeftDesk => format!("{}: nobody answered at the desk", strong("asked here")),
        Event::EndedAtDesk { outcome } => strong(super::desk::outcome(*outcome)),
        Event::Withdrawn { reason } => format!("{}{}", strong("withdrawn"), beside(reason, said)),
        Event::Pruned => format!("{}: long texts and files removed", strong("pruned")),
        Event::Claimed => format!("{} by the agent", strong("picked up")),
        Event::ResumeStarted => format!("{} with the verdict", strong("agent started again")),
        Event::ResumeEnded { how } => {
            format!("{}: it {}", strong("agent started again"), super::resume::end_words(*how))
        }
        Event::Reported { outcome, text } => reported_line(*outcome, text, style),
    }
}

fn reported_line(outcome: Outcome, text: &str, style: &Style<'_>) -> String {
    let said = beside(text, style.said);
    match outcome {
        Outcome::NotRun => format!("{}{said}", (style.strong)("did not run")),
        outcome => format!("{}, the agent reports{said}", (style.strong)(outcome.as_str())),
    }
}

fn contacted(contacts: &[Contact]) -> String {
    let contacts: Vec<String> = contacts.iter().map(contact).collect();
    if contacts.is_empty() { "nobody".into() } else { contacts.join(", ") }
}

fn resolved_line(verdict: &Verdict, by: &Person, via: Via, style: &Style<'_>) -> String {
    let Style { who, said, .. } = style;
    if let Some(words) = super::automatic_approval_text(verdict, via) {
        return said(&words);
    }
    let beside = match &*super::worded(verdict, via) {
        Verdict::Approved(approval) => beside(approval.note.as_deref().unwrap_or_default(), said),
        Verdict::Rejected { reason: text }
        | Verdict::Chosen { option: text }
        | Verdict::Answered { text, .. } => beside(text, said),
    };
    let covers = verdict.grant().and_then(|terms| terms.pattern.as_ref());
    let covers = covers.map(|covered| format!(", covering {}", grant_scope(Some(covered))));
    format!(
        "{} {}{}{beside}",
        (style.strong)(&verdict_word(verdict)),
        given_by(by, via, who),
        covers.unwrap_or_default()
    )
}

fn beside(text: &str, said: &dyn Fn(&str) -> String) -> String {
    if text.trim().is_empty() { String::new() } else { format!(": {}", said(text)) }
}

/// Title of a history.
#[must_use]
pub fn history_title(decision: &Decision) -> String {
    format!("{} · {}", decision.id, escaped(&super::title(&decision.request), 200).text)
}
