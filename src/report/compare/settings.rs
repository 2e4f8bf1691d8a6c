//! What differs between the scenarios of two runs, setting by setting.

use serde_json::Value;

use crate::report::format;

/// Settings that differ and are listed at most.
const SETTINGS: usize = 40;

/// The settings of two scenarios that differ, by their path.
pub(super) fn settings(before: &Value, after: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    differing("", Some(before), Some(after), &mut found);
    let more = found.len().saturating_sub(SETTINGS);
    found.truncate(SETTINGS);
    if more > 0 {
        found.push((format!("and {more} more"), String::new(), String::new()));
    }
    found
}

/// The items of a list with their names; `None` where one has none, or two have the same.
fn by_name(items: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Option<Vec<(&str, &Value)>> =
        items.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect();
    let names: std::collections::BTreeSet<&str> = named.iter().flatten().map(|(name, _)| *name).collect();
    named.filter(|_| names.len() == items.len())
}

fn differing(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<(String, String, String)>,
) {
    match (before, after) {
        (Some(a), Some(b)) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differing(&inner, a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.iter().chain(b).any(Value::is_object) => {
            let Some((before, after)) = by_name(a).zip(by_name(b)) else {
                for place in 0..a.len().max(b.len()) {
                    differing(&format!("{path}[{}]", place + 1), a.get(place), b.get(place), found);
                }
                return;
            };
            // What has a name is the same thing wherever it stands in the list.
            let added = after.iter().filter(|(name, _)| !before.iter().any(|(other, _)| other == name));
            for (name, _) in before.iter().chain(added) {
                let of = |named: &[(&str, &'_ Value)]| named.iter().position(|(other, _)| other == name);
                let (a, b) = (of(&before).map(|at| before[at].1), of(&after).map(|at| after[at].1));
                match (a, b) {
                    (Some(a), Some(b)) => differing(&format!("{path}[{name}]"), Some(a), Some(b), found),
                    (a, b) => {
                        let there =
                            |value: Option<&Value>| if value.is_some() { "there" } else { format::NONE };
                        let path = format::shortened(&format!("{path}[{name}]"), 120);
                        found.push((path, there(a).into(), there(b).into()));
                    }
                }
            }
        }
        _ => {
            let text = |value: Option<&Value>| match value {
                None => format::NONE.to_owned(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let short = |value: Option<&Value>| format::shortened(&text(value), 120);
            found.push((format::shortened(path, 120), short(before), short(after)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_between_scenarios_is_named() {
        let a = json!({"seed": 1, "strategy": [{"name": "x", "ttl": "1h"}], "gone": true});
        let b = json!({"seed": 2, "strategy": [{"name": "x", "ttl": "2h"}]});
        let text = |of: &str| of.to_owned();
        assert_eq!(
            settings(&a, &b),
            [
                (text("gone"), text("true"), text("—")),
                (text("seed"), text("1"), text("2")),
                (text("strategy[x].ttl"), text("1h"), text("2h")),
            ]
        );
        let a = json!({"strategy": [{"name": "x", "ttl": "1h"}, {"name": "old"}]});
        let b = json!({"strategy": [{"name": "new"}, {"name": "x", "ttl": "1h"}]});
        assert_eq!(
            settings(&a, &b),
            [
                (text("strategy[old]"), text("there"), text("—")),
                (text("strategy[new]"), text("—"), text("there")),
            ]
        );
    }
}
