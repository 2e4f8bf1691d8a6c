//! Axes: which values they span, where their ticks stand, and how those are written.

use crate::report::format;
use crate::report::measure::Unit;

/// An axis in the base unit of its quantity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// Least value, as placed.
    pub(super) low: f64,
    /// Greatest value, as placed.
    pub(super) high: f64,
    /// Places of the ticks and their labels.
    pub(super) ticks: Vec<(f64, String)>,
    /// Whether values are placed by their logarithm.
    logarithmic: bool,
}

impl Scale {
    /// From 0 to at least `high` in steps of 1, 2 or 5 times a power of ten.
    pub(super) fn linear(high: f64, print: impl Fn(f64) -> String) -> Self {
        Self::stepped(0.0, high, nice_step(high.max(f64::MIN_POSITIVE) / 5.0), print)
    }

    /// From at most `low` to at least `high`, with ticks at multiples of the step, so that 0 has one where it lies between.
    pub(super) fn about_zero(low: f64, high: f64, print: impl Fn(f64) -> String) -> Self {
        Self::stepped(low, high, nice_step((high - low).max(f64::MIN_POSITIVE) / 5.0), print)
    }

    /// Whole numbers from 0 to `last`, where the axis ends.
    pub(super) fn counted(last: f64) -> Self {
        let last = last.max(1.0);
        let mut scale = Self::stepped(0.0, last, nice_step(last / 8.0).max(1.0), format::number);
        scale.high = last;
        scale.ticks.retain(|(at, _)| *at <= last);
        scale
    }

    /// From at most `low` to at least `high` in the unit of a measure, with ticks at values that people write; shares
    /// end at 0 and at 1.
    pub(super) fn between(low: f64, high: f64, unit: Unit) -> Self {
        let span = (high - low).max(high.abs() * 1e-6).max(1e-9);
        match unit {
            Unit::Share => {
                let step = nice_step(span / 5.0).min(0.5);
                let mut scale = Self::stepped(low.max(0.0), high.min(1.0), step, |at| percent(at, step));
                scale.high = scale.high.min(1.0);
                scale
            }
            Unit::Bytes => Self::stepped(low, high, byte_step(span), format::bytes),
            Unit::ByteRate => Self::stepped(low, high, byte_step(span), format::byte_rate),
            Unit::Rate => {
                let step = nice_step(span / 5.0);
                Self::stepped(low, high, step, |at| format!("{}/s", stepped_number(at, step)))
            }
            Unit::Number => {
                let step = nice_step(span / 5.0);
                Self::stepped(low, high, step, |at| stepped_number(at, step))
            }
            Unit::Millis => Self::waits(low, high, span, 1e-3),
            Unit::Seconds => Self::waits(low, high, span, 1.0),
        }
    }

