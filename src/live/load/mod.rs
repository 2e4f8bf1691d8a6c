//! Plain load: the highest rate of reads that keeps the 99th percentile under a limit, for sizing processors and
//! networks rather than memory.
//!
//! The trace's objects are written once, no faster than the rate that is allowed. Then its requests are sent as GETs,
//! in their order, at times of a Poisson process of a given rate: an open loop, so every wait counts from the intended
//! instant. The rate grows by half until a step does not hold, and then the gap is halved until it is a tenth. Reads
//! that a step leaves unanswered are given up with their connections, so that the next one begins with none.

mod rates;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::LocalSet;

pub use rates::{Kept, LimitedBy, Search, Step};
use rates::{kept, next};

use super::limits::{Beside, bytes_of, place};
use super::link::{Fault, Holders, Link, Values, Written};
use super::owed::{owe, settled};
use super::server::config::Changed;
use super::server::{Info, Spawned};
use super::tidy::{gone, tidy};
use super::{LiveError, Options, Target};
use crate::random::Seed;
use crate::trace::{ObjectId, Trace};
use crate::tune::Progress;
use crate::units::{ByteSize, SimDuration};

/// Reads without an answer from which on a step is given up.
const UNDER_WAY: u64 = 50_000;

/// Time between two looks at whether the user wants to stop.
const TICK: Duration = Duration::from_millis(20);

/// How long reads may take to end after their step.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the server may take to answer what removes keys, or the last write before a stop.
const CLEAN_UP: Duration = Duration::from_secs(30);

/// By how much writes may catch up with their pace: a tick of the timer is a millisecond.
const SLACK: Duration = Duration::from_millis(10);

/// Reads of a step from which on one of a hundred is more than a single one.
const ENOUGH: f64 = 100.0;

/// The share of reads that may find no value.
const MISSING: f64 = 0.01;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// What the 99th percentile must not exceed.
    pub p99: SimDuration,
    /// How long each rate is held.
    pub step: SimDuration,
    /// The first rate, in reads a second.
    pub first: f64,
}

/// What a search writes: in a sentence, before it starts. `trace` is a [`named`](super::named) one.
///
/// # Errors
/// If it is more than the limits allow, or nothing can be measured so.
pub fn undertaking(trace: &Trace, options: &Options, load: &Load) -> Result<String, LiveError> {
    options.check_certificates()?;
    let (objects, limits) = (trace.objects(), &options.limits);
    let refused = |what: String| Err(LiveError::Other(what));
    if trace.is_empty() {
        return refused("the trace has no requests, so there is nothing to read".to_owned());
    }
    if load.p99.is_zero() || load.step < SimDuration::from_millis(100) {
        return refused("--p99 must be above 0s and --step at least 100ms".to_owned());
    }
    let most = limits.rate.as_per_second();
    let reads = most * load.step.as_secs_f64();
    if reads < ENOUGH {
        return refused(format!(
            "--max-rate {} lets {reads:.0} reads begin in a --step of {}, and one of a hundred needs at least {ENOUGH}; allow \
             more, or hold each rate for longer",
            limits.rate, load.step
        ));
    }
    let bytes = ByteSize::from_bytes(bytes_of(objects));
    if bytes > limits.bytes {
        return refused(format!(
            "its keys would take up to {} of the server's memory, more than the limit of {}; raise it with --max-bytes",
            bytes.about(),
            limits.bytes.about()
        ));
    }
    Ok(format!(
        "will write {} keys, {}, {}; at most {most:.0} writes or reads in a second (--max-rate)",
        objects.len(),
        bytes.about(),
        place(options.prefix())
    ))
}

/// Searches for the highest rate; `trace` is a [`named`](super::named) one.
///
/// # Errors
/// If the server cannot be used, or what [`undertaking`] says. Where it goes away later, or its keys do not stay, the search
/// is [`broken`](Search::broken).
pub fn benchmark(
    trace: &Arc<Trace>,
    options: &Options,
    load: &Load,
    progress: &dyn Progress,
) -> Result<Search, LiveError> {
    undertaking(trace, options, load)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| LiveError::Other(format!("no network can be used here: {error}")))?;
    runtime.block_on(search(trace, options, load, progress)).map_err(LiveError::Other)
}

/// Why a search is over before its end.
enum Ended {
    /// The user wants it.
    Stopped,
    /// It cannot go on.
    Broken(String),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault.to_string())
    }
}

