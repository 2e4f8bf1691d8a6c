//! Claims 1 to 3: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB 2015.

use std::sync::Arc;

use ttlab::metrics::{Measurements, Observer, Outcome, Regeneration};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::strategy::refresh::{Copy, RefreshPolicy, Wish};
use ttlab::trace::synth::generate;
use ttlab::tune;
use ttlab::units::SimDuration;

use crate::ledger::Ledger;
use crate::statistics::{Estimate, geometric_fit};
use crate::support;

/// A scenario of one key that is asked for ten times a second, with fetches of `time` seconds.
fn one_key(time: u32, ttl: u32, seconds: u32, refresh: &str) -> String {
    format!(
        "name = \"claim\"\nseed = 1\nrepeat = 16\n[workload]\nduration = \"{seconds}s\"\nrate = \"10/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 1\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"{time}s\" }}\n[cache]\nttl_resolution = \"exact\"\n\
         [[strategy]]\nname = \"claim\"\nttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\nrefresh = {refresh}\n"
    )
}

fn mean_size(run: &Measurements) -> f64 {
    let of = &run.stampedes;
    (of.regenerations + of.duplicate_fetches) as f64 / of.regenerations as f64
}

#[test]
fn claim_1_ten_requests_a_second_and_three_seconds_make_thirty_recomputations() {
    let mut ledger = Ledger::new("claim 1");
    let runs = support::run(&one_key(3, 20, 20_000, "\"on-demand\"")).remove(0);
    let size = Estimate::of(runs.iter().map(mean_size));
    size.must_be_within(&mut ledger, 31.0, 0.03 * 31.0, "recomputations per expiry, \"about 30\"");
    ledger.close();
}

/// Share of the regenerations with a size in this range.
fn of_size(run: &Measurements, least: usize, most: usize) -> f64 {
    let sizes = &run.stampedes.sizes;
    sizes[least - 1..most.min(sizes.len())].iter().sum::<u64>() as f64 / run.stampedes.regenerations as f64
}

#[test]
fn claim_2_most_stampedes_under_xfetch_have_one_or_two() {
    let mut ledger = Ledger::new("claim 2");
    let runs = support::run(&one_key(10, 130, 40_000, "\"xfetch\"")).remove(0);
    let share = |least, most| Estimate::of(runs.iter().map(|run| of_size(run, least, most)));
    let more = 1.0 - (-1.0_f64).exp();
    let most = share(1, 2);
    most.must_be_within(&mut ledger, 1.0 - more.powi(2), 0.02, "of size 1 or 2, fetches of 10 s");
    share(9, usize::MAX).must_be_within(
        &mut ledger,
        more.powi(8),
        0.008,
        "above 8, of which the paper saw none",
    );
    assert!(most.mean() > 0.5, "most");
    // The whole distribution: sizes are geometric (F6). The first fetch of a replication fills an empty cache.
    let counts = |run: &Measurements| {
        (1..)
            .zip(run.stampedes.sizes.clone())
            .flat_map(|(size, count)| vec![size; usize::try_from(count).expect("a count of stampedes")])
            .collect::<Vec<u64>>()
    };
    let sizes: Vec<u64> = runs.iter().flat_map(counts).collect();
    let (distance, limit) = geometric_fit(&sizes, 1.0 - more);
    ledger.must_lie("χ² of the sizes against the geometric distribution", "small", distance, 0.0..=limit);
    ledger.close();
}

/// Early expiry with a gap drawn uniformly, which the paper holds against its own.
struct UniformGap {
    gap_secs: f64,
    seed: Seed,
}

impl RefreshPolicy for UniformGap {
    fn on_copy(&mut self, copy: &Copy) -> Wish {
        if copy.is_stale() {
            return Wish::Fetch;
        }
        let left = copy.fresh_until.since(copy.now).as_secs_f64();
        let draw = self.seed.unit(copy.now.as_nanos(), 0);
        if self.gap_secs * draw >= left { Wish::ServeAndRefresh } else { Wish::Serve }
    }
}

/// Sizes of the regenerations after the first, which is no expiry.
#[derive(Default)]
struct Sizes(Vec<u64>);

impl Observer for Sizes {
    fn observe(&mut self, _: &Outcome) {}

    fn regenerated(&mut self, regeneration: &Regeneration) {
        self.0.push(regeneration.size);
    }
}

#[test]
fn claim_3_a_uniform_gap_makes_stampedes_many_times_as_large() {
    let mut ledger = Ledger::new("claim 3");
    // Both begin a fetch 418 s before the expiry on average: βD(ln(λβD) + .577) for D = 60 s, and a gap ξ with
    // ξ - √(πξ / 2λ) = 418 s.
    let (rate, time) = (10.0_f64, 60.0_f64);
    let earliness = time * ((rate * time).ln() + 0.577_215_664_9);
    let mut gap = earliness;
    for _ in 0..50 {
        gap = earliness + (std::f64::consts::PI * gap / (2.0 * rate)).sqrt();
    }
    let text = one_key(60, 900, 60_000, "{ policy = \"xfetch\", delta_max = \"10m\" }");
    let scenario = Scenario::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
    let plan = tune::grid(&scenario)[0];
    let mean = |uniform: bool| {
        Estimate::of((0..16).map(|replication| {
            let seed = Seed::new(1).nth(replication);
            let trace = Arc::new(generate(workload, seed));
            let mut simulation = tune::simulation(&scenario, &plan, &trace, seed).expect("it can be run");
            if uniform {
                simulation.strategy.refresh = Box::new(UniformGap { gap_secs: gap, seed: seed.of("gap") });
            }
            let sizes = simulation.observed_by(Sizes::default(), &()).expect("nobody stops it").1.0;
            sizes[1..].iter().sum::<u64>() as f64 / (sizes.len() - 1) as f64
        }))
    };
    let (uniform, xfetch) = (mean(true), mean(false));
    ledger.must_lie("mean size with a uniform gap, fetches of 60 s", "above 50", uniform.mean(), 45.0..=80.0);
    ledger.must_lie("mean size under xfetch, equally early", "2.72", xfetch.mean(), 2.5..=2.95);
    ledger.must_lie(
        "how many times as large",
        "above 10",
        uniform.mean() / xfetch.mean(),
        10.0..=f64::INFINITY,
    );
    assert!(SimDuration::from_secs_f64(gap) > SimDuration::from_secs(400), "the gap is {gap} s");
    ledger.close();
}
