//! Trials that play a part of the keys, and finals that play all of them.

use ttlab::scenario::{Scenario, Source};
use ttlab::tune::Ended;

use super::{parse, tuned};

/// A site of 20,000 images whose trials play a tenth of the keys.
fn large(search: &str) -> String {
    format!(
        r#"
        name = "large"
        [time]
        warmup = "2m"
        [workload]
        duration = "22m"
        rate = "100/s"
        class = [{{ name = "photo", objects = 20_000, popularity = {{ model = "zipf", alpha = 0.9 }}, size = {{ model = "constant", value = "10KiB" }} }}]
        [origin]
        latency = {{ model = "constant", value = "50ms" }}
        [cache]
        capacity = {{ objects = 2_000 }}
        [[strategy]]
        name = "x"
        baseline = true
        ttl = {{ rule = "fixed", ttl = "1m" }}
        [tune]
        vary = [
            {{ path = "strategy.x.ttl.ttl", from = "20s", to = "20m", scale = "log" }},
            {{ path = "cache.eviction", choices = ["lru", "fifo", "sieve"] }},
        ]
        maximise = "hit"
        finalists = 2
        fresh = 3
        {search}
    "#
    )
}

#[test]
fn trials_on_samples_of_the_keys_find_what_finals_on_all_keys_confirm() {
    for search in [
        "sample = 0.1\nruns = 12",
        "part = \"keys\"\nsampler = { method = \"successive-halving\", eta = 3, least = 0.1 }\nruns = 6",
    ] {
        let found = tuned(&large(search));
        assert_eq!(found.ended, Ended::Better, "{search}: {:?}", found.finalists);
        let winner = &found.finalists[found.winner.expect("one wins")];
        // What the trials had made of it, from a tenth of the keys or from all, is what all keys make of it.
        let trials = winner.in_trials.expect("it was played");
        assert!(
            (trials - winner.objective.unwrap()).abs() < 0.04,
            "{search}: {trials} in trials, {winner:?}"
        );
        assert_eq!(found, tuned(&large(search)), "the same search");
    }
    assert_eq!(tuned(&large("sample = 0.1\nruns = 4")).sample, Some(0.1));
}

#[test]
fn a_search_on_samples_is_refused_what_they_cannot_tell() {
    let refused = |search: &str| Scenario::parse(&large(search), "tune.toml").unwrap_err().to_string();
    for (search, what) in [
        ("sample = 0", "sample must lie above 0"),
        ("sample = 2.0", "sample must lie above 0"),
        ("part = \"keys\"", "plays no parts"),
        ("part = \"halves\"", "unknown variant"),
        (
            "sample = 0.1\nconstraints = \"peak_origin_rate <= 9/s\"",
            "peak_origin_rate is not available from a sample",
        ),
    ] {
        let message = refused(search);
        assert!(message.contains(what) && message.contains("tune.toml:"), "{search}: {message}");
    }
}

#[test]
fn the_search_whose_time_is_measured_varies_six_parameters_on_samples() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/tune.toml"));
    let scenario = parse(&text.expect("it is there"));
    let tuning = scenario.tune.as_ref().expect("it has [tune]");
    assert_eq!((tuning.vary.len(), tuning.sample), (6, Some(0.02)));
    let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
    assert_eq!(workload.expected_requests(), 20_000_000);
}

/// A site of which half changes every ten minutes: the longer the TTL, the fewer fetches and the more stale answers.
fn to_the_edge(seed: u64) -> String {
    format!(
        r#"
        name = "edge"
        seed = {seed}
        [time]
        warmup = "5m"
        [workload]
        duration = "35m"
        rate = "50/s"
        class = [{{ name = "photo", objects = 20_000, popularity = {{ model = "zipf", alpha = 0.9 }}, size = {{ model = "constant", value = "10KiB" }}, changes = {{ model = "poisson", mean = "10m" }} }}]
        [origin]
        latency = {{ model = "constant", value = "50ms" }}
        [cache]
        capacity = {{ objects = 4_000 }}
        [[strategy]]
        name = "x"
        baseline = true
        ttl = {{ rule = "fixed", ttl = "20s" }}
        [tune]
        vary = [{{ path = "strategy.x.ttl.ttl", from = "20s", to = "10m", scale = "log", steps = 60 }}]
        minimise = "origin_rate"
        constraints = "stale_share <= 0.1"
        sample = 0.05
        sampler = "grid"
        runs = 60
        finalists = 1
        fresh = 2
    "#
    )
}

#[test]
fn a_search_that_went_over_the_edge_of_a_constraint_steps_back_from_it() {
    let mut stepped = 0;
    for seed in 1..=8 {
        let found = tuned(&to_the_edge(seed));
        let winner = found.winner.unwrap_or_else(|| panic!("seed {seed}: {:?}", found.finalists));
        let kept = &found.finalists[winner].constraints[0];
        assert!(kept.kept && kept.value.expect("it was played") <= 0.1, "seed {seed}: {kept:?}");
        // Whoever was called up first wins, unless all keys show that it misses what its sample kept.
        assert_eq!(winner, found.finalists.len() - 1, "seed {seed}: {:?}", found.finalists);
        let misses = |one: &&ttlab::tune::Finalist| one.violation > 0.0;
        assert_eq!(found.finalists.iter().filter(misses).count(), winner, "seed {seed}");
        assert_eq!(found.rounds as usize, found.finalists.len(), "one is called up at a time");
        stepped += usize::from(winner > 0);
    }
    assert!((1..8).contains(&stepped), "samples are wrong to either side: {stepped} of 8 stepped back");
}
