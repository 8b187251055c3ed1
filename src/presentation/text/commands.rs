//! Text for slash commands and message menus.

use std::fmt::Write as _;

use super::{
    dot, escaped, grant_span, let_through, name, one_line, plain, quoted, relative, subject,
    who_may,
};
use crate::core::Time;
use crate::core::decision::authorization::Approvers;
use crate::core::decision::{
    Choice, Decision, DecisionId, GrantSpan, Pending, Person, Refused, Resolved, State, Verdict,
};
use crate::core::policy::ask_limits::AskLimitReached;
use crate::core::policy::rules::InvalidRequest;
use crate::core::untrusted::units;
use crate::core::values::time_scale::TimeScale;

/// Maximum characters of an autocomplete entry (Discord: 100).
const ENTRY: usize = 100;

/// Autocomplete entry for a decision: risk and revision if open, the verdict if decided. The title
/// comes last, to keep titles from imitating the other parts.
#[must_use]
pub fn entry(decision: &Decision) -> String {
    let status = status(decision);
    let start = format!("{} {status} · ", decision.id);
    let subject = plain(&subject(decision), 24).text;
    let room = ENTRY.saturating_sub(units(&start) + units(&subject) + 3);
    format!("{start}{subject} · {}", plain(&super::title(&decision.request), room).text)
}

