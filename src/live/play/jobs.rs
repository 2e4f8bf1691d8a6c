//! What happens by the clock: jobs of the refresh policy, and the application's sweep.

use std::rc::Rc;
use std::time::{Duration, Instant};

use redis::Cmd;
use tokio::task::spawn_local;

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

/// After how long the jobs look at the latest whether the run is over, in real time.
const LOOK: Duration = Duration::from_millis(20);

/// What is sent after an access, where there is a sweep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    at: SimTime,
    /// The deadlines that EXPIRE sets; `None` where none is sent.
    deadlines: Option<(SimTime, SimTime)>,
}

impl Player {
    /// Runs the refresh policy's own jobs until the run is over.
    pub(super) async fn jobs(self: Rc<Self>) {
        loop {
            let now = self.now();
            if self.is_over(now) || self.broken().is_some() {
                return;
            }
            self.run_jobs(now);
            let next = self.state().strategy.refresh.next_job().map(|next| self.clock.instant(next));
            let look = self.clock.instant(now) + LOOK;
            tokio::select! {
                // A fill, or the end of another job, may bring the next one forward.
                () = self.job_news.notified() => {}
                () = tokio::time::sleep_until(next.unwrap_or(look).min(look).into()) => {}
            }
        }
    }

    /// Begins what jobs want now.
    fn run_jobs(self: &Rc<Self>, now: SimTime) {
        loop {
            let wanted = self.state().strategy.refresh.job(now);
            let Some(object) = wanted else { return };
            if !self.may_begin(Instant::now()) {
                return;
            }
            spawn_local(Rc::clone(self).job(object));
        }
    }

    /// Fetches an object anew, if the server still holds it.
    async fn job(self: Rc<Self>, object: ObjectId) {
        let held = match self.still_there(object).await {
            Ok(held) => held,
            Err(fault) => {
                self.note_fault(&fault, self.now());
                None
            }
        };
        if let Some(entry) = held {
            let stale = self.now() > entry.fresh_until;
            let trigger = if stale { OutcomeKind::StaleHit } else { OutcomeKind::FreshHit };
            let trip = Trip { object, node: 0, purpose: Purpose::Job, trigger, index: 0 };
            if self.fetch_behind(trip, Some(entry.version)).await {
                return;
            }
        }
        self.state().strategy.refresh.job_done(object, self.now(), held.is_some());
        self.job_news.notify_one();
    }

    /// An object was read or stored: what is noted of it for the sweep, where there is one. `fresh` is whether the access
    /// stored the value as well; `None` where it sends no EXPIRE.
    pub(super) fn access(&self, object: ObjectId, fresh: Option<bool>) -> Option<Access> {
        let at = self.now();
        let mut guard = self.state();
        let state = &mut *guard;
        let sweep = state.strategy.sweep.as_mut()?;
        let fresh_until = state.strategy.ttl.fresh_until(&self.fill(object, at));
        let key_len = |object| self.trace.objects().key_len(object);
        sweep.on_access(object, at, fresh_until.since(at), &key_len);
        let expires = fresh.is_some_and(|stored| !(stored && sweep.is_lean()));
        let deadlines = expires.then(|| (fresh_until, state.strategy.keep_until(at, fresh_until)));
        Some(Access { at, deadlines })
    }

    /// ZADD of an access time, and EXPIRE.
    pub(super) async fn note_access(&self, object: ObjectId, access: Option<Access>) {
        let Some(Access { at, deadlines }) = access else { return };
        let mut zadd = Cmd::new();
        zadd.arg(b"ZADD").arg(self.keys.access_times()).arg(at.as_nanos() / 1_000).arg(self.key(object));
        match self.link.number("ZADD", &zadd).await {
            Ok(_) => self.state().recorder.sent(at, Command::Zadd, 1),
            // Without room for the set an access goes unnoticed, as the application's would.
            Err(Fault::OutOfMemory) => {}
            Err(fault) => return self.note_fault(&fault, at),
        }
        if let Some((fresh_until, expires_at)) = deadlines
            && self.set_deadline(object, fresh_until, expires_at, at).await
        {
            self.state().recorder.sent(at, Command::Expire, 1);
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
            let key_len = |object| self.trace.objects().key_len(object);
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
                let beside = chunk.iter().filter_map(|key| self.second_key(&String::from_utf8_lossy(key)));
                let beside: Vec<String> = beside.collect();
                let removed = self.link.unlink(&chunk).await?;
                self.link.unlink(&beside).await?;
                return Ok(removed);
            }
            SetCommand::Remove(count) => {
                wire.arg(b"ZREMRANGEBYRANK").arg(set).arg(0).arg(count - 1);
                self.link.number("ZREMRANGEBYRANK", &wire).await?;
            }
        }
        Ok(0)
    }
}
