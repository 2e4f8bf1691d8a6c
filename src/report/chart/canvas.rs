//! What plotters draws on: SVG text with decimal coordinates, themed colours and dashes.
//!
//! plotters knows whole pixels only, so charts are drawn [`SCALE`] times as large, and every
//! coordinate is divided on its way out. A colour of the palette becomes a CSS variable, so that one
//! drawing serves light and dark pages.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::palette::Ink;
use super::svg::escape;

/// Pixels of plotters in one unit of the drawing.
pub(super) const SCALE: i32 = 10;

/// Strokes at least this wide, in pixels, belong to a series and carry its dashes.
const SERIES_STROKE: u32 = 14;

/// Text stands on a thin edge of the page's colour, so that lines behind it do not cross it out.
const HALO: &str = r#"stroke="var(--page)" stroke-width="3" paint-order="stroke" stroke-linejoin="round""#;

/// How all text in ink is written; in a page its style says the same.
pub(super) const PLAIN_TEXT: &str = r#" font-size="13" fill="var(--ink)" stroke="var(--page)" stroke-width="3" paint-order="stroke" stroke-linejoin="round""#;

/// An SVG drawing in the making.
pub(super) struct Canvas {
    out: Rc<RefCell<String>>,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<std::fmt::Error>>;

impl Canvas {
    /// A canvas of `size` pixels whose markup goes to `out`.
    pub(super) fn new(out: Rc<RefCell<String>>, size: (u32, u32)) -> Self {
        Self { out, size }
    }

    fn put(&mut self, markup: std::fmt::Arguments) -> Drawn {
        self.out.borrow_mut().write_fmt(markup).map_err(DrawingErrorKind::DrawingError)
    }
}

impl DrawingBackend for Canvas {
    type ErrorType = std::fmt::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(point, (point.0 + SCALE, point.1 + SCALE), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        let (color, width) = (style.color(), units(i32::try_from(style.stroke_width()).unwrap_or(SCALE)));
        if color.alpha == 0.0 {
            return Ok(());
        }
        let (x1, y1, x2, y2) = (units(from.0), units(from.1), units(to.0), units(to.1));
        let (paint, opacity) = (paint(color), opacity("stroke", color));
        self.put(format_args!(
            r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{paint}" stroke-width="{width}"{opacity}/>"#
        ))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let color = style.color();
        if color.alpha == 0.0 {
            return Ok(());
        }
        let (x, y) = (units(from.0.min(to.0)), units(from.1.min(to.1)));
        let (width, height) = (units((to.0 - from.0).abs()), units((to.1 - from.1).abs()));
        let shape = format!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}""#);
        let painted = painted(style, fill);
        self.put(format_args!("{shape}{painted}/>"))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let dash = Ink::of_rgb(style.color().rgb)
            .and_then(Ink::dash)
            .filter(|_| style.stroke_width() >= SERIES_STROKE)
            .map(|dash| format!(r#" stroke-dasharray="{dash}""#))
            .unwrap_or_default();
        let (points, painted) = (points(path), painted(style, false));
        self.put(format_args!(r#"<polyline points="{points}"{painted}{dash} stroke-linejoin="round"/>"#))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (cx, cy) = (units(center.0), units(center.1));
        let (r, painted) = (units(i32::try_from(radius).unwrap_or(SCALE)), painted(style, fill));
        self.put(format_args!(r#"<circle cx="{cx}" cy="{cy}" r="{r}"{painted}/>"#))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let (points, painted) = (points(path), painted(style, true));
        self.put(format_args!(r#"<polygon points="{points}"{painted}/>"#))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => r#" text-anchor="middle""#,
            HPos::Right => r#" text-anchor="end""#,
        };
        let size = style.size() / f64::from(SCALE);
        let lower = match style.anchor().v_pos {
            VPos::Top => size * 0.76,
            VPos::Center => size * 0.35,
            VPos::Bottom => size * -0.24,
        };
        let (x, y) = (units(at.0), (f64::from(at.1) / f64::from(SCALE) + lower).round());
        let (paint, text) = (paint(style.color()), escape(text));
        self.put(format_args!(
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{paint}" {HALO}{anchor}>{text}</text>"#
        ))
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<std::fmt::Error>> {
        let width = super::svg::text_width(text, style.size());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sizes of text are small and positive"
        )]
        Ok((width as u32, style.size() as u32))
    }
}

/// Pixels as units of the drawing.
fn units(pixels: i32) -> f64 {
    f64::from(pixels) / f64::from(SCALE)
}

fn paint(color: BackendColor) -> String {
    let (red, green, blue) = color.rgb;
    Ink::of_rgb(color.rgb).map_or_else(
        || format!("#{red:02X}{green:02X}{blue:02X}"),
        |ink| format!("var(--{})", ink.variable()),
    )
}

fn opacity(what: &str, color: BackendColor) -> String {
    if color.alpha >= 1.0 { String::new() } else { format!(r#" {what}-opacity="{}""#, color.alpha) }
}

fn painted<S: BackendStyle>(style: &S, fill: bool) -> String {
    let (color, paint) = (style.color(), paint(style.color()));
    if fill {
        format!(r#" fill="{paint}"{}"#, opacity("fill", color))
    } else {
        let width = units(i32::try_from(style.stroke_width()).unwrap_or(SCALE));
        format!(r#" fill="none" stroke="{paint}" stroke-width="{width}"{}"#, opacity("stroke", color))
    }
}

fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    let points: Vec<String> = path.into_iter().map(|(x, y)| format!("{},{}", units(x), units(y))).collect();
    points.join(" ")
}
