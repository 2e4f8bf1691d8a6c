//! How long requests waited: a quantile is judged by what harness and network add to a wait, and by as many requests more or
//! fewer that wait at all as the tolerance of shares lets pass.

use super::super::{Pace, TICK};
use super::compare::compare;
use super::judging::{Judging, Rule};
use super::{BEYOND, Kind, Row};
use crate::engine::Simulation;
use crate::metrics::{Measurements, OutcomeKind};
use crate::strategy::guard::StampedeGuard;

/// A quantile: what it is called, its share, and that one in so many requests waits longer.
const QUANTILES: [(&str, f64, u64); 4] = [
    ("wait, 50 of 100 requests", 0.5, 2),
    ("wait, 90 of 100 requests", 0.9, 10),
    ("wait, 99 of 100 requests", 0.99, 100),
    ("wait, 999 of 1000 requests", 0.999, 1_000),
];

/// By how much of all requests those that wait may be more or fewer: the tolerance of a share.
const SHARE: f64 = 0.005;

/// What harness and network add to a wait, in milliseconds of the trace: up to the quantile of 99 of 100 requests, and beyond
/// it; and how far apart the looks of those who poll are, of whom one that comes a little later finds the value by its next
/// look, or by the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Added {
    usual: f64,
    rare: f64,
    poll: f64,
}

impl Added {
    /// Nothing.
    #[cfg(test)]
    pub(super) const NONE: Self = Self { usual: 0.0, rare: 0.0, poll: 0.0 };

    /// By how late requests were started, what each question to the server took that a wait consists of, and how late the
    /// timers were that end in it: a tick at least.
    pub(super) fn of(pace: &Pace, simulation: &Simulation) -> Self {
        let guard = &*simulation.strategy.guard;
        Self::by(pace, guard, simulation.client.retries)
    }

    fn by(pace: &Pace, guard: &dyn StampedeGuard, retries: u32) -> Self {
        // The GET of what is not there and the SET of what was fetched; a lock takes one more and is given back.
        let questions = if guard.key_in_cache().is_some() { 4.0 } else { 2.0 };
        let poll = guard.poll();
        // A fetch ends by a timer; each retry waits for its turn and ends as well.
        let timers = 1.0 + 2.0 * f64::from(retries) + if poll.is_some() { 1.0 } else { 0.0 };
        let added = |late_s: f64, get_s: f64, overdue_s: f64| {
            1e3 * pace.speed * (late_s + questions * get_s + timers * overdue_s.max(TICK))
        };
        let ([late_s, get_s], [usual_s, rare_s]) = (pace.p999_s, pace.overdue_s);
        Self {
            usual: added(pace.late_s[1], pace.get_s[1], usual_s),
            rare: added(late_s, get_s, rare_s),
            poll: poll.map_or(0.0, |poll| poll.as_secs_f64() * 1e3),
        }
    }
}

/// The rows of all quantiles.
pub(super) fn rows(predicted: &[Measurements], measured: &Measurements, judging: &Judging) -> Vec<Row> {
    let row = |(what, within, one_in): (&'static str, f64, u64)| {
        let draws: Vec<f64> = predicted.iter().filter_map(|run| quantile(run, within)).collect();
        let few = |run: &Measurements| run.latencies.all.len() < BEYOND * one_in;
        let rule = if few(measured) || predicted.iter().any(few) {
            Rule::Shown("fewer than 10 requests waited longer")
        } else {
            let added = if within > 0.99 { judging.added.rare } else { judging.added.usual };
            Rule::Within(added + moved(predicted, within) + polled(predicted, within, judging.added.poll))
        };
        compare(what, Kind::Millis, judging.applied(what, rule), &draws, quantile(measured, within))
    };
    QUANTILES.into_iter().map(row).collect()
}

/// A quantile in milliseconds.
fn quantile(run: &Measurements, within: f64) -> Option<f64> {
    (!run.latencies.all.is_empty()).then(|| run.latencies.all.quantile(within) as f64 / 1e6)
}

/// A mean over the runs that have such a figure.
fn mean(predicted: &[Measurements], of: &dyn Fn(&Measurements) -> Option<f64>) -> f64 {
    let all: Vec<f64> = predicted.iter().filter_map(of).collect();
    if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 }
}

