//! Tells an agent's words from the bot's own words.

use unicode_security::skeleton;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{clean, one_line, plain, units};

/// Stems of the words with which the bot states what has happened to a decision. In small letters.
const STATUS_WORDS: [&str; 16] = [
    "allow", "answer", "approv", "breach", "chosen", "confirm", "decid", "defer", "denied",
    "expire", "gander", "grant", "reject", "revision", "risk", "withdr",
];

/// The shape of a text on the screen: equal for texts that a person could take for each other.
#[must_use]
pub fn shape(text: &str) -> String {
    let shape: String = skeleton(&one_line(text)).flat_map(char::to_lowercase).collect();
    // Once more: the small form of a capital may look like yet another letter.
    skeleton(&shape).collect()
}

/// An agent's words for a line of the bot's: in quotation marks, unless the words are plain and
/// state nothing that the bot would state. Without the dot that separates the parts of such lines.
#[must_use]
pub fn in_line(words: &str) -> String {
    let words = words.replace('·', "-");
    let is_plain = words.is_ascii() && !states(&words.to_ascii_lowercase());
    if is_plain {
        words
    } else {
        format!("“{}”", words.replace(['“', '”', '„', '‟'], "\""))
    }
}

/// Whether words, in small letters, state what the bot would state.
fn states(words: &str) -> bool {
    STATUS_WORDS.iter().any(|word| words.contains(word))
}

/// A safe file name: no folder, distinct from the names of the bot's own files, and no statement of
/// the bot's.
#[must_use]
pub fn file_name(name: &str) -> String {
    let name = plain(&one_line(name).replace(['/', '\\'], "-"), 100).text;
    let shape_of_name = shape(&name);
    let is_own = ["decision-", "batch-"].iter().any(|own| shape_of_name.starts_with(&shape(own)))
        || STATUS_WORDS.iter().any(|word| shape_of_name.contains(&shape(word)));
    match name.as_str() {
        "" => "attached-file".into(),
        name if is_own => format!("attached-{name}"),
        _ => name,
    }
}

/// The beginning and the end of a cleaned text, within `limit` UTF-16 units: two texts that differ
/// in their last characters stay different.
#[must_use]
pub fn both_ends(text: &str, limit: usize) -> String {
    let text = clean(text);
    if units(&text) <= limit {
        return text;
    }
    let mut end = std::collections::VecDeque::new();
    let mut left = limit / 3;
    for grapheme in text.graphemes(true).rev() {
        let size = units(grapheme);
        if size > left {
            break;
        }
        left -= size;
        end.push_front(grapheme);
    }
    let end: String = end.into_iter().collect();
    let start = plain(&text, limit - units(&end)).text;
    format!("{start}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bot_would_say_is_quoted() {
        for (words, shown) in [
            ("Deploy the shop", "Deploy the shop"),
            ("✅ Approved", "“✅ Approved”"),
            ("Approved by Maya", "“Approved by Maya”"),
            ("approve it · low risk", "“approve it - low risk”"),
            ("x” 🟢 low “y", "“x\" 🟢 low \"y”"),
            ("\u{410}pproved", "“\u{410}pproved”"),
        ] {
            assert_eq!(in_line(words), shown);
        }
    }

    #[test]
    fn what_looks_equal_has_one_shape() {
        for (one, other) in [
            ("Postgres", "P\u{43e}stgres"),
            ("Redis", "Redis\u{200B} "),
            ("SQLite", "SQL\u{456}te"),
            ("v1", "vl"),
            ("ａ", "a"),
        ] {
            assert_eq!(shape(one), shape(other), "{one} {other}");
        }
        assert_ne!(shape("Postgres"), shape("Redis"));
        assert_eq!(file_name("d\u{435}cision-1.md"), "attached-d\u{435}cision-1.md");
        assert_eq!(file_name("Batch-7.csv"), "attached-Batch-7.csv");
        assert_eq!(file_name("\u{410}pproved by Maya.png"), "attached-\u{410}pproved by Maya.png");
        assert_eq!(file_name("Plan \u{e4}.png"), "Plan \u{e4}.png");
    }

    #[test]
    fn a_cut_keeps_both_ends() {
        let long = format!("{}A", "x".repeat(100));
        assert_eq!(both_ends(&long, 20), format!("{}…{}A", "x".repeat(13), "x".repeat(5)));
        assert_eq!(both_ends("short", 20), "short");
        for limit in 3..40 {
            assert!(units(&both_ends(&"👩‍💻e\u{301}".repeat(20), limit)) <= limit);
        }
    }
}
