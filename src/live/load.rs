//! Plain load: the highest rate of reads that keeps the 99th percentile under a limit, for sizing processors and
//! networks rather than memory.
//!
//! The trace's objects are written once. Then its requests are sent as GETs, in their order, at times of a Poisson
//! process of a given rate: an open loop, so every wait counts from the intended instant. The rate grows by half
//! until a step does not hold, and then the gap is halved until it is a tenth.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::link::{Link, Values};
use super::server::Spawned;
use super::{LiveError, Options, Target};
use crate::random::Seed;
use crate::trace::{ObjectId, Trace};
use crate::tune::Progress;
use crate::units::{ByteSize, SimDuration};

/// Reads without an answer from which on a step is given up.
const UNDER_WAY: u64 = 50_000;

/// From here on the harness is too slow to say anything about the server: a tick of its timer is a millisecond.
const LATE: f64 = 0.005;

/// Keys in one UNLINK.
const CHUNK: usize = 500;

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
    /// Half of the waits are not longer, in seconds.
    pub p50_s: f64,
    /// 99 of 100 are not longer.
    pub p99_s: f64,
    /// 99 of 100 reads were not started later than this.
    pub late_p99_s: f64,
    /// Whether it held.
    pub kept: Kept,
}

/// The highest rate among those that held; `None` if none did.
pub fn highest(steps: &[Step]) -> Option<f64> {
    steps.iter().filter(|step| step.kept == Kept::Yes).map(|step| step.offered).reduce(f64::max)
}

/// The next rate to try; `None` when the highest one is known to a tenth.
fn next(steps: &[Step], first: f64, most: f64) -> Option<f64> {
    let held = highest(steps);
    let failed = steps.iter().filter(|step| step.kept != Kept::Yes).map(|step| step.offered).reduce(f64::min);
    match (held, failed) {
        (None, None) => Some(first.min(most)),
        (Some(held), None) if held >= most => None,
        (Some(held), None) => Some((held * 1.5).min(most)),
        (Some(held), Some(failed)) => (failed / held > 1.1).then(|| (held * failed).sqrt()),
        // Not even the first one: a tenth of it, and a hundredth, and no more.
        (None, Some(failed)) => (failed > first / 50.0).then_some(failed / 10.0),
    }
}

