//! Which Unix millisecond an instant of a run is.

use super::END;
use crate::units::SimTime;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// A wall clock beside the run: its first instant is the beginning of a known Unix millisecond.
///
/// A server reads whole milliseconds, so all instants of one millisecond are the same to it. An expiry at
/// millisecond `m` is the last nanosecond of `m`: then "dead if `now > expires_at`", which the cache says
/// of nanoseconds, says the same of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    start: i64,
}

impl WallClock {
    /// A clock by which the run begins at `unix_ms`, in milliseconds since 1970.
    pub const fn starting_at(unix_ms: i64) -> Self {
        Self { start: unix_ms }
    }

    /// What a server reads at an instant, in milliseconds since 1970.
    pub fn unix_ms(self, at: SimTime) -> i64 {
        let since_start = i64::try_from(at.as_nanos() / NANOS_PER_MILLI).expect("2^64 ns are 2^44 ms");
        self.start.saturating_add(since_start)
    }

    /// The first instant of a millisecond; what lies before the run is its first instant.
    pub fn instant(self, unix_ms: i64) -> SimTime {
        let since_start = u64::try_from(unix_ms.saturating_sub(self.start)).unwrap_or(0);
        SimTime::from_nanos(since_start.saturating_mul(NANOS_PER_MILLI))
    }

    /// The last instant of a millisecond: until then a key lives that expires in it.
    ///
    /// What lies before the run is its first instant, so a value that was dead before the run is seen in
    /// its first nanosecond. What lies more than 584 years ahead is the last instant that is not
    /// [`SimTime::NEVER`], which would mean no TTL at all; commands remember its millisecond beside it.
    pub fn expiry(self, unix_ms: i64) -> SimTime {
        if unix_ms < self.start {
            return SimTime::ZERO;
        }
        let next = self.instant(unix_ms.saturating_add(1)).as_nanos();
        if next == u64::MAX { END } else { SimTime::from_nanos(next - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_reads_as_its_millisecond_and_ends_with_it() {
        let clock = WallClock::starting_at(1_000);
        for unix_ms in [1_000, 1_001, 5_000_000_000_000] {
            let end = clock.expiry(unix_ms);
            assert_eq!(clock.unix_ms(end), unix_ms);
            assert_eq!(clock.unix_ms(SimTime::from_nanos(end.as_nanos() + 1)), unix_ms + 1);
            assert_eq!(clock.unix_ms(clock.instant(unix_ms)), unix_ms);
        }
    }

    #[test]
    fn what_lies_outside_the_run_is_cut_to_it() {
        let clock = WallClock::starting_at(1_000);
        assert_eq!(clock.expiry(999), SimTime::ZERO);
        assert_eq!(clock.instant(-5), SimTime::ZERO);
        assert!(clock.expiry(i64::MAX) < SimTime::NEVER);
    }
}
