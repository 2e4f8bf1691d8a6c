//! The naive simulator against small cases calculated by hand.

use super::Cause::{Cold, Evicted, Expired};
use super::Kind::{DelayedHit, Error, FreshHit, Miss, StaleHit, StaleOnError};
use super::guard::AfterWait;
use super::origin::Shed;
use super::refresh::Covers;
use super::sweep::{Limit, Sweep};
use super::upload::{Cover, Warming};
use super::{
    Capacity, Config, Eviction, FailSafe, Failures, Fate, Guard, Images, Kind, LateFill, Reclaim, Refresh,
    Request, Result, Servers, Soft, Totals, Ttl, simulate,
};

/// Every fetch takes 10.
pub(super) const TEN: &dyn Fate = &|_: usize, _: u64| 10_u64;
/// Every fetch is done at once.
pub(super) const AT_ONCE: &dyn Fate = &|_: usize, _: u64| 0_u64;

pub(super) fn plain(fate: &dyn Fate) -> Config<'_> {
    Config {
        capacity: Capacity::Unbounded,
        eviction: Eviction::Lru,
        reclaim: Reclaim::Lazy,
        warm: false,
        upsets: Vec::new(),
        ttl: Ttl::Fixed(100),
        modifiers: Vec::new(),
        ttl_step: None,
        refresh: Refresh::OnDemand,
        conditional: None,
        fail_safe: None,
        warming: None,
        guard: Guard::None,
        sweep: None,
        soft: Soft::Inside,
        acts: Vec::new(),
        servers: Servers::ALL,
        spells: Vec::new(),
        timeout: None,
        late_fill: LateFill::Keep,
        failures: Failures::PLAIN,
        breaker: None,
        fate,
        end: None,
    }
}

/// Five objects of 1, 2, 3 ... bytes, each a class of its own.
pub(super) fn images() -> Images {
    let (sizes, classes) = (vec![1, 2, 3, 4, 5], vec![0, 1, 2, 3, 4]);
    Images { sizes, classes, ranks: vec![0; 5], added: Vec::new() }
}

/// Runs requests of (time, object) from one node, for these objects.
pub(super) fn run(requests: &[(u64, usize)], config: &Config<'_>) -> (Vec<(Kind, u64)>, Totals) {
    let requests: Vec<Request> =
        requests.iter().map(|&(at, object)| Request { at, object, node: 0 }).collect();
    let Result { outcomes, totals, .. } = simulate(&requests, &images(), config);
    (outcomes.iter().map(|outcome| (outcome.kind, outcome.wait)).collect(), totals)
}

#[test]
fn a_value_lives_until_its_deadline_and_not_one_tick_longer() {
    // Stored at 10, so fresh until 110; stored again at 121.
    let (outcomes, totals) = run(&[(0, 0), (109, 0), (110, 0), (111, 0), (121, 0)], &plain(TEN));
    assert_eq!(
        outcomes,
        [(Miss(Cold), 10), (FreshHit, 0), (FreshHit, 0), (Miss(Expired), 10), (FreshHit, 0)]
    );
    assert_eq!((totals.fetches, totals.expired, totals.resident_entries), (2, 1, 1));
}

#[test]
fn without_a_guard_each_fetches_and_the_last_to_complete_arms_the_ttl() {
    // Stored at 10 and again at 14, so fresh until 114.
    let (outcomes, totals) = run(&[(0, 0), (4, 0), (114, 0), (115, 0)], &plain(TEN));
    assert_eq!(outcomes, [(Miss(Cold), 10), (Miss(Cold), 10), (FreshHit, 0), (Miss(Expired), 10)]);
    assert_eq!(totals.fetches, 3);
}

#[test]
fn a_single_flight_is_shared_by_the_requests_of_its_node_until_it_completes() {
    let config = Config { guard: Guard::SingleFlight, ..plain(TEN) };
    let requests = [(0, 0), (4, 0), (5, 1), (10, 0)].map(|(at, node)| Request { at, object: 0, node });
    let Result { outcomes, totals, .. } = simulate(&requests, &images(), &config);
    let outcomes: Vec<_> = outcomes.iter().map(|outcome| (outcome.kind, outcome.wait)).collect();
    assert_eq!(outcomes, [(Miss(Cold), 10), (DelayedHit, 6), (Miss(Cold), 10), (FreshHit, 0)]);
    assert_eq!(totals.fetches, 2);
}

