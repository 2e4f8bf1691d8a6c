//! What pages need to know about a record beyond its fields: the order of the cells, who is
//! compared with whom, and which cells are drawn.

use std::cmp::Ordering;

use super::format;
use super::measure::{FRESH_SHARE, Measure, Unit, missed_by};
use crate::record::{Capacity, Cell, Record};
use crate::score::{Estimate, Interval};

/// A record, read once for all pages.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    /// The record.
    pub(crate) record: &'a Record,
    /// Contenders: the recommended cell first, then those that finished all replications and pass every gate, those that
    /// finished them and do not pass, and the others, each by score.
    pub(crate) ranked: Vec<&'a Cell>,
    /// Cells that see what no real cache could see.
    pub(crate) bounds: Vec<&'a Cell>,
    /// How its cells are called.
    pub(crate) names: Names,
    /// The most replications of any cell.
    pub(crate) replications: u32,
}

/// How cells are called: by their strategy, and by their eviction policy too where several are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    policies: bool,
}

/// From so many cells on, charts over time and tables of many rows a cell tell of the most telling ones only: a page is to
/// stay below 1 MB.
const SEVERAL: usize = 30;

/// From so many cells on, charts and tables tell of the best in detail, and of the others in the table of all cells
/// alone: a page is to stay below 1 MB.
const MANY: usize = 100;

/// How sure a live run is: what a server evicts and when it sweeps is chance, and so are delays.
pub(crate) const MEASURED_ONCE: &str =
    "Measured once, in real time; another run differs, and no interval tells by how much.";

/// How one cell differs from another in one measure: from its baseline, or from what it was in a run before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Change {
    /// This cell minus the other.
    pub(crate) difference: f64,
    /// The difference as a share of the other's value; `None` where that is 0.
    pub(crate) relative: Option<f64>,
    /// The 95 % interval of the difference; `None` with a single replication.
    pub(crate) interval: Option<Interval>,
    /// Whether 0 lies in the interval; `None` with a single replication.
    pub(crate) indistinguishable: Option<bool>,
}

impl<'a> Reading<'a> {
    /// Reads a record.
    pub(crate) fn new(record: &'a Record) -> Self {
        let winner = record.scoring.winner.and_then(|index| record.cells.get(index));
        let (bounds, mut ranked): (Vec<_>, Vec<_>) = record.cells.iter().partition(|cell| cell.oracle);
        let replications = most_replications(record);
        let place = |cell: &Cell| {
            let chosen = winner.is_some_and(|winner| std::ptr::eq(winner, cell));
            (!chosen, cell.replications < replications, !passes(cell))
        };
        let score = |cell: &Cell| cell.score.filter(|score| score.is_finite());
        ranked.sort_by(|a, b| {
            place(a).cmp(&place(b)).then_with(|| match (score(a), score(b)) {
                (Some(a), Some(b)) => b.total_cmp(&a),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            })
        });
        Self { record, ranked, bounds, names: Names::of(&record.cells), replications }
    }

    /// A cell in a sentence, as [`Names::cell`] says it.
    pub(crate) fn name(&self, cell: &Cell) -> String {
        self.names.cell(cell)
    }

    /// A cell beside others, as [`Names::strategy`] says it.
    pub(crate) fn strategy(&self, cell: &Cell) -> String {
        self.names.strategy(cell, format::LONGEST_NAME)
    }

    /// How many cells a chart over time shows, of `most` at most: the recommended one, the runner-up and the baseline where
    /// there are many.
    pub(crate) fn lines(&self, most: usize) -> usize {
        if self.has_many() { most.min(3) } else { most }
    }

    /// Whether the page would grow large if it told as much of every cell as of few.
    pub(crate) fn has_many(&self) -> bool {
        self.record.cells.len() > SEVERAL
    }

    /// Whether the page would grow too large if it told everything of every cell.
    pub(crate) fn is_large(&self) -> bool {
        self.record.cells.len() > MANY
    }

