//! F11: keys that were stored together expire together, and what jitter makes of that.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use ttlab::metrics::{Asked, Measurements, Observer, Outcome};
use ttlab::random::Seed;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use crate::ledger::Ledger;
use crate::statistics::Estimate;
use crate::{AT_ONCE, by_hand};

/// Keys that are all stored at time 0 with one TTL, and asked for once a second each.
struct Wave {
    keys: u32,
    ttl: f64,
    spread: f64,
}

impl Wave {
    /// The first and the last instant of an expiry.
    fn expiries(&self) -> (f64, f64) {
        (self.ttl * (1.0 - self.spread), self.ttl * (1.0 + self.spread))
    }

    /// Requests before the first expiry are hits, so the trace is silent until then.
    fn trace(&self, seed: Seed) -> Arc<Trace> {
        let (first, last) = self.expiries();
        let (end, mut draw) = (last + 3.0, seed.stream());
        let mut at = vec![SimTime::ZERO; self.keys as usize];
        let mut object: Vec<ObjectId> = (0..self.keys).map(ObjectId::new).collect();
        let mut now = first;
        loop {
            let gap: f64 = Exp1.sample(&mut draw);
            now += gap / f64::from(self.keys);
            if now >= end {
                break;
            }
            at.push(SimTime::ZERO + SimDuration::from_secs_f64(now));
            object.push(ObjectId::new(draw.random_range(0..self.keys)));
        }
        by_hand::trace(at, object, self.keys as usize, SimDuration::from_secs_f64(end))
    }

    /// Scored from the first expiry on.
    fn run(&self, seed: u64) -> Measurements {
        let Self { keys, ttl, spread } = self;
        let modifiers = if *spread > 0.0 {
            format!(", modifiers = [{{ modifier = \"jitter\", spread = {spread:?} }}]")
        } else {
            String::new()
        };
        let text = format!(
            "name = \"law\"\nseed = {seed}\n[time]\nwarmup = \"1s\"\nbucket = \"1s\"\n\
             [workload]\nduration = \"10h\"\nrate = \"1/s\"\n[[workload.class]]\nname = \"image\"\nobjects = {keys}\n\
             [origin]\nlatency = {AT_ONCE}\n[cache]\nttl_resolution = \"exact\"\n\
             [[strategy]]\nname = \"law\"\nttl = {{ rule = \"fixed\", ttl = \"{ttl}s\"{modifiers} }}\n"
        );
        by_hand::run_on(&text, &self.trace(Seed::new(seed))).remove(0)
    }
}

/// Fetches in the seconds from `from` until `until`.
fn fetches(run: &Measurements, from: f64, until: f64) -> f64 {
    let seconds = run.series.buckets.iter().zip(0_u32..);
    let inside = seconds.filter(|(_, second)| f64::from(*second) >= from && f64::from(*second) < until);
    inside.map(|(bucket, _)| bucket.fetches as f64).sum()
}

#[test]
fn f11_without_jitter_the_first_second_sees_nearly_all_fetches() {
    let mut ledger = Ledger::new("F11, no jitter");
    let wave = Wave { keys: 50_000, ttl: 600.0, spread: 0.0 };
    let p = 1.0 - (-1.0_f64).exp();
    let n = f64::from(wave.keys);
    let first = Estimate::with_error(fetches(&wave.run(1), 600.0, 601.0), (n * p * (1.0 - p)).sqrt());
    first.must_equal(&mut ledger, n * p, 450.0, "F11, 50000 keys, T = 600 s: fetches in the first second");
    ledger.close();
}

