//! Text for reminders: direct messages, mentions and pushes; and for people who could not be
//! reached.

use super::{decisions, dot, escaped, given_by_name, name, one_line, step, subject, thousands};
use crate::core::decision::{Decision, State};
use crate::core::escalation::{Channel, Contact, ContactResult, Stage};
use crate::core::untrusted::plain;
use crate::core::values::time_scale::TimeScale;

/// Headline for the current escalation step, with the waiting time. `None` if the decision is no
/// longer pending.
#[must_use]
pub fn reminder_headline(decision: &Decision) -> Option<String> {
    let position =
        decision.position.as_ref().filter(|_| matches!(decision.state, State::Pending(_)))?;
    Some(step(decision, position, position.at))
}

/// [`reminder_headline`] with title and risk: the beginning of a direct message about one decision.
#[must_use]
pub fn reminder_of_one(decision: &Decision) -> Option<String> {
    let words = reminder_headline(decision)?;
    let risk = decision.terms.risk;
    Some(format!("{words}\n{} {} · {risk} risk · {}", dot(risk), title(decision, 140), decision.id))
}

fn title(decision: &Decision, most: usize) -> String {
    escaped(&super::title(&decision.request), most).text
}

/// Outcome of a decision that no longer needs a reminder, on one line.
fn ended(decision: &Decision) -> String {
    let id = decision.id;
    match &decision.state {
        State::Resolved(resolved) => {
            let sign =
                if matches!(resolved.verdict, crate::core::decision::Verdict::Rejected { .. }) {
                    "❌"
                } else {
                    "✅"
                };
            let by = given_by_name(&resolved.by, resolved.via);
            format!("{sign} ~~**{id}** {}~~ {} {by}", title(decision, 60), resolved.verdict.word())
        }
        State::Withdrawn { .. } => {
            format!("⚪ ~~**{id}** {}~~ no longer needs an answer", title(decision, 60))
        }
        State::Deferred { by, .. } => {
            format!("💤 **{id}** {} deferred by {}", title(decision, 60), name(&by.name))
        }
        State::Pending(_) => format!("🔁 **{id}** {} waits again", title(decision, 60)),
    }
}

/// A decision's line in a direct message about several decisions.
#[must_use]
pub fn reminder_line(decision: &Decision, time_scale: TimeScale) -> String {
    let Some(words) = reminder_headline(decision) else { return ended(decision) };
    let due = super::relative(time_scale.wall_time(decision.breach_at()));
    format!(
        "{words}\n-# {} **{}** {} · answer due {due}",
        dot(decision.terms.risk),
        decision.id,
        title(decision, 60)
    )
}

/// A decision's line in a mention below the cards.
#[must_use]
pub fn mention_line(decision: &Decision) -> String {
    reminder_headline(decision)
        .map_or_else(|| ended(decision), |words| format!("{words} · {}", decision.id))
}

/// Number of decisions that did not fit.
#[must_use]
pub fn more_below(count: usize) -> String {
    format!("\n… and {} more. The buttons below open all of them.", thousands(count))
}

/// First line of a direct message about several decisions, shown on a phone's lock screen.
#[must_use]
pub fn several_wait(waiting: &[&Decision], all: usize) -> String {
    let at = |wanted: &dyn Fn(Stage) -> bool| {
        waiting
            .iter()
            .filter(|decision| {
                decision.position.as_ref().is_some_and(|position| wanted(position.stage))
            })
            .count()
    };
    let breached = at(&|stage| stage >= Stage::Breach);
    let imminent = at(&|stage| stage == Stage::Warning);
    let count = waiting.len();
    match (breached, imminent) {
        _ if count == 0 => {
            format!("✅ Nothing is waiting here any more: all {} are done", decisions(all))
        }
        (1.., _) => format!(
            "🚨 {}: SLA BREACHED — action required{}",
            decisions(breached),
            others(count - breached)
        ),
        (0, 1..) => {
            format!("🔴 {}: SLA breach imminent{}", decisions(imminent), others(count - imminent))
        }
        (0, 0) => format!("⏰ {} waiting for your answer", decisions(count)),
    }
}

fn others(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" · {} more waiting", thousands(count)) }
}

/// The mentioned people and roles.
#[must_use]
pub fn mention_targets(users: &[u64], roles: &[u64], here: bool) -> String {
    let here = here.then(|| "@here".to_owned());
    let users = users.iter().map(|user| format!("<@{user}>"));
    let roles = roles.iter().map(|role| format!("<@&{role}>"));
    here.into_iter().chain(users).chain(roles).collect::<Vec<_>>().join(" ")
}

