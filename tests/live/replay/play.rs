//! A load played against a server of its own, and through the model at the same instants.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ttlab::cache::{Entry, Lookup, Stored};
use ttlab::origin::Version;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use super::super::model::{self, Design};
use super::super::resp::{Answer, Client};
use super::super::server::{Server, is_checking};
use super::load::Load;

/// Seeds with which the model is played.
const SEEDS: u64 = 24;

/// The same with the defaults, from which it is to differ by much.
const FEWER: u64 = 8;

/// A server of which one answer in a hundred takes longer than a quarter of a tick is starved: its cron ticks late,
/// and what it deletes meanwhile is no measurement of Redis.
const STARVED: Duration = Duration::from_millis(25);

/// A client that was late by more than that stood still with the whole machine: what the servers do when they go on all at
/// once, some seconds later, is none either.
const STOOD_STILL: Duration = Duration::from_secs(2);

/// Further settings of a server with their numbers, by Redis's names.
pub(super) type Settings = &'static [(&'static str, &'static str)];

/// One comparison.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) load: &'a Load,
    pub(super) policy: &'static str,
    pub(super) ttl: Option<SimDuration>,
    pub(super) maxmemory: u64,
    /// Those that are not the defaults, for the server and for the model.
    pub(super) settings: Settings,
}

/// What a player counted, and the server.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) hits: f64,
    pub(super) evicted: f64,
    pub(super) expired: f64,
    pub(super) refused: f64,
    /// Bytes in use, the mean of all looks.
    pub(super) used: f64,
}

/// A live run.
pub(super) struct Live {
    pub(super) counts: Counts,
    /// When the GETs of each batch were sent, and the SETs, since the beginning.
    sent: Vec<[SimTime; 2]>,
    /// After which batches it was looked how much is in use.
    looks: Vec<usize>,
    /// Where in a minute the run began.
    phase_ms: u64,
    /// By how much the client was late, at the 99th percentile and at most.
    pub(super) lag: [Duration; 2],
    /// How long the server took to answer, at the 99th percentile and at most.
    pub(super) answer: [Duration; 2],
    /// How often the active expiry hit its time limit.
    pub(super) capped: u64,
}

/// A case that was played.
pub(super) struct Played {
    pub(super) live: Live,
    /// By the model with each seed.
    pub(super) modelled: Vec<Counts>,
    /// The same with the defaults; empty where there are no other settings.
    pub(super) plain: Vec<Counts>,
}

/// From one look at what is in use to the next, from a third of the run on: no multiple of a tick.
const LOOK: Duration = Duration::from_millis(370);

/// Waits for a tick of the server's cron. The model's first is at the beginning of the run, and what the expiry leaves
/// in use depends on how long ago the last one was.
fn await_tick(client: &mut Client) {
    // The clock of whole seconds is that of the last tick.
    let mut clock = || client.section("server").number("lru_clock");
    let before = clock();
    while clock() == before {
        sleep(Duration::from_millis(2));
    }
}

