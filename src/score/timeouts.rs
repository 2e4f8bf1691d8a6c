//! What constant idle timeouts cost on a trace: what a rule that steers one is to be held against.
//!
//! A value is kept until nobody has asked for it for as long as the timeout. So each request keeps its object until the
//! next one for it, or for the timeout if that comes later, which then is a miss: the gaps between requests tell the cost of every
//! timeout in one pass. Fetches take no time, memory has no limit, and nothing else ends a stay.

use crate::trace::Trace;
use crate::units::{SimDuration, SimTime, Window};

/// Timeouts that are tried for each factor of ten: the cost is flat near its least.
const PER_DECADE: f64 = 20.0;

/// What a rule weighs against each other, in one currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// A fetch from the origin.
    pub miss: f64,
    /// A GB (1e9 bytes) kept for an hour.
    pub gb_hour: f64,
}

impl Weighed {
    /// What so many fetches, and so many bytes times nanoseconds, cost together.
    fn cost(self, fetches: u64, byte_ns: i128) -> f64 {
        fetches as f64 * self.miss + byte_ns as f64 / (1e9 * 3.6e12) * self.gb_hour
    }
}

/// What constant timeouts cost an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeoutCosts {
    /// The cheapest of those that were tried.
    pub best: SimDuration,
    /// What that costs.
    pub best_cost: f64,
    /// A timeout of nothing: every request is a fetch.
    pub none_cost: f64,
    /// No timeout: everything is kept from its first request on.
    pub forever_cost: f64,
}

/// Tries timeouts between `least` and `greatest`; what is scored lies in `window`. `None` where nothing is.
///
/// # Panics
/// If the file of a spooled trace can no longer be read.
pub fn timeouts(
    trace: &Trace,
    window: Window,
    weighed: Weighed,
    (least, greatest): (SimDuration, SimDuration),
) -> Option<TimeoutCosts> {
    let hours = window.length().as_secs_f64() / 3_600.0;
    let mut gaps = Gaps::new(tried(least, greatest), window);
    let mut last = vec![SimTime::NEVER; trace.objects().len()];
    trace.each(|at, object| {
        let before = std::mem::replace(&mut last[object.index()], at);
        gaps.request(before, at, trace.objects().size(object));
    });
    for (fact, last) in trace.objects().facts().iter().zip(last).filter(|(_, last)| *last != SimTime::NEVER) {
        gaps.kept(last, window.until, fact.size);
    }
    if gaps.requests == 0 || hours <= 0.0 {
        return None;
    }
    let costs = gaps.costs(weighed).into_iter().map(|(timeout, cost)| (timeout, cost / hours));
    let (best, best_cost) = costs.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
    Some(TimeoutCosts {
        best,
        best_cost,
        none_cost: weighed.cost(gaps.requests, 0) / hours,
        forever_cost: weighed.cost(gaps.firsts, gaps.whole.iter().sum()) / hours,
    })
}

/// Timeouts at equal ratios, both ends included.
fn tried(least: SimDuration, greatest: SimDuration) -> Vec<SimDuration> {
    let ratio = greatest.as_secs_f64() / least.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let steps = (ratio.log10() * PER_DECADE).ceil().clamp(0.0, 1_000.0) as u32;
    let between = (0..steps).map(|step| least.scaled(ratio.powf(f64::from(step) / f64::from(steps))));
    between.chain([greatest]).collect()
}

/// The gaps between requests, by the timeouts that they are longer than.
struct Gaps {
    timeouts: Vec<SimDuration>,
    window: Window,
    /// Scored requests, and those of them that were the first for their object.
    requests: u64,
    firsts: u64,
    /// Scored requests by how many timeouts their gap is longer than.
    late: Vec<u64>,
    /// Bytes that are kept, by how many timeouts the keeping is longer than; negative for what comes before the window.
    bytes: Vec<i128>,
    /// The same times how long, in nanoseconds.
    whole: Vec<i128>,
}

impl Gaps {
    fn new(timeouts: Vec<SimDuration>, window: Window) -> Self {
        let steps = timeouts.len() + 1;
        let (late, bytes, whole) = (vec![0; steps], vec![0; steps], vec![0; steps]);
        Self { timeouts, window, requests: 0, firsts: 0, late, bytes, whole }
    }

    /// How many timeouts a gap is longer than: a value is still there at the end of its timeout.
    fn step(&self, gap: SimDuration) -> usize {
        self.timeouts.partition_point(|timeout| *timeout < gap)
    }

    /// A request, and the one before for the same object.
    fn request(&mut self, before: SimTime, at: SimTime, size: u32) {
        let is_scored = self.window.contains(at);
        self.requests += u64::from(is_scored);
        if before == SimTime::NEVER {
            self.firsts += u64::from(is_scored);
            return;
        }
        let step = self.step(at.since(before));
        self.late[step] += u64::from(is_scored);
        self.kept(before, at, size);
    }

    /// An object of `size` bytes is kept from `from` until `until`, unless its timeout is shorter.
    fn kept(&mut self, from: SimTime, until: SimTime, size: u32) {
        let length = until.since(from);
        self.add(length, i128::from(size));
        let before = self.window.from.since(from).min(length);
        if !before.is_zero() {
            self.add(before, -i128::from(size));
        }
    }

