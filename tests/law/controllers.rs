//! TTLs that steer themselves: `d-ttl` and `f-ttl` towards a target, `elastic` towards the least cost.

use std::fmt::Write;

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::random::Seed;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use crate::ledger::Ledger;
use crate::theory::{sliding, sliding_time, zipf_rates};
use crate::{by_hand, support};

/// Scenario text up to its strategies: `objects` objects by Zipf's law, half of the time scored.
fn head(objects: u32, alpha: f64, rate: u32, seconds: u32, repeat: u32) -> String {
    format!(
        "name = \"law\"\nseed = 1\nrepeat = {repeat}\n[time]\nwarmup = \"{}s\"\n\
         [workload]\nduration = \"{seconds}s\"\nrate = \"{rate}/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = {objects}\n\
         popularity = {{ model = \"zipf\", alpha = {alpha:?} }}\nsize = {{ model = \"constant\", value = \"1000B\" }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         [cache]\nreclaim = \"eager\"\nttl_resolution = \"exact\"\n",
        seconds / 2
    )
}

fn add(text: &mut String, rule: &str) {
    let number = text.matches("[[strategy]]").count();
    let baseline = number == 0;
    write!(text, "[[strategy]]\nname = \"{number}\"\nbaseline = {baseline}\nttl = {{ {rule} }}\n")
        .expect("a String takes any text");
}

fn hit(run: &Measurements) -> f64 {
    run.totals.outcomes.of(OutcomeKind::FreshHit) as f64 / run.totals.outcomes.total() as f64
}

fn average(runs: &[Measurements], figure: impl Fn(&Measurements) -> f64) -> f64 {
    runs.iter().map(figure).sum::<f64>() / runs.len() as f64
}

/// Mean of the steered TTL over the scored half, in seconds.
fn steered(run: &Measurements, name: &str, from: f64) -> f64 {
    let of = run.trajectories.iter().find(|of| of.name == name).expect("the controller's course is kept");
    let late = of.times.iter().zip(&of.ttls).filter(|(at, _)| at.as_secs_f64() >= from);
    let ttls: Vec<f64> = late.map(|(_, ttl)| ttl.as_secs_f64()).collect();
    ttls.iter().sum::<f64>() / ttls.len() as f64
}

#[test]
fn d_ttl_reaches_its_target_from_near_and_far() {
    let mut ledger = Ledger::new("d-ttl");
    let mut text = head(5_000, 0.9, 50, 16_000, 1);
    let mut cells = Vec::new();
    for (a0, start) in [(0.05, 1), (0.05, 500), (0.5, 1), (0.005, 1)] {
        for target in [0.4, 0.6, 0.8] {
            let rule = "rule = \"d-ttl\", max_ttl = \"2000s\", max_age = \"unbounded\"";
            add(&mut text, &format!("{rule}, target = {target}, a0 = {a0}, start = \"{start}s\""));
            cells.push((a0, start, target));
        }
    }
    let rates = zipf_rates(5_000, 0.9, 50.0);
    for (runs, (a0, start, target)) in support::run(&text).iter().zip(cells) {
        let at = format!("d-ttl, target {target}, a0 = {a0}, from {start} s");
        for run in runs {
            assert!((hit(run) - target).abs() <= 0.005, "{at}: {}", hit(run));
        }
        let range = target - 0.005..=target + 0.005;
        ledger.must_lie(&format!("{at}: hit ratio"), &target.to_string(), average(runs, hit), range);
        if (a0 - 0.05_f64).abs() < 1e-9 {
            // The TTL under which a plain sliding rule would hit as often (F2).
            let law = sliding_time(&rates, target);
            let ttl = average(runs, |run| steered(run, "d-ttl", 8_000.0));
            let range = 0.9 * law..=1.1 * law;
            ledger.must_lie(&format!("{at}: TTL in s"), &format!("{law:.1}"), ttl, range);
        }
    }
    ledger.close();
}

