//! A scenario as it could be written with every default filled in: what `ttlab explain` prints, and where paths lead.

use super::build::SCHEMA;
use super::{CacheDesign, Scenario, Source, cache, events, origin, server, strategies};

/// The scenario as it could be written with every default.
pub(super) fn of(scenario: &Scenario, (source_name, mut source): (&str, toml::Table)) -> toml::Table {
    let mut root = toml::Table::new();
    root.insert("schema".to_owned(), SCHEMA.into());
    root.insert("name".to_owned(), scenario.name.clone().into());
    root.insert("question".to_owned(), scenario.question.clone().into());
    root.insert("seed".to_owned(), i64::try_from(scenario.seed).unwrap_or(i64::MAX).into());
    if matches!(scenario.source, Source::Synthetic(_)) {
        root.insert("repeat".to_owned(), i64::from(scenario.repeat).into());
    }
    if let Some(sample) = scenario.sample {
        root.insert("sample".to_owned(), sample.into());
    }
    let mut time = toml::Table::new();
    time.insert("warmup".to_owned(), scenario.warmup.to_string().into());
    if let Some(bucket) = scenario.bucket {
        time.insert("bucket".to_owned(), bucket.to_string().into());
    }
    if let Some(bound) = scenario.freshness_bound {
        time.insert("freshness_bound".to_owned(), bound.to_string().into());
    }
    root.insert("time".to_owned(), time.into());
    if let Some(toml::Value::Array(classes)) = source.get_mut("class") {
        for class in classes.iter_mut().filter_map(toml::Value::as_table_mut) {
            let name = class.get("name").and_then(toml::Value::as_str).unwrap_or_default();
            let changes = scenario.origin.changes_of(name).effective();
            class.insert("changes".to_owned(), changes);
        }
    }
    root.insert(source_name.to_owned(), source.into());
    let mut origin = toml::Table::new();
    origin.insert("latency".to_owned(), scenario.origin.latency.effective());
    origin.insert("capacity".to_owned(), scenario.origin.capacity.effective());
    origin.insert("changes".to_owned(), scenario.origin.changes.effective());
    if !scenario.origin.faults.is_empty() {
        let faults = scenario.origin.faults.iter().map(crate::catalog::Chosen::effective).collect();
        origin.insert("faults".to_owned(), toml::Value::Array(faults));
    }
    root.insert("origin".to_owned(), origin.into());
    root.insert("client".to_owned(), origin::effective_client(&scenario.client).into());
    root.insert("cache".to_owned(), effective_cache(&scenario.cache).into());
    let strategies =
        scenario.strategies.iter().map(|design| strategies::effective(design, &scenario.client)).collect();
    root.insert("strategy".to_owned(), toml::Value::Array(strategies));
    root.extend(scenario.judgement.effective());
    if let Some(growth) = &scenario.growth {
        root.insert("growth".to_owned(), growth.effective().into());
    }
    if let Some(drills) = &scenario.drill {
        root.insert("drill".to_owned(), drills.effective().into());
    }
    root
}

fn effective_cache(design: &CacheDesign) -> toml::Table {
    // A single value is written without a list.
    let axis = |mut values: Vec<toml::Value>| {
        if values.len() == 1 { values.remove(0) } else { toml::Value::Array(values) }
    };
    let mut table = toml::Table::new();
    let capacities: Vec<toml::Value> = design.capacities.iter().filter_map(|c| cache::written(*c)).collect();
    if !capacities.is_empty() {
        table.insert("capacity".to_owned(), axis(capacities));
    }
    table.insert(
        "eviction".to_owned(),
        axis(design.evictions.iter().map(crate::catalog::Chosen::effective).collect()),
    );
    table.insert("reclaim".to_owned(), design.reclaim.effective());
    table.insert("memory".to_owned(), design.memory.effective());
    let resolution = toml::Value::try_from(design.ttl_resolution).expect("a resolution is a word");
    table.insert("ttl_resolution".to_owned(), resolution);
    table.insert("start".to_owned(), if design.warm { "warm" } else { "cold" }.into());
    if let Some(settings) = &design.server {
        server::effective(settings, &mut table);
    }
    if !design.events.is_empty() {
        table.insert("event".to_owned(), events::effective(&design.events));
    }
    table
}