/// Plays a case against a server; `None` where there is none.
fn play_live(case: Case<'_>) -> Option<Live> {
    let maxmemory = case.maxmemory.to_string();
    let settings = case.settings.iter().map(|(name, value)| (format!("--{name}"), *value));
    let settings: Vec<(String, &str)> = settings.collect();
    // A histogram for each kind of command would count, INFO's too.
    let mut words = vec!["--latency-tracking", "no", "--maxmemory", &maxmemory];
    words.extend(["--maxmemory-policy", case.policy]);
    words.extend(settings.iter().flat_map(|(name, value)| [name.as_str(), value]));
    let server = Server::start(&words)?;
    await_tick(&mut server.client());
    let mut client = server.client();
    let began = SystemTime::now();
    let since_epoch = began.duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let phase_ms = u64::try_from(since_epoch.as_millis() % 60_000).expect("it is less than a minute");
    let elapsed = || began.elapsed().expect("the clock goes forward");
    let (mut sent, mut lags, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut looks, mut in_use, mut next) = (Vec::new(), 0, case.load.length / 3);
    let mut tally = Tally::default();
    for (place, (planned, objects)) in case.load.batches().enumerate() {
        if let Some(early) = planned.checked_sub(elapsed()) {
            sleep(early);
        }
        let now = elapsed();
        lags.push(now.saturating_sub(planned));
        let missing = tally.get(&mut client, case, objects);
        let stored_at = elapsed();
        tally.set(&mut client, case, &missing);
        sent.push([now, stored_at].map(instant));
        answers.push(elapsed().saturating_sub(now));
        if planned >= next {
            next += LOOK;
            looks.push(place);
            in_use += client.section("memory").number("used_memory");
        }
    }
    let (info, entries) = client.counts();
    let [evicted, expired] = ["evicted_keys", "expired_keys"].map(|field| info.number(field));
    assert_eq!(tally.hits, info.number("keyspace_hits"), "replies to GET");
    assert_eq!(tally.stored, evicted + expired + entries, "what was stored is there, or left");
    let counts = Counts {
        hits: tally.hits as f64,
        evicted: evicted as f64,
        expired: expired as f64,
        refused: tally.refused as f64,
        used: in_use as f64 / looks.len() as f64,
    };
    let capped = info.number("expired_time_cap_reached_count");
    let (lag, answer) = (extremes(lags), extremes(answers));
    Some(Live { counts, sent, looks, phase_ms, lag, answer, capped })
}

fn instant(elapsed: Duration) -> SimTime {
    SimTime::from_nanos(u64::try_from(elapsed.as_nanos()).expect("it is minutes"))
}

/// What a client counts.
#[derive(Debug, Default)]
struct Tally {
    hits: u64,
    stored: u64,
    refused: u64,
}

impl Tally {
    /// Asks for objects in one write; those that are missing, each of them once.
    fn get(
        &mut self,
        client: &mut Client,
        case: Case<'_>,
        objects: impl Iterator<Item = ObjectId>,
    ) -> Vec<ObjectId> {
        let objects: Vec<ObjectId> = objects.collect();
        for object in &objects {
            client.queue(&[b"GET", case.load.objects[object.index()].0.as_bytes()]);
        }
        client.flush();
        let mut missing = Vec::new();
        for object in objects {
            match client.read() {
                Answer::Bulk(Some(_)) => self.hits += 1,
                Answer::Bulk(None) if missing.contains(&object) => {}
                Answer::Bulk(None) => missing.push(object),
                other => panic!("GET: {other:?}"),
            }
        }
        missing
    }

    /// Stores objects, in one write.
    fn set(&mut self, client: &mut Client, case: Case<'_>, objects: &[ObjectId]) {
        if objects.is_empty() {
            return;
        }
        for object in objects {
            let (key, size) = &case.load.objects[object.index()];
            let value = vec![b'v'; *size as usize];
            let ttl = case.load.ttl(case.ttl, *object).map(|millis| millis.to_string());
            let mut words = vec![b"SET".as_slice(), key.as_bytes(), &value];
            words.extend(ttl.iter().flat_map(|ttl| [b"PX".as_slice(), ttl.as_bytes()]));
            client.queue(&words);
        }
        client.flush();
        for _ in objects {
            match client.read() {
                Answer::Status(_) => self.stored += 1,
                Answer::Error(error) if error.starts_with("OOM ") => self.refused += 1,
                other => panic!("SET: {other:?}"),
            }
        }
    }
}

/// The 99th percentile and the longest.
fn extremes(mut durations: Vec<Duration>) -> [Duration; 2] {
    durations.sort_unstable();
    [durations[durations.len() * 99 / 100], durations[durations.len() - 1]]
}

