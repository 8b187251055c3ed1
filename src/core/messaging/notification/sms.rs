//! SMS length: counts parts and shortens text to fit.
//!
//! An SMS in the basic alphabet (GSM 03.38) holds 160 characters, or 153 in each of several parts.
//! A single character outside the alphabet switches the whole text to UTF-16: 70 characters, or 67
//! per part. Each part is billed, so typographic characters are replaced by plain characters.

use crate::core::untrusted::{plain, units};

/// Maximum number of parts.
const PARTS: usize = 2;

const BASIC: &str = "@£$¥èéùìòÇ\n\
    ØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ \
    !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
    abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters that count twice.
const EXTENDED: &str = "^{}\\[~]|€";

/// Length in septets of the basic alphabet; `None` if a character is outside the alphabet.
fn septets(text: &str) -> Option<usize> {
    text.chars().try_fold(0, |sum, c| match c {
        c if BASIC.contains(c) => Some(sum + 1),
        c if EXTENDED.contains(c) => Some(sum + 2),
        _ => None,
    })
}

/// Number of SMS parts needed for a text.
#[must_use]
pub fn parts(text: &str) -> usize {
    let (length, alone, together) =
        septets(text).map_or_else(|| (units(text), 70, 67), |length| (length, 160, 153));
    if length <= alone { 1 } else { length.div_ceil(together) }
}

/// Replaces typographic characters with plain characters.
fn plain_marks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '–' | '—' | '−' | '·' | '•' => plain.push('-'),
            '“' | '”' | '„' | '«' | '»' => plain.push('"'),
            '‘' | '’' | '‚' | '`' => plain.push('\''),
            '…' => plain.push_str("..."),
            '→' => plain.push_str("->"),
            // Spaces of any width, and the fraction slash used to defuse links.
            '\u{2044}' | '\u{A0}' | '\u{2009}' | '\u{202F}' | '\t' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// The title, as much of the text as fits, and the link, in at most two parts. The link is left out
/// only if the link alone does not fit: a text without a link still tells that a decision is
/// waiting.
#[must_use]
pub fn fit_sms(title: &str, words: &str, link: Option<&str>) -> String {
    let (title, words) = (plain_marks(title), plain_marks(words));
    let joined = |title: &str, words: &str, link: Option<&str>| {
        [Some(title), Some(words), link]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let fits = |text: &str| parts(text) <= PARTS;
    // `plain` marks a cut with a character outside the basic alphabet.
    let cut = |text: &str, room: usize| plain_marks(&plain(text, room).text);
    let longest = |make: &dyn Fn(usize) -> String, most: usize| {
        (0..=most).rev().map(make).find(|text| fits(text))
    };
    let whole = longest(
        &|room| {
            joined(&title, if room == 0 { String::new() } else { cut(&words, room) }.as_str(), link)
        },
        units(&words),
    );
    let titled = || {
        longest(
            &|room| joined(&cut(&title, room), "", link).trim_start().to_owned(),
            units(&title).min(400),
        )
    };
    whole.or_else(titled).unwrap_or_else(|| cut(&title, 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str =
        "https://discord.com/channels/1000000000000000001/1000000000000000002/1000000000000000003";

    #[test]
    fn parts_are_counted_as_carriers_do() {
        for (text, expected) in [
            ("x".repeat(160), 1),
            ("x".repeat(161), 2),
            ("x".repeat(306), 2),
            ("x".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("ж".repeat(70), 1),
            ("ж".repeat(71), 2),
            ("ж".repeat(135), 3),
            (format!("{}ж", "x".repeat(70)), 2),
        ] {
            assert_eq!(parts(&text), expected, "{text}");
        }
    }

    #[test]
    fn what_fits_goes_and_the_link_stays_whole() {
        let said = fit_sms(
            "GHL deploy SLA BREACHED — action required",
            "Asked 4h 30m ago · high risk",
            Some(LINK),
        );
        assert_eq!(
            said,
            format!(
                "GHL deploy SLA BREACHED - action required\nAsked 4h 30m ago - high risk\n{LINK}"
            )
        );
        assert_eq!(parts(&said), 1);
        for (title, words) in [
            ("t".repeat(50), "w".repeat(2_000)),
            ("t".repeat(900), "w".repeat(2_000)),
            ("т".repeat(30), "ж".repeat(900)),
            ("т".repeat(900), String::new()),
            ("{".repeat(900), "€".repeat(900)),
        ] {
            let said = fit_sms(&title, &words, Some(LINK));
            assert!(parts(&said) <= 2 && said.ends_with(LINK), "{said}");
            assert!(said.starts_with(&title[..10]), "{said}");
            assert!(parts(&format!("{said}{}", "x".repeat(60))) > 2, "as much as fits: {said}");
        }
    }
}
