//! The observer that keeps everything a record needs.

use super::freshness::FreshnessRecorder;
use super::latency::LatencyRecorder;
use super::origin_load::OriginRecorder;
use super::robots::RobotRecorder;
use super::series::SeriesRecorder;
use super::servers::ServerRecorder;
use super::stampedes::StampedeRecorder;
use super::sweeps::SweepRecorder;
use super::{
    Asked, ClassTotals, Command, Commands, Incident, Incidents, Measurements, MemoryUse, Observer, Outcome,
    Regeneration, Served, Sweep,
};
use crate::cache::{Account, Stored};
use crate::strategy::SoftExpiry;
use crate::strategy::ttl::Trajectory;
use crate::trace::Trace;
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
    /// Where deadlines are kept that come before the key's own.
    pub deadlines: Option<SoftExpiry>,
    /// The age from which an answer counts as too old; `None` where the scenario names none.
    pub freshness_bound: Option<SimDuration>,
}

/// Keeps totals, waits, freshness, origin load, stampedes and a series.
#[derive(Debug)]
pub struct Recorder {
    window: Window,
    freshness_bound: Option<SimDuration>,
    classes: Vec<ClassTotals>,
    stretch: Stretch,
    latency: LatencyRecorder,
    freshness: Option<FreshnessRecorder>,
    robots: Option<RobotRecorder>,
    /// Whether there is more to every outcome than its count.
    looks_closer: bool,
    origin: OriginRecorder,
    stampedes: StampedeRecorder,
    /// Questions for the deadline with every GET: one, or none where the value tells it or there is only the key's own.
    questions: u64,
    /// Whether deadlines lie inside their values, so that a value is written again to move its own.
    in_values: bool,
    /// SETs of a second key for every deadline that is written: one, or none where there is no such key.
    second_key: u64,
    commands: Commands,
    incidents: Incidents,
    sweeps: SweepRecorder,
    out_of_memory: u64,
    too_large: u64,
    series: SeriesRecorder,
    servers: Option<ServerRecorder>,
    trajectories: Vec<Trajectory>,
}

/// The present stretch of time: all of it lies in one bucket of the series and on one side of the
/// borders of the scored window, so that its outcomes and commands are counted once and shared out when it is over.
#[derive(Debug)]
struct Stretch {
    begin: SimTime,
    end: SimTime,
    bucket: usize,
    is_scored: bool,
    /// Outcomes and bytes, by class.
    classes: Vec<ClassTotals>,
    /// Commands, but for the GETs that every request begins with.
    commands: Commands,
}

impl Recorder {
    /// A recorder for one run.
    pub fn new(setting: &Setting) -> Self {
        let Setting {
            window,
            bucket,
            classes,
            median_fetch_time,
            servers,
            changes,
            freshness_bound,
            deadlines,
        } = *setting;
        Self {
            window,
            freshness_bound,
            classes: vec![ClassTotals::default(); classes],
            stretch: Stretch {
                begin: SimTime::ZERO,
                end: SimTime::ZERO,
                bucket: 0,
                is_scored: false,
                classes: vec![ClassTotals::default(); classes],
                commands: Commands::default(),
            },
            latency: LatencyRecorder::new(classes),
            freshness: changes.then(FreshnessRecorder::new),
            robots: None,
            looks_closer: changes,
            origin: OriginRecorder::new(window, median_fetch_time, servers),
            stampedes: StampedeRecorder::new(window),
            questions: u64::from(matches!(deadlines, Some(SoftExpiry::Pttl | SoftExpiry::Sidecar))),
            in_values: deadlines == Some(SoftExpiry::Envelope),
            second_key: u64::from(deadlines == Some(SoftExpiry::Sidecar)),
            commands: Commands::default(),
            incidents: Incidents::default(),
            sweeps: SweepRecorder::default(),
            out_of_memory: 0,
            too_large: 0,
            series: SeriesRecorder::new(window, bucket, classes, freshness_bound),
            servers: servers
                .map(|servers| ServerRecorder::new(servers, window.until, bucket, window.buckets(bucket))),
            trajectories: Vec::new(),
        }
    }

