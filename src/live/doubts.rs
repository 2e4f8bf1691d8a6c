//! What makes the figures of a run worth less than they look.

use super::{LookedAgain, Pace};
use crate::cache::Capacity;
use crate::metrics::Measurements;
use crate::scenario::Scenario;
use crate::tune::CellPlan;

/// A sentence for each.
pub(super) fn doubts(
    scenario: &Scenario,
    plan: &CellPlan,
    measured: &Measurements,
    pace: &Pace,
    speed: f64,
) -> Vec<String> {
    let mut doubts = Vec::new();
    let [_, late, worst] = pace.late_s;
    if pace.is_client_limited() {
        doubts.push(format!(
            "client-limited: one request in a hundred was started more than {:.0} ms late (the worst {:.0} ms), because the harness \
             could not keep up; waits say how fast it is, not the server. Play it slower, or on a quieter machine",
            late * 1e3,
            worst * 1e3
        ));
    }
    if let Some((what, shortest, off)) = pace.coarse() {
        doubts.push(format!(
            "client-limited: at --speed {speed} the harness's own timers, of 1 ms, and starts up to {:.1} ms late are {off} of the trace, \
             more than a tenth of {what} ({shortest}): what happens then says how fast the harness is, not the server. Play it with a \
             lower --speed",
            late * 1e3
        ));
    }
    if pace.is_held_back() {
        let LookedAgain { all, held_back, held_back_s } = pace.looked_again;
        doubts.push(format!(
            "{held_back} of {all} looks of requests that waited (polls of a lock or a lease, retries) came {:.0} ms late on average, as \
             --max-rate allowed no more: they waited otherwise than their strategy says. Raise --max-rate, or play it with a longer poll",
            held_back_s / held_back as f64 * 1e3
        ));
    }
    let policy = scenario.cache.evictions[plan.eviction].name();
    let seconds = measured.scored.as_secs_f64() / speed;
    if policy.ends_with("-lru") && plan.capacity != Capacity::Unbounded && measured.evicted > 0 {
        let stay = measured.memory.mean_entries * seconds / measured.evicted as f64;
        if stay < 10.0 {
            doubts.push(format!(
                "keys stayed for {stay:.1} s on average before they were evicted, and the server's LRU clock has steps of 1 s: what \
                 it evicts is closer to random than in production. {}",
                if speed > 1.0 { "Play it with a lower --speed" } else { "Give it more memory, or a longer trace" }
            ));
        }
    }
    if speed > 1.0 {
        doubts.push(format!(
            "played {speed} times faster than recorded: TTLs, fetches and patience are as much shorter, but the server's own clocks \
             (1 s of LRU, 1 min of LFU, hz) are not, and waits are told in the trace's time, {speed} times the real ones"
        ));
    }
    doubts
}
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::synth::generate;
    use crate::tune;

    /// What is said of a run in which keys stayed so long before they were evicted.
    fn said(eviction: &str, stay: f64, speed: f64) -> Vec<String> {
        let text = format!(
            "name = \"x\"\n[workload]\nduration = \"10s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n\
             [cache]\ncapacity = \"1MiB\"\neviction = \"{eviction}\"\n[[strategy]]\nname = \"s\"\nttl = {{ rule = \"fixed\", ttl = \"1h\" }}\n"
        );
        let scenario = Scenario::parse(&text, "x.toml").expect("it is a scenario");
        let crate::scenario::Source::Synthetic(workload) = &scenario.source else {
            panic!("it is synthetic")
        };
        let (trace, plan) =
            (Arc::new(generate(workload, crate::random::Seed::new(1))), tune::grid(&scenario)[0]);
        let simulation = tune::simulation(&scenario, &plan, &trace, crate::random::Seed::new(1))
            .expect("it can be set up");
        let mut measured = simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
        (measured.memory.mean_entries, measured.evicted) =
            (stay * 10.0 / measured.scored.as_secs_f64() * speed, 10);
        let pace = Pace { most_under_way: 1, look_s: 0.2, speed, ..Pace::default() };
        doubts(&scenario, &plan, &measured, &pace, speed)
    }

    #[test]
    fn stays_too_short_for_the_clock_of_lru_are_told_and_so_is_a_higher_speed() {
        let short = said("allkeys-lru", 9.9, 1.0);
        assert!(short[0].contains("keys stayed for 9.9 s") && short[0].contains("more memory"), "{short:?}");
        assert_eq!(said("allkeys-lru", 10.1, 1.0), [""; 0]);
        assert_eq!(said("allkeys-lfu", 9.9, 1.0), [""; 0], "it has no such clock");
        let fast = said("volatile-lru", 9.9, 2.0);
        assert!(fast[0].contains("lower --speed") && fast[1].contains("played 2 times faster"), "{fast:?}");
        assert_eq!(said("volatile-lru", 10.1, 2.0).len(), 1);
    }
}
