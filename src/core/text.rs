//! Every sentence that the bot says to a person on Discord.
//!
//! Pure functions from facts to words, so that all wording is found, changed and pinned in one
//! place. Texts of agents and people are cleaned and escaped here (`untrusted`); times of the store
//! become Discord's own marks of the wall clock's time, which every reader sees in their zone and
//! counting. A source words its own questions.

mod another;
mod batch;
mod callers;
mod card;
mod commands;
mod figures;
pub mod gate;
mod history;
pub mod http;
mod incident;
pub mod label;
mod ladder;
pub mod mcp;
mod mistake;
mod outgoing;
mod passed;
mod people;
mod permission;
mod propose;
mod refusal;
mod remind;
mod talk;

use chrono::TimeDelta;

pub use self::another::*;
pub use self::batch::*;
pub use self::callers::*;
pub use self::card::*;
pub use self::commands::*;
pub use self::figures::*;
pub use self::history::*;
pub use self::incident::*;
pub use self::ladder::*;
pub use self::mistake::*;
pub use self::outgoing::*;
pub use self::passed::*;
pub use self::people::*;
pub use self::permission::*;
pub use self::propose::*;
pub use self::refusal::*;
pub use self::remind::*;
pub use self::talk::*;
use super::Time;
use super::decision::{Decision, DecisionId, Person, Risk};
use super::pace::Pace;
use super::untrusted::{clean, escaped, one_line, plain, quotation};

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
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if said.is_empty() { format!("{seconds}s") } else { said.join(" ") }
}

/// What is decided, in two words: `ghl deploy`.
#[must_use]
pub fn subject(decision: &Decision) -> String {
    let request = &decision.request;
    let kind = one_line(&request.kind.words());
    if request.project == "default" {
        kind
    } else {
        format!("{} {kind}", one_line(&request.project))
    }
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

/// A person's name, safe to stand in a sentence.
#[must_use]
pub fn name(name: &str) -> String {
    escaped(&one_line(name), 40).text
}

/// Who did it, as a mention where Discord can draw one (it pings nobody: the bot's messages allow
/// none).
#[must_use]
pub fn person(person: &Person) -> String {
    person.discord_id().map_or_else(|| name(&person.name), |id| format!("<@{id}>"))
}

/// Somebody's words as a quotation, each line marked.
#[must_use]
pub fn quoted(text: &str, limit: usize) -> String {
    quotation(clean(text).trim(), limit).text
}

/// In place of files that Discord did not take.
pub const FILES_LEFT_OUT: &str =
    "⚠️ Discord did not take the files of this decision; they are left out.";

/// A line of the list of what waits.
#[must_use]
pub fn attention_line(decision: &Decision, now: Time, pace: Pace) -> String {
    let title = escaped(&title(&decision.request), 90).text;
    let subject = escaped(&subject(decision), 50).text;
    let breach = decision.breach_at();
    let due = relative(pace.wall_time(breach));
    let due = if breach <= now {
        format!("🚨 SLA breached {due}")
    } else {
        format!("answer due {due}")
    };
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
    format!(
        "I could not read “{text}” as a time. Write for example {}. Nothing was changed.",
        label::DEFER_TYPED_HINT
    )
}

/// The store could not be written or read in time.
#[must_use]
pub fn trouble(what: &str) -> String {
    format!(
        "⚠️ I could not save that ({}). Nothing was decided as far as I know: look at the card, or try again in a moment.",
        escaped(&one_line(what), 200).text
    )
}

/// The title of a form.
#[must_use]
pub fn modal_title(verb: &str, decision: &Decision) -> String {
    plain(&format!("{verb} {} · {}", decision.id, title(&decision.request)), 45).text
}

/// The placeholder of the menu with which an item of the list is opened.
#[must_use]
pub fn open_option(decision: &Decision) -> (String, String) {
    let title = plain(&format!("{} {}", decision.id, title(&decision.request)), 100).text;
    let description =
        plain(&format!("{} · {} risk", subject(decision), decision.terms.risk), 100).text;
    (title, description)
}

/// To those who may decide it, when a decision's card cannot be shown.
#[must_use]
pub fn no_place(decision: &Decision, why: &str) -> String {
    let whose = match decision.request.project.as_str() {
        "default" => "cards".to_owned(),
        project => format!("cards of {}", escaped(&one_line(project), 60).text),
    };
    let (id, why) = (decision.id, escaped(&one_line(why), 600).text);
    format!(
        "⚠️ I cannot show {whose}, beginning with {id}: {why}. They wait for you meanwhile: `/attention` shows them."
    )
}
