//! The patterns that rules are written in: for names, for commands by their words, for paths by
//! their parts. `*` stands for any characters of one of them.

use std::path::{Component, Path, PathBuf};

/// Whether a text is like a pattern, in which `*` stands for any characters.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_prefix(start).and_then(|text| text.strip_suffix(end)) else {
        return false;
    };
    // What stands between two `*` is found where it first comes: leaving more for the others never
    // harms.
    middle.split('*').all(|part| match text.find(part) {
        Some(at) => {
            text = &text[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Whether parts are like patterns of parts, one of which (`any`) stands for any number of parts.
/// Takes no more than the product of both lengths, whatever an agent sends.
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

/// A command's words: `git push *`. A `*` that is a word stands for any number of words, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPattern(Vec<String>);

impl CommandPattern {
    /// Of a pattern as it is written; `None` if it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether a command's words are like it.
    #[must_use]
    pub fn is_like(&self, words: &[&str]) -> bool {
        parts_like(&self.0, words, "*", like)
    }
}

/// A path: `*.pem` (a file of this name anywhere), `.git/**` (anywhere), `/etc/**`, `~/.ssh/**`.
/// `**` stands for any number of folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<String>,
    at_home: bool,
}

impl PathPattern {
    /// Of a pattern as it is written; `None` if it is empty.
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

    /// Whether an absolute, plain path is like it. Big and small letters are the same: on some
    /// systems they are.
    #[must_use]
    pub fn is_like(&self, path: &Path, home: Option<&Path>) -> bool {
        let path = if self.at_home {
            match home.and_then(|home| path.strip_prefix(home).ok()) {
                Some(path) => path,
                None => return false,
            }
        } else {
            path
        };
        let parts: Vec<String> = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(part) => Some(part.to_string_lossy().to_lowercase()),
                _ => None,
            })
            .collect();
        parts_like(&self.parts, &parts.iter().map(String::as_str).collect::<Vec<_>>(), "**", like)
    }
}

/// A path as it is meant: absolute, without `.` and `..`, `~` for the home folder. Links are not
/// followed.
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
                CommandPattern::new(pattern).unwrap().is_like(&words),
                is,
                "{pattern} {line}"
            );
        }
        let words = vec!["a"; 20_000];
        assert!(!CommandPattern::new("* a * a * a * b").unwrap().is_like(&words));
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
