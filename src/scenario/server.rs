//! Keys of `[cache]` that carry the names of Redis's configuration.

use std::ops::RangeInclusive;

use toml::Spanned;

use crate::cache::Setup;
use crate::cache::eviction::EvictionPolicy;
use crate::cache::redis::{LruClock, Settings};
use crate::catalog::{Chosen, Fault, Section};
use crate::units::SimDuration;

/// The settings, where the first of them was written, and what the user should know.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) settings: Settings,
    pub(super) first: Option<(&'static str, std::ops::Range<usize>)>,
    /// All that were written.
    keys: Vec<&'static str>,
    pub(super) warnings: Vec<String>,
}

/// All keys, in the order in which they are told.
const KEYS: [&str; 11] = [
    "hz",
    "dynamic-hz",
    "active-expire-effort",
    "maxmemory-samples",
    "maxmemory-eviction-tenacity",
    "lfu-log-factor",
    "lfu-decay-time",
    "lru-clock",
    "clock-phase-ms",
    "expire-cost",
    "visit-cost",
];

/// The largest number that Redis 7.0 keeps in such a setting (`config.c`; measured with CONFIG SET on 7.0.15).
const MOST: u32 = i32::MAX.unsigned_abs();

/// Reads the settings of the server.
pub(super) fn settings(section: &mut Section<'_>) -> Result<Written, Fault> {
    let standard = Settings::default();
    let mut warnings = Vec::new();
    let written: Vec<_> = KEYS.iter().filter_map(|key| Some((*key, section.span_of(key)?))).collect();
    let keys = written.iter().map(|(key, _)| *key).collect();
    let first = written.into_iter().min_by_key(|(_, span)| span.start);
    let settings = Settings {
        hz: clamped(section, "hz", standard.hz, &mut warnings)?,
        dynamic_hz: section.or("dynamic-hz", standard.dynamic_hz)?,
        effort: within(section, "active-expire-effort", 1..=10, standard.effort)?,
        samples: within(section, "maxmemory-samples", 1..=MOST, standard.samples)?,
        tenacity: within(section, "maxmemory-eviction-tenacity", 0..=100, standard.tenacity)?,
        lfu_log_factor: within(section, "lfu-log-factor", 0..=MOST, standard.lfu_log_factor)?,
        lfu_decay_time: within(section, "lfu-decay-time", 0..=MOST, standard.lfu_decay_time)?,
        lru_clock: section.or("lru-clock", LruClock::default())?,
        clock_phase_ms: within(section, "clock-phase-ms", 0..=59_999, standard.clock_phase_ms)?,
        cron_phase: standard.cron_phase,
        second: standard.second,
        in_use_before: standard.in_use_before,
        ran_before: standard.ran_before,
        expire_cost: section.or("expire-cost", standard.expire_cost)?,
        visit_cost: section.or("visit-cost", standard.visit_cost)?,
    };
    if settings.samples > 64 {
        warnings.push(format!(
            "maxmemory-samples = {} is taken as it is by Redis 7.0; later versions refuse more than 64",
            settings.samples
        ));
    }
    for (key, cost) in [("expire-cost", settings.expire_cost), ("visit-cost", settings.visit_cost)] {
        if cost > SimDuration::from_millis(100) {
            warnings.push(format!(
                "{key} = \"{cost}\" is far more than a deletion takes, so the server hardly expires anything"
            ));
        }
    }
    Ok(Written { settings, first, keys, warnings })
}

/// A whole number within Redis's range.
fn within(
    section: &mut Section<'_>,
    key: &'static str,
    range: RangeInclusive<u32>,
    default: u32,
) -> Result<u32, Fault> {
    let told = |fault: Fault| {
        let (least, most) = (range.start(), range.end());
        fault
            .rule(format!("Redis takes whole numbers from {least} to {most}"))
            .help(format!("leave it out for Redis's default, {default}"))
    };
    let Some(number) = section.located::<i64>(key).map_err(told)? else { return Ok(default) };
    let value = *number.get_ref();
    u32::try_from(value)
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| told(Fault::new(Spanned::span(&number), format!("{key} = {value} is out of range"))))
}

