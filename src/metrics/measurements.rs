//! What a simulation leaves behind: plain counts, histograms and series, ready to be judged.
//!
//! Everything here covers the scored part of the run, after the warm-up.

use super::{Outcome, OutcomeKind, Portion, Sampled, Waits};
use crate::cache::redis::Breakdown;
use crate::strategy::ttl::Trajectory;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// How often each kind of outcome occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Tally([u64; OutcomeKind::ALL.len()]);

impl Tally {
    /// Counts one outcome.
    #[inline]
    pub fn add(&mut self, kind: OutcomeKind) {
        self.0[kind.index()] += 1;
    }

    /// Outcomes of one kind.
    pub fn of(&self, kind: OutcomeKind) -> u64 {
        self.0[kind.index()]
    }

    /// All outcomes: the requests.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Fresh and stale hits.
    pub fn hits(&self) -> u64 {
        self.of(OutcomeKind::FreshHit) + self.of(OutcomeKind::StaleHit)
    }

    /// These counts by kind, in the order of [`OutcomeKind::ALL`].
    pub(super) fn from_counts(counts: [u64; OutcomeKind::ALL.len()]) -> Self {
        Self(counts)
    }

    /// Counts by kind, in the order of [`OutcomeKind::ALL`].
    pub fn counts(&self) -> [u64; OutcomeKind::ALL.len()] {
        self.0
    }

    /// Every count changed by `change`.
    #[must_use]
    pub fn mapped(&self, change: impl Fn(u64) -> u64) -> Self {
        Self(self.0.map(change))
    }

    /// Adds another run's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl From<[u32; OutcomeKind::ALL.len()]> for Tally {
    fn from(counts: [u32; OutcomeKind::ALL.len()]) -> Self {
        Self(counts.map(u64::from))
    }
}

/// What happened to one class of objects (or to all).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ClassTotals {
    /// Outcomes by kind.
    pub outcomes: Tally,
    /// Bytes asked for.
    pub requested_bytes: u64,
    /// Bytes served by fresh and stale hits.
    pub hit_bytes: u64,
    /// Fetches asked of the origin.
    pub fetches: u64,
    /// Answers whose object had changed at the origin.
    pub outdated: u64,
    /// Of these, answers older than the scenario's bound.
    pub over_bound: u64,
    /// Sum over all answers of the time since the first change they had not seen, in nanoseconds.
    pub age_sum_ns: u128,
}

impl ClassTotals {
    /// Counts an outcome and its bytes.
    #[inline]
    pub(super) fn add(&mut self, outcome: &Outcome) {
        let size = u64::from(outcome.size);
        self.outcomes.add(outcome.kind);
        self.requested_bytes += size;
        self.hit_bytes += if outcome.kind.is_hit() { size } else { 0 };
    }

    /// Adds those of another class or run.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        self.requested_bytes += other.requested_bytes;
        self.hit_bytes += other.hit_bytes;
        self.fetches += other.fetches;
        self.outdated += other.outdated;
        self.over_bound += other.over_bound;
        self.age_sum_ns += other.age_sum_ns;
    }
}

/// How long requests waited.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Latencies {
    /// All requests.
    pub all: Waits,
    /// By kind of outcome, in the order of [`OutcomeKind::ALL`]; `None` where a kind did not occur.
    pub by_kind: [Option<Waits>; OutcomeKind::ALL.len()],
    /// By class; `None` where nobody asked for one of its objects.
    pub by_class: Vec<Option<Waits>>,
}

/// What the cache held.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct MemoryUse {
    /// Bytes resident, live and expired, averaged over time.
    pub mean_bytes: f64,
    /// Most bytes resident at once.
    pub peak_bytes: u64,
    /// Bytes resident at the end.
    pub final_bytes: u64,
    /// Of the mean, the bytes of entries past their TTL that nothing had removed yet.
    pub expired_resident_mean_bytes: f64,
    /// Of the mean, the bytes of connections with their buffers; `None` where they are not counted.
    pub clients_mean_bytes: Option<f64>,
    /// Entries resident, averaged over time; a key beside a value (a deadline, a lock) is one, as DBSIZE counts it.
    pub mean_entries: f64,
    /// Most entries resident at once.
    pub peak_entries: u64,
    /// Entries resident at the end.
    pub final_entries: u64,
    /// Where memory went at the end; `None` where entries alone are counted.
    pub breakdown: Option<Breakdown>,
    /// Memory of the process per byte in use, an estimate; `None` where entries alone are counted.
    pub rss_ratio: Option<f64>,
}

