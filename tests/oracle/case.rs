//! A small world with everything in it that decides its run, for the engine and for the naive model.

use std::sync::Arc;

use crate::TICK;
use crate::naive::breaker::Breaker;
use crate::naive::fault::Spell;
use crate::naive::guard::Guard;
use crate::naive::modifier::Modifier;
use crate::naive::origin::Servers;
use crate::naive::recorded::Act;
use crate::naive::refresh::Refresh;
use crate::naive::server::Upset;
use crate::naive::sweep::Sweep;
use crate::naive::ttl::Ttl;
use crate::naive::upload::Warming;
use crate::naive::{
    self, Capacity, Conditional, Config, Eviction, FailSafe, Failures, Fate, Images, LateFill, Reclaim, Soft,
};
use ttlab::cache::cluster;
use ttlab::client::Client;
use ttlab::engine::Simulation;
use ttlab::origin::change::{ChangeModel, Changes};
use ttlab::origin::fault::{FaultModel, Service};
use ttlab::origin::latency::LatencyModel;
use ttlab::origin::{self, Ask, Origin, Version};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ClassId, Event, Fact, Happening, Keys, Kin, ObjectId, Objects, Trace, Ttls};
use ttlab::tune;
use ttlab::units::{SimDuration, SimTime};

/// A case. Times of requests and of the silence are in ticks, all others in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Gap to the request before, and object.
    pub(crate) requests: Vec<(u64, u32)>,
    pub(crate) sizes: Vec<u32>,
    /// The class of each object, from 0 without a gap.
    pub(crate) classes: Vec<u16>,
    /// The picture that each is a size of: the first object that is, and how many others are asked for more often.
    pub(crate) kin: Vec<(u32, u8)>,
    /// Objects that are added after the start, and when, in the order of time.
    pub(crate) added: Vec<(u64, u32)>,
    /// Time between the last request and the end.
    pub(crate) silence: u64,
    /// What is done to keys beside requests: before which of them, at its time (2), at that of the request before it (0), or
    /// between the two; to which object; and whether it is deleted.
    pub(crate) acts: Vec<(usize, u64, u32, bool)>,
    pub(crate) capacity: Capacity,
    pub(crate) eviction: Eviction,
    pub(crate) reclaim: Reclaim,
    pub(crate) warm: bool,
    pub(crate) upsets: Vec<(u64, Upset)>,
    pub(crate) ttl: Ttl,
    pub(crate) modifiers: Vec<Modifier>,
    /// Whether TTLs are whole ticks, by chance.
    pub(crate) whole: bool,
    pub(crate) refresh: Refresh,
    pub(crate) conditional: Option<Conditional>,
    pub(crate) fail_safe: Option<FailSafe>,
    pub(crate) warming: Option<Warming>,
    pub(crate) guard: Guard,
    pub(crate) sweep: Option<Sweep>,
    pub(crate) soft: Soft,
    pub(crate) nodes: u32,
    pub(crate) by_key: bool,
    pub(crate) timeout: Option<u64>,
    pub(crate) late_fill: LateFill,
    pub(crate) failures: Failures,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) crash: f64,
    pub(crate) servers: Servers,
    pub(crate) spells: Vec<Spell>,
    pub(crate) origin: Table,
    pub(crate) seed: u64,
}

/// The origin of a case: by object, how long fetches take (the n-th the n-th, and after the last the first
/// again), which fail, and when it changes.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) times: Vec<Vec<u64>>,
    pub(crate) fails: Vec<Vec<bool>>,
    /// Instants, increasing.
    pub(crate) changes: Vec<Vec<u64>>,
}

fn nth<T: Copy>(cycle: &[T], nth: u64) -> T {
    cycle[usize::try_from(nth).expect("few fetches") % cycle.len()]
}

impl LatencyModel for Table {
    fn time(&mut self, ask: &Ask, of: u32, _: Version) -> SimDuration {
        SimDuration::from_nanos(nth(&self.times[ask.object.index()], of.into()))
    }

    fn median(&self) -> SimDuration {
        SimDuration::from_nanos(TICK)
    }
}

impl FaultModel for Table {
    fn strike(&mut self, service: &mut Service) {
        service.fails |= nth(&self.fails[service.object.index()], service.nth.into());
    }
}

impl ChangeModel for Table {
    fn lifetime(&self, object: ObjectId, nth: u32) -> SimDuration {
        let (changes, nth) = (&self.changes[object.index()], nth as usize);
        let before = if nth == 0 { 0 } else { changes[nth - 1] };
        changes.get(nth).map_or(SimDuration::FOREVER, |change| SimDuration::from_nanos(change - before))
    }

