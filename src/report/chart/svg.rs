//! A finished drawing, and the sheet on which one is made.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBAColor, ShapeStyle, TextStyle};

use super::canvas::{Canvas, PLAIN_TEXT, SCALE};
use super::palette::{Ink, Marker};
use crate::report::format::turns_text;

/// Size of text on charts, in units of the drawing.
pub(super) const TEXT: f64 = 13.0;
/// Width of every chart, in units of the drawing.
pub(super) const WIDTH: f64 = 720.0;

/// Width of a marker's outline: less than that of a series, whose dashes it does not have.
const OUTLINE: f64 = 1.3;

/// Why a chart could not be drawn; complete as a sentence, without a final full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChartError {
    /// There is nothing to draw, and why that may be.
    #[error("{0}")]
    NoData(&'static str),
    /// What would be drawn is not known, and why not.
    #[error("{0}")]
    Untold(String),
    /// The drawing failed.
    #[error("the drawing failed: {0}")]
    Drawing(String),
}

impl From<DrawingAreaErrorKind<std::fmt::Error>> for ChartError {
    fn from(error: DrawingAreaErrorKind<std::fmt::Error>) -> Self {
        Self::Drawing(error.to_string())
    }
}

/// A chart as SVG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Svg {
    /// File name without extension, also the stem of ids.
    pub(crate) name: &'static str,
    title: String,
    finding: String,
    height: String,
    body: String,
}

impl Svg {
    /// For a page that declares the palette's variables.
    pub(crate) fn inline(&self) -> String {
        // Ordinary text is the same everywhere, and the page's style says once how it looks.
        self.markup(&self.body.replace(PLAIN_TEXT, ""))
    }

    fn markup(&self, body: &str) -> String {
        let role = if self.body.contains("<a ") { "group" } else { "img" };
        let (name, title, finding) = (self.name, escape(&self.title), escape(&self.finding));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"{role}\" \
             aria-labelledby=\"{name}-title {name}-desc\" font-family=\"system-ui, sans-serif\">\
             <title id=\"{name}-title\">{title}</title><desc id=\"{name}-desc\">{finding}</desc>{}</svg>\n",
            self.height, body
        )
    }

    /// For a file of its own: light colours on white, readable in programs that know no variables.
    pub(crate) fn file(&self) -> String {
        let head = format!("<rect width=\"{WIDTH}\" height=\"{}\" fill=\"#FFFFFF\"/>", self.height);
        let mut text = self.markup(&self.body).replacen("</desc>", &format!("</desc>{head}"), 1);
        for ink in Ink::ALL {
            let hex = ink.light_hex();
            text = text.replace(&format!("\"var(--{})\"", ink.variable()), &format!("\"{hex}\""));
        }
        text.replacen("<svg ", &format!("<svg width=\"{WIDTH}\" height=\"{}\" ", self.height), 1)
            .replace("<a href=\"#", "<a href=\"../index.html#")
    }
}

/// A sheet of paper in units of the drawing.
pub(super) struct Sheet {
    out: Rc<RefCell<String>>,
    root: DrawingArea<Canvas, Shift>,
    height: f64,
}

/// Where a text is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hold {
    /// At its left end.
    Left,
    /// In its middle.
    Middle,
    /// At its right end.
    Right,
}

impl Sheet {
    /// A sheet of the given height, as wide as every chart.
    pub(super) fn new(height: f64) -> Self {
        let out = Rc::new(RefCell::new(String::new()));
        let root = Canvas::new(Rc::clone(&out), (length(WIDTH), length(height))).into_drawing_area();
        Self { out, root, height }
    }

    /// A part of the sheet.
    pub(super) fn part(&self, x: f64, y: f64, width: f64, height: f64) -> DrawingArea<Canvas, Shift> {
        self.root.clone().shrink((px(x), px(y)), (length(width), length(height)))
    }

    /// Markup as it is.
    fn raw(&self, markup: std::fmt::Arguments) {
        // Writing to a string does not fail.
        let _ = self.out.borrow_mut().write_fmt(markup);
    }

    /// Draws within a group that carries attributes, for the page's script; values are escaped.
    pub(super) fn group(
        &self,
        attributes: &[(&str, &str)],
        draw: impl FnOnce(&Self) -> Result<(), ChartError>,
    ) -> Result<(), ChartError> {
        self.raw(format_args!("<g"));
        for (name, value) in attributes {
            self.raw(format_args!(" {name}=\"{}\"", escape(value)));
        }
        self.raw(format_args!(">"));
        draw(self)?;
        self.raw(format_args!("</g>"));
        Ok(())
    }