    /// Lengths of time, `second` of which make a second, all in the unit that suits the longest.
    fn waits(low: f64, high: f64, span: f64, second: f64) -> Self {
        const UNITS: [(&str, f64); 6] =
            [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)];
        let fits = |(_, length): &(&str, f64)| high * second >= *length * 2.0;
        let (name, length) = UNITS.into_iter().find(fits).unwrap_or(UNITS[5]);
        let one = length / second;
        let step = nice_step(span / 5.0 / one) * one;
        Self::stepped(low, high, step, |at| format!("{} {name}", stepped_number(at / one, step / one)))
    }

    /// Shares from `low` to 1 as percentages.
    pub(super) fn shares(low: f64) -> Self {
        // Steps are counted down from all, so that the axis ends there.
        let step = nice_step((1.0 - low).clamp(0.01, 1.0) / 5.0);
        let low = (1.0 - ((1.0 - low) / step - 1e-9).ceil() * step).max(0.0);
        Self::stepped(low, 1.0, step, |share| percent(share, step))
    }

    /// Bytes from 0 to at least `most`, with ticks at sizes that people write.
    pub(super) fn bytes(most: f64) -> Self {
        let most = most.max(1.0);
        Self::stepped(0.0, most, byte_step(most), format::bytes)
    }

    /// Bytes by their logarithm, with ticks at powers of two.
    pub(super) fn bytes_by_logarithm(least: f64, most: f64) -> Self {
        let (first, end) = (least.max(1.0).log2().floor(), most.max(2.0).log2().ceil());
        let by = ((end - first) / 6.0).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut power = first;
        while power <= end {
            ticks.push((power, format::bytes(power.exp2())));
            power += by;
        }
        Self { low: first, high: end, ticks, logarithmic: true }
    }

    /// Counts by their logarithm, with ticks at powers of ten.
    pub(super) fn counts_by_logarithm(least: f64, most: f64) -> Self {
        let (first, end) = (least.max(1.0).log10().floor(), most.max(2.0).log10().ceil());
        let by = ((end - first) / 6.0).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut power = first;
        while power <= end {
            let at = 10_f64.powf(power);
            ticks.push((at.log2(), format::number(at)));
            power += by;
        }
        Self { low: 10_f64.powf(first).log2(), high: 10_f64.powf(end).log2(), ticks, logarithmic: true }
    }

    /// By their logarithm from the least to the greatest of `values`, with ticks at these values as far as they lie
    /// apart by at least `apart` of the axis.
    pub(super) fn of_values(values: &[f64], apart: f64, print: impl Fn(f64) -> String) -> Self {
        let mut values: Vec<f64> =
            values.iter().copied().filter(|value| *value > 0.0).map(f64::log2).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let (low, high) = match (values.first(), values.last()) {
            (Some(low), Some(high)) if high > low => (*low, *high),
            (Some(only), _) => (only - 0.5, only + 0.5),
            _ => (0.0, 1.0),
        };
        let edge = (high - low) * 0.03;
        let mut ticks: Vec<(f64, String)> = Vec::new();
        // From the right, so that the greatest always has its label.
        for value in values.into_iter().rev() {
            if ticks.last().is_none_or(|(last, _)| last - value >= apart * (high - low)) {
                ticks.push((value, print(value.exp2())));
            }
        }
        ticks.reverse();
        Self { low: low - edge, high: high + edge, ticks, logarithmic: true }
    }

    /// Waits in milliseconds by their logarithm, from a power of ten below the least to one above the most.
    pub(super) fn waits_by_logarithm(least: f64, most: f64) -> Self {
        let (first, last) = (least.clamp(1e-6, 1e12).log10().floor(), most.clamp(1e-6, 1e12).log10().ceil());
        let last = last.max(first + 1.0);
        let by = ((last - first) / 6.0).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut power = first;
        while power <= last {
            ticks.push((10_f64.powf(power).log2(), format::millis(10_f64.powf(power))));
            power += by;
        }
        Self { low: 10_f64.powf(first).log2(), high: 10_f64.powf(last).log2(), ticks, logarithmic: true }
    }

    /// Lengths of time in seconds by their logarithm, with ticks at lengths that people choose.
    pub(super) fn durations_by_logarithm(least: f64, most: f64) -> Self {
        const CHOSEN: [f64; 22] = [
            0.001,
            0.01,
            0.1,
            1.0,
            2.0,
            5.0,
            10.0,
            30.0,
            60.0,
            120.0,
            300.0,
            600.0,
            1_800.0,
            3_600.0,
            7_200.0,
            21_600.0,
            43_200.0,
            86_400.0,
            172_800.0,
            604_800.0,
            2_592_000.0,
            31_536_000.0,
        ];
        let least = least.clamp(CHOSEN[0], CHOSEN[20]);
        let first = CHOSEN.iter().rposition(|chosen| *chosen <= least).unwrap_or(0);
        let last =
            CHOSEN.iter().position(|chosen| *chosen >= most).unwrap_or(CHOSEN.len() - 1).max(first + 1);
        let by = (last - first).div_ceil(5);
        let chosen = CHOSEN[first..=last].iter().rev().step_by(by).rev();
        let ticks: Vec<_> = chosen.map(|chosen| (chosen.log2(), format::duration(*chosen))).collect();
        Self { low: CHOSEN[first].log2(), high: CHOSEN[last].log2(), ticks, logarithmic: true }
    }

    /// Time from 0 to `span` seconds, and the unit of its labels.
    pub(super) fn time(span: f64) -> (Self, &'static str) {
        let units = [("days", 86_400.0, 3.0), ("hours", 3_600.0, 2.0), ("minutes", 60.0, 2.0)];
        let span = span.max(1e-6);
        let (name, unit) = units
            .into_iter()
            .find(|(_, unit, least)| span >= unit * least)
            .map_or(("seconds", 1.0), |(name, unit, _)| (name, unit));
        let step = match name {
            "hours" => whole_step(span / unit / 8.0) * unit,
            "days" => nice_step(span / unit / 8.0).max(1.0) * unit,
            _ => nice_step(span / 8.0 / unit) * unit,
        };
        let mut scale = Self::stepped(0.0, span, step, |at| format::number(at / unit));
        scale.high = span;
        scale.ticks.retain(|(at, _)| *at <= span);
        (scale, name)
    }

    /// From the last multiple of `step` below `low` to the first one above `high`.
    fn stepped(low: f64, high: f64, step: f64, print: impl Fn(f64) -> String) -> Self {
        // A hair's breadth beyond a multiple comes from the arithmetic.
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil().clamp(first + 1.0, first + 50.0);
        let ticks = (0..=50_u32).map(|index| first + f64::from(index)).take_while(|index| *index <= last);
        let ticks: Vec<_> = ticks.map(|index| step * index).map(|at| (at, print(at))).collect();
        let (low, high) = (step * first, ticks.last().map_or(high, |(at, _)| *at));
        Self { low, high, ticks, logarithmic: false }
    }

    /// Where a value stands between the low end (0) and the high end (1).
    pub(super) fn share(&self, value: f64) -> f64 {
        let placed = if self.logarithmic { value.max(1e-12).log2() } else { value };
        ((placed - self.low) / (self.high - self.low)).clamp(-0.001, 1.001)
    }
}

