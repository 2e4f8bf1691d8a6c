//! The engine against an independent naive model, outcome by outcome, on random traces and strategies.
//!
//! The model (`naive`) shares no code with the crate. Traces are short and crowded, with many
//! requests at the same instant and deadlines that fall on arrivals, because that is where an order
//! of events or a boundary could be wrong.

mod naive;

use std::sync::Arc;

use proptest::prelude::*;
use ttlab::metrics::{Cause, Observer, Outcome, OutcomeKind};
use ttlab::origin::{Ask, Setup};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use ttlab::tune;
use ttlab::units::{SimDuration, SimTime};

const MS: u64 = 1_000_000;
const OBJECTS: usize = 5;

/// Everything that is drawn for one case; times are in milliseconds.
#[derive(Debug, Clone)]
struct Case {
    requests: Vec<(u64, usize)>,
    sizes: [u64; OBJECTS],
    capacity: naive::Capacity,
    eviction: naive::Eviction,
    reclaim: naive::Reclaim,
    ttl: Ttl,
    window: Option<u64>,
    single_flight: bool,
    nodes: u32,
    by_key: bool,
    latency: Latency,
    servers: Option<usize>,
    timeout: Option<u64>,
    late_fill: naive::LateFill,
    seed: u64,
}

#[derive(Debug, Clone)]
enum Ttl {
    None,
    Fixed(u64),
    /// Of class a (even objects) and of class b (odd ones).
    ClassTable(u64, u64),
    Sliding(u64, u64),
}

#[derive(Debug, Clone)]
enum Latency {
    Constant(u64),
    Exponential(u64),
}

fn ttl() -> impl Strategy<Value = Ttl> {
    prop_oneof![
        1 => Just(Ttl::None),
        4 => (1..12_u64).prop_map(Ttl::Fixed),
        2 => (1..9_u64, 1..20_u64).prop_map(|(a, b)| Ttl::ClassTable(a, b)),
        3 => (1..8_u64, 0..20_u64).prop_map(|(idle, more)| Ttl::Sliding(idle, idle + more)),
    ]
}

fn capacity() -> impl Strategy<Value = naive::Capacity> {
    prop_oneof![
        Just(naive::Capacity::Unbounded),
        (0..25_u64).prop_map(naive::Capacity::Bytes),
        (0..5_u64).prop_map(naive::Capacity::Objects),
    ]
}

fn eviction() -> impl Strategy<Value = naive::Eviction> {
    prop_oneof![Just(naive::Eviction::Lru), Just(naive::Eviction::Fifo), Just(naive::Eviction::Never)]
}

fn case() -> impl Strategy<Value = Case> {
    let requests = prop::collection::vec((0..4_u64, 0..OBJECTS), 0..60).prop_map(|steps| {
        let mut now = 0;
        let step = |(gap, object): (u64, usize)| {
            now += gap;
            (now, object)
        };
        steps.into_iter().map(step).collect::<Vec<_>>()
    });
    let origin = (
        prop_oneof![(0..7_u64).prop_map(Latency::Constant), (1..6_u64).prop_map(Latency::Exponential)],
        prop::option::of(1..4_usize),
        prop::option::of(1..6_u64),
        prop_oneof![Just(naive::LateFill::Keep), Just(naive::LateFill::Discard)],
    );
    let cache =
        (capacity(), eviction(), prop_oneof![Just(naive::Reclaim::Lazy), Just(naive::Reclaim::Eager)]);
    let guard = (prop::option::of(0..8_u64), any::<bool>(), 1..4_u32, any::<bool>());
    (requests, prop::array::uniform5(0..12_u64), cache, ttl(), guard, origin, any::<u32>()).prop_map(
        |(requests, sizes, (capacity, eviction, reclaim), ttl, guard, origin, seed)| {
            let (window, single_flight, nodes, by_key) = guard;
            let (latency, servers, timeout, late_fill) = origin;
            // What never expires is never stale: that combination is refused.
            let window = window.filter(|_| !matches!(ttl, Ttl::None));
            let late_fill = if timeout.is_some() { late_fill } else { naive::LateFill::Keep };
            let seed = u64::from(seed);
            Case {
                requests,
                sizes,
                capacity,
                eviction,
                reclaim,
                ttl,
                window,
                single_flight,
                nodes,
                by_key,
                latency,
                servers,
                timeout,
                late_fill,
                seed,
            }
        },
    )
}

