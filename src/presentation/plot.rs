//! Plots as vector shapes: lines, dots and words with coordinates.
//!
//! Pure, so that a plot is identical everywhere and can be tested without rendering. Sizes are in
//! pixels of the image, twice as wide as shown on a phone. Does not depend on rasterization
//! (`engine::plot`).

use super::text;
use crate::core::messaging::digest::{DigestFigures, WaitFigures};
use crate::core::policy::calibration::{Calibration, Supported};
use crate::core::untrusted::{one_line, plain};

/// Image width in pixels: a phone's 390, doubled.
pub const WIDTH: u32 = 780;

/// The colour role of a shape. Shapes stay distinguishable without colour: by position, form and
/// words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Main text.
    Words,
    /// Secondary text.
    Faint,
    /// Grid lines.
    Grid,
    /// The data.
    Main,
    /// The comparison.
    Other,
}

/// Horizontal alignment of a text at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The text starts at the point.
    Start,
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    End,
}

/// Coordinates in pixels, from the left and from the top.
pub type Point = (f32, f32);

/// A shape of a plot.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A straight line with round ends.
    Line {
        /// Start point.
        from: Point,
        /// End point.
        to: Point,
        /// Stroke width.
        width: f32,
        /// Colour role.
        ink: Ink,
        /// Whether the line is dashed.
        dashed: bool,
    },
    /// A filled circle.
    Dot {
        /// Centre.
        at: Point,
        /// Radius.
        radius: f32,
        /// Colour role.
        ink: Ink,
    },
    /// A line of text.
    Words {
        /// Anchor point, on the baseline.
        at: Point,
        /// Font size, with ascenders and descenders.
        size: f32,
        /// Colour role.
        ink: Ink,
        /// Alignment at the anchor point.
        anchor: Anchor,
        /// The text.
        words: String,
    },
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The shapes, bottom layer first.
    pub marks: Vec<Mark>,
}

/// Font sizes of main text and of secondary text.
const READ: f32 = 26.0;
const LOOKED_UP: f32 = 22.0;

fn line(from: Point, to: Point, width: f32, ink: Ink) -> Mark {
    Mark::Line { from, to, width, ink, dashed: false }
}

fn dashed(from: Point, to: Point, ink: Ink) -> Mark {
    Mark::Line { from, to, width: 3.0, ink, dashed: true }
}

fn words(at: Point, size: f32, ink: Ink, anchor: Anchor, words: impl Into<String>) -> Mark {
    Mark::Words { at, size, ink, anchor, words: words.into() }
}

#[expect(clippy::cast_possible_truncation, reason = "pixels")]
const fn pixels(value: f64) -> f32 {
    value as f32
}

/// The share of agreement over the agent's confidence.
#[must_use]
pub fn calibration_plot(calibration: &Calibration) -> Picture {
    let (left, right, top, bottom) = (96.0, 744.0, 70.0, 560.0);
    let x = |share: f64| left + pixels(share) * (right - left);
    let y = |share: f64| bottom - pixels(share) * (bottom - top);
    let mut marks = vec![words((24.0, 40.0), READ, Ink::Words, Anchor::Start, text::PLOT_AGREED)];
    for step in [0.0, 0.25, 0.5, 0.75, 1.0] {
        marks.push(line((left, y(step)), (right, y(step)), 2.0, Ink::Grid));
        marks.push(words(
            (left - 14.0, y(step) + 8.0),
            LOOKED_UP,
            Ink::Faint,
            Anchor::End,
            text::percent(step),
        ));
        marks.push(words(
            (x(step), bottom + 38.0),
            LOOKED_UP,
            Ink::Faint,
            Anchor::Middle,
            format!("{step}"),
        ));
    }
    // The diagonal of perfect calibration.
    marks.push(dashed((x(0.0), y(0.0)), (x(1.0), y(1.0)), Ink::Faint));
    if let Supported::From { hundredth, .. } = calibration.supported {
        let at = x(f64::from(hundredth) / 100.0);
        let anchor = if hundredth > 50 { Anchor::End } else { Anchor::Start };
        marks.push(line((at, top), (at, bottom), 4.0, Ink::Other));
        let beside = if hundredth > 50 { at - 12.0 } else { at + 12.0 };
        marks.push(words(
            (beside, bottom - 16.0),
            LOOKED_UP,
            Ink::Other,
            anchor,
            text::plot_supported(hundredth),
        ));
    }
    for bin in &calibration.bins {
        let (low, high) = bin.count.interval();
        let at = x(bin.mean);
        marks.push(line((at, y(low)), (at, y(high)), 5.0, Ink::Main));
        marks.push(Mark::Dot { at: (at, y(bin.count.share())), radius: 12.0, ink: Ink::Main });
        marks.push(words(
            (at, bottom + 70.0),
            LOOKED_UP,
            Ink::Main,
            Anchor::Middle,
            text::plot_count(bin.count.all()),
        ));
    }
    marks.push(words((24.0, bottom + 70.0), LOOKED_UP, Ink::Main, Anchor::Start, text::PLOT_N));
    marks.push(words(
        ((left + right) / 2.0, bottom + 112.0),
        READ,
        Ink::Words,
        Anchor::Middle,
        text::PLOT_CONFIDENCE,
    ));
    Picture { width: WIDTH, height: 690, marks }
}

