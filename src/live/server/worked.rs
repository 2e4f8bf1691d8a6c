//! What the server itself worked over time: its sums from one question to the next.

use serde::Serialize;

use super::work::{Calls, Work};
use crate::units::{SimDuration, SimTime, Window};

/// What part of the GETs that come between two questions on average there must be for a stretch to be told as the slowest: a few
/// single ones are slow or quick by chance.
const FEW: f64 = 0.1;

/// What a server worked between two questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Worked {
    /// When the first question was asked, in seconds of the trace.
    pub from_s: f64,
    /// When the second one was.
    pub until_s: f64,
    /// GETs between them; `null` where the server does not tell, somebody reset its counters, or it was started anew.
    pub get: Option<Calls>,
    /// SETs between them, locks among them; likewise.
    pub set: Option<Calls>,
    /// The 99th percentile of all GETs since the server was started, in seconds, at the second question; `null` where it keeps
    /// no histograms (before Redis 7.0, and with `latency-tracking no`).
    pub get_p99_s: Option<f64>,
}

/// What the server's own work took during a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Served {
    /// Mean time of a GET in the scored part, in seconds, without waits and the network; `null` where there was none.
    pub get_mean_s: Option<f64>,
    /// That of a SET, likewise.
    pub set_mean_s: Option<f64>,
    /// The 99th percentile of a GET since the server was started, in seconds; `null` where it keeps no histograms.
    pub get_p99_s: Option<f64>,
    /// When GETs took it longest; `null` where it was asked only once in the scored part.
    pub slowest: Option<Slowest>,
}

/// The stretch of a run in which GETs took a server longest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slowest {
    /// When it began, in seconds of the trace.
    pub from_s: f64,
    /// When it ended.
    pub until_s: f64,
    /// Mean time of a GET in it, in seconds.
    pub get_mean_s: f64,
    /// That of a SET; `null` where there was none.
    pub set_mean_s: Option<f64>,
}

impl Served {
    /// That in words, without a full stop; `None` where there was neither a GET nor a SET, or the server did not tell.
    pub fn words(&self) -> Option<String> {
        let about = |seconds: f64| SimDuration::from_secs_f64(seconds).about();
        let on = |get: Option<f64>, set: Option<f64>| {
            let told = [(get, "a GET"), (set, "a SET")].into_iter();
            let told = told.filter_map(|(mean, what)| Some(format!("{} on {what}", about(mean?))));
            told.collect::<Vec<_>>().join(" and ")
        };
        let Self { get_mean_s, set_mean_s, get_p99_s, slowest } = *self;
        let means = on(get_mean_s, set_mean_s);
        if means.is_empty() {
            return None;
        }
        let slowest = slowest.map(|Slowest { from_s, until_s, get_mean_s, set_mean_s }| {
            let (from, until) = (about(from_s), about(until_s));
            format!("; at its slowest, from {from} to {until}, {}", on(Some(get_mean_s), set_mean_s))
        });
        let most =
            get_p99_s.map(|most| format!("; at most {} on 99 of 100 GETs since its start", about(most)));
        let [slowest, most] = [slowest, most].map(Option::unwrap_or_default);
        Some(format!("the server itself worked {means} on average{slowest}{most}"))
    }
}

/// All answers of a server during one run.
#[derive(Debug)]
pub(super) struct Working {
    /// The latest answer, and when it was asked for.
    latest: (SimTime, Work),
    /// Whether the sums that come next are not those that the latest answer told of.
    is_new: bool,
    stretches: Vec<Worked>,
}

impl Working {
    /// Begins with the answer before a run.
    pub(super) fn begin(before: Work) -> Self {
        Self { latest: (SimTime::ZERO, before), is_new: false, stretches: Vec::new() }
    }

    /// Somebody reset the counters, or the server was started anew.
    pub(super) fn begin_anew(&mut self) {
        self.is_new = true;
    }