#[test]
fn a_stale_value_is_served_while_one_fetch_renews_it() {
    let refresh = Refresh::StaleWhileRevalidate { window: 50 };
    let config = Config { guard: Guard::SingleFlight, refresh, ..plain(TEN) };
    // Fresh until 110 and there until 160; renewed at 130, so fresh until 230 and there until 280.
    let requests = [(0, 0), (120, 0), (125, 0), (130, 0), (230, 0), (281, 0)];
    let (outcomes, totals) = run(&requests, &config);
    let (first, last) = ((Miss(Cold), 10), (Miss(Expired), 10));
    assert_eq!(outcomes, [first, (StaleHit, 0), (StaleHit, 0), (FreshHit, 0), (FreshHit, 0), last]);
    assert_eq!((totals.fetches, totals.refreshes), (3, 1));
    // Without a guard each stale hit starts a fetch of its own; the second of them, done at 135,
    // keeps the value there until 285, so that the last request is a stale hit too; its fetch is done
    // at 291, over a value that is dead by then.
    let (_, totals) = run(&requests, &Config { guard: Guard::None, ..config });
    assert_eq!((totals.fetches, totals.refreshes, totals.expired), (4, 3, 1));
}

#[test]
fn a_request_that_comes_after_the_stale_window_joins_the_fetch_that_renews() {
    let refresh = Refresh::StaleWhileRevalidate { window: 5 };
    let config = Config { guard: Guard::SingleFlight, refresh, ..plain(TEN) };
    // There until 115; the fetch that 115 starts is done at 125.
    let (outcomes, totals) = run(&[(0, 0), (115, 0), (116, 0)], &config);
    assert_eq!(outcomes[1..], [(StaleHit, 0), (DelayedHit, 9)]);
    assert_eq!((totals.fetches, totals.expired), (2, 1));
}

#[test]
fn lru_keeps_what_is_used_and_fifo_what_came_last() {
    let lru = Config { capacity: Capacity::Objects(2), ..plain(AT_ONCE) };
    let requests = [(0, 0), (1, 1), (2, 0), (3, 2), (4, 0), (5, 1)];
    let (outcomes, totals) = run(&requests, &lru);
    assert_eq!(kinds(&outcomes), [Miss(Cold), Miss(Cold), FreshHit, Miss(Cold), FreshHit, Miss(Evicted)]);
    assert_eq!((totals.evicted, totals.resident_entries), (2, 2));
    let fifo = Config { eviction: Eviction::Fifo, ..lru };
    let (outcomes, totals) = run(&requests, &fifo);
    assert_eq!(
        kinds(&outcomes),
        [Miss(Cold), Miss(Cold), FreshHit, Miss(Cold), Miss(Evicted), Miss(Evicted)]
    );
    assert_eq!(totals.evicted, 3);
}

#[test]
fn a_value_that_is_stored_again_moves_under_lru_and_keeps_its_place_under_fifo() {
    // Object 0 is stored at 10, object 1 at 15, object 0 again at 18: then object 2 needs room.
    let requests = [(0, 0), (5, 1), (8, 0), (20, 2), (40, 0), (41, 1)];
    let lru = Config { capacity: Capacity::Objects(2), ..plain(TEN) };
    assert_eq!(run(&requests, &lru).0[4..], [(FreshHit, 0), (Miss(Evicted), 10)]);
    let fifo = Config { eviction: Eviction::Fifo, ..lru };
    assert_eq!(run(&requests, &fifo).0[4..], [(Miss(Evicted), 10), (FreshHit, 0)]);
}

#[test]
fn bytes_are_freed_until_the_value_fits_and_never_for_one_that_cannot() {
    // Sizes 1 to 5: 2 + 1 + 3 fill 6 bytes, 4 takes the room of 2 and 1 and 3, 5 is too large for 4.
    let config = Config { capacity: Capacity::Bytes(6), ..plain(AT_ONCE) };
    let (_, totals) = run(&[(0, 1), (1, 0), (2, 2), (3, 3)], &config);
    assert_eq!((totals.evicted, totals.resident_entries, totals.resident_bytes), (3, 1, 4));
    assert_eq!(totals.peak_bytes, 6);
    let config = Config { capacity: Capacity::Bytes(4), ..config };
    let (outcomes, totals) = run(&[(0, 2), (1, 4), (2, 4), (3, 2)], &config);
    assert_eq!(kinds(&outcomes), [Miss(Cold), Miss(Cold), Miss(Cold), FreshHit]);
    assert_eq!((totals.evicted, totals.peak_bytes), (0, 3));
}

