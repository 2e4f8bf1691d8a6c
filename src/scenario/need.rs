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
    /// The least that so many runs side by side take in bytes, with the trace of the first replication,
    /// which is kept, and that of the current one.
    fn bytes(&self, repeat: u32, runs: u64) -> u128 {
        let (objects, requests) = (u128::from(self.objects.0), u128::from(self.requests.0));
        let trace = objects * TRACE_PER_OBJECT + requests * TRACE_PER_REQUEST;
        trace * u128::from(repeat.min(2)) + objects * RUN_PER_OBJECT * u128::from(runs)
    }

    /// Refuses a workload that cannot be held in `available` bytes.
    ///
    /// # Errors
    /// Names the greater of the two causes at its place: the objects, or the requests.
    pub fn check(&self, repeat: u32, runs: u64, available: u64) -> Result<(), Fault> {
        let bytes = self.bytes(repeat, runs);
        if bytes <= u128::from(available) {
            return Ok(());
        }
        let of_requests = u128::from(self.requests.0) * TRACE_PER_REQUEST * u128::from(repeat.min(2));
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
        let help =
            if runs > 1 { format!("{help}; --threads 1 runs one cell at a time") } else { help.to_owned() };
        Err(Fault::new(span.clone(), what)
            .rule(format!(
                "a trace takes {TRACE_PER_OBJECT} bytes an object and {TRACE_PER_REQUEST} a request, and each of {runs} runs at once {RUN_PER_OBJECT} an object"
            ))
            .help(help))
    }
}

/// In whole MiB, or GiB with a digit.
fn rounded(bytes: f64) -> String {
    let mib = bytes / f64::from(1 << 20);
    if mib < 1_024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1_024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_let_through_and_the_greater_cause_is_named_at_its_place() {
        let need = Need { objects: (1_000_000, 10..20), requests: (1_000, 30..40) };
        assert!(need.check(1, 2, 200 << 20).is_ok());
        let fault = need.check(1, 2, 100 << 20).unwrap_err();
        assert_eq!(fault.span, 10..20);
        assert!(fault.what.contains("1000000 objects need at least 145 MiB"), "{}", fault.what);
        let need = Need { objects: (10, 10..20), requests: (4_000_000_000, 30..40) };
        let fault = need.check(5, 1, 1 << 30).unwrap_err();
        assert_eq!(fault.span, 30..40);
        assert!(fault.what.contains("89.4 GiB of memory, but 1.0 GiB are"), "{}", fault.what);
    }

    #[test]
    fn the_greatest_numbers_do_not_overflow() {
        let need = Need { objects: (u64::from(u32::MAX), 0..1), requests: (u64::MAX, 0..1) };
        assert!(need.check(1_000, u64::from(u16::MAX), u64::MAX).is_err());
    }
}
