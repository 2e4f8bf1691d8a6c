//! What a strategy is made of, as the record's scenario tells it.

use serde_json::Value;

use super::format;
use crate::record::Record;

/// Parameters of a TTL rule told of at most; the page has the strategy's settings in full below.
const PARAMETERS: usize = 3;

/// The parameters that say most of a rule, the first of them first; others steer details.
const TELLING: [&str; 12] = [
    "ttl",
    "table",
    "target",
    "size_target",
    "idle",
    "t0",
    "factor",
    "k",
    "changes_every",
    "miss_cost",
    "price",
    "max_age",
];

/// The most characters of all that is told.
const LONGEST: usize = 120;

/// A strategy of the effective scenario; `None` where the record does not tell it.
pub(crate) fn named<'r>(record: &'r Record, strategy: &str) -> Option<&'r Value> {
    let effective = &record.scenario.effective;
    let lists = ["strategy", "strategies"].into_iter().filter_map(|key| effective.get(key)?.as_array());
    lists.flatten().find(|one| text(one, "name") == Some(strategy))
}

/// What a strategy is made of: `TTL rule fixed with ttl 1h; modifier jitter; guard single-flight`; `None` where the record
/// does not tell it.
///
/// Of the rule's parameters these are the most [telling](TELLING); what has its default, as no guard, is left out.
pub(crate) fn words(record: &Record, strategy: &str) -> Option<String> {
    let of = named(record, strategy)?;
    let ttl = of.get("ttl")?;
    let rule = text(ttl, "rule")?;
    let parameters = TELLING.iter().filter_map(|key| Some(format!("{key} {}", told(ttl.get(key)?)?)));
    let parameters: Vec<String> = parameters.take(PARAMETERS).collect();
    let rule = match parameters.as_slice() {
        [] => format!("TTL rule {rule}"),
        some => format!("TTL rule {rule} with {}", some.join(", ")),
    };
    let modifiers = ttl.get("modifiers").and_then(Value::as_array).into_iter().flatten();
    let modifiers =
        modifiers.filter_map(|one| text(one, "modifier")).map(|modifier| format!("modifier {modifier}"));
    let policy = |key: &str, usual: &str| {
        let policy = of.get(key).and_then(|value| value.as_str().or_else(|| text(value, "policy")))?;
        (policy != usual).then(|| format!("{key} {policy}"))
    };
    let others = [policy("refresh", "on-demand"), policy("guard", "none")];
    let all: Vec<String> = [rule].into_iter().chain(modifiers).chain(others.into_iter().flatten()).collect();
    Some(format::shortened(&all.join("; "), LONGEST))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

/// A value, or a short table of such, as of TTLs by class.
fn told(value: &Value) -> Option<String> {
    /// Rows of a table told of at most.
    const ROWS: usize = 4;
    let Some(table) = value.as_object().filter(|table| table.len() <= ROWS) else { return scalar(value) };
    let rows: Option<Vec<String>> =
        table.iter().map(|(key, value)| Some(format!("{key} {}", scalar(value)?))).collect();
    Some(format!("({})", rows?.join(", ")))
}

/// A value that is neither a list nor a table, as the scenario writes it, without quotes.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::fixture;

    fn of(strategy: &Value) -> Option<String> {
        let mut record = fixture::one_cell();
        record.scenario.effective = json!({ "strategy": [{ "name": "other" }, strategy] });
        words(&record, "only")
    }

    #[test]
    fn rule_parameters_and_what_is_not_usual_are_told() {
        let plain = json!({
            "name": "only", "ttl": { "rule": "fixed", "ttl": "1h" }, "guard": { "policy": "none" },
            "refresh": { "policy": "on-demand" },
        });
        assert_eq!(of(&plain).unwrap(), "TTL rule fixed with ttl 1h");
        let steered = json!({
            "name": "only", "guard": "single-flight", "refresh": { "policy": "xfetch", "beta": 1 },
            "ttl": {
                "rule": "d-ttl", "a0": 0.05, "bounds": [1, 2], "exponent": 0.6, "floor_step": "0s", "target": 0.6,
                "modifiers": [{ "modifier": "jitter", "spread": 0.1 }],
            },
        });
        assert_eq!(
            of(&steered).unwrap(),
            "TTL rule d-ttl with target 0.6; modifier jitter; refresh xfetch; guard single-flight"
        );
        let by_class =
            json!({ "name": "only", "ttl": { "rule": "class-table", "table": { "a": "1d", "b": "5m" } } });
        assert_eq!(of(&by_class).unwrap(), "TTL rule class-table with table (a 1d, b 5m)");
    }

    #[test]
    fn what_the_record_does_not_tell_is_left_out_and_what_is_long_is_cut() {
        assert_eq!(of(&json!({ "name": "only" })), None);
        assert_eq!(of(&json!({ "name": "else", "ttl": { "rule": "fixed" } })), None);
        let long = of(&json!({ "name": "only", "ttl": { "rule": "x".repeat(500) } })).unwrap();
        assert_eq!(long.chars().count(), LONGEST);
    }
}
