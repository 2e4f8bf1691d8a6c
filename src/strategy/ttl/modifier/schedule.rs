//! Bends TTLs by the hour of the day and the day of the week.
//!
//! `table` gives a factor from an instant on, until the next instant of the table: `"08:00" = 0.5` on every day, `"Sat 08:00"` or
//! `"Mon-Fri 08:00"` on some, where a line that names days overrules one that does not. What holds late on Sunday holds
//! on until the first line of Monday. A day that no line names is a gap, and refused: write what shall hold then, such as
//! `"Sat-Sun 00:00" = 1`. With `interpolate = "linear"` the factor moves in a straight line from one instant to the next. `start` says
//! at which day and time (UTC) the trace begins: `recorded` when the recording's clock says so, and on Monday at 00:00 where none was
//! recorded. `utc_offset` says how far the users' clocks are ahead of UTC; summer time is not modelled.
//!
//! The factor is that of the instant at which a value is stored. So only later stores change: a TTL longer than a band carries the
//! night's factor into the day, and what is stored in one band expires bunched in the next. Which way to turn it depends on the
//! goal: longer at the peak spares the origin, shorter at the peak shows changes sooner.
//!
//! ```toml
//! ttl = { rule = "fixed", ttl = "1h", modifiers = [{ modifier = "schedule", table = { "00:00" = 1, "08:00" = 2, "Sat-Sun 08:00" = 1.5, "22:00" = 1 }, utc_offset = "+02:00" }] }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlModifier};
use crate::units::{SimDuration, SimTime};

/// The `start` that is taken from the trace.
pub const RECORDED: &str = "recorded";
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MINUTES_A_DAY: i64 = 24 * 60;
const MINUTES_A_WEEK: i64 = 7 * MINUTES_A_DAY;
const NANOS_A_MINUTE: u64 = 60_000_000_000;
const NANOS_A_WEEK: u64 = 7 * 24 * 60 * NANOS_A_MINUTE;

/// Parameters of [`Schedule`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    table: BTreeMap<String, f64>,
    interpolate: Interpolate,
    utc_offset: String,
    start: String,
}

/// What holds between two instants of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Interpolate {
    Step,
    Linear,
}

/// TTLs that follow the clock.
#[derive(Debug)]
pub struct Schedule {
    /// Nanoseconds since Monday 00:00 local time and the factor from then on, in order.
    week: Vec<(u64, f64)>,
    interpolate: Interpolate,
    /// Where in the local week the trace begins.
    begin: u64,
    /// The part of the table that was asked for last: most questions are about the same.
    stretch: Stretch,
}

/// What holds between two instants of the table that follow each other.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: SimTime,
    until: SimTime,
    /// Nanoseconds of it that were over before `from`, if the trace begins inside.
    over: u64,
    length: u64,
    factor: f64,
    /// How much the factor grows until its end.
    rise: f64,
}

impl Stretch {
    const NONE: Self =
        Self { from: SimTime::NEVER, until: SimTime::ZERO, over: 0, length: 1, factor: 1.0, rise: 0.0 };

    fn factor(&self, at: SimTime) -> f64 {
        self.factor + self.rise * (self.over + at.since(self.from).as_nanos()) as f64 / self.length as f64
    }
}

impl Plugin for Schedule {
    const NAME: &'static str = "schedule";
    const SUMMARY: &'static str = "Bends TTLs by the hour of the day and the day of the week.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "table",
            Kind::Table("\"HH:MM\" or \"DAYS HH:MM\" = factor"),
            "factor (0.05 to 20) from each instant on",
        )
        .required(),
        Param::new("interpolate", Kind::Choice(&["step", "linear"]), "what holds between two instants")
            .default("step"),
        Param::new("utc_offset", Kind::Text, "how far the users' clocks are ahead of UTC, such as +02:00")
            .default("+00:00"),
        Param::new(
            "start",
            Kind::Text,
            "day and time (UTC) at which the trace begins, such as Mon 00:00, or recorded: when the recording says, else Mon 00:00",
        )
        .default(RECORDED),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Some(offset) = offset(&params.utc_offset) else {
            let what = format!("\"{}\" is not an offset from UTC", params.utc_offset);
            return Err(Invalid::param("utc_offset", what)
                .help("write utc_offset = \"+02:00\", from -14:00 to +14:00"));
        };
        let written = instant(&params.start).and_then(|(days, minute)| match days.as_slice() {
            [day] => Some(nanos(i64::try_from(*day).ok()? * MINUTES_A_DAY + minute)),
            _ => None,
        });
        let start = match written {
            None if params.start == RECORDED => setup.traffic.began().map_or(0, since_monday),
            None => {
                let what = format!("\"{}\" is not a day and a time", params.start);
                let help = "write start = \"Mon 00:00\", or leave it out for what the recording says";
                return Err(Invalid::param("start", what).help(help));
            }
            Some(written) => written,
        };
        let begin = (start + nanos(offset.rem_euclid(MINUTES_A_WEEK))) % NANOS_A_WEEK;
        let week = week(&params.table)?;
        Ok(Self { week, interpolate: params.interpolate, begin, stretch: Stretch::NONE })
    }
}

