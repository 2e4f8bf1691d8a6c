//! What is legal and odd: warnings of settings that defeat each other, and notes of what follows from one.
//!
//! A warning names both settings, says why they do not fit and what to write instead. Both stand in
//! the record and in the report.

use super::fetch_time::FetchTime;
use super::idle::{idle, never_retries};
use super::{CacheDesign, OriginDesign, Scenario, Source, fetch_time, long_ttls, windows};
use crate::cache::Capacity;
use crate::catalog::Chosen;
use crate::client::{Client, LateFill, Routing};
use crate::strategy::Design;
use crate::strategy::ttl::modifier::activity;
use crate::strategy::ttl::modifier::schedule::{self, start_of};
use crate::trace::{Fact, Trace};
use crate::units::{SimDuration, SimTime};

/// What the reader of a report should know of a scenario.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    /// Settings that defeat each other, each with what to write instead.
    pub(super) warnings: Vec<String>,
    /// What follows from a setting, and need not be changed.
    pub(super) notes: Vec<String>,
}

/// Everything beside the strategies that remarks are about.
pub(super) struct World<'w> {
    pub(super) cache: &'w CacheDesign,
    pub(super) origin: &'w OriginDesign,
    pub(super) source: &'w Source,
    /// What is played before anything is scored.
    pub(super) warmup: SimDuration,
}

