//! What is asked for in a whole trace: the totals that a sample of its keys must add up to.

use super::series::CLASSES_MAX;
use crate::trace::Trace;
use crate::units::{SimDuration, Window};

/// Requests and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Requests.
    pub requests: u64,
    /// Sum of the sizes of what they ask for.
    pub bytes: u64,
}

/// Requests of a whole trace, by class and by bucket of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Scored ones by class.
    scored: Vec<Demand>,
    /// Those of robots.
    robots: Demand,
    /// Counts of a bucket: those of the classes that have counts of their own, and one for all others.
    slots: usize,
    /// Requests, the warm-up's included: `slots` for each bucket.
    buckets: Vec<u64>,
}

impl Census {
    /// Counts the requests of `trace`; `window` is what is scored, and `bucket` the length of a bucket of the series.
    ///
    /// # Panics
    /// If the file of a spooled trace can no longer be read.
    pub fn of(trace: &Trace, window: Window, bucket: SimDuration) -> Self {
        let objects = trace.objects();
        let classes = objects.classes().len();
        let slots = classes.clamp(1, CLASSES_MAX + 1);
        let last = window.buckets(bucket) - 1;
        let mut scored = vec![Demand::default(); classes];
        let mut buckets = vec![0; slots * (last + 1)];
        let (mut robots, mut place) = (Demand::default(), 0);
        trace.each(|at, object| {
            let class = objects.class(object).index();
            buckets[at.bucket(bucket).min(last) * slots + class.min(slots - 1)] += 1;
            if window.contains(at) {
                scored[class].requests += 1;
                scored[class].bytes += u64::from(objects.size(object));
                if trace.robots().is_some_and(|marked| marked.contains(place)) {
                    robots.requests += 1;
                    robots.bytes += u64::from(objects.size(object));
                }
            }
            place += 1;
        });
        Self { scored, robots, slots, buckets }
    }

    /// Scored requests of a class; nothing where there is no such class.
    pub(super) fn of_class(&self, class: usize) -> Demand {
        self.scored.get(class).copied().unwrap_or_default()
    }

    /// Scored requests of robots.
    pub(super) fn of_robots(&self) -> Demand {
        self.robots
    }

    /// Requests of a bucket.
    pub(super) fn of_bucket(&self, bucket: usize) -> u64 {
        let slots = self.buckets.chunks_exact(self.slots).nth(bucket);
        slots.map_or(0, |slots| slots.iter().sum())
    }

    /// Requests of a class in a bucket.
    pub(super) fn of_bucket_and_class(&self, bucket: usize, class: usize) -> u64 {
        self.buckets.get(bucket * self.slots + class).copied().unwrap_or(0)
    }
}
