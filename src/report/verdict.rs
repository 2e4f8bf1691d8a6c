//! The verdict in sentences: what to set, whether it passes, what came second and why.

use super::measure::{
    self, BYTE_HIT, EXPIRED_RESIDENT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, ORIGIN_RATE, PEAK_ORIGIN_RATE,
    STAMPEDES, Unit,
};
use super::reading::{self, Reading};
use super::{design, format};
use crate::record::{Cell, Gate};

/// What the top of every page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether some cell may be recommended.
    pub(crate) passes: bool,
    /// The verdict in one sentence.
    pub(crate) sentence: String,
    /// Gates of the cell that the sentence names.
    pub(crate) gates: Vec<GateLine>,
    /// How much of its memory holds what is of no use any more; `None` where that is not much.
    pub(crate) held: Option<String>,
    /// The runner-up and why it lost; `None` without one.
    pub(crate) runner_up: Option<String>,
    /// How sure the comparison is.
    pub(crate) certainty: String,
}

/// A gate in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GateLine {
    /// Whether it passes.
    pub(crate) pass: bool,
    /// Measure, value and limit, and by how much it is missed.
    pub(crate) words: String,
}

/// From which share of difference on the verdict tells of memory and of the mean load.
const CLEARLY: f64 = 0.05;

/// From which share of the memory on it tells of entries past their TTL.
const MUCH: f64 = 0.25;

/// From which difference on it tells of a share: a point. One answer in a hundred more that is outdated is many.
const A_POINT: f64 = 0.01;

/// Judges a record in words.
pub(crate) fn verdict(reading: &Reading) -> Verdict {
    let with = |passes, sentence, cell: Option<&Cell>, runner_up| Verdict {
        passes,
        sentence,
        gates: cell.map(gates).unwrap_or_default(),
        held: cell.and_then(held),
        runner_up,
        certainty: certainty(reading),
    };
    if !reading.record.cells.iter().any(|cell| cell.replications > 0 && cell.requests > 0) {
        let why = if reading.record.cells.iter().any(|cell| cell.failed.is_some()) {
            "No cell finished, so there is nothing to recommend."
        } else {
            "No requests were scored, so there is nothing to recommend."
        };
        return with(false, why.into(), None, None);
    }
    if let Some(unfinished) = unfinished(reading) {
        return with(false, unfinished, None, None);
    }
    if let Some(winner) = reading.winner() {
        return with(true, recommendation(reading, winner), Some(winner), runner_up(reading, winner));
    }
    let nearest = reading.nearest();
    with(false, refusal(reading, nearest), nearest, None)
}

/// At most so many cells that are missing are named.
const NAMED: usize = 3;

/// What is said where the sweep was stopped before all cells had finished: one that is missing may be the best.
fn unfinished(reading: &Reading) -> Option<String> {
    let cells = &reading.record.cells;
    let names: Vec<String> =
        cells.iter().filter(|cell| cell.is_interrupted()).map(|cell| reading.name(cell)).collect();
    let first = names.get(..NAMED.min(names.len())).filter(|first| !first.is_empty())?;
    let more = names.len() - first.len();
    let named = if more > 0 { format!("{} and {more} more", first.join(", ")) } else { listed(first) };
    let ahead = reading.winner().map_or_else(String::new, |winner| {
        let hits = FRESH_HIT.text(winner);
        format!("; of those that finished {} is ahead with {hits} fresh hits", reading.name(winner))
    });
    Some(format!(
        "No verdict yet: {} of {} cells were interrupted ({named}){ahead}.",
        names.len(),
        cells.len()
    ))
}

/// The gates of a cell in words, in the order of their names.
pub(crate) fn gates(cell: &Cell) -> Vec<GateLine> {
    let line =
        |(name, gate): (&String, &Gate)| GateLine { pass: gate.pass, words: measure::gate_words(name, gate) };
    cell.gates.iter().map(line).collect()
}

