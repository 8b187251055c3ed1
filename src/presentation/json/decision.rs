//! A decision as serialised to clients.

use gander_client::types::{
    self, ApproverList, Escalation, FiredStep, Moment, Phase, ProposedVerdict, Question,
    ReportedOutcome, Resolution, UnreachedPerson, UpcomingStep, VerdictKind,
};

use super::grant::grant;
use super::question::question;
use crate::core::Time;
use crate::core::decision::authorization::Approvers;
use crate::core::decision::progress::Progress;
use crate::core::decision::{Approval, Decision, GrantTerms, Proposal, Resolved, State, Verdict};
use crate::core::escalation::{Contact, ContactResult};
use crate::core::values::time_scale::TimeScale;
use crate::presentation::text;

/// A verdict with its details.
#[must_use]
pub fn resolution(verdict: Verdict) -> Resolution {
    let none = Resolution::default();
    match verdict {
        Verdict::Approved(Approval { note, grant, input, .. }) => {
            let for_session = grant == Some(GrantTerms::SESSION);
            let verdict = Some(VerdictKind::Approved);
            Resolution { verdict, note, for_session, input, ..none }
        }
        Verdict::Rejected { reason } => {
            Resolution { verdict: Some(VerdictKind::Rejected), reason: Some(reason), ..none }
        }
        Verdict::Chosen { option } => {
            Resolution { verdict: Some(VerdictKind::Chosen), option: Some(option), ..none }
        }
        Verdict::Answered { text, answers } => Resolution {
            verdict: Some(VerdictKind::Answered),
            answer: Some(text::answer_words(&text, &answers).into_owned()),
            answers: answers.into_iter().map(Into::into).collect(),
            ..none
        },
    }
}

/// The approvers.
#[must_use]
pub fn approvers(approvers: &Approvers) -> ApproverList {
    ApproverList {
        owner: approvers.owner,
        users: approvers.users.iter().map(u64::to_string).collect(),
        roles: approvers.roles.clone(),
    }
}

fn escalation(progress: &Progress, now: Time, time_scale: TimeScale) -> Escalation {
    let wall = |at| Moment(time_scale.wall_time(at));
    let unreached = |contact: &Contact| {
        let why = match &contact.result {
            ContactResult::Failed { why } => why.clone(),
            ContactResult::Away { until } => format!("away until {}", wall(*until)),
            ContactResult::Held { until } => format!("quiet hours until {}", wall(*until)),
            ContactResult::Reached => "reached".into(),
        };
        UnreachedPerson {
            who: contact.who.as_ref().map(|who| who.name.clone()),
            way: contact.channel.word().into(),
            why,
        }
    };
    Escalation {
        words: text::progress_lines(progress, now).join("; "),
        deadline: wall(progress.deadline),
        rung: progress
            .step
            .as_ref()
            .map(|step| FiredStep { stage: step.stage.to_string(), at: wall(step.at) }),
        next: progress.next.as_ref().map(|next| UpcomingStep {
            stage: next.stage.to_string(),
            at: wall(next.at),
            by: next.by.iter().map(|channel| channel.word().into()).collect(),
        }),
        waits_for: approvers(&progress.waits_for),
        taken_by: progress.taken_by.as_ref().map(|taken| taken.name.clone()),
        unreachable: progress.unreachable.iter().map(unreached).collect(),
        default: progress.in_the_end.as_ref().map(|end| end.default),
        default_at: progress.in_the_end.as_ref().map(|end| wall(end.at)),
    }
}

