//! Calibration and digest as cards: figures beneath a plot.
//!
//! Must not know how a plot is drawn or sent.

use super::Time;
use super::calibration::Calibration;
use super::card::{Card, Field, Tone};
use super::digest::Digest;
use super::pace::Pace;
use super::text::{self, Figures, Part};
use super::untrusted::{escaped, one_line, plain};

/// Characters of a field (Discord: 1,024).
const FIELD: usize = 1_000;

/// The same name as at a terminal, that no mark of the chat can dress up.
fn said(name: &str) -> String {
    escaped(&text::figure_name(&one_line(name)), 60).text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn card(headline: String, title: String, description: String, parts: Vec<Part>) -> Card {
    let field = |(name, lines): Part| Field {
        name: name.into(),
        value: plain(&lines.join("\n"), FIELD).text,
        inline: false,
    };
    Card {
        headline,
        tone: Tone::Figures,
        title,
        description,
        fields: parts.into_iter().map(field).collect(),
        footer: String::new(),
        controls: false,
        texts: Vec::new(),
        attachments: Vec::new(),
    }
}

/// How often people agreed.
#[must_use]
pub fn calibration_card(calibration: &Calibration) -> Card {
    let style = Figures { said: &said, at: &text::moment, code };
    let parts = text::calibration_parts(calibration, style);
    let note = if parts.is_empty() { "" } else { text::CALIBRATION_NOTE };
    card(
        text::calibration_headline(calibration, style),
        text::CALIBRATION_TITLE.into(),
        format!("-# {note}"),
        parts,
    )
}

/// What was decided, and what waits.
#[must_use]
pub fn digest_card(digest: &Digest, pace: Pace) -> Card {
    let at = |at: Time| text::moment(pace.wall_time(at));
    let style = Figures { said: &said, at: &at, code };
    let span = text::digest_span(digest, style);
    card(
        text::digest_headline(digest),
        text::digest_title(digest),
        span,
        text::digest_parts(digest, style),
    )
}
