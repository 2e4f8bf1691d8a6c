//! What a run may write, worked out before it starts.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use super::play::Keys;
use super::server::config;
use super::{Options, Template};
use crate::cache::Capacity;
use crate::cache::memory::DEADLINE;
use crate::cache::redis::Build;
use crate::client::Client;
use crate::strategy::Strategy;
use crate::trace::{ObjectId, Objects, Trace};
use crate::tune::CellPlan;
use crate::units::{ByteSize, Rate, SimDuration, SimTime};

/// What a key costs a server beside its name and value, about.
const PER_KEY: u64 = 120;

/// What a place costs in each of both tables of a server: 8 bytes, in tables that may be half empty.
pub(super) const PLACES: u64 = 2 * 16;

/// What the keys of these objects cost a server beside their values, about.
fn bytes_of_keys(objects: &Objects) -> u64 {
    ids(objects).map(|object| objects.key_len(object) + PER_KEY).sum()
}

/// What these objects take of a server, each with a TTL: what the allocator rounds up is up to a quarter of a value.
pub(super) fn bytes_of(objects: &Objects) -> u64 {
    let entry = |object| {
        let size = u64::from(objects.size(object));
        Build::Distribution.entry(objects.key_len(object), size, true) + PLACES
    };
    ids(objects).map(entry).sum()
}

fn ids(objects: &Objects) -> impl Iterator<Item = ObjectId> {
    (0..objects.len()).map(ObjectId::from_index)
}

/// Where keys with this prefix go, and whether they stay.
pub(super) fn place(prefix: &str) -> String {
    if prefix.is_empty() {
        "to a server of its own".to_owned()
    } else {
        format!("all under \"{prefix}\", and remove them at the end")
    }
}

/// How much a run may ask of a server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Reads in any second of real time: requests of the trace, jobs of a refresh policy, and looks of those who wait.
    pub rate: Rate,
    /// Bytes that its keys take on the server at once.
    pub bytes: ByteSize,
}

impl Default for Limits {
    /// 20 000 reads a second and 1 GiB.
    fn default() -> Self {
        Self { rate: Rate::per_second(20_000.0), bytes: ByteSize::from_bytes(1 << 30) }
    }
}

/// What a strategy keeps on a server beside values.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub(super) struct Beside {
    /// Bytes stored with every value.
    bytes: u32,
    /// Whether every key has a second one, with its deadline.
    second_key: bool,
    /// Whether there may be a lock for every key.
    locks: bool,
    /// Whether every key may be a member of a sorted set.
    set: bool,
    /// Whether requests look again for what was not there: polls of a lock or a lease, or retries.
    looks_again: bool,
}

impl Beside {
    pub(super) fn of(strategy: &Strategy, client: &Client) -> Self {
        Self {
            bytes: strategy.bytes_beside(),
            second_key: strategy.has_second_key(),
            locks: strategy.guard.key_in_cache().is_some(),
            set: strategy.sweep.is_some(),
            looks_again: strategy.guard.key_in_cache().is_some() || client.retries > 0,
        }
    }

    /// Every name that a run may write under for these objects, those of locks and of the set included.
    pub(super) fn names(self, objects: &Objects, keys: &Keys) -> impl Iterator<Item = String> {
        let of = move |object| {
            let key = objects.key(object);
            let second = self.second_key.then(|| Keys::second(&key));
            let lock = self.locks.then(|| keys.lock(&key));
            [Some(key), second, lock].into_iter().flatten()
        };
        ids(objects).flat_map(of).chain(self.set.then(|| keys.access_times()))
    }

    /// How many names that are, where there are so many objects.
    fn count(self, objects: u64) -> u64 {
        objects * (1 + u64::from(self.second_key) + u64::from(self.locks)) + u64::from(self.set)
    }

    /// What these objects take of a server with all that lies beside them, where nothing is evicted.
    pub(super) fn bytes_with(self, objects: &Objects) -> u64 {
        bytes_of(objects) + self.of_all(objects.len() as u64, bytes_of_keys(objects))
    }

