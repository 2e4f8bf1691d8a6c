//! A grid of coloured cells with their values written in them, on a ramp that grows in lightness.

use super::svg::{ChartError, Hold, Sheet, TEXT, WIDTH, fitted, text_width};

/// Room for the names of rows: as much as they need, within these; beside many columns no more than the middle one.
const NAMES: [f64; 3] = [60.0, 140.0, 250.0];
/// What a column keeps beside long names, where it can.
const NARROWEST: f64 = 50.0;
const ROW: f64 = 26.0;
const HEADS: f64 = 22.0;

/// Anchors of cividis, from dark to light: a ramp that people with colour-vision deficiencies see alike.
///
/// Source: Nuñez, Anderton and Renslow, Optimizing colormaps with consideration for color vision deficiency, 2018.
const RAMP: [(f64, f64, f64); 9] = [
    (0.0, 34.0, 78.0),
    (18.0, 53.0, 112.0),
    (59.0, 73.0, 108.0),
    (87.0, 93.0, 109.0),
    (112.0, 113.0, 115.0),
    (138.0, 134.0, 120.0),
    (165.0, 156.0, 116.0),
    (195.0, 179.0, 105.0),
    (254.0, 232.0, 56.0),
];

/// One cell of the grid.
pub(super) struct Tile {
    /// Its value; `None` leaves the cell blank with a dot.
    pub(super) value: Option<f64>,
    /// What is written in it.
    pub(super) text: String,
    /// What it tells when pointed at.
    pub(super) tip: String,
    /// The place of the page it leads to; empty for none.
    pub(super) anchor: String,
}

/// A grid to be drawn.
pub(super) struct Grid {
    /// What the values are.
    pub(super) title: String,
    /// Names of the columns.
    pub(super) columns: Vec<String>,
    /// Whether values are differences, to be coloured by how far they lie from 0.
    pub(super) diverging: bool,
    /// Names of the rows, each with as many tiles as there are columns.
    pub(super) rows: Vec<(String, Vec<Tile>)>,
}

impl Grid {
    /// How high the drawing will be.
    pub(super) fn height(&self) -> f64 {
        22.0 + HEADS + self.rows.len() as f64 * ROW + 10.0
    }

    /// Draws the grid with its top at `top`; the lightest cell has the greatest value.
    pub(super) fn draw(&self, sheet: &Sheet, top: f64) -> Result<(), ChartError> {
        let columns = self.columns.len().max(1) as f64;
        let names = self.rows.iter().map(|(name, _)| text_width(name, TEXT)).fold(0.0, f64::max) + 12.0;
        let [least, beside_many, most] = NAMES;
        let names = names.min((WIDTH - columns * NARROWEST).clamp(beside_many, most)).max(least);
        let width = (WIDTH - names) / columns;
        sheet.text(0.0, top + 9.0, &self.title, Hold::Left)?;
        let head = top + 22.0 + HEADS / 2.0;
        // Heads that would run into each other are thinned, from the right.
        let widest = self.columns.iter().map(|name| text_width(name, TEXT)).fold(0.0, f64::max) + 4.0;
        let every = (widest / width).ceil().max(1.0);
        for (index, name) in self.columns.iter().enumerate() {
            if ((self.columns.len() - 1 - index) as f64) % every < 0.5 {
                let centre = names + (index as f64 + 0.5) * width;
                let most = WIDTH - text_width(name, TEXT) / 2.0;
                sheet.text(centre.min(most), head, name, Hold::Middle)?;
            }
        }
        let known = || self.rows.iter().flat_map(|(_, tiles)| tiles).filter_map(|tile| tile.value);
        let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
        for (index, (name, tiles)) in self.rows.iter().enumerate() {
            let y = top + 22.0 + HEADS + index as f64 * ROW;
            sheet.label(0.0, y + ROW / 2.0, name, names - 10.0, Hold::Left)?;
            for (column, tile) in tiles.iter().enumerate() {
                let x = names + column as f64 * width;
                let draw = |sheet: &Sheet| {
                    let (centre, middle) = (x + width / 2.0, y + ROW / 2.0);
                    let Some(value) = tile.value else {
                        return sheet.text(centre, middle, "·", Hold::Middle);
                    };
                    let (fill, ink) = match (self.diverging, high > low) {
                        (true, _) => away_from_zero(value / high.abs().max(low.abs()).max(f64::MIN_POSITIVE)),
                        (false, true) => colours((value - low) / (high - low)),
                        (false, false) => colours(0.5),
                    };
                    sheet.tile((x, y), (width - 1.0, ROW - 1.0), &fill);
                    if text_width(&tile.text, TEXT) <= width - 3.0 {
                        sheet.on_tile(centre, middle, &fitted(&tile.text, width), ink);
                    }
                    Ok(())
                };
                if tile.anchor.is_empty() {
                    sheet.with_tip(&tile.tip, draw)?;
                } else {
                    sheet.linked(&tile.anchor, &tile.tip, draw)?;
                }
            }
        }
        Ok(())
    }
}

/// Orange below 0 and blue above it, paler towards 0; black reads on all of it.
fn away_from_zero(share: f64) -> (String, &'static str) {
    const PALE: [f64; 3] = [240.0, 240.0, 240.0];
    let far = if share < 0.0 { [230.0, 140.0, 60.0] } else { [90.0, 170.0, 225.0] };
    let part = share.abs().min(1.0);
    let channel = |at: usize| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a channel from 0 to 255"
        )]
        let mixed = (PALE[at] + (far[at] - PALE[at]) * part).round() as u8;
        mixed
    };
    (format!("#{:02X}{:02X}{:02X}", channel(0), channel(1), channel(2)), "#000000")
}

/// The ramp at a share from 0 to 1, and whichever of black and white reads better on it.
fn colours(share: f64) -> (String, &'static str) {
    let place = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let (below, part) = (place.floor(), place - place.floor());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place within a ramp of nine colours, and channels from 0 to 255"
    )]
    let mixed = {
        let (from, to) = (RAMP[below as usize], RAMP[(below as usize + 1).min(RAMP.len() - 1)]);
        let mix = |a: f64, b: f64| (a + (b - a) * part).round() as u8;
        [mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2)]
    };
    let [red, green, blue] = mixed;
    let ink = if luminance(mixed) > 0.179 { "#000000" } else { "#FFFFFF" };
    (format!("#{red:02X}{green:02X}{blue:02X}"), ink)
}

/// Relative luminance as WCAG 2.2 defines it.
fn luminance(channels: [u8; 3]) -> f64 {
    let linear = channels.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_grows_in_lightness_and_every_value_reads_on_it() {
        let channel = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let mut before = -1.0;
        for step in 0..=200 {
            let (fill, ink) = colours(f64::from(step) / 200.0);
            let light = luminance([channel(&fill, 1), channel(&fill, 3), channel(&fill, 5)]);
            assert!(light >= before - 1e-9, "{fill}");
            before = light;
            let text = if ink == "#000000" { 0.0 } else { 1.0 };
            let contrast = (f64::max(light, text) + 0.05) / (f64::min(light, text) + 0.05);
            assert!(contrast >= 4.5, "{ink} on {fill}: {contrast}");
        }
    }
}
