//! A background job fetches what the cache holds anew every `period`, whether or not anybody reads it.
//!
//! Readers never wait for an expiry, at the price of `N / period` fetches a second for `N` objects,
//! read or not. `scope = "all"` covers every object the cache holds, `"class"` those of one `class`,
//! `"top-k"` the `top_k` most read ones, chosen at the beginning of each period by a count of reads
//! that halves then, rounded down. With `stagger` each object has its own place in the period;
//! without, all come at once. At most `workers` fetches of
//! the job run at a time; the others wait for their turn, so a job that cannot keep up falls behind
//! and values expire. The cache keeps values for `physical_ttl` from their store on, and what is past its TTL is served
//! stale until then. Where a guard or an add-on keeps it for longer, a read that comes later fetches anew all the same.
//! What a read stores waits up to a period for the job and then for a fetch, so `physical_ttl` must
//! be longer than both together; a TTL that is longer still keeps values by itself. Objects that have left the cache come
//! back by a read, not by the job, which asks the cache (EXISTS) before each fetch.
//!
//! Where no `period` is written it is 0.8 of the TTL, as far as the rule is `fixed`.
//!
//! ```toml
//! refresh = { policy = "timer", period = "45m", physical_ttl = "2h", workers = 4 }
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Copy, Filled, RefreshPolicy, Wish};
use crate::catalog::{Invalid, Kind, Param, Plugin, nearest, one_of};
use crate::random::Seed;
use crate::strategy::Setup;
use crate::strategy::per_object::PerObject;
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};

/// Parameters of [`Timer`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<SimDuration>,
    scope: Scope,
    top_k: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    stagger: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    physical_ttl: Option<SimDuration>,
    workers: u32,
}

/// What the job covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scope {
    All,
    TopK,
    Class,
}

/// A job that runs by the clock.
#[derive(Debug)]
pub struct Timer {
    period: SimDuration,
    /// The one class that is covered.
    class: Option<ClassId>,
    /// How many of the most read are covered; `None` is all.
    top_k: Option<usize>,
    stagger: bool,
    physical_ttl: SimDuration,
    workers: u32,
    busy: u32,
    seed: Seed,
    /// Whether an object stands in the schedule, waits for a worker or has one.
    scheduled: PerObject<bool>,
    /// When which object is due.
    due: BinaryHeap<Reverse<(SimTime, ObjectId)>>,
    /// Who is due and waits for a worker.
    waiting: VecDeque<ObjectId>,
    /// Reads of the objects that may become one of the most read, halved every period.
    reads: BTreeMap<ObjectId, u32>,
    /// The most read ones of the period.
    chosen: BTreeSet<ObjectId>,
    /// When the most read are chosen next.
    next_choice: SimTime,
}

impl Plugin for Timer {
    const NAME: &'static str = "timer";
    const SUMMARY: &'static str =
        "A background job fetches what the cache holds anew every period, read or not.";
    const PARAMS: &'static [Param] = &[
        Param::duration(
            "period",
            "how often an object is fetched anew; 0.8 of the ttl of rule \"fixed\" where not written",
        )
        .above("0s")
        .to("365d"),
        Param::new(
            "scope",
            Kind::Choice(&["all", "top-k", "class"]),
            "which of the objects held are covered",
        )
        .default("all"),
        Param::integer("top_k", "how many of the most read objects are covered, under scope \"top-k\"")
            .default("1000")
            .from("1"),
        Param::new("class", Kind::Text, "the class that is covered, under scope \"class\""),
        Param::new("stagger", Kind::Flag, "whether each object has its own place in the period")
            .default("true"),
        Param::duration(
            "physical_ttl",
            "how long the cache keeps a value; twice the period where not written",
        )
        .above("0s"),
        Param::integer("workers", "fetches of the job at a time").default("8").from("1").to("100_000"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Some(period) = params.period else {
            return Err(Invalid::param(
                "period",
                "the timer needs a period where the ttl is not one fixed time",
            )
            .help("write period = \"45m\", shorter than the shortest ttl"));
        };
        let physical_ttl = params.physical_ttl.unwrap_or(period + period);
        if physical_ttl <= period {
            let what = format!("physical_ttl ({physical_ttl}) must be longer than the period ({period})");
            return Err(Invalid::param("physical_ttl", what + ", or values expire before the job comes")
                .help(format!("write physical_ttl = \"{}\"", period + period)));
        }
        let class = match (&params.class, params.scope) {
            (Some(name), Scope::Class) => Some(named(name, &setup.classes)?),
            (None, Scope::Class) => {
                return Err(Invalid::param("scope", "scope \"class\" needs a class")
                    .help("write class = \"thumbnail\", or scope = \"all\""));
            }
            (Some(_), _) => {
                return Err(Invalid::param("class", "class is for scope \"class\" alone")
                    .help("write scope = \"class\", or leave class out"));
            }
            (None, _) => None,
        };
        Ok(Self {
            period,
            class,
            top_k: (params.scope == Scope::TopK).then_some(params.top_k),
            stagger: params.stagger,
            physical_ttl,
            workers: params.workers,
            busy: 0,
            seed: setup.seed.of("timer"),
            scheduled: PerObject::default(),
            due: BinaryHeap::new(),
            waiting: VecDeque::new(),
            reads: BTreeMap::new(),
            chosen: BTreeSet::new(),
            next_choice: SimTime::ZERO + period,
        })
    }
}