impl Remarks {
    /// What is to be said of these strategies in this world.
    pub(super) fn of(strategies: &[Design], world: &World<'_>) -> Self {
        let mut remarks = Self::default();
        for design in strategies {
            remarks.lifetimes(design, world);
            remarks.fetches(design, world);
            remarks.sweep(design, world);
            remarks.controllers(design);
            remarks.metastable(design, world);
            idle(design).into_iter().for_each(|warning| remarks.warn(warning));
        }
        remarks.warnings.extend(never_retries(strategies));
        if let Source::Synthetic(workload) = world.source {
            remarks.warnings.extend(long_ttls::of_workload(strategies, world.warmup, workload.duration));
        }
        remarks
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// TTLs that a cache, a client or a modifier undoes.
    fn lifetimes(&mut self, design: &Design, world: &World<'_>) {
        let (name, rule) = (&design.name, design.rule.name());
        let never_expires = rule == "none" && !windows::expires(design);
        if never_expires && world.cache.capacities.contains(&Capacity::Unbounded) {
            self.warn(format!(
                "strategy \"{name}\": ttl rule \"none\" in a cache without a [cache] capacity lets memory grow with every \
                 object ever asked for; write a capacity, or a ttl rule that expires"
            ));
        }
        for eviction in world.cache.evictions.iter().map(Chosen::name) {
            if eviction.starts_with("volatile-") && never_expires {
                self.warn(format!(
                    "strategy \"{name}\": eviction \"{eviction}\" evicts keys with a TTL only, and ttl rule \"none\" gives \
                     none: nothing is ever evicted, as under \"noeviction\", and every write to the full cache fails; \
                     write eviction = \"allkeys-lru\" in [cache], or a ttl rule that expires, such as \"fixed\""
                ));
            }
            if eviction.starts_with("volatile-") && windows::some_never_expire(design) {
                self.warn(format!(
                    "strategy \"{name}\": eviction \"{eviction}\" evicts keys with a TTL only, and ttl rule \"{rule}\" \
                     gives some classes none: these stay for ever and push the others out; write a ttl for every class, \
                     or the eviction policy that begins with \"allkeys-\""
                ));
            }
            if eviction == "volatile-ttl" && rule == "fixed" && design.modifiers.is_empty() {
                self.notes.push(format!(
                    "strategy \"{name}\": eviction \"volatile-ttl\" with the one ttl of rule \"fixed\" evicts in the order \
                     of the stores: it is FIFO"
                ));
            }
        }
        let clients = Some(&world.cache.memory).filter(|memory| memory.name() == "redis");
        if let Some(clients) = clients.and_then(|memory| memory.number_of("clients"))
            && clients < f64::from(design.client.nodes)
        {
            let told = format!(
                "[client] nodes = {nodes}, but the memory of {clients} connection(s) is counted, and each process keeps one at \
                 least; write memory = {{ model = \"redis\", clients = {nodes} }} in [cache]",
                nodes = design.client.nodes
            );
            // Most strategies have the processes of the scenario.
            if !self.warnings.contains(&told) {
                self.warn(told);
            }
        }
        let ttl = windows::least_ttl(design);
        if let Some(ttl) = ttl.filter(|ttl| design.client.negative_ttl >= *ttl) {
            self.warn(format!(
                "strategy \"{name}\": [client] negative_ttl ({}) is not shorter than the ttl of rule \"{rule}\" ({ttl}), so \
                 an error lasts as long as a value; write negative_ttl = \"{}\"",
                design.client.negative_ttl,
                SimDuration::from_nanos(ttl.as_nanos() / 10)
            ));
        }
        let prolonged = Some(&design.refresh).filter(|refresh| refresh.name() == "race-ttl");
        if let (Some(r), Some(ttl)) = (prolonged.and_then(|refresh| refresh.duration_of("r")), ttl)
            && r > ttl
        {
            self.warn(format!(
                "strategy \"{name}\": refresh \"race-ttl\" keeps old values as fresh for {r} (r) while they are fetched anew, \
                 longer than the ttl of rule \"{rule}\" ({ttl}); write r = \"{}\", about as long as a fetch takes",
                SimDuration::from_nanos(ttl.as_nanos() / 10)
            ));
        }
        for jitter in design.modifiers.iter().filter(|modifier| modifier.name() == "jitter") {
            if let (Some(most), Some(ttl)) = (jitter.duration_of("most"), ttl)
                && most > ttl
            {
                self.warn(format!(
                    "strategy \"{name}\": modifier \"jitter\" adds up to {most} (most) to the ttl of rule \"{rule}\" ({ttl}), \
                     so it decides the ttl more than the rule does; write most = \"{}\"",
                    SimDuration::from_nanos(ttl.as_nanos() / 10)
                ));
            }
        }
    }

    /// Guards and refreshes that do not fit the time of a fetch.
    fn fetches(&mut self, design: &Design, world: &World<'_>) {
        if let Some(time) = fetch_time::modelled(&world.origin.latency) {
            self.warnings.extend(too_slow(design, world.origin, &time));
        }
        let Client { nodes, routing, .. } = design.client;
        if design.guard.name() == "single-flight" && nodes > 1 && routing == Routing::Uniform {
            self.notes.push(format!(
                "strategy \"{}\": guard \"single-flight\" holds within a process, and [client] nodes = {nodes} with \
                 routing = \"uniform\" can make up to {nodes} fetches of one object at once",
                design.name
            ));
        }
    }

    /// Two that evict.
    fn sweep(&mut self, design: &Design, world: &World<'_>) {
        if design.sweep.name() != "zset-sweep" {
            return;
        }
        let (name, refresh) = (&design.name, design.refresh.name());
        if !matches!(refresh, "on-demand" | "race-ttl") {
            self.warn(format!(
                "strategy \"{name}\": the EXPIRE that sweep \"zset-sweep\" sends at every access moves the deadline at which \
                 refresh \"{refresh}\" would fetch anew, so what is read often is never renewed; leave the sweep out, or \
                 write refresh = \"on-demand\" and know that hot images grow old"
            ));
        }
        if world.cache.capacities.contains(&Capacity::Unbounded) {
            return;
        }
        for eviction in world.cache.evictions.iter().map(Chosen::name) {
            self.warn(if eviction == "noeviction" {
                format!(
                    "strategy \"{name}\": sweep \"zset-sweep\" under eviction \"noeviction\" lets the cache grow between two \
                     sweeps, and writes that find no room are refused; leave room between the sweep's limit and the \
                     [cache] capacity, or write a shorter period"
                )
            } else {
                format!(
                    "strategy \"{name}\": sweep \"zset-sweep\" beside eviction \"{eviction}\" makes two evictors: what the \
                     server evicts stays in the set as a ghost{}; leave the sweep out, or write eviction = \"noeviction\"",
                    if eviction.starts_with("allkeys-") { ", and the server may evict the set itself" } else { "" }
                )
            });
        }
    }

    /// Controllers that fight each other, or run away.
    fn controllers(&mut self, design: &Design) {
        let (name, rule) = (&design.name, design.rule.name());
        if design.allow_two_controllers
            && let Some((modifier, _)) = super::combinations::second_controller(design)
        {
            self.warn(format!(
                "strategy \"{name}\": ttl rule \"{rule}\" and modifier \"{modifier}\" both move the ttl \
                 (allow_two_controllers), and each takes the other's effect for its own; leave one of them out"
            ));
        }
        if rule == "elastic" && design.rule.duration_of("step") > Some(SimDuration::from_secs(20)) {
            self.warn(format!(
                "strategy \"{name}\": ttl rule \"elastic\" with a step above 20s tends to run away to its longest ttl (max); \
                 write step = \"5s\""
            ));
        }
    }

    /// An origin that cannot fill a lost cache again.
    fn metastable(&mut self, design: &Design, world: &World<'_>) {
        let Source::Synthetic(workload) = world.source else { return };
        let Some(FetchTime { mean, .. }) = fetch_time::modelled(&world.origin.latency) else { return };
        self.warnings.extend(metastable(design, world.origin, mean, workload.rate.as_per_second()));
    }
}

/// Says that a timer's scope of those that are asked for most takes all in, if it does.
fn all_on_top(design: &Design, objects: usize) -> Option<String> {
    let timer = Some(&design.refresh).filter(|refresh| refresh.word_of("scope") == "top-k")?;
    let most = timer.number_of("top_k").filter(|most| *most > objects as f64)?;
    Some(format!(
        "strategy \"{}\": refresh \"timer\" with scope \"top-k\" covers up to {most} objects (top_k), but there are {objects}, \
         so that it covers all that was asked for; write a smaller top_k, or scope = \"all\"",
        design.name
    ))
}

/// What the counters of activity take, one for each key, where a strategy keeps such.
fn counters(design: &Design, objects: usize) -> Option<String> {
    let mut modifiers = design.modifiers.iter();
    modifiers.find(|modifier| modifier.name() == "activity" && modifier.word_of("scope") == "key")?;
    Some(format!(
        "strategy \"{}\": modifier \"activity\" with scope \"key\" keeps a counter of {} bytes for each object that is asked for, \
         {} bytes for all {objects}: they lie in the application, beside the memory of the cache",
        design.name,
        activity::COUNTER_BYTES,
        objects * activity::COUNTER_BYTES
    ))
}

/// What guards and refreshes do where a fetch takes so long.
fn too_slow(design: &Design, origin: &OriginDesign, time: &FetchTime) -> Vec<String> {
    let FetchTime { median, p99, .. } = *time;
    let (name, guard, model) = (&design.name, design.guard.name(), origin.latency.name());
    let mut warnings = Vec::new();
    for param in ["lock_ttl", "token_interval"] {
        if let Some(lasts) = design.guard.duration_of(param)
            && lasts.as_secs_f64() < p99
            && !design.guard.is_set("extend")
        {
            warnings.push(format!(
                "strategy \"{name}\": guard \"{guard}\" keeps others out for {lasts} ({param}), but [origin] latency \
                 \"{model}\" takes longer than {p99:.2} s once in a hundred fetches, and then another one is let in; \
                 write {param} = \"{:.0}s\"{}",
                (2.0 * p99).ceil(),
                if param == "lock_ttl" { ", or extend = true" } else { "" }
            ));
        }
    }
    if design.refresh.name() == "refresh-ahead"
        && let (Some(ttl), Some(f)) = (windows::least_ttl(design), design.refresh.number_of("f"))
        && ttl.as_secs_f64() * (1.0 - f) < median
    {
        warnings.push(format!(
            "strategy \"{name}\": refresh \"refresh-ahead\" (f = {f}) begins {:.2} s before the expiry, but [origin] \
             latency \"{model}\" takes longer than {median:.2} s every other time, so half of the refreshes come too \
             late; write a smaller f, or a longer ttl",
            ttl.as_secs_f64() * (1.0 - f)
        ));
    }
    warnings.extend(expires_first(design, origin, p99));
    warnings
}

/// Why values expire while the timer's job fetches them anew, if some do: what a read stores is fetched by the job up to
/// a period later, and is there only once that fetch is over.
fn expires_first(design: &Design, origin: &OriginDesign, fetch: f64) -> Option<String> {
    let physical = windows::physical_ttl(design)?;
    let kept = windows::least_bent_ttl(design).map_or(physical, |ttl| ttl.max(physical));
    let period = design.refresh.duration_of("period")?;
    (kept.as_secs_f64() < period.as_secs_f64() + fetch).then(|| {
        // Twice the period, as by default, where that leaves room for two fetches.
        let room = SimDuration::from_secs_f64((2.0 * fetch).ceil()).max(period);
        format!(
            "strategy \"{}\": refresh \"timer\" lets values be kept for {kept} (physical_ttl), but its job comes to each \
             only every {period} (period), and a fetch by [origin] latency \"{}\" can take {fetch:.2} s: values expire \
             while they are fetched anew; write physical_ttl = \"{}\"",
            design.name,
            origin.latency.name(),
            period + room
        )
    })
}

/// Why an origin that is asked so often without a cache may never fill it again.
fn metastable(design: &Design, origin: &OriginDesign, mean: f64, asked: f64) -> Option<String> {
    let servers = origin.capacity.number_of("servers")?;
    (design.client.late_fill == LateFill::Discard && asked * mean > servers).then(|| {
        format!(
            "strategy \"{}\": [client] late_fill = \"discard\", and without a cache {asked} requests a second meet an [origin] capacity of \
             {} a second: once the cache is lost it may stay lost (a metastable failure); write late_fill = \"keep\"",
            design.name,
            // Three digits tell half a fetch a second from none.
            (servers / mean * 100.0).round() / 100.0
        )
    })
}

impl Scenario {
    /// What is to be warned of now that the trace is known.
    pub fn warnings_on(&self, trace: &Trace) -> Vec<String> {
        let followers =
            self.strategies.iter().filter(|design| matches!(design.rule.name(), "d-ttl" | "f-ttl"));
        let mut reach = None;
        let mut warnings = Vec::new();
        for design in followers {
            let by_bytes = design.rule.word_of("weight") == "byte";
            let (of_requests, of_bytes) = *reach.get_or_insert_with(|| most_hits(trace));
            let most = if by_bytes { of_bytes } else { of_requests };
            if let (Some(target), Some(most)) = (design.rule.number_of("target"), most)
                && target > most
            {
                warnings.push(format!(
                    "strategy \"{}\": ttl rule \"{}\" has a target of {target}, but first requests alone leave at most \
                     {most:.3} of this trace to be hits, so its ttl will stand at max_ttl; write target = {:.2}",
                    design.name,
                    design.rule.name(),
                    (most * 95.0).floor() / 100.0
                ));
            }
        }
        let objects = trace.objects().len();
        warnings.extend(self.strategies.iter().filter_map(|design| all_on_top(design, objects)));
        if matches!(self.source, Source::Recorded(_)) {
            warnings.extend(self.after_the_end(trace));
            warnings.extend(long_ttls::of_recording(&self.strategies, trace.span()));
            self.strategies.iter().for_each(|design| warnings.extend(self.of_recorded(design, trace)));
        }
        warnings
    }

