//! What happens by the clock: jobs of the refresh policy, and the application's sweep.

use std::rc::Rc;
use std::time::Duration;

use redis::Cmd;

use super::super::link::Fault;
use super::super::server::Info;
use super::Player;
use super::fetches::Trip;
use crate::cache::Cause;
use crate::engine::flights::Purpose;
use crate::metrics::{Command, Observer, OutcomeKind, Sweep};
use crate::strategy::sweep::{SetCommand, View};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// How often the refresh policy is asked whether a job of its own is due, in real time.
const LOOK: Duration = Duration::from_millis(5);

impl Player {
    /// Runs the refresh policy's own jobs until the run is over.
    pub(super) async fn jobs(self: Rc<Self>) {
        loop {
            let now = self.now();
            if self.is_over(now) || self.broken().is_some() {
                return;
            }
            let next = self.state().strategy.refresh.next_job();
            if next.is_some_and(|next| next <= now) {
                self.run_jobs(now).await;
            }
            // A fill, or the end of another job, may bring the next one forward.
            let soonest = self.clock.instant(now) + LOOK;
            tokio::time::sleep_until(soonest.into()).await;
        }
    }

    /// Fetches what jobs want now.
    async fn run_jobs(self: &Rc<Self>, now: SimTime) {
        loop {
            let wanted = self.state().strategy.refresh.job(now);
            let Some(object) = wanted else { return };
            let held = self.state().ledger.latest(object, now);
            let Some(entry) = held else {
                self.state().strategy.refresh.job_done(object, now, false);
                continue;
            };
            let trigger = if now > entry.fresh_until { OutcomeKind::StaleHit } else { OutcomeKind::FreshHit };
            let trip = Trip { object, node: 0, purpose: Purpose::Job, trigger, index: 0 };
            if !self.fetch_behind(trip, Some(entry.version)).await {
                self.state().strategy.refresh.job_done(object, now, true);
            }
        }
    }

    /// An object was read or stored: ZADD of the access time, and EXPIRE. `fresh` is whether the access stored
    /// the value as well; `None` where it sends no EXPIRE.
    pub(super) async fn accessed(&self, object: ObjectId, fresh: Option<bool>) {
        let now = self.now();
        let (fresh_until, expires_at, is_lean) = {
            let mut guard = self.state();
            let state = &mut *guard;
            if state.strategy.sweep.is_none() {
                return;
            }
            let fresh_until = state.strategy.ttl.fresh_until(&self.fill(object, now));
            let Some(sweep) = &mut state.strategy.sweep else { return };
            sweep.on_access(object, now, fresh_until.since(now));
            let is_lean = sweep.is_lean();
            (fresh_until, state.strategy.keep_until(now, fresh_until), is_lean)
        };
        let mut zadd = Cmd::new();
        zadd.arg(b"ZADD").arg(self.keys.access_times()).arg(now.as_nanos() / 1_000).arg(self.key(object));
        match self.link.number("ZADD", &zadd).await {
            Ok(_) => self.state().recorder.sent(now, Command::Zadd, 1),
            // Without room for the set an access goes unnoticed, as the application's would.
            Err(Fault::OutOfMemory) => {}
            Err(fault) => return self.note_fault(&fault, now),
        }
        let Some(stored) = fresh else { return };
        if stored && is_lean {
            return;
        }
        if self.set_deadline(object, fresh_until, expires_at, now).await {
            self.state().recorder.touched(now);
        }
    }

    /// Runs the application's sweep until the run is over.
    pub(super) async fn sweeps(self: Rc<Self>) {
        let (mut listed, mut under_way) = (Vec::new(), None);
        loop {
            let next = self.state().strategy.sweep.as_ref().and_then(|sweep| sweep.next());
            let Some(at) = next.filter(|at| *at <= self.until.get()) else { return };
            self.sleep_until(at).await;
            if self.broken().is_some() {
                return;
            }
            if let Err(fault) = self.sweep(&mut listed, &mut under_way).await {
                return self.note_fault(&fault, self.now());
            }
        }
    }

    /// The sweep does what is due.
    async fn sweep(&self, listed: &mut Vec<Vec<u8>>, under_way: &mut Option<Sweep>) -> Result<(), Fault> {
        let bytes = Info::ask(&self.link).await?.0.used_memory;
        let now = self.now();
        let step = {
            let mut guard = self.state();
            let state = &mut *guard;
            let ledger = &state.ledger;
            let holds = |object| ledger.latest(object, now).is_some();
            let Some(sweep) = &mut state.strategy.sweep else { return Ok(()) };
            let prefix = self.keys.prefix().len() as u64;
            let key_len = |object| prefix + self.trace.objects().key_len(object);
            sweep.step(&View { now, bytes, holds: &holds, key_len: &key_len })
        };
        self.state().recorder.sent(now, Command::Sweep, step.commands.len() as u64);
        if let Some(found) = step.found {
            *under_way = Some(Sweep {
                at: now,
                members: found.members,
                ghosts: found.ghosts,
                removed: 0,
                excess_entries: found.excess_entries,
                excess_bytes: found.excess_bytes,
                set_bytes: found.set_bytes,
            });
        }
        let mut removed = 0;
        for command in &step.commands {
            removed += self.swept(*command, listed, now).await?;
        }
        {
            let mut state = self.state();
            step.unlink.iter().for_each(|object| state.ledger.removed(*object, Cause::Evicted));
        }
        if let Some(sweep) = under_way.as_mut() {
            sweep.removed += removed;
        }
        if step.over
            && let Some(swept) = under_way.take()
        {
            self.state().recorder.swept(&swept);
        }
        Ok(())
    }

    /// One command of a sweep; how many keys it deleted. What is deleted is what the server lists.
    async fn swept(
        &self,
        command: SetCommand,
        listed: &mut Vec<Vec<u8>>,
        now: SimTime,
    ) -> Result<u64, Fault> {
        let set = self.keys.access_times();
        let mut wire = Cmd::new();
        match command {
            SetCommand::Measure => {
                wire.arg(b"ZCARD").arg(set);
                self.link.number("ZCARD", &wire).await?;
            }
            SetCommand::Purge(ttl) => {
                let oldest = now.since(SimTime::ZERO + ttl).as_nanos() / 1_000;
                wire.arg(b"ZREMRANGEBYSCORE").arg(set).arg(b"-inf").arg(format!("({oldest}"));
                self.link.number("ZREMRANGEBYSCORE", &wire).await?;
            }
            SetCommand::List(count) => {
                wire.arg(b"ZRANGE").arg(set).arg(0).arg(count - 1);
                *listed = self.link.list("ZRANGE", &wire).await?;
            }
            SetCommand::Unlink(count) => {
                let chunk: Vec<Vec<u8>> = listed.drain(..count.min(listed.len())).collect();
                return self.link.unlink(&chunk).await;
            }
            SetCommand::Remove(count) => {
                wire.arg(b"ZREMRANGEBYRANK").arg(set).arg(0).arg(count - 1);
                self.link.number("ZREMRANGEBYRANK", &wire).await?;
            }
        }
        Ok(0)
    }
}
