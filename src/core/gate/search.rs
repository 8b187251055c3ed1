//! Recursive searches of a call: they read files that the call does not name.
//!
//! A gate walks the same folders as the search, and reports which files with secrets the search
//! would read. Patterns that ask for secrets are recognised by themselves. If the words of a search
//! are not understood, every word may be a folder, and nothing is left out.

mod globs;

use std::path::{Path, PathBuf};

pub use self::globs::{Globs, asks_for_secrets, only_leaves_out};
use super::budget::Budget;
use super::pattern::plain_path;
use super::programs::options;
use super::reach::{LONGEST_PATH, folders};
use super::{ToolCall, programs, shell};

/// Which files a search skips by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skips {
    /// None.
    Nothing,
    /// Files that the ignore files of ripgrep name.
    Ignored,
    /// As [`Skips::Ignored`], and hidden files.
    IgnoredAndHidden,
    /// Files that git does not track. What `.gitignore` names may be tracked all the same.
    Untracked,
}

/// What a search does with links below its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Skips them.
    Skipped,
    /// Follows them.
    Followed,
}

/// What it means if the place of a search does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing is searched there.
    Nothing,
    /// The word names something else that is searched: a revision.
    Revision,
}

/// A search through all files of a folder.
#[derive(Debug, Clone)]
pub struct Search {
    /// The folder, or a file. Absolute and normalised.
    pub path: PathBuf,
    /// Files that the search leaves out.
    pub skips: Skips,
    /// Whether the search follows links.
    pub links: Links,
    /// Which names the search reads.
    pub globs: Globs,
    /// How many folders deep the search goes; `None` if all.
    pub depth: Option<usize>,
    /// What it means if there is no such path.
    pub absence: Absence,
}

/// The searches of a call.
#[derive(Debug, Default)]
pub struct Searches {
    /// The searches.
    pub all: Vec<Search>,
    /// Whether the call searches more than is listed.
    pub overflows: bool,
}

/// Most searches of one call that are looked at.
const MOST_SEARCHES: usize = 200;
/// Steps that reading a glob takes.
const GLOB_STEPS: usize = 500;
/// Programs that search folders recursively without being told to.
const SEARCHERS: [&str; 7] = ["rg", "ag", "ack", "ack-grep", "rgrep", "ugrep", "ug"];
/// Kinds of files, as ripgrep names them, that are source code.
const CODE_TYPES: [&str; 23] = [
    "rust", "py", "python", "js", "ts", "go", "java", "kotlin", "c", "cpp", "cs", "csharp",
    "swift", "ruby", "css", "html", "md", "markdown", "lua", "scala", "haskell", "elixir", "dart",
];

/// The recursive searches of a call.
#[must_use]
pub fn searches(call: &ToolCall) -> Searches {
    if let Some(command) = call.command() {
        let budget = Budget::default();
        let line = shell::read(&command, &budget);
        let folders = folders(call, &line.commands, &budget);
        let further = shell::further_commands(&command, &line, &budget);
        let commands = line.commands.iter().chain(&further);
        let found =
            commands.flat_map(|command| of_command(call, &command.words, &folders, &budget));
        let mut all: Vec<Search> = found.take(MOST_SEARCHES + 1).collect();
        let overflows = all.len() > MOST_SEARCHES || budget.is_spent();
        all.truncate(MOST_SEARCHES);
        return Searches { all, overflows };
    }
    let field = |name: &str| call.input.get(name).and_then(serde_json::Value::as_str);
    let globs = field("glob").map(Globs::of_text).unwrap_or_default();
    // A glob overrides a type.
    let code = globs.is_empty() && field("type").is_some_and(|kind| CODE_TYPES.contains(&kind));
    if call.tool != "Grep" || code {
        return Searches::default();
    }
    let ignores = call.input.get("include_ignored") != Some(&true.into());
    let skips = if globs.selects() || !ignores { Skips::Nothing } else { Skips::Ignored };
    let (links, absence) = (Links::Skipped, Absence::Nothing);
    let search = |path: &str| {
        let path = plain_path(path, &call.cwd, call.home.as_deref());
        Search { path, skips, links, globs: globs.clone(), depth: None, absence }
    };
    let places = places(call);
    let overflows = places.len() > MOST_SEARCHES;
    Searches { all: places.into_iter().take(MOST_SEARCHES).map(search).collect(), overflows }
}

