//! X4: what a log that tells whole seconds makes of stampedes, by where its requests are put within them.

use std::fmt::Write;
use std::sync::Arc;

use rand_distr::{Distribution, Exp1};
use ttlab::random::Seed;
use ttlab::trace::import::{Options, import};
use ttlab::trace::shape::spread::Spread;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use crate::by_hand;
use crate::ledger::Ledger;
use crate::statistics::Estimate;

const RATE: f64 = 50.0;
const SECONDS: f64 = 3_600.0;

/// Poisson arrivals in seconds.
fn arrivals(seed: Seed) -> Vec<f64> {
    let mut draw = seed.stream();
    let mut now = 0.0;
    let next = || {
        let gap: f64 = Exp1.sample(&mut draw);
        now += gap / RATE;
        (now < SECONDS).then_some(now)
    };
    std::iter::from_fn(next).collect()
}

/// What a log with whole seconds leaves of the arrivals.
fn logged(arrivals: &[f64], spread: Spread, seed: Seed) -> Arc<Trace> {
    let mut log = "time,key\n".to_owned();
    arrivals.iter().for_each(|at| writeln!(log, "{},a", at.floor()).expect("a String takes any text"));
    let options = Options { spread, ..Options::default() };
    Arc::new(import(log.as_bytes(), "log.csv", &options, seed).expect("it is a trace").trace)
}

fn exact(arrivals: &[f64]) -> Arc<Trace> {
    let at = arrivals.iter().map(|at| SimTime::ZERO + SimDuration::from_secs_f64(*at)).collect();
    by_hand::trace(at, vec![ObjectId::new(0); arrivals.len()], 1, SimDuration::from_secs_f64(SECONDS))
}

/// Mean number of fetches per expiry, at a TTL of 60 s and fetches of .2 s.
fn size(trace: &Arc<Trace>) -> f64 {
    let text = "name = \"law\"\n[workload]\nduration = \"1s\"\n[[workload.class]]\nname = \"image\"\nobjects = 1\n\
                [origin]\nlatency = { model = \"constant\", value = \"200ms\" }\n[cache]\nttl_resolution = \"exact\"\n\
                [[strategy]]\nname = \"law\"\nttl = { rule = \"fixed\", ttl = \"60s\" }\n";
    let of = by_hand::run_on(text, trace).remove(0).stampedes;
    (of.regenerations + of.duplicate_fetches) as f64 / of.regenerations as f64
}

#[test]
fn x4_requests_left_at_the_start_of_their_second_look_like_a_crowd() {
    let mut ledger = Ledger::new("X4");
    let logs: Vec<Vec<f64>> = (0..16).map(|nth| arrivals(Seed::new(1).nth(nth))).collect();
    let of = |make: &dyn Fn(&[f64], u64) -> Arc<Trace>| {
        Estimate::of(logs.iter().zip(0..).map(|(log, nth)| size(&make(log, nth))))
    };
    let truth = of(&|log, _| exact(log));
    truth.must_equal(&mut ledger, 1.0 + RATE * 0.2, 0.5, "X4, exact times: fetches per expiry");
    for (spread, published, slack) in
        [(Spread::None, 50.2, 1.5), (Spread::Even, 10.5, 0.3), (Spread::Uniform, 10.9, 0.4)]
    {
        let seen = of(&|log, nth| logged(log, spread, Seed::new(2).nth(nth)));
        let what = format!("X4, whole seconds, spread \"{}\": fetches per expiry", spread.name());
        seen.must_be_within(&mut ledger, published, slack, &what);
    }
    ledger.close();
}