#[test]
fn where_nothing_may_be_evicted_what_does_not_fit_is_refused() {
    let eviction = Eviction::Never;
    let config = Config { capacity: Capacity::Objects(1), eviction, ..plain(AT_ONCE) };
    let (outcomes, totals) = run(&[(0, 0), (1, 1), (2, 1), (3, 0)], &config);
    assert_eq!(kinds(&outcomes), [Miss(Cold), Miss(Cold), Miss(Cold), FreshHit]);
    assert_eq!((totals.out_of_memory, totals.evicted, totals.resident_entries), (2, 0, 1));
}

#[test]
fn a_dead_value_keeps_its_place_if_reclaim_is_lazy_and_loses_it_if_it_is_eager() {
    let lazy = Config { capacity: Capacity::Objects(2), ttl: Ttl::Fixed(10), ..plain(AT_ONCE) };
    let requests = [(0, 0), (1, 1), (20, 2), (21, 0)];
    let (outcomes, totals) = run(&requests, &lazy);
    // Object 2 takes the place of 0, and then 0 the place of 1: both were dead, and were evicted.
    assert_eq!(outcomes[3].0, Miss(Evicted));
    assert_eq!((totals.evicted, totals.expired), (2, 0));
    let eager = Config { reclaim: Reclaim::Eager, ..lazy };
    let (outcomes, totals) = run(&requests, &eager);
    assert_eq!(outcomes[3].0, Miss(Expired));
    assert_eq!((totals.evicted, totals.expired), (0, 2));
}

#[test]
fn a_write_over_a_dead_value_deletes_it_first_so_that_it_comes_last_again() {
    let eviction = Eviction::Fifo;
    let first_slow: &dyn Fate = &|object: usize, nth: u64| if (object, nth) == (0, 1) { 30_u64 } else { 0 };
    let ttl = Ttl::Fixed(10);
    let config = Config { capacity: Capacity::Objects(2), ttl, eviction, ..plain(first_slow) };
    // Object 0 is stored at 0, found dead and asked for again at 11, and a second time at 12, which
    // stores it at once; what was asked for at 11 comes at 41, when that is dead again. So object 1,
    // stored at 20, is the older one when object 2 comes.
    let (outcomes, totals) = run(&[(0, 0), (11, 0), (12, 0), (20, 1), (45, 2), (46, 0)], &config);
    assert_eq!(kinds(&outcomes)[4..], [Miss(Cold), FreshHit]);
    assert_eq!((totals.evicted, totals.expired), (1, 2));
}

#[test]
fn stays_are_counted_from_the_coming_to_the_leaving() {
    let ttl = Ttl::Fixed(10);
    let lazy = Config { ttl, end: Some(40), ..plain(AT_ONCE) };
    // Objects of 1 and 2 bytes: the first leaves when it is looked up at 20, and comes back at once.
    let requests = [(0, 0), (5, 1), (20, 0)];
    let (_, totals) = run(&requests, &lazy);
    assert_eq!((totals.entry_ticks, totals.byte_ticks), (20 + 35 + 20, 20 + 2 * 35 + 20));
    let (_, totals) = run(&requests, &Config { reclaim: Reclaim::Eager, ..lazy });
    assert_eq!((totals.entry_ticks, totals.byte_ticks), (30, 10 + 2 * 10 + 10));
}

#[test]
fn eager_reclaim_takes_no_value_at_its_last_instant() {
    let ttl = Ttl::Fixed(10);
    let eager = Config { capacity: Capacity::Objects(1), reclaim: Reclaim::Eager, ttl, ..plain(AT_ONCE) };
    let (_, totals) = run(&[(0, 0), (10, 1)], &eager);
    assert_eq!((totals.evicted, totals.expired), (1, 0));
    let (_, totals) = run(&[(0, 0), (11, 1)], &eager);
    assert_eq!((totals.evicted, totals.expired), (0, 1));
}