    /// One more answer.
    pub(super) fn tell(&mut self, at: SimTime, work: Work) {
        let (from, before) = self.latest;
        let [get, set] = work.since(&before).filter(|_| !self.is_new).map_or([None; 2], |did| did.map(Some));
        self.stretches.push(Worked {
            from_s: from.as_secs_f64(),
            until_s: at.as_secs_f64(),
            get,
            set,
            get_p99_s: work.get_p99_us.map(|micros| micros / 1e6),
        });
        (self.latest, self.is_new) = ((at, work), false);
    }

    /// From one question to the next; nothing where the server never told.
    pub(super) fn over_time(&self) -> Vec<Worked> {
        let has_any = self.stretches.iter().any(|stretch| stretch.get.is_some());
        if has_any { self.stretches.clone() } else { Vec::new() }
    }

    /// What the scored part took; `None` where the server was not asked any more.
    pub(super) fn served(&self, window: Window) -> Option<Served> {
        let last = self.stretches.last()?;
        let [from, until] = [window.from, window.until].map(SimTime::as_secs_f64);
        let is_scored = |stretch: &&Worked| stretch.from_s >= from && stretch.until_s <= until;
        let scored: Vec<&Worked> = self.stretches.iter().filter(is_scored).collect();
        let mean_s = |of: fn(&Worked) -> Option<Calls>| {
            scored.iter().filter_map(|stretch| of(stretch)).fold(Calls::default(), Calls::and).mean_s()
        };
        Some(Served {
            get_mean_s: mean_s(|stretch| stretch.get),
            set_mean_s: mean_s(|stretch| stretch.set),
            get_p99_s: last.get_p99_s,
            slowest: slowest(&scored),
        })
    }
}

