//! Every sentence that the bot says to a person on Discord.
//!
//! Pure functions from facts to words, so that all wording is found, changed and pinned in one place. Texts of
//! agents and people are cleaned and escaped here (`untrusted`); times of the store become Discord's own marks of the
//! wall clock's time, which every reader sees in their zone and counting. A source words its own questions.

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::Time;
use super::decision::{Choice, Decision, DecisionId, Person, Refused, Request, Resolved, Risk, State, Terms, Verdict};
use super::pace::Pace;
use super::permission::{Denied, WhoMay};
use super::untrusted::{Cut, clean, escaped, one_line, plain, quotation, units, without_links};

/// Labels of buttons, menus and modals.
#[allow(missing_docs, reason = "each says itself")]
pub mod label {
    pub const APPROVE: &str = "Approve";
    pub const REJECT: &str = "Reject";
    pub const NONE_OF_THESE: &str = "None of these";
    pub const ANSWER: &str = "Answer";
    pub const YOUR_ANSWER: &str = "Your answer, as the agent gets it";
    pub const PICK: &str = "Choose one …";
    pub const OPTIONS: &str = "To choose from";
    pub const DEFER: &str = "Defer …";
    pub const DEFER_30M: &str = "30 minutes";
    pub const DEFER_2H: &str = "2 hours";
    pub const DEFER_TOMORROW: &str = "Tomorrow 09:00";
    pub const DEFER_TYPED: &str = "Another time …";
    pub const DEFER_TYPED_HINT: &str = "45m, 3h, 2d, 18:30, tomorrow 14:00";
    pub const REASON: &str = "Why? The agent is told.";
    pub const REASON_HINT: &str = "What should be different next time?";
    pub const WHEN: &str = "When should it come back?";
    pub const DECIDE: &str = "Your answer";
    pub const OPEN: &str = "Open one to decide …";
    pub const BACK: &str = "Back to the list";
    pub const PREVIOUS: &str = "Previous";
    pub const NEXT: &str = "Next";
    pub const REFRESH: &str = "Refresh";
    pub const OBSERVATION: &str = "Observation";
    pub const WHY_IT_MATTERS: &str = "Why it matters";
    pub const WHAT_TO_DO: &str = "What to do";
    pub const BODY: &str = "In the agent's words";
    pub const RISK: &str = "Risk";
    pub const CONFIDENCE: &str = "Agent's confidence";
    pub const ANSWER_BY: &str = "Answer by";
    pub const TITLE: &str = "Title";
    pub const PRIORITY: &str = "Priority";
    pub const ENVIRONMENT: &str = "Environment";
    pub const DETAILS: &str = "Details";
    pub const FILES: &str = "Files";
    pub const PUT_OFF: &str = "Defer";
    pub const ASKED: &str = "Asked";
    pub const IF_NOBODY_ANSWERS: &str = "If nobody answers";
}

/// A moment, counted from or towards by the reader's own client: "in 3 hours".
#[must_use]
pub fn relative(at: Time) -> String {
    format!("<t:{}:R>", at.timestamp())
}

/// A moment as date and time in the reader's zone.
#[must_use]
pub fn moment(at: Time) -> String {
    format!("<t:{}:f>", at.timestamp())
}

/// A span as people say it: `30m`, `2h 30m`, `3d`. Below a minute in seconds.
#[must_use]
pub fn span(span: TimeDelta) -> String {
    let exact = span.num_seconds().max(0);
    // To the nearest minute: what was asked with 30m is due in 30m a moment later.
    let seconds = if exact < 60 { exact } else { (exact + 30) / 60 * 60 };
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m")];
    let said: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).take(2).map(|(count, unit)| format!("{count}{unit}")).collect();
    if said.is_empty() { format!("{seconds}s") } else { said.join(" ") }
}

/// What is decided, in two words: `ghl deploy`.
#[must_use]
pub fn subject(decision: &Decision) -> String {
    let request = &decision.request;
    let kind = one_line(&request.kind.words());
    if request.project == "default" { kind } else { format!("{} {kind}", one_line(&request.project)) }
}

/// The coloured dot of a risk.
#[must_use]
pub const fn dot(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "🟢",
        Risk::Medium => "🟡",
        Risk::High => "🟠",
        Risk::Critical => "🔴",
    }
}