    /// The same, which tells apart what the robots of a trace ask for, where it marks any.
    #[must_use]
    pub fn of_parties(mut self, trace: &Trace) -> Self {
        self.robots = trace.robots().map(|robots| RobotRecorder::new(robots.clone(), self.window));
        self.looks_closer |= self.robots.is_some();
        self
    }

    /// Closes the books, with what the cache held.
    pub fn finish(mut self, account: &Account) -> Measurements {
        self.share_out();
        let mut totals = ClassTotals::default();
        self.classes.iter().for_each(|class| totals.merge(class));
        // One GET per request, beside those of requests that looked again.
        let mut commands = self.commands;
        commands.get += totals.outcomes.total();
        commands.deadline += self.questions * totals.outcomes.total();
        commands.bytes_out += totals.hit_bytes;
        let mut series = self.series.finish(account);
        for bucket in &mut series.buckets {
            bucket.commands.deadline += self.questions * bucket.outcomes.total();
            bucket.commands.round_trips = round_trips(&bucket.commands);
        }
        commands.round_trips = round_trips(&commands);
        if let Some(servers) = self.servers {
            servers.finish(&mut series.buckets);
        }
        Measurements {
            scored: self.window.length(),
            totals,
            latencies: self.latency.finish(&self.classes),
            classes: self.classes,
            robots: self.robots.map(RobotRecorder::finish),
            memory: MemoryUse {
                mean_bytes: account.mean_bytes,
                peak_bytes: account.peak_bytes,
                final_bytes: account.final_bytes,
                expired_resident_mean_bytes: account.dead_mean_bytes,
                clients_mean_bytes: account.clients_mean_bytes,
                mean_entries: account.mean_entries,
                peak_entries: account.peak_entries,
                final_entries: account.final_entries,
                breakdown: account.breakdown,
                rss_ratio: account.rss_ratio,
            },
            evicted: account.evicted,
            expired: account.expired,
            out_of_memory: self.out_of_memory,
            too_large: self.too_large,
            commands,
            origin: self.origin.finish(account.peak_expiring_per_second),
            stampedes: self.stampedes.finish(),
            incidents: self.incidents,
            sweeps: self.sweeps.finish(),
            freshness: self.freshness.map(|freshness| freshness.finish(self.freshness_bound)),
            series,
            trajectories: self.trajectories,
            sampled: None,
            without_events: false,
        }
    }
}

/// Times that the application waited for these commands.
fn round_trips(commands: &Commands) -> u64 {
    // Deadlines travel with the value they belong to, and an EXPIRE with its ZADD.
    let Commands { get, set, expire, del, lock, zadd, sweep, .. } = *commands;
    get + set + expire.max(zadd) + del + lock + sweep
}

impl Recorder {
    /// The present stretch is over, and the one of `at` begins.
    #[cold]
    fn turn_to(&mut self, at: SimTime) {
        self.share_out();
        let (bucket, begin, end) = self.series.bucket_of(at);
        // The window's last instant is scored.
        let borders = [self.window.from, self.window.until + SimDuration::from_nanos(1)];
        let begin = borders.into_iter().filter(|border| *border <= at).fold(begin, SimTime::max);
        let end = borders.into_iter().filter(|border| *border > at).fold(end, SimTime::min);
        (self.stretch.bucket, self.stretch.begin, self.stretch.end) = (bucket, begin, end);
        self.stretch.is_scored = self.window.contains(begin);
    }

    /// The commands of the stretch that an instant lies in, and whether it is scored.
    #[inline]
    fn commands_at(&mut self, at: SimTime) -> (&mut Commands, bool) {
        if at < self.stretch.begin || at >= self.stretch.end {
            self.turn_to(at);
        }
        (&mut self.stretch.commands, self.stretch.is_scored)
    }

