//! How much memory a synthetic scenario takes, known before anything is allocated.

use std::ops::Range;

use crate::catalog::Fault;

/// Of a trace, for each object: its size and class, its rank, and the table that ranks are drawn from.
const TRACE_PER_OBJECT: u128 = 24;
/// Of a trace, for each request: instant and object.
const TRACE_PER_REQUEST: u128 = 12;
/// Of a run, for each object: its place in the cache, in the order of eviction and among the fetches in flight.
const RUN_PER_OBJECT: u128 = 64;

/// What decides how much memory a synthetic scenario takes, and where that is written.
#[derive(Debug, Clone)]
pub struct Need {
    /// Objects of all classes, and where the largest class says how many it has.
    pub(super) objects: (u64, Range<usize>),
    /// Expected requests of a replication, and where their rate or the duration is written.
    pub(super) requests: (u64, Range<usize>),
}

impl Need {
    /// The least that so many runs side by side take in bytes, with so many traces.
    fn bytes(&self, traces: u32, runs: u64) -> u128 {
        let (objects, requests) = (u128::from(self.objects.0), u128::from(self.requests.0));
        let trace = objects * TRACE_PER_OBJECT + requests * TRACE_PER_REQUEST;
        trace * u128::from(traces) + objects * RUN_PER_OBJECT * u128::from(runs)
    }

    /// How many of `most` runs fit side by side into `available` bytes, beside so many traces that are in memory at once:
    /// a sweep has that of the first replication, which it keeps, and that of the current one.
    ///
    /// # Errors
    /// If not even one does. Names the greater of the two causes at its place: the objects, or the requests.
    pub fn at_once(&self, traces: u32, most: u64, available: u64) -> Result<u64, Fault> {
        let fits = |runs: &u64| self.bytes(traces, *runs) <= u128::from(available);
        if let Some(runs) = (1..=most.max(1)).rev().find(fits) {
            return Ok(runs);
        }
        let bytes = self.bytes(traces, 1);
        let of_requests = u128::from(self.requests.0) * TRACE_PER_REQUEST * u128::from(traces);
        let (many, span, help) = if of_requests > bytes / 2 {
            (
                format!("{} requests", self.requests.0),
                &self.requests.1,
                "lower the rate or shorten the duration",
            )
        } else {
            (
                format!("{} objects", self.objects.0),
                &self.objects.1,
                "simulate a part: fewer objects, and as much less of rate and capacity",
            )
        };
        let what = format!(
            "{many} need at least {} of memory, but {} are available",
            rounded(bytes as f64),
            rounded(available as f64)
        );
        Err(Fault::new(span.clone(), what)
            .rule(format!(
                "a trace takes {TRACE_PER_OBJECT} bytes an object and {TRACE_PER_REQUEST} a request, and each run {RUN_PER_OBJECT} an object"
            ))
            .help(help))
    }
}

/// How many of `most` runs over a recorded trace fit side by side into `available` bytes.
///
/// # Errors
/// If not even one does: what one needs and what there is, in words.
pub fn recorded_at_once(objects: u64, requests: u64, most: u64, available: u64) -> Result<u64, String> {
    let need = Need { objects: (objects, 0..0), requests: (requests, 0..0) };
    need.at_once(1, most, available).map_err(|fault| fault.what)
}

/// In whole KiB or MiB, or GiB with a digit.
fn rounded(bytes: f64) -> String {
    let mib = bytes / f64::from(1 << 20);
    if mib < 1.0 {
        return format!("{:.0} KiB", mib * 1_024.0);
    }
    if mib < 1_024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1_024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_let_through_and_the_greater_cause_is_named_at_its_place() {
        let need = Need { objects: (1_000_000, 10..20), requests: (1_000, 30..40) };
        assert_eq!(need.at_once(1, 2, 200 << 20).unwrap(), 2);
        // 24 bytes of the trace and 64 of a run for each object: one run fits, two do not.
        assert_eq!(need.at_once(1, 2, 100 << 20).unwrap(), 1);
        let fault = need.at_once(1, 2, 80 << 20).unwrap_err();
        assert_eq!(fault.span, 10..20);
        assert!(fault.what.contains("1000000 objects need at least 84 MiB"), "{}", fault.what);
        let need = Need { objects: (10, 10..20), requests: (4_000_000_000, 30..40) };
        let fault = need.at_once(2, 1, 1 << 30).unwrap_err();
        assert_eq!(fault.span, 30..40);
        assert!(fault.what.contains("89.4 GiB of memory, but 1.0 GiB are"), "{}", fault.what);
    }

    #[test]
    fn the_greatest_numbers_do_not_overflow() {
        let need = Need { objects: (u64::from(u32::MAX), 0..1), requests: (u64::MAX, 0..1) };
        assert!(need.at_once(1_000, u64::from(u16::MAX), u64::MAX).is_err());
    }
}
