//! Plain load: the highest rate of reads that keeps the 99th percentile under a limit, for sizing processors and
//! networks rather than memory.
//!
//! The trace's objects are written once, no faster than the rate that is allowed. Then its requests are sent as GETs,
//! in their order, at times of a Poisson process of a given rate: an open loop, so every wait counts from the intended
//! instant. The rate grows by half until a step does not hold, and then the gap is halved until it is a tenth. Reads
//! that a step leaves unanswered are given up with their connections, so that the next one begins with none.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::LocalSet;

use super::limits::{Beside, bytes_of, place};
use super::link::{Fault, Link, Values, Written};
use super::server::config::Changed;
use super::server::{Info, Spawned};
use super::tidy::tidy;
use super::{LiveError, Options, Target};
use crate::random::Seed;
use crate::trace::{ObjectId, Trace};
use crate::tune::Progress;
use crate::units::{ByteSize, SimDuration};

/// Reads without an answer from which on a step is given up.
const UNDER_WAY: u64 = 50_000;

/// From here on the harness is too slow to say anything about the server: a tick of its timer is a millisecond.
const LATE: f64 = 0.005;

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

/// Whether a rate is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The percentile is within the limit.
    Yes,
    /// It is not.
    TooSlow,
    /// The harness could not send that fast, so nothing is known of the server.
    ClientLimited,
}

/// One rate that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// Reads a second that were meant to start.
    pub offered: f64,
    /// Reads a second that were answered.
    pub answered: f64,
    /// Reads that were answered.
    pub reads: u64,
    /// Reads among them that found no value.
    pub missing: u64,
    /// Half of the waits are not longer, in seconds.
    pub p50_s: f64,
    /// 99 of 100 are not longer.
    pub p99_s: f64,
    /// 99 of 100 reads were not started later than this.
    pub late_p99_s: f64,
    /// Whether it held.
    pub kept: Kept,
}

/// What keeps the highest rate from being higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedBy {
    /// At a higher rate the server was too slow.
    Server,
    /// At a higher rate the harness was: the server may be faster.
    Harness,
    /// No higher rate was allowed: the server may be faster.
    MaxRate,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The rates that were tried, in their order.
    pub steps: Vec<Step>,
    /// The highest rate that was allowed, in reads a second.
    pub most: f64,
    /// Whether the user stopped it before its end.
    pub is_stopped: bool,
    /// What the reader must know.
    pub warnings: Vec<String>,
}

impl Search {
    /// The highest rate among those that held, in reads a second; `None` if none did.
    pub fn highest(&self) -> Option<f64> {
        highest(&self.steps)
    }

    /// What is known of higher rates; `None` where the search was stopped before it knew.
    pub fn limited_by(&self) -> Option<LimitedBy> {
        match (self.highest(), failed(&self.steps)) {
            (_, Some(step)) if step.kept == Kept::ClientLimited => Some(LimitedBy::Harness),
            (_, Some(_)) => Some(LimitedBy::Server),
            (Some(held), None) if held >= self.most => Some(LimitedBy::MaxRate),
            (_, None) => None,
        }
    }
}

/// The highest rate among those that held; `None` if none did.
fn highest(steps: &[Step]) -> Option<f64> {
    steps.iter().filter(|step| step.kept == Kept::Yes).map(|step| step.offered).reduce(f64::max)
}

/// The step with the lowest rate among those that did not hold, not even when they were tried again.
fn failed(steps: &[Step]) -> Option<&Step> {
    let held =
        |rate: f64| steps.iter().any(|step| step.kept == Kept::Yes && step.offered.total_cmp(&rate).is_eq());
    steps
        .iter()
        .filter(|step| step.kept != Kept::Yes && !held(step.offered))
        .min_by(|one, other| one.offered.total_cmp(&other.offered))
}

/// The next rate to try; `None` when the highest one is known to a tenth.
fn next(steps: &[Step], first: f64, most: f64) -> Option<f64> {
    // A harness that was late once may have been kept from the processor by somebody else: a second time tells.
    if let [before @ .., last] = steps
        && last.kept == Kept::ClientLimited
        && before.iter().all(|step| step.offered.total_cmp(&last.offered).is_ne())
    {
        return Some(last.offered);
    }
    let first = first.min(most);
    match (highest(steps), failed(steps).map(|step| step.offered)) {
        (None, None) => Some(first),
        (Some(held), None) if held >= most => None,
        (Some(held), None) => Some((held * 1.5).min(most)),
        (Some(held), Some(failed)) => (failed / held > 1.1).then(|| (held * failed).sqrt()),
        // Not even the first one: a tenth of it, and a hundredth, and no more.
        (None, Some(failed)) => (failed > first / 50.0).then_some(failed / 10.0),
    }
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
            "its keys would take up to {bytes} of the server's memory, more than the limit of {}; raise it with --max-bytes",
            limits.bytes
        ));
    }
    Ok(format!(
        "will write {} keys, {bytes}, {}; at most {most:.0} writes or reads in a second (--max-rate)",
        objects.len(),
        place(options.prefix())
    ))
}