    fn add(&mut self, length: SimDuration, bytes: i128) {
        let step = self.step(length);
        self.bytes[step] += bytes;
        self.whole[step] += bytes * i128::from(length.as_nanos());
    }

    /// What each timeout costs.
    fn costs(&self, weighed: Weighed) -> Vec<(SimDuration, f64)> {
        let mut late: u64 = self.late.iter().sum();
        let (mut cut, mut whole) = (self.bytes.iter().sum::<i128>(), 0);
        let cost = |(place, timeout): (usize, &SimDuration)| {
            late -= self.late[place];
            cut -= self.bytes[place];
            whole += self.whole[place];
            let byte_ns = whole + cut * i128::from(timeout.as_nanos());
            (*timeout, weighed.cost(self.firsts + late, byte_ns))
        };
        self.timeouts.iter().enumerate().map(cost).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects};

    const fn at(secs: u64) -> SimTime {
        SimTime::from_nanos(secs * 1_000_000_000)
    }

    fn trace(requests: &[(u64, u32)], sizes: &[u32]) -> Trace {
        let fact = |size: &u32| Fact { size: *size, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(sizes.iter().map(fact).collect(), Keys::Numbered, vec!["all".into()]);
        let (times, ids) = requests.iter().map(|(secs, object)| (at(*secs), ObjectId::new(*object))).unzip();
        Trace::new(times, ids, objects, SimDuration::from_secs(3_600))
    }

    /// Fetches and byte-seconds of a timeout, request by request.
    fn played(requests: &[(u64, u32)], sizes: &[u32], window: Window, timeout: SimDuration) -> (u64, f64) {
        let (mut fetches, mut byte_seconds) = (0, 0.0);
        for (place, (now, object)) in requests.iter().enumerate() {
            let before = requests[..place].iter().rev().find(|(_, other)| other == object);
            let held = before.is_some_and(|(then, _)| at(*now) <= at(*then) + timeout);
            fetches += u64::from(!held && window.contains(at(*now)));
            let next = requests[place + 1..].iter().find(|(_, other)| other == object);
            let end = next.map_or(window.until, |(then, _)| at(*then)).min(at(*now) + timeout);
            byte_seconds += f64::from(sizes[*object as usize]) * window.overlap(at(*now), end).as_secs_f64();
        }
        (fetches, byte_seconds)
    }

    #[test]
    fn every_timeout_costs_what_a_play_of_it_does() {
        let mut draw = Seed::new(4).stream();
        let mut requests: Vec<(u64, u32)> = (0..400)
            .map(|_| {
                let (at, object): (u64, u32) = (
                    rand::RngExt::random_range(&mut draw, 0..=3_600),
                    rand::RngExt::random_range(&mut draw, 0..9),
                );
                (at, object * object / 9)
            })
            .collect();
        requests.sort_unstable();
        let sizes: Vec<u32> = (1..=9).map(|number| 1_000 * number).collect();
        let weighed = Weighed { miss: 1e-4, gb_hour: 500.0 };
        for from in [0, 600] {
            let window = Window { from: at(from), until: at(3_600) };
            let hours = window.length().as_secs_f64() / 3_600.0;
            let cost = |timeout| {
                let (fetches, byte_seconds) = played(&requests, &sizes, window, timeout);
                (fetches as f64 * weighed.miss + byte_seconds / 3.6e12 * weighed.gb_hour) / hours
            };
            let limits = (SimDuration::from_secs(1), SimDuration::from_secs(3_000));
            let found = timeouts(&trace(&requests, &sizes), window, weighed, limits).expect("it is scored");
            let near = |one: f64, other: f64| (one - other).abs() < 1e-9 * other;
            assert!(near(found.best_cost, cost(found.best)), "{found:?} {}", cost(found.best));
            let all = tried(limits.0, limits.1);
            assert_eq!((all.first(), all.last()), (Some(&limits.0), Some(&limits.1)));
            assert!(all.iter().all(|timeout| cost(*timeout) >= found.best_cost * (1.0 - 1e-9)), "{found:?}");
            assert!(found.best > limits.0 && found.best < limits.1, "a valley: {found:?}");
            let scored = requests.iter().filter(|(secs, _)| *secs >= from).count();
            assert!(near(found.none_cost, scored as f64 * weighed.miss / hours), "{found:?}");
            assert!(near(found.forever_cost, cost(SimDuration::from_secs(9_999))), "{found:?}");
        }
    }

    #[test]
    fn nothing_is_known_where_nothing_is_scored() {
        let window = Window { from: at(10), until: at(3_600) };
        let limits = (SimDuration::from_secs(1), SimDuration::from_secs(1));
        let weighed = Weighed { miss: 1.0, gb_hour: 1.0 };
        assert_eq!(timeouts(&trace(&[(3, 0)], &[7]), window, weighed, limits), None);
        let found = timeouts(&trace(&[(30, 0)], &[7]), window, weighed, limits).expect("one request");
        assert_eq!(found.best, limits.0, "one timeout is the best of one");
    }
}
