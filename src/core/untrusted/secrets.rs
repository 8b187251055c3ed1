//! Finds secrets of known formats, to keep secrets off cards, lock screens and terminal histories.
//!
//! Prose is masked generously: a needless mask costs a look at the machine; a secret on Discord is
//! a leaked secret. What will run or be written is masked sparingly, because a mask hides what a
//! person approves: only tokens with a fixed alphabet and a bounded length, which contain neither
//! whitespace nor shell syntax, and which do not decode to text.

use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::{Captures, Regex};

use super::{pattern, private_key};

/// What a text is, which decides how much of the text may be masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// An agent's explanation.
    Prose,
    /// A command, a diff, or the arguments of a tool: a person approves exactly this text.
    Call,
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// Location in the text, in bytes.
    pub(super) range: Range<usize>,
    /// Name of the format.
    pub(super) name: &'static str,
}

impl Secret {
    /// The replacement of the secret.
    pub(super) fn mask(&self) -> String {
        format!("••• {} •••", self.name)
    }
}

/// End of the name of a secret value, including a closing quotation mark.
const NAMED: &str = concat!(
    r"(?i)(?:password|passwd|passphrase|pwd|secret|token|",
    r#"(?:api|access|private|secret)[_-]?key)["']?"#
);

/// A format of secrets. The group `secret` is masked, or else the whole match.
struct Format {
    /// One of these is in every text with such a secret, in small letters: most texts have none,
    /// and then the pattern is not even compiled.
    hints: &'static [&'static str],
    /// The pattern. `NAMED` stands for [`NAMED`].
    pattern: &'static str,
    /// Maximum length in a call, in bytes. Not a part of the pattern, because a pattern with large
    /// bounds is slow to compile.
    longest: usize,
    name: &'static str,
    regex: OnceLock<Regex>,
}

impl Format {
    const fn new(
        hints: &'static [&'static str],
        pattern: &'static str,
        longest: usize,
        name: &'static str,
    ) -> Self {
        Self { hints, pattern, longest, name, regex: OnceLock::new() }
    }

    /// The pattern, if a text may have such a secret. `lower`: the text in small letters.
    fn regex_for(&self, lower: &str) -> Option<&Regex> {
        let may_have = self.hints.iter().any(|hint| lower.contains(hint));
        may_have.then(|| self.regex.get_or_init(|| pattern(&self.pattern.replace("NAMED", NAMED))))
    }
}

/// Hints of [`NAMED`].
const NAMES: &[&str] = &["passw", "passphrase", "pwd", "secret", "token", "key"];

/// Tokens that issuers document. Each has a fixed alphabet and a bounded length.
static TOKENS: [Format; 18] = [
    Format::new(
        &["akia", "asia", "abia", "acca"],
        r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",
        128,
        "AWS key",
    ),
    Format::new(
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        256,
        "GitHub token",
    ),
    Format::new(
        &["gl"],
        r"gl(?:pat|dt|rt|ptt|cbt|ft|imt|agent|oas)-[A-Za-z0-9_.-]{20,}",
        128,
        "GitLab token",
    ),
    Format::new(
        &["xox", "xapp-"],
        r"(?:xox[abcdeoprs]|xapp)-[0-9][A-Za-z0-9-]{10,}",
        256,
        "Slack token",
    ),
    Format::new(
        &["k_live_", "k_test_"],
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}",
        128,
        "Stripe key",
    ),
    Format::new(&["whsec_"], r"whsec_[A-Za-z0-9]{24,}", 80, "Stripe webhook secret"),
    Format::new(&["sk-"], r"sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}", 256, "API key"),
    Format::new(&["aiza"], r"AIza[0-9A-Za-z_-]{35}", 128, "Google key"),
    Format::new(&["gocspx-"], r"GOCSPX-[A-Za-z0-9_-]{20,}", 80, "Google client secret"),
    Format::new(&["ya29."], r"ya29\.[A-Za-z0-9_-]{20,}", 512, "Google token"),
    Format::new(&["npm_"], r"npm_[A-Za-z0-9]{36}", 128, "npm token"),
    Format::new(&["pypi-"], r"pypi-[A-Za-z0-9_-]{50,}", 512, "PyPI token"),
    Format::new(&["hf_"], r"hf_[A-Za-z0-9]{30,}", 80, "Hugging Face token"),
    Format::new(&["dop_v1_"], r"dop_v1_[a-f0-9]{64}", 128, "DigitalOcean token"),
    Format::new(&["sg."], r"SG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}", 112, "SendGrid key"),
    Format::new(
        &["."],
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
        112,
        "Discord token",
    ),
    Format::new(&["gander_"], r"gander_[A-Za-z0-9_-]{40,}", 128, "Gander token"),
    Format::new(&["age-secret-key-1"], r"AGE-SECRET-KEY-1[0-9A-Z]{50,}", 80, "age key"),
];

