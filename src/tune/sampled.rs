//! A sample of the keys in the place of a whole trace: a smaller cache and a smaller origin, and what that says of the
//! whole.
//!
//! The cache's limit, a limit that an event sets, the servers of the origin and the places of its queue are those of the
//! whole times the rate; of a limit in bytes what the server takes without any entry is taken out first. Several
//! samples with other keys are replications, so their spread is the error: the method of random groups, in which
//! every group is a sample of the same kind (Wolter, Introduction to Variance Estimation, 2007, chapter 2).

use std::sync::Arc;

use super::run::{Beat, bucket_of, check_scale, simulation_of};
use super::{CellPlan, Progress, Runs};
use crate::cache::{Capacity, Happening, ServerEvent};
use crate::catalog::{Chosen, Fault};
use crate::engine::exact::recorded::Workspace;
use crate::metrics::{Census, Measurements, Sampled, Scaling};
use crate::origin::Setup as OriginSetup;
use crate::origin::capacity::CapacityModel;
use crate::random::Seed;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::trace::shape::sample::Sampler;
use crate::units::{SimTime, Window};

/// How many samples of other keys are taken of one trace, so that they tell how far one is off.
pub const SAMPLES: usize = 4;

/// A cache of fewer objects than this is no smaller picture of a large one.
pub(super) const LEAST_OBJECTS: f64 = 10.0;

/// How often each cell is played: once for each trace, and for each sample where several are taken of one trace.
pub fn replications(scenario: &Scenario, runs: &Runs) -> usize {
    let traces = match runs {
        Runs::Recorded(_) => 1,
        Runs::Synthetic(_) => scenario.repeat as usize,
    };
    traces * samples_of_one(scenario, traces)
}

/// How many samples are taken of each trace: with several traces one of each tells the error.
fn samples_of_one(scenario: &Scenario, traces: usize) -> usize {
    if scenario.sample.is_some() && traces == 1 { SAMPLES } else { 1 }
}

/// What is to be played: a whole trace, or a sample of its keys.
#[derive(Debug, Clone)]
pub(super) struct Portion {
    /// The requests.
    pub(super) trace: Arc<Trace>,
    /// How they stand for more; `None` for a whole trace.
    part: Option<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    rate: f64,
    /// The share of the keys that the sample came to have.
    share: f64,
    of_one_trace: u32,
    census: Arc<Census>,
    extent: Extent,
}

impl Portion {
    /// All of it.
    pub(super) fn whole(trace: Arc<Trace>) -> Self {
        Self { trace, part: None }
    }

    /// Plays a cell on it, and says what that says of the whole; `None` if it was stopped.
    pub(super) fn play(
        &self,
        scenario: &Scenario,
        plan: &CellPlan,
        seed: Seed,
        progress: &dyn Progress,
        workspace: &Workspace,
    ) -> Result<Option<Measurements>, Fault> {
        let (rate, share) = self.part.as_ref().map_or((1.0, 1.0), |part| (part.rate, part.share));
        if let Some(part) = &self.part {
            check_scale(scenario, plan, &part.extent, rate)?;
        }
        let simulation = simulation_of(scenario, plan, &self.trace, seed, share)?;
        let bucket = bucket_of(scenario, &self.trace);
        let Some(measured) = simulation.run_in(bucket, &Beat(progress), workspace) else {
            return Ok(None);
        };
        let Some(part) = &self.part else { return Ok(Some(measured)) };
        let sampled = Sampled {
            rate: part.rate,
            of_one_trace: part.of_one_trace,
            shared: scenario.shared(),
            requests: 0,
        };
        let servers = servers_beyond(&scenario.origin.capacity, share);
        Ok(Some(measured.of_whole(&part.census, Scaling { sampled, share, servers })))
    }
}

/// Takes samples of one trace.
#[derive(Debug)]
pub(super) struct Sampling {
    trace: Arc<Trace>,
    census: Arc<Census>,
    extent: Extent,
    rate: f64,
    seed: Seed,
    of_one_trace: u32,
}

impl Sampling {
    /// Samples of a share `rate` of the keys of `trace`, of which so many will be taken; with another seed others.
    pub(super) fn new(
        scenario: &Scenario,
        trace: Arc<Trace>,
        rate: f64,
        seed: Seed,
        of_one_trace: usize,
    ) -> Self {
        let window = Window { from: SimTime::ZERO + scenario.warmup, until: SimTime::ZERO + trace.span() };
        let census = Arc::new(Census::of(&trace, window, bucket_of(scenario, &trace)));
        let of_one_trace = u32::try_from(of_one_trace).unwrap_or(u32::MAX);
        let extent = Extent::of(&trace);
        Self { trace, census, extent, rate, seed, of_one_trace }
    }

