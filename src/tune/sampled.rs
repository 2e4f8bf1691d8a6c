//! A sample of the keys in the place of a whole trace: a smaller cache and a smaller origin, and what that says of the
//! whole.
//!
//! The cache's limit, a limit that an event sets and the servers of the origin are those of the whole times the rate; of a
//! limit in bytes what the server takes without any entry is taken out first. Several
//! samples with other keys are replications, so their spread is the error: the method of random groups, in which
//! every group is a sample of the same kind (Wolter, Introduction to Variance Estimation, 2007, chapter 2).

use std::sync::Arc;

use hdrhistogram::Histogram;

use super::run::Beat;
use super::simulation::{bucket_of, bytes_beside, check_scale, simulation_of};
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
use crate::units::{ByteSize, SimTime, Window};

/// How many samples of other keys are taken of one trace, so that they tell how far one is off.
pub const SAMPLES: usize = 4;

/// A cache of fewer objects than this is no smaller picture of a large one.
pub(super) const LEAST_OBJECTS: f64 = 10.0;
/// Nor is one that has no room for so many of its large values at once: one alone pushes out all others, or is not stored at
/// all, though the whole cache stores it.
pub(super) const LEAST_LARGE: f64 = 4.0;
/// Fewer servers than this are more than 2 % faster or slower than the share of the keys that a sample came to have, because
/// they are whole.
const LEAST_SERVERS: f64 = 25.0;
/// Values are large as far as no more than this share of the requests asks for larger ones: what becomes of those moves
/// the hit ratio by less than half a point.
const LARGER: f64 = 0.005;

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
        let fits_only_whole = || -> Result<bool, Fault> {
            let Capacity::Bytes(whole) = plan.capacity else { return Ok(false) };
            let beside = bytes_beside(scenario, plan.capacity)?;
            let Capacity::Bytes(sample) = limit(plan.capacity, share, beside) else { return Ok(false) };
            Ok(part.extent.some_fit_only(whole.saturating_sub(beside), sample.saturating_sub(beside)))
        };
        let sampled = Sampled {
            unstored: if measured.too_large > 0 && fits_only_whole()? { measured.too_large } else { 0 },
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
    /// Samples of a share `rate` of the keys of `trace`, of which so many will be taken; with another seed others. `extent` is
    /// that of this trace, or of one that was made in the same way.
    pub(super) fn new(
        scenario: &Scenario,
        trace: Arc<Trace>,
        extent: &Extent,
        rate: f64,
        seed: Seed,
        of_one_trace: usize,
    ) -> Self {
        let window = Window { from: SimTime::ZERO + scenario.warmup, until: SimTime::ZERO + trace.span() };
        let census = Arc::new(Census::of(&trace, window, bucket_of(scenario, &trace)));
        let of_one_trace = u32::try_from(of_one_trace).unwrap_or(u32::MAX);
        Self { trace, census, extent: extent.clone(), rate, seed, of_one_trace }
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
    /// Of the first trace: whatever it allows, all do, so that no replication is missing.
    extent: Option<Extent>,
    /// How the first trace is sampled, kept while several samples are taken of it.
    first: std::sync::Mutex<Option<Arc<Sampling>>>,
}

impl<'s> Source<'s> {
    /// `extent` is that of the first trace, where samples are played.
    pub(super) fn new(scenario: &'s Scenario, traces: usize, extent: Option<Extent>) -> Self {
        Self { scenario, traces, extent, first: std::sync::Mutex::new(None) }
    }

    /// The portion of a replication, whose trace `make` makes by the number of the trace.
    pub(super) fn portion(&self, replication: usize, make: &dyn Fn(usize) -> Arc<Trace>) -> Portion {
        let (Some(rate), Some(extent)) = (self.scenario.sample, &self.extent) else {
            return Portion::whole(make(replication));
        };
        let samples = samples_of_one(self.scenario, self.traces);
        let seed = Seed::new(self.scenario.seed).of("sample");
        if samples == 1 {
            let trace = make(replication);
            return Sampling::new(self.scenario, trace, extent, rate, seed, 1).sample(replication);
        }
        let sampling = {
            let mut first = self.first.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let new = || Arc::new(Sampling::new(self.scenario, make(0), extent, rate, seed, samples));
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
    /// The sizes that are asked for, to a hundredth and ascending, and how many requests ask for each.
    asked: Arc<[(u64, u64)]>,
}

/// What a share of the keys must leave of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Floor {
    /// The least share; above 1 where only all keys do, 0 where any does.
    rate: f64,
    /// The size of the large values for which there must be room, and the share of the requests that ask for it or larger ones
    /// which the whole cache stores; `None` where objects of the average size need more.
    large: Option<(u64, f64)>,
}

impl Extent {
    /// Of a trace of all keys.
    pub(super) fn of(trace: &Trace) -> Self {
        let objects = trace.objects();
        let mut counts = vec![0; objects.classes().len()];
        objects.facts().iter().for_each(|fact| counts[fact.class.index()] += 1);
        let named = objects.classes().iter().cloned().zip(counts).filter(|(_, count)| *count > 0);
        let least = named.min_by_key(|(_, count)| *count);
        let mut sizes = Histogram::<u64>::new(2).expect("two digits are legal");
        trace.each(|_, object| {
            sizes.record(objects.size(object).into()).expect("a histogram that may grow takes every size");
        });
        let asked = sizes.iter_recorded();
        let asked =
            asked.map(|place| (sizes.lowest_equivalent(place.value_iterated_to()), place.count_at_value()));
        Self {
            mean: objects.total_bytes() as f64 / objects.len().max(1) as f64,
            least,
            asked: asked.collect(),
        }
    }

    /// The least share that leaves enough keys of every class; above 1 where only all keys do.
    pub(super) fn least_rate(&self) -> f64 {
        self.least.as_ref().map_or(0.0, |(_, count)| LEAST_OBJECTS / *count as f64)
    }

    /// The bytes for which a sample's cache needs room, whatever the whole one stores: [`LEAST_OBJECTS`] of the average size, and
    /// [`LEAST_LARGE`] of the large ones.
    pub(super) fn least_bytes(&self) -> f64 {
        let large = self.large(u64::MAX).map_or(0.0, |(size, _)| LEAST_LARGE * size as f64);
        (LEAST_OBJECTS * self.mean).max(large)
    }

    /// Of the values that fit into so many bytes, the size that no more than [`LARGER`] of all requests exceed, and the share
    /// of the requests that ask for it or a larger one; `None` where next to nobody asks for what fits.
    fn large(&self, room: u64) -> Option<(u64, f64)> {
        let all: u64 = self.asked.iter().map(|(_, requests)| requests).sum();
        let mut share = 0.0;
        self.asked.iter().rev().filter(|(size, _)| *size <= room).find_map(|(size, requests)| {
            share += *requests as f64 / all as f64;
            (share > LARGER).then_some((*size, share))
        })
    }

    /// Whether some of the values that fit into so many bytes do not fit into `less` of them.
    pub(super) fn some_fit_only(&self, room: u64, less: u64) -> bool {
        self.asked.iter().any(|(size, _)| *size <= room && *size > less)
    }

    /// The least share that leaves a cache of this limit enough room; above 1 where only all keys do, 0 where any does.
    pub(super) fn least_rate_of(&self, capacity: Capacity, beside: u64) -> f64 {
        self.floor(capacity, beside).rate
    }

    fn floor(&self, capacity: Capacity, beside: u64) -> Floor {
        let of_mean = |objects: f64| {
            // What is too small for objects as it is, the scenario wants.
            let rate = if objects < 1.0 { 0.0 } else { LEAST_OBJECTS / objects };
            Floor { rate, large: None }
        };
        match capacity {
            Capacity::Unbounded => Floor { rate: 0.0, large: None },
            Capacity::Objects(objects) => of_mean(objects as f64),
            Capacity::Bytes(bytes) => {
                let room = bytes.saturating_sub(beside);
                let of_mean = of_mean(room as f64 / self.mean.max(1.0));
                let large = self.large(room);
                let of_large = large.map_or(0.0, |(size, _)| LEAST_LARGE * size as f64 / room as f64);
                if of_large > of_mean.rate { Floor { rate: of_large, large } } else { of_mean }
            }
        }
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
        let Floor { rate: enough, large } = self.floor(capacity, beside);
        // A rate that was divided out of the same limit is no hair too small.
        if rate >= enough * (1.0 - 1e-12) {
            return Ok(());
        }
        let about = |bytes| match bytes {
            ..1_024 => format!("{bytes} bytes"),
            _ => ByteSize::from_bytes(bytes).about(),
        };
        let told = match capacity {
            Capacity::Unbounded => return Ok(()),
            Capacity::Objects(objects) => format!("{objects} objects of capacity"),
            Capacity::Bytes(bytes) => format!("a capacity of {} for images", ByteSize::from_bytes(bytes)),
        };
        let (few, rule) = match large {
            None => (LEAST_OBJECTS.to_string(), "a cache of a few objects behaves unlike a large one"),
            Some((size, share)) => (
                format!(
                    "{LEAST_LARGE} of {}, which {:.1} % of the requests ask for or more",
                    about(size),
                    share * 100.0
                ),
                "a value that does not fit is not stored, though the whole cache stores it, and one that barely fits pushes out \
                 all others",
            ),
        };
        let what = format!(
            "a sample of {:.3} % of the keys leaves of {told} room for fewer than {few}",
            rate * 100.0
        );
        Err(Fault::new(0..0, what).rule(rule).help(larger("ask for larger capacities, or ", enough)))
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

/// Refuses a sample that leaves too few servers of the origin.
pub(super) fn enough_servers(
    capacity: &Chosen<dyn CapacityModel, OriginSetup>,
    rate: f64,
) -> Result<(), Fault> {
    let Some(servers) = capacity.number_of("servers") else { return Ok(()) };
    if servers * rate >= LEAST_SERVERS {
        return Ok(());
    }
    let what = format!(
        "a sample of {:.3} % of the keys leaves {} of the origin's {servers} servers, fewer than {LEAST_SERVERS}",
        rate * 100.0,
        (servers * rate * 10.0).round() / 10.0
    );
    Err(Fault::new(capacity.span_of("servers"), what)
        .rule(
            "servers are scaled by the share of the keys and are whole: of so few rounding alone would make the origin faster \
             or slower by more than 2 %, and few queue longer than many",
        )
        .help(larger("", LEAST_SERVERS / servers)))
}

/// The origin of a sample: its share of the servers, at least one. A queue that has places for so many alone is no
/// queue of a sample.
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
    let part = (servers * share).round() as i64;
    capacity.with("servers", part.max(1))
}

/// The servers of a sample over those that its rate asks for: they are whole.
fn servers_beyond(capacity: &Chosen<dyn CapacityModel, OriginSetup>, rate: f64) -> f64 {
    let Some(servers) = capacity.number_of("servers") else { return 1.0 };
    let asked = servers * rate;
    asked.round().max(1.0) / asked
}