/// Where a search by a tool looks: in one place, in several, or in the working directory.
fn places(call: &ToolCall) -> Vec<&str> {
    let mut found = Vec::new();
    for value in ["path", "paths"].iter().filter_map(|name| call.input.get(name)) {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        found.extend(values.iter().filter_map(serde_json::Value::as_str));
    }
    if found.is_empty() { vec!["."] } else { found }
}

/// The searches of a single command.
fn of_command(
    call: &ToolCall,
    words: &[String],
    folders: &[PathBuf],
    budget: &Budget,
) -> Vec<Search> {
    let Some((program, arguments)) = words.split_first() else { return Vec::new() };
    let program = programs::program(program);
    let Some((skips, links)) = recursion(program, arguments) else { return Vec::new() };
    let read = Arguments::read(words, budget);
    let skips = match (skips, read.types) {
        _ if read.globs.selects() && skips != Skips::Untracked => Skips::Nothing,
        (_, Types::Code) if read.globs.is_empty() && links == Links::Skipped => return Vec::new(),
        // Hidden files of a type are searched.
        (Skips::IgnoredAndHidden, Types::Code | Types::Others) => Skips::Ignored,
        (skips, _) => skips,
    };
    let deep = program != "diff" || has_short(arguments, &['r']) || has_long(arguments, &["--r"]);
    let depth = if deep { None } else { Some(1) };
    let home = call.home.as_deref();
    let mut paths: Vec<(PathBuf, Absence)> = Vec::new();
    for folder in folders {
        let named =
            |(word, absence): &(String, Absence)| (plain_path(word, folder, home), *absence);
        paths.extend(read.paths.iter().map(named));
        if read.paths.is_empty() || read.clarity == Clarity::Unclear {
            paths.push((folder.clone(), Absence::Nothing));
        }
    }
    paths.sort_by(|one, other| one.0.cmp(&other.0));
    paths.dedup();
    let globs = &read.globs;
    let search =
        |(path, absence)| Search { path, skips, links, globs: globs.clone(), depth, absence };
    paths.into_iter().take(MOST_SEARCHES + 1).map(search).collect()
}

fn is_short(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.len() > 1
}

fn has_short(words: &[String], letters: &[char]) -> bool {
    words.iter().any(|word| is_short(word) && word.contains(letters))
}

fn has_long(words: &[String], starts: &[&str]) -> bool {
    words.iter().any(|word| starts.iter().any(|start| word.starts_with(start)))
}

/// Whether git may search: behind options of git itself, the verb is not certain.
fn is_git_grep(arguments: &[String]) -> bool {
    match arguments.first() {
        Some(verb) if !verb.starts_with('-') => verb == "grep",
        _ => arguments.iter().any(|word| word == "grep"),
    }
}

/// What a program skips when it searches a folder; `None` if it does not.
fn recursion(program: &str, arguments: &[String]) -> Option<(Skips, Links)> {
    let short = |letters: &[char]| has_short(arguments, letters);
    let long = |starts: &[&str]| has_long(arguments, starts);
    let skips = match program {
        "rg" => {
            if short(&['u']) || long(&["--unres", "--no-ig", "--ignore-file"]) {
                Skips::Nothing
            } else if short(&['.']) || long(&["--hid"]) {
                Skips::Ignored
            } else {
                Skips::IgnoredAndHidden
            }
        }
        "git" if !is_git_grep(arguments) => return None,
        // Tracked files, or all of them.
        "git" if long(&["--unt", "--no-e", "--no-i"]) => Skips::Nothing,
        "git" => Skips::Untracked,
        "grep" | "egrep" | "fgrep" | "zgrep"
            if short(&['r', 'R', 'd']) || long(&["--r", "--de", "--di"]) =>
        {
            Skips::Nothing
        }
        // Of two folders, also without being told to.
        "diff" => Skips::Nothing,
        _ if SEARCHERS.contains(&program) => Skips::Nothing,
        _ => return None,
    };
    let follows = match program {
        // Without an option against it, diff follows links.
        "diff" => !long(&["--no-d"]),
        _ => short(&['R', 'L']) || long(&["--de", "--fo"]),
    };
    Some((skips, if follows { Links::Followed } else { Links::Skipped }))
}