    /// What it takes where `objects` have values, and their names, with what any key costs, take `keys` bytes.
    fn of_all(self, objects: u64, keys: u64) -> u64 {
        let names = [self.second_key, self.locks, self.set].map(u64::from).iter().sum::<u64>();
        let deadline = if self.second_key { DEADLINE } else { 0 };
        objects * (u64::from(self.bytes) + deadline) + names * keys
    }
}

/// What a run will do to a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Undertaking {
    /// Requests of each cell.
    pub requests: u64,
    /// How long a cell takes in real time, in seconds.
    pub seconds: f64,
    /// Most requests in a second of real time.
    pub peak_rate: f64,
    /// Most jobs of a refresh policy that come in a second of real time, in the cell with most of them; each asks for a
    /// key and may write it.
    pub jobs: u64,
    /// What the limit leaves in a second for requests that look again; `None` where none does.
    pub again: Option<f64>,
    /// Keys that it may write, those of locks and of a sweep apart; second keys with deadlines count.
    pub keys: u64,
    /// Most bytes that its keys take at once, about, in the largest of the cells.
    pub bytes: u64,
    /// Names that it asks for before each cell where the server holds keys of others, at the limit's rate; 0 where it refuses
    /// such a server.
    pub names: u64,
    /// What all its keys begin with; empty on a server of its own.
    pub prefix: String,
    /// How many cells are played, one after the other.
    pub cells: usize,
    /// The settings that are set where they differ, by Redis's names; none where the server is left as it is.
    pub settings: Vec<&'static str>,
    /// The URL of the origin that is asked, if one is.
    pub origin: Option<String>,
    /// What will make its figures worth less than they look, as far as that can be foreseen.
    pub doubts: Vec<String>,
}

impl Undertaking {
    /// What it takes to play these cells, but for their jobs, whose strategies keep what they do `beside` values, on a server
    /// with a limit of its own; a limit that the run sets is known.
    pub(super) fn of(
        trace: &Trace,
        cells: &[CellPlan],
        options: &Options,
        beside: &BTreeMap<usize, Beside>,
        own_limit: Option<u64>,
    ) -> Self {
        let speed = options.speed;
        let objects = trace.objects();
        let bytes = cells.iter().map(|cell| {
            let all = beside[&cell.strategy].bytes_with(objects);
            // A capacity that nobody sets limits nothing.
            let limit = match cell.capacity {
                Capacity::Bytes(limit) if options.sets_the_limit() => Some(limit),
                Capacity::Bytes(_) | Capacity::Unbounded | Capacity::Objects(_) => own_limit,
            };
            limit.map_or(all, |limit| all.min(limit))
        });
        let names = cells.iter().map(|cell| beside[&cell.strategy].count(objects.len() as u64));
        let is_doubled = cells.iter().any(|cell| beside[&cell.strategy].second_key);
        Self {
            requests: trace.len() as u64,
            seconds: trace.span().as_secs_f64() / speed,
            peak_rate: peak(trace, speed),
            jobs: 0,
            again: cells
                .iter()
                .any(|cell| beside[&cell.strategy].looks_again)
                .then(|| options.limits.rate.as_per_second() - peak(trace, speed)),
            keys: objects.len() as u64 * if is_doubled { 2 } else { 1 },
            bytes: bytes.max().unwrap_or(0),
            names: if options.allow_nonempty { names.max().unwrap_or(0) } else { 0 },
            prefix: options.prefix().to_owned(),
            cells: cells.len(),
            settings: if options.configure { config::NAMES.to_vec() } else { Vec::new() },
            origin: options.origin.as_ref().map(Template::shown),
            doubts: Vec::new(),
        }
    }

    /// Whether its keys would take more memory than the limits allow.
    pub(super) fn is_too_large(&self, limits: &Limits) -> bool {
        self.bytes > limits.bytes.as_bytes()
    }

