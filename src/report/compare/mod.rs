//! Two runs side by side: did last quarter's choice hold?
//!
//! Cells are matched by their ids. Where both runs met the same requests with the same seed, differences are paired by the
//! number of the replication, over those that both have; else, and where they share fewer than two, the two sets of
//! replications are taken for independent.

mod fail_on;
mod html;
mod markdown;
mod settings;
mod terminal;

use serde_json::json;

use super::measure::{
    BYTE_HIT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, ORIGIN_BYTES, ORIGIN_OFFLOAD, ORIGIN_RATE, OVER_BOUND,
    P95_AGE, P99, PEAK_ORIGIN_RATE, STAMPEDES, Unit,
};
use super::reading::{self, Change, Names, Reading};
use super::{format, measure, verdict};
use crate::record::{Cell, Provenance, Record};
use crate::score::{Estimate, step_of};

pub use fail_on::{FailOn, FailOnError, Failure};
use settings::settings;

/// The measures by which two runs are compared. How current answers are is known where images change.
const MEASURES: [&Measure; 12] = [
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
const OF_CHANGES: [&str; 3] = ["fresh_share", "p95_age_s", "over_bound_share"];

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
    same_requests: bool,
    /// How the cells of both are called.
    names: Names,
    /// What may become worse by how much, as it was written.
    limits: Vec<String>,
    /// Where that was exceeded, or cannot be checked.
    failures: Vec<Failure>,
    /// Where that was exceeded, but chance may explain it.
    doubts: Vec<String>,
}

/// A cell of both runs.
#[derive(Debug)]
struct Pair<'a> {
    before: &'a Cell,
    after: &'a Cell,
    /// One for each of [`MEASURES`] that both have.
    shifts: Vec<Shift>,
}

/// A cell whose gates are not all as they were.
#[derive(Debug)]
struct Turned<'a> {
    cell: &'a Cell,
    /// What it fails or passes now, with its name.
    words: String,
    /// The gates that it passed before and fails now, in words.
    failed: Vec<String>,
}

/// How one measure of a cell changed.
#[derive(Debug, Clone, Copy)]
struct Shift {
    measure: &'static Measure,
    /// The cells' own values.
    before: f64,
    after: f64,
    /// From the one to the other, over replications where these are told.
    change: Change,
    /// Where the interval is from; `None` without one.
    from: Option<Source>,
}

/// Where the interval of a difference is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// So many replications of both runs, each with its own match.
    Pairs(usize),
    /// Two sets of replications, each with its own spread (Welch).
    Sets,
}

