//! Finds the lines of private keys in PEM.
//!
//! Each line of base64 is found on its own. The first line that is not base64 ends the key, whether
//! or not an end mark follows: nothing but base64 is ever taken for a part of a key.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::pattern;
use super::secrets::{TextKind, is_random};

/// Name of the secret.
pub(super) const NAME: &str = "private key";
/// Shortest and longest line of a key, in characters. RFC 7468 writes 64 per line, OpenSSH 70, MIME
/// 76; a short last line is not masked, because a word could be as short, and a key without its
/// other lines is useless.
const LINE: std::ops::RangeInclusive<usize> = 40..=76;
/// Like [`LINE`], in prose.
const LINE_OF_PROSE: std::ops::RangeInclusive<usize> = 16..=8_192;

static BEGIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"));

/// The end of a line, as such or escaped in JSON, with the marks of a diff and of the headers that
/// old keys have.
static LINE_END: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^(?:(?:\r?\n|(?:\\r)?\\n)[+ -]?[ \t]{0,40}",
        r"(?:(?:Proc-Type|DEK-Info|Version|Comment): [A-Za-z0-9,. ()@+-]{1,80})?)+"
    ))
});

/// Locations of the lines of all private keys in a text, in bytes, without their line ends.
pub(super) fn lines(text: &str, kind: TextKind) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains("-----BEGIN ") {
        return found;
    }
    for begin in BEGIN.find_iter(text) {
        if kind == TextKind::Call && !begins_line(&text[..begin.start()]) {
            continue;
        }
        let mut at = begin.end();
        while let Some(line) = next_line(text, at, kind) {
            at = line.end;
            found.push(line);
        }
    }
    found
}

/// Whether a key may begin here: at the start of a line, or of a quoted text.
fn begins_line(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    matches!(line.trim(), "" | "+" | "-") || line.ends_with(['"', '\'']) || line.ends_with("\\n")
}

/// The line of base64 after the line end at this byte.
fn next_line(text: &str, at: usize, kind: TextKind) -> Option<Range<usize>> {
    let rest = &text[at..];
    let gap = match (LINE_END.find(rest), kind) {
        (Some(end), _) => end.end(),
        // Prose may have been joined to one line.
        (None, TextKind::Prose) => rest.len() - rest.trim_start_matches(' ').len(),
        (None, TextKind::Call) => return None,
    };
    let line = &rest[gap..];
    let length = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)))
        .unwrap_or(line.len());
    let (line, after) = line.split_at(length);
    let fits = match kind {
        TextKind::Prose => gap > 0 && LINE_OF_PROSE.contains(&length),
        TextKind::Call => {
            let ends = after.is_empty()
                || after.starts_with(['\n', '\r', '"', '\''])
                || after.starts_with("\\n")
                || after.starts_with("\\r");
            ends && LINE.contains(&length) && !line.starts_with('/') && is_random(line)
        }
    };
    fits.then(|| at + gap..at + gap + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, kind: TextKind) -> Vec<&str> {
        lines(text, kind).into_iter().map(|range| &text[range]).collect()
    }

    fn key(line_end: &str) -> (String, String, String) {
        let (one, two) = ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCB".repeat(2), "a1B2c3D4e5F6".repeat(5));
        let one = one[..64].to_owned();
        let key = ["-----BEGIN PRIVATE KEY-----", &one, &two, "kQ==", "-----END PRIVATE KEY-----"];
        (key.join(line_end), one, two)
    }

    #[test]
    fn each_line_of_a_key_is_found_on_its_own() {
        for line_end in ["\n", "\r\n", "\\n", "\n+", "\n  "] {
            let (key, one, two) = key(line_end);
            let key = if line_end == "\\n" { format!("KEY=\"{key}\"") } else { key };
            assert_eq!(found(&key, TextKind::Call), [&one, &two], "{key}");
        }
        let (cut, one, _) = key("\n");
        let cut = cut.split(&one).next().unwrap().to_owned() + &one;
        assert_eq!(found(&cut, TextKind::Call), [&one], "a key without an end");
    }

    #[test]
    fn what_is_not_a_line_of_a_key_is_not_found() {
        let (_, one, _) = key("\n");
        let begin = "-----BEGIN PRIVATE KEY-----";
        for text in [
            format!("{begin}\npython3 x.py\n-----END PRIVATE KEY-----"),
            format!("{begin}\nreboot\n-----END PRIVATE KEY-----"),
            format!("{begin}\n/tmp/{one}\n"),
            format!("{begin}\n{one}; rm x\n"),
            format!("{begin}\n$({one})\n"),
            format!("{begin} {one}"),
            format!("make # {begin}\n{one}\n"),
            format!("{begin}\n{}\n", "cHl0aG9uMyB4LnB5ICYmIHJtIC1yZiB4".repeat(2)),
            format!("{begin}\n{}\n", "runthepayload".repeat(5)),
        ] {
            assert!(found(&text, TextKind::Call).is_empty(), "{text}");
        }
        let after = format!("{begin}\n{one}\nrm x\n{one}\n");
        assert_eq!(found(&after, TextKind::Call), [&one]);
    }
}
