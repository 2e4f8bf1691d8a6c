//! The search against brute force, and what it says where memory does harm or is of no use.

use std::sync::Arc;

use super::*;
use crate::cache::Capacity;
use crate::scenario::Source;
use crate::score::targets;
use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use crate::tune::{Runs, run};
use crate::units::{SimDuration, SimTime};

/// Objects of these sizes, asked for in this order, a second apart, from an origin that takes no time.
fn trace(sizes: &[u32], order: impl IntoIterator<Item = usize>) -> Runs {
    let fact = |&size: &u32| Fact { size, class: ClassId::default(), size_is_imputed: false };
    let objects = Objects::new(sizes.iter().map(fact).collect(), Keys::Numbered, vec!["other".into()]);
    let ids: Vec<ObjectId> = order.into_iter().map(ObjectId::from_index).collect();
    let at: Vec<SimTime> = (0..ids.len() as u64).map(|n| SimTime::ZERO + SimDuration::from_secs(n)).collect();
    let span = SimDuration::from_secs(ids.len() as u64);
    Runs::Recorded(Arc::new(Trace::new(at, ids, objects, span)))
}

fn recorded(eviction: &str) -> Scenario {
    under(&format!("\"{eviction}\""))
}

/// Under these policies, as they are written.
fn under(eviction: &str) -> Scenario {
    let text = format!(
        "name = \"t\"\n[trace]\npath = \"x\"\nformat = \"csv\"\n[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         [cache]\neviction = {eviction}\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n"
    );
    Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn sized(scenario: &Scenario, runs: &Runs, wanted: &str, step: Option<u64>) -> Vec<Sized> {
    let mut sizing = Sizing::new(scenario, targets(wanted).unwrap(), step);
    loop {
        let cells = sizing.wants();
        if cells.is_empty() {
            return sizing.answers();
        }
        sizing.learn(run(scenario, &cells, runs, &()).unwrap().cells).unwrap();
    }
}

/// The smallest multiple of `step` that meets the targets, by trying every one.
fn by_force(scenario: &Scenario, runs: &Runs, wanted: &str, step: u64, top: u64) -> Option<u64> {
    let targets = targets(wanted).unwrap();
    (0..=top).map(|steps| (steps * step).max(1)).find(|&bytes| {
        let plan = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Bytes(bytes) };
        let cell = run(scenario, &[plan], runs, &()).unwrap().cells.remove(0);
        let runs: Replications = (0..).zip(cell.replications.into_iter().map(Result::unwrap)).collect();
        targets.iter().all(|target| target.check(&runs).pass)
    })
}

fn smallest(sized: &Sized) -> Option<u64> {
    match &sized.answer {
        Answer::Smallest { probe: Probe { capacity: Capacity::Bytes(bytes), .. }, .. } => Some(*bytes),
        Answer::NoCacheNeeded(_) => Some(1),
        _ => None,
    }
}

/// A fixed shuffle of Zipf-like popularity over `objects`, without a generator.
fn skewed(objects: usize, requests: usize) -> Vec<usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below the number of objects"
    )]
    let one = |u: f64| ((objects as f64).powf(u) - 1.0) as usize;
    (0..requests).map(|_| one(draw()).min(objects - 1)).collect()
}

#[test]
fn the_smallest_limit_is_that_of_brute_force() {
    let sizes: Vec<u32> = (0..150).map(|n| 500 + 37 * (n % 40)).collect();
    let runs = trace(&sizes, skewed(150, 3_000));
    for eviction in ["lru", "fifo", "lfu"] {
        let scenario = recorded(eviction);
        for wanted in ["hit >= 0.3", "hit >= 0.62", "hit >= 0.9", "byte_hit >= 0.5, origin_rate <= 0.45/s"] {
            let step = 2_048;
            let total = sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
            let exact = by_force(&scenario, &runs, wanted, step, total.div_ceil(step));
            let found = sized(&scenario, &runs, wanted, Some(step));
            assert_eq!(smallest(&found[0]), exact, "{eviction}, {wanted}: {found:?}");
            assert!(found[0].tried < 36, "{} of {} limits", found[0].tried, total.div_ceil(step));
        }
    }
}

