//! A small world with everything in it that decides its run, for the engine and for the naive model.

use std::fmt::Write;
use std::sync::Arc;

use crate::naive::guard::{AfterWait, Guard};
use crate::naive::origin::{Servers, Shed};
use crate::naive::refresh::Refresh;
use crate::naive::sweep::{Limit, Sweep};
use crate::naive::ttl::{Modifier, Ttl};
use crate::naive::{
    self, Capacity, Conditional, Config, Deserted, Duplicate, Eviction, FailSafe, Failures, Fate, LateFill,
    Reclaim,
};
use crate::{TICK, traces};
use ttlab::engine::Simulation;
use ttlab::origin::change::{ChangeModel, Changes};
use ttlab::origin::fault::{FaultModel, Service};
use ttlab::origin::latency::LatencyModel;
use ttlab::origin::{self, Ask, Origin};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ObjectId, Trace};
use ttlab::tune;
use ttlab::units::SimDuration;

/// A case. Times of requests and of the silence are in ticks, all others in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Gap to the request before, and object.
    pub(crate) requests: Vec<(u64, u32)>,
    pub(crate) sizes: Vec<u32>,
    /// Time between the last request and the end.
    pub(crate) silence: u64,
    pub(crate) capacity: Capacity,
    pub(crate) eviction: Eviction,
    pub(crate) reclaim: Reclaim,
    pub(crate) ttl: Ttl,
    pub(crate) modifiers: Vec<Modifier>,
    pub(crate) refresh: Refresh,
    pub(crate) conditional: Option<Conditional>,
    pub(crate) fail_safe: Option<FailSafe>,
    pub(crate) guard: Guard,
    pub(crate) sweep: Option<Sweep>,
    pub(crate) nodes: u32,
    pub(crate) by_key: bool,
    pub(crate) timeout: Option<u64>,
    pub(crate) late_fill: LateFill,
    pub(crate) failures: Failures,
    pub(crate) crash: f64,
    pub(crate) servers: Servers,
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
    fn time(&mut self, ask: &Ask, of: u32) -> SimDuration {
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
    strategy: Seed,
    failures: Seed,
}

impl Fate for Chance<'_> {
    fn latency(&self, object: usize, of: u64) -> u64 {
        nth(&self.case.origin.times[object], of)
    }

    fn fails(&self, object: usize, of: u64) -> bool {
        nth(&self.case.origin.fails[object], of)
    }

    fn changes(&self, object: usize) -> &[u64] {
        &self.case.origin.changes[object]
    }

    fn ever_changes(&self) -> bool {
        self.case.origin.ever()
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

    fn early(&self, object: usize, at: u64) -> f64 {
        self.strategy.of("xfetch").unit(object as u64, at)
    }
}

/// A duration as a scenario writes it.
fn ns(nanos: u64) -> String {
    format!("\"{nanos}ns\"")
}

impl Case {
    pub(crate) fn trace(&self) -> Arc<Trace> {
        let mut now = 0;
        let requests: Vec<(u64, u32)> = self
            .requests
            .iter()
            .map(|&(gap, object)| {
                now += gap * TICK;
                (now, object)
            })
            .collect();
        traces::trace(&requests, &self.sizes, now + self.silence * TICK)
    }

    /// The case as a scenario, but for its requests and its origin.
    pub(crate) fn scenario(&self) -> String {
        let source = traces::source(self.sizes.len());
        // Buckets of a length that fits nothing else.
        let mut text = format!("name = \"case\"\n[time]\nbucket = \"7ms\"\n{source}");
        let mut line = |line: String| writeln!(text, "{line}").expect("a String takes any text");
        self.client().into_iter().for_each(&mut line);
        // The case has fetch times of its own; those written here are only what xfetch asks for.
        let time = if matches!(self.refresh, Refresh::Chance { .. }) { "1ms" } else { "0s" };
        line(format!("[origin]\nlatency = {{ model = \"constant\", value = \"{time}\" }}"));
        if self.origin.ever() {
            line("changes = { model = \"poisson\", mean = \"1h\" }".to_owned());
        }
        if let Some(count) = self.servers.count {
            let room = self.servers.room.map_or("\"unbounded\"".to_owned(), |room| room.to_string());
            let order = if self.servers.lifo { "lifo" } else { "fifo" };
            let shed = match self.servers.shed {
                Shed::Newest => "newest",
                Shed::Oldest => "oldest",
                Shed::Deadline => "deadline",
            };
            line(format!(
                "capacity = {{ model = \"servers\", servers = {count}, queue = {room}, order = \"{order}\", shed = \"{shed}\" }}"
            ));
        }
        line("[cache]\nttl_resolution = \"exact\"".to_owned());
        match self.capacity {
            Capacity::Unbounded => {}
            Capacity::Bytes(bytes) => line(format!("capacity = \"{bytes}B\"")),
            Capacity::Objects(objects) => line(format!("capacity = {{ objects = {objects} }}")),
        }
        let eviction = match self.eviction {
            Eviction::Lru => "lru",
            Eviction::Fifo => "fifo",
            Eviction::Never => "noeviction",
        };
        line(format!("eviction = \"{eviction}\""));
        line(format!("reclaim = \"{}\"", if self.reclaim == Reclaim::Lazy { "lazy" } else { "eager" }));
        line(format!("[[strategy]]\nname = \"case\"\nttl = {{ {}{} }}", self.rule(), self.bending()));
        line(format!("refresh = {{ {}{} }}", self.refreshing(), self.addons()));
        line(format!("guard = {{ {} }}", self.guarding()));
        if let Some(sweep) = &self.sweep {
            line(sweeping(sweep));
        }
        text
    }

