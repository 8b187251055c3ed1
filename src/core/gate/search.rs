//! Recursive searches of a call: they read files that the call does not name.
//!
//! A gate walks the same folders as the search, and reports which files with secrets the search
//! would read. Patterns that ask for secrets are recognised by themselves.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::budget::Budget;
use super::pattern::plain_path;
use super::private::{Secrecy, by_name};
use super::reach::{LONGEST_PATH, MOST_FOLDERS, folders};
use super::{ToolCall, programs, shell};

/// Which files a search skips by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skips {
    /// None.
    Nothing,
    /// Files that `.gitignore` names.
    Ignored,
    /// Files that `.gitignore` names, and hidden files.
    IgnoredAndHidden,
}

/// What a search does with links below its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Skips them.
    Skipped,
    /// Follows them.
    Followed,
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
}

/// Globs of a search: of files to take, and of files to leave out.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    /// The search reads only files that match one of these; empty: all.
    only: Vec<GlobMatcher>,
    /// The search does not read files and folders that match.
    except: Vec<GlobMatcher>,
}

/// Most searches of one call that are looked at.
const MOST_SEARCHES: usize = 50;
/// Programs that search folders recursively without being told to.
const SEARCHERS: [&str; 7] = ["rg", "ag", "ack", "ack-grep", "rgrep", "ugrep", "ug"];
/// Kinds of files, as ripgrep names them, that are source code.
const CODE_TYPES: [&str; 24] = [
    "rust", "py", "python", "js", "ts", "go", "java", "kotlin", "c", "cpp", "cs", "csharp",
    "swift", "ruby", "php", "css", "html", "md", "markdown", "lua", "scala", "haskell", "elixir",
    "dart",
];

fn matcher(glob: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(glob).case_insensitive(true).build().ok()?;
    Some(glob.compile_matcher())
}

impl Globs {
    /// Adds a glob of ripgrep; `!` before it leaves files out. A glob that cannot be read leaves
    /// nothing out.
    fn add(&mut self, glob: &str) {
        match glob.strip_prefix('!') {
            Some(except) => self.except.extend(matcher(except.trim_matches('/'))),
            None => self.only.extend(matcher(glob).or_else(|| matcher("*"))),
        }
    }

    /// Globs as Claude Code's Grep splits them: at spaces and commas outside of braces.
    fn of_text(text: &str) -> Self {
        let mut globs = Self::default();
        let mut depth = 0_u32;
        let pieces = text.split(|c: char| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (c == ',' || c.is_whitespace())
        });
        pieces.filter(|piece| !piece.is_empty()).for_each(|piece| globs.add(piece));
        globs
    }

    /// Whether the search reads a file with this path below the searched folder.
    #[must_use]
    pub fn takes(&self, below: &Path) -> bool {
        let matches = |globs: &[GlobMatcher], path: &Path| {
            let name = path.file_name().map(Path::new);
            globs
                .iter()
                .any(|glob| glob.is_match(path) || name.is_some_and(|name| glob.is_match(name)))
        };
        let excepted = below.ancestors().any(|path| matches(&self.except, path));
        !excepted && (self.only.is_empty() || matches(&self.only, below))
    }
}

/// The recursive searches of a call.
#[must_use]
pub fn searches(call: &ToolCall) -> Vec<Search> {
    if let Some(command) = call.command() {
        let budget = Budget::default();
        let line = shell::read(&command, &budget);
        let folders = folders(call, &line.commands, &budget);
        let further = shell::further_commands(&command, &line, &budget);
        let commands = line.commands.iter().chain(&further);
        let all = commands.flat_map(|command| of_command(call, &command.words, &folders));
        return all.take(MOST_SEARCHES).collect();
    }
    let field = |name: &str| call.input.get(name).and_then(serde_json::Value::as_str);
    if call.tool != "Grep" || field("type").is_some_and(|kind| CODE_TYPES.contains(&kind)) {
        return Vec::new();
    }
    let path = plain_path(field("path").unwrap_or("."), &call.cwd, call.home.as_deref());
    let globs = field("glob").map(Globs::of_text).unwrap_or_default();
    // A file that a glob names is searched even if `.gitignore` names it too.
    let skips = if globs.only.is_empty() { Skips::Ignored } else { Skips::Nothing };
    vec![Search { path, skips, links: Links::Skipped, globs }]
}

/// The searches of a single command.
fn of_command(call: &ToolCall, words: &[String], folders: &[PathBuf]) -> Vec<Search> {
    let Some((program, arguments)) = words.split_first() else { return Vec::new() };
    let program = programs::program(program);
    let Some((skips, links)) = recursion(program, arguments) else { return Vec::new() };
    let mut read = Arguments::read(program, arguments);
    let skips = if read.globs.only.is_empty() { skips } else { Skips::Nothing };
    // The order of both kinds has a meaning, which is not followed here.
    if !read.globs.only.is_empty() {
        read.globs.except.clear();
    }
    let home = call.home.as_deref();
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        paths.extend(read.paths.iter().map(|word| plain_path(word, folder, home)));
    }
    if read.paths.is_empty() || read.clarity == Clarity::Unclear {
        paths.extend(folders.iter().cloned());
    }
    paths.sort();
    paths.dedup();
    let search = |path| Search { path, skips, links, globs: read.globs.clone() };
    paths.into_iter().take(MOST_FOLDERS * 4).map(search).collect()
}

