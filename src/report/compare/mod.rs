//! Two runs side by side: did last quarter's choice hold?
//!
//! Cells are matched by their ids. Where both runs met the same requests with the same seed, differences are paired
//! by replication; else the two sets of replications are independent.

mod fail_on;
mod html;
mod markdown;
mod settings;
mod terminal;

use serde_json::json;

use super::measure::{
    BYTE_HIT, FRESH_HIT, MEMORY, Measure, ORIGIN_OFFLOAD, ORIGIN_RATE, P99, PEAK_ORIGIN_RATE, STAMPEDES, Unit,
};
use super::reading::{self, Reading};
use super::{format, verdict};
use crate::record::{Cell, Provenance, Record};
use crate::score::{Estimate, Interval};

pub use fail_on::{FailOn, FailOnError};
use settings::settings;

/// The measures by which two runs are compared.
const MEASURES: [&Measure; 8] =
    [&FRESH_HIT, &BYTE_HIT, &ORIGIN_OFFLOAD, &MEMORY, &ORIGIN_RATE, &PEAK_ORIGIN_RATE, &STAMPEDES, &P99];

/// Two runs side by side.
#[derive(Debug)]
pub struct Comparison<'a> {
    before: &'a Record,
    after: &'a Record,
    /// Cells that both have, in the order of the later run.
    pairs: Vec<Pair<'a>>,
    /// Cells that only one has.
    only_before: Vec<&'a Cell>,
    only_after: Vec<&'a Cell>,
    /// What differs between the scenarios: the setting, before and after.
    settings: Vec<(String, String, String)>,
    /// Whether replications with equal numbers met the same requests.
    paired: bool,
}

/// A cell of both runs.
#[derive(Debug)]
struct Pair<'a> {
    before: &'a Cell,
    after: &'a Cell,
    /// One for each of [`MEASURES`] that both have.
    shifts: Vec<Shift>,
}

/// How one measure of a cell changed.
#[derive(Debug, Clone, Copy)]
struct Shift {
    measure: &'static Measure,
    before: f64,
    after: f64,
    difference: f64,
    /// The 95 % interval of the difference; `None` with a single replication.
    interval: Option<Interval>,
}

impl<'a> Comparison<'a> {
    /// Compares two runs.
    pub fn of(before: &'a Record, after: &'a Record) -> Self {
        // Samples are of the same keys where seed, share and number are the same.
        let share = |record: &Record| {
            record.sample.as_ref().map(|sample| (sample.rate.to_bits(), sample.samples_of_one_trace))
        };
        let paired = before.trace.sha256 == after.trace.sha256
            && before.scenario.seed == after.scenario.seed
            && share(before) == share(after)
            && (!before.trace.recorded || before.sample.is_some());
        let same = |cell: &Cell, record: &'a Record| record.cells.iter().find(|other| other.id == cell.id);
        let pairs = after.cells.iter().filter_map(|cell| Some(Pair::of(same(cell, before)?, cell, paired)));
        Self {
            pairs: pairs.collect(),
            only_before: before.cells.iter().filter(|cell| same(cell, after).is_none()).collect(),
            only_after: after.cells.iter().filter(|cell| same(cell, before).is_none()).collect(),
            settings: settings(&before.scenario.effective, &after.scenario.effective),
            before,
            after,
            paired,
        }
    }

    /// As text for a terminal that is `width` characters wide.
    pub fn terminal(&self, width: usize) -> String {
        terminal::text(self, width)
    }

    /// As markdown, for a merge request.
    pub fn markdown(&self) -> String {
        markdown::text(self)
    }

    /// As a page of its own.
    pub fn html(&self) -> String {
        html::page(self)
    }

