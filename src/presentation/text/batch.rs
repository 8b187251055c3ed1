//! Text for batches: several decisions on one card.

use super::{dot, given_by_person, moment, name, relative, subject};
use crate::core::decision::{Decision, Expects, Pending, Risk, State, Verdict};
use crate::core::messaging::batch::{LeaveReason, leave_reason};
use crate::core::messaging::message::{Listed, MessageId};
use crate::core::untrusted::{escaped, in_line, one_line, plain};
use crate::core::values::time_scale::TimeScale;
use crate::presentation::batch::BatchSummary;

/// `1 decision`, `12 decisions`.
#[must_use]
pub fn decisions(count: usize) -> String {
    if count == 1 { "1 decision".into() } else { format!("{} decisions", thousands(count)) }
}

/// A count with thousands separators: `1,000`.
#[must_use]
pub fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

fn of_project(project: &str) -> String {
    if project == "default" {
        String::new()
    } else {
        format!(" of {}", escaped(&one_line(project), 60).text)
    }
}

/// First line of a batch, shown on a phone's lock screen.
#[must_use]
pub fn batch_headline(id: MessageId, project: &str, summary: &BatchSummary) -> String {
    let (count, of) = (summary.count, of_project(project));
    let waiting = summary.waiting();
    if waiting == 0 && summary.put_off == 0 {
        let how = match (count, summary.left) {
            (1, 0) => format!("1 decision{of} is done"),
            (count, 0) => format!("all {}{of} are done", decisions(count)),
            (_, 1) => format!("1 decision{of} now has its own card"),
            (_, left) => format!("{}{of} now have their own cards", decisions(left)),
        };
        return format!(
            "{} Nothing is waiting here any more: {how} · batch {id}",
            if summary.left > 0 { "↗️" } else { "✅" }
        );
    }
    if waiting == 0 {
        return format!(
            "💤 {}{of} deferred, nothing else is waiting here · batch {id}",
            decisions(summary.put_off)
        );
    }
    let risks = [(summary.low, Risk::Low), (summary.medium, Risk::Medium)];
    let worst = if summary.medium > 0 { Risk::Medium } else { Risk::Low };
    let risks: Vec<String> = risks
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, risk)| format!("{} {risk}", thousands(count)))
        .collect();
    let what = match (waiting, count) {
        (1, 1) => format!("1 decision{of} needs"),
        (waiting, count) if waiting == count => format!("{}{of} need", decisions(count)),
        (1, count) => format!("1 of {}{of} needs", decisions(count)),
        (waiting, count) => format!("{} of {}{of} need", thousands(waiting), decisions(count)),
    };
    format!("{} {what} your answer: {} risk · batch {id}", dot(worst), risks.join(", "))
}

/// Title of a batch.
#[must_use]
pub fn batch_title(id: MessageId, project: &str, count: usize) -> String {
    format!("Batch {id} · {}{}", decisions(count), of_project(project))
}

/// Footer of a batch: the number of the list, and the agents that ask.
#[must_use]
pub fn batch_footer<'a>(list: u32, agents: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = Vec::new();
    for agent in
        agents.map(|agent| plain(&one_line(agent), 40).text).filter(|agent| !agent.is_empty())
    {
        let agent = in_line(&agent);
        if !names.contains(&agent) {
            names.push(agent);
        }
        if names.len() > 3 {
            break;
        }
    }
    if names.len() > 3 {
        names.truncate(3);
        names.push("others".into());
    }
    let list = (list > 1).then(|| format!("list {list}"));
    list.into_iter()
        .chain((!names.is_empty()).then(|| format!("asked by {}", names.join(", "))))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// Number of decisions per state.
#[must_use]
pub fn batch_counts(summary: &BatchSummary) -> String {
    let parts = [
        (summary.waiting(), "⏳", "waiting"),
        (summary.yes, "✅", "approved or answered"),
        (summary.no, "❌", "rejected"),
        (summary.put_off, "💤", "deferred"),
        (summary.withdrawn, "⚪", "withdrawn"),
        (summary.left, "↗️", "on their own cards"),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, sign, what)| format!("{sign} {} {what}", thousands(count)))
        .collect();
    if said.is_empty() { "Nothing is listed".into() } else { said.join(" · ") }
}

