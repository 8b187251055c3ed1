//! The files and folders that a call names. Linear in the length of the call, with a limit.

use std::path::{Path, PathBuf};

use super::budget::Budget;
use super::pattern::plain_path;
use super::programs::options::MOST_LETTERS;
use super::shell::{self, Command};
use super::{ToolCall, programs};

/// Commands that change the working directory for the rest of a line.
const MOVES: [&str; 3] = ["cd", "pushd", "popd"];
/// Maximum length of a path in bytes; no system opens a longer path.
pub(super) const LONGEST_PATH: usize = 4096;
/// Most directories of a line and most names of a call that are looked up.
pub(super) const MOST_FOLDERS: usize = 8;
pub(super) const MOST_NAMES: usize = 1_000;

/// A name in a call, and the directory in which the name is resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedPath {
    /// The working directory. Absolute and normalised.
    pub folder: PathBuf,
    /// The name, as the call spells it.
    pub name: String,
}

impl NamedPath {
    /// The absolute, normalised path; links are not followed.
    #[must_use]
    pub fn path(&self, home: Option<&Path>) -> PathBuf {
        plain_path(&self.name, &self.folder, home)
    }

    /// The absolute path as written: `..` after a link leads elsewhere than its text says.
    #[must_use]
    pub fn on_disk(&self, home: Option<&Path>) -> PathBuf {
        match (self.name.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.folder.join(&self.name),
        }
    }
}

/// What a call names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The directories in which the call runs.
    pub folders: Vec<PathBuf>,
    /// The names.
    pub names: Vec<NamedPath>,
    /// Whether the call names more than is listed.
    pub overflows: bool,
}

/// Working directories in which the commands of a line may run: the initial directory and every
/// directory that the line changes to.
#[must_use]
pub fn folders(call: &ToolCall, commands: &[Command], budget: &Budget) -> Vec<PathBuf> {
    folders_from(&call.cwd, call.home.as_deref(), commands, budget)
}

/// As [`folders`], for a line that begins in this directory.
#[must_use]
pub fn folders_from(
    first: &Path,
    home: Option<&Path>,
    commands: &[Command],
    budget: &Budget,
) -> Vec<PathBuf> {
    let mut folders = vec![first.to_owned()];
    let mut last = first.to_owned();
    for command in commands {
        let elsewhere = programs::without_folders(&command.words).1;
        let moves = is_move(&command.words);
        if !moves && elsewhere.is_empty() {
            continue;
        }
        if !budget.spend(last.as_os_str().len()) {
            break;
        }
        let now = if moves {
            last = next_folder(&command.words, &last, home);
            last.clone()
        } else {
            elsewhere.iter().fold(last.clone(), |last, to| entered(to, &last, home))
        };
        if !folders.contains(&now) {
            folders.push(now);
        }
        if folders.len() > MOST_FOLDERS {
            // Nobody follows a line with so many turns: it may be anywhere.
            folders.push(PathBuf::from("/"));
            break;
        }
    }
    folders
}

/// The directory after a command that changes it.
fn next_folder(words: &[String], last: &Path, home: Option<&Path>) -> PathBuf {
    let mut named =
        words.iter().skip(1).filter(|word| !word.starts_with('-') || word.as_str() == "-");
    let (to, more) = (named.next(), named.next().is_some());
    match (to.map(String::as_str), home) {
        // The previous directory is unknown; and with two arguments, zsh substitutes the second
        // for the first in the current path.
        _ if more => PathBuf::from("/"),
        (Some("-"), _) => PathBuf::from("/"),
        (Some(to), home) => entered(to, last, home),
        (None, Some(home)) => home.to_owned(),
        (None, None) => PathBuf::from("/"),
    }
}

/// A directory that is entered from another.
fn entered(to: &str, last: &Path, home: Option<&Path>) -> PathBuf {
    // No system enters a longer path.
    if to.len() + last.as_os_str().len() > LONGEST_PATH {
        return PathBuf::from("/");
    }
    plain_path(to, last, home)
}

/// Whether a command changes the working directory.
#[must_use]
pub fn is_move(words: &[String]) -> bool {
    words.first().is_some_and(|first| MOVES.contains(&first.as_str()))
}

/// The parts of a command's words that may be paths: each word, and what an option sets.
pub fn parts<'a>(words: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    words
        .iter()
        .flat_map(|word| {
            let pieces = word.split(['=', ':', ',', '@']).filter(move |piece| piece != word);
            // `-nfPATTERNS`: options and the value of the last in a single word. Which letter takes
            // a value, depends on the program.
            let cluster = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            let letters = cluster.into_iter().flat_map(str::char_indices).skip(1);
            let joined = letters.take(MOST_LETTERS).map(|(at, _)| &word[1 + at..]);
            std::iter::once(*word).chain(pieces).chain(joined)
        })
        .filter(|part| (1..=LONGEST_PATH).contains(&part.len()))
}

/// The names that a call mentions.
#[must_use]
pub fn of(call: &ToolCall) -> Reach {
    let Some(command) = call.command() else {
        let at = |name| NamedPath { folder: call.cwd.clone(), name };
        let names = call.named_files().into_iter().map(at).collect();
        return limited(Reach { folders: vec![call.cwd.clone()], names, overflows: false });
    };
    let budget = Budget::default();
    let line = shell::read(&command, &budget);
    let folders = folders(call, &line.commands, &budget);
    let further = shell::further_commands(&command, &line, &budget);
    let commands = line.commands.iter().chain(&further);
    let words: Vec<&str> = commands
        .flat_map(|command| command.words.iter().chain(&command.files))
        .map(String::as_str)
        .collect();
    // A name counts once, however often the call repeats it: repetitions displace no other name.
    let mut parts: Vec<&str> = parts(&words).collect();
    parts.sort_unstable();
    parts.dedup();
    let mut names: Vec<NamedPath> = parts
        .into_iter()
        .take(MOST_NAMES + 1)
        .flat_map(|part| {
            let named =
                |folder: &PathBuf| NamedPath { folder: folder.clone(), name: part.to_owned() };
            folders.iter().map(named)
        })
        .collect();
    names.sort();
    names.dedup();
    limited(Reach { folders, names, overflows: budget.is_spent() })
}

fn limited(mut reach: Reach) -> Reach {
    reach.overflows |= reach.names.len() > MOST_NAMES || reach.folders.len() > MOST_FOLDERS;
    reach.names.truncate(MOST_NAMES);
    reach
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::call;
    use super::*;

    fn reach(command: &str) -> Reach {
        of(&call("Bash", json!({ "command": command })))
    }

    fn names(reach: &Reach, name: &str) -> bool {
        reach.names.iter().any(|named| named.name == name)
    }

    #[test]
    fn repetitions_displace_no_name() {
        let reached = reach(&format!("echo {} ; cat zz", "+,".repeat(5_000)));
        assert!(names(&reached, "zz") && !reached.overflows);
        let many: Vec<String> = (0..2_000).map(|number| format!("a{number}")).collect();
        assert!(reach(&format!("cat {} zz", many.join(" "))).overflows);
        assert!(reach(&format!("echo {} ; cat zz", many.join(","))).overflows);
        assert!(reach(&"cd a; ".repeat(20)).overflows);
    }

    /// Which letter of a cluster takes a value depends on the program.
    #[test]
    fn a_value_may_follow_several_letters() {
        for word in ["-f.env", "-nf.env", "-rnf.env", "-sS.env", "-abcdefgh.env"] {
            assert!(names(&reach(&format!("rg {word} src")), ".env"), "{word}");
        }
        assert!(names(&reach("rg -nf../x src"), "../x"));
    }
}
