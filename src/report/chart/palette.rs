//! Colours, dashes and markers: which strategy has which under which policy, on every chart of a page.
//!
//! Four hues of Okabe and Ito (Color Universal Design, 2008) beside ink, told apart by dash and
//! marker as well. There is never a sixth hue: with more strategies than hues the baseline, the
//! recommended one and the best of the others have them. The next three are grey, with a dash and a
//! marker of their own, so that eight can be told apart on any paper; what follows looks like a bound.

use plotters::style::RGBColor;

use crate::record::Cell;
use crate::report::reading::Reading;

/// A colour of the page, by its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Text, and the baseline.
    Text,
    /// The recommended strategy.
    S1,
    /// The second of the other strategies.
    S2,
    /// The third.
    S3,
    /// The fourth.
    S4,
    /// The first of the strategies without a hue: grey, as bounds are.
    G1,
    /// The second of them.
    G2,
    /// The third of them.
    G3,
    /// Bounds, and strategies with nothing of their own.
    Bound,
    /// Lines of the grid.
    Grid,
    /// Lines of the axes.
    Axis,
    /// What lies behind everything.
    Page,
}

/// The shape that marks a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Of the baseline.
    Circle,
    /// Of the recommended strategy.
    Square,
    /// Of the second strategy.
    Triangle,
    /// Of the third.
    Diamond,
    /// Of the fourth.
    Cross,
    /// Of the first grey one.
    Pennant,
    /// Of the second grey one: a diamond's outline.
    OpenDiamond,
    /// Of the third grey one: a square's outline.
    OpenSquare,
}

impl Ink {
    /// Every colour.
    pub(crate) const ALL: [Self; 12] = [
        Self::Text,
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::Bound,
        Self::G1,
        Self::G2,
        Self::G3,
        Self::Grid,
        Self::Axis,
        Self::Page,
    ];

    /// Of series beside the one in ink, in their order: hues first.
    pub(super) const SERIES: [Self; 7] =
        [Self::S1, Self::S2, Self::S3, Self::S4, Self::G1, Self::G2, Self::G3];