async fn search(
    trace: &Arc<Trace>,
    options: &Options,
    load: &Load,
    progress: &dyn Progress,
) -> Result<Search, String> {
    let spawned = match &options.target {
        Target::Spawn => Some(Spawned::start(&[])?),
        Target::Url(_) | Target::Cluster(_) => None,
    };
    let link = super::ready::open(spawned.as_ref(), options, options.connections).await?;
    let (info, nodes) = Info::ask(&link).await.map_err(|fault| fault.to_string())?;
    super::ready::usable(&info, options)?;
    let holders = link.holders(nodes).await.map_err(|fault| fault.to_string())?;
    let objects = trace.objects();
    super::ready::free(&link, &info, objects, Beside::default(), options, progress).await?;
    if spawned.is_none() {
        super::ready::may_remove(&link, objects, Beside::default(), options).await?;
    }
    let keys = (0..objects.len()).map(|index| objects.key(ObjectId::from_index(index))).collect();
    let most = options.limits.rate.as_per_second();
    let mut bench = Bench {
        trace,
        options,
        load,
        progress,
        spawned,
        holders,
        keys: Rc::new(keys),
        link: Rc::new(link),
        steps: Vec::new(),
    };
    if bench.spawned.is_none() {
        owe(options.prefix(), &Changed::default());
    }
    let ended = match bench.fill().await {
        Ok(()) => bench.try_rates().await,
        Err(ended) => Err(ended),
    };
    // What cannot be removed is told, whatever else went wrong.
    let left = bench.clean_up().await.err();
    settled();
    let is_tidy = left.is_none();
    let others = if bench.spawned.is_none() { info.keys } else { 0 };
    let left =
        left.into_iter().chain(gone(options, Some(&bench.link), &bench.holders, others, is_tidy).await);
    let (is_stopped, broken) = match ended {
        Ok(()) => (false, None),
        Err(Ended::Stopped) => (true, None),
        Err(Ended::Broken(why)) => (false, Some(why)),
    };
    let steps = bench.steps;
    let missing: u64 = steps.iter().map(|step| step.missing).sum();
    let missing = (missing > 0).then(|| {
        format!(
            "{missing} reads found no value: the server evicts, or somebody else deletes the keys of the run"
        )
    });
    let warnings = missing.into_iter().chain(left).collect();
    Ok(Search { steps, most, is_stopped, broken, warnings, is_tidy })
}

/// A search under way.
struct Bench<'b> {
    trace: &'b Trace,
    options: &'b Options,
    load: &'b Load,
    progress: &'b dyn Progress,
    /// Stopped when it is dropped.
    spawned: Option<Spawned>,
    holders: Holders,
    keys: Rc<Vec<String>>,
    link: Rc<Link>,
    steps: Vec<Step>,
}

