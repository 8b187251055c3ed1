//! Splits a phrase into words for comparison: without case, diacritics, punctuation and emphasis.
//!
//! Also detects disguised text. Does not depend on verbs or decisions.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::core::decision::DecisionId;
use crate::core::untrusted::clean;

/// A run of characters between white space.
#[derive(Debug, Clone)]
pub(crate) struct Word<'a> {
    /// As typed.
    pub(crate) raw: &'a str,
    /// Start offset in bytes.
    pub(crate) at: usize,
    /// Folded, without surrounding punctuation.
    pub(crate) plain: String,
}

impl Word<'_> {
    /// End offset in bytes.
    pub(crate) const fn end(&self) -> usize {
        self.at + self.raw.len()
    }

    pub(crate) fn is(&self, any: &[&str]) -> bool {
        any.contains(&self.plain.as_str())
    }

    /// Whether a space-separated list contains the word.
    pub(crate) fn among(&self, list: &str) -> bool {
        list.split(' ').any(|known| known == self.plain)
    }

    /// The number, if the word is only a number.
    pub(crate) fn number(&self) -> Option<Number> {
        number(&self.plain)
    }

    /// Numbers of `142,143`, `140-145` or `142/#143`, in written order. Empty if the word is not a
    /// list. A range gives only its two ends.
    pub(crate) fn list(&self) -> Vec<DecisionId> {
        let joins =
            |c: char| matches!(c, ',' | ';' | '/' | '&' | '+' | '-' | '–' | '—' | '…' | '.');
        if !self.plain.contains(joins) || self.plain.matches('.').count() == 1 {
            return Vec::new();
        }
        let parts: Vec<&str> = self.plain.split(joins).filter(|part| !part.is_empty()).collect();
        let numbers: Vec<DecisionId> = parts.iter().filter_map(|part| number(part)?.id).collect();
        if parts.len() < 2 || numbers.len() < parts.len() { Vec::new() } else { numbers }
    }
}

/// A number as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    /// The decision with this number; `None` for 0, 007 and numbers that are too large.
    pub(crate) id: Option<DecisionId>,
    /// Whether a `#` marks the number as a decision's number.
    pub(crate) marked: bool,
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let id = if digits.starts_with('0') { None } else { digits.parse().ok().map(DecisionId) };
    Some(Number { id, marked: digits.len() < text.len() })
}

/// Punctuation that may surround a word without changing the word. Quotation marks at the beginning
/// of a phrase are checked separately, on the text as typed.
const fn surrounds(c: char) -> bool {
    matches!(
        c,
        '*' | '_'
            | '.'
            | ','
            | ';'
            | ':'
            | '!'
            | '?'
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '"'
            | '\''
            | '“'
            | '”'
            | '„'
            | '‘'
            | '’'
            | '«'
            | '»'
            | '…'
    )
}

/// Splits a text into words. Drops punctuation, but keeps dashes, because a dash may begin a
/// reason.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    for raw in text.split_whitespace() {
        // Cannot underflow: a piece of `text` starts at or after the start of `text`.
        let at = raw.as_ptr() as usize - text.as_ptr() as usize;
        let plain = bare(raw);
        if !plain.is_empty() {
            found.push(Word { raw, at, plain });
        }
    }
    found
}

/// The typed text from the first to the last of these words.
pub(crate) fn text_of(text: &str, words: &[Word<'_>]) -> String {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => text[first.at..last.end()].trim().to_owned(),
        _ => String::new(),
    }
}

/// Folds a word and removes surrounding punctuation and apostrophes.
pub(crate) fn bare(raw: &str) -> String {
    let inner = raw.trim_matches(surrounds);
    fold(inner).chars().filter(|c| !matches!(c, '\'' | '’')).collect()
}

