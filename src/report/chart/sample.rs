//! Down-sampling: many buckets drawn as few columns without losing a peak.

/// Columns that a chart draws at most.
pub(super) const COLUMNS: usize = 240;

/// Values over time; `None` where there is none.
pub(super) type Line = Vec<(f64, Option<f64>)>;

/// How buckets are gathered into columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampling {
    /// Buckets in a column.
    pub(super) group: usize,
    /// Length of a bucket in seconds.
    pub(super) bucket_s: f64,
}

impl Sampling {
    /// For a series of `buckets` buckets.
    pub(super) fn of(buckets: usize, length_s: f64) -> Self {
        Self { group: buckets.div_ceil(COLUMNS).max(1), bucket_s: length_s }
    }

    /// Length of a column in seconds.
    pub(super) fn column_s(self) -> f64 {
        self.bucket_s * self.group as f64
    }

    /// The middles of columns, each with the ratio of sums; `None` where the whole is 0.
    pub(super) fn ratios(self, parts: &[f64], wholes: &[f64]) -> Line {
        let sum = |values: &[f64]| values.iter().copied().filter(|value| value.is_finite()).sum::<f64>();
        let columns = parts.chunks(self.group).zip(wholes.chunks(self.group));
        let ratio = |(part, whole): (&[f64], &[f64])| (sum(whole) > 0.0).then(|| sum(part) / sum(whole));
        columns.map(ratio).enumerate().map(|(index, value)| (self.middle(index), value)).collect()
    }

    /// The middles of columns, each with the mean of its buckets.
    pub(super) fn means(self, values: &[f64]) -> Line {
        let mean = |values: &[f64]| {
            let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        values.chunks(self.group).map(mean).enumerate().map(|(at, value)| (self.middle(at), value)).collect()
    }

    /// The middles of columns, each with the greatest of its buckets.
    pub(super) fn peaks(self, values: &[u64]) -> Line {
        let most = |values: &[u64]| values.iter().max().map(|most| *most as f64);
        values.chunks(self.group).map(most).enumerate().map(|(at, value)| (self.middle(at), value)).collect()
    }

    /// The starts of columns, each with the sum of its buckets.
    pub(super) fn sums(self, values: &[f64]) -> Vec<(f64, f64)> {
        let sum = |values: &[f64]| values.iter().copied().filter(|value| value.is_finite()).sum::<f64>();
        let start = |index: usize| index as f64 * self.column_s();
        values.chunks(self.group).map(sum).enumerate().map(|(index, value)| (start(index), value)).collect()
    }

    /// What was done, for the caption.
    pub(super) fn words(self, buckets: usize) -> String {
        let length = crate::report::format::duration(self.bucket_s);
        if self.group == 1 {
            return format!("{buckets} buckets of {length}.");
        }
        let columns = buckets.div_ceil(self.group);
        let buckets = crate::report::format::count(buckets as u64);
        format!("{buckets} buckets of {length}, drawn as {columns} columns.")
    }

    /// What the page's cursor tells, for the caption; `of_column` is what it tells of a column of several buckets.
    pub(super) fn cursor_words(self, of_column: &str) -> String {
        let of = if self.group == 1 { "the record's value of a bucket" } else { of_column };
        format!("The cursor tells {of}, whole numbers exactly and others to nine digits.")
    }

    fn middle(self, index: usize) -> f64 {
        (index as f64 + 0.5) * self.column_s()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_survives_and_ratios_are_sums_over_sums() {
        let buckets = COLUMNS * 3;
        let sampling = Sampling::of(buckets, 60.0);
        assert_eq!((sampling.group, sampling.column_s()), (3, 180.0));
        let mut peaks = vec![1; buckets];
        peaks[100] = 999;
        let drawn = sampling.peaks(&peaks);
        assert_eq!(drawn.len(), COLUMNS);
        assert!(drawn.iter().any(|(_, value)| *value == Some(999.0)));
        let ratios = sampling.ratios(&[1.0, 0.0, 9.0], &[1.0, 9.0, 10.0]);
        assert_eq!(ratios, [(90.0, Some(0.5))], "10 of 20, not the mean of 1, 0 and 0.9");
    }

    #[test]
    fn a_bucket_without_requests_is_a_gap() {
        let sampling = Sampling::of(2, 1.0);
        assert_eq!(sampling.ratios(&[0.0, 1.0], &[0.0, 2.0]), [(0.5, None), (1.5, Some(0.5))]);
    }
}