/// A decision as of `now` (store time). `waits_for`: the approvers. Times are converted to the wall
/// clock.
#[must_use]
pub fn decision(
    decision: &Decision,
    waits_for: Approvers,
    now: Time,
    time_scale: TimeScale,
) -> types::Decision {
    let wall = |at| Moment(time_scale.wall_time(at));
    let standing =
        Progress::of(decision, waits_for).map(|progress| escalation(&progress, now, time_scale));
    let approvals = types::Approvals {
        needed: decision.approvals_needed(),
        given: u32::try_from(decision.state.votes().len()).unwrap_or(u32::MAX),
    };
    let proposed = |proposal: &Proposal| ProposedVerdict {
        by: proposal.by.name.clone(),
        at: wall(proposal.at),
        resolution: resolution(proposal.verdict.clone()),
    };
    let terms = &decision.terms;
    let (risk, sla_seconds, safe_default) = (terms.risk, terms.sla_seconds, terms.safe_default);
    let pending = types::Decision {
        id: decision.id.0,
        revision: decision.revision.0,
        changed: decision.changed,
        state: Phase::Pending,
        resolution: Resolution::default(),
        by: None,
        via: None,
        at: wall(decision.asked_at),
        until: None,
        asked_at: wall(decision.asked_at),
        breach_at: wall(decision.breach_at()),
        claimed_at: None,
        outcome: None,
        terms: types::Terms { risk, sla_seconds, safe_default },
        approvals: Some(approvals).filter(|approvals| approvals.needed > 1),
        prioritized: decision.prioritized.as_ref().map(|given| types::Prioritized {
            priority: given.priority,
            by: given.by.name.clone(),
        }),
        grant: decision.grant().map(|granted| grant(granted, time_scale)),
        asked_before: terms.precedent.map(|earlier| earlier.0),
        proposed: decision.proposals().iter().map(proposed).collect(),
        standing,
        question: question_of(decision),
        questions: decision.request.questions.iter().cloned().map(Into::into).collect(),
        files: decision.request.attachments.iter().map(|file| file.name.clone()).collect(),
        scripts: decision.request.scripts.iter().cloned().map(Into::into).collect(),
        changes: decision.request.changes.clone().map(Into::into),
        attested: None,
    };
    match &decision.state {
        State::Pending(_) => types::Decision { at: wall(decision.waits_since()), ..pending },
        State::Deferred { until, by, at, .. } => types::Decision {
            state: Phase::Deferred,
            until: Some(wall(*until)),
            by: Some(by.name.clone()),
            at: wall(*at),
            ..pending
        },
        State::Resolved(resolved) => resolved_decision(pending, resolved, time_scale),
        State::Withdrawn { reason, at } => types::Decision {
            state: Phase::Withdrawn,
            resolution: Resolution::reason(&text::withdrawal(decision, reason)),
            at: wall(*at),
            ..pending
        },
    }
}

/// The question, with the asker's own key.
fn question_of(decision: &Decision) -> Question {
    let mut question = question(decision.request.clone());
    question.approvals_needed = question.approvals_needed.filter(|needed| *needed > 1);
    // Stored keys carry the asker's id as a prefix.
    if let (Some(key), Some(asker)) = (&mut question.dedup_key, &decision.request.asked_by)
        && let Some(plain) = key.strip_prefix(&format!("{}:", asker.id))
    {
        *key = plain.to_owned();
    }
    question
}

/// Adds the verdict and the reported outcome.
fn resolved_decision(
    pending: types::Decision,
    resolved: &Resolved,
    time_scale: TimeScale,
) -> types::Decision {
    let wall = |at| Moment(time_scale.wall_time(at));
    let outcome = resolved.reported.as_ref().map(|reported| ReportedOutcome {
        outcome: reported.outcome,
        text: reported.text.clone(),
        at: wall(reported.at),
    });
    types::Decision {
        state: Phase::Resolved,
        resolution: resolution(text::worded(&resolved.verdict, resolved.via).into_owned()),
        by: Some(resolved.by.name.clone()),
        via: Some(resolved.via.word().to_owned()),
        at: wall(resolved.at),
        claimed_at: resolved.claimed_at.map(wall),
        outcome,
        attested: resolved.attested.clone().map(Into::into),
        ..pending
    }
}
