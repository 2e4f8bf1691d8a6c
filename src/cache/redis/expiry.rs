//! The active expiry cycle: a sweep over the keys with a TTL that goes on while it finds many dead.
//!
//! A cursor walks the buckets of `expires`, one after the other, and stays where a cycle ends. The
//! slow cycle runs with every tick of the cron, the fast one on a turn of the event loop after a cycle
//! that hit its time limit (`redis-7.0 expire.c:activeExpireCycle`).

use super::{Server, Settings};
use crate::cache::{Cache, Cause};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Fewer keys than these are looked at one by one even where nobody is dead.
const LONG: u64 = 20_000;
/// A cycle looks at its clock once in so many rounds.
const ROUNDS: u32 = 16;

/// Keys looked at in one round.
fn keys_per_round(settings: &Settings) -> usize {
    20 + 5 * (settings.effort as usize - 1)
}

/// The share of dead keys in percent that a cycle leaves alone.
fn acceptable(settings: &Settings) -> usize {
    10 - (settings.effort as usize - 1)
}

/// How long a slow cycle may take.
pub(super) fn slow_limit(settings: &Settings) -> SimDuration {
    let share = u64::from(25 + 2 * (settings.effort - 1));
    let micros = share * 1_000_000 / u64::from(settings.hz) / 100;
    SimDuration::from_micros(micros.max(1))
}

/// How long a fast cycle may take.
pub(super) fn fast_limit(settings: &Settings) -> SimDuration {
    SimDuration::from_micros(u64::from(1_000 + 250 * (settings.effort - 1)))
}

/// What a cycle leaves to the next.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    pub(super) cursor: usize,
    /// Whether the last cycle hit its time limit.
    hit_limit: bool,
    /// Estimated share of dead keys, smoothed over cycles.
    stale: f64,
    /// The fast cycle does not start before this instant.
    fast_from: SimTime,
    /// Nobody asks before this instant whether all keys are alive.
    ask_from: SimTime,
}

/// What a round has found.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) sampled: usize,
    pub(super) expired: usize,
    pub(super) visited: usize,
}

impl Server {
    /// Whether a fast cycle begins now.
    pub(super) fn wants_fast_cycle(&mut self, now: SimTime) -> bool {
        // Redis compares a share with a percentage here, so that the second half hardly ever holds.
        let wanted = self.expiry.hit_limit || self.expiry.stale >= acceptable(&self.settings) as f64;
        let begins = self.needs.active && wanted && now >= self.expiry.fast_from;
        if begins {
            let between = fast_limit(&self.settings) + fast_limit(&self.settings);
            self.expiry.fast_from = now + self.settings.span(between);
        }
        begins
    }

    /// When the next turn of the event loop may begin a fast cycle.
    pub(super) fn next_fast_cycle(&self) -> SimTime {
        let wanted = self.expiry.hit_limit || self.expiry.stale >= acceptable(&self.settings) as f64;
        if self.needs.active && wanted { self.expiry.fast_from } else { SimTime::NEVER }
    }

    /// Until when the cycle finds no dead key, if the ticks that are due at `now` are so many that it pays to
    /// ask; `None` if it does not, or somebody is dead. No key has a TTL: for ever.
    pub(super) fn quiet_until(&mut self, now: SimTime) -> Option<SimTime> {
        if !self.needs.active || self.expires.len() == 0 {
            return Some(SimTime::NEVER);
        }
        if self.needs.sampled.is_some_and(|sampled| sampled.volatile) {
            // Keys that are drawn from too seldom lie still for so long.
            return None;
        }
        let rows = self.expires.rows()?;
        // A cycle that finds nobody dead is over after one round, and who asks looks at all keys.
        let (tick, keys) = (self.settings.tick(), rows.len() as u64);
        let round = keys_per_round(&self.settings) as u64;
        let looks = (now.since(self.tick).as_nanos() / tick.as_nanos()).saturating_mul(round);
        if looks <= LONG.max(keys) || self.tick < self.expiry.ask_from {
            return None;
        }
        self.expiry.ask_from = self.tick + SimDuration::from_nanos(tick.as_nanos() * (keys / round + 1));
        rows.earliest()
    }

    /// So many cycles found nobody dead and are not run one by one. The cursor stays where it is: after so
    /// many rounds, any place is as good as another.
    pub(super) fn pass_over(&mut self, cycles: u64) {
        if cycles > 0 && self.needs.active {
            self.expiry.hit_limit = false;
            self.expiry.stale *= 0.95_f64.powf(cycles as f64);
        }
    }

    /// Whether a round has anything to look at.
    fn worth_a_round(&self) -> bool {
        let slots: usize = self.expires.buckets().iter().sum();
        let keys = self.expires.len();
        // Nearly empty tables wait for the shrink.
        keys > 0 && !(slots > 4 && keys * 100 / slots < 1)
    }
}

