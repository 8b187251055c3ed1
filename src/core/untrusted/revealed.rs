//! Shows a command exactly as the command will run.
//!
//! On other cards, characters that hide or reorder text are removed, because there they can only
//! deceive. A command under approval must be shown completely, and therefore each such character is
//! written as its code point. Secrets are masked here too.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::secrets::{Secret, TextKind, secrets};
use super::{Cut, GRAPHEME_CODE_POINTS, GRAPHEME_MARKS, MARK, Secrets, is_hidden, plain, units};

/// Prefix of a revealed code point.
const MARKED: &str = "‹U+";

/// A text as it is, without anything that hides or reorders other text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revealed {
    /// The text.
    pub text: String,
    /// Number of hidden characters that are shown as code points.
    pub hidden: usize,
    /// Number of secrets that are masked.
    pub masked: usize,
}

/// Writes characters that are invisible, cover others or look like a plain space as code points,
/// such as `‹U+202E›`. Masks secrets in what will run, or shows them.
#[must_use]
pub fn reveal(text: &str, show: Secrets) -> Revealed {
    let parts = parts(text);
    let bare: String = parts.iter().filter(|part| !part.is_hidden).map(|part| part.c).collect();
    let masks = match show {
        Secrets::Masked => secrets(&bare, TextKind::Call),
        Secrets::Shown => Vec::new(),
    };
    let mut revealed = Revealed { masked: masks.len(), ..Revealed::default() };
    let mut masks = masks.into_iter().peekable();
    let mut at = 0;
    for Part { c, is_hidden } in parts {
        if is_hidden {
            // Also within a secret: a hidden character is never hidden again by a mask.
            revealed.hidden += 1;
            revealed.text.push_str(&format!("{MARKED}{:04X}›", u32::from(c)));
            continue;
        }
        while masks.peek().is_some_and(|mask| mask.range.end <= at) {
            masks.next();
        }
        match masks.peek() {
            Some(mask) if mask.range.start == at => revealed.text.push_str(&mask.mask()),
            Some(Secret { range: Range { start, .. }, .. }) if *start < at => {}
            _ => revealed.text.push(c),
        }
        at += c.len_utf8();
    }
    revealed
}

/// [`reveal`], with masked secrets, as text.
#[must_use]
pub fn revealed(text: &str) -> String {
    reveal(text, Secrets::Masked).text
}

/// Length in bytes of a text with everything hidden written out, and nothing masked.
#[must_use]
pub fn revealed_bytes(text: &str) -> usize {
    // Each byte of a plain text stands for itself.
    if text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return text.len();
    }
    reveal(text, Secrets::Shown).text.len()
}

/// A character, and whether a reader would not see the character as such.
struct Part {
    c: char,
    is_hidden: bool,
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::with_capacity(text.len());
    let mut before = ' ';
    for grapheme in text.graphemes(true) {
        let mut marks = 0;
        for (place, c) in grapheme.chars().enumerate() {
            marks = if MARK.is_match(c.encode_utf8(&mut [0; 4])) { marks + 1 } else { 0 };
            let is_hidden =
                is_unseen(c, before) || marks > GRAPHEME_MARKS || place >= GRAPHEME_CODE_POINTS;
            before = if is_hidden { before } else { c };
            parts.push(Part { c, is_hidden });
        }
    }
    parts
}

