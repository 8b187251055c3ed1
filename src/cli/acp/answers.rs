//! Answers to questions of an agent, from what the store, a server or a gate's rules say.

use gander_client::types::{Decision as RemoteDecision, Phase, VerdictKind};

use super::effect::{Answer, Answered, Denier};
use crate::cli::Opened;
use crate::core::decision::{Decision, Revision, State, Verdict};
use crate::engine::approvals::gates::GateReply;
use crate::engine::operations::heartbeat::{self, Running};
use crate::presentation::text;

/// A gate's reply as an answer.
pub(super) fn of_reply(reply: GateReply, decision: Option<i64>) -> Answer {
    let verdict = match reply {
        GateReply::Allow { words, note } => {
            let words = [Some(words), note].into_iter().flatten().collect::<Vec<_>>().join(" ");
            Answered::Allowed { words }
        }
        GateReply::Unasked(words) => Answered::Allowed { words },
        GateReply::AllowChanged { note, .. } => {
            let words = text::gate::not_handed_over(&note);
            Answered::Denied { words, by: Denier::Person }
        }
        // A call that asks its person something is denied with the answer as the reason.
        GateReply::Answer { words, .. }
        | GateReply::Deny(words)
        | GateReply::Defer(words)
        | GateReply::Wait(words) => {
            let by = if decision.is_some() { Denier::Person } else { Denier::Gander };
            Answered::Denied { words, by }
        }
    };
    Answer { decision, verdict }
}

/// The answer that a decision of the store has.
pub(super) fn of_decision(opened: &Opened, decision: &Decision, asked: Revision) -> Answer {
    let number = Some(decision.id.0);
    let resolved = match &decision.state {
        State::Resolved(resolved) if decision.revision == asked => Some(resolved),
        _ => None,
    };
    let verdict = resolved.map(|resolved| text::worded(&resolved.verdict, resolved.via));
    // The answers to a call that asks questions are words for the agent.
    let is_call = !decision.request.questions.is_empty();
    match verdict.as_deref() {
        Some(Verdict::Chosen { option }) if !is_call => {
            Answer { decision: number, verdict: Answered::Chosen(option.clone()) }
        }
        Some(Verdict::Answered { text, .. }) if !is_call => {
            Answer { decision: number, verdict: Answered::Written(text.clone()) }
        }
        verdict => {
            let is_person = matches!(verdict, Some(Verdict::Rejected { .. }));
            let unserved = heartbeat::of(&opened.store) == Running::No;
            let reply = opened.handle.gates().reply(decision, asked, unserved);
            let answer = of_reply(reply, number);
            match answer.verdict {
                Answered::Denied { words, .. } if !is_person => {
                    Answer { verdict: Answered::Denied { words, by: Denier::Gander }, ..answer }
                }
                _ => answer,
            }
        }
    }
}

/// The answer that a decision of a server has. `None`: none yet.
pub(super) fn of_remote(decision: RemoteDecision) -> Option<Answer> {
    let number = Some(decision.id);
    let resolution = decision.resolution;
    let denied = |words: Option<String>, by| {
        let words = words.unwrap_or_else(|| text::acp::CANCELLED.to_owned());
        Answered::Denied { words, by }
    };
    let verdict = match (decision.state, resolution.verdict) {
        (Phase::Pending | Phase::Deferred, _) => return None,
        (Phase::Resolved, Some(VerdictKind::Chosen)) => {
            Answered::Chosen(resolution.option.unwrap_or_default())
        }
        (Phase::Resolved, Some(VerdictKind::Answered)) => {
            Answered::Written(resolution.answer.unwrap_or_default())
        }
        (Phase::Resolved, _) => denied(resolution.reason, Denier::Person),
        (Phase::Withdrawn, _) => denied(resolution.reason, Denier::Gander),
    };
    Some(Answer { decision: number, verdict })
}
