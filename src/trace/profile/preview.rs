//! What TTLs and expiries would do, roughly, before any simulation.

use serde::Serialize;

use crate::trace::{ObjectId, Trace};
use crate::units::{SimDuration, SimTime};

/// Hit ratios of one TTL with unlimited capacity and an origin without latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TtlPreview {
    /// The TTL.
    pub ttl: SimDuration,
    /// The TTL counts from the fill.
    pub fixed: Option<f64>,
    /// The TTL begins anew with every read.
    pub sliding: Option<f64>,
    /// What independent Poisson requests of the same rates would give for the fixed TTL,
    /// the mean of `rT / (1 + rT)` over requests. What lies between it and `fixed` is burstiness.
    pub fixed_if_poisson: Option<f64>,
    /// The same for the sliding TTL: `1 - exp(-rT)`.
    pub sliding_if_poisson: Option<f64>,
}

/// A key that many wait for when it expires.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HotKey {
    /// The key.
    pub key: String,
    /// Requests per second over the whole span.
    pub rate_per_s: f64,
    /// Requests that one expiry would meet without a guard if the origin took 100 ms: 1 + rate x time.
    pub crowd_at_100ms: f64,
    /// The same for an origin that takes a second.
    pub crowd_at_1s: f64,
}

/// Keys that are shown.
const HOTTEST: usize = 10;

const TTLS_S: [u64; 7] = [10, 60, 300, 3_600, 21_600, 86_400, 604_800];

/// What the TTLs of the preview hold of one object.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lives {
    /// When it was last asked for.
    last: Option<SimTime>,
    /// Until when each fixed TTL holds it.
    until: [SimTime; TTLS_S.len()],
}

/// Hits by TTL.
#[derive(Debug, Default)]
pub(super) struct Hits {
    fixed: [u64; TTLS_S.len()],
    sliding: [u64; TTLS_S.len()],
}

impl Hits {
    /// A request; an entry is live up to and including the end of its TTL, as in Redis.
    pub(super) fn request(&mut self, at: SimTime, lives: &mut Lives) {
        let before = lives.last.replace(at);
        for (place, seconds) in TTLS_S.into_iter().enumerate() {
            let ttl = SimDuration::from_secs(seconds);
            let is_live = before.is_some() && at <= lives.until[place];
            self.fixed[place] += u64::from(is_live);
            if !is_live {
                lives.until[place] = at + ttl;
            }
            self.sliding[place] += u64::from(before.is_some_and(|before| at <= before + ttl));
        }
    }
}

pub(super) fn ttl(hits: &Hits, trace: &Trace, counts: &[u64]) -> Vec<TtlPreview> {
    let requests = trace.len() as f64;
    let span = trace.span().as_secs_f64();
    let ratio = |hits: u64| (requests > 0.0).then(|| hits as f64 / requests);
    let preview = |(place, seconds): (usize, u64)| {
        let poisson = |hit: fn(f64) -> f64| {
            (span > 0.0).then(|| {
                let expected = |count: &u64| {
                    let per_ttl = *count as f64 / span * seconds as f64;
                    *count as f64 * hit(per_ttl)
                };
                counts.iter().map(expected).sum::<f64>() / requests
            })
        };
        TtlPreview {
            ttl: SimDuration::from_secs(seconds),
            fixed: ratio(hits.fixed[place]),
            sliding: ratio(hits.sliding[place]),
            fixed_if_poisson: poisson(|x| x / (1.0 + x)),
            sliding_if_poisson: poisson(|x| 1.0 - (-x).exp()),
        }
    };
    TTLS_S.into_iter().enumerate().map(preview).collect()
}

pub(super) fn stampedes(trace: &Trace, counts: &[u64]) -> Vec<HotKey> {
    let span = trace.span().as_secs_f64();
    if span <= 0.0 {
        return Vec::new();
    }
    let mut hottest: Vec<usize> = (0..counts.len()).collect();
    let by_count = |index: &usize| (std::cmp::Reverse(counts[*index]), *index);
    if hottest.len() > HOTTEST {
        hottest.select_nth_unstable_by_key(HOTTEST, by_count);
        hottest.truncate(HOTTEST);
    }
    hottest.sort_unstable_by_key(by_count);
    let hot = |index: usize| {
        let rate = counts[index] as f64 / span;
        HotKey {
            key: trace.objects().key(ObjectId::from_index(index)),
            rate_per_s: rate,
            crowd_at_100ms: 1.0 + rate * 0.1,
            crowd_at_1s: 1.0 + rate,
        }
    };
    hottest.into_iter().map(hot).collect()
}