#[test]
fn bounds_are_not_sized() {
    let scenario = under("[\"belady\", \"lru\", \"infinite\"]");
    let runs = trace(&[1_000; 60], skewed(60, 400));
    let found = sized(&scenario, &runs, "hit >= 0.5", Some(1_000));
    let policies: Vec<usize> = found.iter().map(|sized| sized.eviction).collect();
    assert_eq!(policies, [1]);
}

#[test]
fn the_binding_target_is_the_one_that_less_memory_misses() {
    let runs = trace(&[1_000; 60], skewed(60, 4_000));
    let found = sized(&recorded("lru"), &runs, "miss_cold <= 0.5, hit >= 0.8", Some(1_000));
    let Answer::Smallest { binding, interval, probe } = &found[0].answer else { panic!("{found:?}") };
    assert_eq!(binding, &[1]);
    // One recording has no interval.
    let Capacity::Bytes(bytes) = probe.capacity else { panic!("a limit of bytes") };
    assert_eq!(*interval, (bytes, Some(bytes)));
    assert_eq!(found[0].not_monotone, None);
}

/// An object of ten bytes that comes between any two requests for one of one byte: a cache of fewer than ten bytes
/// leaves it out and always hits the small one, a cache of ten bytes holds either, one of eleven holds both.
#[test]
fn memory_that_does_harm_is_noticed_and_told() {
    let runs = trace(&[1, 10], (0..400).map(|n| n % 2));
    let scenario = recorded("lru");
    let found = sized(&scenario, &runs, "hit >= 0.45", Some(1));
    let limits = found[0].not_monotone.map(|fall| (fall.smaller, fall.larger));
    assert_eq!((smallest(&found[0]), limits), (Some(1), Some((1, 10))), "{found:?}");
    // On a finer scale, where not every limit is tried at first; two large objects take turns, and harm is done from
    // the smaller one's size on until nearly everything fits.
    let runs = trace(&[1_000, 6_000, 5_000], (0..400).map(|n| [0, 1, 0, 2][n % 4]));
    for wanted in ["hit >= 0.45", "hit >= 0.9"] {
        let found = sized(&scenario, &runs, wanted, Some(100));
        assert_eq!(smallest(&found[0]), by_force(&scenario, &runs, wanted, 100, 120), "{wanted}");
    }
    let found = sized(&scenario, &runs, "hit >= 0.45", Some(100));
    assert!(found[0].not_monotone.is_some(), "{found:?}");
}

/// Images that a cache of 472 KiB holds, and now and then one of three that are larger than that: a cache that can hold one
/// of these loses most of the others to it. The target is met from 472 to 527 KiB, and by a cache of all of them; in the
/// grid nothing below that meets it, but what lies below the window has more hits than what lies above.
#[test]
fn a_window_between_tries_is_found_where_hits_fall_without_crossing_the_target() {
    let sizes: Vec<u32> = (0..62).map(|n| if n < 59 { 8_192 } else { 540_672 }).collect();
    let small = skewed(59 * 59, 9_000).into_iter().map(|n| n % 59);
    let order = small.enumerate().map(|(nth, small)| if nth % 60 == 59 { 59 + nth / 60 % 3 } else { small });
    let (runs, scenario, step) = (trace(&sizes, order), recorded("lru"), 8_192);
    for (wanted, steps) in [("hit >= 0.97", 59), ("hit >= 0.97, origin_rate <= 0.03/s", 59)] {
        let exact = by_force(&scenario, &runs, wanted, step, 260);
        assert_eq!(exact, Some(steps * step), "472 KiB");
        let found = sized(&scenario, &runs, wanted, Some(step));
        assert_eq!(smallest(&found[0]), exact, "{wanted}: {found:?}");
        let fall = found[0].not_monotone.expect("hits fall");
        assert!(fall.metric == "hit" && fall.before > fall.after + 0.3 && fall.before < 0.97, "{fall:?}");
    }
}

