//! What the server does by the clock: ticks of the cron, and the turns of the event loop between them.

use super::{Server, expiry, rank};
use crate::cache::Cache;
use crate::units::{SimDuration, SimTime};

/// How long one tick may move keys between tables.
const MOVING: SimDuration = SimDuration::from_millis(1);

impl Server {
    /// Whether a tick has anything to do beside reading the clock.
    fn is_busy(&self) -> bool {
        self.needs.active && self.expires.len() > 0
            || self.dict.is_moving()
            || self.expires.is_moving()
            || self.overhead.is_some()
            || self.dict.is_sparse()
            || self.expires.is_sparse()
    }

    /// The next tick that is due at `now`; what would do nothing is passed over.
    fn due(&mut self, now: SimTime) -> Option<SimTime> {
        if self.tick > now {
            return None;
        }
        let tick = self.settings.tick();
        if !self.is_busy() {
            let behind = now.since(self.tick).as_nanos() / tick.as_nanos();
            self.tick += SimDuration::from_nanos(behind * tick.as_nanos());
        }
        let at = self.tick;
        self.tick += tick;
        Some(at)
    }

    /// The part of a tick that touches no key: clock, connections, tables.
    fn housekeeping(&mut self, at: SimTime) {
        self.clock = rank::lru_clock(&self.settings, at);
        if let Some(overhead) = &mut self.overhead {
            overhead.clients.tick(at, self.settings.hz);
        }
    }

    /// Shrinks tables and moves keys, those of `expires` only once `dict` is settled.
    fn tend_tables(&mut self) {
        self.dict.shrink();
        self.expires.shrink();
        let cost = self.settings.visit_cost.as_nanos().max(1);
        let buckets = MOVING.as_nanos() / cost;
        if self.dict.is_moving() {
            self.dict.advance(buckets, &mut self.keys);
        } else if self.expires.is_moving() {
            self.expires.advance(buckets, &mut self.keys);
        }
    }
}

impl Cache {
    /// Lets the server do what is due at `now`: ticks of its cron, then a turn of its event loop.
    pub(in crate::cache) fn serve_clock(&mut self, now: SimTime) {
        if self.is_down(now) {
            return;
        }
        self.go_on_evicting(now);
        while let Some(at) = self.server.as_mut().and_then(|server| server.due(now)) {
            let Some(server) = &mut self.server else { return };
            server.housekeeping(at);
            if server.needs.active {
                let limit = expiry::slow_limit(&server.settings);
                self.expire_cycle(limit, at);
            }
            if let Some(server) = &mut self.server {
                server.tend_tables();
            }
            self.note_overhead(at);
        }
        if self.server.as_mut().is_some_and(|server| server.wants_fast_cycle(now))
            && let Some(server) = &self.server
        {
            let limit = expiry::fast_limit(&server.settings);
            self.expire_cycle(limit, now);
        }
    }

    /// Tells the account how much is in use beside entries.
    pub(in crate::cache) fn note_overhead(&mut self, now: SimTime) {
        if let Some(server) = &self.server {
            self.residency.set_overhead(server.overhead(), now);
        }
    }
}