    /// Says no where it is more than the limits allow.
    pub(super) fn within(&self, limits: &Limits) -> Result<(), String> {
        let most = limits.rate.as_per_second();
        if self.peak_rate + self.jobs as f64 > most {
            return Err(format!(
                "this would send up to {:.0} requests{} in a second, more than the limit of {most:.0}; play it slower with \
                 --speed, or raise the limit with --max-rate",
                self.peak_rate,
                self.and_jobs()
            ));
        }
        if self.for_looking_again().is_some_and(|left| left < 1.0) {
            return Err(format!(
                "this would send up to {:.0} requests{} in a second, and those of them that wait look again (polls of a lock or a lease, \
                 retries): the limit of {most:.0} leaves no room for that; play it slower with --speed, or raise the limit with --max-rate",
                self.peak_rate,
                self.and_jobs()
            ));
        }
        if self.is_too_large(limits) {
            return Err(format!(
                "its keys would take up to {} of the server's memory, more than the limit of {}; let --configure or --spawn \
                 keep it to the capacity of [cache], play a part of the trace (ttlab trace sample), or raise the limit with --max-bytes",
                ByteSize::from_bytes(self.bytes).about(),
                limits.bytes.about()
            ));
        }
        Ok(())
    }

    /// What the limit leaves in a second beside requests and jobs, where any look again.
    fn for_looking_again(&self) -> Option<f64> {
        self.again.map(|left| left - self.jobs as f64)
    }

    fn and_jobs(&self) -> String {
        if self.jobs == 0 { String::new() } else { format!(" and {} jobs of a timer", self.jobs) }
    }

    /// What is said before it starts.
    pub fn sentence(&self) -> String {
        let Self {
            requests,
            seconds,
            peak_rate,
            jobs: _,
            again: _,
            keys,
            bytes,
            names,
            prefix,
            cells,
            settings,
            origin,
            doubts: _,
        } = self;
        let mut text = format!(
            "will write up to {keys} keys, {} at once, {}; {cells} cell(s) of {requests} requests in {seconds:.0} s each, at \
             most {peak_rate:.0}{} in a second",
            ByteSize::from_bytes(*bytes).about(),
            place(prefix),
            self.and_jobs()
        );
        // Writing to a text cannot fail.
        if let Some(left) = self.for_looking_again() {
            let _ = write!(
                text,
                "; requests that wait look again (polls of a lock or a lease, retries), no more than {left:.0} of them in a second \
                 (--max-rate), and the others later"
            );
        }
        if *names > 0 {
            let _ = write!(
                text,
                "; where the server holds keys asks before each cell whether its {names} names are free, no more of them in a second than \
                 --max-rate"
            );
        }
        if !settings.is_empty() {
            let _ =
                write!(text, "; sets where they differ, and puts back at the end: {}", settings.join(", "));
        }
        if let Some(origin) = origin {
            let _ = write!(text, "; fetches are asked of {origin}");
        }
        text
    }
}

/// Most requests of a trace in any second of real time, wherever it begins.
pub(super) fn peak(trace: &Trace, speed: f64) -> f64 {
    let second = SimDuration::from_secs_f64(speed);
    let (mut inside, mut most) = (VecDeque::new(), 0);
    trace.each(|at: SimTime, _| {
        while inside.front().is_some_and(|first: &SimTime| at.since(*first) >= second) {
            inside.pop_front();
        }
        inside.push_back(at);
        most = most.max(inside.len());
    });
    most as f64
}

