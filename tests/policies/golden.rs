//! Hit for hit what libCacheSim counts, where its policy is the same.
//!
//! The numbers were computed with its Python package (`pip install libcachesim`, 0.3.5): for each
//! request of [`requests`], `cache.get(Request(obj_id = object + 1, obj_size = size))` on
//! `CLASS(capacity)` with `size = 1` or the object's size, and hits counted.
//!
//! Left out are its S3FIFO, SLRU and `WTinyLFU`: until the cache is full for the first time they fill
//! their queues in another order than the papers, and what comes after depends on it.

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
fn print() {
    for policy in
        ["fifo", "lru", "lfu", "arc", "sieve", "s3-fifo", "s4lru", "w-tinylfu", "gdsf", "belady", "infinite"]
    {
        println!("{policy} {:?}", counted(policy));
    }
}
