//! Targets as a command line names them: `hit >= 0.95, peak_origin_rate <= 300/s`.

use super::gates::{Bound, Gate};
use super::objective::{METRICS, Metric};
use crate::catalog::{nearest, one_of};

/// Why a text names no targets; a whole sentence without the final full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(String);

/// Reads targets, separated by commas: a metric, `>=` or `<=`, and a value in the metric's unit. The limit itself meets
/// its target.
///
/// # Errors
/// For text that is no target, metrics that do not exist (with the one that may be meant), values of another unit, and
/// targets that no run can meet together.
pub fn targets(text: &str) -> Result<Vec<Gate>, TargetError> {
    let mut all: Vec<Gate> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let target = target(part)?;
        let same_metric = || all.iter().filter(|other| std::ptr::eq(other.metric, target.metric));
        if same_metric().any(|other| other.bound == target.bound) {
            return Err(TargetError(format!(
                "\"{part}\": there is another target of that kind for the same metric"
            )));
        }
        let conflict = same_metric().find(|other| match target.bound {
            Bound::Min => other.limit < target.limit,
            Bound::Max => other.limit > target.limit,
        });
        if let Some(other) = conflict {
            let what =
                format!("\"{}\" and \"{part}\" contradict each other: no value meets both", written(other));
            return Err(TargetError(what));
        }
        let across = all.iter().find_map(|other| contradiction(other, &target));
        if let Some(why) = across {
            return Err(TargetError(why));
        }
        all.push(target);
    }
    if all.is_empty() {
        return Err(TargetError("no target is named; write \"hit >= 0.95\"".to_owned()));
    }
    Ok(all)
}

fn target(part: &str) -> Result<Gate, TargetError> {
    let wrong = |what: String| TargetError(format!("\"{part}\" is no target: {what}"));
    let signs = [(">=", Bound::Min), ("<=", Bound::Max), ("≥", Bound::Min), ("≤", Bound::Max)];
    let Some((name, bound, value)) = signs.iter().find_map(|(sign, bound)| {
        part.split_once(sign).map(|(name, value)| (name.trim(), *bound, value.trim()))
    }) else {
        return Err(wrong("write a metric, >= or <=, and a value, such as \"hit >= 0.95\"".to_owned()));
    };
    let Some(metric) = Metric::named(name) else {
        let known = one_of(METRICS.iter().map(|metric| metric.name));
        let meant = nearest(name, Metric::names())
            .map_or(String::new(), |meant| format!("did you mean \"{meant}\"? "));
        return Err(wrong(format!("no metric is called \"{name}\"; {meant}there are: {known}")));
    };
    let example = metric.unit.example().trim_matches('"');
    let number = value.parse::<f64>().ok();
    let limit = match (number, metric.unit.read(value)) {
        (Some(number), _) if metric.unit.needs_no_unit() => number,
        (Some(_), _) => return Err(wrong(format!("{} needs a unit, such as {example}", metric.name))),
        (None, Some(Ok(value))) => value,
        (None, Some(Err(error))) => return Err(wrong(error.to_string())),
        (None, None) => return Err(wrong(format!("{} is a plain number, such as {example}", metric.name))),
    };
    if !limit.is_finite() {
        return Err(wrong(format!("the value must be finite, such as {example}")));
    }
    if metric.unit == super::Unit::Share && bound == Bound::Min && limit > 1.0 {
        return Err(wrong(format!("{} is a share and never above 1", metric.name)));
    }
    if bound == Bound::Max && limit < 0.0 {
        return Err(wrong(format!("{} is never below 0", metric.name)));
    }
    let suffix = if bound == Bound::Min { "min" } else { "max" };
    Ok(Gate { name: format!("{}_{suffix}", metric.name), metric, bound, limit })
}

/// A target as it could be written.
pub fn written(target: &Gate) -> String {
    let sign = if target.bound == Bound::Min { ">=" } else { "<=" };
    let limit = match target.metric.unit.write(target.limit) {
        super::Written::Number(number) => number.to_string(),
        super::Written::Text(text) => text,
    };
    format!("{} {sign} {limit}", target.metric.name)
}

