//! Tables against sets, and kinds of storage against one another.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::drawn::Ahead;
use super::super::keys::Key;
use super::super::rows::Rows;
use super::super::tallies::Tallies;
use super::*;
use crate::random::Seed;
use crate::units::SimTime;

fn keys(objects: usize) -> Keys {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half of a hash is a hash")]
    Keys::of((0..objects as u64).map(|key| Key::absent(Seed::new(5).bits(key, 0) as u32)).collect())
}

/// Buckets as they are drawn on paper, the newest key first.
#[derive(Debug, Default)]
struct Chains(Vec<Vec<ObjectId>>);

impl Storage for Chains {
    fn with(buckets: usize, _: usize) -> Self {
        Self(vec![Vec::new(); buckets])
    }

    fn buckets(&self) -> usize {
        self.0.len()
    }

    fn is_vacant(&self, place: usize) -> bool {
        self.0[place].is_empty()
    }

    fn add(&mut self, object: ObjectId, _: u32, keys: &mut Keys) {
        let place = bucket(keys.hash(object), self.buckets());
        self.0[place].insert(0, object);
    }

    fn holds(&self, object: ObjectId, keys: &Keys) -> bool {
        self.0[bucket(keys.hash(object), self.buckets())].contains(&object)
    }

    fn unlink(&mut self, object: ObjectId, keys: &mut Keys) -> bool {
        let (is_there, place) = (self.holds(object, keys), bucket(keys.hash(object), self.buckets()));
        self.0[place].retain(|held| *held != object);
        is_there
    }

    fn hand_over(&mut self, place: usize, to: &mut Self, keys: &mut Keys) -> usize {
        let chain = std::mem::take(&mut self.0[place]);
        chain.iter().for_each(|object| to.add(*object, 0, keys));
        chain.len()
    }
}

impl Listed for Chains {
    fn each(&self, place: usize, visit: impl FnMut(ObjectId)) {
        self.0[place].iter().copied().for_each(visit);
    }
}

fn contents<S: Listed>(table: &Table<S>) -> Vec<Vec<ObjectId>> {
    let mut all = Vec::new();
    for half in 0..2 {
        for place in 0..table.buckets()[half] {
            let mut bucket = Vec::new();
            table.each(half, place, |object| bucket.push(object));
            all.push(bucket);
        }
    }
    all
}

