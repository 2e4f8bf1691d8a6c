//! Claim 7: Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST 2015.
//!
//! A sample takes all requests of the objects whose hash falls below a threshold; a cache scaled by the same rate
//! then misses as the whole one does. Requests that the sample lacks, or has too many of, because a hot object is
//! out or in, are corrected for by dividing by the number expected (SHARDS-adj).

use std::fmt::Write;
use std::sync::Arc;

use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::synth::generate;

use crate::ledger::Ledger;
use crate::{by_hand, hit};

const OBJECTS: u32 = 4_000_000;
const REQUESTS: u32 = 9_600_000;
/// Of the objects are in the sample: 8000, as many as SHARDS keeps in less than a megabyte.
const RATE: f64 = 0.002;
const CAPACITIES: [u64; 4] = [80_000, 240_000, 800_000, 2_400_000];

fn workload(alpha: f64) -> String {
    format!(
        "[workload]\nduration = \"{}s\"\nrate = \"800/s\"\n[[workload.class]]\nname = \"image\"\n\
         objects = {OBJECTS}\npopularity = {{ model = \"zipf\", alpha = {alpha:?} }}\n",
        REQUESTS / 800
    )
}

/// Miss ratio by capacity, as a share of `requests`.
fn misses(trace: &Arc<Trace>, scale: f64, ttl: &str, requests: f64) -> Vec<f64> {
    let mut text = format!(
        "name = \"claim\"\n{}[origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n[cache]\ncapacity = [",
        workload(1.0)
    );
    for capacity in CAPACITIES {
        write!(text, "{{ objects = {:.0} }},", capacity as f64 * scale).expect("a String takes any text");
    }
    write!(text, "]\n[[strategy]]\nname = \"claim\"\nttl = {ttl}\n").expect("a String takes any text");
    let cells = by_hand::run_on(&text, trace);
    cells.iter().map(|run| (1.0 - hit(run)) * run.totals.outcomes.total() as f64 / requests).collect()
}

#[test]
fn claim_7_a_hashed_sample_of_the_objects_has_the_miss_ratio_of_them_all() {
    let mut ledger = Ledger::new("claim 7");
    let mut all = Vec::new();
    for alpha in [0.7, 0.9, 1.2] {
        let text =
            format!("name = \"claim\"\n{}[[strategy]]\nname = \"claim\"\nttl = \"none\"\n", workload(alpha));
        let scenario = Scenario::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
        let whole = Arc::new(generate(workload, Seed::new(1)));
        let hash = Seed::new(9);
        let kept = whole.requests().filter(|request| hash.unit(u64::from(request.object.as_u32()), 0) < RATE);
        let (at, object) = kept.map(|request| (request.at, request.object)).unzip();
        let sample = by_hand::trace(at, object, OBJECTS as usize, whole.span());
        for (ttl, written) in [("none", "\"none\""), ("10 min", "{ rule = \"fixed\", ttl = \"10m\" }")] {
            let requests = whole.len() as f64;
            let exact = misses(&whole, 1.0, written, requests);
            let sampled = misses(&sample, RATE, written, RATE * requests);
            let errors = exact.iter().zip(&sampled).map(|(exact, sampled)| (exact - sampled).abs());
            let what =
                format!("Zipf {alpha}, TTL {ttl}: mean error of the miss ratio at 0.2 % of the objects");
            let error = errors.sum::<f64>() / CAPACITIES.len() as f64;
            ledger.must_lie(&what, "about 0.01", error, 0.0..=0.02);
            all.push(error);
        }
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    ledger.must_lie("the mean of these", "below 0.01", mean, 0.0..=0.01);
    ledger.close();
}