/// Zipf's law over 5000 objects, and 30 % of the requests for objects that nobody asks for again.
fn with_one_hit_wonders(requests: u32) -> std::sync::Arc<Trace> {
    const CATALOGUE: u32 = 5_000;
    let mut draw = Seed::new(3).stream();
    let zipf = rand_distr::Zipf::new(f64::from(CATALOGUE), 0.9).expect("a legal law");
    let (mut at, mut object) = (Vec::new(), Vec::new());
    let (mut now, mut next) = (0.0, CATALOGUE);
    for _ in 0..requests {
        let gap: f64 = Exp1.sample(&mut draw);
        now += gap / 50.0;
        at.push(SimTime::ZERO + SimDuration::from_secs_f64(now));
        object.push(if draw.random_bool(0.3) {
            next += 1;
            ObjectId::new(next - 1)
        } else {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rank from 1 to 5000"
            )]
            let rank = zipf.sample(&mut draw) as u32 - 1;
            ObjectId::new(rank)
        });
    }
    by_hand::trace(at, object, next as usize, SimDuration::from_secs_f64(now))
}

/// Runs rules on such a trace, its second half scored.
fn among_one_hit_wonders(trace: &std::sync::Arc<Trace>, rules: &[String]) -> Vec<Measurements> {
    let half = trace.span().as_secs_f64() / 2.0;
    let mut text = format!(
        "name = \"law\"\nseed = 1\n[time]\nwarmup = \"{half:.3}s\"\n[workload]\nduration = \"100h\"\nrate = \"1/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 1\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
         [cache]\nreclaim = \"eager\"\nttl_resolution = \"exact\"\n"
    );
    rules.iter().for_each(|rule| add(&mut text, rule));
    by_hand::run_on(&text, trace)
}

/// What `f-ttl` holds and hits, for targets of the hit ratio and shares of what `d-ttl` holds.
fn check_f_ttl(ledger: &mut Ledger, requests: u32, of_hit: f64, of_size: f64, shares: &[f64]) {
    let trace = with_one_hit_wonders(requests);
    let common = "max_ttl = \"2000s\", max_age = \"unbounded\", start = \"1s\"";
    for (target, published) in [(0.3, 404.0), (0.4, 1_107.0), (0.5, 2_757.0)] {
        let rule = format!("rule = \"d-ttl\", target = {target}, {common}");
        let d_ttl = among_one_hit_wonders(&trace, &[rule]).remove(0);
        let held = d_ttl.memory.mean_entries;
        let at = format!("d-ttl, target {target}");
        ledger.must_lie(
            &format!("{at}: hit ratio"),
            &target.to_string(),
            hit(&d_ttl),
            target - 0.005..=target + 0.005,
        );
        let range = 0.94 * published..=1.06 * published;
        ledger.must_lie(&format!("{at}: entries held"), &format!("{published}"), held, range);
        let rules: Vec<String> = shares
            .iter()
            .map(|share| {
                let objects = (share * held).round();
                format!(
                    "rule = \"f-ttl\", target = {target}, {common}, size_target = {{ objects = {objects} }}"
                )
            })
            .collect();
        for (run, share) in among_one_hit_wonders(&trace, &rules).iter().zip(shares) {
            let at = format!("f-ttl, target {target}, to hold {share} of that");
            let range = target - of_hit..=target + of_hit;
            ledger.must_lie(&format!("{at}: hit ratio"), &target.to_string(), hit(run), range);
            let of_held = run.memory.mean_entries / held;
            let range = share - of_size..=share + of_size;
            ledger.must_lie(&format!("{at}: share held"), &share.to_string(), of_held, range);
        }
    }
}

#[test]
fn f_ttl_hits_as_often_as_d_ttl_and_holds_what_it_is_told_to() {
    let mut ledger = Ledger::new("f-ttl");
    check_f_ttl(&mut ledger, 1_000_000, 0.005, 0.03, &[0.9, 0.6]);
    ledger.close();
}

#[test]
#[ignore = "the full length of the reference experiment takes a minute: run it with --ignored"]
fn f_ttl_at_the_full_length_of_the_reference_experiment() {
    let mut ledger = Ledger::new("f-ttl, full length");
    check_f_ttl(&mut ledger, 4_000_000, 0.002, 0.01, &[0.9, 0.75, 0.6, 0.4]);
    ledger.close();
}

