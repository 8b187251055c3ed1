//! What slash commands and menus of messages say.

use std::fmt::Write as _;

use super::{dot, escaped, name, one_line, plain, quoted, relative, subject, who_may};
use crate::core::Time;
use crate::core::decision::{
    Choice, Decision, DecisionId, Person, Refused, Resolved, State, Verdict,
};
use crate::core::pace::Pace;
use crate::core::permission::WhoMay;
use crate::core::policy::Inadmissible;
use crate::core::untrusted::units;

/// Characters of an offered entry (Discord: 100).
const ENTRY: usize = 100;

/// A decision as completion offers it: what is open with its risk and revision, what is decided
/// with its verdict. The title comes last, so that none can pass for the rest.
#[must_use]
pub fn entry(decision: &Decision) -> String {
    let stands = stands(decision);
    let start = format!("{} {stands} · ", decision.id);
    let subject = plain(&subject(decision), 24).text;
    let room = ENTRY.saturating_sub(units(&start) + units(&subject) + 3);
    format!("{start}{subject} · {}", plain(&super::title(&decision.request), room).text)
}

fn stands(decision: &Decision) -> String {
    let revision = if decision.revision.0 > 1 {
        format!(" · revision {}", decision.revision.0)
    } else {
        String::new()
    };
    let risk = decision.terms.risk;
    match &decision.state {
        State::Pending(_) => format!("{} {risk}{revision}", dot(risk)),
        State::Deferred { .. } => format!("💤 {risk}{revision}"),
        State::Resolved(resolved) => {
            let sign =
                if matches!(resolved.verdict, Verdict::Rejected { .. }) { "❌" } else { "✅" };
            format!(
                "{sign} {} by {}",
                resolved.verdict.word(),
                plain(&one_line(&resolved.by.name), 20).text
            )
        }
        State::Withdrawn { .. } => "⚪ withdrawn".into(),
    }
}

/// A line of the list of what words fit.
#[must_use]
pub fn found_line(decision: &Decision) -> String {
    let title = escaped(&super::title(&decision.request), 90).text;
    let subject = escaped(&subject(decision), 50).text;
    format!("**{}** {title}\n-# {} · {subject}", decision.id, escaped(&stands(decision), 80).text)
}

/// An option as completion offers it.
#[must_use]
pub fn option_entry(choice: &Choice) -> String {
    let (name, description) = (one_line(&choice.name), one_line(&choice.description));
    let text = if description.is_empty() { name } else { format!("{name}: {description}") };
    plain(&text, ENTRY).text
}

