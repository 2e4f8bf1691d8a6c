//! From a log to a workload that is like it: what can be shared, and scaled up, without sharing the log.
//!
//! Measured by class: requests, objects, popularity, sizes, what is asked for once, uploads; and for all together
//! the rate over time, bunches within a second and how soon requests repeat others. The last is found by
//! trying: the repeats with which LRU's curve over a made trace comes closest to that over the begin of the log.
//!
//! A trace is looked at in passes, with memory for objects and for the requests that are compared, so that it may lie on
//! disk.

mod arrivals;
mod distance;
mod locality;
mod popularity;
mod sizes;
mod text;

pub use distance::LruCurve;

use self::arrivals::Rates;
use self::locality::Comparison;
use self::popularity::{Popularity, Turnover};
use self::sizes::{Observed, Sizes};
use super::Trace;
use super::synth::Repeats;

/// Why a trace cannot be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFit {
    /// Not a single request.
    #[error("the trace has no requests")]
    Empty,
    /// All requests at one time, or no times at all.
    #[error("the trace has no times that a rate could be measured by")]
    Timeless,
}

/// A workload like a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    requests: u64,
    objects: u64,
    span_s: f64,
    rates: Rates,
    repeats: Option<Repeats>,
    /// How close LRU's curve comes, as the repeats were found.
    comparison: Comparison,
    classes: Vec<ClassFit>,
}

/// A class of it.
#[derive(Debug, Clone, PartialEq)]
struct ClassFit {
    measured: Measured,
    popularity: Popularity,
    turnover: Turnover,
    sizes: Sizes,
}

/// What a class is in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Measured {
    name: String,
    requests: u64,
    objects: u64,
    once: u64,
    /// Requests for each object that is asked for more than once.
    again: Vec<u64>,
    /// Objects that are asked for again and came so late that they cannot have been there from the start.
    uploads: u64,
}

/// An object counts as uploaded where it would have been asked for earlier with this probability.
const SURE: f64 = 0.999;

impl Fit {
    /// Measures a trace.
    ///
    /// # Errors
    /// If there is nothing to measure.
    pub fn of(trace: &Trace) -> Result<Self, NoFit> {
        if trace.is_empty() {
            return Err(NoFit::Empty);
        }
        let span_s = trace.span().as_secs_f64();
        if trace.is_timeless() || span_s <= 0.0 {
            return Err(NoFit::Timeless);
        }
        let measured: Vec<Measured> = measure(trace);
        let (repeats, comparison) = locality::repeats(trace, &measured);
        let repeated = repeats.map_or(0.0, |repeats| repeats.share);
        let mut sizes = sizes_by_class(trace);
        let class = |measured: Measured, sizes: &Observed| ClassFit {
            popularity: Popularity::of(if measured.again.is_empty() { &[1] } else { &measured.again }),
            turnover: Turnover::of(&measured, repeated),
            sizes: Sizes::of(sizes),
            measured,
        };
        sizes.retain(|sizes| !sizes.is_empty());
        Ok(Self {
            requests: trace.len() as u64,
            objects: trace.objects().len() as u64,
            span_s,
            rates: Rates::of(trace),
            repeats,
            comparison,
            classes: measured
                .into_iter()
                .zip(&sizes)
                .map(|(measured, sizes)| class(measured, sizes))
                .collect(),
        })
    }
}

/// What the classes are that have objects.
fn measure(trace: &Trace) -> Vec<Measured> {
    let objects = trace.objects();
    let mut counts = vec![0_u64; objects.len()];
    let mut first = vec![0_usize; objects.len()];
    let mut place = 0;
    trace.each(|_, object| {
        let count = &mut counts[object.index()];
        if *count == 0 {
            first[object.index()] = place;
        }
        *count += 1;
        place += 1;
    });
    let empty = |name: &String| Measured {
        name: name.clone(),
        requests: 0,
        objects: 0,
        once: 0,
        again: Vec::new(),
        uploads: 0,
    };
    let mut classes: Vec<Measured> = objects.classes().iter().map(empty).collect();
    for ((fact, count), first) in objects.facts().iter().zip(&counts).zip(&first) {
        if *count == 0 {
            continue;
        }
        let class = &mut classes[fact.class.index()];
        class.objects += 1;
        class.requests += count;
        if *count == 1 {
            class.once += 1;
            continue;
        }
        class.again.push(*count);
        // Independent requests from the start on come this late with probability (1 - x)^count.
        let left = 1.0 - *first as f64 / trace.len() as f64;
        class.uploads += u64::from(left.ln() * (*count as f64) < (1.0 - SURE).ln());
    }
    classes.retain(|class| class.objects > 0);
    classes
}

/// The known sizes of the asked-for objects of each class; where none is known, the assumed ones.
fn sizes_by_class(trace: &Trace) -> Vec<Observed> {
    let objects = trace.objects();
    let mut counts = vec![0_u64; objects.len()];
    trace.each(|_, object| counts[object.index()] += 1);
    let mut known = vec![Observed::default(); objects.classes().len()];
    let mut assumed = known.clone();
    for (fact, count) in objects.facts().iter().zip(&counts).filter(|(_, count)| **count > 0) {
        let of = if fact.size_is_imputed { &mut assumed } else { &mut known };
        of[fact.class.index()].push(*count, fact.size);
    }
    known
        .into_iter()
        .zip(assumed)
        .map(|(known, assumed)| if known.is_empty() { assumed } else { known })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::random::Seed;
    use crate::trace::import::{Options, Spill, import};

    #[test]
    fn a_trace_on_disk_is_measured_as_one_in_memory() {
        let mut table = "time_ms,key,size,class\n".to_owned();
        let seed = Seed::new(3);
        for row in 0..6_000 {
            let place = seed.unit(row, 0);
            let image = (place.powi(3) * 300.0).floor();
            let class = if image < 40.0 { "small" } else { "large" };
            let _ = writeln!(table, "{},/{image},{},{class}", row * row / 20, 1_000.0 + image * 37.0);
        }
        let fit = |spill| {
            let options = Options { spill, ..Options::default() };
            let trace = import(table.as_bytes(), "t", &options, Seed::new(1)).unwrap().trace;
            assert_eq!(trace.is_spooled(), options.spill.is_some());
            Fit::of(&trace).unwrap()
        };
        let in_memory = fit(None);
        let on_disk = fit(Some(Spill { folder: std::env::temp_dir(), rows: 1_000 }));
        assert_eq!(on_disk, in_memory);
        assert_eq!((in_memory.comparison.requests, in_memory.classes.len()), (6_000, 2));
        let text = in_memory.scenario("fitted");
        assert!(
            text.contains("# Over all requests, LRU's hit ratio differs from that of the log by 0."),
            "{text}"
        );
        let longer = Fit { requests: 9_000_000, ..in_memory };
        assert!(longer.scenario("fitted").contains("# Over the first 6000 requests, LRU's hit ratio"));
    }
}