/// Note below the lines when some lines did not fit.
#[must_use]
pub fn batch_more(file: &str) -> String {
    format!("\n… and more. The menu below opens any of them; {file} lists all of them.")
}

/// Name of the file with all decisions of a batch.
#[must_use]
pub fn batch_file(id: MessageId) -> String {
    format!("batch-{id}.csv")
}

/// A decision's line in a batch.
#[must_use]
pub fn batch_line(listed: &Listed, time_scale: TimeScale) -> String {
    let Listed { item, decision } = listed;
    let (id, title) = (decision.id, escaped(&super::title(&decision.request), 80).text);
    let ended = |sign: &str, how: String| format!("{sign} ~~**{id}** {title}~~ {how}");
    match &decision.state {
        State::Resolved(resolved) => {
            let sign =
                if matches!(resolved.verdict, Verdict::Rejected { .. }) { "❌" } else { "✅" };
            ended(
                sign,
                format!(
                    "{} {}",
                    resolved.verdict.word(),
                    given_by_person(&resolved.by, resolved.via)
                ),
            )
        }
        State::Withdrawn { .. } => ended("⚪", "no longer needs an answer".into()),
        _ if item.gone.is_some() => format!("↗️ **{id}** {title} — {}", why_left(listed)),
        State::Deferred { until, by, .. } => {
            format!(
                "💤 **{id}** {title} — deferred until {} by {}",
                moment(time_scale.wall_time(*until)),
                name(&by.name)
            )
        }
        State::Pending(pending) => {
            format!(
                "{} **{id}** {title}\n-# {}",
                dot(decision.terms.risk),
                beside(decision, pending, item.since, time_scale)
            )
        }
    }
}

