//! Text for bulk approvals: the preview, the progress, and the result for each decision.

use super::batch::key_detail;
use super::{name, subject, thousands};
use crate::core::decision::{Decision, State};
use crate::core::messaging::batch::{LISTED_TITLE, SkipReason};
use crate::core::messaging::message::Listed;
use crate::core::untrusted::{escaped, units};

/// Limits for the lines of a reply: characters (Discord allows 4,096 in a description), and lines
/// that a person still reads.
const ANSWER_LINES: (usize, usize) = (3_500, 25);

/// The lines that fit in a reply, and whether all lines fit.
pub fn fitting_lines<'a>(lines: impl Iterator<Item = &'a str>) -> (Vec<String>, bool) {
    let (mut kept, mut size) = (Vec::new(), 0);
    for line in lines {
        size += units(line) + 1;
        if kept.len() >= ANSWER_LINES.1 || size > ANSWER_LINES.0 {
            return (kept, false);
        }
        kept.push(line.to_owned());
    }
    (kept, true)
}

/// Heading of the preview of a bulk approval.
#[must_use]
pub fn bulk_preview(goes: usize, left_out: usize, more: usize) -> String {
    let out = match left_out {
        0 => String::new(),
        1 => " 1 is left out, for the reason below.".into(),
        count => format!(" {} are left out, for the reasons below.", thousands(count)),
    };
    let out = if more > 0 {
        format!("{out} {} more qualify; these are first.", thousands(more))
    } else {
        out
    };
    match goes {
        0 if left_out == 0 => "🪿 Nothing low-risk waits on you here. Nothing was approved.".into(),
        0 => format!("✋ You cannot bulk-approve anything here now.{out} Nothing was approved."),
        1 => format!(
            "🪿 Ready to approve 1 low-risk decision. Nothing is approved until you click.{out}"
        ),
        count => {
            format!(
                "🪿 Ready to approve {} low-risk decisions. Nothing is approved until you \
                 click.{out}",
                thousands(count)
            )
        }
    }
}

fn goes_line(listed: &Listed) -> String {
    format!("🟢 **{}** {}", listed.decision.id, short(&listed.decision))
}

fn short(decision: &Decision) -> String {
    let title = escaped(&super::title(&decision.request), LISTED_TITLE).text;
    let parts = [Some(title), Some(escaped(&subject(decision), 40).text), key_detail(decision)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Lines of the preview: decisions to be approved, then skipped decisions. Skipped decisions get
/// room first. Also returns whether all lines fit.
#[must_use]
pub fn bulk_preview_lines(
    goes: &[Listed],
    left_out: &[(Decision, SkipReason)],
) -> (Vec<String>, bool) {
    let out: Vec<String> =
        left_out.iter().map(|(decision, why)| skipped_line(decision, why)).collect();
    let (mut shown, mut whole) = fitting_lines(out.iter().take(10).map(String::as_str));
    whole &= out.len() <= 10;
    let goes: Vec<String> = goes.iter().map(goes_line).collect();
    let room = ANSWER_LINES.0.saturating_sub(shown.iter().map(|line| units(line) + 1).sum());
    let mut size = 0;
    for (index, line) in goes.iter().enumerate() {
        size += units(line) + 1;
        if size > room || index >= ANSWER_LINES.1 {
            shown.push(format!(
                "… and {} more, in {BULK_PREVIEW_FILE}",
                thousands(goes.len() - index)
            ));
            return (shown, false);
        }
        shown.insert(index, line.clone());
    }
    if !whole {
        shown.push(format!("… and more, in {BULK_PREVIEW_FILE}"));
    }
    (shown, whole)
}

/// Name of the file with the complete preview, attached when the preview does not fit.
pub const BULK_PREVIEW_FILE: &str = "to-be-approved.txt";

/// Content of the preview file, without Markdown.
#[must_use]
pub fn bulk_preview_file(goes: &[Listed], left_out: &[(Decision, SkipReason)]) -> String {
    let lines = goes
        .iter()
        .map(goes_line)
        .chain(left_out.iter().map(|(decision, why)| skipped_line(decision, why)));
    plain_lines(&lines.collect::<Vec<_>>())
}

/// Lines of a reply as plain text, without Discord's Markdown.
#[must_use]
pub fn plain_lines(lines: &[String]) -> String {
    let plain = |line: &String| line.replace("**", "").replace('\\', "");
    lines.iter().map(plain).collect::<Vec<_>>().join("\n") + "\n"
}

/// A decision skipped by a bulk approval, and the reason.
#[must_use]
pub fn skipped_line(decision: &Decision, why: &SkipReason) -> String {
    let why = match why {
        SkipReason::Over => match &decision.state {
            State::Resolved(resolved) => {
                format!("was already {} by {}", resolved.verdict.word(), name(&resolved.by.name))
            }
            _ => "no longer needs an answer".into(),
        },
        SkipReason::PutOff => "was deferred".into(),
        SkipReason::Changed => "changed since this list was made: open it".into(),
        SkipReason::Risk(risk) => format!("{risk} risk: decide it on its own card"),
        SkipReason::NotAYes => "needs a choice or a text: open it".into(),
        SkipReason::Taken => "another person is on it".into(),
        SkipReason::Credentials => "concerns credentials: decide it on its own card".into(),
        SkipReason::Voted => "already has your approval".into(),
        SkipReason::Precedent(earlier) => {
            format!("people handled it before as {earlier}: decide it on its own card")
        }
        SkipReason::LongCall => "runs more than fits on a line: read it on its own card".into(),
        SkipReason::NotTheirs => "is not for you to decide".into(),
    };
    format!("✋ **{}** {} — {why}", decision.id, escaped(&super::title(&decision.request), 70).text)
}

/// Progress of a bulk approval.
#[must_use]
pub fn approving(done: usize, count: usize) -> String {
    format!("⏳ Approving: {} of {} …", thousands(done), thousands(count))
}

/// Result of a bulk approval.
#[must_use]
pub fn approved_together(approved: usize, count: usize) -> String {
    match (approved, count - approved) {
        (0, _) => "✋ Nothing was approved. Results:".into(),
        (1, 0) => "✅ Approved:".into(),
        (approved, 0) => format!("✅ All {} approved:", thousands(approved)),
        (approved, not) => format!(
            "✅ {} of {} approved, {} not:",
            thousands(approved),
            thousands(count),
            thousands(not)
        ),
    }
}

/// Name of the file with the result for each decision.
pub const RESULTS_FILE: &str = "approved-together.txt";
