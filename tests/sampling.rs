//! Sampling by key keeps the curve of LRU: hit ratio against size, on five million requests; and runs of a sample.

#[path = "sampling/runs.rs"]
mod runs;

use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::Trace;
use ttlab::trace::shape::sample::Sampler;
use ttlab::trace::synth::generate;

/// Counts of marks, with sums over the places from one on.
struct Marks {
    tree: Vec<u32>,
}

impl Marks {
    fn add(&mut self, place: usize, up: bool) {
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] = if up { self.tree[at] + 1 } else { self.tree[at] - 1 };
            at += at & at.wrapping_neg();
        }
    }

    fn up_to(&self, place: usize) -> u32 {
        let (mut at, mut sum) = (place + 1, 0);
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }
}

/// How many requests are hits under LRU with each number of objects: by the stack distances of Mattson
/// and others (1970), in one pass, without any cache.
fn hits_by_size(requests: &[u32], objects: usize) -> Vec<u64> {
    let mut marks = Marks { tree: vec![0; requests.len() + 1] };
    let mut last = vec![usize::MAX; objects];
    let mut at_distance = vec![0_u64; objects + 1];
    let mut marked = 0;
    for (now, object) in requests.iter().enumerate() {
        let before = std::mem::replace(&mut last[*object as usize], now);
        if before == usize::MAX {
            marked += 1;
        } else {
            // Objects asked for since then, and this one.
            at_distance[(marked - marks.up_to(before) + 1) as usize] += 1;
            marks.add(before, false);
        }
        marks.add(now, true);
    }
    at_distance
        .iter()
        .scan(0, |sum, hits| {
            *sum += hits;
            Some(*sum)
        })
        .collect()
}

fn five_million_requests() -> Trace {
    let text = r#"
        name = "sampling"
        [workload]
        duration = "5000s"
        rate = "1000/s"
        class = [{ name = "all", objects = 500_000, popularity = { model = "zipf", alpha = 0.9 } }]
        [[strategy]]
        name = "none"
        ttl = "none"
    "#;
    let scenario = Scenario::parse(text, "sampling.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("it has a [workload]") };
    generate(workload, Seed::new(1))
}

#[test]
fn a_tenth_and_a_hundredth_of_the_keys_keep_the_curve_of_lru() {
    let trace = five_million_requests();
    let requests: Vec<u32> = trace.object_ids().iter().map(|object| object.as_u32()).collect();
    assert!(requests.len() > 4_900_000);
    let objects = trace.objects().len();
    let whole = hits_by_size(&requests, objects);
    let at = |hits: &[u64], size: usize| hits[size.min(hits.len() - 1)];
    let sizes: Vec<usize> = (1..=50).map(|part| objects / 100 * part).collect();
    for (rate, divisor, tolerance) in [(0.1, 10, 0.01), (0.01, 100, 0.02)] {
        let sampler = Sampler::new(rate, Seed::new(1));
        let keeps: Vec<bool> = (0..objects)
            .map(|object| sampler.keeps(&trace.objects().key(ttlab::trace::ObjectId::from_index(object))))
            .collect();
        let kept: Vec<u32> = requests.iter().copied().filter(|object| keeps[*object as usize]).collect();
        let sampled = hits_by_size(&kept, objects);
        let error: f64 = sizes
            .iter()
            .map(|size| {
                let truth = at(&whole, *size) as f64 / requests.len() as f64;
                let hits = at(&sampled, size / divisor);
                let told =
                    sampler.adjusted(hits, kept.len() as u64, requests.len() as u64).expect("requests");
                (told - truth).abs()
            })
            .sum::<f64>()
            / sizes.len() as f64;
        assert!(error <= tolerance, "at {rate} of the keys the mean error is {error:.4}");
    }
}

#[test]
fn stack_distances_are_those_of_a_list() {
    let requests = [0, 1, 0, 2, 1, 1, 3, 0];
    let mut list: Vec<u32> = Vec::new();
    let mut naive = vec![0_u64; 5];
    for object in requests {
        if let Some(place) = list.iter().position(|known| *known == object) {
            (place + 1..naive.len()).for_each(|size| naive[size] += 1);
            list.remove(place);
        }
        list.insert(0, object);
    }
    assert_eq!(hits_by_size(&requests, 4), naive);
}
