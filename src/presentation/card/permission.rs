//! The card for a gate's question before an agent's tool call: shows the call verbatim.
//!
//! The request's body is the call: a command, a diff, or the tool's arguments.

use super::TextFile;
use super::details::is_diff;
use crate::core::decision::Decision;
use crate::core::untrusted::{Cut, has_hidden, has_masked, revealed, verbatim_block};
use crate::presentation::text;

/// Maximum lines and characters on a card: a phone's screen shows the call with the buttons below.
const ON_CARD: (usize, usize) = (12, 700);
/// Maximum lines and characters in the details (Discord: 4,096 in a description).
const IN_DETAILS: (usize, usize) = (80, 2_600);

/// The view with the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Card,
    Details,
}

/// The call in a code block, below warnings about hidden or masked characters. `None` if the
/// decision is not a permission, or the gate did not name the call.
pub(crate) fn what_runs(decision: &Decision, on: Where) -> Option<Cut> {
    let shown = shown(decision)?;
    let (lines, limit) = if on == Where::Card { ON_CARD } else { IN_DETAILS };
    let block = verbatim_block(&shown, language(&shown), lines, limit);
    let notes = [
        has_hidden(&shown).then_some(text::HIDDEN_SHOWN),
        has_masked(&shown).then_some(text::MASKED),
    ];
    let above: String = notes.into_iter().flatten().map(|note| format!("{note}\n")).collect();
    // On the card, the attached file with the full text.
    let file =
        if on == Where::Card { text::full_text_file(decision) } else { name(decision, &shown) };
    let below = if block.whole {
        String::new()
    } else {
        format!("\n{}", text::only_its_beginning(&shown, &file))
    };
    Some(Cut { text: format!("{above}{}{below}", block.text), whole: block.whole })
}

/// The full call as a file.
pub(crate) fn file(decision: &Decision) -> Option<TextFile> {
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

/// The language for syntax colouring.
fn language(shown: &str) -> &'static str {
    match shown.trim_start().chars().next() {
        _ if is_diff(shown) => "diff",
        // A tool's arguments as JSON.
        Some('{' | '[') => "",
        _ => "sh",
    }
}
