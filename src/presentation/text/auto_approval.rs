//! Text for automatic approvals: on the card, in the daily review, and to people who disagree.

use super::{name, person, relative, subject, thousands};
use crate::core::Time;
use crate::core::decision::{Approval, Decision, DecisionId, Resolved, State, Verdict, Via};
use crate::core::messaging::message::{Listed, MessageId};
use crate::core::policy::auto_approval::Share;
use crate::core::untrusted::{clean, escaped, one_line, plain};
use crate::core::values::time_scale::TimeScale;

/// Note of an automatic approval, for the agent and the card.
#[must_use]
pub fn automatic_approval_note(confidence: f64) -> String {
    format!("approved by itself (confidence {})", format_confidence(confidence))
}

/// A confidence with two decimals, rounded down: 0.899 is not 0.90.
#[must_use]
pub fn format_confidence(confidence: f64) -> String {
    let hundredths = Share::new(confidence).map_or(0, |share| share.millionths() / 10_000);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Replaces the name of the approver for an automatic approval. `None` for any other verdict.
#[must_use]
pub fn automatic_approval_text(verdict: &Verdict, via: Via) -> Option<String> {
    match (&*super::worded(verdict, via), via) {
        (Verdict::Approved(Approval { note: Some(note), .. }), Via::Routing) => {
            Some(one_line(&clean(note)))
        }
        _ => None,
    }
}

/// The disagreement with an automatic approval, for a card. Empty if none.
#[must_use]
pub fn disagreed(decision: &Decision, time_scale: TimeScale) -> String {
    decision.disagreed.as_ref().map_or_else(String::new, |word| {
        format!(
            "\n🙅 {} disagrees with the automatic approval, {}.",
            person(&word.by),
            relative(time_scale.wall_time(word.at))
        )
    })
}

/// The disagreement with an automatic approval, for a terminal.
#[must_use]
pub fn disagreed_by(decision: &Decision) -> Option<String> {
    decision
        .disagreed
        .as_ref()
        .map(|word| format!("{} disagrees with the automatic approval", one_line(&word.by.name)))
}

/// Confirms a person's disagreement after the commit.
#[must_use]
pub fn you_disagree(
    decision: &Decision,
    again: Option<DecisionId>,
    time_scale: TimeScale,
) -> String {
    let id = decision.id;
    match (&decision.state, again) {
        (_, Some(again)) => format!(
            "🙅 Noted: you disagree with {id}. The agent has asked again as {again}, and only \
             that decision counts now. `/calibration` counts your disagreement."
        ),
        (State::Resolved(Resolved { claimed_at: Some(at), .. }), None) => format!(
            "🙅 Noted: you disagree with {id}. The agent picked the verdict up {} and is acting \
             on it, so the approval cannot be undone. To stop the agent, tell it directly. The \
             agent can read your disagreement, and `/calibration` counts it.",
            relative(time_scale.wall_time(*at))
        ),
        _ => format!(
            "🙅 You disagree with {id}, and the agent had not picked up the verdict: the approval \
             is undone, and the decision waits for a person on a new card. `/calibration` counts \
             it."
        ),
    }
}

fn approvals(count: usize) -> String {
    if count == 1 {
        "1 automatic approval".into()
    } else {
        format!("{} automatic approvals", thousands(count))
    }
}

fn of_project(project: &str) -> String {
    if project == "default" {
        String::new()
    } else {
        format!(" of {}", escaped(&one_line(project), 60).text)
    }
}

/// First line of a review, shown on a phone's lock screen.
#[must_use]
pub fn review_headline(project: &str, listed: &[Listed]) -> String {
    let count = listed.len();
    let against = listed.iter().filter(|listed| listed.decision.disagreed.is_some()).count();
    let of = of_project(project);
    let words = match against {
        0 if count == 1 => " Was it right?".to_owned(),
        0 => " Were they right?".to_owned(),
        1 => " People disagreed with 1.".into(),
        against => format!(" People disagreed with {against}."),
    };
    format!("🔎 {}{of}.{words}", approvals(count))
}

/// Title of a review.
#[must_use]
pub fn review_title(id: MessageId, project: &str, count: usize) -> String {
    format!("Review {id} · {}{}", approvals(count), of_project(project))
}

/// Text above the lines of a review.
#[must_use]
pub fn review_until(until: Time, time_scale: TimeScale) -> String {
    format!(
        "Approved automatically up to {}, because the agents were confident enough. Disagree \
         with one click; without a click, the approvals remain.",
        super::moment(time_scale.wall_time(until))
    )
}

/// A decision's line in a review.
#[must_use]
pub fn review_line(decision: &Decision, time_scale: TimeScale) -> String {
    let request = &decision.request;
    let title = escaped(&super::title(request), 70).text;
    let confidence = request.confidence.map(format_confidence).unwrap_or_default();
    let subject = escaped(&subject(decision), 40).text;
    let agent = escaped(&one_line(&request.agent.name), 24).text;
    let sign = if decision.disagreed.is_some() { "🙅" } else { "✅" };
    let against = decision
        .disagreed
        .as_ref()
        .map(|word| format!("{} disagrees · ", person(&word.by)))
        .unwrap_or_default();
    format!(
        "{sign} **{}** {title}\n-# {against}{subject} · {agent} · confidence {confidence} · {}",
        decision.id,
        status(decision, time_scale)
    )
}

/// State of a decision in a review, in a few words.
fn status(decision: &Decision, time_scale: TimeScale) -> String {
    match &decision.state {
        State::Pending(_) => "undone, waits for a person".into(),
        State::Deferred { .. } => "undone, deferred".into(),
        State::Withdrawn { .. } => "undone, and withdrawn by the agent".into(),
        State::Resolved(resolved) if resolved.via != Via::Routing => {
            format!("then {} by {}", resolved.verdict.word(), name(&resolved.by.name))
        }
        State::Resolved(Resolved { claimed_at: Some(at), .. }) => {
            format!("picked up {}", relative(time_scale.wall_time(*at)))
        }
        State::Resolved(_) => "not picked up yet".into(),
    }
}

/// Label and description of a menu entry for disagreeing.
#[must_use]
pub fn review_option(decision: &Decision) -> (String, String) {
    let title = plain(&format!("{} {}", decision.id, super::title(&decision.request)), 100).text;
    let confidence = decision.request.confidence.map(format_confidence).unwrap_or_default();
    (title, plain(&format!("{} · confidence {confidence}", subject(decision)), 100).text)
}

/// Placeholder of a menu for disagreeing; names the first and last decision when the review has
/// several menus.
#[must_use]
pub fn disagree_hint(listed: &[Listed], only: bool) -> String {
    match (listed.first(), listed.last()) {
        (Some(first), Some(last)) if !only => {
            format!("I disagree with … ({} to {})", first.decision.id, last.decision.id)
        }
        _ => "I disagree with …".into(),
    }
}

/// Name of the file with decisions that do not fit in a review.
#[must_use]
pub fn review_file(id: MessageId) -> String {
    format!("review-{id}.csv")
}

/// Note that refers to the attached file.
#[must_use]
pub fn review_more(file: &str) -> String {
    format!("\n… the attached {file} lists all of them; the menus open each one.")
}