/// Plays the same requests through the model, at the instants at which they were sent.
fn play_model(case: Case<'_>, settings: Settings, trace: &Arc<Trace>, live: &Live, seed: u64) -> Counts {
    let Case { policy, maxmemory, .. } = case;
    let design = Design { policy, maxmemory, phase_ms: live.phase_ms, seed, settings, ..Design::default() };
    let mut cache = model::cache(trace, design);
    let mut counts = Counts::default();
    let mut looks = live.looks.iter().peekable();
    for (place, ((_, objects), [now, stored_at])) in case.load.batches().zip(&live.sent).enumerate() {
        let mut missing = Vec::new();
        for object in objects {
            if matches!(cache.get(object, *now), Lookup::Held(_)) {
                counts.hits += 1.0;
            } else if !missing.contains(&object) {
                missing.push(object);
            }
        }
        for object in missing {
            let ttl = case.load.ttl(case.ttl, object).map(SimDuration::from_millis);
            let until = ttl.map_or(SimTime::NEVER, |ttl| *stored_at + ttl);
            let entry =
                Entry { stored_at: *stored_at, fresh_until: until, expires_at: until, version: Version(0) };
            match cache.set(object, entry, *stored_at) {
                Stored::Yes => {}
                Stored::OutOfMemory => counts.refused += 1.0,
                other => panic!("no policy of Redis answers {other:?}"),
            }
        }
        if looks.next_if_eq(&&place).is_some() {
            counts.used += cache.bytes() as f64 / live.looks.len() as f64;
        }
    }
    cache.check();
    let stats = cache.stats();
    counts.evicted = stats.evicted_keys as f64;
    counts.expired = stats.expired_keys as f64;
    counts
}

/// What the model makes of a case that was played live.
fn modelled(case: Case<'_>, live: Live) -> Played {
    let objects = model::objects(case.load.objects.iter().map(|(key, size)| (key.as_str(), *size)));
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let with = |settings, seeds| -> Vec<Counts> {
        (0..seeds).map(|seed| play_model(case, settings, &trace, &live, seed)).collect()
    };
    let plain = if case.settings.is_empty() { Vec::new() } else { with(&[], FEWER) };
    Played { modelled: with(case.settings, SEEDS), plain, live }
}

/// Does the same for each case, in as many threads as there are cases.
fn side_by_side<C: Send, R: Send>(cases: Vec<C>, each: impl Fn(C) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let each = &each;
        let threads: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || each(case))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a case is played to its end")).collect()
    })
}

/// Plays all cases side by side until no server was starved meanwhile; `None` where there is no server, or where the machine
/// leaves it too little time in three attempts. Under `CI=true` that is a failure.
#[expect(clippy::print_stderr, reason = "who runs the tests must see that nothing was measured")]
pub(super) fn measure(cases: &[Case<'_>]) -> Option<Vec<Played>> {
    /// Another replay at the same time would make servers late.
    static TURN: Mutex<()> = Mutex::new(());
    for _ in 0..3 {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let live = side_by_side(cases.to_vec(), play_live);
        drop(turn);
        let live: Vec<Live> = live.into_iter().collect::<Option<_>>()?;
        let slowest = live.iter().map(|live| live.answer[0]).max();
        let latest = live.iter().map(|live| live.lag[1]).max();
        if latest.is_some_and(|latest| latest > STOOD_STILL) {
            eprintln!("no measurement: the machine stood still for {latest:?}");
            continue;
        }
        if slowest.is_none_or(|slowest| slowest <= STARVED) {
            let cases = cases.iter().copied().zip(live).collect();
            return Some(side_by_side(cases, |(case, live)| modelled(case, live)));
        }
        eprintln!("no measurement: a server took {slowest:?} to answer, at the 99th percentile");
    }
    assert!(
        !is_checking(),
        "three times, a server was starved or stood still: the machine is too busy to measure anything"
    );
    eprintln!("skipped: three times, a server was starved or stood still");
    None
}