    /// A filled box in a colour outside the palette, the same in every theme.
    pub(super) fn tile(&self, (x, y): (f64, f64), (width, height): (f64, f64), hex: &str) {
        let (x, y, width, height) = (tenths(x), tenths(y), tenths(width), tenths(height));
        self.raw(format_args!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{hex}"/>"#));
    }

    /// A text in the middle of a tile, in a colour outside the palette and without an edge.
    pub(super) fn on_tile(&self, x: f64, y: f64, text: &str, hex: &str) {
        let (x, y, text) = (tenths(x), tenths(y + TEXT * 0.35), escape(text));
        self.raw(format_args!(
            r#"<text x="{x}" y="{y}" font-size="{TEXT}" text-anchor="middle" fill="{hex}">{text}</text>"#
        ));
    }

    /// Draws within a group that tells `tip` when pointed at.
    pub(super) fn with_tip(
        &self,
        tip: &str,
        draw: impl FnOnce(&Self) -> Result<(), ChartError>,
    ) -> Result<(), ChartError> {
        self.raw(format_args!("<g><title>{}</title>", escape(tip)));
        draw(self)?;
        self.raw(format_args!("</g>"));
        Ok(())
    }

    /// Draws within a link to a place of the page that tells `tip` when pointed at.
    pub(super) fn linked(
        &self,
        anchor: &str,
        tip: &str,
        draw: impl FnOnce(&Self) -> Result<(), ChartError>,
    ) -> Result<(), ChartError> {
        let (anchor, tip) = (escape(anchor), escape(tip));
        self.raw(format_args!("<a href=\"#{anchor}\" aria-label=\"{tip}\"><title>{tip}</title>"));
        draw(self)?;
        self.raw(format_args!("</a>"));
        Ok(())
    }

    /// A line of text whose middle height lies at `y`.
    pub(super) fn text(&self, x: f64, y: f64, text: &str, hold: Hold) -> Result<(), ChartError> {
        self.root.draw(&Text::new(text.to_owned(), (px(x), px(y)), text_style(hold)))?;
        Ok(())
    }

    /// A name cut to `width` units, told in full when pointed at.
    pub(super) fn label(&self, x: f64, y: f64, text: &str, width: f64, hold: Hold) -> Result<(), ChartError> {
        let short = fitted_name(text, width);
        if short == text {
            return self.text(x, y, text, hold);
        }
        self.with_tip(text, |sheet| sheet.text(x, y, &short, hold))
    }

    /// A filled box.
    pub(super) fn bar(
        &self,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        fill: RGBAColor,
    ) -> Result<(), ChartError> {
        let corners = [(px(x), px(y)), (px(x + width), px(y + height))];
        self.root.draw(&Rectangle::new(corners, fill.filled()))?;
        Ok(())
    }

    /// A line through points.
    pub(super) fn line(&self, points: &[(f64, f64)], ink: Ink, width: f64) -> Result<(), ChartError> {
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| (px(*x), px(*y))).collect();
        self.root.draw(&PathElement::new(points, stroke(ink, width)))?;
        Ok(())
    }

    /// A filled shape.
    pub(super) fn shape(&self, points: &[(f64, f64)], fill: RGBAColor) -> Result<(), ChartError> {
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| (px(*x), px(*y))).collect();
        self.root.draw(&Polygon::new(points, fill.filled()))?;
        Ok(())
    }

    /// A marker of about `radius` around a point, in the shape that belongs to its colour.
    pub(super) fn marker(&self, x: f64, y: f64, radius: f64, ink: Ink, alpha: f64) -> Result<(), ChartError> {
        let fill = ink.color().mix(alpha);
        let outline: &[(f64, f64)] = match ink.marker() {
            Marker::Circle => {
                self.root.draw(&Circle::new((px(x), px(y)), length(radius), fill.filled()))?;
                return Ok(());
            }
            Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => &[(0.0, -1.1), (1.0, 0.8), (-1.0, 0.8)],
            Marker::Diamond => &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
            Marker::Cross => &[
                (0.35, 1.0),
                (0.35, 0.35),
                (1.0, 0.35),
                (1.0, -0.35),
                (0.35, -0.35),
                (0.35, -1.0),
                (-0.35, -1.0),
                (-0.35, -0.35),
                (-1.0, -0.35),
                (-1.0, 0.35),
                (-0.35, 0.35),
                (-0.35, 1.0),
            ],
            Marker::Pennant => &[(0.0, 1.1), (1.0, -0.8), (-1.0, -0.8)],
            Marker::OpenDiamond => &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0), (0.0, -1.2)],
            Marker::OpenSquare => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9), (-0.9, -0.9)],
        };
        let points: Vec<_> = outline.iter().map(|(dx, dy)| (x + dx * radius, y + dy * radius)).collect();
        if !matches!(ink.marker(), Marker::OpenDiamond | Marker::OpenSquare) {
            return self.shape(&points, fill);
        }
        // The line of the series does not show through.
        self.shape(&points, Ink::Page.color().mix(alpha))?;
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| (px(*x), px(*y))).collect();
        self.root.draw(&PathElement::new(points, fill.stroke_width(length(OUTLINE))))?;
        Ok(())
    }

    /// A ring around a point.
    pub(super) fn ring(&self, x: f64, y: f64, radius: f64, ink: Ink) -> Result<(), ChartError> {
        self.root.draw(&Circle::new((px(x), px(y)), length(radius), stroke(ink, 1.6)))?;
        Ok(())
    }

    /// The finished drawing. `finding` says what it shows, for those who cannot see it.
    pub(super) fn finish(self, name: &'static str, title: &str, finding: String) -> Svg {
        let body = self.out.borrow().clone();
        Svg { name, title: title.into(), finding, height: self.height.to_string(), body }
    }
}

