//! What servers are asked.

use std::time::Duration;

use ttlab::random::Seed;
use ttlab::trace::ObjectId;
use ttlab::units::SimDuration;

/// Objects, and how they are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub(super) objects: usize,
    /// The exponent of Zipf's law.
    pub(super) skew: f64,
    /// Mean of the sizes in bytes, which are lognormal, the standard deviation of their logarithm, and the largest.
    pub(super) size: (f64, f64, u32),
    /// Requests per second, a Poisson process.
    pub(super) rate: f64,
    /// Requests that are sent at once.
    pub(super) batch: usize,
    pub(super) length: Duration,
}

/// Requests that can be played.
pub(super) struct Load {
    /// Keys and sizes.
    pub(super) objects: Vec<(String, u32)>,
    /// Planned instants and objects.
    requests: Vec<(Duration, ObjectId)>,
    batch: usize,
    pub(super) length: Duration,
    seed: Seed,
}

impl Load {
    pub(super) fn new(demand: Demand) -> Self {
        let Demand { objects, skew, size: (mean, deviation, largest), rate, batch, length } = demand;
        let seed = Seed::new(3);
        let sizes = seed.of("sizes");
        let normal = |index: u64| {
            let (a, b) = (sizes.unit(index, 0), sizes.unit(index, 1));
            (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes of images")]
        let size = |index: u64| {
            let drawn = mean * (deviation * normal(index) - deviation * deviation / 2.0).exp();
            drawn.clamp(16.0, largest.into()) as u32
        };
        // 24 bytes, as a hash of a path in hexadecimal.
        let objects: Vec<_> =
            (0..objects as u64).map(|index| (format!("image:{index:018x}"), size(index))).collect();
        let mut sum = 0.0;
        let cumulated: Vec<f64> = (1..=objects.len())
            .map(|rank| {
                sum += (rank as f64).powf(-skew);
                sum
            })
            .collect();
        let (gaps, draws) = (seed.of("gaps"), seed.of("objects"));
        let (mut at, mut requests) = (0.0, Vec::new());
        while at < length.as_secs_f64() {
            let index = requests.len() as u64;
            let drawn = draws.unit(index, 0) * sum;
            let object = cumulated.partition_point(|up_to| *up_to < drawn).min(objects.len() - 1);
            requests.push((Duration::from_secs_f64(at), ObjectId::from_index(object)));
            at += -(1.0 - gaps.unit(index, 0)).ln() / rate;
        }
        Self { objects, requests, batch, length, seed }
    }

    /// How many requests there are.
    pub(super) fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Objects that are asked for at once, and when: once the last of them is due.
    pub(super) fn batches(&self) -> impl Iterator<Item = (Duration, impl Iterator<Item = ObjectId>)> {
        self.requests.chunks(self.batch).map(|batch| {
            let due = batch.last().map_or(Duration::ZERO, |(planned, _)| *planned);
            (due, batch.iter().map(|(_, object)| *object))
        })
    }

    /// Milliseconds that values of an object live: half as long as `mean` to one and a half times, so that no wave of
    /// expiries runs through the cache.
    pub(super) fn ttl(&self, mean: Option<SimDuration>, object: ObjectId) -> Option<u64> {
        let factor = 0.5 + self.seed.of("ttl").unit(object.as_u32().into(), 0);
        mean.map(|ttl| ttl.scaled(factor).as_nanos() / 1_000_000)
    }
}