fn nanos(minutes: i64) -> u64 {
    minutes.unsigned_abs() * NANOS_A_MINUTE
}

/// Nanoseconds since the latest Monday 00:00 UTC at an instant in nanoseconds since 1970 UTC.
fn since_monday(unix_ns: i64) -> u64 {
    // 1970 began on a Thursday.
    let since = i128::from(unix_ns) + 3 * i128::from(NANOS_A_WEEK / 7);
    u64::try_from(since.rem_euclid(NANOS_A_WEEK.into())).expect("a part of a week is not negative")
}

/// An instant in nanoseconds since 1970 UTC as `start` takes it: `Wed 14:05`.
pub fn start_of(unix_ns: i64) -> String {
    let minutes = since_monday(unix_ns) / NANOS_A_MINUTE;
    let (day, minute) = (minutes / (24 * 60), minutes % (24 * 60));
    let mut text = DAYS[usize::try_from(day).unwrap_or_default()].to_owned();
    text[..1].make_ascii_uppercase();
    format!("{text} {:02}:{:02}", minute / 60, minute % 60)
}

/// The table as instants of a week, in order.
fn week(table: &BTreeMap<String, f64>) -> Result<Vec<(u64, f64)>, Invalid> {
    if table.is_empty() {
        return Err(Invalid::param("table", "a schedule needs at least one instant")
            .help("write table = { \"08:00\" = 2, \"22:00\" = 1 }"));
    }
    let mut every_day = BTreeMap::new();
    let mut some_days: BTreeMap<i64, (f64, &str)> = BTreeMap::new();
    let mut named = [false; 7];
    for (text, factor) in table {
        let Some((days, minute)) = instant(text) else {
            return Err(Invalid::param("table", format!("\"{text}\" is not an instant of a week"))
                .help("write \"08:00\", \"Sat 08:00\" or \"Mon-Fri 08:00\", from 00:00 to 23:59"));
        };
        if !(0.05..=20.0).contains(factor) {
            return Err(Invalid::param(
                "table",
                format!("the factor at \"{text}\" must lie between 0.05 and 20, but is {factor}"),
            ));
        }
        for day in &days {
            named[*day] = true;
            let minute = i64::try_from(*day).unwrap_or_default() * MINUTES_A_DAY + minute;
            if let Some((_, other)) = some_days.insert(minute, (*factor, text)) {
                return Err(Invalid::param(
                    "table",
                    format!("\"{other}\" and \"{text}\" name the same instant of a week"),
                )
                .help("keep one of them"));
            }
        }
        if days.is_empty() {
            named = [true; 7];
            for day in 0..7 {
                every_day.insert(day * MINUTES_A_DAY + minute, *factor);
            }
        }
    }
    if let Some(gap) = named.iter().position(|named| !named) {
        let mut day = DAYS[gap].to_owned();
        day[..1].make_ascii_uppercase();
        return Err(Invalid::param("table", format!("the schedule says nothing of {day}")).help(format!(
            "add \"{day} 00:00\" = 1, or an instant without a day, which holds on every day"
        )));
    }
    let some_days = some_days.into_iter().map(|(minute, (factor, _))| (minute, factor));
    every_day.extend(some_days);
    Ok(every_day.into_iter().map(|(minute, factor)| (nanos(minute), factor)).collect())
}

/// The days (none: every day) and the minute of the day of `08:00`, `Sat 08:00` or `Mon-Fri 08:00`.
fn instant(text: &str) -> Option<(Vec<usize>, i64)> {
    let (days, time) = match text.trim().rsplit_once(' ') {
        Some((days, time)) => (self::days(days.trim())?, time),
        None => (Vec::new(), text.trim()),
    };
    Some((days, minutes(time).filter(|minutes| *minutes < MINUTES_A_DAY)?))
}

