//! Makes an agent's text fit to be shown to a person.
//!
//! Titles and bodies are data. Characters that hide or reorder others go, Markdown is escaped so that no
//! text can imitate the bot's own fields, secrets of known formats are masked, and everything is cut by
//! whole graphemes. Who shows it decides where; this module knows no card.

use std::sync::LazyLock;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

/// A text cut to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What fits.
    pub text: String,
    /// Whether that is all of it.
    pub whole: bool,
}

/// The length that Discord's limits are measured against here: UTF-16 units, which is never less than the
/// number of characters, whichever of the two Discord counts.
#[must_use]
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// More code points in one grapheme than any script needs (a family emoji has 11); what exceeds it is a stack of marks.
const GRAPHEME_CODE_POINTS: usize = 12;

/// Removes what hides, reorders or colours text: control characters but line feed and tab, terminal
/// sequences, bidirectional and zero-width characters, tags, and all but the first marks of a stack.
/// Masks secrets.
#[must_use]
pub fn clean(text: &str) -> String {
    let visible = visible(text);
    let thinned: String = visible.graphemes(true).flat_map(|grapheme| grapheme.chars().take(GRAPHEME_CODE_POINTS)).collect();
    mask_secrets(&thinned)
}

/// The text without what hides, reorders or colours it, and with all else as it is.
#[must_use]
pub fn visible(text: &str) -> String {
    let text = TERMINAL_SEQUENCE.replace_all(text, "").replace("\r\n", "\n");
    let mut before = ' ';
    text.chars()
        .filter(|c| {
            // Joiners and variation selectors belong to emoji and scripts; behind ASCII they only hide something.
            let hidden = is_hidden(*c) || (before.is_ascii() && matches!(c, '\u{200D}' | '\u{FE00}'..='\u{FE0F}'));
            before = if hidden { before } else { *c };
            !hidden
        })
        .collect()
}

/// JSON that says the same, with every character that hides or reorders text written as its number: nothing is lost, and
/// nothing happens to the terminal it is printed on.
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

/// [`clean`], on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A cleaned text with its Markdown escaped, within `limit` units. A mention of everybody pings nobody (the bot's
/// messages allow none); broken up, it does not look like one either.
#[must_use]
pub fn escaped(text: &str, limit: usize) -> Cut {
    let mut room = Room::new(limit);
    let text = text.replace("@everyone", "@\u{200B}everyone").replace("@here", "@\u{200B}here");
    let mut rest = text.as_str();
    while let Some(found) = URL.find(rest) {
        if !room.add_escaped(&rest[..found.start()]) || !room.add(found.as_str()) {
            return room.cut();
        }
        rest = &rest[found.end()..];
    }
    if room.add_escaped(rest) { room.whole() } else { room.cut() }
}

/// A cleaned text as it is, within `limit` units.
#[must_use]
pub fn plain(text: &str, limit: usize) -> Cut {
    let mut room = Room::new(limit);
    let fits = text.graphemes(true).all(|grapheme| room.add(grapheme));
    if fits { room.whole() } else { room.cut() }
}

/// Takes the life out of links, for a message's plain content: there they would be fetched and previewed.
#[must_use]
pub fn without_links(text: &str) -> String {
    text.replace("://", ":\u{2044}\u{2044}")
}

/// A cleaned text inside a code block. A fence within it cannot end the block.
#[must_use]
pub fn code_block(text: &str, language: &str, limit: usize) -> Cut {
    let frame = units(language) + 9;
    let inner = plain(&text.replace("```", "'''"), limit.saturating_sub(frame));
    Cut { text: format!("```{language}\n{}\n```", inner.text.trim_end()), whole: inner.whole }
}

/// A cleaned text, escaped, each line marked as a quotation: nothing in it can look like the bot's own words.
#[must_use]
pub fn quotation(text: &str, limit: usize) -> Cut {
    let mut quoted = Cut { text: String::new(), whole: true };
    let mut left = limit;
    for line in text.lines() {
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

/// Collects what fits, keeping room for the mark that says it is not all.
struct Room {
    text: String,
    left: usize,
    /// Where to cut back to, so that the mark fits.
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
            // By the first character: what extends a grapheme does not keep Markdown from seeing it.
            let special = match grapheme.chars().next() {
                Some('\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']') => true,
                Some('#' | '-' | '+') => line_start,
                _ => false,
            };
            line_start = grapheme == "\n" || (line_start && grapheme == " ");
            let added = if special { self.add(&format!("\\{grapheme}")) } else { self.add(grapheme) };
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

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180E}' => true,
        '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => c.is_control(),
    }
}