/// Commands the application sent to the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Commands {
    /// GET, one per request and one per poll of a request that waits, and EXISTS, one for each object that a job of the
    /// refresh policy is about to fetch anew.
    pub get: u64,
    /// SET or SETEX, one per stored (or refused) fill, rewritten value and remembered error, and per deadline that is moved
    /// inside its value.
    pub set: u64,
    /// EXPIRE, one per other deadline that is moved, and per access under a sweep.
    pub expire: u64,
    /// DEL.
    pub del: u64,
    /// Lock traffic: SET NX PX, compare-and-delete and PEXPIRE.
    pub lock: u64,
    /// ZADD, one per access under a sweep.
    pub zadd: u64,
    /// Commands of periodic sweeps.
    pub sweep: u64,
    /// Of deadlines kept beside values: PTTL with each GET; or of a second key GET with each GET, and SET with each value
    /// written or given another deadline. An EXISTS asks for no deadline.
    pub deadline: u64,
    /// Times that the application waited for the cache; commands sent together are one.
    pub round_trips: u64,
    /// Bytes written by SETs.
    pub bytes_in: u64,
    /// Bytes read by GETs.
    pub bytes_out: u64,
}

impl Commands {
    /// Adds those of another stretch of time.
    pub fn merge(&mut self, other: &Self) {
        self.get += other.get;
        self.set += other.set;
        self.expire += other.expire;
        self.del += other.del;
        self.lock += other.lock;
        self.zadd += other.zadd;
        self.sweep += other.sweep;
        self.deadline += other.deadline;
        self.round_trips += other.round_trips;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}

/// How unevenly fetches came: counts per window of time, aligned to time zero.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Burst {
    /// Length of a window.
    pub window: SimDuration,
    /// Most fetches in one window.
    pub peak: u64,
    /// The number of fetches that 99.9 % of the windows stay within.
    pub p999: u64,
    /// Fetches of an average window; 0 where no time was scored.
    pub mean: f64,
}

/// What the origin had to do.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct OriginLoad {
    /// Fetches asked of the origin, in the foreground and in the background.
    pub fetches: u64,
    /// Of these, fetches started while a usable copy was served.
    pub refreshes: u64,
    /// Bytes fetched.
    pub bytes: u64,
    /// Fetches asked for per second of virtual time.
    pub per_second: Burst,
    /// Fetches asked for per median time of a fetch; `None` where fetches take no time.
    pub per_fetch_time: Option<Burst>,
    /// Most distinct objects whose TTL ran out in one second.
    pub peak_expiring_per_second: u64,
    /// Share of the servers' time that was spent on fetches; `None` where capacity is unlimited.
    pub utilisation: Option<f64>,
    /// Longest time a fetch waited for a server.
    pub longest_queue_wait: SimDuration,
    /// Fetches that were answered with an error.
    pub failures: u64,
    /// Fetches that were refused or thrown out of the queue.
    pub shed: u64,
    /// Fetches that confirmed the version the application held.
    pub confirmed: u64,
}

/// What went wrong on the way to an answer, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Incidents {
    /// Attempts that ended for want of patience.
    pub timeouts: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Requests answered with an error that the cache remembered.
    pub negative_served: u64,
    /// Processes that died while they fetched.
    pub crashes: u64,
    /// Fetches called off because nobody waited for them any more.
    pub cancelled: u64,
    /// Fetches not made because a breaker was open.
    pub broken: u64,
}

