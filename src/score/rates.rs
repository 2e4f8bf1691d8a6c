//! Ratios and rates of one replication. A ratio of nothing is `None`.

use crate::metrics::{Measurements, OutcomeKind};

/// `part / whole`; `None` where the whole is 0.
pub fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Requests that ended as `kind`, of all requests.
pub fn share(run: &Measurements, kind: OutcomeKind) -> Option<f64> {
    ratio(run.totals.outcomes.of(kind), run.totals.outcomes.total())
}

/// Fresh hits, of requests.
pub fn fresh_hit(run: &Measurements) -> Option<f64> {
    share(run, OutcomeKind::FreshHit)
}

/// Fresh and stale hits, of requests.
pub fn hit(run: &Measurements) -> Option<f64> {
    ratio(run.totals.outcomes.hits(), run.totals.outcomes.total())
}

/// Fresh, stale and delayed hits, of requests.
pub fn hit_or_joined(run: &Measurements) -> Option<f64> {
    let outcomes = &run.totals.outcomes;
    ratio(outcomes.hits() + outcomes.of(OutcomeKind::DelayedHit), outcomes.total())
}

/// Misses of any cause, of requests.
pub fn miss(run: &Measurements) -> Option<f64> {
    let outcomes = &run.totals.outcomes;
    let misses = OutcomeKind::ALL.iter().filter(|kind| matches!(kind, OutcomeKind::Miss(_)));
    ratio(misses.map(|&kind| outcomes.of(kind)).sum(), outcomes.total())
}

/// Bytes of fresh and stale hits, of bytes asked for.
pub fn byte_hit(run: &Measurements) -> Option<f64> {
    ratio(run.totals.hit_bytes, run.totals.requested_bytes)
}

/// Origin fetches per request, background fetches included.
pub fn fetches_per_request(run: &Measurements) -> Option<f64> {
    ratio(run.origin.fetches, run.totals.outcomes.total())
}

/// 1 - origin fetches per request; below 0 where more is fetched than asked for.
pub fn origin_offload(run: &Measurements) -> Option<f64> {
    fetches_per_request(run).map(|fetches| 1.0 - fetches)
}

/// Origin fetches per second of scored time; `None` where no time was scored.
pub fn origin_rate(run: &Measurements) -> Option<f64> {
    per_second(run, run.origin.fetches)
}

/// Bytes fetched from the origin per second of scored time; `None` where no time was scored.
pub fn origin_bytes_rate(run: &Measurements) -> Option<f64> {
    per_second(run, run.origin.bytes)
}

/// The busiest second's fetches over those of an average second; `None` without fetches.
pub fn peak_to_mean(run: &Measurements) -> Option<f64> {
    origin_rate(run).filter(|mean| *mean > 0.0).map(|mean| run.origin.per_second.peak as f64 / mean)
}

/// The busiest median fetch time's fetches over those of an average one; `None` without fetches or
/// where they take no time.
pub fn peak_to_mean_per_fetch_time(run: &Measurements) -> Option<f64> {
    let burst = run.origin.per_fetch_time.filter(|burst| burst.mean > 0.0)?;
    Some(burst.peak as f64 / burst.mean)
}

/// Stampedes per hour of scored time; `None` where no time was scored.
pub fn stampedes_per_hour(run: &Measurements) -> Option<f64> {
    per_second(run, run.stampedes.count).map(|rate| rate * 3_600.0)
}

/// Stampedes per 1000 regenerations.
pub fn stampedes_per_1000_regenerations(run: &Measurements) -> Option<f64> {
    ratio(run.stampedes.count, run.stampedes.regenerations).map(|share| share * 1_000.0)
}

/// Mean number of fetches in a stampede; `None` without stampedes.
pub fn mean_stampede_size(run: &Measurements) -> Option<f64> {
    ratio(run.stampedes.fetches, run.stampedes.count)
}

/// Fetches beyond the first of their regeneration, of all fetches.
pub fn duplicate_ratio(run: &Measurements) -> Option<f64> {
    ratio(run.stampedes.duplicate_fetches, run.origin.fetches)
}

/// Commands sent to the cache per request.
pub fn commands_per_request(run: &Measurements) -> Option<f64> {
    let sent = &run.commands;
    let commands =
        sent.get + sent.set + sent.expire + sent.del + sent.lock + sent.zadd + sent.sweep + sent.deadline;
    ratio(commands, run.totals.outcomes.total())
}

