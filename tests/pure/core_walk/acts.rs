//! The alphabet: everything that can be done to a decision, and what comes of it.

use super::*;

/// A letter of the alphabet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Letter {
    AskSame,
    AskOther,
    AskAtCritical,
    RulesSayCritical,
    RulesSayTwo,
    Dismiss(u64),
    Approve(u64),
    ApproveWithWord(u64),
    ApproveOutdated,
    ApproveByToken,
    Propose(u64),
    ProposeNo,
    Reject,
    RejectOutdated,
    Choose,
    ChooseWithWord,
    Answer,
    Take(u64),
    HandOver,
    Prioritize,
    DeferAnHour,
    DeferAWeek,
    ComeBack,
    LadderPosition,
    NobodyReached,
    AnHourPasses,
    ADayPasses,
    ClockGoesBack,
    Undo,
    Claim,
    ReportDone,
    ReportFailed,
    Withdraw,
}

pub(crate) const ALPHABET: [Letter; 37] = [
    Letter::AskSame,
    Letter::AskOther,
    Letter::AskAtCritical,
    Letter::RulesSayCritical,
    Letter::RulesSayTwo,
    Letter::Dismiss(1),
    Letter::Approve(1),
    Letter::Approve(2),
    Letter::Approve(3),
    Letter::ApproveWithWord(1),
    Letter::ApproveWithWord(2),
    Letter::ApproveOutdated,
    Letter::ApproveByToken,
    Letter::Propose(1),
    Letter::ProposeNo,
    Letter::Reject,
    Letter::RejectOutdated,
    Letter::Choose,
    Letter::ChooseWithWord,
    Letter::Answer,
    Letter::Take(1),
    Letter::Take(2),
    Letter::HandOver,
    Letter::Prioritize,
    Letter::DeferAnHour,
    Letter::DeferAWeek,
    Letter::ComeBack,
    Letter::LadderPosition,
    Letter::NobodyReached,
    Letter::AnHourPasses,
    Letter::ADayPasses,
    Letter::ClockGoesBack,
    Letter::Undo,
    Letter::Claim,
    Letter::ReportDone,
    Letter::ReportFailed,
    Letter::Withdraw,
];

/// What an act did.
#[expect(clippy::large_enum_variant, reason = "few at a time, each of short life")]
pub(crate) enum Did {
    Happened(Event),
    TimePassed(Time),
    Nothing,
    Refused(Refused),
}

pub(crate) fn word_of(letter: Letter, decision: &Decision) -> Option<String> {
    matches!(letter, Letter::ApproveWithWord(_) | Letter::ChooseWithWord)
        .then(|| decision.confirmation())
        .flatten()
}

pub(crate) fn act(letter: Letter, Place { decision, now }: &Place) -> Did {
    let (current, now) = (decision.revision, *now);
    let outdated = Revision(current.0 - 1);
    let resolve = |verdict, who, seen| {
        let ballot = Ballot { verdict, confirmation: word_of(letter, decision) };
        decision.resolve(ballot, person(who), Via::Discord, seen)
    };
    let no = || Verdict::Rejected { reason: "not now".into() };
    let defer = |by| decision.defer(now + by, person(1), current, now, DeferLimits::default());
    let result = match letter {
        Letter::AskSame => return ask(decision, decision.request.clone()),
        Letter::AskOther => {
            let title = if decision.request.title == "this" { "that" } else { "this" };
            return ask(decision, Request { title: title.into(), ..decision.request.clone() });
        }
        Letter::AskAtCritical => {
            return ask(decision, Request { risk: Risk::Critical, ..decision.request.clone() });
        }
        Letter::RulesSayCritical => {
            return hold(decision, &Rule { risk: Some(Risk::Critical), ..Rule::default() });
        }
        Letter::RulesSayTwo => {
            return hold(decision, &Rule { approvals: Some(2), ..Rule::default() });
        }
        Letter::Dismiss(who) => return dismiss(decision, who),
        Letter::Approve(who) | Letter::ApproveWithWord(who) => {
            resolve(Verdict::approved(), who, current)
        }
        Letter::ApproveByToken => {
            decision.resolve(Verdict::approved(), person(1), Via::Http, current)
        }
        Letter::Propose(who) => {
            return perhaps(decision.propose(Verdict::approved(), person(who), Via::Mcp, current));
        }
        Letter::ProposeNo => return perhaps(decision.propose(no(), person(1), Via::Http, current)),
        Letter::ApproveOutdated => resolve(Verdict::approved(), 1, outdated),
        Letter::Reject => resolve(no(), 1, current),
        Letter::RejectOutdated => resolve(no(), 1, outdated),
        Letter::Choose | Letter::ChooseWithWord => {
            resolve(Verdict::Chosen { option: "blue".into() }, 1, current)
        }
        Letter::Answer => resolve(Verdict::answered("42".into()), 1, current),
        Letter::Take(who) => decision.take(person(who), None),
        Letter::HandOver => decision.take(person(2), Some(person(1))),
        Letter::Prioritize => decision.prioritize(Priority::Urgent, person(1)),
        Letter::DeferAnHour => defer(TimeDelta::hours(1)),
        Letter::DeferAWeek => defer(TimeDelta::days(7)),
        Letter::ComeBack => decision.return_from_deferral(now),
        Letter::LadderPosition => decision.escalate(now, TimeDelta::zero()),
        Letter::NobodyReached => {
            let tell = |position: &LadderPosition| {
                (!position.in_vain)
                    .then(|| decision.record_contacts(position.seq, Vec::new(), true))
                    .flatten()
            };
            return decision.position.as_ref().and_then(tell).map_or(Did::Nothing, Did::Happened);
        }
        Letter::AnHourPasses => return Did::TimePassed(now + TimeDelta::hours(1)),
        Letter::ADayPasses => return Did::TimePassed(now + TimeDelta::hours(25)),
        Letter::ClockGoesBack => return Did::TimePassed(now - TimeDelta::hours(1)),
        Letter::Undo => decision.undo(person(1), now),
        Letter::Claim => return perhaps(decision.claim()),
        Letter::ReportDone => return perhaps(decision.report(Outcome::Succeeded, "done".into())),
        Letter::ReportFailed => return perhaps(decision.report(Outcome::Failed, String::new())),
        Letter::Withdraw => decision.withdraw("over".into()),
    };
    result.map_or_else(Did::Refused, Did::Happened)
}

fn perhaps(result: Result<Option<Event>, Refused>) -> Did {
    result.map_or_else(Did::Refused, |event| event.map_or(Did::Nothing, Did::Happened))
}

fn ask(decision: &Decision, request: Request) -> Did {
    let terms = admit(&Rules::default(), &request).unwrap();
    decision.revise(&request, &terms).map_or(Did::Nothing, Did::Happened)
}

/// What the engine does when the configuration is stricter than the terms.
fn hold(decision: &Decision, rule: &Rule) -> Did {
    let rules =
        Rules { projects: [("default".to_owned(), rule.clone())].into(), ..Rules::default() };
    let terms = enforce(&rules, &decision.request, &decision.terms);
    if decision.state.is_open() && terms != decision.terms {
        Did::Happened(Event::Enforced { terms })
    } else {
        Did::Nothing
    }
}

/// What the engine does when the configuration names everybody but this one.
fn dismiss(decision: &Decision, who: u64) -> Did {
    let users = APPROVERS.into_iter().filter(|one| *one != who).collect();
    let of = voters_not_counted(&[ApproverRule { users, ..ApproverRule::default() }], decision);
    if of.is_empty() { Did::Nothing } else { Did::Happened(Event::Lapsed { of }) }
}