/// The one line that a phone's lock screen shows. Without Markdown, which stands there as it is written.
#[must_use]
pub fn headline(decision: &Decision, pace: Pace) -> String {
    let title = headline_title(decision);
    let subject = escaped(&subject(decision), 60).text;
    let id = decision.id;
    match &decision.state {
        State::Pending => {
            let again = if decision.returns > 0 { " again" } else { "" };
            let risk = decision.terms.risk;
            format!("{} {subject} needs your decision{again}: {title} · {risk} risk · {id}", dot(risk))
        }
        State::Deferred { until, by, .. } => {
            format!("💤 {subject} put off until {} by {}: {title} · {id}", moment(pace.wall_time(*until)), name(&by.name))
        }
        State::Resolved(resolved) => format!("{}: {title} · {id}", outcome(resolved, &subject)),
        State::Withdrawn { .. } => format!("⚪ {subject} no longer needs an answer: {title} · {id}"),
    }
}

fn headline_title(decision: &Decision) -> String {
    escaped(&without_links(&one_line(&decision.request.title)), 140).text
}

fn outcome(resolved: &Resolved, subject: &str) -> String {
    let by = name(&resolved.by.name);
    match &resolved.verdict {
        Verdict::Approved => format!("✅ {subject} approved by {by}"),
        Verdict::Rejected { .. } => format!("❌ {subject} rejected by {by}"),
        Verdict::Chosen { option } => format!("✅ {subject}: {by} chose {}", escaped(&one_line(option), 60).text),
        Verdict::Answered { .. } => format!("✅ {subject} answered by {by}"),
    }
}

/// A person's name, safe to stand in a sentence.
#[must_use]
pub fn name(name: &str) -> String {
    escaped(&one_line(name), 40).text
}

/// Who did it, as a mention where Discord can draw one (it pings nobody: the bot's messages allow none).
#[must_use]
pub fn person(person: &Person) -> String {
    person.discord_id().map_or_else(|| name(&person.name), |id| format!("<@{id}>"))
}

/// The verdict's field on a card: its name and its text.
#[must_use]
pub fn verdict(resolved: &Resolved, pace: Pace) -> (&'static str, String) {
    let when = relative(pace.wall_time(resolved.at));
    let by = person(&resolved.by);
    match &resolved.verdict {
        Verdict::Approved => ("✅ Approved", format!("by {by} {when}")),
        Verdict::Rejected { reason } => ("❌ Rejected", format!("by {by} {when}\n{}", quoted(reason, 800))),
        Verdict::Chosen { option } => ("✅ Chosen", format!("by {by} {when}\n{}", quoted(option, 800))),
        Verdict::Answered { text } => ("✅ Answered", format!("by {by} {when}\n{}", quoted(text, 800))),
    }
}

/// What the agent did with the verdict.
#[must_use]
pub fn claimed(resolved: &Resolved, pace: Pace) -> String {
    match resolved.claimed_at {
        Some(at) => format!("The agent picked it up {}.", relative(pace.wall_time(at))),
        None => "The agent has not picked it up yet.".into(),
    }
}

/// Somebody's words as a quotation, each line marked.
#[must_use]
pub fn quoted(text: &str, limit: usize) -> String {
    quotation(clean(text).trim(), limit).text
}

/// The deferral's field on a card.
#[must_use]
pub fn deferred(until: Time, by: &Person, pace: Pace) -> (&'static str, String) {
    let until = pace.wall_time(until);
    ("💤 Deferred", format!("by {}. It comes back {} ({}).", person(by), relative(until), moment(until)))
}

/// The withdrawal's field on a card.
#[must_use]
pub fn withdrawn(reason: &str, at: Time, pace: Pace) -> (&'static str, String) {
    ("⚪ Withdrawn", format!("{}\n{}", relative(pace.wall_time(at)), quoted(reason, 800)))
}

/// The line of an old card whose decision stands on a newer one.
#[must_use]
pub fn moved(decision: &Decision, link: Option<&str>) -> String {
    let id = decision.id;
    match link {
        Some(link) => format!("↪️ {id} came back: it is now at {link}"),
        None => format!("↪️ {id} came back as a new message."),
    }
}

/// What happens when nobody answers: nothing is ever approved by silence.
pub const IF_NOBODY_ANSWERS: &str = "It stays open";

/// The name of the file that carries what a card has no room for.
#[must_use]
pub fn full_text_file(decision: &Decision) -> String {
    format!("decision-{}.md", decision.id.0)
}

/// The note that more stands in the file.
#[must_use]
pub fn more_in_file(file: &str) -> String {
    format!("There is more in the attached {file}.")
}

/// How many approvers a sentence names.
const MOST_NAMED: usize = 10;

