//! From what was measured on a sample of the keys to what it says of all of them.
//!
//! A key is in the sample with all its requests or with none, so a count that is a sum over keys (misses, fetches,
//! evictions, bytes held) is estimated by the sample's over the share of the keys that it came to have (Hájek, 1971). How many
//! requests there are is known; those that the sample has too few or too many of are those of hot keys, and
//! count as fresh hits: the adjustment of SHARDS (Waldspurger and others, FAST 2015). What is a greatest of something,
//! or arises because many keys meet, cannot be told from a sample; who reports it asks [`Sampled`].

use serde::{Deserialize, Serialize};

use super::census::{Census, Demand};
use super::{
    Bucket, ClassBucket, ClassTotals, Commands, Freshness, Latencies, Measurements, MemoryUse, OutcomeKind,
    Portion, SweepTotals, Tally, Waits,
};
use crate::trace::shape::sample::lacking;

/// How measurements were made that saw a sample of the keys and tell of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// The share of the keys.
    pub rate: f64,
    /// How many samples were taken of the same trace; 1 where every replication has a trace of its own.
    pub of_one_trace: u32,
    /// What does not shrink with the keys.
    pub shared: Shared,
    /// Scored requests that the sample had.
    pub requests: u64,
    /// Values that its cache was too small to store, where the whole one stores some of them.
    #[serde(default)]
    pub unstored: u64,
}

/// What of a run does not shrink with the keys, so that a sample tells nothing of its effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shared {
    /// The origin serves a limited number of fetches at once: few servers queue longer than many at the same load.
    pub queues: bool,
    /// Dead entries leave in the background, at the pace of the server's clock.
    pub sweeps: bool,
    /// Memory counts the command that is being run, whose value is as large as in the whole.
    pub commands: bool,
}

/// How a sample was played.
#[derive(Debug, Clone, Copy)]
pub struct Scaling {
    /// As told; its count of requests is filled in.
    pub sampled: Sampled,
    /// The share of the keys that the sample came to have, by which counts are divided: the number of all keys is known,
    /// so its chance need not be borne (Hájek's ratio estimator).
    pub share: f64,
    /// Servers of the origin that the sample had, over those that its rate asks for.
    pub servers: f64,
}

impl Measurements {
    /// What these measurements of a sample say of the whole trace that `census` counts.
    #[must_use]
    pub fn of_whole(mut self, census: &Census, scaling: Scaling) -> Self {
        let up = Up(1.0 / scaling.share);
        let sampled = Sampled { requests: self.totals.outcomes.total(), ..scaling.sampled };
        let before = self.totals;
        for (index, class) in self.classes.iter_mut().enumerate() {
            let hits = added(up, &class.outcomes, census.of_class(index).requests);
            if let Some(waits) = self.latencies.by_class.get_mut(index) {
                *waits = waits_of(waits.take(), up, hits);
            }
            *class = up.class(class, census.of_class(index));
        }
        let known = (0..self.classes.len()).map(|class| census.of_class(class));
        let known = known.fold(Demand::default(), |sum, class| Demand {
            requests: sum.requests + class.requests,
            bytes: sum.bytes + class.bytes,
        });
        self.totals = ClassTotals::default();
        self.classes.iter().for_each(|class| self.totals.merge(class));
        let hits = added(up, &before.outcomes, known.requests);
        let Latencies { all, by_kind, .. } = &mut self.latencies;
        *all = all.scaled(up.0, hits);
        for (kind, waits) in OutcomeKind::ALL.iter().zip(by_kind.iter_mut()) {
            let hits = if *kind == OutcomeKind::FreshHit { hits } else { 0.0 };
            *waits = waits_of(waits.take(), up, hits);
        }
        // A sample may hold none of their requests.
        let asked = census.of_robots();
        if self.robots.is_some() || asked.requests > 0 {
            self.robots = Some(up.robots(&self.robots.unwrap_or_default(), asked));
        }
        let reads = Reads::of(&before, &self.totals);
        self.memory = up.memory(&self.memory);
        let fixed = self.memory.breakdown.map_or(0, |parts| parts.fixed + parts.clients) as f64;
        for count in [&mut self.evicted, &mut self.expired, &mut self.out_of_memory, &mut self.too_large] {
            *count = up.count(*count);
        }
        self.commands = up.commands(&self.commands, &reads);
        self.origin(up, scaling.servers);
        self.stampedes(up);
        let incidents = &mut self.incidents;
        for count in [
            &mut incidents.timeouts,
            &mut incidents.retries,
            &mut incidents.negative_served,
            &mut incidents.crashes,
            &mut incidents.cancelled,
            &mut incidents.broken,
        ] {
            *count = up.count(*count);
        }
        self.sweeps = self.sweeps.map(|sweeps| SweepTotals { removed: up.count(sweeps.removed), ..sweeps });
        self.freshness = self.freshness.map(|freshness| freshness_of(&freshness, reads.requests));
        self.series(up, census, fixed, scaling.servers);
        self.sampled = Some(sampled);
        self
    }