proptest! {
    #[test]
    fn the_table_holds_what_a_set_holds(steps in prop::collection::vec((0..4_u8, 0..200_u32), 0..600)) {
        let mut keys = keys(200);
        let mut table: Table<Rows<false>> = Table::default();
        let mut naive = BTreeSet::new();
        for (step, key) in steps {
            let object = ObjectId::new(key);
            prop_assert_eq!(table.contains(object, &keys), naive.contains(&key));
            match (step, naive.contains(&key)) {
                (0 | 1, false) => { table.insert(object, 0, &mut keys, |_| key % 3 > 0); naive.insert(key); }
                (2, true) => { table.remove(object, &mut keys); naive.remove(&key); }
                (3, _) => { table.shrink(); table.advance(2, &mut keys); }
                _ => table.step(&mut keys),
            }
            table.check(&keys);
            prop_assert_eq!(table.len(), naive.len());
        }
        let mut out = Vec::new();
        let mut random = Seed::new(1).stream();
        table.sample(5, &mut Ahead::default(), &mut random, &mut keys, &mut out);
        prop_assert!(out.len() <= 5 && out.iter().all(|object| naive.contains(&object.as_u32())));
        let key = table.random_key(&mut random, &mut keys);
        prop_assert_eq!(key.is_some(), !naive.is_empty());
    }

    #[test]
    fn a_sample_that_was_drawn_ahead_is_what_is_drawn_when_it_is_asked_for(
        full in 1..300_u32,
        want in 1..20_usize,
        steps in prop::collection::vec((0..5_u8, 0..300_u32), 0..300),
    ) {
        let (mut one, mut other) = (keys(300), keys(300));
        let [mut plain, mut foreseen] = [(); 2].map(|()| Table::<Rows<false>>::default());
        let (mut random, mut ahead, mut out) = (Seed::new(1).stream(), Ahead::default(), [Vec::new(), Vec::new()]);
        let mut same = random.clone();
        let all = (0..full).map(|key| (1, key));
        for (step, key) in all.chain(steps) {
            let object = ObjectId::new(key);
            match (step, plain.contains(object, &one)) {
                (1, false) => {
                    plain.insert(object, 0, &mut one, |_| true);
                    foreseen.insert(object, 0, &mut other, |_| true);
                }
                (2, true) => {
                    plain.remove(object, &mut one);
                    foreseen.remove(object, &mut other);
                }
                (3, _) => {
                    plain.advance(100, &mut one);
                    foreseen.advance(100, &mut other);
                }
                // Something else is drawn in between, as under LFU.
                (4, _) if key % 4 == 0 => _ = (below(&mut random, 2), below(&mut same, 2)),
                _ => {
                    let [plainly, given] = &mut out;
                    plain.sample(want, &mut Ahead::default(), &mut random, &mut one, plainly);
                    foreseen.sample(want, &mut ahead, &mut same, &mut other, given);
                    prop_assert_eq!(&out[0], &out[1]);
                    foreseen.draw_ahead(want, &mut ahead, &same, |_| {});
                }
            }
            prop_assert_eq!(&random, &same);
        }
    }

    #[test]
    fn rows_are_chains_bucket_by_bucket_and_tallies_are_as_long(
        objects in 1..300_u32,
        steps in prop::collection::vec((0..5_u8, 0..300_u32, 0..100_u32), 0..600),
    ) {
        let (mut one, mut other) = (keys(300), keys(300));
        let (mut chains, mut rows) = (Table::<Chains>::default(), Table::<Rows<true>>::default());
        let mut tallies = Table::<Tallies>::default();
        for (step, key, due) in steps {
            let object = ObjectId::new(key % objects);
            match (step, chains.contains(object, &one)) {
                (0 | 1, false) => {
                    chains.insert(object, due, &mut one, |_| key % 3 > 0);
                    rows.insert(object, due, &mut other, |_| key % 3 > 0);
                    tallies.insert(object, due, &mut other, |_| key % 3 > 0);
                }
                (1, true) => rows.rearm(object, due, &other),
                (2 | 4, true) => {
                    chains.remove(object, &mut one);
                    rows.remove(object, &mut other);
                    tallies.remove(object, &mut other);
                }
                (3, _) => {
                    chains.shrink();
                    rows.shrink();
                    tallies.shrink();
                    let visited = chains.advance(2, &mut one);
                    prop_assert_eq!(visited, rows.advance(2, &mut other));
                    prop_assert_eq!(visited, tallies.advance(2, &mut other));
                }
                _ => { chains.step(&mut one); rows.step(&mut other); tallies.step(&mut other); }
            }
            rows.check(&other);
            tallies.check(&other);
            let state = (chains.len(), chains.buckets(), chains.is_moving());
            prop_assert_eq!(state, (rows.len(), rows.buckets(), rows.is_moving()));
            prop_assert_eq!(state, (tallies.len(), tallies.buckets(), tallies.is_moving()));
            prop_assert!((0..300).map(ObjectId::new).all(|key| tallies.contains(key, &other) == chains.contains(key, &one)));
            prop_assert_eq!(contents(&chains), contents(&rows));
        }
    }

    #[test]
    fn a_sweep_passes_whole_buckets_until_it_has_seen_enough(
        dues in prop::collection::vec(0..100_u32, 1..300),
        gone in prop::collection::vec(0..300_u32, 0..300),
        cursor in 0..10_000_usize,
        want in 1..70_usize,
        now in 0..100_u32,
    ) {
        let mut keys = keys(300);
        let mut rows = Table::<Rows<true>>::default();
        for (key, due) in (0..).zip(&dues) {
            rows.insert(ObjectId::new(key), *due, &mut keys, |_| true);
        }
        for key in gone.iter().filter(|key| **key != 0) {
            if rows.contains(ObjectId::new(*key), &keys) {
                rows.remove(ObjectId::new(*key), &mut keys);
            }
        }
        rows.advance(1_000, &mut keys);
        let want = want.min(rows.len());
        let (mut seen, mut visited, mut dead) = (0, 0, Vec::new());
        while seen < want && visited < 20 * want {
            let place = (cursor + visited) & (rows.buckets()[0] - 1);
            rows.each(0, place, |object| {
                seen += 1;
                dead.extend((dues[object.index()] <= now).then_some(object));
            });
            visited += 1;
        }
        let mut out = Vec::new();
        let passed = rows.sweep(cursor, want, 20 * want, now, &mut out);
        prop_assert_eq!((passed.keys, passed.buckets), (seen, visited));
        prop_assert_eq!(&out.iter().map(|place| rows.at(*place).0).collect::<Vec<_>>(), &dead);
        let first = (0..300).map(ObjectId::new).filter(|object| rows.contains(*object, &keys)).map(|object| dues[object.index()]).min();
        prop_assert_eq!(rows.earliest(), first.map(|due| SimTime::from_nanos(u64::from(due) << 20)));
        // Taken out from behind, the places of those before stay what they are.
        out.sort_unstable();
        let mut all = contents(&rows).concat();
        for place in out.iter().rev() {
            rows.take_at(*place);
        }
        rows.check(&keys);
        all.retain(|object| !dead.contains(object));
        prop_assert_eq!(contents(&rows).concat(), all);
    }
}

