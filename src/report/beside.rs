//! What was found beside the cells, and in words how.

use super::format;
use super::sampled::NOMINAL;
use crate::record::{Lattice, Record};

/// A strategy over many limits, if it was found.
pub(crate) fn curve(record: &Record) -> Option<&Lattice> {
    record.surface.as_ref().map(|surface| &surface.curve).filter(|curve| curve.absent.is_none())
}

/// A strategy over limits and TTLs, if they were found.
pub(crate) fn map(record: &Record) -> Option<&Lattice> {
    record.surface.as_ref().and_then(|surface| surface.map.as_ref()).filter(|map| map.absent.is_none())
}

/// Why there is no curve over many limits, as a sentence; `None` where there is one, and where nobody looked for it.
pub(crate) fn no_curve(record: &Record) -> Option<String> {
    let why = record.surface.as_ref()?.curve.absent.as_deref()?;
    let why = format::sentence(why);
    Some(format!(
        "No curve was drawn between and beyond the limits of the cells: {}.",
        why.trim_end_matches('.')
    ))
}

/// The largest error of the fresh hits; `None` where all are exact.
pub(crate) fn largest_error(lattice: &Lattice) -> Option<f64> {
    let errors = lattice.fresh_hit_error.iter().flatten();
    errors.copied().filter(|error| error.is_finite()).reduce(f64::max)
}

/// How it was found, and how far off it may be.
pub(crate) fn how(lattice: &Lattice) -> String {
    let method = format::sentence(&lattice.method);
    let mut words = format!("Found over the trace of the first replication ({method}");
    if let Some(because) = &lattice.because {
        let because = format::sentence(because);
        words = format!("{words}; nothing exact serves, for {}", because.trim_end_matches('.'));
    }
    words.push_str("). ");
    words
        + &largest_error(lattice).map_or_else(
            || "Every request was counted, so there is no error beyond that of one replication.".to_owned(),
            |error| format!("Error of the hits: at most ± {} ({NOMINAL}).", format::half_points(error)),
        )
}
