//! What a scenario file means: TOML text becomes a [`Scenario`], or errors that say where and why.
//!
//! What the simulator does not model is refused here, and so are combinations that make no sense;
//! a scenario that was read can be run.

mod build;
mod cache;
mod coherence;
mod combinations;
mod cost;
pub mod drill;
mod effective;
mod error;
pub mod events;
mod fetch_time;
pub mod growth;
mod idle;
pub mod judgement;
mod long_ttls;
mod need;
mod origin;
mod per_object;
pub mod recorded;
mod remarks;
mod resized;
mod rewrite;
mod sampled;
mod server;
mod span;
mod strategies;
mod trace_settings;
pub mod tune;
pub mod vary;
mod windows;
mod workload;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use error::{Mistake, ScenarioError};

pub use need::{Load, Need, Recorded as RecordedNeed, Results, Traces, replications_at_once, result_bytes};
pub use per_object::{DEADLINE_BESIDE, cache_per_object, key_beside};
pub use rewrite::relocated;
pub use trace_settings::trace_settings;

use crate::cache::eviction::EvictionPolicy;
use crate::cache::memory::MemoryModel;
use crate::cache::reclaim::Reclaim;
use crate::cache::redis::Settings;
use crate::cache::{Capacity, Setup as CacheSetup};
use crate::catalog::{Chosen, Fault, Listing};
use crate::client::Client;
use crate::origin::Setup as OriginSetup;
use crate::origin::capacity::CapacityModel;
use crate::origin::change::ChangeModel;
use crate::origin::fault::FaultModel;
use crate::origin::latency::LatencyModel;
use crate::strategy::{Design, TtlResolution};
use crate::trace::synth::Workload;
use crate::units::SimDuration;

/// A scenario as it was meant: checked, with every default filled in.
#[derive(Debug)]
pub struct Scenario {
    /// The file, as messages call it; tables that it names lie relative to its folder.
    pub file: String,
    /// Name, also that of the output folder.
    pub name: String,
    /// The question it asks.
    pub question: String,
    /// Seed of all chance.
    pub seed: u64,
    /// Replications of a synthetic trace, each with its own chance; 1 for a recorded one.
    pub repeat: u32,
    /// The share of the keys that `run` plays; `None` is all of them.
    pub sample: Option<f64>,
    /// Where the scenario says so; `None` where the command line does.
    pub sample_span: Option<std::ops::Range<usize>>,
    /// Why this share was taken, where it was chosen by what the trace shows.
    pub sample_chosen: Option<String>,
    /// Simulated at the start and not scored.
    pub warmup: SimDuration,
    /// Length of a bucket of the series; `None` chooses one by the length of the trace.
    pub bucket: Option<SimDuration>,
    /// Where the scenario says so.
    pub bucket_span: std::ops::Range<usize>,
    /// What decides how much memory it takes; `None` for a recorded trace.
    pub need: Option<Need>,
    /// Answers that are out of date for longer than this are counted; `None` counts none.
    pub freshness_bound: Option<SimDuration>,
    /// Where the requests come from.
    pub source: Source,
    /// The classes that the scenario knows of; a recorded trace may bring more.
    pub classes: Vec<String>,
    /// Who answers.
    pub origin: OriginDesign,
    /// How requests are asked.
    pub client: Client,
    /// What is remembered.
    pub cache: CacheDesign,
    /// What is compared.
    pub strategies: Vec<Design>,
    /// How cells are judged.
    pub judgement: judgement::Judgement,
    /// What a search may vary; `None` without `[tune]`.
    pub tune: Option<tune::Tuning>,
    /// What a plan of growth asks; `None` without `[growth]`.
    pub growth: Option<growth::Growth>,
    /// The bad days that a plan must survive; `None` without `[drill]`.
    pub drill: Option<drill::Drills>,
    /// The scenario as it was written.
    pub written: toml::Table,
    /// The scenario as it could be written with every default.
    pub effective: toml::Table,
    /// Settings that defeat each other, in sentences that say what to write instead.
    pub warnings: Vec<String>,
    /// What follows from a setting, in sentences.
    pub notes: Vec<String>,
}

impl Scenario {
    /// SHA-256 of each table that it reads, by its path.
    pub fn tables(&self) -> BTreeMap<String, String> {
        self.notes.iter().filter_map(|note| workload::table_of(note)).collect()
    }

    /// Uses another seed, as the command line may ask.
    pub fn reseed(&mut self, seed: u64) {
        self.seed = seed;
        for table in [&mut self.written, &mut self.effective] {
            table.insert("seed".to_owned(), i64::try_from(seed).unwrap_or(i64::MAX).into());
        }
    }
}

