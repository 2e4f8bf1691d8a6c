//! Hit for hit what libCacheSim counts, where its policy is the same.
//!
//! The numbers were computed with its Python package (`pip install libcachesim`, 0.3.5): for each
//! request of [`requests`], `cache.get(Request(obj_id = object + 1, obj_size = size))` on
//! `CLASS(capacity)` with `size = 1` or the object's size, and hits counted.
//!
//! Left out are its S3FIFO, SLRU and `WTinyLFU`: until the cache is full for the first time they fill
//! their queues in another order than the papers, and what comes after depends on it. So is its Belady,
//! which stores every object. Its GDSF stores a new object before it evicts, so that the new one may leave at
//! once and has the inflation of before; the paper evicts first. Both orders are played here.

use std::collections::{BTreeMap, BTreeSet};

use ttlab::cache::Capacity;

use super::player::{Requests, hits};

/// 20,000 requests: popular objects have small numbers, and every eighth request is one of a long scan.
fn requests() -> Requests {
    let mut state: u64 = 1;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) >> 32
    };
    let objects = (0..20_000_u64)
        .map(|index| {
            // The product of two uniform numbers.
            let popular = (((draw() * draw()) >> 32) * 1_000) >> 32;
            if index % 8 == 0 { 1_000 + (index / 8) % 1_500 } else { popular }
        })
        .map(|object| usize::try_from(object).expect("there are 2500 objects"))
        .collect();
    let sizes = (0..2_500_u32).map(|object| 100 + (object * 7_919) % 900).collect();
    Requests { objects, sizes, ttl: None }
}

const SCALE: [u64; 4] = [10, 50, 200, 800];

/// Hits with a capacity of so many objects, and of so many times 550 bytes.
fn counted(policy: &'static str) -> ([usize; 4], [usize; 4]) {
    let requests = requests();
    (
        SCALE.map(|objects| hits(policy, &requests, Capacity::Objects(objects))),
        SCALE.map(|objects| hits(policy, &requests, Capacity::Bytes(objects * 550))),
    )
}

#[test]
fn the_simple_policies_have_the_hits_of_libcachesim() {
    assert_eq!(counted("fifo"), ([315, 1_459, 5_171, 12_451], [304, 1_446, 5_145, 12_460]));
    assert_eq!(counted("lru"), ([315, 1_500, 5_544, 14_233], [305, 1_483, 5_528, 14_232]));
    assert_eq!(counted("lfu"), ([616, 2_387, 7_756, 15_743], [734, 2_427, 7_710, 15_748]));
}

#[test]
fn sieve_has_the_hits_of_libcachesim() {
    assert_eq!(counted("sieve"), ([545, 2_571, 7_934, 15_743], [478, 2_461, 7_798, 15_748]));
}

#[test]
fn arc_has_the_hits_of_libcachesim_where_all_have_one_size() {
    // With sizes there is no published rule, and the two differ.
    assert_eq!(counted("arc").0, [465, 2_376, 7_315, 15_997]);
}

/// Hits of GDSF with so much room, where each object weighs so much: `stored_first` says whether a new object is stored
/// before others are evicted, or after.
fn gdsf(requests: &Requests, weight: impl Fn(usize) -> u64, room: u64, stored_first: bool) -> usize {
    /// The bits of a priority that is never negative are ordered as it is.
    type Place = (u64, usize, usize);
    let (mut order, mut held) = (BTreeSet::<Place>::new(), BTreeMap::<usize, (u32, Place)>::new());
    let (mut inflation, mut used, mut hits) = (0.0_f64, 0, 0);
    for (now, object) in requests.objects.iter().copied().enumerate() {
        let before = held.remove(&object);
        let count = before.map_or(1, |(count, _)| count + 1);
        let place =
            |inflation: f64| ((inflation + f64::from(count) / weight(object) as f64).to_bits(), now, object);
        let mut own = place(inflation);
        if let Some((_, place)) = before {
            hits += 1;
            order.remove(&place);
        } else {
            if stored_first {
                order.insert(own);
                held.insert(object, (count, own));
            }
            used += weight(object);
            while used > room {
                let (priority, _, victim) = order.pop_first().expect("something takes the room");
                inflation = f64::from_bits(priority);
                held.remove(&victim);
                used -= weight(victim);
            }
            if !stored_first {
                own = place(inflation);
            } else if !held.contains_key(&object) {
                continue;
            }
        }
        order.insert(own);
        held.insert(object, (count, own));
    }
    hits
}

#[test]
fn gdsf_has_the_hits_of_the_paper_and_libcachesim_those_of_storing_first() {
    let requests = requests();
    let both = |stored_first| {
        (
            SCALE.map(|objects| gdsf(&requests, |_| 1, objects, stored_first)),
            SCALE.map(|objects| {
                gdsf(&requests, |object| requests.sizes[object].into(), objects * 550, stored_first)
            }),
        )
    };
    assert_eq!(both(true), ([321, 1_622, 6_849, 15_300], [488, 2_386, 8_106, 15_490]), "libCacheSim");
    assert_eq!(both(false), ([318, 1_565, 6_874, 15_293], [459, 2_332, 8_084, 15_484]));
    assert_eq!(counted("gdsf"), both(false));
}
