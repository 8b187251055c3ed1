//! The words of what a person wants decided and has to confirm.

use super::{label, person, quoted, relative};
use crate::core::decision::{Decision, Person, Proposal, Verdict, Via};
use crate::core::pace::Pace;
use crate::core::untrusted::{clean, escaped, one_line};

/// What somebody wants, for a sentence that begins with who: `wants to approve it`.
#[must_use]
pub fn wants(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved { for_session: false, .. } => "wants to approve it".into(),
        Verdict::Approved { for_session: true, .. } => {
            "wants to approve it for this session".into()
        }
        Verdict::Rejected { .. } => "wants to reject it".into(),
        Verdict::Chosen { option } => format!("wants to choose “{}”", one_line(&clean(option))),
        Verdict::Answered { .. } => "wants to answer it".into(),
    }
}

/// Where somebody said so, in brackets.
#[must_use]
pub const fn said_where(via: Via) -> &'static str {
    match via {
        Via::Http => " (over HTTP)",
        Via::Mcp => " (through an agent)",
        Via::Terminal => " (at the terminal)",
        Via::Discord | Via::Routing | Via::SafeDefault => "",
    }
}

/// The button or menu that confirms it.
const fn button(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Approved { for_session: false, note: None } => label::APPROVE,
        Verdict::Approved { for_session: false, note: Some(_) } => label::NOTE,
        Verdict::Approved { for_session: true, .. } => label::APPROVE_SESSION,
        Verdict::Rejected { .. } => label::REJECT,
        Verdict::Chosen { .. } => "of that option",
        Verdict::Answered { .. } => label::ANSWER,
    }
}

/// What they want to be said beside it.
fn beside(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Approved { note, .. } => note.as_deref(),
        Verdict::Rejected { reason: text } | Verdict::Answered { text } => Some(text),
        Verdict::Chosen { .. } => None,
    }
}

/// The longest of what is quoted of one.
const QUOTED: usize = 300;

/// What people want, on a card: a line each, what is said beside it under it.
#[must_use]
pub fn proposals(proposals: &[Proposal], pace: Pace) -> String {
    let line = |proposal: &Proposal| {
        let (wants, place) =
            (escaped(&wants(&proposal.verdict), 160).text, said_where(proposal.via));
        let when = relative(pace.wall_time(proposal.at));
        let beside = beside(&proposal.verdict)
            .map(|text| format!("\n{}", quoted(text, QUOTED)))
            .unwrap_or_default();
        format!(
            "{} {wants}{place} {when}: confirm with the button **{}**.{beside}",
            person(&proposal.by),
            button(&proposal.verdict)
        )
    };
    // The newest stand last, and are shown.
    let from = proposals.len().saturating_sub(MOST);
    proposals[from..].iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How many are told apart on a card.
const MOST: usize = 2;

/// The first line of the direct message to whoever wants it: it stands alone on a lock screen.
#[must_use]
pub fn confirm(decision: &Decision, proposal: &Proposal) -> String {
    let wants = escaped(&wants(&proposal.verdict), 160).text.replacen("wants", "want", 1);
    let (id, risk) = (decision.id, decision.terms.risk);
    let (place, title) = (said_where(proposal.via), super::headline_title(decision));
    format!("✋ You {wants}{place}? Confirm with the button: {title} · {risk} risk · {id}")
}

/// The same in the channel, to somebody who takes no direct messages.
#[must_use]
pub fn confirm_here(decision: &Decision, user: u64, proposal: &Proposal) -> String {
    let wants = escaped(&wants(&proposal.verdict), 160).text.replacen("wants", "want", 1);
    let (id, place) = (decision.id, said_where(proposal.via));
    let title = super::headline_title(decision);
    format!(
        "✋ <@{user}> You {wants}{place}? Confirm it with the button on its card: {title} · {id}\n-# {DM_CLOSED}"
    )
}

/// Why somebody is called in the channel.
const DM_CLOSED: &str = "I could not send you a direct message.";

/// What a person wants, for a terminal, an agent and a log. `who`: how they are called there.
#[must_use]
pub fn proposed(
    verdict: &Verdict,
    by: &Person,
    via: Via,
    who: impl Fn(&Person) -> String,
) -> String {
    format!("{} {}{}: to be confirmed on Discord", who(by), wants(verdict), said_where(via))
}

/// The same by the name alone, for where a decision stands.
#[must_use]
pub fn proposal_stands(proposal: &Proposal) -> String {
    proposed(&proposal.verdict, &proposal.by, proposal.via, |by| one_line(&by.name))
}