#[test]
fn f11_jitter_spreads_the_fetches_evenly_over_the_expiries() {
    let mut ledger = Ledger::new("F11");
    for (spread, tolerance) in [(0.05, 20.0), (0.1, 9.0), (0.2, 5.0)] {
        let wave = Wave { keys: 50_000, ttl: 600.0, spread };
        let (n, (first, last)) = (f64::from(wave.keys), wave.expiries());
        let run = wave.run(1);
        // After the first seconds those who expired earlier are asked for as fast as others expire.
        let (from, until) = (first + 10.0, last);
        let (seconds, law) = (until - from, n / (last - first));
        let share = seconds / (last - first);
        let error = (n * share * (1.0 - share)).sqrt() / seconds;
        let at = format!("F11, 50000 keys, T = 600 s, j = {spread}");
        Estimate::with_error(fetches(&run, from, until) / seconds, error).must_equal(
            &mut ledger,
            law,
            tolerance,
            &format!("{at}: fetches a second"),
        );
        let peak = run.origin.per_second.peak as f64;
        let expected = format!("above {law:.1}");
        ledger.must_lie(&format!("{at}: most in a second"), &expected, peak, law..=law + 5.0 * law.sqrt());
    }
    let wave = Wave { keys: 1_000, ttl: 3_600.0, spread: 0.15 };
    let runs: Vec<Measurements> = (0..16).map(|seed| wave.run(seed)).collect();
    let (first, last) = wave.expiries();
    let law = 1_000.0 / (last - first);
    let rate = Estimate::of(runs.iter().map(|run| fetches(run, first + 10.0, last) / (last - first - 10.0)));
    rate.must_equal(&mut ledger, law, 0.01, "F11, 1000 keys, T = 3600 s, j = 0.15: fetches a second");
    let peak = runs.iter().map(|run| run.origin.per_second.peak as f64).sum::<f64>() / 16.0;
    let what = "F11, 1000 keys, T = 3600 s, j = 0.15: most in a second";
    ledger.must_lie(what, "above 0.926", peak, law..=law + 5.0 * law.sqrt());
    ledger.close();
}

/// When which object was fetched.
#[derive(Default)]
struct FetchTimes(Vec<Vec<f64>>);

impl Observer for FetchTimes {
    fn observe(&mut self, _: &Outcome) {}

    fn asked(&mut self, asked: &Asked) {
        let object = asked.object.index();
        if object >= self.0.len() {
            self.0.resize(object + 1, Vec::new());
        }
        self.0[object].push(asked.at.as_secs_f64());
    }
}

#[test]
fn f11b_generation_by_generation_expiries_drift_apart_by_a_root() {
    let mut ledger = Ledger::new("F11b");
    let (ttl, spread, rate) = (600.0, 0.1, 0.05);
    let (keys, seconds) = (1_000, 13_000);
    let text = format!(
        "name = \"law\"\nseed = 1\n[workload]\nduration = \"{seconds}s\"\nrate = \"{}/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = {keys}\npopularity = \"uniform\"\n\
         [origin]\nlatency = {AT_ONCE}\n[cache]\nttl_resolution = \"exact\"\n[[strategy]]\nname = \"law\"\n\
         ttl = {{ rule = \"fixed\", ttl = \"{ttl}s\", modifiers = [{{ modifier = \"jitter\", spread = {spread} }}] }}\n",
        rate * f64::from(keys)
    );
    let runs = by_hand::watch(&text, 16, FetchTimes::default);
    for generation in [1_usize, 4, 16] {
        let variance = Estimate::of(runs.iter().map(|run| {
            let since_first = run.0.iter().map(|times| times[generation] - times[0]);
            let instants: Vec<f64> = since_first.collect();
            let n = instants.len() as f64;
            let mean = instants.iter().sum::<f64>() / n;
            instants.iter().map(|instant| (instant - mean).powi(2)).sum::<f64>() / (n - 1.0)
        }));
        let jitter = spread * ttl;
        let law = generation as f64 * (jitter * jitter / 3.0 + 1.0 / (rate * rate));
        let what = format!("F11b, T = 600 s, j = 0.1, λ = 0.05: variance of fetch {generation} in s²");
        variance.must_equal(&mut ledger, law, 0.06 * law, &what);
    }
    ledger.close();
}
