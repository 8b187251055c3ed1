//! Text for grants: what they cover and for how long, on a card, in the question for how long to
//! approve, in lists and at a terminal.

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::{headline_title, moment, name, person, relative, span};
use crate::core::Time;
use crate::core::decision::{
    CallGrant, CallPattern, Decision, DecisionId, GrantEnd, GrantEndReason, GrantSpan, GrantTerms,
    GrantUse, Person,
};
use crate::core::untrusted::{one_line, plain};
use crate::core::values::time_scale::TimeScale;

/// Longest folder or pattern in a line, in UTF-16 units.
const LONGEST_CODE: usize = 160;
/// Limit of a menu's labels and descriptions (Discord).
const LONGEST_LABEL: usize = 100;

/// How long a grant lasts: `for 1h`.
#[must_use]
pub fn grant_span(lasts: GrantSpan) -> String {
    match lasts {
        GrantSpan::Session => "for this session".into(),
        GrantSpan::Seconds(seconds) => {
            let seconds = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
            format!("for {}", span(seconds.unwrap_or(TimeDelta::MAX)))
        }
        GrantSpan::UntilRevoked => "until revoked".into(),
    }
}

/// A pattern as it is matched: `git push *`.
#[must_use]
pub fn pattern(pattern: &CallPattern) -> String {
    match pattern {
        CallPattern::Command { words, .. } => format!("{} *", words.join(" ")),
        CallPattern::Tool { tool } => tool.clone(),
        CallPattern::Folder { folder } if folder.is_empty() => "**".into(),
        CallPattern::Folder { folder } => format!("{folder}/**"),
    }
}

/// A text in a code span, or quoted at a terminal.
fn code(text: &str) -> String {
    format!("`{}`", plain(&one_line(text), LONGEST_CODE).text.replace('`', "'"))
}

/// Which calls a grant covers.
#[must_use]
pub fn grant_scope(covered: Option<&CallPattern>) -> String {
    let Some(covered) = covered else { return "this exact call".into() };
    let said = code(&pattern(covered));
    match covered {
        CallPattern::Command { words, options } => {
            let words = words.join(" ");
            let options = match options.as_slice() {
                [] => "without options".to_owned(),
                some => {
                    let some: Vec<String> = some.iter().map(|option| code(option)).collect();
                    format!("with no options but {}", some.join(", "))
                }
            };
            format!("{said}: commands that begin with {}, {options}", code(&words))
        }
        CallPattern::Tool { .. } => format!("{said}: every call of this tool, with any arguments"),
        CallPattern::Folder { folder } if folder.is_empty() => {
            format!("{said}: changes of files in the workspace")
        }
        CallPattern::Folder { .. } => format!("{said}: changes of files below this folder"),
    }
}

/// In which sessions, for which agent and where a grant holds.
fn holds(grant: &CallGrant, who: &dyn Fn(&str) -> String) -> String {
    let sessions = match grant.terms.span {
        GrantSpan::Session => "in this session",
        GrantSpan::Seconds(_) | GrantSpan::UntilRevoked => "in every session",
    };
    let root = grant.root.as_deref().map(|root| format!(" in {}", code(root))).unwrap_or_default();
    format!("{}{root}, {sessions}", who(&grant.agent.name))
}

/// What a standing grant covers and when it ends, for the verdict's field on a card. `None` for the
/// exact call and the session, of which the field's name says all.
#[must_use]
pub fn grant_on_card(grant: &CallGrant, time_scale: TimeScale) -> Option<String> {
    if grant.terms == GrantTerms::SESSION {
        return None;
    }
    let mut text = format!(
        "{} {}\n-# for {}",
        if grant.progress.ended.is_none() { "Covers" } else { "Covered" },
        grant_scope(grant.terms.pattern.as_ref()),
        holds(grant, &name)
    );
    if grant.progress.ended.is_none()
        && let Some(until) = grant.until
    {
        let until = time_scale.wall_time(until);
        let _ = write!(text, "\nUntil {} ({})", moment(until), relative(until));
    }
    Some(text)
}