/// What application-side sweeps did and cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SweepTotals {
    /// Sweeps.
    pub count: u64,
    /// Entries they removed; these are among the evicted.
    pub removed: u64,
    /// Most members of the set at a sweep.
    pub peak_members: u64,
    /// Most members whose key was gone from the cache.
    pub peak_ghosts: u64,
    /// Such members at the last sweep.
    pub final_ghosts: u64,
    /// Most entries above the limit; 0 where the limit is in bytes.
    pub peak_excess_entries: u64,
    /// Most bytes above the limit; 0 where the limit is in entries.
    pub peak_excess_bytes: u64,
    /// Bytes of the set itself, averaged over the sweeps.
    pub mean_set_bytes: f64,
    /// Most bytes of the set itself.
    pub peak_set_bytes: u64,
}

/// One regeneration in which fetches of the same object overlapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stampede {
    /// Which object.
    pub object: ObjectId,
    /// When the first of its fetches was asked for.
    pub start: SimTime,
    /// Until the last of them was done.
    pub length: SimDuration,
    /// Fetches started in it; at least 2.
    pub size: u64,
    /// Most requests that waited at once.
    pub waiters: u64,
    /// What set it off: the kind of the outcome that started the first fetch.
    pub trigger: OutcomeKind,
}

/// Regenerations and the stampedes among them.
///
/// A regeneration is a maximal stretch of time with at least one fetch of the same object in
/// flight; its size is the number of fetches started in it. A stampede is one of size 2 or more.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct StampedeTotals {
    /// Regenerations of any size.
    pub regenerations: u64,
    /// Stampedes.
    pub count: u64,
    /// Fetches beyond the first of their regeneration.
    pub duplicate_fetches: u64,
    /// Regenerations by size: `sizes[k]` have size `k + 1`; the last place holds all larger ones.
    pub sizes: Vec<u64>,
    /// Fetches started in stampedes.
    pub fetches: u64,
    /// Largest size.
    pub max_size: u64,
    /// The size that 99 % of the stampedes stay within.
    pub p99_size: Option<u64>,
    /// Origin time spent on duplicate fetches.
    pub wasted: SimDuration,
    /// Most requests that waited at once for the same object.
    pub peak_waiters: u64,
    /// The largest, largest first (at most 20); earlier ones first among equals.
    pub worst: Vec<Stampede>,
}

/// How current the answers were.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Freshness {
    /// Answers with a value.
    pub responses: u64,
    /// Of these, answers with the version that was current at the origin.
    pub current: u64,
    /// Fresh and stale hits.
    pub hits: u64,
    /// Of these, hits with the version that was current at the origin.
    pub current_hits: u64,
    /// Sum over all answers of the time since the first change they had not seen, in seconds.
    pub age_sum_s: f64,
    /// Age of the first unseen change over the answers that were not current: the 95th percentile.
    pub p95_age: Option<SimDuration>,
    /// The oldest.
    pub max_age: Option<SimDuration>,
    /// The age that the scenario calls too old; `None` where it names none.
    pub bound: Option<SimDuration>,
    /// Answers older than that.
    pub over_bound: Option<u64>,
}

/// What happened in one bucket of virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Bucket {
    /// Outcomes of the requests that arrived in it.
    pub outcomes: Tally,
    /// Fetches asked of the origin in it.
    pub fetches: u64,
    /// Most fetches asked for in one of its seconds.
    pub peak_fetch_rate: u64,
    /// Most fetches in flight at once.
    pub peak_in_flight: u64,
    /// Fetches that started while another of the same object was in flight.
    pub duplicate_fetches: u64,
    /// Share of the servers' time that was spent on fetches; `None` where capacity is unlimited.
    pub utilisation: Option<f64>,
    /// Fetches that waited for a server, averaged over the bucket: those that got one.
    pub queue_mean: f64,
    /// Longest time that a fetch asked for in it waited for a server.
    pub longest_queue_wait: SimDuration,
    /// Commands sent to the cache; GETs of requests count where the request came.
    pub commands: Commands,
    /// Bytes of live entries, averaged over the bucket.
    pub live_mean_bytes: f64,
    /// Bytes of expired entries still resident, averaged over the bucket.
    pub expired_mean_bytes: f64,
    /// Most bytes resident at once.
    pub peak_bytes: u64,
    /// Entries evicted.
    pub evicted: u64,
    /// Entries whose TTL ran out.
    pub expired: u64,
    /// How long the requests that arrived in it waited, summed up, in seconds.
    pub wait_sum_s: f64,
    /// The wait that 99 % of them stayed within, to one digit; `None` without requests.
    pub p99_wait: Option<SimDuration>,
    /// The longest of these waits.
    pub max_wait: SimDuration,
    /// Answers to them whose object had changed at the origin.
    pub outdated: u64,
    /// Of these, answers older than the scenario's bound.
    pub over_bound: u64,
    /// Time since the first change that the answers had not seen, summed up, in seconds.
    pub age_sum_s: f64,
}