/// In place of files that Discord did not take.
pub const FILES_LEFT_OUT: &str = "⚠️ Discord did not take the files of this decision; they are left out.";

/// Who may decide, as a list in a sentence.
#[must_use]
pub fn who_may(who: &WhoMay, owner: Option<u64>) -> String {
    let mut names: Vec<String> = who.users.iter().map(|id| format!("<@{id}>")).collect();
    names.extend(who.roles.iter().map(|role| match role.parse::<u64>() {
        Ok(id) => format!("<@&{id}>"),
        Err(_) => format!("anyone with the role {}", name(role)),
    }));
    if who.owner {
        names.push(owner.map_or_else(|| "the owner of this bot's application".into(), |id| format!("<@{id}>")));
    }
    let more = names.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        names.truncate(MOST_NAMED);
        names.push(format!("{more} more"));
    }
    match names.as_slice() {
        [] => "nobody".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The polite refusal of somebody who may not decide.
#[must_use]
pub fn denied(decision: &Decision, denied: &Denied, owner: Option<u64>) -> String {
    let id = decision.id;
    match denied {
        Denied::NotAnApprover(who) => {
            format!("🙏 Thank you, but {id} is for {} to decide. Nothing was changed.", who_may(who, owner))
        }
        Denied::NobodyMay => format!(
            "🙏 Nobody may decide {id} yet: no rule under `[[approvers]]` in gander.toml covers its project, kind and risk. \
             Nothing was changed."
        ),
    }
}

/// Why nothing happened, for the person who tried.
#[must_use]
pub fn refused(decision: &Decision, refused: &Refused, pace: Pace) -> String {
    let id = decision.id;
    match refused {
        Refused::AlreadyResolved(resolved) => {
            let (what, how) = verdict(resolved, pace);
            format!("Somebody was faster: {id} is already decided. {what} {how}\nYour click changed nothing.")
        }
        Refused::Withdrawn { reason, at } => {
            format!(
                "{id} no longer needs an answer; the agent took it back {}.\n{}",
                relative(pace.wall_time(*at)),
                quoted(reason, 400)
            )
        }
        Refused::Outdated { .. } => format!("✏️ {id} changed after you saw it, so nothing was decided. This is what it says now:"),
        Refused::WrongAnswer { expects } => {
            format!("{id} cannot be answered like that: it asks you to {expects}. Nothing was changed.")
        }
        Refused::NoSuchOption { option } => {
            format!("{id} does not offer “{}”. Nothing was changed.", escaped(&one_line(option), 60).text)
        }
        Refused::NoAnswer => "The answer is empty. Nothing was changed.".into(),
        Refused::NoReason => "A rejection needs a reason: without one the agent tries the same again. Nothing was changed.".into(),
        Refused::DeferredTooOften { times } => {
            format!("{id} was already put off {times} times, as often as it may be. Please approve or reject it.")
        }
        Refused::DeferredTooLong { latest } => {
            format!("That is too far away: {id} can be put off until {} at the latest.", moment(pace.wall_time(*latest)))
        }
        Refused::NotLater => "That moment is already past. Write for example 45m, 18:30 or tomorrow 09:00.".into(),
        Refused::AlreadyDeferred { until } => format!("{id} is already put off until {}.", moment(pace.wall_time(*until))),
        Refused::NotResolved => format!("{id} has no verdict yet."),
        Refused::NotDue => format!("{id} is not due to come back."),
    }
}

/// How much of each side of a change is shown: ten of them fit a message's 2,000 characters.
const CHANGED: usize = 60;

/// What changed between the revision that somebody saw and the one that stands.
#[must_use]
pub fn changes((seen, seen_terms): &(Request, Terms), (current, terms): &(Request, Terms)) -> String {
    let mut lines = String::new();
    let mut compare = |what: &str, before: &str, after: &str| {
        if before != after {
            let shown = |text: &str| {
                let text = escaped(&one_line(text), CHANGED).text;
                if text.is_empty() { "nothing".to_owned() } else { text }
            };
            let _ = writeln!(lines, "• {what}: ~~{}~~ → **{}**", shown(before), shown(after));
        }
    };
    let environment = |request: &Request| request.environment.clone().unwrap_or_default();
    let joined = |parts: Vec<String>| parts.join(", ");
    let details = |request: &Request| joined(request.details.iter().map(|d| format!("{}: {}", d.name, d.value)).collect());
    let options = |request: &Request| joined(request.options.iter().map(|choice| choice.name.clone()).collect());
    let files = |request: &Request| joined(request.attachments.iter().map(|file| file.name.clone()).collect());
    compare(label::TITLE, &seen.title, &current.title);
    compare(label::RISK, seen_terms.risk.as_str(), terms.risk.as_str());
    compare(label::PRIORITY, seen.priority.as_str(), current.priority.as_str());
    compare(label::ENVIRONMENT, &environment(seen), &environment(current));
    compare(label::OBSERVATION, &seen.insight.observation, &current.insight.observation);
    compare(label::WHY_IT_MATTERS, &seen.insight.why_it_matters, &current.insight.why_it_matters);
    compare(label::WHAT_TO_DO, &seen.insight.what_to_do, &current.insight.what_to_do);
    compare(label::OPTIONS, &options(seen), &options(current));
    compare(label::DETAILS, &details(seen), &details(current));
    compare(label::FILES, &files(seen), &files(current));
    if seen.body != current.body {
        lines.push_str("• The long text changed.\n");
    }
    if lines.is_empty() { "• Nothing that the card shows changed.\n".into() } else { lines }
}

/// A line of the list of what waits.
#[must_use]
pub fn attention_line(decision: &Decision, now: Time, pace: Pace) -> String {
    let title = escaped(&one_line(&decision.request.title), 90).text;
    let subject = escaped(&subject(decision), 50).text;
    let breach = decision.breach_at();
    let due = relative(pace.wall_time(breach));
    let due = if breach <= now { format!("🚨 SLA breached {due}") } else { format!("answer due {due}") };
    let asked = relative(pace.wall_time(decision.asked_at));
    format!(
        "{} **{}** {title}\n-# {subject} · {} risk · asked {asked} · {due}",
        dot(decision.terms.risk),
        decision.id,
        decision.terms.risk
    )
}

/// The title over the list of what waits.
#[must_use]
pub fn attention_title(count: usize) -> String {
    match count {
        1 => "1 decision waits on you".into(),
        count => format!("{count} decisions wait on you"),
    }
}

/// Nothing waits.
pub const NOTHING_WAITS: &str = "🎉 Nothing waits on you.";

/// Which part of the list is shown.
#[must_use]
pub fn page(page: usize, pages: usize) -> String {
    match pages {
        1 => "Most urgent first".into(),
        pages => format!("Page {page} of {pages} · most urgent first"),
    }
}

/// A button of another store, or of a version that this one does not read.
pub const NOT_OURS: &str = "This button belongs to another Gander (another store, or an older one). This one decided nothing. `/attention` shows what waits on you here.";

/// The decision of a button is not in the store.
#[must_use]
pub fn unknown(id: DecisionId) -> String {
    format!("{id} is not in this store any more. Nothing was decided.")
}

/// A time that could not be read.
#[must_use]
pub fn unreadable_time(text: &str) -> String {
    let text = escaped(&one_line(text), 60).text;
    format!("I could not read “{text}” as a time. Write for example {}. Nothing was changed.", label::DEFER_TYPED_HINT)
}

/// The store could not be written or read in time.
#[must_use]
pub fn trouble(what: &str) -> String {
    format!(
        "⚠️ I could not save that ({}). Nothing was decided as far as I know: look at the card, or try again in a moment.",
        escaped(&one_line(what), 200).text
    )
}

/// The options of a choice, each with what speaks for and against it.
#[must_use]
pub fn options(choices: &[Choice], limit: usize) -> Cut {
    let line = |(index, choice): (usize, &Choice)| {
        let (name, description) = (escaped(&one_line(&choice.name), 110).text, one_line(&choice.description));
        let description = escaped(&description, 150).text;
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

/// An option's name on a button or in a menu, and its description there.
#[must_use]
pub fn option_label(choice: &Choice, limit: usize) -> (String, String) {
    let cut = |text: &str, limit| plain(&one_line(text), limit).text;
    let name = cut(&choice.name, limit);
    (if name.is_empty() { "?".into() } else { name }, cut(&choice.description, 100))
}

/// The title of a form.
#[must_use]
pub fn modal_title(verb: &str, decision: &Decision) -> String {
    plain(&format!("{verb} {} · {}", decision.id, one_line(&decision.request.title)), 45).text
}

/// The placeholder of the menu with which an item of the list is opened.
#[must_use]
pub fn open_option(decision: &Decision) -> (String, String) {
    let title = plain(&format!("{} {}", decision.id, one_line(&decision.request.title)), 100).text;
    let description = plain(&format!("{} · {} risk", subject(decision), decision.terms.risk), 100).text;
    (title, description)
}
