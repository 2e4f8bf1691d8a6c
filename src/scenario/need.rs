//! How much memory a scenario takes, known before anything is allocated.

use std::ops::Range;

use crate::catalog::Fault;
use crate::metrics::{Bucket, ClassBucket};
use crate::trace::import::Room;
use crate::units::{ByteSize, SimDuration};

/// Of a trace, for each object: its size and class, its rank, and the table that ranks are drawn from.
const TRACE_PER_OBJECT: u128 = 24;
/// Of a trace, for each request: instant and object.
const TRACE_PER_REQUEST: u128 = 12;
/// For each object, what its size was drawn from, where a change draws it anew.
const RESIZED_PER_OBJECT: u128 = 24;

/// How many whole traces are made up and held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traces {
    /// Those that stay, however many runs there are at once.
    kept: u32,
    /// Cells of a sweep beside them, and its replications.
    cells: u64,
    replications: u32,
}

impl Traces {
    /// So many, which all runs share.
    pub const fn kept(traces: u32) -> Self {
        Self { kept: traces, cells: 1, replications: 0 }
    }

    /// Those of a sweep: that of the first replication, which the sweep keeps, and those that are being played.
    pub const fn of_sweep(cells: u64, replications: u32) -> Self {
        Self { kept: 0, cells, replications }
    }

    /// With others beside them that stay.
    #[must_use]
    pub const fn beside(self, kept: u32) -> Self {
        Self { kept: self.kept.saturating_add(kept), ..self }
    }

    /// How many there are at most while so many runs play.
    fn held(self, runs: u64) -> u64 {
        let of_sweep = replications_at_once(runs, self.cells).saturating_add(1);
        u64::from(self.kept) + of_sweep.min(self.replications.into())
    }
}

/// How many replications of a sweep have their requests in memory at once, where so many runs take one cell after the
/// other, replication by replication: as many as runs that follow each other can be of, and one more for a run that lags.
pub fn replications_at_once(runs: u64, cells: u64) -> u64 {
    runs.saturating_sub(1).div_ceil(cells.max(1)).saturating_add(2).min(runs)
}

/// Bytes that the results of a finished run take until all runs are done: its series of buckets, and the waits that it saw.
/// How many different waits there are nobody knows before; counted are as many as some twelve doublings have to three digits, once
/// together, once by outcome and once by class; what `tests/footprint.rs` finds is less.
pub fn result_bytes(span: SimDuration, bucket: SimDuration, classes: usize, requests: u64) -> u64 {
    /// Classes that have a series of their own.
    const CLASSES: usize = 16;
    /// Different waits that are counted, and bytes of each: its place, how many, and by how much they exceed it.
    const WAITS: u64 = 12_000;
    const WAIT: u64 = 9;
    /// Whatever does not grow.
    const FIXED: u64 = 8_192;
    let of_bucket = size_of::<Bucket>() + classes.min(CLASSES) * size_of::<ClassBucket>();
    let buckets = span.as_nanos() / bucket.as_nanos().max(1) + 1;
    buckets.saturating_mul(of_bucket as u64).saturating_add(3 * WAIT * requests.min(WAITS) + FIXED)
}

/// What plays side by side, in terms of memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Whole traces that are made up and held at once.
    pub traces: Traces,
    /// The share of the keys that a run plays, of which it holds a copy; 1 where it plays the trace itself.
    pub share: f64,
    /// Bytes that a run takes for each object that it plays.
    pub run_per_object: u64,
    /// Bits that a run takes for each request that it plays.
    pub run_bits_per_request: u64,
    /// Bytes that all runs share for each request, beside the trace.
    pub shared_per_request: u64,
    /// Samples that are kept however many runs there are: the sum of their shares.
    pub kept: f64,
    /// Results that are kept until all runs are done, however many there are at once.
    pub results: Results,
}

/// Results that are kept until all runs are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Results {
    /// How many runs have some.
    pub runs: u64,
    /// Bytes of each.
    pub of_run: u64,
}

