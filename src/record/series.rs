//! The run over time as columns, averaged over replications bucket by bucket.

use super::wire;
use crate::metrics::{Bucket, Cause, ClassBucket, Commands, Measurements, OutcomeKind};
use crate::score::Replications;
use crate::units::SimDuration;

const MISSES: [Cause; 5] = [Cause::Cold, Cause::Expired, Cause::Evicted, Cause::Invalidated, Cause::Lost];

/// The columns of a cell over a trace of these classes. A replication whose trace is shorter counts
/// as silent after its end.
pub(super) fn averaged(runs: &Replications, classes: &[String]) -> wire::Series {
    let columns = Columns::of(runs);
    let of_kind = |kind| columns.mean(|_, bucket| bucket.outcomes.of(kind) as f64);
    let misses = |bucket: &Bucket| {
        MISSES.iter().map(|&cause| bucket.outcomes.of(OutcomeKind::Miss(cause)) as f64).sum::<f64>()
    };
    let changes = runs.iter().any(|run| run.freshness.is_some());
    let limited = runs.iter().any(|run| run.origin.utilisation.is_some());
    let bounded = runs.iter().any(|run| run.freshness.is_some_and(|freshness| freshness.bound.is_some()));
    // What is a greatest of a bucket, or needs many requests in it, no sample of the keys tells.
    let sampled = runs.sampled().is_some();
    let queues = runs.sampled().is_some_and(|sampled| sampled.shared.queues);
    wire::Series {
        bucket_s: runs.iter().next().map_or(0.0, |run| run.series.bucket.as_secs_f64()),
        requests: columns.mean(|_, bucket| bucket.outcomes.total() as f64),
        fresh_hit: of_kind(OutcomeKind::FreshHit),
        stale_hit: of_kind(OutcomeKind::StaleHit),
        delayed_hit: of_kind(OutcomeKind::DelayedHit),
        misses: columns.mean(|_, bucket| misses(bucket)),
        miss_cold: of_kind(OutcomeKind::Miss(Cause::Cold)),
        miss_expired: of_kind(OutcomeKind::Miss(Cause::Expired)),
        miss_evicted: of_kind(OutcomeKind::Miss(Cause::Evicted)),
        miss_invalidated: of_kind(OutcomeKind::Miss(Cause::Invalidated)),
        miss_lost: of_kind(OutcomeKind::Miss(Cause::Lost)),
        stale_on_error: of_kind(OutcomeKind::StaleOnError),
        errors: of_kind(OutcomeKind::Error),
        fetches: columns.mean(|_, bucket| bucket.fetches as f64),
        peak_fetch_rate: if sampled { Vec::new() } else { columns.max(|bucket| bucket.peak_fetch_rate) },
        peak_in_flight: if sampled { Vec::new() } else { columns.max(|bucket| bucket.peak_in_flight) },
        duplicate_fetches: columns.mean_if(!queues, |bucket| bucket.duplicate_fetches as f64),
        utilisation: columns.mean_if(limited, |bucket| bucket.utilisation.unwrap_or(0.0)),
        queue_mean: columns.mean_if(limited && !sampled, |bucket| bucket.queue_mean),
        queue_wait_max_s: if limited && !sampled { longest_queue_waits(&columns) } else { Vec::new() },
        commands: commands(&columns, runs),
        live_bytes: columns.mean(|_, bucket| bucket.live_mean_bytes),
        expired_bytes: columns.mean(|_, bucket| bucket.expired_mean_bytes),
        peak_bytes: if sampled { Vec::new() } else { columns.max(|bucket| bucket.peak_bytes) },
        evicted: columns.mean(|_, bucket| bucket.evicted as f64),
        expired: columns.mean(|_, bucket| bucket.expired as f64),
        mean_latency_ms: columns.known_if(!queues, |bucket| {
            let requests = bucket.outcomes.total();
            (requests > 0).then(|| bucket.wait_sum_s * 1e3 / requests as f64)
        }),
        p99_latency_ms: columns.known_if(!sampled, |bucket| bucket.p99_wait.map(milliseconds)),
        max_latency_ms: if sampled { Vec::new() } else { longest_waits(&columns) },
        outdated: columns.mean_if(changes, |bucket| bucket.outdated as f64),
        over_bound: columns.mean_if(bounded, |bucket| bucket.over_bound as f64),
        mean_age_s: columns.known_if(changes, mean_age_s),
        classes: by_class(&columns, runs, classes),
    }
}

fn milliseconds(span: SimDuration) -> f64 {
    span.as_nanos() as f64 / 1e6
}