/// A pattern that is part of the program: a wrong one fails the first test that comes near it.
#[expect(clippy::expect_used, reason = "constant patterns, all compiled by the tests below")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static TERMINAL_SEQUENCE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|\u{9b}[0-?]*[ -/]*[@-~]"));

static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r"https?://[A-Za-z0-9._~:/?#@!$&'+,;=%-]+"));

/// Formats of secrets that their issuers document, so that they can be recognised.
static SECRETS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "AWS key"),
        (r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})", "GitHub token"),
        (r"\bglpat-[A-Za-z0-9_-]{20,}", "GitLab token"),
        (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", "Slack token"),
        (r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}", "Stripe key"),
        (r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}", "API key"),
        (r"\bAIza[0-9A-Za-z_-]{35}", "Google key"),
        (r"\bnpm_[A-Za-z0-9]{36}\b", "npm token"),
        (r"\bpypi-[A-Za-z0-9_-]{50,}", "PyPI token"),
        (r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}", "SendGrid key"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", "JSON web token"),
        (r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}", "Discord token"),
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)", "private key"),
        (r"\b(?P<keep>[a-z][a-z0-9+.-]*://[^\s:/@]+):[^\s:/@]+@", "password"),
    ]
    .into_iter()
    .map(|(text, name)| (pattern(text), name))
    .collect()
});

/// Replaces every secret of a known format by its name in bullets.
#[must_use]
pub fn mask_secrets(text: &str) -> String {
    let mut masked = text.to_owned();
    for (regex, name) in SECRETS.iter() {
        let kept = regex.capture_names().flatten().next().is_some();
        let replacement =
            if kept { format!("${{keep}}:••• {name} •••@") } else { format!("••• {name} •••") };
        if regex.is_match(&masked) {
            masked = regex.replace_all(&masked, replacement.as_str()).into_owned();
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_visible_ones_stay() {
        assert_eq!(clean("a\u{202E}b\u{200B}c\u{7}d\te\nf"), "abcd\te\nf");
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("[\u{200D}Pay](x) gh\u{FE0F}p"), "[Pay](x) ghp");
        assert_eq!(clean("👩‍💻 naïve 日本語 עברית"), "👩‍💻 naïve 日本語 עברית");
        assert_eq!(clean(&format!("e{}", "\u{301}".repeat(500))).chars().count(), GRAPHEME_CODE_POINTS);
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
        assert_eq!(escaped("**Approved** by [Maya](x)", 100).text, r"\*\*Approved\*\* by \[Maya\](x)");
        assert_eq!(escaped("[\u{301}x]*\u{301}", 100).text, "\\[\u{301}x\\]\\*\u{301}");
        assert_eq!(escaped("see https://ci.example/a_b_c now_", 100).text, r"see https://ci.example/a_b_c now\_");
        assert_eq!(escaped("# big\n- x - y\n<@1>", 100).text, "\\# big\n\\- x - y\n\\<@1\\>");
    }

    #[test]
    fn a_cut_never_splits_a_grapheme_or_an_escape() {
        for limit in 1..30 {
            let cut = escaped("**👩‍💻** e\u{301}e\u{301} https://a.b", limit);
            assert!(units(&cut.text) <= limit, "{limit}: {}", cut.text);
            assert!(!cut.text.trim_end_matches('…').ends_with('\\') || cut.text.ends_with("\\\\…"), "{}", cut.text);
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

    #[test]
    fn secrets_of_known_formats_are_masked() {
        let key = format!("key {}{} end", "AKIA", "IOSFODNN7EXAMPLE");
        assert_eq!(clean(&key), "key ••• AWS key ••• end");
        let url = format!("postgres://app:{}@db/x", "hunter2");
        assert_eq!(clean(&url), "postgres://app:••• password •••@db/x");
        assert_eq!(clean("sk-learn is a library"), "sk-learn is a library");
        let split = format!("ghp\u{200B}_{}", "a".repeat(36));
        assert_eq!(clean(&split), "••• GitHub token •••", "hiding a secret from the mask does not work");
    }
}
