//! Random compositions of all that the naive model knows.

use crate::TICK;
use crate::case::{Case, Table};
use crate::naive::breaker::Breaker;
use crate::naive::guard::{AfterWait, Guard};
use crate::naive::learning::{Change, Goal, Gradient};
use crate::naive::modifier::{Activity, Modifier};
use crate::naive::origin::{Servers, Shed};
use crate::naive::refresh::Refresh;
use crate::naive::server::{Keeps, Upset};
use crate::naive::sweep::{Limit, Sweep};
use crate::naive::ttl::Ttl;
use crate::naive::{
    Capacity, Conditional, Deserted, Duplicate, Eviction, FailSafe, Failures, LateFill, Reclaim,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A whole number of ticks.
fn ticks(range: std::ops::Range<u64>) -> impl Strategy<Value = u64> + Clone {
    range.prop_map(|ticks| ticks * TICK)
}

fn within() -> impl Strategy<Value = (u64, u64)> + Clone {
    (ticks(1..6), ticks(0..20)).prop_map(|(min, more)| (min, min + more))
}

fn ttl(objects: usize) -> impl Strategy<Value = Ttl> {
    prop_oneof![
        1 => Just(Ttl::None),
        6 => ticks(1..12).prop_map(Ttl::Fixed),
        2 => prop::collection::vec(ticks(1..12), objects).prop_map(Ttl::ClassTable),
        3 => (ticks(1..8), ticks(0..12)).prop_map(|(idle, more)| Ttl::Sliding { idle, max_age: idle + more }),
        1 => (ticks(1..12), 1..7_u64, select(vec![-1.0, 0.5, 1.0, 2.0]), within())
            .prop_map(|(t0, s0, gamma, within)| Ttl::SizePower { t0, s0, gamma, within }),
        // Whole multiples would expire at the very instants of requests, up to the precision of a mean.
        1 => (select(vec![1.37, 2.41]), select(vec![0.5, 1.0]), within())
            .prop_map(|(k, ewma, within)| Ttl::CostProportional { k, ewma, within }),
        1 => (select(vec![0.1, 0.3, 1.0]), within()).prop_map(|(f, within)| Ttl::LastModifiedFraction { f, within }),
        // A byte costs as much in a tick as a fetch, or a part of that.
        1 => (1..30_u64, within(), ticks(0..9)).prop_map(|(cost, within, more)| Ttl::BreakEven {
            miss_cost: cost as f64 * 1e-3,
            price_per_gb_hour: 3.6e12,
            within,
            max_age: within.1 + more,
        }),
        2 => (goal(), any::<bool>()).prop_map(|(goal, touch)| Ttl::Controlled(goal, touch)),
        2 => (goal(), 1..4_u64).prop_map(|(goal, values)| Ttl::Filtered(goal, values)),
        2 => gradient().prop_map(Ttl::Elastic),
        2 => change().prop_map(Ttl::ChangeRate),
    ]
}

fn goal() -> impl Strategy<Value = Goal> {
    (select(vec![0.3, 0.6, 0.9]), select(vec![0.05, 0.3]), ticks(1..12), ticks(0..9)).prop_map(
        |(target, a0, start, more)| Goal {
            target,
            a0,
            max_ttl: 1_000 * TICK,
            start,
            max_age: 1_000 * TICK + more,
        },
    )
}

/// A byte costs as much in a second as a fetch, or a part of that.
fn gradient() -> impl Strategy<Value = Gradient> {
    (1..30_u64, within(), ticks(0..9)).prop_map(|(cost, within, more)| Gradient {
        step: 100 * TICK,
        start: within.0,
        miss_cost: cost as f64 * 0.037,
        price_per_gb_hour: 3.6e12,
        within,
        max_age: within.1 + more,
    })
}

fn change() -> impl Strategy<Value = Change> {
    (select(vec![0.8, 0.95, 0.99]), 1..4_usize, select(vec![0.0, 0.5, 2.0]), within()).prop_map(
        |(target, min_polls, prior, within)| Change {
            target,
            declared: 100 * TICK,
            min_polls,
            prior,
            within,
        },
    )
}

fn modifiers() -> impl Strategy<Value = Vec<Modifier>> {
    // Requests come at whole milliseconds: no TTL ends there by a factor that drifts with the time of day, where the last
    // bit of a product would decide.
    let clock = (select(vec![0.203, 1.007, 2.311]), select(vec![0.509, 1.703]))
        .prop_map(|(midnight, noon)| Modifier::Clock(midnight, noon));
    let active = (
        select(vec![Activity::Object, Activity::Class, Activity::All]),
        select(vec![1_000 * TICK, 1_700 * TICK]),
        select(vec![-1.0, 0.5, 2.0]),
    )
        .prop_map(|(of, half_life, power)| Modifier::Active { of, half_life, power, within: (0.3, 3.1) });
    let loaded =
        (1..4_u32, select(vec![0.0, 0.003]), any::<bool>()).prop_map(|(servers, hysteresis, extends)| {
            Modifier::Loaded {
                servers: servers.into(),
                from: 0.002,
                to: 0.02,
                most: 3.3,
                window: 1_000 * TICK,
                hysteresis,
                extends,
            }
        });
    let clamp = within().prop_map(|(min, max)| Modifier::Clamp(min, max));
    let jitter = prop_oneof![
        select(vec![0.0, 0.1, 0.7]).prop_map(Modifier::Spread),
        ticks(1..6).prop_map(Modifier::Longer),
    ];
    let some = |modifier: BoxedStrategy<Modifier>| prop::option::weighted(0.2, modifier);
    (
        some(clock.boxed()),
        some(active.boxed()),
        some(loaded.boxed()),
        some(clamp.boxed()),
        some(jitter.boxed()),
    )
        .prop_map(|(clock, active, loaded, clamp, jitter)| {
            [clock, active, loaded, clamp, jitter].into_iter().flatten().collect()
        })
}

/// What happens to the server, by time; limits are taken out later where there is none to change.
fn upsets() -> impl Strategy<Value = Vec<(u64, Upset)>> {
    let keeps = select(vec![Keeps::Nothing, Keeps::Live, Keeps::All]);
    let limit = prop_oneof![(0..9_u64).prop_map(Capacity::Bytes), (0..4_u64).prop_map(Capacity::Objects),];
    let what = prop_oneof![
        Just(Upset::Flush),
        (ticks(0..9), keeps).prop_map(|(down, keeps)| Upset::Restart { down, keeps }),
        limit.prop_map(Upset::Limit),
    ];
    let spaced = prop::collection::vec((ticks(1..25), what), 1..3).prop_map(|gaps| {
        let mut now = 0;
        let later = |(gap, what)| {
            now += gap;
            let at = now;
            now += if let Upset::Restart { down, .. } = what { down } else { 0 };
            (at, what)
        };
        gaps.into_iter().map(later).collect()
    });
    prop_oneof![3 => Just(Vec::new()), 1 => spaced]
}

fn breaker() -> impl Strategy<Value = Option<Breaker>> {
    let breaker = (1..4_usize, ticks(1..20), ticks(1..15));
    prop::option::weighted(
        0.25,
        breaker.prop_map(|(errors, within, open_for)| Breaker { errors, within, open_for }),
    )
}

fn refresh() -> impl Strategy<Value = Refresh> {
    prop_oneof![
        4 => Just(Refresh::OnDemand),
        2 => ticks(0..8).prop_map(|window| Refresh::StaleWhileRevalidate { window }),
        1 => select(vec![0.2, 0.5, 0.8]).prop_map(|f| Refresh::Ahead { f }),
        1 => (select(vec![0.0, 0.5, 1.0, 3.0]), any::<bool>(), ticks(1..12))
            .prop_map(|(beta, waits, longest)| Refresh::Chance { beta, waits, longest }),
        1 => ticks(1..8).prop_map(|r| Refresh::Race { r }),
        1 => (ticks(2..9), ticks(1..9), 1..4_usize)
            .prop_map(|(period, more, workers)| Refresh::Timer { period, keep: period + more, workers }),
    ]
}

fn guard() -> impl Strategy<Value = Guard> {
    let after = select(vec![AfterWait::Fetch, AfterWait::Fail, AfterWait::Stale]);
    let lock = (ticks(1..12), ticks(1..5), ticks(0..9));
    prop_oneof![
        3 => Just(Guard::None),
        3 => Just(Guard::SingleFlight),
        2 => (lock.clone(), after)
            .prop_map(|((lock_ttl, poll, wait), after)| Guard::Lock { lock_ttl, poll, wait, after }),
        2 => (lock, ticks(1..9), any::<bool>()).prop_map(|((lock_ttl, poll, wait), window, cold_waits)| {
            Guard::LockStale { lock_ttl, poll, wait, window, cold_waits }
        }),
        2 => (ticks(1..9), ticks(1..5), any::<bool>(), ticks(0..9))
            .prop_map(|(interval, wait, stale, window)| Guard::Lease { interval, wait, stale, window }),
    ]
}

fn failures() -> impl Strategy<Value = Failures> {
    (
        select(vec![Deserted::RunsOn, Deserted::LeavesTheQueue, Deserted::IsCut]),
        select(vec![Duplicate::Overwrites, Duplicate::IsDropped, Duplicate::IsDroppedIfOlder]),
        prop_oneof![3 => Just(0), 2 => 1..4_u32],
        (ticks(0..4), ticks(0..6)),
        select(vec![None, Some(0.0), Some(0.4), Some(1.0)]),
        any::<bool>(),
        prop_oneof![2 => Just(0), 1 => ticks(1..8)],
    )
        .prop_map(|(deserted, duplicate, retries, (backoff, more), budget, share_errors, negative)| {
            Failures {
                deserted,
                duplicate,
                retries,
                backoff: (backoff, backoff + more),
                budget,
                share_errors,
                negative,
            }
        })
}

fn servers() -> impl Strategy<Value = Servers> {
    let shed = select(vec![Shed::Newest, Shed::Oldest, Shed::Deadline]);
    prop_oneof![
        Just(Servers::ALL),
        (1..4_usize, prop::option::of(0..3_usize), any::<bool>(), shed)
            .prop_map(|(count, room, lifo, shed)| Servers { count: Some(count), room, lifo, shed }),
    ]
}

fn sweep() -> impl Strategy<Value = Option<Sweep>> {
    let limit = prop_oneof![
        (1..4_usize).prop_map(Limit::Members),
        (0..9_u64, 1..3_usize).prop_map(|(bytes, batch)| Limit::Bytes(bytes, batch)),
    ];
    let sweep = (ticks(1..9), limit, any::<bool>(), prop_oneof![Just(0), ticks(1..3)], any::<bool>());
    prop::option::weighted(
        0.2,
        sweep.prop_map(|(period, limit, lean, round_trip, purges)| {
            let purge_after = purges.then_some(0);
            Sweep { period, limit, lean, round_trip, purge_after }
        }),
    )
}

fn table(objects: usize) -> impl Strategy<Value = Table> {
    let times = prop::collection::vec(prop::collection::vec(ticks(0..9), 1..4), objects);
    let fails = prop_oneof![
        2 => Just(vec![vec![false]; objects]),
        1 => prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.4), 1..5), objects),
    ];
    let gaps = prop::collection::vec(prop::collection::vec(ticks(1..20), 0..5), objects);
    let changes = prop_oneof![1 => Just(vec![Vec::new(); objects]), 1 => gaps.prop_map(instants)];
    (times, fails, changes).prop_map(|(times, fails, changes)| Table { times, fails, changes })
}

