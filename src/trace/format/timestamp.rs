//! Time as recordings write it: the stamp of access logs, numbers in a unit, ISO 8601.

use jiff::civil;
use jiff::tz::Offset;

/// Nanoseconds in a second.
pub(crate) const SECOND_NS: i64 = 1_000_000_000;

/// What a number in a time column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds, with or without a fraction.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// A date with a time, such as `2026-03-29T12:00:00.25+02:00`.
    Iso8601,
}

/// Nanoseconds since 1970 UTC of a date as HTTP writes it, `Tue, 15 Nov 1994 12:45:26 GMT` (RFC 9110, section 5.6.7).
pub(super) fn http_date(text: &[u8]) -> Option<i64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    i64::try_from(at.as_nanosecond()).ok()
}

impl TimeUnit {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::Ms => "ms",
            Self::Us => "us",
            Self::Ns => "ns",
            Self::Iso8601 => "iso8601",
        }
    }

    /// The unit that the name of a column ends with, as in `time_us`.
    pub(super) fn carried_by(column: &str) -> Option<Self> {
        let lower = column.to_ascii_lowercase();
        let (_, end) = lower.rsplit_once(['_', '-', '.', ' '])?;
        match end.trim_matches(['(', ')', '[', ']']) {
            "s" | "sec" | "secs" | "seconds" => Some(Self::S),
            "ms" | "millis" => Some(Self::Ms),
            "us" | "micros" => Some(Self::Us),
            "ns" | "nanos" => Some(Self::Ns),
            "iso" | "iso8601" => Some(Self::Iso8601),
            _ => None,
        }
    }

    /// Nanoseconds in one unit.
    fn ns(self) -> i64 {
        match self {
            Self::S | Self::Iso8601 => SECOND_NS,
            Self::Ms => 1_000_000,
            Self::Us => 1_000,
            Self::Ns => 1,
        }
    }

    /// So many units in nanoseconds; `None` of dates, which are no number of anything, and beyond 292 years.
    pub(super) fn whole(self, count: u64) -> Option<i64> {
        let count = i64::try_from(count).ok().filter(|_| self != Self::Iso8601)?;
        count.checked_mul(self.ns())
    }

    /// What a text in this unit says, in nanoseconds, with the zone where it names one.
    ///
    /// `None` for what is no finite number (or no date) or lies outside of 292 years around zero.
    pub fn parse(self, text: &[u8]) -> Option<(i64, Option<i32>)> {
        if self == Self::Iso8601 {
            return iso8601(std::str::from_utf8(text).ok()?);
        }
        decimal(text, self.ns()).map(|ns| (ns, None))
    }
}

/// A decimal number times `unit`, exact to the nanosecond; further digits are dropped.
fn decimal(text: &[u8], unit: i64) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let dot = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..dot], digits.get(dot + 1..).unwrap_or_default());
    if whole.is_empty() && fraction.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return scientific(text, unit);
    }
    let mut value = 0_i64;
    for digit in whole {
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    value = value.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction {
        place /= 10;
        value = value.checked_add(i64::from(digit - b'0') * place)?;
    }
    Some(if is_negative { -value } else { value })
}

/// A number such as `1.5e9`.
#[expect(clippy::cast_possible_truncation, reason = "checked to lie within an i64")]
fn scientific(text: &[u8], unit: i64) -> Option<i64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let ns = number * unit as f64;
    (ns.is_finite() && ns.abs() < i64::MAX as f64).then_some(ns as i64)
}

/// A date and time with its offset from UTC; without one, it is taken as UTC.
fn iso8601(text: &str) -> Option<(i64, Option<i32>)> {
    let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).ok()?;
    let clock = civil::DateTime::from_parts(pieces.date(), pieces.time()?);
    let offset = pieces.to_numeric_offset();
    let stamp = offset.unwrap_or(Offset::UTC).to_timestamp(clock).ok()?;
    Some((i64::try_from(stamp.as_nanosecond()).ok()?, offset.map(Offset::seconds)))
}

/// A date and time as digits, `20160201120000`, in UTC; nanoseconds since 1970.
pub(super) fn compact(text: &[u8]) -> Option<i64> {
    if text.len() != 14 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let part = |from: usize, to: usize| number(&text[from..to]);
    let clock = civil::DateTime::new(
        i16::try_from(part(0, 4)?).ok()?,
        i8::try_from(part(4, 6)?).ok()?,
        i8::try_from(part(6, 8)?).ok()?,
        i8::try_from(part(8, 10)?).ok()?,
        i8::try_from(part(10, 12)?).ok()?,
        i8::try_from(part(12, 14)?).ok()?,
        0,
    );
    i64::try_from(Offset::UTC.to_timestamp(clock.ok()?).ok()?.as_nanosecond()).ok()
}

/// Reads the stamps of access logs; remembers the last day and zone, so that calendars are asked
/// once a day and not once a line.
#[derive(Debug, Default)]
pub(super) struct LogClock {
    last: [u8; LogClock::LENGTH],
    last_time_ns: i64,
    midnight_s: i64,
    offset_s: i32,
}

impl LogClock {
    /// Length of a stamp, `01/Aug/1995:00:00:01 -0400`.
    pub(super) const LENGTH: usize = 26;

