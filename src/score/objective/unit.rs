//! The units of metrics, and how a limit on a metric is written.

use serde::Serialize;

use crate::units::{ByteRate, ByteSize, Rate, SimDuration, UnitError};

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A part of a whole, from 0 to 1.
    Share,
    /// A plain count or ratio.
    Count,
    /// Events per hour; the number alone is enough, because the metric's name says so.
    PerHour,
    /// Seconds; the number alone is enough, because the metric's name says so.
    Seconds,
    /// Milliseconds, written as a duration.
    Milliseconds,
    /// Bytes, written as a size.
    Bytes,
    /// Events per second, written as a rate.
    PerSecond,
    /// Bytes per second, written as a size in each second.
    BytesPerSecond,
}

/// A limit as it is written in a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Written {
    /// A plain number.
    Number(f64),
    /// A number with its unit.
    Text(String),
}

impl Unit {
    /// A limit of about the usual size, as it could be written.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Share => "0.9",
            Self::Count | Self::PerHour => "10",
            Self::Seconds => "\"30s\"",
            Self::Milliseconds => "\"250ms\"",
            Self::Bytes => "\"256MiB\"",
            Self::PerSecond => "\"300/s\"",
            Self::BytesPerSecond => "\"4MiB/s\"",
        }
    }

    /// Whether a number without unit leaves no doubt.
    pub const fn needs_no_unit(self) -> bool {
        matches!(self, Self::Share | Self::Count | Self::PerHour | Self::Seconds)
    }

    /// Reads a number with its unit; `None` where the metric has no unit that could be written.
    pub fn read(self, text: &str) -> Option<Result<f64, UnitError>> {
        Some(match self {
            Self::Share | Self::Count => return None,
            Self::PerHour => text.parse::<Rate>().map(|rate| rate.as_per_second() * 3_600.0),
            Self::Seconds => text.parse().map(SimDuration::as_secs_f64),
            Self::Milliseconds => text.parse().map(|span: SimDuration| span.as_secs_f64() * 1_000.0),
            Self::Bytes => text.parse().map(|size: ByteSize| size.as_bytes() as f64),
            Self::PerSecond => text.parse().map(Rate::as_per_second),
            Self::BytesPerSecond => text.parse().map(|rate: ByteRate| rate.as_bytes_per_second() as f64),
        })
    }

    /// Writes `value` as [`Self::read`] reads it.
    pub fn write(self, value: f64) -> Written {
        match self {
            Self::Share | Self::Count | Self::PerHour | Self::Seconds => Written::Number(value),
            Self::Milliseconds => Written::Text(SimDuration::from_secs_f64(value / 1_000.0).to_string()),
            Self::Bytes => Written::Text(size(value)),
            Self::PerSecond => Written::Text(format!("{value}/s")),
            Self::BytesPerSecond => Written::Text(format!("{}/s", size(value))),
        }
    }
}

/// A size that was read from a whole number of bytes, which prints without a point.
fn size(bytes: f64) -> String {
    let text = format!("{bytes}B");
    text.parse().map_or(text, |size: ByteSize| size.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_the_unit_of_the_record_and_written_back() {
        for (unit, text, value, again) in [
            (Unit::Bytes, "64MiB", 67_108_864.0, "64MiB"),
            (Unit::PerSecond, "300/s", 300.0, "300/s"),
            (Unit::PerSecond, "30/m", 0.5, "0.5/s"),
            (Unit::BytesPerSecond, "4MiB/s", 4_194_304.0, "4MiB/s"),
            (Unit::BytesPerSecond, "1.5kB/s", 1_500.0, "1500B/s"),
            (Unit::Milliseconds, "1.5s", 1_500.0, "1s500ms"),
        ] {
            let read = unit.read(text).unwrap().unwrap();
            assert!((read - value).abs() < 1e-9, "{text}: {read}");
            let Written::Text(written) = unit.write(read) else { panic!("{text} has a unit") };
            let read_again = unit.read(&written).unwrap().unwrap();
            assert!((read_again - value).abs() < 1e-9, "{written}");
            assert!(written == again || unit == Unit::Milliseconds, "{written}");
        }
        assert_eq!(Unit::PerHour.read("24/d").unwrap(), Ok(1.0));
        assert!(Unit::Share.read("0.9").is_none());
    }

    #[test]
    fn every_example_can_be_read() {
        for unit in [
            Unit::Share,
            Unit::Count,
            Unit::PerHour,
            Unit::Seconds,
            Unit::Milliseconds,
            Unit::Bytes,
            Unit::PerSecond,
            Unit::BytesPerSecond,
        ] {
            match unit.example().strip_prefix('"') {
                Some(text) => assert!(unit.read(text.trim_end_matches('"')).unwrap().is_ok(), "{unit:?}"),
                None => assert!(unit.needs_no_unit(), "{unit:?}"),
            }
        }
    }
}
