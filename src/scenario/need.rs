//! How much memory a scenario takes, known before anything is allocated.

use std::ops::Range;

use super::Scenario;
use crate::catalog::Fault;
use crate::strategy::Design;

/// Of a trace, for each object: its size and class, its rank, and the table that ranks are drawn from.
const TRACE_PER_OBJECT: u128 = 24;
/// Of a trace, for each request: instant and object.
const TRACE_PER_REQUEST: u128 = 12;
/// For each object, what its size was drawn from, where a change draws it anew.
const RESIZED_PER_OBJECT: u128 = 24;

/// What plays side by side, in terms of memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Whole traces that are made up and held at once: a sweep has that of the first replication, which it keeps, and
    /// that of the current one.
    pub traces: u32,
    /// The share of the keys that a run plays, of which it holds a copy; 1 where it plays the trace itself.
    pub share: f64,
    /// Bytes that a run takes for each object that it plays.
    pub run_per_object: u64,
    /// Samples that are kept however many runs there are: the sum of their shares.
    pub kept: f64,
}

impl Load {
    /// What so many runs take beside the whole traces, if one of these takes `trace` bytes.
    fn beside(&self, trace: u128, objects: u64, runs: u64) -> u128 {
        let copy = if self.share < 1.0 { trace } else { 0 };
        let run = copy + u128::from(objects) * u128::from(self.run_per_object);
        let run = if self.share < 1.0 { part(run, self.share) } else { run };
        run * u128::from(runs) + part(trace, self.kept)
    }
}

/// A share of a number of bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count is a count")]
fn part(bytes: u128, share: f64) -> u128 {
    (bytes as f64 * share).ceil() as u128
}

/// Bytes that a cache takes for each object: its place in the cache, in the order of eviction and in the tables of a
/// server; the most that `tests/footprint.rs` finds, which is where a table has just grown.
pub fn cache_per_object(eviction: &str, reclaim: &str, memory: &str) -> u64 {
    const PLACE: u64 = 40;
    // What is kept of each key of a server: its hash, and where victims are drawn who follows in each chain and its age.
    const HASH: u64 = 4;
    const CHAINED: u64 = 16;
    // Places in a table: heads of chains, rows that are swept, or numbers of keys.
    const HEADS: u64 = 8;
    const ROWS: u64 = 22;
    const TALLIES: u64 = 3;
    // A deadline and the place of it.
    const DEADLINE: u64 = 16;
    let is_volatile = eviction.starts_with("volatile-");
    let is_sampled = is_volatile || eviction.starts_with("allkeys-");
    let is_counted = memory == "redis" || eviction == "noeviction";
    let is_active = reclaim == "active";
    let order = match eviction {
        "infinite" | "noeviction" => 0,
        "lru" | "fifo" => 8,
        "sieve" => 9,
        "arc" | "s4lru" | "lfu" => 16,
        "s3-fifo" => 17,
        "w-tinylfu" => 20,
        "gdsf" => 28,
        // Of a server's own policies.
        _ if is_sampled => 0,
        // Whatever is not known here.
        _ => 32,
    };
    let all_keys = match (is_sampled, is_counted) {
        (true, _) => CHAINED + HEADS,
        (false, true) => HASH + TALLIES,
        (false, false) if is_active => HASH,
        (false, false) => 0,
    };
    let with_ttl = if is_volatile {
        HEADS
    } else if is_active {
        ROWS
    } else if is_sampled || is_counted {
        TALLIES
    } else {
        0
    };
    PLACE + order + all_keys + with_ttl + if reclaim == "eager" { DEADLINE } else { 0 }
}

/// Bytes that a strategy keeps of each object.
fn strategy_per_object(design: &Design) -> u64 {
    let rule = match design.rule.name() {
        "f-ttl" | "cost-proportional" => 8,
        "elastic" => 24,
        "change-rate" => 48,
        _ => 0,
    };
    let activity = design.modifiers.iter().any(|modifier| modifier.name() == "activity");
    let refresh = if design.refresh.name() == "xfetch" { 28 } else { 0 };
    rule + refresh + if activity { 16 } else { 0 }
}

