//! Claims 5 and 6: Huang et al., "An Analysis of Facebook Photo Caching", SOSP 2013, the San Jose edge.

use std::fmt::Write;
use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, Poisson};
use ttlab::metrics::Measurements;
use ttlab::random::Seed;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::{SimDuration, SimTime};

use crate::ledger::Ledger;
use crate::{by_hand, hit};

/// Photos are uploaded at random instants, before and during the trace, and asked for less and less:
/// by a power of their age, each in proportion to a popularity by Zipf's law.
const PHOTOS: u32 = 200_000;
/// Of popularity, and of its decline with age.
const ALPHA: f64 = 1.1;
const B: f64 = 0.8;
const DAY: f64 = 86_400.0;
const SPAN: f64 = 30.0 * DAY;
const REQUESTS: f64 = 500_000.0;

/// Requests that a photo gets until an age, in its own unit: the integral of (hours + 1)^-B.
fn asked_until(age: f64) -> f64 {
    ((age / 3_600.0 + 1.0).powf(1.0 - B) - 1.0) / (1.0 - B)
}

/// The age until which it gets so many.
fn age_at(asked: f64) -> f64 {
    3_600.0 * ((asked * (1.0 - B) + 1.0).powf(1.0 / (1.0 - B)) - 1.0)
}

fn trace() -> Arc<Trace> {
    let mut draw = Seed::new(5).stream();
    // Uploaded from a year before the trace until its end.
    let births: Vec<f64> = (0..PHOTOS).map(|_| draw.random_range(-365.0 * DAY..SPAN)).collect();
    let span = |birth: f64| (asked_until((-birth).max(0.0)), asked_until(SPAN - birth));
    let weight = |rank: usize| ((rank + 1) as f64).powf(-ALPHA);
    let share: Vec<f64> = births
        .iter()
        .enumerate()
        .map(|(rank, birth)| weight(rank) * (span(*birth).1 - span(*birth).0))
        .collect();
    let all: f64 = share.iter().sum();
    let mut requests = Vec::new();
    for (photo, birth) in births.iter().enumerate() {
        let mean = REQUESTS * share[photo] / all;
        let count = Poisson::new(mean.max(1e-12)).expect("a positive mean").sample(&mut draw);
        let (from, until) = span(*birth);
        let mut left: f64 = count;
        while left >= 1.0 {
            let at = birth + age_at(draw.random_range(from..until));
            requests
                .push((SimTime::ZERO + SimDuration::from_secs_f64(at.max(0.0)), ObjectId::from_index(photo)));
            left -= 1.0;
        }
    }
    requests.sort_unstable();
    let (at, object) = requests.into_iter().unzip();
    by_hand::trace(at, object, PHOTOS as usize, SimDuration::from_secs_f64(SPAN))
}

/// Runs policies at capacities in objects; the last two thirds are scored. By policy, and then by capacity.
fn run(trace: &Arc<Trace>, policies: &[&str], capacities: &[u64]) -> Vec<Measurements> {
    let mut text = format!(
        "name = \"claim\"\n[time]\nwarmup = \"10d\"\n[workload]\nduration = \"30d\"\nrate = \"1/m\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 1\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n[cache]\neviction = {policies:?}\ncapacity = ["
    );
    for capacity in capacities {
        write!(text, "{{ objects = {capacity} }},").expect("a String takes any text");
    }
    text.push_str("]\n[[strategy]]\nname = \"claim\"\nttl = \"none\"\n");
    by_hand::run_on(&text, trace)
}

/// Where a curve of hit ratios by capacity reaches a value, linear in between.
fn inverse(capacities: &[u64], hits: &[f64], value: f64) -> f64 {
    let above = hits.iter().position(|hit| *hit >= value).expect("the curve reaches it");
    if above == 0 {
        return capacities[0] as f64;
    }
    let (low, high) = (capacities[above - 1] as f64, capacities[above] as f64);
    low + (high - low) * (value - hits[above - 1]) / (hits[above] - hits[above - 1])
}

#[test]
fn claims_5_and_6_the_policies_of_the_photo_edge_stand_in_the_papers_order() {
    let trace = trace();
    // The capacity at which FIFO hits as often as at the edge.
    let (mut low, mut high) = (100_u64, 3_000);
    while high - low > 5 {
        let middle = u64::midpoint(low, high);
        if hit(&run(&trace, &["fifo"], &[middle])[0]) < 0.592 { low = middle } else { high = middle }
    }
    let policies = ["fifo", "lfu", "lru", "s4lru", "belady", "infinite"];
    let hits: Vec<f64> = run(&trace, &policies, &[high]).iter().map(hit).collect();
    let mut ledger = Ledger::new("claim 5");
    ledger.must_lie("FIFO, to which the capacity is tuned", "0.592", hits[0], 0.587..=0.597);
    for (place, name, published, range) in [
        (1, "LFU", "+2.0", 0.0..=8.0),
        (2, "LRU", "+3.6", 2.0..=6.0),
        (3, "S4LRU", "+8.5", 5.0..=11.0),
        (4, "clairvoyant", "+18.1", 9.0..=30.0),
        (5, "infinite", "+25.1", 9.0..=45.0),
    ] {
        ledger.must_lie(
            &format!("{name}: points above FIFO"),
            published,
            100.0 * (hits[place] - hits[0]),
            range,
        );
    }
    assert!(hits[0] < hits[1] && hits[1] < hits[2], "FIFO, LFU, LRU: {hits:?}");
    assert!(hits[2] < hits[3] && hits[3] < hits[4] && hits[4] < hits[5], "{hits:?}");
    ledger.close();

    let mut ledger = Ledger::new("claim 6");
    let capacities: Vec<u64> = (3..=20).map(|part| high * part / 20).collect();
    let cells = run(&trace, &["lfu", "lru", "s4lru"], &capacities);
    for (place, name, published) in [(0, "LFU", 0.8), (1, "LRU", 0.7), (2, "S4LRU", 0.3)] {
        let curve: Vec<f64> = cells[place * capacities.len()..][..capacities.len()].iter().map(hit).collect();
        let part = inverse(&capacities, &curve, hits[0]) / high as f64;
        let what = format!("{name}: share of FIFO's size for FIFO's hit ratio");
        ledger.must_lie(&what, &published.to_string(), part, published - 0.15..=published + 0.15);
    }
    ledger.close();
}