/// What of the cell's memory is taken by entries past their TTL, where that is much.
fn held(cell: &Cell) -> Option<String> {
    let (expired, all) = (EXPIRED_RESIDENT.of(cell)?, MEMORY.of(cell)?);
    (all > 0.0 && expired / all > MUCH).then(|| {
        format!(
            "{} of the memory that it takes on average ({} of {}) is taken by entries past their TTL that are still there: how much \
             memory it needs hangs on how soon the cache removes them, so model the cache that you run (memory = \"redis\" in \
             [cache]).",
            format::percent(expired / all),
            format::bytes(expired),
            format::bytes(all)
        )
    })
}

/// Whether the recommended cell is to be kept or set up anew: `Keep` where it is the baseline, compared with others.
pub(crate) fn advice(reading: &Reading, winner: &Cell) -> &'static str {
    if winner.baseline && reading.strategies().len() > 1 { "Keep" } else { "Use" }
}

fn recommendation(reading: &Reading, winner: &Cell) -> String {
    let hits = format!("{} fresh hits", FRESH_HIT.text(winner));
    let alone = reading.strategies().len() == 1;
    let name = with_settings(reading, winner);
    if alone && reading.ranked.len() == 1 {
        let (only, end) = if reading.bounds.is_empty() {
            ("the only cell of this run", "there is nothing to compare it with")
        } else {
            ("the only cell that can be set up", "beside it stand bounds, which no real cache reaches")
        };
        return format!(
            "{name} is {only} and {}: {hits}{}; {end}.",
            if winner.gates.is_empty() { "has no gates to pass" } else { "passes every gate" },
            absolutes(winner)
        );
    }
    let set = advice(reading, winner);
    let Some(base) = reading.baseline_of(winner).filter(|_| !winner.baseline) else {
        return format!("{set} {name}: {hits}{}.", absolutes(winner));
    };
    let of_base = reading.strategy(base);
    let several = reading.ranked.iter().any(|cell| cell.baseline && cell.capacity != base.capacity);
    let of_base = if several { format!("{of_base} at the same limit") } else { of_base };
    let against = match reading.change(winner, &FRESH_HIT) {
        Some(change) if change.indistinguishable == Some(true) => {
            format!(", indistinguishable from {of_base}")
        }
        Some(change) if change.difference == 0.0 => format!(", as many as {of_base}"),
        Some(change) => {
            let direction = if change.difference > 0.0 { "above" } else { "below" };
            let points = format::points(change.difference.abs());
            format!(", {} {direction} {of_base}", points.trim_start_matches(['+', '±']))
        }
        None => String::new(),
    };
    let load =
        [(&STAMPEDES, "stampedes an hour"), (&PEAK_ORIGIN_RATE, "origin fetches in the busiest second")]
            .into_iter()
            .filter_map(|(measure, words)| instead(reading, winner, base, measure, words));
    let clear = |measure, words| clearly(reading, winner, base, measure, words);
    let effects: Vec<String> = clear(&MEMORY, "of memory on average")
        .into_iter()
        .chain(clear(&ORIGIN_RATE, "of origin fetches on average"))
        .chain(clear(&BYTE_HIT, "byte hits"))
        .chain(load)
        .chain(clear(&FRESH_SHARE, "current answers"))
        .collect();
    let with = if effects.is_empty() { String::new() } else { format!(", with {}", listed(&effects)) };
    format!("{set} {name}: {hits}{against}{with}.")
}