    /// The `nth` sample.
    pub(super) fn sample(&self, nth: usize) -> Portion {
        let sampler = Sampler::new(self.rate, self.seed.nth(nth as u64));
        let trace = sampler.of(&self.trace);
        let all = self.trace.objects().len();
        let share =
            if trace.objects().is_empty() { self.rate } else { trace.objects().len() as f64 / all as f64 };
        Portion {
            trace: Arc::new(trace),
            part: Some(Part {
                rate: self.rate,
                share,
                of_one_trace: self.of_one_trace,
                census: Arc::clone(&self.census),
                extent: self.extent.clone(),
            }),
        }
    }
}

/// What is played in each replication, made when it is needed first.
#[derive(Debug)]
pub(super) struct Source<'s> {
    scenario: &'s Scenario,
    traces: usize,
    /// How the first trace is sampled, kept while several samples are taken of it.
    first: std::sync::Mutex<Option<Arc<Sampling>>>,
}

impl<'s> Source<'s> {
    pub(super) fn new(scenario: &'s Scenario, traces: usize) -> Self {
        Self { scenario, traces, first: std::sync::Mutex::new(None) }
    }

    /// The portion of a replication, whose trace `make` makes by the number of the trace.
    pub(super) fn portion(&self, replication: usize, make: &dyn Fn(usize) -> Arc<Trace>) -> Portion {
        let Some(rate) = self.scenario.sample else { return Portion::whole(make(replication)) };
        let samples = samples_of_one(self.scenario, self.traces);
        let seed = Seed::new(self.scenario.seed).of("sample");
        if samples == 1 {
            return Sampling::new(self.scenario, make(replication), rate, seed, 1).sample(replication);
        }
        let sampling = {
            let mut first = self.first.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let new = || Arc::new(Sampling::new(self.scenario, make(0), rate, seed, samples));
            Arc::clone(first.get_or_insert_with(new))
        };
        sampling.sample(replication)
    }
}

/// The limit of a cache that holds the keys of a sample; `beside` is what is in use without any entry.
pub(super) fn limit(capacity: Capacity, rate: f64, beside: u64) -> Capacity {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count, and rounding is wanted"
    )]
    let part = |whole: u64| ((whole as f64 * rate).round() as u64).max(1);
    match capacity {
        _ if rate >= 1.0 => capacity,
        Capacity::Unbounded => Capacity::Unbounded,
        Capacity::Bytes(bytes) if bytes > beside => Capacity::Bytes(beside + part(bytes - beside)),
        Capacity::Bytes(bytes) => Capacity::Bytes(bytes),
        Capacity::Objects(objects) => Capacity::Objects(part(objects)),
    }
}

/// What happens to the server of a sample.
pub(super) fn event(event: ServerEvent, rate: f64, beside: u64) -> ServerEvent {
    match event.what {
        Happening::Limit(capacity) => {
            ServerEvent { what: Happening::Limit(limit(capacity, rate, beside)), ..event }
        }
        _ => event,
    }
}

/// What a whole trace says of how small its samples may be.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    /// Bytes of an object, on average.
    mean: f64,
    /// The class of the fewest objects, and how many these are.
    least: Option<(String, usize)>,
}

impl Extent {
    /// Of a trace of all keys.
    pub(super) fn of(trace: &Trace) -> Self {
        let objects = trace.objects();
        let mut counts = vec![0; objects.classes().len()];
        objects.facts().iter().for_each(|fact| counts[fact.class.index()] += 1);
        let named = objects.classes().iter().cloned().zip(counts).filter(|(_, count)| *count > 0);
        let least = named.min_by_key(|(_, count)| *count);
        Self { mean: objects.total_bytes() as f64 / objects.len().max(1) as f64, least }
    }

    /// The least share that leaves enough keys of every class; above 1 where only all keys do.
    pub(super) fn least_rate(&self) -> f64 {
        self.least.as_ref().map_or(0.0, |(_, count)| LEAST_OBJECTS / *count as f64)
    }

