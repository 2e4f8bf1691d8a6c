//! An independent model of the simulator, and the engine held against it, outcome by outcome.

mod naive;
#[path = "support/traces.rs"]
mod traces;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use naive::{Capacity, Config, Eviction, Guard, Kind, LateFill, Reclaim, Refresh, Totals, Ttl};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use ttlab::cache::Stored;
use ttlab::engine::Simulation;
use ttlab::metrics::{Asked, Cause, Measurements, Observer, Outcome, OutcomeKind, Regeneration};
use ttlab::origin::change::Changes;
use ttlab::origin::latency::LatencyModel;
use ttlab::origin::{self, Ask, Origin};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ObjectId, Trace};
use ttlab::tune;
use ttlab::units::{SimDuration, SimTime};

/// All times of a case are small multiples of this, so that many things happen at the same instant.
const TICK: u64 = 1_000_000;

/// A small world with everything in it that decides its run. Times are in ticks.
#[derive(Debug, Clone)]
struct Case {
    /// Gap to the request before, and object.
    requests: Vec<(u64, u32)>,
    sizes: Vec<u32>,
    /// Time between the last request and the end.
    silence: u64,
    capacity: Capacity,
    eviction: Eviction,
    reclaim: Reclaim,
    ttl: Ttl,
    /// The stale window, if there is one.
    window: Option<u64>,
    guard: Guard,
    nodes: u32,
    by_key: bool,
    /// Origin times by object; the n-th fetch takes the n-th, and after the last the first again.
    times: Vec<Vec<u64>>,
    servers: Option<usize>,
    timeout: Option<u64>,
    late_fill: LateFill,
    seed: u64,
}

/// The origin times of a case.
struct Table(Vec<Vec<u64>>);

impl Table {
    fn ticks(&self, object: usize, nth: u64) -> u64 {
        let times = &self.0[object];
        times[usize::try_from(nth).expect("few fetches") % times.len()]
    }
}

impl LatencyModel for Table {
    fn time(&mut self, ask: &Ask, nth: u32) -> SimDuration {
        SimDuration::from_nanos(TICK * self.ticks(ask.object.index(), nth.into()))
    }

    fn median(&self) -> SimDuration {
        SimDuration::from_nanos(TICK)
    }
}

impl Case {
    fn trace(&self) -> Arc<Trace> {
        let mut now = 0;
        let requests: Vec<(u64, u32)> = self
            .requests
            .iter()
            .map(|&(gap, object)| {
                now += gap * TICK;
                (now, object)
            })
            .collect();
        traces::trace(&requests, &self.sizes, now + self.silence * TICK)
    }

    /// The case as a scenario, but for its requests and its origin times.
    fn scenario(&self) -> String {
        let ms = |ticks: u64| format!("\"{ticks}ms\"");
        let source = traces::source(self.sizes.len());
        // Buckets of a length that fits nothing else.
        let mut text = format!("name = \"case\"\n[time]\nbucket = \"7ms\"\n{source}[client]\n");
        let mut line = |line: String| writeln!(text, "{line}").expect("a String takes any text");
        line(format!("nodes = {}", self.nodes));
        line(format!("routing = \"{}\"", if self.by_key { "by-key" } else { "uniform" }));
        if let Some(timeout) = self.timeout {
            line(format!("timeout = {}", ms(timeout)));
            let late_fill = if self.late_fill == LateFill::Keep { "keep" } else { "discard" };
            line(format!("late_fill = \"{late_fill}\""));
        }
        line("[origin]\nlatency = { model = \"constant\", value = \"0s\" }".to_owned());
        if let Some(servers) = self.servers {
            line(format!("capacity = {{ model = \"servers\", servers = {servers} }}"));
        }
        line("[cache]\nttl_resolution = \"exact\"".to_owned());
        match self.capacity {
            Capacity::Unbounded => {}
            Capacity::Bytes(bytes) => line(format!("capacity = \"{bytes}B\"")),
            Capacity::Objects(objects) => line(format!("capacity = {{ objects = {objects} }}")),
        }
        let eviction = match self.eviction {
            Eviction::Lru => "lru",
            Eviction::Fifo => "fifo",
            Eviction::Never => "noeviction",
        };
        line(format!("eviction = \"{eviction}\""));
        line(format!("reclaim = \"{}\"", if self.reclaim == Reclaim::Lazy { "lazy" } else { "eager" }));
        line("[[strategy]]\nname = \"case\"".to_owned());
        line(match &self.ttl {
            Ttl::None => "ttl = \"none\"".to_owned(),
            Ttl::Fixed(ttl) => format!("ttl = {{ rule = \"fixed\", ttl = {} }}", ms(*ttl)),
            Ttl::ClassTable(ttls) => {
                let rows: Vec<String> =
                    ttls.iter().enumerate().map(|(class, ttl)| format!("c{class} = {}", ms(*ttl))).collect();
                format!("ttl = {{ rule = \"class-table\", table = {{ {} }} }}", rows.join(", "))
            }
            Ttl::Sliding { idle, max_age } => {
                format!("ttl = {{ rule = \"sliding\", idle = {}, max_age = {} }}", ms(*idle), ms(*max_age))
            }
        });
        if let Some(window) = self.window {
            line(format!("refresh = {{ policy = \"stale-while-revalidate\", window = {} }}", ms(window)));
        }
        line(format!("guard = \"{}\"", if self.guard == Guard::None { "none" } else { "single-flight" }));
        text
    }

