//! The card of what a gate asks before an agent's tool call: what will run stands on it as it will
//! run.
//!
//! The question's long text is exactly that: a command, a diff, or what the tool is given.

use super::TextFile;
use super::details::is_diff;
use crate::core::decision::Decision;
use crate::core::text;
use crate::core::untrusted::{Cut, has_hidden, has_masked, revealed, verbatim_block};

/// Lines and characters of it on a card: a phone's screen shows them with the buttons below.
const ON_CARD: (usize, usize) = (12, 700);
/// The same in its details (Discord: 4,096 in a description).
const IN_DETAILS: (usize, usize) = (80, 2_600);

/// Where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Card,
    Details,
}

/// What will run, under what must be minded about it. `None`: the gate does not say, or it is no
/// permission.
pub(super) fn what_runs(decision: &Decision, on: Where) -> Option<Cut> {
    let shown = shown(decision)?;
    let (lines, limit) = if on == Where::Card { ON_CARD } else { IN_DETAILS };
    let block = verbatim_block(&shown, language(&shown), lines, limit);
    let notes = [
        has_hidden(&shown).then_some(text::HIDDEN_SHOWN),
        has_masked(&shown).then_some(text::MASKED),
    ];
    let above: String = notes.into_iter().flatten().map(|note| format!("{note}\n")).collect();
    // On the card the file that has everything is attached.
    let file =
        if on == Where::Card { text::full_text_file(decision) } else { name(decision, &shown) };
    let below = if block.whole {
        String::new()
    } else {
        format!("\n{}", text::only_its_beginning(&shown, &file))
    };
    Some(Cut { text: format!("{above}{}{below}", block.text), whole: block.whole })
}

/// All of it, as a file.
pub(super) fn file(decision: &Decision) -> Option<TextFile> {
    let shown = shown(decision)?;
    Some(TextFile { name: name(decision, &shown), text: shown })
}

fn name(decision: &Decision, shown: &str) -> String {
    text::what_runs_file(decision, is_diff(shown))
}

fn shown(decision: &Decision) -> Option<String> {
    let body = &decision.request.body;
    (decision.is_permission() && !body.trim().is_empty()).then(|| revealed(body))
}

/// How it is coloured.
fn language(shown: &str) -> &'static str {
    match shown.trim_start().chars().next() {
        _ if is_diff(shown) => "diff",
        // What a tool is given.
        Some('{' | '[') => "",
        _ => "sh",
    }
}