    /// Adds what was counted in the present stretch to its bucket, and to the totals if it is scored.
    fn share_out(&mut self) {
        let is_scored = self.stretch.is_scored;
        let commands = std::mem::take(&mut self.stretch.commands);
        // What is sent after the end of the run belongs to no bucket.
        if self.stretch.begin <= self.window.until {
            self.series.sent(self.stretch.bucket, &commands);
        }
        if is_scored {
            self.commands.merge(&commands);
        }
        for (class, counts) in self.stretch.classes.iter_mut().enumerate() {
            let counts = std::mem::take(counts);
            if counts.outcomes.total() > 0 {
                self.series.count(self.stretch.bucket, class, &counts);
                if is_scored {
                    self.classes[class].merge(&counts);
                }
            }
        }
    }

    /// Counts an outcome of a request that came before the present stretch.
    #[cold]
    fn observe_late(&mut self, outcome: &Outcome) {
        let mut counts = ClassTotals::default();
        counts.add(outcome);
        let class = outcome.class.index();
        self.series.count(self.series.bucket_of(outcome.at).0, class, &counts);
        if self.window.contains(outcome.at) {
            self.classes[class].merge(&counts);
        }
    }

    /// What beside its count there is to an outcome.
    fn observe_more(&mut self, outcome: &Outcome) {
        if let Some(robots) = &mut self.robots {
            robots.observe(outcome);
            if outcome.wait.is_zero() && outcome.stale_for.is_none() && self.freshness.is_none() {
                return;
            }
        }
        let is_over_bound = self.series.observe(outcome);
        if !self.window.contains(outcome.at) {
            return;
        }
        if let Some(age) = outcome.stale_for {
            let class = &mut self.classes[outcome.class.index()];
            class.outdated += 1;
            class.over_bound += u64::from(is_over_bound);
            class.age_sum_ns += u128::from(age.as_nanos());
        }
        if !outcome.wait.is_zero() {
            self.latency.observe(outcome);
        }
        if let Some(freshness) = &mut self.freshness {
            freshness.observe(outcome, is_over_bound);
        }
    }
}