    /// The real simulation of this case.
    fn simulation<'t>(&self, scenario: &Scenario, trace: &'t Arc<Trace>) -> Simulation<'t> {
        let plan = tune::grid(scenario)[0];
        let seed = Seed::new(self.seed);
        let mut simulation = tune::simulation(scenario, &plan, trace, seed).expect("a case can be run");
        let setup = origin::Setup { trace: Arc::clone(trace), seed };
        let never = |class: &String| scenario.origin.changes_of(class).make(&setup).expect("it can be made");
        simulation.origin = Origin::new(
            Box::new(Table(self.times.clone())),
            scenario.origin.capacity.make(&setup).expect("it can be made"),
            Changes::new(trace.objects().classes().iter().map(never).collect(), trace.objects()),
            trace.objects().len(),
        );
        simulation
    }

    /// The naive simulation of the same requests, at the nodes to which the client sends them.
    fn naive(&self, simulation: &Simulation<'_>) -> (Vec<naive::Outcome>, Totals) {
        let routing = simulation.seed.of("routing");
        let requests: Vec<naive::Request> = simulation
            .trace
            .requests()
            .enumerate()
            .map(|(index, request)| naive::Request {
                at: request.at.as_nanos() / TICK,
                object: request.object.index(),
                node: simulation.client.node(routing, index, request.object) as usize,
            })
            .collect();
        let sizes: Vec<u64> = self.sizes.iter().map(|size| u64::from(*size)).collect();
        let table = Table(self.times.clone());
        let config = Config {
            capacity: self.capacity,
            eviction: self.eviction,
            reclaim: self.reclaim,
            ttl: self.ttl.clone(),
            refresh: match self.window {
                None => Refresh::OnDemand,
                Some(window) => Refresh::StaleWhileRevalidate { window },
            },
            guard: self.guard,
            latency: &|object, nth| table.ticks(object, nth),
            servers: self.servers,
            timeout: self.timeout,
            late_fill: self.late_fill,
            end: Some(simulation.window.until.as_nanos() / TICK),
        };
        naive::simulate(&requests, &sizes, &config)
    }
}

/// Keeps all that it is told.
#[derive(Default)]
struct Diary {
    outcomes: Vec<naive::Outcome>,
    asked: Vec<Asked>,
    regenerations: Vec<Regeneration>,
    refused: u64,
}

impl Observer for Diary {
    fn observe(&mut self, outcome: &Outcome) {
        let kind = match outcome.kind {
            OutcomeKind::FreshHit => Kind::FreshHit,
            OutcomeKind::StaleHit => Kind::StaleHit,
            OutcomeKind::DelayedHit => Kind::DelayedHit,
            OutcomeKind::Miss(Cause::Cold) => Kind::Miss(naive::Cause::Cold),
            OutcomeKind::Miss(Cause::Expired) => Kind::Miss(naive::Cause::Expired),
            OutcomeKind::Miss(Cause::Evicted) => Kind::Miss(naive::Cause::Evicted),
            OutcomeKind::Error => Kind::Error,
            other => panic!("{other:?} cannot happen here"),
        };
        self.outcomes.push(naive::Outcome { kind, wait: outcome.wait.as_nanos() / TICK });
    }

