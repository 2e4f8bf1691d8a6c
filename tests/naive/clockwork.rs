//! What happens by the clock: jobs and the sweep.

use super::Cause;
use super::fetch::Purpose;
use super::world::{Event, World};

impl World<'_> {
    pub(super) fn schedule_job(&mut self, now: u64) {
        if let Some(at) = self.policy.next_job().map(|at| at.max(now)).filter(|at| *at < self.job_at) {
            self.job_at = at;
            self.schedule(at, Event::Job);
        }
    }

    pub(super) fn run_jobs(&mut self, now: u64) {
        if self.job_at <= now {
            self.job_at = u64::MAX;
        }
        while let Some(object) = self.policy.job(now) {
            if !self.is_away(object, now) {
                self.totals.looks += 1;
            }
            match self.store.peek(object, now) {
                None => self.policy.job_done(object, now, false),
                Some(copy) => {
                    if !self.fetch_behind(object, 0, now, Purpose::Job, Some(copy.version)) {
                        self.policy.job_done(object, now, true);
                    }
                }
            }
        }
        self.schedule_job(now);
    }

    /// A value was read, or stored for a request: what the sweep notes of it.
    pub(super) fn accessed(&mut self, object: usize, now: u64, expires: bool, stored: bool) {
        if self.broom.is_none() || self.is_away(object, now) {
            return;
        }
        let fresh_until = self.rule.fresh_until(object, self.images.sizes[object], now, None);
        let live_until = self.keep_until(now, fresh_until);
        let Some(broom) = &mut self.broom else { return };
        if !self.store.refuses() {
            broom.accessed(object, now);
        }
        self.totals.notes += 1;
        if !expires || (stored && broom.sweep.lean) {
            return;
        }
        self.totals.touches += 1;
        self.deadline_written();
        if !stored {
            self.store.expire(object, fresh_until, live_until, now);
        }
    }

    pub(super) fn sweep(&mut self, now: u64) {
        if self.is_down(now) {
            return self.schedule(self.store.down_until, Event::Sweep);
        }
        let Some(broom) = &mut self.broom else { return };
        let gone = broom.act(now, self.store.bytes());
        let next = broom.next;
        gone.into_iter().for_each(|object| self.store.unlink(object, Cause::Evicted, now));
        self.schedule(next, Event::Sweep);
    }
}
