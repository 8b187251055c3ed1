//! Renders plots from drawing marks to PNG. The only user of the drawing library and of the font.
//!
//! Needs no font, fontconfig or other C library of the machine, so a plot looks the same on every
//! machine. Does not depend on the subject of a plot.

use std::sync::LazyLock;

use tiny_skia::{
    Color, FillRule, LineCap, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform,
};
use ttf_parser::{Face, OutlineBuilder};

use crate::presentation::plot::{Anchor, Ink, Mark, Picture, Point};

/// Background colour of attachments in Discord's dark theme.
const GROUND: (u8, u8, u8) = (0x2b, 0x2d, 0x31);

/// Okabe and Ito's palette: red-blind and green-blind people can tell its blue and orange apart,
/// also by lightness.
const fn colour(ink: Ink) -> (u8, u8, u8) {
    match ink {
        Ink::Words => (0xf2, 0xf3, 0xf5),
        Ink::Faint => (0xb5, 0xba, 0xc1),
        Ink::Grid => (0x41, 0x43, 0x4a),
        Ink::Main => (0x56, 0xb4, 0xe9),
        Ink::Other => (0xf0, 0xb0, 0x32),
    }
}

/// The font. If absent, a plot has no text.
static LETTERS: LazyLock<Option<Face<'static>>> =
    LazyLock::new(|| Face::parse(dejavu::sans::regular(), 0).ok());

/// Why a plot could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Invalid size in pixels, such as zero.
    #[error("a plot of {0} by {1} pixels cannot be drawn")]
    Size(u32, u32),
    /// PNG encoding failed.
    #[error("a plot cannot be written as PNG: {0}")]
    Written(String),
}

/// Renders a plot to PNG.
///
/// # Errors
/// [`PlotError`]; the figures are correct without the plot.
pub fn png(picture: &Picture) -> Result<Vec<u8>, PlotError> {
    let mut pixmap = Pixmap::new(picture.width, picture.height)
        .ok_or(PlotError::Size(picture.width, picture.height))?;
    pixmap.fill(Color::from_rgba8(GROUND.0, GROUND.1, GROUND.2, 0xff));
    for mark in &picture.marks {
        draw(&mut pixmap, mark);
    }
    pixmap.encode_png().map_err(|error| PlotError::Written(error.to_string()))
}

fn paint(ink: Ink) -> Paint<'static> {
    let (red, green, blue) = colour(ink);
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, 0xff);
    paint
}

fn draw(pixmap: &mut Pixmap, mark: &Mark) {
    match mark {
        Mark::Line { from, to, width, ink, dashed } => {
            let mut path = PathBuilder::new();
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
            let dash = if *dashed { StrokeDash::new(vec![4.0, 12.0], 0.0) } else { None };
            let stroke =
                Stroke { width: *width, line_cap: LineCap::Round, dash, ..Stroke::default() };
            // A line of length zero has no path; the picture has a dot at this point anyway.
            if let Some(path) = path.finish() {
                pixmap.stroke_path(&path, &paint(*ink), &stroke, Transform::identity(), None);
            }
        }
        Mark::Dot { at, radius, ink } => {
            if let Some(path) = PathBuilder::from_circle(at.0, at.1, *radius) {
                pixmap.fill_path(
                    &path,
                    &paint(*ink),
                    FillRule::Winding,
                    Transform::identity(),
                    None,
                );
            }
        }
        Mark::Words { at, size, ink, anchor, words } => {
            let Some(face) = LETTERS.as_ref() else { return };
            if let Some(path) = outline(face, words, *at, *size, *anchor) {
                pixmap.fill_path(
                    &path,
                    &paint(*ink),
                    FillRule::Winding,
                    Transform::identity(),
                    None,
                );
            }
        }
    }
}

/// The outline of a text. Missing letters get the font's replacement glyph.
fn outline(
    face: &Face<'_>,
    words: &str,
    at: Point,
    size: f32,
    anchor: Anchor,
) -> Option<tiny_skia::Path> {
    let scale = size / f32::from(face.units_per_em());
    let glyphs: Vec<_> =
        words.chars().map(|entry| face.glyph_index(entry).unwrap_or_default()).collect();
    let advance = |glyph| f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
    let width: f32 = glyphs.iter().map(|glyph| advance(*glyph)).sum();
    let start = match anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - width / 2.0,
        Anchor::End => at.0 - width,
    };
    let mut pen = Pen { path: PathBuilder::new(), origin: (start, at.1), scale };
    for glyph in glyphs {
        // A blank has no outline.
        let _ = face.outline_glyph(glyph, &mut pen);
        pen.origin.0 += advance(glyph);
    }
    pen.path.finish()
}

/// Draws glyphs into a path. Font coordinates grow upwards, image coordinates downwards.
struct Pen {
    path: PathBuilder,
    origin: Point,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> Point {
        (x.mul_add(self.scale, self.origin.0), y.mul_add(-self.scale, self.origin.1))
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