/// The class that is called `name`.
fn named(name: &str, classes: &[String]) -> Result<ClassId, Invalid> {
    let place = classes.iter().position(|class| class == name);
    let id = place.and_then(|place| u16::try_from(place).ok()).map(ClassId::new);
    id.ok_or_else(|| {
        let what = format!(
            "no class is called \"{name}\" (there are: {})",
            one_of(classes.iter().map(String::as_str))
        );
        let invalid = Invalid::param("class", what);
        match nearest(name, classes.iter().map(String::as_str)) {
            Some(meant) => invalid.help(format!("did you mean \"{meant}\"?")),
            None => invalid,
        }
    })
}

impl Timer {
    /// The place of an object in the period.
    fn phase(&self, object: ObjectId) -> u64 {
        if self.stagger { self.seed.bits(u64::from(object.as_u32()), 0) % self.period.as_nanos() } else { 0 }
    }

    /// Puts an object into the schedule, at its place in the period: the first one at `from` or later.
    fn schedule(&mut self, object: ObjectId, from: SimTime) {
        if self.scheduled.get(object) {
            return;
        }
        self.scheduled.set(object, true);
        let period = self.period.as_nanos();
        let phase = self.phase(object);
        let round = from.as_nanos() / period;
        let here = round.saturating_mul(period).saturating_add(phase);
        let at = if here >= from.as_nanos() { here } else { here.saturating_add(period) };
        self.due.push(Reverse((SimTime::from_nanos(at), object)));
    }

    /// The same for an object that has just been fetched: not at this very instant again.
    fn schedule_after(&mut self, object: ObjectId, now: SimTime) {
        self.schedule(object, now + SimDuration::from_nanos(1));
    }

    /// Chooses the most read objects for the period that begins.
    fn choose(&mut self, most: usize) {
        let now = self.next_choice;
        self.next_choice += self.period;
        let mut ranked: Vec<(Reverse<u32>, ObjectId)> =
            self.reads.iter().map(|(object, reads)| (Reverse(*reads), *object)).collect();
        ranked.sort_unstable();
        self.chosen = ranked.into_iter().take(most).map(|(_, object)| object).collect();
        let chosen: Vec<ObjectId> = self.chosen.iter().copied().collect();
        chosen.into_iter().for_each(|object| self.schedule(object, now));
        self.reads.retain(|_, reads| {
            *reads /= 2;
            *reads > 0
        });
    }

    /// Whether an object is among those of the period, where only the most read are covered.
    fn is_chosen(&self, object: ObjectId) -> bool {
        self.top_k.is_none() || self.chosen.contains(&object)
    }

    fn read(&mut self, object: ObjectId) {
        if self.top_k.is_some() {
            *self.reads.entry(object).or_insert(0) += 1;
        }
    }
}

impl RefreshPolicy for Timer {
    fn keep_until(&self, at: SimTime, fresh_until: SimTime) -> SimTime {
        fresh_until.max(at + self.physical_ttl)
    }

    fn on_copy(&mut self, copy: &Copy) -> Wish {
        self.read(copy.object);
        // What is there for longer than that is there for the sake of a guard or an add-on.
        if copy.now <= self.keep_until(copy.stored_at, copy.fresh_until) { Wish::Serve } else { Wish::Fetch }
    }

    fn on_other_read(&mut self, object: ObjectId) {
        self.read(object);
    }

