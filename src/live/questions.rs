//! When a server is asked what it has worked, which its sums of commands tell: seldom, as each question is work as well.

use std::time::Duration;

use super::clock::Clock;
use super::server::Sections;
use crate::units::{SimDuration, SimTime, Window};

/// The real time from one question to the next, at least. Redis 7.0.15 needed 60 microseconds for both sections after ten kinds of
/// commands and 250 after sixty (INFO's own usec in commandstats, over a thousand calls, two shared processors), when a look at it took
/// 33 and a GET 1: once a second that is at most a four-thousandth of its time.
const SELDOM: Duration = Duration::from_secs(1);

/// Most questions in a run, about.
const MOST: u64 = 100;

/// What looks at the server ask for besides, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Questions {
    pub(super) sections: Sections,
    pub(super) window: Window,
    /// From one question to the next, in the time of the trace.
    step: SimDuration,
}

impl Questions {
    /// Once in so many buckets of the series as are no less than a second of real time, and than a hundredth of the run.
    pub(super) fn of(window: Window, bucket: SimDuration, clock: Clock, sections: Sections) -> Self {
        let run = window.until.since(SimTime::ZERO).as_nanos();
        let least = clock.virtual_span(SELDOM).as_nanos().max(run.div_ceil(MOST));
        let bucket = bucket.as_nanos().max(1);
        let step = SimDuration::from_nanos(bucket.saturating_mul(least.div_ceil(bucket).max(1)));
        Self { sections, window, step }
    }

    /// Whether a look at an instant asks, when the latest question was at another: the first of each step, and where the scored
    /// part begins and ends; not less than half a step before and after that. Looks may come late, and steps stay what they are.
    pub(super) fn is_due(&self, at: SimTime, latest: SimTime) -> bool {
        let borders = [self.window.from, self.window.until];
        let is_near = |one: SimTime, other: SimTime| other.since(one).as_nanos() < self.step.as_nanos() / 2;
        let is_before_border = borders.iter().any(|border| *border > at && is_near(at, *border));
        let is_in_next = at.bucket(self.step) > latest.bucket(self.step);
        borders.contains(&at) || (is_in_next && !is_near(latest, at) && !is_before_border)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    fn questions(from: u64, until: u64, bucket: u64, speed: f64) -> Questions {
        let window = Window { from: at(from), until: at(until) };
        let clock = Clock::beginning_in(Duration::ZERO, speed);
        Questions::of(window, SimDuration::from_millis(bucket), clock, Sections::Both)
    }

    #[test]
    fn questions_are_whole_buckets_apart_and_never_many() {
        let step = |until, bucket, speed| questions(0, until, bucket, speed).step.as_nanos() / 1_000_000;
        assert_eq!((step(3_000, 10, 1.0), step(3_000, 300, 1.0)), (1_000, 1_200));
        assert_eq!(step(60_000, 5_000, 1.0), 5_000, "once a bucket");
        assert_eq!(step(3_600_000, 10_000, 1.0), 40_000, "a hundred at most");
        assert_eq!(step(40_000, 100, 4.0), 4_000, "a second of real time");
    }

    #[test]
    fn what_is_scored_begins_and_ends_with_a_question() {
        // Looks are five a second, the later ones a little late, and where the scored part begins and ends.
        let looks = (1..=29).map(|nth| at(nth * 200 + nth)).chain([at(2_600), at(6_000)]);
        let looks: BTreeSet<SimTime> = looks.collect();
        let (questions, mut asked) = (questions(2_600, 6_000, 10, 1.0), vec![at(0)]);
        for look in looks {
            if questions.is_due(look, asked[asked.len() - 1]) {
                asked.push(look);
            }
        }
        // 3.015 s is less than half a step after the border, and so is what comes before 3.1 s.
        assert_eq!(asked, [0, 1_005, 2_010, 2_600, 3_216, 4_020, 5_025, 6_000].map(at));
    }
}