fn is_short(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.len() > 1
}

/// What a program skips when it searches recursively; `None` if it does not.
fn recursion(program: &str, arguments: &[String]) -> Option<(Skips, Links)> {
    let short =
        |letters: &[char]| arguments.iter().any(|word| is_short(word) && word.contains(letters));
    let long = |starts: &[&str]| {
        arguments.iter().any(|word| starts.iter().any(|start| word.starts_with(start)))
    };
    let skips = match program {
        "rg" => {
            let letters = arguments.iter().filter(|word| is_short(word));
            let unrestricted = letters.map(|word| word.matches('u').count()).sum::<usize>();
            if unrestricted > 0 || long(&["--unres", "--no-ig", "--ignore-file"]) {
                Skips::Nothing
            } else if short(&['.']) || long(&["--hid"]) {
                Skips::Ignored
            } else {
                Skips::IgnoredAndHidden
            }
        }
        "git" if !arguments.iter().any(|word| word == "grep") => return None,
        // Tracked files, or all of them.
        "git" if long(&["--unt", "--no-e", "--no-i"]) => Skips::Nothing,
        "git" => Skips::Ignored,
        "grep" | "egrep" | "fgrep" | "zgrep"
            if short(&['r', 'R', 'd']) || long(&["--r", "--de", "--di"]) =>
        {
            Skips::Nothing
        }
        "diff" if short(&['r']) || long(&["--r"]) => Skips::Nothing,
        _ if SEARCHERS.contains(&program) => Skips::Nothing,
        _ => return None,
    };
    let follows = short(&['R', 'L']) || long(&["--de", "--fo"]);
    Some((skips, if follows { Links::Followed } else { Links::Skipped }))
}

/// Whether the arguments of a search are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clarity {
    Clear,
    /// A word may be an option's value or a path, so the working directory may be searched too.
    Unclear,
}

/// The arguments of a search command.
#[derive(Debug)]
struct Arguments {
    paths: Vec<String>,
    globs: Globs,
    clarity: Clarity,
}

/// Long options with a value, and those without.
const WITH_VALUE: [&str; 22] = [
    "--after-context",
    "--before-context",
    "--context",
    "--max-count",
    "--regexp",
    "--file",
    "--glob",
    "--iglob",
    "--include",
    "--exclude",
    "--exclude-dir",
    "--type",
    "--type-not",
    "--threads",
    "--max-columns",
    "--encoding",
    "--replace",
    "--max-depth",
    "--color",
    "--colors",
    "--sort",
    "--directories",
];
const WITHOUT_VALUE: [&str; 33] = [
    "--recursive",
    "--dereference-recursive",
    "--line-number",
    "--no-line-number",
    "--ignore-case",
    "--hidden",
    "--no-ignore",
    "--no-ignore-vcs",
    "--unrestricted",
    "--files-with-matches",
    "--files-without-match",
    "--word-regexp",
    "--line-regexp",
    "--count",
    "--fixed-strings",
    "--extended-regexp",
    "--perl-regexp",
    "--basic-regexp",
    "--invert-match",
    "--no-filename",
    "--with-filename",
    "--no-heading",
    "--heading",
    "--only-matching",
    "--quiet",
    "--no-messages",
    "--smart-case",
    "--multiline",
    "--follow",
    "--untracked",
    "--no-index",
    "--cached",
    "--text",
];
/// Letters of short options with a value. The letters of all programs together would take flags of
/// one program for options of another.
const GREP_LETTERS: &str = "ABCmefdD";
const RG_LETTERS: &str = "ABCmefgtTjMErd";

impl Arguments {
    fn read(program: &str, arguments: &[String]) -> Self {
        let letters = if program == "rg" { RG_LETTERS } else { GREP_LETTERS };
        let mut read = Self { paths: Vec::new(), globs: Globs::default(), clarity: Clarity::Clear };
        let mut pattern_given = program == "diff";
        let mut rest = arguments.iter().skip_while(|word| program == "git" && *word != "grep");
        if program == "git" {
            rest.next();
        } else if SEARCHERS.contains(&program) && program != "rg" {
            read.clarity = Clarity::Unclear;
        }
        let mut options = true;
        while let Some(word) = rest.next() {
            if options && word == "--" {
                options = false;
            } else if options && word.starts_with("--") {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None if WITH_VALUE.contains(&word.as_str()) => {
                        (word.as_str(), rest.next().cloned())
                    }
                    None => (word.as_str(), None),
                };
                pattern_given |= ["--regexp", "--file"].contains(&name);
                if value.is_none() && !WITHOUT_VALUE.contains(&name) {
                    read.clarity = Clarity::Unclear;
                }
                read.sets(name, &value.unwrap_or_default());
            } else if options && is_short(word) {
                let at = word.char_indices().skip(1).find(|(_, letter)| letters.contains(*letter));
                if let Some((at, letter)) = at {
                    let joined = word[at + letter.len_utf8()..].to_owned();
                    let value = if joined.is_empty() { rest.next().cloned() } else { Some(joined) };
                    pattern_given |= ['e', 'f'].contains(&letter);
                    read.sets(&format!("-{letter}"), &value.unwrap_or_default());
                }
            } else if word.len() <= LONGEST_PATH {
                read.paths.push(word.clone());
            }
        }
        if !pattern_given && !read.paths.is_empty() {
            read.paths.remove(0);
        }
        read
    }

    /// Takes over an option that selects files.
    fn sets(&mut self, option: &str, value: &str) {
        match option {
            "--include" => self.globs.only.extend(matcher(value).or_else(|| matcher("*"))),
            "--exclude" | "--exclude-dir" => {
                self.globs.except.extend(matcher(value.trim_matches('/')));
            }
            "-g" | "--glob" | "--iglob" => self.globs.add(value),
            _ => {}
        }
    }
}

