//! F4 and F6: fetches that begin before a value expires, by its age or by chance.

use crate::ledger::Ledger;
use crate::statistics::{Estimate, geometric_fit};
use crate::{AT_ONCE, MISSES, OneKey, by_hand, fetches, mean, share};
use ttlab::cache::Stored;
use ttlab::metrics::OutcomeKind::{DelayedHit, FreshHit, StaleHit};
use ttlab::metrics::{Asked, Observer, Outcome, Regeneration};
use ttlab::units::{SimDuration, SimTime};

#[test]
fn f4_refresh_ahead_is_stale_while_revalidate_of_a_part_of_the_ttl() {
    let mut ledger = Ledger::new("F4");
    let (rate, ttl, f) = (0.3_f64, 20.0, 0.8);
    for time in [0.0, 1.0] {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\nguard = \"single-flight\"\n\
             refresh = {{ policy = \"refresh-ahead\", f = {f} }}"
        );
        let constant = format!("{{ model = \"constant\", value = \"{time}s\" }}");
        let latency = if time > 0.0 { constant.as_str() } else { AT_ONCE };
        let runs = OneKey { rate, seconds: 400_000.0 / rate, latency, origin: "", strategy: &strategy }.run();
        let left = (1.0 - f) * ttl;
        let (none, none_left) = ((-rate * left).exp(), (-rate * (left - time)).exp());
        let z = 1.0 + rate * (f * ttl + time);
        let refreshes = mean(&runs, |run| run.origin.refreshes as f64 / run.totals.outcomes.total() as f64);
        let at = format!("F4 at λ = {rate}, T = {ttl} s, f = {f}, D = {time} s");
        // What is served before its renewal is fresh until the TTL is over.
        for (what, measured, per_cycle) in [
            ("fresh", share(&runs, &[FreshHit]), rate * f * ttl + 1.0 + rate * time - none_left),
            ("delayed", share(&runs, &[DelayedHit]), none_left - none),
            ("blocking", share(&runs, &MISSES), none),
            ("background fetches", refreshes, 1.0 - none),
            ("all fetches, as under the TTL f T", fetches(&runs), 1.0),
        ] {
            measured.must_equal(&mut ledger, per_cycle / z, 0.0012, &format!("{at}: {what}"));
        }
        assert_eq!(runs.iter().map(|run| run.totals.outcomes.of(StaleHit)).sum::<u64>(), 0, "{at}");
    }
    ledger.close();
}

/// The regenerations of one key, and how much of its TTL was left when each began.
struct Expiries {
    ttl: SimDuration,
    /// Those that begin before are not counted: the very first fetch is a plain stampede, which is no expiry.
    from: SimTime,
    fresh_until: SimTime,
    /// Seconds left when the fetches in flight began; none if the key had expired.
    left: Option<f64>,
    seen: Vec<(u64, Option<f64>)>,
}

impl Observer for Expiries {
    fn observe(&mut self, _: &Outcome) {}

    fn asked(&mut self, asked: &Asked) {
        if !asked.overlaps {
            self.left = asked.background.then(|| self.fresh_until.since(asked.at).as_secs_f64());
        }
    }

    fn stored(&mut self, _: u32, at: SimTime, _: Stored) {
        self.fresh_until = at + self.ttl;
    }

    fn regenerated(&mut self, regeneration: &Regeneration) {
        if regeneration.start >= self.from {
            self.seen.push((regeneration.size, self.left));
        }
    }
}

/// 16 replications of a key under `xfetch`: TTL long enough for no fetch to begin right after a fill.
fn expiries(rate: f64, time: f64, beta: f64, ttl: u64, requests: f64) -> Vec<Vec<(u64, Option<f64>)>> {
    let strategy = format!(
        "ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\" }}\nrefresh = {{ policy = \"xfetch\", beta = {beta:?} }}"
    );
    let latency = format!("{{ model = \"constant\", value = \"{time}s\" }}");
    let key = OneKey { rate, seconds: requests / rate, latency: &latency, origin: "", strategy: &strategy };
    let ttl = SimDuration::from_secs(ttl);
    let observer = || Expiries {
        ttl,
        from: SimTime::ZERO + ttl,
        fresh_until: SimTime::ZERO,
        left: None,
        seen: Vec::new(),
    };
    by_hand::watch(&key.text(), 16, observer).into_iter().map(|expiries| expiries.seen).collect()
}