/// What it costs a second to keep objects for an idle time `ttl`, where a miss costs 1 and an object `rent` a second.
fn cost(rates: &[f64], rent: f64, ttl: f64) -> f64 {
    rates.iter().map(|rate| (-rate * ttl).exp() * (rate - rent) + rent).sum()
}

/// The idle time of least cost, among times a hundredth apart.
fn best(rates: &[f64], rent: f64) -> (f64, f64) {
    let times = (0..1_200).map(|step| 1.01_f64.powi(step));
    times
        .map(|ttl| (cost(rates, rent, ttl), ttl))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .expect("there are times")
}

#[test]
fn elastic_finds_the_least_cost_from_three_starts() {
    let mut ledger = Ledger::new("elastic");
    let rates = zipf_rates(2_000, 0.8, 20.0);
    for (rent, published, least) in [(0.02, 11.5, 15.98), (0.01, 41.4, 13.17), (0.004, 407.0, 7.855)] {
        let (lowest, ttl) = best(&rates, rent);
        assert!(
            (lowest - least).abs() < 0.01 && (ttl / published - 1.0).abs() < 0.03,
            "{rent}: {lowest} at {ttl} s"
        );
        let starts = [6, 60, 600];
        let mut text = head(2_000, 0.8, 20, 50_000, 1);
        // A thousand bytes for a second are 1000 / (1e9 x 3600) GB-hours.
        let price = rent * 3.6e9;
        for start in starts {
            let rule = "rule = \"elastic\", miss_cost = 1.0, max_age = \"unbounded\", step = \"5s\"";
            add(&mut text, &format!("{rule}, price = {price:?}, start = \"{start}s\""));
        }
        for (runs, start) in support::run(&text).iter().zip(starts) {
            let paid = average(runs, |run| {
                run.origin.fetches as f64 / run.scored.as_secs_f64() + rent * run.memory.mean_entries
            });
            let what = format!("elastic, rent {rent}, from {start} s: cost a second");
            ledger.must_lie(&what, &format!("{lowest:.3}"), paid, 0.98 * lowest..=1.02 * lowest);
        }
    }
    ledger.close();
}

/// Without a guard several answers for one image come shortly after one another, and only the first brings it back.
#[test]
fn elastic_is_not_led_astray_by_fetches_side_by_side() {
    let mut ledger = Ledger::new("elastic, slow fetches");
    let rates = zipf_rates(2_000, 0.8, 20.0);
    let (_, ttl) = best(&rates, 0.01);
    for time in ["200ms", "2s"] {
        let mut text =
            head(2_000, 0.8, 20, 50_000, 3).replace("value = \"0s\"", &format!("value = \"{time}\""));
        add(
            &mut text,
            "rule = \"elastic\", miss_cost = 1.0, max_age = \"unbounded\", step = \"5s\", price = 36000000.0, start = \"60s\"",
        );
        for run in &support::run(&text)[0] {
            let seen = steered(run, "elastic", 25_000.0);
            assert!(seen > 0.5 * ttl && seen < 2.0 * ttl, "fetches of {time}: {seen} s, best {ttl} s");
        }
        let seen = average(&support::run(&text)[0], |run| steered(run, "elastic", 25_000.0));
        let what = format!("elastic, rent 0.01, fetches of {time}, no guard: timeout in s");
        ledger.must_lie(&what, &format!("{ttl:.1}"), seen, 0.5 * ttl..=2.0 * ttl);
    }
    ledger.close();
}

