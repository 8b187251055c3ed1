//! Makes an agent's text safe to show to a person.
//!
//! Titles and bodies are data. Characters that hide or reorder others are removed, Markdown is
//! escaped to keep text from imitating the bot's own fields, secrets of known formats are masked,
//! and every text is cut at grapheme boundaries. Does not depend on cards; the caller decides where
//! a text appears.

mod revealed;
mod secrets;

use std::sync::LazyLock;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

pub use self::revealed::{has_hidden, has_masked, revealed, revealed_line, verbatim_block};
pub use self::secrets::mask_secrets;

/// A text cut to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The part that fits.
    pub text: String,
    /// Whether `text` is the whole text.
    pub whole: bool,
}

/// Length of a text for Discord's limits, in UTF-16 units. Never less than the number of
/// characters, and therefore safe whichever unit Discord counts.
#[must_use]
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Maximum code points per grapheme. More than any script needs: a family emoji has 11.
const GRAPHEME_CODE_POINTS: usize = 12;
/// Maximum combining marks per letter. More than any script needs; a taller stack runs into the
/// lines above and below.
const GRAPHEME_MARKS: usize = 4;
/// Maximum lines of a text on a card. More lines would push the rest of the card, and the buttons,
/// out of sight.
const MOST_LINES: usize = 25;
/// Like [`MOST_LINES`], for code, where short lines are usual.
const MOST_CODE_LINES: usize = 40;

/// Removes everything that hides, reorders or colours text: control characters except line feed and
/// tab, terminal sequences, bidirectional and zero-width characters, tags, and excess combining
/// marks. Replaces mathematical letters by plain letters, because mathematical bold could pass for
/// the bot's own bold text. Masks secrets.
#[must_use]
pub fn clean(text: &str) -> String {
    let visible: String = visible(text).chars().map(plain_character).collect();
    let mut thinned = String::with_capacity(visible.len());
    for grapheme in visible.graphemes(true) {
        thin(grapheme, &mut thinned);
    }
    mask_secrets(&thinned)
}

/// Removes everything that hides, reorders or colours text, and changes nothing else, except that
/// `\r\n` becomes `\n`.
#[must_use]
pub fn visible(text: &str) -> String {
    let text = TERMINAL_SEQUENCE.replace_all(text, "").replace("\r\n", "\n");
    let mut before = ' ';
    text.chars()
        .filter(|c| {
            // Emoji and scripts need joiners and variation selectors; after an ASCII character they
            // only hide something.
            let hidden = is_hidden(*c)
                || (before.is_ascii() && matches!(c, '\u{200D}' | '\u{FE00}'..='\u{FE0F}'));
            before = if hidden { before } else { *c };
            !hidden
        })
        .collect()
}

/// Escapes characters that hide or reorder text as `\u` sequences. The JSON value stays equal, and
/// the output is safe to print on a terminal.
#[must_use]
pub fn visible_json(json: &str) -> String {
    use std::fmt::Write as _;
    let mut visible = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(visible, "\\u{unit:04x}");
            }
        } else {
            visible.push(c);
        }
    }
    visible
}

/// The plain character that `c` imitates, or `c`.
fn plain_character(c: char) -> char {
    let of = |alphabet: &[u8], from: u32| {
        alphabet[(u32::from(c) - from) as usize % alphabet.len()].into()
    };
    match c {
        // Bold, italic, script …: the alphabet 13 times, and the digits 5 times.
        '\u{1D400}'..='\u{1D6A3}' => {
            of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 0x1_D400)
        }
        '\u{1D7CE}'..='\u{1D7FF}' => of(b"0123456789", 0x1_D7CE),
        // Braille pattern blank.
        '\u{2800}' => ' ',
        _ => c,
    }
}

/// Whether the character imitates a plain character.
#[must_use]
pub fn imitates_plain_character(c: char) -> bool {
    plain_character(c) != c
}

/// Appends a grapheme without excess marks and code points.
fn thin(grapheme: &str, to: &mut String) {
    if grapheme.chars().nth(GRAPHEME_MARKS).is_none() {
        to.push_str(grapheme);
        return;
    }
    let mut marks = 0;
    let kept = grapheme.chars().take(GRAPHEME_CODE_POINTS).filter(|c| {
        let mark = MARK.is_match(c.encode_utf8(&mut [0; 4]));
        marks = if mark { marks + 1 } else { 0 };
        !mark || marks <= GRAPHEME_MARKS
    });
    to.extend(kept);
}