impl Results {
    /// Those of a single run are part of what the program itself takes.
    fn bytes(self) -> u128 {
        u128::from(self.runs.saturating_sub(1)) * u128::from(self.of_run)
    }

    /// What to do where most of `bytes` is theirs: in words which those are, and the remedy.
    fn cause(self, bytes: u128) -> Option<(String, &'static str)> {
        let cause = || {
            let Self { runs, of_run } = self;
            let what = format!("the results of {runs} runs, {} each,", about(of_run.into()));
            (what, "sweep fewer cells or replications, or write a longer [time] bucket")
        };
        (self.bytes() > bytes / 2).then(cause)
    }
}

impl Load {
    /// What so many runs take beside the whole traces, if one of these takes `trace` bytes.
    fn beside(&self, trace: u128, objects: u64, requests: u64, runs: u64) -> u128 {
        let copy = if self.share < 1.0 { trace } else { 0 };
        let of_objects = u128::from(objects) * u128::from(self.run_per_object);
        let of_requests = (u128::from(requests) * u128::from(self.run_bits_per_request)).div_ceil(8);
        let run = copy + of_objects + of_requests;
        let run = if self.share < 1.0 { part(run, self.share) } else { run };
        let shared = u128::from(requests) * u128::from(self.shared_per_request);
        (run * u128::from(runs) + shared + part(trace, self.kept)).saturating_add(self.results.bytes())
    }
}

/// A share of a number of bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count is a count")]
fn part(bytes: u128, share: f64) -> u128 {
    (bytes as f64 * share).ceil() as u128
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
        let beside = load.beside(trace, self.objects.0, self.requests.0, runs);
        (trace * u128::from(load.traces.held(runs))).saturating_add(beside)
    }

    /// Bytes of a trace for each object.
    fn per_object(&self) -> u128 {
        TRACE_PER_OBJECT + if self.is_resized { RESIZED_PER_OBJECT } else { 0 }
    }

    /// How many of `most` runs fit side by side into this room.
    ///
    /// # Errors
    /// If not even one does. Names the greatest of the causes at its place: the objects, the requests, or results that are kept.
    pub fn at_once(&self, load: Load, most: u64, room: Room) -> Result<u64, Fault> {
        let fits = |runs: &u64| self.bytes(load, *runs) <= u128::from(room.bytes);
        if let Some(runs) = (1..=most.max(1)).rev().find(fits) {
            return Ok(runs);
        }
        let bytes = self.bytes(load, 1);
        let copies = load.traces.held(1) as f64 + load.kept + if load.share < 1.0 { load.share } else { 0.0 };
        let beside = load.run_bits_per_request as f64 / 8.0 + load.shared_per_request as f64;
        let of_requests = self.requests.0 as f64 * (TRACE_PER_REQUEST as f64 * copies + beside);
        let (many, span, help) = if let Some((results, help)) = load.results.cause(bytes) {
            (results, &self.requests.1, help)
        } else if of_requests > bytes as f64 / 2.0 {
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
        let Room { bytes: have, bound } = room;
        let what = format!(
            "{many} need at least {} of memory, but {} are {bound}",
            about(bytes),
            about(have.into())
        );
        Err(Fault::new(span.clone(), what)
            .rule(format!(
                "a trace takes {} bytes an object and {TRACE_PER_REQUEST} a request, and each run {} an object",
                self.per_object(),
                load.run_per_object
            ))
            .help(format!("{} more, or {help}", more(bound))))
    }
}

/// What to do first where memory is bounded so.
fn more(bound: &str) -> &'static str {
    if bound == Room::FREE { "free" } else { "allow" }
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
    /// Whether they could, if the user asked for it.
    pub can_spool: bool,
    /// Bytes of what it tells beside its requests: the texts of keys, origin times, TTLs, changes.
    pub beside: u64,
}

