//! The lines of `redis.conf` that a setting implies, each with its reason.

use std::fmt::Write;

use crate::cache::Capacity;
use crate::cache::redis::Settings;
use crate::report::{format, planned};
use crate::scenario::Scenario;
use crate::strategy::Design;

/// A line, or a remark where no line can say it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// The line; empty for a remark.
    pub setting: String,
    /// Why.
    pub reason: String,
}

/// What `[cache]` of a scenario means for a server.
pub(super) fn lines(scenario: &Scenario) -> Vec<Line> {
    let mut lines = vec![maxmemory(scenario), policy(scenario)];
    let has_limit = !matches!(scenario.cache.capacities[0], Capacity::Unbounded);
    lines.extend(planned::leaves_out(scenario).filter(|_| has_limit).map(remark));
    let defaults = Settings::default();
    let played = scenario.cache.server;
    let settings = played.unwrap_or_default();
    let sampled =
        |policy: &str| policy.ends_with("-lru") || policy.ends_with("-lfu") || policy == "volatile-ttl";
    let policy = scenario.cache.evictions[0].name();
    let mut number = |name: &str, value: u32, default: u32, why: &str| {
        let origin = match (played.is_some(), value == default) {
            (true, true) => "Redis's default, and what was played",
            (true, false) => "as played",
            (false, _) => "Redis's default; nothing that was played depends on it",
        };
        let default = if value == default { String::new() } else { format!(" (default {default})") };
        lines.push(Line { setting: format!("{name} {value}"), reason: format!("{origin}{default}: {why}") });
    };
    if sampled(policy) {
        number("maxmemory-samples", settings.samples, defaults.samples, "keys looked at for each victim");
        number(
            "maxmemory-eviction-tenacity",
            settings.tenacity,
            defaults.tenacity,
            "how long one command may evict",
        );
    }
    if policy.ends_with("-lfu") {
        number(
            "lfu-log-factor",
            settings.lfu_log_factor,
            defaults.lfu_log_factor,
            "how slowly counts saturate",
        );
        number(
            "lfu-decay-time",
            settings.lfu_decay_time,
            defaults.lfu_decay_time,
            "minutes until an idle count falls",
        );
    }
    let expires = |design: &Design| design.rule.name() != "none" || design.end_of_endless().is_some();
    if scenario.strategies.iter().any(expires) {
        let why = "how hard the server looks for keys past their TTL that nobody asks for; their bytes count until then";
        number("active-expire-effort", settings.effort, defaults.effort, why);
        number("hz", settings.hz, defaults.hz, "how often it looks, in a second");
        if !settings.dynamic_hz {
            lines.push(Line {
                setting: "dynamic-hz no".to_owned(),
                reason: "as played (default yes): whether it looks more often with many connections"
                    .to_owned(),
            });
        }
    }
    lines
}

fn remark(text: &str) -> Line {
    Line { setting: String::new(), reason: text.to_owned() }
}

fn maxmemory(scenario: &Scenario) -> Line {
    match scenario.cache.capacities[0] {
        Capacity::Bytes(bytes) => Line {
            setting: format!("maxmemory {bytes}"),
            reason: format!("{}, the capacity that was played", format::bytes(bytes as f64)),
        },
        Capacity::Unbounded => Line {
            setting: "maxmemory 0".to_owned(),
            reason: "no limit, as played; a server in production should have one".to_owned(),
        },
        Capacity::Objects(objects) => remark(&format!(
            "{} objects is a limit that Redis does not have: play the scenario with a capacity in bytes for maxmemory",
            format::count(objects)
        )),
    }
}

fn policy(scenario: &Scenario) -> Line {
    let name = scenario.cache.evictions[0].name();
    let line = |policy: &str, reason: String| Line { setting: format!("maxmemory-policy {policy}"), reason };
    if name.starts_with("allkeys-") || name.starts_with("volatile-") || name == "noeviction" {
        return line(name, "who leaves when memory is full, as played".to_owned());
    }
    let near = if name.contains("lfu") { "allkeys-lfu" } else { "allkeys-lru" };
    line(
        near,
        format!(
            "Redis has no \"{name}\", which was played; this is the nearest: play eviction = \"{near}\" to see what it costs"
        ),
    )
}

/// The lines as a file.
pub(super) fn file(lines: &[Line], of: &str) -> String {
    let mut text = format!("# What {of} implies for Redis; made by ttlab tune.\n");
    for line in lines {
        let _ = write!(text, "\n# {}\n", line.reason);
        if !line.setting.is_empty() {
            let _ = writeln!(text, "{}", line.setting);
        }
    }
    text
}