    /// The recommended cell.
    pub(crate) fn winner(&self) -> Option<&'a Cell> {
        self.record.scoring.winner.and_then(|index| self.record.cells.get(index))
    }

    /// Whether a cell has as many replications as any. One that has fewer met other requests on average, is no match for the
    /// others, and so cannot be recommended.
    pub(crate) fn is_complete(&self, cell: &Cell) -> bool {
        cell.replications == self.replications
    }

    /// The cell whose worst gate is missed by least, of those that finished: all replications, if one did.
    pub(crate) fn nearest(&self) -> Option<&'a Cell> {
        let missed = |cell: &Cell| {
            let worst = cell.gates.values().map(missed_by).fold(0.0, f64::max);
            (!self.is_complete(cell), worst)
        };
        let finished = self.ranked.iter().copied().filter(|cell| cell.replications > 0);
        finished.reduce(|best, cell| if missed(cell) < missed(best) { cell } else { best })
    }

    /// The cell that the page tells most about: the recommended one, else the one nearest to its
    /// gates, else whichever stands first.
    pub(crate) fn focus(&self) -> Option<&'a Cell> {
        let first = || self.ranked.first().or(self.bounds.first()).copied();
        self.winner().or_else(|| self.nearest()).or_else(first)
    }

    /// Where the record has a cell, as a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self, cell: &Cell) -> String {
        let place = self.record.cells.iter().position(|other| std::ptr::eq(other, cell));
        place.map(|place| format!("/cells/{place}")).unwrap_or_default()
    }

    /// The best cell of every strategy under every eviction policy: the focus, the baseline at the same limit, and the others
    /// in their rank.
    pub(crate) fn best_of_each(&self) -> Vec<&'a Cell> {
        let mut best: Vec<&Cell> = Vec::new();
        // At another limit the baseline would be told apart by its memory.
        let beside =
            |cell: &&Cell| cell.baseline && self.focus().is_some_and(|focus| cell.capacity == focus.capacity);
        let baseline = self.ranked.iter().copied().filter(beside);
        let first = self.focus().into_iter().chain(baseline);
        for cell in first.chain(self.ranked.iter().copied()) {
            if !best
                .iter()
                .any(|other| (&other.strategy, &other.eviction) == (&cell.strategy, &cell.eviction))
            {
                best.push(cell);
            }
        }
        // The baseline stands second: everything is told against it.
        best.sort_by_key(|cell| {
            (self.focus().is_none_or(|focus| !std::ptr::eq(focus, *cell)), !cell.baseline)
        });
        best
    }

    /// Whether this is the recommended cell.
    pub(crate) fn is_winner(&self, cell: &Cell) -> bool {
        self.winner().is_some_and(|winner| std::ptr::eq(winner, cell))
    }

    /// Whether this is the recommended cell, and was compared with another.
    pub(crate) fn is_recommended(&self, cell: &Cell) -> bool {
        self.ranked.len() > 1 && self.is_winner(cell)
    }

    /// Whether a cell cannot be told from the recommended one in score.
    pub(crate) fn is_near_winner(&self, cell: &Cell) -> bool {
        let near = &self.record.scoring.indistinguishable;
        near.iter().filter_map(|&index| self.record.cells.get(index)).any(|near| std::ptr::eq(near, cell))
            && !self.is_winner(cell)
    }

    /// The baseline beside which a cell stands: at the same capacity, and if possible under the
    /// same eviction policy.
    pub(crate) fn baseline_of(&self, cell: &Cell) -> Option<&'a Cell> {
        let beside =
            || self.record.cells.iter().filter(|other| other.baseline && other.capacity == cell.capacity);
        beside().find(|other| other.eviction == cell.eviction).or_else(|| beside().next())
    }

    /// How a cell differs from its baseline; `None` for a baseline, where either has no data, and where there are
    /// several replications and no interval: such a difference would look as sure as those beside it.
    pub(crate) fn change(&self, cell: &Cell, measure: &Measure) -> Option<Change> {
        if cell.baseline {
            return None;
        }
        let baseline = self.baseline_of(cell)?;
        let own = (measure.of(baseline)?, measure.of(cell)?);
        let paired = cell.paired.get(measure.key);
        let estimate = paired.map(|paired| Estimate {
            mean: paired.mean,
            interval: paired.low.zip(paired.high).map(|(low, high)| Interval { low, high }),
        });
        let without_interval = estimate.is_none_or(|estimate| estimate.interval.is_none());
        if without_interval && cell.replications.max(baseline.replications) > 1 {
            return None;
        }
        let base = mean(pairs(baseline, cell, measure).into_iter().map(|(base, _)| base));
        let indistinguishable = paired.and_then(|paired| paired.indistinguishable);
        Some(Change { indistinguishable, ..Change::between(own, estimate, base) })
    }

    /// Whether it is known how outdated answers were: something says when objects change at the origin.
    pub(crate) fn knows_changes(&self) -> bool {
        let answered = self.record.cells.iter().filter(|cell| cell.replications > 0 && cell.requests > 0);
        let mut told = answered.map(|cell| FRESH_SHARE.of(cell).is_some()).peekable();
        told.peek().is_none() || told.any(|told| told)
    }

    /// Why a measure of a cell is not known, in a few words; `None` where it is.
    pub(crate) fn why_unknown(&self, cell: &Cell, measure: &Measure) -> Option<String> {
        if measure.of(cell).is_some() {
            return None;
        }
        let sample = self.record.sample.as_ref();
        let why = match measure.key {
            _ if cell.replications == 0 => "the cell did not finish",
            _ if cell.requests == 0 => "no requests were scored",
            "mean_age_s" | "p95_age_s" if FRESH_SHARE.of(cell).is_some() => "no answer was outdated",
            "fresh_share" | "mean_age_s" | "p95_age_s" | "over_bound_share" => self.no_changes(),
            key if sample.is_some_and(|sample| sample.unavailable.contains_key(key)) => {
                return sample.and_then(|sample| sample.unavailable.get(key).cloned());
            }
            _ if sample.is_some() => "a sample of the keys does not tell it",
            "expired_resident" if !self.record.source.is_simulation() => {
                "a server does not tell apart which of its bytes are of expired keys"
            }
            "utilisation" => "the origin has no limit",
            "duplicate_ratio" | "peak_to_mean" => "the origin was asked for nothing",
            _ => "the record does not tell it",
        };
        Some(why.into())
    }

    /// Why a sample of the keys cannot tell of something that would be there if it had a measure, as a sentence without its
    /// full stop; `None` where it can, and where all keys were played: what is not there then did not happen.
    pub(crate) fn untold_by_sample(&self, what: &str, key: &str) -> Option<String> {
        let why = self.record.sample.as_ref()?.unavailable.get(key)?;
        Some(format!("A sample of the keys does not tell {what}: {}", format::sentence(why)))
    }

    /// Why single stampedes are not listed though there may have been some.
    pub(crate) fn untold_stampedes(&self) -> Option<String> {
        let known_to_be_none = |cell: &Cell| cell.stampedes.count == Some(0);
        if self.record.cells.iter().all(known_to_be_none) {
            return None;
        }
        self.untold_by_sample("single stampedes", "stampedes")
            .or_else(|| self.untold_by_sample("single stampedes", "max_stampede_size"))
    }

    /// Why staleness is not known where nothing says when objects change.
    pub(crate) fn no_changes(&self) -> &'static str {
        if self.record.trace.recorded {
            "the trace tells no changes at the origin, so staleness is unknown"
        } else {
            "the scenario tells no changes at the origin, so staleness is unknown"
        }
    }

    /// Strategies in the order of the scenario.
    pub(crate) fn strategies(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for cell in &self.record.cells {
            if !names.contains(&cell.strategy.as_str()) {
                names.push(&cell.strategy);
            }
        }
        names
    }

    /// The cells worth a line in charts over time: those at the capacity of the focus, best first, at most `most`; the baseline is always among them.
    pub(crate) fn side_by_side(&self, most: usize) -> Vec<&'a Cell> {
        let Some(focus) = self.focus() else { return Vec::new() };
        let beside = |cell: &&&Cell| cell.capacity == focus.capacity;
        let mut cells: Vec<&Cell> = self.ranked.iter().filter(beside).copied().take(most).collect();
        let baseline = self.ranked.iter().filter(beside).find(|cell| cell.baseline);
        if let Some(baseline) = baseline.filter(|cell| !cells.iter().any(|other| other.id == cell.id)) {
            cells.pop();
            cells.push(baseline);
        }
        cells
    }
}