/// `hz`: Redis takes any number up to 2^31 - 1 and works with the nearest from 1 to 500.
fn clamped(
    section: &mut Section<'_>,
    key: &'static str,
    default: u32,
    warnings: &mut Vec<String>,
) -> Result<u32, Fault> {
    let value = within(section, key, 0..=MOST, default)?;
    let used = value.clamp(1, 500);
    if used != value {
        warnings.push(format!("{key} = {value} is taken as {used}, as Redis does: it keeps to 1 to 500"));
    }
    Ok(used)
}

/// Refuses settings of a server that there is not.
pub(super) fn refuse_idle(written: &Written, used: bool) -> Result<(), Fault> {
    match &written.first {
        Some((key, span)) if !used => {
            Err(Fault::new(span.clone(), format!("{key} is a setting of a Redis server, but nothing here is modelled on one"))
                .rule("it matters with an eviction policy of Redis such as \"allkeys-lru\", with reclaim = \"active\" and with memory = \"redis\"")
                .help(format!("write eviction = \"allkeys-lru\" in [cache], or leave {key} out")))
        }
        _ => Ok(()),
    }
}

/// Warns of settings of a server that is there, but has no part that reads them.
pub(super) fn idle(
    written: &Written,
    evictions: &[Chosen<dyn EvictionPolicy, Setup>],
    reclaim: &str,
    memory: &str,
) -> Vec<String> {
    let of_redis = |name: &str| name.starts_with("allkeys-") || name.starts_with("volatile-");
    let some =
        |suits: &dyn Fn(&str) -> bool| evictions.iter().any(|one| of_redis(one.name()) && suits(one.name()));
    let lfu = |name: &str| name.ends_with("-lfu");
    let of = |key: &str| match key {
        "maxmemory-samples" => (
            some(&|name| !name.ends_with("-random")),
            "an eviction policy that samples, such as \"allkeys-lru\"",
        ),
        "maxmemory-eviction-tenacity" => {
            (some(&|_| true), "an eviction policy of Redis that evicts, such as \"allkeys-lru\"")
        }
        "lfu-log-factor" | "lfu-decay-time" => (some(&lfu), "eviction = \"allkeys-lfu\" or \"volatile-lfu\""),
        "lru-clock" => {
            (some(&|name| name.ends_with("-lru")), "eviction = \"allkeys-lru\" or \"volatile-lru\"")
        }
        "active-expire-effort" => (reclaim == "active", "reclaim = \"active\""),
        "expire-cost" => (
            reclaim == "active" || some(&|_| true),
            "reclaim = \"active\" or an eviction policy of Redis that evicts, such as \"allkeys-lru\"",
        ),
        "clock-phase-ms" => (
            some(&|name| name.ends_with("-lru") || lfu(name)) || memory == "redis",
            "an eviction policy of Redis that looks at the clock, such as \"allkeys-lru\", or memory = \"redis\"",
        ),
        _ => (true, ""),
    };
    let idle = |key: &&'static str| {
        let (is_read, by) = of(key);
        (!is_read).then(|| {
            format!(
                "{key} changes nothing here: it is read with {by} in [cache]; write that, or leave {key} out"
            )
        })
    };
    written.keys.iter().filter_map(idle).collect()
}

