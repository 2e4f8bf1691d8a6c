//! How long a strategy keeps values: the TTLs that its rule can give, and the time beyond them.

use std::ops::Range;

use crate::strategy::Design;
use crate::units::SimDuration;

/// The shortest TTL that the rule is known to give, before modifiers; `None` where it depends on what is stored.
pub(super) fn least_ttl(design: &Design) -> Option<SimDuration> {
    let rule = &design.rule;
    match rule.name() {
        "fixed" => rule.duration_of("ttl"),
        "sliding" => rule.duration_of("idle"),
        "class-table" => rule.durations_of("table").into_iter().chain(rule.duration_of("default")).min(),
        _ => None,
    }
}

/// The shortest TTL that the rule and its modifiers are known to give to what a timer covers; `None` where that depends
/// on what is stored, or when.
pub(super) fn least_bent_ttl(design: &Design) -> Option<SimDuration> {
    let mut ttl = if rule_expires(design) { covered_ttl(design)? } else { SimDuration::FOREVER };
    for modifier in &design.modifiers {
        ttl = match modifier.name() {
            "clamp" => ttl.max(modifier.duration_of("min")?).min(modifier.duration_of("max")?),
            "load-adaptive" => ttl,
            "jitter" if ttl == SimDuration::FOREVER || modifier.word_of("mode") == "additive" => ttl,
            "jitter" => ttl.scaled(1.0 - modifier.number_of("spread")?),
            _ => return None,
        };
    }
    Some(ttl)
}

/// The shortest TTL of what a timer covers, before modifiers: that of its class, where the rule tells classes apart.
fn covered_ttl(design: &Design) -> Option<SimDuration> {
    let class = design.refresh.word_of("class");
    if class.is_empty() || design.rule.name() != "class-table" {
        return least_ttl(design);
    }
    let rule = design.rule.effective();
    let own = rule.get("table").and_then(|table| table.get(class));
    match own.or_else(|| rule.get("default"))?.as_str()? {
        "none" => Some(SimDuration::FOREVER),
        text => text.parse().ok(),
    }
}

/// How long a timer lets the cache keep a value, whatever its TTL; `None` without a timer.
pub(super) fn physical_ttl(design: &Design) -> Option<SimDuration> {
    let timer = Some(&design.refresh).filter(|refresh| refresh.name() == "timer")?;
    timer.duration_of("physical_ttl").or_else(|| timer.duration_of("period").map(|period| period + period))
}

/// The longest TTL that the rule can give, before modifiers; `None` where there is no limit.
pub(super) fn greatest_ttl(design: &Design) -> Option<SimDuration> {
    let rule = &design.rule;
    match rule.name() {
        "none" => None,
        "fixed" | "sliding" => least_ttl(design),
        "class-table" if some_classes_have_none(design) => None,
        "class-table" => rule.durations_of("table").into_iter().chain(rule.duration_of("default")).max(),
        "d-ttl" | "f-ttl" => rule.duration_of("max_ttl"),
        _ => rule.duration_of("max"),
    }
}

/// The longest TTL that the rule and its modifiers can give, as far as they tell one; `None` where there is none, and where
/// the rule steers towards a target, for which its limit is only the last resort.
pub(super) fn greatest_bent_ttl(design: &Design) -> Option<SimDuration> {
    if matches!(design.rule.name(), "elastic" | "d-ttl" | "f-ttl") {
        return None;
    }
    let mut ttl = greatest_ttl(design);
    for modifier in &design.modifiers {
        ttl = match modifier.name() {
            "clamp" => modifier.duration_of("max").map(|max| ttl.map_or(max, |ttl| ttl.min(max))).or(ttl),
            "jitter" => match modifier.number_of("spread") {
                Some(spread) if modifier.word_of("mode") != "additive" => {
                    ttl.map(|ttl| ttl.scaled(1.0 + spread))
                }
                _ => ttl,
            },
            _ => ttl,
        };
    }
    ttl
}

/// Whether values of some classes expire and others never do.
pub(super) fn some_never_expire(design: &Design) -> bool {
    some_classes_have_none(design) && design.end_of_endless().is_none()
}

/// Whether the rule gives a TTL to some classes and none to others, before modifiers.
fn some_classes_have_none(design: &Design) -> bool {
    let rule = design.rule.effective();
    let never = |value: &toml::Value| value.as_str() == Some("none");
    let table = rule.get("table").and_then(toml::Value::as_table);
    design.rule.name() == "class-table"
        && (table.is_some_and(|table| table.values().any(never)) || rule.get("default").is_some_and(never))
}

/// Whether values of any class expire: by the rule, or by a clamp of what it gives no TTL.
pub(super) fn expires(design: &Design) -> bool {
    rule_expires(design) || design.end_of_endless().is_some()
}

/// Whether the rule gives any class a TTL, before modifiers.
pub(super) fn rule_expires(design: &Design) -> bool {
    match design.rule.name() {
        "none" => false,
        "class-table" => least_ttl(design).is_some(),
        _ => true,
    }
}

/// Whether values are kept beyond their TTL at all.
pub(super) fn keeps_stale(design: &Design) -> bool {
    design.refresh.name() == "timer" || stale_window(design).is_some()
}

/// What keeps values longest beyond their TTL: for how long, what it is called, and where it stands.
pub(super) fn stale_window(design: &Design) -> Option<(SimDuration, String, Range<usize>)> {
    let mut windows = Vec::new();
    let refresh = &design.refresh;
    for param in ["window", "r"] {
        windows.extend(refresh.duration_of(param).map(|window| {
            (window, format!("refresh \"{}\" ({param})", refresh.name()), refresh.span_of(param))
        }));
    }
    let guard = &design.guard;
    if guard.name() == "lock-stale" || guard.is_set("stale_ok") {
        windows.extend(
            guard.duration_of("window").map(|window| {
                (window, format!("guard \"{}\" (window)", guard.name()), guard.span_of("window"))
            }),
        );
    }
    for addon in &design.addons {
        for param in ["window", "keep"] {
            windows.extend(addon.duration_of(param).map(|window| {
                (window, format!("add-on \"{}\" ({param})", addon.name()), addon.span_of(param))
            }));
        }
    }
    windows.into_iter().filter(|(window, ..)| !window.is_zero()).max_by_key(|(window, ..)| *window)
}
