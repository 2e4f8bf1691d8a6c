//! What a server held at each look at it, and between two looks.

use crate::units::{SimDuration, SimTime};

/// What one look showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) at: SimTime,
    pub(super) used: u64,
    /// Bytes of connections among them, where it tells.
    pub(super) of_clients: Option<u64>,
    pub(super) keys: u64,
    pub(super) evicted: u64,
    pub(super) expired: u64,
    /// Reads that found a key and that did not, as the server counts them.
    pub(super) reads: [u64; 2],
}

/// All looks in the order of their instants; there is at least one when anything is asked.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    /// One more, not before the latest.
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The latest one.
    pub(super) fn last(&self) -> Option<&Sample> {
        self.0.last()
    }

    /// From one look to the next, on average.
    pub(super) fn spacing(&self) -> SimDuration {
        let looks = self.0.len() as u64 - 1;
        let span = self.0.last().map_or(SimDuration::ZERO, |last| last.at.since(self.0[0].at));
        SimDuration::from_nanos(span.as_nanos() / looks.max(1))
    }

    /// Whether every look told the bytes of connections.
    pub(super) fn tell_clients(&self) -> bool {
        self.0.iter().all(|sample| sample.of_clients.is_some())
    }

    /// The state at an instant: that of the latest look until then.
    pub(super) fn state(&self, at: SimTime) -> Sample {
        let next = self.0.partition_point(|sample| sample.at <= at);
        self.0[next.saturating_sub(1)]
    }

    /// A quantity at an instant: between two looks it went from the one value to the other.
    pub(super) fn between(&self, at: SimTime, of: impl Fn(&Sample) -> u64) -> f64 {
        let next = self.0.partition_point(|sample| sample.at <= at);
        let before = &self.0[next.saturating_sub(1)];
        let Some(after) = self.0.get(next).filter(|_| next > 0) else { return of(before) as f64 };
        let share = at.since(before.at).as_secs_f64() / after.at.since(before.at).as_secs_f64();
        of(before) as f64 + share * (of(after) as f64 - of(before) as f64)
    }

    /// The integral of a quantity over the seconds between two instants, and the most of it at once.
    pub(super) fn over(&self, from: SimTime, until: SimTime, of: impl Fn(&Sample) -> u64) -> (f64, u64) {
        let inside = self.0.iter().filter(|sample| sample.at > from && sample.at < until);
        let inside = inside.map(|sample| (sample.at, of(sample) as f64));
        let (mut at, mut now) = (from, self.between(from, &of));
        let (mut sum, mut most) = (0.0, now);
        for (next, then) in inside.chain([(until, self.between(until, &of))]) {
            sum += next.since(at).as_secs_f64() * (now + then) / 2.0;
            most = most.max(then);
            (at, now) = (next, then);
        }
        (sum, whole(most))
    }

    /// By how much a count rose at most in a whole second from an instant on.
    pub(super) fn most_in_a_second(&self, from: SimTime, until: SimTime, of: impl Fn(&Sample) -> u64) -> u64 {
        const SECOND: SimDuration = SimDuration::from_secs(1);
        let (mut most, mut at) = (0.0_f64, from);
        while at < until {
            let end = (at + SECOND).min(until);
            most = most.max(self.between(end, &of) - self.between(at, &of));
            at = end;
        }
        whole(most)
    }
}

/// Bytes or keys of a server as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes and keys of a server")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}