    fn on_fill(&mut self, filled: &Filled) {
        if self.class.is_none_or(|class| class == filled.class) && self.is_chosen(filled.object) {
            self.schedule_after(filled.object, filled.at);
        }
    }

    fn next_job(&self) -> Option<SimTime> {
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        let choice = self.top_k.map(|_| self.next_choice);
        due.into_iter().chain(choice).min()
    }

    fn most_jobs(&self, objects: usize, span: SimDuration) -> u64 {
        let period = self.period.as_nanos();
        let (rounds, rest) = (span.as_nanos() / period, span.as_nanos() % period);
        if let Some(most) = self.top_k.filter(|_| self.stagger) {
            // Nobody knows yet which of them are read most.
            return most.min(objects) as u64 * (rounds + 1);
        }
        let covered = self.top_k.map_or(objects, |most| most.min(objects));
        let mut places: Vec<u64> =
            (0..covered).map(|index| self.phase(ObjectId::from_index(index))).collect();
        places.sort_unstable();
        // The period begins anew after its end.
        let around: Vec<u64> =
            places.iter().copied().chain(places.iter().map(|place| place + period)).collect();
        let mut until = 0;
        let mut most = 0;
        for (from, place) in places.iter().enumerate() {
            until += around[until..].iter().take_while(|other| **other - place <= rest).count();
            most = most.max(until - from);
        }
        covered as u64 * rounds + most as u64
    }

