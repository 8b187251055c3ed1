//! Text for a card in each state of the decision.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::headline::{headline, headline_title};
use super::{grant_end, grant_span, let_through, moment, name, person, quoted, relative, span};
use crate::core::Time;
use crate::core::decision::{
    Approval, Attachment, Choice, Decision, DecisionId, Detail, GrantSpan, Lapsed, Outcome, Person,
    Reported, Request, Resolved, Taken, Undone, Verdict, Via, Vote,
};
use crate::core::untrusted::{
    Cut, Secrets, both_ends, escaped, few_lines, in_line, live_link, one_line, plain, quotation,
    units, without_links,
};
use crate::core::values::time_scale::TimeScale;

/// Short form of a verdict, for a sentence that continues with the person.
#[must_use]
pub fn verdict_word(verdict: &Verdict) -> Cow<'static, str> {
    match (verdict.grant(), verdict.change()) {
        (Some(terms), _) => format!("approved {}", grant_span(terms.span)).into(),
        (None, Some(_)) => "approved with a change".into(),
        (None, None) => verdict.word().into(),
    }
}

/// Origin of a verdict, for a sentence that continues with the time: `by @ann`. Without a person,
/// names the automatic rule.
#[must_use]
pub fn given_by(by: &Person, via: Via, who: impl Fn(&Person) -> String) -> String {
    match via {
        Via::Discord | Via::Terminal => format!("by {}", who(by)),
        Via::Http => format!("by {} (over HTTP)", who(by)),
        Via::Mcp => format!("by {} (through an agent)", who(by)),
        Via::Routing => "automatically".into(),
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

/// The verdict's field on a card: name and text.
#[must_use]
pub fn verdict(
    decision: &Decision,
    resolved: &Resolved,
    time_scale: TimeScale,
) -> (String, String) {
    let when = relative(time_scale.wall_time(resolved.at));
    let by = given_by_person(&resolved.by, resolved.via);
    if let Some(said) = super::automatic_approval_text(&resolved.verdict, resolved.via) {
        return ("✅ Approved".into(), format!("{said} {when}"));
    }
    if let Verdict::Answered { answers, .. } = &resolved.verdict
        && !answers.is_empty()
    {
        let given = super::answers_given(&decision.request.questions, answers, 800);
        return ("✅ Answered".into(), format!("{by} {when}\n{given}"));
    }
    match &*super::worded(&resolved.verdict, resolved.via) {
        Verdict::Approved(Approval { input: Some(_), .. }) => {
            ("✅ Approved with a change".into(), format!("{by} {when}"))
        }
        Verdict::Approved(Approval { note, grant, .. }) => {
            // What a grant covers stands below, in the same field.
            let room = if grant.is_some() { 300 } else { 800 };
            let note = note.as_deref().map(|note| format!("\n{}", quoted(note, room)));
            let given = format!("{by} {when}{}", note.unwrap_or_default());
            match (&resolved.grant.ended, grant) {
                (Some(end), Some(terms)) => {
                    let ended = grant_end(end, &resolved.grant, time_scale);
                    let lasted = match terms.span {
                        GrantSpan::UntilRevoked => "of later calls".into(),
                        lasted => grant_span(lasted),
                    };
                    (format!("⏹️ Approval {lasted} ended"), format!("given {given}\n{ended}"))
                }
                (None, Some(terms)) => (format!("✅ Approved {}", grant_span(terms.span)), given),
                (_, None) => ("✅ Approved".into(), given),
            }
        }
        Verdict::Rejected { reason } => {
            ("❌ Rejected".into(), format!("{by} {when}\n{}", quoted(reason, 800)))
        }
        Verdict::Chosen { option } => {
            ("✅ Chosen".into(), format!("{by} {when}\n{}", quoted(option, 800)))
        }
        Verdict::Answered { text, .. } => {
            ("✅ Answered".into(), format!("{by} {when}\n{}", quoted(text, 800)))
        }
    }
}

/// The earlier decision with the same question.
#[must_use]
pub fn precedent(earlier: DecisionId) -> String {
    format!("as {earlier}, which people handled. Only people approve it, each time.")
}

/// The agent's confidence, from 0 to 1, in per cent.
#[must_use]
pub fn confidence(confidence: f64) -> String {
    format!("{:.0} %", confidence * 100.0)
}

/// The footer, and that the agent says more than the card shows.
#[must_use]
pub fn more_in_details(footer: &str) -> String {
    let parts = [footer, "more in Details"];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// When an answer is due, and what happens without one.
#[must_use]
pub fn answer_by(decision: &Decision, time_scale: TimeScale) -> String {
    let due = relative(time_scale.wall_time(decision.breach_at()));
    format!("⏳ Due {due}, else {}", super::in_the_end(decision, time_scale))
}

/// Whether the agent claimed the verdict, and the reported outcome.
#[must_use]
pub fn claimed(decision: &Decision, resolved: &Resolved, time_scale: TimeScale) -> String {
    if let Some(asker) = decision.request.person_asking() {
        return match resolved.claimed_at {
            None => format!("{} has not been notified yet.", person(asker)),
            Some(_) => format!("{} has been notified.", person(asker)),
        };
    }
    let not_run = |reported: &&Reported| reported.outcome == Outcome::NotRun;
    if let Some(reported) = resolved.reported.as_ref().filter(not_run) {
        let when = relative(time_scale.wall_time(reported.at));
        return format!("⏹️ It did not run {when}:\n{}", quoted(&reported.text, 500));
    }
    let resumed = super::resume::resumed_line(resolved, time_scale);
    let picked_up = match (resolved.claimed_at, &resumed) {
        // The rejection or answer was the prompt with which the agent was started.
        (Some(_), Some(_)) if !matches!(resolved.verdict, Verdict::Approved(_)) => String::new(),
        (claimed, _) => picked_up(resolved.at, claimed),
    };
    let lines = [Some(picked_up), resumed, reported(resolved, time_scale)];
    let lines = lines.into_iter().flatten().filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether and when the agent claimed a verdict that was given at `given`.
fn picked_up(given: Time, claimed: Option<Time>) -> String {
    match claimed {
        None => "The agent has not picked it up yet.".into(),
        Some(at) if at - given < TimeDelta::seconds(1) => {
            "The agent picked it up at once.".to_owned()
        }
        Some(at) => format!("The agent picked it up {} later.", span(at - given)),
    }
}

/// The outcome that the agent reported.
fn reported(resolved: &Resolved, time_scale: TimeScale) -> Option<String> {
    let reported = resolved.reported.as_ref()?;
    let when = relative(time_scale.wall_time(reported.at));
    let went = match reported.outcome {
        Outcome::Succeeded => format!("🏁 It reported success {when}"),
        Outcome::Failed | Outcome::NotRun => format!("💥 It reported failure {when}"),
    };
    let text = quoted(&reported.text, 500);
    Some(if text.is_empty() { format!("{went}.") } else { format!("{went}:\n{text}") })
}

/// Approvals so far, for decisions that need several.
#[must_use]
pub fn votes(votes: &[Vote], time_scale: TimeScale) -> String {
    let line = |vote: &Vote| {
        let note =
            vote.note.as_deref().map(|note| format!("\n{}", quoted(note, 200))).unwrap_or_default();
        format!("{} {}{note}", person(&vote.by), relative(time_scale.wall_time(vote.at)))
    };
    let lines: Vec<String> = votes.iter().take(MOST_VOTES).map(line).collect();
    lines.join("\n")
}

/// Approvals that no longer count, for an open decision. `None` if all count.
#[must_use]
pub fn not_counted(lapsed: &[Lapsed], time_scale: TimeScale) -> Option<String> {
    let since = relative(time_scale.wall_time(lapsed.last()?.at));
    let of = lapsed
        .iter()
        .rev()
        .take(MOST_VOTES)
        .map(|lapsed| person(&lapsed.by))
        .collect::<Vec<_>>()
        .join(", ");
    Some(format!(
        "{of} approved, but may no longer decide this: the rules changed {since}. Another person \
         must approve."
    ))
}

/// Approvals that no longer count, on one line.
#[must_use]
pub fn votes_lapsed(of: &[Person], who: impl Fn(&Person) -> String) -> String {
    let of = of.iter().map(who).collect::<Vec<_>>().join(", ");
    format!("no longer counted: {of} approved, but may no longer decide this")
}

/// Maximum votes listed on a card.
const MOST_VOTES: usize = 5;

/// The assigned person.
#[must_use]
pub fn taken(taken: &Taken, time_scale: TimeScale) -> String {
    let since = relative(time_scale.wall_time(taken.at));
    match &taken.from {
        None => format!("{} took it {since}", person(&taken.by)),
        Some(from) => format!("{} assigned it to {} {since}", person(from), person(&taken.by)),
    }
}

/// Priority, and the person who set the priority, if any.
#[must_use]
pub fn priority(decision: &Decision) -> String {
    match &decision.prioritized {
        None => decision.request.priority.to_string(),
        Some(given) => format!("{}, set by {}", given.priority, person(&given.by)),
    }
}

/// The undone verdict.
#[must_use]
pub fn undone(undone: &Undone, time_scale: TimeScale) -> String {
    let when = relative(time_scale.wall_time(undone.at));
    let (by, was_by) = (person(&undone.by), person(&undone.was_by));
    let whose = if undone.by.id == undone.was_by.id {
        "their own verdict".to_owned()
    } else {
        format!("the verdict of {was_by}")
    };
    let agent = match undone.uses {
        0 => "The agent had not picked it up".to_owned(),
        uses => let_through(uses),
    };
    format!(
        "by {by} {when}: {whose} ({}). {agent}. The decision waits for an answer again.",
        verdict_word(&undone.verdict)
    )
}

/// Meaning of Approve for credentials, and where the credentials belong.
pub const CREDENTIALS: &str = "Put the credentials where the agent says, on its machine. “It is \
    there” tells the agent only that they are there.";

/// Names of attached pictures. Discord shows several pictures side by side without their names.
#[must_use]
pub fn pictures(files: &[Attachment]) -> Option<String> {
    let is_picture = |file: &&Attachment| {
        let name = file.name.to_lowercase();
        [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|end| name.ends_with(end))
    };
    let names: Vec<String> = files
        .iter()
        .filter(is_picture)
        .map(|file| escaped(&in_line(&plain(&one_line(&file.name), 56).text), 70).text)
        .collect();
    (names.len() > 1).then(|| names.join(" · "))
}

/// Asks one person for how long to defer, above the menu of times.
#[must_use]
pub fn ask_time(decision: &Decision) -> String {
    format!("💤 {}: {}\n{}", decision.id, headline_title(decision), super::label::WHEN)
}

/// The deferral's field on a card.
#[must_use]
pub fn deferred(until: Time, by: &Person, time_scale: TimeScale) -> (&'static str, String) {
    let until = time_scale.wall_time(until);
    (
        "💤 Deferred",
        format!("by {}. Comes back {} ({}).", person(by), relative(until), moment(until)),
    )
}

/// The withdrawal's field on a card.
#[must_use]
pub fn withdrawn(reason: &str, at: Time, time_scale: TimeScale) -> (&'static str, String) {
    ("⚪ Withdrawn", format!("{}\n{}", relative(time_scale.wall_time(at)), quoted(reason, 800)))
}

/// Replaces an old card after a newer card was posted.
#[must_use]
pub fn moved(decision: &Decision, link: Option<&str>) -> String {
    let id = decision.id;
    match link {
        Some(link) => format!("↪️ {id} came back: it is now at {link}"),
        None => format!("↪️ {id} came back as a new message."),
    }
}

/// Name of the file with text that does not fit on a card.
#[must_use]
pub fn full_text_file(decision: &Decision) -> String {
    format!("decision-{}.md", decision.id.0)
}

/// Note that refers to the attached file.
#[must_use]
pub fn more_in_file(file: &str) -> String {
    format!("The attached {file} has the rest.")
}

/// The options of a choice, each with its description, within `limit` UTF-16 units.
#[must_use]
pub fn options(choices: &[Choice], limit: usize) -> Cut {
    let line = |(index, choice): (usize, &Choice)| {
        // Whole: buttons have less room, and two names may differ in the middle only.
        let name = in_line(&one_line(&choice.name));
        let description = in_line(&plain(&one_line(&choice.description), 140).text);
        let (name, description) = (escaped(&name, 210).text, escaped(&description, 150).text);
        let colon = if description.is_empty() { "" } else { ": " };
        format!("{}. **{name}**{colon}{description}", index + 1)
    };
    let mut shown = Cut { text: String::new(), whole: true };
    for line in choices.iter().enumerate().map(line) {
        if units(&shown.text) + units(&line) + 3 > limit {
            shown.text.push('…');
            shown.whole = false;
            break;
        }
        shown.text.push_str(&line);
        shown.text.push('\n');
    }
    shown
}

/// Number, name and description of an option on a button or in a menu. `place` counts from 0; the
/// number is that of the list on the card, and no two labels are equal.
#[must_use]
pub fn option_label(place: u32, choice: &Choice, limit: usize) -> (String, String) {
    let number = format!("{}. ", place.saturating_add(1));
    let name = both_ends(&one_line(&choice.name), limit - units(&number));
    (format!("{number}{name}"), plain(&one_line(&choice.description), 100).text)
}

/// As many quotations as fit into `room` UTF-16 units, and their number.
#[must_use]
pub fn fitting_quotations(quoted: &[String], room: usize) -> (String, usize) {
    let mut left = room;
    let fits = quoted
        .iter()
        .take_while(|text| {
            let size = units(text) + 1;
            let has_room = size <= left;
            left = left.saturating_sub(size);
            has_room
        })
        .count();
    (quoted[..fits].join("\n"), fits)
}

/// Maximum lines of a detail, because details stand below each other.
const DETAIL_LINES: usize = 6;

/// A detail as a quotation: its name and its value are the agent's words. At most `limit` UTF-16
/// units of the value are shown.
#[must_use]
pub fn detail(request: &Request, detail: &Detail, limit: usize, secrets: Secrets) -> Cut {
    let name = super::readable(request, &detail.name, secrets);
    let name = escaped(&name.split_whitespace().collect::<Vec<_>>().join(" "), 60);
    let value = super::readable(request, &detail.value, secrets);
    let value = few_lines(value.trim(), DETAIL_LINES);
    let mut lines = value.text.lines();
    let first = escaped(lines.next().unwrap_or_default(), limit);
    let left = limit.saturating_sub(units(&first.text));
    let more = quotation(&lines.collect::<Vec<_>>().join("\n"), left);
    let whole = name.whole && value.whole && first.whole && more.whole;
    let more = if more.text.is_empty() { String::new() } else { format!("\n{}", more.text) };
    Cut { text: format!("> **{}** {}{more}", name.text, first.text), whole }
}

/// The longest address shown as a live link: a cut address would lead elsewhere.
const LONGEST_LINK: usize = 300;

/// A link with the full address, because a link's name could show another address. An address that
/// is more than an address is no link, and its Markdown is escaped.
#[must_use]
pub fn link(name: &str, url: &str) -> String {
    let address = match live_link(url).filter(|url| units(url) <= LONGEST_LINK) {
        Some(url) => format!("<{url}>"),
        None => escaped(&without_links(&one_line(url)), LONGEST_LINK).text,
    };
    format!("{}: {address}", escaped(&in_line(&plain(&one_line(name), 56).text), 70).text)
}

/// Message to a person who was assigned a decision by another person.
#[must_use]
pub fn handed_to_you(decision: &Decision, from: &str, link: Option<&str>) -> String {
    let (id, title) = (decision.id, headline_title(decision));
    let link = link.map(|link| format!("\n{link}")).unwrap_or_default();
    format!("👋 {} assigned {id} to you: {title} · {} risk{link}", name(from), decision.terms.risk)
}

/// The verdict, for the person who asked.
#[must_use]
pub fn answered_you(
    decision: &Decision,
    resolved: &Resolved,
    link: Option<&str>,
    time_scale: TimeScale,
) -> String {
    let verdict = super::worded(&resolved.verdict, resolved.via);
    let said = match &*verdict {
        Verdict::Approved(approval) => approval.note.as_deref(),
        Verdict::Rejected { reason: text }
        | Verdict::Answered { text, .. }
        | Verdict::Chosen { option: text } => Some(text.as_str()),
    };
    let said = said.map(|text| format!("\n{}", quoted(text, 1_200))).unwrap_or_default();
    let link = link.map(|link| format!("\n{link}")).unwrap_or_default();
    format!("Your question was answered. {}{said}{link}", headline(decision, time_scale))
}

/// Label of the field that confirms an approval at critical risk.
#[must_use]
pub fn type_to_confirm(word: &str) -> String {
    format!("Critical risk: type {word} to confirm")
}