/// [`clean`], on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// [`one_line`], without the dot that separates the parts of the bot's own lines.
#[must_use]
pub fn one_part(text: &str) -> String {
    one_line(text).replace('·', "-")
}

/// A safe file name: no folder, and distinct from the names of the bot's own files.
#[must_use]
pub fn file_name(name: &str) -> String {
    let name = plain(&one_line(name).replace(['/', '\\'], "-"), 100).text;
    match name.as_str() {
        "" => "attached-file".into(),
        own if own.starts_with("decision-") => format!("attached-{own}"),
        _ => name,
    }
}

/// First lines of a cleaned text; consecutive empty lines are merged.
#[must_use]
pub fn few_lines(text: &str, most: usize) -> Cut {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() && lines.last().is_some_and(|last| last.trim().is_empty()) {
            continue;
        }
        if lines.len() == most {
            return Cut { text: lines.join("\n"), whole: false };
        }
        lines.push(line);
    }
    Cut { text: lines.join("\n"), whole: true }
}

/// Escapes the Markdown of a cleaned text, within `limit` UTF-16 units and a maximum number of
/// lines. `@everyone` and `@here` are broken up to not look like mentions either; they ping nobody,
/// because the bot's messages allow no pings.
#[must_use]
pub fn escaped(text: &str, limit: usize) -> Cut {
    let mut room = Room::new(limit);
    let few = few_lines(text, MOST_LINES);
    let text = few.text.replace("@everyone", "@\u{200B}everyone").replace("@here", "@\u{200B}here");
    let mut rest = text.as_str();
    while let Some(found) = URL.find(rest) {
        let (before, after) = (&rest[..found.start()], &rest[found.end()..]);
        let link = match found.as_str() {
            // The user part before the @ looks like the link's destination.
            link if has_user(link) => without_links(link),
            // Without a following space, Discord would draw the next characters, with their
            // escapes, as part of the address.
            link if after.chars().next().is_some_and(|c| !c.is_whitespace()) => format!("<{link}>"),
            link => link.to_owned(),
        };
        if !room.add_escaped(before) || !room.add(&link) {
            return room.cut();
        }
        rest = after;
    }
    if room.add_escaped(rest) && few.whole { room.whole() } else { room.cut() }
}

