//! Words about questions at the desk, and about who is there.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::relative;
use crate::core::Time;
use crate::core::availability::presence::{AwayReason, MarkerFault, Presence};
use crate::core::decision::{Decision, Desk, DeskOutcome, OwnPrompt, Risk};
use crate::core::policy::desk::DeskRules;
use crate::core::untrusted::one_line;
use crate::core::values::time_scale::TimeScale;

/// How a question at the desk ended.
#[must_use]
pub const fn outcome(outcome: DeskOutcome) -> &'static str {
    match outcome {
        DeskOutcome::Ran => "answered at the desk: the call ran",
        DeskOutcome::Closed => "closed at the desk: the call did not run, as far as known",
    }
}

/// Why a decision needs no answer any more: the asker's words, or how it ended at the desk.
#[must_use]
pub fn withdrawal<'a>(decision: &Decision, reason: &'a str) -> Cow<'a, str> {
    decision.desk_outcome().map_or(Cow::Borrowed(reason), |end| Cow::Borrowed(outcome(end)))
}

/// Name and value of the card's field for a question that ended at the desk.
#[must_use]
pub fn ended(end: DeskOutcome, at: Time, time_scale: TimeScale) -> (&'static str, String) {
    let words = match end {
        DeskOutcome::Ran => "The agent's own prompt was answered, and the call ran.",
        DeskOutcome::Closed => {
            "The agent's own prompt is closed, and the agent did not report that the call ran."
        }
    };
    ("🖥️ At the desk", format!("{}\n{words}", relative(time_scale.wall_time(at))))
}

/// Value of the card's field while a question is, or was, at the desk.
#[must_use]
pub fn asked(desk: &Desk, time_scale: TimeScale) -> String {
    let until = relative(time_scale.wall_time(desk.until));
    match (desk.prompt, desk.left_at) {
        (OwnPrompt::Both, None) => format!(
            "A person is there, and the agent's own prompt asks. The first answer counts, there \
             or here. Without one, people are asked here {until}."
        ),
        (OwnPrompt::Both, Some(_)) => "Nobody answered there. The agent's own prompt still asks: \
             the first answer counts, there or here."
            .to_owned(),
        (OwnPrompt::Alone, None) => format!(
            "A person is there, and the agent's own prompt asks: only an answer there reaches the \
             agent. Without one, people are told here {until}."
        ),
        (OwnPrompt::Alone, Some(_)) => "Nobody answered there. The agent waits at its own prompt: \
             only an answer there reaches the agent."
            .to_owned(),
    }
}

/// In the agent's own prompt: what is asked, and where else.
#[must_use]
pub fn prompt(decision: &Decision) -> String {
    let why = one_line(&decision.request.insight.why_it_matters);
    let why = if why.is_empty() { String::new() } else { format!(" {why}") };
    format!(
        "Gander {}, {} risk.{why} Answer here, or on Discord: the first answer counts.",
        decision.id, decision.terms.risk
    )
}

/// Whether a person is at the desk, in a line.
#[must_use]
pub fn presence(presence: &Presence) -> String {
    match presence {
        Presence::Here => "a person is there".to_owned(),
        Presence::Away(AwayReason::NotConfigured) => {
            "not known: [presence] is not in your gander.toml".to_owned()
        }
        Presence::Away(AwayReason::Unknown(why)) => format!("not known: {}", one_line(why)),
        Presence::Away(why) => format!("nobody is there: {}", away(why)),
    }
}

fn away(why: &AwayReason) -> String {
    match why {
        AwayReason::NotConfigured => "[presence] is not in your gander.toml".into(),
        AwayReason::Locked => "the screen is locked".into(),
        AwayReason::Inactive => "another session is shown".into(),
        AwayReason::Idle(idle) => format!("no input for {}", span(*idle)),
        AwayReason::NoFile => "the file does not exist".into(),
        AwayReason::Untrusted(fault) => format!("the file does not count, {}", self::fault(*fault)),
        AwayReason::Future => "the file was written in the future".into(),
        AwayReason::Stale(age) => format!("the file was last written {} ago", span(*age)),
        AwayReason::Command => "the command says so (exit status 1)".into(),
        AwayReason::Unknown(why) => one_line(why),
    }
}

const fn fault(fault: MarkerFault) -> &'static str {
    match fault {
        MarkerFault::Relative => "because its path does not begin with /",
        MarkerFault::InWorkspace => "because it is in the agent's folder",
        MarkerFault::NoPlainFile => "because it is not a plain file",
        MarkerFault::OfAnother => "because it belongs to another user",
        MarkerFault::WritableByOthers => "because other users may write or replace it",
    }
}