/// Second line of a pending decision.
fn beside(decision: &Decision, pending: &Pending, since: u32, time_scale: TimeScale) -> String {
    let needed = decision.approvals_needed();
    let revised = (decision.revision.0 > 1 && since > 1)
        .then(|| format!("✏️ revision {}", decision.revision.0));
    let wants = match decision.request.expects {
        Expects::Approve => None,
        Expects::Choose => Some("needs a choice".to_owned()),
        Expects::Answer => Some("needs an answer".to_owned()),
    };
    let parts = [
        Some(escaped(&subject(decision), 40).text),
        (decision.terms.risk != Risk::Low).then(|| format!("{} risk", decision.terms.risk)),
        key_detail(decision),
        wants,
        revised,
        (needed > 1).then(|| format!("{} of {needed} approvals", pending.votes.len())),
        pending.taken.as_ref().map(|taken| format!("👋 {} is on it", name(&taken.by.name))),
        Some(format!("answer due {}", relative(time_scale.wall_time(decision.breach_at())))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The most useful detail at a glance: test results, or else the first detail.
pub(super) fn key_detail(decision: &Decision) -> Option<String> {
    let details = &decision.request.details;
    let tests = details.iter().find(|detail| detail.name.to_lowercase().contains("test"));
    let detail = tests.or(details.first())?;
    let words = plain(&one_line(&format!("{} {}", detail.name, detail.value)), 38).text;
    let said = escaped(&in_line(&words), 60).text;
    (!said.trim().is_empty()).then_some(said)
}

fn why_left(listed: &Listed) -> String {
    match leave_reason(&listed.item, &listed.decision) {
        Some(LeaveReason::Risk) => {
            format!("its risk is {} now, so it has its own card", listed.decision.terms.risk)
        }
        Some(LeaveReason::CameBack) => "it came back as a new message".into(),
        None => "it now has its own card".into(),
    }
}

/// Replaces an old card after the decision moved to a batch.
#[must_use]
pub fn moved_into_batch(decision: &Decision, batch: MessageId, link: Option<&str>) -> String {
    let id = decision.id;
    match link {
        Some(link) => format!("↪️ {id} is now part of batch {batch}: {link}"),
        None => format!("↪️ {id} is now part of batch {batch}."),
    }
}

/// Risk dot of a pending decision, or a symbol for any other state.
#[must_use]
pub const fn sign(decision: &Decision) -> &'static str {
    match &decision.state {
        State::Pending(_) => dot(decision.terms.risk),
        State::Deferred { .. } => "💤",
        State::Resolved(resolved) if matches!(resolved.verdict, Verdict::Rejected { .. }) => "❌",
        State::Resolved(_) => "✅",
        State::Withdrawn { .. } => "⚪",
    }
}

/// Button that shows the preview of a bulk approval.
#[must_use]
pub fn approve_all_label(count: usize) -> String {
    format!("Approve all low-risk ({})", thousands(count))
}

/// Button that steps through all pending decisions.
#[must_use]
pub fn review_all_label(count: usize) -> String {
    format!("Review all ({})", thousands(count))
}

/// Label and description of a menu entry that opens a part of a list.
#[must_use]
pub fn part_option(part: &[Listed]) -> (String, String) {
    let (first, last) = (
        part.first().map(|listed| listed.decision.id),
        part.last().map(|listed| listed.decision.id),
    );
    let label = match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{first} – {last}"),
        (Some(only), _) => only.to_string(),
        (None, _) => String::new(),
    };
    let waiting =
        part.iter().filter(|listed| matches!(listed.decision.state, State::Pending(_))).count();
    let titles = part
        .first()
        .map(|listed| plain(&super::title(&listed.decision.request), 50).text)
        .unwrap_or_default();
    (label, plain(&format!("{} of {} wait · {titles} …", waiting, decisions(part.len())), 100).text)
}

/// Placeholder of a menu that opens a decision.
#[must_use]
pub fn open_menu_hint(listed: &[Listed]) -> String {
    match (listed.first(), listed.last()) {
        (Some(first), Some(last)) if first.decision.id != last.decision.id => {
            format!("Open one of {} – {} …", first.decision.id, last.decision.id)
        }
        _ if listed.iter().all(|item| item.decision.state.is_open()) => super::label::OPEN.into(),
        _ => "Open it …".into(),
    }
}

/// The list was discarded or belongs to another person.
pub const NO_SUCH_LIST: &str = "🤷 This list has expired, or belongs to another person. Nothing \
    was decided. `/attention` shows what waits on you.";

/// Heading of a decision during a review of a list.
#[must_use]
pub fn review_step(place: usize, count: usize, left: usize, headline: &str) -> String {
    let after = match left {
        0 => "the last one waiting".into(),
        left => format!("{} more after this", thousands(left)),
    };
    format!("**{} of {}** · {after}\n{headline}", thousands(place), thousands(count))
}

/// End of a review of a list.
#[must_use]
pub fn review_finished(left: usize, count: usize) -> String {
    match left {
        0 => format!(
            "🎉 That was the last one. Nothing on this list of {} waits on you any more.",
            decisions(count)
        ),
        1 => format!(
            "🏁 That was the last one. Of {}, you skipped 1; it still waits on you.",
            decisions(count)
        ),
        left => {
            format!(
                "🏁 That was the last one. Of {}, you skipped {}; they still wait on you.",
                decisions(count),
                thousands(left)
            )
        }
    }
}

/// Heading of a part of a list.
#[must_use]
pub fn part_title(id: MessageId, from: usize, to: usize, count: usize) -> String {
    format!(
        "Batch {id}: {} to {} of {}. Open one with the menu below.",
        thousands(from),
        thousands(to),
        thousands(count)
    )
}

/// A line in a part of a list.
#[must_use]
pub fn part_line(listed: &Listed) -> String {
    let decision = &listed.decision;
    format!(
        "{} **{}** {}",
        sign(decision),
        decision.id,
        escaped(&super::title(&decision.request), 50).text
    )
}