/// Whether the arguments of a search are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clarity {
    Clear,
    /// A word may be an option's value or a path, so the working directory may be searched too.
    Unclear,
}

/// The types of files to which a search is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Types {
    All,
    Code,
    Others,
}

/// The arguments of a search command.
#[derive(Debug)]
struct Arguments {
    paths: Vec<(String, Absence)>,
    globs: Globs,
    types: Types,
    clarity: Clarity,
}

impl Arguments {
    fn read(words: &[String], budget: &Budget) -> Self {
        let known = options::read(words, budget).filter(|read| read.unknown.is_empty());
        let Some(read) = known else { return Self::unclear(words) };
        let program = programs::name(words);
        let given = |names: &[&str]| read.options.iter().any(|(name, _)| names.contains(name));
        let pattern_given =
            program == "diff" || given(&["e", "f", "--regexp", "--file", "--files", "--type-list"]);
        let skipped = usize::from(!pattern_given);
        let end = read.before_end.unwrap_or(usize::MAX);
        let place = |(at, word): (usize, &&str)| match program {
            "git" => pathspec(word, read.before_end.is_some() && at < end),
            _ => Some(((*word).to_owned(), Absence::Nothing)),
        };
        let operands = read.operands.iter().enumerate().skip(skipped);
        let paths = operands.filter(|(_, word)| word.len() <= LONGEST_PATH).filter_map(place);
        let paths = paths.collect();
        let types = read.options.iter().filter(|(name, _)| ["t", "--type"].contains(name));
        let types = match types.map(|(_, kind)| CODE_TYPES.contains(kind)).reduce(|a, b| a && b) {
            _ if program != "rg" => Types::All,
            None => Types::All,
            Some(true) if !given(&["--type-add", "--type-clear"]) => Types::Code,
            Some(_) => Types::Others,
        };
        let globs = globs_of(program, &read, budget);
        Self { paths, globs, types, clarity: Clarity::Clear }
    }

    /// Every word may be a path, and nothing is certainly left out.
    fn unclear(words: &[String]) -> Self {
        let operands = words.iter().skip(1).filter(|word| !word.starts_with('-'));
        let paths = operands
            .filter(|word| word.len() <= LONGEST_PATH)
            .map(|word| (word.clone(), Absence::Nothing))
            .collect();
        let (globs, types) = (Globs::default(), Types::All);
        Self { paths, globs, types, clarity: Clarity::Unclear }
    }
}

/// The names that a search is told to read, and to leave out.
fn globs_of(program: &str, read: &options::Words<'_>, budget: &Budget) -> Globs {
    let mut globs = Globs::default();
    for (option, value) in &read.options {
        // Beyond the budget, the whole call counts as not looked at.
        if !value.is_empty() && !budget.spend(GLOB_STEPS) {
            break;
        }
        match (program, *option) {
            ("rg", "g" | "--glob" | "--iglob") => globs.add(value),
            ("grep" | "egrep" | "fgrep", "--include") => globs.select(value),
            ("grep" | "egrep" | "fgrep", "--exclude") => globs.leave_files_out(value),
            ("grep" | "egrep" | "fgrep", "--exclude-dir") => globs.leave_folders_out(value),
            ("diff", "x" | "--exclude") => {
                globs.leave_files_out(value);
                globs.leave_folders_out(value);
            }
            _ => {}
        }
    }
    globs.settle();
    globs
}

/// What a word of `git grep` beside the pattern means. `None`: it leaves files out. `before`:
/// before the word `--`.
fn pathspec(word: &str, before: bool) -> Option<(String, Absence)> {
    if [":!", ":^", ":(exclude)"].iter().any(|out| word.starts_with(out)) {
        return None;
    }
    // Before `--` stands a revision, even if a file has the same name.
    if before || word.starts_with(':') {
        return Some((NO_PATH.to_owned(), Absence::Revision));
    }
    let is_pattern = word.contains(['*', '?', '[', '\\']) && !word.contains([':', '^', '@', '~']);
    let place = if is_pattern { "." } else { word };
    Some((place.to_owned(), Absence::Revision))
}