    fn asked(&mut self, asked: &Asked) {
        self.asked.push(*asked);
    }

    fn regenerated(&mut self, regeneration: &Regeneration) {
        self.regenerations.push(*regeneration);
    }

    fn stored(&mut self, _: u32, _: SimTime, stored: Stored) {
        self.refused += u64::from(stored == Stored::OutOfMemory);
    }
}

/// Start, end and size of every stretch of time in which an object has a fetch in flight, from the
/// fetches alone.
fn regenerations(asked: &[Asked]) -> Vec<(ObjectId, SimTime, SimTime, u64)> {
    let mut open: BTreeMap<ObjectId, (SimTime, SimTime, u64)> = BTreeMap::new();
    let mut over = Vec::new();
    for Asked { object, fetch, .. } in asked {
        match open.get_mut(object) {
            Some((_, end, size)) if fetch.asked < *end => {
                *end = (*end).max(fetch.done);
                *size += 1;
            }
            _ => {
                let begun = open.insert(*object, (fetch.asked, fetch.done, 1));
                over.extend(begun.map(|(start, end, size)| (*object, start, end, size)));
            }
        }
    }
    over.extend(open.into_iter().map(|(object, (start, end, size))| (object, start, end, size)));
    over.sort_unstable();
    over
}

/// The engine and the naive model agree on everything that both know.
fn agree(case: &Case) {
    let text = case.scenario();
    let scenario = Scenario::parse(&text, "case.toml").unwrap_or_else(|error| panic!("{error}"));
    let trace = case.trace();
    let simulation = case.simulation(&scenario, &trace);
    let end = simulation.window.until;
    let (outcomes, totals) = case.naive(&simulation);
    let (cache, diary) = simulation.observed_by(Diary::default(), &()).expect("nobody stops it");
    assert_eq!(diary.outcomes, outcomes, "{text}");
    let account = cache.finish(end);
    let found = Totals {
        fetches: diary.asked.len() as u64,
        refreshes: diary.asked.iter().filter(|asked| asked.background).count() as u64,
        evicted: account.evicted,
        expired: account.expired,
        out_of_memory: diary.refused,
        resident_entries: usize::try_from(account.final_entries).expect("few entries"),
        resident_bytes: account.final_bytes,
        peak_bytes: account.peak_bytes,
        byte_ticks: ticks(account.mean_bytes, end),
        entry_ticks: ticks(account.mean_entries, end),
    };
    assert_eq!(found, totals, "{text}");
    let mut told: Vec<_> =
        diary.regenerations.iter().map(|one| (one.object, one.start, one.end, one.size)).collect();
    told.sort_unstable();
    assert_eq!(told, regenerations(&diary.asked), "{text}");

    let bucket = scenario.bucket.expect("every case says it");
    let measured = case.simulation(&scenario, &trace).run(bucket, &()).expect("nobody stops it");
    check_recorder(&measured, &diary, &found, &text);
}

/// The integral of a mean over the whole run, in ticks.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
fn ticks(mean: f64, end: SimTime) -> u64 {
    (mean * (end.as_nanos() / TICK) as f64).round() as u64
}