    /// `[client]`.
    fn client(&self) -> Vec<String> {
        let Failures { deserted, duplicate, retries, backoff, budget, share_errors, negative } =
            self.failures;
        let mut lines = vec![
            format!("[client]\nnodes = {}", self.nodes),
            format!("routing = \"{}\"", if self.by_key { "by-key" } else { "uniform" }),
            format!("retries = {retries}\nbackoff = {}\nbackoff_cap = {}", ns(backoff.0), ns(backoff.1)),
            format!(
                "retry_budget = {}",
                budget.map_or("\"none\"".to_owned(), |budget| format!("{budget:?}"))
            ),
            format!(
                "share_errors = {share_errors}\nnegative_ttl = {}\ncrash = {:?}",
                ns(negative),
                self.crash
            ),
        ];
        let duplicate = match duplicate {
            Duplicate::Overwrites => "overwrite",
            Duplicate::IsDropped => "keep-first",
            Duplicate::IsDroppedIfOlder => "newest-version",
        };
        lines.push(format!("duplicate_fill = \"{duplicate}\""));
        if let Some(timeout) = self.timeout {
            let late_fill = if self.late_fill == LateFill::Keep { "keep" } else { "discard" };
            let deserted = match deserted {
                Deserted::RunsOn => "abandon",
                Deserted::LeavesTheQueue => "cancel-queued",
                Deserted::IsCut => "cancel",
            };
            lines.push(format!(
                "timeout = {}\nlate_fill = \"{late_fill}\"\non_timeout = \"{deserted}\"",
                ns(timeout)
            ));
        }
        lines
    }

    fn rule(&self) -> String {
        let within = |(min, max): &(u64, u64)| format!("min = {}, max = {}", ns(*min), ns(*max));
        match &self.ttl {
            Ttl::None => "rule = \"none\"".to_owned(),
            Ttl::Fixed(ttl) => format!("rule = \"fixed\", ttl = {}", ns(*ttl)),
            Ttl::ClassTable(ttls) => {
                let rows: Vec<String> =
                    ttls.iter().enumerate().map(|(class, ttl)| format!("c{class} = {}", ns(*ttl))).collect();
                format!("rule = \"class-table\", table = {{ {} }}", rows.join(", "))
            }
            Ttl::Sliding { idle, max_age } => {
                format!("rule = \"sliding\", idle = {}, max_age = {}", ns(*idle), ns(*max_age))
            }
            Ttl::SizePower { t0, s0, gamma, within: bounds } => format!(
                "rule = \"size-power\", t0 = {}, s0 = \"{s0}B\", gamma = {gamma:?}, {}",
                ns(*t0),
                within(bounds)
            ),
            Ttl::CostProportional { k, ewma, within: bounds } => {
                format!("rule = \"cost-proportional\", k = {k:?}, ewma = {ewma:?}, {}", within(bounds))
            }
            Ttl::LastModifiedFraction { f, within: bounds } => {
                format!("rule = \"last-modified-fraction\", f = {f:?}, {}", within(bounds))
            }
            Ttl::BreakEven { miss_cost, price_per_gb_hour, within: bounds, max_age } => format!(
                "rule = \"break-even\", miss_cost = {miss_cost:?}, price = {price_per_gb_hour:?}, {}, max_age = {}",
                within(bounds),
                ns(*max_age)
            ),
            Ttl::Controlled { target, a0, max_ttl, start, touch, max_age } => format!(
                "rule = \"d-ttl\", target = {target:?}, a0 = {a0:?}, max_ttl = {}, start = {}, touch = {touch}, max_age = {}",
                ns(*max_ttl),
                ns(*start),
                ns(*max_age)
            ),
        }
    }

    fn bending(&self) -> String {
        let one = |modifier: &Modifier| match modifier {
            Modifier::Clamp(min, max) => {
                format!("{{ modifier = \"clamp\", min = {}, max = {} }}", ns(*min), ns(*max))
            }
            Modifier::Spread(spread) => format!("{{ modifier = \"jitter\", spread = {spread:?} }}"),
            Modifier::Longer(most) => {
                format!("{{ modifier = \"jitter\", mode = \"additive\", most = {} }}", ns(*most))
            }
        };
        let all: Vec<String> = self.modifiers.iter().map(one).collect();
        format!(", modifiers = [{}]", all.join(", "))
    }

