//! Looks at the server over and over, and makes an account of what it held.

use std::time::{Duration, Instant};

use super::samples::{Sample, Samples};
use super::worked::Working;
use super::{Info, Served, Work, Worked};
use crate::cache::{Account, HeldBytes};
use crate::units::{SimDuration, SimTime, Window};

/// By how much a server's clock may drift from ours before that is a step.
const STEP_US: i128 = 250_000;

/// Evictions, expirations, and reads that found a key and that did not, as the server counts them.
#[derive(Debug, Clone, Copy, Default)]
struct Counters([u64; 4]);

impl Counters {
    fn of(info: &Info) -> Self {
        Self([info.evicted_keys, info.expired_keys, info.keyspace_hits, info.keyspace_misses])
    }
}

/// What else INFO showed at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Reads that found a key and reads that did not in the scored part, as the server counts them (`keyspace_hits`,
    /// `keyspace_misses`): polls, second keys and the deletion of locks among them.
    pub reads: [u64; 2],
    /// Most bytes in use since the server was started (`used_memory_peak`).
    pub peak_bytes: u64,
    /// What the process takes of the machine (`used_memory_rss`) as a multiple of what is in use.
    pub rss_ratio: f64,
}

/// One look at a server.
#[derive(Debug, Clone)]
pub(in crate::live) struct Look {
    /// For which instant of the run.
    pub(in crate::live) at: SimTime,
    /// When its answer came.
    pub(in crate::live) seen: Instant,
    /// How long the answer took: the server may have looked at its clock at any instant meanwhile.
    pub(in crate::live) took: Duration,
    /// What it showed.
    pub(in crate::live) info: Info,
    /// What it had worked, where it was asked for that as well, and told.
    pub(in crate::live) work: Option<Work>,
}

/// All looks at a server during one run.
#[derive(Debug)]
pub(in crate::live) struct Watch {
    window: Window,
    bucket: SimDuration,
    samples: Samples,
    /// The first look: keys and counts before it are nobody's of this run.
    first: Info,
    /// What was counted before somebody reset the counters, and the counters at the latest look.
    counted: [Counters; 2],
    /// Bytes of the process, and the most bytes in use, at the latest look.
    rss_and_peak: [u64; 2],
    /// What it worked from one question to the next.
    working: Working,
    /// The server's clock less ours at the latest look, and how far off that may be; in microseconds.
    ahead_us: Option<(i128, i128)>,
    began: Instant,
    warnings: Vec<String>,
    /// Whether the server's clock stepped, and whether somebody reset its counters.
    unsteady: [bool; 2],
}

impl Watch {
    /// Begins with a look at the beginning of a run, before which it had worked so much.
    pub(in crate::live) fn begin(window: Window, bucket: SimDuration, first: Look, before: Work) -> Self {
        let mut watch = Self {
            window,
            bucket,
            samples: Samples::default(),
            first: first.info.clone(),
            counted: [Counters::default(), Counters::of(&first.info)],
            rss_and_peak: [0; 2],
            working: Working::begin(before),
            ahead_us: None,
            began: first.seen,
            warnings: Vec::new(),
            unsteady: [false; 2],
        };
        watch.look(first);
        watch
    }

    /// One more look. A sentence if the server is no longer the one of the first.
    pub(in crate::live) fn look(&mut self, look: Look) -> Option<String> {
        let Look { at, seen, took, info, work } = look;
        let restarted = (info.run_id != self.first.run_id).then(|| {
            format!("the server was started anew during the run, before {:.1} s of it", at.as_secs_f64())
        });
        self.note_clock(at, (seen, took), info.clock_us);
        if restarted.is_some() || self.note_reset(at, Counters::of(&info)) {
            self.working.begin_anew();
        }
        if let Some(work) = work {
            self.working.tell(at, work);
        }
        let [before, now] = self.counted;
        let total = |which: usize| before.0[which] + now.0[which];
        self.samples.push(Sample {
            at,
            used: info.used_memory,
            of_clients: info.of_clients,
            keys: info.keys.saturating_sub(self.first.keys),
            evicted: total(0).saturating_sub(self.first.evicted_keys),
            expired: total(1).saturating_sub(self.first.expired_keys),
            reads: [total(2), total(3)],
        });
        self.rss_and_peak = [info.used_memory_rss, info.used_memory_peak];
        restarted
    }

