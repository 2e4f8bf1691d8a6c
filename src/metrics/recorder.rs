//! The observer that keeps everything a record needs.

use super::freshness::FreshnessRecorder;
use super::latency::LatencyRecorder;
use super::origin_load::OriginRecorder;
use super::stampedes::StampedeRecorder;
use super::sweeps::SweepRecorder;
use super::{
    Asked, Bucket, ClassTotals, Command, Commands, Incident, Incidents, Measurements, MemoryUse, Observer,
    Outcome, Regeneration, Series, Served, Sweep,
};
use crate::cache::{Account, Stored};
use crate::strategy::ttl::Trajectory;
use crate::units::{SimDuration, SimTime, Window};

/// What a recorder must know of the run.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The scored part.
    pub window: Window,
    /// Length of a bucket of the series.
    pub bucket: SimDuration,
    /// Number of classes.
    pub classes: usize,
    /// Median time of a fetch.
    pub median_fetch_time: SimDuration,
    /// Fetches the origin serves at once; `None` if any number.
    pub servers: Option<u32>,
    /// Whether objects ever change at the origin.
    pub changes: bool,
}

/// Keeps totals, waits, freshness, origin load, stampedes and a series.
#[derive(Debug)]
pub struct Recorder {
    window: Window,
    bucket: SimDuration,
    classes: Vec<ClassTotals>,
    latency: LatencyRecorder,
    freshness: Option<FreshnessRecorder>,
    origin: OriginRecorder,
    stampedes: StampedeRecorder,
    commands: Commands,
    incidents: Incidents,
    sweeps: SweepRecorder,
    out_of_memory: u64,
    too_large: u64,
    buckets: Vec<Bucket>,
    /// The bucket of the latest event and when it begins and ends, so that most requests need no division.
    current: usize,
    current_begin: SimTime,
    current_end: SimTime,
    /// The second of the latest fetch and how many fetches it has seen.
    second: (u64, u64),
    trajectories: Vec<Trajectory>,
}

impl Recorder {
    /// A recorder for one run.
    pub fn new(setting: &Setting) -> Self {
        let Setting { window, bucket, classes, median_fetch_time, servers, changes } = *setting;
        Self {
            window,
            bucket,
            classes: vec![ClassTotals::default(); classes],
            latency: LatencyRecorder::default(),
            freshness: changes.then(FreshnessRecorder::new),
            origin: OriginRecorder::new(window, median_fetch_time, servers),
            stampedes: StampedeRecorder::new(window),
            commands: Commands::default(),
            incidents: Incidents::default(),
            sweeps: SweepRecorder::default(),
            out_of_memory: 0,
            too_large: 0,
            buckets: vec![Bucket::default(); window.buckets(bucket)],
            current: 0,
            current_begin: SimTime::ZERO,
            current_end: SimTime::ZERO + bucket,
            second: (0, 0),
            trajectories: Vec::new(),
        }
    }

    /// Closes the books, with what the cache held.
    pub fn finish(self, account: &Account) -> Measurements {
        let mut totals = ClassTotals::default();
        for class in &self.classes {
            totals.outcomes.merge(&class.outcomes);
            totals.requested_bytes += class.requested_bytes;
            totals.hit_bytes += class.hit_bytes;
        }
        let mut buckets = self.buckets;
        for (bucket, held) in buckets.iter_mut().zip(&account.buckets) {
            bucket.live_mean_bytes = held.live_mean_bytes;
            bucket.expired_mean_bytes = held.dead_mean_bytes;
            bucket.peak_bytes = held.peak_bytes;
            bucket.evicted = held.evicted;
            bucket.expired = held.expired;
        }
        Measurements {
            scored: self.window.length(),
            totals,
            classes: self.classes,
            latencies: self.latency.finish(),
            memory: MemoryUse {
                mean_bytes: account.mean_bytes,
                peak_bytes: account.peak_bytes,
                final_bytes: account.final_bytes,
                expired_resident_mean_bytes: account.dead_mean_bytes,
                mean_entries: account.mean_entries,
                peak_entries: account.peak_entries,
                final_entries: account.final_entries,
            },
            evicted: account.evicted,
            expired: account.expired,
            out_of_memory: self.out_of_memory,
            too_large: self.too_large,
            commands: self.commands,
            origin: self.origin.finish(account.peak_expiring_per_second),
            stampedes: self.stampedes.finish(),
            incidents: self.incidents,
            sweeps: self.sweeps.finish(),
            freshness: self.freshness.map(FreshnessRecorder::finish),
            series: Series { bucket: self.bucket, buckets },
            trajectories: self.trajectories,
        }
    }

