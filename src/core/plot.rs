//! Plots, as what is drawn where: lines, dots and words in a plane.
//!
//! Pure, so that a plot is the same everywhere and is tested without looking. Sizes are in pixels
//! of the picture, which is twice as wide as a telephone shows it. Must not know how shapes become
//! pixels (`engine::plot`).

use super::calibration::{Calibration, Supported};
use super::digest::{Digest, Wait};
use super::text;
use super::untrusted::{one_line, plain};

/// Pixels across: a telephone's 390 twice.
pub const WIDTH: u32 = 780;

/// What something is drawn with. Each is told from the others without seeing colours: by its place,
/// shape and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Words that are read.
    Words,
    /// Words that are looked up.
    Faint,
    /// Lines that are measured by.
    Grid,
    /// What it is about.
    Main,
    /// What it is compared with.
    Other,
}

/// Which point of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A place: to the right, and down.
pub type Point = (f32, f32);

/// A thing that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A straight line with round ends.
    Line {
        /// From here.
        from: Point,
        /// To here.
        to: Point,
        /// Its width.
        width: f32,
        /// With what.
        ink: Ink,
        /// Whether it is broken.
        dashed: bool,
    },
    /// A filled circle.
    Dot {
        /// Its middle.
        at: Point,
        /// Its radius.
        radius: f32,
        /// With what.
        ink: Ink,
    },
    /// A line of words.
    Words {
        /// Where, on the line that letters stand on.
        at: Point,
        /// The height of its letters with what is above and below.
        size: f32,
        /// With what.
        ink: Ink,
        /// Which point of it stands there.
        anchor: Anchor,
        /// What it says.
        words: String,
    },
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What is drawn, the lowest first.
    pub marks: Vec<Mark>,
}

/// Letters that are read, and those that are looked up.
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

/// How often people agreed, over how sure the agent was.
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
    // Where they would stand if agents knew how sure to be.
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

/// Rows of the plot of waits at most: what is rarer stands in the figures beneath.
pub const MOST_ROWS: usize = 8;
/// Pixels of a row: its words, and its line beneath.
const ROW: f32 = 84.0;
/// The ends of the axis: what waited less or longer stands there.
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

/// How long decisions waited for people: of each project and kind, from the median to what nine of
/// ten waited at most. `None`: people decided nothing.
#[must_use]
pub fn wait_plot(digest: &Digest) -> Option<Picture> {
    let rows = digest.waits.get(..digest.waits.len().min(MOST_ROWS))?;
    let longest = rows.iter().map(|wait| wait.p90).max()?;
    // The axis ends with the first tick beyond all of them.
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
        // Beside the lines only: words are not crossed.
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
    wait: &Wait,
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
