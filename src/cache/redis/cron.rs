//! What the server does by the clock: ticks of the cron, and the turns of the event loop between them.

use super::{Server, expiry, rank};
use crate::cache::Cache;
use crate::units::{SimDuration, SimTime};

/// How long one tick may move keys between tables.
const MOVING: SimDuration = SimDuration::from_millis(1);
/// Buckets with keys that one move of a tick may empty; after each the clock is looked at (`dict.c:dictRehashMilliseconds`).
const MOVE: u64 = 100;

impl Server {
    /// Until when ticks do nothing beside reading the clock; `None` if the next one is the first that does more.
    fn idle_until(&mut self, now: SimTime) -> Option<SimTime> {
        let tables = self.dict.is_moving()
            || self.expires.is_moving()
            || self.dict.is_sparse()
            || self.expires.is_sparse();
        // What an eviction that goes on leaves, the next tick looks at.
        if tables || self.pending.is_some() {
            return None;
        }
        let connections =
            self.overhead.as_ref().map_or(SimTime::NEVER, |overhead| overhead.clients.quiet_until());
        let until = connections.min(self.quiet_until(now)?);
        (until > self.tick).then_some(until)
    }

    /// The next tick that is due at `now`; what would do nothing is passed over.
    fn due(&mut self, now: SimTime) -> Option<SimTime> {
        if self.tick > now {
            return None;
        }
        let tick = self.settings.tick();
        if let Some(until) = self.idle_until(now) {
            let passed = now.min(until).since(self.tick).as_nanos() / tick.as_nanos();
            self.pass_over(passed);
            self.tick += SimDuration::from_nanos(passed * tick.as_nanos());
        }
        let at = self.tick;
        self.tick += tick;
        Some(at)
    }

    /// Before which instant [`Cache::serve_clock`] has nothing to do.
    fn next_wake(&self) -> SimTime {
        if self.pending.is_some() { SimTime::ZERO } else { self.tick.min(self.next_fast_cycle()) }
    }

    /// The part of a tick that touches no key: clock, connections, tables.
    fn housekeeping(&mut self, at: SimTime) {
        self.clock = rank::lru_clock(&self.settings, at);
        if let Some(overhead) = &mut self.overhead {
            overhead.clients.tick(at);
        }
    }

    /// Shrinks tables and moves keys, those of `expires` only once `dict` is settled.
    fn tend_tables(&mut self) {
        self.dict.shrink();
        self.expires.shrink();
        let longest = MOVING.as_nanos() / self.settings.visit_cost.as_nanos().max(1);
        let (mut visited, moves_dict) = (0, self.dict.is_moving());
        while visited <= longest && if moves_dict { self.dict.is_moving() } else { self.expires.is_moving() }
        {
            visited += if moves_dict {
                self.dict.advance(MOVE, &mut self.keys)
            } else {
                self.expires.advance(MOVE, &mut self.keys)
            };
        }
    }
}

impl Cache {
    /// Lets the server do what is due at `now`: ticks of its cron, then a turn of its event loop.
    #[inline]
    pub(in crate::cache) fn serve_clock(&mut self, now: SimTime) {
        if self.server.as_ref().is_some_and(|server| server.wake <= now) && !self.is_down(now) {
            self.wake_up(now);
        }
    }

    fn wake_up(&mut self, now: SimTime) {
        // Each tick is a turn of the event loop, and so is a command.
        while let Some(at) = self.server.as_mut().and_then(|server| server.due(now)) {
            self.go_on_evicting(at);
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
            self.try_fast_cycle(at);
        }
        self.go_on_evicting(now);
        self.try_fast_cycle(now);
        if let Some(server) = &mut self.server {
            server.wake = server.next_wake();
        }
    }

    /// The end of a turn of the event loop: a fast cycle of the expiry, if the last cycle hit its limit.
    fn try_fast_cycle(&mut self, at: SimTime) {
        if self.server.as_mut().is_some_and(|server| server.wants_fast_cycle(at))
            && let Some(server) = &self.server
        {
            let limit = expiry::fast_limit(&server.settings);
            self.expire_cycle(limit, at);
        }
    }

    /// Tells the account how much is in use beside entries.
    #[inline]
    pub(in crate::cache) fn note_overhead(&mut self, now: SimTime) {
        if let Some(server) = &self.server
            && server.overhead.is_some()
        {
            self.residency.set_overhead(server.overhead(), server.of_clients(), now);
        }
    }
}
