//! Rules for the emoji of components: one of Unicode's, or a custom one by its id. Which custom
//! emoji exist is not checked: the sandbox's servers have none.

use serde_json::Value;

use super::form::{Field, Length, Rule, fields, optional};
use crate::refusal::Problems;

const EMOJI: &[Field] = &[
    optional("id", Rule::Id),
    optional("name", Rule::Text(Length::UpTo(32))),
    optional("animated", Rule::Bool),
];

/// Checks the emoji of a button or of a select menu's option.
pub(super) fn check(emoji: &Value, path: &str, problems: &mut Problems) {
    fields(emoji, path, EMOJI, problems);
    let name = emoji["name"].as_str().unwrap_or_default();
    if emoji.is_object() && emoji["id"].is_null() && !is_emoji(name) {
        // The code is the same for every kind of component.
        let path = format!("{path}.name");
        problems.add(&path, "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji");
    }
}

const VARIATION: char = '\u{fe0f}';
const TEXT_VARIATION: char = '\u{fe0e}';
const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';

/// Whether a text is exactly one emoji, by the sequences of Unicode's Technical Standard 51: a
/// flag, a keycap, or pictographs with their modifiers, joined.
pub(crate) fn is_emoji(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    match letters.as_slice() {
        [a, b] if is_regional(*a) && is_regional(*b) => return true,
        [digit, rest @ ..] if digit.is_ascii_digit() || matches!(digit, '#' | '*') => {
            return matches!(rest, [KEYCAP] | [VARIATION, KEYCAP]);
        }
        _ => {}
    }
    !letters.is_empty() && letters.split(|c| *c == JOINER).all(is_element)
}

/// A pictograph with what changes its looks.
fn is_element(letters: &[char]) -> bool {
    let [base, rest @ ..] = letters else { return false };
    let is_modifier = |c: &char| {
        matches!(*c, VARIATION | TEXT_VARIATION | '\u{1f3fb}'..='\u{1f3ff}')
            || matches!(*c, '\u{e0020}'..='\u{e007f}')
    };
    is_pictograph(*base) && rest.iter().all(is_modifier)
}

fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Whether a character is in a block that holds emoji.
fn is_pictograph(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23ff}' | '\u{24c2}'
        | '\u{25aa}'..='\u{25fe}' | '\u{2600}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
        | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f004}'..='\u{1f1e5}' | '\u{1f200}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::is_emoji;

    #[test]
    fn one_emoji_is_told_from_words_and_several() {
        for emoji in ["👍", "❤️", "❤", "👍🏽", "🇩🇪", "1️⃣", "👨‍👩‍👧", "🏳️‍🌈", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "✅"]
        {
            assert!(is_emoji(emoji), "{emoji}");
        }
        for other in ["", "thumbsup", ":+1:", "👍👍", "1", "ok 👍", "é", "black_nib"] {
            assert!(!is_emoji(other), "{other}");
        }
    }
}