    /// What follows from a setting and the trace together, and need not be changed.
    pub fn notes_on(&self, trace: &Trace) -> Vec<String> {
        let objects = trace.objects().len();
        let mut notes: Vec<String> =
            self.strategies.iter().filter_map(|design| counters(design, objects)).collect();
        let Some(began) = trace.began() else { return notes };
        let told = |design: &Design| {
            format!(
                "strategy \"{}\": modifier \"schedule\" takes from the recording when it begins, to the second: about start = \"{}\" (UTC)",
                design.name,
                start_of(began)
            )
        };
        notes.extend(self.strategies.iter().filter(|design| takes_recorded_start(design)).map(told));
        notes
    }

    /// What is to happen when a recording is over, which would be refused with a workload.
    fn after_the_end(&self, trace: &Trace) -> Vec<String> {
        let span = trace.span();
        let told = |what: &str, at: SimDuration| {
            format!(
                "{what} at {at} comes after the end of the trace, which lasts for {span}, and changes nothing; write an earlier at"
            )
        };
        let faults = self.origin.faults.iter().filter_map(|fault| {
            let at = fault.duration_of("at").filter(|at| *at >= span)?;
            Some(told(&format!("fault \"{}\" of [origin]", fault.name()), at))
        });
        let events = self.cache.events.iter().map(|written| written.event.at.since(SimTime::ZERO));
        faults.chain(events.filter(|at| *at >= span).map(|at| told("the [[cache.event]]", at))).collect()
    }