/// What happened to one class in one bucket of virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ClassBucket {
    /// Outcomes by kind, in the order of [`OutcomeKind::ALL`].
    pub outcomes: [u32; OutcomeKind::ALL.len()],
    /// Fetches asked of the origin.
    pub fetches: u32,
}

/// The run over time, in buckets of equal length from time zero, warm-up included.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Series {
    /// Length of a bucket.
    pub bucket: SimDuration,
    /// The buckets in order.
    pub buckets: Vec<Bucket>,
    /// How many classes have counts of their own: the first ones, at most 16.
    pub classes: usize,
    /// Their counts, by bucket and within it by class.
    pub by_class: Vec<ClassBucket>,
}

/// All that is known of one simulation.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measurements {
    /// Length of the scored part.
    pub scored: SimDuration,
    /// All objects together.
    pub totals: ClassTotals,
    /// By class, in the order of the trace's class names.
    pub classes: Vec<ClassTotals>,
    /// Of the totals, what robots asked for; `None` where the trace marks none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robots: Option<Portion>,
    /// Waits.
    pub latencies: Latencies,
    /// What the cache held.
    pub memory: MemoryUse,
    /// Entries evicted to make room; a key beside a value is one, as the server counts it.
    pub evicted: u64,
    /// Entries removed because their TTL had run out, keys beside values among them.
    pub expired: u64,
    /// Fills refused because nothing could be evicted.
    pub out_of_memory: u64,
    /// Fills not stored because the object is larger than the whole cache.
    pub too_large: u64,
    /// Commands sent to the cache.
    pub commands: Commands,
    /// Load on the origin.
    pub origin: OriginLoad,
    /// Regenerations and stampedes.
    pub stampedes: StampedeTotals,
    /// What went wrong, and what was done about it.
    pub incidents: Incidents,
    /// What application-side sweeps did; `None` where there was none.
    pub sweeps: Option<SweepTotals>,
    /// How current the answers were; `None` where nothing ever changes.
    pub freshness: Option<Freshness>,
    /// The run over time.
    pub series: Series,
    /// How TTLs went over time, warm-up included; empty where none depends on time.
    pub trajectories: Vec<Trajectory>,
    /// How a sample of the keys was played, from which all this was estimated; `None` where all keys were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
    /// Whether it was played without a clock and its events, because that measures the same; nothing else depends on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_events: bool,
}

impl Measurements {
    /// The same in no more memory than what was counted needs, because nothing is added any more.
    #[must_use]
    pub fn at_rest(mut self) -> Self {
        let Latencies { all, by_kind, by_class } = &mut self.latencies;
        let kinds = by_kind.iter_mut().chain(by_class).flatten();
        std::iter::once(all).chain(kinds).for_each(Waits::rest);
        let Series { buckets, by_class, .. } = &mut self.series;
        buckets.shrink_to_fit();
        by_class.shrink_to_fit();
        self
    }

    /// What an empty trace leaves behind: no request, no time, no class.
    pub fn empty() -> Self {
        Self {
            scored: SimDuration::ZERO,
            totals: ClassTotals::default(),
            classes: Vec::new(),
            robots: None,
            latencies: Latencies::default(),
            memory: MemoryUse::default(),
            evicted: 0,
            expired: 0,
            out_of_memory: 0,
            too_large: 0,
            commands: Commands::default(),
            origin: OriginLoad::default(),
            stampedes: StampedeTotals::default(),
            incidents: Incidents::default(),
            sweeps: None,
            freshness: None,
            series: Series::default(),
            trajectories: Vec::new(),
            sampled: None,
            without_events: false,
        }
    }
}
