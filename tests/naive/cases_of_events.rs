//! The naive simulator against small cases calculated by hand: what happens beside requests, to keys, server and origin.

use super::Cause::{Cold, Expired, Invalidated, Lost};
use super::Kind::{DelayedHit, Error, FreshHit, Miss, StaleHit};
use super::cases::{AT_ONCE, Dies, FirstFails, TEN, kinds, plain, run};
use super::fault::{Fault, Spell};
use super::guard::{AfterWait, Guard};
use super::recorded::Act;
use super::refresh::{Covers, Refresh};
use super::schedule::Clock;
use super::server::{Keeps, Upset};
use super::ttl::Ttl;
use super::{Config, Failures, Soft};

/// Done to the first object, before the request at a place.
fn act(before: usize, at: u64, deletes: bool) -> Vec<Act> {
    vec![Act { before, at, object: 0, deletes }]
}

#[test]
fn a_deleted_key_is_missing_for_that_reason_and_a_dead_one_had_expired() {
    let config = Config { acts: act(1, 20, true), ..plain(TEN) };
    let (outcomes, totals) = run(&[(0, 0), (25, 0)], &config);
    assert_eq!(outcomes, [(Miss(Cold), 10), (Miss(Invalidated), 10)]);
    assert_eq!((totals.deletes, totals.expired, totals.evicted), (1, 0, 0));
    let config = Config { acts: act(1, 111, true), ..config };
    let (outcomes, totals) = run(&[(0, 0), (120, 0)], &config);
    assert_eq!((outcomes[1].0, totals.expired), (Miss(Expired), 1));
}

#[test]
fn at_one_time_what_is_recorded_before_a_request_comes_before_it() {
    for (before, kind) in [(1, Miss(Invalidated)), (2, FreshHit)] {
        let config = Config { acts: act(before, 20, true), ..plain(TEN) };
        assert_eq!(run(&[(0, 0), (20, 0)], &config).0[1].0, kind, "{before}");
    }
}

#[test]
fn a_purge_voids_the_lease_that_was_given_before_it() {
    let requests = [(0, 0), (12, 0)];
    let (outcomes, totals) = run(&requests, &Config { acts: act(1, 5, true), ..plain(TEN) });
    assert_eq!((kinds(&outcomes), totals.fetches), (vec![Miss(Cold), FreshHit], 1));
    // What comes at 10 is not stored, and the second lease is given at 12, or after a look at 14 if 12 is too soon.
    let lease = |interval| Guard::Lease { interval, wait: 2, stale: false, window: 0 };
    for (deletes, interval, wait) in [(true, 5, 10), (false, 5, 10), (true, 12, 12)] {
        let config = Config { guard: lease(interval), acts: act(1, 5, deletes), ..plain(TEN) };
        let (outcomes, totals) = run(&requests, &config);
        assert_eq!((outcomes, totals.fetches), (vec![(Miss(Cold), 10), (Miss(Cold), wait)], 2));
    }
    let config = Config { guard: lease(5), acts: act(0, 0, true), ..plain(TEN) };
    assert_eq!(run(&requests, &config).0[1], (FreshHit, 0), "asked for at the instant of the purge");
}

#[test]
fn a_copy_that_is_marked_stale_is_kept_as_long_as_if_it_had_ended_then() {
    let config = Config { acts: act(1, 30, false), ..plain(TEN) };
    let (outcomes, totals) = run(&[(0, 0), (30, 0)], &config);
    assert_eq!((outcomes[1].0, totals.expired, totals.touches), (Miss(Expired), 1, 1));
    let refresh = Refresh::StaleWhileRevalidate { window: 50 };
    let (outcomes, totals) = run(&[(0, 0), (79, 0)], &Config { refresh, ..config.clone() });
    assert_eq!((outcomes[1].0, totals.refreshes), (StaleHit, 1));
    let (outcomes, _) = run(&[(0, 0), (80, 0)], &Config { refresh, ..config.clone() });
    assert_eq!(outcomes[1].0, Miss(Expired));
    // It ends at 160 without a mark; one that is stale already is left alone.
    let (outcomes, totals) =
        run(&[(0, 0), (160, 0)], &Config { refresh, acts: act(1, 120, false), ..config });
    assert_eq!((outcomes[1].0, totals.touches), (StaleHit, 0));
}