/// The one of several stretches in which GETs took longest.
fn slowest(stretches: &[&Worked]) -> Option<Slowest> {
    let gets = |stretch: &Worked| stretch.get.map_or(0, |get| get.calls) as f64;
    let few = FEW * stretches.iter().map(|stretch| gets(stretch)).sum::<f64>() / stretches.len() as f64;
    let told = stretches.iter().filter(|stretch| stretches.len() > 1 && gets(stretch) >= few);
    let told = told.filter_map(|stretch| {
        Some(Slowest {
            from_s: stretch.from_s,
            until_s: stretch.until_s,
            get_mean_s: stretch.get?.mean_s()?,
            set_mean_s: stretch.set.and_then(Calls::mean_s),
        })
    });
    told.max_by(|one, other| one.get_mean_s.total_cmp(&other.get_mean_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    /// What a server answers after so many GETs and SETs that took so many microseconds.
    fn work(get: [u64; 2], set: [u64; 2]) -> Work {
        Work::parse(&format!(
            "cmdstat_info:calls={},usec=9\r\ncmdstat_get:calls={},usec={}\r\ncmdstat_set:calls={},usec={}\r\n\
             latency_percentiles_usec_get:p50=1.003,p99=7.007\r\n",
            1 + get[0],
            get[0],
            get[1],
            set[0],
            set[1]
        ))
    }

    /// Stretches of a second after a warm-up of one, in which GETs and SETs came on top.
    fn told(sums: &[([u64; 2], [u64; 2])]) -> Working {
        let mut working = Working::begin(work([1_000, 90_000], [10, 90]));
        for (second, (get, set)) in (1..).zip(sums) {
            working.tell(at(second), work(*get, *set));
        }
        working
    }

    fn micros(mean_s: Option<f64>) -> Option<f64> {
        mean_s.map(|mean_s| (mean_s * 1e9).round() / 1e3)
    }

    #[test]
    fn what_it_worked_is_told_in_units_that_people_use_with_when_it_was_slowest() {
        let slowest = Slowest { from_s: 0.0, until_s: 61.0, get_mean_s: 4.5e-6, set_mean_s: None };
        let served = Served {
            get_mean_s: Some(2e-6),
            set_mean_s: Some(6.254_9e-6),
            get_p99_s: Some(1.234e-3),
            slowest: Some(slowest),
        };
        assert_eq!(
            served.words().unwrap(),
            "the server itself worked 2 µs on a GET and 6.25 µs on a SET on average; at its slowest, from 0 s to 1 min 1 s, 4.5 µs on a \
             GET; at most 1.23 ms on 99 of 100 GETs since its start"
        );
        let reads = Served { set_mean_s: None, get_p99_s: None, slowest: None, ..served };
        assert_eq!(reads.words().unwrap(), "the server itself worked 2 µs on a GET on average");
        assert_eq!(Served { get_mean_s: None, ..reads }.words(), None);
    }

    #[test]
    fn means_are_of_the_scored_part_and_the_slowest_stretch_is_found_in_it() {
        let working = told(&[
            ([1_100, 99_000], [20, 900]),
            ([1_200, 99_200], [30, 950]),
            ([1_300, 99_500], [40, 1_030]),
            // Few GETs say nothing, however slow.
            ([1_301, 99_599], [40, 1_030]),
        ]);
        let served = working.served(Window { from: at(1), until: at(4) }).unwrap();
        let mean = 599.0 / 201.0;
        assert_eq!(micros(served.get_mean_s), micros(Some(mean / 1e6)));
        assert_eq!((micros(served.set_mean_s), served.get_p99_s), (Some(6.5), Some(7.007e-6)));
        let slowest = served.slowest.unwrap();
        assert_eq!((slowest.from_s, slowest.until_s), (2.0, 3.0));
        assert_eq!((micros(Some(slowest.get_mean_s)), micros(slowest.set_mean_s)), (Some(3.0), Some(8.0)));
        let over_time = working.over_time();
        assert_eq!(over_time.len(), 4);
        assert_eq!(
            over_time[0].get,
            Some(Calls { calls: 100, micros: 9_000 }),
            "the warm-up has a stretch as well"
        );
        assert_eq!(over_time[3].set, Some(Calls::default()), "none is not unknown");
        let all = working.served(Window { from: at(0), until: at(4) }).unwrap();
        assert_eq!(all.slowest.map(|slowest| slowest.until_s), Some(1.0));
        let one = working.served(Window { from: at(3), until: at(4) }).unwrap();
        assert_eq!(one.slowest, None, "there is no other");
    }

    #[test]
    fn a_stretch_in_which_somebody_reset_the_counters_or_started_the_server_anew_has_none() {
        // A sum that falls is noticed by itself; one that has grown beyond what it was only where it is told.
        let mut working = told(&[([1_100, 99_000], [20, 100]), ([50, 100], [2, 4]), ([150, 400], [4, 12])]);
        working.begin_anew();
        working.tell(at(4), work([9_000, 9_000_000], [5, 20]));
        working.tell(at(5), work([9_100, 9_000_200], [6, 21]));
        let over_time = working.over_time();
        let gets: Vec<_> =
            over_time.iter().map(|stretch| stretch.get.map(|get| [get.calls, get.micros])).collect();
        assert_eq!(gets, [Some([100, 9_000]), None, Some([100, 300]), None, Some([100, 200])]);
        let sets: Vec<_> = over_time.iter().map(|stretch| stretch.set.map(|set| set.calls)).collect();
        assert_eq!(sets, [Some(10), None, Some(2), None, Some(1)]);
        let served = working.served(Window { from: at(1), until: at(5) }).unwrap();
        assert_eq!(micros(served.get_mean_s), Some(2.5), "of what is known");
        // Time alone that falls is as much of a reset.
        let falls = told(&[([1_100, 99_000], [20, 100]), ([1_200, 300], [30, 150])]);
        assert_eq!(falls.over_time()[1].get, None);
    }

    #[test]
    fn a_server_that_keeps_no_such_sums_tells_nothing() {
        let mut working = Working::begin(Work::default());
        assert_eq!(working.served(Window { from: at(0), until: at(2) }), None, "nobody asked");
        (1..3).for_each(|second| working.tell(at(second), Work::default()));
        assert!(working.over_time().is_empty());
        let served = working.served(Window { from: at(0), until: at(2) }).unwrap();
        assert_eq!((served.get_mean_s, served.set_mean_s, served.slowest), (None, None, None));
    }
}