/// A cell with what its strategy is made of: `jitter (TTL rule fixed with ttl 1h; modifier jitter) at 256 MiB`.
fn with_settings(reading: &Reading, cell: &Cell) -> String {
    let Some(made) = design::words(reading.record, &cell.strategy) else { return reading.name(cell) };
    format!("{} ({made}) {}", reading.strategy(cell), reading::at(cell))
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// `29.3 MiB of memory instead of 766 MiB`; `None` where the two have about the same, or chance may explain it.
fn clearly(reading: &Reading, cell: &Cell, base: &Cell, measure: &Measure, words: &str) -> Option<String> {
    let change = reading.change(cell, measure)?;
    let is_large = match measure.unit {
        Unit::Share => change.difference.abs() >= A_POINT,
        _ => change.relative.is_some_and(|relative| relative.abs() >= CLEARLY),
    };
    let clear = change.indistinguishable != Some(true) && is_large;
    clear.then(|| format!("{} {words} instead of {}", measure.text(cell), measure.text(base)))
}

/// `0.1 stampedes an hour instead of 14`; `None` where neither has any, or data are missing.
fn instead(reading: &Reading, cell: &Cell, base: &Cell, measure: &Measure, words: &str) -> Option<String> {
    let (value, before) = (measure.of(cell)?, measure.of(base)?);
    if value == 0.0 && before == 0.0 {
        return None;
    }
    let same = reading.change(cell, measure).and_then(|change| change.indistinguishable) == Some(true);
    let compared = match format::number(before) {
        _ if same => format!("indistinguishable from {}", format::number(before)),
        before if before == format::number(value) => "as before".into(),
        before => format!("instead of {before}"),
    };
    Some(format!("{} {words} {}", format::number(value), bracketed(&compared, same)))
}

fn bracketed(text: &str, brackets: bool) -> String {
    if brackets { format!("({text})") } else { text.into() }
}

fn absolutes(cell: &Cell) -> String {
    let part = |measure: &Measure, words: &str| {
        measure.of(cell).map(|value| format!("{} {words}", format::number(value)))
    };
    let parts: Vec<String> = [
        part(&STAMPEDES, "stampedes an hour"),
        part(&PEAK_ORIGIN_RATE, "origin fetches in the busiest second"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { String::new() } else { format!(", with {}", parts.join(" and ")) }
}

fn refusal(reading: &Reading, nearest: Option<&Cell>) -> String {
    let Some(cell) = nearest else { return "Only bounds finished; none of them can be set up.".into() };
    let missed: Vec<String> =
        gates(cell).into_iter().filter(|gate| !gate.pass).map(|gate| gate.words).collect();
    if missed.is_empty() && !reading.is_complete(cell) {
        return "No cell finished all replications, so none is recommended.".into();
    }
    if missed.is_empty() {
        return "No cell could be scored, so none is recommended.".into();
    }
    // A cell that passes and is not recommended did not finish.
    let of = if reading.ranked.iter().any(|cell| reading::passes(cell)) {
        "No cell that finished all replications passes"
    } else {
        "No cell passes"
    };
    format!("{of} every gate. Nearest is {}, which fails {}.", reading.name(cell), missed.join("; "))
}

fn runner_up(reading: &Reading, winner: &Cell) -> Option<String> {
    let second = reading.ranked.get(1)?;
    let name = reading.name(second);
    if second.replications > 0 && !reading.is_complete(second) {
        return Some(format!("Next comes {name}, which did not finish all replications."));
    }
    if !reading::passes(second) {
        let failed = gates(second).into_iter().find(|gate| !gate.pass);
        let why = failed.map_or_else(|| "did not finish".into(), |gate| format!("fails {}", gate.words));
        return Some(format!("Next comes {name}, which {why}."));
    }
    let score =
        |cell: &Cell| cell.score.map_or_else(|| format::NONE.to_owned(), |score| format!("{score:.3}"));
    let (its, best) = (score(second), score(winner));
    if reading.is_near_winner(second) {
        let (held, least) = (MEMORY.of(second)?, MEMORY.of(winner)?);
        let (held, least) = (format::bytes(held), format::bytes(least));
        let memory = if held == least {
            format!("both hold {held} on average")
        } else {
            format!("it holds {held} on average, the recommended one {least}")
        };
        let scores = if second.score == winner.score {
            format!("with the same score ({best})")
        } else {
            format!("indistinguishable in score ({its} against {best})")
        };
        return Some(format!("Runner-up: {name}, {scores}; {memory}."));
    }
    let scores = if its == best {
        format!("nearly the same score, {best}")
    } else {
        format!("a score of {its} against {best}")
    };
    let reason =
        apart(reading, second, winner).map(|reason| format!(", mostly for {reason}")).unwrap_or_default();
    let hits = hits_apart(second, winner).map(|hits| format!("; it has {hits}")).unwrap_or_default();
    let unsure = reading::score_difference(second, winner)
        .and_then(|difference| difference.is_indistinguishable_from_zero())
        .filter(|unsure| *unsure)
        .map(|_| {
            format!(
                ". {} replications do not tell the two apart: raise repeat",
                format::count(reading.replications.into())
            )
        })
        .unwrap_or_default();
    Some(format!("Runner-up: {name}, with {scores}{reason}{hits}{unsure}."))
}

/// The objective that costs the runner-up most of the score: `mean memory (0.61 against 0.74 of its part)`; `None` where
/// nothing does.
fn apart(reading: &Reading, second: &Cell, winner: &Cell) -> Option<String> {
    let weights = &reading.record.scoring.weights;
    let all: f64 = weights.values().sum();
    let lost = |name: &String| {
        let part = |cell: &Cell| cell.score_parts.get(name).copied().unwrap_or(0.0);
        (part(second), part(winner), (part(winner) - part(second)) * weights[name] / all)
    };
    let (name, (its, best, _)) = weights
        .keys()
        .map(|name| (name, lost(name)))
        .filter(|(_, (.., lost))| *lost > 0.000_5)
        .max_by(|one, other| one.1.2.total_cmp(&other.1.2))?;
    Some(format!("{} ({its:.3} against {best:.3} of that part)", measure::label_of(name)))
}

/// `a fresh hit ratio 1.2 points lower`, paired by replication; `None` where several replications cannot be paired.
fn hits_apart(second: &Cell, winner: &Cell) -> Option<String> {
    let several = second.replications.max(winner.replications) > 1;
    let difference = if several {
        let paired = reading::difference(second, winner, &FRESH_HIT)?;
        if paired.is_indistinguishable_from_zero()? {
            return Some("an indistinguishable fresh hit ratio".into());
        }
        paired.mean
    } else {
        FRESH_HIT.of(second)? - FRESH_HIT.of(winner)?
    };
    let points = format::points(difference.abs());
    if points.starts_with('±') {
        return Some("the same fresh hit ratio".into());
    }
    let word = if difference < 0.0 { "lower" } else { "higher" };
    Some(format!("a fresh hit ratio {} {word}", points.trim_start_matches('+')))
}

fn certainty(reading: &Reading) -> String {
    let compared = comparison(reading);
    if reading.knows_changes() {
        return compared;
    }
    let nobody = if reading.record.trace.recorded { "the trace" } else { "the scenario" };
    format!("{compared} How outdated answers become is unknown: {nobody} tells no changes at the origin.")
}

/// How sure it is that cells differ.
fn comparison(reading: &Reading) -> String {
    let record = reading.record;
    let most = format::count(reading.replications.into());
    if record.cells.len() < 2 {
        return "Nothing was compared.".into();
    }
    if !record.source.is_simulation() {
        reading::MEASURED_ONCE.into()
    } else if record.sample.is_some() {
        format!(
            "Estimated from samples of the keys; differences are paired over {most} samples of the same keys with 95 % \
             intervals, and indistinguishable means that the interval contains 0."
        )
    } else if record.trace.recorded {
        "One recording, exact for it, no interval; another day may differ.".into()
    } else if reading.replications > 1 {
        format!(
            "In this model and for this trace; differences are paired over {most} replications with 95 % intervals, \
             and indistinguishable means that the interval contains 0 (of scores, that they also differ by at most 0.01)."
        )
    } else {
        "One replication, so no interval; differences may be chance.".into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::record::{Difference, Record};

    fn words(record: &Record) -> String {
        let verdict = verdict(&Reading::new(record));
        let gate = |gate: &GateLine| format!("{} {}", if gate.pass { "PASS" } else { "FAIL" }, gate.words);
        let gates: Vec<String> = verdict.gates.iter().map(gate).collect();
        let runner_up = verdict.runner_up.unwrap_or_default();
        format!("{}\n{}\n{runner_up}\n{}", verdict.sentence, gates.join("\n"), verdict.certainty)
    }

    #[test]
    fn a_sweep_that_was_interrupted_has_no_verdict_and_says_which_cells_are_missing() {
        let mut record = fixture::thumbnails();
        assert!(verdict(&Reading::new(&record)).passes);
        record.cells[1].failed = Some("1 of 5 replications missing, interrupted".to_owned());
        let reading = Reading::new(&record);
        let (missing, told) = (reading.name(&record.cells[1]), verdict(&reading));
        assert!(!told.passes && told.gates.is_empty(), "{told:?}");
        let words = format!("No verdict yet: 1 of {} cells were interrupted ({missing})", record.cells.len());
        assert!(told.sentence.starts_with(&words), "{}", told.sentence);
        assert!(told.sentence.contains("of those that finished"), "{}", told.sentence);
        let table = crate::report::ranking(&record, 100);
        assert!(table.contains("No verdict yet") && !table.contains("\nUse "), "{table}");
        // A cell that broke off by a mistake of ttlab is told as before.
        record.cells[1].failed = Some("1 of 5 replications missing, broke off: a bug".to_owned());
        assert!(verdict(&Reading::new(&record)).passes);
    }

    #[test]
    fn a_win_names_strategy_memory_effect_and_baseline() {
        insta::assert_snapshot!(words(&fixture::thumbnails()));
    }

    #[test]
    fn a_win_without_rival_names_the_score() {
        let mut record = fixture::thumbnails();
        record.scoring.indistinguishable.clear();
        insta::assert_snapshot!(words(&record));
    }

    #[test]
    fn a_tie_is_called_indistinguishable() {
        let mut record = fixture::thumbnails();
        for difference in record.cells[5].paired.values_mut() {
            difference.indistinguishable = Some(true);
        }
        insta::assert_snapshot!(words(&record));
    }

    #[test]
    fn a_runner_up_is_told_by_pairs_and_chance_is_called_so() {
        let mut record = fixture::thumbnails();
        record.scoring.indistinguishable.clear();
        let values = |record: &mut Record, cell: usize, values: [f64; 3]| {
            record.cells[cell].by_replication.insert("fresh_hit".into(), values.map(Some).to_vec());
        };
        values(&mut record, 5, [0.92, 0.90, 0.91]);
        for (others, says) in [
            ([0.9202, 0.8997, 0.9095], "; it has an indistinguishable fresh hit ratio."),
            ([0.9099, 0.8901, 0.90], "; it has a fresh hit ratio 1.0 point lower."),
        ] {
            values(&mut record, 4, others);
            let runner_up = verdict(&Reading::new(&record)).runner_up.unwrap();
            assert!(runner_up.ends_with(says), "{runner_up}");
        }
        values(&mut record, 4, [0.9099, 0.8901, 0.90]);
        record.cells[4].by_replication.get_mut("fresh_hit").unwrap().drain(1..);
        let runner_up = verdict(&Reading::new(&record)).runner_up.unwrap();
        assert!(!runner_up.contains("fresh hit"), "nothing can be paired: {runner_up}");
    }

    #[test]
    fn memory_is_told_where_it_differs_clearly() {
        let mut record = fixture::thumbnails();
        let says = |record: &Record| verdict(&Reading::new(record)).sentence;
        assert!(!says(&record).contains("of memory"));
        record.cells[5].memory.mean_bytes /= 4.0;
        let base = record.cells[3].memory.mean_bytes;
        let less = Difference {
            mean: -0.75 * base,
            low: Some(-0.8 * base),
            high: Some(-0.7 * base),
            indistinguishable: Some(false),
        };
        record.cells[5].paired.insert("memory".into(), less);
        assert!(
            says(&record).contains("with 51.2 MiB of memory on average instead of 205 MiB, "),
            "{}",
            says(&record)
        );
        record.cells[5].paired.get_mut("memory").unwrap().indistinguishable = Some(true);
        assert!(!says(&record).contains("of memory"));
    }

    #[test]
    fn the_strategy_is_told_with_what_it_is_made_of() {
        let mut record = fixture::thumbnails();
        let says = |record: &Record| verdict(&Reading::new(record)).sentence;
        let start = "Use jitter + single-flight (TTL rule fixed with ttl 1h) at 256 MiB: ";
        assert!(says(&record).starts_with(start), "{}", says(&record));
        record.scenario.effective["strategy"][0]["guard"] = "lock".into();
        assert!(says(&record).contains(" with ttl 1h; guard lock) at 256 MiB: "), "{}", says(&record));
        record.scenario.effective = serde_json::Value::Null;
        assert!(says(&record).starts_with("Use jitter + single-flight at 256 MiB: "), "{}", says(&record));
    }

    #[test]
    fn mean_load_and_current_answers_are_told_where_they_differ_clearly() {
        let mut record = fixture::recorded();
        let says = |record: &Record| verdict(&Reading::new(record)).sentence;
        (record.cells[3].origin.mean_rate, record.cells[5].origin.mean_rate) = (40.0, 20.0);
        (record.cells[3].freshness.fresh_share, record.cells[5].freshness.fresh_share) =
            (Some(0.99), Some(0.9));
        let told = says(&record);
        assert!(told.contains("with 20/s of origin fetches on average instead of 40/s, "), "{told}");
        assert!(told.ends_with(" and 90.0 % current answers instead of 99.00 %."), "{told}");
        (record.cells[5].origin.mean_rate, record.cells[5].freshness.fresh_share) = (39.0, Some(0.981));
        let told = says(&record);
        assert!(
            !told.contains("of origin fetches on average") && !told.contains("current answers"),
            "{told}"
        );
        let mut several = fixture::thumbnails();
        (several.cells[3].origin.mean_rate, several.cells[5].origin.mean_rate) = (40.0, 20.0);
        let apart =
            Difference { mean: -20.0, low: Some(-21.0), high: Some(-19.0), indistinguishable: Some(false) };
        several.cells[5].paired.insert("origin_rate".into(), apart);
        assert!(says(&several).contains("20/s of origin fetches"), "{}", says(&several));
        several.cells[5].paired.get_mut("origin_rate").unwrap().indistinguishable = Some(true);
        assert!(!says(&several).contains("of origin fetches on average"), "{}", says(&several));
    }

    #[test]
    fn byte_hits_are_told_where_they_differ_by_a_point() {
        let mut record = fixture::recorded();
        let says = |record: &Record| verdict(&Reading::new(record)).sentence;
        let set = |record: &mut Record, before: f64, now: f64| {
            (record.cells[3].ratios.byte_hit.mean, record.cells[5].ratios.byte_hit.mean) =
                (Some(before), Some(now));
        };
        set(&mut record, 0.7, 0.4);
        let told = says(&record);
        assert!(told.contains("40.0 % byte hits instead of 70.0 %"), "{told}");
        set(&mut record, 0.7, 0.695);
        assert!(!says(&record).contains("byte hits"), "half a point is not much");
    }

    #[test]
    fn memory_of_expired_entries_is_told_where_it_is_much() {
        let mut record = fixture::thumbnails();
        let held = |record: &Record| verdict(&Reading::new(record)).held;
        assert_eq!(held(&record), None);
        record.cells[5].memory.expired_resident_mean_bytes = Some(record.cells[5].memory.mean_bytes * 0.31);
        let told = held(&record).unwrap();
        assert!(
            told.starts_with("31.0 % of the memory that it takes on average (63.5 MiB of 205 MiB)"),
            "{told}"
        );
        record.cells[5].memory.expired_resident_mean_bytes = None;
        assert_eq!(held(&record), None, "a server does not tell it");
    }

    #[test]
    fn equal_scores_are_the_same_and_not_indistinguishable() {
        let mut record = fixture::recorded();
        record.scoring.indistinguishable = vec![4];
        record.cells[4].score = record.cells[5].score;
        let told = verdict(&Reading::new(&record)).runner_up.unwrap();
        assert!(told.contains(", with the same score (") && !told.contains("indistinguishable"), "{told}");
    }

    #[test]
    fn a_baseline_that_wins_is_kept() {
        let mut record = fixture::thumbnails();
        record.scoring.winner = Some(3);
        record.scoring.indistinguishable.clear();
        record.cells[3].gates.clear();
        insta::assert_snapshot!(words(&record));
    }

    #[test]
    fn cells_of_several_policies_are_told_apart() {
        insta::assert_snapshot!(words(&fixture::policies()));
    }

    #[test]
    fn a_recording_has_no_interval() {
        insta::assert_snapshot!(words(&fixture::recorded()));
    }

    #[test]
    fn where_nothing_passes_the_nearest_cell_is_named_with_what_it_misses() {
        insta::assert_snapshot!(words(&fixture::none_passes()));
    }

    #[test]
    fn one_strategy_has_nothing_to_be_compared_with() {
        insta::assert_snapshot!(words(&fixture::one_cell()));
    }

    #[test]
    fn a_cell_that_lacks_replications_comes_behind_the_others() {
        let mut record = fixture::thumbnails();
        record.scoring.indistinguishable.clear();
        record.cells[4].replications -= 1;
        let reading = Reading::new(&record);
        assert_eq!(reading.ranked.last().unwrap().id, record.cells[4].id);
        let second = verdict(&reading).runner_up.unwrap();
        assert!(!second.contains("single-flight at 256 MiB"), "{second}");
        record.cells.iter_mut().take(5).for_each(|cell| cell.replications = 4);
        let second = verdict(&Reading::new(&record)).runner_up.unwrap();
        assert_eq!(second, "Next comes single-flight at 256 MiB, which did not finish all replications.");
    }

    #[test]
    fn where_only_unfinished_cells_pass_that_is_said() {
        let mut record = fixture::none_passes();
        record.cells[4].gates.clear();
        record.cells[4].replications -= 1;
        let sentence = verdict(&Reading::new(&record)).sentence;
        assert!(
            sentence
                .starts_with("No cell that finished all replications passes every gate. Nearest is jitter"),
            "{sentence}"
        );
    }

    #[test]
    fn bounds_are_no_cells_to_choose_from_and_not_nothing() {
        let mut record = fixture::one_cell();
        let mut bound = record.cells[0].clone();
        (bound.id, bound.oracle, bound.baseline) = ("only-belady".into(), true, false);
        bound.eviction = "belady".into();
        record.cells.push(bound);
        let sentence = verdict(&Reading::new(&record)).sentence;
        assert!(
            sentence.contains(" is the only cell that can be set up and passes every gate: "),
            "{sentence}"
        );
        assert!(sentence.ends_with("; beside it stand bounds, which no real cache reaches."), "{sentence}");
    }

    #[test]
    fn a_live_run_is_measured_once_and_not_exact() {
        let certainty = verdict(&Reading::new(&fixture::live())).certainty;
        assert!(certainty.starts_with(reading::MEASURED_ONCE), "{certainty}");
        assert!(!certainty.contains("exact"), "{certainty}");
    }

    #[test]
    fn without_data_nothing_is_recommended() {
        insta::assert_snapshot!(words(&fixture::nothing_known()));
        insta::assert_snapshot!(words(&fixture::no_cells()));
    }
}
