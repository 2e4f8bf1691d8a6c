//! Makes what one run plays: a simulation of one cell over a trace, with the chance of one replication.

use std::sync::Arc;

use super::CellPlan;
use super::sampled::{self, Extent};
use crate::cache::memory::KeyBeside;
use crate::cache::{self, Cache, Capacity, Residency};
use crate::catalog::{Chosen, Fault};
use crate::engine::Simulation;
use crate::origin::change::Changes;
use crate::origin::fault::FaultModel;
use crate::origin::{self, Origin};
use crate::random::Seed;
use crate::scenario::Scenario;
use crate::strategy::{self, Strategy};
use crate::trace::Trace;
use crate::units::{SimDuration, SimTime, Window};

/// The chance of one replication of a scenario with this seed: of its workload, its origin and its strategies.
pub fn replication_seed(seed: u64, replication: u64) -> Seed {
    Seed::new(seed).of("replication").nth(replication)
}

/// Refuses TTLs on a recording that has an order and no times.
pub(super) fn refuse_timeless(scenario: &Scenario, trace: &Trace) -> Result<(), Fault> {
    let expires =
        |design: &&strategy::Design| design.rule.name() != "none" || design.end_of_endless().is_some();
    let Some(design) = scenario.strategies.iter().find(expires).filter(|_| trace.is_timeless()) else {
        return Ok(());
    };
    let clamp = design.modifiers.iter().find(|modifier| modifier.name() == "clamp");
    let (what, span) = match (design.rule.name(), clamp) {
        ("none", Some(clamp)) => ("modifier \"clamp\"".to_owned(), clamp.span()),
        (rule, _) => (format!("ttl rule \"{rule}\""), design.rule.span()),
    };
    let what = format!("{what} needs times, and this recording has an order alone");
    Err(Fault::new(span, what).rule("without times nothing can be said about TTLs").help(
        "say in which unit times are with time_unit = \"s\", give the format a rate, or write ttl = \"none\"",
    ))
}

fn origin_setup(trace: &Arc<Trace>, seed: Seed) -> origin::Setup {
    origin::Setup { trace: Arc::clone(trace), seed: seed.of("origin") }
}

/// When the objects of `trace` change, with the chance of one replication.
///
/// # Errors
/// If a model cannot be made for this trace.
pub fn changes(scenario: &Scenario, trace: &Arc<Trace>, seed: Seed) -> Result<Changes, Fault> {
    let setup = origin_setup(trace, seed);
    let names = trace.objects().classes().iter();
    let models =
        names.map(|class| scenario.origin.changes_of(class).make(&setup)).collect::<Result<_, _>>()?;
    Ok(Changes::new(models, trace.objects()))
}

/// A simulation of one cell over `trace`, with the chance of one replication.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace.
pub fn simulation<'t>(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &'t Arc<Trace>,
    seed: Seed,
) -> Result<Simulation<'t>, Fault> {
    simulation_of(scenario, plan, trace, seed, 1.0)
}

/// Refuses a cell of which a share `rate` of the keys leaves too little.
pub(super) fn check_scale(
    scenario: &Scenario,
    plan: &CellPlan,
    extent: &Extent,
    rate: f64,
) -> Result<(), Fault> {
    if rate >= 1.0 {
        return Ok(());
    }
    sampled::enough_servers(&scenario.origin.capacity, rate)?;
    extent.large_enough(plan.capacity, rate, bytes_beside(scenario, plan.capacity)?)?;
    extent.enough_keys(rate)
}

/// What the server has in use without any entry.
pub(super) fn bytes_beside(scenario: &Scenario, capacity: Capacity) -> Result<u64, Fault> {
    let setup = cache::Setup { capacity, ..cache::Setup::nothing() };
    let memory = scenario.cache.memory.make(&setup)?;
    Ok(memory.counting().map_or(0, |counting| counting.without_entries()))
}

