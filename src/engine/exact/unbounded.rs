//! Caches without limit, where the requests of one object are all that matters to it.
//!
//! A fixed TTL is followed from miss to miss: the next one is the first request after the deadline, and what
//! lies between is skipped by a search of growing steps. A sliding TTL needs one pass for all TTLs there are:
//! a request is a hit if and only if the time since the one before is at most the TTL.

use super::suits;
use super::surface::CellCounts;
use crate::trace::Trace;
use crate::units::{SimDuration, SimTime, Window};

/// The requests of a trace by object, each object's in order.
pub struct ByObject<'t> {
    trace: &'t Trace,
    window: Window,
    times: Vec<SimTime>,
    ends: Vec<usize>,
}

impl<'t> ByObject<'t> {
    /// Sorts the requests: 8 bytes each.
    ///
    /// # Panics
    /// If the trace does not [suit](suits).
    pub fn new(trace: &'t Trace, window: Window) -> Self {
        assert!(suits(trace), "the trace has places");
        let mut ends = vec![0; trace.objects().len() + 1];
        trace.object_ids().iter().for_each(|object| ends[object.index() + 1] += 1);
        for object in 1..ends.len() {
            ends[object] += ends[object - 1];
        }
        let mut times = vec![SimTime::ZERO; trace.len()];
        let mut next = ends.clone();
        for (at, object) in trace.times().iter().zip(trace.object_ids()) {
            times[next[object.index()]] = *at;
            next[object.index()] += 1;
        }
        Self { trace, window, times, ends }
    }

    fn each(&self) -> impl Iterator<Item = (&[SimTime], u64)> {
        let facts = self.trace.objects().facts().iter();
        self.ends
            .windows(2)
            .zip(facts)
            .map(|(ends, fact)| (&self.times[ends[0]..ends[1]], u64::from(fact.size)))
    }

    fn scored<'a>(&self, times: &'a [SimTime]) -> &'a [SimTime] {
        &times[times.partition_point(|at| *at < self.window.from)..]
    }

    /// Requests and bytes asked for in the window.
    pub fn requested(&self) -> (u64, u64) {
        let each = self.each().map(|(times, size)| (self.scored(times).len() as u64, size));
        each.fold((0, 0), |sum, (requests, size)| (sum.0 + requests, sum.1 + requests * size))
    }

    /// Bytes that had ever been asked for, averaged over the window: all that a cache without limit holds where
    /// dead entries stay.
    pub fn ever_asked(&self) -> f64 {
        let until = self.window.until;
        let since = |at: &SimTime| u128::from(self.window.overlap(*at, until).as_nanos());
        let held = self.each().filter_map(|(times, size)| Some(since(times.first()?) * u128::from(size)));
        self.mean(held.sum())
    }

    fn mean(&self, byte_nanos: u128) -> f64 {
        let length = self.window.length().as_nanos();
        if length == 0 { 0.0 } else { byte_nanos as f64 / length as f64 }
    }

    /// A TTL that reads do not extend.
    pub fn fixed(&self, ttl: SimDuration) -> CellCounts {
        let mut counts = CellCounts::default();
        let mut live = 0_u128;
        for (times, size) in self.each() {
            let mut misses = 0;
            let mut at = 0;
            while at < times.len() {
                let deadline = times[at] + ttl;
                misses += u64::from(times[at] >= self.window.from);
                live += u128::from(self.window.overlap(times[at], deadline).as_nanos()) * u128::from(size);
                at += first_after(&times[at..], deadline);
            }
            let hits = self.scored(times).len() as u64 - misses;
            counts.hits += hits;
            counts.hit_bytes += hits * size;
        }
        CellCounts { live_mean: self.mean(live), ..counts }
    }

    /// TTLs that every read sets anew, in any order.
    pub fn sliding(&self, idle: &[SimDuration]) -> Vec<CellCounts> {
        let mut order: Vec<usize> = (0..idle.len()).collect();
        order.sort_by_key(|at| idle[*at]);
        let sorted: Vec<SimDuration> = order.iter().map(|at| idle[*at]).collect();
        // By the number of TTLs that are too short for it.
        let mut counts = vec![CellCounts::default(); idle.len() + 1];
        let mut live = vec![0_u128; idle.len()];
        for (times, size) in self.each() {
            for (at, before) in times.iter().zip(std::iter::once(None).chain(times.iter().map(Some))) {
                let short = match before {
                    None => idle.len(),
                    Some(before) => sorted.partition_point(|ttl| *before + *ttl < *at),
                };
                let scored = u64::from(*at >= self.window.from);
                counts[short].hits += scored;
                counts[short].hit_bytes += scored * size;
            }
            for (nth, at) in times.iter().enumerate() {
                let next = times.get(nth + 1).copied().unwrap_or(self.window.until);
                for (lane, ttl) in sorted.iter().enumerate() {
                    let alive = self.window.overlap(*at, next.min(*at + *ttl)).as_nanos();
                    live[lane] += u128::from(alive) * u128::from(size);
                }
            }
        }
        let mut told = vec![CellCounts::default(); idle.len()];
        let mut sum = CellCounts::default();
        for (nth, at) in order.into_iter().enumerate() {
            sum.hits += counts[nth].hits;
            sum.hit_bytes += counts[nth].hit_bytes;
            told[at] = CellCounts { live_mean: self.mean(live[nth]), ..sum };
        }
        told
    }
}

/// How many of these instants are not after `deadline`: found in steps that double, then by halves.
fn first_after(times: &[SimTime], deadline: SimTime) -> usize {
    let mut step = 1;
    while step < times.len() && times[step] <= deadline {
        step *= 2;
    }
    let (from, to) = (step / 2, (step + 1).min(times.len()));
    from + times[from..to].partition_point(|at| *at <= deadline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn growing_steps_find_what_a_walk_finds(pauses in prop::collection::vec(0_u64..5, 1..60), ttl in 0_u64..90) {
            let times: Vec<SimTime> = pauses.iter().scan(0, |now, pause| {
                *now += pause;
                Some(SimTime::from_nanos(*now))
            }).collect();
            let deadline = times[0] + SimDuration::from_nanos(ttl);
            prop_assert_eq!(first_after(&times, deadline), times.iter().take_while(|at| **at <= deadline).count());
        }
    }
}
