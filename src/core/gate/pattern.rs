//! Patterns for rules: for names, for the words of commands, and for the parts of paths. `*`
//! matches any characters within one name, word or part.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::budget::Budget;
use super::programs::{is_option, program};

/// Whether a text matches a pattern. `*` matches any characters.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_prefix(start).and_then(|text| text.strip_suffix(end)) else {
        return false;
    };
    // The text between two `*` matches at its first occurrence: more remaining text never harms the
    // later parts.
    middle.split('*').all(|part| match text.find(part) {
        Some(at) => {
            text = &text[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Matches a list of parts against a list of patterns. The pattern `any` matches any number of
/// parts. Time is at most proportional to the product of both lengths, regardless of an agent's
/// input.
fn parts_like(
    patterns: &[String],
    parts: &[&str],
    any: &str,
    like: impl Fn(&str, &str) -> bool,
) -> bool {
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    for pattern in patterns {
        let mut next = vec![false; parts.len() + 1];
        for at in 0..=parts.len() {
            if pattern == any {
                next[at] = reached[at] || (at > 0 && next[at - 1]);
            } else if at > 0 && reached[at - 1] && like(pattern, parts[at - 1]) {
                next[at] = true;
            }
        }
        reached = next;
    }
    reached[parts.len()]
}

/// Pattern for the words of a command: `git push *`. A `*` as a whole word matches any number of
/// words, including none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPattern {
    words: Vec<String>,
    /// The words for stopping rules: in lower case, except for options.
    stops: Vec<String>,
}

/// The words of a command for stopping rules: in lower case, except for options, because some
/// systems ignore the case of programs and git that of its keys.
#[derive(Debug)]
pub struct StopWords {
    words: Vec<String>,
    /// The program without its folder.
    program: String,
}

impl StopWords {
    /// Prepares a command's words.
    #[must_use]
    pub fn new(words: &[String]) -> Self {
        let words: Vec<String> = words.iter().map(|word| folded(word)).collect();
        let program = words.first().map_or("", |word| program(word)).to_owned();
        Self { words, program }
    }
}

fn folded(word: &str) -> String {
    if is_option(word) { word.to_owned() } else { word.to_lowercase() }
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

impl CommandPattern {
    /// Parses a pattern; `None` if empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
        let stops = words.iter().map(|word| folded(word)).collect();
        (!words.is_empty()).then_some(Self { words, stops })
    }

    /// Whether the pattern spells out a whole command, without `*`.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.words.iter().any(|word| word.contains('*'))
    }

    /// Whether a word of the pattern is this word.
    #[must_use]
    pub fn names(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    /// Whether a command's words match exactly: for rules that allow.
    #[must_use]
    pub fn is_like(&self, words: &[&str], budget: &Budget) -> bool {
        let begins = match (self.words.first().map(String::as_str), words.first()) {
            (Some("*") | None, _) => true,
            (Some(pattern), Some(word)) => like(pattern, word),
            (Some(_), None) => false,
        };
        begins
            && budget.spend(self.words.len() * words.len())
            && parts_like(&self.words, words, "*", like)
    }

    /// Whether a command may be meant: for rules that ask or deny. Options before a word of the
    /// pattern hide nothing (`kubectl -n prod delete`), nor do abbreviated options (`--mi` for
    /// `--mirror`), options in one word (`-uf`), or a folder before the program.
    #[must_use]
    pub fn may_be_like(&self, words: &StopWords, budget: &Budget) -> bool {
        let begins = match (self.stops.first().map(String::as_str), words.words.first()) {
            (Some("*") | None, _) => true,
            (Some(pattern), Some(word)) => like(pattern, word) || like(pattern, &words.program),
            (Some(_), None) => false,
        };
        if !begins || !budget.spend(self.stops.len() * words.words.len()) {
            return false;
        }
        let count = words.words.len();
        let mut reached = vec![false; count + 1];
        reached[0] = true;
        let mut before = "*";
        for (at, pattern) in self.stops.iter().enumerate() {
            let mut next = vec![false; count + 1];
            if pattern == "*" {
                let mut any = false;
                for (reached, next) in reached.iter().zip(&mut next) {
                    any |= reached;
                    *next = any;
                }
            } else {
                if before != "*" {
                    skip_options(&mut reached, &words.words);
                }
                for (word, said) in words.words.iter().enumerate() {
                    let program = at == 0 && word == 0 && like(pattern, &words.program);
                    next[word + 1] = reached[word] && (program || word_may_be_like(pattern, said));
                }
            }
            reached = next;
            before = pattern;
        }
        reached[count]
    }
}

/// Extends the reached positions over options. The next word may be the option's value.
fn skip_options(reached: &mut [bool], words: &[String]) {
    let mut is_value = false;
    for (at, word) in words.iter().enumerate() {
        let option = is_option(word);
        if (reached[at] && option) || (is_value && !option) {
            reached[at + 1] = true;
        }
        is_value = reached[at] && option && !word.contains('=');
    }
}

fn word_may_be_like(pattern: &str, word: &str) -> bool {
    if like(pattern, word) {
        return true;
    }
    if pattern.starts_with("--") {
        // git and other programs accept the start of a long option.
        let full = pattern.split(['*', '=']).next().unwrap_or_default();
        let said = word.split('=').next().unwrap_or_default();
        return said.len() >= MIN_ABBREVIATION && said.starts_with("--") && full.starts_with(said);
    }
    // `-uf` are the options `-u` and `-f`.
    let mut letters = pattern.chars();
    let (dash, letter, more) = (letters.next(), letters.next(), letters.next());
    let cluster = word.strip_prefix('-').unwrap_or_default();
    dash == Some('-')
        && more.is_none()
        && letter.is_some_and(|letter| letter.is_ascii_alphanumeric() && cluster.contains(letter))
        && cluster.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Minimum length of an abbreviated option, with its dashes.
const MIN_ABBREVIATION: usize = 3;

/// Pattern for a path: `*.pem` (a file of this name in any folder), `.git/**` (in any folder),
/// `/etc/**`, `~/.ssh/**`. `**` matches any number of folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<String>,
    at_home: bool,
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = if self.at_home { "~/" } else { "/" };
        write!(f, "{start}{}", self.parts.join("/"))
    }
}

impl PathPattern {
    /// Parses a pattern; `None` if empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let (at_home, rest) = text.strip_prefix("~/").map_or((false, text), |rest| (true, rest));
        let mut parts: Vec<String> = rest
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_lowercase)
            .collect();
        if parts.is_empty() {
            return None;
        }
        if !at_home && !rest.starts_with('/') {
            parts.insert(0, "**".into());
        }
        Some(Self { parts, at_home })
    }

    /// Whether the pattern has this part.
    #[must_use]
    pub fn has_part(&self, part: &str) -> bool {
        self.parts.iter().any(|own| own == part)
    }

    /// Whether the pattern spells out the file's name, or a hidden folder around the file.
    #[must_use]
    pub fn spells(&self, path: &Path) -> bool {
        let name = path.file_name();
        let telling = |part: &std::ffi::OsStr| {
            Some(part) == name || part.as_encoded_bytes().first() == Some(&b'.')
        };
        path.iter().filter(|part| telling(part)).any(|part| {
            let part = part.to_string_lossy().to_lowercase();
            self.parts.iter().any(|own| {
                let literal = own.split('*').next().unwrap_or_default();
                literal.len() > 1 && part.starts_with(literal)
            })
        })
    }

    /// Whether an absolute, normalised path matches. Ignores case, because some file systems do.
    #[must_use]
    pub fn is_like(&self, path: &Path, home: Option<&Path>) -> bool {
        self.fits(&PathParts::new(path, home))
    }

    /// As [`Self::is_like`], for a prepared path.
    #[must_use]
    pub fn fits(&self, path: &PathParts) -> bool {
        let parts = match (self.at_home, path.below_home) {
            (true, None) => return false,
            (true, Some(home)) => path.parts.get(home..).unwrap_or_default(),
            (false, _) => &path.parts,
        };
        let ends = match (self.parts.last().map(String::as_str), parts.last()) {
            (Some("**") | None, _) => true,
            (Some(pattern), Some(part)) => like(pattern, part),
            (Some(_), None) => false,
        };
        ends && parts_like(
            &self.parts,
            &parts.iter().map(String::as_str).collect::<Vec<_>>(),
            "**",
            like,
        )
    }
}