/// The settings as they could be written.
pub(super) fn effective(settings: &Settings, table: &mut toml::Table) {
    let Settings { samples, effort, hz, lfu_log_factor, lfu_decay_time, tenacity, .. } = *settings;
    for (key, value) in [
        ("hz", hz),
        ("active-expire-effort", effort),
        ("maxmemory-samples", samples),
        ("maxmemory-eviction-tenacity", tenacity),
        ("lfu-log-factor", lfu_log_factor),
        ("lfu-decay-time", lfu_decay_time),
        ("clock-phase-ms", settings.clock_phase_ms),
    ] {
        table.insert(key.to_owned(), i64::from(value).into());
    }
    table.insert("dynamic-hz".to_owned(), settings.dynamic_hz.into());
    table.insert("lru-clock".to_owned(), toml::Value::try_from(settings.lru_clock).expect("it is a word"));
    table.insert("expire-cost".to_owned(), settings.expire_cost.to_string().into());
    table.insert("visit-cost".to_owned(), settings.visit_cost.to_string().into());
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    /// What is said of a cache with these lines: its warnings, or why it is refused.
    fn said(cache: &str) -> Result<Vec<String>, String> {
        let text = format!(
            "name = \"t\"\n[workload]\nduration = \"1s\"\n[cache]\neviction = \"allkeys-lfu\"\n{cache}\n\
             [[strategy]]\nname = \"s\"\nttl = \"fixed\"\n"
        );
        match Scenario::parse(&text, "t.toml") {
            Ok(scenario) => Ok(scenario.cache.warnings),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn what_redis_does_not_take_is_refused_with_its_range_and_default() {
        for (key, values, range, default) in [
            ("maxmemory-samples", [0_i64, 2_147_483_648], "1 to 2147483647", 5),
            ("hz", [-1, 2_147_483_648], "0 to 2147483647", 10),
            ("active-expire-effort", [0, 11], "1 to 10", 1),
            ("maxmemory-eviction-tenacity", [-1, 101], "0 to 100", 10),
            ("lfu-log-factor", [-1, 2_147_483_648], "0 to 2147483647", 10),
            ("lfu-decay-time", [-1, 2_147_483_648], "0 to 2147483647", 1),
            ("clock-phase-ms", [-1, 60_000], "0 to 59999", 0),
        ] {
            for value in values {
                let error = said(&format!("{key} = {value}")).expect_err("it is out of range");
                for part in [
                    "t.toml:6".to_owned(),
                    format!("{key} = {value} is out of range"),
                    range.to_owned(),
                    format!("default, {default}"),
                ] {
                    assert!(error.contains(&part), "{part:?} is missing in {error}");
                }
            }
            for value in ["10.5", "\"fast\""] {
                let error = said(&format!("{key} = {value}")).expect_err("it is no whole number");
                for part in ["t.toml:6", value, range, &format!("default, {default}")] {
                    assert!(error.contains(part), "{part:?} is missing in {error}");
                }
            }
        }
    }

    #[test]
    fn what_no_part_of_the_cache_reads_is_told() {
        let told = |eviction: &str, cache: &str| {
            let text = format!(
                "name = \"t\"\n[workload]\nduration = \"1s\"\n[cache]\neviction = \"{eviction}\"\n{cache}\n\
                 [[strategy]]\nname = \"s\"\nttl = \"fixed\"\n"
            );
            Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{cache}: {error}")).cache.warnings
        };
        for (eviction, cache, words) in [
            (
                "lru",
                "memory = \"redis\"\nreclaim = \"lazy\"\nexpire-cost = \"10ms\"",
                "expire-cost changes nothing",
            ),
            ("allkeys-random", "clock-phase-ms = 700", "clock-phase-ms changes nothing"),
            ("lru", "capacity = \"0B\"", "a limit of 0 bytes holds nothing"),
            (
                "infinite",
                "capacity = \"1MB\"\n[[cache.event]]\nmaxmemory = { at = \"500ms\", capacity = \"2MB\" }",
                "maxmemory changes nothing under \"infinite\"",
            ),
        ] {
            let warnings = told(eviction, cache);
            assert!(matches!(&warnings[..], [one] if one.contains(words)), "{cache}: {warnings:?}");
        }
        assert!(
            told("allkeys-random", "memory = \"redis\"\nclock-phase-ms = 700").is_empty(),
            "its connections look"
        );
    }

    #[test]
    fn what_redis_takes_is_taken_and_told_where_it_is_odd() {
        let limits = |limit: &str| format!("memory = \"redis\"\ncapacity = \"{limit}\"");
        for (cache, told) in [
            ("hz = 1\nmaxmemory-samples = 64".to_owned(), None),
            ("hz = 500\nactive-expire-effort = 10".to_owned(), None),
            ("maxmemory-eviction-tenacity = 0\nlfu-log-factor = 0\nlfu-decay-time = 0".to_owned(), None),
            ("maxmemory-eviction-tenacity = 100\nactive-expire-effort = 1".to_owned(), None),
            ("hz = 0".to_owned(), Some("hz = 0 is taken as 1")),
            ("hz = 501".to_owned(), Some("hz = 501 is taken as 500")),
            ("maxmemory-samples = 65".to_owned(), Some("later versions refuse more than 64")),
            ("expire-cost = \"101ms\"".to_owned(), Some("hardly expires anything")),
            ("lru-clock = \"1ms\"".to_owned(), Some("lru-clock changes nothing here")),
            (
                "reclaim = \"lazy\"\nactive-expire-effort = 3".to_owned(),
                Some("active-expire-effort changes nothing here"),
            ),
            ("reclaim = \"lazy\"\nhz = 20".to_owned(), None),
            // While keys move to another table it says how many buckets a tick passes.
            ("reclaim = \"lazy\"\nvisit-cost = \"1ms\"".to_owned(), None),
            ("reclaim = \"lazy\"\nexpire-cost = \"10ms\"\nclock-phase-ms = 5".to_owned(), None),
            (limits("0B"), Some("is no limit, as Redis takes it")),
            ("capacity = \"0B\"".to_owned(), Some("is no limit, as Redis takes it")),
            (
                "capacity = \"1MB\"\n[[cache.event]]\nmaxmemory = { at = \"500ms\", capacity = \"0B\" }"
                    .to_owned(),
                Some("is no limit, as Redis takes it"),
            ),
            (
                "[[cache.event]]\nrestart = { at = \"500ms\", ttl = \"paused\" }".to_owned(),
                Some("loads nothing"),
            ),
            (
                "[[cache.event]]\nrestart = { at = \"500ms\", persistence = \"aof\", ttl = \"paused\" }"
                    .to_owned(),
                None,
            ),
            // A hundred connections never all work at once by themselves; each at rest takes 2 280 bytes.
            (
                "memory = { model = \"redis\", clients = 100 }\ncapacity = \"1MB\"".to_owned(),
                Some("nearly every write is refused"),
            ),
            (
                "memory = { model = \"redis\", clients = 100 }\ncapacity = \"1300KB\"".to_owned(),
                Some("writes may be refused then"),
            ),
            // An empty server, its connection and the histograms of GET and SET take 963 888 bytes.
            (limits("500KB"), Some("nearly every write is refused")),
            (limits("963887B"), Some("nearly every write is refused")),
            (limits("963888B"), None),
        ] {
            let warnings = said(&cache).unwrap_or_else(|error| panic!("{cache}: {error}"));
            assert_eq!(warnings.len(), usize::from(told.is_some()), "{cache}: {warnings:?}");
            let words = told.unwrap_or_default();
            assert!(warnings.iter().all(|warning| warning.contains(words)), "{cache}: {warnings:?}");
        }
    }

    #[test]
    fn a_server_that_evicts_nothing_has_settings_too_and_sweeps() {
        let text = "name = \"t\"\n[workload]\nduration = \"1s\"\n[cache]\neviction = \"POLICY\"\ncapacity = \"9MiB\"\nhz = 20\n\
                    [[strategy]]\nname = \"s\"\nttl = \"fixed\"\n";
        let scenario = Scenario::parse(&text.replace("POLICY", "noeviction"), "t.toml");
        let cache = scenario.unwrap_or_else(|error| panic!("{error}")).cache;
        assert_eq!((cache.reclaim.name(), cache.server.map(|server| server.hz)), ("active", Some(20)));
        let error =
            Scenario::parse(&text.replace("POLICY", "lru"), "t.toml").expect_err("there is no server");
        assert!(error.to_string().contains("hz is a setting of a Redis server"), "{error}");
    }
}