/// The case as a scenario; its trace is made by hand.
fn scenario(case: &Case) -> Scenario {
    let capacity = match case.capacity {
        naive::Capacity::Unbounded => String::new(),
        naive::Capacity::Bytes(bytes) => format!("capacity = \"{bytes}B\"\n"),
        naive::Capacity::Objects(objects) => format!("capacity = {{ objects = {objects} }}\n"),
    };
    let eviction = match case.eviction {
        naive::Eviction::Lru => "lru",
        naive::Eviction::Fifo => "fifo",
        naive::Eviction::Never => "noeviction",
    };
    let reclaim = match case.reclaim {
        naive::Reclaim::Lazy => "lazy",
        naive::Reclaim::Eager => "eager",
    };
    let ttl = match case.ttl {
        Ttl::None => "{ rule = \"none\" }".to_owned(),
        Ttl::Fixed(ttl) => format!("{{ rule = \"fixed\", ttl = \"{ttl}ms\" }}"),
        Ttl::ClassTable(a, b) => {
            format!("{{ rule = \"class-table\", table = {{ a = \"{a}ms\", b = \"{b}ms\" }} }}")
        }
        Ttl::Sliding(idle, max_age) => {
            format!("{{ rule = \"sliding\", idle = \"{idle}ms\", max_age = \"{max_age}ms\" }}")
        }
    };
    let refresh = case.window.map_or("\"on-demand\"".to_owned(), |window| {
        format!("{{ policy = \"stale-while-revalidate\", window = \"{window}ms\" }}")
    });
    let guard = if case.single_flight { "single-flight" } else { "none" };
    let latency = match case.latency {
        Latency::Constant(value) => format!("{{ model = \"constant\", value = \"{value}ms\" }}"),
        Latency::Exponential(mean) => format!("{{ model = \"exponential\", mean = \"{mean}ms\" }}"),
    };
    let servers = case.servers.map_or(String::new(), |servers| {
        format!("capacity = {{ model = \"servers\", servers = {servers} }}\n")
    });
    let late_fill = match case.late_fill {
        naive::LateFill::Keep => "keep",
        naive::LateFill::Discard => "discard",
    };
    let timeout = case.timeout.map_or(String::new(), |timeout| format!("timeout = \"{timeout}ms\"\n"));
    let routing = if case.by_key { "by-key" } else { "uniform" };
    let text = format!(
        "name = \"oracle\"\n[workload]\nduration = \"1s\"\nrate = \"1/s\"\n\
         [[workload.class]]\nname = \"a\"\nobjects = 3\n[[workload.class]]\nname = \"b\"\nobjects = 2\n\
         [origin]\nlatency = {latency}\n{servers}\
         [client]\nnodes = {}\nrouting = \"{routing}\"\n{timeout}late_fill = \"{late_fill}\"\n\
         [cache]\n{capacity}eviction = \"{eviction}\"\nreclaim = \"{reclaim}\"\nmemory = \"payload\"\nttl_resolution = \"exact\"\n\
         [[strategy]]\nname = \"s\"\nttl = {ttl}\nrefresh = {refresh}\nguard = \"{guard}\"\n",
        case.nodes
    );
    Scenario::parse(&text, "oracle.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn trace(case: &Case) -> Arc<Trace> {
    let fact = |object: usize| Fact {
        size: u32::try_from(case.sizes[object]).expect("sizes are small"),
        class: ClassId::new(u16::from(object % 2 == 1)),
        size_is_imputed: false,
    };
    let objects =
        Objects::new((0..OBJECTS).map(fact).collect(), Keys::Numbered, vec!["a".into(), "b".into()]);
    let at = case.requests.iter().map(|(at, _)| SimTime::from_nanos(at * MS)).collect();
    let object = case.requests.iter().map(|(_, object)| ObjectId::from_index(*object)).collect();
    Arc::new(Trace::new(at, object, objects, SimDuration::ZERO))
}

/// Keeps every outcome.
#[derive(Default)]
struct Collector(Vec<(OutcomeKind, u64)>);

impl Observer for Collector {
    fn observe(&mut self, outcome: &Outcome) {
        self.0.push((outcome.kind, outcome.wait.as_nanos()));
    }
}

fn kind(kind: naive::Kind) -> OutcomeKind {
    match kind {
        naive::Kind::FreshHit => OutcomeKind::FreshHit,
        naive::Kind::StaleHit => OutcomeKind::StaleHit,
        naive::Kind::DelayedHit => OutcomeKind::DelayedHit,
        naive::Kind::Miss(naive::Cause::Cold) => OutcomeKind::Miss(Cause::Cold),
        naive::Kind::Miss(naive::Cause::Expired) => OutcomeKind::Miss(Cause::Expired),
        naive::Kind::Miss(naive::Cause::Evicted) => OutcomeKind::Miss(Cause::Evicted),
        naive::Kind::Error => OutcomeKind::Error,
    }
}

/// What the naive model says of a case.
fn expected(
    case: &Case,
    scenario: &Scenario,
    trace: &Arc<Trace>,
    seed: Seed,
) -> (Vec<(OutcomeKind, u64)>, naive::Totals) {
    let setup = Setup { trace: Arc::clone(trace), seed: seed.of("origin") };
    let model = std::cell::RefCell::new(scenario.origin.latency.make(&setup).expect("the model was checked"));
    let latency = |object: usize, nth: u64| {
        let ask = Ask { object: ObjectId::from_index(object), at: SimTime::ZERO, request: 0 };
        model.borrow_mut().time(&ask, u32::try_from(nth).expect("few fetches")).as_nanos()
    };
    let routing = seed.of("client").of("routing");
    let requests: Vec<naive::Request> = case
        .requests
        .iter()
        .enumerate()
        .map(|(index, (at, object))| {
            let node = scenario.client.node(routing, index, ObjectId::from_index(*object));
            naive::Request { at: at * MS, object: *object, node: node as usize }
        })
        .collect();
    let config = naive::Config {
        capacity: case.capacity,
        eviction: case.eviction,
        reclaim: case.reclaim,
        ttl: match case.ttl {
            Ttl::None => naive::Ttl::None,
            Ttl::Fixed(ttl) => naive::Ttl::Fixed(ttl * MS),
            Ttl::ClassTable(a, b) => naive::Ttl::ClassTable(
                (0..OBJECTS).map(|object| if object % 2 == 1 { b * MS } else { a * MS }).collect(),
            ),
            Ttl::Sliding(idle, max_age) => naive::Ttl::Sliding { idle: idle * MS, max_age: max_age * MS },
        },
        refresh: case.window.map_or(naive::Refresh::OnDemand, |window| {
            naive::Refresh::StaleWhileRevalidate { window: window * MS }
        }),
        guard: if case.single_flight { naive::Guard::SingleFlight } else { naive::Guard::None },
        latency: &latency,
        servers: case.servers,
        timeout: case.timeout.map(|timeout| timeout * MS),
        late_fill: case.late_fill,
        end: Some(trace.span().as_nanos()),
    };
    let (outcomes, totals) = naive::simulate(&requests, &case.sizes, &config);
    (outcomes.into_iter().map(|outcome| (kind(outcome.kind), outcome.wait)).collect(), totals)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_naive_model(case in case()) {
        let (scenario, trace, seed) = (scenario(&case), trace(&case), Seed::new(case.seed));
        let plan = tune::grid(&scenario)[0];
        let simulation = || tune::simulation(&scenario, &plan, &trace, seed).expect("every part can be made");
        let (outcomes, totals) = expected(&case, &scenario, &trace, seed);

        let (cache, collector) = simulation().observed_by(Collector::default(), &()).expect("nobody stops it");
        cache.check();
        prop_assert_eq!(collector.0, outcomes);

        let measured = simulation().run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
        prop_assert_eq!(measured.totals.outcomes.total(), case.requests.len() as u64);
        prop_assert_eq!(measured.origin.fetches, totals.fetches);
        prop_assert_eq!(measured.origin.refreshes, totals.refreshes);
        prop_assert_eq!(measured.evicted, totals.evicted);
        prop_assert_eq!(measured.expired, totals.expired);
        prop_assert_eq!(measured.out_of_memory, totals.out_of_memory);
        prop_assert_eq!(measured.memory.final_entries, totals.resident_entries as u64);
        prop_assert_eq!(measured.memory.final_bytes, totals.resident_bytes);
        prop_assert_eq!(measured.memory.peak_bytes, totals.peak_bytes);
    }
}
