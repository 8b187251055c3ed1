//! Calibration and digest as cards: figures below a plot.
//!
//! Does not depend on plotting or delivery.

use super::card::{Card, Field, Tone};
use super::text::{self, ReportFormat, ReportSection};
use crate::core::Time;
use crate::core::messaging::digest::DigestFigures;
use crate::core::policy::calibration::Calibration;
use crate::core::untrusted::{escaped, one_line, plain};
use crate::core::values::time_scale::TimeScale;

/// Maximum characters of a field (Discord: 1,024).
const FIELD: usize = 1_000;

/// The name shown in the terminal, with Markdown escaped.
fn said(name: &str) -> String {
    escaped(&text::figure_name(&one_line(name)), 60).text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn card(headline: String, title: String, description: String, parts: Vec<ReportSection>) -> Card {
    let field = |(name, lines): ReportSection| Field {
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
        approvable: true,
        texts: Vec::new(),
        attachments: Vec::new(),
        without_files: None,
    }
}

/// The card for calibration.
#[must_use]
pub fn calibration_card(calibration: &Calibration) -> Card {
    let style = ReportFormat { said: &said, at: &text::moment, code };
    let parts = text::calibration_parts(calibration, style);
    let note = if parts.is_empty() { "" } else { text::CALIBRATION_NOTE };
    card(
        text::calibration_headline(calibration, style),
        text::CALIBRATION_TITLE.into(),
        format!("-# {note}"),
        parts,
    )
}

/// The card for a digest.
#[must_use]
pub fn digest_card(digest: &DigestFigures, time_scale: TimeScale) -> Card {
    let at = |at: Time| text::moment(time_scale.wall_time(at));
    let style = ReportFormat { said: &said, at: &at, code };
    let span = text::digest_span(digest, style);
    card(
        text::digest_headline(digest),
        text::digest_title(digest),
        span,
        text::digest_parts(digest, style),
    )
}