/// A path that does not exist.
const NO_PATH: &str = "/dev/null/nothing";

/// Whether a search command is given a folder that contains the person's home folder, or
/// recursively searches a folder in the home folder outside of the agent's workspace. The command
/// would read private files.
#[must_use]
pub fn searches_home(call: &ToolCall, words: &[String]) -> bool {
    let Some(home) = call.home.as_deref() else { return false };
    let program = programs::name(words);
    let short = |word: &String| {
        word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R', 'd'])
    };
    let deep = |word: &String| {
        short(word) || ["--r", "--de", "--di"].iter().any(|start| word.starts_with(start))
    };
    let all_of_it = program == "rg" || words.iter().any(deep);
    let searches = matches!(program, "grep" | "rg" | "diff" | "git");
    let theirs = |path: &Path| {
        path.starts_with(home) && !call.roots.iter().any(|root| path.starts_with(root))
    };
    let around = |word: &String| {
        let path = plain_path(word, &call.cwd, Some(home));
        !word.starts_with('-') && (home.starts_with(&path) || (all_of_it && theirs(&path)))
    };
    searches && words.iter().skip(1).any(around)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_searches_every_place_that_it_names() {
        for (input, expected) in [
            (serde_json::json!({ "pattern": "x" }), ""),
            (serde_json::json!({ "path": "a" }), "a"),
            (serde_json::json!({ "paths": "a" }), "a"),
            (serde_json::json!({ "path": "a", "paths": ["b", "/etc"] }), "a b /etc"),
        ] {
            let call = super::super::tests::call("Grep", input);
            let found: Vec<PathBuf> =
                searches(&call).all.into_iter().map(|search| search.path).collect();
            let expected: Vec<PathBuf> =
                expected.split(' ').map(|place| plain_path(place, &call.cwd, None)).collect();
            assert_eq!(found, expected);
        }
        let all = super::super::tests::call("Grep", serde_json::json!({ "include_ignored": true }));
        assert_eq!(searches(&all).all[0].skips, Skips::Nothing);
    }

    #[test]
    fn the_folders_of_a_search_are_its_arguments() {
        for (line, paths, unclear) in [
            ("grep -rn TODO", vec![], false),
            ("grep -rn TODO src lib", vec!["src", "lib"], false),
            ("grep -rn -A 3 TODO", vec![], false),
            ("grep -rnA3 TODO src", vec!["src"], false),
            ("grep -r -m 9 src", vec![], false),
            ("grep -r -e TODO src", vec!["src"], false),
            ("grep -r --include=*.rs TODO src", vec!["src"], false),
            ("grep -r --include *.rs TODO src", vec!["src"], false),
            ("grep -r --unknown 3 TODO", vec!["3", "TODO"], true),
            ("grep -r --rege=KEY zz src", vec!["zz", "src"], true),
            ("grep -r --reg --exclude=.env -e KEY .", vec!["KEY", "."], true),
            ("grep -r --label --exclude=.env KEY .", vec!["."], false),
            ("diff -N -r -d zz src", vec!["zz", "src"], false),
            ("diff -e a b", vec!["a", "b"], false),
            ("rg --files src", vec!["src"], false),
            ("rg -nf patterns src", vec!["src"], false),
            ("git grep KEY -- src :!a", vec!["src"], false),
            ("git grep KEY HEAD -- src", vec![NO_PATH, "src"], false),
            ("git grep KEY HEAD", vec!["HEAD"], false),
            ("git grep KEY :/", vec![NO_PATH], false),
            ("git grep KEY *.rs", vec!["."], false),
            ("grep -r -- -x src", vec!["src"], false),
            ("rg -g *.rs TODO src", vec!["src"], false),
            ("rg -uu KEY", vec![], false),
            ("git grep --untracked KEY", vec![], false),
            ("diff -r a b", vec!["a", "b"], false),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let read = Arguments::read(&words, &Budget::default());
            let found: Vec<&str> = read.paths.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!((found, read.clarity == Clarity::Unclear), (paths, unclear), "{line}");
        }
    }
}