/// The end of a grant, and how often it was used.
#[must_use]
pub fn grant_end(end: &GrantEnd, grant: &GrantUse, time_scale: TimeScale) -> String {
    let used = let_through(grant.uses);
    let when = relative(time_scale.wall_time(end.at));
    let by = match end.why {
        Some(GrantEndReason::Expired) => format!("Ended {when}: its time is over"),
        Some(GrantEndReason::GiverLeft) => {
            format!("Ended {when}: its giver is no longer an approver")
        }
        None if end.by == Person::gander() => format!("Ended {when}: the rules no longer allow it"),
        None => format!("Ended by {} {when}", person(&end.by)),
    };
    format!("{by}. {used}; the next one asks again.")
}

/// Who or what ended a grant, on one line.
#[must_use]
pub fn grant_ended_by(end: &GrantEnd, who: impl Fn(&Person) -> String) -> String {
    grant_ended_words(&end.by, end.why, who)
}

/// As [`grant_ended_by`], of the parts.
#[must_use]
pub fn grant_ended_words(
    by: &Person,
    why: Option<GrantEndReason>,
    who: impl Fn(&Person) -> String,
) -> String {
    match why {
        Some(GrantEndReason::Expired) => "its time is over".into(),
        Some(GrantEndReason::GiverLeft) => "its giver is no longer an approver".into(),
        None if *by == Person::gander() => "the rules no longer allow it".into(),
        None => format!("by {}", who(by)),
    }
}

/// How many calls a grant has let through.
#[must_use]
pub fn let_through(uses: u64) -> String {
    match uses {
        0 => "No further call was let through".to_owned(),
        1 => "1 further call was let through".to_owned(),
        uses => format!(
            "{} further calls were let through",
            super::thousands(usize::try_from(uses).unwrap_or(usize::MAX))
        ),
    }
}

/// The letter of a scope in the question for how long to approve: A is the exact call.
fn letter(decision: &Decision, covered: Option<&CallPattern>) -> char {
    let patterns = decision.request.grantable.iter().flat_map(|call| &call.patterns);
    let place =
        covered.map_or(0, |covered| 1 + patterns.take_while(|pattern| *pattern != covered).count());
    u8::try_from(place).map_or('?', |place| char::from(b'A'.saturating_add(place)))
}

/// Asks one person what to approve and for how long, above the menu.
#[must_use]
pub fn ask_grant(decision: &Decision, offered: &[GrantTerms]) -> String {
    let request = &decision.request;
    let mut scopes: Vec<Option<&CallPattern>> = Vec::new();
    for terms in offered {
        if !scopes.contains(&terms.pattern.as_ref()) {
            scopes.push(terms.pattern.as_ref());
        }
    }
    let line = |scope: &Option<&CallPattern>| {
        format!("**{}** · {}", letter(decision, *scope), grant_scope(*scope))
    };
    let lines: Vec<String> = scopes.iter().map(line).collect();
    let root = request.grantable.as_ref().map(|call| format!(" in {}", code(&call.root)));
    format!(
        "🔓 {}: {}\nWhat may {}{} do without asking, and for how long?\n{}\n-# It holds for this \
         agent, project and folder alone. A call of a higher risk, or that your rules ask about \
         for another reason, is asked as before. `/grants` lists it, and ends it.",
        decision.id,
        headline_title(decision),
        name(&request.agent.name),
        root.unwrap_or_default(),
        lines.join("\n")
    )
}

/// The decision can be approved for once only.
#[must_use]
pub fn no_longer_grant(id: DecisionId) -> String {
    format!("{id} can be approved for this call only. Nothing was decided.")
}

/// Label and description of a menu entry that approves on these terms.
#[must_use]
pub fn grant_option(decision: &Decision, terms: &GrantTerms) -> (String, String) {
    let covered = terms.pattern.as_ref();
    let scope = covered.map_or_else(|| "this exact call".to_owned(), pattern);
    let label = format!("{} · {} · {scope}", letter(decision, covered), grant_span(terms.span));
    let lasts = match terms.span {
        GrantSpan::Session => "until the agent's session ends, or you end it",
        GrantSpan::Seconds(_) => "in every session, until the time is over or you end it",
        GrantSpan::UntilRevoked => "in every session, until you end it",
    };
    let cut = |text: &str| plain(&one_line(text), LONGEST_LABEL).text;
    (cut(&label), cut(lasts))
}