/// Searches for the highest rate; `trace` is a [`named`](super::named) one.
///
/// # Errors
/// If the server cannot be used or goes away, if its keys do not stay, or what [`undertaking`] says.
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
    let link = super::run::open(spawned.as_ref(), options, options.connections).await?;
    let (info, _) = Info::ask(&link).await.map_err(|fault| fault.to_string())?;
    super::run::usable(&info, options)?;
    let objects = trace.objects();
    super::run::free(&link, &info, objects, Beside::default(), options).await?;
    let keys = (0..objects.len()).map(|index| objects.key(ObjectId::from_index(index))).collect();
    let most = options.limits.rate.as_per_second();
    let mut bench = Bench {
        trace,
        options,
        load,
        progress,
        spawned,
        keys: Rc::new(keys),
        link: Rc::new(link),
        steps: Vec::new(),
    };
    let ended = match bench.fill().await {
        Ok(()) => bench.try_rates().await,
        Err(ended) => Err(ended),
    };
    // What cannot be removed is told, whatever else went wrong.
    let left = bench.clean_up().await.err();
    let is_stopped = match ended {
        Ok(()) => false,
        Err(Ended::Stopped) => true,
        Err(Ended::Broken(why)) => {
            return Err(match left {
                Some(left) => format!("{why}; {left}"),
                None => why,
            });
        }
    };
    let steps = bench.steps;
    let missing: u64 = steps.iter().map(|step| step.missing).sum();
    let missing = (missing > 0).then(|| {
        format!(
            "{missing} reads found no value: the server evicts, or somebody else deletes the keys of the run"
        )
    });
    Ok(Search { steps, most, is_stopped, warnings: missing.into_iter().chain(left).collect() })
}

/// A search under way.
struct Bench<'b> {
    trace: &'b Trace,
    options: &'b Options,
    load: &'b Load,
    progress: &'b dyn Progress,
    /// Stopped when it is dropped.
    spawned: Option<Spawned>,
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
        while let Some(rate) = next(&self.steps, self.load.first, most) {
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
            self.steps.push(step);
            if step.missing as f64 > MISSING * step.reads as f64 {
                return Err(Ended::Broken(format!(
                    "{} of {} reads found no value: the server evicts, or somebody else deletes the keys of the run; give it more \
                     memory (maxmemory), or name a server that nobody else uses",
                    step.missing, step.reads
                )));
            }
            if is_behind {
                let link = super::run::open(self.spawned.as_ref(), self.options, self.options.connections);
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
        let left = tidy(self.options, &self.keys, Changed::default()).await;
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
        let kept = if late_p99_s > LATE {
            Kept::ClientLimited
        } else if overrun || is_behind || waits.is_empty() || p99_s > load.p99.as_secs_f64() {
            Kept::TooSlow
        } else {
            Kept::Yes
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn step(offered: f64, kept: Kept) -> Step {
        Step {
            offered,
            answered: offered,
            reads: 1,
            missing: 0,
            p50_s: 0.0,
            p99_s: 0.0,
            late_p99_s: 0.0,
            kept,
        }
    }

    /// Tries rates on a server that keeps up to `limit`.
    fn found(limit: f64, first: f64, most: f64) -> Search {
        let mut steps = Vec::new();
        while let Some(offered) = next(&steps, first, most) {
            steps.push(step(offered, if offered <= limit { Kept::Yes } else { Kept::TooSlow }));
            assert!(steps.len() < 40, "it does not end");
        }
        Search { steps, most, is_stopped: false, warnings: Vec::new() }
    }

    #[test]
    fn the_highest_rate_is_found_to_a_tenth() {
        for limit in [900.0, 1_000.0, 7_777.0, 61_234.0] {
            let search = found(limit, 1_000.0, 1e9);
            let highest = search.highest().unwrap();
            assert!(highest <= limit && highest * 1.11 > limit, "{highest} of {limit}");
            assert!(search.steps.len() < 20, "{} steps", search.steps.len());
            assert_eq!(search.limited_by(), Some(LimitedBy::Server));
        }
        let slow = found(1.0, 1_000.0, 1e9);
        assert_eq!(
            (slow.highest(), slow.limited_by()),
            (None, Some(LimitedBy::Server)),
            "too slow for anything"
        );
        assert_eq!(found(3.0, 1_000.0, 300.0).highest(), Some(3.0), "a hundredth of what is allowed");
    }

    #[test]
    fn what_was_not_allowed_is_no_limit_of_the_server() {
        for most in [500.0, 1_000.0, 20_000.0] {
            let search = found(1e9, 1_000.0, most);
            assert_eq!((search.highest(), search.limited_by()), (Some(most), Some(LimitedBy::MaxRate)));
        }
        let steps =
            vec![step(1_000.0, Kept::Yes), step(1_500.0, Kept::ClientLimited), step(2_000.0, Kept::TooSlow)];
        let search = Search { steps, ..found(1.0, 1.0, 1e4) };
        assert_eq!(search.limited_by(), Some(LimitedBy::Harness), "the lowest rate that did not hold tells");
        let again = |kept| {
            let steps =
                vec![step(1_000.0, Kept::Yes), step(1_500.0, Kept::ClientLimited), step(1_500.0, kept)];
            (next(&steps, 1_000.0, 1e9), Search { steps, ..found(1.0, 1.0, 1e9) }.limited_by())
        };
        assert_eq!(next(&[step(1_000.0, Kept::ClientLimited)], 1_000.0, 1e9), Some(1_000.0), "once more");
        assert_eq!(again(Kept::Yes), (Some(2_250.0), None), "it was chance");
        assert_eq!(again(Kept::ClientLimited).1, Some(LimitedBy::Harness));
        assert!(again(Kept::ClientLimited).0.is_some_and(|rate| rate < 1_500.0), "it goes on below");
        let stopped = Search { steps: search.steps[..1].to_vec(), ..search };
        assert_eq!(stopped.limited_by(), None, "nobody knows");
    }
}
