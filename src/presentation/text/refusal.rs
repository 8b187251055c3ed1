//! Explains to a person why an action was refused.

use std::fmt::Write as _;

use super::card::verdict;
use super::{grant_span, label, moment, name, person, quoted, relative};
use crate::core::Time;
use crate::core::decision::authorization::{Approvers, Denied};
use crate::core::decision::{
    Decision, DecisionId, Expects, GrantSpan, Person, Refused, Request, Resolved, Risk, Terms,
};
use crate::core::untrusted::{escaped, one_line};
use crate::core::values::time_scale::TimeScale;

/// Maximum approvers named in a sentence.
const MOST_NAMED: usize = 10;

/// The approvers, as a list in a sentence.
#[must_use]
pub fn who_may(who: &Approvers, owner: Option<u64>) -> String {
    let mut names: Vec<String> = who.users.iter().map(|id| format!("<@{id}>")).collect();
    names.extend(who.roles.iter().map(|role| match role.parse::<u64>() {
        Ok(id) => format!("<@&{id}>"),
        Err(_) => format!("anyone with the role {}", name(role)),
    }));
    if who.owner {
        names.push(
            owner.map_or_else(
                || "the owner of this bot's application".into(),
                |id| format!("<@{id}>"),
            ),
        );
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

/// Polite refusal for a person who is not allowed to decide.
#[must_use]
pub fn denied(decision: &Decision, denied: &Denied, owner: Option<u64>) -> String {
    let id = decision.id;
    match denied {
        Denied::NotAnApprover(who) => {
            format!(
                "🙏 Thank you, but {id} is for {} to decide. Nothing was changed.",
                who_may(who, owner)
            )
        }
        Denied::OwnQuestion => {
            format!(
                "🙏 You asked {id} yourself, so another person must decide it. Nothing was changed."
            )
        }
        Denied::NoApprovers => format!(
            "🙏 Nobody may decide {id} yet: no rule under `[[approvers]]` in gander.toml covers \
             its project, kind and risk. Nothing was changed."
        ),
    }
}

/// Why the action was refused. Each variant has an arm, so a new variant fails to compile here.
#[must_use]
pub fn refused(decision: &Decision, refused: &Refused, time_scale: TimeScale) -> String {
    let id = decision.id;
    let date = |at: &Time| moment(time_scale.wall_time(*at));
    let ago = |at: &Time| relative(time_scale.wall_time(*at));
    match refused {
        Refused::AlreadyResolved(resolved) => already_resolved(decision, resolved, time_scale),
        Refused::Withdrawn { reason, at } => withdrawn(id, reason, &ago(at)),
        Refused::Outdated { .. } => outdated(id),
        Refused::WrongAnswer { expects } => wrong_answer(id, *expects),
        Refused::NoSuchOption { option } => no_such_option(id, option),
        Refused::NoAnswer => "The answer is empty. Nothing was changed.".into(),
        Refused::Unanswered { question } => super::unanswered(question),
        Refused::BadAnswer { question, format } => super::bad_answer(question, *format),
        Refused::NoReason => NO_REASON.into(),
        Refused::NotEditable => super::not_editable(id),
        Refused::NotForSession => {
            format!("{id} can be approved only once, not for a session. Nothing was decided.")
        }
        Refused::GrantNotOffered => format!(
            "{id} cannot be approved for so much, or for so long: your rules set the limits. \
             Nothing was decided."
        ),
        Refused::GrantNeedsPerson => format!(
            "{id} can be approved for longer, or for more than this call, only here or at the \
             terminal. Nothing was decided."
        ),
        Refused::NotDecidableRemotely { risk } => only_proposed(id, *risk),
        Refused::Unconfirmed { word } => unconfirmed(id, word),
        Refused::CurrentlyDeferred { until } => {
            format!("{id} is deferred until {}, so nothing was proposed.", date(until))
        }
        Refused::DeferredTooOften { times } => deferred_too_often(id, *times),
        Refused::DeferredTooLong { latest } => {
            format!("That is too late: {id} can be deferred until {} at the latest.", date(latest))
        }
        Refused::NotInFuture => NOT_IN_FUTURE.into(),
        Refused::AlreadyDeferred { until } => {
            format!("{id} is already deferred until {}.", date(until))
        }
        Refused::NotDue => format!("{id} is not due yet."),
        Refused::AlreadyClaimed { at } => already_claimed(id, &ago(at)),
        Refused::AlreadyResumed { at } => already_resumed(id, &ago(at)),
        Refused::TooLateToUndo { until } => {
            format!("Too late: the verdict on {id} could be undone until {}.", date(until))
        }
        Refused::NoGrant => {
            format!("{id} was approved for one call, so there is nothing to end.")
        }
        Refused::GrantEnded { by, at } => grant_ended(decision, by, &ago(at)),
        Refused::Precedent { earlier } => format!(
            "People have handled {id} before, as {earlier}: only people approve it. Nothing was \
             decided."
        ),
        Refused::AskedAgain { again } => asked_again(*again),
        Refused::NotResolved => format!("{id} has no verdict yet."),
        Refused::NotAutoApproved => not_auto_approved(id),
        Refused::AlreadyDisagreed { by } => {
            format!("{} already disagreed with {id}. Nothing was changed.", person(by))
        }
        Refused::AlreadyVoted { more } => already_voted(id, *more),
        Refused::AlreadyTaken { by } => format!("{} is already on {id}.", person(by)),
        Refused::AlreadyPrioritized { by, priority } => {
            format!("{id} already has priority {priority}, set by {}.", person(by))
        }
        Refused::AssigneeMayNotDecide { who } => {
            format!("{} may not decide {id}, so it was not assigned to them.", person(who))
        }
    }
}

fn already_resumed(id: DecisionId, ago: &str) -> String {
    format!("The agent of {id} was already started again {ago}, and is started only once.")
}

const NO_REASON: &str = "A rejection needs a reason: without one, the agent tries the same again. \
    Nothing was changed.";
const NOT_IN_FUTURE: &str =
    "That time has passed. Write, for example, 45m, 18:30 or tomorrow 09:00.";

fn already_resolved(decision: &Decision, resolved: &Resolved, time_scale: TimeScale) -> String {
    let (what, how) = verdict(decision, resolved, time_scale);
    format!(
        "Another person was faster: {} is already decided. {what} {how}\n\
        Your click changed nothing.",
        decision.id
    )
}

fn withdrawn(id: DecisionId, reason: &str, ago: &str) -> String {
    format!("{id} no longer needs an answer; the agent withdrew it {ago}.\n{}", quoted(reason, 400))
}

fn outdated(id: DecisionId) -> String {
    format!("✏️ {id} changed after you saw it, so nothing was decided. The current version:")
}

fn wrong_answer(id: DecisionId, expects: Expects) -> String {
    format!("{id} needs a different kind of answer: it asks you to {expects}. Nothing was changed.")
}

fn no_such_option(id: DecisionId, option: &str) -> String {
    let option = escaped(&one_line(option), 60).text;
    format!("{id} does not offer “{option}”. Nothing was changed.")
}

fn only_proposed(id: DecisionId, risk: Risk) -> String {
    format!(
        "{id} has {risk} risk: it can only be proposed there, and confirmed here with the button. \
         Nothing was decided."
    )
}

fn unconfirmed(id: DecisionId, word: &str) -> String {
    format!(
        "{id} has critical risk: to approve it, type {word}. Nothing was decided; please try again."
    )
}

fn deferred_too_often(id: DecisionId, times: u32) -> String {
    format!("{id} was already deferred {times} times, the maximum. Please approve or reject it.")
}

fn grant_ended(decision: &Decision, by: &Person, ago: &str) -> String {
    let lasts = decision.grant().map_or(GrantSpan::Session, |grant| grant.terms.span);
    let approval = match lasts {
        GrantSpan::Session => format!("the approval of {} for the session", decision.id),
        _ => format!("the approval of {} {}", decision.id, grant_span(lasts)),
    };
    if *by == Person::gander() {
        return format!("{approval} has already ended {ago}. The next call asks again.");
    }
    format!("{} already ended {approval} {ago}. The next call asks again.", person(by))
}

fn already_claimed(id: DecisionId, ago: &str) -> String {
    format!(
        "Too late: the agent picked up the verdict on {id} {ago} and is acting on it. Nothing was \
         undone. To stop the agent, tell it directly."
    )
}

fn asked_again(again: DecisionId) -> String {
    format!(
        "The agent has asked again as {again}, which waits for an answer: decide that one. Nothing \
         was undone."
    )
}

fn not_auto_approved(id: DecisionId) -> String {
    format!(
        "{id} was not approved automatically, so there is nothing to disagree with. Nothing was \
         changed."
    )
}

fn already_voted(id: DecisionId, more: u32) -> String {
    format!(
        "You have already approved {id}. It still needs {} from others.",
        super::approvals(more)
    )
}

/// Maximum characters of each side of a change: ten changes fit in a message's 2,000 characters.
const CHANGED: usize = 60;

/// Differences between the seen revision and the current revision.
#[must_use]
pub fn changes(
    (seen, seen_terms): &(Request, Terms),
    (current, terms): &(Request, Terms),
) -> String {
    let mut lines = String::new();
    let mut compare = |what: &str, before: &str, after: &str| {
        if before != after {
            let shown = |text: &str| {
                let text = escaped(&super::readable_line(current, text), CHANGED).text;
                if text.is_empty() { "nothing".to_owned() } else { text }
            };
            let _ = writeln!(lines, "• {what}: ~~{}~~ → **{}**", shown(before), shown(after));
        }
    };
    let environment = |request: &Request| request.environment.clone().unwrap_or_default();
    let joined = |parts: Vec<String>| parts.join(", ");
    let details = |request: &Request| {
        joined(request.details.iter().map(|d| format!("{}: {}", d.name, d.value)).collect())
    };
    let options = |request: &Request| {
        joined(request.options.iter().map(|choice| choice.name.clone()).collect())
    };
    let questions = |request: &Request| {
        // The options of a lone choice are compared above.
        let several = request.questions.iter().filter(|_| request.options.is_empty());
        joined(several.map(super::question_line).collect())
    };
    let files = |request: &Request| {
        joined(request.attachments.iter().map(|file| file.name.clone()).collect())
    };
    compare(label::TITLE, &seen.title, &current.title);
    compare(label::RISK, seen_terms.risk.as_str(), terms.risk.as_str());
    compare(label::PRIORITY, seen.priority.as_str(), current.priority.as_str());
    compare(label::ENVIRONMENT, &environment(seen), &environment(current));
    compare(label::OBSERVATION, &seen.insight.observation, &current.insight.observation);
    compare(label::WHY_IT_MATTERS, &seen.insight.why_it_matters, &current.insight.why_it_matters);
    compare(label::WHAT_TO_DO, &seen.insight.what_to_do, &current.insight.what_to_do);
    compare(label::OPTIONS, &options(seen), &options(current));
    compare(label::QUESTIONS, &questions(seen), &questions(current));
    let approvals = |request: &Request, terms: &Terms| {
        request.approvals_needed.max(terms.approvals).to_string()
    };
    compare(label::APPROVALS, &approvals(seen, seen_terms), &approvals(current, terms));
    compare(label::DETAILS, &details(seen), &details(current));
    compare(label::FILES, &files(seen), &files(current));
    if seen.body != current.body {
        lines.push_str("• The long text changed.\n");
    }
    if lines.is_empty() { "• Nothing that the card shows changed.\n".into() } else { lines }
}