/// Metrics of which each is at least as much as the one before it in every run.
const RISING: [&[&str]; 4] = [
    &["fresh_hit", "hit", "hit_or_joined"],
    &["p50", "p90", "p99", "p999", "max_latency"],
    &["origin_rate", "peak_origin_rate"],
    &["memory", "peak_memory"],
];

/// Why no run meets both: one asks for more of a metric than the other allows of what is never less.
fn contradiction(one: &Gate, other: &Gate) -> Option<String> {
    let (least, most) = match (one.bound, other.bound) {
        (Bound::Min, Bound::Max) => (one, other),
        (Bound::Max, Bound::Min) => (other, one),
        _ => return None,
    };
    let place = |chain: &[&str], gate: &Gate| chain.iter().position(|name| *name == gate.metric.name);
    let is_within = RISING
        .iter()
        .any(|chain| place(chain, least).zip(place(chain, most)).is_some_and(|(least, most)| least < most));
    (is_within && least.limit > most.limit).then(|| {
        format!(
            "\"{}\" and \"{}\" contradict each other: {} is never more than {}",
            written(least),
            written(most),
            least.metric.name,
            most.metric.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_in_the_units_of_the_record_and_written_back() {
        let read = targets("hit >= 0.95, peak_origin_rate <= 300/s,p99<=250ms, stale_share ≤ 0.01").unwrap();
        let told: Vec<_> = read.iter().map(|t| (t.name.as_str(), t.bound, t.limit)).collect();
        assert_eq!(
            told,
            [
                ("hit_min", Bound::Min, 0.95),
                ("peak_origin_rate_max", Bound::Max, 300.0),
                ("p99_max", Bound::Max, 250.0),
                ("stale_share_max", Bound::Max, 0.01),
            ]
        );
        let again: Vec<String> = read.iter().map(written).collect();
        assert_eq!(
            again,
            ["hit >= 0.95", "peak_origin_rate <= 300/s", "p99 <= 250ms", "stale_share <= 0.01"]
        );
        assert_eq!(targets(&again.join(", ")).unwrap().len(), 4);
        // A range is no contradiction.
        assert_eq!(targets("hit >= 0.5, hit <= 0.9").unwrap().len(), 2);
        assert_eq!(targets("hit >= 0.9, fresh_hit <= 0.5").unwrap().len(), 2);
        assert_eq!(targets("fresh_hit >= 0.5, hit <= 0.9").unwrap().len(), 2);
    }

    #[test]
    fn a_wrong_target_says_what_is_wrong_and_what_to_write() {
        for (text, part) in [
            ("", "no target is named; write \"hit >= 0.95\""),
            (" , ", "no target is named"),
            ("hit", "write a metric, >= or <=, and a value"),
            ("hit = 0.9", "write a metric, >= or <=, and a value"),
            ("hti >= 0.9", "no metric is called \"hti\"; did you mean \"hit\"?"),
            ("hit >= 95%", "hit is a plain number, such as 0.9"),
            ("hit >= 95", "a share and never above 1"),
            ("p99 <= 250", "p99 needs a unit, such as 250ms"),
            ("p99 <= 250 parsecs", "is not a duration"),
            ("p99 <= -1ms", "is not a duration"),
            ("evicted <= -1", "never below 0"),
            ("hit >= nan", "must be finite"),
            ("hit >= 0.9, fresh_hit >= 0.8, hit >= 0.7", "another target of that kind"),
            ("hit >= 0.9, hit <= 0.8", "\"hit >= 0.9\" and \"hit <= 0.8\" contradict each other"),
            ("hit <= 0.5, fresh_hit >= 0.9", "each other: fresh_hit is never more than hit"),
            ("p50 >= 90ms, p99 <= 80ms", "each other: p50 is never more than p99"),
        ] {
            let error = targets(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