impl Names {
    /// The longest name of a policy that is written out.
    const LONGEST_POLICY: usize = 40;

    /// The names of these cells beside each other.
    pub(crate) fn of<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Self {
        let mut cells = cells.into_iter();
        let first = cells.next();
        Self { policies: cells.any(|cell| first.is_some_and(|first| first.eviction != cell.eviction)) }
    }

    /// Whether cells are called by their policy too.
    pub(crate) fn tell_policies(self) -> bool {
        self.policies
    }

    /// What follows a cell's strategy: `, allkeys-lfu`, or nothing.
    pub(crate) fn policy(self, cell: &Cell) -> String {
        if !self.policies {
            return String::new();
        }
        format!(", {}", format::shortened(&cell.eviction, Self::LONGEST_POLICY))
    }

    /// A cell's strategy and policy in at most `longest` characters: `jitter`, or `jitter, allkeys-lfu`. The strategy is
    /// cut before the policy is.
    pub(crate) fn strategy(self, cell: &Cell, longest: usize) -> String {
        let policy = self.policy(cell);
        let room = longest.saturating_sub(policy.chars().count()).max(longest / 3);
        format::shortened(&(format::shortened(&cell.strategy, room) + &policy), longest)
    }

    /// A cell in a sentence: `jitter at 256 MiB`, or `jitter, allkeys-lfu at 256 MiB`.
    pub(crate) fn cell(self, cell: &Cell) -> String {
        format!("{} {}", self.strategy(cell, format::LONGEST_NAME), at(cell))
    }
}

