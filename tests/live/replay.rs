//! A trace played by a cache-aside client against live servers, and through the model at the same pace.
//!
//! Every policy of Redis, with a TTL and without, has a server and a client of its own; all play the same
//! requests side by side. A client waits for the planned instant of each request and writes down the
//! instant at which it really sent it, so lag moves no result: the model is given those instants, and
//! where in a minute of the wall clock the run began, which the LRU clock and the decay of LFU counters depend on.
//!
//! Eviction draws by chance, so the model is played with several seeds and its mean compared.

#![expect(clippy::disallowed_methods, reason = "a live server is played against the wall clock")]

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ttlab::cache::{Entry, Lookup, Stored};
use ttlab::origin::Version;
use ttlab::random::Seed;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use super::model;
use super::resp::Answer;
use super::server::{Server, is_checking};

const POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

/// Seeds with which the model is played.
const SEEDS: u64 = 16;

/// How many standard deviations chance may make of a difference: of the 60 or so figures of a table, none is further off by
/// chance alone in 99 of 100 runs. Where they come to no more than the tolerance, one run tells whether it is kept, and it
/// is what a difference may be. Where they come to more, one run cannot tell, and they are allowed beside it.
const CHANCE: f64 = 4.0;

/// A server of which one answer in a hundred takes longer than a quarter of a tick is starved: its cron ticks late,
/// and what it deletes meanwhile is no measurement of Redis.
const STARVED: Duration = Duration::from_millis(25);

/// What all servers are asked.
struct Load {
    /// Keys and sizes.
    objects: Vec<(String, u32)>,
    /// Planned instants and objects.
    requests: Vec<(Duration, ObjectId)>,
    seed: Seed,
}

/// One comparison.
#[derive(Debug, Clone, Copy)]
struct Case {
    policy: &'static str,
    ttl: Option<SimDuration>,
    maxmemory: u64,
}

/// What a player counted, and the server.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    hits: f64,
    evicted: f64,
    expired: f64,
    refused: f64,
    entries: f64,
    used: f64,
}

type Field = fn(&Counts) -> f64;

/// A live run.
struct Live {
    counts: Counts,
    /// When each request was sent, since the beginning.
    sent: Vec<SimTime>,
    /// Where in a minute the run began.
    phase_ms: u64,
    /// By how much the client was late, at the 99th percentile and at most.
    lag: [Duration; 2],
    /// How long the server took to answer, at the 99th percentile and at most.
    answer: [Duration; 2],
    /// How often the active expiry hit its time limit.
    capped: u64,
}

