//! Text for proposed verdicts, which a person must confirm on Discord.

use std::borrow::Cow;

use super::{label, person, quoted, relative};
use crate::core::decision::{Approval, Decision, Person, Proposal, Verdict, Via};
use crate::core::untrusted::{clean, escaped, one_line};
use crate::core::values::time_scale::TimeScale;

/// A proposed verdict, for a sentence that begins with the person: `wants to approve it`.
#[must_use]
pub fn wants(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved(Approval { grant: None, .. }) => "wants to approve it".into(),
        Verdict::Approved(_) => "wants to approve it for this session".into(),
        Verdict::Rejected { .. } => "wants to reject it".into(),
        Verdict::Chosen { option } => format!("wants to choose “{}”", one_line(&clean(option))),
        Verdict::Answered { .. } => "wants to answer it".into(),
    }
}

/// Origin of a proposal, in brackets.
#[must_use]
pub const fn said_where(via: Via) -> &'static str {
    match via {
        Via::Http => " (over HTTP)",
        Via::Mcp => " (through an agent)",
        Via::Terminal => " (at the terminal)",
        Via::Discord | Via::Routing | Via::SafeDefault => "",
    }
}

/// The button or menu that confirms the proposal.
const fn button(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Approved(Approval { grant: Some(_), .. }) => label::APPROVE_SESSION,
        Verdict::Approved(Approval { note: None, .. }) => label::APPROVE,
        Verdict::Approved(_) => label::NOTE,
        Verdict::Rejected { .. } => label::REJECT,
        Verdict::Chosen { .. } => "for that option",
        Verdict::Answered { .. } => label::ANSWER,
    }
}

/// The note, reason or answer of the proposal.
fn beside(verdict: &Verdict) -> Option<Cow<'_, str>> {
    match verdict {
        Verdict::Approved(approval) => approval.note.as_deref().map(Cow::Borrowed),
        Verdict::Rejected { reason } => Some(Cow::Borrowed(reason)),
        Verdict::Answered { text, answers } => Some(super::answer_words(text, answers)),
        Verdict::Chosen { .. } => None,
    }
}

/// Maximum characters quoted from a proposal.
const QUOTED: usize = 300;

/// Proposals on a card: one line each, followed by the note, reason or answer.
#[must_use]
pub fn proposals(proposals: &[Proposal], time_scale: TimeScale) -> String {
    let line = |proposal: &Proposal| {
        let (wants, place) =
            (escaped(&wants(&proposal.verdict), 160).text, said_where(proposal.via));
        let when = relative(time_scale.wall_time(proposal.at));
        let beside = beside(&proposal.verdict)
            .map(|text| format!("\n{}", quoted(&text, QUOTED)))
            .unwrap_or_default();
        format!(
            "{} {wants}{place} {when}: confirm with the button **{}**.{beside}",
            person(&proposal.by),
            button(&proposal.verdict)
        )
    };
    // Proposals are in chronological order; show the newest.
    let from = proposals.len().saturating_sub(MOST);
    proposals[from..].iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Maximum proposals listed on a card.
const MOST: usize = 2;

/// First line of the direct message to the proposing person, complete on its own for a lock screen.
#[must_use]
pub fn confirm(decision: &Decision, proposal: &Proposal) -> String {
    let wants = escaped(&wants(&proposal.verdict), 160).text.replacen("wants", "want", 1);
    let (id, risk) = (decision.id, decision.terms.risk);
    let (place, title) = (said_where(proposal.via), super::headline_title(decision));
    format!("✋ You {wants}{place}? Confirm with the button: {title} · {risk} risk · {id}")
}

/// Asks for the confirmation in the channel, for a person whose direct messages are closed.
#[must_use]
pub fn confirm_here(decision: &Decision, user: u64, proposal: &Proposal) -> String {
    let wants = escaped(&wants(&proposal.verdict), 160).text.replacen("wants", "want", 1);
    let (id, place) = (decision.id, said_where(proposal.via));
    let title = super::headline_title(decision);
    format!(
        "✋ <@{user}> You {wants}{place}? Confirm it with the button on its card: {title} · {id}\n\
         -# {DM_CLOSED}"
    )
}

/// Explains the mention in the channel.
const DM_CLOSED: &str = "I could not send you a direct message.";

/// A proposal, for a terminal, an agent and a log. `who` formats the person.
#[must_use]
pub fn proposed(
    verdict: &Verdict,
    by: &Person,
    via: Via,
    who: impl Fn(&Person) -> String,
) -> String {
    format!(
        "{} {}{}: waiting for confirmation on Discord",
        who(by),
        wants(verdict),
        said_where(via)
    )
}

/// A proposal with the person's name, for the status of a decision.
#[must_use]
pub fn proposal_stands(proposal: &Proposal) -> String {
    proposed(&proposal.verdict, &proposal.by, proposal.via, |by| one_line(&by.name))
}
