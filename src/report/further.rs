//! Which command tells more than a run's page can: the surface of one strategy over memory limits and TTLs.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::reading::Reading;
use crate::record::{Capacity, Record};

/// A run with so many limits, and as many fixed TTLs, has a surface of its own.
const ENOUGH: usize = 3;

/// The command that makes the surface of one of the record's strategies, such as `ttlab curve quickstart.toml`; `None`
/// where no strategy has a TTL that can be varied, or the scenario plays a sample of the keys, which `curve` refuses.
pub(crate) fn surface(record: &Record) -> Option<String> {
    let effective = &record.scenario.effective;
    if effective.get("sample").is_some_and(|sample| !sample.is_null()) {
        return None;
    }
    let strategies = effective.get("strategy")?.as_array()?;
    let text = |one: &Value, key: &str| one.get(key).and_then(Value::as_str).map(str::to_owned);
    let varies = |one: &Value| {
        let rule = one.get("ttl").and_then(|ttl| text(ttl, "rule"));
        rule.is_some_and(|rule| matches!(rule.as_str(), "fixed" | "sliding"))
    };
    // Without a name, `curve` takes the baseline, else the first.
    let is_baseline = |one: &&Value| one.get("baseline").and_then(Value::as_bool) == Some(true);
    let own = strategies.iter().find(is_baseline).or_else(|| strategies.first())?;
    let mut words = record.provenance.command.split_whitespace();
    let scenario = words
        .by_ref()
        .find(|word| Path::new(word).extension().is_some_and(|end| end == "toml"))
        .unwrap_or("SCENARIO");
    let mut command = format!("ttlab curve {scenario}");
    if words.any(|word| word == "--trace") {
        command = format!("{command} --trace {}", words.next()?);
    }
    if varies(own) {
        return Some(command);
    }
    let name = text(strategies.iter().find(|one| varies(one))?, "name")?;
    // A shell reads such a name as it stands between quotes.
    let plain = |c: char| c.is_alphanumeric() || " -_+.,:/%()=".contains(c);
    let name = if name.chars().all(plain) { name } else { "NAME".into() };
    Some(format!("{command} --strategy \"{name}\""))
}

/// The same where the run itself hardly tells how hits depend on limits and TTLs.
pub(crate) fn surface_if_sparse(reading: &Reading, fixed_ttls: usize) -> Option<String> {
    let limits: BTreeSet<u64> = (reading.ranked.iter())
        .filter_map(|cell| match cell.capacity {
            Some(Capacity::Bytes(limit) | Capacity::Objects(limit)) => Some(limit),
            None => None,
        })
        .collect();
    if limits.len() >= ENOUGH && fixed_ttls >= ENOUGH {
        return None;
    }
    surface(reading.record)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_command_names_a_strategy_only_where_it_must() {
        let mut record = fixture::thumbnails();
        let of = |record: &mut Record, command: &str, effective: Value| {
            record.provenance.command = command.into();
            record.scenario.effective = effective;
            surface(record)
        };
        let fixed = json!({"name": "today", "ttl": {"rule": "fixed", "ttl": "1h"}});
        let adaptive = json!({"name": "d-ttl", "baseline": true, "ttl": {"rule": "d-ttl"}});
        let none = json!({"name": "none", "ttl": {"rule": "none"}});
        let told = of(&mut record, "ttlab run a.toml", json!({"strategy": [fixed]}));
        assert_eq!(told.as_deref(), Some("ttlab curve a.toml"));
        let told =
            of(&mut record, "ttlab run a.toml --trace l.gz --seed 3", json!({"strategy": [fixed, adaptive]}));
        assert_eq!(told.as_deref(), Some("ttlab curve a.toml --trace l.gz --strategy \"today\""));
        assert_eq!(of(&mut record, "ttlab run", json!({"strategy": [none]})), None);
        assert_eq!(of(&mut record, "ttlab run", json!({"strategy": [fixed], "sample": 0.1})), None);
        let hostile = json!({"name": "`rm -rf`", "ttl": {"rule": "fixed"}});
        let told = of(&mut record, "", json!({"strategy": [none, hostile]}));
        assert_eq!(told.as_deref(), Some("ttlab curve SCENARIO --strategy \"NAME\""));
    }
}