/// Whether a character is invisible, or is a blank that the shell does not treat as a separator.
fn is_unseen(c: char, before: char) -> bool {
    // Joiners and variation selectors belong to a preceding emoji; elsewhere they only hide
    // something.
    let of_emoji =
        matches!(before, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{FE0F}');
    match c {
        '\u{200D}' | '\u{FE0E}' | '\u{FE0F}' => !of_emoji,
        '\u{FE00}'..='\u{FE0D}' => true,
        '\u{A0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200A}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{2800}'
        | '\u{3000}' => true,
        _ => is_hidden(c),
    }
}

/// [`revealed`], on one line, with line breaks shown as `⏎`.
#[must_use]
pub fn revealed_line(text: &str) -> String {
    let lines = revealed(text.trim());
    lines
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(" ⏎ ")
}

/// First lines of a revealed text, unchanged, in a code block. An invisible character breaks up a
/// fence in the text, to keep the fence from ending the block.
#[must_use]
pub fn verbatim_block(revealed: &str, language: &str, most_lines: usize, limit: usize) -> Cut {
    let text = revealed.trim_end_matches('\n');
    let lines: Vec<&str> = text.split('\n').collect();
    let few = lines.len() <= most_lines;
    let first = if few { text.to_owned() } else { lines[..most_lines].join("\n") + "\n…" };
    let inner = plain(
        &first.replace("```", "`\u{200B}`\u{200B}`"),
        limit.saturating_sub(units(language) + 8),
    );
    Cut { text: format!("```{language}\n{}\n```", inner.text), whole: inner.whole && few }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_hides_is_written_as_its_number() {
        for (text, shown) in [
            ("cargo test --all\n\ttab", "cargo test --all\n\ttab"),
            ("echo a\u{202E}b\u{200B}c", "echo a‹U+202E›b‹U+200B›c"),
            ("\u{1b}[2Krm -rf ~\r\nls", "‹U+001B›[2Krm -rf ~‹U+000D›\nls"),
            ("ls\u{A0}-a \u{2800}x", "ls‹U+00A0›-a ‹U+2800›x"),
            ("gh\u{FE0F}p a\u{200D}b \u{E0041}", "gh‹U+FE0F›p a‹U+200D›b ‹U+E0041›"),
            ("👩‍💻 ❤️ naïve 日本語 עברית", "👩‍💻 ❤️ naïve 日本語 עברית"),
            // A look-alike letter stays unchanged: the shell runs exactly this letter.
            ("𝗿𝗺 x", "𝗿𝗺 x"),
        ] {
            assert_eq!(revealed(text), shown);
        }
        let stack = reveal(&format!("e{}", "\u{301}".repeat(6)), Secrets::Masked);
        assert_eq!((stack.text.matches("‹U+0301›").count(), stack.hidden), (2, 2), "{stack:?}");
    }

    #[test]
    fn nothing_that_is_ignorable_stays_unseen() {
        let of_all: String =
            ('\0'..=char::MAX).filter(|c| is_hidden(*c)).flat_map(|c| ['x', c]).collect();
        assert_eq!(revealed(&of_all).chars().filter(|c| is_hidden(*c)).count(), 0);
    }

    #[test]
    fn secrets_are_masked_also_where_something_hidden_breaks_them_up() {
        let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4));
        let shown = reveal(&format!("curl -H {token}"), Secrets::Masked);
        assert_eq!(shown.text, "curl -H ••• GitHub token •••");
        assert_eq!((shown.masked, shown.hidden), (1, 0));
        let broken = format!("l\u{200B}s {}\u{202E}{} -a\u{200B}", &token[..9], &token[9..]);
        let shown = reveal(&broken, Secrets::Masked);
        // What is hidden stays shown, beside and within the secret.
        assert_eq!(shown.text, "l‹U+200B›s ••• GitHub token •••‹U+202E› -a‹U+200B›");
        assert_eq!((shown.masked, shown.hidden), (1, 3));
        let shown = reveal(&broken, Secrets::Shown);
        assert_eq!((shown.masked, shown.hidden), (0, 3));
        assert_eq!(shown.text.replace("‹U+202E›", "").matches(&token).count(), 1);
    }

    #[test]
    fn a_line_shows_where_lines_end() {
        assert_eq!(revealed_line("  a  b\nc\u{202E}\n"), "a b ⏎ c‹U+202E›");
    }

    #[test]
    fn a_block_shows_its_text_as_it_is_and_says_what_is_missing() {
        let all = verbatim_block("a\n\n\n  b ```x\n", "sh", 9, 100);
        assert_eq!(
            all,
            Cut { text: "```sh\na\n\n\n  b `\u{200B}`\u{200B}`x\n```".into(), whole: true }
        );
        let few = verbatim_block("a\nb\nc", "", 2, 100);
        assert_eq!(few, Cut { text: "```\na\nb\n…\n```".into(), whole: false });
        for limit in 20..60 {
            let cut = verbatim_block(&"`````".repeat(20), "sh", 9, limit);
            assert!(
                units(&cut.text) <= limit && cut.text.matches("```").count() == 2,
                "{}",
                cut.text
            );
        }
    }
}