    fn refreshing(&self) -> String {
        match self.refresh {
            Refresh::OnDemand => "policy = \"on-demand\"".to_owned(),
            Refresh::StaleWhileRevalidate { window } => {
                format!("policy = \"stale-while-revalidate\", window = {}", ns(window))
            }
            Refresh::Ahead { f } => format!("policy = \"refresh-ahead\", f = {f:?}"),
            Refresh::Chance { beta, waits, longest } => {
                let mode = if waits { "sync" } else { "async" };
                format!(
                    "policy = \"xfetch\", beta = {beta:?}, mode = \"{mode}\", delta_max = {}",
                    ns(longest)
                )
            }
            Refresh::Race { r } => format!("policy = \"race-ttl\", r = {}", ns(r)),
            Refresh::Timer { period, keep, workers } => format!(
                "policy = \"timer\", period = {}, physical_ttl = {}, workers = {workers}, stagger = false",
                ns(period),
                ns(keep)
            ),
        }
    }

    fn addons(&self) -> String {
        let mut all = Vec::new();
        if let Some(Conditional { cost, keep }) = self.conditional {
            all.push(format!("{{ addon = \"conditional\", cost_304 = {cost:?}, keep = {} }}", ns(keep)));
        }
        if let Some(FailSafe { window, throttle, soft }) = self.fail_safe {
            let soft = soft.map_or(String::new(), |soft| format!(", soft_timeout = {}", ns(soft)));
            all.push(format!(
                "{{ addon = \"stale-if-error\", window = {}, throttle = {}{soft} }}",
                ns(window),
                ns(throttle)
            ));
        }
        format!(", addons = [{}]", all.join(", "))
    }

    fn guarding(&self) -> String {
        let waiting = |lock_ttl, poll, wait| {
            format!("lock_ttl = {}, poll = {}, wait_timeout = {}", ns(lock_ttl), ns(poll), ns(wait))
        };
        match self.guard {
            Guard::None => "policy = \"none\"".to_owned(),
            Guard::SingleFlight => "policy = \"single-flight\"".to_owned(),
            Guard::Lock { lock_ttl, poll, wait, after } => {
                let after = match after {
                    AfterWait::Fetch => "fetch",
                    AfterWait::Fail => "fail",
                    AfterWait::Stale => "stale",
                };
                format!("policy = \"lock\", on_timeout = \"{after}\", {}", waiting(lock_ttl, poll, wait))
            }
            Guard::LockStale { lock_ttl, poll, wait, window, cold_waits } => {
                let cold = if cold_waits { "wait" } else { "fetch" };
                let waiting = waiting(lock_ttl, poll, wait);
                format!("policy = \"lock-stale\", cold = \"{cold}\", window = {}, {waiting}", ns(window))
            }
            Guard::Lease { interval, wait, stale, window } => format!(
                "policy = \"lease\", token_interval = {}, wait = {}, stale_ok = {stale}, window = {}",
                ns(interval),
                ns(wait),
                ns(window)
            ),
        }
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
        let faults = fails.then(|| Box::new(self.origin.clone()) as Box<dyn FaultModel>);
        simulation.origin = Origin::new(
            Box::new(self.origin.clone()),
            scenario.origin.capacity.make(&setup).expect("it can be made"),
            faults.into_iter().collect(),
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
        let sizes: Vec<u64> = self.sizes.iter().map(|size| u64::from(*size)).collect();
        let chance = Chance {
            case: self,
            strategy: Seed::new(self.seed).of("strategy"),
            failures: simulation.seed.of("failures"),
        };
        let config = Config {
            capacity: self.capacity,
            eviction: self.eviction,
            reclaim: self.reclaim,
            ttl: self.ttl.clone(),
            modifiers: self.modifiers.clone(),
            refresh: self.refresh,
            conditional: self.conditional,
            fail_safe: self.fail_safe,
            guard: self.guard,
            sweep: self.sweep,
            servers: self.servers,
            timeout: self.timeout,
            late_fill: self.late_fill,
            failures: self.failures,
            fate: &chance,
            end: Some(simulation.window.until.as_nanos()),
        };
        naive::simulate(&requests, &sizes, &config)
    }
}

fn sweeping(sweep: &Sweep) -> String {
    let limit = match sweep.limit {
        Limit::Members(members) => format!("limit_entries = {members}"),
        Limit::Bytes(bytes, batch) => format!("limit_bytes = \"{bytes}B\", batch = {batch}"),
    };
    let purge = if sweep.purge_after.is_some() { "by-score" } else { "none" };
    let together = if sweep.round_trip == 0 {
        "atomic = true".to_owned()
    } else {
        format!("round_trip = {}", ns(sweep.round_trip))
    };
    format!(
        "sweep = {{ policy = \"zset-sweep\", period = {}, {limit}, lean = {}, purge = \"{purge}\", {together} }}",
        ns(sweep.period),
        sweep.lean
    )
}
