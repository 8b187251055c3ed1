//! Text about the files that a tool call runs, and about their changes.

use super::{given_by, given_by_name};
use crate::core::decision::{Changes, Script, ScriptContent, Unshown};
use crate::core::untrusted::{escaped, in_line, one_line, plain, revealed_line};

/// Name of the detail with the files that a call runs.
pub const SCRIPTS_DETAIL: &str = "runs files";
/// Name of the detail that tells why an approval is for one call only.
pub const ONCE_DETAIL: &str = "only once";
/// What the call runs is not known for certain.
pub const ONCE: &str = "An approval is for this call alone: Gander does not know for certain which \
    files it runs, or cannot read them.";
/// Most files that are named on a card.
const MOST_NAMED: usize = 4;
/// Most characters of a path.
const PATH: usize = 80;
/// Digits of a digest that are shown: enough to compare two by eye.
const DIGITS: usize = 12;

/// The path of a file on one line, with everything hidden shown.
fn path(path: &str) -> String {
    in_line(&plain(&revealed_line(path), PATH).text)
}

/// The files that a call runs, in one line. `None` without files.
#[must_use]
pub fn scripts_summary(scripts: &[Script]) -> Option<String> {
    let named: Vec<String> = scripts.iter().take(MOST_NAMED).map(script_line).collect();
    let more = match scripts.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {} more", super::thousands(more)),
    };
    (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}

fn script_line(script: &Script) -> String {
    format!("{} ({})", path(&script.path), content(&script.content))
}

/// What is known of a file, in a few words.
#[must_use]
pub fn content(content: &ScriptContent) -> String {
    match content {
        ScriptContent::Text { text, .. } => match text.lines().count() {
            1 => "1 line".to_owned(),
            lines => format!("{} lines", super::thousands(lines)),
        },
        ScriptContent::Unshown { why, .. } => unshown(*why).to_owned(),
        ScriptContent::Unknown => "cannot be read".to_owned(),
    }
}

/// Why the content of a file is not shown.
const fn unshown(why: Unshown) -> &'static str {
    match why {
        Unshown::TooLong => "too long to show",
        Unshown::Binary => "not text",
        Unshown::Private => "not shown, may hold secrets",
        Unshown::NotSent => "content not sent",
    }
}

/// The heading above the text of a file.
#[must_use]
pub fn script_heading(script: &Script) -> String {
    let digest = script.content.digest().unwrap_or_default();
    let digest: String = plain(&one_line(digest), DIGITS + 1).text;
    let digest: String = digest.chars().filter(char::is_ascii_hexdigit).take(DIGITS).collect();
    let digest = if digest.is_empty() { digest } else { format!(", SHA-256 {digest}…") };
    format!("{} · {}{digest}", path(&script.path), content(&script.content))
}

/// Below the first files of a call in the details.
#[must_use]
pub fn more_scripts(count: usize) -> String {
    match count {
        1 => "… and 1 more file.".to_owned(),
        count => format!("… and {} more files.", super::thousands(count)),
    }
}

/// Files that changed, in one line.
fn changed_files(changes: &Changes) -> String {
    let named: Vec<String> = changes.files.iter().take(MOST_NAMED).map(|file| path(file)).collect();
    match changes.files.len().saturating_sub(MOST_NAMED) {
        _ if named.is_empty() => "What this call uses".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {} more", named.join(", "), super::thousands(more)),
    }
}

/// On a card: what changed after an approval.
#[must_use]
pub fn changed(changes: &Changes) -> String {
    let files = escaped(&changed_files(changes), 400).text;
    let by = given_by_name(&changes.by, changes.via);
    format!(
        "⚠️ **{files} changed after {} was approved {by}.** The call has not run, and is asked \
         anew.",
        changes.since
    )
}

/// As plain text: what changed after an approval.
#[must_use]
pub fn changed_plainly(changes: &Changes) -> String {
    let by = given_by(&changes.by, changes.via, |by| one_line(&by.name));
    format!("{} changed after {} was approved {by}.", changed_files(changes), changes.since)
}

/// Why the call of a decision did not run: its files changed.
#[must_use]
pub fn not_run(changes: &Changes) -> String {
    format!("{} changed after the approval.", changed_files(changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{DecisionId, Person, Via};

    #[test]
    fn the_words() {
        let text = |path: &str, text: &str| Script {
            path: path.into(),
            content: ScriptContent::Text { digest: "0123456789abcdef".into(), text: text.into() },
        };
        let but = |why| Script {
            path: "b\u{202E}in".into(),
            content: ScriptContent::Unshown { digest: "\u{202E}x".into(), why },
        };
        let unknown = Script { path: "c".into(), content: ScriptContent::Unknown };
        let scripts = [
            text("a.sh", "ls\n"),
            text("d.sh", "1\n2\n"),
            but(Unshown::Binary),
            unknown,
            but(Unshown::Private),
            but(Unshown::TooLong),
        ];
        let changes = |files: &[&str]| Changes {
            since: DecisionId(12),
            by: Person::discord(1, "Ma*ya"),
            via: Via::Discord,
            files: files.iter().map(ToString::to_string).collect(),
            diff: String::new(),
        };
        let many = changes(&["a_b.sh", "c", "d", "e", "f", "g"]);
        let said = [
            scripts_summary(&scripts).unwrap(),
            script_heading(&scripts[0]),
            script_heading(&scripts[2]),
            changed(&many),
            changed_plainly(&many),
            not_run(&many),
            changed(&changes(&[])),
        ];
        insta::assert_snapshot!(said.join("\n\n"));
        assert_eq!(scripts_summary(&[]), None);
    }
}