    /// Bytes of an object, on average.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The least share that leaves a cache of this limit enough room; above 1 where only all keys do, 0 where any does.
    pub(super) fn least_rate_of(&self, capacity: Capacity, beside: u64) -> f64 {
        let objects = match capacity {
            Capacity::Unbounded => return 0.0,
            Capacity::Objects(objects) => objects as f64,
            Capacity::Bytes(bytes) => bytes.saturating_sub(beside) as f64 / self.mean.max(1.0),
        };
        // What is too small for objects as it is, the scenario wants.
        if objects < 1.0 { 0.0 } else { LEAST_OBJECTS / objects }
    }

    /// Refuses a sample that leaves too few keys of a class: where none is left, nothing is known of its requests.
    pub(super) fn enough_keys(&self, rate: f64) -> Result<(), Fault> {
        let Some((class, count)) = &self.least else { return Ok(()) };
        let count = *count as f64;
        if rate >= self.least_rate() {
            return Ok(());
        }
        let what = format!(
            "a sample of {:.3} % of the keys leaves of the {count} images of class \"{class}\" fewer than {LEAST_OBJECTS}",
            rate * 100.0
        );
        Err(Fault::new(0..0, what)
            .rule("of a class of which no key is left a sample says nothing")
            .help(larger("", self.least_rate())))
    }

    /// Refuses a cache that a sample makes too small to be one.
    pub(super) fn large_enough(&self, capacity: Capacity, rate: f64, beside: u64) -> Result<(), Fault> {
        let enough = self.least_rate_of(capacity, beside);
        // A rate that was divided out of the same limit is no hair too small.
        if rate >= enough * (1.0 - 1e-12) {
            return Ok(());
        }
        let told = match capacity {
            Capacity::Unbounded => return Ok(()),
            Capacity::Objects(objects) => format!("{objects} objects of capacity"),
            Capacity::Bytes(bytes) => {
                format!("a capacity of {} for images", crate::units::ByteSize::from_bytes(bytes))
            }
        };
        let what = format!(
            "a sample of {:.3} % of the keys leaves of {told} room for fewer than {LEAST_OBJECTS}",
            rate * 100.0
        );
        Err(Fault::new(0..0, what)
            .rule("a cache of a few objects behaves unlike a large one")
            .help(larger("ask for larger capacities, or ", enough)))
    }
}

/// What to do where a share of `enough` would do.
fn larger(instead: &str, enough: f64) -> String {
    if enough >= 1.0 {
        format!("{instead}play all keys")
    } else {
        format!("{instead}ask for a sample of {:.3}", (enough * 1_000.0).ceil() / 1_000.0)
    }
}

/// Refuses a sample that leaves less than one server of the origin.
pub(super) fn enough_servers(
    capacity: &Chosen<dyn CapacityModel, OriginSetup>,
    rate: f64,
) -> Result<(), Fault> {
    let Some(servers) = capacity.number_of("servers") else { return Ok(()) };
    if servers * rate < 1.0 {
        let what = format!(
            "a sample of {:.3} % of the keys leaves less than one of the origin's {servers} servers",
            rate * 100.0
        );
        return Err(Fault::new(capacity.span_of("servers"), what)
            .rule("servers, like the cache, are scaled by the share of the keys")
            .help(format!(
                "take a sample of at least {:.3}, or all keys",
                (1_000.0 / servers).ceil() / 1_000.0
            )));
    }
    Ok(())
}

/// The origin of a sample: its share of the servers, at least one, and of the places in the queue.
///
/// # Errors
/// If a parameter cannot have its share.
pub(super) fn servers(
    capacity: &Chosen<dyn CapacityModel, OriginSetup>,
    share: f64,
) -> Result<Chosen<dyn CapacityModel, OriginSetup>, Fault> {
    let Some(servers) = capacity.number_of("servers").filter(|_| share < 1.0) else {
        return Ok(capacity.clone());
    };
    #[expect(clippy::cast_possible_truncation, reason = "a share of a whole number that fits")]
    let part = |whole: f64| (whole * share).round() as i64;
    let scaled = capacity.with("servers", part(servers).max(1))?;
    match capacity.number_of("queue").or_else(|| capacity.word_of("queue").parse().ok()) {
        None => Ok(scaled),
        Some(places) => scaled.with("queue", part(places)),
    }
}

/// The servers of a sample over those that its rate asks for: they are whole.
fn servers_beyond(capacity: &Chosen<dyn CapacityModel, OriginSetup>, rate: f64) -> f64 {
    let Some(servers) = capacity.number_of("servers") else { return 1.0 };
    let asked = servers * rate;
    asked.round().max(1.0) / asked
}
