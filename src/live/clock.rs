//! Virtual time as the wall clock tells it: `speed` virtual seconds pass in each real one.

use std::time::{Duration, Instant};

use crate::units::{SimDuration, SimTime};

/// When the run began, and how fast it goes. It follows the machine's steady clock, which no one can set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Instant,
    speed: f64,
}

impl Clock {
    /// A clock whose virtual time begins after a pause.
    pub(super) fn beginning_in(pause: Duration, speed: f64) -> Self {
        Self { began: Instant::now() + pause, speed }
    }

    /// The real instant at which virtual time begins.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// The virtual time now; zero before the beginning.
    pub(super) fn now(&self) -> SimTime {
        self.at(Instant::now())
    }

    /// The virtual time at a real instant.
    pub(super) fn at(&self, instant: Instant) -> SimTime {
        let real = instant.saturating_duration_since(self.began);
        let nanos = SimDuration::from_nanos(u64::try_from(real.as_nanos()).unwrap_or(u64::MAX));
        SimTime::ZERO + if self.is_real() { nanos } else { nanos.scaled(self.speed) }
    }

    /// The real instant of a virtual time.
    pub(super) fn instant(&self, at: SimTime) -> Instant {
        self.began + self.real(at.since(SimTime::ZERO))
    }

    /// How long a virtual span takes; at most a century.
    pub(super) fn real(&self, span: SimDuration) -> Duration {
        const CENTURY: Duration = Duration::from_secs(3_155_760_000);
        let nanos = if self.is_real() { span } else { span.scaled(1.0 / self.speed) };
        Duration::from_nanos(nanos.as_nanos()).min(CENTURY)
    }

    /// The virtual span that goes by in a real one.
    pub(super) fn virtual_span(&self, real: Duration) -> SimDuration {
        let nanos = SimDuration::from_nanos(u64::try_from(real.as_nanos()).unwrap_or(u64::MAX));
        if self.is_real() { nanos } else { nanos.scaled(self.speed) }
    }

    #[expect(clippy::float_cmp, reason = "one is written as one")]
    fn is_real(&self) -> bool {
        self.speed == 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_virtual_seconds_pass_in_a_real_one_at_speed_10() {
        let clock = Clock::beginning_in(Duration::from_secs(5), 10.0);
        assert_eq!(clock.now(), SimTime::ZERO, "it has not begun");
        let later = SimTime::ZERO + SimDuration::from_secs(20);
        assert_eq!(clock.instant(later) - clock.began(), Duration::from_secs(2));
        assert_eq!(clock.at(clock.began() + Duration::from_secs(2)), later);
        assert_eq!(clock.virtual_span(Duration::from_millis(1)), SimDuration::from_millis(10));
        assert!(clock.real(SimDuration::FOREVER) < Duration::MAX);
    }
}
