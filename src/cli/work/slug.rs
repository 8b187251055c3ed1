//! Names of worktrees and branches, made from titles that people and agents write.
//!
//! A slug has small letters, digits and single dashes, and begins with a letter or digit: it is no
//! option, no path, no hidden file, and no name that git refuses.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Most characters that a slug takes from a title.
const LONGEST: usize = 40;
/// Most characters of a title that are read.
const READ: usize = 400;
/// The slug of a title without a single letter or digit of ASCII.
const USUAL: &str = "job";

/// The slug of a job: words of its title, and its number, which no other job of the store has.
pub(super) fn of_job(title: &str, job: i64) -> String {
    format!("{}-{job}", words(title))
}

/// The same slug for another attempt to find a free name; `number` begins with 2.
pub(super) fn numbered(slug: &str, number: u32) -> String {
    format!("{slug}-{number}")
}

/// The branch of a slug.
pub(super) fn branch(slug: &str) -> String {
    format!("gander/{slug}")
}

fn words(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().take(READ).nfkd().filter(|c| !is_combining_mark(*c)) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if slug.len() > LONGEST {
        // A word is cut only if it is longer than the slug.
        let end = slug[..=LONGEST].rfind('-').unwrap_or(LONGEST);
        slug.truncate(end);
    }
    match slug.trim_matches('-') {
        "" => USUAL.to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_harmless_name_whatever_the_title() {
        let long = "word ".repeat(100_000);
        let one = "x".repeat(100_000);
        for (title, expected) in [
            ("Add a login page", "add-a-login-page-7"),
            ("../../etc/passwd", "etc-passwd-7"),
            ("-rf --force", "rf-force-7"),
            (".git", "git-7"),
            ("HEAD.lock", "head-lock-7"),
            ("a\0b\nc\u{202e}d", "a-b-c-d-7"),
            ("Überprüfe die Maße", "uberprufe-die-ma-e-7"),
            ("ﬁx Ⅷ ①", "fix-viii-1-7"),
            ("登录页面", "job-7"),
            ("", "job-7"),
            ("@{-1}~^:?*[\\", "1-7"),
            ("$(reboot); `id`", "reboot-id-7"),
            (long.as_str(), "word-word-word-word-word-word-word-word-7"),
            (one.as_str(), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-7"),
            ("e\u{301}".repeat(500).as_str(), "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-7"),
        ] {
            let slug = of_job(title, 7);
            assert_eq!(slug, expected, "{title:.40?}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(slug.chars().all(plain) && !slug.starts_with('-') && slug.len() < 64);
            assert_eq!(branch(&slug), format!("gander/{expected}"));
        }
        assert_eq!(numbered("a-7", 2), "a-7-2");
    }
}
