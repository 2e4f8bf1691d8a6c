//! What is said of a record that was estimated from samples of the keys: how far it may be off, and what it cannot tell.

use std::collections::BTreeMap;

use super::reading::most_replications;
use super::{format, measure};
use crate::record::{Cell, Record, SampleInfo};

/// How sure an interval over samples is; `tests/sampling` counts.
pub(super) const NOMINAL: &str =
    "a 95 % interval over samples, of which 758 in 800 held the truth where we tried";

/// The sentences, for people; none where all keys were played.
pub fn sample_words(record: &Record) -> Vec<String> {
    let Some(sample) = &record.sample else { return Vec::new() };
    let mut words = vec![format!("{} {}", how(record, sample), error(record))];
    words.extend(sample.chosen.clone());
    words.push(unavailable(sample));
    words
}

/// The share of the keys: `1 %`, `0.781 %`.
pub(in crate::report) fn share(rate: f64) -> String {
    let percent = format!("{:.3}", rate * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

fn how(record: &Record, sample: &SampleInfo) -> String {
    let runs = most_replications(record);
    let taken = if sample.samples_of_one_trace > 1 {
        format!("{runs} samples of {} of the keys each", share(sample.rate))
    } else {
        format!("{runs} replications, in each a sample of {} of the keys", share(sample.rate))
    };
    format!(
        "Estimated from {taken} (SHARDS), of about {} scored requests; cache and origin were scaled as the keys, and \
         counts, rates and sizes are those of the whole.",
        format::count(count(sample.requests))
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests")]
fn count(requests: f64) -> u64 {
    requests.round().max(0.0) as u64
}

/// How far the hit ratios may be off.
fn error(record: &Record) -> String {
    let half = |cell: &Cell| {
        let hit = cell.ratios.hit;
        // Where one end is that of all shares, the other tells how far it may be off.
        Some((hit.mean? - hit.low?).max(hit.high? - hit.mean?))
    };
    let widest = record.cells.iter().filter_map(half).reduce(f64::max);
    widest.map_or_else(
        || "One sample says nothing of its error.".to_owned(),
        |half| {
            format!(
                "Error of the hit ratio: at most ± {} in any cell ({NOMINAL}).",
                format::half_points(half)
            )
        },
    )
}

fn unavailable(sample: &SampleInfo) -> String {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (metric, why) in &sample.unavailable {
        by_reason.entry(why).or_default().push(measure::label_of(metric));
    }
    let reasons = by_reason.iter().map(|(why, metrics)| format!("{} ({why})", metrics.join(", ")));
    format!(
        "Not available from a sample: {}, and with them avalanches and peaks over time.",
        reasons.collect::<Vec<_>>().join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn nothing_is_said_where_all_keys_were_played() {
        assert_eq!(sample_words(&fixture::thumbnails()), Vec::<String>::new());
    }

    #[test]
    fn rate_error_and_what_is_missing_are_told() {
        let mut record = fixture::thumbnails();
        let why = "the most fetches in one second depend on all keys at once";
        record.sample = Some(SampleInfo {
            rate: 1.0 / 128.0,
            samples_of_one_trace: 4,
            requests: 51_234.4,
            unavailable: BTreeMap::from([("peak_origin_rate".to_owned(), why.to_owned())]),
            chosen: None,
        });
        for cell in &mut record.cells {
            cell.ratios.hit.mean = Some(0.803);
            (cell.ratios.hit.low, cell.ratios.hit.high) = (Some(0.8), Some(0.806));
        }
        let words = sample_words(&record);
        assert!(words[0].contains("0.781 % of the keys") && words[0].contains("51,234"), "{words:?}");
        assert!(words[0].contains("± 0.30 pt"), "{words:?}");
        assert_eq!(
            words[1],
            format!(
                "Not available from a sample: peak origin rate ({why}), and with them avalanches and peaks over time."
            )
        );
    }
}
