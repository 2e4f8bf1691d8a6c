//! Keys beside values are keys like any other: evicted by themselves, expired by themselves, refused where there is no room.

use ttlab::cache::redis::SetAbsent;
use ttlab::cache::{Cache, Capacity, Cause, Lookup, Stored};
use ttlab::trace::ObjectId;
use ttlab::units::SimTime;

use crate::server::{Design, at, cache, entry};

const OBJECTS: usize = 4_000;

/// A server with room for about a fourth of the pairs, none of which expires during the run.
fn crowded(policy: &'static str) -> Design {
    Design {
        policy,
        memory: "redis",
        sizes: vec![300; OBJECTS],
        ttls: vec![3_600_000; OBJECTS],
        capacity: Capacity::Bytes(1_600_000),
        ..Design::default()
    }
}

/// Keys in the table of all keys.
fn keys(cache: &Cache) -> u64 {
    cache.breakdown().expect("the model tells the parts").dict_entries / 24
}

/// Objects of which the value is there, and those of them that can be served.
fn there(cache: &mut Cache, millis: u64) -> [usize; 2] {
    // What the last write added beyond the limit the next command removes, and what replies add to buffers those after it.
    for number in 0..OBJECTS {
        cache.get(ObjectId::from_index(number), at(millis));
    }
    let held: Vec<ObjectId> = (0..OBJECTS)
        .map(ObjectId::from_index)
        .filter(|object| cache.peek(*object, at(millis)).is_some())
        .collect();
    let served = held.iter().filter(|object| match cache.get(**object, at(millis)) {
        Lookup::Held(_) => true,
        Lookup::Absent(cause) => {
            assert_eq!(cause, Cause::Evicted, "a live value without its deadline");
            false
        }
    });
    let served = served.count();
    [held.len(), served]
}

#[test]
fn values_and_their_deadlines_are_evicted_one_by_one() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-ttl", "volatile-random"] {
        let design = Design { pairs: true, ..crowded(policy) };
        let mut model = cache(&design, at(600_000));
        for number in 0..OBJECTS {
            let (object, now) = (ObjectId::from_index(number), at(number as u64));
            assert_eq!(model.set(object, entry(&design, number, now), now), Stored::Yes, "{policy}");
        }
        let [held, served] = there(&mut model, OBJECTS as u64);
        model.check();
        assert!(held > 500 && served > 100 && served < held, "{policy}: {served} of {held}");
        assert_eq!(model.entries(), held as u64, "{policy}");
        // Of those that hold the deadline alone the server has the key too.
        let lone = keys(&model) - held as u64 - served as u64;
        assert!(lone > 100, "{policy}: {lone} deadlines without a value");
        // Each was evicted as a key: so many as came and are not there.
        assert_eq!(model.stats().evicted_keys, 2 * OBJECTS as u64 - keys(&model), "{policy}");
        if policy == "allkeys-random" {
            // Whoever is drawn at random says nothing of the other of its pair.
            let share = keys(&model) as f64 / (2 * OBJECTS) as f64;
            assert!((served as f64 / held as f64) < 3.0 * share.max(0.2), "{served} of {held}, {share}");
        }
    }
}

#[test]
fn a_value_that_is_written_again_has_its_deadline_again() {
    let design = Design { pairs: true, ..crowded("allkeys-random") };
    let mut model = cache(&design, at(600_000));
    for number in 0..OBJECTS {
        let (object, now) = (ObjectId::from_index(number), at(number as u64));
        model.set(object, entry(&design, number, now), now);
    }
    let mut millis = OBJECTS as u64;
    let mut mended = 0;
    for number in 0..OBJECTS {
        let object = ObjectId::from_index(number);
        millis += 1;
        let was_held = model.peek(object, at(millis)).is_some();
        if was_held && model.get(object, at(millis)) == Lookup::Absent(Cause::Evicted) {
            // An EXPIRE moves the deadline that is there, and brings none back.
            model.expire(object, at(millis + 9_000), at(millis + 9_000), at(millis));
            assert_eq!(model.get(object, at(millis)), Lookup::Absent(Cause::Evicted));
            if model.peek(object, at(millis)).is_some() {
                assert_eq!(model.set(object, entry(&design, number, at(millis)), at(millis)), Stored::Yes);
                mended += u64::from(matches!(model.get(object, at(millis)), Lookup::Held(_)));
            }
        }
    }
    model.check();
    assert!(mended > 100, "{mended}");
}

#[test]
fn a_policy_that_knows_no_keys_evicts_a_value_with_its_deadline() {
    let design = Design { pairs: true, ..crowded("lru") };
    let mut model = cache(&design, at(600_000));
    for number in 0..OBJECTS {
        let (object, now) = (ObjectId::from_index(number), at(number as u64));
        assert_eq!(model.set(object, entry(&design, number, now), now), Stored::Yes);
    }
    model.check();
    let [held, served] = there(&mut model, OBJECTS as u64);
    assert_eq!((held, keys(&model)), (served, 2 * held as u64));
}