/// The same for a trace that holds a share `rate` of the keys: with as large a part of the cache and of the origin.
pub(super) fn simulation_of<'t>(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &'t Arc<Trace>,
    seed: Seed,
    rate: f64,
) -> Result<Simulation<'t>, Fault> {
    let window = Window { from: SimTime::ZERO + scenario.warmup, until: SimTime::ZERO + trace.span() };
    let bucket = bucket_of(scenario, trace);
    within(scenario, window)?;
    let objects = trace.objects();
    let origin_setup = origin_setup(trace, seed);
    let origin = Origin::new(
        scenario.origin.latency.make(&origin_setup)?,
        sampled::servers(&scenario.origin.capacity, rate)?.make(&origin_setup)?,
        faults(scenario, &origin_setup)?,
        changes(scenario, trace, seed)?,
        objects.len(),
    );
    let design = &scenario.strategies[plan.strategy];
    let mut strategy = strategy(scenario, plan, trace, seed, origin.servers())?;
    let mut setup =
        cache::Setup { objects: objects.len(), capacity: plan.capacity, trace: Arc::clone(trace) };
    let mut memory = scenario.cache.memory.make(&setup)?;
    let beside = memory.counting().map_or(0, |counting| counting.without_entries());
    // A policy that divides a limit among its queues has none of 0 to divide where a server takes that for no limit.
    let capacity = match plan.capacity {
        Capacity::Bytes(0) if memory.counting().is_some() => Capacity::Unbounded,
        written => written,
    };
    setup.capacity = sampled::limit(capacity, rate, beside);
    if strategy.has_second_key() {
        memory.keep_beside(KeyBeside::Deadline);
    }
    if strategy.guard.key_in_cache().is_some() {
        memory.keep_beside(KeyBeside::Guard);
    }
    if let (Some(sweep), Some(counting)) = (&mut strategy.sweep, memory.counting()) {
        sweep.kept_by(counting.build);
    }
    // The model of trace simulators counts the bytes of images alone.
    let counts_all = scenario.cache.memory.name() != "payload";
    let stored = match strategy.bytes_beside() {
        bytes if bytes > 0 && counts_all => Arc::new(objects.longer_by(bytes)),
        _ => trace.shared_objects(),
    };
    // A policy divides among its queues what entries may take, and not what a server takes without any.
    let of_entries = match setup.capacity {
        Capacity::Bytes(limit) => Capacity::Bytes(limit.saturating_sub(beside)),
        other => other,
    };
    let eviction = cache::Setup { capacity: of_entries, ..setup.clone() };
    let cache = Cache::new(
        stored,
        setup.capacity,
        scenario.cache.evictions[plan.eviction].make(&eviction)?,
        scenario.cache.reclaim.make(&setup)?,
        memory,
        Residency::new(window, bucket),
    )
    .serving(scenario.cache.server.unwrap_or_default(), seed.of("server"));
    let events = scenario.cache.events.iter();
    Ok(Simulation {
        trace,
        client: design.client,
        warm: scenario.cache.warm,
        origin,
        cache,
        strategy,
        server_events: events.map(|written| sampled::event(written.event, rate, beside)).collect(),
        window,
        freshness_bound: scenario.freshness_bound,
        seed: seed.of("client"),
    })
}

/// The strategy of a cell at work over `trace`, with the chance of one replication; `servers` is how many
/// fetches the origin serves at once.
pub(super) fn strategy(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &Arc<Trace>,
    seed: Seed,
    servers: Option<u32>,
) -> Result<Strategy, Fault> {
    let setup = strategy::Setup {
        classes: classes(scenario, trace.objects().classes()),
        objects: trace.objects().len(),
        servers,
        traffic: strategy::Traffic::like(Arc::clone(trace)),
        seed: seed.of("strategy"),
    };
    scenario.strategies[plan.strategy].make(&setup, scenario.cache.ttl_resolution)
}

/// Every event happens within the run.
fn within(scenario: &Scenario, window: Window) -> Result<(), Fault> {
    match scenario.cache.events.iter().find(|written| written.event.at >= window.until) {
        None => Ok(()),
        Some(late) => {
            let length = window.until.since(SimTime::ZERO);
            Err(Fault::new(late.span.clone(), "this event happens after the end of the trace")
                .rule(format!("the trace lasts for {length}"))
                .help("write an earlier at"))
        }
    }
}

