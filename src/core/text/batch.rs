//! Text for batches: several decisions on one card.

use super::{dot, given_by_person, moment, name, relative, subject};
use crate::core::batch::{Left, LeftOut, Summary, leaves};
use crate::core::decision::{Decision, Expects, Pending, Risk, State, Verdict};
use crate::core::guard::Doubt;
use crate::core::pace::Pace;
use crate::core::posting::{Listed, PostingId};
use crate::core::untrusted::{escaped, one_line, plain, units};

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
pub fn batch_headline(id: PostingId, project: &str, summary: &Summary) -> String {
    let (count, of) = (summary.count, of_project(project));
    let waiting = summary.waiting();
    if waiting == 0 && summary.put_off == 0 {
        let how = match (count, summary.left) {
            (1, 0) => format!("1 decision{of} is dealt with"),
            (count, 0) => format!("all {}{of} are dealt with", decisions(count)),
            (_, 1) => format!("1 decision{of} has a card of its own now"),
            (_, left) => format!("{}{of} have cards of their own now", decisions(left)),
        };
        return format!(
            "{} Nothing waits here any more: {how} · batch {id}",
            if summary.left > 0 { "↗️" } else { "✅" }
        );
    }
    if waiting == 0 {
        return format!(
            "💤 {}{of} put off, nothing else waits here · batch {id}",
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
pub fn batch_title(id: PostingId, project: &str, count: usize) -> String {
    format!("Batch {id} · {}{}", decisions(count), of_project(project))
}

/// Footer of a batch: the number of the list, and the agents that ask.
#[must_use]
pub fn batch_footer<'a>(list: u32, agents: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = Vec::new();
    for agent in
        agents.map(|agent| plain(&one_line(agent), 40).text).filter(|agent| !agent.is_empty())
    {
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
pub fn batch_counts(summary: &Summary) -> String {
    let parts = [
        (summary.waiting(), "⏳", "waiting"),
        (summary.yes, "✅", "approved or answered"),
        (summary.no, "❌", "rejected"),
        (summary.put_off, "💤", "put off"),
        (summary.withdrawn, "⚪", "withdrawn"),
        (summary.left, "↗️", "on a card of their own"),
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
    format!("\n… and more. The menu below opens any of them, and {file} lists them all.")
}

/// Name of the file with all decisions of a batch.
#[must_use]
pub fn batch_file(id: PostingId) -> String {
    format!("batch-{id}.csv")
}

/// A decision's line in a batch.
#[must_use]
pub fn batch_line(listed: &Listed, pace: Pace) -> String {
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
                "💤 **{id}** {title} — put off until {} by {}",
                moment(pace.wall_time(*until)),
                name(&by.name)
            )
        }
        State::Pending(pending) => {
            format!(
                "{} **{id}** {title}\n-# {}",
                dot(decision.terms.risk),
                beside(decision, pending, item.since, pace)
            )
        }
    }
}

/// Second line of a pending decision.
fn beside(decision: &Decision, pending: &Pending, since: u32, pace: Pace) -> String {
    let needed = decision.approvals_needed();
    let revised = (decision.revision.0 > 1 && since > 1)
        .then(|| format!("✏️ revision {}", decision.revision.0));
    let wants = match decision.request.expects {
        Expects::Approve => None,
        Expects::Choose => Some("wants a choice".to_owned()),
        Expects::Answer => Some("wants an answer".to_owned()),
    };
    let parts = [
        Some(escaped(&subject(decision), 40).text),
        (decision.terms.risk != Risk::Low).then(|| format!("{} risk", decision.terms.risk)),
        key_detail(decision),
        wants,
        revised,
        (needed > 1).then(|| format!("{} of {needed} approvals", pending.votes.len())),
        pending.taken.as_ref().map(|taken| format!("👋 {} is on it", name(&taken.by.name))),
        Some(format!("answer due {}", relative(pace.wall_time(decision.breach_at())))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The most useful detail at a glance: test results, or else the first detail.
fn key_detail(decision: &Decision) -> Option<String> {
    let details = &decision.request.details;
    let tests = details.iter().find(|detail| detail.name.to_lowercase().contains("test"));
    let detail = tests.or(details.first())?;
    let said = escaped(&one_line(&format!("{} {}", detail.name, detail.value)), 40).text;
    (!said.trim().is_empty()).then_some(said)
}

fn why_left(listed: &Listed) -> String {
    match leaves(&listed.item, &listed.decision) {
        Some(Left::Risk) => {
            format!("its risk is {} now, so it has a card of its own", listed.decision.terms.risk)
        }
        Some(Left::CameBack) => "it came back, as a message of its own".into(),
        None => "it has a card of its own now".into(),
    }
}

/// Replaces an old card after the decision moved to a batch.
#[must_use]
pub fn moved_into_batch(decision: &Decision, batch: PostingId, link: Option<&str>) -> String {
    let id = decision.id;
    match link {
        Some(link) => format!("↪️ {id} is now decided together with others: batch {batch}, {link}"),
        None => format!("↪️ {id} is now decided together with others, in batch {batch}."),
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
pub const NO_SUCH_LIST: &str = "🤷 I do not have this list any more, or it was made for somebody else. Nothing was decided. `/attention` shows what waits on you.";

/// Limits for the lines of a reply: characters (Discord allows 4,096 in a description), and lines
/// that a person still reads.
const ANSWER_LINES: (usize, usize) = (3_500, 25);

/// The lines that fit in a reply, and whether all lines fit.
pub fn as_many_as_fit<'a>(lines: impl Iterator<Item = &'a str>) -> (Vec<String>, bool) {
    let (mut kept, mut size) = (Vec::new(), 0);
    for line in lines {
        size += units(line) + 1;
        if kept.len() >= ANSWER_LINES.1 || size > ANSWER_LINES.0 {
            return (kept, false);
        }
        kept.push(line.to_owned());
    }
    (kept, true)
}

/// Heading of the preview of a bulk approval.
#[must_use]
pub fn preflight(goes: usize, left_out: usize, more: usize) -> String {
    let out = match left_out {
        0 => String::new(),
        1 => " 1 is left out; below stands why.".into(),
        count => format!(" {} are left out; below stands why.", thousands(count)),
    };
    let out = if more > 0 {
        format!("{out} {} more fit; these come first.", thousands(more))
    } else {
        out
    };
    match goes {
        0 if left_out == 0 => {
            "🪿 Nothing of low risk waits on you here. Nothing was approved.".into()
        }
        0 => format!(
            "✋ Nothing here can be approved together by you now.{out} Nothing was approved."
        ),
        1 => format!(
            "🪿 This one of low risk would be approved. Nothing is approved until you click.{out}"
        ),
        count => {
            format!(
                "🪿 These {}, all of low risk, would be approved. Nothing is approved until you click.{out}",
                thousands(count)
            )
        }
    }
}

fn goes_line(listed: &Listed) -> String {
    format!("🟢 **{}** {}", listed.decision.id, short(&listed.decision))
}

fn short(decision: &Decision) -> String {
    let title = escaped(&super::title(&decision.request), 70).text;
    let parts = [Some(title), Some(escaped(&subject(decision), 40).text), key_detail(decision)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Lines of the preview: decisions to be approved, then skipped decisions. Skipped decisions get
/// room first. Also returns whether all lines fit.
#[must_use]
pub fn preflight_lines(goes: &[Listed], left_out: &[(Decision, LeftOut)]) -> (Vec<String>, bool) {
    let out: Vec<String> =
        left_out.iter().map(|(decision, why)| left_out_line(decision, why)).collect();
    let (mut shown, mut whole) = as_many_as_fit(out.iter().take(10).map(String::as_str));
    whole &= out.len() <= 10;
    let goes: Vec<String> = goes.iter().map(goes_line).collect();
    let room = ANSWER_LINES.0.saturating_sub(shown.iter().map(|line| units(line) + 1).sum());
    let mut size = 0;
    for (index, line) in goes.iter().enumerate() {
        size += units(line) + 1;
        if size > room || index >= ANSWER_LINES.1 {
            shown
                .push(format!("… and {} more, in {PREFLIGHT_FILE}", thousands(goes.len() - index)));
            return (shown, false);
        }
        shown.insert(index, line.clone());
    }
    if !whole {
        shown.push(format!("… and more, in {PREFLIGHT_FILE}"));
    }
    (shown, whole)
}

/// Name of the file with the complete preview, attached when the preview does not fit.
pub const PREFLIGHT_FILE: &str = "to-be-approved.txt";

/// Content of the preview file, without Markdown.
#[must_use]
pub fn preflight_file(goes: &[Listed], left_out: &[(Decision, LeftOut)]) -> String {
    let lines = goes
        .iter()
        .map(goes_line)
        .chain(left_out.iter().map(|(decision, why)| left_out_line(decision, why)));
    plain_lines(&lines.collect::<Vec<_>>())
}

/// Lines of a reply as plain text, without Discord's Markdown.
#[must_use]
pub fn plain_lines(lines: &[String]) -> String {
    let plain = |line: &String| line.replace("**", "").replace('\\', "");
    lines.iter().map(plain).collect::<Vec<_>>().join("\n") + "\n"
}

/// A decision skipped by a bulk approval, and the reason.
#[must_use]
pub fn left_out_line(decision: &Decision, why: &LeftOut) -> String {
    let why = match why {
        LeftOut::Over => match &decision.state {
            State::Resolved(resolved) => {
                format!("was {} by {} already", resolved.verdict.word(), name(&resolved.by.name))
            }
            _ => "no longer needs an answer".into(),
        },
        LeftOut::PutOff => "was put off".into(),
        LeftOut::Changed => "changed since this was listed, open it and see".into(),
        LeftOut::Risk(risk) => format!("{risk} risk, decide it by itself"),
        LeftOut::NotAYes => "wants more than a yes, open it".into(),
        LeftOut::Taken => "somebody else is on it".into(),
        LeftOut::Credentials => "about credentials, decide it by itself".into(),
        LeftOut::Voted => "has your approval already".into(),
        LeftOut::NotTheirs => "is not yours to decide".into(),
    };
    format!("✋ **{}** {} — {why}", decision.id, escaped(&super::title(&decision.request), 70).text)
}

/// Progress of a bulk approval.
#[must_use]
pub fn approving(done: usize, count: usize) -> String {
    format!("⏳ Approving: {} of {} …", thousands(done), thousands(count))
}

/// Result of a bulk approval.
#[must_use]
pub fn approved_together(approved: usize, count: usize) -> String {
    match (approved, count - approved) {
        (0, _) => "✋ Nothing was approved. What became of each:".into(),
        (1, 0) => "✅ Approved:".into(),
        (approved, 0) => format!("✅ All {} are approved:", thousands(approved)),
        (approved, not) => format!(
            "✅ {} of {} are approved, {} not:",
            thousands(approved),
            thousands(count),
            thousands(not)
        ),
    }
}

/// Name of the file with the result for each decision.
pub const RESULTS_FILE: &str = "approved-together.txt";

/// Heading of a decision during a review of a list.
#[must_use]
pub fn walk(place: usize, count: usize, left: usize, headline: &str) -> String {
    let after = match left {
        0 => "the last one that waits".into(),
        left => format!("{} more after it", thousands(left)),
    };
    format!("**{} of {}** · {after}\n{headline}", thousands(place), thousands(count))
}

/// End of a review of a list.
#[must_use]
pub fn walked(left: usize, count: usize) -> String {
    match left {
        0 => format!(
            "🎉 That was the last one: of {} nothing waits on you any more.",
            decisions(count)
        ),
        1 => format!(
            "🏁 That was the last one. Of {} 1 still waits on you: you skipped it.",
            decisions(count)
        ),
        left => {
            format!(
                "🏁 That was the last one. Of {} {} still wait on you: you skipped them.",
                decisions(count),
                thousands(left)
            )
        }
    }
}

/// Heading of a part of a list.
#[must_use]
pub fn part_title(id: PostingId, from: usize, to: usize, count: usize) -> String {
    format!(
        "Batch {id}: {} to {} of {}. The menu below opens one.",
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

/// Asks for a confirmation of an approval that looks hasty.
#[must_use]
pub fn really(decision: &Decision, doubt: Doubt) -> String {
    let (id, title) = (decision.id, escaped(&super::title(&decision.request), 90).text);
    let why = match doubt {
        Doubt::JustOpened => format!(
            "it is of {} risk, and you opened it less than a second ago",
            decision.terms.risk
        ),
        Doubt::InARow(count) => {
            format!("it would be your {} in a row without opening one", ordinal(count))
        }
    };
    format!(
        "🤔 Approve {id} {title}? Nothing is approved yet: {why}. Take a gander, or click once more."
    )
}

fn ordinal(count: u32) -> String {
    let end = match (count % 10, count % 100) {
        (1, hundred) if hundred != 11 => "st",
        (2, hundred) if hundred != 12 => "nd",
        (3, hundred) if hundred != 13 => "rd",
        _ => "th",
    };
    format!("{count}{end}")
}

/// Button that confirms a hasty approval.
#[must_use]
pub fn really_label(id: crate::core::decision::DecisionId) -> String {
    format!("Yes, approve {id}")
}