/// Times that the application waited for the cache, per request.
pub fn round_trips_per_request(run: &Measurements) -> Option<f64> {
    ratio(run.commands.round_trips, run.totals.outcomes.total())
}

/// Answers with the version that was current at the origin, of all answers with a value.
pub fn fresh_share(run: &Measurements) -> Option<f64> {
    run.freshness.and_then(|freshness| ratio(freshness.current, freshness.responses))
}

/// The same over hits alone.
pub fn fresh_share_of_hits(run: &Measurements) -> Option<f64> {
    run.freshness.and_then(|freshness| ratio(freshness.current_hits, freshness.hits))
}

/// Time since the first unseen change, averaged over all answers, in seconds.
pub fn mean_age_s(run: &Measurements) -> Option<f64> {
    let freshness = run.freshness.filter(|freshness| freshness.responses > 0)?;
    Some(freshness.age_sum_s / freshness.responses as f64)
}

/// The 95th percentile of that time over answers that were not current, in seconds.
pub fn p95_age_s(run: &Measurements) -> Option<f64> {
    run.freshness?.p95_age.map(crate::units::SimDuration::as_secs_f64)
}

/// The greatest of those times, in seconds.
pub fn max_age_s(run: &Measurements) -> Option<f64> {
    run.freshness?.max_age.map(crate::units::SimDuration::as_secs_f64)
}

/// Answers older than the scenario's bound, of all answers with a value; `None` where there is no bound.
pub fn over_bound_share(run: &Measurements) -> Option<f64> {
    let freshness = run.freshness?;
    ratio(freshness.over_bound?, freshness.responses)
}

/// A count per second of scored time; `None` where no time was scored.
pub(super) fn per_second(run: &Measurements, count: u64) -> Option<f64> {
    let seconds = run.scored.as_secs_f64();
    (seconds > 0.0).then(|| count as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{run, run_with};
    use super::*;
    use crate::metrics::Cause;
    use crate::units::SimDuration;

    fn close(value: Option<f64>, expected: f64) {
        let value = value.unwrap();
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    #[test]
    fn every_ratio_says_of_what() {
        let run = run_with(|run| {
            for (kind, count) in [
                (OutcomeKind::FreshHit, 5),
                (OutcomeKind::StaleHit, 2),
                (OutcomeKind::DelayedHit, 1),
                (OutcomeKind::Miss(Cause::Expired), 1),
                (OutcomeKind::Error, 1),
            ] {
                (0..count).for_each(|_| run.totals.outcomes.add(kind));
            }
            (run.totals.requested_bytes, run.totals.hit_bytes) = (1_000, 250);
            (run.origin.fetches, run.origin.refreshes) = (4, 2);
        });
        close(fresh_hit(&run), 0.5);
        close(hit(&run), 0.7);
        close(hit_or_joined(&run), 0.8);
        close(miss(&run), 0.1);
        close(byte_hit(&run), 0.25);
        close(origin_offload(&run), 0.6);
        close(share(&run, OutcomeKind::Error), 0.1);
    }

    #[test]
    fn rates_are_per_scored_time() {
        let run = run_with(|run| {
            run.scored = SimDuration::from_secs(1_800);
            (run.origin.fetches, run.origin.per_second.peak) = (900, 30);
            (run.stampedes.count, run.stampedes.regenerations, run.stampedes.fetches) = (4, 16, 12);
        });
        close(origin_rate(&run), 0.5);
        close(peak_to_mean(&run), 60.0);
        close(stampedes_per_hour(&run), 8.0);
        close(stampedes_per_1000_regenerations(&run), 250.0);
        close(mean_stampede_size(&run), 3.0);
    }

    #[test]
    fn nothing_has_no_ratio() {
        let nothing = Measurements::empty();
        for ratio in [
            hit,
            byte_hit,
            origin_offload,
            origin_rate,
            stampedes_per_hour,
            duplicate_ratio,
            fresh_share,
            mean_age_s,
            commands_per_request,
            mean_stampede_size,
            peak_to_mean,
        ] {
            assert_eq!(ratio(&nothing), None);
        }
        assert!(hit(&run(1, 1)).is_some());
    }
}