#[test]
fn the_end_decides_what_is_still_there() {
    let config = Config { reclaim: Reclaim::Eager, end: Some(110), ..plain(TEN) };
    assert_eq!(run(&[(0, 0)], &config).1.resident_entries, 1);
    assert_eq!(run(&[(0, 0)], &Config { end: Some(111), ..config }).1.resident_entries, 0);
    // A fetch that would be done later is never stored.
    let config = Config { end: Some(9), ..plain(TEN) };
    assert_eq!(run(&[(0, 0)], &config).1.resident_entries, 0);
    assert_eq!(run(&[(0, 0)], &Config { end: Some(10), ..config }).1.resident_entries, 1);
}

#[test]
fn fetches_wait_for_the_first_free_server_in_their_order() {
    let one = Config { servers: Servers { count: Some(1), ..Servers::ALL }, ..plain(TEN) };
    // Done at 10, 20, 30, and the last starts when it is asked.
    let (outcomes, _) = run(&[(0, 0), (1, 1), (2, 2), (40, 3)], &one);
    assert_eq!(waits(&outcomes), [10, 19, 28, 10]);
    let two = Config { servers: Servers { count: Some(2), ..Servers::ALL }, ..one };
    assert_eq!(waits(&run(&[(0, 0), (1, 1), (2, 2), (40, 3)], &two).0), [10, 10, 18, 10]);
}

#[test]
fn a_client_gives_up_after_its_timeout_and_the_value_comes_all_the_same() {
    let keep =
        Config { servers: Servers { count: Some(1), ..Servers::ALL }, timeout: Some(18), ..plain(TEN) };
    // Object 1 is done at 20, which is 19 after it was asked.
    let requests = [(0, 0), (1, 1), (30, 1)];
    assert_eq!(run(&requests, &keep).0, [(Miss(Cold), 10), (Error, 18), (FreshHit, 0)]);
    let discard = Config { late_fill: LateFill::Discard, ..keep };
    assert_eq!(run(&requests, &discard).0, [(Miss(Cold), 10), (Error, 18), (Miss(Cold), 10)]);
    let patient = Config { timeout: Some(19), ..discard };
    assert_eq!(run(&requests, &patient).0, [(Miss(Cold), 10), (Miss(Cold), 19), (FreshHit, 0)]);
}

#[test]
fn who_joins_late_is_still_patient_when_the_first_gives_up() {
    // Who gives up acts one unit after the end of its patience.
    let hundred: &dyn Fate = &|_: usize, _: u64| 100_u64;
    let config = Config { guard: Guard::SingleFlight, timeout: Some(60), ..plain(hundred) };
    let (outcomes, totals) = run(&[(0, 0), (30, 0), (40, 0), (100, 0)], &config);
    assert_eq!(outcomes, [(Error, 60), (Error, 60), (DelayedHit, 60), (FreshHit, 0)]);
    assert_eq!(totals.fetches, 1);
}

#[test]
fn a_fetch_in_the_background_is_stored_however_late_it_is() {
    let slow_refresh: &dyn Fate = &|_: usize, nth: u64| if nth == 0 { 10 } else { 100 };
    let refresh = Refresh::StaleWhileRevalidate { window: 50 };
    let config = Config { refresh, timeout: Some(20), late_fill: LateFill::Discard, ..plain(slow_refresh) };
    let (outcomes, _) = run(&[(0, 0), (111, 0), (211, 0)], &config);
    assert_eq!(outcomes, [(Miss(Cold), 10), (StaleHit, 0), (FreshHit, 0)]);
}

#[test]
fn a_refresh_that_the_guard_refuses_is_asked_for_again() {
    let guard = Guard::Lease { interval: 70, wait: 2, stale: false, window: 0 };
    let config = Config { refresh: Refresh::Ahead { f: 0.5 }, guard, ..plain(TEN) };
    // Stored at 10 and fresh until 110; the second token is given after 70.
    let (outcomes, totals) = run(&[(0, 0), (65, 0)], &config);
    assert_eq!((kinds(&outcomes), totals.refreshes), (vec![Miss(Cold), FreshHit], 0));
    assert_eq!(run(&[(0, 0), (65, 0), (75, 0), (76, 0)], &config).1.refreshes, 1);
}

