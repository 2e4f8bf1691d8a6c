//! How long the server itself worked on reads and writes: what INFO keeps of each kind of command.
//!
//! It is asked before a run and after it, not with every look: these are sums since the server's start, and to write them
//! all down takes it longer than many GETs, which would be measured.

use super::super::link::{Fault, Link};
use crate::cache::redis::Kinds;

/// Calls of one kind of command, and what they took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Calls {
    calls: u64,
    micros: u64,
}

/// The state of a server's statistics of commands; of all primaries of a cluster together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::live) struct Work {
    get: Calls,
    set: Calls,
    /// Kinds of commands of which it keeps a histogram.
    kinds: Kinds,
    /// The 99th percentile of a GET since the server was started, in microseconds, where it keeps histograms; that of
    /// the slowest primary.
    get_p99_us: Option<f64>,
}

/// What the server's own work took during a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Served {
    /// Mean time of a GET and of a SET in seconds, without waits and the network; `None` where there was none.
    pub mean_s: [Option<f64>; 2],
    /// The 99th percentile of a GET since the server was started, in seconds; `None` where it keeps no histograms
    /// (`latency-tracking no`).
    pub get_p99_s: Option<f64>,
}

impl Work {
    /// Asks. INFO takes several sections since Redis 7.0 only, and all of them ever since.
    pub(in crate::live) async fn ask(link: &Link) -> Result<Self, Fault> {
        let told = link.info(Some("all")).await?;
        Ok(told.iter().map(|(_, text)| Self::parse(text)).fold(Self::default(), Self::and))
    }

    fn and(self, other: Self) -> Self {
        let sum = |a: Calls, b: Calls| Calls { calls: a.calls + b.calls, micros: a.micros + b.micros };
        let slowest = [self.get_p99_us, other.get_p99_us].into_iter().flatten().reduce(f64::max);
        Self {
            get: sum(self.get, other.get),
            set: sum(self.set, other.set),
            kinds: self.kinds.and(other.kinds),
            get_p99_us: slowest,
        }
    }

    /// Reads the answer; what it does not tell has not happened.
    fn parse(text: &str) -> Self {
        let field = |name: &str, key: &str| {
            let told = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            told.trim().split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
        };
        let whole =
            |line: &str, key: &str| field(line, key).and_then(|value| value.parse().ok()).unwrap_or(0);
        let calls = |line: &str| Calls { calls: whole(line, "calls"), micros: whole(line, "usec") };
        let with_histogram = |line| str::strip_prefix(line, "latency_percentiles_usec_")?.split(':').next();
        Self {
            get: calls("cmdstat_get"),
            set: calls("cmdstat_set"),
            kinds: Kinds::named(text.lines().filter_map(with_histogram)),
            get_p99_us: field("latency_percentiles_usec_get", "p99").and_then(|value| value.parse().ok()),
        }
    }

    /// Kinds of commands that it has run and keeps a histogram of each.
    pub(in crate::live) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// What was done since an earlier look.
    pub(in crate::live) fn since(&self, before: &Self) -> Served {
        let mean = |now: Calls, before: Calls| {
            let calls = now.calls.checked_sub(before.calls).filter(|calls| *calls > 0)?;
            Some(now.micros.saturating_sub(before.micros) as f64 / 1e6 / calls as f64)
        };
        Served {
            mean_s: [mean(self.get, before.get), mean(self.set, before.set)],
            get_p99_s: self.get_p99_us.map(|micros| micros / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_the_run_and_a_cluster_is_added() {
        let text = "# Commandstats\r\ncmdstat_getex:calls=9,usec=900,usec_per_call=100.00\r\n\
                    cmdstat_get:calls=100,usec=250,usec_per_call=2.50,rejected_calls=0,failed_calls=0\r\n\
                    # Latencystats\r\nlatency_percentiles_usec_get:p50=2.007,p99=9.023,p99.9=20.095\r\n";
        let before = Work::parse(text);
        assert_eq!((before.get.calls, before.set, before.get_p99_us), (100, Calls::default(), Some(9.023)));
        assert_eq!(before.kinds(), Kinds::named(["get"]), "of others it keeps none");
        let after = Work::parse(&text.replace("calls=100,usec=250", "calls=300,usec=650"));
        let both = after.and(Work { set: Calls { calls: 2, micros: 10 }, ..Work::default() });
        let served = both.since(&before);
        let close =
            |told: Option<f64>, micros: f64| told.is_some_and(|told| (told * 1e6 - micros).abs() < 1e-9);
        assert!(close(served.mean_s[0], 2.0) && close(served.mean_s[1], 5.0), "{served:?}");
        assert!(close(served.get_p99_s, 9.023), "{served:?}");
        assert_eq!(before.since(&before).mean_s, [None, None], "nothing was done");
        assert_eq!(Work::parse("redis_version:7.0.15\r\n"), Work::default());
    }
}