    fn ever(&self) -> bool {
        self.changes.iter().any(|changes| !changes.is_empty())
    }
}

/// What chance gives to the naive model: the numbers that the engine draws.
struct Chance<'c> {
    case: &'c Case,
    client: &'c Client,
    routing: Seed,
    strategy: Seed,
    failures: Seed,
    warm: Seed,
    origin: Seed,
    /// The hash slot of each object's key.
    slots: Vec<u16>,
}

impl Fate for Chance<'_> {
    fn latency(&self, object: usize, of: u64) -> u64 {
        nth(&self.case.origin.times[object], of)
    }

    fn fails(&self, object: usize, of: u64) -> bool {
        nth(&self.case.origin.fails[object], of)
    }

    fn changes(&self, object: usize) -> &[u64] {
        // All sizes of a picture change together.
        &self.case.origin.changes[self.case.kin[object].0 as usize]
    }

    fn ever_changes(&self) -> bool {
        self.case.origin.ever()
    }

    fn error(&self, object: usize, of: u64) -> f64 {
        self.origin.of("errors").unit(object as u64, of)
    }

    fn lies_in(&self, object: usize, shard: u64, shards: u64) -> bool {
        let shards = u16::try_from(shards).expect("few shards");
        u64::from(cluster::shard(self.slots[object], shards)) == shard
    }

    fn dies(&self, object: usize, ticket: u64) -> bool {
        self.failures.of("crash").unit(object as u64, ticket) < self.case.crash
    }

    fn backoff(&self, request: usize, attempt: u32) -> f64 {
        self.failures.unit(request as u64, attempt.into())
    }

    fn jitter(&self, place: usize, object: usize, at: u64) -> f64 {
        self.strategy.of("jitter").nth(place as u64).unit(object as u64, at)
    }

    fn jitter_for_good(&self, place: usize, object: usize) -> f64 {
        self.strategy.of("jitter").nth(place as u64).of("per-key").unit(object as u64, 0)
    }

    fn timeout(&self, object: usize, at: u64) -> f64 {
        self.strategy.of("break-even").unit(object as u64, at)
    }

    fn rounding(&self, object: usize, at: u64) -> f64 {
        self.strategy.of("ttl-resolution").unit(object as u64, at)
    }

    fn place_in_period(&self, object: usize, period: u64) -> u64 {
        self.strategy.of("timer").bits(object as u64, 0) % period
    }

    fn node(&self, request: usize, object: usize) -> usize {
        self.client.node(self.routing, request, ObjectId::from_index(object)) as usize
    }

    fn left_at_start(&self, object: usize) -> f64 {
        self.warm.unit(object as u64, 0)
    }

    fn early(&self, object: usize, at: u64, before: u64) -> f64 {
        let seed = self.strategy.of("xfetch");
        let seed = if before == 0 { seed } else { seed.nth(before) };
        seed.unit(object as u64, at)
    }
}

impl Case {
    pub(crate) fn trace(&self) -> Arc<Trace> {
        let facts = self.sizes.iter().zip(&self.classes).map(|(size, class)| Fact {
            size: *size,
            class: ClassId::new(*class),
            size_is_imputed: false,
        });
        let families =
            self.kin.iter().map(|(first, rank)| Kin { original: ObjectId::new(*first), rank: *rank });
        let added = self.added.iter().map(|(at, object)| (SimTime::from_nanos(*at), ObjectId::new(*object)));
        let classes = (0..self.classes()).map(|class| format!("c{class}")).collect();
        let objects = Objects::new(facts.collect(), Keys::Numbered, classes)
            .with_families(families.collect())
            .with_uploads(added.collect());
        let (times, end) = self.times();
        let at = times.into_iter().map(SimTime::from_nanos).collect();
        let asked = self.requests.iter().map(|(_, object)| ObjectId::new(*object)).collect();
        let events = self.recorded().into_iter().map(|Act { before, at, object, deletes }| Event {
            at: SimTime::from_nanos(at),
            object: ObjectId::from_index(object),
            what: if deletes { Happening::Deleted } else { Happening::MarkedStale },
            before,
        });
        let trace =
            Trace::new(at, asked, objects, SimDuration::from_nanos(end)).with_events(events.collect());
        let Ttl::Recorded(told, _) = &self.ttl else { return Arc::new(trace) };
        let told = told.iter().map(|(object, at, ttl)| {
            let ttl = if *ttl == u64::MAX { SimDuration::FOREVER } else { SimDuration::from_nanos(*ttl) };
            (ObjectId::from_index(*object), SimTime::from_nanos(*at), ttl)
        });
        Arc::new(trace.with_ttls(Ttls::new(self.sizes.len(), told.collect())))
    }