/// Why a card is shown instead of deciding at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead<'a> {
    /// They typed a number: they may not have seen what it stands for.
    Number,
    /// They typed words, and this alone fits.
    Words(&'a str),
    /// They saw an entry of the list, which is too little for this risk.
    Risk,
    /// The option that they named is none.
    Option(&'a str),
}

/// The notice over a card that is shown instead of deciding at once.
#[must_use]
pub fn instead(decision: &Decision, why: Instead<'_>) -> String {
    let id = decision.id;
    let typed = |text: &str| escaped(&one_line(text), 60).text;
    match why {
        Instead::Number => {
            format!(
                "👀 You have not been shown {id} as it stands, so nothing is done yet. Here it is: use its buttons."
            )
        }
        Instead::Words(text) => {
            format!(
                "👀 “{}” fits {id} alone, but words are not enough to decide by. Here it is: use its buttons.",
                typed(text)
            )
        }
        Instead::Risk => format!(
            "👀 {id} is of {} risk: please look at the whole of it first. Nothing is decided yet; use its buttons.",
            decision.terms.risk
        ),
        Instead::Option(text) => format!(
            "{id} does not offer “{}”. Nothing was decided; these are its options.",
            typed(text)
        ),
    }
}

/// What somebody wrote into a command that did not carry it out, so that it need not be written
/// again.
pub const YOUR_NOTE: &str = "Your note was:";
/// The same, of a rejection.
pub const YOUR_REASON: &str = "Your reason was:";
/// The same, of an answer.
pub const YOUR_ANSWER: &str = "Your answer was:";
/// The same, of a choice.
pub const YOUR_CHOICE: &str = "Your choice was:";
/// The same, of a deferral.
pub const YOUR_TIME: &str = "You wanted it back:";
/// The file that holds it where it is too long for a message.
pub const KEPT_FILE: &str = "your-words.txt";

/// It, as a quotation. `None`: it does not fit into so many characters.
#[must_use]
pub fn kept(what: &str, words: &str, room: usize) -> Option<String> {
    let text = format!("\n{what}\n{}", quoted(words, 4_000));
    (units(&text) <= room).then_some(text)
}

/// That it is in the file.
#[must_use]
pub fn kept_in_file(what: &str) -> String {
    format!("\n{what} see {KEPT_FILE}.")
}

/// Words fit several, of which some are shown.
#[must_use]
pub fn several(typed: &str, count: usize, shown: usize) -> String {
    let typed = escaped(&one_line(typed), 60).text;
    let first = if shown < count {
        format!(" These are the first {shown}; another word finds fewer.")
    } else {
        String::new()
    };
    format!("“{typed}” fits {count} decisions. Which one do you mean? Nothing was decided.{first}")
}

/// Words fit none.
#[must_use]
pub fn none_fits(typed: &str) -> String {
    format!(
        "Nothing that you may decide fits “{}”. Nothing was decided. `/attention` shows what waits on you.",
        escaped(&one_line(typed), 60).text
    )
}

/// There is no such number.
#[must_use]
pub fn no_such(id: DecisionId) -> String {
    format!("There is no {id} here. Nothing was decided. `/attention` shows what waits on you.")
}

/// The entry was offered by another store.
pub const FOREIGN_ENTRY: &str = "That entry belongs to another Gander (another store). This one decided nothing. Type the command anew: it offers what waits on you here.";

/// The message that a menu was used on is no card.
pub const NO_CARD: &str =
    "That message is none of my cards. Use this on a card; `/attention` shows what waits on you.";

/// The notice over what somebody took.
#[must_use]
pub fn you_took(decision: &Decision) -> String {
    format!("👋 You are on {}. Its card says so to the others.", decision.id)
}

/// The notice over what somebody undid.
#[must_use]
pub fn you_undid(decision: &Decision) -> String {
    format!("↩️ Undone: {} waits for an answer again. The agent had not been told.", decision.id)
}

/// What was asked by a person, for them.
#[must_use]
pub fn you_asked(decision: &Decision, to: &Asked<'_>, who: &WhoMay, owner: Option<u64>) -> String {
    let id = decision.id;
    let title = escaped(&super::title(&decision.request), 140).text;
    let others = who_may(who, owner);
    let next = match to {
        Asked::Anybody => format!("{others} may decide it."),
        Asked::Given(person) => format!("It was handed to {}.", super::person(person)),
        Asked::NotTheirs(person) => {
            format!(
                "{} may not decide it, so it is not theirs: it waits for {others}.",
                super::person(person)
            )
        }
        Asked::Yourself => {
            format!("Nobody decides what they asked, so it is not yours: it waits for {others}.")
        }
    };
    format!(
        "❓ Asked as {id}: {title} · {} risk\n{next} Its card will show the answer.",
        decision.terms.risk
    )
}

/// It was asked, but could not be handed to whom they named.
#[must_use]
pub fn not_handed_over(why: &str) -> String {
    format!(
        "⚠️ I could not hand it over ({}): it waits for anybody who may decide it.",
        escaped(&one_line(why), 200).text
    )
}

/// Whom a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Whoever may decide it.
    Anybody,
    /// This person, and it was handed to them.
    Given(&'a Person),
    /// This person, who may not decide it.
    NotTheirs(&'a Person),
    /// Themselves.
    Yourself,
}

/// Nobody could ever answer what a person asks.
pub const NOBODY_TO_ASK: &str = "Nobody but you may decide that, and nobody decides what they asked. Nothing was asked. Whoever runs me can add others under `[[approvers]]` in gander.toml.";

/// What a person wrote into `/ask`, where nothing was asked.
pub const YOUR_QUESTION: &str = "You wrote:";

/// What a person asks cannot be filed as it is.
#[must_use]
pub fn not_asked(why: &Inadmissible) -> String {
    let why = match why {
        Inadmissible::StrayOptions(_) => "options go with a choice: leave `options` or `expects` out".to_owned(),
        Inadmissible::TypedCredentials => {
            "credentials are never typed into Discord. Ask for a yes or no, and say where they shall be put; yes then means that they \
             are there"
                .to_owned()
        }
        other => escaped(&one_line(&other.to_string()), 400).text,
    };
    format!("That cannot be asked: {why}. Nothing was asked.")
}

/// A list of facts or options that cannot be read.
#[must_use]
pub fn unreadable_detail(text: &str) -> String {
    format!(
        "I could not read “{}” as a detail. Write for example `tests=47/47; coverage=94%`. Nothing was asked.",
        escaped(&one_line(text), 60).text
    )
}

/// What is open, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// By project, the fullest first.
    pub projects: Vec<Project>,
    /// What keeps Gander from its work, each with its mend.
    pub troubles: Vec<String>,
}

/// A project's open decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// How many wait.
    pub waiting: usize,
    /// How many of these are overdue.
    pub overdue: usize,
    /// Since when the longest overdue is.
    pub overdue_since: Option<Time>,
    /// How many are put off.
    pub deferred: usize,
}

