//! What happened to the requests of people and of robots, summed up over replications.

use super::build::outcomes;
use super::wire;
use crate::metrics::{Measurements, OutcomeKind, Portion};
use crate::score::{Replications, rates};

/// The rows of a cell, people first; none where no request is marked as a robot's.
pub(super) fn rows(runs: &Replications) -> Vec<wire::Party> {
    if runs.iter().all(|run| run.robots.is_none()) {
        return Vec::new();
    }
    let robots = |run: &Measurements| run.robots.unwrap_or_default();
    let people = |run: &Measurements| robots(run).rest_of(&run.totals);
    vec![row("people", runs, &people), row("robots", runs, &robots)]
}

fn row(name: &str, runs: &Replications, of_run: &dyn Fn(&Measurements) -> Portion) -> wire::Party {
    let mut all = Portion::default();
    runs.iter().for_each(|run| all.merge(&of_run(run)));
    all.outcomes = all.outcomes.mapped(|count| runs.of_traces(count));
    let ratio = |get: fn(&Portion) -> (u64, u64)| {
        runs.mean(|run| {
            let (part, whole) = get(&of_run(run));
            rates::ratio(part, whole)
        })
    };
    wire::Party {
        name: name.to_owned(),
        requests: all.outcomes.total(),
        outcomes: outcomes(&all.outcomes),
        fresh_hit: ratio(|party| (party.outcomes.of(OutcomeKind::FreshHit), party.outcomes.total())),
        hit: ratio(|party| (party.outcomes.hits(), party.outcomes.total())),
        byte_hit: ratio(|party| (party.hit_bytes, party.requested_bytes)),
        requested_bytes: runs.of_traces(all.requested_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ClassTotals, Tally};

    /// Outcomes with so many fresh hits and cold misses.
    fn tally(hits: u32, misses: u32) -> Tally {
        let mut counts = [0; OutcomeKind::ALL.len()];
        (counts[0], counts[3]) = (hits, misses);
        Tally::from(counts)
    }

    fn run(all: (u32, u32), robots: Option<(u32, u32)>) -> Measurements {
        let portion = |(hits, misses): (u32, u32)| Portion {
            outcomes: tally(hits, misses),
            requested_bytes: u64::from(hits + misses) * 10,
            hit_bytes: u64::from(hits) * 10,
        };
        let Portion { outcomes, requested_bytes, hit_bytes } = portion(all);
        Measurements {
            totals: ClassTotals { outcomes, requested_bytes, hit_bytes, ..ClassTotals::default() },
            robots: robots.map(portion),
            ..Measurements::empty()
        }
    }

    #[test]
    fn people_are_all_but_the_robots() {
        let runs: Replications =
            [(0, run((90, 60), Some((2, 48)))), (1, run((80, 70), Some((0, 50))))].into_iter().collect();
        let [people, robots] = &rows(&runs)[..] else { panic!("there are two parties") };
        assert_eq!((people.name.as_str(), people.requests, people.outcomes.fresh_hit), ("people", 200, 168));
        assert_eq!((robots.name.as_str(), robots.requests, robots.outcomes.miss_cold), ("robots", 100, 98));
        assert_eq!((robots.requested_bytes, people.requested_bytes), (1_000, 2_000));
        // The means of 88 % and 80 %, and of 4 % and nothing.
        for (ratio, expected) in
            [(people.fresh_hit, 0.84), (people.byte_hit, 0.84), (robots.hit, 0.02), (robots.byte_hit, 0.02)]
        {
            assert!((ratio.unwrap() - expected).abs() < 1e-12, "{ratio:?}, not {expected}");
        }
    }

    #[test]
    fn where_nobody_is_a_robot_nothing_is_said() {
        assert!(rows(&[(0, run((1, 1), None))].into_iter().collect()).is_empty());
    }
}
