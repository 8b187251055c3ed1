//! The card for a gate's question before an agent's tool call: shows the call verbatim.
//!
//! The request's body is the call: a command, a diff, or the tool's arguments.

use super::details::is_diff;
use super::{Files, TextFile};
use crate::core::decision::Decision;
use crate::core::untrusted::{Cut, Revealed, Secrets, reveal, verbatim_block};
use crate::presentation::text;

/// Maximum lines and characters on a card: a phone's screen shows the call with the buttons below.
const ON_CARD: (usize, usize) = (12, 700);
/// Maximum lines and characters in the details (Discord: 4,096 in a description).
const IN_DETAILS: (usize, usize) = (80, 2_600);
/// The same, above files that the call runs.
const ABOVE_SCRIPTS: (usize, usize) = (30, 1_200);

/// The view with the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Card,
    Details,
}

/// The call in a code block, below a warning about hidden characters. `None` if the decision is not
/// about a tool call, or the gate did not name the call.
pub(super) fn what_runs(
    decision: &Decision,
    on: Where,
    secrets: Secrets,
    files: Files,
) -> Option<Cut> {
    let Revealed { text: shown, hidden, .. } = shown(decision, secrets)?;
    let request = &decision.request;
    let is_alone = request.scripts.is_empty() && request.changes.is_none();
    let (lines, limit) = match on {
        Where::Card => ON_CARD,
        Where::Details if is_alone => IN_DETAILS,
        Where::Details => ABOVE_SCRIPTS,
    };
    let language = if request.plan { "md" } else { language(&shown) };
    let block = verbatim_block(&shown, language, lines, limit);
    let above = if hidden > 0 { format!("{}\n", text::HIDDEN_SHOWN) } else { String::new() };
    // On the card, the attached file with the full text.
    let file = match (files, on) {
        (Files::Refused, _) => None,
        (Files::Posted, Where::Card) if !decision.request.plan => {
            Some(text::full_text_file(decision))
        }
        (Files::Posted, _) => Some(name(decision, &shown)),
    };
    let below = if block.whole {
        String::new()
    } else {
        format!("\n{}", text::only_its_beginning(&shown, file.as_deref()))
    };
    Some(Cut { text: format!("{above}{}{below}", block.text), whole: block.whole })
}

/// The full call as a file.
pub(crate) fn file(decision: &Decision, secrets: Secrets) -> Option<TextFile> {
    let shown = shown(decision, secrets)?.text;
    Some(TextFile { name: name(decision, &shown), text: shown })
}

fn name(decision: &Decision, shown: &str) -> String {
    text::what_runs_file(decision, is_diff(shown))
}

fn shown(decision: &Decision, secrets: Secrets) -> Option<Revealed> {
    let body = &decision.request.body;
    (decision.is_call() && !body.trim().is_empty()).then(|| verbatim(body, secrets))
}

/// A text as it is, with everything hidden shown.
pub(super) fn verbatim(text: &str, secrets: Secrets) -> Revealed {
    // What an agent wrote as a mask is none.
    reveal(&text.replace("•••", "‹U+2022›‹U+2022›‹U+2022›"), secrets)
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

/// Says what is masked, or that nothing is although there are secrets.
pub(super) fn masked_note(decision: &Decision, secrets: Secrets, count: usize) -> Option<String> {
    (count > 0).then(|| match secrets {
        Secrets::Masked => text::masked(&decision.request, count),
        Secrets::Shown => text::UNMASKED.to_owned(),
    })
}