/// Removes case and diacritics.
pub(crate) fn fold(text: &str) -> String {
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// Common form of singular and plural: `failures` and `failure`.
pub(crate) fn stem(word: &str) -> String {
    let long = word.chars().count() > 3;
    if let Some(start) = word.strip_suffix("ies").filter(|_| long) {
        return format!("{start}y");
    }
    if ["xes", "ches", "shes", "sses", "zes"].iter().any(|end| word.ends_with(end)) {
        return word[..word.len() - 2].to_owned();
    }
    let plural =
        long && word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    if plural { word[..word.len() - 1].to_owned() } else { word.to_owned() }
}

/// Pieces of a compound word such as `web-shop`; a simple word is one piece.
pub(crate) fn pieces(word: &str) -> Vec<&str> {
    word.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty()).collect()
}

/// Whether a text is disguised: hidden or reordering characters, letters and digits that imitate
/// ASCII, or words with mixed alphabets.
pub(crate) fn is_disguised(text: &str) -> bool {
    clean(text) != text
        || text.chars().any(imitates_ascii)
        || text.split_whitespace().any(mixes_alphabets)
}

/// Whether a text contains characters that change the display order.
pub(crate) fn reorders(text: &str) -> bool {
    let changes_direction = |c: char| {
        matches!(
            c,
            '\u{61C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2066}'..='\u{2069}'
        )
    };
    text.chars().any(changes_direction)
}

fn imitates_ascii(c: char) -> bool {
    let compatible = || std::iter::once(c).nfkd().any(|c| c.is_ascii_alphanumeric());
    let canonical = || std::iter::once(c).nfd().any(|c| c.is_ascii_alphanumeric());
    // A keycap displays as a digit in a frame.
    !c.is_ascii() && (c.is_numeric() || c == '\u{20E3}' || (compatible() && !canonical()))
}

fn mixes_alphabets(word: &str) -> bool {
    let looks_latin = |c: char| {
        matches!(
            c,
            '\u{250}'..='\u{2FF}'
                | '\u{370}'..='\u{58F}'
                | '\u{13A0}'..='\u{13FF}'
                | '\u{1D00}'..='\u{1DBF}'
                | '\u{AB30}'..='\u{ABBF}'
        )
    };
    word.chars().any(looks_latin) && word.chars().any(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_what_does_not_matter() {
        for (raw, plain) in [
            ("**Approve**", "approve"),
            ("don’t", "dont"),
            ("Café,", "cafe"),
            ("#142.", "#142"),
            ("-142", "-142"),
            ("?!", ""),
            ("—", "—"),
        ] {
            assert_eq!(bare(raw), plain, "{raw}");
        }
        for (word, same) in [
            ("failures", "failure"),
            ("policies", "policy"),
            ("fixes", "fix"),
            ("access", "access"),
            ("status", "status"),
        ] {
            assert_eq!(stem(word), same);
        }
    }

    #[test]
    fn a_number_is_a_number_alone() {
        let id = |text: &str| words(text)[0].number().map(|number| number.id.map(|id| id.0));
        assert_eq!(id("#142,"), Some(Some(142)));
        for unknown in ["0", "007", "99999999999999999999"] {
            assert_eq!(id(unknown), Some(None), "{unknown}");
        }
        for none in ["ghl-142", "-142", "##142", "1.5", "142nd", "<@142>", "１４２"] {
            assert_eq!(id(none), None, "{none}");
        }
        let list = |text: &str| words(text)[0].list().len();
        assert_eq!(
            (list("142,143"), list("140-145"), list("140..145"), list("2.3"), list("ghl-142")),
            (2, 2, 2, 0, 0)
        );
    }

    #[test]
    fn disguises_are_seen_and_other_scripts_are_none() {
        for text in
            ["approve 14\u{200B}2", "１４２", "аpprove", "①", "1\u{20E3}", "\u{202E}241", "𝐚pprove"]
        {
            assert!(is_disguised(text), "{text}");
        }
        for text in [
            "café",
            "naïve Straße",
            "привет мир",
            "日本語",
            "approve 142 👍🏽",
            "GHLデプロイ",
            "“x” — y…",
        ] {
            assert!(!is_disguised(text), "{text}");
        }
    }
}
