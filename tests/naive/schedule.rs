//! The factor by which a TTL is bent by the hour of the day and the day of the week.

use std::collections::BTreeMap;

const MINUTE: u64 = 60_000_000_000;
const DAY: u64 = 24 * 60;
const WEEK: u64 = 7 * DAY;

/// First and last day from 0, Monday (none: every day), minute of the day, and the factor from then on.
pub(crate) type Line = (Option<(u64, u64)>, u64, f64);

/// A table of factors. Times of the run are nanoseconds here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clock {
    pub(crate) lines: Vec<Line>,
    /// Whether it moves in a straight line from one instant of the table to the next.
    pub(crate) linear: bool,
    /// By how many minutes the clocks of the users are ahead of UTC.
    pub(crate) ahead: i64,
    /// Day and minute (UTC) at which the run begins.
    pub(crate) begins: (u64, u64),
}

impl Clock {
    /// Every instant of the table in a week, by its minute. Who names days overrules who does not.
    fn instants(&self) -> BTreeMap<u64, f64> {
        let mut instants = BTreeMap::new();
        for names_days in [false, true] {
            for (days, minute, factor) in self.lines.iter().filter(|(days, ..)| days.is_some() == names_days)
            {
                let (first, last) = days.unwrap_or((0, 6));
                for day in first..=last {
                    instants.insert(day * DAY + minute, *factor);
                }
            }
        }
        instants
    }

    /// The factor at an instant of the run.
    pub(super) fn factor(&self, at: u64) -> f64 {
        let (day, minute) = self.begins;
        let week = WEEK * MINUTE;
        let begins = (WEEK + day * DAY + minute).checked_add_signed(self.ahead).expect("some hours");
        let now = (begins * MINUTE + at) % week;
        let instants = self.instants();
        let whole: Vec<(u64, f64)> =
            instants.into_iter().map(|(minute, factor)| (minute * MINUTE, factor)).collect();
        let later = whole.iter().position(|(from, _)| *from > now).unwrap_or(whole.len());
        let (from, factor) = whole[(later + whole.len() - 1) % whole.len()];
        if !self.linear {
            return factor;
        }
        let (until, next) = whole[later % whole.len()];
        // Either may lie on the other side of the end of the week.
        let (over, length) = ((now + week - from) % week, (until + week - from) % week);
        factor + (next - factor) * over as f64 / length as f64
    }
}