    fn job(&mut self, now: SimTime) -> Option<ObjectId> {
        while let Some(most) = self.top_k.filter(|_| self.next_choice <= now) {
            self.choose(most);
        }
        while self.due.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            self.waiting.extend(self.due.pop().map(|Reverse((_, object))| object));
        }
        if self.busy == self.workers {
            return None;
        }
        while let Some(object) = self.waiting.pop_front() {
            if self.is_chosen(object) {
                self.busy += 1;
                return Some(object);
            }
            self.scheduled.set(object, false);
        }
        None
    }

    fn job_done(&mut self, object: ObjectId, now: SimTime, held: bool) {
        self.busy -= 1;
        self.scheduled.set(object, false);
        if held && self.is_chosen(object) {
            self.schedule_after(object, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Traffic;

    fn timer(scope: Scope, stagger: bool, workers: u32) -> Timer {
        let params = Params {
            period: Some(SimDuration::from_nanos(100)),
            scope,
            top_k: 1,
            class: None,
            stagger,
            physical_ttl: None,
            workers,
        };
        let setup = Setup {
            classes: vec!["all".to_owned()],
            objects: 9,
            servers: None,
            traffic: Traffic::default(),
            seed: Seed::new(1),
        };
        Timer::new(&params, &setup).unwrap()
    }

    fn fill(timer: &mut Timer, object: u32, at: u64) {
        let at = SimTime::from_nanos(at);
        let (object, class) = (ObjectId::new(object), ClassId::new(0));
        timer.on_fill(&Filled { object, class, at, fresh_until: at, took: Some(SimDuration::ZERO) });
    }

    fn read(timer: &mut Timer, object: u32, at: u64) {
        let (object, now) = (ObjectId::new(object), SimTime::from_nanos(at));
        timer.on_copy(&Copy { object, now, stored_at: SimTime::ZERO, fresh_until: now });
    }

    /// What the job fetches at this instant, each at once.
    fn jobs(timer: &mut Timer, at: u64) -> Vec<u32> {
        let now = SimTime::from_nanos(at);
        let mut jobs = Vec::new();
        while let Some(object) = timer.job(now) {
            fill(timer, object.as_u32(), at);
            timer.job_done(object, now, true);
            jobs.push(object.as_u32());
        }
        jobs
    }

    #[test]
    fn each_object_is_fetched_once_a_period_at_its_own_place() {
        let mut timer = timer(Scope::All, true, 100);
        (0..50).for_each(|object| fill(&mut timer, object, 30));
        let mut when = vec![Vec::new(); 50];
        while let Some(now) = timer.next_job().filter(|now| *now < SimTime::from_nanos(1_030)) {
            while let Some(object) = timer.job(now) {
                when[object.index()].push(now.as_nanos());
                timer.job_done(object, now, true);
            }
        }
        assert!(when.iter().all(|times| times.len() == 10), "{when:?}");
        assert!(when.iter().all(|times| times.windows(2).all(|pair| pair[1] - pair[0] == 100)));
        let places: BTreeSet<_> = when.iter().map(|times| times[0] % 100).collect();
        assert!(places.len() > 25, "spread over the period: {places:?}");
    }

    #[test]
    fn without_stagger_all_come_at_once_and_workers_take_turns() {
        let mut timer = timer(Scope::All, false, 2);
        (0..3).for_each(|object| fill(&mut timer, object, 30));
        let now = SimTime::from_nanos(100);
        assert_eq!(timer.next_job(), Some(now));
        let first = timer.job(now).unwrap();
        assert!(timer.job(now).is_some());
        assert_eq!(timer.job(now), None);
        timer.job_done(first, now, true);
        assert!(timer.job(now).is_some());
    }

    #[test]
    fn no_span_has_more_jobs_than_are_told_before() {
        for (stagger, objects) in [(true, 50), (false, 50), (true, 1)] {
            let mut timer = timer(Scope::All, stagger, 100);
            (0..objects).for_each(|object| fill(&mut timer, object, 30));
            let mut when = Vec::new();
            while let Some(now) = timer.next_job().filter(|now| *now < SimTime::from_nanos(2_030)) {
                while let Some(object) = timer.job(now) {
                    when.push(now);
                    timer.job_done(object, now, true);
                }
            }
            for span in [0, 1, 30, 99, 100, 250] {
                let span = SimDuration::from_nanos(span);
                let within =
                    |from: &SimTime| when.iter().filter(|at| *at >= from && at.since(*from) <= span).count();
                let most = when.iter().map(within).max().unwrap();
                assert_eq!(
                    timer.most_jobs(objects as usize, span),
                    most as u64,
                    "{stagger} {objects} {span}"
                );
            }
        }
        assert_eq!(timer(Scope::TopK, true, 9).most_jobs(50, SimDuration::from_nanos(250)), 3);
        assert_eq!(timer(Scope::All, true, 9).most_jobs(0, SimDuration::from_nanos(250)), 0);
    }

    #[test]
    fn only_the_most_read_object_is_covered() {
        let mut timer = timer(Scope::TopK, false, 9);
        for object in 0..3 {
            timer.on_other_read(ObjectId::new(object));
            fill(&mut timer, object, 30);
        }
        read(&mut timer, 2, 40);
        assert_eq!(jobs(&mut timer, 100), [2]);
    }

    #[test]
    fn the_most_read_come_every_period_and_at_its_beginning_where_nothing_is_staggered() {
        let mut timer = timer(Scope::TopK, false, 9);
        for period in 0..5 {
            read(&mut timer, 2, period * 100 + 40);
            assert_eq!(jobs(&mut timer, period * 100 + 100), [2], "{period}");
        }
    }

    #[test]
    fn a_fetch_that_is_under_way_when_the_most_read_are_chosen_does_not_cost_the_next_one() {
        let mut timer = timer(Scope::TopK, false, 9);
        (0..4).for_each(|_| read(&mut timer, 2, 40));
        let at = SimTime::from_nanos;
        assert_eq!(timer.job(at(100)), Some(ObjectId::new(2)));
        assert_eq!(timer.job(at(200)), None, "it is still being fetched");
        timer.job_done(ObjectId::new(2), at(210), true);
        assert_eq!(timer.job(at(300)), Some(ObjectId::new(2)));
    }

    #[test]
    fn a_copy_is_served_stale_until_its_physical_ttl_is_over_whoever_keeps_it_for_longer() {
        let mut timer = timer(Scope::All, false, 9);
        let at = SimTime::from_nanos;
        let mut wish = |now, fresh_until| {
            let (object, stored_at) = (ObjectId::new(0), at(30));
            timer.on_copy(&Copy { object, now: at(now), stored_at, fresh_until: at(fresh_until) })
        };
        assert_eq!((wish(230, 130), wish(231, 130)), (Wish::Serve, Wish::Fetch));
        assert_eq!((wish(300, 300), wish(301, 300)), (Wish::Serve, Wish::Fetch), "a TTL that is longer");
    }

    #[test]
    fn what_the_job_fetches_is_not_read() {
        let mut timer = timer(Scope::TopK, false, 9);
        read(&mut timer, 2, 40);
        assert_eq!(jobs(&mut timer, 100), [2]);
        assert!(jobs(&mut timer, 200).is_empty(), "nobody read it since");
        let mut warm = self::timer(Scope::TopK, false, 9);
        fill(&mut warm, 0, 0);
        assert!(jobs(&mut warm, 100).is_empty());
    }
}