impl Scenario {
    /// Refuses buckets too short for a trace of this length, which of a recorded one is known once it is read.
    ///
    /// # Errors
    /// If the series would have too many of them.
    pub fn check_buckets(&self, length: SimDuration) -> Result<(), Fault> {
        build::check_buckets(self.bucket, &self.bucket_span, length)
    }

    /// Takes fetches to need no time, at an origin that serves any number of them, as the command line may ask.
    pub fn fetch_instantly(&mut self) {
        let no_time = toml::Table::from_iter([("value".to_owned(), "0s".into())]);
        let constant = crate::origin::latency::LATENCIES.choice("constant", no_time);
        self.origin.latency =
            constant.unwrap_or_else(|fault| panic!("a fetch may take no time: {}", fault.what));
        self.origin.capacity = crate::origin::capacity::CAPACITIES.default_choice("unlimited");
    }
}

/// Where the requests come from.
#[derive(Debug)]
pub enum Source {
    /// A recorded trace.
    Recorded(Box<recorded::Recorded>),
    /// A synthetic one.
    Synthetic(Arc<Workload>),
}

/// The origin as a scenario describes it.
#[derive(Debug, Clone)]
pub struct OriginDesign {
    /// How long a fetch takes.
    pub latency: Chosen<dyn LatencyModel, OriginSetup>,
    /// How many fetches are served at once.
    pub capacity: Chosen<dyn CapacityModel, OriginSetup>,
    /// What goes wrong.
    pub faults: Vec<Chosen<dyn FaultModel, OriginSetup>>,
    /// When objects change whose class says nothing itself.
    pub changes: Change,
    /// When the objects of these classes change.
    pub class_changes: Vec<(String, Change)>,
    /// The classes whose images have another size after a change, with the place where the scenario says so.
    pub resized: Vec<(String, std::ops::Range<usize>)>,
}

/// A model of change as a scenario describes it.
pub type Change = Chosen<dyn ChangeModel, OriginSetup>;

impl OriginDesign {
    /// The model of change that rules the objects of `class`.
    pub fn changes_of(&self, class: &str) -> &Change {
        self.class_changes.iter().find(|(name, _)| name == class).map_or(&self.changes, |(_, change)| change)
    }
}

/// The cache as a scenario describes it; lists are axes of the sweep.
#[derive(Debug, Clone)]
pub struct CacheDesign {
    /// How much it holds.
    pub capacities: Vec<Capacity>,
    /// Who leaves when it is full.
    pub evictions: Vec<Chosen<dyn EvictionPolicy, CacheSetup>>,
    /// When the bytes of dead entries come back.
    pub reclaim: Chosen<dyn Reclaim, CacheSetup>,
    /// What an entry costs.
    pub memory: Chosen<dyn MemoryModel, CacheSetup>,
    /// The configuration of the server; `None` where nothing is modelled on one.
    pub server: Option<Settings>,
    /// In which steps TTLs are kept.
    pub ttl_resolution: TtlResolution,
    /// Whether it begins with every object, each with a part of its TTL left.
    pub warm: bool,
    /// What happens to the server, in the order of time.
    pub events: Vec<events::Written>,
    /// What the user should know of it.
    pub(crate) warnings: Vec<String>,
}

/// The axes of a strategy with what can be written there.
pub fn strategy_axes() -> Vec<Listing> {
    vec![
        crate::strategy::ttl::rule::RULES.listing(),
        crate::strategy::ttl::modifier::MODIFIERS.listing(),
        crate::strategy::refresh::REFRESHES.listing(),
        crate::strategy::refresh::addon::ADDONS.listing(),
        crate::strategy::guard::GUARDS.listing(),
        crate::strategy::sweep::SWEEPS.listing(),
    ]
}

/// Every axis of a scenario with what can be written there, in the order in which a scenario uses them.
pub fn axes() -> Vec<Listing> {
    let others = vec![
        crate::cache::eviction::EVICTIONS.listing(),
        crate::cache::reclaim::RECLAIMS.listing(),
        crate::cache::memory::MEMORIES.listing(),
        crate::origin::latency::LATENCIES.listing(),
        crate::origin::capacity::CAPACITIES.listing(),
        crate::origin::fault::FAULTS.listing(),
        crate::origin::change::CHANGES.listing(),
        crate::trace::format::FORMATS.listing(),
        crate::trace::synth::arrival::ARRIVALS.listing(),
        crate::trace::synth::popularity::POPULARITIES.listing(),
        crate::trace::synth::size::SIZES.listing(),
        crate::trace::synth::event::EVENTS.listing(),
        crate::search::SAMPLERS.listing(),
    ];
    strategy_axes().into_iter().chain(others).collect()
}
