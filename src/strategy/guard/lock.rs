//! A lock in the cache around every fetch: one process fetches, all others look again until the value is there.
//!
//! `SET key-lock token NX PX lock_ttl`; who gets it fetches, stores and deletes the lock if it still
//! holds it. The others sleep for `poll` and look again, with a GET and, where the value is still
//! missing, another SET NX. After `wait_timeout` they go on without the lock: `on_timeout` says
//! whether they `fetch`, `fail`, or are served a `stale` copy (and fetch if there is none). The lock keeps nothing for
//! that: what refresh policy and add-ons keep beyond its TTL is served, for as long as they keep it.
//!
//! If waiters give up after `W` less than the fetch time `D`, `1 + λ(D - W)` fetches are made; if
//! `lock_ttl` is shorter than `D`, `⌈D / lock_ttl⌉` (law X1). With `extend` a living holder keeps its
//! lock however long its fetch takes. A holder that dies (`[client] crash`) stalls its key until the
//! lock's end. The lock moves the wait into the processes; the report shows how many wait.
//! One more command per fetch to take the lock, one to give it back, two per poll. With `memory = "redis"` it is a key
//! among all others of that server: one that is evicted is free, and a full server that evicts nothing refuses it, so
//! that everybody fetches.
//!
//! ```toml
//! guard = { policy = "lock", lock_ttl = "10s", poll = "50ms", wait_timeout = "5s", on_timeout = "fetch" }
//! ```

use serde::{Deserialize, Serialize};

use super::locks::Locks;
use super::{Decision, GivenBack, KeyInCache, Permit, Released, StampedeGuard, Wanting};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::trace::ObjectId;
use crate::units::SimDuration;

/// Parameters of [`Lock`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    lock_ttl: SimDuration,
    poll: SimDuration,
    wait_timeout: SimDuration,
    on_timeout: OnTimeout,
    extend: bool,
}

/// What a waiter does that has waited long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnTimeout {
    Fetch,
    Fail,
    Stale,
}

/// A lock per object, for all processes.
#[derive(Debug)]
pub struct Lock {
    locks: Locks,
    poll: SimDuration,
    wait_timeout: SimDuration,
    on_timeout: OnTimeout,
}

impl Plugin for Lock {
    const NAME: &'static str = "lock";
    const SUMMARY: &'static str =
        "A lock in the cache around every fetch; the others look again until the value is there.";
    const PARAMS: &'static [Param] = &[
        Param::duration("lock_ttl", "how long the lock lasts if nobody deletes it")
            .default("10s")
            .from("1ms")
            .to("1h"),
        Param::duration("poll", "how long a waiter sleeps between two looks")
            .default("50ms")
            .from("1ms")
            .to("10s"),
        Param::duration("wait_timeout", "how long it waits in all").default("5s").from("0s").to("60s"),
        Param::new(
            "on_timeout",
            Kind::Choice(&["fetch", "fail", "stale"]),
            "what it does then: fetch without the lock, fail, or serve a stale copy",
        )
        .default("fetch"),
        Param::new("extend", Kind::Flag, "whether a holder prolongs its lock while it fetches")
            .default("false"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { lock_ttl, poll, wait_timeout, on_timeout, extend } = *params;
        Ok(Self { locks: Locks::new(lock_ttl, extend), poll, wait_timeout, on_timeout })
    }
}

impl StampedeGuard for Lock {
    fn serves_for(&self) -> SimDuration {
        // It has nothing kept, so that it names no window: what others keep is served for as long as they keep it.
        if self.on_timeout == OnTimeout::Stale { SimDuration::FOREVER } else { SimDuration::ZERO }
    }

    fn is_in_cache(&self) -> bool {
        true
    }

    fn forget(&mut self, lost: &dyn Fn(ObjectId) -> bool) {
        self.locks.forget(lost);
    }

    fn missed(&mut self, object: ObjectId) {
        self.locks.missed(object);
    }

    fn admit(&mut self, wanting: &Wanting) -> Decision {
        let took = self.locks.take(wanting);
        self.told(wanting, took)
    }