    /// Nanoseconds since 1970 UTC, and the seconds that the zone is ahead of it.
    pub(super) fn read(&mut self, stamp: &[u8; Self::LENGTH]) -> Option<(i64, i32)> {
        if *stamp == self.last {
            return Some((self.last_time_ns, self.offset_s));
        }
        if stamp[11] != b':' || stamp[14] != b':' || stamp[17] != b':' || stamp[20] != b' ' {
            return None;
        }
        let (hour, minute, second) =
            (number(&stamp[12..14])?, number(&stamp[15..17])?, number(&stamp[18..20])?);
        // A leap second is written as second 60.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let is_another_day = stamp[..11] != self.last[..11] || stamp[21..] != self.last[21..];
        let (midnight_s, offset_s) =
            if is_another_day { midnight(stamp)? } else { (self.midnight_s, self.offset_s) };
        let time_ns = (midnight_s + hour * 3_600 + minute * 60 + second).checked_mul(SECOND_NS)?;
        *self = Self { last: *stamp, last_time_ns: time_ns, midnight_s, offset_s };
        Some((time_ns, offset_s))
    }
}

/// When the stamp's day began there, in seconds since 1970 UTC, and how far the zone is ahead of UTC.
fn midnight(stamp: &[u8; LogClock::LENGTH]) -> Option<(i64, i32)> {
    // English in every locale: servers do not translate them.
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    if stamp[2] != b'/' || stamp[6] != b'/' {
        return None;
    }
    let month = MONTHS.iter().position(|name| name[..] == stamp[3..6])? + 1;
    let date = civil::Date::new(
        i16::try_from(number(&stamp[7..11])?).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(number(&stamp[..2])?).ok()?,
    )
    .ok()?;
    let ahead = i32::try_from(number(&stamp[22..24])? * 3_600 + number(&stamp[24..26])? * 60).ok()?;
    let offset_s = match stamp[21] {
        b'+' => ahead,
        b'-' => -ahead,
        _ => return None,
    };
    let midnight = Offset::from_seconds(offset_s).ok()?.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some((midnight.as_second(), offset_s))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(stamp: &[u8; 26]) -> Option<(i64, i32)> {
        LogClock::default().read(stamp).map(|(ns, offset)| (ns / SECOND_NS, offset))
    }

    #[test]
    fn log_stamps_are_read_with_the_offset_of_each_line() {
        assert_eq!(log(b"01/Jan/1970:00:00:00 +0000"), Some((0, 0)));
        assert_eq!(log(b"01/Aug/1995:00:00:01 -0400"), Some((807_249_601, -14_400)));
        assert_eq!(log(b"29/Feb/2016:23:59:60 +0530"), Some((1_456_770_600, 19_800)));
        let mut clock = LogClock::default();
        // The clock is set forward: an hour less between the two than the wall shows.
        let before = clock.read(b"13/Mar/2016:01:59:59 -0500").unwrap().0;
        let after = clock.read(b"13/Mar/2016:03:00:00 -0400").unwrap().0;
        assert_eq!(after - before, SECOND_NS);
        assert_eq!(clock.read(b"13/Mar/2016:03:00:00 -0400").unwrap().0, after);
    }

    #[test]
    fn what_is_no_stamp_is_refused_and_forgotten() {
        let mut clock = LogClock::default();
        let good = clock.read(b"01/Aug/1995:10:00:00 -0400");
        for wrong in [
            b"32/Aug/1995:00:00:01 -0400",
            b"30/Feb/1995:00:00:01 -0400",
            b"01/aug/1995:00:00:01 -0400",
            b"01/Aug/1995:24:00:01 -0400",
            b"01/Aug/1995:00:60:01 -0400",
            b"01/Aug/1995 00:00:01 -0400",
            b"01/Aug/1995:00:00:01 *0400",
            b"01/Aug/1995:00:00:01 -9900",
            b"0x/Aug/1995:00:00:01 -0400",
            b"01/Aug/9999:00:00:01 -0400",
        ] {
            assert_eq!(clock.read(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(clock.read(b"01/Aug/1995:10:00:00 -0400"), good);
    }

    #[test]
    fn numbers_keep_every_nanosecond() {
        let read = |unit: TimeUnit, text: &str| unit.parse(text.as_bytes()).map(|(ns, _)| ns);
        assert_eq!(read(TimeUnit::S, "1339518083.107412"), Some(1_339_518_083_107_412_000));
        assert_eq!(read(TimeUnit::Ms, "1339518083107"), Some(1_339_518_083_107_000_000));
        assert_eq!(read(TimeUnit::Us, "1.5"), Some(1_500));
        assert_eq!(read(TimeUnit::Ns, "7"), Some(7));
        assert_eq!(read(TimeUnit::S, "-2.5"), Some(-2_500_000_000));
        assert_eq!(read(TimeUnit::S, "1.5e3"), Some(1_500_000_000_000));
        for wrong in ["NaN", "inf", "-", "", ".", "1.2.3", "12:00", "1e40", "99999999999999999999"] {
            assert_eq!(read(TimeUnit::S, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn dates_follow_iso_8601() {
        let read = |text: &str| TimeUnit::Iso8601.parse(text.as_bytes());
        assert_eq!(read("1970-01-01T00:00:01.25Z"), Some((1_250_000_000, Some(0))));
        assert_eq!(read("1970-01-01T02:00:00+02:00"), Some((0, Some(7_200))));
        assert_eq!(read("1970-01-01 00:00:02"), Some((2_000_000_000, None)));
        assert_eq!(read("1970-01-01"), None);
        assert_eq!(read("yesterday"), None);
    }

    #[test]
    fn a_column_may_carry_its_unit() {
        for (column, unit) in [
            ("time_us", Some(TimeUnit::Us)),
            ("ts_ms", Some(TimeUnit::Ms)),
            ("Time (s)", Some(TimeUnit::S)),
            ("status", None),
            ("ms", None),
        ] {
            assert_eq!(TimeUnit::carried_by(column), unit, "{column}");
        }
    }
}
