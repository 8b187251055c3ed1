//! Names of projects and kinds: the canonical form, and the characters that a name may have.
//!
//! Policy is chosen by these names. A name that only looks like another name must therefore never
//! escape the other name's rules.

use crate::core::untrusted::imitates_plain_character;

/// The longest name of a project or kind, in bytes.
pub const LONGEST_NAME: usize = 100;

/// A project's name in canonical form: trimmed, in lower case.
#[must_use]
pub fn project_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Whether the name of a project or kind may contain this character: a letter, a digit, a blank or
/// one of `-_./`. A name with hidden or styled characters could look like another name and escape
/// the other name's rules.
#[must_use]
pub fn is_name_char(c: char) -> bool {
    let wide = ('\u{FF00}'..='\u{FFEF}').contains(&c);
    (c.is_alphanumeric() && !wide && !imitates_plain_character(c))
        || matches!(c, ' ' | '-' | '_' | '.' | '/')
}

/// Whether a name is short enough and has only characters that imitate no other name.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.chars().all(is_name_char) && !is_of_two_alphabets(name)
}

/// Whether a name mixes Latin letters with letters of an alphabet of similar shapes: `shоp` with a
/// Cyrillic о.
fn is_of_two_alphabets(name: &str) -> bool {
    // Greek and Coptic, Cyrillic, Armenian; the extensions of these blocks; Cherokee.
    let same_shapes = |c| {
        matches!(c,
            '\u{0370}'..='\u{058F}' | '\u{13A0}'..='\u{13FF}' | '\u{1C80}'..='\u{1C8F}'
            | '\u{1F00}'..='\u{1FFF}' | '\u{2C80}'..='\u{2CFF}' | '\u{2DE0}'..='\u{2DFF}'
            | '\u{A640}'..='\u{A69F}' | '\u{AB70}'..='\u{ABBF}')
    };
    name.chars().any(|c| c.is_ascii_alphabetic()) && name.chars().any(same_shapes)
}