    /// The bucket of an instant of the run.
    fn bucket_at(&mut self, at: SimTime) -> &mut Bucket {
        if at < self.current_begin || at >= self.current_end {
            // The end of the run belongs to the last bucket.
            self.current = at.bucket(self.bucket).min(self.buckets.len() - 1);
            self.current_begin = SimTime::from_nanos(self.current as u64 * self.bucket.as_nanos());
            self.current_end = self.current_begin + self.bucket;
        }
        &mut self.buckets[self.current]
    }
}

impl Observer for Recorder {
    fn observe(&mut self, outcome: &Outcome) {
        self.bucket_at(outcome.at).outcomes.add(outcome.kind);
        if !self.window.contains(outcome.at) {
            return;
        }
        let hit = outcome.kind.is_hit();
        let size = u64::from(outcome.size);
        let class = &mut self.classes[outcome.class.index()];
        class.outcomes.add(outcome.kind);
        class.requested_bytes += size;
        self.commands.get += 1;
        if hit {
            class.hit_bytes += size;
            self.commands.bytes_out += size;
        }
        self.latency.observe(outcome);
        if let Some(freshness) = &mut self.freshness {
            freshness.observe(outcome);
        }
    }

    fn asked(&mut self, asked: &Asked) {
        let at = asked.at;
        let second = at.as_nanos() / 1_000_000_000;
        self.second = if self.second.0 == second { (second, self.second.1 + 1) } else { (second, 1) };
        let rate = self.second.1;
        let bucket = self.bucket_at(at);
        bucket.fetches += 1;
        bucket.peak_fetch_rate = bucket.peak_fetch_rate.max(rate);
        bucket.peak_in_flight = bucket.peak_in_flight.max(asked.in_flight);
        bucket.duplicate_fetches += u64::from(asked.overlaps);
        self.origin.asked(asked);
    }

    fn regenerated(&mut self, regeneration: &Regeneration) {
        self.stampedes.regenerated(regeneration);
    }

    fn stored(&mut self, size: u32, at: SimTime, stored: Stored) {
        if !self.window.contains(at) {
            return;
        }
        match stored {
            Stored::Yes => self.commands.bytes_in += u64::from(size),
            Stored::TooLarge => {
                self.too_large += 1;
                return;
            }
            Stored::OutOfMemory => self.out_of_memory += 1,
            // Whoever decides what to hold decides before the value is sent.
            Stored::NotAdmitted | Stored::Unreachable => return,
        }
        self.commands.set += 1;
    }

    fn served(&mut self, served: &Served) {
        self.origin.served(served);
    }

    fn sent(&mut self, at: SimTime, command: Command, times: u64) {
        if !self.window.contains(at) {
            return;
        }
        let commands = &mut self.commands;
        *match command {
            Command::Poll => &mut commands.get,
            Command::Rewrite | Command::SetError => &mut commands.set,
            Command::Lock | Command::Unlock => &mut commands.lock,
            Command::Zadd => &mut commands.zadd,
            Command::Sweep => &mut commands.sweep,
        } += times;
    }

    fn incident(&mut self, at: SimTime, incident: Incident) {
        if !self.window.contains(at) {
            return;
        }
        let incidents = &mut self.incidents;
        *match incident {
            Incident::Shed => return self.origin.shed(),
            Incident::TimedOut => &mut incidents.timeouts,
            Incident::Retried => &mut incidents.retries,
            Incident::NegativeServed => &mut incidents.negative_served,
            Incident::Crashed => &mut incidents.crashes,
            Incident::Cancelled => &mut incidents.cancelled,
        } += 1;
    }

    fn swept(&mut self, sweep: &Sweep) {
        if self.window.contains(sweep.at) {
            self.sweeps.swept(sweep);
        }
    }

    fn touched(&mut self, at: SimTime) {
        self.commands.expire += u64::from(self.window.contains(at));
    }

    fn steered(&mut self, trajectories: Vec<Trajectory>) {
        self.trajectories = trajectories;
    }
}
