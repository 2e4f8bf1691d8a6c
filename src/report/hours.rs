//! Hits by class and hour, from the series of one cell.

use crate::record::{Cell, Record};

/// More hours than this are folded into one day, where no clock was recorded.
const UNFOLDED: usize = 48;

/// Requests and fresh hits by class and hour.
#[derive(Debug, PartialEq)]
pub(crate) struct Hours {
    /// Whether hours of several days are put together.
    pub(crate) folded: bool,
    /// Where hours are those of the recorder's clock, its offset from UTC in seconds; else they count from the first
    /// request.
    pub(crate) utc_offset_s: Option<i32>,
    /// Names of the columns: `14` for the hour from 14:00 on, or the first hour as `1`.
    pub(crate) names: Vec<String>,
    /// Names of the classes, each with its requests and fresh hits by column.
    pub(crate) classes: Vec<(String, Vec<(f64, f64)>)>,
}

/// The hours of a cell's scored part, or why there are none.
pub(crate) fn of(cell: &Cell, record: &Record) -> Result<Hours, &'static str> {
    let (series, warmup_s, clock) = (&cell.series, record.provenance.warmup_s, record.trace.clock);
    let bucket_s = series.bucket_s;
    if bucket_s > 3_600.0 {
        return Err(
            "Buckets of the series are longer than an hour, so hours cannot be told apart; a shorter bucket in [time] \
                    would do it",
        );
    }
    // Where in its day the run begins.
    let begin_s =
        clock.map_or(0.0, |clock| (clock.first_unix_s + f64::from(clock.utc_offset_s)).rem_euclid(86_400.0));
    let hour = |bucket: usize| {
        let hour = ((begin_s + (bucket as f64 + 0.5) * bucket_s) / 3_600.0).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of hours")]
        let hour = hour as usize;
        hour
    };
    let (begin, hours) = match series.requests.len().checked_sub(1) {
        Some(last) if bucket_s.is_finite() && bucket_s > 0.0 => (hour(0), hour(last) + 1 - hour(0)),
        _ => (0, 0),
    };
    if hours < 2 {
        return Err("The run is shorter than two hours, so no hours can be compared");
    }
    let folded = hours > if clock.is_some() { 24 } else { UNFOLDED };
    let columns = if folded { 24 } else { hours };
    let first = if folded { 0 } else { begin };
    let sums = |requests: &[f64], hits: &[f64]| {
        let mut sums = vec![(0.0, 0.0); columns];
        for (bucket, (requests, hits)) in requests.iter().zip(hits).enumerate() {
            if (bucket as f64 * bucket_s) < warmup_s || !(requests.is_finite() && hits.is_finite()) {
                continue;
            }
            let sum = &mut sums[(hour(bucket) - first) % columns];
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
    let name = |column: usize| match clock {
        Some(_) => format!("{:02}", (first + column) % 24),
        None => (column + 1).to_string(),
    };
    let names = (0..columns).map(name).collect();
    Ok(Hours { folded, utc_offset_s: clock.map(|clock| clock.utc_offset_s), names, classes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ClassSeries, Clock};
    use crate::report::fixture;

    #[test]
    fn buckets_are_summed_by_hour_and_the_warm_up_is_left_out() {
        let mut cell = fixture::cell("only", 64, 0.9, 1.0, 0.0);
        cell.series.requests = vec![10.0; 8];
        cell.series.fresh_hit = vec![0.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0, 10.0];
        cell.series.bucket_s = 900.0;
        let mut record = fixture::record(Vec::new());
        record.provenance.warmup_s = 900.0;
        let hours = of(&cell, &record).unwrap();
        assert_eq!(hours.names, ["1", "2"]);
        assert_eq!(hours.classes, [("all images".into(), vec![(30.0, 15.0), (40.0, 40.0)])]);
        let class = ClassSeries { name: "thumb".into(), ..ClassSeries::default() };
        cell.series.classes = vec![class];
        assert_eq!(of(&cell, &record).unwrap().classes[0], ("thumb".into(), vec![(0.0, 0.0); 2]));
        cell.series.requests.truncate(4);
        assert!(of(&cell, &record).is_err_and(|why| why.contains("two hours")));
        cell.series.bucket_s = 7_200.0;
        assert!(of(&cell, &record).is_err_and(|why| why.contains("longer than an hour")));
    }

    #[test]
    fn a_recorder_s_clock_names_the_hours() {
        let mut cell = fixture::cell("only", 64, 0.9, 1.0, 0.0);
        cell.series.requests = vec![1.0, 2.0, 4.0];
        cell.series.fresh_hit = vec![0.0; 3];
        cell.series.bucket_s = 1_800.0;
        let mut record = fixture::record(Vec::new());
        record.provenance.warmup_s = 0.0;
        // 1995-07-01 03:40 UTC, four hours behind: 23:40 on the day before.
        record.trace.clock = Some(Clock { first_unix_s: 804_570_000.0, utc_offset_s: -14_400 });
        let hours = of(&cell, &record).unwrap();
        assert_eq!((hours.names, hours.utc_offset_s), (vec!["23".into(), "00".into()], Some(-14_400)));
        assert_eq!(hours.classes[0].1, [(1.0, 0.0), (6.0, 0.0)], "the first bucket's middle is 23:55");
        cell.series.requests = vec![1.0; 60];
        cell.series.fresh_hit = vec![0.0; 60];
        let day = of(&cell, &record).unwrap();
        assert!(day.folded && day.names[0] == "00" && day.names.len() == 24);
        assert_eq!(day.classes[0].1[23], (3.0, 0.0), "the first day's end and an hour of the next");
    }

    #[test]
    fn weeks_are_folded_into_a_day() {
        let mut cell = fixture::cell("only", 64, 0.9, 1.0, 0.0);
        cell.series.requests = vec![1.0; 24 * 7];
        cell.series.fresh_hit = vec![1.0; 24 * 7];
        cell.series.bucket_s = 3_600.0;
        let mut record = fixture::record(Vec::new());
        record.provenance.warmup_s = 0.0;
        let hours = of(&cell, &record).unwrap();
        assert!(hours.folded);
        assert_eq!(hours.classes[0].1, vec![(7.0, 7.0); 24]);
    }
}
