//! What happened to each class of objects, summed up over replications.

use super::build::{outcomes, waits_told};
use super::wire;
use crate::metrics::{ClassTotals, Measurements, OutcomeKind};
use crate::score::{Replications, rates};

/// Answers with a value.
fn answers(class: &ClassTotals) -> u64 {
    class.outcomes.total() - class.outcomes.of(OutcomeKind::Error)
}

/// A count of a class, of its answers; `None` where nothing ever changes.
fn of_answers(run: &Measurements, class: &ClassTotals, count: fn(&ClassTotals) -> u64) -> Option<f64> {
    run.freshness.and_then(|_| rates::ratio(count(class), answers(class)))
}

/// The rows of a cell over a trace of these classes with so many objects each.
pub(super) fn rows(runs: &Replications, names: &[String], sizes: &[u64]) -> Vec<wire::ClassRow> {
    let row = |(index, (name, &objects)): (usize, (&String, &u64))| {
        let of_run = |run: &Measurements| run.classes.get(index).copied().unwrap_or_default();
        let mut all = ClassTotals::default();
        runs.iter().map(of_run).for_each(|class| all.merge(&class));
        all.outcomes = all.outcomes.mapped(|count| runs.of_traces(count));
        let ratio = |get: fn(&ClassTotals) -> (u64, u64)| {
            runs.mean(|run| {
                let (part, whole) = get(&of_run(run));
                rates::ratio(part, whole)
            })
        };
        wire::ClassRow {
            name: name.clone(),
            objects,
            requests: all.outcomes.total(),
            outcomes: outcomes(&all.outcomes),
            fresh_hit: ratio(|class| (class.outcomes.of(OutcomeKind::FreshHit), class.outcomes.total())),
            hit: ratio(|class| (class.outcomes.hits(), class.outcomes.total())),
            byte_hit: ratio(|class| (class.hit_bytes, class.requested_bytes)),
            requested_bytes: runs.of_traces(all.requested_bytes),
            fetches: runs.of_traces(all.fetches),
            latency_ms: waits_told(runs, runs.waits_of_class(index)),
            fresh_share: runs.mean(|run| {
                of_answers(run, &of_run(run), |class| answers(class).saturating_sub(class.outdated))
            }),
            over_bound_share: runs.mean(|run| {
                run.freshness?.bound?;
                of_answers(run, &of_run(run), |class| class.over_bound)
            }),
            mean_age_s: runs.mean(|run| {
                let class = of_run(run);
                let answers =
                    Some(answers(&class)).filter(|answers| run.freshness.is_some() && *answers > 0)?;
                Some(class.age_sum_ns as f64 / 1e9 / answers as f64)
            }),
        }
    };
    names.iter().zip(sizes).enumerate().map(row).collect()
}
