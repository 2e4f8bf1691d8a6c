//! Charts: one file each, drawn from a record as SVG text.
//!
//! Text is set in ink and never below 12 units, axes carry their units, and every value drawn
//! stands in a table of the page. A chart that cannot be drawn says why, and the page says it there.

mod canvas;
pub(crate) mod capacity;
pub(crate) mod curve_surface;
pub(crate) mod entry;
pub(crate) mod episodes;
pub(crate) mod growth;
mod heat;
pub(crate) mod heat_capacity;
pub(crate) mod heat_compare;
pub(crate) mod heat_hours;
pub(crate) mod heat_reuse;
pub(crate) mod heat_surface;
pub(crate) mod heat_ttl;
pub(crate) mod herds;
pub(crate) mod hit_ratio;
mod labels;
pub(crate) mod latency;
pub(crate) mod palette;
mod panel;
pub(crate) mod pareto;
pub(crate) mod predicted;
pub(crate) mod profile;
mod sample;
mod scale;
pub(crate) mod search;
pub(crate) mod series;
pub(crate) mod sizes;
pub(crate) mod stampedes;
pub(crate) mod svg;
pub(crate) mod ttl;
pub(crate) mod weights;

pub(crate) use svg::{ChartError, Svg};
