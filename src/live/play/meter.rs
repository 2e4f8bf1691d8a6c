//! How many reads begin in a second of real time: no more than is allowed, also when the harness has to catch up, and when
//! many requests look again and again for a value that is not there yet.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::units::Rate;

/// In what time no more may begin than is allowed in a second. It is shorter than that, so that reads that are up to a tenth
/// of a second late do not count to a second in which others were meant to begin: what was planned within the limit is
/// within it then, whatever the bursts.
const WINDOW: Duration = Duration::from_millis(900);

/// What begins within this begins at once.
const GRAIN: Duration = Duration::from_millis(1);

/// How much those who look again may come at once, of what they may in all.
const BURST: Duration = Duration::from_millis(100);

/// When those who look again have their turn, in the order in which they want it.
#[derive(Debug)]
pub(super) struct Turns {
    gap: Duration,
    next: Instant,
}

impl Turns {
    /// At most so many in any second, from now on; one at least.
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        Self { gap: (Duration::from_secs(1) + BURST).div_f64(rate.max(1.0)), next: now }
    }

    /// The instant of the next turn, which is taken; not later than now where there is room at once.
    pub(super) fn take(&mut self, now: Instant) -> Instant {
        let turn = self.next.checked_sub(BURST).unwrap_or(now);
        self.next = self.next.max(now) + self.gap;
        turn.max(now)
    }
}

/// Reads that began of late.
#[derive(Debug)]
pub(super) struct Meter {
    most: f64,
    begun: VecDeque<(Instant, u64)>,
    inside: u64,
}

impl Meter {
    /// None so far, of at most so many.
    pub(super) fn new(rate: Rate) -> Self {
        Self { most: rate.as_per_second(), begun: VecDeque::new(), inside: 0 }
    }

    /// Most reads in a second.
    pub(super) fn most(&self) -> f64 {
        self.most
    }

    /// Whether one more may begin now; it counts if it may.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        let is_over = |began: Instant| now.saturating_duration_since(began) >= WINDOW;
        while let Some((_, reads)) = self.begun.front().copied().filter(|(began, _)| is_over(*began)) {
            self.begun.pop_front();
            self.inside -= reads;
        }
        if (self.inside + 1) as f64 > self.most {
            return false;
        }
        self.inside += 1;
        match self.begun.back_mut().filter(|(began, _)| now.saturating_duration_since(*began) < GRAIN) {
            Some((_, reads)) => *reads += 1,
            None => self.begun.push_back((now, 1)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the reads that begin at these milliseconds are let begin, at ten a second.
    fn admitted(millis: impl IntoIterator<Item = u64>) -> usize {
        let (began, mut meter) = (Instant::now(), Meter::new(Rate::per_second(10.0)));
        millis.into_iter().filter(|millis| meter.admits(began + Duration::from_millis(*millis))).count()
    }

    #[test]
    fn no_more_begin_in_a_second_than_are_allowed() {
        assert_eq!(admitted([0; 100]), 10);
        assert_eq!(admitted((0..100).map(|nth| nth * 100)), 100, "ten in every second");
        assert_eq!(admitted((0..1_000).map(|nth| nth * 10)), 120, "ten in nine tenths of every second");
        assert_eq!(admitted([0; 10].into_iter().chain([899; 10])), 10);
        assert_eq!(admitted([0; 10].into_iter().chain([900; 10])), 20);
    }

    #[test]
    fn those_who_look_again_take_turns() {
        let (began, millis) = (Instant::now(), Duration::from_millis);
        let mut turns = Turns::new(110.0, began);
        // A hundred want to look every millisecond: in no second more than 110 may, and one more where a burst begins it.
        let mut given: Vec<Instant> = (0..3_000).map(|nth| turns.take(began + millis(nth))).collect();
        assert!(given.is_sorted(), "nobody is overtaken");
        let inside = |from: u64| {
            let second = began + millis(from)..began + millis(from + 1_000);
            given.iter().filter(|turn| second.contains(turn)).count()
        };
        let counts: Vec<usize> = (0..20_000).step_by(50).map(inside).collect();
        assert!(counts.iter().all(|count| (100..=111).contains(count)), "{counts:?}");
        // Who comes seldom waits for nobody.
        let mut turns = Turns::new(110.0, began);
        given = (0..100).map(|nth| turns.take(began + millis(20 * nth))).collect();
        assert!((0..).zip(&given).all(|(nth, turn)| *turn == began + millis(20 * nth)));
    }

    #[test]
    fn what_is_planned_within_the_limit_may_be_late_by_a_tenth_of_a_second() {
        // Two bursts, a second apart, the first of which is late.
        assert_eq!(admitted([100; 10].into_iter().chain([1_000; 10])), 20);
    }
}