/// Height of a row of a key.
pub(super) const KEY: f64 = 20.0;

/// Where the entries of a key go, each a sample and so much text: side by side, and row by row.
pub(super) fn in_rows<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<(f64, f64)> {
    let (mut x, mut y) = (0.0, 0.0);
    let place = |text: &str| {
        let width = 17.0 + text_width(text, TEXT) + 16.0;
        if x > 0.0 && x + width > WIDTH {
            (x, y) = (0.0, y + KEY);
        }
        let at = (x, y);
        x += width;
        at
    };
    texts.into_iter().map(place).collect()
}

/// Style of a line in one of the palette's colours.
pub(super) fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ink.color().stroke_width(length(width))
}

/// Style of text.
pub(super) fn text_style(hold: Hold) -> TextStyle<'static> {
    let anchor = match hold {
        Hold::Left => HPos::Left,
        Hold::Middle => HPos::Center,
        Hold::Right => HPos::Right,
    };
    ("sans-serif", TEXT * f64::from(SCALE))
        .into_font()
        .color(&Ink::Text.color())
        .pos(Pos::new(anchor, VPos::Center))
}

/// Width of a text in the units of `size`, estimated: there are no fonts to ask.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'l' | 'j' | 't' | 'f' | ' ' | '.' | ',' | ':' | ';' | '|' | '\'' | '/' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 0.98,
        '<' | '>' | '=' | '+' | '~' | '#' => 0.84,
        c if c.is_ascii_uppercase() => 0.7,
        c if c.is_ascii() => 0.6,
        c if (c as u32) < 0x2E80 => 0.66,
        _ => 1.1,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// A text cut to `width` units, with an ellipsis where something is missing.
pub(super) fn fitted(text: &str, width: f64) -> String {
    // No drawing has room for more characters than this, however long a name is.
    let all = text.chars().take(400).count();
    let fits = |length: &usize| text_width(&crate::report::format::shortened(text, *length), TEXT) <= width;
    let length = (1..=all).rev().find(fits).unwrap_or(1);
    crate::report::format::shortened(text, length)
}

/// A name cut to `width` units. What follows the last comma, such as the policy after a strategy, tells names apart: the
/// start gives way before it, as long as some of the start stays.
fn fitted_name(text: &str, width: f64) -> String {
    let whole = fitted(text, width);
    let Some((start, end)) = text.rsplit_once(", ").filter(|_| whole != text) else { return whole };
    let end = format!(", {end}");
    let room = width - text_width(&end, TEXT);
    if room < width / 6.0 { whole } else { fitted(start, room) + &end }
}

/// Text for SVG: markup is escaped, and characters that XML does not know become spaces.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push(' '),
            _ if c.is_control() || turns_text(c) => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

/// A coordinate to a tenth of a unit.
fn tenths(units: f64) -> f64 {
    (units * 10.0).round() / 10.0
}

/// Units as plotters' pixels.
fn px(units: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "drawings are small; anything else saturates")]
    let pixels = (units * f64::from(SCALE)).round() as i32;
    pixels
}

/// A length in units as plotters' pixels.
pub(super) fn length(units: f64) -> u32 {
    u32::try_from(px(units)).unwrap_or(0)
}
