//! Explains to a person why an action was refused.

use std::fmt::Write as _;

use super::card::verdict;
use super::{label, moment, name, person, quoted, relative};
use crate::core::decision::authorization::{Approvers, Denied};
use crate::core::decision::{Decision, DecisionId, Refused, Request, Terms};
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

/// Why the action was refused.
#[must_use]
pub fn refused(decision: &Decision, refused: &Refused, time_scale: TimeScale) -> String {
    let id = decision.id;
    match refused {
        Refused::AlreadyResolved(resolved) => {
            let (what, how) = verdict(resolved, time_scale);
            format!(
                "Another person was faster: {id} is already decided. {what} {how}\n\
                Your click changed nothing."
            )
        }
        Refused::Withdrawn { reason, at } => {
            format!(
                "{id} no longer needs an answer; the agent withdrew it {}.\n{}",
                relative(time_scale.wall_time(*at)),
                quoted(reason, 400)
            )
        }
        Refused::Outdated { .. } => format!(
            "✏️ {id} changed after you saw it, so nothing was decided. The current version:"
        ),
        Refused::WrongAnswer { expects } => {
            format!(
                "{id} needs a different kind of answer: it asks you to {expects}. Nothing \
                was changed."
            )
        }
        Refused::NoSuchOption { option } => {
            format!(
                "{id} does not offer “{}”. Nothing was changed.",
                escaped(&one_line(option), 60).text
            )
        }
        Refused::NoAnswer => "The answer is empty. Nothing was changed.".into(),
        Refused::NotForSession => {
            format!("{id} can be approved only once, not for a session. Nothing was decided.")
        }
        Refused::NotDecidableRemotely { risk } => {
            format!(
                "{id} has {risk} risk: it can only be proposed there, and confirmed here \
                with the button. Nothing was decided."
            )
        }
        Refused::NoReason => "A rejection needs a reason: without one, the agent tries the same \
            again. Nothing was changed."
            .into(),
        Refused::Unconfirmed { word } => {
            format!(
                "{id} has critical risk: to approve it, type {word}. Nothing was decided; \
                please try again."
            )
        }
        Refused::CurrentlyDeferred { .. }
        | Refused::DeferredTooOften { .. }
        | Refused::DeferredTooLong { .. }
        | Refused::NotInFuture
        | Refused::AlreadyDeferred { .. }
        | Refused::NotDue => deferral_refused(id, refused, time_scale),
        Refused::AlreadyClaimed { .. }
        | Refused::TooLateToUndo { .. }
        | Refused::AskedAgain { .. }
        | Refused::NotResolved
        | Refused::NotAutoApproved
        | Refused::AlreadyDisagreed { .. } => undo_refused(id, refused, time_scale),
        Refused::AlreadyVoted { .. }
        | Refused::AlreadyTaken { .. }
        | Refused::AlreadyPrioritized { .. }
        | Refused::NotTheirs { .. } => change_refused(id, refused),
    }
}

/// Why a deferral, or a step that depends on one, was refused.
fn deferral_refused(id: DecisionId, refused: &Refused, time_scale: TimeScale) -> String {
    match refused {
        Refused::CurrentlyDeferred { until } => {
            format!(
                "{id} is deferred until {}, so nothing was proposed.",
                moment(time_scale.wall_time(*until))
            )
        }
        Refused::DeferredTooOften { times } => {
            format!(
                "{id} was already deferred {times} times, the maximum. Please approve or reject it."
            )
        }
        Refused::DeferredTooLong { latest } => {
            format!(
                "That is too late: {id} can be deferred until {} at the latest.",
                moment(time_scale.wall_time(*latest))
            )
        }
        Refused::NotInFuture => {
            "That time has passed. Write, for example, 45m, 18:30 or tomorrow 09:00.".into()
        }
        Refused::AlreadyDeferred { until } => {
            format!("{id} is already deferred until {}.", moment(time_scale.wall_time(*until)))
        }
        Refused::NotDue => format!("{id} is not due yet."),
        other => format!("{id}: {other}."),
    }
}

/// Why an undo or a disagreement was refused.
fn undo_refused(id: DecisionId, refused: &Refused, time_scale: TimeScale) -> String {
    match refused {
        Refused::AlreadyClaimed { at } => format!(
            "Too late: the agent picked up the verdict on {id} {} and is acting on it. Nothing \
             was undone. To stop the agent, tell it directly.",
            relative(time_scale.wall_time(*at))
        ),
        Refused::TooLateToUndo { until } => {
            format!(
                "Too late: the verdict on {id} could be undone until {}.",
                moment(time_scale.wall_time(*until))
            )
        }
        Refused::AskedAgain { again } => {
            format!(
                "The agent has asked again as {again}, which waits for an answer: decide \
                that one. Nothing was undone."
            )
        }
        Refused::NotResolved => format!("{id} has no verdict yet."),
        Refused::NotAutoApproved => {
            format!(
                "{id} was not approved automatically, so there is nothing to disagree with. \
                Nothing was changed."
            )
        }
        Refused::AlreadyDisagreed { by } => {
            format!("{} already disagreed with {id}. Nothing was changed.", person(by))
        }
        other => format!("{id}: {other}."),
    }
}

/// Why a vote, an assignment or a priority changed nothing.
fn change_refused(id: DecisionId, refused: &Refused) -> String {
    match refused {
        Refused::AlreadyVoted { more } => {
            format!(
                "You have already approved {id}. It still needs {} from others.",
                super::approvals(*more)
            )
        }
        Refused::AlreadyTaken { by } => format!("{} is already on {id}.", person(by)),
        Refused::AlreadyPrioritized { by, priority } => {
            format!("{id} already has priority {priority}, set by {}.", person(by))
        }
        Refused::NotTheirs { who } => {
            format!("{} may not decide {id}, so it was not assigned to them.", person(who))
        }
        other => format!("{id}: {other}."),
    }
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
                let text = escaped(&one_line(text), CHANGED).text;
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