    fn origin(&mut self, up: Up, servers: f64) {
        let origin = &mut self.origin;
        for count in [
            &mut origin.fetches,
            &mut origin.refreshes,
            &mut origin.bytes,
            &mut origin.failures,
            &mut origin.shed,
            &mut origin.confirmed,
        ] {
            *count = up.count(*count);
        }
        origin.per_second.mean *= up.0;
        if let Some(burst) = &mut origin.per_fetch_time {
            burst.mean *= up.0;
        }
        origin.utilisation = origin.utilisation.map(|busy| (busy * servers).min(1.0));
    }

    fn stampedes(&mut self, up: Up) {
        let stampedes = &mut self.stampedes;
        for count in [
            &mut stampedes.regenerations,
            &mut stampedes.count,
            &mut stampedes.duplicate_fetches,
            &mut stampedes.fetches,
        ] {
            *count = up.count(*count);
        }
        let mut carry = Carry::new(up);
        stampedes.sizes.iter_mut().for_each(|count| *count = carry.count(*count));
        stampedes.wasted = up.span(stampedes.wasted);
        // The ids of a sample's objects are not those of the whole.
        stampedes.worst.clear();
    }

    fn series(&mut self, up: Up, census: &Census, fixed: f64, servers: f64) {
        let (classes, buckets) = (self.series.classes, &mut self.series.buckets);
        let mut kinds = [Carry::new(up); OutcomeKind::ALL.len()];
        let mut counts = [Carry::new(up); 6];
        for (index, bucket) in buckets.iter_mut().enumerate() {
            let Bucket { outcomes, fetches, duplicate_fetches, evicted, expired, .. } = bucket;
            let before = outcomes.total();
            *outcomes = tally(outcomes.counts(), &mut kinds, census.of_bucket(index));
            for (count, carry) in [fetches, duplicate_fetches, evicted, expired].into_iter().zip(&mut counts)
            {
                *count = carry.count(*count);
            }
            let reads = Reads::of_requests(before, outcomes.total());
            bucket.commands = up.commands(&bucket.commands, &reads);
            let live = up.0 * (bucket.live_mean_bytes - fixed).max(0.0);
            bucket.live_mean_bytes = live + fixed.min(bucket.live_mean_bytes);
            bucket.expired_mean_bytes *= up.0;
            bucket.peak_bytes = up.beside(bucket.peak_bytes, fixed);
            bucket.wait_sum_s *= up.0;
            bucket.outdated = counts[4].count(bucket.outdated);
            bucket.over_bound = counts[5].count(bucket.over_bound);
            bucket.age_sum_s *= up.0;
            bucket.utilisation = bucket.utilisation.map(|busy| (busy * servers).min(1.0));
        }
        let mut kinds = vec![[Carry::new(up); OutcomeKind::ALL.len()]; classes];
        let mut fetches = vec![Carry::new(up); classes];
        for (place, counts) in self.series.by_class.iter_mut().enumerate() {
            let (bucket, class) = (place / classes.max(1), place % classes.max(1));
            let known = census.of_bucket_and_class(bucket, class);
            let outcomes = tally(counts.outcomes.map(u64::from), &mut kinds[class], known);
            *counts = ClassBucket {
                outcomes: outcomes.counts().map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
                fetches: u32::try_from(fetches[class].count(counts.fetches.into())).unwrap_or(u32::MAX),
            };
        }
    }
}

/// From the sample to the whole: a factor.
#[derive(Debug, Clone, Copy)]
struct Up(f64);

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate, and no count is negative"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

impl Up {
    fn count(self, count: u64) -> u64 {
        rounded(count as f64 * self.0)
    }

    /// What keys hold beside what is there without any.
    fn beside(self, bytes: u64, fixed: f64) -> u64 {
        let fixed = fixed.min(bytes as f64);
        rounded(fixed + (bytes as f64 - fixed) * self.0)
    }

    fn span(self, span: crate::units::SimDuration) -> crate::units::SimDuration {
        crate::units::SimDuration::from_nanos(self.count(span.as_nanos()))
    }