impl Recorded {
    /// How many of `most` runs over it fit side by side: all that is held into `limit` bytes, and what is not held yet
    /// into `free` ones.
    ///
    /// # Errors
    /// If not even one does: what one needs, what there is and what to do, in words.
    pub fn at_once(
        &self,
        load: Load,
        most: u64,
        limit: Option<u64>,
        free: Option<u64>,
    ) -> Result<u64, String> {
        let told = u128::from(self.beside);
        let held = trace_bytes(self.objects, if self.is_spooled { 0 } else { self.requests }) + told;
        let whole = trace_bytes(self.objects, self.requests) + told;
        let beside = |runs| load.beside(whole, self.objects, self.requests, runs);
        let within = |bytes: u128, most: Option<u64>| most.is_none_or(|most| bytes <= u128::from(most));
        let fits = |runs: &u64| within(held + beside(*runs), limit) && within(beside(*runs), free);
        if let Some(runs) = (1..=most.max(1)).rev().find(fits) {
            return Ok(runs);
        }
        let (need, have, bound) = match limit {
            Some(limit) if !within(held + beside(1), Some(limit)) => (held + beside(1), limit, Room::ALLOWED),
            _ => (beside(1), free.unwrap_or(0), Room::FREE),
        };
        let of_trace = || {
            let help = if self.can_spool && !self.is_spooled && bound == Room::ALLOWED {
                "keep requests on disk with --stream, or play a part: ttlab trace sample"
            } else {
                "play a part: ttlab trace sample"
            };
            (format!("{} requests of {} objects", self.requests, self.objects), help)
        };
        let (many, help) = load.results.cause(need).unwrap_or_else(of_trace);
        Err(format!(
            "{many} need at least {} of memory, but {} are {bound}; {} more, or {help}",
            about(need),
            about(have.into()),
            more(bound)
        ))
    }
}