/// Share of the expiries of which this holds, over the replications.
fn share_of(runs: &[Vec<(u64, Option<f64>)>], holds: impl Fn(&(u64, Option<f64>)) -> bool) -> Estimate {
    Estimate::of(runs.iter().map(|run| run.iter().filter(|one| holds(one)).count() as f64 / run.len() as f64))
}

#[test]
fn f6_fetches_per_expiry_are_geometric_whatever_the_rate_and_the_fetch_time() {
    let mut ledger = Ledger::new("F6");
    // Rate, fetch time, β, TTL, requests of each replication, tolerance of the mean, and of the share of more than eight.
    for (rate, time, beta, ttl, requests, tolerance, of_many) in [
        (10.0, 3.0, 1.0, 40, 200_000.0, 0.11, 0.01),
        (100.0, 1.0, 1.0, 15, 600_000.0, 0.12, 0.01),
        (100.0, 3.0, 1.0, 44, 1_200_000.0, 0.14, 0.01),
        (100.0, 3.0, 2.0, 84, 1_500_000.0, 0.11, 0.002),
        (100.0, 3.0, 0.5, 20, 700_000.0, 0.41, 0.03),
    ] {
        let runs = expiries(rate, time, beta, ttl, requests);
        let at = format!("F6 at λ = {rate}, D = {time} s, β = {beta}");
        let one = (-1.0_f64 / beta).exp();
        let more = 1.0 - one;
        let means = runs.iter().map(|run| run.iter().map(|of| of.0).sum::<u64>() as f64 / run.len() as f64);
        Estimate::of(means).must_equal(&mut ledger, 1.0 / one, tolerance, &format!("{at}: mean fetches"));
        for (what, measured, law, tolerance) in [
            ("P(1)", share_of(&runs, |of| of.0 == 1), one, 0.04),
            ("P(≤ 2)", share_of(&runs, |of| of.0 <= 2), 1.0 - more.powi(2), 0.04),
            ("P(> 8)", share_of(&runs, |of| of.0 > 8), more.powi(8), of_many),
        ] {
            measured.must_equal(&mut ledger, law, tolerance, &format!("{at}: {what}"));
        }
        let sizes: Vec<u64> = runs.iter().flatten().map(|of| of.0).collect();
        let (distance, limit) = geometric_fit(&sizes, one);
        let what = format!("{at}: χ² of the sizes against the geometric distribution");
        ledger.must_lie(&what, "small", distance, 0.0..=limit);
        // How much was left when the first fetch began is Gumbel.
        let scale = beta * time;
        let gaps = runs.iter().map(|run| {
            let left: Vec<f64> = run.iter().filter_map(|of| of.1).collect();
            left.iter().sum::<f64>() / left.len() as f64
        });
        let law = scale * ((rate * scale).ln() + EULER);
        let what = format!("{at}: seconds left at the first fetch");
        Estimate::of(gaps).must_equal(&mut ledger, law, 0.08 * scale, &what);
    }
    ledger.close();
}

const EULER: f64 = 0.577_215_664_9;

#[test]
fn f6_a_cold_key_expires_before_any_read_is_early() {
    let mut ledger = Ledger::new("F6, cold keys");
    for (rate, requests) in [(0.2, 24_000.0), (1.0, 120_000.0)] {
        let time = 3.0;
        let runs = expiries(rate, time, 1.0, 45, requests);
        let at = format!("F6 at λ = {rate}, D = 3 s, β = 1");
        let (never, law) = (share_of(&runs, |of| of.1.is_none()), (-rate * time).exp());
        never.must_equal(&mut ledger, law, 0.015, &format!("{at}: expires before any fetch begins"));
        let late = share_of(&runs, |of| of.1.is_none_or(|left| left < time));
        let law = (-rate * time * (-1.0_f64).exp()).exp();
        late.must_equal(&mut ledger, law, 0.015, &format!("{at}: expires before a fetch is done"));
    }
    ledger.close();
}

#[test]
fn f6_with_a_guard_an_expiry_costs_one_fetch() {
    let strategy =
        "ttl = { rule = \"fixed\", ttl = \"45s\" }\nguard = \"single-flight\"\nrefresh = \"xfetch\"";
    let latency = "{ model = \"constant\", value = \"3s\" }";
    for run in (OneKey { rate: 10.0, seconds: 10_000.0, latency, origin: "", strategy }).run() {
        assert_eq!(run.stampedes.max_size, 0, "no regeneration has more than one fetch");
        assert!(run.stampedes.regenerations > 200);
    }
}