impl<'a> Comparison<'a> {
    /// Compares two runs.
    pub fn of(before: &'a Record, after: &'a Record) -> Self {
        // Samples are of the same keys where seed, share and number are the same.
        let share = |record: &Record| {
            record.sample.as_ref().map(|sample| (sample.rate.to_bits(), sample.samples_of_one_trace))
        };
        let same_requests = before.trace.sha256 == after.trace.sha256
            && before.scenario.seed == after.scenario.seed
            && share(before) == share(after)
            && (!before.trace.recorded || before.sample.is_some());
        let same = |cell: &Cell, record: &'a Record| record.cells.iter().find(|other| other.id == cell.id);
        let pairs = after
            .cells
            .iter()
            .filter_map(|cell| Some(Pair::of([same(cell, before)?, cell], [before, after], same_requests)));
        Self {
            pairs: pairs.collect(),
            only_before: before.cells.iter().filter(|cell| same(cell, after).is_none()).collect(),
            only_after: after.cells.iter().filter(|cell| same(cell, before).is_none()).collect(),
            settings: settings(&before.scenario.effective, &after.scenario.effective),
            names: Names::of(before.cells.iter().chain(&after.cells)),
            before,
            after,
            same_requests,
            limits: Vec::new(),
            doubts: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// The measures that are told: those of which no pair has data only where they are known of every run.
    fn measures(&self) -> Vec<&'static Measure> {
        let known = |measure: &&Measure| {
            let is_known = |shift: &Shift| shift.measure.key == measure.key;
            !OF_CHANGES.contains(&measure.key)
                || self.pairs.iter().any(|pair| pair.shifts.iter().any(is_known))
        };
        MEASURES.into_iter().filter(known).collect()
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
                "difference": shift.change.difference,
                "low": shift.change.interval.map(|interval| interval.low),
                "high": shift.change.interval.map(|interval| interval.high),
                "indistinguishable": shift.change.indistinguishable,
                "paired": shift.from.map(|from| from != Source::Sets),
            })
        };
        let pair = |pair: &Pair| {
            json!({
                "cell": pair.after.id, "strategy": pair.after.strategy, "eviction": pair.after.eviction,
                "capacity": pair.after.capacity,
                "changes": pair.shifts.iter().map(shift).collect::<Vec<_>>(),
            })
        };
        let ids = |cells: &[&Cell]| cells.iter().map(|cell| cell.id.clone()).collect::<Vec<_>>();
        let setting = |(name, before, after): &(String, String, String)| json!({"name": name, "before": before, "after": after});
        let document = json!({
            "before": self.before.scenario.name, "after": self.after.scenario.name,
            "summary": self.summary(),
            "paired": self.is_paired(),
            "fail_on": self.limits,
            "doubts": self.doubts,
            "gates": self.turned().iter().map(Turned::json).collect::<Vec<_>>(),
            "failures": self.failures.iter().map(Failure::json).collect::<Vec<_>>(),
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
            reading.winner().map(|winner| self.names.cell(winner))
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
        let unsure = |shift: &&Shift| shift.change.indistinguishable == Some(true) && !shift.is_unchanged();
        let alike = told.filter(unsure).count();
        let changes = if self.pairs.is_empty() {
            "The runs have no cell in common, so nothing can be compared.".into()
        } else {
            let (better, worse) = (count(true), count(false));
            format!(
                "Of {looked_at} measures in {} cells, {better} are better, {worse} worse, {alike} indistinguishable and {} the same.",
                self.pairs.len(),
                looked_at - better - worse - alike,
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

    /// The cells whose gates turned, with what they pass or fail now, and whether they fail any anew.
    fn turned(&self) -> Vec<Turned<'a>> {
        self.pairs.iter().filter_map(|pair| Turned::of(pair, self.names)).collect()
    }

    /// How sure the differences are; `None` where there are none.
    fn certainty(&self) -> Option<String> {
        if self.pairs.is_empty() {
            return None;
        }
        let sources = self.sources();
        let several = |pair: &Pair| pair.before.replications.max(pair.after.replications) > 1;
        if sources.is_empty() {
            let told = if self.pairs.iter().any(several) {
                "The replications of the two runs give no interval; differences may be chance."
            } else {
                "One replication or recording each, so no intervals; differences may be chance."
            };
            return Some(told.into());
        }
        let sets = "replications are taken for independent";
        let how = if self.is_paired() {
            let (least, most) = (self.fewest_pairs(), self.most_replications());
            let over = if least < most {
                format!(" over those that both have, {least} at least")
            } else {
                String::new()
            };
            format!(
                "Both runs met the same requests, so differences are paired by replication{over}; intervals are 95 %."
            )
        } else if sources.iter().any(|from| *from != Source::Sets) {
            format!(
                "Both runs met the same requests, so differences are paired by replication; where two cells share fewer than \
                 two, their {sets}. Intervals are 95 % (Welch where not paired)."
            )
        } else if self.same_requests {
            format!(
                "The runs share fewer than two replications, so their {sets}; intervals are 95 % (Welch)."
            )
        } else {
            "The runs met different requests, so their replications are independent; intervals are 95 % (Welch).".into()
        };
        Some(format!("{how} With so many measures about one in twenty may seem real by chance."))
    }

    /// Where the intervals of all differences are from.
    fn sources(&self) -> Vec<Source> {
        self.pairs.iter().flat_map(|pair| &pair.shifts).filter_map(|shift| shift.from).collect()
    }

    /// Whether there are intervals and all are of paired replications.
    fn is_paired(&self) -> bool {
        let sources = self.sources();
        !sources.is_empty() && sources.iter().all(|from| *from != Source::Sets)
    }

    /// The fewest pairs behind an interval.
    fn fewest_pairs(&self) -> usize {
        let pairs = |from: Source| if let Source::Pairs(pairs) = from { Some(pairs) } else { None };
        self.sources().into_iter().filter_map(pairs).min().unwrap_or(0)
    }

    /// The most replications that a cell of both runs has.
    fn most_replications(&self) -> usize {
        let most = self.pairs.iter().map(|pair| pair.before.replications.max(pair.after.replications)).max();
        most.map_or(0, |most| most as usize)
    }

    /// The verdicts of both runs.
    fn verdicts(&self) -> [(&'static str, String); 2] {
        let of = |record: &Record| verdict::verdict(&Reading::new(record)).sentence;
        [("before", of(self.before)), ("now", of(self.after))]
    }
}

impl<'a> Turned<'a> {
    fn of(pair: &Pair<'a>, names: Names) -> Option<Self> {
        let gates = || {
            pair.after.gates.iter().filter_map(|(name, now)| Some((name, pair.before.gates.get(name)?, now)))
        };
        let turned = |fails: bool| -> Vec<String> {
            let of = gates().filter(|(_, before, now)| before.pass == fails && now.pass != fails);
            of.map(|(name, before, now)| {
                let was = measure::gate_value(name, before);
                format!("{}; before {was}", measure::gate_words(name, now))
            })
            .collect()
        };
        let (failed, passed) = (turned(true), turned(false));
        let parts = [("now FAILS", &failed), ("now passes", &passed)].into_iter();
        let parts = parts.filter(|(_, gates)| !gates.is_empty());
        let words: Vec<String> =
            parts.map(|(what, gates)| format!("{what} {}", gates.join(", and "))).collect();
        (!words.is_empty()).then(|| Self {
            cell: pair.after,
            words: format!(
                "{}: {}",
                format::shortened(&names.cell(pair.after), 2 * format::LONGEST_NAME),
                words.join("; ")
            ),
            failed,
        })
    }

    fn json(&self) -> serde_json::Value {
        json!({"cell": self.cell.id, "what": self.words, "fails": !self.failed.is_empty()})
    }
}

impl<'a> Pair<'a> {
    fn of([before, after]: [&'a Cell; 2], records: [&Record; 2], same_requests: bool) -> Self {
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
    fn is_better(&self) -> Option<bool> {
        let wanted = self.measure.better?;
        let Change { difference, interval, indistinguishable, .. } = self.change;
        let changed = indistinguishable == Some(false) || (interval.is_none() && difference != 0.0);
        changed.then(|| difference.total_cmp(&0.0) == wanted)
    }

    /// Whether nothing changed in any replication.
    fn is_unchanged(&self) -> bool {
        let spread = self.change.interval.is_some_and(|interval| interval.low < interval.high);
        self.change.difference == 0.0 && !spread
    }

    /// The same for people: what rounds to nothing is for neither, however certain it is.
    fn tells(&self) -> Option<bool> {
        self.is_better().filter(|_| !self.amount().starts_with('±'))
    }

    /// The difference with its sign: `+3.2 points`, `-41 %`.
    fn amount(&self) -> String {
        match (self.measure.unit, self.change.relative) {
            (Unit::Share, _) => format::points(self.change.difference),
            (_, Some(relative)) => format::relative(relative),
            (unit, None) => format!("+{}", unit.print(Some(self.change.difference))),
        }
    }

    /// `▲ +3.2 points, better`, `▼ -41 %, worse`, `indistinguishable`, `unchanged`.
    fn words(&self) -> String {
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
        assert!(comparison.is_paired());
        assert_eq!(fresh(&comparison).change.indistinguishable, Some(false));
        assert_eq!(fresh(&comparison).is_better(), Some(true));
        after.trace.sha256 = "other".into();
        let comparison = Comparison::of(&before, &after);
        assert_eq!(fresh(&comparison).words(), "indistinguishable");
    }

    /// Gives every cell these fresh hits by replication.
    fn set(record: &mut Record, values: &[Option<f64>]) {
        for cell in &mut record.cells {
            cell.by_replication.insert("fresh_hit".into(), values.to_vec());
            cell.replications = u32::try_from(values.iter().flatten().count()).unwrap();
        }
    }

    #[test]
    fn replications_are_paired_by_their_number_over_those_that_both_have() {
        let (mut before, mut after) = runs(|_| 0.0);
        // The second replication of one run and the third of the other are missing.
        set(&mut before, &[Some(0.1), None, Some(0.3), Some(0.4)]);
        set(&mut after, &[Some(0.11), Some(0.9), None, Some(0.4101)]);
        let comparison = Comparison::of(&before, &after);
        let shift = fresh(&comparison);
        assert_eq!(shift.from, Some(Source::Pairs(2)));
        assert!((shift.change.difference - 0.010_05).abs() < 1e-12, "{shift:?}");
        assert!(
            comparison.summary()[2].contains("paired by replication over those that both have, 2 at least;")
        );
        // A longer run is paired over the replications of the shorter one.
        set(&mut after, &[0.2, 0.0, 0.401, 0.5, 0.9, 0.9].map(Some));
        set(&mut before, &[0.1, 0.0, 0.3, 0.4].map(Some));
        let comparison = Comparison::of(&before, &after);
        assert_eq!((fresh(&comparison).from, comparison.is_paired()), (Some(Source::Pairs(4)), true));
    }

    #[test]
    fn paired_is_said_only_where_it_was_done() {
        let (mut before, mut after) = runs(|_| 0.0);
        set(&mut before, &[Some(0.1), Some(0.2), None]);
        set(&mut after, &[None, Some(0.2), Some(0.3)]);
        let comparison = Comparison::of(&before, &after);
        assert_eq!(fresh(&comparison).from, Some(Source::Sets));
        let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
        assert_eq!(
            (&json["paired"], &json["cells"][0]["changes"][0]["paired"]),
            (&json!(false), &json!(false))
        );
        let words = comparison.summary()[2].clone();
        assert!(words.starts_with("The runs share fewer than two replications, so"), "{words}");
        // Where only some cells share enough of them, both is said.
        before.cells[0].by_replication.insert("fresh_hit".into(), vec![None, Some(0.1), Some(0.2)]);
        let comparison = Comparison::of(&before, &after);
        assert_eq!(fresh(&comparison).from, Some(Source::Pairs(2)));
        assert!(!comparison.is_paired());
        let words = comparison.summary()[2].clone();
        assert!(
            words.contains("where two cells share fewer than two, their replications are taken"),
            "{words}"
        );
        // One replication against several has no interval.
        set(&mut before, &[Some(0.1)]);
        set(&mut after, &[Some(0.1), Some(0.2)]);
        let words = Comparison::of(&before, &after).summary()[2].clone();
        assert!(words.starts_with("The replications of the two runs give no interval"), "{words}");
    }

    #[test]
    fn a_difference_lies_in_its_interval_and_gives_the_direction() {
        let (mut before, mut after) = runs(|_| 0.0);
        let waits = |values: [f64; 4]| values.map(Some).to_vec();
        for (record, values, pooled) in [
            (&mut before, waits([100.0, 110.0, 120.0, 130.0]), 120.0),
            // Every replication waits 20 ms longer, though the quantile of all waits together is the same.
            (&mut after, waits([120.0, 130.0, 140.0, 150.1]), 120.0),
        ] {
            for cell in &mut record.cells {
                cell.by_replication.insert("p99".into(), values.clone());
                cell.latency_ms.p99 = Some(pooled);
            }
        }
        let comparison = Comparison::of(&before, &after);
        let shift = comparison.pairs[0].shifts.iter().find(|shift| shift.measure.key == "p99").unwrap();
        assert_eq!((shift.words().as_str(), shift.is_better()), ("▲ +17 %, worse", Some(false)));
        let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
        let changes = json["cells"][0]["changes"].as_array().unwrap();
        let p99 = changes.iter().find(|change| change["metric"] == "p99").unwrap();
        let of = |name: &str| p99[name].as_f64().unwrap();
        assert!(of("low") <= of("difference") && of("difference") <= of("high"), "{p99}");
    }

    #[test]
    fn markdown_says_how_many_cells_it_leaves_out() {
        let (many, one) = (fixture::five_hundred(), fixture::one_cell());
        let text = Comparison::of(&many, &one).markdown();
        let only = text.lines().find(|line| line.starts_with("Only before: ")).unwrap();
        assert!(only.ends_with(" and 440 more, which the JSON form names."), "{only}");
        assert!(text.contains("\nOnly now: only at 64 MiB.\n"), "{text}");
    }

    #[test]
    fn cells_of_several_policies_are_told_apart() {
        let before = fixture::policies();
        let mut after = before.clone();
        after.cells[3].ratios.fresh_hit.mean = Some(0.5);
        after.scoring.winner = Some(1);
        after.cells.pop();
        let comparison = Comparison::of(&before, &after);
        let choice = "The choice changed: one hour, allkeys-lfu at 64 MiB before, one hour, allkeys-lru at 64 MiB now.";
        assert_eq!(comparison.summary()[0], choice);
        assert!(
            comparison.terminal(100).contains("one hour, allkeys-lfu, 64 MiB"),
            "{}",
            comparison.terminal(100)
        );
        assert!(comparison.markdown().contains("| one hour, allkeys-lfu at 64 MiB | 50.0 % (**"));
        assert!(comparison.markdown().contains("Only before: one hour, allkeys-lfu at 256 MiB."));
        let page = comparison.html();
        let row = |policy: &str, tip: &str| page.contains(&format!("one hour, {policy} at 64 MiB: {tip}"));
        assert!(row("allkeys-lfu", "▼ -37.4 points, worse") && row("allkeys-lru", "unchanged"), "{page}");
        let json: serde_json::Value = serde_json::from_str(&comparison.json()).unwrap();
        assert_eq!(json["cells"][3]["eviction"], "allkeys-lfu");
    }

    #[test]
    fn older_answers_are_a_change_for_the_worse_where_anything_changes() {
        let (mut before, mut after) = runs(|_| 0.0);
        assert!(!Comparison::of(&before, &after).markdown().contains("current answers"), "nobody knows");
        for (record, share, age) in [(&mut before, 0.995, 50.0), (&mut after, 0.981, 146.0)] {
            for cell in &mut record.cells {
                cell.replications = 1;
                (cell.freshness.fresh_share, cell.freshness.p95_age_s) = (Some(share), Some(age));
            }
        }
        let comparison = Comparison::of(&before, &after);
        assert!(comparison.summary()[1].contains(" 12 worse,"), "{:?}", comparison.summary());
        assert!(comparison.markdown().contains("| current answers | p95 staleness of outdated answers |"));
        assert!(
            comparison.html().contains("current answers") && comparison.terminal(200).contains("p95 age")
        );
        let limit = |text: &str| vec![text.parse::<FailOn>().unwrap()];
        assert_eq!(Comparison::of(&before, &after).failing_on(&limit("fresh_share:1pt")).failures().len(), 6);
        assert_eq!(Comparison::of(&before, &after).failing_on(&limit("fresh_share:2pt")).failures().len(), 0);
        assert_eq!(Comparison::of(&before, &after).failing_on(&limit("p95_age_s:60s")).failures().len(), 6);
    }

    #[test]
    fn what_did_not_change_is_the_same_and_not_indistinguishable() {
        let (before, after) = runs(|_| 0.0);
        let words = Comparison::of(&before, &after).summary()[1].clone();
        assert!(words.contains(" 0 are better, 0 worse, 0 indistinguishable and 5"), "{words}");
        assert!(words.ends_with(" the same."), "{words}");
        let (before, after) = runs(|n| if n % 2 == 0 { 1e-3 } else { -1e-3 });
        let words = Comparison::of(&before, &after).summary()[1].clone();
        assert!(words.contains(" 6 indistinguishable and "), "{words}");
    }

    #[test]
    fn a_gate_that_turned_is_told_in_every_form() {
        let (before, mut after) = runs(|_| 0.0);
        let forms = |before: &Record, after: &Record| {
            let comparison = Comparison::of(before, after);
            [comparison.terminal(200), comparison.markdown(), comparison.html(), comparison.json()]
        };
        for form in forms(&before, &after) {
            assert!(!form.contains("now FAILS") && !form.contains("now passes"), "{form}");
        }
        let gate = after.cells[4].gates.get_mut("peak_origin_rate_max").unwrap();
        (gate.value, gate.pass) = (Some(412.0), false);
        let told = "single-flight at 256 MiB: now FAILS peak origin rate 412/s, limit 300/s, 37 % over; before 201/s";
        for form in forms(&before, &after) {
            assert_eq!(form.matches(told).count(), 1, "{form}");
        }
        let back = Comparison::of(&after, &before).terminal(200);
        let told = "single-flight at 256 MiB: now passes peak origin rate 201/s, limit 300/s; before 412/s";
        assert!(back.contains(told), "{back}");
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
