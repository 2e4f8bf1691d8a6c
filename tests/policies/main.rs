//! The eviction policies against a published simulator, against naive models, and against each other.

mod golden;
mod naive;
mod player;

use proptest::prelude::*;
use ttlab::cache::eviction::EVICTIONS;
use ttlab::cache::{Capacity, Setup};
use ttlab::trace::{Keys, ObjectId, Objects, Trace};
use ttlab::units::SimDuration;

use player::{Requests, hits, play};

/// Requests for so many objects of sizes from 1, the small ones numerous and a few large.
fn requests(objects: usize, longest: usize) -> impl Strategy<Value = Requests> {
    let size = prop_oneof![3 => 1_u32..30, 1 => 30_u32..900];
    // The smaller of two numbers: some objects are asked for more often.
    let asked = (0..objects, 0..objects).prop_map(|(a, b)| a.min(b));
    let ttl = prop_oneof![Just(None), (1_u64..200).prop_map(Some)];
    (prop::collection::vec(asked, 0..longest), prop::collection::vec(size, objects), ttl)
        .prop_map(|(objects, sizes, ttl)| Requests { objects, sizes, ttl })
}

/// The crate and the naive model answer every request alike, by objects and by bytes.
fn agree(policy: &'static str, requests: &Requests, objects: u64, bytes: u64) {
    let sizes = requests.sizes.iter().copied().map(u64::from).collect();
    let rooms = [
        (Capacity::Objects(objects), vec![1; requests.sizes.len()], objects),
        (Capacity::Bytes(bytes), sizes, bytes),
    ];
    for (written, weights, capacity) in rooms {
        let room = naive::Room { weights, capacity };
        let mut model = naive::empty(policy, &room, &requests.objects);
        let ttl = requests.ttl.map(|ttl| usize::try_from(ttl).expect("it is short"));
        let expected = naive::play(model.as_mut(), &requests.objects, &room, ttl);
        assert_eq!(play(policy, requests, written), expected, "{policy} with {written:?}");
    }
}

macro_rules! as_in_the_paper {
    ($($test:ident: $policy:literal),+ $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..Default::default() })]
            $(
                #[test]
                fn $test(requests in requests(40, 500), objects in 1_u64..25, bytes in 1_u64..2_500) {
                    agree($policy, &requests, objects, bytes);
                }
            )+
        }
    };
}

as_in_the_paper! {
    lfu_is_as_in_the_paper: "lfu",
    gdsf_is_as_in_the_paper: "gdsf",
    sieve_is_as_in_the_paper: "sieve",
    s4lru_is_as_in_the_paper: "s4lru",
    s3_fifo_is_as_in_the_paper: "s3-fifo",
    arc_is_as_in_the_paper: "arc",
    w_tinylfu_is_as_in_the_paper: "w-tinylfu",
    belady_is_as_in_the_paper: "belady",
}

/// All that the small queue holds was asked for again, and none of it in the main one before: the new object
/// still finds room.
#[test]
fn s3_fifo_evicts_what_its_small_queue_has_just_given_to_an_empty_main_queue() {
    let requests = Requests { objects: vec![0, 0, 0, 1, 1], sizes: vec![5, 98], ttl: None };
    assert_eq!(play("s3-fifo", &requests, Capacity::Bytes(100)), [false, true, true, false, true]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn belady_is_never_beaten_where_all_have_one_size(requests in requests(25, 400), objects in 1_u64..15) {
        let (requests, capacity) = (Requests { ttl: None, ..requests }, Capacity::Objects(objects));
        let bound = hits("belady", &requests, capacity);
        for policy in EVICTIONS.listing().entries.iter().filter(|policy| !policy.oracle) {
            let reached = hits(policy.name, &requests, capacity);
            prop_assert!(reached <= bound, "{} has {reached} hits, belady {bound}", policy.name);
        }
    }

    #[test]
    fn infinite_misses_only_first_requests(requests in requests(25, 400)) {
        let requests = Requests { ttl: None, ..requests };
        let mut seen = std::collections::BTreeSet::new();
        let again: Vec<bool> = requests.objects.iter().map(|object| !seen.insert(object)).collect();
        prop_assert_eq!(play("infinite", &requests, Capacity::Bytes(1)), again);
    }
}

#[test]
fn belady_leaves_outside_what_is_needed_later() {
    let requests = Requests { objects: vec![0, 1, 0, 1, 0], sizes: vec![1, 1], ttl: None };
    assert_eq!(play("belady", &requests, Capacity::Objects(1)), [false, false, true, false, true]);
}

#[test]
fn s4lru_beats_lru_and_lru_beats_fifo_where_popularity_follows_zipf() {
    let seed = ttlab::random::Seed::new(7);
    // Exponent 1.
    let weights: Vec<f64> = (1..=10_000_u32).map(|rank| 1.0 / f64::from(rank)).collect();
    let mut sum = 0.0;
    let cumulated: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    let draw = |index: u64| cumulated.partition_point(|up_to| *up_to < seed.unit(index, 0) * sum).min(9_999);
    let requests = Requests { objects: (0..200_000).map(draw).collect(), sizes: vec![1; 10_000], ttl: None };
    let [fifo, lru, s4lru] =
        ["fifo", "lru", "s4lru"].map(|policy| hits(policy, &requests, Capacity::Objects(500)));
    // A point of the hit ratio is 2000 hits.
    assert!(fifo + 2_000 < lru && lru + 2_000 < s4lru, "{fifo} < {lru} < {s4lru}");
}

#[test]
fn a_write_is_no_request_where_requests_are_counted() {
    let trace = Trace::new(
        Vec::new(),
        Vec::new(),
        Objects::new(Vec::new(), Keys::Numbered, Vec::new()),
        SimDuration::ZERO,
    );
    let setup = Setup { objects: 2, capacity: Capacity::Objects(2), trace: trace.into() };
    let (read, written) = (ObjectId::new(0), ObjectId::new(1));
    for (policy, victim) in [("lfu", written), ("gdsf", written), ("sieve", written), ("lru", read)] {
        let mut policy = EVICTIONS.default_choice(policy).make(&setup).unwrap();
        policy.on_fill(read, 1);
        policy.on_fill(written, 1);
        policy.on_hit(read);
        policy.on_overwrite(written);
        policy.on_overwrite(written);
        assert_eq!(policy.victim(), Some(victim));
        policy.check(2);
    }
}
