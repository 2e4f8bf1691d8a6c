//! At most one fetch per object and interval: a miss gets a token or must come back later.
//!
//! Leases as at Facebook (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013): a miss returns
//! a token to fetch with, and no second one for the same key until `token_interval` is over. The
//! others come back after `wait`, or with `stale_ok` take a copy that is past its TTL by `window` at most,
//! for which it is kept. Unlike a lock, a token is not given back: a fetch that takes longer than the interval
//! is doubled, and a holder that dies, or an origin that fails, leaves the key empty until the
//! interval ends. A purge (a deletion, or a copy marked stale) voids the token: what was asked for
//! before it answers who waits, and is not stored, so no old version comes back. The interval goes on,
//! for it is what keeps purges of a hot key from the origin. Each try costs one command, as SET NX PX. With
//! `memory = "redis"` tokens are keys among all others of that server: where one is evicted the next miss gets another, and
//! where a full server refuses them everybody fetches.
//!
//! ```toml
//! guard = { policy = "lease", token_interval = "10s", wait = "50ms" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Decision, KeyInCache, Permit, StampedeGuard, Wanting};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::per_object::PerObject;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Parameters of [`Lease`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    token_interval: SimDuration,
    wait: SimDuration,
    stale_ok: bool,
    window: SimDuration,
}

/// One token per object and interval.
#[derive(Debug)]
pub struct Lease {
    interval: SimDuration,
    wait: SimDuration,
    stale_ok: bool,
    window: SimDuration,
    /// When the last token was given; none before the first.
    given: PerObject<Option<SimTime>>,
    /// When the object was purged last.
    purged: PerObject<Option<SimTime>>,
}

impl Plugin for Lease {
    const NAME: &'static str = "lease";
    const SUMMARY: &'static str =
        "At most one fetch per object and interval; the others come back later or are served stale.";
    const PARAMS: &'static [Param] = &[
        Param::duration("token_interval", "how long no second token is given")
            .default("10s")
            .from("1ms")
            .to("5m"),
        Param::duration("wait", "after how long who got no token looks again")
            .default("50ms")
            .from("1ms")
            .to("5s"),
        Param::new("stale_ok", Kind::Flag, "whether who got no token is served a stale copy")
            .default("false"),
        Param::duration("window", "with stale_ok, how long beyond its TTL a value is kept")
            .default("60s")
            .from("0s")
            .to("30d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { token_interval, wait, stale_ok, window } = *params;
        let (given, purged) = (PerObject::default(), PerObject::default());
        Ok(Self { interval: token_interval, wait, stale_ok, window, given, purged })
    }
}

impl StampedeGuard for Lease {
    fn stale_window(&self) -> SimDuration {
        if self.stale_ok { self.window } else { SimDuration::ZERO }
    }

    fn is_in_cache(&self) -> bool {
        true
    }

    fn forget(&mut self, lost: &dyn Fn(ObjectId) -> bool) {
        self.given.forget(lost);
    }

    fn missed(&mut self, object: ObjectId) {
        self.given.set(object, None);
    }

    fn purged(&mut self, object: ObjectId, now: SimTime) {
        self.purged.set(object, Some(now));
    }

    fn lets_store(&self, object: ObjectId, asked: SimTime) -> bool {
        self.purged.get(object).is_none_or(|purged| purged <= asked)
    }

    fn admit(&mut self, wanting: &Wanting) -> Decision {
        let given = self.given.get(wanting.object);
        let took = given.is_none_or(|given| wanting.now > given + self.interval);
        if took {
            self.given.set(wanting.object, Some(wanting.now));
        }
        self.told(wanting, took)
    }

    fn key_in_cache(&self) -> Option<KeyInCache> {
        Some(KeyInCache { ttl: self.interval, extend: false, given_back: false })
    }

    fn poll(&self) -> Option<SimDuration> {
        Some(self.wait)
    }

    fn told(&mut self, wanting: &Wanting, took: bool) -> Decision {
        Decision::locking(if took {
            Permit::Fetch
        } else if self.stale_ok && wanting.has_copy {
            Permit::ServeStale
        } else {
            Permit::RetryAfter(self.wait)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        let nanos = SimDuration::from_nanos;
        let (given, purged) = (PerObject::default(), PerObject::default());
        Lease { interval: nanos(100), wait: nanos(7), stale_ok: true, window: nanos(1), given, purged }
    }

    #[test]
    fn a_purge_voids_what_was_asked_for_before_it() {
        let (mut lease, object, at) = (lease(), ObjectId::new(3), SimTime::from_nanos);
        assert!(lease.lets_store(object, at(5)));
        lease.purged(object, at(10));
        assert!(!lease.lets_store(object, at(9)) && lease.lets_store(object, at(10)));
        assert!(lease.lets_store(ObjectId::new(4), at(5)), "another object");
    }

    #[test]
    fn a_second_token_is_given_once_the_interval_is_over() {
        let nanos = SimDuration::from_nanos;
        let mut lease = lease();
        let mut permit = |now, has_copy| {
            let (object, now) = (ObjectId::new(0), SimTime::from_nanos(now));
            let waited = SimDuration::ZERO;
            lease.admit(&Wanting { object, now, ticket: 0, in_flight: false, has_copy, waited }).permit
        };
        assert_eq!(permit(0, false), Permit::Fetch);
        assert_eq!(permit(50, false), Permit::RetryAfter(nanos(7)));
        assert_eq!(permit(100, true), Permit::ServeStale);
        assert_eq!(permit(101, true), Permit::Fetch);
    }
}