#[test]
fn a_sliding_ttl_is_pushed_on_by_hits_up_to_the_greatest_age() {
    let config = Config { ttl: Ttl::Sliding { idle: 10, max_age: 25, redraws: true }, ..plain(AT_ONCE) };
    // Fresh until 10, then 18, then 25 at most.
    let (outcomes, _) = run(&[(0, 0), (8, 0), (18, 0), (25, 0), (26, 0)], &config);
    assert_eq!(kinds(&outcomes), [Miss(Cold), FreshHit, FreshHit, FreshHit, Miss(Expired)]);
    let (outcomes, _) = run(&[(0, 0), (8, 0), (19, 0)], &config);
    assert_eq!(outcomes[2].0, Miss(Expired));
}

#[test]
fn each_class_has_its_ttl_and_no_ttl_is_for_ever() {
    let config = Config { ttl: Ttl::ClassTable(vec![5, 50, 50, 50, 50]), ..plain(AT_ONCE) };
    let (outcomes, _) = run(&[(0, 0), (0, 1), (6, 0), (6, 1)], &config);
    assert_eq!(kinds(&outcomes), [Miss(Cold), Miss(Cold), Miss(Expired), FreshHit]);
    let (outcomes, _) = run(&[(0, 0), (u64::MAX, 0)], &Config { ttl: Ttl::None, ..config });
    assert_eq!(outcomes[1].0, FreshHit);
}

#[test]
fn what_is_fetched_at_once_is_there_for_the_next_request_of_the_same_instant() {
    for guard in [Guard::None, Guard::SingleFlight] {
        let (outcomes, totals) = run(&[(7, 0), (7, 0), (7, 0)], &Config { guard, ..plain(AT_ONCE) });
        assert_eq!(kinds(&outcomes), [Miss(Cold), FreshHit, FreshHit]);
        assert_eq!(totals.fetches, 1);
    }
}

#[test]
fn the_fetches_of_an_object_are_counted_from_zero_whoever_asks() {
    let growing: &dyn Fate = &|object: usize, nth: u64| 10 * (object as u64 + 1) + nth;
    let (outcomes, _) = run(&[(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)], &plain(growing));
    assert_eq!(waits(&outcomes), [10, 20, 11, 12, 21]);
}

pub(super) fn kinds(outcomes: &[(Kind, u64)]) -> Vec<Kind> {
    outcomes.iter().map(|outcome| outcome.0).collect()
}

fn waits(outcomes: &[(Kind, u64)]) -> Vec<u64> {
    outcomes.iter().map(|outcome| outcome.1).collect()
}

/// Fails the first fetch, and takes 10 for each.
pub(super) struct FirstFails;

impl Fate for FirstFails {
    fn latency(&self, _: usize, _: u64) -> u64 {
        10
    }

    fn fails(&self, _: usize, nth: u64) -> bool {
        nth == 0
    }
}

#[test]
fn a_failed_attempt_is_tried_again_after_a_pause_if_the_node_has_saved_for_it() {
    let failures = Failures { retries: 1, budget: Some(1.0), ..Failures::PLAIN };
    let config = Config { failures, ..plain(&FirstFails) };
    // The pause is never nothing: it fails at 10, asks again at 11, and has its value at 21.
    let (outcomes, totals) = run(&[(0, 0), (22, 0)], &config);
    assert_eq!((outcomes, totals.retries), (vec![(Miss(Cold), 21), (FreshHit, 0)], 1));
    let failures = Failures { budget: Some(0.5), ..failures };
    assert_eq!(run(&[(0, 0)], &Config { failures, ..config }).0, [(Error, 10)]);
}

#[test]
fn an_error_is_remembered_and_answers_until_its_time_is_over() {
    let config = Config { failures: Failures { negative: 5, ..Failures::PLAIN }, ..plain(&FirstFails) };
    let (outcomes, totals) = run(&[(0, 0), (15, 0), (16, 0)], &config);
    assert_eq!(outcomes, [(Error, 10), (Error, 0), (Miss(Cold), 10)]);
    assert_eq!((totals.negative_served, totals.errors_stored), (1, 1));
}