/// Whether a URL has a user part before the host: `https://ci.example@evil.example/`.
fn has_user(link: &str) -> bool {
    link.split("://")
        .nth(1)
        .is_some_and(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@'))
}

/// Cuts a cleaned text to `limit` UTF-16 units, without escaping.
#[must_use]
pub fn plain(text: &str, limit: usize) -> Cut {
    let mut room = Room::new(limit);
    let fits = text.graphemes(true).all(|grapheme| room.add(grapheme));
    if fits { room.whole() } else { room.cut() }
}

/// Disables links, for a message's plain content, where Discord would fetch and preview the
/// address.
#[must_use]
pub fn without_links(text: &str) -> String {
    text.replace("://", ":\u{2044}\u{2044}")
}

/// A cleaned text inside a code block. A fence in the text cannot end the block.
#[must_use]
pub fn code_block(text: &str, language: &str, limit: usize) -> Cut {
    let frame = units(language) + 9;
    let few = few_lines(text, MOST_CODE_LINES);
    let inner = plain(&few.text.replace("```", "'''"), limit.saturating_sub(frame));
    let more = if inner.whole && !few.whole && units(&inner.text) + frame + 2 <= limit {
        "\n…"
    } else {
        ""
    };
    Cut {
        text: format!("```{language}\n{}{more}\n```", inner.text.trim_end()),
        whole: inner.whole && few.whole,
    }
}

/// A cleaned text, escaped, with each line marked as a quotation, to keep the text from imitating
/// the bot's own words.
#[must_use]
pub fn quotation(text: &str, limit: usize) -> Cut {
    let few = few_lines(text, MOST_LINES);
    let mut quoted = Cut { text: String::new(), whole: few.whole };
    let mut left = limit;
    for line in few.text.lines() {
        if left < 8 {
            quoted.whole = false;
            break;
        }
        let cut = escaped(line, left - 3);
        left -= units(&cut.text) + 3;
        quoted.text.push_str("> ");
        quoted.text.push_str(&cut.text);
        quoted.text.push('\n');
        quoted.whole &= cut.whole;
    }
    quoted.text.truncate(quoted.text.trim_end_matches('\n').len());
    quoted
}

/// Collects text up to a limit, with room reserved for the ellipsis of a cut text.
struct Room {
    text: String,
    left: usize,
    /// Length to truncate to when the ellipsis is needed.
    last_safe: usize,
}

impl Room {
    fn new(limit: usize) -> Self {
        Self { text: String::new(), left: limit, last_safe: 0 }
    }

    fn add(&mut self, piece: &str) -> bool {
        let size = units(piece);
        if size > self.left {
            return false;
        }
        self.left -= size;
        self.text.push_str(piece);
        if self.left >= 1 {
            self.last_safe = self.text.len();
        }
        true
    }

    fn add_escaped(&mut self, text: &str) -> bool {
        let mut line_start = self.text.is_empty() || self.text.ends_with('\n');
        for grapheme in text.graphemes(true) {
            // Compares the first character: Markdown still recognises a character that combining
            // characters extend.
            let special = match grapheme.chars().next() {
                Some('\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']') => true,
                Some('#' | '-' | '+') => line_start,
                _ => false,
            };
            line_start = grapheme == "\n" || (line_start && grapheme == " ");
            let added =
                if special { self.add(&format!("\\{grapheme}")) } else { self.add(grapheme) };
            if !added {
                return false;
            }
        }
        true
    }

    fn whole(self) -> Cut {
        Cut { text: self.text, whole: true }
    }

    fn cut(mut self) -> Cut {
        self.text.truncate(self.last_safe);
        self.text.push('…');
        Cut { text: self.text, whole: false }
    }
}

/// Whether a character is invisible, covers other characters, or changes how others are drawn.
/// Joiners and variation selectors do not count: emoji and scripts need these.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{00AD}'
        | '\u{034F}'
        | '\u{061C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' => true,
        '\u{200B}'
        | '\u{200C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' => true,
        // Circles and other marks that enclose a letter and cover its neighbours; a keycap does
        // not.
        '\u{0488}'
        | '\u{0489}'
        | '\u{1ABE}'
        | '\u{20DD}'..='\u{20E0}'
        | '\u{20E2}'
        | '\u{20E4}'
        | '\u{A670}'..='\u{A672}' => true,
        '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' => true,
        '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => c.is_control(),
    }
}

/// Compiles a constant pattern; the first test that uses an invalid pattern fails.
#[expect(clippy::expect_used, reason = "constant patterns, all compiled by the tests below")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static TERMINAL_SEQUENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|\u{9b}[0-?]*[ -/]*[@-~]",
    )
});

/// Combining marks, drawn on the preceding letter.
static MARK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{M}"));