/// By how much a quantile moves where those who wait for the fetch of another look a poll earlier or later: a poll at most, and
/// no further than it lies from that of as many requests more or fewer, [`SHARE`] of all beside those that are predicted.
fn polled(predicted: &[Measurements], within: f64, poll: f64) -> f64 {
    let waiting = mean(predicted, &|run| {
        let outcomes = &run.totals.outcomes;
        let others = outcomes.of(OutcomeKind::DelayedHit) + outcomes.of(OutcomeKind::Error);
        (outcomes.total() > 0).then(|| others as f64 / outcomes.total() as f64)
    });
    let by = waiting + SHARE;
    let [fewer, own, more] = [(within - by).max(0.0), within, (within + by).min(1.0)]
        .map(|within| mean(predicted, &|run| quantile(run, within)));
    poll.min((more - own).max(own - fewer))
}

/// By how much a quantile moves where the requests that wait are [`SHARE`] of all more or fewer, which wait as long as the
/// others: little where many wait, and up to a whole fetch where hits end just beside the quantile.
fn moved(predicted: &[Measurements], within: f64) -> f64 {
    let waiting = mean(predicted, &|run| {
        let outcomes = &run.totals.outcomes;
        let at_once = outcomes.of(OutcomeKind::FreshHit) + outcomes.of(OutcomeKind::StaleHit);
        (outcomes.total() > 0).then(|| 1.0 - at_once as f64 / outcomes.total() as f64)
    });
    let beyond = |waiting_then: f64| {
        // Of those who wait, as large a part waits longer as of the others.
        let share = if waiting_then > 0.0 { (1.0 - within) * waiting / waiting_then } else { 1.0 };
        1.0 - share.min(1.0)
    };
    let at = |within: f64| mean(predicted, &|run| quantile(run, within));
    let [fewer, own, more] = [beyond(waiting - SHARE), within, beyond(waiting + SHARE)].map(at);
    (more - own).max(own - fewer).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::Judgement;
    use super::super::judging::SPOILED;
    use super::*;
    use crate::cache::Cause;
    use crate::strategy::guard::none::NoGuard;
    use crate::strategy::guard::{Decision, KeyInCache, Wanting};
    use crate::units::SimDuration;

    /// So many requests for each of these waits in milliseconds, of which those are hits that wait for nothing.
    fn run(waits: &[f64], each: u64) -> Measurements {
        let mut run = Measurements::empty();
        for wait in waits {
            let kind = if *wait > 0.0 { OutcomeKind::DelayedHit } else { OutcomeKind::FreshHit };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds")]
            let nanos = (wait * 1e6) as u64;
            (0..each).for_each(|_| run.totals.outcomes.add(kind));
            run.latencies.all.record(nanos, each);
        }
        run
    }

    fn judged(predicted: &Measurements, measured: &Measurements, judging: &Judging) -> Vec<Row> {
        rows(&[predicted.clone(), predicted.clone()], measured, judging)
    }

    const JUDGING: Judging = Judging {
        counts_all: true,
        warmup: SimDuration::ZERO,
        spoiled: None,
        counters: None,
        others_hold_keys: false,
        look_s: 0.2,
        added: Added { usual: 2.0, rare: 5.0, poll: 0.0 },
    };

    /// Half of the requests are hits, and the others wait for longer and longer.
    fn half(more: f64) -> Measurements {
        let waits: Vec<f64> = (0..100).map(|nth| if nth < 50 { 0.0 } else { 100.0 + more }).collect();
        run(&waits, 100)
    }

    #[test]
    fn a_wait_may_be_longer_by_what_harness_and_network_add_and_no_more() {
        use Judgement::{Inside, Outside};
        let predicted = half(0.0);
        let judgements = |more| {
            let rows = judged(&predicted, &half(more), &JUDGING);
            [1, 2, 3].map(|row: usize| rows[row].judgement)
        };
        assert_eq!(judgements(1.9), [Inside; 3]);
        assert_eq!(judgements(2.5), [Outside, Outside, Inside], "999 of 1000 have a tolerance of their own");
        assert_eq!(judgements(-2.5), [Outside, Outside, Inside]);
        assert_eq!(judgements(6.0), [Outside; 3]);
        let rows = judged(&predicted, &half(0.0), &JUDGING);
        assert_eq!((rows[1].tolerance, rows[3].tolerance), (Some(2.0), Some(5.0)));
        // What spoils a run spoils its waits.
        let spoiled = Judging { spoiled: Some(SPOILED[0]), ..JUDGING };
        assert!(judged(&predicted, &half(50.0), &spoiled).iter().all(|row| row.why == Some(SPOILED[0])));
    }

    #[test]
    fn a_quantile_is_judged_where_ten_requests_waited_longer_on_both_sides() {
        let judged = |each: [u64; 2]| {
            let [predicted, measured] = each.map(|each| run(&[5.0; 10], each));
            let rows = judged(&predicted, &measured, &JUDGING);
            rows.iter().filter(|row| row.judgement == Judgement::Inside).count()
        };
        // Twenty, a hundred, a thousand and ten thousand requests.
        assert_eq!([2, 9, 10, 99, 100, 999, 1_000].map(|each| judged([each; 2])), [1, 1, 2, 2, 3, 3, 4]);
        assert_eq!((judged([1_000, 100]), judged([100, 1_000])), (3, 3));
    }

    #[test]
    fn where_hits_end_beside_a_quantile_it_may_be_a_hit_or_a_fetch() {
        // 9.9 of 100 requests wait by the model, and 10.2 of the server's.
        let shares = |waiting: usize| {
            let waits: Vec<f64> = (0..1_000).map(|nth| if nth < waiting { 100.0 } else { 0.0 }).collect();
            run(&waits, 10)
        };
        let row = judged(&shares(99), &shares(102), &JUDGING)[1];
        assert_eq!((row.predicted, row.measured, row.judgement), (Some(0.0), Some(100.0), Judgement::Inside));
        // With 8 of 100 no half a point makes it one, and a fetch there is wrong.
        let row = judged(&shares(80), &shares(102), &JUDGING)[1];
        assert_eq!((row.tolerance, row.judgement), (Some(2.0), Judgement::Outside));
    }

    #[test]
    fn what_is_added_is_of_the_traces_time_and_of_the_way_that_a_wait_takes() {
        let pace = Pace {
            late_s: [0.0, 0.003, 0.9],
            get_s: [0.0, 0.000_5, 0.9],
            p999_s: [0.007, 0.001],
            overdue_s: [0.000_2, 0.004],
            speed: 2.0,
            ..Pace::default()
        };
        let close = |told: f64, expected: f64| (told - expected).abs() < 1e-9;
        let plain = Added::by(&pace, &NoGuard, 0);
        assert!(close(plain.usual, 2.0 * (3.0 + 2.0 * 0.5 + 1.0)), "{plain:?}");
        assert!(close(plain.rare, 2.0 * (7.0 + 2.0 * 1.0 + 4.0)), "{plain:?}");
        assert!(
            close(Added::by(&pace, &NoGuard, 1).usual, plain.usual + 2.0 * 2.0),
            "a retry has two timers"
        );
        let polled = Added::by(&pace, &Polling, 0);
        assert!(close(polled.usual, 2.0 * (3.0 + 4.0 * 0.5 + 2.0)), "{polled:?}");
        assert!(close(polled.poll, 20.0) && close(plain.poll, 0.0), "{polled:?}");
    }

    #[test]
    fn a_poll_makes_room_where_so_many_poll_that_it_moves_the_quantile() {
        let judging = Judging { added: Added { poll: 20.0, ..JUDGING.added }, ..JUDGING };
        // Waits of 1 ms to 1 s, of which one in a hundred is a look for the fetch of another.
        let mut predicted = run(&[], 0);
        for wait in 1..=1_000_u64 {
            let kind = if wait % 100 == 0 { OutcomeKind::DelayedHit } else { OutcomeKind::Miss(Cause::Cold) };
            (0..10).for_each(|_| predicted.totals.outcomes.add(kind));
            predicted.latencies.all.record(wait * 1_000_000, 10);
        }
        let tolerances = |judging| {
            let rows = judged(&predicted, &predicted, judging);
            [0, 1, 2].map(|row: usize| rows[row].tolerance.expect("it is judged"))
        };
        let (with, without) = (tolerances(&judging), tolerances(&JUDGING));
        // One and a half of a hundred requests lie 15 ms apart.
        assert!(
            (0..3).all(|row: usize| (with[row] - without[row] - 15.0).abs() < 0.5),
            "{with:?} {without:?}"
        );
        // Where half of the requests look, the room is a poll.
        (0..10_000).for_each(|_| predicted.totals.outcomes.add(OutcomeKind::DelayedHit));
        let half = judged(&predicted, &predicted, &judging)[0].tolerance.expect("it is judged");
        let none = judged(&predicted, &predicted, &JUDGING)[0].tolerance.expect("it is judged");
        assert!((half - none - 20.0).abs() < 1e-9, "{half} {none}");
    }

    /// A lock whose losers look again after 20 ms.
    struct Polling;

    impl StampedeGuard for Polling {
        fn admit(&mut self, _: &Wanting) -> Decision {
            unreachable!("nobody asks")
        }

        fn key_in_cache(&self) -> Option<KeyInCache> {
            Some(KeyInCache { ttl: SimDuration::from_secs(1), extend: false, given_back: true })
        }

        fn poll(&self) -> Option<SimDuration> {
            Some(SimDuration::from_millis(20))
        }
    }
}