/// Secrets that only their neighbourhood gives away, in what will run or be written: values of a
/// length and an alphabet that no word and no file name has.
static BESIDE_NAMES: [Format; 8] = [
    // The signature makes the token usable; header and claims are readable text.
    Format::new(
        &["eyj"],
        concat!(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.", r"(?P<secret>[A-Za-z0-9_-]{20,})"),
        1_024,
        "signature of a JSON web token",
    ),
    Format::new(
        &["hooks.slack.com"],
        concat!(
            r"https://hooks\.slack\.com/services/[A-Z0-9]+/[A-Z0-9]+/",
            r"(?P<secret>[A-Za-z0-9]{20,})"
        ),
        40,
        "Slack webhook",
    ),
    Format::new(
        &["/webhooks/"],
        concat!(
            r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/",
            r"(?P<secret>[A-Za-z0-9_-]{60,})"
        ),
        90,
        "Discord webhook",
    ),
    Format::new(&["://"], r"://[A-Za-z0-9._-]*:(?P<secret>[A-Za-z0-9_-]{20,})@", 128, "password"),
    Format::new(&["://"], r"://(?P<secret>[A-Za-z0-9_-]{20,})@", 128, "token"),
    Format::new(&["bearer"], r"(?i)\bbearer[ \t]+(?P<secret>[A-Za-z0-9_-]{20,})", 256, "token"),
    Format::new(
        NAMES,
        r#"(?i)secret_?access_?key["']?[ \t]*[:=][ \t]*["']?(?P<secret>[A-Za-z0-9/+]{40})"#,
        40,
        "AWS secret",
    ),
    Format::new(
        NAMES,
        r#"NAMED[ \t]*[:=][ \t]*["']?(?P<secret>[A-Za-z0-9_-]{20,})"#,
        128,
        "secret",
    ),
];

/// Secrets in prose. Values end at whitespace and at shell syntax.
static IN_PROSE: [Format; 10] = [
    Format::new(
        &["eyj"],
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        usize::MAX,
        "JSON web token",
    ),
    Format::new(
        &["hooks.slack.com"],
        concat!(
            r"https://hooks\.slack\.com/(?:services|workflows|triggers)/",
            r"(?P<secret>[A-Za-z0-9/_-]{20,})"
        ),
        usize::MAX,
        "Slack webhook",
    ),
    Format::new(
        &["/webhooks/"],
        concat!(
            r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/",
            r"(?P<secret>[A-Za-z0-9_-]{20,})"
        ),
        usize::MAX,
        "Discord webhook",
    ),
    // `user:password@` in a URL, and a token in place of the user.
    Format::new(
        &["://"],
        r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s:/@]*:(?P<secret>[^\s/"'`$;|&<>()]+)@"#,
        usize::MAX,
        "password",
    ),
    Format::new(
        &["://"],
        r"(?i)\b[a-z][a-z0-9+.-]*://(?P<secret>[A-Za-z0-9_-]{20,})@",
        usize::MAX,
        "token",
    ),
    Format::new(
        &["bearer"],
        r"(?i)\bbearer\s+(?P<secret>[A-Za-z0-9._~+/=-]{20,})",
        usize::MAX,
        "token",
    ),
    Format::new(
        &["basic"],
        r#"(?i)\bauthorization["']?\s*[:=]\s*["']?basic\s+(?P<secret>[A-Za-z0-9+/=]{8,})"#,
        usize::MAX,
        "password",
    ),
    // Values named as a secret: password=…, "api_key": "…", token: …
    Format::new(
        NAMES,
        r#"NAMED\s*=\s*["']?(?P<secret>[^\s"'`,;&|$<>{%(•][^\s"'`,;&|$<>()•]{5,})"#,
        usize::MAX,
        "secret",
    ),
    Format::new(
        NAMES,
        r#"NAMED\s*:\s*["'](?P<secret>[^\s"'`$;|&<>(){%•][^"'`$;|&<>()•\n]{5,})"#,
        usize::MAX,
        "secret",
    ),
    Format::new(
        NAMES,
        concat!(
            r#"NAMED\s*:\s*(?P<secret>"#,
            r#"[^\s"'`,;&|$<>{%(•]{3,}[0-9][^\s"'`,;&|$<>()•]*|"#,
            r#"[^\s"'`,;&|$<>{%(•]*[0-9][^\s"'`,;&|$<>()•]{3,})"#
        ),
        usize::MAX,
        "secret",
    ),
];

/// Replaces every secret in prose by the format's name between bullets.
#[must_use]
pub fn mask_secrets(text: &str) -> String {
    masked(text, &secrets(text, TextKind::Prose))
}

/// Number of secrets that are masked in a text of this kind.
#[must_use]
pub fn count_secrets(text: &str, kind: TextKind) -> usize {
    secrets(text, kind).len()
}

fn masked(text: &str, secrets: &[Secret]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for secret in secrets {
        shown.push_str(&text[end..secret.range.start]);
        shown.push_str(&secret.mask());
        end = secret.range.end;
    }
    shown.push_str(&text[end..]);
    shown
}

/// The secrets of a text, in order and without overlaps.
pub(super) fn secrets(text: &str, kind: TextKind) -> Vec<Secret> {
    let mut found: Vec<Secret> = private_key::lines(text, kind)
        .into_iter()
        .map(|range| Secret { range, name: private_key::NAME })
        .collect();
    let lower = text.to_ascii_lowercase();
    let beside: &[Format] = if kind == TextKind::Call { &BESIDE_NAMES } else { &IN_PROSE };
    for format in TOKENS.iter().chain(beside) {
        let Some(regex) = format.regex_for(&lower) else { continue };
        let ranges = regex
            .captures_iter(text)
            .filter_map(|captures| range_of(&captures))
            .filter(|(range, _)| kind == TextKind::Prose || range.len() <= format.longest);
        for (range, _) in ranges.filter(|(range, before)| is_secret(text, range, *before, kind)) {
            let overlaps =
                |other: &Secret| range.start < other.range.end && other.range.start < range.end;
            if !found.iter().any(overlaps) {
                found.push(Secret { range, name: format.name });
            }
        }
    }
    found.sort_by_key(|secret| secret.range.start);
    found
}

/// What stands before a match, as far as the format does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Anything.
    Any,
    /// The part of the format that the mask leaves.
    Named,
}

fn range_of(captures: &Captures<'_>) -> Option<(Range<usize>, Before)> {
    match captures.name("secret") {
        Some(secret) => Some((secret.range(), Before::Named)),
        None => captures.get(0).map(|whole| (whole.range(), Before::Any)),
    }
}

fn is_secret(text: &str, range: &Range<usize>, before: Before, kind: TextKind) -> bool {
    let begins = before == Before::Named || begins_word(&text[..range.start], kind);
    match kind {
        TextKind::Prose => begins,
        TextKind::Call => {
            begins && !continues(&text[range.end..]) && is_random(&text[range.clone()])
        }
    }
}

/// Whether a token may begin after this text. After an escaped line break in JSON, a word begins.
fn begins_word(before: &str, kind: TextKind) -> bool {
    let escapes = ["\\n", "\\t", "\\r"];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if before.ends_with(is_word) {
        return escapes.iter().any(|escape| before.ends_with(escape));
    }
    let in_path = before.ends_with('/') && !before.ends_with("://");
    kind == TextKind::Prose || !(in_path || before.ends_with(['.', '-', '~']))
}

/// Whether the text after a token continues the token to a longer word, for example to the name of
/// a file.
fn continues(after: &str) -> bool {
    let mut next = after.chars();
    match next.next() {
        // The end of a sentence.
        Some('.') => next.next().is_some_and(char::is_alphanumeric),
        Some(c) => c.is_alphanumeric() || "_-+/=~%".contains(c),
        None => false,
    }
}

/// Whether a token looks as if drawn at random: letters and digits, small letters only beside
/// capitals unless hexadecimal, and no text in another encoding. A word, the name of a file or a
/// command in base64 is not random.
pub(super) fn is_random(token: &str) -> bool {
    let has = |is: fn(&char) -> bool| token.chars().any(|c| is(&c));
    let digits = has(char::is_ascii_digit);
    let (upper, lower) = (has(char::is_ascii_uppercase), has(char::is_ascii_lowercase));
    let core = token.rsplit('_').next().unwrap_or(token);
    let is_hex = core.len() >= 32 && core.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Hugging Face draws letters only.
    let digits = digits || (token.starts_with("hf_") && changes_case(core));
    digits && (upper || (lower && is_hex)) && !hides_text(token)
}

/// Whether small and capital letters alternate more often than in words.
fn changes_case(letters: &str) -> bool {
    let case: Vec<bool> = letters.bytes().map(|byte| byte.is_ascii_uppercase()).collect();
    let changes = case.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * 5 >= letters.len() * 2
}

/// Shortest run of printable characters that counts as text.
const TEXT_RUN: usize = 12;

/// Whether a token is readable text in base64 or hexadecimal, at any offset.
fn hides_text(token: &str) -> bool {
    let standard: String = token
        .chars()
        .filter(|c| *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let base64_text = |part: &str| {
        (0..4.min(part.len())).any(|offset| {
            let part = &part[offset..];
            let whole = &part[..part.len() - part.len() % 4];
            STANDARD_NO_PAD.decode(whole).is_ok_and(|bytes| is_text(&bytes))
        })
    };
    let hex_text = |part: &str| {
        (0..2.min(part.len())).any(|offset| {
            let digits: Vec<u32> = part[offset..].chars().filter_map(|c| c.to_digit(16)).collect();
            let bytes: Vec<u8> = digits
                .chunks_exact(2)
                .filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
                .collect();
            is_text(&bytes)
        })
    };
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    let mut parts = standard.split(|c| !is_base64(c)).chain(token.split(['_', '-', '.']));
    parts.any(|part| {
        let hex = part.len() >= 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        part.is_ascii() && (base64_text(part) || (hex && hex_text(part)))
    })
}

fn is_text(bytes: &[u8]) -> bool {
    let printable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    let longest = bytes.split(|byte| !printable(byte)).map(<[u8]>::len).max().unwrap_or(0);
    let count = bytes.iter().filter(|byte| printable(byte)).count();
    longest >= TEXT_RUN || (bytes.len() >= 9 && count * 20 >= bytes.len() * 17)
}

#[cfg(test)]
mod tests;