/// Searches for the highest rate; `trace` is a [`named`](super::named) one.
///
/// # Errors
/// If the server cannot be used, or the keys would take more than the limits allow.
pub fn benchmark(
    trace: &Arc<Trace>,
    options: &Options,
    load: &Load,
    progress: &dyn Progress,
) -> Result<Vec<Step>, LiveError> {
    options.check_certificates()?;
    let bytes = trace.objects().total_bytes() + 120 * trace.objects().len() as u64;
    if bytes > options.limits.bytes.as_bytes() {
        return Err(LiveError::Other(format!(
            "its keys would take up to {} of the server's memory, more than the limit of {}; raise it with --max-bytes",
            ByteSize::from_bytes(bytes),
            options.limits.bytes
        )));
    }
    if trace.is_empty() {
        return Err(LiveError::Other("the trace has no requests, so there is nothing to read".to_owned()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| LiveError::Other(format!("no network can be used here: {error}")))?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, search(trace, options, load, progress)).map_err(LiveError::Other)
}

async fn search(
    trace: &Arc<Trace>,
    options: &Options,
    load: &Load,
    progress: &dyn Progress,
) -> Result<Vec<Step>, String> {
    let spawned = match &options.target {
        Target::Spawn => Some(Spawned::start(&[])?),
        Target::Url(_) | Target::Cluster(_) => None,
    };
    let link = super::run::open(spawned.as_ref(), options, options.connections).await?;
    let (info, _) = super::server::Info::ask(&link).await.map_err(|fault| fault.to_string())?;
    super::run::usable(&info, options)?;
    let link = Rc::new(link);
    let keys: Vec<String> =
        (0..trace.objects().len()).map(|index| trace.objects().key(ObjectId::from_index(index))).collect();
    let keys = Rc::new(keys);
    let steps = match fill(&link, trace, &keys).await {
        Ok(()) => steps(&link, trace, &keys, options, load, progress).await,
        Err(why) => Err(why),
    };
    for chunk in keys.chunks(CHUNK) {
        link.unlink(chunk).await.map_err(|fault| {
            format!(
                "keys may still be on the server ({fault}); remove those that begin with \"{}\"",
                options.prefix()
            )
        })?;
    }
    steps
}

/// Writes every object once.
async fn fill(link: &Link, trace: &Trace, keys: &[String]) -> Result<(), String> {
    let facts = trace.objects().facts();
    let longest = facts.iter().map(|fact| fact.size).max().unwrap_or(0);
    let values = Values::new(longest as usize, Seed::new(1).of("load"));
    for ((key, fact), fill) in keys.iter().zip(facts).zip(1..) {
        let value = values.value(fill, fact.size as usize);
        match link.set(key.as_bytes(), &value, None).await {
            Ok(super::link::Written::Yes) => {}
            Ok(_) => {
                return Err("the server has no room for the trace's objects; raise its maxmemory".to_owned());
            }
            Err(fault) => return Err(fault.to_string()),
        }
    }
    Ok(())
}

async fn steps(
    link: &Rc<Link>,
    trace: &Arc<Trace>,
    keys: &Rc<Vec<String>>,
    options: &Options,
    load: &Load,
    progress: &dyn Progress,
) -> Result<Vec<Step>, String> {
    let mut tried = Vec::new();
    while let Some(rate) = next(&tried, load.first, options.limits.rate.as_per_second()) {
        if progress.stop() {
            return Err("interrupted; the keys are removed".to_owned());
        }
        let own = Rate { link: Rc::clone(link), keys: Rc::clone(keys), seed: Seed::new(tried.len() as u64) };
        tried.push(own.hold(trace, rate, load).await?);
        progress.run_done();
    }
    Ok(tried)
}

/// A rate that is held.
struct Rate {
    link: Rc<Link>,
    keys: Rc<Vec<String>>,
    seed: Seed,
}

/// What is counted meanwhile.
struct Seen {
    waits: RefCell<Histogram<u64>>,
    under_way: Cell<u64>,
    fault: RefCell<Option<String>>,
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Rate {
    async fn hold(&self, trace: &Trace, rate: f64, load: &Load) -> Result<Step, String> {
        let histogram = || Histogram::<u64>::new(3).expect("three digits are legal");
        let seen = Rc::new(Seen {
            waits: RefCell::new(histogram()),
            under_way: Cell::new(0),
            fault: RefCell::new(None),
        });
        let mut late = histogram();
        let length = Duration::from_nanos(load.step.as_nanos());
        let began = Instant::now() + Duration::from_millis(50);
        let gap = |nth: u64| -(1.0 - self.seed.unit(nth, 0)).ln() / rate;
        let (mut sent, mut at) = (0_u64, Duration::from_secs_f64(gap(0)));
        let mut objects = trace.object_ids().iter().copied().cycle();
        let mut overrun = false;
        while at < length && !overrun && seen.fault.borrow().is_none() {
            let now = Instant::now();
            while at < length && began + at <= now {
                let object = objects.next().ok_or("the trace has no requests")?;
                late.record(nanos(now - (began + at))).map_err(|error| error.to_string())?;
                self.read(object, began + at, &seen);
                sent += 1;
                at += Duration::from_secs_f64(gap(sent));
            }
            overrun = seen.under_way.get() > UNDER_WAY;
            if began + at > Instant::now() + Duration::from_millis(1) {
                tokio::time::sleep_until((began + at).into()).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
        let patience = Instant::now() + Duration::from_secs(5);
        while seen.under_way.get() > 0 && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if let Some(fault) = seen.fault.borrow().clone() {
            return Err(fault);
        }
        let elapsed = began.elapsed().max(length).as_secs_f64();
        let waits = seen.waits.borrow();
        let [p50_s, p99_s] = [0.5, 0.99].map(|quantile| waits.value_at_quantile(quantile) as f64 / 1e9);
        let late_p99_s = late.value_at_quantile(0.99) as f64 / 1e9;
        let kept = if late_p99_s > LATE {
            Kept::ClientLimited
        } else if overrun || seen.under_way.get() > 0 || p99_s > load.p99.as_secs_f64() {
            Kept::TooSlow
        } else {
            Kept::Yes
        };
        Ok(Step { offered: rate, answered: waits.len() as f64 / elapsed, p50_s, p99_s, late_p99_s, kept })
    }

    /// Starts one read.
    fn read(&self, object: ObjectId, meant: Instant, seen: &Rc<Seen>) {
        let (link, keys, seen) = (Rc::clone(&self.link), Rc::clone(&self.keys), Rc::clone(seen));
        seen.under_way.set(seen.under_way.get() + 1);
        tokio::task::spawn_local(async move {
            match link.get(keys[object.index()].as_bytes()).await {
                Ok(_) => {
                    let recorded = seen.waits.borrow_mut().record(nanos(meant.elapsed()));
                    recorded.expect("a histogram that may grow takes every time");
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

    /// Tries rates on a server that keeps up to `limit`.
    fn found(limit: f64, first: f64, most: f64) -> (Option<f64>, usize) {
        let mut steps = Vec::new();
        while let Some(offered) = next(&steps, first, most) {
            let kept = if offered <= limit { Kept::Yes } else { Kept::TooSlow };
            steps.push(Step { offered, answered: offered, p50_s: 0.0, p99_s: 0.0, late_p99_s: 0.0, kept });
            assert!(steps.len() < 40, "it does not end");
        }
        (highest(&steps), steps.len())
    }

    #[test]
    fn the_highest_rate_is_found_to_a_tenth() {
        for limit in [900.0, 1_000.0, 7_777.0, 61_234.0] {
            let (found, steps) = found(limit, 1_000.0, 1e9);
            let found = found.unwrap();
            assert!(found <= limit && found * 1.11 > limit, "{found} of {limit}");
            assert!(steps < 20, "{steps} steps");
        }
        assert_eq!(found(1e9, 1_000.0, 20_000.0).0, Some(20_000.0), "no further than allowed");
        assert_eq!(found(1.0, 1_000.0, 1e9).0, None, "too slow for anything");
    }
}