#[test]
fn the_key_of_a_guard_is_taken_once_and_ends_as_any_key() {
    let design = Design { guards: true, capacity: Capacity::Unbounded, ..crowded("allkeys-lru") };
    let mut model = cache(&design, at(600_000));
    let object = ObjectId::from_index(7);
    let take = |model: &mut Cache, millis| model.set_absent(object, at(millis + 1_000), at(millis));
    let before = model.bytes();
    assert_eq!(take(&mut model, 10), Some(SetAbsent::Taken));
    // Its place in both chains, its name of 29 bytes with header and end, and an object that holds the number.
    let parts = model.breakdown().expect("the model tells the parts");
    assert_eq!(
        parts.dict_entries + parts.expires_entries + parts.headers + parts.keys + parts.rounding,
        32 + 32 + 32 + 16
    );
    assert!(model.bytes() > before);
    assert_eq!((take(&mut model, 1_010), keys(&model)), (Some(SetAbsent::There), 1));
    assert_eq!(take(&mut model, 1_011), Some(SetAbsent::Taken), "strictly after its end");
    assert_eq!(model.stats().expired_keys, 1);
    model.give_back(object, false, at(1_100));
    assert_eq!(take(&mut model, 1_200), Some(SetAbsent::There), "somebody else's is not deleted");
    model.give_back(object, true, at(1_300));
    assert_eq!((keys(&model), take(&mut model, 1_400)), (0, Some(SetAbsent::Taken)));
    // It ends when it was prolonged last; one that is gone is not brought back.
    assert!(model.prolong(object, at(9_000), at(1_500)));
    assert_eq!(take(&mut model, 9_000), Some(SetAbsent::There));
    assert!(model.prolong(object, at(12_000), at(9_001)));
    assert_eq!(take(&mut model, 9_001), Some(SetAbsent::Taken));
    model.check();
    assert_eq!(cache(&Design { guards: false, ..design }, at(9)).set_absent(object, at(9), at(1)), None);
}

#[test]
fn the_key_of_a_guard_is_evicted_to_make_room_and_refused_where_there_is_none() {
    let take_all = |policy| {
        let design = Design { guards: true, ..crowded(policy) };
        let mut model = cache(&design, at(600_000));
        let mut answers = [0; 3];
        for number in 0..OBJECTS {
            let (object, now) = (ObjectId::from_index(number), at(number as u64));
            let answer = model.set_absent(object, at(3_600_000), now).expect("keys are kept");
            answers[answer as usize] += 1;
            model.set(object, entry(&design, number, now), now);
        }
        for number in 0..OBJECTS {
            let object = ObjectId::from_index(number);
            let answer = model.set_absent(object, at(3_600_000), at(OBJECTS as u64)).expect("keys are kept");
            answers[answer as usize] += 1;
        }
        model.check();
        (answers, model.stats())
    };
    let ([taken, there, refused], stats) = take_all("allkeys-random");
    assert!(taken > OBJECTS + 100 && there > 100, "{taken} taken, {there} there");
    assert_eq!(refused, 0);
    assert!(stats.evicted_keys > 4_000, "{stats:?}");
    let ([taken, there, refused], stats) = take_all("noeviction");
    // It refuses before it looks whether there is such a key.
    assert_eq!((there, stats.evicted_keys), (0, 0));
    assert!(taken > 500 && refused > OBJECTS, "{taken} taken, {refused} refused");
}

/// A full server that evicts nothing, which holds a value with its deadline.
fn full() -> (Cache, Design, ObjectId) {
    let design = Design { pairs: true, sizes: vec![9_000; OBJECTS], ..crowded("noeviction") };
    let mut model = cache(&design, at(600_000));
    let first = ObjectId::from_index(0);
    for number in 0..OBJECTS {
        model.set(ObjectId::from_index(number), entry(&design, number, at(0)), at(0));
    }
    assert!(matches!(model.get(first, at(1)), Lookup::Held(_)));
    (model, design, first)
}

/// Until when the value is fresh that is served.
fn fresh(model: &mut Cache, object: ObjectId, millis: u64) -> Option<SimTime> {
    match model.get(object, at(millis)) {
        Lookup::Held(entry) => Some(entry.fresh_until),
        Lookup::Absent(_) => None,
    }
}