#[test]
fn who_finds_the_lock_taken_looks_again_until_the_value_is_there() {
    let guard = Guard::Lock { lock_ttl: 100, extends: false, poll: 4, wait: 50, after: AfterWait::Fetch };
    let (outcomes, totals) = run(&[(0, 0), (1, 0)], &Config { guard, ..plain(TEN) });
    // Looks at 5, 9 and 13, when the value of 10 is there.
    assert_eq!(outcomes, [(Miss(Cold), 10), (DelayedHit, 12)]);
    // One lock each for the two and for the two looks in vain, and the deletion.
    assert_eq!((totals.fetches, totals.polls, totals.locks), (1, 3, 5));
    let guard = Guard::Lock { lock_ttl: 100, extends: false, poll: 4, wait: 6, after: AfterWait::Fetch };
    let (outcomes, totals) = run(&[(0, 0), (1, 0)], &Config { guard, ..plain(TEN) });
    assert_eq!((outcomes[1], totals.fetches), ((Miss(Cold), 16), 2));
}

#[test]
fn a_full_queue_refuses_the_newest_or_throws_out_the_oldest() {
    let servers = Servers { count: Some(1), room: Some(1), ..Servers::ALL };
    let requests = [(0, 0), (1, 1), (2, 2)];
    let (outcomes, totals) = run(&requests, &Config { servers, ..plain(TEN) });
    assert_eq!((outcomes, totals.shed), (vec![(Miss(Cold), 10), (Miss(Cold), 19), (Error, 0)], 1));
    let servers = Servers { shed: Shed::Oldest, ..servers };
    let (outcomes, _) = run(&requests, &Config { servers, ..plain(TEN) });
    assert_eq!(outcomes, [(Miss(Cold), 10), (Error, 1), (Miss(Cold), 18)]);
}

#[test]
fn a_sweep_leaves_the_members_that_were_accessed_last() {
    let sweep = Sweep { period: 10, limit: Limit::Members(1), lean: false, round_trip: 0, purge_after: None };
    let config = Config { sweep: Some(sweep), end: Some(20), ..plain(AT_ONCE) };
    let (outcomes, totals) = run(&[(0, 0), (1, 1), (2, 0), (11, 1), (12, 0)], &config);
    assert_eq!(kinds(&outcomes)[3..], [Miss(Evicted), FreshHit]);
    assert_eq!((totals.notes, totals.touches), (5, 5));
}

/// Fails the second fetch, and takes 10 for each.
struct SecondFails;

impl Fate for SecondFails {
    fn latency(&self, _: usize, _: u64) -> u64 {
        10
    }

    fn fails(&self, _: usize, nth: u64) -> bool {
        nth == 1
    }
}

#[test]
fn whoever_is_served_an_old_value_has_its_access_noted_but_no_deadline_moved() {
    let sweep = Sweep { period: 500, limit: Limit::Members(9), lean: true, round_trip: 0, purge_after: None };
    let fail_safe = Some(FailSafe { window: 1_000, throttle: 50, soft: None });
    let config = Config { sweep: Some(sweep), fail_safe, end: Some(300), ..plain(&SecondFails) };
    // Fresh until 110; the fetch of 120 fails at 130, and until 180 nobody asks again.
    let (outcomes, totals) = run(&[(0, 0), (120, 0), (180, 0)], &config);
    assert_eq!(outcomes, [(Miss(Cold), 10), (StaleOnError, 10), (StaleOnError, 0)]);
    assert_eq!((totals.fetches, totals.notes, totals.touches), (2, 3, 0));
}

#[test]
fn a_job_fetches_what_is_held_every_period() {
    let refresh = Refresh::Timer { period: 40, keep: 80, workers: 1, covers: Covers::All, staggers: false };
    let config = Config { refresh, ttl: Ttl::Fixed(30), end: Some(100), ..plain(TEN) };
    let (outcomes, totals) = run(&[(0, 0), (45, 0), (80, 0)], &config);
    // Stored at 10 and 50, fresh until 40 and 80; asked for by the job at 40 and 80.
    assert_eq!(kinds(&outcomes), [Miss(Cold), StaleHit, FreshHit]);
    assert_eq!((totals.fetches, totals.refreshes), (3, 2));
}

#[test]
fn a_job_for_the_most_read_one_comes_to_it_at_the_beginning_of_every_period_that_follows() {
    let refresh =
        Refresh::Timer { period: 40, keep: 80, workers: 1, covers: Covers::Top(1), staggers: false };
    let config = Config { refresh, end: Some(130), ..plain(AT_ONCE) };
    let (_, totals) = run(&[(0, 0), (1, 1), (2, 1), (45, 0), (46, 0), (81, 1)], &config);
    // At 40 the second, with two reads; at 80 the first, with two and a half of one left; at 120 the first, with one left of two.
    assert_eq!((totals.fetches, totals.refreshes), (5, 3));
}