/// Days of the week from 0, Monday.
fn days(text: &str) -> Option<Vec<usize>> {
    let day = |text: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
    match text.split_once('-') {
        None => Some(vec![day(text)?]),
        Some((first, last)) => {
            let (first, last) = (day(first)?, day(last)?);
            let length = (last + 7 - first) % 7;
            Some((0..=length).map(|later| (first + later) % 7).collect())
        }
    }
}

/// Minutes of `HH:MM`.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    Some(number(hours)? * 60 + number(minutes).filter(|minutes| *minutes < 60)?)
}

/// Minutes of an offset from UTC, `+02:00`.
fn offset(text: &str) -> Option<i64> {
    let (sign, time) = match text.trim().split_at_checked(1)? {
        ("+", time) => (1, time),
        ("-", time) => (-1, time),
        _ => return None,
    };
    Some(sign * minutes(time).filter(|minutes| *minutes <= 14 * 60)?)
}

impl Schedule {
    fn factor(&mut self, at: SimTime) -> f64 {
        if at < self.stretch.from || at >= self.stretch.until {
            self.stretch = self.stretch_at(at);
        }
        self.stretch.factor(at)
    }

    fn stretch_at(&self, at: SimTime) -> Stretch {
        let now = (self.begin + at.as_nanos() % NANOS_A_WEEK) % NANOS_A_WEEK;
        let later = self.week.partition_point(|(from, _)| *from <= now);
        // Before the first instant of the week the last one still holds.
        let (from, factor) = self.week[later.checked_sub(1).unwrap_or(self.week.len() - 1)];
        let (until, next) = self.week[later % self.week.len()];
        let around = |span: u64| (span + NANOS_A_WEEK - from) % NANOS_A_WEEK;
        // A single instant is followed by itself, a week later.
        let length = if until == from { NANOS_A_WEEK } else { around(until) };
        let (age, left) = (around(now), length - around(now));
        let begun = at.before(SimDuration::from_nanos(age));
        Stretch {
            from: begun,
            until: at + SimDuration::from_nanos(left),
            over: age - at.since(begun).as_nanos(),
            length,
            factor,
            rise: if self.interpolate == Interpolate::Linear { next - factor } else { 0.0 },
        }
    }
}