#[test]
fn a_bound_from_above_is_no_harm_that_memory_does_and_a_narrow_window_is_found() {
    let runs = trace(&[1_000; 60], skewed(60, 4_000));
    let scenario = recorded("lru");
    for wanted in ["hit >= 0.5, hit <= 0.8", "hit >= 0.8, hit <= 0.82"] {
        let found = sized(&scenario, &runs, wanted, Some(100));
        let exact = by_force(&scenario, &runs, wanted, 100, 600);
        assert!(exact.is_some(), "there is such a limit");
        assert_eq!((smallest(&found[0]), found[0].not_monotone), (exact, None), "{wanted}: {found:?}");
    }
}

#[test]
fn a_target_without_data_does_not_make_all_limits_alike() {
    let runs = trace(&[1_000; 60], skewed(60, 300));
    // Nobody names a bound on age, so none is measured.
    let found = sized(&recorded("lru"), &runs, "hit >= 0.99, over_bound_share <= 0.1", Some(1_000));
    let Answer::Unmet { nearest, missed } = &found[0].answer else { panic!("{found:?}") };
    assert_eq!((nearest.targets[1].value, missed.as_slice()), (None, [0, 1].as_slice()));
    assert!(nearest.targets[0].value.unwrap() > 0.5, "the most hits come nearest: {nearest:?}");
}

#[test]
fn where_nothing_changes_no_answer_is_out_of_date() {
    let runs = trace(&[1_000; 60], skewed(60, 4_000));
    for wanted in ["hit >= 0.8, stale_share <= 0.01", "hit >= 0.8, fresh_share >= 0.99"] {
        let found = sized(&recorded("lru"), &runs, wanted, Some(1_000));
        let alone = sized(&recorded("lru"), &runs, "hit >= 0.8", Some(1_000));
        assert!(smallest(&alone[0]).is_some());
        assert_eq!(smallest(&found[0]), smallest(&alone[0]), "{wanted}: {found:?}");
    }
}

#[test]
fn what_no_memory_reaches_names_what_comes_nearest_and_what_needs_none_says_so() {
    let runs = trace(&[1_000; 60], skewed(60, 300));
    let found = sized(&recorded("lru"), &runs, "hit >= 0.99, miss_evicted <= 0.5", Some(1_000));
    let Answer::Unmet { nearest, missed } = &found[0].answer else { panic!("{found:?}") };
    assert_eq!(missed, &[0]);
    let most = nearest.targets[0].value.unwrap();
    assert!((0.5..0.99).contains(&most), "cold misses are in the way: {most}");
    let found = sized(&recorded("lru"), &runs, "hit >= 0", Some(1_000));
    assert!(matches!(found[0].answer, Answer::NoCacheNeeded(_)), "{found:?}");
}

#[test]
fn with_replications_the_limit_has_an_interval_that_holds_it() {
    let text = r#"
        name = "t"
        repeat = 4
        [workload]
        duration = "20m"
        rate = "20/s"
        class = [{ name = "a", objects = 400, popularity = { model = "zipf", alpha = 0.8 } }]
        [origin]
        latency = { model = "constant", value = "50ms" }
        [[strategy]]
        name = "s"
        ttl = { rule = "fixed", ttl = "10m" }
    "#;
    let scenario = Scenario::parse(text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
    let runs = Runs::Synthetic(Arc::clone(workload));
    let found = sized(&scenario, &runs, "hit >= 0.7", None);
    let Answer::Smallest { probe, interval: (low, high), .. } = &found[0].answer else { panic!("{found:?}") };
    let Capacity::Bytes(bytes) = probe.capacity else { panic!("a limit of bytes") };
    let high = high.expect("there is enough memory for certainty");
    assert!(*low < bytes && bytes < high, "{low} < {bytes} < {high}");
    assert!(high - low < bytes / 2, "{low} to {high}");
}
