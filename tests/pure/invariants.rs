//! What always holds of a decision, whatever happens to it: checked after each step of the random
//! histories and of the exhaustive walk.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::event::Event;
use gander::core::decision::{
    Ballot, Decision, DeferLimits, Expects, Person, Resolved, Risk, SafeDefault, State, Verdict,
    Via,
};
use gander::core::escalation::Stage;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An event in its place: what stood before, what stands after, and the word that was typed with
/// it.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) before: &'a Decision,
    pub(crate) event: &'a Event,
    pub(crate) after: &'a Decision,
    pub(crate) now: Time,
    pub(crate) typed: Option<&'a str>,
}

/// What must hold, and whether it does.
type Invariant = (&'static str, fn(&Step<'_>) -> bool);

/// Everything that must hold after each step.
pub(crate) const INVARIANTS: [Invariant; 29] = [
    ("a verdict is only claimed, reported on or undone", |s| {
        resolved(s.before).is_none()
            || matches!(s.event, Event::Claimed | Event::Reported { .. } | Event::Undone { .. })
    }),
    ("nothing happens to what is withdrawn", |s| {
        !matches!(s.before.state, State::Withdrawn { .. })
    }),
    ("no second verdict: what is resolved resolves to nothing", |s| {
        resolved(s.after).is_none() || all_verdicts_refused(s.after)
    }),
    ("claiming and reporting leave the verdict as it is", |s| {
        match (resolved(s.before), resolved(s.after)) {
            (Some(before), Some(after)) => {
                told(before) == told(after) && before.votes == after.votes
            }
            _ => true,
        }
    }),
    ("an approval has enough different people", |s| match s.event {
        Event::Resolved { verdict: Verdict::Approved(_), by, .. } => {
            let mut people: BTreeSet<&str> =
                s.before.state.votes().iter().map(|vote| vote.by.id.as_str()).collect();
            people.insert(&by.id);
            people.len() >= s.before.approvals_needed() as usize
        }
        _ => true,
    }),
    ("an approval says whose votes made it", |s| match (s.event, resolved(s.after)) {
        (
            Event::Resolved { verdict: Verdict::Approved(_), via: Via::Discord, with, .. },
            Some(after),
        ) => {
            after.votes == s.before.state.votes()
                && after.votes.iter().map(|vote| &vote.by.id).eq(with)
        }
        _ => true,
    }),
    ("a vote that lapses is taken from those who lose it, and from nobody else", |s| {
        match s.event {
            Event::Lapsed { of } => {
                let lost = |person: &str| of.iter().any(|by| by.id == person);
                let left = s.before.state.votes().iter().filter(|vote| !lost(&vote.by.id));
                s.after.state.is_open()
                    && left.eq(s.after.state.votes())
                    && of.iter().all(|by| has_lapsed(s.after, &by.id))
            }
            _ => s.after.state.votes().iter().all(|vote| !has_lapsed(s.after, &vote.by.id)),
        }
    }),
    ("at critical risk each yes comes with the typed word", |s| {
        !says_yes(s.event)
            || s.before
                .confirmation()
                .is_none_or(|word| s.typed.is_some_and(|typed| same_word(typed, &word)))
    }),
    ("what turns critical keeps no vote from before", |s| {
        s.before.confirmation().is_some()
            || s.after.confirmation().is_none()
            || s.after.state.votes().is_empty()
    }),
    ("the verdict is of the sort that was asked for", |s| {
        match (s.event, s.before.request.expects) {
            (Event::Resolved { verdict, .. }, expects) => match verdict {
                Verdict::Rejected { reason } => !reason.trim().is_empty(),
                Verdict::Approved(_) => expects == Expects::Approve,
                Verdict::Chosen { option } => {
                    expects == Expects::Choose
                        && s.before.request.options.iter().any(|choice| choice.name == *option)
                }
                // None of these decisions asks several questions.
                Verdict::Answered { text, answers } => {
                    expects == Expects::Answer && !text.trim().is_empty() && answers.is_empty()
                }
            },
            _ => true,
        }
    }),
    ("an undone verdict cannot be claimed", |s| {
        !matches!(s.event, Event::Undone { .. })
            || (s.after.state.is_open() && s.after.claim().is_err())
    }),
    ("a claimed verdict cannot be undone", |s| {
        resolved(s.after).is_none_or(|r| r.claimed_at.is_none())
            || s.after.undo(somebody(), s.now).is_err()
    }),
    ("a verdict is undone within a day or never", |s| match (s.event, resolved(s.before)) {
        (Event::Undone { .. }, Some(before)) => {
            s.now - before.at <= TimeDelta::days(1) && before.claimed_at.is_none()
        }
        (Event::Undone { .. }, None) => false,
        _ => true,
    }),
    ("what is reported on is claimed", |s| {
        resolved(s.after).is_none_or(|r| r.reported.is_none() || r.claimed_at.is_some())
    }),
    ("it wakes by itself if and only if it is open", |s| {
        s.after.wake_at().is_some() == s.after.state.is_open()
    }),
    ("a rung fires once, above those before it, and only while it waits", |s| match s.event {
        Event::StepFired { step } => {
            let before = s.before.position.as_ref().map(|position| (position.stage, position.due));
            matches!(s.before.state, State::Pending(_)) && before < Some((step.stage, step.planned))
        }
        _ => true,
    }),
    (
        "no rung of warning or breach comes before its time, unless those before it reached nobody",
        |s| match s.event {
            Event::StepFired { step }
                if s.before.position.as_ref().is_none_or(|position| !position.in_vain) =>
            {
                step.planned <= s.now
            }
            Event::StepFired { step } => step.stage < Stage::Breach || step.planned <= s.now,
            _ => true,
        },
    ),
    ("silence decides only at the end of the ladder, and approves only what it may", |s| {
        match s.event {
            Event::Resolved { verdict, via: Via::SafeDefault, .. } => {
                let at_the_end = s.before.position.as_ref().is_some_and(|position| {
                    position.default && s.now >= position.due.min(position.at)
                });
                let terms = &s.before.terms;
                let may = terms.safe_default == SafeDefault::Approve
                    && terms.risk < Risk::High
                    && s.before.approvals_needed() == 1;
                at_the_end && (matches!(verdict, Verdict::Rejected { .. }) || may)
            }
            _ => true,
        }
    }),
    ("votes are of different people, and fewer than needed", |s| {
        let votes = s.after.state.votes();
        let people: BTreeSet<&str> = votes.iter().map(|vote| vote.by.id.as_str()).collect();
        people.len() == votes.len()
            && (votes.is_empty() || votes.len() < s.after.approvals_needed() as usize)
    }),
    ("a proposal decides nothing", |s| {
        !matches!(s.event, Event::Proposed { .. })
            || without_proposals(s.after) == without_proposals(s.before)
    }),
    (
        "what is proposed is for the content that stands, by different people who have not voted",
        |s| {
            let proposals = s.after.proposals();
            let people: BTreeSet<&str> =
                proposals.iter().map(|proposal| proposal.by.id.as_str()).collect();
            people.len() == proposals.len()
                && proposals.iter().all(|proposal| proposal.revision == s.after.revision)
        },
    ),
    ("high and critical risk are not decided by a token", |s| match s.event {
        Event::Resolved { via, .. } | Event::Voted { via, .. } => {
            !matches!(via, Via::Http | Via::Mcp) || s.before.terms.risk < Risk::High
        }
        _ => true,
    }),
    ("deferring, returning and taking keep the votes", |s| {
        !matches!(s.event, Event::Deferred { .. } | Event::Returned | Event::Taken { .. })
            || s.before.state.votes() == s.after.state.votes()
    }),
    ("a revision counts up and starts without votes", |s| {
        let risen = u32::from(matches!(s.event, Event::Revised { .. }));
        s.after.revision.0 == s.before.revision.0 + risen
            && (risen == 0 || s.after.state.votes().is_empty())
    }),
    ("deferrals are counted, and limited", |s| {
        let more = u32::from(matches!(s.event, Event::Deferred { .. }));
        s.after.deferrals == s.before.deferrals + more
            && s.after.deferrals <= DeferLimits::default().times
    }),
    ("risk and the number of approvals never fall", |s| {
        s.after.terms.risk >= s.before.terms.risk
            && s.after.terms.approvals >= s.before.terms.approvals
    }),
    ("only a person changes the priority that a person gave, and that changes nothing else", |s| {
        match s.event {
            Event::Prioritized { priority, .. } => {
                let (mut before, mut after) = (s.before.clone(), s.after.clone());
                for decision in [&mut before, &mut after] {
                    (decision.prioritized, decision.changed) = (None, 0);
                }
                before == after && s.before.state.is_open() && s.after.priority() == *priority
            }
            _ => s.before.prioritized == s.after.prioritized,
        }
    }),
    ("silence approves nothing of high or critical risk, and nothing that is not approved", |s| {
        s.after.terms.safe_default == SafeDefault::Reject
            || (s.after.terms.risk < Risk::High && s.after.request.expects == Expects::Approve)
    }),
    ("event and decision survive JSON unchanged", |s| survives(s.event) && survives(s.after)),
];