/// Instants at these distances, for each object.
fn instants(gaps: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
    let of_one = |gaps: Vec<u64>| {
        gaps.into_iter()
            .scan(0, |now, gap| {
                *now += gap;
                Some(*now)
            })
            .collect()
    };
    gaps.into_iter().map(of_one).collect()
}

/// A case in which nothing can go wrong with a fetch, so that the engine takes its short way.
pub(crate) fn plain_case() -> impl Strategy<Value = Case> {
    case().prop_map(|mut case| {
        (case.nodes, case.timeout, case.crash, case.failures) = (1, None, 0.0, Failures::PLAIN);
        (case.refresh, case.conditional, case.fail_safe) = (Refresh::OnDemand, None, None);
        (case.guard, case.servers) = (Guard::SingleFlight, Servers::ALL);
        case.origin.fails.iter_mut().for_each(|fails| fails.fill(false));
        coherent(case)
    })
}

/// A case that a scenario may describe.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let requests = |objects: u32| {
        // Half of the requests come at the instant of the one before.
        prop::collection::vec((prop_oneof![3 => Just(0), 3 => 1..4_u64, 1 => 4..20_u64], 0..objects), 0..60)
    };
    let capacity = prop_oneof![
        2 => Just(Capacity::Unbounded),
        2 => (0..14_u64).prop_map(Capacity::Bytes),
        2 => (0..5_u64).prop_map(Capacity::Objects),
    ];
    let evictions = select(vec![Eviction::Lru, Eviction::Fifo, Eviction::Never]);
    let start = prop::bool::weighted(0.2);
    let cache = (capacity, evictions, select(vec![Reclaim::Lazy, Reclaim::Eager]), start);
    (1..=5_usize).prop_flat_map(move |objects| {
        let count = u32::try_from(objects).expect("few objects");
        let workload = (requests(count), prop::collection::vec(0..7_u32, objects), 0..20_u64);
        let safe = (ticks(1..9), prop_oneof![Just(0), ticks(1..6)], prop::option::of(ticks(0..6)));
        let safe = safe.prop_map(|(window, throttle, soft)| FailSafe { window, throttle, soft });
        let conditional =
            (select(vec![0.0, 0.5, 1.0]), ticks(0..8)).prop_map(|(cost, keep)| Conditional { cost, keep });
        let addons = (prop::option::weighted(0.2, conditional), prop::option::weighted(0.25, safe));
        let strategy = (ttl(objects), modifiers(), refresh(), addons, guard(), sweep());
        let client = (
            (1..4_u32, any::<bool>()),
            prop::option::of(ticks(1..12)),
            select(vec![LateFill::Keep, LateFill::Discard]),
            (failures(), breaker()),
            select(vec![0.0, 0.0, 0.0, 0.3]),
        );
        (workload, (cache.clone(), upsets()), strategy, client, (servers(), table(objects)), any::<u64>())
            .prop_map(|(workload, (cache, upsets), strategy, client, (servers, origin), seed)| {
                let (ttl, modifiers, refresh, (conditional, fail_safe), guard, sweep) = strategy;
                let ((nodes, by_key), timeout, late_fill, (failures, breaker), crash) = client;
                coherent(Case {
                    requests: workload.0,
                    sizes: workload.1,
                    silence: workload.2,
                    capacity: cache.0,
                    eviction: cache.1,
                    reclaim: cache.2,
                    warm: cache.3,
                    upsets,
                    ttl,
                    modifiers,
                    refresh,
                    conditional,
                    fail_safe,
                    guard,
                    sweep,
                    nodes,
                    by_key,
                    timeout,
                    late_fill,
                    failures,
                    breaker,
                    crash,
                    servers,
                    origin,
                    seed,
                })
            })
    })
}