fn status(decision: &Decision) -> String {
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

/// A line in a list of search results.
#[must_use]
pub fn found_line(decision: &Decision) -> String {
    let title = escaped(&super::title(&decision.request), 90).text;
    let subject = escaped(&subject(decision), 50).text;
    format!("**{}** {title}\n-# {} · {subject}", decision.id, escaped(&status(decision), 80).text)
}

/// Autocomplete entry for an option.
#[must_use]
pub fn option_entry(choice: &Choice) -> String {
    let (name, description) = (one_line(&choice.name), one_line(&choice.description));
    let text = if description.is_empty() { name } else { format!("{name}: {description}") };
    plain(&text, ENTRY).text
}

/// Why a command shows the card instead of deciding at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardReason<'a> {
    /// A number was typed: the person may not have seen the decision.
    Number,
    /// Words were typed, and only this decision matches.
    Words(&'a str),
    /// The person saw only an autocomplete entry, too little for this risk.
    Risk,
    /// The decision has no option of this name.
    Option(&'a str),
}

/// Notice above a card that is shown instead of deciding at once.
#[must_use]
pub fn instead(decision: &Decision, why: CardReason<'_>) -> String {
    let id = decision.id;
    let typed = |text: &str| escaped(&one_line(text), 60).text;
    match why {
        CardReason::Number => {
            format!(
                "👀 You have not seen the current version of {id}, so nothing was done. Here it \
                 is: use its buttons."
            )
        }
        CardReason::Words(text) => {
            format!(
                "👀 “{}” matches only {id}, but a decision needs its number or its card. Here it \
                 is: use its buttons.",
                typed(text)
            )
        }
        CardReason::Risk => format!(
            "👀 {id} has {} risk: please read all of it first. Nothing is decided yet; use its \
             buttons.",
            decision.terms.risk
        ),
        CardReason::Option(text) => {
            format!("{id} does not offer “{}”. Nothing was decided. Its options:", typed(text))
        }
    }
}

/// Repeats the note of a command that was not executed, to save the person from retyping the text.
pub const YOUR_NOTE: &str = "Your note was:";
/// Like [`YOUR_NOTE`], for a rejection.
pub const YOUR_REASON: &str = "Your reason was:";
/// Like [`YOUR_NOTE`], for an answer.
pub const YOUR_ANSWER: &str = "Your answer was:";
/// Like [`YOUR_NOTE`], for a choice.
pub const YOUR_CHOICE: &str = "Your choice was:";
/// Like [`YOUR_NOTE`], for a deferral.
pub const YOUR_TIME: &str = "You deferred it until:";
/// Name of the file with a repeated text that is too long for a message.
pub const KEPT_FILE: &str = "your-words.txt";

/// Repeats a person's text as a quotation. `None` if the result is longer than `room` UTF-16 units.
#[must_use]
pub fn kept(what: &str, words: &str, room: usize) -> Option<String> {
    let text = format!("\n{what}\n{}", quoted(words, 4_000));
    (units(&text) <= room).then_some(text)
}

/// Refers to the file with the repeated text.
#[must_use]
pub fn kept_in_file(what: &str) -> String {
    format!("\n{what} see {KEPT_FILE}.")
}

/// The words match several decisions; `shown` of these are listed.
#[must_use]
pub fn several(typed: &str, count: usize, shown: usize) -> String {
    let typed = escaped(&one_line(typed), 60).text;
    let first = if shown < count {
        format!(" These are the first {shown}; add a word to narrow the search.")
    } else {
        String::new()
    };
    format!(
        "“{typed}” matches {count} decisions. Which one do you mean? Nothing was \
        decided.{first}"
    )
}

/// The words match no decision.
#[must_use]
pub fn none_match(typed: &str) -> String {
    format!(
        "Nothing that you may decide matches “{}”. Nothing was decided. `/attention` shows what \
         waits on you.",
        escaped(&one_line(typed), 60).text
    )
}

/// No decision has this number.
#[must_use]
pub fn no_such(id: DecisionId) -> String {
    format!("{id} does not exist here. Nothing was decided. `/attention` shows what waits on you.")
}

/// The autocomplete entry came from another store.
pub const FOREIGN_ENTRY: &str = "That entry belongs to another Gander store. Nothing was \
    decided. Type the command again and pick an entry from its list.";

/// The message menu was used on a message other than a card.
pub const NO_CARD: &str =
    "That message is not a card. Use this on a card; `/attention` shows what waits on you.";

/// Confirms an assignment to the caller.
#[must_use]
pub fn you_took(decision: &Decision) -> String {
    format!("👋 You are on {}. Its card shows this to the others.", decision.id)
}

/// Confirms an undo.
#[must_use]
pub fn you_undid(decision: &Decision) -> String {
    let id = decision.id;
    if let State::Pending(Pending { undone, .. }) = &decision.state {
        let agent = match undone.as_ref().map_or(0, |undone| undone.uses) {
            0 => "The agent had not picked up the verdict".to_owned(),
            uses => let_through(uses),
        };
        return format!("↩️ Undone: {id} waits for an answer again. {agent}.");
    }
    let lasts = decision.grant().map_or(GrantSpan::Session, |grant| grant.terms.span);
    let approval = match lasts {
        GrantSpan::Session => format!("the approval of {id} for the session"),
        GrantSpan::Seconds(_) => format!("the approval of {id} {}", grant_span(lasts)),
        GrantSpan::UntilRevoked => format!("the approval of {id}"),
    };
    format!("⏹️ Ended: {approval}. The next call asks again.")
}

/// Confirms a question asked by a person.
#[must_use]
pub fn you_asked(
    decision: &Decision,
    to: &AskedApprovers<'_>,
    who: &Approvers,
    owner: Option<u64>,
) -> String {
    let id = decision.id;
    let title = escaped(&super::title(&decision.request), 140).text;
    let others = who_may(who, owner);
    let next = match to {
        AskedApprovers::Anybody => format!("{others} may decide it."),
        AskedApprovers::Given(person) => format!("It is assigned to {}.", super::person(person)),
        AskedApprovers::NotTheirs(person) => {
            format!(
                "{} may not decide it, so it is not theirs: it waits for {others}.",
                super::person(person)
            )
        }
        AskedApprovers::HasEnough(person, most) => {
            format!(
                "{most} of your questions wait for {} already, so it is not assigned: it waits \
                 for {others}.",
                super::person(person)
            )
        }
        AskedApprovers::Yourself => {
            format!(
                "Nobody may decide their own question, so it is not assigned to you: it \
                waits for {others}."
            )
        }
    };
    format!(
        "❓ Asked as {id}: {title} · {} risk\n{next} Its card will show the answer.",
        decision.terms.risk
    )
}

/// The question was asked but could not be assigned to the named person.
#[must_use]
pub fn not_handed_over(why: &str) -> String {
    format!(
        "⚠️ I could not assign it ({}): it waits for anyone who may decide it.",
        escaped(&one_line(why), 200).text
    )
}

/// Message to a person who was assigned several decisions, with the name of who assigned each.
#[must_use]
pub fn several_handed_to_you(several: &[(Decision, String)]) -> String {
    let shown = several.iter().take(MOST_HANDED);
    let line = |(decision, from): &(Decision, String)| {
        let (title, risk) = (super::headline_title(decision), decision.terms.risk);
        let (dot, from) = (super::dot(risk), super::name(from));
        format!("{dot} **{}** {title} · {risk} risk · by {from}", decision.id)
    };
    let lines = shown.map(line).collect::<Vec<_>>().join("\n");
    let more = several.len().saturating_sub(MOST_HANDED);
    let more = if more > 0 { super::more_below(more) } else { String::new() };
    format!("👋 {} decisions were assigned to you:\n{lines}{more}", several.len())
}

/// The most assignments in one message: within Discord's 2,000 characters.
const MOST_HANDED: usize = 8;

/// Recipient of a person's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedApprovers<'a> {
    /// Any approver.
    Anybody,
    /// This person, and the decision was assigned to this person.
    Given(&'a Person),
    /// This person, who is not an approver of the decision.
    NotTheirs(&'a Person),
    /// This person, on whom this many questions of a member who may decide nothing wait already.
    HasEnough(&'a Person, usize),
    /// The person who asks.
    Yourself,
}

/// The question has no approver other than the person who asks.
pub const NOBODY_TO_ASK: &str = "Only you may decide that, and nobody may decide their own \
    question. Nothing was asked. The person who runs Gander can add others under `[[approvers]]` \
    in gander.toml.";

/// Repeats a person's text from `/ask` when nothing was asked.
pub const YOUR_QUESTION: &str = "You wrote:";

/// The person has reached a limit on asking.
#[must_use]
pub fn asked_too_much(reached: AskLimitReached) -> String {
    format!("⏳ Not asked: {reached}.")
}

/// A person's question was rejected by policy.
#[must_use]
pub fn not_asked(why: &InvalidRequest) -> String {
    let why = match why {
        InvalidRequest::UnexpectedOptions(_) => {
            "options are only for a choice: leave out `options` or `expects`".to_owned()
        }
        InvalidRequest::TypedCredentials => {
            "credentials are never typed into Discord. Ask for an approval, and say where to put \
             them; an approval then means that they are there"
                .to_owned()
        }
        other => escaped(&one_line(&other.to_string()), 400).text,
    };
    format!("Nothing was asked: {why}.")
}

/// A list of details or options could not be parsed.
#[must_use]
pub fn unreadable_detail(text: &str) -> String {
    format!(
        "I could not read “{}” as a detail. Write, for example, `tests=47/47; coverage=94%`. \
         Nothing was asked.",
        escaped(&one_line(text), 60).text
    )
}

/// Open decisions and current problems.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Projects, most decisions first.
    pub projects: Vec<Project>,
    /// Problems that impair Gander, each with a remedy.
    pub troubles: Vec<String>,
}

/// A project's open decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// Name.
    pub name: String,
    /// Number of pending decisions.
    pub waiting: usize,
    /// Number of overdue decisions among the pending ones.
    pub overdue: usize,
    /// SLA breach of the longest overdue decision.
    pub overdue_since: Option<Time>,
    /// Number of deferred decisions.
    pub deferred: usize,
}

/// Maximum projects shown.
const MOST_PROJECTS: usize = 15;
/// Maximum problems shown.
const MOST_TROUBLES: usize = 5;

/// Status overview. `for_caller`: number of pending decisions that wait for the caller.
#[must_use]
pub fn overview(overview: &Overview, for_caller: usize, time_scale: TimeScale) -> String {
    let sum = |count: fn(&Project) -> usize| overview.projects.iter().map(count).sum::<usize>();
    let (waiting, overdue, deferred) =
        (sum(|p| p.waiting), sum(|p| p.overdue), sum(|p| p.deferred));
    let mut text = match waiting {
        0 => "🎉 Nothing waits for an answer.".to_owned(),
        1 => format!("⏳ 1 decision waits for an answer, {}.", on_you(for_caller, waiting)),
        count => {
            format!("⏳ {count} decisions wait for an answer, {}.", on_you(for_caller, waiting))
        }
    };
    if overdue > 0 {
        let _ = write!(text, " 🚨 {overdue} overdue.");
    }
    if deferred > 0 {
        let _ = write!(text, " 💤 {deferred} deferred.");
    }
    for project in overview.projects.iter().take(MOST_PROJECTS) {
        let _ = write!(text, "\n{}", project_line(project, time_scale));
    }
    let more = overview.projects.len().saturating_sub(MOST_PROJECTS);
    if more > 0 {
        let _ = write!(text, "\n-# and {more} more projects");
    }
    if overview.troubles.is_empty() {
        text.push_str("\n\n✅ The store works, and every card has its channel.");
    }
    for trouble in overview.troubles.iter().take(MOST_TROUBLES) {
        let _ = write!(text, "\n\n⚠️ {}", escaped(&one_line(trouble), 250).text);
    }
    let more = overview.troubles.len().saturating_sub(MOST_TROUBLES);
    if more > 0 {
        let _ = write!(text, "\n\n⚠️ and {more} more problems, listed in the bot's log");
    }
    text
}

/// The configuration file is invalid, and the previous configuration stays in use.
#[must_use]
pub fn old_configuration(why: &str) -> String {
    format!("The configuration is invalid, so the previous one stays in use: {why}")
}

fn on_you(for_caller: usize, waiting: usize) -> String {
    match for_caller {
        0 => "none for you".into(),
        all if all == waiting && waiting == 1 => "on you".into(),
        all if all == waiting => "all for you".into(),
        some => format!("{some} for you"),
    }
}

fn project_line(project: &Project, time_scale: TimeScale) -> String {
    let mut line = format!("• **{}**: {} waiting", name(&project.name), project.waiting);
    if project.overdue > 0 {
        let since = project
            .overdue_since
            .map(|since| format!(" (since {})", relative(time_scale.wall_time(since))))
            .unwrap_or_default();
        let _ = write!(line, ", {} overdue{since}", project.overdue);
    }
    if project.deferred > 0 {
        let _ = write!(line, ", {} deferred", project.deferred);
    }
    line
}

/// Help text.
pub const HELP: &str = "**What waits on you**\n\
    `/attention` lists your decisions, most urgent first; open one there and decide it. \
    `/status` counts open decisions and shows problems.\n\
    **Deciding**\n\
    Use a card's buttons, or `/approve`, `/reject`, `/defer`, `/choose`, `/answer`: type a \
    number, a word of the title or a project, and pick from the list. `/take` shows others that \
    you are on it; `/undo` undoes a verdict that the agent has not picked up, or ends an \
    approval for a session; `/grants` lists what agents may do without asking.\n\
    **Looking**\n\
    `/decision` shows one decision in full, with its history. On a card, the **Apps** menu has \
    **Decide** and **History**.\n\
    `/digest` sums up recent decisions and waiting times; `/calibration` shows how often people \
    agreed with confident agents.\n\
    **Asking**\n\
    `/ask` sends your own question to the people who may decide it.\n\
    **Quiet time**\n\
    `/snooze` for a while, `/quiet` for daily hours, `/away` for days; a breached SLA still \
    reaches you.\n\
    -# Only you see the replies to your commands; the card shows everyone the result. Commands \
    never decide high risk, or a decision that you have not seen: you get the card with its \
    buttons.";

/// Why a command changed nothing, for cases in which the text for a click would not fit. `None` for
/// all other cases.
#[must_use]
pub fn already(decision: &Decision, refused: &Refused, time_scale: TimeScale) -> Option<String> {
    match refused {
        Refused::AlreadyResolved(resolved) => {
            Some(resolved_already(decision, resolved, time_scale))
        }
        _ => None,
    }
}

fn resolved_already(decision: &Decision, resolved: &Resolved, time_scale: TimeScale) -> String {
    let (what, how) = super::card::verdict(decision, resolved, time_scale);
    format!("{} is already decided. {what} {how}\nYour command changed nothing.", decision.id)
}