    /// As one JSON document.
    pub fn json(&self) -> String {
        let shift = |shift: &Shift| {
            json!({
                "metric": shift.measure.key, "before": shift.before, "after": shift.after,
                "difference": shift.difference,
                "low": shift.interval.map(|interval| interval.low),
                "high": shift.interval.map(|interval| interval.high),
                "indistinguishable": shift.indistinguishable(),
            })
        };
        let pair = |pair: &Pair| {
            json!({
                "cell": pair.after.id, "strategy": pair.after.strategy, "capacity": pair.after.capacity,
                "changes": pair.shifts.iter().map(shift).collect::<Vec<_>>(),
            })
        };
        let ids = |cells: &[&Cell]| cells.iter().map(|cell| cell.id.clone()).collect::<Vec<_>>();
        let setting = |(name, before, after): &(String, String, String)| json!({"name": name, "before": before, "after": after});
        let document = json!({
            "before": self.before.scenario.name, "after": self.after.scenario.name,
            "summary": self.summary(),
            "paired": self.paired,
            "settings": self.settings.iter().map(setting).collect::<Vec<_>>(),
            "only_before": ids(&self.only_before), "only_after": ids(&self.only_after),
            "cells": self.pairs.iter().map(pair).collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    /// The sentences that come first: what is recommended now, and how much changed.
    fn summary(&self) -> Vec<String> {
        let recommended = |record: &Record| {
            let reading = Reading::new(record);
            reading.winner().map(reading::name)
        };
        let choice = match (recommended(self.before), recommended(self.after)) {
            (Some(before), Some(after)) if before == after => format!("Both runs recommend {after}."),
            (Some(before), Some(after)) => format!("The choice changed: {before} before, {after} now."),
            (Some(before), None) => {
                format!("Before, {before} was recommended; now no cell passes every gate.")
            }
            (None, Some(after)) => format!("Before, no cell passed every gate; now {after} is recommended."),
            (None, None) => "No cell passes every gate, before or now.".into(),
        };
        let count = |better: bool| {
            let told = self.pairs.iter().flat_map(|pair| &pair.shifts);
            told.filter(|shift| shift.tells() == Some(better)).count()
        };
        let looked_at = self.pairs.iter().map(|pair| pair.shifts.len()).sum::<usize>();
        let told = self.pairs.iter().flat_map(|pair| &pair.shifts);
        let alike = told.filter(|shift| shift.indistinguishable() == Some(true)).count();
        let changes = if self.pairs.is_empty() {
            "The runs have no cell in common, so nothing can be compared.".into()
        } else {
            format!(
                "Of {looked_at} measures in {} cells, {} are better, {} worse and {alike} indistinguishable.",
                self.pairs.len(),
                count(true),
                count(false),
            )
        };
        [Some(choice), Some(changes), self.certainty(), self.warmups()].into_iter().flatten().collect()
    }

    /// What is to be said where the two runs do not score the same stretch of time.
    fn warmups(&self) -> Option<String> {
        let (before, now) = (&self.before.provenance, &self.after.provenance);
        let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
        if same(before.warmup_s, now.warmup_s) && same(before.scored_s, now.scored_s) {
            return None;
        }
        let told = |how: &Provenance| {
            format!(
                "{} after a warm-up of {}",
                format::duration(how.scored_s),
                format::duration(how.warmup_s)
            )
        };
        Some(format!("They score different stretches: before {}, now {}.", told(before), told(now)))
    }

    /// How sure the differences are; `None` where there are none.
    fn certainty(&self) -> Option<String> {
        if self.pairs.is_empty() {
            return None;
        }
        let told = if self.pairs.iter().flat_map(|pair| &pair.shifts).all(|shift| shift.interval.is_none()) {
            "One replication or recording each, so no intervals; differences may be chance."
        } else if self.paired {
            "Both runs met the same requests, so differences are paired by replication; intervals are 95 %. With so many \
             measures about one in twenty may seem real by chance."
        } else {
            "The runs met different requests, so their replications are independent; intervals are 95 % (Welch). With so \
             many measures about one in twenty may seem real by chance."
        };
        Some(told.into())
    }

    /// The verdicts of both runs.
    fn verdicts(&self) -> [(&'static str, String); 2] {
        let of = |record: &Record| verdict::verdict(&Reading::new(record)).sentence;
        [("before", of(self.before)), ("now", of(self.after))]
    }
}

impl<'a> Pair<'a> {
    fn of(before: &'a Cell, after: &'a Cell, paired: bool) -> Self {
        let shift = |measure: &&'static Measure| Shift::of(measure, before, after, paired);
        Self { before, after, shifts: MEASURES.iter().filter_map(shift).collect() }
    }
}

impl Shift {
    fn of(measure: &'static Measure, before: &Cell, after: &Cell, paired: bool) -> Option<Self> {
        let (was, is) = (measure.of(before)?, measure.of(after)?);
        let values = |cell: &Cell| -> Option<Vec<f64>> {
            cell.by_replication.get(measure.key)?.iter().copied().collect()
        };
        let estimate = values(before).zip(values(after)).and_then(|(these, those)| {
            if paired && these.len() == those.len() {
                let differences: Vec<f64> = those.iter().zip(&these).map(|(now, then)| now - then).collect();
                Estimate::of(&differences)
            } else {
                Estimate::of_independent(&those, &these)
            }
        });
        let interval = estimate.and_then(|estimate| estimate.interval);
        Some(Self { measure, before: was, after: is, difference: is - was, interval })
    }

    /// Whether the interval holds 0; `None` without one.
    fn indistinguishable(&self) -> Option<bool> {
        self.interval.map(|interval| interval.low <= 0.0 && interval.high >= 0.0)
    }

    /// Whether the change is for the better; `None` where there is none, or chance may explain it.
    fn is_better(&self) -> Option<bool> {
        let wanted = self.measure.better?;
        let changed =
            self.indistinguishable() == Some(false) || (self.interval.is_none() && self.difference != 0.0);
        changed.then(|| self.difference.total_cmp(&0.0) == wanted)
    }

    /// The same for people: what rounds to nothing is for neither, however certain it is.
    fn tells(&self) -> Option<bool> {
        self.is_better().filter(|_| !self.amount().starts_with('±'))
    }

    /// The difference with its sign: `+3.2 points`, `-41 %`.
    fn amount(&self) -> String {
        match (self.measure.unit, self.relative()) {
            (Unit::Share, _) => format::points(self.difference),
            (_, Some(relative)) => format::relative(relative),
            (unit, None) => format!("+{}", unit.print(Some(self.difference))),
        }
    }

    /// The difference as a share of what was; `None` where that is 0.
    fn relative(&self) -> Option<f64> {
        (self.before != 0.0).then(|| self.difference / self.before.abs())
    }

    /// `▲ +3.2 points, better`, `▼ -41 %, worse`, `indistinguishable`, `unchanged`.
    fn words(&self) -> String {
        if self.difference == 0.0 {
            return "unchanged".into();
        }
        if self.indistinguishable() == Some(true) {
            return "indistinguishable".into();
        }
        let amount = self.amount();
        let tone = match self.tells() {
            Some(true) => ", better",
            Some(false) => ", worse",
            None => "",
        };
        let arrow = if amount.starts_with('±') { "" } else { format::arrow(self.difference) };
        format!("{arrow}{amount}{tone}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    /// `thumbnails` with replications, and the same with other fresh hits.
    pub(super) fn runs(shift: impl Fn(usize) -> f64) -> (Record, Record) {
        let mut before = fixture::thumbnails();
        for cell in &mut before.cells {
            let hit = cell.ratios.fresh_hit.mean.unwrap();
            let of = (0..5_u32).map(|n| Some(hit + f64::from(n) * 0.002)).collect();
            cell.by_replication.insert("fresh_hit".into(), of);
        }
        let mut after = before.clone();
        for cell in &mut after.cells {
            let values = cell.by_replication.get_mut("fresh_hit").unwrap();
            for (n, value) in values.iter_mut().enumerate() {
                *value = value.map(|value| value + shift(n));
            }
            let known: Vec<f64> = values.iter().flatten().copied().collect();
            cell.ratios.fresh_hit.mean = Some(known.iter().sum::<f64>() / 5.0 - 0.004);
        }
        (before, after)
    }

    fn fresh<'c>(comparison: &'c Comparison) -> &'c Shift {
        comparison.pairs[0].shifts.iter().find(|shift| shift.measure.key == "fresh_hit").unwrap()
    }

    #[test]
    fn paired_runs_tell_a_small_difference_and_independent_ones_do_not() {
        let (before, mut after) = runs(|n| 0.001 + if n % 2 == 0 { 1e-5 } else { -1e-5 });
        let comparison = Comparison::of(&before, &after);
        assert!(comparison.paired);
        assert_eq!(fresh(&comparison).indistinguishable(), Some(false));
        assert_eq!(fresh(&comparison).is_better(), Some(true));
        after.trace.sha256 = "other".into();
        let comparison = Comparison::of(&before, &after);
        assert_eq!(fresh(&comparison).words(), "indistinguishable");
    }

    #[test]
    fn what_rounds_to_nothing_is_neither_better_nor_worse() {
        let (before, mut after) = runs(|_| 0.0);
        after.cells[0].memory.mean_bytes *= 1.0 - 1e-5;
        let comparison = Comparison::of(&before, &after);
        let shift = comparison.pairs[0].shifts.iter().find(|shift| shift.measure.key == "memory").unwrap();
        assert_eq!((shift.words().as_str(), shift.tells(), shift.is_better()), ("±0 %", None, Some(true)));
        assert!(comparison.summary()[1].contains(" 0 are better, 0 worse"), "{:?}", comparison.summary());
    }

    #[test]
    fn another_warm_up_is_told() {
        let (before, mut after) = runs(|_| 0.0);
        assert_eq!(Comparison::of(&before, &after).summary().len(), 3);
        (after.provenance.warmup_s, after.provenance.scored_s) = (3_600.0, 18_000.0);
        assert_eq!(
            Comparison::of(&before, &after).summary()[3],
            "They score different stretches: before 5 h 30 min after a warm-up of 30 min, now 5 h after a warm-up of 1 h."
        );
    }

    #[test]
    fn every_form_holds_for_awkward_records() {
        let thumbnails = fixture::thumbnails();
        for (name, record) in fixture::all() {
            for (a, b) in [(&record, &thumbnails), (&thumbnails, &record), (&record, &record)] {
                let comparison = Comparison::of(a, b);
                let forms =
                    [comparison.terminal(80), comparison.json(), comparison.markdown(), comparison.html()];
                for text in &forms {
                    let body = text.replace("Number.isNaN", "").replace(": NaN", "");
                    assert!(!body.contains("NaN") && !body.contains("Some("), "{name}");
                }
                for wrong in ["<script>alert", "<img", "<svg onload"] {
                    assert!(!forms[2].contains(wrong) && !forms[3].contains(wrong), "{name}: {wrong}");
                }
            }
        }
    }

    #[test]
    fn a_comparison_reads_well() {
        let (before, mut after) = runs(|n| 0.01 + if n == 0 { 1e-4 } else { 0.0 });
        after.cells.remove(1);
        after.scenario.seed = 42;
        after.scenario.effective["seed"] = json!(43);
        after.scoring.winner = Some(3);
        after.scoring.indistinguishable.clear();
        let comparison = Comparison::of(&before, &after);
        insta::assert_snapshot!("comparison_in_a_terminal", comparison.terminal(80));
        insta::assert_snapshot!("comparison_in_markdown", comparison.markdown());
    }
}