/// The origin's faults; two of one kind draw independently.
fn faults(scenario: &Scenario, setup: &origin::Setup) -> Result<Vec<Box<dyn FaultModel>>, Fault> {
    let faults = scenario.origin.faults.iter().enumerate();
    let make = |(place, chosen): (usize, &Chosen<dyn FaultModel, origin::Setup>)| {
        chosen.make(&origin::Setup { seed: setup.seed.of("fault").nth(place as u64), ..setup.clone() })
    };
    faults.map(make).collect()
}

/// The classes of a trace by id, and after them those that the scenario knows of and the trace lacks.
fn classes(scenario: &Scenario, of_trace: &[String]) -> Vec<String> {
    let absent = scenario.classes.iter().filter(|class| !of_trace.contains(class));
    of_trace.iter().chain(absent).cloned().collect()
}

/// The length of buckets that the scenario wants, or one that suits the trace.
pub fn bucket_of(scenario: &Scenario, trace: &Trace) -> SimDuration {
    scenario.bucket.unwrap_or_else(|| bucket_for(trace.span()))
}

/// A length of buckets that cuts `span` into a few hundred: a round number of seconds, minutes, hours or days.
pub fn bucket_for(span: SimDuration) -> SimDuration {
    const MILLIS: [u64; 22] = [
        1,
        10,
        100,
        1_000,
        2_000,
        5_000,
        10_000,
        15_000,
        30_000,
        60_000,
        120_000,
        300_000,
        600_000,
        900_000,
        1_800_000,
        3_600_000,
        7_200_000,
        10_800_000,
        21_600_000,
        43_200_000,
        86_400_000,
        604_800_000,
    ];
    const BUCKETS: u64 = 360;
    if span.is_zero() {
        return SimDuration::from_secs(1);
    }
    let fits = |bucket: &SimDuration| span.as_nanos() / bucket.as_nanos() <= BUCKETS;
    let round = MILLIS.into_iter().map(SimDuration::from_millis).find(fits);
    round.unwrap_or_else(|| SimDuration::from_nanos(span.as_nanos() / BUCKETS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_round_and_a_few_hundred() {
        for (span, bucket) in [
            (SimDuration::from_secs(6 * 3_600), SimDuration::from_secs(60)),
            (SimDuration::from_secs(300), SimDuration::from_secs(1)),
            (SimDuration::from_secs(37 * 86_400), SimDuration::from_secs(3 * 3_600)),
            (SimDuration::ZERO, SimDuration::from_secs(1)),
        ] {
            assert_eq!(bucket_for(span), bucket, "{span}");
        }
    }

    #[test]
    fn a_limit_of_0_is_none_to_policies_that_divide_it_where_a_server_counts() {
        use crate::metrics::OutcomeKind;
        use crate::scenario::Source;
        use crate::trace::synth::generate;
        let hits = |capacity: &str| -> Vec<u64> {
            let text = format!(
                "name = \"t\"\n[workload]\nduration = \"60s\"\nrate = \"100/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 300\n\
                 [cache]\n{capacity}memory = \"redis\"\neviction = [\"belady\", \"arc\", \"w-tinylfu\", \"lru\"]\n\
                 [[strategy]]\nname = \"s\"\nttl = \"none\"\n"
            );
            let scenario = Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
            let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
            let trace = Arc::new(generate(workload, Seed::new(1)));
            let hits_of = |plan: &CellPlan| {
                let made = simulation(&scenario, plan, &trace, Seed::new(1))
                    .unwrap_or_else(|fault| panic!("{}", fault.what));
                let run = made.run(bucket_for(trace.span()), &()).expect("nobody stops it");
                run.totals.outcomes.of(OutcomeKind::FreshHit)
            };
            crate::tune::grid(&scenario).iter().map(hits_of).collect()
        };
        let none = hits("");
        assert!(none.iter().all(|hits| *hits == none[0] && *hits > 5_000), "{none:?}");
        assert_eq!(hits("capacity = \"0B\"\n"), none);
    }
}
