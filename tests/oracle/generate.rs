//! Random compositions of all that the naive model knows.

use crate::TICK;
use crate::case::{Case, Table};
use crate::naive::breaker::Breaker;
use crate::naive::fault::{Fault, Spell};
use crate::naive::guard::{AfterWait, Guard};
use crate::naive::modifier::Modifier;
use crate::naive::origin::{Servers, Shed};
use crate::naive::refresh::{Covers, Refresh};
use crate::naive::server::{Keeps, Upset};
use crate::naive::sweep::{Limit, Sweep};
use crate::naive::ttl::Ttl;
use crate::naive::upload::{Cover, Warming};
use crate::naive::{
    Capacity, Conditional, Deserted, Duplicate, Eviction, FailSafe, Failures, LateFill, Reclaim, Soft,
};
use crate::ttls::{modifiers, ticks, ttl};
use proptest::prelude::*;
use proptest::sample::select;

/// What happens to the server, by time; limits are taken out later where there is none to change.
fn upsets() -> impl Strategy<Value = Vec<(u64, Upset)>> {
    let keeps = select(vec![Keeps::Nothing, Keeps::Live, Keeps::All]);
    let limit = prop_oneof![(0..9_u64).prop_map(Capacity::Bytes), (0..4_u64).prop_map(Capacity::Objects),];
    let what =
        prop_oneof![
            Just(Upset::Flush),
            (ticks(0..9), keeps, prop::bool::weighted(0.3))
                .prop_map(|(down, keeps, pauses)| Upset::Restart { down, keeps, pauses }),
            (ticks(0..9), 1..4_u64, 0..3_u64).prop_map(|(down, shards, shard)| Upset::ShardLoss {
                down,
                shards,
                shard: shard % shards
            }),
            limit.prop_map(Upset::Limit),
        ];
    let spaced = prop::collection::vec((ticks(1..25), what), 1..3).prop_map(|gaps| {
        let mut now = 0;
        let later = |(gap, what)| {
            now += gap;
            let at = now;
            now += match what {
                Upset::Restart { down, .. } | Upset::ShardLoss { down, .. } => down,
                Upset::Flush | Upset::Limit(_) => 0,
            };
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

fn refresh(classes: usize) -> impl Strategy<Value = Refresh> {
    let covers = prop_oneof![
        1 => Just(Covers::All),
        1 => (0..classes).prop_map(Covers::Class),
        2 => (1..4_usize).prop_map(Covers::Top),
    ];
    prop_oneof![
        4 => Just(Refresh::OnDemand),
        2 => ticks(0..8).prop_map(|window| Refresh::StaleWhileRevalidate { window }),
        1 => select(vec![0.2, 0.5, 0.8]).prop_map(|f| Refresh::Ahead { f }),
        1 => (select(vec![0.0, 0.5, 1.0, 3.0]), any::<bool>(), ticks(1..12), select(vec![0.3, 1.0]))
            .prop_map(|(beta, waits, longest, ewma)| Refresh::Chance { beta, waits, longest, ewma }),
        1 => ticks(1..8).prop_map(|r| Refresh::Race { r }),
        3 => (ticks(2..9), ticks(1..9), 1..4_usize, covers, any::<bool>()).prop_map(
            |(period, more, workers, covers, staggers)| Refresh::Timer {
                period,
                keep: period + more,
                workers,
                covers,
                staggers,
            }
        ),
    ]
}

fn guard() -> impl Strategy<Value = Guard> {
    let after = select(vec![AfterWait::Fetch, AfterWait::Fail, AfterWait::Stale]);
    let lock = (ticks(1..12), any::<bool>(), ticks(1..5), ticks(0..9));
    prop_oneof![
        3 => Just(Guard::None),
        3 => Just(Guard::SingleFlight),
        2 => (lock.clone(), after)
            .prop_map(|((lock_ttl, extends, poll, wait), after)| Guard::Lock { lock_ttl, extends, poll, wait, after }),
        2 => (lock, ticks(1..9), any::<bool>()).prop_map(
            |((lock_ttl, extends, poll, wait), window, cold_waits)| {
                Guard::LockStale { lock_ttl, extends, poll, wait, window, cold_waits }
            }
        ),
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
        (1..9_u64, 1..3_usize).prop_map(|(bytes, batch)| Limit::Bytes(bytes, batch)),
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

/// What goes wrong at the origin for a while.
fn spells() -> impl Strategy<Value = Vec<Spell>> {
    let fault = prop_oneof![
        ticks(0..3).prop_map(Fault::Refused),
        Just(Fault::Hung),
        select(vec![0.5, 3.0]).prop_map(Fault::Slow),
        select(vec![0.3, 1.0]).prop_map(Fault::Failing),
    ];
    let spell = (ticks(0..50), ticks(1..20), fault).prop_map(|(from, lasts, fault)| Spell {
        from,
        until: from + lasts,
        fault,
    });
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(spell, 1..3)]
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
        (case.guard, case.servers, case.spells) = (Guard::SingleFlight, Servers::ALL, Vec::new());
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
    let classed = (1..=5_usize).prop_flat_map(|objects| {
        // Every class up to the last has an object: the first one of a class may only be the next one.
        let next = prop::collection::vec(0..=2_u16, objects);
        next.prop_map(|draws| {
            let mut classes: Vec<u16> = Vec::new();
            for draw in draws {
                let many = classes.iter().max().map_or(0, |last| last + 1);
                classes.push(if draw == 0 { many } else { draw.min(many) });
            }
            classes
        })
    });
    classed.prop_flat_map(move |classes| {
        let objects = classes.len();
        let many = classes.iter().max().map_or(0, |last| usize::from(*last) + 1);
        let count = u32::try_from(objects).expect("few objects");
        let kin = prop::collection::vec(0..count, objects).prop_map(families);
        let added = prop::collection::vec((ticks(0..25), 0..count), 0..4);
        let images = (prop::collection::vec(0..7_u32, objects), kin, added);
        // Half of the cases have nothing but requests.
        let act = (0..60_usize, 0..3_u64, 0..count, any::<bool>());
        let acts = prop_oneof![Just(Vec::new()), prop::collection::vec(act, 1..6)];
        let workload = (requests(count), images, 0..20_u64, acts);
        let safe = (ticks(1..9), prop_oneof![Just(0), ticks(1..6)], prop::option::of(ticks(0..6)));
        let safe = safe.prop_map(|(window, throttle, soft)| FailSafe { window, throttle, soft });
        let conditional =
            (select(vec![0.0, 0.5, 1.0]), ticks(0..8)).prop_map(|(cost, keep)| Conditional { cost, keep });
        let warming = (select(vec![Cover::Held, Cover::New, Cover::All]), 1..3_usize)
            .prop_map(|(cover, renditions)| Warming { cover, renditions });
        let addons = (
            prop::option::weighted(0.2, conditional),
            prop::option::weighted(0.25, safe),
            prop::option::weighted(0.25, warming),
        );
        let bent = (modifiers(), prop::bool::weighted(0.3));
        let soft = select(vec![Soft::Inside, Soft::Asked, Soft::Beside]);
        let rule = (ttl(many, objects), prop::bool::weighted(0.15));
        let strategy = (rule, bent, refresh(many), addons, guard(), sweep(), soft);
        let client = (
            (1..4_u32, any::<bool>()),
            prop::option::of(ticks(1..12)),
            select(vec![LateFill::Keep, LateFill::Discard]),
            (failures(), breaker()),
            select(vec![0.0, 0.0, 0.0, 0.3]),
        );
        let world = (cache.clone(), upsets());
        (workload, world, strategy, client, (servers(), spells(), table(objects)), any::<u64>()).prop_map(
            move |(workload, (cache, upsets), strategy, client, (servers, spells, origin), seed)| {
                let (requests, (sizes, kin, mut added), silence, acts) = workload;
                let ((mut ttl, ageless), (modifiers, whole), refresh, addons, guard, sweep, soft) = strategy;
                let (conditional, fail_safe, warming) = addons;
                if let Some(max_age) = ttl.max_age().filter(|_| ageless) {
                    *max_age = u64::MAX;
                }
                let ((nodes, by_key), timeout, late_fill, (failures, breaker), crash) = client;
                added.sort_by_key(|(at, _)| *at);
                coherent(Case {
                    requests,
                    sizes,
                    classes: classes.clone(),
                    kin,
                    added,
                    silence,
                    acts,
                    capacity: cache.0,
                    eviction: cache.1,
                    reclaim: cache.2,
                    warm: cache.3,
                    upsets,
                    ttl,
                    modifiers,
                    whole,
                    refresh,
                    conditional,
                    fail_safe,
                    warming,
                    guard,
                    sweep,
                    soft,
                    nodes,
                    by_key,
                    timeout,
                    late_fill,
                    failures,
                    breaker,
                    crash,
                    servers,
                    spells,
                    origin,
                    seed,
                })
            },
        )
    })
}

/// Families by what was drawn for each object: it is a size of the picture of another that comes before it, or of one of
/// its own. Later ones are asked for more often.
fn families(draws: Vec<u32>) -> Vec<(u32, u8)> {
    let mut first: Vec<u32> = Vec::new();
    for (object, draw) in (0..).zip(draws) {
        first.push(if draw < object { first[draw as usize] } else { object });
    }
    let later = |object: usize| first[object + 1..].iter().filter(|of| **of == first[object]).count();
    let rank = |object: usize| u8::try_from(later(object)).expect("few objects");
    (0..first.len()).map(|object| (first[object], rank(object))).collect()
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
    if let Ttl::ChangeRate(change) = &mut case.ttl {
        if !changes {
            change.estimated = None;
        }
        if change.estimated.is_none() {
            change.declared.iter_mut().for_each(|every| *every = every.or(Some(250 * TICK)));
        }
    }
    // What acts on uploads needs some of its kind.
    if case.warming.is_some_and(|warming| warming.cover == Cover::Held) && !changes {
        case.warming = None;
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
    // What reads keep fresh for ever never gets to where it would be renewed.
    let renews = matches!(
        case.refresh,
        Refresh::StaleWhileRevalidate { .. } | Refresh::Ahead { .. } | Refresh::Chance { .. }
    );
    if renews && case.ttl.max_age().is_some_and(|max_age| *max_age == u64::MAX) {
        case.refresh = Refresh::OnDemand;
    }
    if let Ttl::Recorded(told, default) = &mut case.ttl
        && (0..case.sizes.len()).any(|object| told.iter().all(|(of, ..)| *of != object))
    {
        *default = default.or(Some(5 * TICK));
    }
    for (before, ..) in &mut case.acts {
        *before %= case.requests.len() + 1;
    }
    // What never expires is never stale, and fetched anew by the clock or for an upload only.
    if !case.ttl.expires() {
        case.fail_safe = None;
        if !matches!(case.refresh, Refresh::Timer { .. }) {
            case.refresh = Refresh::OnDemand;
            case.conditional = case.conditional.filter(|_| case.warming.is_some());
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
    // Nor is anybody served an old value who has given up before.
    if let (Some(timeout), Some(FailSafe { soft: Some(soft), .. })) = (case.timeout, &mut case.fail_safe) {
        *soft = (*soft).min(timeout - TICK);
    }
    if let Some(sweep) = &mut case.sweep
        && sweep.purge_after.is_some()
    {
        sweep.purge_after = match case.ttl {
            Ttl::Fixed(ttl) | Ttl::Sliding { idle: ttl, .. } if case.modifiers.is_empty() => Some(ttl),
            _ => None,
        };
    }
    // Without a copy there is nothing to ask about.
    if let Some(conditional) = &mut case.conditional
        && case.refresh == Refresh::OnDemand
    {
        conditional.keep = conditional.keep.max(TICK);
    }
    let two_deadlines = match case.refresh {
        Refresh::StaleWhileRevalidate { window } => window > 0,
        Refresh::Race { .. } | Refresh::Timer { .. } => true,
        Refresh::OnDemand | Refresh::Ahead { .. } | Refresh::Chance { .. } => false,
    };
    let kept = case.guard.window() > 0
        || case.fail_safe.is_some()
        || case.conditional.is_some_and(|conditional| conditional.keep > 0);
    if !two_deadlines && !kept {
        case.soft = Soft::Inside;
    }
    case
}