/// Title of the list of grants.
#[must_use]
pub fn grants_title(count: usize) -> String {
    match count {
        1 => "1 grant lets calls through".into(),
        count => format!("{} grants let calls through", super::thousands(count)),
    }
}

/// No grant stands.
pub const NO_GRANTS: &str = "No grant stands: each call that your rules ask about is asked.";

/// Only approvers see the list.
pub const GRANTS_FOR_APPROVERS: &str = "🙏 Only people who may decide see the grants.";

/// Page number below the list of grants.
#[must_use]
pub fn grants_page(page: usize, pages: usize) -> String {
    match pages {
        1 => "Newest first".into(),
        pages => format!("Page {page} of {pages} · newest first"),
    }
}

/// An entry in the list of grants.
#[must_use]
pub fn grant_line(decision: &Decision, grant: &CallGrant, time_scale: TimeScale) -> String {
    let scope = match &grant.terms.pattern {
        Some(covered) => code(&pattern(covered)),
        None => headline_title(decision),
    };
    let wall = |at: Time| time_scale.wall_time(at);
    let until = match grant.until {
        Some(until) => format!("until {} ({})", moment(wall(until)), relative(wall(until))),
        None => grant_span(grant.terms.span),
    };
    let used = used(grant.progress.uses, grant.progress.used_at.map(|at| relative(wall(at))));
    let project = name(&grant.project);
    let (who, by) = (holds(grant, &name), person(&grant.by));
    format!("**{}** {scope} · {until}\n-# {project} · {who} · by {by} · {used}", grant.decision)
}

/// How often a grant was used, and when last.
fn used(uses: u64, last: Option<String>) -> String {
    let count = super::thousands(usize::try_from(uses).unwrap_or(usize::MAX));
    match (uses, last) {
        (0, _) | (_, None) => "not used yet".into(),
        (1, Some(last)) => format!("used once, {last}"),
        (_, Some(last)) => format!("used {count} times, last {last}"),
    }
}

/// Label of the button that ends one of several grants.
#[must_use]
pub fn end_of(id: DecisionId) -> String {
    format!("{} {id}", super::label::END)
}

/// Confirms the end of a grant, above the list.
#[must_use]
pub fn you_ended(decision: &Decision) -> String {
    let uses = decision.grant().map_or(0, |grant| grant.progress.uses);
    format!("⏹️ Ended: {}. {}. The next call asks again.", decision.id, let_through(uses))
}

/// A grant as lines for a terminal. `at` formats a time.
#[must_use]
pub fn grant_lines(
    decision: &Decision,
    grant: &CallGrant,
    now: Time,
    at: impl Fn(Time) -> String,
) -> [String; 3] {
    let scope = grant_scope(grant.terms.pattern.as_ref());
    let title = super::title(&decision.request);
    let until = match grant.until {
        Some(until) => format!("until {} (in {})", at(until), span(until - now)),
        None => grant_span(grant.terms.span),
    };
    let last = grant.progress.used_at.map(at);
    let used = used(grant.progress.uses, last);
    let (project, by) = (one_line(&grant.project), one_line(&grant.by.name));
    [
        format!("{:>6}  {}", grant.decision.to_string(), plain(&one_line(&title), 90).text),
        format!("        {scope}"),
        format!("        {until} · {project} · {} · by {by} · {used}", holds(grant, &one_line)),
    ]
}

/// What a person is about to approve at a terminal, behind the decision's number.
#[must_use]
pub fn with_grant(terms: &GrantTerms) -> String {
    let lasts = grant_span(terms.span);
    match &terms.pattern {
        None => format!(" {lasts}"),
        Some(covered) => format!(" {lasts}, covering {}", grant_scope(Some(covered))),
    }
}

/// The use of a grant, in a history. Nothing is added for the exact call of the session.
#[must_use]
pub fn used_for(title: Option<&str>) -> String {
    title.map(|title| format!(": {}", one_line(title))).unwrap_or_default()
}