/// The least of 1, 2, 5, 10, ... times a power of ten that is no less than `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|nice| *nice >= step * 0.999)
        .unwrap_or(10.0 * power)
}

/// The least step in bytes, a power of two of the unit that suits a quarter of `span`, that divides it in five at most.
fn byte_step(span: f64) -> f64 {
    let (_, unit) = format::byte_unit(span / 4.0);
    let mut doublings = (0..=10).map(|power| unit * f64::from(1 << power));
    doublings.find(|step| span / step <= 5.0).unwrap_or(span / 4.0)
}

/// A value at a tick, with the decimals that its step needs: `99.92` where ticks lie 0.02 apart.
fn stepped_number(value: f64, step: f64) -> String {
    let (mut part, mut decimals) = (step.abs(), 0);
    while part < 0.999_999 && decimals < 12 {
        (part, decimals) = (part * 10.0, decimals + 1);
    }
    if value.abs() < 1e15 { format::decimals(value, decimals) } else { format::number(value) }
}

/// A share at a tick as a percentage.
fn percent(share: f64, step: f64) -> String {
    format!("{} %", stepped_number(share * 100.0, step * 100.0))
}

/// The least whole step of hours that is no less than `step`.
fn whole_step(step: f64) -> f64 {
    [1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0]
        .into_iter()
        .find(|nice| *nice >= step)
        .unwrap_or_else(|| nice_step(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_stand_at_values_that_people_write() {
        assert_eq!(labels(&Scale::shares(0.0)), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(
            labels(&Scale::bytes(200.0 * 1_048_576.0)),
            ["0 B", "64 MiB", "128 MiB", "192 MiB", "256 MiB"]
        );
        assert_eq!(
            labels(&Scale::bytes(3e6)),
            ["0 B", "1 MiB", "2 MiB", "3 MiB"],
            "a quarter is less than the unit"
        );
        assert_eq!(labels(&Scale::bytes_by_logarithm(9e6, 1e9)), ["8 MiB", "32 MiB", "128 MiB", "512 MiB"]);
        assert_eq!(
            labels(&Scale::durations_by_logarithm(70.0, 80_000.0)),
            ["2 min", "10 min", "1 h", "6 h", "1 d"]
        );
        let (hours, unit) = Scale::time(21_600.0);
        assert_eq!((labels(&hours), unit), (vec!["0", "1", "2", "3", "4", "5", "6"], "hours"));
    }

    #[test]
    fn an_axis_of_shares_ends_at_all_of_it() {
        for low in [0.0, 0.1, 0.3, 0.5, 0.7, 0.9] {
            let scale = Scale::shares(low);
            assert_eq!(labels(&scale).last(), Some(&"100 %"), "{low}");
            assert!(scale.low <= low + 1e-9 && (scale.high - 1.0).abs() < 1e-9, "{low}");
        }
    }

    #[test]
    fn a_part_of_a_unit_has_round_ticks_and_shares_never_pass_all() {
        let of = |low, high, unit| {
            let scale = Scale::between(low, high, unit);
            if unit == Unit::Share {
                assert!(scale.low >= 0.0 && scale.high <= 1.0, "{scale:?}");
            } else {
                assert!(scale.low <= low + 1e-9 && scale.high >= high - 1e-9, "{scale:?}");
            }
            let shown: Vec<String> = scale.ticks.iter().map(|(_, label)| label.clone()).collect();
            shown.join(", ")
        };
        assert_eq!(of(0.612, 0.98, Unit::Share), "60 %, 70 %, 80 %, 90 %, 100 %");
        assert_eq!(of(0.9991, 1.02, Unit::Share), "99.5 %, 100 %");
        assert_eq!(of(0.9991, 0.9999, Unit::Share), "99.9 %, 99.92 %, 99.94 %, 99.96 %, 99.98 %, 100 %");
        assert_eq!(of(-0.01, 0.004, Unit::Share), "0 %, 0.5 %");
        assert_eq!(of(1_233.0, 1_236.0, Unit::Rate), "1,233/s, 1,234/s, 1,235/s, 1,236/s");
        assert_eq!(of(40.0 * 1_048_576.0, 61.0 * 1_048_576.0, Unit::Bytes), "40 MiB, 48 MiB, 56 MiB, 64 MiB");
        assert_eq!(of(90_000.0, 400_000.0, Unit::Millis), "0 min, 2 min, 4 min, 6 min, 8 min");
        assert_eq!(of(0.2, 0.9, Unit::Seconds), "200 ms, 400 ms, 600 ms, 800 ms, 1,000 ms");
        assert_eq!(of(3.0, 3.0, Unit::Number).split(", ").count(), 2);
        assert_eq!(labels(&Scale::counted(12.0)), ["0", "2", "4", "6", "8", "10", "12"]);
        assert_eq!(labels(&Scale::counted(47.0)), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(&Scale::counted(2.0)), ["0", "1", "2"]);
    }

    #[test]
    fn odd_spans_give_few_finite_ticks() {
        for most in [0.0, 1e-12, 1.0, 7.0, 1e15, 1e300] {
            for scale in [
                Scale::linear(most, format::number),
                Scale::bytes(most),
                Scale::time(most).0,
                Scale::durations_by_logarithm(0.0, most),
                Scale::durations_by_logarithm(most, most),
                Scale::counts_by_logarithm(0.0, most),
                Scale::between(0.0, most, Unit::Bytes),
                Scale::between(most, most, Unit::Rate),
                Scale::between(-most, most, Unit::Number),
                Scale::between(0.0, most, Unit::Millis),
            ] {
                assert!(!scale.ticks.is_empty() && scale.ticks.len() <= 52, "{most}: {scale:?}");
                assert!(scale.ticks.iter().all(|(at, _)| at.is_finite()), "{most}: {scale:?}");
                assert!(scale.share(most).is_finite());
            }
        }
    }
}
