//! All sentences that the bot says to a person on Discord.
//!
//! Pure functions from facts to words, to find, change and test all wording in one place. Texts of
//! agents and people are cleaned and escaped here (`untrusted`). Times of the store become Discord
//! timestamps of wall-clock time; each reader sees these in their own time zone and counting.
//! Sources word their own questions.

mod access;
pub mod acp;
mod approval_guard;
mod authorization;
mod auto_approval;
mod availability;
mod batch;
mod bulk_approval;
mod card;
mod chat;
mod commands;
mod config_alert;
pub mod desk;
mod duplicate_bot;
mod edits;
mod escalation;
pub mod gate;
mod grants;
mod headline;
mod history;
pub mod http;
mod incident;
mod jobs;
pub mod label;
pub mod mcp;
mod notification;
mod proposal;
mod questions;
mod refusal;
mod reminder;
mod reports;
pub mod resume;
mod scripts;
mod servers;
mod verdict;
pub mod work;

use chrono::TimeDelta;

pub use self::access::*;
pub use self::approval_guard::*;
pub use self::authorization::*;
pub use self::auto_approval::*;
pub use self::availability::*;
pub use self::batch::*;
pub use self::bulk_approval::*;
pub use self::card::*;
pub use self::chat::*;
pub use self::commands::*;
pub use self::config_alert::*;
pub use self::desk::withdrawal;
pub use self::duplicate_bot::*;
pub use self::edits::*;
pub use self::escalation::*;
pub use self::grants::*;
pub use self::headline::*;
pub use self::history::*;
pub use self::incident::*;
pub use self::jobs::*;
pub use self::notification::*;
pub use self::proposal::*;
pub use self::questions::*;
pub use self::refusal::*;
pub use self::reminder::*;
pub use self::reports::*;
pub use self::scripts::*;
pub use self::servers::*;
pub use self::verdict::*;
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Person, Risk};
use crate::core::untrusted::{clean, escaped, in_line, one_line, plain, quotation};
use crate::core::values::time_scale::TimeScale;

/// A relative timestamp, rendered by the reader's Discord client: "in 3 hours".
#[must_use]
pub fn relative(at: Time) -> String {
    format!("<t:{}:R>", at.timestamp())
}

/// A date and time in the reader's time zone.
#[must_use]
pub fn moment(at: Time) -> String {
    format!("<t:{}:f>", at.timestamp())
}

/// A time span: `30m`, `2h 30m`, `3d`. Below a minute in seconds.
#[must_use]
pub fn span(span: TimeDelta) -> String {
    let exact = span.num_seconds().max(0);
    // To the nearest minute: a deadline of 30m still shows as 30m a moment later.
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

/// Project and kind of a decision, in a few words: `ghl deploy`.
#[must_use]
pub fn subject(decision: &Decision) -> String {
    let request = &decision.request;
    let kind = in_line(&one_line(&request.kind.words()));
    if request.project == "default" {
        kind
    } else {
        format!("{} {kind}", in_line(&one_line(&request.project)))
    }
}

/// Coloured dot for a risk.
#[must_use]
pub const fn dot(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "🟢",
        Risk::Medium => "🟡",
        Risk::High => "🟠",
        Risk::Critical => "🔴",
    }
}

/// A person's name, escaped for use in a sentence.
#[must_use]
pub fn name(name: &str) -> String {
    escaped(&one_line(name), 40).text
}

/// A person, as a mention where a Discord identifier is known. The mention does not ping, because
/// the bot's messages allow no pings.
#[must_use]
pub fn person(person: &Person) -> String {
    person.discord_id().map_or_else(|| name(&person.name), |id| format!("<@{id}>"))
}

/// A person's or agent's words as a quotation, each line marked. `limit` is in UTF-16 units.
#[must_use]
pub fn quoted(text: &str, limit: usize) -> String {
    quotation(clean(text).trim(), limit).text
}

/// In place of files that Discord rejected.
pub const FILES_LEFT_OUT: &str = "⚠️ The files that belong here could not be posted.";

/// An entry in the list of open decisions.
#[must_use]
pub fn attention_line(decision: &Decision, now: Time, time_scale: TimeScale) -> String {
    let title = escaped(&title(&decision.request), 90).text;
    let subject = escaped(&subject(decision), 50).text;
    let breach = decision.breach_at();
    let due = relative(time_scale.wall_time(breach));
    let due = if breach <= now {
        format!("🚨 SLA breached {due}")
    } else {
        format!("answer due {due}")
    };
    let asked = relative(time_scale.wall_time(decision.asked_at));
    format!(
        "{} **{}** {title}\n-# {subject} · {} risk · asked {asked} · {due}",
        dot(decision.terms.risk),
        decision.id,
        decision.terms.risk
    )
}

/// Title of the list of open decisions.
#[must_use]
pub fn attention_title(count: usize) -> String {
    match count {
        1 => "1 decision waits on you".into(),
        count => format!("{count} decisions wait on you"),
    }
}

/// No decision is open.
pub const NOTHING_WAITS: &str = "🎉 Nothing waits on you.";

/// Page number below the list.
#[must_use]
pub fn page(page: usize, pages: usize) -> String {
    match pages {
        1 => "Most urgent first".into(),
        pages => format!("Page {page} of {pages} · most urgent first"),
    }
}

/// The button belongs to another store, or to a version that this version cannot read.
pub const FOREIGN_BUTTON: &str = "This button belongs to another Gander store, or to an older \
    version. Nothing was decided. `/attention` shows what waits on you here.";

/// The button's decision is not in the store.
#[must_use]
pub fn unknown(id: DecisionId) -> String {
    format!("{id} is no longer in this store. Nothing was decided.")
}

/// A time could not be parsed.
#[must_use]
pub fn unreadable_time(text: &str) -> String {
    let text = escaped(&one_line(text), 60).text;
    format!(
        "I could not read “{text}” as a time. Write, for example, {}. Nothing was changed.",
        label::DEFER_TYPED_HINT
    )
}

/// The store could not be written or read in time.
#[must_use]
pub fn store_failed(what: &str) -> String {
    format!(
        "⚠️ I could not save that ({}). Probably nothing was decided: check the card, or try \
         again in a moment.",
        escaped(&one_line(what), 200).text
    )
}

/// Title of a form.
#[must_use]
pub fn modal_title(verb: &str, decision: &Decision) -> String {
    plain(&format!("{verb} {} · {}", decision.id, title(&decision.request)), 45).text
}

/// Label and description of a menu entry that opens a decision in the list.
#[must_use]
pub fn open_option(decision: &Decision) -> (String, String) {
    let title = plain(&format!("{} {}", decision.id, title(&decision.request)), 100).text;
    let description =
        plain(&format!("{} · {} risk", subject(decision), decision.terms.risk), 100).text;
    (title, description)
}

/// Message to the approvers of a decision when the card cannot be posted.
#[must_use]
pub fn card_not_posted(decision: &Decision, why: &str) -> String {
    let whose = match decision.request.project.as_str() {
        "default" => "cards".to_owned(),
        project => format!("cards of {}", escaped(&one_line(project), 60).text),
    };
    let (id, why) = (decision.id, escaped(&one_line(why), 600).text);
    format!(
        "⚠️ I cannot post {whose}, starting with {id}: {why}. Until this is fixed, `/attention` \
         shows them."
    )
}