impl Observer for Recorder {
    #[expect(
        clippy::inline_always,
        reason = "of a known kind of outcome, half of it is known when it is compiled"
    )]
    #[inline(always)]
    fn observe(&mut self, outcome: &Outcome) {
        if outcome.at >= self.stretch.end {
            self.turn_to(outcome.at);
        }
        if outcome.at >= self.stretch.begin {
            self.stretch.classes[outcome.class.index()].add(outcome);
        } else {
            self.observe_late(outcome);
        }
        if !outcome.wait.is_zero() || outcome.stale_for.is_some() || self.looks_closer {
            self.observe_more(outcome);
        }
    }

    fn asked(&mut self, asked: &Asked) {
        self.series.asked(asked);
        self.classes[asked.class.index()].fetches += u64::from(self.window.contains(asked.at));
        self.origin.asked(asked);
    }

    #[inline]
    fn regenerated(&mut self, regeneration: &Regeneration) {
        self.stampedes.regenerated(regeneration);
    }

    #[inline]
    fn stored(&mut self, size: u32, at: SimTime, stored: Stored) {
        let second_key = self.second_key;
        let (commands, is_scored) = self.commands_at(at);
        match stored {
            Stored::Yes => {
                commands.set += 1;
                commands.deadline += second_key;
                commands.bytes_in += u64::from(size);
            }
            Stored::OutOfMemory => {
                commands.set += 1;
                commands.deadline += second_key;
                self.out_of_memory += u64::from(is_scored);
            }
            Stored::TooLarge => self.too_large += u64::from(is_scored),
            // Whoever decides what to hold decides before the value is sent.
            Stored::NotAdmitted | Stored::Unreachable => {}
        }
    }

    #[inline]
    fn served(&mut self, served: &Served) {
        self.origin.served(served);
        if let Some(servers) = &mut self.servers {
            servers.served(&served.fetch);
        }
    }

    #[inline]
    fn sent(&mut self, at: SimTime, command: Command, times: u64) {
        // A job asks only whether the key is there, and an error that is remembered has no other deadline than the key's own.
        let deadlines = match command {
            Command::Poll => self.questions,
            Command::Expire => self.second_key,
            _ => 0,
        };
        let (commands, _) = self.commands_at(at);
        commands.deadline += deadlines * times;
        *match command {
            Command::Poll | Command::Look => &mut commands.get,
            Command::Expire => &mut commands.expire,
            Command::SetError => &mut commands.set,
            Command::Lock | Command::Unlock => &mut commands.lock,
            Command::Delete => &mut commands.del,
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
            Incident::Broken => &mut incidents.broken,
        } += 1;
    }

    fn swept(&mut self, sweep: &Sweep) {
        if self.window.contains(sweep.at) {
            self.sweeps.swept(sweep);
        }
    }

    fn touched(&mut self, size: u32, at: SimTime) {
        if self.in_values {
            return self.rewritten(size, at);
        }
        let second_key = self.second_key;
        let (commands, _) = self.commands_at(at);
        commands.expire += 1;
        commands.deadline += second_key;
    }

    fn rewritten(&mut self, size: u32, at: SimTime) {
        let second_key = self.second_key;
        let (commands, _) = self.commands_at(at);
        commands.set += 1;
        commands.deadline += second_key;
        commands.bytes_in += u64::from(size);
    }

    fn steered(&mut self, trajectories: Vec<Trajectory>) {
        self.trajectories = trajectories;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recorder of one class and of the time until ten seconds.
    fn recorder(deadlines: Option<SoftExpiry>) -> Recorder {
        let second = SimDuration::from_secs(1);
        Recorder::new(&Setting {
            window: Window { from: SimTime::ZERO, until: SimTime::ZERO + SimDuration::from_secs(10) },
            bucket: second,
            classes: 1,
            median_fetch_time: second,
            servers: None,
            changes: false,
            deadlines,
            freshness_bound: None,
        })
    }

    #[test]
    fn whoever_looks_again_asks_for_the_deadline_and_a_job_does_not() {
        for (deadlines, asked) in [(SoftExpiry::Envelope, 0), (SoftExpiry::Pttl, 3), (SoftExpiry::Sidecar, 3)]
        {
            let mut recorder = recorder(Some(deadlines));
            recorder.sent(SimTime::ZERO, Command::Poll, 3);
            recorder.sent(SimTime::ZERO, Command::Look, 4);
            let run = recorder.finish(&Account::default());
            for commands in [run.commands, run.series.buckets[0].commands] {
                assert_eq!((commands.get, commands.deadline, commands.round_trips), (7, asked, 7));
            }
        }
    }

    #[test]
    fn a_deadline_inside_a_value_is_moved_by_writing_the_value_again() {
        use SoftExpiry::{Envelope, Pttl, Sidecar};
        let cases =
            [(None, 0, 2, 1), (Some(Envelope), 7, 1, 2), (Some(Pttl), 0, 2, 1), (Some(Sidecar), 0, 2, 1)];
        for (deadlines, moved_bytes, expire, set) in cases {
            let mut recorder = recorder(deadlines);
            recorder.touched(7, SimTime::ZERO);
            recorder.rewritten(5, SimTime::ZERO);
            // That of a sweep is one of the key.
            recorder.sent(SimTime::ZERO, Command::Expire, 1);
            let commands = recorder.finish(&Account::default()).commands;
            assert_eq!((commands.expire, commands.set), (expire, set), "{deadlines:?}");
            assert_eq!(commands.bytes_in, moved_bytes + 5, "{deadlines:?}");
            assert_eq!(commands.deadline, if deadlines == Some(Sidecar) { 3 } else { 0 }, "{deadlines:?}");
        }
    }
}