#[test]
fn a_recorded_ttl_holds_from_its_record_and_the_first_one_before_it() {
    let ttl = Ttl::Recorded(vec![(0, 40, 5), (0, 50, 100)], Some(7));
    let config = Config { ttl, ..plain(AT_ONCE) };
    let requests = [(0, 0), (5, 0), (6, 0), (60, 0), (160, 0), (161, 0), (161, 1), (168, 1), (169, 1)];
    let (first, miss) = (Miss(Cold), Miss(Expired));
    assert_eq!(
        kinds(&run(&requests, &config).0),
        [first, FreshHit, miss, miss, FreshHit, miss, first, FreshHit, miss]
    );
}

#[test]
fn a_deadline_before_the_keys_own_costs_a_command_with_each_read_and_in_a_second_key_with_each_write() {
    let cost = |soft, refresh, ttl| {
        let config = Config { ttl, refresh, soft, ..plain(AT_ONCE) };
        run(&[(0, 0), (1, 0), (2, 0)], &config).1.deadlines
    };
    let (stale, sliding) =
        (Refresh::StaleWhileRevalidate { window: 5 }, Ttl::Sliding { idle: 9, max_age: 99, redraws: false });
    let of = |refresh, ttl: Ttl| {
        [Soft::Inside, Soft::Asked, Soft::Beside].map(|soft| cost(soft, refresh, ttl.clone()))
    };
    // Three reads and one store; two reads that move the deadline; nothing where the key has one deadline.
    assert_eq!(of(stale, Ttl::Fixed(9)), [0, 3, 4]);
    assert_eq!(of(stale, sliding), [0, 3, 6]);
    assert_eq!(of(Refresh::OnDemand, Ttl::Fixed(9)), [0, 0, 0]);
    // A job that looks at 9 and 18 before it fetches does not ask for the deadline, and its fetches write two.
    let (period, keep, workers) = (9, 20, 1);
    let timer = Refresh::Timer { period, keep, workers, covers: Covers::All, staggers: false };
    for (soft, deadlines) in [(Soft::Asked, 1), (Soft::Beside, 4)] {
        let config = Config { refresh: timer, soft, end: Some(20), ..plain(AT_ONCE) };
        let (_, totals) = run(&[(0, 0)], &config);
        assert_eq!((totals.looks, totals.deadlines), (2, deadlines));
    }
    // An error that is remembered has no other deadline than its own.
    let failures = Failures { negative: 5, ..Failures::PLAIN };
    let config = Config { soft: Soft::Beside, refresh: stale, failures, ..plain(&FirstFails) };
    let (_, totals) = run(&[(0, 0)], &config);
    assert_eq!((totals.errors_stored, totals.deadlines), (1, 1));
}

#[test]
fn a_fault_strikes_what_is_taken_up_in_its_time() {
    let answer = |fault, at| {
        let spells = vec![Spell { from: 5, until: 20, fault }];
        run(&[(at, 0)], &Config { spells, ..plain(TEN) }).0[0]
    };
    let usual = (Miss(Cold), 10);
    for fault in [Fault::Refused(1), Fault::Hung, Fault::Slow(2.5), Fault::Failing(1.0)] {
        assert_eq!((answer(fault, 4), answer(fault, 20)), (usual, usual), "{fault:?}");
    }
    assert_eq!(answer(Fault::Refused(1), 5), (Error, 1));
    assert_eq!(answer(Fault::Hung, 6), (Miss(Cold), 24));
    assert_eq!(answer(Fault::Slow(2.5), 19), (Miss(Cold), 25));
    assert_eq!((answer(Fault::Failing(0.6), 9), answer(Fault::Failing(0.4), 9)), ((Error, 10), usual));
}