impl Change {
    /// From one value to another.
    ///
    /// An `estimate` of the difference over replications goes before the difference of the cells' own values, which may be
    /// sums, the greatest, or quantiles of all replications together. It is a share of `base`, of what the replications had
    /// on average before.
    pub(crate) fn between(
        (before, after): (f64, f64),
        estimate: Option<Estimate>,
        base: Option<f64>,
    ) -> Self {
        let difference = estimate.map_or(after - before, |estimate| estimate.mean);
        let base = estimate.and(base).unwrap_or(before);
        Self {
            difference,
            relative: (base != 0.0).then(|| difference / base.abs()),
            interval: estimate.and_then(|estimate| estimate.interval),
            indistinguishable: estimate.and_then(|estimate| estimate.is_indistinguishable_from_zero()),
        }
    }

    /// Whether the change is for the better; `None` where that cannot be said: a single
    /// replication, an interval that contains 0, or a measure without a better direction.
    pub(crate) fn is_better(&self, measure: &Measure) -> Option<bool> {
        let wanted = measure.better?;
        (self.indistinguishable == Some(false)).then(|| self.difference.total_cmp(&0.0) == wanted)
    }

    /// Half the width of the interval of such a change: `0.3 pt`, `2.1 %`; `None` without one.
    pub(crate) fn within(&self, measure: &Measure) -> Option<String> {
        let half = self.interval.map(|interval| (interval.high - interval.low) / 2.0)?;
        // A share of next to nothing says nothing.
        let share =
            |relative: f64| Some((half * relative / self.difference).abs()).filter(|share| *share < 9.0);
        Some(match (measure.unit, self.relative.and_then(share)) {
            (Unit::Share, _) => format::half_points(half),
            (_, Some(share)) => format::relative(share).trim_start_matches(['+', '±']).to_owned(),
            (unit, None) => unit.print(Some(half)),
        })
    }