    fn class(self, class: &ClassTotals, known: Demand) -> ClassTotals {
        let outcomes =
            tally(class.outcomes.counts(), &mut [Carry::new(self); OutcomeKind::ALL.len()], known.requests);
        let reads = ratio(outcomes.total(), class.outcomes.total());
        let missed = self.count(class.requested_bytes - class.hit_bytes);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float to integer casts saturate, and no age is negative"
        )]
        let age_sum_ns = (class.age_sum_ns as f64 * reads).round() as u128;
        ClassTotals {
            outcomes,
            requested_bytes: known.bytes.max(missed),
            hit_bytes: known.bytes.saturating_sub(missed),
            fetches: self.count(class.fetches),
            outdated: rounded(class.outdated as f64 * reads),
            over_bound: rounded(class.over_bound as f64 * reads),
            age_sum_ns,
        }
    }

    /// What robots ask for once, a sample of the keys holds as well as all other requests.
    fn robots(self, sample: &Portion, known: Demand) -> Portion {
        let missed = self.count(sample.requested_bytes - sample.hit_bytes);
        let counts = sample.outcomes.counts();
        Portion {
            outcomes: tally(counts, &mut [Carry::new(self); OutcomeKind::ALL.len()], known.requests),
            requested_bytes: known.bytes.max(missed),
            hit_bytes: known.bytes.saturating_sub(missed),
        }
    }

    fn memory(self, held: &MemoryUse) -> MemoryUse {
        let fixed = held.breakdown.map_or(0, |parts| parts.fixed + parts.clients) as f64;
        MemoryUse {
            mean_bytes: fixed + (held.mean_bytes - fixed).max(0.0) * self.0,
            peak_bytes: self.beside(held.peak_bytes, fixed),
            final_bytes: self.beside(held.final_bytes, fixed),
            expired_resident_mean_bytes: held.expired_resident_mean_bytes * self.0,
            clients_mean_bytes: held.clients_mean_bytes,
            mean_entries: held.mean_entries * self.0,
            peak_entries: self.count(held.peak_entries),
            final_entries: self.count(held.final_entries),
            breakdown: held.breakdown.map(|parts| parts.times(self.0)),
            rss_ratio: held.rss_ratio,
        }
    }

    /// Commands of reads grow as the requests do, those of fills as the keys.
    fn commands(self, sent: &Commands, reads: &Reads) -> Commands {
        let of_reads = |count: u64| rounded(count as f64 * reads.requests);
        Commands {
            get: of_reads(sent.get),
            set: self.count(sent.set),
            expire: of_reads(sent.expire),
            del: self.count(sent.del),
            lock: self.count(sent.lock),
            zadd: of_reads(sent.zadd),
            sweep: self.count(sent.sweep),
            deadline: of_reads(sent.deadline),
            round_trips: of_reads(sent.get)
                + of_reads(sent.expire.max(sent.zadd))
                + self.count(sent.set + sent.del + sent.lock + sent.sweep),
            bytes_in: self.count(sent.bytes_in),
            bytes_out: rounded(sent.bytes_out as f64 * reads.hit_bytes),
        }
    }
}

/// By what reads grow from the sample to the whole.
#[derive(Debug, Clone, Copy)]
struct Reads {
    requests: f64,
    hit_bytes: f64,
}

impl Reads {
    fn of(sample: &ClassTotals, whole: &ClassTotals) -> Self {
        Self {
            requests: ratio(whole.outcomes.total(), sample.outcomes.total()),
            hit_bytes: ratio(whole.hit_bytes, sample.hit_bytes),
        }
    }

    fn of_requests(sample: u64, whole: u64) -> Self {
        let requests = ratio(whole, sample);
        Self { requests, hit_bytes: requests }
    }
}

/// `whole / part`; 0 of nothing.
fn ratio(whole: u64, part: u64) -> f64 {
    if part == 0 { 0.0 } else { whole as f64 / part as f64 }
}

/// Scales counts that belong together, so that what rounding takes from one the next one gets.
#[derive(Debug, Clone, Copy)]
struct Carry {
    up: Up,
    owed: f64,
}

impl Carry {
    fn new(up: Up) -> Self {
        Self { up, owed: 0.0 }
    }

    fn count(&mut self, count: u64) -> u64 {
        self.owed += count as f64 * self.up.0;
        let whole = self.owed.round().max(0.0);
        self.owed -= whole;
        rounded(whole)
    }
}

/// How many fresh hits the sample lacks of `known` requests; negative where it has too many, of which no more are taken
/// away than there are.
fn added(up: Up, sample: &Tally, known: u64) -> f64 {
    lacking(1.0 / up.0, sample.total(), known).max(-(sample.of(OutcomeKind::FreshHit) as f64) * up.0)
}

/// Waits of the whole, with so many more that waited for nothing.
fn waits_of(sample: Option<Waits>, up: Up, hits: f64) -> Option<Waits> {
    match sample {
        None if hits < 0.5 => None,
        sample => Some(sample.unwrap_or_default().scaled(up.0, hits)),
    }
}

/// Outcomes of `known` requests from those of the sample.
fn tally(
    counts: [u64; OutcomeKind::ALL.len()],
    carries: &mut [Carry; OutcomeKind::ALL.len()],
    known: u64,
) -> Tally {
    let fresh = OutcomeKind::FreshHit.index();
    let mut whole = [0; OutcomeKind::ALL.len()];
    for (place, (count, carry)) in counts.into_iter().zip(carries).enumerate() {
        whole[place] = if place == fresh { 0 } else { carry.count(count) };
    }
    whole[fresh] = known.saturating_sub(whole.iter().sum());
    Tally::from_counts(whole)
}

/// Answers grow as the requests do; shares and ages stay those of the sample.
fn freshness_of(sample: &Freshness, requests: f64) -> Freshness {
    let of = |count: u64| rounded(count as f64 * requests);
    Freshness {
        responses: of(sample.responses),
        current: of(sample.current),
        hits: of(sample.hits),
        current_hits: of(sample.current_hits),
        age_sum_s: sample.age_sum_s * requests,
        over_bound: sample.over_bound.map(of),
        ..*sample
    }
}