impl TtlModifier for Schedule {
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        if ttl == SimDuration::FOREVER { ttl } else { ttl.scaled(self.factor(fill.at)) }
    }

    fn varies(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;

    const TTL: SimDuration = SimDuration::from_secs(1_000);

    /// The factor at so many hours and minutes after the beginning of the trace.
    fn factor(schedule: &mut dyn TtlModifier, day: u64, hour: u64, minute: u64) -> f64 {
        let secs = ((day * 24 + hour) * 60 + minute) * 60;
        schedule.adjust(&fixture::fill(secs), TTL).as_secs_f64() / 1_000.0
    }

    fn assert_factors(text: &str, expected: &[(u64, u64, u64, f64)]) {
        let mut schedule = fixture::modifier(&format!("{{ modifier = \"schedule\", {text} }}"));
        for (day, hour, minute, expected) in expected {
            let found = factor(&mut *schedule, *day, *hour, *minute);
            assert!((found - expected).abs() < 1e-6, "day {day} {hour}:{minute}: {found}, not {expected}");
        }
    }

    #[test]
    fn a_factor_holds_from_its_instant_until_the_next_also_past_midnight() {
        assert_factors(
            "table = { \"08:00\" = 2, \"22:30\" = 0.5 }",
            &[
                (0, 0, 0, 0.5),
                (0, 7, 59, 0.5),
                (0, 8, 0, 2.0),
                (0, 22, 29, 2.0),
                (0, 22, 30, 0.5),
                (9, 3, 0, 0.5),
                (9, 9, 0, 2.0),
            ],
        );
    }

    #[test]
    fn the_users_clocks_count() {
        // 08:00 at +02:00 is 06:00 UTC; the trace begins on Wednesday at 05:00.
        assert_factors(
            "table = { \"08:00\" = 2, \"20:00\" = 1, \"Thu 08:00\" = 3 }, utc_offset = \"+02:00\", start = \"Wed 05:00\"",
            &[
                (0, 0, 59, 1.0),
                (0, 1, 0, 2.0),
                (0, 13, 0, 1.0),
                (1, 1, 0, 3.0),
                (2, 1, 0, 2.0),
                (8, 1, 0, 3.0),
            ],
        );
        assert_factors(
            "table = { \"08:00\" = 2, \"09:00\" = 1 }, utc_offset = \"-03:00\"",
            &[(0, 10, 59, 1.0), (0, 11, 0, 2.0)],
        );
    }

    #[test]
    fn the_recordings_clock_says_when_it_begins_unless_a_start_is_written() {
        // Friday, 24 November 2023, 14:05:30 UTC.
        const BEGAN: i64 = 1_700_834_730_000_000_000;
        let objects = crate::trace::Objects::new(Vec::new(), crate::trace::Keys::Numbered, Vec::new());
        let trace = crate::trace::Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO);
        let factors = |began: Option<i64>, start: &str| {
            let params = Params {
                table: [("00:00", 1.0), ("Fri 14:06", 2.0), ("Sat 00:00", 1.0)]
                    .map(|(at, factor)| (at.to_owned(), factor))
                    .into(),
                interpolate: Interpolate::Step,
                utc_offset: "+00:00".to_owned(),
                start: start.to_owned(),
            };
            let traffic =
                crate::strategy::Traffic::like(std::sync::Arc::new(trace.clone().beginning_at(began)));
            let mut made = Schedule::new(&params, &Setup { traffic, ..fixture::setup() }).unwrap();
            [29, 31].map(|secs| made.adjust(&fixture::fill(secs), TTL).as_nanos() / TTL.as_nanos())
        };
        assert_eq!(start_of(BEGAN), "Fri 14:05");
        assert_eq!(factors(Some(BEGAN), RECORDED), [1, 2], "half a minute after the beginning");
        assert_eq!(factors(None, RECORDED), [1, 1], "on Monday");
        assert_eq!(factors(Some(BEGAN), "Fri 15:00"), [2, 2]);
    }

    #[test]
    fn a_line_that_names_days_overrules_one_that_does_not() {
        assert_factors(
            "table = { \"00:00\" = 1, \"08:00\" = 2, \"Fri-Sun 08:00\" = 3 }",
            &[(3, 8, 0, 2.0), (4, 8, 0, 3.0), (5, 8, 0, 3.0), (6, 8, 0, 3.0), (7, 8, 0, 2.0), (5, 7, 0, 1.0)],
        );
        assert_factors(
            "table = { \"Sun-Mon 00:00\" = 2, \"Tue-Sat 12:00\" = 4 }",
            &[(6, 1, 0, 2.0), (7, 1, 0, 2.0), (1, 11, 0, 2.0), (1, 12, 0, 4.0)],
        );
    }

    #[test]
    fn a_straight_line_leads_from_instant_to_instant() {
        assert_factors(
            "table = { \"06:00\" = 1, \"18:00\" = 3 }, interpolate = \"linear\"",
            &[
                (0, 6, 0, 1.0),
                (0, 12, 0, 2.0),
                (0, 15, 0, 2.5),
                (0, 18, 0, 3.0),
                (0, 21, 0, 2.5),
                (1, 0, 0, 2.0),
                (7, 3, 0, 1.5),
            ],
        );
        assert_factors(
            "table = { \"06:00\" = 2 }, interpolate = \"linear\"",
            &[(0, 0, 0, 2.0), (3, 7, 0, 2.0)],
        );
    }

    #[test]
    fn gaps_doubles_and_what_is_no_time_are_refused() {
        for (text, part) in [
            ("table = {}", "at least one instant"),
            ("table = { \"Mon-Fri 08:00\" = 2 }", "nothing of Sat"),
            ("table = { \"24:00\" = 2 }", "24:00"),
            ("table = { \"8:00\" = 2 }", "8:00"),
            ("table = { \"noon\" = 2 }", "noon"),
            ("table = { \"Foo 08:00\" = 2 }", "Foo"),
            ("table = { \"08:00\" = 0 }", "between 0.05 and 20"),
            ("table = { \"08:00\" = nan }", "between 0.05 and 20"),
            ("table = { \"Mon-Sun 08:00\" = 1, \"Tue 08:00\" = 2 }", "same instant"),
            ("table = { \"08:00\" = 2 }, utc_offset = \"2h\"", "offset"),
            ("table = { \"08:00\" = 2 }, start = \"00:00\"", "not a day and a time"),
        ] {
            let what = fixture::refused(&format!("{{ modifier = \"schedule\", {text} }}"));
            assert!(what.contains(part), "{text}: {what}");
        }
    }
}
