//! Patterns for rules: for names, for the words of commands, and for the parts of paths. `*`
//! matches any characters within one name, word or part.

use std::path::{Component, Path, PathBuf};

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
pub struct CommandPattern(Vec<String>);

impl CommandPattern {
    /// Parses a pattern; `None` if empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether a command's words match.
    #[must_use]
    pub fn is_like(&self, words: &[&str]) -> bool {
        parts_like(&self.0, words, "*", like)
    }
}

/// Pattern for a path: `*.pem` (a file of this name in any folder), `.git/**` (in any folder),
/// `/etc/**`, `~/.ssh/**`. `**` matches any number of folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<String>,
    at_home: bool,
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

    /// Whether an absolute, normalised path matches. Ignores case, because some file systems do.
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