    /// What a workload or a model would have told before anything was read: of a job that cannot keep up, of an origin that
    /// cannot fill a lost cache again, of guards and refreshes that do not fit the time of a fetch, and of a schedule that knows no
    /// time of day.
    fn of_recorded(&self, design: &Design, trace: &Trace) -> Vec<String> {
        let class = design.refresh.word_of("class");
        let named = |fact: &&Fact| {
            class.is_empty()
                || trace.objects().classes().get(fact.class.index()).is_some_and(|of| of == class)
        };
        let objects = trace.objects().facts().iter().filter(named).count() as f64;
        let mut warnings = Vec::new();
        if takes_recorded_start(design) && trace.began().is_none() {
            warnings.push(format!(
                "strategy \"{}\": modifier \"schedule\" takes the trace to begin on Monday at 00:00 (UTC), because the recording \
                 tells no clock; write when it began, such as start = \"Mon 00:00\"",
                design.name
            ));
        }
        let measured = fetch_time::recorded(&self.origin.latency, trace);
        warnings.extend(measured.iter().flat_map(|time| too_slow(design, &self.origin, time)));
        let Some(FetchTime { mean, .. }) = measured.or_else(|| fetch_time::modelled(&self.origin.latency))
        else {
            return warnings;
        };
        let late = super::coherence::overload(design, mean, objects).map(|fault| {
            let parts = [Some(fault.what), fault.rule, fault.help];
            let words: Vec<String> = parts.into_iter().flatten().collect();
            format!("strategy \"{}\": {}", design.name, words.join("; "))
        });
        let seconds = trace.span().as_secs_f64();
        let asked = (seconds > 0.0).then(|| (trace.len() as f64 / seconds).round());
        warnings.extend(late);
        warnings.extend(asked.and_then(|asked| metastable(design, &self.origin, mean, asked)));
        warnings
    }
}

/// Whether a schedule of the strategy begins when the trace says.
fn takes_recorded_start(design: &Design) -> bool {
    let mut schedules = design.modifiers.iter().filter(|modifier| modifier.name() == "schedule");
    schedules.any(|modifier| modifier.word_of("start") == schedule::RECORDED)
}

/// The greatest share of requests, and of bytes, that can be hits: every object's first request is a miss.
fn most_hits(trace: &Trace) -> (Option<f64>, Option<f64>) {
    let mut seen = vec![false; trace.objects().len()];
    let (mut first, mut first_bytes, mut bytes) = (0_u64, 0_u64, 0_u64);
    trace.each(|_, object| {
        let size = u64::from(trace.objects().size(object));
        bytes += size;
        if !std::mem::replace(&mut seen[object.index()], true) {
            first += 1;
            first_bytes += size;
        }
    });
    let share = |part: u64, whole: u64| (whole > 0).then(|| 1.0 - part as f64 / whole as f64);
    // Where sizes change, so does the sum of what is asked for.
    let of_bytes = share(first_bytes, bytes).filter(|_| !trace.objects().are_resized());
    (share(first, trace.len() as u64), of_bytes)
}