#[test]
fn an_old_value_is_as_fresh_as_the_new_deadline_says_where_a_full_server_took_that_alone() {
    // By how much room is left, the server refuses both, the large value alone, or neither.
    let written = |room: u64| {
        let (mut model, design, first) = full();
        let limit = model.bytes_at(at(5_000)) + room;
        model.set_limit(Capacity::Bytes(limit), at(5_000));
        let [old, new] = [0, 5_000].map(|millis| entry(&design, 0, at(millis)).fresh_until);
        let stored = model.set(first, entry(&design, 0, at(5_000)), at(5_000));
        model.check();
        let told = fresh(&mut model, first, 5_001).expect("both are there");
        assert!(told == old || told == new, "{room}");
        (stored, told == new)
    };
    let answers: Vec<(Stored, bool)> = (0..100).map(|room| written(500 * room)).collect();
    let turns = |what: (Stored, bool)| answers.iter().filter(|answer| **answer == what).count();
    assert!(turns((Stored::OutOfMemory, false)) > 0, "{answers:?}");
    assert!(turns((Stored::OutOfMemory, true)) > 0, "{answers:?}");
    assert!(turns((Stored::Yes, true)) > 0, "{answers:?}");
    assert_eq!(turns((Stored::Yes, false)), 0);
}

#[test]
fn a_value_is_not_fresh_longer_where_a_full_server_refuses_the_deadline_that_says_so() {
    let (mut model, design, first) = full();
    let limit = model.bytes_at(at(5_000)) - 1_000;
    model.set_limit(Capacity::Bytes(limit), at(5_000));
    let old = entry(&design, 0, at(0)).fresh_until;
    assert!(model.expire(first, at(9_000_000), at(9_000_000), at(5_000)), "PEXPIRE takes no memory");
    assert_eq!(fresh(&mut model, first, 5_001), Some(old), "but the SET XX of the deadline beside it does");
    model.check();
}

#[test]
fn a_value_whose_deadline_a_full_server_refuses_was_not_stored() {
    let design = Design { pairs: true, ..crowded("noeviction") };
    let mut model = cache(&design, at(600_000));
    let stored = |model: &mut Cache, number| {
        let (object, now) = (ObjectId::from_index(number), at(number as u64));
        (model.set(object, entry(&design, number, now), now), model.peek(object, now).is_some())
    };
    let half =
        (0..OBJECTS).map(|number| stored(&mut model, number)).find(|(stored, _)| *stored != Stored::Yes);
    let half = half.expect("the server gets full");
    assert!(half.0 == Stored::OutOfMemory, "{half:?}");
    model.check();
}

#[test]
fn what_is_deleted_is_not_counted_among_what_was_evicted_and_a_dead_deadline_among_what_expired() {
    let mut design = Design { pairs: true, capacity: Capacity::Unbounded, ..crowded("noeviction") };
    design.reclaim = "lazy";
    let mut model = cache(&design, at(600_000));
    let [first, second] = [0, 1].map(ObjectId::from_index);
    for (number, object) in [first, second].into_iter().enumerate() {
        assert_eq!(model.set(object, entry(&design, number, at(0)), at(0)), Stored::Yes);
    }
    // A sweep of the application, which says that it evicts.
    assert!(model.delete(first, Cause::Evicted, at(10)));
    assert_eq!(keys(&model), 2);
    model.expire(second, at(20), at(20), at(11));
    assert!(!model.delete(second, Cause::Invalidated, at(21)), "it is dead");
    assert_eq!(keys(&model), 0);
    model.check();
    let account = model.finish(at(30));
    assert_eq!(
        (account.evicted, account.expired),
        (1, 2),
        "the value that was swept; both keys that had died"
    );
}

#[test]
fn where_the_dead_leave_at_once_so_do_keys_beside_values() {
    let design = Design { pairs: true, guards: true, reclaim: "eager", ..crowded("noeviction") };
    let mut model = cache(&design, at(600_000));
    let object = ObjectId::from_index(7);
    assert_eq!(model.set_absent(object, at(1_000), at(0)), Some(SetAbsent::Taken));
    assert_eq!(model.set(object, entry(&design, 7, at(0)), at(0)), Stored::Yes);
    let keys_at = |model: &mut Cache, millis| {
        model.bytes_at(at(millis));
        model.check();
        keys(model)
    };
    assert_eq!([0, 1_000, 1_001].map(|millis| keys_at(&mut model, millis)), [3, 3, 2]);
    model.expire(object, at(2_000), at(2_000), at(1_500));
    assert_eq!([2_000, 2_001].map(|millis| keys_at(&mut model, millis)), [2, 0]);
}

#[test]
fn a_limit_in_objects_is_one_of_values_whatever_lies_beside_them() {
    for policy in ["allkeys-lru", "noeviction"] {
        let capacity = Capacity::Objects(50);
        let design = Design { pairs: true, guards: true, capacity, ..crowded(policy) };
        let mut model = cache(&design, at(600_000));
        for number in 0..50 {
            let (object, now) = (ObjectId::from_index(number), at(number as u64));
            assert_eq!(model.set_absent(object, at(9_000), now), Some(SetAbsent::Taken), "{policy}");
            assert_eq!(model.set(object, entry(&design, number, now), now), Stored::Yes, "{policy}");
        }
        assert_eq!((model.entries(), keys(&model)), (50, 150), "{policy}: room for all of them");
    }
}
