//! The verdict in sentences: what to set, whether it passes, what came second and why.

use super::measure::{
    self, BYTE_HIT, EXPIRED_RESIDENT, FRESH_HIT, FRESH_SHARE, MEMORY, Measure, ORIGIN_RATE, P95_AGE,
    PEAK_ORIGIN_RATE, STAMPEDES, Unit,
};
use super::reading::{self, Reading};
use super::{curves, design, format};
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
    /// What else it costs and what it need not cost, each about something: the age of answers, memory that is never filled
    /// or that holds what is of no use any more. Nothing where there is nothing to be said.
    pub(crate) costs: Vec<Cost>,
    /// The runner-up and why it lost; `None` without one.
    pub(crate) runner_up: Option<String>,
    /// How sure the comparison is.
    pub(crate) certainty: String,
}

/// A cost in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Of what, in a word.
    pub(crate) of: &'static str,
    /// How much, as a sentence.
    pub(crate) words: String,
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
        costs: cell.map(|cell| costs(reading, cell)).unwrap_or_default(),
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
    if let Some(why) = &reading.record.scoring.withheld {
        return with(false, why.clone(), None, None);
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

/// What is to be said of a cell's costs besides its gates.
fn costs(reading: &Reading, cell: &Cell) -> Vec<Cost> {
    let cost = |of, words: Option<String>| words.map(|words| Cost { of, words });
    let all = [
        cost("Staleness", staleness(reading, cell)),
        cost("Memory", unused(cell)),
        cost("Memory", held(cell)),
    ];
    all.into_iter().flatten().collect()
}

/// How outdated answers become, beside the baseline's.
fn staleness(reading: &Reading, cell: &Cell) -> Option<String> {
    let base = reading.baseline_of(cell).filter(|_| !cell.baseline);
    let beside = |measure: &Measure| {
        let Some((base, _)) = base.and_then(|base| Some((base, measure.of(base)?))) else {
            return String::new();
        };
        let change = reading.change(cell, measure);
        let same = change.and_then(|change| change.indistinguishable) == Some(true);
        let alike = if same { ": indistinguishable" } else { "" };
        format!(" ({} with {}{alike})", measure.text(base), reading.strategy(base))
    };
    FRESH_SHARE.of(cell)?;
    let current = format!("{} of the answers are current{}", FRESH_SHARE.text(cell), beside(&FRESH_SHARE));
    Some(match P95_AGE.of(cell) {
        Some(_) => format!(
            "{current}; 95 % of the outdated ones are outdated for at most {}{}.",
            P95_AGE.text(cell),
            beside(&P95_AGE)
        ),
        None => format!("{current}."),
    })
}

/// How much of the cell's limit was never needed, where that is much.
fn unused(cell: &Cell) -> Option<String> {
    curves::is_roomy(cell).then(|| {
        format!(
            "It never held more than {} of its {} and evicted nothing: for these requests a limit a little above that does the same.",
            curves::most_held(cell),
            reading::capacity(cell.capacity)
        )
    })
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
            let within = change.within(&FRESH_HIT).map(|within| format!(" (± {within})")).unwrap_or_default();
            format!(", {}{within} {direction} {of_base}", points.trim_start_matches(['+', '±']))
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
        let within = reading::score_difference(second, winner).and_then(|difference| difference.interval);
        let half = within.map(|interval| format!("{:.3}", (interval.high - interval.low) / 2.0));
        let half = half.map(|half| if half == "0.000" { "< 0.001".to_owned() } else { half });
        let within = half.map(|half| format!(" (± {half} between the two)")).unwrap_or_default();
        format!("a score of {its} against {best}{within}")
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
    let unknown = (!reading.knows_changes()).then(|| {
        let nobody = if reading.record.trace.recorded { "the trace" } else { "the scenario" };
        format!("How outdated answers become is unknown: {nobody} tells no changes at the origin.")
    });
    let parts = [Some(comparison(reading)), unknown, cold_start(reading)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What is to be known of a run whose first requests are scored: there are misses in it that no strategy avoids.
fn cold_start(reading: &Reading) -> Option<String> {
    let cell = reading.focus().filter(|_| reading.record.provenance.warmup_s <= 0.0)?;
    let kinds = &cell.outcomes;
    let misses =
        kinds.miss_cold + kinds.miss_expired + kinds.miss_evicted + kinds.miss_invalidated + kinds.miss_lost;
    let starts_warm = reading.record.scenario.effective["cache"]["start"] == "warm";
    (kinds.miss_cold > 0 && !starts_warm).then(|| {
        format!(
            "Nothing is warmed up: {} of the {} misses of {} are of objects that the cache had not held before, and a warm-up \
             would leave most of those out.",
            if kinds.miss_cold == misses { "all".to_owned() } else { format::count(kinds.miss_cold) },
            format::count(misses),
            reading.name(cell),
        )
    })
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
mod tests;
