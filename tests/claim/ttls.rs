//! Claims 12 and 13: Sultan et al., "TTLs Matter", `EuroSys` 2024, and Yang, Yue, Rashmi, "A Large Scale Analysis of
//! Hundreds of In-memory Cache Clusters at Twitter", OSDI 2020.

use crate::ledger::Ledger;
use crate::{hit, support};
use ttlab::metrics::Measurements;

/// Clusters that stand for the published ones: Zipf's exponent, and the TTL as a part of the trace (eight hours and a day of a week).
const CLUSTERS: [(f64, f64); 6] =
    [(0.9, 0.05), (0.9, 0.15), (1.1, 0.05), (1.1, 0.15), (1.3, 0.05), (1.3, 0.15)];
const SECONDS: f64 = 10_000.0;

fn text(alpha: f64, cache: &str, ttl: &str) -> String {
    format!(
        "name = \"claim\"\nseed = 1\n[time]\nwarmup = \"{}s\"\n[workload]\nduration = \"{SECONDS}s\"\nrate = \"50/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 200_000\npopularity = {{ model = \"zipf\", alpha = {alpha:?} }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n[cache]\nreclaim = \"eager\"\n{cache}\n\
         [[strategy]]\nname = \"claim\"\nttl = {ttl}\n",
        SECONDS / 2.0
    )
}

fn one(text: &str) -> Measurements {
    support::run(text).remove(0).remove(0)
}

#[test]
fn claims_12_and_13_ttls_bound_the_working_set_and_fifo_is_nearly_lru() {
    let (mut memory, mut policies) = (Ledger::new("claim 12"), Ledger::new("claim 13"));
    let mut saved = Vec::new();
    let mut gaps = Vec::new();
    for (alpha, part) in CLUSTERS {
        let ttl = format!("{{ rule = \"fixed\", ttl = \"{}s\" }}", part * SECONDS);
        let (without, with) = (one(&text(alpha, "", "\"none\"")), one(&text(alpha, "", &ttl)));
        saved.push(1.0 - with.memory.peak_bytes as f64 / without.memory.peak_bytes as f64);
        // At the size of the working set there is room for nearly all that is alive.
        let capacity = with.memory.peak_entries;
        let cache = format!("capacity = {{ objects = {capacity} }}\neviction = [\"lru\", \"fifo\"]");
        let cells = support::run(&text(alpha, &cache, &ttl));
        gaps.push(100.0 * (hit(&cells[0][0]) - hit(&cells[1][0])).abs());
        let grows = without.memory.final_bytes as f64 / without.memory.mean_bytes;
        let steady = with.memory.peak_bytes as f64 / with.memory.mean_bytes;
        assert!(
            grows > steady + 0.03 && steady < 1.2,
            "α = {alpha}: grows {grows} without TTLs, {steady} with them"
        );
    }
    let mean = saved.iter().sum::<f64>() / saved.len() as f64;
    memory.must_lie("memory saved by TTLs, mean of six clusters", "0.69", mean, 0.5..=0.85);
    memory.close();
    let largest = gaps.iter().copied().fold(0.0, f64::max);
    policies.must_lie(
        "LRU against FIFO at the size of the working set, most points apart",
        "about 0",
        largest,
        0.0..=1.0,
    );
    policies.close();
}