fn mean_age_s(bucket: &Bucket) -> Option<f64> {
    let answers = bucket.outcomes.total() - bucket.outcomes.of(OutcomeKind::Error);
    (answers > 0).then(|| bucket.age_sum_s / answers as f64)
}

fn longest_waits(columns: &Columns<'_>) -> Vec<f64> {
    let longest = columns.max(|bucket| bucket.max_wait.as_nanos());
    longest.into_iter().map(|nanos| milliseconds(SimDuration::from_nanos(nanos))).collect()
}

fn longest_queue_waits(columns: &Columns<'_>) -> Vec<f64> {
    let longest = columns.max(|bucket| bucket.longest_queue_wait.as_nanos());
    longest.into_iter().map(|nanos| SimDuration::from_nanos(nanos).as_secs_f64()).collect()
}

/// Columns of the commands that were sent at all.
fn commands(columns: &Columns<'_>, runs: &Replications) -> wire::CommandSeries {
    let column = |count: fn(&Commands) -> u64| {
        let sent = runs.iter().flat_map(|run| &run.series.buckets).any(|bucket| count(&bucket.commands) > 0);
        columns.mean_if(sent, |bucket| count(&bucket.commands) as f64)
    };
    wire::CommandSeries {
        get: column(|sent| sent.get),
        set: column(|sent| sent.set),
        expire: column(|sent| sent.expire),
        del: column(|sent| sent.del),
        lock: column(|sent| sent.lock),
        zadd: column(|sent| sent.zadd),
        sweep: column(|sent| sent.sweep),
        deadline: column(|sent| sent.deadline),
        bytes_in: column(|sent| sent.bytes_in),
        bytes_out: column(|sent| sent.bytes_out),
    }
}

fn by_class(columns: &Columns<'_>, runs: &Replications, names: &[String]) -> Vec<wire::ClassSeries> {
    let classes = runs.iter().map(|run| run.series.classes).max().unwrap_or(0);
    if classes < 2 {
        return Vec::new();
    }
    let of_class = |(class, name): (usize, &String)| {
        let mean = |count: fn(&ClassBucket) -> u32| {
            columns.mean(|(run, index), _| {
                let series = &run.series;
                let counts = series.by_class.get(index * series.classes + class);
                counts.map_or(0.0, |counts| f64::from(count(counts)))
            })
        };
        wire::ClassSeries {
            name: name.clone(),
            requests: mean(|counts| counts.outcomes.iter().sum()),
            fresh_hit: mean(|counts| counts.outcomes[OutcomeKind::FreshHit.index()]),
            stale_hit: mean(|counts| counts.outcomes[OutcomeKind::StaleHit.index()]),
            delayed_hit: mean(|counts| counts.outcomes[OutcomeKind::DelayedHit.index()]),
            misses: mean(|counts| {
                MISSES.iter().map(|&cause| counts.outcomes[OutcomeKind::Miss(cause).index()]).sum()
            }),
            errors: mean(|counts| counts.outcomes[OutcomeKind::Error.index()]),
            fetches: mean(|counts| counts.fetches),
        }
    };
    names.iter().take(classes).enumerate().map(of_class).collect()
}

/// The buckets of all replications, side by side.
struct Columns<'r> {
    runs: &'r Replications,
    buckets: usize,
}

impl<'r> Columns<'r> {
    fn of(runs: &'r Replications) -> Self {
        let buckets = runs.iter().map(|run| run.series.buckets.len()).max().unwrap_or(0);
        Self { runs, buckets }
    }

    fn at(&self, index: usize) -> impl Iterator<Item = (&'r Measurements, &'r Bucket)> {
        self.runs.iter().filter_map(move |run| Some((run, run.series.buckets.get(index)?)))
    }

    /// The value of each bucket, averaged over replications; it is told the replication and the bucket's place too.
    fn mean(&self, value: impl Fn((&Measurements, usize), &Bucket) -> f64) -> Vec<f64> {
        let sum = |index| self.at(index).map(|(run, bucket)| value((run, index), bucket)).sum::<f64>();
        (0..self.buckets).map(|index| sum(index) / self.runs.len() as f64).collect()
    }

    /// The value of each bucket, averaged over replications; nothing unless it applies.
    fn mean_if(&self, applies: bool, value: impl Fn(&Bucket) -> f64) -> Vec<f64> {
        if applies { self.mean(|_, bucket| value(bucket)) } else { Vec::new() }
    }

    /// The value of each bucket, averaged over the replications that have one.
    fn known(&self, value: fn(&Bucket) -> Option<f64>) -> Vec<Option<f64>> {
        let values = |index| self.at(index).filter_map(|(_, bucket)| value(bucket)).collect::<Vec<_>>();
        (0..self.buckets).map(|index| mean(&values(index))).collect()
    }

