//! How long the server itself worked on reads and writes: what INFO keeps of each kind of command.
//!
//! It is asked far more seldom than the looks at memory come: these are sums since the server's start, of which nothing is lost
//! between two questions, and to write them down takes it longer than a GET.

use super::super::link::{Fault, Link};
use super::Info;
use crate::cache::redis::Kinds;

/// Calls of one kind of command, and what they took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Calls {
    /// How many.
    pub calls: u64,
    /// What the server took for all of them, in microseconds of its time, without waits and the network.
    pub micros: u64,
}

impl Calls {
    /// What one took on average, in seconds; `None` where there was none.
    pub fn mean_s(self) -> Option<f64> {
        (self.calls > 0).then(|| self.micros as f64 / 1e6 / self.calls as f64)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { calls: self.calls + other.calls, micros: self.micros + other.micros }
    }

    /// What came on top of earlier ones; `None` where a sum has fallen, as it does when somebody resets it.
    fn since(self, before: Self) -> Option<Self> {
        let calls = self.calls.checked_sub(before.calls)?;
        Some(Self { calls, micros: self.micros.checked_sub(before.micros)? })
    }
}

/// What to ask INFO for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::live) enum Sections {
    /// Sums and percentiles.
    Both,
    /// Sums alone, of a server that takes one section at a time: before Redis 7.0, which has no percentiles either.
    Sums,
}

/// The state of a server's statistics of commands; of all primaries of a cluster together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::live) struct Work {
    get: Calls,
    set: Calls,
    /// All commands together; none where it keeps no such sums, as the question itself is one.
    all: Calls,
    /// Kinds of commands of which it keeps a histogram.
    kinds: Kinds,
    /// The 99th percentile of a GET since the server was started, in microseconds, where it keeps histograms; that of
    /// the slowest primary.
    pub(super) get_p99_us: Option<f64>,
}

impl Work {
    /// Asks for the first time, and finds out what may be asked: who refuses both sections at once is asked for the sums alone.
    pub(in crate::live) async fn first(link: &Link, info: &Info) -> Result<(Self, Sections), Fault> {
        if info.takes_sections {
            match Self::ask(link, Sections::Both).await {
                Err(Fault::Refused(_)) => {}
                told => return Ok((told?, Sections::Both)),
            }
        }
        Ok((Self::ask(link, Sections::Sums).await?, Sections::Sums))
    }

    /// Asks.
    pub(in crate::live) async fn ask(link: &Link, sections: Sections) -> Result<Self, Fault> {
        let sections: &[&str] = match sections {
            Sections::Both => &["commandstats", "latencystats"],
            Sections::Sums => &["commandstats"],
        };
        let told = link.info(sections).await?;
        Ok(told.iter().map(|(_, text)| Self::parse(text)).fold(Self::default(), Self::and))
    }

    fn and(self, other: Self) -> Self {
        Self {
            get: self.get.and(other.get),
            set: self.set.and(other.set),
            all: self.all.and(other.all),
            kinds: self.kinds.and(other.kinds),
            get_p99_us: [self.get_p99_us, other.get_p99_us].into_iter().flatten().reduce(f64::max),
        }
    }

    /// Reads the answer; what it does not tell has not happened.
    pub(super) fn parse(text: &str) -> Self {
        let mut work = Self {
            kinds: Kinds::named(
                text.lines()
                    .filter_map(|line| line.strip_prefix("latency_percentiles_usec_")?.split(':').next()),
            ),
            get_p99_us: text.lines().find_map(|line| {
                field(line.strip_prefix("latency_percentiles_usec_get:")?, "p99")?.parse().ok()
            }),
            ..Self::default()
        };
        for (name, told) in text.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':')) {
            let whole = |key| field(told, key).and_then(|value| value.parse().ok()).unwrap_or(0);
            let calls = Calls { calls: whole("calls"), micros: whole("usec") };
            work.all = work.all.and(calls);
            match name {
                "get" => work.get = calls,
                "set" => work.set = calls,
                _ => {}
            }
        }
        work
    }

    /// Kinds of commands that it has run and keeps a histogram of each.
    pub(in crate::live) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// GETs and SETs since an earlier question; `None` where the sums since then are not those of one server that counted on.
    pub(super) fn since(&self, before: &Self) -> Option<[Calls; 2]> {
        self.all.since(before.all).filter(|all| all.calls > 0)?;
        Some([self.get.since(before.get)?, self.set.since(before.set)?])
    }
}

/// A field of a line such as `calls=9,usec=900`.
fn field<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.trim().split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_on_top_is_of_the_run_and_a_cluster_is_added() {
        let text = "# Commandstats\r\ncmdstat_getex:calls=9,usec=900,usec_per_call=100.00\r\n\
                    cmdstat_get:calls=100,usec=250,usec_per_call=2.50,rejected_calls=0,failed_calls=0\r\n\
                    # Latencystats\r\nlatency_percentiles_usec_get:p50=2.007,p99=9.023,p99.9=20.095\r\n";
        let before = Work::parse(text);
        assert_eq!((before.get.calls, before.set, before.get_p99_us), (100, Calls::default(), Some(9.023)));
        assert_eq!(before.all, Calls { calls: 109, micros: 1_150 });
        assert_eq!(before.kinds(), Kinds::named(["get"]), "of others it keeps none");
        let after = Work::parse(&text.replace("calls=100,usec=250", "calls=300,usec=650"));
        let both = after.and(Work { set: Calls { calls: 2, micros: 10 }, ..Work::default() });
        let [get, set] = both.since(&before).expect("sums have grown");
        assert_eq!((get, set), (Calls { calls: 200, micros: 400 }, Calls { calls: 2, micros: 10 }));
        assert_eq!((get.mean_s(), Calls::default().mean_s()), (Some(2e-6), None));
        assert_eq!(after.since(&both), None, "a sum has fallen");
        assert_eq!(before.since(&before), None, "who asked is not counted: no sums are kept");
        assert_eq!(Work::parse("redis_version:7.0.15\r\n"), Work::default());
    }
}
