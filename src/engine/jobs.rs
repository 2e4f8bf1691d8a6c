//! What happens by the clock: jobs of the refresh policy, and the application's sweep.

use super::flights::Purpose;
use super::{Event, Run};
use crate::cache::Cause;
use crate::cache::memory::ACCESS_TIMES;
use crate::cache::redis::Kind;
use crate::metrics::{Command, Observer, OutcomeKind, Sweep};
use crate::origin::Version;
use crate::strategy::refresh::addon::Cover;
use crate::strategy::sweep::{SetCommand, View};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// Lengths of the words of a ZADD beside the key: the name of the set, and microseconds since 1970.
const ACCESS_TIME: [u64; 2] = [ACCESS_TIMES, 16];

/// Lengths of the words of a command on ranks beside the set's name: the first of them, and the last.
const RANKS: [u64; 2] = [1, 4];

/// Lengths of the words of a ZREMRANGEBYSCORE: `-inf`, and a time with its bracket.
const SCORES: [u64; 2] = [4, 17];

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
            // What was evicted is not fetched, and only the cache knows.
            if !self.cache.is_out_of_reach(object, now) {
                self.cache.asked(Kind::Exists, object, &[], now);
                self.observer.sent(now, Command::Look, 1);
            }
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

    /// An object was read or stored: what the sweep notes of it. `fresh` is whether the access wrote
    /// the value itself; `None` where the access sends no EXPIRE: of a stale value the TTL is over, and
    /// a rule may have set it already.
    pub(super) fn accessed(&mut self, object: ObjectId, now: SimTime, fresh: Option<bool>) {
        if self.cache.is_out_of_reach(object, now) {
            return;
        }
        // Where sizes stay, nobody needs to know the version.
        let held = self.trace.objects().are_resized().then(|| self.peek(object, now)).flatten();
        let fill = self.fill(object, held.map_or_else(Version::default, |held| held.version), now);
        let Some(sweep) = &mut self.strategy.sweep else { return };
        let fresh_until = self.strategy.ttl.fresh_until(&fill);
        // A full server that evicts nothing refuses it.
        if self.cache.asked(Kind::ZAdd, object, &ACCESS_TIME, now) {
            let key_len = |object| self.trace.objects().key_len(object);
            sweep.on_access(object, now, fresh_until.since(now), &key_len);
            if self.after_end.is_none() {
                self.cache.keep_sorted_set(sweep.bytes(), now);
            }
        }
        self.observer.sent(now, Command::Zadd, 1);
        let Some(stored) = fresh else { return };
        if stored && sweep.is_lean() {
            return;
        }
        // After a SETEX the EXPIRE changes nothing; after a read it makes any rule sliding, and so it does where the value
        // was not written: a SET NX that came second, or a SET for which there was no room, leaves another one there.
        let expires_at = self.strategy.keep_until(now, fresh_until);
        if stored {
            self.cache.expire_again(object, expires_at, now);
        } else {
            self.cache.expire(object, fresh_until, expires_at, now);
        }
        self.observer.sent(now, Command::Expire, 1);
    }

    /// Schedules the uploads that warm the cache: the first new version of every object, and the first of
    /// the objects that are added to the catalogue.
    pub(super) fn schedule_uploads(&mut self) {
        let Some(warming) = self.strategy.warms else { return };
        let objects = self.trace.objects();
        if warming.cover != Cover::New {
            for object in (0..objects.len()).map(ObjectId::from_index) {
                if objects.rank(object) < warming.renditions {
                    self.schedule_upload(object, SimTime::ZERO);
                }
            }
        }
        if warming.cover != Cover::Held {
            self.schedule_addition(0);
        }
    }

    fn schedule_upload(&mut self, object: ObjectId, after: SimTime) {
        if let Some(at) = self.origin.next_upload(object, after) {
            self.queue.push(at, Event::Upload(object));
        }
    }

    fn schedule_addition(&mut self, next: usize) {
        if let Some((at, _)) = self.trace.objects().uploads().get(next) {
            self.queue.push(*at, Event::Addition(next));
        }
    }

    /// A new version of an object has been uploaded, through the application.
    pub(super) fn uploaded(&mut self, object: ObjectId, now: SimTime) {
        self.schedule_upload(object, now);
        let held = self.cache.peek(object, now).map(|entry| entry.version);
        if held.is_some() || self.strategy.warms.is_some_and(|warming| warming.cover == Cover::All) {
            self.warm(object, now, held);
        }
    }

    /// An object has been added to the catalogue: the one at `place` of the trace's uploads.
    pub(super) fn added(&mut self, place: usize, now: SimTime) {
        self.schedule_addition(place + 1);
        let objects = self.trace.objects();
        let (_, object) = objects.uploads()[place];
        if self.strategy.warms.is_some_and(|warming| objects.rank(object) < warming.renditions) {
            let held = self.cache.peek(object, now).map(|entry| entry.version);
            self.warm(object, now, held);
        }
    }

    /// Fetches what was uploaded, behind everybody's back.
    fn warm(&mut self, object: ObjectId, now: SimTime, held: Option<Version>) {
        let node = self.client.node(self.routing, self.latest, object);
        let kind = OutcomeKind::FreshHit;
        self.fetch_behind(object, node, now, Purpose::Refresh, kind, self.latest, held);
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
        let key_len = |object| self.trace.objects().key_len(object);
        let step = sweep.step(&View { now, bytes, holds: &holds, key_len: &key_len });
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
        let set_bytes = sweep.bytes();
        for command in &step.commands {
            let (kind, more) = match command {
                SetCommand::Measure => (Kind::ZCard, [].as_slice()),
                SetCommand::Purge(_) => (Kind::ZRemRangeByScore, SCORES.as_slice()),
                SetCommand::List(_) => (Kind::ZRange, RANKS.as_slice()),
                SetCommand::Remove(_) => (Kind::ZRemRangeByRank, RANKS.as_slice()),
                // Deletions of keys come below, each by its key.
                SetCommand::Unlink(_) => continue,
            };
            self.cache.asked_of_set(kind, more, now);
        }
        let removed =
            step.unlink.into_iter().filter(|object| self.cache.delete(*object, Cause::Evicted, now)).count();
        self.cache.keep_sorted_set(set_bytes, now);
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