/// Old values are kept for very long, for the case that a fetch fails.
const SAFE: Option<FailSafe> = Some(FailSafe { window: 1_000, throttle: 0, soft: None });

#[test]
fn what_the_job_does_not_cover_is_served_for_as_long_as_it_is_kept_for_the_job_and_then_fetched() {
    let covers = Covers::Class(1);
    let refresh = Refresh::Timer { period: 40, keep: 80, workers: 1, covers, staggers: false };
    let config = Config { refresh, ttl: Ttl::Fixed(30), fail_safe: SAFE, end: Some(300), ..plain(TEN) };
    // Stored at 10, so fresh until 40 and kept for the job until 90; stored again at 101.
    let (outcomes, totals) = run(&[(0, 0), (90, 0), (91, 0), (102, 0)], &config);
    assert_eq!(outcomes, [(Miss(Cold), 10), (StaleHit, 0), (Miss(Expired), 10), (FreshHit, 0)]);
    assert_eq!((totals.fetches, totals.refreshes), (2, 0));
}

#[test]
fn a_guard_has_a_copy_served_for_its_own_window_and_no_longer() {
    let served = |guard| {
        let config = Config { guard, fail_safe: SAFE, ..plain(TEN) };
        // Fresh until 110, and fetched again by the request at 125, which brings it at 135.
        run(&[(0, 0), (125, 0), (130, 0), (131, 0)], &config).0[2..].to_vec()
    };
    let (extends, poll) = (false, 4);
    let stale = Guard::LockStale { lock_ttl: 100, extends, poll, wait: 50, window: 20, cold_waits: true };
    assert_eq!(served(stale), [(StaleHit, 0), (DelayedHit, 4)]);
    let lease = Guard::Lease { interval: 100, wait: 4, stale: true, window: 20 };
    assert_eq!(served(lease), [(StaleHit, 0), (DelayedHit, 4)]);
    // A lock alone has no window: whatever is kept is served.
    let lock = Guard::Lock { lock_ttl: 100, extends, poll, wait: 0, after: AfterWait::Stale };
    assert_eq!(served(lock), [(StaleHit, 0), (StaleHit, 0)]);
}

/// Two versions of the first object, of which the second is there from 20 on.
struct Changes;

impl Fate for Changes {
    fn latency(&self, _: usize, _: u64) -> u64 {
        10
    }

    fn changes(&self, object: usize) -> &[u64] {
        if object == 0 { &[20] } else { &[] }
    }
}

#[test]
fn an_upload_is_fetched_at_once_where_it_is_covered() {
    let images = Images { added: vec![(15, 3)], ..images() };
    let requests = [(0, 0), (35, 0), (36, 3)].map(|(at, object)| Request { at, object, node: 0 });
    let seen = |cover| {
        let config = Config { warming: Some(Warming { cover, renditions: 1 }), ..plain(&Changes) };
        let Result { outcomes, totals, .. } = simulate(&requests, &images, &config);
        (outcomes[1].outdated, outcomes[2].kind, totals.refreshes)
    };
    assert_eq!(seen(Cover::Held), (None, Miss(Cold), 1));
    assert_eq!(seen(Cover::New), (Some(15), FreshHit, 1));
    assert_eq!(seen(Cover::All), (None, FreshHit, 2));
}

/// Dies while it fetches, which takes 10.
pub(super) struct Dies;

impl Fate for Dies {
    fn latency(&self, _: usize, _: u64) -> u64 {
        10
    }

    fn dies(&self, _: usize, ticket: u64) -> bool {
        ticket == 0
    }
}

#[test]
fn a_prolonged_lock_ends_a_lock_ttl_after_it_was_prolonged_last() {
    let guard = Guard::Lock { lock_ttl: 8, extends: true, poll: 1, wait: 50, after: AfterWait::Fetch };
    // Taken at 0, prolonged at 4 and 8; its holder dies at 10, and it is gone after 16.
    let (outcomes, _) = run(&[(0, 0), (9, 0)], &Config { guard, ..plain(&Dies) });
    assert_eq!(outcomes, [(Error, 10), (Miss(Cold), 18)]);
}
