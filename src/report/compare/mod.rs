//! Two runs side by side: did last quarter's choice hold?
//!
//! Cells are matched by their ids. Where both runs met the same requests with the same seed, differences are paired by the
//! number of the replication, over those that both have; else, and where they share fewer than two, the two sets of
//! replications are taken for independent.

mod fail_on;
mod html;
mod markdown;
mod settings;
mod shift;
mod terminal;
mod turned;

use serde_json::json;

use super::measure::Measure;
use super::reading::{Names, Reading};
use super::{format, verdict};
use crate::record::{Cell, Provenance, Record};

pub use fail_on::{FailOn, FailOnError, Failure};
use settings::settings;
use shift::{MEASURES, OF_CHANGES, Pair, Shift, Source};
use turned::Turned;

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

#[cfg(test)]
mod tests;
