//! The tables over time: requests per window, the trace's stretch of time, and its busiest windows.

use super::super::grid::{Table, Td};
use crate::report::format;
use crate::report::measure::Unit;
use crate::trace::profile::{Profile, Window, clock_text};

/// Requests per second, minute and hour.
pub(super) fn rates(profile: &Profile) -> Table {
    let rates = &profile.rates;
    let heads = ["window", "mean#", "peak#", "peak / mean#", "variance / mean#", "with requests#"];
    let mut table = Table::new("rates-table", "Requests per window", &heads);
    let row = |name: &str, window: &Window| {
        vec![
            Td::heading(name),
            Td::number(window.mean, Unit::Number),
            Td::count(window.peak),
            Td::number(window.peak_to_mean, Unit::Number),
            Td::number(window.dispersion, Unit::Number),
            Td::count(window.busy),
        ]
    };
    table.row(row("second", &rates.per_second));
    table.row(row("minute", &rates.per_minute));
    table.row(row("hour", &rates.per_hour));
    table.notes.push(match &rates.daily {
        None => "The trace covers less than a day, so nothing is said about the hours of the day.".to_owned(),
        Some(daily) => format!(
            "Over the hours of the day the amplitude is {}, and the peak is {} times the trough.",
            format::percent(daily.amplitude),
            format::number(daily.peak_to_trough)
        ),
    });
    table
}

/// When the trace begins and ends, and where it is silent.
pub(super) fn instants(profile: &Profile) -> Table {
    let (time, input) = (&profile.time, &profile.input);
    let mut table = Table::new("time-table", "Time", &["figure", "value"]);
    let mut row = |name: &str, value: String| table.row(vec![Td::heading(name), Td::text(value)]);
    row("first request", clock_text(time.first_unix_ns, 0));
    row("last request", clock_text(time.last_unix_ns, 0));
    row("resolution", format::seconds(input.resolution_ns as f64 / 1e9));
    for (offset, lines) in &input.offsets {
        row("offset from UTC", format!("{offset} on {} lines", format::count(*lines)));
    }
    let lateness = format::seconds(input.max_lateness_ns as f64 / 1e9);
    row("backward steps", format!("{}, at most {lateness} late", format::count(input.backward_steps)));
    row("days with requests", format!("{} of {}", time.days_present, time.days_covered));
    row("silences above an hour and ten times the mean", format::count(time.long_gaps));
    for gap in time.longest_gaps.iter().take(3) {
        row("silence", format!("{} from {}", format::seconds(gap.seconds), clock_text(gap.from_unix_ns, 0)));
    }
    table
}

/// The values of both charts over time, in as many rows as people read: the busiest windows.
pub(super) fn busiest(profile: &Profile) -> Table {
    let course = &profile.course;
    let window = format::duration(course.window_s as f64);
    let heads = ["from#", "requests#", "working set, objects#", "working set, bytes#", "new objects#"];
    let mut table = Table::new("busiest", format!("The busiest windows of {window}"), &heads);
    let mut places: Vec<usize> = (0..course.windows.len()).collect();
    places.sort_by_key(|place| std::cmp::Reverse(course.windows[*place].requests));
    places.truncate(10);
    places.sort_unstable();
    for place in places {
        let stretch = &course.windows[place];
        table.row(vec![
            Td::number(place as f64 * course.window_s as f64, Unit::Seconds),
            Td::count(stretch.requests),
            Td::count(stretch.objects),
            Td::number(stretch.bytes as f64, Unit::Bytes),
            Td::count(stretch.new_objects),
        ]);
    }
    table.notes.push(
        "Times count from the first request; every window stands in the JSON of the same command.".to_owned(),
    );
    table
}
