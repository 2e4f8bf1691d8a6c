//! By how much the model differs from servers, and whether that is too much.

use std::fmt::Write;

use super::play::{Case, Counts, Played};

/// How many standard deviations chance may make of a difference: of the 60 or so figures of a table, none is further off by
/// chance alone in 99 of 100 runs.
const CHANCE: f64 = 4.0;

/// Events from which they are compared in per cent.
const EVENTS: f64 = 1_000.0;

type Field = fn(&Counts) -> f64;

/// A figure that is compared: what it is called, how much it is, its unit in per cent or points of all requests,
/// and by how much the model may differ.
pub(super) struct Column {
    what: &'static str,
    of: Field,
    tolerance: f64,
    in_points: bool,
}

pub(super) const COLUMNS: [Column; 4] = [
    Column { what: "hits", of: |counts| counts.hits, tolerance: 0.5, in_points: true },
    Column { what: "evictions", of: |counts| counts.evicted, tolerance: 3.0, in_points: false },
    Column { what: "expirations", of: |counts| counts.expired, tolerance: 3.0, in_points: false },
    Column { what: "bytes of used_memory", of: |counts| counts.used, tolerance: 1.0, in_points: false },
];

/// By how much the model's mean differs from a live figure, and the standard deviation of that difference: the live
/// run is one draw of chance, the mean one of as many as there are seeds. In the column's unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    pub(super) error: f64,
    pub(super) chance: f64,
}

