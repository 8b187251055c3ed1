//! Text for a gate's questions before tool calls, and the one-line title of any decision.

use super::label;
use crate::core::decision::session::NAMES_IT;
use crate::core::decision::{Decision, DecisionId, Request};
use crate::core::untrusted::{
    Secrets, clean, in_line, one_line, plain, reveal, revealed_line, unmasked,
};

/// Shown above a command with hidden characters.
pub const HIDDEN_SHOWN: &str =
    "⚠️ **The command contains hidden characters.** They are shown as ‹U+…›.";
/// Shown above a text with masked secrets.
#[must_use]
pub fn masked(request: &Request, count: usize) -> String {
    let parts = if count == 1 {
        "1 part is masked".to_owned()
    } else {
        format!("{} parts are masked", super::thousands(count))
    };
    let then = if request.is_call() { "What runs is the real text. " } else { "" };
    format!("🔒 **{parts}** as •••. {then}An approver reads it under **{}**.", label::EVERYTHING)
}

/// Below a decision with masked secrets at the terminal.
#[must_use]
pub fn masked_at_terminal(id: DecisionId, count: usize) -> String {
    let parts = if count == 1 { "1 part is".into() } else { format!("{count} parts are") };
    format!("{parts} masked as •••; gander show {} --json shows the real text.", id.0)
}

/// Shown above a text with secrets, for the only person who sees them.
pub const UNMASKED: &str = "🔓 Secrets are shown here, to you alone; on the card, they are masked.";

/// Maximum characters of a command in a title.
const RUNS: usize = 120;
/// Characters of the body that are read for a title: enough to recognise secrets.
const LOOKED_AT: usize = 2_000;
/// An agent's text, cleaned. For a tool call, the text is unchanged, with hidden characters made
/// visible.
#[must_use]
pub fn readable(request: &Request, text: &str, secrets: Secrets) -> String {
    match secrets {
        _ if request.is_call() => reveal(text, secrets).text,
        Secrets::Masked => clean(text),
        Secrets::Shown => unmasked(text),
    }
}

/// An agent's text on one line; see [`readable`].
#[must_use]
pub fn readable_line(request: &Request, text: &str) -> String {
    if request.is_call() { revealed_line(text) } else { one_line(text) }
}

/// The agent's title, on one line.
#[must_use]
pub fn named(request: &Request) -> String {
    readable_line(request, &request.title)
}

/// The agent's title, for the title of a card.
#[must_use]
pub fn card_title(request: &Request) -> String {
    in_line(&named(request))
}

/// Title of a decision, for a line without further context, marked as the agent's words where it
/// could pass for the bot's.
#[must_use]
pub fn title(request: &Request) -> String {
    in_line(&title_words(request))
}

/// Title of a decision. For a tool call, includes the command unless the title already does; a diff
/// is named by its title.
pub(super) fn title_words(request: &Request) -> String {
    let named = named(request);
    let is_diff =
        ["diff --git ", "--- ", "@@ "].iter().any(|start| request.body.starts_with(start));
    // The title of a plan is its first line.
    if !request.is_call() || is_diff || request.plan {
        return named;
    }
    let beginning: String = request.body.chars().take(LOOKED_AT).collect();
    let runs = plain(&revealed_line(&beginning), RUNS).text;
    let first: String = runs.chars().take(NAMES_IT).collect();
    match (named.is_empty(), runs.is_empty()) {
        (_, true) => named,
        (true, false) => runs,
        (false, false) if named.contains(first.trim_end_matches('…')) => named,
        (false, false) => format!("{named}: {runs}"),
    }
}

/// Warning below a command that is cut: the end of a command can be the dangerous part. `file` has
/// the complete command; without one, nobody can read what would run.
#[must_use]
pub fn only_its_beginning(runs: &str, file: Option<&str>) -> String {
    let (lines, characters) = (runs.trim_end().lines().count(), runs.chars().count());
    let lines =
        if lines == 1 { "1 line".into() } else { format!("{} lines", super::thousands(lines)) };
    let rest = match file {
        Some(file) => format!("The attached {file} has all of it."),
        None => UNREADABLE_HERE.to_owned(),
    };
    format!(
        "✂️ **This is only the beginning** ({lines}, {} characters). {rest}",
        super::thousands(characters)
    )
}

/// Why a cut command without its file has no button to approve it.
pub const UNREADABLE_HERE: &str = "The file with the rest could not be posted, so it cannot be \
    approved here: reject it, or read it on the machine that runs Gander (gander show).";

/// Name of the file with the command, diff or plan.
#[must_use]
pub fn what_runs_file(decision: &Decision, is_diff: bool) -> String {
    let ending = match (decision.request.plan, is_diff) {
        (true, _) => "-plan.md",
        (false, true) => ".diff",
        (false, false) => ".txt",
    };
    format!("decision-{}{ending}", decision.id.0)
}