impl Scenario {
    /// Bytes that the dearest run of this scenario takes for each object.
    pub fn run_per_object(&self) -> u64 {
        let (reclaim, memory) = (self.cache.reclaim.name(), self.cache.memory.name());
        let evictions = self.cache.evictions.iter();
        let cache = evictions.map(|eviction| cache_per_object(eviction.name(), reclaim, memory)).max();
        cache.unwrap_or(0) + self.strategies.iter().map(strategy_per_object).max().unwrap_or(0)
    }
}

/// What decides how much memory a synthetic scenario takes, and where that is written.
#[derive(Debug, Clone)]
pub struct Need {
    /// Objects of all classes, and where the largest class says how many it has.
    pub(super) objects: (u64, Range<usize>),
    /// Expected requests of a replication, and where their rate or the duration is written.
    pub(super) requests: (u64, Range<usize>),
    /// Whether sizes change with their objects.
    pub(super) is_resized: bool,
}

impl Need {
    /// The least that so many runs side by side take in bytes.
    fn bytes(&self, load: Load, runs: u64) -> u128 {
        let resized = u128::from(self.objects.0) * (self.per_object() - TRACE_PER_OBJECT);
        let trace = trace_bytes(self.objects.0, self.requests.0) + resized;
        trace * u128::from(load.traces) + load.beside(trace, self.objects.0, runs)
    }

    /// Bytes of a trace for each object.
    fn per_object(&self) -> u128 {
        TRACE_PER_OBJECT + if self.is_resized { RESIZED_PER_OBJECT } else { 0 }
    }

    /// How many of `most` runs fit side by side into `available` bytes.
    ///
    /// # Errors
    /// If not even one does. Names the greater of the two causes at its place: the objects, or the requests.
    pub fn at_once(&self, load: Load, most: u64, available: u64) -> Result<u64, Fault> {
        let fits = |runs: &u64| self.bytes(load, *runs) <= u128::from(available);
        if let Some(runs) = (1..=most.max(1)).rev().find(fits) {
            return Ok(runs);
        }
        let bytes = self.bytes(load, 1);
        let copies = f64::from(load.traces) + load.kept + if load.share < 1.0 { load.share } else { 0.0 };
        let of_requests = self.requests.0 as f64 * TRACE_PER_REQUEST as f64 * copies;
        let (many, span, help) = if of_requests > bytes as f64 / 2.0 {
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
                "a trace takes {} bytes an object and {TRACE_PER_REQUEST} a request, and each run {} an object",
                self.per_object(),
                load.run_per_object
            ))
            .help(help))
    }
}

fn trace_bytes(objects: u64, requests: u64) -> u128 {
    u128::from(objects) * TRACE_PER_OBJECT + u128::from(requests) * TRACE_PER_REQUEST
}

/// A recorded trace, in terms of memory.
#[derive(Debug, Clone, Copy)]
pub struct Recorded {
    /// Its objects.
    pub objects: u64,
    /// Its requests.
    pub requests: u64,
    /// Whether the requests lie on disk.
    pub is_spooled: bool,
}

impl Recorded {
    /// How many of `most` runs over it fit side by side: all that is held into `limit` bytes, and what is not held yet
    /// into `free` ones.
    ///
    /// # Errors
    /// If not even one does: what one needs and what there is, in words.
    pub fn at_once(
        &self,
        load: Load,
        most: u64,
        limit: Option<u64>,
        free: Option<u64>,
    ) -> Result<u64, String> {
        let held = trace_bytes(self.objects, if self.is_spooled { 0 } else { self.requests });
        let beside = |runs| load.beside(trace_bytes(self.objects, self.requests), self.objects, runs);
        let within = |bytes: u128, most: Option<u64>| most.is_none_or(|most| bytes <= u128::from(most));
        let fits = |runs: &u64| within(held + beside(*runs), limit) && within(beside(*runs), free);
        if let Some(runs) = (1..=most.max(1)).rev().find(fits) {
            return Ok(runs);
        }
        let of = format!("{} requests of {} objects need at least", self.requests, self.objects);
        let (need, have, there) = match limit {
            Some(limit) if !within(held + beside(1), Some(limit)) => {
                (held + beside(1), limit, "allowed (--memory-limit)")
            }
            _ => (beside(1), free.unwrap_or(0), "free"),
        };
        Err(format!("{of} {} of memory, but {} are {there}", rounded(need as f64), rounded(have as f64)))
    }
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

