//! Random rules and modifiers.

use crate::TICK;
use crate::naive::learning::{Change, Curve, Goal, Gradient, Room};
use crate::naive::modifier::{Activity, Modifier};
use crate::naive::schedule::Clock;
use crate::naive::ttl::Ttl;
use proptest::prelude::*;
use proptest::sample::select;

/// Times between changes that are declared.
const EVERY: [u64; 4] = [100 * TICK, 150 * TICK, 200 * TICK, 250 * TICK];

/// A whole number of ticks.
pub(crate) fn ticks(range: std::ops::Range<u64>) -> impl Strategy<Value = u64> + Clone {
    range.prop_map(|ticks| ticks * TICK)
}

fn within() -> impl Strategy<Value = (u64, u64)> + Clone {
    (ticks(1..6), ticks(0..20)).prop_map(|(min, more)| (min, min + more))
}

/// A TTL, or now and then none.
fn life() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![6 => ticks(1..12), 1 => Just(u64::MAX)]
}

/// A rule, for so many classes and objects.
pub(crate) fn ttl(classes: usize, objects: usize) -> impl Strategy<Value = Ttl> {
    let recorded = prop::collection::vec((0..objects, ticks(0..60), life()), 0..9);
    prop_oneof![
        1 => Just(Ttl::None),
        6 => ticks(1..12).prop_map(Ttl::Fixed),
        2 => prop::collection::vec(life(), classes).prop_map(Ttl::ClassTable),
        2 => (recorded, prop::option::of(ticks(1..12)))
            .prop_map(|(told, default)| Ttl::Recorded(told, default)),
        3 => (ticks(1..8), ticks(0..12), any::<bool>())
            .prop_map(|(idle, more, redraws)| Ttl::Sliding { idle, max_age: idle + more, redraws }),
        1 => (ticks(1..12), prop::option::of(1..7_u64), select(vec![-1.0, 0.0, 0.5, 1.0, 2.0]), within())
            .prop_map(|(t0, s0, gamma, within)| Ttl::SizePower { t0, s0, gamma, within }),
        // Whole multiples would expire at the very instants of requests, up to the precision of a mean.
        1 => (select(vec![1.37, 2.41]), select(vec![0.5, 1.0]), within())
            .prop_map(|(k, ewma, within)| Ttl::CostProportional { k, ewma, within }),
        1 => (select(vec![0.1, 0.3, 1.0]), within()).prop_map(|(f, within)| Ttl::LastModifiedFraction { f, within }),
        // A byte costs as much in a tick as a fetch, or a part of that.
        2 => (any::<bool>(), 1..30_u64, within(), ticks(0..9)).prop_map(|(randomised, cost, within, more)| Ttl::BreakEven {
            randomised,
            miss_cost: cost as f64 * 1e-3,
            price_per_gb_hour: 3.6e12,
            within,
            max_age: within.1 + more,
        }),
        2 => (goal(), any::<bool>(), any::<bool>())
            .prop_map(|(goal, touch, by_class)| Ttl::Controlled(goal, touch, by_class)),
        2 => (goal(), room()).prop_map(|(goal, room)| Ttl::Filtered(goal, room)),
        2 => gradient().prop_map(Ttl::Elastic),
        3 => change(classes).prop_map(Ttl::ChangeRate),
    ]
}

fn goal() -> impl Strategy<Value = Goal> {
    let steps = select(vec![(0.6, 0), (0.8, 0), (0.6, TICK), (0.0, 3 * TICK)]);
    let goal = (select(vec![0.3, 0.6, 0.9]), select(vec![0.05, 0.3]), steps, ticks(1..12), ticks(0..9));
    (goal, any::<bool>()).prop_map(|((target, a0, (exponent, least_step), start, more), by_size)| Goal {
        target,
        a0,
        exponent,
        least_step,
        max_ttl: 1_000 * TICK,
        start,
        max_age: 1_000 * TICK + more,
        by_size,
    })
}