/// About how many bytes these are.
fn about(bytes: u128) -> String {
    ByteSize::from_bytes(u64::try_from(bytes).unwrap_or(u64::MAX)).about()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Load = Load {
        traces: Traces::kept(1),
        share: 1.0,
        run_per_object: 64,
        run_bits_per_request: 0,
        shared_per_request: 0,
        kept: 0.0,
        results: Results { runs: 0, of_run: 0 },
    };

    fn free(bytes: u64) -> Room {
        Room { bytes, bound: Room::FREE }
    }

    #[test]
    fn what_fits_is_let_through_and_the_greater_cause_is_named_at_its_place() {
        let need = Need { objects: (1_000_000, 10..20), requests: (1_000, 30..40), is_resized: false };
        assert_eq!(need.at_once(ALL, 2, free(200 << 20)).unwrap(), 2);
        // 24 bytes of the trace and 64 of a run for each object: one run fits, two do not.
        assert_eq!(need.at_once(ALL, 2, free(100 << 20)).unwrap(), 1);
        assert!(
            Need { is_resized: true, ..need.clone() }.at_once(ALL, 1, free(100 << 20)).is_err(),
            "24 more"
        );
        let fault = need.at_once(ALL, 2, free(80 << 20)).unwrap_err();
        assert_eq!(fault.span, 10..20);
        assert!(fault.what.contains("1000000 objects need at least 83.9 MiB"), "{}", fault.what);
        let need = Need { objects: (10, 10..20), requests: (4_000_000_000, 30..40), is_resized: false };
        let fault = need.at_once(Load { traces: Traces::kept(2), ..ALL }, 1, free(1 << 30)).unwrap_err();
        assert_eq!(fault.span, 30..40);
        assert!(fault.what.contains("89.4 GiB of memory, but 1 GiB are free"), "{}", fault.what);
    }

    #[test]
    fn results_that_wait_for_the_last_run_count_and_are_named_where_they_are_most() {
        let need = Need { objects: (10, 0..1), requests: (1_000, 30..40), is_resized: false };
        let sweep = Load { results: Results { runs: 4_001, of_run: 1 << 20 }, ..ALL };
        // The first one's are part of the program; a trace and two runs take 13,520 bytes.
        assert_eq!(need.at_once(sweep, 2, free((4_000 << 20) + 13_520)).unwrap(), 2);
        assert_eq!(need.at_once(sweep, 2, free((4_000 << 20) + 13_519)).unwrap(), 1);
        let allowed = Room { bytes: 20 << 20, bound: Room::ALLOWED };
        let fault = need.at_once(sweep, 2, allowed).unwrap_err();
        assert!(fault.what.starts_with("the results of 4001 runs, 1 MiB each, need"), "{}", fault.what);
        assert!(fault.what.ends_with("but 20 MiB are allowed (--memory-limit)"), "{}", fault.what);
        assert_eq!(fault.help.as_deref().and_then(|help| help.split_once(',')).unwrap().0, "allow more");
        let recorded =
            Recorded { objects: 10, requests: 1_000, is_spooled: false, can_spool: false, beside: 0 };
        let refused = recorded.at_once(sweep, 2, Some(20 << 20), None).unwrap_err();
        assert!(refused.contains("the results of 4001 runs") && refused.contains("fewer cells"), "{refused}");
    }

    #[test]
    fn results_grow_with_buckets_classes_and_waits() {
        let seconds = SimDuration::from_secs;
        let of = |span, classes, requests| result_bytes(seconds(span), seconds(1), classes, requests);
        assert_eq!(of(1_000, 1, 1_000) - of(0, 1, 1_000), 1_000 * (of_bucket(1)));
        assert_eq!(of(9, 99, 0) - of(9, 16, 0), 0, "more classes have no series of their own");
        assert!(of(9, 1, 1 << 40) < 1 << 20, "waits have so many places and no more");
    }

    fn of_bucket(classes: usize) -> u64 {
        (size_of::<Bucket>() + classes * size_of::<ClassBucket>()) as u64
    }

    #[test]
    fn a_sample_is_a_copy_of_its_share() {
        let sampled = Load { share: 0.5, ..ALL };
        let need = Need { objects: (1_000, 0..1), requests: (10_000, 0..1), is_resized: false };
        // The trace takes 144,000 bytes, and a run half of that and 32,000 bytes.
        assert_eq!(need.at_once(sampled, 3, free(144_000 + 2 * 104_000)).unwrap(), 2);
        assert_eq!(need.at_once(sampled, 3, free(144_000 + 2 * 104_000 - 1)).unwrap(), 1);
        let recorded =
            Recorded { objects: 1_000, requests: 10_000, is_spooled: false, can_spool: false, beside: 0 };
        assert_eq!(recorded.at_once(sampled, 3, Some(144_000 + 104_000), None), Ok(1));
        assert!(recorded.at_once(sampled, 3, Some(144_000 + 103_999), None).is_err());
        assert_eq!(recorded.at_once(ALL, 3, Some(144_000 + 64_000), None), Ok(1));
        let kept = Load { kept: 0.5, ..ALL };
        assert_eq!(recorded.at_once(kept, 3, Some(144_000 + 72_000 + 64_000), None), Ok(1));
        assert!(recorded.at_once(kept, 3, Some(144_000 + 72_000 + 63_999), None).is_err());
    }

    #[test]
    fn traces_of_a_sweep_follow_from_runs_at_once_cells_and_replications() {
        // One run at once: its trace, and that of the first replication.
        assert_eq!(Traces::of_sweep(3, 9).held(1), 2);
        // Two runs stand in two replications at each end of one, beside the first.
        assert_eq!(Traces::of_sweep(64, 9).held(2), 3);
        assert_eq!(Traces::of_sweep(1, 2).held(2), 2, "there are no more than replications");
        // With one cell every run has a replication of its own; with many they share them, but for one that lags.
        assert_eq!([1, 2, 5, 64].map(|cells| Traces::of_sweep(cells, 99).held(16)), [17, 11, 6, 4]);
        assert_eq!(Traces::of_sweep(1, 4).beside(3).held(2), 6);
        assert_eq!(Traces::kept(5).held(16), 5);
        // 12,240 bytes of a trace of 1,000 requests, and 640 of a run.
        let need = Need { objects: (10, 0..1), requests: (1_000, 0..1), is_resized: false };
        let sweep = Load { traces: Traces::of_sweep(1, 5), ..ALL };
        let runs = |bytes| need.at_once(sweep, 4, free(bytes)).unwrap();
        let least = [(2, 1), (3, 2), (4, 3), (5, 4)].map(|(traces, runs)| traces * 12_240 + runs * 640);
        assert_eq!(least.map(runs), [1, 2, 3, 4]);
        assert_eq!([runs(least[1] - 1), runs(least[2] - 1), runs(least[3] - 1)], [1, 2, 3]);
    }

    #[test]
    fn what_grows_with_the_requests_counts_beside_the_trace() {
        let recorded =
            Recorded { objects: 1_000, requests: 10_000, is_spooled: true, can_spool: true, beside: 80_000 };
        // 24,000 bytes of objects, 80,000 of origin times, and for each run 64,000 of objects and 40,000 of requests.
        let ahead = Load { run_bits_per_request: 32, ..ALL };
        assert_eq!(recorded.at_once(ahead, 4, Some(104_000 + 2 * 104_000), None), Ok(2));
        assert_eq!(recorded.at_once(ahead, 4, Some(104_000 + 2 * 104_000 - 1), None), Ok(1));
        // 8 bytes a request for all runs together.
        let sorted = Load { shared_per_request: 8, ..ALL };
        assert_eq!(recorded.at_once(sorted, 4, Some(104_000 + 80_000 + 2 * 64_000), None), Ok(2));
        assert_eq!(recorded.at_once(sorted, 4, Some(104_000 + 80_000 + 2 * 64_000 - 1), None), Ok(1));
        let need = Need { objects: (10, 0..1), requests: (8_000, 7..9), is_resized: false };
        let marked = Load { run_bits_per_request: 1, ..ALL };
        assert_eq!(need.at_once(marked, 9, free(96_240 + 3 * 1_640)).unwrap(), 3);
        assert_eq!(need.at_once(marked, 9, free(96_240 + 3 * 1_640 - 1)).unwrap(), 2);
        // What is copied for a sample is all that is recorded.
        let sampled = Load { share: 0.5, ..ALL };
        let held = Recorded { is_spooled: false, ..recorded };
        assert_eq!(held.at_once(sampled, 2, Some(224_000 + 112_000 + 32_000), None), Ok(1));
        assert!(held.at_once(sampled, 2, Some(224_000 + 112_000 + 31_999), None).is_err());
    }

    #[test]
    fn requests_on_disk_take_nothing_and_what_is_held_needs_not_be_free() {
        let held =
            Recorded { objects: 1_000, requests: 10_000_000, is_spooled: false, can_spool: false, beside: 0 };
        let spooled = Recorded { is_spooled: true, ..held };
        assert_eq!(spooled.at_once(ALL, 1, Some(100_000), None), Ok(1));
        let refused = held.at_once(ALL, 1, Some(100_000), None).unwrap_err();
        assert!(refused.contains("115 MiB of memory, but 97.7 KiB are allowed"), "{refused}");
        assert!(refused.contains("; allow more, or play a part"), "{refused}");
        let told = Recorded { can_spool: true, ..held }.at_once(ALL, 1, Some(100_000), None).unwrap_err();
        assert!(told.contains("; allow more, or keep requests on disk with --stream"), "{told}");
        assert_eq!(held.at_once(ALL, 4, None, Some(128_000)), Ok(2));
        let refused = held.at_once(ALL, 4, None, Some(1_024)).unwrap_err();
        assert!(refused.contains("62.5 KiB of memory, but 1 KiB are free"), "{refused}");
    }

    #[test]
    fn the_greatest_numbers_do_not_overflow() {
        let need =
            Need { objects: (u64::from(u32::MAX), 0..1), requests: (u64::MAX, 0..1), is_resized: false };
        for share in [0.5, 1.0] {
            let traces = Traces::of_sweep(u64::MAX, u32::MAX).beside(u32::MAX);
            let (run_bits_per_request, shared_per_request) = (32, 8);
            let load = Load {
                traces,
                share,
                run_per_object: 200,
                run_bits_per_request,
                shared_per_request,
                kept: 1.0,
                results: Results { runs: u64::MAX, of_run: u64::MAX },
            };
            assert!(need.at_once(load, u64::from(u16::MAX), free(u64::MAX)).is_err());
        }
    }
}