impl Load {
    /// Requests by a Poisson process for objects whose popularity follows Zipf's law with exponent 0.9;
    /// sizes are lognormal with mean 4 KiB, a few of them beyond the 32 KiB from which a value takes over its
    /// connection's buffer.
    fn new(objects: usize, rate: f64, length: Duration) -> Self {
        let seed = Seed::new(3);
        let sizes = seed.of("sizes");
        let normal = |index: u64| {
            let (a, b) = (sizes.unit(index, 0), sizes.unit(index, 1));
            (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 200 000")]
        let size = |index: u64| (4_096.0 * (normal(index) - 0.5).exp()).clamp(16.0, 200_000.0) as u32;
        // 24 bytes, as a hash of a path in hexadecimal.
        let objects: Vec<_> =
            (0..objects as u64).map(|index| (format!("image:{index:018x}"), size(index))).collect();
        let mut sum = 0.0;
        let cumulated: Vec<f64> = (1..=objects.len())
            .map(|rank| {
                sum += (rank as f64).powf(-0.9);
                sum
            })
            .collect();
        let (gaps, draws) = (seed.of("gaps"), seed.of("objects"));
        let (mut at, mut requests) = (0.0, Vec::new());
        while at < length.as_secs_f64() {
            let index = requests.len() as u64;
            let drawn = draws.unit(index, 0) * sum;
            let object = cumulated.partition_point(|up_to| *up_to < drawn).min(objects.len() - 1);
            requests.push((Duration::from_secs_f64(at), ObjectId::from_index(object)));
            at += -(1.0 - gaps.unit(index, 0)).ln() / rate;
        }
        Self { objects, requests, seed }
    }

    /// Milliseconds that values of an object live: half as long as the case says to one and a half times,
    /// so that no wave of expiries runs through the cache.
    fn ttl(&self, case: Case, object: ObjectId) -> Option<u64> {
        let factor = 0.5 + self.seed.of("ttl").unit(object.as_u32().into(), 0);
        case.ttl.map(|ttl| ttl.scaled(factor).as_nanos() / 1_000_000)
    }
}

/// Plays the load against a server; `None` where there is none.
fn play_live(load: &Load, case: Case) -> Option<Live> {
    let maxmemory = case.maxmemory.to_string();
    let server = Server::start(&[
        "--maxmemory",
        &maxmemory,
        "--maxmemory-policy",
        case.policy,
        // A histogram for each kind of command would count, INFO's too.
        "--latency-tracking",
        "no",
    ])?;
    let mut client = server.client();
    let value = vec![b'v'; 200_000];
    let began = SystemTime::now();
    let since_epoch = began.duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let phase_ms = u64::try_from(since_epoch.as_millis() % 60_000).expect("it is less than a minute");
    let elapsed = || began.elapsed().expect("the clock goes forward");
    let (mut sent, mut lags, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hits, mut stored, mut refused) = (0, 0, 0_u64);
    for (planned, object) in &load.requests {
        let (key, size) = &load.objects[object.index()];
        if let Some(early) = planned.checked_sub(elapsed()) {
            std::thread::sleep(early);
        }
        let now = elapsed();
        lags.push(now.saturating_sub(*planned));
        sent.push(SimTime::from_nanos(u64::try_from(now.as_nanos()).expect("it is minutes")));
        match client.ask(&[b"GET", key.as_bytes()]) {
            Answer::Bulk(Some(_)) => hits += 1,
            Answer::Bulk(None) => {
                let value = &value[..*size as usize];
                let ttl = load.ttl(case, *object).map(|millis| millis.to_string());
                let mut words = vec![b"SET".as_slice(), key.as_bytes(), value];
                words.extend(ttl.iter().flat_map(|ttl| [b"PX".as_slice(), ttl.as_bytes()]));
                match client.ask(&words) {
                    Answer::Status(_) => stored += 1,
                    Answer::Error(error) if error.starts_with("OOM ") => refused += 1,
                    other => panic!("SET: {other:?}"),
                }
            }
            other => panic!("GET: {other:?}"),
        }
        answers.push(elapsed().saturating_sub(now));
    }
    let (info, entries) = client.counts();
    let [evicted, expired] = ["evicted_keys", "expired_keys"].map(|field| info.number(field));
    assert_eq!(hits, info.number("keyspace_hits"), "replies to GET");
    assert_eq!(stored, evicted + expired + entries, "what was stored is there, or left");
    let counts = Counts {
        hits: hits as f64,
        evicted: evicted as f64,
        expired: expired as f64,
        refused: refused as f64,
        entries: entries as f64,
        used: info.number("used_memory") as f64,
    };
    let capped = info.number("expired_time_cap_reached_count");
    Some(Live { counts, sent, phase_ms, lag: extremes(lags), answer: extremes(answers), capped })
}

/// The 99th percentile and the longest.
fn extremes(mut durations: Vec<Duration>) -> [Duration; 2] {
    durations.sort_unstable();
    [durations[durations.len() * 99 / 100], durations[durations.len() - 1]]
}

/// Plays the same requests through the model, at the instants at which they were sent.
fn play_model(load: &Load, case: Case, live: &Live, seed: u64) -> Counts {
    let objects = model::objects(load.objects.iter().map(|(key, size)| (key.as_str(), *size)));
    let asked = load.requests.iter().map(|(_, object)| *object).collect();
    let trace = Arc::new(Trace::new(live.sent.clone(), asked, objects, SimDuration::ZERO));
    let mut cache = model::redis(&trace, case.policy, case.maxmemory, live.phase_ms, seed);
    let mut counts = Counts::default();
    for request in trace.requests() {
        let (object, now) = (request.object, request.at);
        if matches!(cache.get(object, now), Lookup::Held(_)) {
            counts.hits += 1.0;
            continue;
        }
        let ttl = load.ttl(case, object).map(SimDuration::from_millis);
        let until = ttl.map_or(SimTime::NEVER, |ttl| now + ttl);
        let entry = Entry { stored_at: now, fresh_until: until, expires_at: until, version: Version(0) };
        match cache.set(object, entry, now) {
            Stored::Yes => {}
            Stored::OutOfMemory => counts.refused += 1.0,
            other => panic!("no policy of Redis answers {other:?}"),
        }
    }
    cache.check();
    let stats = cache.stats();
    counts.evicted = stats.evicted_keys as f64;
    counts.expired = stats.expired_keys as f64;
    counts.entries = cache.entries() as f64;
    counts.used = cache.bytes() as f64;
    counts
}

/// Mean of what several seeds gave, and the standard deviation of one.
#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    deviation: f64,
}

fn spread(all: &[Counts], of: impl Fn(&Counts) -> f64) -> Spread {
    let n = all.len() as f64;
    let mean = all.iter().map(&of).sum::<f64>() / n;
    let squares: f64 = all.iter().map(|counts| (of(counts) - mean).powi(2)).sum();
    Spread { mean, deviation: (squares / (n - 1.0)).sqrt() }
}

/// Plays all cases side by side; `None` where there is no server.
fn play_all(load: &Load, cases: &[Case]) -> Option<Vec<(Case, Live, Vec<Counts>)>> {
    let live: Vec<Option<Live>> = std::thread::scope(|scope| {
        let players: Vec<_> = cases.iter().map(|case| scope.spawn(move || play_live(load, *case))).collect();
        players.into_iter().map(|player| player.join().expect("the client plays to the end")).collect()
    });
    let played = cases.iter().zip(live).map(|(case, live)| {
        let live = live?;
        let modelled = (0..SEEDS).map(|seed| play_model(load, *case, &live, seed)).collect();
        Some((*case, live, modelled))
    });
    played.collect()
}

/// A figure that is compared: what it is called, how much it is, its unit in per cent or points of all requests,
/// and by how much the model may differ.
struct Column {
    what: &'static str,
    of: Field,
    tolerance: f64,
    in_points: bool,
}

const COLUMNS: [Column; 4] = [
    Column { what: "hits", of: |counts| counts.hits, tolerance: 0.5, in_points: true },
    Column { what: "evictions", of: |counts| counts.evicted, tolerance: 3.0, in_points: false },
    Column { what: "expirations", of: |counts| counts.expired, tolerance: 3.0, in_points: false },
    Column { what: "bytes of used_memory", of: |counts| counts.used, tolerance: 1.0, in_points: false },
];

/// By how much the model's mean differs from a live figure, and the standard deviation of that difference: the live
/// run is one draw of chance, the mean one of as many as there are seeds. In the column's unit.
#[derive(Clone, Copy)]
struct Difference {
    error: f64,
    chance: f64,
}

impl Column {
    /// `None` where there are too few events to be compared in per cent.
    fn compare(&self, requests: f64, live: &Live, modelled: &[Counts]) -> Option<Difference> {
        let (live, model) = ((self.of)(&live.counts), spread(modelled, self.of));
        let unit = if self.in_points { requests } else { live } / 100.0;
        let both = (1.0 + 1.0 / modelled.len() as f64).sqrt();
        (self.in_points || live >= 1_000.0)
            .then(|| Difference { error: (model.mean - live) / unit, chance: both * model.deviation / unit })
    }

