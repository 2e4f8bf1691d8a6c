//! Hits by class and hour, from the series of one cell.

use crate::record::Cell;

/// More hours than this are folded into one day.
const UNFOLDED: usize = 48;

/// Requests and fresh hits by class and hour.
#[derive(Debug, PartialEq)]
pub(crate) struct Hours {
    /// Whether hours of several days are put together.
    pub(crate) folded: bool,
    /// Names of the classes, each with its requests and fresh hits by column.
    pub(crate) classes: Vec<(String, Vec<(f64, f64)>)>,
}

/// The hours of a cell's scored part; `None` where it has fewer than two, or where its buckets do not fit into hours.
pub(crate) fn of(cell: &Cell, warmup_s: f64) -> Option<Hours> {
    let series = &cell.series;
    let bucket_s = series.bucket_s;
    if !(bucket_s.is_finite() && bucket_s > 0.0 && bucket_s <= 3_600.0) {
        return None;
    }
    let hour = |bucket: usize| {
        let hour = ((bucket as f64 + 0.5) * bucket_s / 3_600.0).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of hours")]
        let hour = hour as usize;
        hour
    };
    let hours = series.requests.len().checked_sub(1).map_or(0, |last| hour(last) + 1);
    if hours < 2 {
        return None;
    }
    let folded = hours > UNFOLDED;
    let columns = if folded { 24 } else { hours };
    let sums = |requests: &[f64], hits: &[f64]| {
        let mut sums = vec![(0.0, 0.0); columns];
        for (bucket, (requests, hits)) in requests.iter().zip(hits).enumerate() {
            if (bucket as f64 * bucket_s) < warmup_s || !(requests.is_finite() && hits.is_finite()) {
                continue;
            }
            let sum = &mut sums[hour(bucket) % columns];
            *sum = (sum.0 + requests, sum.1 + hits);
        }
        sums
    };
    let mut classes: Vec<_> = series
        .classes
        .iter()
        .map(|class| (class.name.clone(), sums(&class.requests, &class.fresh_hit)))
        .collect();
    let all = if classes.is_empty() { "all images" } else { "all classes" };
    classes.push((all.into(), sums(&series.requests, &series.fresh_hit)));
    Some(Hours { folded, classes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ClassSeries;
    use crate::report::fixture;

    #[test]
    fn buckets_are_summed_by_hour_and_the_warm_up_is_left_out() {
        let mut cell = fixture::cell("only", 64, 0.9, 1.0, 0.0);
        cell.series.requests = vec![10.0; 8];
        cell.series.fresh_hit = vec![0.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0, 10.0];
        cell.series.bucket_s = 900.0;
        let hours = of(&cell, 900.0).unwrap();
        assert_eq!(hours.classes, [("all images".into(), vec![(30.0, 15.0), (40.0, 40.0)])]);
        let class = ClassSeries { name: "thumb".into(), ..ClassSeries::default() };
        cell.series.classes = vec![class];
        assert_eq!(of(&cell, 900.0).unwrap().classes[0], ("thumb".into(), vec![(0.0, 0.0); 2]));
        cell.series.requests.truncate(4);
        assert_eq!(of(&cell, 0.0), None, "one hour has no hours to compare");
    }

    #[test]
    fn weeks_are_folded_into_a_day() {
        let mut cell = fixture::cell("only", 64, 0.9, 1.0, 0.0);
        cell.series.requests = vec![1.0; 24 * 7];
        cell.series.fresh_hit = vec![1.0; 24 * 7];
        cell.series.bucket_s = 3_600.0;
        let hours = of(&cell, 0.0).unwrap();
        assert!(hours.folded);
        assert_eq!(hours.classes[0].1, vec![(7.0, 7.0); 24]);
    }
}