    const ALL: Load = Load { traces: 1, share: 1.0, run_per_object: 64, kept: 0.0 };

    #[test]
    fn what_fits_is_let_through_and_the_greater_cause_is_named_at_its_place() {
        let need = Need { objects: (1_000_000, 10..20), requests: (1_000, 30..40), is_resized: false };
        assert_eq!(need.at_once(ALL, 2, 200 << 20).unwrap(), 2);
        // 24 bytes of the trace and 64 of a run for each object: one run fits, two do not.
        assert_eq!(need.at_once(ALL, 2, 100 << 20).unwrap(), 1);
        assert!(Need { is_resized: true, ..need.clone() }.at_once(ALL, 1, 100 << 20).is_err(), "24 more");
        let fault = need.at_once(ALL, 2, 80 << 20).unwrap_err();
        assert_eq!(fault.span, 10..20);
        assert!(fault.what.contains("1000000 objects need at least 84 MiB"), "{}", fault.what);
        let need = Need { objects: (10, 10..20), requests: (4_000_000_000, 30..40), is_resized: false };
        let fault = need.at_once(Load { traces: 2, ..ALL }, 1, 1 << 30).unwrap_err();
        assert_eq!(fault.span, 30..40);
        assert!(fault.what.contains("89.4 GiB of memory, but 1.0 GiB are"), "{}", fault.what);
    }

    #[test]
    fn a_sample_is_a_copy_of_its_share() {
        let sampled = Load { share: 0.5, ..ALL };
        let need = Need { objects: (1_000, 0..1), requests: (10_000, 0..1), is_resized: false };
        // The trace takes 144,000 bytes, and a run half of that and 32,000 bytes.
        assert_eq!(need.at_once(sampled, 3, 144_000 + 2 * 104_000).unwrap(), 2);
        assert_eq!(need.at_once(sampled, 3, 144_000 + 2 * 104_000 - 1).unwrap(), 1);
        let recorded = Recorded { objects: 1_000, requests: 10_000, is_spooled: false };
        assert_eq!(recorded.at_once(sampled, 3, Some(144_000 + 104_000), None), Ok(1));
        assert!(recorded.at_once(sampled, 3, Some(144_000 + 103_999), None).is_err());
        assert_eq!(recorded.at_once(ALL, 3, Some(144_000 + 64_000), None), Ok(1));
        let kept = Load { kept: 0.5, ..ALL };
        assert_eq!(recorded.at_once(kept, 3, Some(144_000 + 72_000 + 64_000), None), Ok(1));
        assert!(recorded.at_once(kept, 3, Some(144_000 + 72_000 + 63_999), None).is_err());
    }

    #[test]
    fn requests_on_disk_take_nothing_and_what_is_held_needs_not_be_free() {
        let held = Recorded { objects: 1_000, requests: 10_000_000, is_spooled: false };
        let spooled = Recorded { is_spooled: true, ..held };
        assert_eq!(spooled.at_once(ALL, 1, Some(100_000), None), Ok(1));
        let refused = held.at_once(ALL, 1, Some(100_000), None).unwrap_err();
        assert!(refused.contains("115 MiB of memory, but 98 KiB are allowed"), "{refused}");
        assert_eq!(held.at_once(ALL, 4, None, Some(128_000)), Ok(2));
        let refused = held.at_once(ALL, 4, None, Some(1_024)).unwrap_err();
        assert!(refused.contains("62 KiB of memory, but 1 KiB are free"), "{refused}");
    }

    #[test]
    fn the_greatest_numbers_do_not_overflow() {
        let need =
            Need { objects: (u64::from(u32::MAX), 0..1), requests: (u64::MAX, 0..1), is_resized: false };
        for share in [0.5, 1.0] {
            let load = Load { traces: 1_000, share, run_per_object: 200, kept: 1.0 };
            assert!(need.at_once(load, u64::from(u16::MAX), u64::MAX).is_err());
        }
    }
}