    /// Whether one run tells that the tolerance is kept, or that it is not.
    fn is_told(&self, Difference { chance, .. }: Difference) -> bool {
        CHANCE * chance <= self.tolerance
    }

    fn judge(&self, whose: &str, difference: Difference) -> Option<String> {
        let (Self { what, tolerance, .. }, Difference { error, chance }) = (self, difference);
        let beside = if self.is_told(difference) { 0.0 } else { CHANCE * chance };
        (error.abs() > tolerance + beside).then(|| {
            format!(
                "{whose}: {what} differ by {error:+.2} ± {chance:.2}, more than {tolerance} and {beside:.2}"
            )
        })
    }

    /// The difference as a table shows it; with a question mark, if one run tells nothing of the tolerance.
    fn show(&self, difference: Difference) -> String {
        let Difference { error, chance } = difference;
        let mark = if self.is_told(difference) { "" } else { " ?" };
        format!("{error:+.2} ± {chance:.2}{mark}")
    }
}

/// A line of the table for each case, and what is out of tolerance: a case by itself, or all of them on average, in
/// which chance evens out and a fault of the model does not.
fn compare(load: &Load, played: &[(Case, Live, Vec<Counts>)]) -> (String, Vec<String>) {
    let requests = load.requests.len() as f64;
    let (mut table, mut wrong, mut by_chance) = (String::new(), Vec::new(), Vec::new());
    let mut all: [Vec<Difference>; 4] = Default::default();
    for (case, live, modelled) in played {
        let ttl = case.ttl.map_or("none".to_owned(), |ttl| ttl.to_string());
        write!(table, "| {} | {ttl} |", case.policy).expect("a text takes any line");
        for (column, all) in COLUMNS.iter().zip(&mut all) {
            let own = (column.of)(&live.counts);
            let own = if column.in_points {
                format!("{:.2} %", 100.0 * own / requests)
            } else {
                format!("{own:.0}")
            };
            let difference = column.compare(requests, live, modelled);
            let shown = difference.map_or("-".to_owned(), |difference| column.show(difference));
            write!(table, " {own} | {shown} |").expect("a text takes any line");
            let whose = format!("{}, TTL {ttl}", case.policy);
            wrong.extend(difference.and_then(|difference| column.judge(&whose, difference)));
            let beyond = difference.filter(|difference| difference.error.abs() > column.tolerance);
            by_chance.extend(beyond.map(|_| format!("{} ({whose}, {shown})", column.what)));
            all.extend(difference);
        }
        let [late, answered] = [live.lag, live.answer].map(|[usual, most]| {
            format!("{:.1} / {:.0}", 1e3 * usual.as_secs_f64(), 1e3 * most.as_secs_f64())
        });
        writeln!(table, " {:.0} | {late} | {answered} | {} |", live.counts.refused, live.capped)
            .expect("a text takes any line");
    }
    for (column, all) in COLUMNS.iter().zip(&all).filter(|(_, all)| !all.is_empty()) {
        let n = all.len() as f64;
        let error = all.iter().map(|difference| difference.error).sum::<f64>() / n;
        let chance = all.iter().map(|difference| difference.chance.powi(2)).sum::<f64>().sqrt() / n;
        let difference = Difference { error, chance };
        writeln!(
            table,
            "\nOn average over {n} cases, {} differ by {}.",
            column.what,
            column.show(difference)
        )
        .expect("a text takes any line");
        wrong.extend(column.judge("on average", difference));
    }
    let by_chance = if by_chance.is_empty() { "none".to_owned() } else { by_chance.join("; ") };
    writeln!(table, "\nBeyond the tolerance without regard to chance: {by_chance}.")
        .expect("a text takes any line");
    (table, wrong)
}

/// Plays all cases until no server was starved meanwhile; `None` where there is no server, or where the machine
/// leaves it too little time in three attempts. Under `CI=true` that is a failure.
#[expect(clippy::print_stderr, reason = "who runs the tests must see that nothing was measured")]
fn measure(load: &Load, cases: &[Case]) -> Option<Vec<(Case, Live, Vec<Counts>)>> {
    for _ in 0..3 {
        let played = play_all(load, cases)?;
        let slowest = played.iter().map(|(_, live, _)| live.answer[0]).max();
        if slowest.is_none_or(|slowest| slowest <= STARVED) {
            return Some(played);
        }
        eprintln!("no measurement: a server took {slowest:?} to answer, at the 99th percentile");
    }
    assert!(!is_checking(), "three times, a server was starved: the machine is too busy to measure anything");
    eprintln!("skipped: three times, a server was starved");
    None
}

const HEAD: &str = "\
| policy | TTL | hit ratio | model, points | evicted | model, % | expired | model, % | used_memory | model, % | refused | client late, ms | server answers, ms | expiry capped |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

fn cases(maxmemory: u64, ttl: SimDuration) -> Vec<Case> {
    let with = |ttl| POLICIES.map(|policy| Case { policy, ttl, maxmemory });
    with(None).into_iter().chain(with(Some(ttl))).collect()
}

#[test]
fn a_tolerance_is_judged_bare_where_chance_leaves_room_for_that() {
    let [hits, evictions, ..] = COLUMNS;
    let is_wrong = |column: &Column, error, chance| column.judge("x", Difference { error, chance }).is_some();
    // Four deviations are less than the tolerance: nothing is added to it.
    assert!(!is_wrong(&evictions, -3.0, 0.7) && is_wrong(&evictions, -3.1, 0.7));
    assert!(!is_wrong(&hits, 0.5, 0.1) && is_wrong(&hits, 0.6, 0.1));
    // They are more, and so the run says little.
    assert!(!is_wrong(&evictions, 6.9, 1.0) && is_wrong(&evictions, 7.1, 1.0));
    assert_eq!(evictions.show(Difference { error: 3.0, chance: 0.7 }), "+3.00 ± 0.70");
    assert_eq!(evictions.show(Difference { error: 3.0, chance: 1.0 }), "+3.00 ± 1.00 ?");
}

#[test]
fn a_replay_of_half_a_minute_is_what_the_model_says() {
    let load = Load::new(8_000, 1_000.0, Duration::from_secs(30));
    let cases = cases(10_000_000, SimDuration::from_secs(8));
    // One live run is one draw: what chance brought about once is not there again, a fault of the model is.
    let mut first = String::new();
    for _ in 0..2 {
        let Some(played) = measure(&load, &cases) else { return };
        let (table, wrong) = compare(&load, &played);
        println!("{HEAD}{table}");
        if wrong.is_empty() {
            return;
        }
        first = format!("{first}{}\n{HEAD}{table}\n", wrong.join("\n"));
    }
    panic!("twice out of tolerance:\n{first}");
}

/// Prints the table of docs/validation.md, and that of two larger servers.
#[test]
#[ignore = "takes some minutes; prints the table of docs/validation.md"]
fn the_long_replay_is_what_the_model_says() {
    let mut all_wrong = Vec::new();
    for (maxmemory, objects, rate, ttl) in [
        (10_000_000, 8_000, 1_000.0, 8),
        (24_000_000, 12_000, 1_000.0, 20),
        (60_000_000, 30_000, 1_000.0, 60),
    ] {
        let length = Duration::from_secs(100);
        let load = Load::new(objects, rate, length);
        let Some(played) = measure(&load, &cases(maxmemory, SimDuration::from_secs(ttl))) else { return };
        let (table, wrong) = compare(&load, &played);
        println!(
            "\nmaxmemory {maxmemory}, {objects} objects, {rate} requests/s, {} s\n\n{HEAD}{table}",
            length.as_secs()
        );
        all_wrong.extend(wrong);
    }
    assert!(all_wrong.is_empty(), "{}", all_wrong.join("\n"));
}
