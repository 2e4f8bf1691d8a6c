//! The run over time as columns, averaged over replications bucket by bucket.

use super::wire;
use crate::metrics::{Bucket, Cause, OutcomeKind};
use crate::score::Replications;

const MISSES: [Cause; 5] = [Cause::Cold, Cause::Expired, Cause::Evicted, Cause::Invalidated, Cause::Lost];

/// The columns of a cell. A replication whose trace is shorter counts as silent after its end.
pub(super) fn averaged(runs: &Replications) -> wire::Series {
    let buckets = runs.iter().map(|run| run.series.buckets.len()).max().unwrap_or(0);
    let at = |index: usize| runs.iter().filter_map(move |run| run.series.buckets.get(index));
    let mean = |value: fn(&Bucket) -> f64| -> Vec<f64> {
        (0..buckets).map(|index| at(index).map(value).sum::<f64>() / runs.len() as f64).collect()
    };
    let max = |value: fn(&Bucket) -> u64| -> Vec<u64> {
        (0..buckets).map(|index| at(index).map(value).max().unwrap_or(0)).collect()
    };
    wire::Series {
        bucket_s: runs.iter().next().map_or(0.0, |run| run.series.bucket.as_secs_f64()),
        requests: mean(|bucket| bucket.outcomes.total() as f64),
        fresh_hit: mean(|bucket| bucket.outcomes.of(OutcomeKind::FreshHit) as f64),
        stale_hit: mean(|bucket| bucket.outcomes.of(OutcomeKind::StaleHit) as f64),
        delayed_hit: mean(|bucket| bucket.outcomes.of(OutcomeKind::DelayedHit) as f64),
        misses: mean(|bucket| {
            MISSES.iter().map(|&cause| bucket.outcomes.of(OutcomeKind::Miss(cause)) as f64).sum()
        }),
        errors: mean(|bucket| bucket.outcomes.of(OutcomeKind::Error) as f64),
        fetches: mean(|bucket| bucket.fetches as f64),
        peak_fetch_rate: max(|bucket| bucket.peak_fetch_rate),
        peak_in_flight: max(|bucket| bucket.peak_in_flight),
        duplicate_fetches: mean(|bucket| bucket.duplicate_fetches as f64),
        live_bytes: mean(|bucket| bucket.live_mean_bytes),
        expired_bytes: mean(|bucket| bucket.expired_mean_bytes),
        peak_bytes: max(|bucket| bucket.peak_bytes),
        evicted: mean(|bucket| bucket.evicted as f64),
        expired: mean(|bucket| bucket.expired as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Measurements, Series, Tally};
    use crate::units::SimDuration;

    fn run(fetches: &[u64]) -> Measurements {
        let mut outcomes = Tally::default();
        outcomes.add(OutcomeKind::Miss(Cause::Expired));
        let bucket = |&fetches| Bucket { outcomes, fetches, peak_fetch_rate: fetches, ..Bucket::default() };
        let buckets = fetches.iter().map(bucket).collect();
        Measurements {
            series: Series { bucket: SimDuration::from_secs(60), buckets },
            ..Measurements::empty()
        }
    }

    #[test]
    fn buckets_are_averaged_and_peaks_are_the_greatest() {
        let runs: Replications = [(0, run(&[4, 8])), (1, run(&[2]))].into_iter().collect();
        let series = averaged(&runs);
        assert_eq!(series.fetches, [3.0, 4.0]);
        assert_eq!(series.misses, [1.0, 0.5]);
        assert_eq!(series.peak_fetch_rate, [4, 8]);
        assert!((series.bucket_s - 60.0).abs() < 1e-12);
    }

    #[test]
    fn without_replications_there_are_no_buckets() {
        assert_eq!(averaged(&Replications::default()), wire::Series::default());
    }
}
