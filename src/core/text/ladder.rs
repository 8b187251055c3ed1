//! Text for the escalation ladder: past steps, the next step, and the consequence of silence.

use chrono::TimeDelta;

use super::{escaped, name, one_line, person, relative, span, subject};
use crate::core::Time;
use crate::core::decision::{Decision, Person, SafeDefault, Verdict, Via};
use crate::core::ladder::{Came, Climb, Contact, Due, InTheEnd, Passed, Stage, Standing, Way};
use crate::core::pace::Pace;
use crate::core::permission::WhoMay;

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
pub fn rung(decision: &Decision, climb: &Climb, now: Time) -> String {
    let subject = escaped(&subject(decision), 60).text;
    let waited = span(now - decision.since());
    match climb.stage {
        Stage::Reminder if now - decision.since() < TimeDelta::hours(1) => {
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
pub fn climbed(decision: &Decision, climb: &Climb, pace: Pace) -> String {
    let when = |at| relative(pace.wall_time(at));
    let done = match climb.stage {
        Stage::Reminder => format!("⏰ Reminded {}", when(climb.at)),
        Stage::Warning => format!("🔴 Warned {}: the SLA is about to be breached", when(climb.at)),
        Stage::Breach | Stage::Overdue => {
            format!("🚨 The SLA was breached {}", when(decision.breach_at()))
        }
    };
    let next = decision.next_rung().filter(|due| !due.default);
    let next = next.map(|due| format!("Next: {} {}", stage(due.stage), when(due.at)));
    let lines = [vec![done], super::who_was_told(&climb.contacts), next.into_iter().collect()];
    lines.concat().join("\n")
}

/// Card field with the outcome when nobody answers.
#[must_use]
pub fn in_the_end(decision: &Decision, pace: Pace) -> String {
    match (decision.default_at(), decision.default_that_holds()) {
        (None, _) => "It stays open, and you are reminded".into(),
        (Some(at), SafeDefault::Reject) => format!("Rejected {}", relative(pace.wall_time(at))),
        (Some(at), SafeDefault::Approve) => format!("Approved {}", relative(pace.wall_time(at))),
    }
}

/// Short form of a verdict, for a sentence that continues with the person.
#[must_use]
pub const fn verdict_word(verdict: &Verdict) -> &'static str {
    if verdict.is_for_session() { "approved for this session" } else { verdict.word() }
}

/// Origin of a verdict, for a sentence that continues with the time: `by @ann`. Without a person,
/// names the automatic rule.
#[must_use]
pub fn given_by(by: &Person, via: Via, who: impl Fn(&Person) -> String) -> String {
    match via {
        Via::Discord | Via::Terminal => format!("by {}", who(by)),
        Via::Http => format!("by {} (over HTTP)", who(by)),
        Via::Mcp => format!("through an agent, for {}", who(by)),
        Via::Routing => "by itself".into(),
        Via::SafeDefault => "by the safe default".into(),
    }
}

/// [`given_by`], with a mention.
#[must_use]
pub fn given_by_person(by: &Person, via: Via) -> String {
    given_by(by, via, person)
}

/// [`given_by`], with a name.
#[must_use]
pub fn given_by_name(by: &Person, via: Via) -> String {
    given_by(by, via, |by| name(&by.name))
}

/// Status of a pending decision, in lines without Discord's Markdown: for a terminal, an agent and
/// a log.
#[must_use]
pub fn standing(standing: &Standing, now: Time) -> Vec<String> {
    let due = if standing.deadline > now {
        format!("answer due in {}", span(standing.deadline - now))
    } else {
        format!("SLA breached {} ago", span(now - standing.deadline))
    };
    let mut lines = vec![due];
    if let Some(rung) = &standing.rung {
        lines.push(format!("last rung: {}, {} ago", stage(rung.stage), span(now - rung.at)));
    }
    if let Some(next) = &standing.next {
        let by: Vec<&str> = next.by.iter().map(|way| way.word()).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        lines.push(format!("next rung: {} in {}{by}", stage(next.stage), span(next.at - now)));
    }
    lines.push(format!("waits for {}", waits_for(&standing.waits_for)));
    lines.extend(
        standing.taken_by.as_ref().map(|taken| format!("{} is on it", one_line(&taken.name))),
    );
    lines.extend(standing.proposals.iter().map(super::proposal_stands));
    lines.extend(standing.unreachable.iter().map(unreachable));
    lines.push(match &standing.in_the_end {
        None => "it stays open until somebody answers".into(),
        Some(InTheEnd { default: SafeDefault::Reject, at }) => {
            format!("rejected in {} if nobody answers", span(*at - now))
        }
        Some(InTheEnd { default: SafeDefault::Approve, at }) => {
            format!("approved in {} if nobody answers", span(*at - now))
        }
    });
    lines
}

/// The approvers, in a sentence without Discord's Markdown.
pub(super) fn waits_for(who: &WhoMay) -> String {
    let owner = who.owner.then(|| "the owner of the bot's application".to_owned());
    let users = who.users.iter().map(|user| format!("user {user}"));
    let roles = who.roles.iter().map(|role| format!("role {}", one_line(role)));
    let all: Vec<String> = owner.into_iter().chain(users).chain(roles).collect();
    if all.is_empty() { "nobody: no [[approvers]] covers it".into() } else { all.join(", ") }
}

fn unreachable(contact: &Contact) -> String {
    let who =
        contact.who.as_ref().map_or_else(|| "the channel".to_owned(), |who| one_line(&who.name));
    match &contact.came {
        Came::Failed { why } => {
            format!("not reached: {who} by {} ({})", contact.way.word(), one_line(why))
        }
        Came::Away { .. } => format!("passed over: {who} is away"),
        Came::Held { .. } => format!("later: {who} has quiet hours"),
        Came::Reached => format!("reached: {who} by {}", contact.way.word()),
    }
}

/// An escalation step in the history.
#[must_use]
pub fn climbed_to(rung: &Due) -> String {
    let passed: Vec<String> = rung.passed.iter().map(passed).collect();
    let passed = if passed.is_empty() {
        String::new()
    } else {
        format!(", passing over {}", passed.join(", "))
    };
    let by: Vec<&str> = rung.by.iter().map(|way| way.word()).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    format!("{}{by}{passed}", stage(rung.stage))
}

fn passed(passed: &Passed) -> String {
    let stage = stage(passed.stage);
    if passed.times == 1 { stage.to_owned() } else { format!("{stage} ({} times)", passed.times) }
}

/// Result of contacting a person at an escalation step, for the history.
#[must_use]
pub fn contact(contact: &Contact) -> String {
    let way = contact.way.word();
    let who = match (&contact.who, contact.way) {
        (Some(who), _) => name(&who.name),
        (None, Way::Here) => "everybody here".to_owned(),
        (None, _) => way.to_owned(),
    };
    match &contact.came {
        Came::Reached if contact.who.is_none() => who,
        Came::Reached => format!("{who} by {way}"),
        Came::Held { .. } => format!("{who} by {way} later (quiet hours)"),
        Came::Away { .. } => format!("not {who} (away)"),
        Came::Failed { why } => {
            format!("not {who} by {way} ({})", escaped(&one_line(why), 100).text)
        }
    }
}