/// Lines of projects that are shown.
const MOST_PROJECTS: usize = 15;
/// Troubles that are shown.
const MOST_TROUBLES: usize = 5;

/// Where everything stands. `theirs`: how many wait on the person who asks.
#[must_use]
pub fn overview(overview: &Overview, theirs: usize, pace: Pace) -> String {
    let sum = |count: fn(&Project) -> usize| overview.projects.iter().map(count).sum::<usize>();
    let (waiting, overdue, deferred) =
        (sum(|p| p.waiting), sum(|p| p.overdue), sum(|p| p.deferred));
    let mut text = match waiting {
        0 => "🎉 Nothing waits for an answer.".to_owned(),
        1 => format!("⏳ 1 decision waits for an answer, {}.", on_you(theirs, waiting)),
        count => format!("⏳ {count} decisions wait for an answer, {}.", on_you(theirs, waiting)),
    };
    if overdue > 0 {
        let _ = write!(text, " 🚨 {overdue} overdue.");
    }
    if deferred > 0 {
        let _ = write!(text, " 💤 {deferred} put off.");
    }
    for project in overview.projects.iter().take(MOST_PROJECTS) {
        let _ = write!(text, "\n{}", project_line(project, pace));
    }
    let more = overview.projects.len().saturating_sub(MOST_PROJECTS);
    if more > 0 {
        let _ = write!(text, "\n-# and {more} more projects");
    }
    if overview.troubles.is_empty() {
        text.push_str("\n\n✅ The store answers, and every card has its channel.");
    }
    for trouble in overview.troubles.iter().take(MOST_TROUBLES) {
        let _ = write!(text, "\n\n⚠️ {}", escaped(&one_line(trouble), 250).text);
    }
    let more = overview.troubles.len().saturating_sub(MOST_TROUBLES);
    if more > 0 {
        let _ = write!(text, "\n\n⚠️ and {more} more troubles: the bot's log says them");
    }
    text
}

/// The configuration's file cannot be used.
#[must_use]
pub fn old_configuration(why: &str) -> String {
    format!("The configuration is not used as it is written, and what it said before holds: {why}")
}

fn on_you(theirs: usize, waiting: usize) -> String {
    match theirs {
        0 => "none of them on you".into(),
        all if all == waiting && waiting == 1 => "on you".into(),
        all if all == waiting => "all of them on you".into(),
        some => format!("{some} of them on you"),
    }
}

fn project_line(project: &Project, pace: Pace) -> String {
    let mut line = format!("• **{}**: {} waiting", name(&project.name), project.waiting);
    if project.overdue > 0 {
        let since = project
            .overdue_since
            .map(|since| format!(" (since {})", relative(pace.wall_time(since))))
            .unwrap_or_default();
        let _ = write!(line, ", {} overdue{since}", project.overdue);
    }
    if project.deferred > 0 {
        let _ = write!(line, ", {} put off", project.deferred);
    }
    line
}

/// What can be said.
pub const HELP: &str = "**What waits on you**\n\
    `/attention` lists it, the most urgent first; open one and decide it there. `/status` counts what is open, and says what is wrong.\n\
    **Deciding**\n\
    The buttons of a card, or `/approve`, `/reject`, `/defer`, `/choose`, `/answer`: type a number, a word of the title, a project, and \
    pick from what is offered. `/take` says that you are on it; `/undo` takes a verdict back that the agent has not picked up.\n\
    **Looking**\n\
    `/decision` shows all about one, with its history. On a card, the menu **Apps** offers **Decide** and **History**.\n\
    `/digest` tells what was decided lately and how long it waited; `/calibration`, how often people agreed with what agents were sure of.\n\
    **Asking**\n\
    `/ask` puts a question of your own to whoever may decide it.\n\
    **Being left in peace**\n\
    `/snooze` for a while, `/quiet` for the hours of each day, `/away` for days; a breached SLA comes through.\n\
    -# What you do here, only you see; the card shows everybody what came of it. Nothing of high risk is decided by a command, nor a \
    number that you have not seen: you get the card, with its buttons.";

/// Why a command changed nothing, where the words for a click would not fit.
#[must_use]
pub fn already(decision: &Decision, refused: &Refused, pace: Pace) -> Option<String> {
    match refused {
        Refused::AlreadyResolved(resolved) => Some(resolved_already(decision, resolved, pace)),
        _ => None,
    }
}

fn resolved_already(decision: &Decision, resolved: &Resolved, pace: Pace) -> String {
    let (what, how) = super::card::verdict(resolved, pace);
    format!("{} is already decided. {what} {how}\nYour command changed nothing.", decision.id)
}