/// Names that only secrets have, each beside an ordinary name of equal shape. A pattern that
/// matches the first and not the second asks for secrets.
const SAMPLES: [(&str, &str); 19] = [
    (".env", ".abc"),
    (".env.local", ".abc.local"),
    ("prod.env", "prod.abc"),
    ("id_rsa", "ab_cde"),
    ("id_ed25519", "ab_cd25519"),
    ("server.pem", "server.abc"),
    ("server.key", "server.abc"),
    ("server.p12", "server.a12"),
    ("team.kdbx", "team.abcd"),
    ("terraform.tfstate", "terraform.abcdefg"),
    ("prod.tfvars", "prod.abcdef"),
    (".netrc", ".abcde"),
    (".npmrc", ".abcde"),
    (".git-credentials", ".abc-defghijklmno"),
    (".bash_history", ".abcd_efghijk"),
    (".ssh", ".abc"),
    (".aws", ".abc"),
    (".gnupg", ".abcde"),
    ("credentials.json", "abcdefghijk.json"),
];

/// Whether a glob is made to match files with secrets.
#[must_use]
pub fn asks_for_secrets(glob: &str) -> bool {
    // A glob that leaves files out reads nothing.
    if glob.starts_with('!') {
        return false;
    }
    let literal = |piece: &str| by_name(Path::new(piece)) == Some(Secrecy::Certain);
    let wanted = |piece: &str| match matcher(piece) {
        Some(glob) => {
            SAMPLES.iter().any(|(secret, plain)| glob.is_match(secret) && !glob.is_match(plain))
        }
        None => true,
    };
    // What stands in braces may be several paths: each piece is judged as a path of its own.
    let mut pieces = glob.split(['/', '{', '}', ',', ' ']).filter(|part| !part.is_empty());
    let whole = glob.rsplit('/').next().unwrap_or(glob);
    pieces.any(|piece| literal(piece) || (!piece.contains('[') && wanted(piece))) || wanted(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_that_ask_for_secrets() {
        for glob in [
            ".env",
            "**/.env*",
            "**/.e[n]v",
            "**/.en?",
            "**/.e*",
            "*.{ts,env}",
            "{.env,.env.local}",
            "**/*.pem",
            "**/id_*",
            "**/*_rsa",
            "**/.ssh/**",
            ".aws/*",
            "**/*.tfstate*",
            "**/*credential*",
            "config/{.env,a}.local",
            "**/.ENV",
        ] {
            assert!(asks_for_secrets(glob), "{glob}");
        }
        for glob in [
            "**/*.rs",
            "*",
            "**/*",
            "**/.*",
            "src/**/*.{ts,tsx}",
            "**/*.json",
            "**/*test*",
            "src/routes/[id]/*.ts",
            "docs/**",
            "!.env*",
            "**/package.json",
            "**/*token*.ts",
        ] {
            assert!(!asks_for_secrets(glob), "{glob}");
        }
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
            ("grep -r --unknown 3 TODO", vec!["TODO"], true),
            ("grep -r -- -x src", vec!["src"], false),
            ("rg -g *.rs TODO src", vec!["src"], false),
            ("rg -uu KEY", vec![], false),
            ("git grep --untracked KEY", vec![], false),
            ("diff -r a b", vec!["a", "b"], false),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let read = Arguments::read(&words[0], &words[1..]);
            assert_eq!(
                (&read.paths, read.clarity == Clarity::Unclear),
                (&paths.into_iter().map(str::to_owned).collect(), unclear),
                "{line}"
            );
        }
    }

    #[test]
    fn globs_leave_files_out() {
        let words = ["-r", "--exclude=.env*", "--exclude-dir=node_modules", "KEY"];
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let globs = Arguments::read("grep", &words).globs;
        assert!(!globs.takes(Path::new("a/.env.local")));
        assert!(!globs.takes(Path::new("node_modules/x/.npmrc")));
        assert!(globs.takes(Path::new("a/key.pem")));
        assert!(!Globs::of_text("*.rs").takes(Path::new(".env")));
        assert!(Globs::of_text("*.rs, .env").takes(Path::new("sub/.env")));
    }
}