fn room() -> impl Strategy<Value = Room> {
    prop_oneof![(1..4_u64).prop_map(Room::Values), (1..14_u64).prop_map(Room::Bytes)]
}

/// A byte costs as much in a second as a fetch, or a part of that.
fn gradient() -> impl Strategy<Value = Gradient> {
    let step = select(vec![100 * TICK, 270 * TICK]);
    (1..30_u64, within(), ticks(0..9), step, any::<bool>()).prop_map(|(cost, within, more, step, high)| {
        Gradient {
            step,
            start: if high { within.1 } else { within.0 },
            miss_cost: cost as f64 * 0.037,
            price_per_gb_hour: 3.6e12,
            within,
            max_age: within.1 + more,
        }
    })
}

fn change(classes: usize) -> impl Strategy<Value = Change> {
    // Of some classes nothing is declared; where polls count for nothing that is refused, and mended later.
    let declared = prop::collection::vec(prop::option::weighted(0.8, select(EVERY.to_vec())), classes);
    let estimated = prop::option::weighted(0.6, (1..4_usize, select(vec![0.0, 0.5, 2.0])));
    // Rates that declared ones meet exactly, and others.
    let steps = prop::collection::btree_map(select(vec![1_u64, 4, 10, 30, 90]), ticks(1..12), 1..4);
    let curve = prop_oneof![
        select(vec![0.8, 0.95, 0.99]).prop_map(Curve::Target),
        steps.prop_map(|steps| Curve::Steps(steps.into_iter().collect())),
    ];
    (curve, declared, estimated, within()).prop_map(|(curve, declared, estimated, within)| Change {
        curve,
        declared,
        estimated,
        within,
    })
}

pub(crate) fn modifiers() -> impl Strategy<Value = Vec<Modifier>> {
    // Requests come at whole milliseconds: no TTL ends there by a factor that drifts with the time of day, where the last
    // bit of a product would decide.
    let days = select(vec![(5, 6), (6, 6), (0, 4)]);
    let lines = (select(vec![0.203, 1.007, 2.311]), select(vec![0.509, 1.703]), prop::option::of(days))
        .prop_map(|(midnight, noon, days)| {
            let some_days = days.map(|days| (Some(days), 12 * 60, 1.307));
            [(None, 0, midnight), (None, 12 * 60, noon)].into_iter().chain(some_days).collect::<Vec<_>>()
        });
    // On Monday at six, and within the hour before the weekend and before the week is over.
    let begins = select(vec![(0, 6 * 60), (4, 23 * 60 + 30), (6, 23 * 60 + 59)]);
    let clock = (lines, any::<bool>(), select(vec![0, 45, 840, -390]), begins)
        .prop_map(|(lines, linear, ahead, begins)| Modifier::Clock(Clock { lines, linear, ahead, begins }));
    let active = (
        select(vec![Activity::Object, Activity::Class, Activity::All]),
        select(vec![1_000 * TICK, 1_700 * TICK]),
        select(vec![-1.0, 0.5, 2.0]),
    )
        .prop_map(|(of, half_life, power)| Modifier::Active { of, half_life, power, within: (0.3, 3.1) });
    let loaded = (1..4_u32, any::<bool>(), select(vec![0.0, 0.003]), any::<bool>()).prop_map(
        |(servers, queue, hysteresis, extends)| Modifier::Loaded {
            servers: servers.into(),
            queue,
            from: 0.002,
            to: 0.02,
            most: 3.3,
            window: 1_000 * TICK,
            hysteresis,
            extends,
        },
    );
    let clamp = within().prop_map(|(min, max)| Modifier::Clamp(min, max));
    let jitter = prop_oneof![
        select(vec![0.0, 0.1, 0.7]).prop_map(Modifier::Spread),
        select(vec![0.1, 0.7]).prop_map(Modifier::SpreadForGood),
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
