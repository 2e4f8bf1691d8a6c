//! What happens by the clock: jobs of the refresh policy, and the application's sweep.

use super::flights::Purpose;
use super::{Event, Run};
use crate::cache::Cause;
use crate::metrics::{Command, Observer, OutcomeKind, Sweep};
use crate::strategy::refresh::addon::Warming;
use crate::strategy::sweep::View;
use crate::trace::ObjectId;
use crate::units::SimTime;

impl<O: Observer> Run<'_, O> {
    /// Schedules the refresh policy's next job, if it comes before the one that is scheduled.
    pub(super) fn schedule_job(&mut self, now: SimTime) {
        if let Some(at) =
            self.strategy.refresh.next_job().map(|at| at.max(now)).filter(|at| *at < self.job_at)
        {
            self.job_at = at;
            self.queue.push(at, Event::Job);
        }
    }

    /// Fetches what jobs want now.
    pub(super) fn run_jobs(&mut self, now: SimTime) {
        if self.job_at <= now {
            self.job_at = SimTime::NEVER;
        }
        while let Some(object) = self.strategy.refresh.job(now) {
            let Some(entry) = self.cache.peek(object, now) else {
                self.strategy.refresh.job_done(object, now, false);
                continue;
            };
            let kind = if now > entry.fresh_until { OutcomeKind::StaleHit } else { OutcomeKind::FreshHit };
            let departed =
                self.fetch_behind(object, 0, now, Purpose::Job, kind, self.latest, Some(entry.version));
            if !departed {
                self.strategy.refresh.job_done(object, now, true);
            }
        }
        self.schedule_job(now);
    }

    /// An object was read or stored: what the sweep notes of it. `fresh` is whether the access stored
    /// the value as well; `None` where the access sends no EXPIRE: of a stale value the TTL is over, and
    /// a rule may have set it already.
    pub(super) fn accessed(&mut self, object: ObjectId, now: SimTime, fresh: Option<bool>) {
        if self.cache.is_out_of_reach(object, now) {
            return;
        }
        let fill = self.fill(object, now);
        let Some(sweep) = &mut self.strategy.sweep else { return };
        let fresh_until = self.strategy.ttl.fresh_until(&fill);
        sweep.on_access(object, now, fresh_until.since(now));
        self.observer.sent(now, Command::Zadd, 1);
        let Some(stored) = fresh else { return };
        if stored && sweep.is_lean() {
            return;
        }
        // After a SETEX the EXPIRE changes nothing; after a read it makes any rule sliding.
        if !stored {
            let expires_at = self.strategy.keep_until(now, fresh_until);
            self.cache.expire(object, fresh_until, expires_at, now);
        }
        self.observer.touched(now);
    }

    /// Schedules the first upload of every object, where uploads are to warm the cache.
    pub(super) fn schedule_uploads(&mut self) {
        for index in 0..self.trace.objects().len() {
            if self.strategy.warms.is_some() {
                self.schedule_upload(ObjectId::from_index(index), SimTime::ZERO);
            }
        }
    }

    fn schedule_upload(&mut self, object: ObjectId, after: SimTime) {
        if let Some(at) = self.origin.next_upload(object, after) {
            self.queue.push(at, Event::Upload(object));
        }
    }

    /// A new version of an object has been uploaded, through the application.
    pub(super) fn uploaded(&mut self, object: ObjectId, now: SimTime) {
        self.schedule_upload(object, now);
        let held = self.cache.peek(object, now);
        if held.is_some() || self.strategy.warms == Some(Warming::All) {
            let node = self.client.node(self.routing, self.latest, object);
            let version = held.map(|entry| entry.version);
            self.fetch_behind(
                object,
                node,
                now,
                Purpose::Refresh,
                OutcomeKind::FreshHit,
                self.latest,
                version,
            );
        }
    }

    /// Schedules what the sweep does next.
    pub(super) fn schedule_sweep(&mut self) {
        if let Some(at) = self.strategy.sweep.as_ref().and_then(|sweep| sweep.next()) {
            self.queue.push(at, Event::Sweep);
        }
    }

    /// The sweep does what is due.
    pub(super) fn sweep(&mut self, now: SimTime) {
        if self.cache.is_down(now) {
            return self.queue.push(self.cache.back_at(), Event::Sweep);
        }
        let Some(sweep) = &mut self.strategy.sweep else { return };
        let bytes = self.cache.bytes_at(now);
        let cache = &self.cache;
        let holds = |object| cache.peek(object, now).is_some();
        let step = sweep.step(&View { now, bytes, holds: &holds });
        self.observer.sent(now, Command::Sweep, step.commands.len() as u64);
        if let Some(found) = step.found {
            self.sweep_under_way = Some(Sweep {
                at: now,
                members: found.members,
                ghosts: found.ghosts,
                removed: 0,
                excess_entries: found.excess_entries,
                excess_bytes: found.excess_bytes,
                set_bytes: found.set_bytes,
            });
        }
        let removed =
            step.unlink.into_iter().filter(|object| self.cache.delete(*object, Cause::Evicted, now)).count();
        if let Some(under_way) = &mut self.sweep_under_way {
            under_way.removed += removed as u64;
        }
        if step.over
            && let Some(swept) = self.sweep_under_way.take()
        {
            self.observer.swept(&swept);
        }
        self.schedule_sweep();
    }
}