#[cfg(test)]
mod tests {
    use super::super::{Target, Tls};
    use super::*;
    use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects};

    fn trace() -> Trace {
        let fact = Fact { size: 1_000, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(vec![fact; 2], Keys::Numbered, vec!["all".to_owned()]);
        let at = [0, 100, 200, 1_100, 1_200, 3_000].map(|ms| SimTime::ZERO + SimDuration::from_millis(ms));
        Trace::new(at.to_vec(), vec![ObjectId::new(0); 6], objects, SimDuration::from_secs(4))
    }

    fn options(speed: f64) -> Options {
        Options {
            target: Target::at("redis://host", false),
            speed,
            prefix: "p:".to_owned(),
            connections: 1,
            configure: false,
            allow_nonempty: false,
            limits: Limits::default(),
            origin: Some("http://host/{key}".parse().unwrap()),
            tls: Tls::default(),
        }
    }

    #[test]
    fn speed_packs_more_requests_into_a_second() {
        let cell = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Unbounded };
        let beside = |beside| BTreeMap::from([(0, beside)]);
        let nothing = beside(Beside::default());
        let of = |speed| Undertaking::of(&trace(), &[cell], &options(speed), &nothing, None);
        assert_eq!((of(1.0).peak_rate, of(2.0).peak_rate, of(4.0).peak_rate), (3.0, 5.0, 6.0));
        let at = [900, 950, 1_050, 1_100].map(|ms| SimTime::ZERO + SimDuration::from_millis(ms));
        let fact = Fact { size: 1_000, class: ClassId::default(), size_is_imputed: false };
        let one = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
        let across = Trace::new(at.to_vec(), vec![ObjectId::new(0); 4], one, SimDuration::from_secs(4));
        assert!((peak(&across, 1.0) - 4.0).abs() < 1e-9, "a second begins anywhere");
        assert_eq!((of(2.0).seconds, of(2.0).keys), (2.0, 2));
        let limits = Limits { rate: Rate::per_second(4.0), bytes: ByteSize::from_bytes(1_000_000) };
        assert!(of(1.0).within(&limits).is_ok());
        assert!(of(2.0).within(&limits).unwrap_err().contains("--max-rate"));
        let narrow = Limits { bytes: ByteSize::from_bytes(2_000), ..Limits::default() };
        assert!(of(1.0).within(&narrow).unwrap_err().contains("--max-bytes"));
        let large = Undertaking { bytes: 573_440_625 << 10, ..of(1.0) };
        let refused = large.within(&Limits::default()).unwrap_err();
        assert!(
            refused.contains("up to 547 GiB of the server's memory, more than the limit of 1 GiB;"),
            "{refused}"
        );
        assert!(large.sentence().contains(", 547 GiB at once, "), "{}", large.sentence());
        assert!(of(1.0).sentence().contains("2 keys") && of(1.0).sentence().contains("\"p:\""));
        assert!(of(1.0).sentence().contains("asked of http://host/{key}"));
        let second = beside(Beside { second_key: true, ..Beside::default() });
        let second = Undertaking::of(&trace(), &[cell], &options(1.0), &second, None);
        assert_eq!((second.keys, of(1.0).keys), (4, 2), "a second key beside every one");
        assert!(second.bytes > of(1.0).bytes + 2 * PER_KEY);
    }

    #[test]
    fn a_capacity_limits_a_server_only_where_somebody_sets_it() {
        let cell = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Bytes(500) };
        let nothing = BTreeMap::from([(0, Beside::default())]);
        let bytes = |options: &Options, own| Undertaking::of(&trace(), &[cell], options, &nothing, own).bytes;
        let left_alone = options(1.0);
        assert!(bytes(&left_alone, None) > 2_000, "all of its objects");
        assert_eq!(bytes(&left_alone, Some(700)), 700, "what the server allows");
        let configured = Options { configure: true, ..options(1.0) };
        assert_eq!(bytes(&configured, None), 500);
        assert_eq!(bytes(&Options { target: Target::Spawn, ..options(1.0) }, None), 500);
        let sentence = Undertaking::of(&trace(), &[cell], &configured, &nothing, None).sentence();
        assert!(
            sentence.contains("puts back at the end: ") && sentence.contains("maxmemory-policy"),
            "{sentence}"
        );
        let sentence = Undertaking::of(&trace(), &[cell], &left_alone, &nothing, None).sentence();
        assert!(!sentence.contains("maxmemory") && !sentence.contains("names are free"), "{sentence}");
        let beside_others = Options { allow_nonempty: true, ..options(1.0) };
        let sentence = Undertaking::of(&trace(), &[cell], &beside_others, &nothing, None).sentence();
        assert!(sentence.contains("whether its 2 names are free"), "{sentence}");
    }

    #[test]
    fn what_lies_beside_values_is_counted() {
        let none = Beside::default();
        assert_eq!(none.of_all(10, 1_000), 0);
        assert_eq!(Beside { bytes: 16, ..none }.of_all(10, 1_000), 160);
        assert_eq!(Beside { second_key: true, locks: true, set: true, ..none }.of_all(10, 1_000), 3_080);
    }

    #[test]
    fn jobs_count_beside_requests() {
        let cell = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Unbounded };
        let nothing = BTreeMap::from([(0, Beside::default())]);
        let of =
            |jobs| Undertaking { jobs, ..Undertaking::of(&trace(), &[cell], &options(1.0), &nothing, None) };
        let limits = Limits { rate: Rate::per_second(10.0), bytes: ByteSize::from_bytes(1_000_000) };
        assert!(of(7).within(&limits).is_ok() && !of(0).sentence().contains("jobs"));
        assert!(
            of(7).sentence().contains("at most 3 and 7 jobs of a timer in a second"),
            "{}",
            of(7).sentence()
        );
        let told = of(8).within(&limits).unwrap_err();
        assert!(told.contains("3 requests and 8 jobs") && told.contains("--max-rate"), "{told}");
    }

    #[test]
    fn those_who_look_again_get_what_requests_and_jobs_leave() {
        let cell = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Unbounded };
        let of = |looks_again, rate, jobs| {
            let limits = Limits { rate: Rate::per_second(rate), ..Limits::default() };
            let beside = BTreeMap::from([(0, Beside { looks_again, ..Beside::default() })]);
            let options = Options { limits, ..options(1.0) };
            let undertaking =
                Undertaking { jobs, ..Undertaking::of(&trace(), &[cell], &options, &beside, None) };
            undertaking.within(&limits).map(|()| undertaking.sentence())
        };
        // Three requests in the busiest second.
        let told = of(true, 10.0, 2).unwrap();
        assert!(told.contains("look again") && told.contains("no more than 5 of them in a second"), "{told}");
        assert!(!of(false, 10.0, 2).unwrap().contains("look again"));
        assert!(of(false, 3.0, 0).is_ok());
        let told = of(true, 3.0, 0).unwrap_err();
        assert!(told.contains("leaves no room") && told.contains("--max-rate"), "{told}");
    }

    #[test]
    fn a_value_costs_what_the_allocator_rounds_it_up_to() {
        let fact = Fact { size: 32_768, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(vec![fact; 10], Keys::Numbered, vec!["all".to_owned()]);
        // 40 KiB is the next class, and what is left holds keys, deadlines and tables.
        let each = bytes_of(&objects) / 10;
        assert!((40_960..41_300).contains(&each), "{each}");
    }

    #[test]
    fn every_name_that_a_run_may_use_is_known() {
        let (named, keys) = (trace().with_key_prefix("p:"), super::Keys::new("p:".to_owned()));
        let names = |beside: Beside| beside.names(named.objects(), &keys).collect::<Vec<_>>();
        assert_eq!(names(Beside::default()), ["p:all/0", "p:all/1"]);
        let most = Beside { bytes: 0, second_key: true, locks: true, set: true, ..Beside::default() };
        for beside in [Beside::default(), Beside { locks: true, ..Beside::default() }, most] {
            assert_eq!(beside.count(2), names(beside).len() as u64);
        }
        let all = names(most);
        let want = [
            "p:all/0",
            "p:all/0:due",
            "p:lock:all/0",
            "p:all/1",
            "p:all/1:due",
            "p:lock:all/1",
            "p:image_access_times",
        ];
        assert_eq!(all, want);
    }

    #[test]
    fn a_key_costs_its_name_too() {
        let named = trace().with_key_prefix("p:");
        // "all/0" and "all/1", and the prefix.
        assert_eq!(bytes_of_keys(trace().objects()), 2 * (PER_KEY + 5));
        assert_eq!(bytes_of_keys(named.objects()), 2 * (PER_KEY + 7));
    }
}
