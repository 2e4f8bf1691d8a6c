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

const TTLS_S: [u64; 7] = [10, 60, 300, 3_600, 21_600, 86_400, 604_800];

pub(super) fn ttl(trace: &Trace, counts: &[u64]) -> Vec<TtlPreview> {
    let requests = trace.len() as f64;
    let span = trace.span().as_secs_f64();
    TTLS_S
        .into_iter()
        .map(|seconds| {
            let ttl = SimDuration::from_secs(seconds);
            let ratio = |hits: u64| (requests > 0.0).then(|| hits as f64 / requests);
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
                ttl,
                fixed: ratio(hits(trace, ttl, false)),
                sliding: ratio(hits(trace, ttl, true)),
                fixed_if_poisson: poisson(|x| x / (1.0 + x)),
                sliding_if_poisson: poisson(|x| 1.0 - (-x).exp()),
            }
        })
        .collect()
}

/// Hits where an entry is live up to and including the end of its TTL, as in Redis.
fn hits(trace: &Trace, ttl: SimDuration, slides: bool) -> u64 {
    let mut live_until: Vec<Option<SimTime>> = vec![None; trace.objects().len()];
    let mut hits = 0;
    for request in trace.requests() {
        let until = &mut live_until[request.object.index()];
        let is_hit = until.is_some_and(|until| request.at <= until);
        hits += u64::from(is_hit);
        if !is_hit || slides {
            *until = Some(request.at + ttl);
        }
    }
    hits
}

pub(super) fn stampedes(trace: &Trace, counts: &[u64]) -> Vec<HotKey> {
    let span = trace.span().as_secs_f64();
    if span <= 0.0 {
        return Vec::new();
    }
    let mut hottest: Vec<usize> = (0..counts.len()).collect();
    hottest.sort_by_key(|&index| std::cmp::Reverse(counts[index]));
    hottest.truncate(10);
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
