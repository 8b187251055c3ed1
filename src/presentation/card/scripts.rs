//! The files that a tool call runs, and what changed in them since an approval: the part of a card
//! and of the details that shows their text.

use super::Files;
use super::permission::{Where, verbatim};
use crate::core::decision::{Decision, Script};
use crate::core::untrusted::{Cut, Secrets, units, verbatim_block};
use crate::presentation::text;

/// Maximum lines and characters of a change on a card.
const CHANGES_ON_CARD: (usize, usize) = (10, 500);
/// Maximum lines and characters of a change in the details.
const CHANGES_IN_DETAILS: (usize, usize) = (40, 700);
/// Maximum characters of all files in the details, without and beside a change (Discord: 4,096 in a
/// description).
const SCRIPTS: usize = 1_300;
const SCRIPTS_BESIDE: usize = 600;
/// Maximum lines of a file in the details.
const SCRIPT_LINES: usize = 40;
/// Characters below which the text of a file is left to the attached one.
const LEAST: usize = 80;

/// What changed since the call was approved. `None` if nothing did.
pub(super) fn changed(
    decision: &Decision,
    on: Where,
    secrets: Secrets,
    files: Files,
) -> Option<Cut> {
    let changes = decision.request.changes.as_ref()?;
    let said = text::changed(changes);
    if changes.diff.is_empty() {
        return Some(Cut { text: said, whole: true });
    }
    let (lines, limit) = if on == Where::Card { CHANGES_ON_CARD } else { CHANGES_IN_DETAILS };
    let diff = verbatim(&changes.diff, secrets).text;
    let block = verbatim_block(&diff, "diff", lines, limit);
    let file = (files == Files::Posted).then(|| text::full_text_file(decision));
    let below = if block.whole {
        String::new()
    } else {
        format!("\n{}", text::only_its_beginning(&diff, file.as_deref()))
    };
    Some(Cut { text: format!("{said}\n{}{below}", block.text), whole: block.whole })
}

/// The beginning of each file that the call runs, as far as there is room; the attached file has
/// all of them. Empty without files.
pub(super) fn beginnings(decision: &Decision, secrets: Secrets, files: Files) -> String {
    let mut is_whole = true;
    let request = &decision.request;
    let mut left = if request.changes.is_some() { SCRIPTS_BESIDE } else { SCRIPTS };
    let mut parts: Vec<String> = Vec::new();
    let count = request.scripts.len();
    for (at, script) in request.scripts.iter().enumerate() {
        // A backtick would end the inline code.
        let heading = format!("`{}`", text::script_heading(script).replace('`', "'"));
        let Some(room) = left.checked_sub(units(&heading) + 2) else {
            is_whole = false;
            parts.push(text::more_scripts(count - at));
            break;
        };
        left = room;
        // Each of the remaining files gets an equal part.
        let share = room / (count - at);
        let shown = script.content.text().filter(|_| share > LEAST);
        let block = shown.map(|shown| {
            let shown = verbatim(shown, secrets).text;
            verbatim_block(&shown, "", SCRIPT_LINES, share)
        });
        is_whole &= script.content.text().is_none() || block.as_ref().is_some_and(|it| it.whole);
        left -= block.as_ref().map_or(0, |block| units(&block.text).min(left));
        parts.push(match block {
            Some(block) => format!("{heading}\n{}", block.text),
            None => heading,
        });
    }
    if !is_whole {
        parts.push(match files {
            Files::Posted => text::more_in_file(&text::full_text_file(decision)),
            Files::Refused => text::UNREADABLE_HERE.to_owned(),
        });
    }
    parts.join("\n")
}

/// Name and content of each file as plain text, with everything hidden shown. The lines of the
/// files are marked, to keep them from imitating a heading.
pub(super) fn whole(decision: &Decision, secrets: Secrets) -> Vec<String> {
    let quoted = |text: &str| {
        let lines: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
        lines.join("\n")
    };
    let request = &decision.request;
    let part = |script: &Script| {
        let text = script.content.text().map(|text| quoted(&verbatim(text, secrets).text));
        let heading = format!("### {}", text::script_heading(script));
        text.map_or_else(|| heading.clone(), |text| format!("{heading}\n\n{text}"))
    };
    request.scripts.iter().map(part).collect()
}

/// The change as plain text. Empty without a change.
pub(super) fn whole_change(decision: &Decision, secrets: Secrets) -> String {
    let Some(changes) = &decision.request.changes else { return String::new() };
    let diff = verbatim(&changes.diff, secrets).text;
    let lines = diff.lines().map(|line| format!("> {line}").trim_end().to_owned());
    let said = std::iter::once(text::changed_plainly(changes));
    said.chain((!diff.is_empty()).then(|| lines.collect::<Vec<_>>().join("\n")))
        .collect::<Vec<_>>()
        .join("\n\n")
}
