//! The words of what a gate asks before an agent's tool call, and how any decision is named in a
//! line.

use crate::core::decision::{Decision, Request};
use crate::core::untrusted::{clean, one_line, plain, revealed, revealed_line};

/// Above what will run, if something of it cannot be seen.
pub const HIDDEN_SHOWN: &str = "⚠️ **It has hidden characters.** They are shown as ‹U+…›.";
/// Above what will run, if something of it is masked.
pub const MASKED: &str = "🔒 What is masked by ••• here is not masked when it runs.";

/// Characters of what will run in a line that names it.
const RUNS: usize = 120;
/// Characters that are looked at for that: enough to tell the secrets in it.
const LOOKED_AT: usize = 2_000;
/// A title that says this much of what will run names it.
const NAMES_IT: usize = 20;

/// An agent's text, cleaned. What belongs to a tool call is shown as it is, with what hides in it
/// made visible.
#[must_use]
pub fn readable(request: &Request, text: &str) -> String {
    if request.is_permission() { revealed(text) } else { clean(text) }
}

/// The agent's title, on a line.
#[must_use]
pub fn named(request: &Request) -> String {
    if request.is_permission() { revealed_line(&request.title) } else { one_line(&request.title) }
}

/// What is decided, on a line that stands alone: of a tool call also what will run, where its title
/// does not say it. A diff is named by its title.
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

/// Below what will run, where that is not all of it: the end of a command can be what matters.
/// `file` has it all.
#[must_use]
pub fn only_its_beginning(runs: &str, file: &str) -> String {
    let (lines, characters) = (runs.trim_end().lines().count(), runs.chars().count());
    let lines =
        if lines == 1 { "1 line".into() } else { format!("{} lines", super::thousands(lines)) };
    format!(
        "✂️ **This is only its beginning** ({lines}, {} characters). All of it is in the attached {file}.",
        super::thousands(characters)
    )
}

/// The name of the file with what will run.
#[must_use]
pub fn what_runs_file(decision: &Decision, is_diff: bool) -> String {
    format!("decision-{}.{}", decision.id.0, if is_diff { "diff" } else { "txt" })
}
