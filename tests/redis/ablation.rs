//! Why the model draws its samples bucket by bucket with a hash fixed per key: what is simpler hits more often.
//!
//! A small cache written here draws its victims in one of three ways. With the way of Redis it is a control: it must
//! hit as often as the model does. The two simplifications, uniform draws from all keys and a hash drawn anew at every
//! insertion, must not: no constant could tune their bias away, so nobody is to simplify the model to them.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use ttlab::cache::Capacity;
use ttlab::cache::redis::{LruClock, Settings};

use crate::pool::Pool;
use crate::server::{Design, play};
use crate::table::{below, from_any_bucket, walk};

const OBJECTS: usize = 4_000;
const HELD: usize = 400;
/// As many buckets as a table of so many keys has.
const BUCKETS: usize = 512;
const REQUESTS: usize = 200_000;
const SEEDS: u64 = 16;
const SAMPLES: usize = 5;

/// Requests by Zipf's law, one a millisecond.
fn requests(seed: u64) -> Vec<(u64, usize)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sums = Vec::new();
    let mut sum = 0.0;
    for rank in 1..=OBJECTS {
        sum += (rank as f64).powf(-0.9);
        sums.push(sum);
    }
    (0..REQUESTS as u64)
        .map(|now| {
            let draw = unit(&mut random) * sum;
            (now, sums.partition_point(|sum| *sum <= draw).min(OBJECTS - 1))
        })
        .collect()
}