    /// The change with arrow and sign: `▲ +3.2 points`, `▼ -41 %`, `indistinguishable`.
    pub(crate) fn text(&self, measure: &Measure) -> String {
        if self.indistinguishable == Some(true) {
            return "indistinguishable".into();
        }
        let amount = match (measure.unit, self.relative) {
            (Unit::Share, _) => format::points(self.difference),
            (_, Some(relative)) => format::relative(relative),
            (unit, None) if self.difference == 0.0 => format!("±{}", unit.print(Some(0.0))),
            (unit, None) => format!("+{}", unit.print(Some(self.difference))),
        };
        let arrow = if amount.starts_with('±') { "" } else { format::arrow(self.difference) };
        format!("{arrow}{amount}")
    }
}

/// How far one cell is above another in a measure, paired by the number of the replication; `None` without a pair.
pub(crate) fn difference(this: &Cell, that: &Cell, measure: &Measure) -> Option<Estimate> {
    let differences = pairs(this, that, measure).into_iter().map(|(this, that)| this - that);
    Estimate::of(&differences.collect::<Vec<_>>())
}

/// The same of the scores.
pub(crate) fn score_difference(this: &Cell, that: &Cell) -> Option<Estimate> {
    let scores = |cell: &Cell| cell.by_replication.get("score").cloned().unwrap_or_default();
    let both = scores(this).into_iter().zip(scores(that));
    let differences = both.filter_map(|(this, that)| Some(this? - that?));
    Estimate::of(&differences.collect::<Vec<_>>())
}

/// A measure in the replications of which both cells have one, by their numbers.
pub(crate) fn pairs(this: &Cell, that: &Cell, measure: &Measure) -> Vec<(f64, f64)> {
    let both = numbered(this, measure).iter().zip(numbered(that, measure));
    both.filter_map(|(this, that)| (*this).zip(*that)).collect()
}

/// A measure in the replications that have it.
pub(crate) fn values(cell: &Cell, measure: &Measure) -> Vec<f64> {
    numbered(cell, measure).iter().flatten().copied().collect()
}

/// A measure in each replication, the replication's number as its place.
fn numbered<'c>(cell: &'c Cell, measure: &Measure) -> &'c [Option<f64>] {
    cell.by_replication.get(measure.key).map(Vec::as_slice).unwrap_or_default()
}

/// The mean; `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The most replications of any cell.
pub(crate) fn most_replications(record: &Record) -> u32 {
    record.cells.iter().map(|cell| cell.replications).max().unwrap_or(0)
}

/// Whether a cell passes every gate and finished.
pub(crate) fn passes(cell: &Cell) -> bool {
    cell.replications > 0 && cell.gates.values().all(|gate| gate.pass)
}

/// Whether a cell passes, in a word.
pub(crate) fn gates(cell: &Cell) -> &'static str {
    match (cell.replications, cell.gates.is_empty(), passes(cell)) {
        (0, ..) => "not run",
        (_, true, _) => "none",
        (_, false, true) => "pass",
        (_, false, false) => "FAIL",
    }
}

/// A cache's limit: `256 MiB`, `1,000 objects`, `unbounded`.
pub(crate) fn capacity(capacity: Option<Capacity>) -> String {
    match capacity {
        Some(Capacity::Bytes(bytes)) => format::bytes(bytes as f64),
        Some(Capacity::Objects(objects)) => format!("{} objects", format::count(objects)),
        None => "unbounded".into(),
    }
}

/// A cell's limit in a sentence: `at 256 MiB`, `without a memory limit`.
pub(crate) fn at(cell: &Cell) -> String {
    match cell.capacity {
        None => "without a memory limit".into(),
        limit => format!("at {}", capacity(limit)),
    }
}

/// Name for links within the page, made from the cell's id.
pub(crate) fn anchor(cell: &Cell) -> String {
    // Ids keep letters and digits of every script, and so must their links: two names may differ in nothing else.
    let clean = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    format!("cell-{}", cell.id.chars().map(clean).collect::<String>())
}