impl Cache {
    /// One cycle at `now`, of at most `limit` by the declared costs.
    pub(super) fn expire_cycle(&mut self, limit: SimDuration, now: SimTime) {
        let (mut rounds, mut sampled, mut expired, mut elapsed) = (0, 0, 0, SimDuration::ZERO);
        let mut hit_limit = false;
        while let Some(server) = self.server.as_ref().filter(|server| server.worth_a_round()) {
            let settings = server.settings;
            let round = self.expire_round(keys_per_round(&settings), now);
            rounds += 1;
            sampled += round.sampled;
            expired += round.expired;
            elapsed = elapsed
                + SimDuration::from_nanos(
                    settings.expire_cost.as_nanos() * round.expired as u64
                        + settings.visit_cost.as_nanos() * round.visited as u64,
                );
            if rounds % ROUNDS == 0 && elapsed > limit {
                hit_limit = true;
                break;
            }
            let goes_on = round.sampled == 0 || round.expired * 100 / round.sampled > acceptable(&settings);
            if !goes_on {
                break;
            }
        }
        self.note_swept(now);
        let Some(server) = &mut self.server else { return };
        server.expiry.hit_limit = hit_limit;
        let share = if sampled == 0 { 0.0 } else { expired as f64 / sampled as f64 };
        server.expiry.stale = 0.05 * share + 0.95 * server.expiry.stale;
    }

    /// One round: whole buckets from the cursor on, until enough keys were looked at.
    fn expire_round(&mut self, keys: usize, now: SimTime) -> Round {
        let mut round = Round::default();
        let Some(server) = &mut self.server else { return round };
        let want = keys.min(server.expires.len());
        let most = 20 * want;
        if !server.expires.is_moving() {
            let places = server.sweep(want, most, now, &mut round);
            if server.runs_commands() {
                self.expire_places(places, now, &mut round);
            } else {
                self.sweep_away(places, now, &mut round);
            }
            return round;
        }
        while round.sampled < want && round.visited < most {
            for half in 0..2 {
                self.expire_bucket(half, now, &mut round);
            }
            if let Some(server) = &mut self.server {
                server.expiry.cursor = server.expiry.cursor.wrapping_add(1);
            }
        }
        round
    }

    /// Looks at every key of the bucket under the cursor, and deletes those that are dead.
    fn expire_bucket(&mut self, half: usize, now: SimTime, round: &mut Round) {
        let Some(server) = &mut self.server else { return };
        let buckets = server.expires.buckets()[half];
        if buckets == 0 {
            return;
        }
        round.visited += 1;
        let mut maybe_dead = std::mem::take(&mut server.scratch);
        maybe_dead.clear();
        server.expires.each(half, server.expiry.cursor & (buckets - 1), |object| {
            maybe_dead.push(object);
        });
        round.sampled += maybe_dead.len();
        self.expire_those(maybe_dead, now, round);
    }

    /// Deletes those at these places of the rows that are dead, one by one.
    fn expire_places(&mut self, places: Vec<usize>, now: SimTime, round: &mut Round) {
        let Some(server) = &mut self.server else { return };
        let Some(rows) = server.expires.rows() else { return };
        let mut maybe_dead = std::mem::take(&mut server.scratch);
        maybe_dead.clear();
        maybe_dead.extend(places.iter().map(|place| rows.at(*place).0));
        server.swept.give_back(places);
        self.expire_those(maybe_dead, now, round);
    }

    /// Deletes those that are dead.
    fn expire_those(&mut self, maybe_dead: Vec<ObjectId>, now: SimTime, round: &mut Round) {
        for key in &maybe_dead {
            self.prefetch(self.server.as_ref().map_or(*key, |server| server.whose(*key).0));
        }
        for key in &maybe_dead {
            let is_dead = match self.slots.get(key.index()) {
                Some(slot) => !slot.is_live(now),
                None => self.is_dead_beside(*key, now),
            };
            if is_dead {
                round.expired += 1;
                self.remove_key(*key, Cause::Expired, now);
            }
        }
        if let Some(server) = &mut self.server {
            server.scratch = maybe_dead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_by_effort_and_hz() {
        let at = |effort, hz| Settings { effort, hz, ..Settings::default() };
        assert_eq!(slow_limit(&at(1, 10)), SimDuration::from_millis(25));
        assert_eq!(slow_limit(&at(10, 10)), SimDuration::from_millis(43));
        assert_eq!(fast_limit(&at(1, 10)), SimDuration::from_micros(1_000));
        assert_eq!(fast_limit(&at(10, 10)), SimDuration::from_micros(3_250));
        assert_eq!((keys_per_round(&at(10, 10)), acceptable(&at(10, 10))), (65, 1));
        assert_eq!(slow_limit(&at(1, 500)), SimDuration::from_micros(500));
    }
}
