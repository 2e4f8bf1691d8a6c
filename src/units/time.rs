//! Virtual time: instants and durations in whole nanoseconds, never floats.

use std::fmt::{self, Write};
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use super::{UnitError, number_and_unit, three_digits, written_as_text};

const UNITS: [(&str, u64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// An instant of virtual time: nanoseconds since the trace began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct SimTime(u64);

/// A span of virtual time in nanoseconds. Written with units: `"50ms"`, `"1h"`, `"1h30m"`, `"0.5s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimDuration(u64);

/// A stretch of virtual time, from an instant (included) until another (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub from: SimTime,
    /// When it is over.
    pub until: SimTime,
}

impl Window {
    /// Whether `at` lies in the window. The end counts as inside, so that a trace's last request is scored.
    pub fn contains(self, at: SimTime) -> bool {
        self.from <= at && at <= self.until
    }

    /// How much of the stretch between two instants lies in the window.
    pub fn overlap(self, start: SimTime, end: SimTime) -> SimDuration {
        end.min(self.until).since(start.max(self.from))
    }

    /// Its length.
    pub fn length(self) -> SimDuration {
        self.until.since(self.from)
    }

    /// How many buckets of length `bucket` it takes from time zero until the window's end; at least one.
    pub fn buckets(self, bucket: SimDuration) -> usize {
        usize::try_from(self.until.0.div_ceil(bucket.0)).unwrap_or(usize::MAX).max(1)
    }
}

impl SimTime {
    /// The instant the trace begins.
    pub const ZERO: Self = Self(0);
    /// Later than everything: what never happens, happens then.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the trace began.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the trace began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the trace began, for statistics and pages.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time since `earlier`, zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// The number of the bucket of length `bucket` that holds this instant.
    pub fn bucket(self, bucket: SimDuration) -> usize {
        usize::try_from(self.0 / bucket.0).unwrap_or(usize::MAX)
    }

    /// This instant moved back by `span`, not before the trace began.
    pub const fn before(self, span: SimDuration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span there is: what lasts for ever.
    pub const FOREVER: Self = Self(u64::MAX);

    /// A span of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros * 1_000)
    }

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A span of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// The span nearest to `secs` seconds; zero for negative numbers, [`Self::FOREVER`] beyond it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, which is the documented meaning"
    )]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e9).round() as u64)
    }

    /// Length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Length in seconds, for statistics and pages.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// About how long it is, for people: three digits below a minute, `9.43 ms`, and then its two largest units, `1 h 5 min`.
    pub fn about(self) -> String {
        let nanos = self.0 as f64;
        // What would be told as a thousand of a unit is told as one of the next.
        match nanos {
            0.0 => "0 s".to_owned(),
            ..1e3 => format!("{nanos} ns"),
            ..999.5e3 => format!("{} µs", three_digits(nanos / 1e3)),
            ..999.5e6 => format!("{} ms", three_digits(nanos / 1e6)),
            ..59.95e9 => format!("{} s", three_digits(nanos / 1e9)),
            _ => {
                let mut rest = self.0.saturating_add(500_000_000) / 1_000_000_000;
                let mut parts = Vec::new();
                for (unit, length) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
                    if rest >= length {
                        parts.push(format!("{} {unit}", rest / length));
                    }
                    rest %= length;
                }
                parts.truncate(2);
                parts.join(" ")
            }
        }
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This span scaled by `factor` (at least 0), rounded to the nanosecond and saturating.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, which is the documented meaning"
    )]
    pub fn scaled(self, factor: f64) -> Self {
        let nanos = self.0 as f64 * factor;
        // Half and more goes up, as `round` has it, which is a call where the machine may lack the instruction.
        let whole = nanos as u64;
        Self(whole.saturating_add(u64::from(nanos - whole as f64 >= 0.5)))
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;
    /// Saturates at [`SimTime::NEVER`], so that adding for ever is never.
    fn add(self, span: SimDuration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Add for SimDuration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for SimDuration {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FromStr for SimDuration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = |rule: &str| Err(UnitError(format!("\"{text}\" is not a duration: {rule}")));
        let mut rest = text.trim();
        if rest.is_empty() {
            return wrong("write a number and a unit, such as \"30s\" or \"1h\"");
        }
        if rest.starts_with('-') {
            return wrong("a duration is never negative");
        }
        // What is written in whole units is read exactly.
        let (mut whole, mut part) = (0_u128, 0.0_f64);
        while !rest.is_empty() {
            let Some((number, unit, after)) = number_and_unit(rest) else {
                return wrong("write a number and a unit, such as \"30s\" or \"1h\"");
            };
            let Some((_, length)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return wrong(if unit.is_empty() {
                    "the unit is missing (there are: ns, us, ms, s, m, h, d, w)"
                } else {
                    "that unit is not known (there are: ns, us, ms, s, m, h, d, w)"
                });
            };
            if number.fract() == 0.0 && number < (1_u64 << 53) as f64 {
                whole += as_whole(number) * u128::from(*length);
            } else {
                part += number * *length as f64;
            }
            rest = after;
        }
        match u64::try_from(whole.saturating_add(as_whole(part.round()))) {
            Ok(nanos) => Ok(Self(nanos)),
            Err(_) => wrong("it is longer than 584 years"),
        }
    }
}

/// A number that is whole and not negative; the greatest stands for what is greater.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and not negative")]
fn as_whole(number: f64) -> u128 {
    number as u128
}

/// Prints what [`FromStr`] reads: the exact value in the largest units that fit, `1h30m`.
impl fmt::Display for SimDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return out.pad("0s");
        }
        let mut text = String::new();
        let mut rest = self.0;
        for (unit, length) in UNITS.iter().skip(1) {
            if rest >= *length {
                write!(text, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        out.pad(&text)
    }
}

written_as_text!(SimDuration, "a duration with its unit, such as \"30s\" or \"1h\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_units_and_printed_so_that_they_read_back() {
        for (text, nanos) in [
            ("1h", 3_600_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("0.5s", 500_000_000),
            ("1d 2h", 93_600_000_000_000),
            ("250ms", 250_000_000),
            ("0s", 0),
            ("7w", 4_233_600_000_000_000),
        ] {
            let span: SimDuration = text.parse().unwrap();
            assert_eq!(span.as_nanos(), nanos, "{text}");
            assert_eq!(span.to_string().parse(), Ok(span), "{text}");
        }
    }

    #[test]
    fn about_how_long_it_is_has_few_digits() {
        for (text, about) in [
            ("0s", "0 s"),
            ("988ns", "988 ns"),
            ("2us250ns", "2.25 µs"),
            ("999us700ns", "1 ms"),
            ("9ms428us988ns", "9.43 ms"),
            ("40ms", "40 ms"),
            ("1s", "1 s"),
            ("12s345ms", "12.3 s"),
            ("59s960ms", "1 min"),
            ("1m0s500ms", "1 min 1 s"),
            ("1h5m30s", "1 h 5 min"),
            ("1w2h", "7 d 2 h"),
        ] {
            assert_eq!(text.parse::<SimDuration>().unwrap().about(), about, "{text}");
        }
    }

    #[test]
    fn a_wrong_duration_says_what_to_write() {
        for (text, part) in [
            ("60", "unit is missing"),
            ("-1s", "never negative"),
            ("1y", "not known"),
            ("", "write a number"),
            ("soon", "write a number"),
            ("700y", "not known"),
            ("999999w", "584 years"),
        ] {
            let error = text.parse::<SimDuration>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn what_lasts_for_ever_ends_never() {
        assert_eq!(SimTime::from_nanos(5) + SimDuration::FOREVER, SimTime::NEVER);
        assert_eq!(SimTime::ZERO.since(SimTime::NEVER), SimDuration::ZERO);
    }
}
