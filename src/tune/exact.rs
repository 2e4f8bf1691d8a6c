//! Which cells need no clock, so that [`crate::engine::exact`] counts what the engine would.

use std::sync::Arc;

use super::CellPlan;
use super::simulation;
use crate::cache::{Capacity, Setup};
use crate::catalog::Fault;
use crate::engine::exact::{Detail, Lifetime, Order, Play, suits};
use crate::random::Seed;
use crate::scenario::Scenario;
use crate::strategy::Design;
use crate::trace::Trace;
use crate::units::{SimDuration, SimTime, Window};

/// TTL rules that look at the object, the instant and reads alone.
const RULES: [&str; 6] = ["none", "fixed", "class-table", "sliding", "trace", "size-power"];

/// Modifiers of which the same is true.
const MODIFIERS: [&str; 3] = ["jitter", "schedule", "clamp"];

/// A cell without a clock, or the first reason in a few words why it needs one.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace.
pub fn exact<'t>(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &'t Arc<Trace>,
    seed: Seed,
    detail: Detail,
) -> Result<Result<Play<'t>, String>, Fault> {
    if let Some(reason) = clock(scenario, plan.strategy, plan.eviction) {
        return Ok(Err(reason));
    }
    if !suits(trace) {
        return Ok(Err("the trace tells of changes or deletions, sizes change (resize), or it is too long or lies on disk".to_owned()));
    }
    let (order, capacity) = match (scenario.cache.evictions[plan.eviction].name(), plan.capacity) {
        ("infinite", _) => (Order::Lru, Capacity::Unbounded),
        ("fifo", capacity) => (Order::Fifo, capacity),
        (_, capacity) => (Order::Lru, capacity),
    };
    let setup = Setup { objects: trace.objects().len(), capacity, trace: Arc::clone(trace) };
    let reclaim = match scenario.cache.reclaim.name() {
        "lazy" => None,
        _ => Some(scenario.cache.reclaim.make(&setup)?),
    };
    let lifetime = Lifetime::of(simulation::strategy(scenario, plan, trace, seed, None)?.ttl);
    Ok(Ok(Play { trace, window: exact_window(scenario, trace), order, capacity, lifetime, reclaim, detail }))
}

/// Why hits of a strategy cannot be counted without a clock under an eviction policy, whatever the trace; `None` where
/// they can.
pub fn clock(scenario: &Scenario, strategy: usize, eviction: usize) -> Option<String> {
    let design = &scenario.strategies[strategy];
    clock_in_world(scenario)
        .or_else(|| clock_in_ttl(design))
        .or_else(|| clock_in_strategy(design))
        .or_else(|| clock_in_eviction(scenario, eviction))
}

/// Whether a run needs events to tell all that a record does, whatever the trace. Of TTLs it is shown more than counts of
/// hits are, so that rules which learn need none; what else is asked is the same.
pub fn needs_events(scenario: &Scenario, strategy: usize, eviction: usize) -> bool {
    let design = &scenario.strategies[strategy];
    let watches_load = || design.modifiers.iter().any(|modifier| modifier.name() == "load-adaptive");
    clock_in_world(scenario).is_some()
        || watches_load()
        || clock_in_strategy(design).is_some()
        || clock_in_eviction(scenario, eviction).is_some()
}

/// What makes a clock necessary in the order of eviction.
fn clock_in_eviction(scenario: &Scenario, eviction: usize) -> Option<String> {
    match scenario.cache.evictions[eviction].name() {
        "infinite" | "lru" | "fifo" => None,
        other => Some(format!("eviction \"{other}\" is neither exact LRU nor FIFO")),
    }
}

/// The part of a trace that is scored.
pub fn exact_window(scenario: &Scenario, trace: &Trace) -> Window {
    Window { from: SimTime::ZERO + scenario.warmup, until: SimTime::ZERO + trace.span() }
}

/// What makes a clock necessary outside of the strategy.
fn clock_in_world(scenario: &Scenario) -> Option<String> {
    let (origin, cache) = (&scenario.origin, &scenario.cache);
    let latency = &origin.latency;
    let instant = latency.name() == "constant" && latency.duration_of("value") == Some(SimDuration::ZERO);
    let reasons = [
        (!instant, format!("fetches take time (latency \"{}\")", latency.name())),
        (
            origin.capacity.name() != "unlimited",
            format!("the origin has a limit (\"{}\")", origin.capacity.name()),
        ),
        (!origin.faults.is_empty(), "the origin has faults".to_owned()),
        (cache.memory.name() != "payload", format!("memory is that of \"{}\"", cache.memory.name())),
        (
            !matches!(cache.reclaim.name(), "lazy" | "eager"),
            format!("reclaim is \"{}\"", cache.reclaim.name()),
        ),
        (!cache.events.is_empty(), "things happen to the cache's server".to_owned()),
        (cache.warm, "the cache starts warm".to_owned()),
    ];
    reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
}

/// What makes a clock necessary in the rule of TTLs, of which counts of hits see the object, the instant and reads alone.
fn clock_in_ttl(design: &Design) -> Option<String> {
    let rule = design.rule.name();
    if !RULES.contains(&rule) {
        return Some(format!("ttl rule \"{rule}\" learns"));
    }
    let mut modifiers = design.modifiers.iter().map(crate::catalog::Chosen::name);
    modifiers.find(|name| !MODIFIERS.contains(name)).map(|name| format!("modifier \"{name}\" learns"))
}

/// What makes a clock necessary in the rest of the strategy.
fn clock_in_strategy(design: &Design) -> Option<String> {
    let client = &design.client;
    let reasons = [
        (
            design.refresh.name() != "on-demand",
            format!("refresh \"{}\" fetches early", design.refresh.name()),
        ),
        (!design.addons.is_empty(), "the refresh policy has add-ons".to_owned()),
        (
            !matches!(design.guard.name(), "none" | "single-flight"),
            format!("guard \"{}\" has a clock of its own", design.guard.name()),
        ),
        (design.sweep.name() != "none", format!("sweep \"{}\" cleans up", design.sweep.name())),
        (client.nodes != 1 || client.crash > 0.0, "the application has several nodes, or crashes".to_owned()),
    ];
    reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
}