/// Title and text of a notification for a channel beyond Discord. Plain text, because these
/// channels render no Markdown.
#[must_use]
pub fn notification_text(decisions: &[&Decision]) -> (String, String) {
    let words = |decision: &Decision| {
        plain(&reminder_headline(decision).unwrap_or_else(|| subject(decision)), 120).text
    };
    let line = |decision: &&Decision| {
        format!(
            "{}: {} ({} risk, {})",
            words(decision),
            plain(&super::title(&decision.request), 100).text,
            decision.terms.risk,
            decision.id
        )
    };
    match decisions {
        [one] => {
            let title = plain(&super::title(&one.request), 200).text;
            (words(one), format!("{title} · {} risk · {}", one.terms.risk, one.id))
        }
        several => {
            let lines: Vec<String> = several.iter().take(6).map(line).collect();
            let more = several.len().saturating_sub(lines.len());
            let more = if more > 0 { format!("\n… and {more} more") } else { String::new() };
            (several_wait(several, several.len()), format!("{}{more}", lines.join("\n")))
        }
    }
}

/// Alert: every attempt to contact somebody about a decision failed.
#[must_use]
pub fn nobody_reached(decision: &Decision, contacts: &[Contact]) -> String {
    let subject = escaped(&subject(decision), 60).text;
    let why = unreached_people(contacts);
    let why = if why.is_empty() { "no approver is known".to_owned() } else { why.join("; ") };
    format!(
        "⚠️ {subject}: I could not reach anyone about {} ({}). {why}. It waits for an answer: \
         please tell an approver.",
        decision.id,
        title(decision, 80)
    )
}

/// People whom an escalation step did not reach, each once with the reason: for a card and for the
/// channel.
#[must_use]
pub fn unreached_people(contacts: &[Contact]) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for contact in contacts {
        let who = contact.who.as_ref().map_or_else(|| "@here".to_owned(), |who| name(&who.name));
        let words = match &contact.result {
            ContactResult::Reached => continue,
            ContactResult::Held { .. } => format!("{who} is notified when their quiet time ends"),
            ContactResult::Away { .. } => format!("{who} is away and was skipped"),
            ContactResult::Failed { why } => {
                format!("{who} could not be reached: {}", escaped(&one_line(why), 120).text)
            }
        };
        if !said.contains(&words) {
            said.push(words);
        }
    }
    said
}

/// Why `@here` is not used in a channel, and the remedy.
#[must_use]
pub fn no_here(channel: &str) -> String {
    format!(
        "the bot may not use @here in {channel}; give it the permission Mention @everyone, \
         @here, and All Roles there"
    )
}

/// Reason for an undelivered direct message: direct messages are closed.
pub const DIRECT_CLOSED: &str = "direct messages are closed";
/// Reason for an undelivered direct message: no shared server.
pub const DIRECT_NOT_HERE: &str = "they share no server with the bot";

/// Reason for an unsent message: the decision was no longer pending.
pub const CLOSED_BEFORE_SENDING: &str = "the decision was closed before the message was sent";

/// Maximum people and reasons listed on a card.
const MOST_NAMED: usize = 6;

/// People whom an escalation step reached, on one line, then each failure on its own line: for a
/// card.
#[must_use]
pub fn contact_results(contacts: &[Contact]) -> Vec<String> {
    let mut reached: Vec<String> = Vec::new();
    for contact in contacts.iter().filter(|contact| contact.result == ContactResult::Reached) {
        let who = match (&contact.who, contact.channel) {
            (Some(who), _) => name(&who.name),
            (None, Channel::Here) => "everyone here".into(),
            (None, channel) => channel.word().into(),
        };
        if !reached.contains(&who) {
            reached.push(who);
        }
    }
    let more = reached.len().saturating_sub(MOST_NAMED);
    reached.truncate(MOST_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let told = (!reached.is_empty()).then(|| format!("Reached: {}{more}", reached.join(", ")));
    let not = unreached_people(contacts);
    let unnamed = not.len().saturating_sub(MOST_NAMED);
    let unnamed = (unnamed > 0).then(|| format!("⚠️ and {unnamed} more"));
    told.into_iter()
        .chain(not.into_iter().take(MOST_NAMED).map(|why| format!("⚠️ {why}")))
        .chain(unnamed)
        .collect()
}
