//! What a run may write, worked out before it starts.

use std::fmt::Write;

use super::Options;
use crate::cache::Capacity;
use crate::trace::{ObjectId, Objects, Trace};
use crate::tune::CellPlan;
use crate::units::{ByteSize, Rate, SimDuration, SimTime};

/// What a key costs a server beside its name and value, about.
const PER_KEY: u64 = 120;

/// What the keys of these objects cost a server beside their values, about.
pub(super) fn bytes_of_keys(objects: &Objects) -> u64 {
    (0..objects.len()).map(|index| objects.key_len(ObjectId::from_index(index)) + PER_KEY).sum()
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
    /// Reads in any second of real time: requests of the trace, and jobs of a refresh policy.
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
    /// Keys that it may write, those of locks and of a sweep apart; second keys with deadlines count.
    pub keys: u64,
    /// Most bytes that its keys take at once, about, in the largest of the cells.
    pub bytes: u64,
    /// What all its keys begin with; empty on a server of its own.
    pub prefix: String,
    /// How many cells are played, one after the other.
    pub cells: usize,
    /// The URL of the origin that is asked, if one is.
    pub origin: Option<String>,
}

impl Undertaking {
    /// What it takes to play these cells, but for their jobs; `second_key` says of a strategy whether it keeps a second key
    /// beside every one.
    pub(super) fn of(
        trace: &Trace,
        cells: &[CellPlan],
        options: &Options,
        second_key: &dyn Fn(usize) -> bool,
    ) -> Self {
        let speed = options.speed;
        let objects = trace.objects();
        let keys = bytes_of_keys(objects);
        let bytes = cells.iter().map(|cell| {
            let beside = if second_key(cell.strategy) { keys } else { 0 };
            let all = objects.total_bytes() + keys + beside;
            match cell.capacity {
                Capacity::Bytes(limit) => all.min(limit),
                Capacity::Unbounded | Capacity::Objects(_) => all,
            }
        });
        let is_doubled = cells.iter().any(|cell| second_key(cell.strategy));
        Self {
            requests: trace.len() as u64,
            seconds: trace.span().as_secs_f64() / speed,
            peak_rate: peak(trace, speed),
            jobs: 0,
            keys: objects.len() as u64 * if is_doubled { 2 } else { 1 },
            bytes: bytes.max().unwrap_or(0),
            prefix: options.prefix().to_owned(),
            cells: cells.len(),
            origin: options.origin.as_ref().map(|template| template.as_str().to_owned()),
        }
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
        if self.bytes > limits.bytes.as_bytes() {
            return Err(format!(
                "its keys would take up to {} of the server's memory, more than the limit of {}; play a part of the trace (ttlab \
                 trace sample), or raise the limit with --max-bytes",
                ByteSize::from_bytes(self.bytes),
                limits.bytes
            ));
        }
        Ok(())
    }

    fn and_jobs(&self) -> String {
        if self.jobs == 0 { String::new() } else { format!(" and {} jobs of a timer", self.jobs) }
    }

    /// What is said before it starts.
    pub fn sentence(&self) -> String {
        let Self { requests, seconds, peak_rate, jobs: _, keys, bytes, prefix, cells, origin } = self;
        let mut text = format!(
            "will write up to {keys} keys, {} at once, {}; {cells} cell(s) of {requests} requests in {seconds:.0} s each, at \
             most {peak_rate:.0}{} in a second",
            ByteSize::from_bytes(*bytes),
            place(prefix),
            self.and_jobs()
        );
        if let Some(origin) = origin {
            // Writing to a text cannot fail.
            let _ = write!(text, "; fetches are asked of {origin}");
        }
        text
    }
}

/// Most requests of a trace in any whole second of real time.
fn peak(trace: &Trace, speed: f64) -> f64 {
    let second = SimDuration::from_secs_f64(speed);
    let (mut bucket, mut count, mut most) = (0, 0_u64, 0);
    trace.each(|at: SimTime, _| {
        let own = at.bucket(second);
        count = if own == bucket { count + 1 } else { 1 };
        bucket = own;
        most = most.max(count);
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
        let of = |speed| Undertaking::of(&trace(), &[cell], &options(speed), &|_| false);
        assert_eq!((of(1.0).peak_rate, of(2.0).peak_rate, of(4.0).peak_rate), (3.0, 5.0, 6.0));
        assert_eq!((of(2.0).seconds, of(2.0).keys), (2.0, 2));
        let limits = Limits { rate: Rate::per_second(4.0), bytes: ByteSize::from_bytes(1_000_000) };
        assert!(of(1.0).within(&limits).is_ok());
        assert!(of(2.0).within(&limits).unwrap_err().contains("--max-rate"));
        let narrow = Limits { bytes: ByteSize::from_bytes(2_000), ..Limits::default() };
        assert!(of(1.0).within(&narrow).unwrap_err().contains("--max-bytes"));
        assert!(of(1.0).sentence().contains("2 keys") && of(1.0).sentence().contains("\"p:\""));
        assert!(of(1.0).sentence().contains("asked of http://host/{key}"));
        let beside = Undertaking::of(&trace(), &[cell], &options(1.0), &|strategy| strategy == 0);
        assert_eq!((beside.keys, of(1.0).keys), (4, 2), "a second key beside every one");
        assert!(beside.bytes > of(1.0).bytes + 2 * PER_KEY);
    }

    #[test]
    fn jobs_count_beside_requests() {
        let cell = CellPlan { strategy: 0, eviction: 0, capacity: Capacity::Unbounded };
        let of = |jobs| Undertaking { jobs, ..Undertaking::of(&trace(), &[cell], &options(1.0), &|_| false) };
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
    fn a_key_costs_its_name_too() {
        let named = trace().with_key_prefix("p:");
        // "all/0" and "all/1", and the prefix.
        assert_eq!(bytes_of_keys(trace().objects()), 2 * (PER_KEY + 5));
        assert_eq!(bytes_of_keys(named.objects()), 2 * (PER_KEY + 7));
    }
}
