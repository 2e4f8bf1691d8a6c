//! One process fetches under a lock, and all others are served the old copy meanwhile.
//!
//! The lock is that of `lock`; values are kept for `window` beyond their TTL, so that there is a copy
//! to serve; what something else keeps for longer is no copy for it beyond the `window`. Nobody but the holder waits,
//! unless there is no copy at all: then `cold` says whether the others `wait` for the holder, as under `lock`, or `fetch`
//! themselves.
//!
//! With the refresh policy `on-demand` the holder waits for its own fetch; with
//! `stale-while-revalidate` it is served stale as well.
//!
//! ```toml
//! guard = { policy = "lock-stale", window = "60s", cold = "wait" }
//! ```

use serde::{Deserialize, Serialize};

use super::locks::Locks;
use super::{Decision, GivenBack, KeyInCache, Permit, Released, StampedeGuard, Wanting};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::trace::ObjectId;
use crate::units::SimDuration;

/// Parameters of [`LockStale`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    window: SimDuration,
    cold: Cold,
    lock_ttl: SimDuration,
    poll: SimDuration,
    wait_timeout: SimDuration,
    extend: bool,
}

/// What becomes of those who find neither the lock free nor a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cold {
    Wait,
    Fetch,
}

/// A lock per object whose losers are served stale.
#[derive(Debug)]
pub struct LockStale {
    locks: Locks,
    window: SimDuration,
    cold: Cold,
    poll: SimDuration,
    wait_timeout: SimDuration,
}

impl Plugin for LockStale {
    const NAME: &'static str = "lock-stale";
    const SUMMARY: &'static str =
        "One process fetches under a lock, and all others are served the old copy meanwhile.";
    const PARAMS: &'static [Param] = &[
        Param::duration("window", "how long beyond its TTL a value is kept to be served stale")
            .default("60s")
            .above("0s")
            .to("30d"),
        Param::new("cold", Kind::Choice(&["wait", "fetch"]), "what the others do where there is no copy")
            .default("wait"),
        Param::duration("lock_ttl", "how long the lock lasts if nobody deletes it")
            .default("10s")
            .from("1ms")
            .to("1h"),
        Param::duration("poll", "how long a waiter sleeps between two looks")
            .default("50ms")
            .from("1ms")
            .to("10s"),
        Param::duration("wait_timeout", "how long a waiter waits before it fetches itself")
            .default("5s")
            .from("0s")
            .to("60s"),
        Param::new("extend", Kind::Flag, "whether a holder prolongs its lock while it fetches")
            .default("false"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { window, cold, lock_ttl, poll, wait_timeout, extend } = *params;
        Ok(Self { locks: Locks::new(lock_ttl, extend), window, cold, poll, wait_timeout })
    }
}

impl StampedeGuard for LockStale {
    fn stale_window(&self) -> SimDuration {
        self.window
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
        Decision::locking(if wanting.has_copy {
            Permit::ServeStale
        } else if self.cold == Cold::Fetch || wanting.waited >= self.wait_timeout {
            Permit::Fetch
        } else {
            Permit::RetryAfter(self.poll.min(self.wait_timeout - wanting.waited))
        })
    }

    fn released(&mut self, released: &Released) -> GivenBack {
        self.locks.release(released)
    }
}