impl Bench<'_> {
    /// Comes when the user wants to stop.
    async fn stopped(&self) {
        while !self.progress.stop() {
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits, unless the user wants to stop.
    async fn wait_until(&self, due: Instant) -> Result<(), Ended> {
        loop {
            if self.progress.stop() {
                return Err(Ended::Stopped);
            }
            let now = Instant::now();
            if due <= now {
                return Ok(());
            }
            tokio::time::sleep_until(due.min(now + TICK).into()).await;
        }
    }

    /// Writes every object once, no faster than is allowed.
    async fn fill(&self) -> Result<(), Ended> {
        let facts = self.trace.objects().facts();
        let longest = facts.iter().map(|fact| fact.size).max().unwrap_or(0);
        let values = Values::new(longest as usize, Seed::new(1).of("load"));
        let gap = Duration::from_secs_f64(1.0 / self.options.limits.rate.as_per_second());
        let mut due = Instant::now();
        for ((key, fact), fill) in self.keys.iter().zip(facts).zip(1..) {
            let value = values.value(fill, fact.size as usize);
            self.wait_until(due).await?;
            let now = Instant::now();
            due = due.max(now.checked_sub(SLACK).unwrap_or(now)) + gap;
            let mut written = std::pin::pin!(self.link.set(key.as_bytes(), &value, None));
            let written = tokio::select! {
                biased;
                written = &mut written => written?,
                () = self.stopped() => {
                    // A write that is on its way must not come after its key was removed.
                    let _ = tokio::time::timeout(CLEAN_UP, written).await;
                    return Err(Ended::Stopped);
                }
            };
            if written != Written::Yes {
                return Err(Ended::Broken(
                    "the server has no room for the trace's objects; raise its maxmemory".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Tries one rate after the other.
    async fn try_rates(&mut self) -> Result<(), Ended> {
        let most = self.options.limits.rate.as_per_second();
        // Of fewer reads one of a hundred is a single one.
        let least = ENOUGH / self.load.step.as_secs_f64();
        while let Some(rate) = next(&self.steps, self.load.first, [least, most]) {
            let own = Rate {
                link: Rc::clone(&self.link),
                keys: Rc::clone(&self.keys),
                seed: Seed::new(self.steps.len() as u64),
            };
            // What was read for a rate ends with it.
            let reads = LocalSet::new();
            let (step, is_behind) =
                reads.run_until(own.hold(self.trace, rate, self.load, self.progress)).await?;
            drop((reads, own));
            // Reads of nothing say nothing of a rate, and are no step of the search.
            if step.missing as f64 > MISSING * step.reads as f64 {
                return Err(Ended::Broken(format!(
                    "{} of {} reads found no value: the server evicts, or somebody else deletes the keys of the run; give it more \
                     memory (maxmemory), or name a server that nobody else uses",
                    step.missing, step.reads
                )));
            }
            self.steps.push(step);
            if is_behind {
                let link = super::ready::open(self.spawned.as_ref(), self.options, self.options.connections);
                self.link = Rc::new(link.await.map_err(Ended::Broken)?);
            }
            self.progress.run_done();
        }
        Ok(())
    }

    /// Removes every key. What is left, if something is, in a sentence.
    async fn clean_up(&self) -> Result<(), String> {
        if self.spawned.is_some() {
            return Ok(());
        }
        let left = tidy(self.options, Some(&self.link), &self.holders, &self.keys, Changed::default()).await;
        if !left.is_empty() {
            return Err(left.join("; "));
        }
        Ok(())
    }
}

/// A rate that is held.
struct Rate {
    link: Rc<Link>,
    keys: Rc<Vec<String>>,
    seed: Seed,
}

/// What is counted meanwhile.
struct Seen {
    /// How late reads were begun.
    late: RefCell<Histogram<u64>>,
    waits: RefCell<Histogram<u64>>,
    missing: Cell<u64>,
    under_way: Cell<u64>,
    fault: RefCell<Option<String>>,
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Rate {
    /// Holds the rate; with whether reads are left that were not answered in time.
    async fn hold(
        &self,
        trace: &Trace,
        rate: f64,
        load: &Load,
        progress: &dyn Progress,
    ) -> Result<(Step, bool), Ended> {
        let histogram = || Histogram::<u64>::new(3).expect("three digits are legal");
        let seen = Rc::new(Seen {
            late: RefCell::new(histogram()),
            waits: RefCell::new(histogram()),
            missing: Cell::new(0),
            under_way: Cell::new(0),
            fault: RefCell::new(None),
        });
        let length = Duration::from_nanos(load.step.as_nanos());
        let began = Instant::now() + Duration::from_millis(50);
        let end = began + length;
        let gap = |nth: u64| Duration::from_secs_f64(-(1.0 - self.seed.unit(nth, 0)).ln() / rate);
        let (mut sent, mut at) = (0_u64, gap(0));
        let mut objects = trace.object_ids().iter().copied().cycle();
        let mut overrun = false;
        while at < length && !overrun && seen.fault.borrow().is_none() {
            if progress.stop() {
                return Err(Ended::Stopped);
            }
            let now = Instant::now();
            while at < length && began + at <= now {
                let object = objects.next().expect("a trace without requests was refused");
                self.read(object, began + at, &seen);
                sent += 1;
                at += gap(sent);
            }
            overrun = seen.under_way.get() > UNDER_WAY;
            let (due, now) = ((began + at).min(end), Instant::now());
            if due > now + Duration::from_millis(1) {
                tokio::time::sleep_until(due.min(now + TICK).into()).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
        let patience = Instant::now() + PATIENCE;
        while seen.under_way.get() > 0 && Instant::now() < patience {
            if progress.stop() {
                return Err(Ended::Stopped);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if let Some(fault) = seen.fault.borrow().clone() {
            return Err(Ended::Broken(fault));
        }
        let is_behind = seen.under_way.get() > 0;
        let elapsed = began.elapsed().max(length).as_secs_f64();
        let waits = seen.waits.borrow();
        let [p50_s, p99_s] = [0.5, 0.99].map(|quantile| waits.value_at_quantile(quantile) as f64 / 1e9);
        let late_p99_s = seen.late.borrow().value_at_quantile(0.99) as f64 / 1e9;
        let is_lost = overrun || is_behind || waits.is_empty();
        let kept = kept(is_lost, p99_s, late_p99_s, load.p99.as_secs_f64());
        let (answered, missing) = (waits.len() as f64 / elapsed, seen.missing.get());
        let step =
            Step { offered: rate, answered, reads: waits.len(), missing, p50_s, p99_s, late_p99_s, kept };
        Ok((step, is_behind))
    }

    /// Starts one read.
    fn read(&self, object: ObjectId, meant: Instant, seen: &Rc<Seen>) {
        let (link, keys, seen) = (Rc::clone(&self.link), Rc::clone(&self.keys), Rc::clone(seen));
        seen.under_way.set(seen.under_way.get() + 1);
        tokio::task::spawn_local(async move {
            // A read that was let begin in time may have waited its turn: that is the harness, too.
            let late = seen.late.borrow_mut().record(nanos(meant.elapsed()));
            late.expect("a histogram that may grow takes every time");
            match link.get(keys[object.index()].as_bytes()).await {
                Ok(value) => {
                    let recorded = seen.waits.borrow_mut().record(nanos(meant.elapsed()));
                    recorded.expect("a histogram that may grow takes every time");
                    seen.missing.set(seen.missing.get() + u64::from(value.is_none()));
                }
                Err(fault) => {
                    seen.fault.borrow_mut().get_or_insert(fault.to_string());
                }
            }
            seen.under_way.set(seen.under_way.get() - 1);
        });
    }
}