#[test]
fn d_ttl_reaches_its_target_where_fills_alone_set_the_ttl() {
    let mut ledger = Ledger::new("d-ttl, no touch");
    let mut text = head(5_000, 0.9, 50, 16_000, 1);
    let starts = [1, 500];
    for start in starts {
        let rule = "rule = \"d-ttl\", max_ttl = \"2000s\", touch = false, target = 0.6, a0 = 0.05";
        add(&mut text, &format!("{rule}, start = \"{start}s\""));
    }
    // The fixed TTL under which as many hit (F1), by bisection.
    let rates = zipf_rates(5_000, 0.9, 50.0);
    let hits =
        |ttl: f64| rates.iter().map(|rate| rate * (rate * ttl / (1.0 + rate * ttl))).sum::<f64>() / 50.0;
    let (mut low, mut high) = (1.0, 2_000.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if hits(middle) < 0.6 { low = middle } else { high = middle }
    }
    assert!((low - 47.6_f64).abs() < 0.1, "published: {low}");
    for (runs, start) in support::run(&text).iter().zip(starts) {
        let at = format!("d-ttl without touch, target 0.6, from {start} s");
        ledger.must_lie(&format!("{at}: hit ratio"), "0.6", average(runs, hit), 0.595..=0.605);
        let ttl = average(runs, |run| steered(run, "d-ttl", 8_000.0));
        ledger.must_lie(&format!("{at}: TTL in s"), &format!("{low:.1}"), ttl, 0.9 * low..=1.1 * low);
    }
    ledger.close();
}

#[test]
fn the_reference_of_the_controllers_is_the_law_of_sliding_ttls() {
    let rates = zipf_rates(5_000, 0.9, 50.0);
    for (target, published) in [(0.4, 5.7), (0.6, 27.9), (0.8, 124.4)] {
        let ttl = sliding_time(&rates, target);
        assert!((ttl - published).abs() < 0.06, "{target}: {ttl}");
        assert!((sliding(&rates, ttl) - target).abs() < 1e-6);
    }
}

/// A request every 10 ms for one object, under a controller that starts at 10 s.
fn steering(rule: &str, capacity: u32) -> String {
    format!(
        "name = \"law\"\n[time]\nbucket = \"25ms\"\n[workload]\nduration = \"100ms\"\nrate = \"100/s\"\n\
         arrivals = \"deterministic\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 1\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n[cache]\ncapacity = {{ objects = {capacity} }}\n\
         [[strategy]]\nname = \"law\"\nttl = {{ {rule}, start = \"10s\", max_ttl = \"100s\", max_age = \"unbounded\" }}\n"
    )
}

#[test]
fn no_parameter_turns_the_sign_of_a_controller_round() {
    let rules = ["rule = \"d-ttl\"", "rule = \"f-ttl\", size_target = { objects = 1 }"];
    // Both ends of every parameter that scales the step, and both weights.
    let ends = [
        "a0 = 0.001",
        "a0 = 1",
        "exponent = 0.51",
        "exponent = 0.99",
        "exponent = 0, floor_step = \"1s\"",
        "target = 0.01",
        "target = 0.99",
        "floor_step = \"1s\"",
        "weight = \"byte\"",
        "weight = \"object\"",
    ];
    for rule in rules {
        for end in ends {
            let written = format!("{rule}, {end}");
            for (capacity, rises) in [(0, true), (1, false)] {
                let run = support::run(&steering(&written, capacity)).remove(0).remove(0);
                let steered = &run.trajectories[0];
                assert_ne!(steered.name, "fills");
                let (first, then) = (steered.ttls[0].as_secs_f64(), steered.ttls[1].as_secs_f64());
                // Where nothing fits every request misses; where it does, all but the first hit.
                let as_meant = if rises { then > first || then >= 100.0 } else { then < first };
                assert!(as_meant, "{written}: from {first} s to {then} s, rises: {rises}");
            }
        }
        for wrong in [
            "a0 = -0.05",
            "target = -0.1",
            "target = 1.5",
            "exponent = -0.6",
            "floor_step = \"-1s\"",
            "sign = -1",
            "gain = -1.0",
            "gamma = 0.5",
            "weight = \"miss\"",
        ] {
            let text = steering(&format!("{rule}, {wrong}"), 1);
            assert!(
                ttlab::scenario::Scenario::parse(&text, "test.toml").is_err(),
                "{rule}, {wrong} is refused"
            );
        }
    }
}