/// The parts of an absolute, normalised path, in lower case.
#[derive(Debug)]
pub struct PathParts {
    parts: Vec<String>,
    /// The number of parts of the home folder, if the path is below.
    below_home: Option<usize>,
}

impl PathParts {
    /// Prepares a path.
    #[must_use]
    pub fn new(path: &Path, home: Option<&Path>) -> Self {
        let normal = |path: &Path| {
            let parts = path.components().filter_map(|part| match part {
                Component::Normal(part) => Some(part.to_string_lossy().to_lowercase()),
                _ => None,
            });
            parts.collect::<Vec<String>>()
        };
        let below_home = home.filter(|home| path.starts_with(home)).map(|home| normal(home).len());
        Self { parts: normal(path), below_home }
    }
}

/// Normalises a path: absolute, `.` and `..` resolved, `~` replaced by the home folder. Does not
/// follow links.
#[must_use]
pub fn plain_path(said: &str, folder: &Path, home: Option<&Path>) -> PathBuf {
    let path = match (said.strip_prefix("~/").or((said == "~").then_some("")), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(said),
    };
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_like_patterns_word_by_word() {
        for (pattern, line, is) in [
            ("git push *", "git push", true),
            ("git push *", "git push origin main", true),
            ("git push *", "git pushy", false),
            ("git status", "git status -s", false),
            ("rm * -*r* *", "rm -rf x", true),
            ("rm * -*r* *", "rm x -r", true),
            ("rm * -*r* *", "rm x", false),
            ("npm run test*", "npm run test:unit", true),
            ("* --force *", "git push --force x", true),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(
                CommandPattern::new(pattern).unwrap().is_like(&words, &Budget::default()),
                is,
                "{pattern} {line}"
            );
        }
        let words = vec!["a"; 20_000];
        let long = CommandPattern::new("* a * a * a * b").unwrap();
        assert!(!long.is_like(&words, &Budget::default()));
    }

    #[test]
    fn options_hide_no_word_from_a_stopping_rule() {
        for (pattern, line, is) in [
            ("kubectl delete *", "kubectl -n prod delete pod x", true),
            ("kubectl delete *", "kubectl --context=prod -n prod delete", true),
            ("kubectl delete *", "kubectl get delete", false),
            ("terraform apply *", "terraform -chdir=infra apply", true),
            ("gh pr merge *", "gh -R a/b pr --repo a/b merge 3", true),
            ("docker push *", "docker --context x -D push y", true),
            ("cargo publish *", "cargo +nightly --manifest-path x publish", true),
            ("git push *", "git -C x -c a=b push", true),
            ("git push *", "git commit -m push", false),
            ("git push *", "GIT push", true),
            ("git push *", "/usr/bin/git push", true),
            ("git push * --mirror *", "git push --mi", true),
            ("git push * --mirror *", "git push --m=x", true),
            ("git push * --mirror *", "git push --", false),
            ("git push * --mirror *", "git push --mirrors", false),
            ("git push * --force* *", "git push --for", true),
            ("git push * --force* *", "git push --force-with-lease", true),
            ("git push * --force* *", "git push --follow-tags", false),
            ("git push * -f *", "git push -uf x", true),
            ("git push * -f *", "git push --follow-tags", false),
            ("git branch * -D *", "git branch -d x", false),
            ("git config * core.* *", "git config --global core.hooksPath x", true),
            ("git config * core.hookspath *", "git config CORE.HooksPath x", true),
            ("su", "su", true),
            ("su", "su x", false),
            ("./deploy.sh *", "./deploy.sh now", true),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let pattern = CommandPattern::new(pattern).unwrap();
            let is_like = pattern.may_be_like(&StopWords::new(&words), &Budget::default());
            assert_eq!(is_like, is, "{pattern:?} {line}");
        }
    }

    #[test]
    fn a_star_is_any_characters() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "x", true),
            ("a*bb*b", "abb", false),
            ("a*bb*b", "abbb", true),
            ("*é*", "café!", true),
            ("*ab*ab*", "ab", false),
            ("*ab*ab*", "abab", true),
        ] {
            assert_eq!(like(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn paths_are_like_patterns_part_by_part() {
        let (folder, home) = (Path::new("/home/maya/project"), Some(Path::new("/home/maya")));
        for (pattern, said, is) in [
            (".env*", ".env", true),
            (".env*", "sub/.ENV.local", true),
            (".env*", "environment", false),
            (".git/**", ".git/config", true),
            (".git/**", "a/.git/hooks/x", true),
            (".git/**", ".github/x", false),
            ("~/.ssh/**", "~/.ssh/id_rsa", true),
            ("~/.ssh/**", "../.ssh/id_rsa", true),
            ("~/.ssh/**", ".ssh/id_rsa", false),
            ("/etc/**", "/etc/passwd", true),
            ("/etc/**", "../../../etc/passwd", true),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a/b.rs", false),
            ("*.pem", "/x/y/key.pem", true),
        ] {
            let path = plain_path(said, folder, home);
            assert_eq!(
                PathPattern::new(pattern).unwrap().is_like(&path, home),
                is,
                "{pattern} {said}"
            );
        }
    }
}
