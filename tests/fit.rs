//! A fitted workload is like its log: the best hit ratio and LRU's curve agree within stated tolerances.

#[path = "support/sample.rs"]
mod sample;

use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::fit::{Fit, LruCurve};
use ttlab::trace::import::{Options, open};
use ttlab::trace::synth::generate;

/// The best hit ratio may differ by so much.
const BEST: f64 = 0.006;
/// LRU's hit ratio may differ by so much, on average over sizes from a hundredth of the objects to all, evenly in their
/// logarithm, and by so much at any of them. Visitors of a sparse site walk from page to page, which is less friendly to LRU than
/// any independent draws of the same popularity: its tolerance is wider.
const BUSY: (f64, f64) = (0.01, 0.04);
const SPARSE: (f64, f64) = (0.06, 0.13);
/// For a workload that was made by the generator itself.
const MADE: (f64, f64) = (0.02, 0.06);

/// LRU's hit ratio at sizes from a hundredth of `objects` to all, and that of a cache which holds everything.
fn curve(trace: &Trace, objects: usize) -> (Vec<f64>, f64) {
    let curve = LruCurve::of(trace.object_ids(), trace.objects().len());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a number of objects"
    )]
    let sizes =
        (0..=24).map(|step| (objects as f64 * 0.01_f64.powf(1.0 - f64::from(step) / 24.0)).round() as usize);
    (sizes.map(|size| curve.hit_ratio(size)).collect(), curve.best())
}

/// Fits, writes, reads and makes the workload with several seeds, and compares the means with the log.
fn agrees(original: &Trace, (on_average, anywhere): (f64, f64)) -> String {
    let text = Fit::of(original).expect("it has times").scenario("fitted");
    let scenario = Scenario::parse(&text, "fitted.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("a fit is synthetic") };
    let objects = original.objects().len();
    let (goal, goal_best) = curve(original, objects);
    let seeds = 8;
    let (mut mean, mut best, mut requests, mut bytes) = (vec![0.0; goal.len()], 0.0, 0.0, 0.0);
    for seed in 0..seeds {
        let made = generate(workload, Seed::new(seed));
        let (hits, made_best) = curve(&made, objects);
        mean.iter_mut().zip(&hits).for_each(|(sum, hit)| *sum += hit / seeds as f64);
        best += made_best / seeds as f64;
        requests += made.len() as f64 / seeds as f64;
        bytes += made.objects().total_bytes() as f64 / made.objects().len() as f64 / seeds as f64;
    }
    assert!((best - goal_best).abs() <= BEST, "best hit ratio {best} for {goal_best}\n{text}");
    let differences: Vec<f64> = mean.iter().zip(&goal).map(|(made, goal)| (made - goal).abs()).collect();
    let average = differences.iter().sum::<f64>() / differences.len() as f64;
    let greatest = differences.iter().copied().fold(0.0, f64::max);
    assert!(
        average <= on_average && greatest <= anywhere,
        "LRU: {average} on average, {greatest} at most\n{mean:?}\n{goal:?}\n{text}"
    );
    assert!(
        (requests / original.len() as f64 - 1.0).abs() < 0.02,
        "{requests} requests for {}",
        original.len()
    );
    let size = original.objects().total_bytes() as f64 / objects as f64;
    assert!((bytes / size - 1.0).abs() < 0.1, "{bytes} bytes an object for {size}");
    text
}

fn read(name: &str) -> Option<Trace> {
    let path = sample::sample(name)?;
    Some(open(&path, &Options::default(), Seed::new(1)).expect("the sample traces can be read").trace)
}

#[test]
fn a_busy_site_for_a_day_is_like_its_fit() {
    let Some(trace) = read("nasa-1995-08-01.clf.xz") else { return };
    agrees(&trace, BUSY);
}

#[test]
fn a_sparse_site_for_weeks_is_like_its_fit() {
    let Some(trace) = read("airisdata-2016-images.combined.xz") else { return };
    agrees(&trace, SPARSE);
}

#[test]
fn a_synthetic_workload_is_recovered_from_its_trace() {
    let text = r#"
name = "known"
[workload]
duration = "2h"
arrivals = { model = "envelope", table = [[0, 10], [3600, 40]] }
[[workload.class]]
name = "thumbnail"
objects = 3000
share = 0.75
popularity = { model = "zipf", alpha = 1.1 }
size = { model = "lognormal", median = "20kB", sigma = 0.7 }
[[workload.class]]
name = "banner"
objects = 20
share = 0.25
popularity = "uniform"
size = { model = "constant", value = "100kB" }
[[strategy]]
name = "s"
ttl = "none"
"#;
    let scenario = Scenario::parse(text, "known.toml").expect("it is sound");
    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
    let fitted = agrees(&generate(workload, Seed::new(3)), MADE);
    for part in [
        "name = \"thumbnail\"",
        "name = \"banner\"",
        "value = \"100000B\"",
        "model = \"lognormal\"",
        "steps of 1m",
    ] {
        assert!(fitted.contains(part), "{part} is missing in\n{fitted}");
    }
    // Independent requests need neither repeats nor uploads.
    assert!(!fitted.contains("repeats =") && !fitted.contains("pages ="), "{fitted}");
    let alpha =
        fitted.split("Zipf alpha ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    assert!(alpha.is_some_and(|alpha| (alpha - 1.1).abs() < 0.1), "{fitted}");
}