    /// The name of its CSS variable, without dashes.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Text => "ink",
            Self::S1 => "s1",
            Self::S2 => "s2",
            Self::S3 => "s3",
            Self::S4 => "s4",
            Self::G1 | Self::G2 | Self::G3 | Self::Bound => "bound",
            Self::Grid => "grid",
            Self::Axis => "axis",
            Self::Page => "page",
        }
    }

    /// Its value on light pages and on paper.
    pub(crate) const fn light(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0x1B, 0x1B, 0x1B),
            Self::S1 => (0x00, 0x72, 0xB2),
            Self::S2 => (0xD5, 0x5E, 0x00),
            Self::S3 => (0x00, 0x9E, 0x73),
            Self::S4 => (0xCC, 0x79, 0xA7),
            Self::G1 | Self::G2 | Self::G3 | Self::Bound => (0x76, 0x76, 0x76),
            Self::Grid => (0xE3, 0xE3, 0xE3),
            Self::Axis => (0x75, 0x75, 0x75),
            Self::Page => (0xFF, 0xFF, 0xFF),
        }
    }

    /// Its value on dark pages.
    pub(crate) const fn dark(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0xE8, 0xE8, 0xE8),
            Self::S1 => (0x56, 0xB4, 0xE9),
            Self::G1 | Self::G2 | Self::G3 | Self::Bound | Self::Axis => (0x9A, 0x9A, 0x9A),
            Self::Grid => (0x33, 0x33, 0x33),
            Self::Page => (0x12, 0x12, 0x12),
            same => same.light(),
        }
    }

    /// Its value on light pages as text: `#0072B2`.
    pub(super) fn light_hex(self) -> String {
        hex(self.light())
    }

    /// The colour that stands for it while plotters draws. All greys look the same on the page, so that each needs
    /// another one here.
    fn stand_in(self) -> (u8, u8, u8) {
        match self {
            Self::G1 => (0x76, 0x76, 0x77),
            Self::G2 => (0x76, 0x76, 0x78),
            Self::G3 => (0x76, 0x76, 0x79),
            other => other.light(),
        }
    }

    /// The colour to draw with.
    pub(super) fn color(self) -> RGBColor {
        let (red, green, blue) = self.stand_in();
        RGBColor(red, green, blue)
    }

    /// The colour of the palette that plotters drew with.
    pub(super) fn of_rgb(rgb: (u8, u8, u8)) -> Option<Self> {
        Self::ALL.into_iter().find(|ink| ink.stand_in() == rgb)
    }

    /// Whether it has no hue.
    pub(super) fn is_grey(self) -> bool {
        matches!(self, Self::G1 | Self::G2 | Self::G3 | Self::Bound)
    }

    /// Dashes of a series in this colour; `None` for solid ones.
    pub(super) fn dash(self) -> Option<&'static str> {
        match self {
            Self::S2 => Some("9 4"),
            Self::S3 => Some("2 3"),
            Self::S4 => Some("9 3 2 3"),
            Self::G1 => Some("16 3"),
            Self::G2 => Some("4 3"),
            Self::G3 => Some("7 3 2 3 2 3"),
            Self::Bound => Some("1 3"),
            _ => None,
        }
    }

    /// The shape of its points; bounds share a circle and live by their grey dots.
    pub(super) fn marker(self) -> Marker {
        match self {
            Self::S1 => Marker::Square,
            Self::S2 => Marker::Triangle,
            Self::S3 => Marker::Diamond,
            Self::S4 => Marker::Cross,
            Self::G1 => Marker::Pennant,
            Self::G2 => Marker::OpenDiamond,
            Self::G3 => Marker::OpenSquare,
            _ => Marker::Circle,
        }
    }
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The CSS declarations of all colours, each for both themes.
pub(crate) fn css() -> String {
    let declare =
        |ink: Ink| format!("--{}:light-dark({},{});", ink.variable(), hex(ink.light()), hex(ink.dark()));
    // All greys are one.
    Ink::ALL.into_iter().filter(|ink| ink.stand_in() == ink.light()).map(declare).collect()
}

/// The colour of a cell's strategy under its eviction policy, the same on every chart.
pub(crate) fn ink_of(reading: &Reading, cell: &Cell) -> Ink {
    if cell.oracle {
        return Ink::Bound;
    }
    let own = party(cell);
    let baseline = reading.record.cells.iter().find(|cell| cell.baseline && !cell.oracle).map(party);
    let winner = reading.winner().map(party);
    if Some(own) == baseline {
        return Ink::Text;
    }
    if Some(own) == winner {
        return Ink::S1;
    }
    // A hue tells most of those that may be chosen: the best have one, and what follows is grey.
    let hues = if winner.is_none() || winner == baseline { &Ink::SERIES } else { &Ink::SERIES[1..] };
    let mut others: Vec<(&str, &str)> = Vec::new();
    for other in reading.ranked.iter().map(|cell| party(cell)) {
        if others.len() == hues.len() {
            break;
        }
        if Some(other) != baseline && Some(other) != winner && !others.contains(&other) {
            others.push(other);
        }
    }
    let Some(rank) = others.iter().position(|other| *other == own) else { return Ink::Bound };
    // Among those of a kind the order is the scenario's, which runs share.
    let hued = hues.iter().filter(|ink| !ink.is_grey()).count();
    let (from, to) = if rank < hued { (0, hued.min(others.len())) } else { (hued, others.len()) };
    let written = |of: &(&str, &str)| reading.record.cells.iter().position(|cell| party(cell) == *of);
    let before = others[from..to].iter().filter(|other| written(other) < written(&own));
    hues[from + before.count()]
}

