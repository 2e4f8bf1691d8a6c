//! The server's configuration, under Redis's own names.

use super::Kinds;
use crate::units::{SimDuration, SimTime};

/// What Redis's configuration says, and what the simulator must be told beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Keys drawn for each victim (`maxmemory-samples`).
    pub samples: u32,
    /// How hard the active expiry works, 1 to 10 (`active-expire-effort`).
    pub effort: u32,
    /// Calls of the cron per second, 1 to 500 (`hz`); with many connections more, see [`effective_hz`](Self::effective_hz).
    pub hz: u32,
    /// Whether many connections make for more calls of the cron (`dynamic-hz`).
    pub dynamic_hz: bool,
    /// How slowly the LFU counter saturates (`lfu-log-factor`).
    pub lfu_log_factor: u32,
    /// Minutes after which an idle LFU counter loses one; 0 for never (`lfu-decay-time`).
    pub lfu_decay_time: u32,
    /// How long one call may evict, 0 to 100 (`maxmemory-eviction-tenacity`).
    pub tenacity: u32,
    /// The step of the LRU clock.
    pub lru_clock: LruClock,
    /// Where in a wall-clock minute the run begins, in milliseconds: the LRU clock steps at full seconds, and
    /// LFU counters decay at full minutes.
    pub clock_phase_ms: u32,
    /// When the cron ticks first; of a longer time than from one tick to the next, what is left of it.
    pub cron_phase: SimDuration,
    /// How long a second of the server's clock takes in the trace's time: longer than one where a trace is played
    /// faster than it was recorded. Ticks, the LRU clock, LFU's minutes and the time after which a connection is idle
    /// follow it.
    pub second: SimDuration,
    /// Bytes in use at the beginning beyond those of a server that has just been started: what is left of what it was sent
    /// before; below 0 where it takes less.
    pub in_use_before: i64,
    /// Kinds of commands of which the server has a histogram since then, among [`in_use_before`](Self::in_use_before).
    pub ran_before: Kinds,
    /// Processor time of one deletion.
    pub expire_cost: SimDuration,
    /// Processor time of one visited bucket.
    pub visit_cost: SimDuration,
}

/// The step of the LRU clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum LruClock {
    /// Whole seconds, read by the cron: Redis.
    #[default]
    #[serde(rename = "1s")]
    Seconds,
    /// Milliseconds, read at every command: a study aid that no Redis offers.
    #[serde(rename = "1ms")]
    Milliseconds,
}

impl Default for Settings {
    /// The defaults of Redis 7.0, and a microsecond for a deletion.
    fn default() -> Self {
        Self {
            samples: 5,
            effort: 1,
            hz: 10,
            dynamic_hz: true,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
            tenacity: 10,
            lru_clock: LruClock::Seconds,
            clock_phase_ms: 0,
            cron_phase: SimDuration::ZERO,
            second: SimDuration::from_secs(1),
            in_use_before: 0,
            ran_before: Kinds::default(),
            expire_cost: SimDuration::from_micros(1),
            visit_cost: SimDuration::from_nanos(100),
        }
    }
}

/// The cron may not be called more often in a second.
pub(super) const MOST_HZ: u32 = 500;

/// Connections that one call of the cron is to answer for at most.
const CLIENTS_PER_TICK: usize = 200;

impl Settings {
    /// Calls of the cron per second with so many connections: with `dynamic-hz`, twice as many until one call answers for
    /// no more than 200 connections, and at most 500 (`server.c:serverCron`).
    pub fn effective_hz(&self, clients: usize) -> u32 {
        let mut hz = self.hz.clamp(1, MOST_HZ);
        while self.dynamic_hz && hz < MOST_HZ && clients / hz as usize > CLIENTS_PER_TICK {
            hz = (hz * 2).min(MOST_HZ);
        }
        hz
    }

    /// Time between two ticks of the cron: whole milliseconds of the server's clock (`server.c:serverCron`).
    pub(super) fn tick(&self) -> SimDuration {
        let millis = 1_000 / u64::from(self.hz.clamp(1, MOST_HZ));
        SimDuration::from_nanos((self.second.as_nanos().saturating_mul(millis) / 1_000).max(1))
    }

    /// How long a span of the server's clock takes in the trace's time.
    pub(super) fn span(&self, real: SimDuration) -> SimDuration {
        const SECOND: SimDuration = SimDuration::from_secs(1);
        if self.second == SECOND { real } else { real.scaled(self.second.as_secs_f64()) }
    }

    /// What the server's clock shows at an instant, in milliseconds.
    pub(super) fn wall_millis(&self, now: SimTime) -> u64 {
        const SECOND: SimDuration = SimDuration::from_secs(1);
        let since = match self.second {
            SECOND => now.as_nanos() / 1_000_000,
            second => {
                let millis = u128::from(now.as_nanos()) * 1_000 / u128::from(second.as_nanos().max(1));
                u64::try_from(millis).unwrap_or(u64::MAX / 2)
            }
        };
        since + u64::from(self.clock_phase_ms)
    }

    /// How long one call may evict; for ever at 100 (`evict.c:evictionTimeLimitUs`).
    pub(super) fn eviction_limit(&self) -> SimDuration {
        match self.tenacity {
            0..=10 => SimDuration::from_micros(50 * u64::from(self.tenacity)),
            11..=99 => SimDuration::from_secs_f64(500e-6 * 1.15_f64.powi(self.tenacity.cast_signed() - 10)),
            _ => SimDuration::FOREVER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_whose_second_takes_ten_ticks_and_ages_a_tenth_as_often() {
        let second = SimDuration::from_secs(10);
        let slow = Settings { second, clock_phase_ms: 500, ..Settings::default() };
        assert_eq!(slow.tick(), SimDuration::from_secs(1));
        assert_eq!(slow.span(SimDuration::from_micros(30)), SimDuration::from_micros(300));
        assert_eq!(Settings::default().span(SimDuration::from_micros(30)), SimDuration::from_micros(30));
        // The server counts whole milliseconds.
        let odd = Settings { hz: 300, ..Settings::default() };
        assert_eq!(odd.tick(), SimDuration::from_millis(3));
        assert_eq!(Settings { hz: 300, ..slow }.tick(), SimDuration::from_millis(30));
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        assert_eq!((slow.wall_millis(at(0)), slow.wall_millis(at(25))), (500, 3_000));
        assert_eq!(Settings::default().wall_millis(at(25)), 25_000);
    }

    #[test]
    fn many_connections_double_the_rate_of_the_cron() {
        let hz = |hz, dynamic_hz, clients| {
            Settings { hz, dynamic_hz, ..Settings::default() }.effective_hz(clients)
        };
        assert_eq!(
            [1, 2_009, 2_010, 2_500, 4_019, 4_020].map(|clients| hz(10, true, clients)),
            [10, 10, 20, 20, 20, 40]
        );
        assert_eq!((hz(1, true, 402), hz(10, true, 200_000), hz(400, true, 100_000)), (4, 500, 500));
        assert_eq!(hz(10, false, 2_500), 10);
    }

    #[test]
    fn tenacity_is_linear_to_10_and_grows_by_15_percent_a_step_above() {
        let limit = |tenacity| Settings { tenacity, ..Settings::default() }.eviction_limit();
        assert_eq!(limit(0), SimDuration::ZERO);
        assert_eq!(limit(10), SimDuration::from_micros(500));
        assert_eq!(limit(11), SimDuration::from_micros(575));
        assert!((limit(99).as_secs_f64() - 126.6).abs() < 1.0, "about two minutes: {}", limit(99));
        assert_eq!(limit(100), SimDuration::FOREVER);
    }
}
