//! Text for a gate's questions before tool calls, and the one-line title of any decision.

use crate::core::decision::{Decision, Request};
use crate::core::untrusted::{clean, one_line, plain, revealed, revealed_line};

/// Shown above a command with hidden characters.
pub const HIDDEN_SHOWN: &str =
    "⚠️ **The command contains hidden characters.** They are shown as ‹U+…›.";
/// Shown above a command with masked secrets.
pub const MASKED: &str =
    "🔒 Text shown as ••• is masked here only; the command runs with the real text.";

/// Maximum characters of a command in a title.
const RUNS: usize = 120;
/// Characters of the body that are read for a title: enough to recognise secrets.
const LOOKED_AT: usize = 2_000;
/// A title that contains this many characters of the command already names the command.
const NAMES_IT: usize = 20;

/// An agent's text, cleaned. For a tool call, the text is unchanged, with hidden characters made
/// visible and secrets masked.
#[must_use]
pub fn readable(request: &Request, text: &str) -> String {
    if request.is_permission() { revealed(text) } else { clean(text) }
}

/// The agent's title, on one line.
#[must_use]
pub fn named(request: &Request) -> String {
    if request.is_permission() { revealed_line(&request.title) } else { one_line(&request.title) }
}

/// Title of a decision, for a line without further context. For a tool call, includes the command
/// unless the title already does; a diff is named by its title.
#[must_use]
pub fn title(request: &Request) -> String {
    let named = named(request);
    let is_diff =
        ["diff --git ", "--- ", "@@ "].iter().any(|start| request.body.starts_with(start));
    if !request.is_permission() || is_diff {
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
/// the complete command.
#[must_use]
pub fn only_its_beginning(runs: &str, file: &str) -> String {
    let (lines, characters) = (runs.trim_end().lines().count(), runs.chars().count());
    let lines =
        if lines == 1 { "1 line".into() } else { format!("{} lines", super::thousands(lines)) };
    format!(
        "✂️ **This is only the beginning** ({lines}, {} characters). The attached {file} has all \
         of it.",
        super::thousands(characters)
    )
}

/// Name of the file with the command or diff.
#[must_use]
pub fn what_runs_file(decision: &Decision, is_diff: bool) -> String {
    format!("decision-{}.{}", decision.id.0, if is_diff { "diff" } else { "txt" })
}
