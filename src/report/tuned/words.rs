//! The sentences of a plan.

use crate::report::format;
use crate::report::measure::{Unit, label_of};
use crate::report::sampled::share;
use crate::score::{self, Metric};
use crate::tune::{Against, Ended, Finalist, Tuned};

/// How the objective's values are printed.
pub(super) fn unit(tuned: &Tuned) -> Unit {
    let name = tuned.objective.rsplit(' ').next().unwrap_or_default();
    Metric::named(name).map_or(Unit::Number, |metric| match metric.unit {
        score::Unit::Share => Unit::Share,
        score::Unit::Bytes => Unit::Bytes,
        score::Unit::PerSecond => Unit::Rate,
        score::Unit::BytesPerSecond => Unit::ByteRate,
        score::Unit::Milliseconds => Unit::Millis,
        score::Unit::Seconds => Unit::Seconds,
        score::Unit::Count | score::Unit::PerHour => Unit::Number,
    })
}

/// What was looked for: `minimise origin_rate, hit >= 0.95`.
pub(super) fn looked_for(tuned: &Tuned) -> String {
    let kept = tuned.constraints.iter().map(|target| format!(", {target}"));
    format!("{}{}", tuned.objective, kept.collect::<String>())
}

/// A path without the strategy that is tuned, which all paths within strategies lead into: `ttl.ttl`.
pub(super) fn short(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("strategy.") else { return path };
    let name = match rest.strip_prefix('"') {
        Some(quoted) => {
            let mut escaped = false;
            let end = quoted.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        None => rest.find(['.', '[']).unwrap_or(rest.len()),
    };
    match rest[name..].strip_prefix('.') {
        Some(within) if !within.is_empty() => within,
        _ => path,
    }
}

/// Settings as they are written within the strategy: `ttl.ttl = "5m"`.
pub(super) fn values(tuned: &Tuned, of: &[toml::Value]) -> String {
    let written = tuned.paths.iter().zip(of).map(|(path, value)| format!("{} = {value}", short(path)));
    written.collect::<Vec<_>>().join(", ")
}

/// A paired difference with its interval: `+1.2 points (+0.8 … +1.6)`.
pub(super) fn gain(unit: Unit, gain: Option<Against>) -> String {
    let Some(gain) = gain else { return format::NONE.to_owned() };
    let signed = |value: f64| match unit {
        Unit::Share => format::points(value),
        _ => format!("{}{}", if value < 0.0 { "-" } else { "+" }, unit.print(Some(value.abs()))),
    };
    // The unit of shares stands once.
    let bare = |value: f64| signed(value).trim_end_matches(" points").trim_end_matches(" point").to_owned();
    match (gain.low, gain.high) {
        (Some(low), Some(high)) => format!("{} ({} … {})", signed(gain.mean), bare(low), bare(high)),
        _ => signed(gain.mean),
    }
}

/// Constraints that are missed, with what came out.
pub(super) fn missed(finalist: &Finalist) -> String {
    let missed = finalist.constraints.iter().filter(|kept| !kept.kept);
    let missed = missed.map(|kept| format!("{} (it is {})", kept.target, format::number(kept.value)));
    missed.collect::<Vec<_>>().join(", ")
}

/// Drills that are not survived.
pub(super) fn fallen(finalist: &Finalist) -> String {
    let fallen = finalist.drills.iter().filter(|drill| drill.survives == Some(false));
    fallen.map(|drill| drill.drill).collect::<Vec<_>>().join(", ")
}

/// What is advised.
pub(super) fn verdict(tuned: &Tuned) -> String {
    let baseline = &tuned.baseline_name;
    let Some(winner) = tuned.winner.map(|winner| &tuned.finalists[winner]) else {
        let nearest = tuned.finalists.iter().min_by(|a, b| a.violation.total_cmp(&b.violation));
        let nearest = nearest.map_or_else(String::new, |nearest| {
            let (missed, fallen) = (missed(nearest), fallen(nearest));
            let why = match (missed.is_empty(), fallen.is_empty()) {
                (false, true) => format!("misses {missed}"),
                (true, _) => format!("does not survive {fallen}"),
                (false, false) => format!("misses {missed} and does not survive {fallen}"),
            };
            format!(" Nearest comes {}, which {why}.", values(tuned, &nearest.values))
        });
        let drilled = tuned.finalists.iter().any(|one| !one.drills.is_empty());
        let survives = if drilled { " and survives every drill" } else { "" };
        return format!("Nothing that was found keeps every constraint{survives} on fresh seeds.{nearest}");
    };
    let (unit, settings) = (unit(tuned), values(tuned, &winner.values));
    let better = gain(unit, winner.gain);
    let name = tuned.objective.rsplit(' ').next().unwrap_or_default();
    let came_to = format!("{} {}", unit.print(winner.objective), label_of(name));
    match tuned.ended {
        Ended::Better => format!(
            "Use \"{}\" with {settings}: {came_to}, better than \"{baseline}\" by {better}.",
            tuned.strategy
        ),
        Ended::Keeps => format!(
            "Use \"{}\" with {settings}: {came_to}, and it keeps every constraint; \"{baseline}\" misses {}.",
            tuned.strategy,
            missed(&tuned.baseline)
        ),
        Ended::Indistinguishable => format!(
            "Keep \"{baseline}\": the best that was found ({settings}) is indistinguishable from it, {better}."
        ),
        Ended::Worse => {
            format!("Keep \"{baseline}\": the best that was found ({settings}) is worse, {better}.")
        }
        Ended::NoneKeeps => String::new(),
    }
}

/// What a reader should know.
pub(super) fn notes(tuned: &Tuned) -> Vec<String> {
    let mut notes = vec![format!(
        "{} settings were tried ({}, {} whole traces for each of {} seeds). The best {} and the baseline were played again on \
         {} fresh seeds; all that is said of them comes from these. Intervals hold for all finalists together, 95 times in \
         100.",
        tuned.tried.len(),
        tuned.sampler,
        format::number(tuned.runs),
        tuned.replications,
        tuned.finalists.len(),
        tuned.fresh
    )];
    let longest = tuned.tried.iter().map(|tried| tried.share).fold(0.0, f64::max);
    if longest < 1.0 {
        let of = if tuned.parts_of_keys { "keys" } else { "scored time" };
        notes.push(format!(
            "The budget was spent before a setting was tried on all of the {of}. Finalists are the best of those on {} of it, \
             and no trial belongs to the Pareto set.",
            share(longest)
        ));
    }
    if tuned.rounds > 1 {
        notes.push(format!(
            "Finalists were called up {} times: those before missed a constraint on fresh seeds, or did not survive a drill. The \
             later ones kept away from every constraint by as much as those before had missed what their trials told.",
            tuned.rounds
        ));
    }
    if let Some(rate) = tuned.sample {
        notes.push(format!(
            "Trials played samples of {} of the keys, in a cache and at an origin of that share; the finals played all keys.",
            share(rate)
        ));
    }
    if tuned.parts_of_keys {
        notes.push(
            "Where a trial played a part of the trace, that was a sample of its keys over all of its time."
                .to_owned(),
        );
    }
    if tuned.recorded {
        notes.push(
            "The trace is recorded: fresh seeds change the chance of the origin and of strategies, not who asks. Intervals \
             say nothing of another day's requests."
                .to_owned(),
        );
    }
    if let (refused @ 1.., Some(why)) = (tuned.refused, &tuned.refused_why) {
        notes.push(format!("{refused} settings make no scenario and were passed over; the first: {why}"));
    }
    for one in &tuned.finalists {
        let fallen = fallen(one);
        if !fallen.is_empty() {
            notes.push(format!("{} does not survive {fallen}.", values(tuned, &one.values)));
        }
    }
    if let Some(winner) = tuned.winner {
        let alike =
            tuned.finalists.iter().enumerate().filter(|(index, one)| *index != winner && one.like_winner);
        let alike: Vec<String> = alike.map(|(_, one)| values(tuned, &one.values)).collect();
        if !alike.is_empty() {
            notes.push(format!("Indistinguishable from the best: {}.", alike.join("; ")));
        }
        let flat: Vec<&str> = tuned
            .flat
            .iter()
            .filter(|flat| flat.hardly_matters && !flat.moves.is_empty())
            .map(|flat| short(&flat.path))
            .collect();
        if !flat.is_empty() {
            notes.push(format!("Around the best, these hardly matter: {}.", flat.join(", ")));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_without_its_strategy() {
        for (path, told) in [
            ("strategy.today.ttl.ttl", "ttl.ttl"),
            ("strategy.\"by kind\".ttl.table.photo", "ttl.table.photo"),
            (r#"strategy."a \" b.c".guard"#, "guard"),
            ("strategy.today", "strategy.today"),
            ("cache.capacity", "cache.capacity"),
        ] {
            assert_eq!(short(path), told);
        }
    }
}