/// Takes out what a scenario would refuse.
fn coherent(mut case: Case) -> Case {
    use ttlab::origin::change::ChangeModel;
    let changes = case.origin.ever();
    if matches!(case.ttl, Ttl::LastModifiedFraction { .. }) && (!changes || case.sweep.is_some()) {
        case.ttl = Ttl::Fixed(5 * TICK);
    }
    if !changes {
        case.conditional = None;
    }
    let end = TICK * (case.silence + case.requests.iter().map(|(gap, _)| gap).sum::<u64>());
    let capacity = case.capacity;
    case.upsets.retain(|(at, what)| {
        let other_unit = matches!(what, Upset::Limit(limit) if std::mem::discriminant(limit) != std::mem::discriminant(&capacity));
        *at < end && !other_unit
    });
    if matches!(case.ttl, Ttl::ChangeRate(_)) && !changes {
        case.ttl = Ttl::Fixed(5 * TICK);
    }
    if matches!(case.ttl, Ttl::Filtered(..)) {
        case.sweep = None;
    }
    if matches!(case.ttl, Ttl::LastModifiedFraction { .. }) {
        for modifier in &mut case.modifiers {
            if let Modifier::Loaded { extends, .. } = modifier {
                *extends = false;
            }
        }
    }
    if case.ttl.touches() && matches!(case.refresh, Refresh::Timer { .. }) {
        case.refresh = Refresh::OnDemand;
    }
    // What never expires is never stale.
    if case.ttl == Ttl::None {
        (case.conditional, case.fail_safe) = (None, None);
        if !matches!(case.refresh, Refresh::Timer { .. }) {
            case.refresh = Refresh::OnDemand;
        }
        if matches!(case.guard, Guard::LockStale { .. } | Guard::Lease { stale: true, .. }) {
            case.guard = Guard::SingleFlight;
        }
    }
    // Who would wait for the lock longer than the client is patient never gets to fetch.
    if let (Some(timeout), Guard::Lock { wait, .. } | Guard::LockStale { wait, .. }) =
        (case.timeout, &mut case.guard)
    {
        *wait = (*wait).min(timeout - TICK);
    }
    if let Some(sweep) = &mut case.sweep
        && sweep.purge_after.is_some()
    {
        sweep.purge_after = match case.ttl {
            Ttl::Fixed(ttl) | Ttl::Sliding { idle: ttl, .. } if case.modifiers.is_empty() => Some(ttl),
            _ => None,
        };
    }
    case
}