/// The invariants that a step breaks.
pub(crate) fn broken(step: &Step<'_>) -> Vec<&'static str> {
    INVARIANTS.iter().filter(|(_, holds)| !holds(step)).map(|(name, _)| *name).collect()
}

/// The name of a refusal: `Outdated`, `AlreadyVoted` …
pub(crate) fn name_of(refused: &impl std::fmt::Debug) -> String {
    format!("{refused:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

pub(crate) fn resolved(decision: &Decision) -> Option<&Resolved> {
    match &decision.state {
        State::Resolved(resolved) => Some(resolved),
        _ => None,
    }
}

/// All else of it.
fn without_proposals(decision: &Decision) -> Decision {
    let mut decision = Decision { changed: 0, ..decision.clone() };
    if let State::Pending(pending) = &mut decision.state {
        pending.proposals.clear();
    }
    decision
}

fn has_lapsed(decision: &Decision, person: &str) -> bool {
    decision.lapsed.iter().any(|lapsed| lapsed.by.id == person)
}

fn told(resolved: &Resolved) -> (&Verdict, &Person, Via, Time) {
    (&resolved.verdict, &resolved.by, resolved.via, resolved.at)
}

fn somebody() -> Person {
    Person::discord(99, "Somebody")
}

fn same_word(typed: &str, word: &str) -> bool {
    typed.trim().eq_ignore_ascii_case(word)
}

fn says_yes(event: &Event) -> bool {
    matches!(event, Event::Voted { .. })
        || matches!(
            event,
            Event::Resolved { verdict: Verdict::Approved(_) | Verdict::Chosen { .. }, .. }
        )
}

fn all_verdicts_refused(decision: &Decision) -> bool {
    let option =
        decision.request.options.first().map(|choice| choice.name.clone()).unwrap_or_default();
    let verdicts = [
        Verdict::approved(),
        Verdict::Rejected { reason: "no".into() },
        Verdict::Chosen { option },
        Verdict::answered("so".into()),
    ];
    verdicts.into_iter().all(|verdict| {
        let ballot = Ballot { verdict, confirmation: decision.confirmation() };
        decision.resolve(ballot, somebody(), Via::Discord, decision.revision).is_err()
    })
}

fn survives<T: Serialize + DeserializeOwned + PartialEq>(value: &T) -> bool {
    let text = serde_json::to_string(value).unwrap();
    serde_json::from_str::<T>(&text).unwrap() == *value
}