#[test]
fn nearly_every_sample_is_drawn_ahead_and_its_keys_asked_for() {
    const ROUNDS: usize = 10_000;
    let mut keys = keys(3_000);
    let mut table: Table<Rows<false>> = Table::default();
    (0..3_000).for_each(|key| table.insert(ObjectId::new(key), 0, &mut keys, |_| true));
    table.advance(100_000, &mut keys);
    for want in [1, 5, 10, 64] {
        let (mut random, mut ahead, mut out) = (Seed::new(2).stream(), Ahead::default(), Vec::new());
        let asked = std::cell::RefCell::new(BTreeSet::new());
        let mut given = 0;
        for _ in 0..ROUNDS {
            let known = ahead.keys().to_vec();
            assert!(known.iter().all(|key| asked.borrow().contains(key)), "all of them were asked for");
            table.sample(want, &mut ahead, &mut random, &mut keys, &mut out);
            given += usize::from(!known.is_empty() && known == out);
            table.draw_ahead(want, &mut ahead, &random, |key| _ = asked.borrow_mut().insert(key));
        }
        assert!(given > ROUNDS / 100 * 98, "{given} of {ROUNDS} samples of {want} keys");
    }
}

#[test]
fn key_65_537_doubles_the_table_and_the_old_one_stays_while_keys_move() {
    let mut keys = keys(65_538);
    let mut table: Table<Rows<false>> = Table::default();
    for key in 0..65_536 {
        table.insert(ObjectId::new(key), 0, &mut keys, |_| true);
    }
    table.advance(100_000, &mut keys);
    assert_eq!(table.buckets(), [65_536, 0]);
    table.insert(ObjectId::new(65_536), 0, &mut keys, |bytes| bytes == 8 * 131_072);
    assert_eq!(table.buckets(), [65_536, 131_072]);
    table.advance(100_000, &mut keys);
    assert_eq!(table.buckets(), [131_072, 0]);
    table.check(&keys);
}

/// A table that begins to shrink from so many buckets, of which these hold a key each.
fn shrinking<S: Storage>(buckets: usize, held: &[u32]) -> (Table<S>, Keys) {
    let mut keys = Keys::of(held.iter().map(|hash| Key::absent(*hash)).collect());
    let mut table = Table::default();
    table.reserve(buckets);
    (0..held.len()).for_each(|key| table.insert(ObjectId::from_index(key), 0, &mut keys, |_| true));
    table.shrink();
    assert!(table.is_moving(), "less than a tenth is full");
    (table, keys)
}

fn a_move_ends_with_the_last_key<S: Storage>() {
    let (mut table, mut keys) = shrinking::<S>(1_024, &[1, 15, 900]);
    // A move of one bucket ends with it, or with the tenth empty one before it.
    let visited = [0; 4].map(|_| table.advance(1, &mut keys));
    assert_eq!((visited, table.buckets()), ([2, 10, 4, 10], [1_024, 4]));
    // 874 empty buckets are left before the last key, and none behind it is looked at.
    let moves = (1..1_000).find(|_| {
        table.advance(1, &mut keys);
        !table.is_moving()
    });
    assert_eq!((moves, table.buckets()), (Some(88), [4, 0]));
    // Where the last key is deleted instead, the next look finds the old table empty.
    let (mut table, mut keys) = shrinking::<S>(1_024, &[1, 15, 900]);
    (0..3).for_each(|_| _ = table.advance(1, &mut keys));
    table.remove(ObjectId::new(2), &mut keys);
    assert_eq!(table.buckets(), [1_024, 4]);
    assert_eq!((table.advance(1, &mut keys), table.buckets()), (0, [4, 0]));
    // Nobody looks into a table without keys; the cron ends that move.
    let (mut table, mut keys) = shrinking::<S>(1_024, &[900]);
    table.remove(ObjectId::new(0), &mut keys);
    table.step(&mut keys);
    assert_eq!(table.buckets(), [1_024, 4]);
    assert_eq!((table.advance(100, &mut keys), table.buckets()), (0, [4, 0]));
}

#[test]
fn a_move_to_another_table_is_over_when_the_old_one_holds_no_key() {
    a_move_ends_with_the_last_key::<Rows<false>>();
    a_move_ends_with_the_last_key::<Rows<true>>();
    a_move_ends_with_the_last_key::<Tallies>();
}

#[test]
fn empty_buckets_are_counted_over_the_whole_of_a_move() {
    let held: Vec<u32> = (0..50).chain([3_000]).collect();
    let (mut table, mut keys) = shrinking::<Rows<false>>(4_096, &held);
    // A hundred buckets with keys, or a thousand empty ones wherever they lie.
    let visited = [0; 3].map(|_| table.advance(100, &mut keys));
    assert_eq!((visited, table.is_moving()), ([1_050, 1_000, 951], false));
}

#[test]
fn growth_that_memory_forbids_waits_until_the_table_is_too_full() {
    let mut keys = keys(100);
    let mut table: Table<Rows<false>> = Table::default();
    let mut sizes = Vec::new();
    for key in 0..28 {
        table.insert(ObjectId::new(key), 0, &mut keys, |bytes| bytes <= 8 * 16);
        table.advance(100, &mut keys);
        sizes.push(table.buckets()[0]);
    }
    // 1.618 x 16 = 25.9: the insert that finds 26 keys grows.
    assert_eq!((sizes[25], sizes[26]), (16, 32));
}