    fn key_in_cache(&self) -> Option<KeyInCache> {
        Some(self.locks.key())
    }

    fn poll(&self) -> Option<SimDuration> {
        Some(self.poll)
    }

    fn told(&mut self, wanting: &Wanting, took: bool) -> Decision {
        if took {
            return Decision::locking(Permit::FetchAsHolder);
        }
        if wanting.waited < self.wait_timeout {
            // The last sleep ends with the patience.
            let left = self.wait_timeout - wanting.waited;
            return Decision::locking(Permit::RetryAfter(self.poll.min(left)));
        }
        Decision::locking(match self.on_timeout {
            OnTimeout::Fail => Permit::Fail,
            OnTimeout::Stale if wanting.has_copy => Permit::ServeStale,
            OnTimeout::Fetch | OnTimeout::Stale => Permit::Fetch,
        })
    }

    fn released(&mut self, released: &Released) -> GivenBack {
        self.locks.release(released)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimTime;

    fn lock(extend: bool) -> Lock {
        let nanos = SimDuration::from_nanos;
        let locks = Locks::new(nanos(100), extend);
        Lock { locks, poll: nanos(30), wait_timeout: nanos(50), on_timeout: OnTimeout::Fetch }
    }

    fn wanting(ticket: u64, now: u64, waited: u64) -> Wanting {
        let (now, waited) = (SimTime::from_nanos(now), SimDuration::from_nanos(waited));
        Wanting { object: ObjectId::new(0), now, ticket, in_flight: true, has_copy: false, waited }
    }

    fn release(ticket: u64, now: u64, died: bool) -> Released {
        let now = SimTime::from_nanos(now);
        Released { object: ObjectId::new(0), now, ticket, since: SimTime::ZERO, died }
    }

    #[test]
    fn one_holds_it_and_the_others_poll_until_their_patience_ends() {
        let mut lock = lock(false);
        assert_eq!(lock.admit(&wanting(0, 0, 0)).permit, Permit::FetchAsHolder);
        let after = |nanos| Permit::RetryAfter(SimDuration::from_nanos(nanos));
        assert_eq!(lock.admit(&wanting(1, 1, 0)).permit, after(30));
        assert_eq!(lock.admit(&wanting(1, 31, 30)).permit, after(20));
        assert_eq!(lock.admit(&wanting(1, 51, 50)).permit, Permit::Fetch);
        let given_back = lock.released(&release(0, 60, false));
        assert_eq!(given_back, GivenBack { commands: 1, deleted: true });
        assert_eq!(lock.admit(&wanting(2, 61, 0)).permit, Permit::FetchAsHolder);
    }

    #[test]
    fn a_lapsed_lock_goes_to_the_next_and_is_not_deleted_by_its_first_holder() {
        let mut lock = lock(false);
        lock.admit(&wanting(0, 0, 0));
        assert_ne!(lock.admit(&wanting(1, 100, 0)).permit, Permit::FetchAsHolder);
        assert_eq!(lock.admit(&wanting(1, 101, 0)).permit, Permit::FetchAsHolder);
        assert!(!lock.released(&release(0, 120, false)).deleted);
        assert_ne!(lock.admit(&wanting(2, 130, 0)).permit, Permit::FetchAsHolder);
    }

    #[test]
    fn an_extended_lock_outlives_its_ttl_but_not_its_holder() {
        let mut lock = lock(true);
        lock.admit(&wanting(0, 0, 0));
        assert_ne!(lock.admit(&wanting(1, 500, 0)).permit, Permit::FetchAsHolder);
        // Prolonged at 50, 100, ... 500, for 100 each time.
        let given_back = lock.released(&release(0, 510, true));
        assert_eq!(given_back, GivenBack { commands: 10, deleted: false });
        assert_ne!(lock.admit(&wanting(1, 600, 0)).permit, Permit::FetchAsHolder);
        assert_eq!(lock.admit(&wanting(1, 601, 0)).permit, Permit::FetchAsHolder);
    }
}