static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r"https?://[A-Za-z0-9._~:/?#@!$&'+,;=%-]+"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_visible_ones_stay() {
        assert_eq!(clean("a\u{202E}b\u{200B}c\u{7}d\te\nf"), "abcd\te\nf");
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("[\u{200D}Pay](x) gh\u{FE0F}p"), "[Pay](x) ghp");
        assert_eq!(clean("👩‍💻 naïve 日本語 עברית"), "👩‍💻 naïve 日本語 עברית");
        assert_eq!(
            clean(&format!("e{}", "\u{301}".repeat(500))).chars().count(),
            1 + GRAPHEME_MARKS
        );
        assert_eq!(clean(&"👩\u{200D}".repeat(500)).chars().count(), GRAPHEME_CODE_POINTS);
        assert_eq!(clean("कार्त्स्न्य"), "कार्त्स्न्य", "five consonants are one syllable");
        assert_eq!(clean("𝗥𝗶𝘀𝗸 𝐀𝒛 𝟎𝟗\u{2800}x ﷽"), "Risk Az 09 x ﷽");
    }

    #[test]
    fn whatever_unicode_calls_ignorable_or_a_format_is_hidden() {
        let invisible = pattern(r"^[\p{Default_Ignorable_Code_Point}\p{Cf}]$");
        // Joiners and variation selectors, and the signs that stand before or around a number and
        // are seen.
        let seen = pattern(r"^[\u{200D}\u{FE00}-\u{FE0F}\p{Prepended_Concatenation_Mark}]$");
        let missed: Vec<char> = ('\0'..=char::MAX)
            .filter(|c| {
                invisible.is_match(&c.to_string())
                    && !seen.is_match(&c.to_string())
                    && !is_hidden(*c)
            })
            .collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn lines_are_few_and_none_of_them_are_empty_in_a_row() {
        assert_eq!(few_lines("a\n\n \n\nb", 9).text, "a\n\nb");
        assert_eq!(few_lines("a\nb\nc", 2), Cut { text: "a\nb".into(), whole: false });
        for cut in [
            escaped(&"x\n".repeat(400), 900),
            quotation(&"x\n".repeat(400), 900),
            code_block(&"x\n".repeat(400), "diff", 900),
        ] {
            assert!(cut.text.lines().count() <= MOST_CODE_LINES + 3 && !cut.whole, "{}", cut.text);
        }
    }

    #[test]
    fn a_file_is_not_called_like_the_bots_own_and_has_no_folder() {
        for (given, shown) in [
            ("mockup.png", "mockup.png"),
            ("decision-1.md", "attached-decision-1.md"),
            ("../../etc/passwd", "..-..-etc-passwd"),
            ("invoice\u{202E}gnp.exe", "invoicegnp.exe"),
            ("\u{200B}", "attached-file"),
        ] {
            assert_eq!(file_name(given), shown);
        }
    }

    #[test]
    fn json_says_the_same_without_hidden_characters() {
        let said = "a\u{202E}b\u{9b}31m\u{7f}\u{E0041}\n👩‍💻";
        let json = visible_json(&serde_json::to_string(said).unwrap());
        assert_eq!(json, r#""a\u202eb\u009b31m\u007f\udb40\udc41\n👩‍💻""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), said);
    }

    #[test]
    fn markdown_is_escaped_but_links_stay_whole() {
        assert_eq!(
            escaped("**Approved** by [Maya](x)", 100).text,
            r"\*\*Approved\*\* by \[Maya\](x)"
        );
        assert_eq!(escaped("[\u{301}x]*\u{301}", 100).text, "\\[\u{301}x\\]\\*\u{301}");
        assert_eq!(
            escaped("see https://ci.example/a_b_c now_", 100).text,
            r"see https://ci.example/a_b_c now\_"
        );
        assert_eq!(
            escaped("[https://a.b](https://c.d)", 100).text,
            r"\[<https://a.b>\](<https://c.d>)"
        );
        assert_eq!(
            escaped("https://a.b@c.d/ https://a.b/@c", 100).text,
            "https:\u{2044}\u{2044}a.b@c.d/ https://a.b/@c"
        );
        assert_eq!(escaped("# big\n- x - y\n<@1>", 100).text, "\\# big\n\\- x - y\n\\<@1\\>");
    }

    #[test]
    fn a_cut_never_splits_a_grapheme_or_an_escape() {
        for limit in 1..30 {
            let cut = escaped("**👩‍💻** e\u{301}e\u{301} https://a.b", limit);
            assert!(units(&cut.text) <= limit, "{limit}: {}", cut.text);
            assert!(
                !cut.text.trim_end_matches('…').ends_with('\\') || cut.text.ends_with("\\\\…"),
                "{}",
                cut.text
            );
        }
        assert_eq!(plain("abc", 3), Cut { text: "abc".into(), whole: true });
        assert_eq!(plain("abcd", 3), Cut { text: "ab…".into(), whole: false });
    }

    #[test]
    fn a_fence_in_a_text_does_not_end_the_block() {
        assert_eq!(code_block("a\n```\n**b**", "diff", 100).text, "```diff\na\n'''\n**b**\n```");
        assert!(units(&code_block(&"x".repeat(100), "diff", 50).text) <= 50);
    }

    #[test]
    fn a_quotation_marks_each_line_and_keeps_its_limit() {
        assert_eq!(quotation("a\n# b", 100).text, "> a\n> \\# b");
        let lines = quotation(&"x\n".repeat(1_000), 800);
        assert!(units(&lines.text) <= 800 && !lines.whole);
    }
}
