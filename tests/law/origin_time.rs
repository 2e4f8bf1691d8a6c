//! F3: what the time of a fetch does to the hit ratio, with requests coalesced and without a guard.

use crate::ledger::Ledger;
use crate::{MISSES, OneKey, fetches, share};
use ttlab::metrics::OutcomeKind::{DelayedHit, FreshHit};

/// A point of the law: rate, TTL and fetch time in seconds; requests and tolerance.
struct Point {
    rate: f64,
    ttl: f64,
    time: f64,
    requests: f64,
    tolerance: f64,
}

const POINTS: [Point; 3] = [
    Point { rate: 5.0, ttl: 20.0, time: 2.0, requests: 800_000.0, tolerance: 0.0006 },
    Point { rate: 1.0, ttl: 10.0, time: 3.0, requests: 800_000.0, tolerance: 0.001 },
    Point { rate: 50.0, ttl: 60.0, time: 0.2, requests: 2_000_000.0, tolerance: 0.0001 },
];

impl Point {
    fn run(&self, latency: &str, guard: &str) -> Vec<ttlab::metrics::Measurements> {
        let strategy = format!("ttl = {{ rule = \"fixed\", ttl = \"{}s\" }}\nguard = \"{guard}\"", self.ttl);
        let seconds = self.requests / self.rate;
        OneKey { rate: self.rate, seconds, latency, origin: "", strategy: &strategy }.run()
    }

    fn constant(&self) -> String {
        format!("{{ model = \"constant\", value = \"{}s\" }}", self.time)
    }

    fn exponential(&self) -> String {
        format!("{{ model = \"exponential\", mean = \"{}s\" }}", self.time)
    }

    fn named(&self, law: &str, what: &str) -> String {
        format!("{law} at λ = {}, T = {} s, D = {} s: {what}", self.rate, self.ttl, self.time)
    }
}

#[test]
fn f3a_coalesced_misses_make_one_fetch_and_delay_those_who_come_meanwhile() {
    let mut ledger = Ledger::new("F3a");
    for point in &POINTS {
        check_coalesced(&mut ledger, point, &point.constant(), 1.0);
    }
    ledger.close();
}

#[test]
fn f3a_holds_for_any_distribution_of_the_fetch_time() {
    let mut ledger = Ledger::new("F3a, any distribution");
    // Fetch times of chance make the cycles vary more.
    for point in &POINTS[..2] {
        check_coalesced(&mut ledger, point, &point.exponential(), 2.0);
    }
    ledger.close();
}

fn check_coalesced(ledger: &mut Ledger, point: &Point, latency: &str, wider: f64) {
    let runs = point.run(latency, "single-flight");
    let (m, delayed) = (point.rate * point.ttl, point.rate * point.time);
    let z = 1.0 + delayed + m;
    let tolerance = wider * point.tolerance;
    share(&runs, &[FreshHit]).must_equal(ledger, m / z, tolerance, &point.named("F3a", "hit ratio"));
    share(&runs, &[DelayedHit]).must_equal(ledger, delayed / z, tolerance, &point.named("F3a", "delayed"));
    if m < 1_000.0 {
        // Long cycles are nearly equal, and a run holds only some hundred: how many shows where it ends.
        share(&runs, &MISSES).must_equal(ledger, 1.0 / z, tolerance, &point.named("F3a", "misses"));
        fetches(&runs).must_equal(ledger, 1.0 / z, tolerance, &point.named("F3a", "fetches per request"));
    }
}

#[test]
fn f3b_late_duplicates_arm_the_ttl_anew_and_raise_the_hit_ratio() {
    let mut ledger = Ledger::new("F3b");
    for point in &POINTS {
        let runs = point.run(&point.constant(), "none");
        let (rate, time) = (point.rate, point.time);
        // How long after the first completion the last one comes.
        let late = time - (1.0 - (-rate * time).exp()) / rate;
        let live = rate * (point.ttl + late);
        let law = live / (1.0 + rate * time + live);
        share(&runs, &[FreshHit]).must_equal(
            &mut ledger,
            law,
            point.tolerance,
            &point.named("F3b", "hit ratio"),
        );
        fetches(&runs).must_equal(
            &mut ledger,
            1.0 - law,
            point.tolerance,
            &point.named("F3b", "fetches per request"),
        );
    }
    ledger.close();
}

#[test]
fn f3c_where_the_first_to_store_wins_duplicates_cost_fetches_and_change_no_hit() {
    let mut ledger = Ledger::new("F3c");
    for point in &POINTS {
        let strategy = format!("ttl = {{ rule = \"fixed\", ttl = \"{}s\" }}", point.ttl);
        let origin = "[client]\nduplicate_fill = \"keep-first\"";
        let (seconds, latency) = (point.requests / point.rate, point.constant());
        let runs = OneKey { rate: point.rate, seconds, latency: &latency, origin, strategy: &strategy }.run();
        let (m, during) = (point.rate * point.ttl, point.rate * point.time);
        let z = 1.0 + during + m;
        let tolerance = point.tolerance;
        share(&runs, &[FreshHit]).must_equal(&mut ledger, m / z, tolerance, &point.named("F3c", "hit ratio"));
        let what = point.named("F3c", "fetches per request");
        fetches(&runs).must_equal(&mut ledger, (1.0 + during) / z, tolerance, &what);
    }
    ledger.close();
}