/// What the recorder sums up is what the diary holds one by one.
fn check_recorder(measured: &Measurements, diary: &Diary, found: &Totals, text: &str) {
    let outcomes = &measured.totals.outcomes;
    let of = |kind: Kind| diary.outcomes.iter().filter(|outcome| outcome.kind == kind).count() as u64;
    assert_eq!(outcomes.total(), diary.outcomes.len() as u64, "{text}");
    for (kind, naive) in [
        (OutcomeKind::FreshHit, Kind::FreshHit),
        (OutcomeKind::StaleHit, Kind::StaleHit),
        (OutcomeKind::DelayedHit, Kind::DelayedHit),
        (OutcomeKind::Miss(Cause::Cold), Kind::Miss(naive::Cause::Cold)),
        (OutcomeKind::Miss(Cause::Expired), Kind::Miss(naive::Cause::Expired)),
        (OutcomeKind::Miss(Cause::Evicted), Kind::Miss(naive::Cause::Evicted)),
        (OutcomeKind::Error, Kind::Error),
    ] {
        assert_eq!(outcomes.of(kind), of(naive), "{kind:?} {text}");
    }
    let buckets = &measured.series.buckets;
    assert_eq!(buckets.iter().map(|bucket| bucket.outcomes.total()).sum::<u64>(), outcomes.total());
    assert_eq!(buckets.iter().map(|bucket| bucket.evicted).sum::<u64>(), found.evicted, "{text}");
    assert_eq!(buckets.iter().map(|bucket| bucket.expired).sum::<u64>(), found.expired, "{text}");
    assert_eq!(buckets.iter().map(|bucket| bucket.peak_bytes).max(), Some(found.peak_bytes), "{text}");
    assert_eq!((measured.origin.fetches, measured.origin.refreshes), (found.fetches, found.refreshes));
    assert_eq!((measured.evicted, measured.expired), (found.evicted, found.expired), "{text}");
    assert_eq!(measured.out_of_memory, found.out_of_memory, "{text}");
    let stampedes = &measured.stampedes;
    assert_eq!(stampedes.regenerations, diary.regenerations.len() as u64, "{text}");
    assert_eq!(stampedes.regenerations + stampedes.duplicate_fetches, found.fetches, "{text}");
}

fn ttl(objects: usize) -> impl Strategy<Value = Ttl> {
    prop_oneof![
        1 => Just(Ttl::None),
        4 => (1..12_u64).prop_map(Ttl::Fixed),
        2 => prop::collection::vec(1..12_u64, objects).prop_map(Ttl::ClassTable),
        3 => (1..8_u64, 0..12_u64).prop_map(|(idle, more)| Ttl::Sliding { idle, max_age: idle + more }),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    const OBJECTS: std::ops::RangeInclusive<usize> = 1..=5;
    let requests = |objects: u32| {
        // Half of the requests come at the instant of the one before.
        prop::collection::vec((prop_oneof![3 => Just(0), 3 => 1..4_u64, 1 => 4..20_u64], 0..objects), 0..60)
    };
    let capacity = prop_oneof![
        1 => Just(Capacity::Unbounded),
        2 => (0..14_u64).prop_map(Capacity::Bytes),
        2 => (0..5_u64).prop_map(Capacity::Objects),
    ];
    let cache = (
        capacity,
        prop::sample::select(vec![Eviction::Lru, Eviction::Fifo, Eviction::Never]),
        prop::sample::select(vec![Reclaim::Lazy, Reclaim::Eager]),
    );
    let client = (
        prop::sample::select(vec![Guard::None, Guard::SingleFlight]),
        1..4_u32,
        any::<bool>(),
        prop::option::of(1..12_u64),
        prop::sample::select(vec![LateFill::Keep, LateFill::Discard]),
    );
    OBJECTS.prop_flat_map(move |objects| {
        let workload = (
            requests(u32::try_from(objects).expect("few objects")),
            prop::collection::vec(0..7_u32, objects),
            0..20_u64,
        );
        let origin = (
            prop::collection::vec(prop::collection::vec(0..9_u64, 1..4), objects),
            prop::option::of(1..4_usize),
        );
        let strategy = (ttl(objects), prop::option::of(0..8_u64));
        (workload, cache.clone(), strategy, client.clone(), origin, any::<u64>()).prop_map(
            |(workload, cache, (ttl, window), client, (times, servers), seed)| Case {
                requests: workload.0,
                sizes: workload.1,
                silence: workload.2,
                capacity: cache.0,
                eviction: cache.1,
                reclaim: cache.2,
                // What never expires is never stale, and is refused in a scenario.
                window: window.filter(|_| ttl != Ttl::None),
                ttl,
                guard: client.0,
                nodes: client.1,
                by_key: client.2,
                times,
                servers,
                timeout: client.3,
                late_fill: client.4,
                seed,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_096,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("proptest-regressions/oracle.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_engine_and_the_naive_model_agree_on_every_outcome(case in case()) {
        agree(&case);
    }
}
