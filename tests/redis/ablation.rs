//! Why the model draws its samples bucket by bucket with a hash fixed per key: uniform draws hit more often.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use ttlab::cache::Capacity;

use crate::server::{Design, play};

const OBJECTS: usize = 4_000;
const HELD: usize = 400;
const REQUESTS: usize = 400_000;

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
            let draw = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 * sum;
            (now, sums.partition_point(|sum| *sum <= draw).min(OBJECTS - 1))
        })
        .collect()
}

/// Hit ratio where the victim is drawn uniformly from all keys.
fn uniform(requests: &[(u64, usize)], seed: u64) -> f64 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut held, mut places) = (Vec::new(), BTreeMap::new());
    let mut hits = 0;
    for (_, object) in requests {
        if places.contains_key(object) {
            hits += 1;
            continue;
        }
        if held.len() == HELD {
            #[expect(clippy::cast_possible_truncation, reason = "a number below the number of keys")]
            let victim = ((u128::from(random.next_u64()) * HELD as u128) >> 64) as usize;
            places.remove(&held.swap_remove(victim));
            if let Some(moved) = held.get(victim) {
                places.insert(*moved, victim);
            }
        }
        places.insert(*object, held.len());
        held.push(*object);
    }
    f64::from(hits) / requests.len() as f64
}

#[test]
fn random_eviction_by_buckets_hits_less_often_than_uniformly_random_eviction() {
    let differences: Vec<f64> = (0..16)
        .map(|seed| {
            let requests = requests(seed);
            let design = Design {
                policy: "allkeys-random",
                capacity: Capacity::Objects(HELD as u64),
                seed,
                sizes: vec![1; OBJECTS],
                ttls: vec![0; OBJECTS],
                ..Design::default()
            };
            let hits = play(&design, &requests, REQUESTS).hits.into_iter().filter(|hit| *hit).count();
            uniform(&requests, seed) - hits as f64 / REQUESTS as f64
        })
        .collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let error = (differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    // A few tenths of a percentage point, upwards, and beyond chance.
    assert!(mean > 4.0 * error && (0.001..0.008).contains(&mean), "{mean:.5} ± {error:.5}");
}
