//! Style as a test: the length of files, functions and lines, and what each file and dependency must
//! say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of a file at most.
const LONGEST_FILE: usize = 500;
/// Columns of a line at most, in code and Markdown.
const LONGEST_LINE: usize = 100;
/// Lines of a function at most.
const LONGEST_FUNCTION: usize = 70;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn rust_files(folder: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    found.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

fn all_files() -> BTreeMap<String, String> {
    ["src", "client", "sandbox/browser", "sandbox/src", "sandbox/tests", "tests", "benches"]
        .into_iter()
        .filter(|folder| root().join(folder).is_dir())
        .flat_map(rust_files)
        .collect()
}

/// The code of a line: what stands before a comment.
pub(crate) fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    for (name, text) in all_files() {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{name}: {lines} lines, at most {LONGEST_FILE}"));
        }
        wrong.extend(long_functions(&text).map(|(line, length)| {
            format!("{name}:{line}: a function of {length} lines, at most {LONGEST_FUNCTION}")
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A line may be longer where it cannot be broken: a URL, a table of Markdown, a text that a test
/// quotes as a whole, or a string of one word.
fn may_be_long(line: &str, is_markdown: bool) -> bool {
    let is_table = is_markdown && line.trim_start().starts_with('|');
    let longest_word = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    is_table || longest_word > LONGEST_LINE / 2
}

#[test]
fn lines_are_short() {
    let mut wrong = Vec::new();
    let sources = rust_files("src").into_iter().map(|(name, text)| (name, text, false));
    let pages = markdown().into_iter().map(|(name, text)| (name, text, true));
    for (name, text, is_markdown) in sources.chain(pages) {
        for (number, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LONGEST_LINE && !may_be_long(line, is_markdown) {
                wrong.push(format!("{name}:{}: {columns} columns", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "at most {LONGEST_LINE} columns:\n{}", wrong.join("\n"));
}

/// The pages of the manual.
fn markdown() -> Vec<(String, String)> {
    let mut files = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    files.extend(["sandbox/README.md", "client/README.md"].map(str::to_owned));
    let pages = std::fs::read_dir(root().join("docs")).unwrap();
    files.extend(
        pages
            .map(|page| format!("docs/{}", page.unwrap().file_name().to_string_lossy()))
            .filter(|name| name.ends_with(".md")),
    );
    files
        .into_iter()
        .map(|name| (name.clone(), std::fs::read_to_string(root().join(&name)).unwrap()))
        .collect()
}

/// Functions that are too long: their first line and length. rustfmt puts the closing brace under
/// the `fn`.
fn long_functions(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let starts_function = |line: &str| {
        let words = line.trim_start();
        words.starts_with("fn ")
            || (words.starts_with("pub")
                || words.starts_with("async ")
                || words.starts_with("const "))
                && words.contains("fn ")
                && words.contains('(')
    };
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| starts_function(line)) {
        let end = lines[start..]
            .iter()
            .position(|other| indent(other) == indent(line) && other.trim_start().starts_with('}'));
        let length = end.map_or(0, |end| end + 1);
        if length > LONGEST_FUNCTION {
            found.push((start + 1, length));
        }
    }
    found.into_iter()
}

#[test]
fn every_module_says_why_it_exists() {
    let silent: Vec<String> = all_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(silent.is_empty(), "no //! at the start of {}", silent.join(", "));
}

/// clap shows the documentation of a subcommand's variant, never that of its arguments: words there
/// would reach nobody.
#[test]
fn arguments_of_commands_have_no_documentation_that_help_never_shows() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files("src/cli") {
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            let of_arguments = pair[1].starts_with("#[derive(") && pair[1].contains("Args");
            // Options of every subcommand: a part of all, and no subcommand itself.
            if of_arguments && pair[0].starts_with("///") && !pair[0].contains("every subcommand") {
                wrong.push(format!("{name}: {}", pair[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "move to the variant of the subcommand:\n{}", wrong.join("\n"));
}

#[test]
fn every_dependency_says_what_for() {
    let mut wrong = Vec::new();
    for manifest in
        ["Cargo.toml", "client/Cargo.toml", "sandbox/Cargo.toml", "sandbox/browser/Cargo.toml"]
    {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            } else if in_dependencies
                && line.contains('=')
                && !line.contains('#')
                && !EVIDENT.iter().any(|name| line.starts_with(name))
            {
                wrong.push(format!("{manifest}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "say what for:\n{}", wrong.join("\n"));
}

/// Dependencies that every Rust programmer knows.
const EVIDENT: [&str; 8] = [
    "serde",
    "serde_json",
    "tokio",
    "chrono",
    "thiserror",
    "tracing",
    "tracing-subscriber",
    "serenity",
];