    /// Where in a minute of the server's clock the run began, in milliseconds.
    pub(in crate::live) fn clock_phase_ms(&self) -> u32 {
        u32::try_from(self.first.clock_us % 60_000_000 / 1_000).expect("a minute has fewer")
    }

    /// Bytes in use at the beginning of the run but for those of connections, where the server has counted them.
    pub(in crate::live) fn before(&self) -> Option<u64> {
        // The one that asks takes some.
        let of_clients = self.first.of_clients.filter(|clients| *clients > 0);
        of_clients.map(|clients| self.first.used_memory.saturating_sub(clients))
    }

    /// What else the server showed.
    pub(in crate::live) fn shown(&self) -> Shown {
        let [begin, end] = [self.window.from, self.window.until].map(|at| self.samples.state(at));
        let [rss, peak_bytes] = self.rss_and_peak;
        let used = self.samples.last().map_or(0, |last| last.used);
        Shown {
            reads: [0, 1].map(|which| end.reads[which].saturating_sub(begin.reads[which])),
            peak_bytes,
            rss_ratio: rss as f64 / used.max(1) as f64,
        }
    }

    /// How long the server itself worked; `None` where it was not asked after the beginning.
    pub(in crate::live) fn served(&self) -> Option<Served> {
        self.working.served(self.window)
    }

    /// The same from one question to the next; nothing where it does not tell.
    pub(in crate::live) fn worked(&self) -> Vec<Worked> {
        self.working.over_time()
    }

    /// The server's clock when the run began, in microseconds since 1970; 0 where it does not tell.
    pub(in crate::live) fn began_us(&self) -> u64 {
        self.first.clock_us
    }

    /// What the reader must know of the server's clock.
    pub(in crate::live) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How long the buckets of the series are.
    pub(in crate::live) fn bucket(&self) -> SimDuration {
        self.bucket
    }

    /// Whether the server's clock stepped during the run.
    pub(in crate::live) fn clock_stepped(&self) -> bool {
        self.unsteady[0]
    }

    /// Whether somebody reset the server's counters during the run.
    pub(in crate::live) fn counters_reset(&self) -> bool {
        self.unsteady[1]
    }

    /// From one look to the next, on average.
    pub(in crate::live) fn spacing(&self) -> SimDuration {
        self.samples.spacing()
    }

    /// Counters only grow, unless somebody sets them to nothing (CONFIG RESETSTAT): whether that was done.
    fn note_reset(&mut self, at: SimTime, now: Counters) -> bool {
        let [before, latest] = &mut self.counted;
        let is_reset = now.0.iter().zip(latest.0).any(|(now, latest)| *now < latest);
        if is_reset {
            before.0.iter_mut().zip(latest.0).for_each(|(before, latest)| *before += latest);
            self.unsteady[1] = true;
            self.warnings.push(format!(
                "somebody reset the server's counters (CONFIG RESETSTAT) before {:.1} s of the run: what was evicted, expired and \
                 read between the look before and then is not counted",
                at.as_secs_f64()
            ));
        }
        *latest = now;
        is_reset
    }

    /// TTLs follow the server's wall clock, which can be set; ours is steady.
    fn note_clock(&mut self, at: SimTime, (seen, took): (Instant, Duration), clock_us: u64) {
        if clock_us == 0 {
            return;
        }
        let ahead = i128::from(clock_us) - i128::try_from((seen - self.began).as_micros()).unwrap_or(0);
        let doubt = i128::try_from(took.as_micros()).unwrap_or(i128::MAX / 4);
        if let Some((before, doubted)) = self.ahead_us
            && (ahead - before).abs() > STEP_US + doubt + doubted
        {
            self.unsteady[0] = true;
            self.warnings.push(format!(
                "the server's clock stepped by {:+.3} s before {:.1} s of the run: TTLs of keys that were there then ended \
                 early or late by as much",
                (ahead - before) as f64 / 1e6,
                at.as_secs_f64()
            ));
        }
        self.ahead_us = Some((ahead, doubt));
    }