/// Mean of what several seeds gave, and the standard deviation of one.
fn spread(all: &[Counts], of: Field) -> (f64, f64) {
    let n = all.len() as f64;
    let mean = all.iter().map(of).sum::<f64>() / n;
    let squares: f64 = all.iter().map(|counts| (of(counts) - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

impl Difference {
    /// The mean of several; none of none.
    fn mean(all: &[Self]) -> Option<Self> {
        let n = all.len() as f64;
        let error = all.iter().map(|difference| difference.error).sum::<f64>() / n;
        let chance = all.iter().map(|difference| difference.chance.powi(2)).sum::<f64>().sqrt() / n;
        (!all.is_empty()).then_some(Self { error, chance })
    }
}

impl Column {
    /// `None` where there are too few events to be compared in per cent.
    fn compare(&self, requests: f64, live: &Counts, modelled: &[Counts]) -> Option<Difference> {
        let (live, (mean, deviation)) = ((self.of)(live), spread(modelled, self.of));
        let unit = if self.in_points { requests } else { live } / 100.0;
        let both = (1.0 + 1.0 / modelled.len() as f64).sqrt();
        (self.in_points || live >= EVENTS)
            .then(|| Difference { error: (mean - live) / unit, chance: both * deviation / unit })
    }

    /// How large a difference is accepted: the tolerance, or what chance may make of it where that is more.
    fn accepted(&self, Difference { chance, .. }: Difference) -> f64 {
        self.tolerance.max(CHANCE * chance)
    }

    /// What is wrong, if anything. Where more than `slack` times the tolerance would have to be accepted, the load is too
    /// small to tell anything.
    pub(super) fn judge(&self, whose: &str, difference: Difference, slack: f64) -> Option<String> {
        let (what, accepted) = (self.what, self.accepted(difference));
        let Difference { error, chance } = difference;
        if accepted > slack * self.tolerance {
            return Some(format!(
                "{whose}: chance makes {chance:.2} of the {what}, and more than {:.2} would be accepted",
                slack * self.tolerance
            ));
        }
        (error.abs() > accepted)
            .then(|| format!("{whose}: {what} differ by {error:+.2} ± {chance:.2}, more than {accepted:.2}"))
    }

    /// The difference as a table shows it; with a question mark if more than the tolerance is accepted.
    pub(super) fn show(&self, difference: Difference) -> String {
        let Difference { error, chance } = difference;
        let mark = if self.accepted(difference) > self.tolerance { " ?" } else { "" };
        format!("{error:+.2} ± {chance:.2}{mark}")
    }
}

impl Case<'_> {
    fn ttl_in_words(&self) -> String {
        self.ttl.map_or("none".to_owned(), |ttl| ttl.to_string())
    }

    /// Its policy, and what is not the default.
    fn in_words(&self) -> String {
        let settings = self.settings.iter().map(|(name, value)| format!(", {name} {value}"));
        std::iter::once(self.policy.to_owned()).chain(settings).collect()
    }
}

pub(super) const HEAD: &str = "\
| policy | TTL | hit ratio | model, points | evicted | model, % | expired | model, % | used_memory | model, % | refused | client late, ms | server answers, ms | expiry capped |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

/// A line of the table for each case, and what is wrong: in a case by itself, or in all of them on average, in which chance
/// evens out and a fault of the model does not. Of a case that was played several times, means are compared.
pub(super) fn compare(cases: &[Case<'_>], rounds: &[Vec<Played>], slack: f64) -> (String, Vec<String>) {
    let (mut table, mut wrong) = (String::new(), Vec::new());
    let mut all: [Vec<Difference>; 4] = Default::default();
    for (place, case) in cases.iter().enumerate() {
        let played: Vec<&Played> = rounds.iter().map(|round| &round[place]).collect();
        let requests = case.load.requests() as f64;
        let (policy, ttl) = (case.in_words(), case.ttl_in_words());
        let whose = format!("{policy}, TTL {ttl}");
        write!(table, "| {policy} | {ttl} |").expect("a text takes any line");
        let mut is_told_from_defaults = false;
        for (column, all) in COLUMNS.iter().zip(&mut all) {
            let own = mean(&played, |played| (column.of)(&played.live.counts));
            let own = if column.in_points {
                format!("{:.2} %", 100.0 * own / requests)
            } else {
                format!("{own:.0}")
            };
            let to = |modelled: fn(&Played) -> &[Counts]| -> Option<Difference> {
                let each = played.iter().filter(|played| !modelled(played).is_empty());
                let each = each.map(|played| column.compare(requests, &played.live.counts, modelled(played)));
                Difference::mean(&each.collect::<Option<Vec<_>>>()?)
            };
            let difference = to(|played| &played.modelled);
            let shown = difference.map_or("-".to_owned(), |difference| column.show(difference));
            write!(table, " {own} | {shown} |").expect("a text takes any line");
            wrong.extend(difference.and_then(|difference| column.judge(&whose, difference, slack)));
            is_told_from_defaults |=
                to(|played| &played.plain).is_some_and(|plain| plain.error.abs() > column.accepted(plain));
            all.extend(difference);
        }
        if !case.settings.is_empty() && !is_told_from_defaults {
            wrong
                .push(format!("{whose}: a model with the defaults is as near, so nothing is proved of them"));
        }
        let [late, answered] = [0, 1].map(|which| {
            let of = |played: &&Played| [played.live.lag, played.live.answer][which];
            let [usual, most] = [0, 1].map(|place| played.iter().map(|played| of(played)[place]).max());
            let millis = |time: Option<std::time::Duration>| 1e3 * time.unwrap_or_default().as_secs_f64();
            format!("{:.1} / {:.0}", millis(usual), millis(most))
        });
        let refused = mean(&played, |played| played.live.counts.refused);
        let capped = mean(&played, |played| played.live.capped as f64);
        writeln!(table, " {refused:.0} | {late} | {answered} | {capped:.0} |")
            .expect("a text takes any line");
    }
    let seconds = cases[0].load.length.as_secs();
    writeln!(table, "\nPlays of each case: {}, of {seconds} s.", rounds.len())
        .expect("a text takes any line");
    for (column, all) in COLUMNS.iter().zip(&all) {
        let Some(difference) = Difference::mean(all) else { continue };
        let (n, what, shown) = (all.len(), column.what, column.show(difference));
        writeln!(table, "\nOn average over {n} cases, {what} differ by {shown}.")
            .expect("a text takes any line");
        wrong.extend(column.judge("on average", difference, 1.0));
    }
    (table, wrong)
}

fn mean(played: &[&Played], of: impl Fn(&Played) -> f64) -> f64 {
    played.iter().map(|played| of(played)).sum::<f64>() / played.len() as f64
}
