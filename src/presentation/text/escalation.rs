//! Text for the escalation ladder: past steps, the next step, and the consequence of silence.

use crate::core::decision::progress::{FinalOutcome, Progress};
use chrono::TimeDelta;

use super::{escaped, name, one_line, relative, span, subject};
use crate::core::Time;
use crate::core::decision::authorization::Approvers;
use crate::core::decision::{Decision, SafeDefault};
use crate::core::escalation::{
    Channel, Contact, ContactResult, DueStep, LadderPosition, SkippedSteps, Stage,
};
use crate::core::values::time_scale::TimeScale;

/// Reason for the agent when the safe default rejects.
pub const NOBODY_ANSWERED: &str =
    "Nobody answered in time, and silence is a no here. Ask again if it is still wanted.";

/// Name of an escalation stage: `reminder`, `SLA warning` …
#[must_use]
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Reminder => "reminder",
        Stage::Warning => "SLA warning",
        Stage::Breach => "SLA breach",
        Stage::Overdue => "last call",
    }
}

/// First line of a reminder, for the current escalation step.
#[must_use]
pub fn step(decision: &Decision, position: &LadderPosition, now: Time) -> String {
    let subject = escaped(&subject(decision), 60).text;
    let waited = span(now - decision.ladder_began_at());
    match position.stage {
        Stage::Reminder if now - decision.ladder_began_at() < TimeDelta::hours(1) => {
            format!("⏰ {subject} approval waiting {waited}")
        }
        Stage::Reminder => {
            format!("🟡 {subject} waiting {waited} — SLA in {}", span(decision.breach_at() - now))
        }
        Stage::Warning => format!("🔴 {subject} SLA breach imminent"),
        Stage::Breach => format!("🚨 {subject} SLA BREACHED — action required"),
        Stage::Overdue => format!(
            "🚨 {subject} SLA BREACHED {} ago — last call",
            span(now - decision.breach_at())
        ),
    }
}

/// Card field with the last and the next escalation step.
#[must_use]
pub fn escalation_progress(
    decision: &Decision,
    position: &LadderPosition,
    time_scale: TimeScale,
) -> String {
    let when = |at| relative(time_scale.wall_time(at));
    let done = match position.stage {
        Stage::Reminder => format!("⏰ Reminded {}", when(position.at)),
        Stage::Warning => {
            format!("🔴 Warned {}: the SLA is about to be breached", when(position.at))
        }
        Stage::Breach | Stage::Overdue => {
            format!("🚨 The SLA was breached {}", when(decision.breach_at()))
        }
    };
    let next = decision.upcoming_step().filter(|due| !due.default);
    let next = next.map(|due| format!("Next: {} {}", stage(due.stage), when(due.at)));
    let lines =
        [vec![done], super::contact_results(&position.contacts), next.into_iter().collect()];
    lines.concat().join("\n")
}

/// Card field with the outcome when nobody answers.
#[must_use]
pub fn in_the_end(decision: &Decision, time_scale: TimeScale) -> String {
    match (decision.default_at(), decision.effective_default()) {
        (None, _) => "it stays open, with reminders".into(),
        (Some(at), SafeDefault::Reject) => {
            format!("rejected {}", relative(time_scale.wall_time(at)))
        }
        (Some(at), SafeDefault::Approve) => {
            format!("approved {}", relative(time_scale.wall_time(at)))
        }
    }
}

/// Status of a pending decision, in lines without Discord's Markdown: for a terminal, an agent and
/// a log.
#[must_use]
pub fn progress_lines(progress: &Progress, now: Time) -> Vec<String> {
    let due = if progress.deadline > now {
        format!("answer due in {}", span(progress.deadline - now))
    } else {
        format!("SLA breached {} ago", span(now - progress.deadline))
    };
    let mut lines = vec![due];
    if let Some(step) = &progress.step {
        lines.push(format!("last step: {}, {} ago", stage(step.stage), span(now - step.at)));
    }
    if let Some(next) = &progress.next {
        let by: Vec<&str> = next.by.iter().map(|channel| channel.word()).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        lines.push(format!("next step: {} in {}{by}", stage(next.stage), span(next.at - now)));
    }
    lines.push(format!("waits for {}", waits_for(&progress.waits_for)));
    lines.extend(
        progress.taken_by.as_ref().map(|taken| format!("{} is on it", one_line(&taken.name))),
    );
    lines.extend(progress.proposals.iter().map(super::proposal_stands));
    lines.extend(progress.unreachable.iter().map(unreachable));
    lines.push(match &progress.in_the_end {
        None => "stays open until a person answers".into(),
        Some(FinalOutcome { default: SafeDefault::Reject, at }) => {
            format!("rejected in {} if nobody answers", span(*at - now))
        }
        Some(FinalOutcome { default: SafeDefault::Approve, at }) => {
            format!("approved in {} if nobody answers", span(*at - now))
        }
    });
    lines
}

/// The approvers, in a sentence without Discord's Markdown.
pub(crate) fn waits_for(who: &Approvers) -> String {
    let owner = who.owner.then(|| "the owner of the bot's application".to_owned());
    let users = who.users.iter().map(|user| format!("user {user}"));
    let roles = who.roles.iter().map(|role| format!("role {}", one_line(role)));
    let all: Vec<String> = owner.into_iter().chain(users).chain(roles).collect();
    if all.is_empty() { "nobody: no [[approvers]] rule covers it".into() } else { all.join(", ") }
}

fn unreachable(contact: &Contact) -> String {
    let who =
        contact.who.as_ref().map_or_else(|| "the channel".to_owned(), |who| one_line(&who.name));
    match &contact.result {
        ContactResult::Failed { why } => {
            format!("not reached: {who} by {} ({})", contact.channel.word(), one_line(why))
        }
        ContactResult::Away { .. } => format!("skipped: {who} is away"),
        ContactResult::Held { .. } => format!("later: {who} has quiet hours"),
        ContactResult::Reached => format!("reached: {who} by {}", contact.channel.word()),
    }
}

/// An escalation step in the history.
#[must_use]
pub fn step_line(step: &DueStep) -> String {
    let passed: Vec<String> = step.passed.iter().map(passed).collect();
    let passed =
        if passed.is_empty() { String::new() } else { format!(", skipping {}", passed.join(", ")) };
    let by: Vec<&str> = step.by.iter().map(|channel| channel.word()).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    format!("{}{by}{passed}", stage(step.stage))
}

fn passed(passed: &SkippedSteps) -> String {
    let stage = stage(passed.stage);
    if passed.times == 1 { stage.to_owned() } else { format!("{stage} ({} times)", passed.times) }
}

/// Result of contacting a person at an escalation step, for the history.
#[must_use]
pub fn contact(contact: &Contact) -> String {
    let channel = contact.channel.word();
    let who = match (&contact.who, contact.channel) {
        (Some(who), _) => name(&who.name),
        (None, Channel::Here) => "everyone here".to_owned(),
        (None, _) => channel.to_owned(),
    };
    match &contact.result {
        ContactResult::Reached if contact.who.is_none() => who,
        ContactResult::Reached => format!("{who} by {channel}"),
        ContactResult::Held { .. } => format!("{who} by {channel} later (quiet hours)"),
        ContactResult::Away { .. } => format!("not {who} (away)"),
        ContactResult::Failed { why } => {
            format!("not {who} by {channel} ({})", escaped(&one_line(why), 100).text)
        }
    }
}
