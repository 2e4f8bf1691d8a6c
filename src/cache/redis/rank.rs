//! The 24 bits that Redis keeps with every object for LRU or LFU, and the scores made of them.
//!
//! `redis-7.0 evict.c:getLRUClock`, `evict.c:LFULogIncr`, `evict.c:LFUDecrAndReturn`.

use rand::Rng;

use super::settings::{LruClock, Settings};
use crate::random::Stream;
use crate::units::SimTime;

/// The LRU clock of seconds wraps after 194.2 days.
const SECONDS: u32 = 1 << 24;
/// Counter of a new key under LFU.
const FRESH: u32 = 5;

/// The value of the LRU clock at an instant.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the clock wraps: 24 bits of seconds, 32 of milliseconds"
)]
pub(super) fn lru_clock(settings: &Settings, now: SimTime) -> u32 {
    let millis = settings.wall_millis(now);
    match settings.lru_clock {
        LruClock::Seconds => (millis / 1_000) as u32 % SECONDS,
        LruClock::Milliseconds => millis as u32,
    }
}

/// Idle time in milliseconds of an object stamped `stamp` when the clock shows `clock`.
#[inline]
pub(super) fn idle(settings: &Settings, clock: u32, stamp: u32) -> u64 {
    match settings.lru_clock {
        LruClock::Milliseconds => u64::from(clock.wrapping_sub(stamp)),
        LruClock::Seconds if clock >= stamp => u64::from(clock - stamp) * 1_000,
        LruClock::Seconds => (u64::from(clock) + u64::from(SECONDS - 1) - u64::from(stamp)) * 1_000,
    }
}

/// The stamp of an object that has been idle for so many milliseconds when the clock shows `clock`.
#[expect(clippy::cast_possible_truncation, reason = "idle times are differences of stamps")]
pub(super) fn aged(settings: &Settings, clock: u32, idle: u64) -> u32 {
    match settings.lru_clock {
        LruClock::Milliseconds => clock.wrapping_sub(idle as u32),
        LruClock::Seconds => (clock + SECONDS - (idle / 1_000) as u32) % SECONDS,
    }
}

/// The LFU bits of an object loaded from a snapshot: its counter as it had decayed when that was saved, and the minute
/// of the load.
pub(super) fn lfu_loaded(settings: &Settings, saved_at: SimTime, now: SimTime, bits: u32) -> u32 {
    packed(minute(settings, now), lfu_counter(settings, saved_at, bits))
}

/// The minute that LFU keeps, 16 bits: it wraps after 45.5 days.
#[expect(clippy::cast_possible_truncation, reason = "the minute wraps")]
fn minute(settings: &Settings, now: SimTime) -> u32 {
    u32::from((settings.wall_millis(now) / 60_000) as u16)
}

/// Minute and counter as they are kept.
fn packed(minute: u32, counter: u32) -> u32 {
    minute << 8 | counter
}

/// The LFU bits of a new key.
pub(super) fn lfu_fresh(settings: &Settings, now: SimTime) -> u32 {
    packed(minute(settings, now), FRESH)
}

/// The counter after its decay, which is not stored.
pub(super) fn lfu_counter(settings: &Settings, now: SimTime, bits: u32) -> u32 {
    let (then, counter) = (bits >> 8, bits & 255);
    if settings.lfu_decay_time == 0 {
        return counter;
    }
    let now = minute(settings, now);
    let elapsed = if now >= then { now - then } else { 65_535 - then + now };
    counter.saturating_sub(elapsed / settings.lfu_decay_time)
}

/// The LFU bits after a touch: the counter decays, then grows by chance, ever more slowly.
pub(super) fn lfu_touched(settings: &Settings, now: SimTime, bits: u32, random: &mut Stream) -> u32 {
    let counter = lfu_counter(settings, now, bits);
    let base = f64::from(counter.saturating_sub(FRESH));
    let grows = counter < 255 && {
        let draw = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        draw < 1.0 / (base * f64::from(settings.lfu_log_factor) + 1.0)
    };
    packed(minute(settings, now), counter + u32::from(grows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    fn at(secs: u64) -> SimTime {
        SimTime::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let settings = Settings::default();
        assert_eq!(lru_clock(&settings, at(u64::from(SECONDS) + 3)), 3);
        assert_eq!(idle(&settings, 10, 3), 7_000);
        assert_eq!(idle(&settings, 2, SECONDS - 3), 4_000);
        let exact = Settings { lru_clock: LruClock::Milliseconds, clock_phase_ms: 250, ..settings };
        assert_eq!(idle(&exact, lru_clock(&exact, at(5)), lru_clock(&exact, at(2))), 3_000);
        let phased = Settings { clock_phase_ms: 999, ..settings };
        assert_eq!(lru_clock(&phased, SimTime::from_nanos(1_000_000)), 1);
    }

    #[test]
    fn a_counter_decays_by_one_a_minute_and_not_below_zero() {
        let settings = Settings::default();
        let bits = lfu_fresh(&settings, at(0));
        let counters = [0, 59, 60, 180, 3_600].map(|secs| lfu_counter(&settings, at(secs), bits));
        assert_eq!(counters, [5, 5, 4, 2, 0]);
        let never = Settings { lfu_decay_time: 0, ..settings };
        assert_eq!(lfu_counter(&never, at(36_000), bits), 5);
        // Over the wrap of the minutes: from 65 535 to 1 are, by Redis's count, 1 minute.
        let late = lfu_fresh(&settings, at(65_535 * 60));
        assert_eq!(lfu_counter(&settings, at(65_537 * 60), late), 4);
    }

    #[test]
    fn the_counter_grows_with_the_logarithm_of_the_touches() {
        // Known from the comment in redis.conf: with factor 10, 100 touches give about 10, 1000 about 18.
        let settings = Settings::default();
        let mut random = Seed::new(3).stream();
        let mut mean = |touches: u32| {
            let one = |random: &mut Stream| {
                (0..touches)
                    .fold(lfu_fresh(&settings, at(0)), |bits, _| lfu_touched(&settings, at(0), bits, random))
                    & 255
            };
            f64::from((0..200).map(|_| one(&mut random)).sum::<u32>()) / 200.0
        };
        let (hundred, thousand) = (mean(100), mean(1_000));
        assert!((9.0..11.5).contains(&hundred), "{hundred}");
        assert!((17.0..21.0).contains(&thousand), "{thousand}");
    }
}
