//! How the measures of a cell changed from one run to the other.

use super::super::format;
use super::super::measure::{
    BYTE_HIT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, ORIGIN_BYTES, ORIGIN_OFFLOAD, ORIGIN_RATE, OVER_BOUND,
    P95_AGE, P99, PEAK_ORIGIN_RATE, STAMPEDES, Unit,
};
use super::super::reading::{self, Change};
use crate::record::{Cell, Record};
use crate::score::{Estimate, step_of};

/// The measures by which two runs are compared. How current answers are is known where images change.
pub(super) const MEASURES: [&Measure; 12] = [
    &FRESH_HIT,
    &BYTE_HIT,
    &ORIGIN_OFFLOAD,
    &MEMORY,
    &ORIGIN_RATE,
    &ORIGIN_BYTES,
    &PEAK_ORIGIN_RATE,
    &STAMPEDES,
    &P99,
    &FRESH_SHARE,
    &P95_AGE,
    &OVER_BOUND,
];

/// Those that nobody knows of a run in which nothing changes.
pub(super) const OF_CHANGES: [&str; 3] = ["fresh_share", "p95_age_s", "over_bound_share"];

/// A cell of both runs.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) before: &'a Cell,
    pub(super) after: &'a Cell,
    /// One for each of [`MEASURES`] that both have.
    pub(super) shifts: Vec<Shift>,
}

/// How one measure of a cell changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    pub(super) measure: &'static Measure,
    /// The cells' own values.
    pub(super) before: f64,
    pub(super) after: f64,
    /// From the one to the other, over replications where these are told.
    pub(super) change: Change,
    /// Where the interval is from; `None` without one.
    pub(super) from: Option<Source>,
}

/// Where the interval of a difference is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// So many replications of both runs, each with its own match.
    Pairs(usize),
    /// Two sets of replications, each with its own spread (Welch).
    Sets,
}

impl<'a> Pair<'a> {
    pub(super) fn of([before, after]: [&'a Cell; 2], records: [&Record; 2], same_requests: bool) -> Self {
        let shortest = records.iter().map(|record| record.provenance.scored_s).fold(f64::INFINITY, f64::min);
        let shift = |measure: &&'static Measure| {
            Shift::of(measure, [before, after], step_of(measure.key, shortest), same_requests)
        };
        Self { before, after, shifts: MEASURES.iter().filter_map(shift).collect() }
    }
}

impl Shift {
    fn of(
        measure: &'static Measure,
        [before, after]: [&Cell; 2],
        step: f64,
        same_requests: bool,
    ) -> Option<Self> {
        let own = (measure.of(before)?, measure.of(after)?);
        // A record from before a measure was kept by replication: its difference would look as sure as those beside it.
        let is_older = |cell: &&Cell| {
            let of = &cell.by_replication;
            of.contains_key(ORIGIN_RATE.key) && !of.contains_key(measure.key)
        };
        if [before, after].iter().any(is_older) {
            return None;
        }
        let pairs = if same_requests { reading::pairs(before, after, measure) } else { Vec::new() };
        let [then, now] = [before, after].map(|cell| reading::values(cell, measure));
        let of_sets = Estimate::of_independent(&now, &then, step);
        // A single pair tells nothing of the spread, as two sets may.
        let enough = pairs.len() > 1 || of_sets.is_none_or(|estimate| estimate.interval.is_none());
        let (estimate, base, from) = if !pairs.is_empty() && enough {
            let differences: Vec<f64> = pairs.iter().map(|(then, now)| now - then).collect();
            let base = reading::mean(pairs.iter().map(|(then, _)| *then));
            (Estimate::of_differences(&differences, step), base, Source::Pairs(pairs.len()))
        } else {
            (of_sets, reading::mean(then.into_iter()), Source::Sets)
        };
        let change = Change::between(own, estimate, base);
        let from = change.interval.map(|_| from);
        Some(Self { measure, before: own.0, after: own.1, change, from })
    }

    /// Whether the change is for the better; `None` where there is none, or chance may explain it.
    pub(super) fn is_better(&self) -> Option<bool> {
        let wanted = self.measure.better?;
        let Change { difference, interval, indistinguishable, .. } = self.change;
        let changed = indistinguishable == Some(false) || (interval.is_none() && difference != 0.0);
        changed.then(|| difference.total_cmp(&0.0) == wanted)
    }

    /// Whether nothing changed in any replication.
    pub(super) fn is_unchanged(&self) -> bool {
        let spread = self.change.interval.is_some_and(|interval| interval.low < interval.high);
        self.change.difference == 0.0 && !spread
    }

    /// The same for people: what rounds to nothing is for neither, however certain it is.
    pub(super) fn tells(&self) -> Option<bool> {
        self.is_better().filter(|_| !self.amount().starts_with('±'))
    }

    /// The difference with its sign: `+3.2 points`, `-41 %`.
    pub(super) fn amount(&self) -> String {
        match (self.measure.unit, self.change.relative) {
            (Unit::Share, _) => format::points(self.change.difference),
            (_, Some(relative)) => format::relative(relative),
            (unit, None) => format!("+{}", unit.print(Some(self.change.difference))),
        }
    }

    /// `▲ +3.2 points, better`, `▼ -41 %, worse`, `indistinguishable`, `unchanged`.
    pub(super) fn words(&self) -> String {
        if self.is_unchanged() {
            return "unchanged".into();
        }
        if self.change.indistinguishable == Some(true) {
            return "indistinguishable".into();
        }
        let amount = self.amount();
        let tone = match self.tells() {
            Some(true) => ", better",
            Some(false) => ", worse",
            None => "",
        };
        let arrow = if amount.starts_with('±') { "" } else { format::arrow(self.change.difference) };
        format!("{arrow}{amount}{tone}")
    }
}