/// A time span in minutes and more, or in seconds.
fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0).unsigned_abs();
    let shown = if seconds < 60 { seconds } else { seconds / 60 * 60 };
    humantime::format_duration(std::time::Duration::from_secs(shown)).to_string()
}

/// What may be asked at the desk.
#[must_use]
pub fn rules(rules: &DeskRules) -> String {
    let risk = match rules.highest_risk {
        Risk::Critical => "calls of every risk".to_owned(),
        risk => format!("calls up to {risk} risk"),
    };
    let masked = if rules.masked { ", also" } else { ", but none" };
    let scripts = if rules.scripts { "those" } else { "none" };
    format!(
        "{risk}{masked} with masked secrets, and {scripts} that run files. After {} without an \
         answer, people are asked on Discord",
        span(rules.hand_over)
    )
}

/// An agent whose own prompt asks.
pub const ASKS_THERE: &str = "asks at the desk";
/// An agent whose own prompt could ask, but whose gate was not installed so.
pub const NOT_INSTALLED_SO: &str =
    "asks on Discord: install its gate again with --desk to be asked at the desk";
/// An agent whose own prompt cannot be relied on.
pub const CANNOT: &str = "asks on Discord: it cannot be made to ask at the desk for certain";
/// What to do about a source of presence that cannot be read.
pub const REMEDY: &str = "Correct [presence] in your gander.toml: until then you count as away, \
    and gates ask on Discord";
/// No agent has a gate.
pub const NO_GATES: &str = "no agent stops at a gate here";

/// `gate install --desk` for an agent that cannot.
#[must_use]
pub fn cannot_install(agent: &str) -> String {
    format!("{agent} {CANNOT}. Install its gate without --desk")
}

/// `gate install --desk` without `[presence]`.
pub const NO_PRESENCE: &str = "with --desk, the agent's own prompt asks while you are at the desk, \
    but nothing says when you are: add [presence] to your gander.toml, and check with gander \
    presence";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{AgentCall, DecisionId, Person, Request, Terms};

    #[test]
    fn what_people_read() {
        let at = Time::UNIX_EPOCH + TimeDelta::days(20_000);
        let desk = |prompt, left_at| Desk {
            prompt,
            call: AgentCall::default(),
            until: at,
            left_at,
            outcome: None,
        };
        let prompts = [OwnPrompt::Both, OwnPrompt::Alone];
        let mut said: Vec<String> = prompts
            .into_iter()
            .flat_map(|prompt| [desk(prompt, None), desk(prompt, Some(at))])
            .map(|desk| asked(&desk, TimeScale::REAL))
            .collect();
        let mut request = Request { title: "Run make".into(), ..Request::default() };
        request.insight.why_it_matters = "It goes live.".into();
        let decision = Decision::new(DecisionId(142), request, Terms::default(), at);
        said.push(prompt(&decision));
        for end in [DeskOutcome::Ran, DeskOutcome::Closed] {
            said.push(ended(end, at, TimeScale::REAL).1);
            said.push(outcome(end).to_owned());
        }
        let reasons = [
            AwayReason::NotConfigured,
            AwayReason::Locked,
            AwayReason::Inactive,
            AwayReason::Idle(TimeDelta::seconds(421)),
            AwayReason::NoFile,
            AwayReason::Future,
            AwayReason::Stale(TimeDelta::hours(13)),
            AwayReason::Command,
            AwayReason::Unknown("loginctl did not answer within 2 s".into()),
        ];
        let faults = [
            MarkerFault::Relative,
            MarkerFault::InWorkspace,
            MarkerFault::NoPlainFile,
            MarkerFault::OfAnother,
            MarkerFault::WritableByOthers,
        ];
        said.push(presence(&Presence::Here));
        let reasons = reasons.into_iter().chain(faults.map(AwayReason::Untrusted));
        said.extend(reasons.map(|reason| presence(&Presence::Away(reason))));
        let desk_rules = DeskRules {
            person: Person::discord(1, "Maya").into(),
            highest_risk: Risk::High,
            masked: false,
            scripts: false,
            hand_over: TimeDelta::minutes(10),
        };
        said.push(rules(&desk_rules));
        let (highest_risk, all) = (Risk::Critical, true);
        let careless = DeskRules { highest_risk, masked: all, scripts: all, ..desk_rules };
        said.push(rules(&careless));
        said.push(cannot_install("goose"));
        insta::assert_snapshot!(said.join("\n"));
    }
}