    /// Bytes of connections in the window, averaged over time; `None` where a look did not tell them.
    fn clients_mean_bytes(&self) -> Option<f64> {
        let Window { from, until } = self.window;
        let is_told = from < until && self.samples.tell_clients();
        is_told.then(|| {
            let (sum, _) = self.samples.over(from, until, |sample| sample.of_clients.unwrap_or(0));
            sum / self.window.length().as_secs_f64()
        })
    }

    /// The account of the run, as a simulated cache gives it. Which of its bytes are of dead entries no server tells.
    pub(in crate::live) fn account(&self) -> Account {
        let Window { from, until } = self.window;
        let length = self.window.length().as_secs_f64().max(1e-9);
        let samples = &self.samples;
        let (bytes, peak_bytes) = samples.over(from, until, |sample| sample.used);
        let (keys, peak_entries) = samples.over(from, until, |sample| sample.keys);
        let (begin, end) = (samples.state(from), samples.state(until));
        let buckets = (0..self.window.buckets(self.bucket) as u64).map(|index| {
            let start = SimTime::from_nanos(self.bucket.as_nanos() * index);
            let stop = (start + self.bucket).min(until);
            let (bytes, peak_bytes) = samples.over(start, stop, |sample| sample.used);
            let span = stop.since(start).as_secs_f64().max(1e-9);
            let (first, last) = (samples.state(start), samples.state(stop));
            HeldBytes {
                live_mean_bytes: bytes / span,
                dead_mean_bytes: 0.0,
                peak_bytes,
                evicted: last.evicted.saturating_sub(first.evicted),
                expired: last.expired.saturating_sub(first.expired),
            }
        });
        Account {
            mean_bytes: bytes / length,
            peak_bytes,
            final_bytes: end.used,
            dead_mean_bytes: 0.0,
            clients_mean_bytes: self.clients_mean_bytes(),
            mean_entries: keys / length,
            peak_entries,
            final_entries: end.keys,
            evicted: end.evicted.saturating_sub(begin.evicted),
            expired: end.expired.saturating_sub(begin.expired),
            peak_expiring_per_second: samples.most_in_a_second(from, until, |sample| sample.expired),
            breakdown: None,
            rss_ratio: None,
            buckets: buckets.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    fn info(used_memory: u64, keys: u64, evicted_keys: u64) -> Info {
        Info { used_memory, keys, evicted_keys, run_id: "a".to_owned(), ..Info::default() }
    }

    /// A look a second, beginning now.
    fn look(secs: u64, info: Info) -> Look {
        let seen = *BEGAN.get_or_init(Instant::now) + Duration::from_secs(secs);
        Look { at: at(secs), seen, took: Duration::ZERO, info, work: None }
    }

    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();

    #[test]
    fn an_account_is_of_the_window_and_means_are_over_time() {
        let window = Window { from: at(10), until: at(30) };
        // What was there before the run counts as bytes, and not as its keys or evictions.
        let mut watch =
            Watch::begin(window, SimDuration::from_secs(10), look(0, info(1_000, 5, 100)), Work::default());
        for (secs, used, keys, evicted) in [(10, 2_000, 15, 104), (20, 4_000, 25, 110), (30, 4_000, 25, 111)]
        {
            assert_eq!(watch.look(look(secs, info(used, keys, evicted))), None);
        }
        let account = watch.account();
        assert!((account.mean_bytes - 3_500.0).abs() < 1e-6, "{}", account.mean_bytes);
        assert!((account.mean_entries - 17.5).abs() < 1e-6);
        assert_eq!((account.peak_bytes, account.final_bytes, account.final_entries), (4_000, 4_000, 20));
        assert_eq!(account.evicted, 7);
        let evicted: Vec<u64> = account.buckets.iter().map(|held| held.evicted).collect();
        assert_eq!(evicted, [4, 6, 1]);
    }

    #[test]
    fn bytes_of_connections_are_a_mean_over_time_where_every_look_told_them() {
        let window = Window { from: at(10), until: at(30) };
        let account = |told: [Option<u64>; 4]| {
            let seen = |(secs, of_clients)| look(secs, Info { of_clients, ..info(1_000, 0, 0) });
            let mut looks = [0, 10, 20, 30].into_iter().zip(told).map(seen);
            let first = looks.next().expect("there are four");
            let mut watch = Watch::begin(window, SimDuration::from_secs(10), first, Work::default());
            looks.for_each(|look| assert_eq!(watch.look(look), None));
            watch.account().clients_mean_bytes
        };
        // What was before the window is not scored.
        assert_eq!(account([Some(9_000), Some(1_000), Some(3_000), Some(3_000)]), Some(2_500.0));
        assert_eq!(account([Some(9_000), Some(1_000), None, Some(3_000)]), None);
    }

    #[test]
    fn reads_are_those_of_the_window_and_memory_is_that_of_the_end() {
        let window = Window { from: at(10), until: at(20) };
        let shown = |secs, hits, misses, rss| {
            let info = Info {
                keyspace_hits: hits,
                keyspace_misses: misses,
                used_memory_rss: rss,
                used_memory_peak: 900 + rss,
                clock_us: 61_000_000,
                ..info(500, 0, 0)
            };
            look(secs, info)
        };
        let mut watch =
            Watch::begin(window, SimDuration::from_secs(5), shown(0, 7, 8, 1_000), Work::default());
        watch.look(shown(10, 107, 58, 1_100));
        watch.look(shown(20, 407, 158, 1_200));
        let told = watch.shown();
        assert_eq!((told.reads, told.peak_bytes), ([300, 100], 2_100));
        assert!((told.rss_ratio - 2.4).abs() < 1e-12);
        assert_eq!(watch.clock_phase_ms(), 1_000, "a second of the minute was over");
    }

    #[test]
    fn the_second_in_which_most_keys_expired_is_found_between_looks() {
        let window = Window { from: at(1), until: at(9) };
        let shown = |secs, expired_keys| look(secs, Info { expired_keys, ..info(1, 0, 0) });
        let mut watch = Watch::begin(window, SimDuration::from_secs(1), shown(0, 50), Work::default());
        for (secs, expired) in [(1, 950), (2, 960), (6, 1_000), (7, 1_030), (9, 1_070)] {
            watch.look(shown(secs, expired));
        }
        // The first second is not scored, and 40 in two seconds are 20 in each.
        assert_eq!(watch.account().peak_expiring_per_second, 30);
    }

    #[test]
    fn counters_that_somebody_resets_go_on_from_where_they_were() {
        let window = Window { from: at(0), until: at(9) };
        let mut watch =
            Watch::begin(window, SimDuration::from_secs(3), look(0, info(1, 0, 100)), Work::default());
        for (secs, evicted) in [(3, 130), (6, 4), (9, 10)] {
            watch.look(look(secs, info(1, 0, evicted)));
        }
        assert_eq!(watch.account().evicted, 40);
        assert_eq!(watch.warnings().len(), 1);
        assert!(watch.warnings()[0].contains("before 6.0 s"), "{:?}", watch.warnings());
    }

    #[test]
    fn what_the_server_worked_while_its_counters_were_reset_is_not_known() {
        let window = Window { from: at(0), until: at(9) };
        let work = |calls: u64| Work::parse(&format!("cmdstat_get:calls={calls},usec={}\r\n", 2 * calls));
        let mut watch = Watch::begin(window, SimDuration::from_secs(3), look(0, info(1, 0, 100)), work(10));
        // Once reset, GETs were many: no sum has fallen, but that of evictions has.
        for (secs, evicted, gets) in [(3, 130, 30), (4, 2, 0), (6, 4, 90), (9, 10, 95)] {
            let asked = (secs != 4).then(|| work(gets));
            watch.look(Look { work: asked, ..look(secs, info(1, 0, evicted)) });
        }
        let gets: Vec<_> = watch.worked().iter().map(|worked| worked.get.map(|get| get.calls)).collect();
        assert_eq!(gets, [Some(20), None, Some(5)]);
        let served = watch.served().and_then(|served| served.get_mean_s).unwrap();
        assert!((served - 2e-6).abs() < 1e-12, "{served}");
        let other = Info { run_id: "b".to_owned(), ..info(1, 0, 20) };
        watch.look(Look { work: Some(work(99)), ..look(10, other) });
        assert_eq!(watch.worked()[3].get, None, "another start of the server");
    }

    #[test]
    fn a_server_that_was_started_anew_is_noticed() {
        let window = Window { from: at(0), until: at(9) };
        let mut watch =
            Watch::begin(window, SimDuration::from_secs(1), look(0, info(1, 0, 0)), Work::default());
        let other = Info { run_id: "b".to_owned(), ..info(1, 0, 0) };
        assert!(watch.look(look(3, other)).unwrap().contains("before 3.0 s"));
    }

    #[test]
    fn between_two_looks_memory_went_from_the_one_to_the_other_in_short_buckets_too() {
        let window = Window { from: at(0), until: at(8) };
        let used = |secs, used_memory| look(secs, Info { used_memory, ..info(1, 0, 0) });
        // Two looks, eight buckets: it grew by 100 bytes in a second, and stood still from 4 s on.
        let mut watch = Watch::begin(window, SimDuration::from_secs(1), used(0, 1_000), Work::default());
        watch.look(used(4, 1_400));
        watch.look(used(8, 1_400));
        let buckets = watch.account().buckets;
        let means: Vec<f64> = buckets.iter().map(|bucket| bucket.live_mean_bytes.round()).collect();
        assert_eq!(means, [1_050.0, 1_150.0, 1_250.0, 1_350.0, 1_400.0, 1_400.0, 1_400.0, 1_400.0]);
        let most: Vec<u64> = buckets.iter().map(|bucket| bucket.peak_bytes).collect();
        assert_eq!(most, [1_100, 1_200, 1_300, 1_400, 1_400, 1_400, 1_400, 1_400]);
        assert_eq!(watch.spacing(), SimDuration::from_secs(4));
    }

    #[test]
    fn an_answer_that_came_late_is_no_step_of_the_clock() {
        let window = Window { from: at(0), until: at(9) };
        let shown = |secs, clock_us, took| {
            let took = Duration::from_millis(took);
            Look { took, ..look(secs, Info { clock_us, ..info(1, 0, 0) }) }
        };
        let mut watch =
            Watch::begin(window, SimDuration::from_secs(1), shown(0, 1_000_000, 1), Work::default());
        // The clock was looked at 900 ms before the answer came; the next answer came at once.
        watch.look(shown(2, 2_100_000, 1_000));
        watch.look(shown(3, 4_000_000, 1));
        assert!(watch.warnings().is_empty(), "{:?}", watch.warnings());
        watch.look(shown(4, 6_000_000, 1));
        assert_eq!(watch.warnings().len(), 1, "a second too far");
    }

    #[test]
    fn a_step_of_the_servers_clock_is_told_once() {
        let window = Window { from: at(0), until: at(9) };
        let shown = |secs, clock_us| look(secs, Info { clock_us, ..info(1, 0, 0) });
        let mut watch =
            Watch::begin(window, SimDuration::from_secs(1), shown(0, 1_000_000_000), Work::default());
        watch.look(shown(1, 1_001_000_100));
        assert!(watch.warnings().is_empty());
        watch.look(shown(2, 992_000_000));
        watch.look(shown(3, 993_000_100));
        assert_eq!(watch.warnings().len(), 1);
        assert!(watch.warnings()[0].contains("stepped by -10.0"), "{:?}", watch.warnings());
    }
}
