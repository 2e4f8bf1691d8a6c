//! Which metrics a sample of the keys cannot tell, and why.

use super::Metric;
use crate::metrics::{Measurements, Shared};

/// Metrics that no sample tells.
const NEVER: [(&str, &str); 4] = [
    ("peak_origin_rate", "the most fetches in one second depend on all keys at once"),
    ("max_stampede_size", "a sample need not hold the key that has the most"),
    ("peak_waiters", "a sample need not hold the key that has the most"),
    ("max_latency", "a sample need not hold the request that waits longest"),
];

/// Metrics that depend on how long fetches take, and so on how they queue where the origin serves few at once.
const QUEUES: [&str; 17] = [
    "hit_or_joined",
    "delayed_hit",
    "stale_on_error",
    "error",
    "stampedes",
    "stampede_count",
    "mean_stampede_size",
    "regenerations",
    "duplicate_fetches",
    "duplicate_ratio",
    "mean_latency",
    "p50",
    "p90",
    "p99",
    "p999",
    "commands_per_request",
    "round_trips_per_request",
];

/// Why a few servers do not stand for many.
const FEW_SERVERS: &str = "fetches queue longer at few servers than at many with the same load (Erlang C)";

/// Why the peak of a small server's memory is not that of a large one's.
const COMMAND: &str = "the value of a command on its way is as large as in the whole";

/// Why a small server's sweep does not stand for a large one's.
const SWEEP: &str = "dead entries leave at the pace of the server's clock, which does not shrink with the keys: what is \
                     shown of them, and so of memory, is too little";

/// What holds dead entries until the server's sweep takes them.
const SWEPT: [&str; 5] = ["expired_resident", "memory", "peak_memory", "entries", "peak_entries"];

impl Metric {
    /// Why a sample of the keys does not tell this metric, given what does not shrink with them; `None` where it does.
    pub fn missing(&self, shared: Shared) -> Option<&'static str> {
        let never = NEVER.iter().find(|(name, _)| *name == self.name).map(|(_, why)| *why);
        let queues = (shared.queues && QUEUES.contains(&self.name)).then_some(FEW_SERVERS);
        let sweep = (shared.sweeps && SWEPT.contains(&self.name)).then_some(SWEEP);
        let peak = (shared.commands && self.name == "peak_memory").then_some(COMMAND);
        never.or(queues).or(sweep).or(peak)
    }

    /// Whether these measurements tell this metric.
    pub(super) fn is_told_by(&self, run: &Measurements) -> bool {
        run.sampled.is_none_or(|sampled| self.missing(sampled.shared).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_metric() {
        let names = NEVER.iter().map(|(name, _)| name).chain(&QUEUES).chain(&SWEPT);
        for name in names {
            assert!(Metric::named(name).is_some_and(|metric| metric.name == *name), "{name}");
        }
    }

    #[test]
    fn ratios_load_and_memory_are_told_and_peaks_never() {
        let (free, bound) = (Shared::default(), Shared { queues: true, sweeps: true, commands: true });
        let missing = |name: &str, shared| Metric::named(name).unwrap().missing(shared).is_some();
        for name in ["hit", "miss", "origin_rate", "fetches", "utilisation"] {
            assert!(!missing(name, free) && !missing(name, bound), "{name}");
        }
        for name in ["p99", "stampedes", "expired_resident", "memory", "entries", "peak_memory"] {
            assert!(!missing(name, free) && missing(name, bound), "{name}");
        }
        assert!(missing("peak_origin_rate", free) && missing("max_latency", free));
    }
}