fn unit(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// How candidates are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Draw {
    /// From consecutive buckets, each key standing in the same one whenever it is there: Redis.
    Fixed,
    /// From consecutive buckets, a key standing in another one after each insertion.
    Fresh,
    /// From all keys alike.
    Uniform,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Policy {
    Random,
    Lfu,
    Lru,
}

/// A cache of so many keys without a TTL, whose table has its size for good.
struct Sampled {
    policy: Policy,
    draw: Draw,
    random: Xoshiro256PlusPlus,
    buckets: Vec<Vec<usize>>,
    /// Where each key stands, or stood last.
    bucket_of: Vec<usize>,
    held: Vec<usize>,
    /// The place of a key in `held`; none if it is not there.
    place: Vec<Option<usize>>,
    pool: Pool,
    /// Millisecond of the last use, or minute of it and LFU counter.
    used: Vec<(u64, u64)>,
}

impl Sampled {
    fn new(policy: Policy, draw: Draw, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self {
            policy,
            draw,
            buckets: vec![Vec::new(); BUCKETS],
            bucket_of: (0..OBJECTS).map(|_| below(&mut random, BUCKETS)).collect(),
            random,
            held: Vec::new(),
            place: vec![None; OBJECTS],
            pool: Pool::default(),
            used: vec![(0, 0); OBJECTS],
        }
    }

    /// A read, and a write of what is missing; whether it was a hit.
    fn request(&mut self, now: u64, key: usize) -> bool {
        let hit = self.place[key].is_some();
        if !hit {
            if self.held.len() == HELD {
                let victim = self.victim(now);
                self.remove(victim);
            }
            if self.draw == Draw::Fresh {
                self.bucket_of[key] = below(&mut self.random, BUCKETS);
            }
            self.buckets[self.bucket_of[key]].insert(0, key);
            self.place[key] = Some(self.held.len());
            self.held.push(key);
        }
        self.used[key] = match self.policy {
            Policy::Random => (0, 0),
            Policy::Lru => (now, 0),
            Policy::Lfu if hit => (now / 60_000, self.incremented(key, now)),
            Policy::Lfu => (now / 60_000, 5),
        };
        hit
    }

    fn remove(&mut self, key: usize) {
        self.buckets[self.bucket_of[key]].retain(|other| *other != key);
        let place = self.place[key].take().expect("only what is held leaves");
        self.held.swap_remove(place);
        if let Some(moved) = self.held.get(place) {
            self.place[*moved] = Some(place);
        }
    }

    fn decayed(&self, key: usize, now: u64) -> u64 {
        let (minute, counter) = self.used[key];
        counter.saturating_sub(now / 60_000 - minute)
    }

    fn incremented(&mut self, key: usize, now: u64) -> u64 {
        let counter = self.decayed(key, now);
        let chance = 1.0 / (counter.saturating_sub(5) as f64 * 10.0 + 1.0);
        counter + u64::from(counter < 255 && unit(&mut self.random) < chance)
    }

    fn victim(&mut self, now: u64) -> usize {
        if self.policy == Policy::Random {
            return self.random_key();
        }
        loop {
            for key in self.sample() {
                let score = match self.policy {
                    Policy::Lfu => 255 - self.decayed(key, now),
                    _ => now - self.used[key].0,
                };
                self.pool.offer(score, key);
            }
            if let Some(victim) = self.pool.take(|key| self.place[key].is_some()) {
                return victim;
            }
        }
    }

    fn random_key(&mut self) -> usize {
        if self.draw == Draw::Uniform {
            return self.held[below(&mut self.random, HELD)];
        }
        let buckets: Vec<&Vec<usize>> = self.buckets.iter().collect();
        from_any_bucket(&buckets, &mut self.random)
    }

    fn sample(&mut self) -> Vec<usize> {
        if self.draw != Draw::Uniform {
            return walk(&[&self.buckets], 0, SAMPLES, &mut self.random);
        }
        let mut out: Vec<usize> = Vec::new();
        while out.len() < SAMPLES {
            let key = self.held[below(&mut self.random, HELD)];
            if !out.contains(&key) {
                out.push(key);
            }
        }
        out
    }
}

/// Hit ratio of the model itself.
fn modelled(policy: Policy, requests: &[(u64, usize)], seed: u64) -> f64 {
    let design = Design {
        policy: match policy {
            Policy::Random => "allkeys-random",
            Policy::Lfu => "allkeys-lfu",
            Policy::Lru => "allkeys-lru",
        },
        capacity: Capacity::Objects(HELD as u64),
        // With whole seconds, LRU would be random here: keys stay for about a second.
        settings: Settings { lru_clock: LruClock::Milliseconds, ..Settings::default() },
        seed,
        sizes: vec![1; OBJECTS],
        ttls: vec![0; OBJECTS],
        ..Design::default()
    };
    let hits = play(&design, requests, REQUESTS).hits.into_iter().filter(|hit| *hit).count();
    hits as f64 / REQUESTS as f64
}

/// By how much more often a way to draw hits than the model, in percentage points: mean and its standard error.
#[derive(Debug, Clone, Copy)]
struct Bias {
    mean: f64,
    error: f64,
}

/// The biases of all three ways, seed by seed on the same requests.
fn biases(policy: Policy) -> [Bias; 3] {
    let mut differences = [const { Vec::new() }; 3];
    for seed in 0..SEEDS {
        let requests = requests(seed);
        let model = modelled(policy, &requests, seed);
        for (draw, all) in [Draw::Fixed, Draw::Fresh, Draw::Uniform].into_iter().zip(&mut differences) {
            let mut cache = Sampled::new(policy, draw, seed);
            let hits = requests.iter().filter(|(now, key)| cache.request(*now, *key)).count();
            all.push(100.0 * (hits as f64 / REQUESTS as f64 - model));
        }
    }
    let biases = differences.map(|all| {
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        let variance = all.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Bias { mean, error: (variance / n).sqrt() }
    });
    let [control, ..] = biases;
    assert!(control.error < 0.09, "the control is close enough to tell: {control:?}");
    assert!(control.mean.abs() < 4.0 * control.error, "the control hits as often as the model: {control:?}");
    biases
}

/// Upwards, beyond chance, and by as much as the text of the specification says.
fn is_biased(Bias { mean, error }: Bias) -> bool {
    mean > 4.0 * error && (0.1..0.8).contains(&mean)
}

#[test]
fn random_eviction_hits_more_often_with_simpler_draws() {
    let [_, fresh, uniform] = biases(Policy::Random);
    assert!(is_biased(fresh) && is_biased(uniform), "{fresh:?} {uniform:?}");
}

#[test]
fn lfu_hits_more_often_with_simpler_draws() {
    let [_, fresh, uniform] = biases(Policy::Lfu);
    assert!(is_biased(fresh) && is_biased(uniform), "{fresh:?} {uniform:?}");
}

#[test]
fn lru_hardly_minds_how_its_candidates_are_drawn() {
    for bias in &biases(Policy::Lru)[1..] {
        assert!(bias.mean.abs() < 0.1 + 2.0 * bias.error, "{bias:?}");
    }
}