/// What has a colour of its own: a strategy under one eviction policy, at whatever limit.
fn party(cell: &Cell) -> (&str, &str) {
    (&cell.strategy, &cell.eviction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// Contrast as WCAG 2.2 defines it, from relative luminance.
    fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let light = |(r, g, b)| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (a, b) = (light(one), light(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn series_stand_out_and_text_reads_in_both_themes() {
        for ink in Ink::ALL.into_iter().filter(|ink| !matches!(ink, Ink::Grid | Ink::Page)) {
            let least = if ink == Ink::Text { 4.5 } else { 3.0 };
            assert!(contrast(ink.light(), Ink::Page.light()) >= least, "{ink:?} on light");
            assert!(contrast(ink.dark(), Ink::Page.dark()) >= least, "{ink:?} on dark");
        }
    }

    #[test]
    fn every_colour_can_be_told_from_what_plotters_drew() {
        for ink in Ink::ALL {
            let RGBColor(red, green, blue) = ink.color();
            assert_eq!(Ink::of_rgb((red, green, blue)), Some(ink));
        }
    }

    #[test]
    fn a_strategy_has_a_colour_under_each_policy_and_bounds_take_none() {
        let mut record = fixture::forty();
        record.cells.truncate(6);
        record.scoring.winner = None;
        let policies = ["lru", "lru", "fifo", "sieve", "lru", "belady"];
        for (place, (cell, policy)) in record.cells.iter_mut().zip(policies).enumerate() {
            (cell.strategy, cell.eviction) = ("one".into(), policy.into());
            (cell.baseline, cell.oracle) = (place < 5, policy == "belady");
        }
        record.cells[4].strategy = "other".into();
        let reading = Reading::new(&record);
        let inks: Vec<Ink> = record.cells.iter().map(|cell| ink_of(&reading, cell)).collect();
        assert_eq!(inks, [Ink::Text, Ink::Text, Ink::S1, Ink::S2, Ink::S3, Ink::Bound]);
    }

    #[test]
    fn eight_series_and_a_bound_can_be_told_apart_without_colours() {
        let all = || std::iter::once(Ink::Text).chain(Ink::SERIES);
        let shapes: Vec<_> = all().map(Ink::marker).collect();
        for (place, shape) in shapes.iter().enumerate() {
            assert!(!shapes[..place].contains(shape), "{shape:?}");
        }
        // The recommended one is solid as the baseline is, and thicker.
        let dashes: Vec<_> = all().filter(|ink| *ink != Ink::S1).chain([Ink::Bound]).map(Ink::dash).collect();
        for (place, dash) in dashes.iter().enumerate() {
            assert!(!dashes[..place].contains(dash), "{dash:?}");
        }
        assert_eq!(css().matches("--bound:").count(), 1);
    }

    #[test]
    fn beyond_five_strategies_the_best_of_the_others_have_a_hue_and_the_next_a_dash() {
        let record = fixture::forty();
        let reading = Reading::new(&record);
        let inks: Vec<Ink> = record.cells.iter().map(|cell| ink_of(&reading, cell)).collect();
        assert_eq!((inks[0], inks[39]), (Ink::Text, Ink::S1));
        let others = reading.ranked.iter().filter(|cell| !cell.baseline && !reading.is_winner(cell));
        let ranked: Vec<Ink> = others.map(|cell| ink_of(&reading, cell)).collect();
        let sorted = |inks: &[Ink]| {
            let mut names: Vec<String> = inks.iter().map(|ink| format!("{ink:?}")).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(&ranked[..3]), ["S2", "S3", "S4"], "{ranked:?}");
        assert_eq!(sorted(&ranked[3..6]), ["G1", "G2", "G3"], "{ranked:?}");
        assert!(ranked[6..].iter().all(|ink| *ink == Ink::Bound), "{ranked:?}");
        // Within a kind the order is the scenario's.
        let hued: Vec<Ink> =
            inks.into_iter().filter(|ink| matches!(ink, Ink::S2 | Ink::S3 | Ink::S4)).collect();
        assert_eq!(hued, [Ink::S2, Ink::S3, Ink::S4]);
    }
}