    /// When the requests come, and the end.
    fn times(&self) -> (Vec<u64>, u64) {
        let mut now = 0;
        let later = |(gap, _): &(u64, u32)| {
            now += gap * TICK;
            now
        };
        let times: Vec<u64> = self.requests.iter().map(later).collect();
        (times, now + self.silence * TICK)
    }

    /// What is done to keys beside requests, in order.
    fn recorded(&self) -> Vec<Act> {
        let (times, end) = self.times();
        let acts = self.acts.iter().map(|(before, halves, object, deletes)| {
            let last = before.checked_sub(1).map_or(0, |last| times[last]);
            let next = times.get(*before).copied().unwrap_or(end);
            let at = last + (next - last) / 2 * halves;
            Act { before: *before, at, object: *object as usize, deletes: *deletes }
        });
        let mut acts: Vec<Act> = acts.collect();
        acts.sort_by_key(|act| (act.before, act.at));
        acts
    }

    /// How many classes there are.
    pub(crate) fn classes(&self) -> usize {
        self.classes.iter().max().map_or(0, |last| usize::from(*last) + 1)
    }

    /// The real simulation of this case.
    pub(crate) fn simulation<'t>(&self, scenario: &Scenario, trace: &'t Arc<Trace>) -> Simulation<'t> {
        let plan = tune::grid(scenario)[0];
        let seed = Seed::new(self.seed);
        let mut simulation = tune::simulation(scenario, &plan, trace, seed).expect("a case can be run");
        let setup = origin::Setup { trace: Arc::clone(trace), seed };
        let changes =
            trace.objects().classes().iter().map(|_| Box::new(self.origin.clone()) as Box<dyn ChangeModel>);
        let fails = self.origin.fails.iter().flatten().any(|fails| *fails);
        let written = scenario.origin.faults.iter();
        let written = written.map(|fault| fault.make(&setup).expect("it can be made"));
        let faults =
            written.chain(fails.then(|| Box::new(self.origin.clone()) as Box<dyn FaultModel>)).collect();
        simulation.origin = Origin::new(
            Box::new(self.origin.clone()),
            scenario.origin.capacity.make(&setup).expect("it can be made"),
            faults,
            Changes::new(changes.collect(), trace.objects()),
            trace.objects().len(),
        );
        simulation
    }

    /// The naive simulation of the same requests, at the nodes to which the client sends them.
    pub(crate) fn naive(&self, simulation: &Simulation<'_>) -> naive::Result {
        let routing = simulation.seed.of("routing");
        let requests: Vec<naive::Request> = simulation
            .trace
            .requests()
            .enumerate()
            .map(|(index, request)| naive::Request {
                at: request.at.as_nanos(),
                object: request.object.index(),
                node: simulation.client.node(routing, index, request.object) as usize,
            })
            .collect();
        let images = Images {
            sizes: self.sizes.iter().map(|size| u64::from(*size)).collect(),
            classes: self.classes.iter().map(|class| usize::from(*class)).collect(),
            ranks: self.kin.iter().map(|(_, rank)| usize::from(*rank)).collect(),
            added: self.added.iter().map(|(at, object)| (*at, *object as usize)).collect(),
        };
        let chance = Chance {
            case: self,
            client: &simulation.client,
            routing,
            strategy: Seed::new(self.seed).of("strategy"),
            failures: simulation.seed.of("failures"),
            warm: simulation.seed.of("warm"),
            origin: Seed::new(self.seed),
            slots: (0..self.sizes.len())
                .map(|object| {
                    let key = simulation.trace.objects().key(ObjectId::from_index(object));
                    cluster::slot(key.as_bytes())
                })
                .collect(),
        };
        let config = Config {
            capacity: self.capacity,
            eviction: self.eviction,
            reclaim: self.reclaim,
            warm: self.warm,
            upsets: self.upsets.clone(),
            ttl: self.ttl.clone(),
            modifiers: self.modifiers.clone(),
            ttl_step: self.whole.then_some(TICK),
            refresh: self.refresh,
            conditional: self.conditional,
            fail_safe: self.fail_safe,
            warming: self.warming,
            guard: self.guard,
            sweep: self.sweep,
            soft: self.soft,
            acts: self.recorded(),
            servers: self.servers,
            spells: self.spells.clone(),
            timeout: self.timeout,
            late_fill: self.late_fill,
            failures: self.failures,
            breaker: self.breaker,
            fate: &chance,
            end: Some(simulation.window.until.as_nanos()),
        };
        naive::simulate(&requests, &images, &config)
    }
}