#[test]
fn a_lost_shard_takes_its_keys_and_their_locks() {
    // The first object lies in the first of two shards, and the second one in the other.
    let loss = |at, down| vec![(at, Upset::ShardLoss { down, shards: 2, shard: 0 })];
    let config = Config { upsets: loss(5, 10), ..plain(AT_ONCE) };
    let (outcomes, _) = run(&[(0, 0), (0, 1), (6, 0), (6, 1), (15, 0), (16, 0)], &config);
    let (cold, lost) = (Miss(Cold), Miss(Lost));
    assert_eq!(kinds(&outcomes), [cold, cold, lost, FreshHit, lost, FreshHit]);
    // Its holder died, and its lock would last until 100.
    let guard = Guard::Lock { lock_ttl: 100, extends: false, poll: 1, wait: 500, after: AfterWait::Fetch };
    for (upsets, wait) in [(Vec::new(), 95), (loss(12, 3), 10)] {
        let config = Config { upsets, guard, ..plain(&Dies) };
        assert_eq!(run(&[(0, 0), (16, 0)], &config).0[1], (Miss(Cold), wait));
    }
}

#[test]
fn a_ttl_that_stood_still_has_as_much_left_when_the_server_is_back() {
    for (pauses, seen) in [(true, [Miss(Lost), FreshHit, Miss(Expired)]), (false, [Miss(Expired); 3])] {
        let upsets = vec![(50, Upset::Restart { down: 60, keeps: Keeps::Live, pauses })];
        // Stored at 0 for 100.
        let seen_at =
            |at| kinds(&run(&[(0, 0), (at, 0)], &Config { upsets: upsets.clone(), ..plain(AT_ONCE) }).0)[1];
        assert_eq!([105, 160, 161].map(seen_at), seen, "{pauses}");
    }
    // The application's own deadline is not the server's to move.
    let upsets = vec![(50, Upset::Restart { down: 60, keeps: Keeps::Live, pauses: true })];
    let refresh = Refresh::StaleWhileRevalidate { window: 50 };
    let (outcomes, _) = run(&[(0, 0), (160, 0)], &Config { upsets, refresh, ..plain(AT_ONCE) });
    assert_eq!(outcomes[1].0, Miss(Expired), "it is there, and its window is over");
}

#[test]
fn a_request_that_waits_is_not_told_of_a_deletion() {
    let config = Config { guard: Guard::SingleFlight, acts: act(2, 5, true), ..plain(TEN) };
    let (outcomes, _) = run(&[(0, 0), (4, 0), (11, 0)], &config);
    assert_eq!(outcomes, [(Miss(Cold), 10), (DelayedHit, 6), (FreshHit, 0)]);
}

#[test]
fn the_factor_is_that_of_the_users_day_and_hour() {
    let is = |linear, ahead, begins, factor: f64| {
        let lines = vec![(None, 0, 1.0), (None, 12 * 60, 3.0), (Some((5, 6)), 0, 10.0)];
        let found = Clock { lines, linear, ahead, begins }.factor(0);
        assert!((found - factor).abs() < 1e-12, "{found} instead of {factor} at {begins:?}, {ahead} ahead");
    };
    let (friday, sunday) = ((4, 23 * 60 + 30), (6, 18 * 60));
    for (ahead, factor) in [(0, 3.0), (29, 3.0), (30, 10.0), (60, 10.0)] {
        is(false, ahead, friday, factor);
    }
    // Late on Sunday, and in the middle between two instants, of which the later may lie in the next week.
    is(false, -1, (0, 0), 3.0);
    is(true, 0, (0, 6 * 60), 2.0);
    is(true, 0, sunday, 2.0);
    is(true, 0, (5, 3 * 60), 10.0 - 7.0 / 4.0);
}