    /// The same, or nothing where it is not told.
    fn known_if(&self, told: bool, value: fn(&Bucket) -> Option<f64>) -> Vec<Option<f64>> {
        if told { self.known(value) } else { Vec::new() }
    }

    /// The greatest value of each bucket.
    fn max(&self, value: fn(&Bucket) -> u64) -> Vec<u64> {
        (0..self.buckets)
            .map(|index| self.at(index).map(|(_, bucket)| value(bucket)).max().unwrap_or(0))
            .collect()
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Series, Tally};

    fn run(fetches: &[u64]) -> Measurements {
        let mut outcomes = Tally::default();
        outcomes.add(OutcomeKind::Miss(Cause::Expired));
        let bucket = |&fetches| Bucket { outcomes, fetches, peak_fetch_rate: fetches, ..Bucket::default() };
        let buckets = fetches.iter().map(bucket).collect();
        Measurements {
            series: Series { bucket: SimDuration::from_secs(60), buckets, ..Series::default() },
            ..Measurements::empty()
        }
    }

    #[test]
    fn buckets_are_averaged_and_peaks_are_the_greatest() {
        let runs: Replications = [(0, run(&[4, 8])), (1, run(&[2]))].into_iter().collect();
        let series = averaged(&runs, &[]);
        assert_eq!(series.fetches, [3.0, 4.0]);
        assert_eq!(series.misses, [1.0, 0.5]);
        assert_eq!(series.peak_fetch_rate, [4, 8]);
        assert!((series.bucket_s - 60.0).abs() < 1e-12);
        assert!(series.outdated.is_empty() && series.classes.is_empty());
    }

    #[test]
    fn commands_have_columns_where_they_were_sent_and_servers_where_there_are_any() {
        let mut busy = run(&[1, 2]);
        for (index, bucket) in busy.series.buckets.iter_mut().enumerate() {
            bucket.commands = Commands { get: 7, lock: index as u64, ..Commands::default() };
            bucket.utilisation = Some(0.5);
            bucket.longest_queue_wait = SimDuration::from_millis(1_500);
        }
        let unlimited = averaged(&[(0, busy.clone())].into_iter().collect(), &[]);
        assert_eq!((unlimited.commands.get, unlimited.commands.lock), (vec![7.0, 7.0], vec![0.0, 1.0]));
        assert!(unlimited.commands.zadd.is_empty() && unlimited.utilisation.is_empty());
        busy.origin.utilisation = Some(0.5);
        let limited = averaged(&[(0, busy.clone()), (1, busy)].into_iter().collect(), &[]);
        assert_eq!((limited.utilisation, limited.queue_wait_max_s), (vec![0.5; 2], vec![1.5; 2]));
    }

    #[test]
    fn waits_are_averaged_over_the_replications_that_have_requests() {
        let waited = |seconds| {
            let mut run = run(&[1]);
            let bucket = &mut run.series.buckets[0];
            bucket.wait_sum_s = seconds;
            bucket.max_wait = SimDuration::from_secs(3);
            bucket.p99_wait = Some(SimDuration::from_secs(2));
            run
        };
        let mut silent = run(&[0]);
        silent.series.buckets[0] = Bucket::default();
        let runs: Replications = [(0, waited(1.0)), (1, waited(2.0)), (2, silent)].into_iter().collect();
        let series = averaged(&runs, &[]);
        assert_eq!(series.mean_latency_ms, [Some(1_500.0)]);
        assert_eq!((series.p99_latency_ms, series.max_latency_ms), (vec![Some(2_000.0)], vec![3_000.0]));
    }

    #[test]
    fn several_classes_have_columns_of_their_own() {
        let mut both = run(&[5]);
        let counts = |hits, fetches| {
            let mut outcomes = [0; OutcomeKind::ALL.len()];
            outcomes[OutcomeKind::FreshHit.index()] = hits;
            ClassBucket { outcomes, fetches }
        };
        (both.series.classes, both.series.by_class) = (2, vec![counts(4, 1), counts(6, 2)]);
        let runs: Replications = [(0, both)].into_iter().collect();
        let series = averaged(&runs, &["a".into(), "b".into()]);
        let seen =
            series.classes.iter().map(|class| (class.name.as_str(), class.fresh_hit[0], class.fetches[0]));
        assert_eq!(seen.collect::<Vec<_>>(), [("a", 4.0, 1.0), ("b", 6.0, 2.0)]);
    }

    #[test]
    fn without_replications_there_are_no_buckets() {
        assert_eq!(averaged(&Replications::default(), &[]), wire::Series::default());
    }
}
