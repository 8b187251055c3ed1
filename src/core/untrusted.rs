//! Makes an agent's text safe to show to a person.
//!
//! Titles and bodies are data. Characters that hide or reorder others are removed, Markdown is
//! escaped to keep text from imitating the bot's own fields, secrets of known formats are masked,
//! and every text is cut at grapheme boundaries. Does not depend on cards; the caller decides where
//! a text appears.

mod look_alikes;
mod private_key;
mod revealed;
mod secrets;

use std::sync::LazyLock;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

pub use self::look_alikes::{both_ends, file_name, in_line, shape};
pub use self::revealed::{
    Revealed, reveal, revealed, revealed_bytes, revealed_line, verbatim_block,
};
pub use self::secrets::{TextKind, count_secrets, mask_secrets};

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

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Secrets are masked: for everybody.
    Masked,
    /// Secrets are shown: for a person who may decide, and nobody else.
    Shown,
}

/// Removes everything that hides, reorders or colours text: control characters except line feed and
/// tab, terminal sequences, bidirectional and zero-width characters, tags, and excess combining
/// marks. Replaces mathematical letters by plain letters, because mathematical bold could pass for
/// the bot's own bold text. Masks secrets.
#[must_use]
pub fn clean(text: &str) -> String {
    mask_secrets(&unmasked(text))
}

/// [`clean`], but for the secrets.
#[must_use]
pub fn unmasked(text: &str) -> String {
    let visible: String = visible(text).chars().map(plain_character).collect();
    let mut thinned = String::with_capacity(visible.len());
    for grapheme in visible.graphemes(true) {
        thin(grapheme, &mut thinned);
    }
    thinned
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

/// A URL to be shown as a live link, if it is nothing but a URL that leads where it seems to: what
/// cleaning would change, what Markdown reads, and a user part are in none.
#[must_use]
pub fn live_link(url: &str) -> Option<&str> {
    let whole = URL.find(url).is_some_and(|found| found.as_str() == url);
    (whole && !has_user(url) && one_line(url) == url).then_some(url)
}

/// Cuts a cleaned text to `limit` UTF-16 units, without escaping.
#[must_use]
pub fn plain(text: &str, limit: usize) -> Cut {
    let mut room = Room::new(limit);
    let fits = text.graphemes(true).all(|grapheme| room.add(grapheme));
    if fits { room.whole() } else { room.cut() }
}

/// Disables links, where Discord would fetch and preview the address.
#[must_use]
pub fn without_links(text: &str) -> String {
    text.replace("://", ":\u{2044}\u{2044}")
}

/// The bot's links to its own messages: the only live links in a message's content.
const TO_MESSAGES: &str = "https://discord.com/channels/";

/// Disables every link and invitation in a message's plain content, except links to messages and
/// what stands in code, which Discord neither links nor previews.
#[must_use]
pub fn only_own_links(content: &str) -> String {
    let mut safe = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with(TO_MESSAGES) {
            TO_MESSAGES.len()
        } else if c == '\\' {
            // An escaped character opens no code.
            1 + rest[1..].chars().next().map_or(0, char::len_utf8)
        } else if c == '`' {
            code_length(rest)
        } else if rest.starts_with("://") {
            safe.push_str(&without_links("://"));
            rest = &rest[3..];
            continue;
        } else if let Some(invitation) = INVITATION.find(rest) {
            safe.push_str(&invitation.as_str().replace('/', "\u{2044}"));
            rest = &rest[invitation.end()..];
            continue;
        } else {
            c.len_utf8()
        };
        safe.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    safe
}

/// Length of the code that a text begins with; of the backticks alone if nothing ends them.
fn code_length(text: &str) -> usize {
    let ticks = |text: &str| text.len() - text.trim_start_matches('`').len();
    let opening = ticks(text);
    let mut at = opening;
    while let Some(found) = text[at..].find('`') {
        let closing = ticks(&text[at + found..]);
        at += found + closing;
        if closing == opening {
            return at;
        }
    }
    opening
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

/// What Discord makes an invitation of, also without a scheme.
static INVITATION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?i:discord(?:app)?\.(?:gg|com|new|gift)/)"));

static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r"https?://[A-Za-z0-9._~:/?#@!$&'+,;=%-]+"));

#[cfg(test)]
mod tests;