/// Maximum rows of the plot of waiting times; rarer groups appear only in the figures below.
pub const MOST_ROWS: usize = 8;
/// Height of a row in pixels: the text, with the line below.
const ROW: f32 = 84.0;
/// Ends of the axis, in seconds; values outside are drawn at the ends.
const SHORTEST: f64 = 30.0;
const LONGEST: f64 = 14.0 * 86_400.0;
const TICKS: [(f64, &str); 7] = [
    (60.0, "1m"),
    (600.0, "10m"),
    (3_600.0, "1h"),
    (14_400.0, "4h"),
    (86_400.0, "1d"),
    (259_200.0, "3d"),
    (1_209_600.0, "14d"),
];

/// Waiting times for people: for each project and kind a line from the median to the 90th
/// percentile. `None` if people decided nothing.
#[must_use]
pub fn wait_plot(digest: &DigestFigures) -> Option<Picture> {
    let rows = digest.waits.get(..digest.waits.len().min(MOST_ROWS))?;
    let longest = rows.iter().map(|wait| wait.p90).max()?;
    // The axis ends at the first tick at or beyond the longest value.
    let end = TICKS
        .iter()
        .map(|(at, _)| *at)
        .find(|at| *at >= float(longest).max(600.0))
        .unwrap_or(LONGEST);
    let (left, right) = (36.0, 744.0);
    let x = |seconds: f64| {
        let share = (seconds.clamp(SHORTEST, end) / SHORTEST).ln() / (end / SHORTEST).ln();
        left + pixels(share) * (right - left)
    };
    let top = 84.0;
    let bottom = top + ROW * pixels(float(i64::try_from(rows.len()).unwrap_or(0)));
    let mut marks = vec![words((24.0, 40.0), READ, Ink::Words, Anchor::Start, text::PLOT_WAIT)];
    for (at, name) in TICKS.iter().filter(|(at, _)| *at <= end) {
        let anchor = if *at >= end { Anchor::End } else { Anchor::Middle };
        marks.push(words((x(*at), bottom + 36.0), LOOKED_UP, Ink::Faint, anchor, *name));
    }
    let mut base = top;
    for wait in rows {
        // Grid marks only beside the line, so that no mark crosses text.
        let beside = |at: &f64| line((x(*at), base + 34.0), (x(*at), base + 70.0), 2.0, Ink::Grid);
        marks.extend(TICKS.iter().map(|(at, _)| at).filter(|at| **at <= end).map(beside));
        row(&mut marks, wait, (left, right), base, &x);
        base += ROW;
    }
    marks.push(words((24.0, bottom + 84.0), LOOKED_UP, Ink::Faint, Anchor::Start, text::PLOT_KEY));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels")]
    let height = (bottom + 110.0) as u32;
    Some(Picture { width: WIDTH, height, marks })
}

fn row(
    marks: &mut Vec<Mark>,
    wait: &WaitFigures,
    (left, right): (f32, f32),
    base: f32,
    x: &impl Fn(f64) -> f32,
) {
    let (median, p90) = (x(float(wait.median)), x(float(wait.p90)));
    let name = plain(&one_line(&text::plot_group(&wait.project, &wait.kind)), 30).text;
    let figures = text::plot_wait(wait);
    marks.push(words((left, base + 22.0), LOOKED_UP, Ink::Words, Anchor::Start, name));
    marks.push(words((right, base + 22.0), LOOKED_UP, Ink::Faint, Anchor::End, figures));
    let line_at = base + 52.0;
    marks.push(line((median, line_at), (p90, line_at), 8.0, Ink::Main));
    marks.push(line((p90, line_at - 12.0), (p90, line_at + 12.0), 6.0, Ink::Other));
    marks.push(Mark::Dot { at: (median, line_at), radius: 12.0, ink: Ink::Main });
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
const fn float(seconds: i64) -> f64 {
    seconds as f64
}
