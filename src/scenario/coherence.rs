//! Which refresh policies, guards, sweeps and clients go together: nonsense is refused, the odd is warned about.
//!
//! Every message names both settings.

use super::{CacheDesign, OriginDesign, Source};
use crate::cache::Capacity;
use crate::catalog::{Chosen, Fault};
use crate::client::{Client, LateFill};
use crate::origin::Setup as OriginSetup;
use crate::origin::latency::LatencyModel;
use crate::strategy::Design;
use crate::units::SimDuration;

/// A parameter of a choice as text; empty where it is none.
fn text<T: ?Sized, S>(chosen: &Chosen<T, S>, key: &str) -> String {
    chosen.effective().get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
}

/// A parameter that is a duration.
fn span<T: ?Sized, S>(chosen: &Chosen<T, S>, key: &str) -> Option<SimDuration> {
    text(chosen, key).parse().ok()
}

/// A parameter that is a number.
fn number<T: ?Sized, S>(chosen: &Chosen<T, S>, key: &str) -> Option<f64> {
    let effective = chosen.effective();
    let value = effective.get(key)?;
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

/// Refuses combinations of the parts of one strategy.
pub(super) fn refuse(design: &Design) -> Result<(), Fault> {
    needs_expiry(design)?;
    let rule = design.rule.name();
    for (place, addon) in design.addons.iter().enumerate() {
        if design.addons[..place].iter().any(|other| other.name() == addon.name()) {
            return Err(Fault::new(addon.span(), format!("add-on \"{}\" is there twice", addon.name()))
                .help("keep one of them"));
        }
    }
    if design.sweep.name() == "zset-sweep" && matches!(rule, "last-modified-fraction" | "f-ttl") {
        let what = format!("sweep \"zset-sweep\" cannot be combined with ttl rule \"{rule}\"");
        return Err(Fault::new(design.sweep.span(), what)
            .rule("its EXPIRE at every access needs a ttl that the rule can state without a fetch")
            .help("choose another ttl rule, such as \"fixed\", or leave the sweep out"));
    }
    let uniform = matches!(rule, "fixed" | "sliding") && design.modifiers.is_empty();
    if text(&design.sweep, "purge") == "by-score" && !uniform {
        let what = format!(
            "sweep \"zset-sweep\" with purge = \"by-score\" needs one TTL for all, but the ttl rule is \"{rule}\"{}",
            if design.modifiers.is_empty() { "" } else { " with modifiers" }
        );
        return Err(Fault::new(design.sweep.span_of("purge"), what)
            .rule("a score tells when a key was accessed, not how long it lives")
            .help("write purge = \"none\", or the ttl rule \"fixed\" without modifiers"));
    }
    Ok(())
}

/// What keeps or refetches values past their TTL needs a TTL.
fn needs_expiry(design: &Design) -> Result<(), Fault> {
    if design.rule.name() != "none" {
        return Ok(());
    }
    let refresh = Some(&design.refresh).filter(|chosen| !matches!(chosen.name(), "on-demand" | "timer")).map(
        |chosen| {
            (format!("refresh \"{}\"", chosen.name()), chosen.span(), "refresh = { policy = \"on-demand\" }")
        },
    );
    let guard = Some(&design.guard)
        .filter(|chosen| chosen.name() == "lock-stale")
        .map(|chosen| (format!("guard \"{}\"", chosen.name()), chosen.span(), "guard = \"lock\""));
    let addon = design
        .addons
        .first()
        .map(|chosen| (format!("add-on \"{}\"", chosen.name()), chosen.span(), "no add-ons"));
    match refresh.or(guard).or(addon) {
        None => Ok(()),
        Some((what, span, instead)) => {
            Err(Fault::new(span, format!("{what} needs a ttl, but the ttl rule is \"none\""))
                .rule("a value that never expires is never stale")
                .help(format!("choose a ttl rule that expires, such as \"fixed\", or {instead}")))
        }
    }
}

/// Refuses combinations of a strategy with the client.
pub(super) fn refuse_with(design: &Design, client: &Client) -> Result<(), Fault> {
    let patience = span(&design.guard, "wait_timeout").zip(client.timeout);
    if let Some((wait, timeout)) = patience.filter(|(wait, timeout)| wait >= timeout) {
        let what = format!(
            "guard \"{}\" lets requests wait for {wait} (wait_timeout), but [client] timeout is {timeout}",
            design.guard.name()
        );
        return Err(Fault::new(design.guard.span_of("wait_timeout"), what)
            .rule("every request that waits would give up before it may fetch")
            .help(format!("write wait_timeout = \"{}\"", SimDuration::from_nanos(timeout.as_nanos() / 2))));
    }
    Ok(())
}

/// Refuses a job that cannot keep up with its objects.
pub(super) fn refuse_overload(design: &Design, source: &Source, origin: &OriginDesign) -> Result<(), Fault> {
    let Source::Synthetic(workload) = source else { return Ok(()) };
    if design.refresh.name() != "timer" || text(&design.refresh, "scope") == "top-k" {
        return Ok(());
    }
    let class = text(&design.refresh, "class");
    let covered = workload.classes.iter().filter(|of| class.is_empty() || of.name == class);
    let objects: f64 = covered.map(|of| f64::from(of.objects)).sum();
    let (Some(period), Some(workers)) = (span(&design.refresh, "period"), number(&design.refresh, "workers"))
    else {
        return Ok(());
    };
    let Some(mean) = mean_time(&origin.latency) else { return Ok(()) };
    let busy = objects * mean / (period.as_secs_f64() * workers);
    if busy < 1.0 {
        return Ok(());
    }
    let what = format!("{workers} workers cannot fetch {objects} objects within a period of {period}");
    Err(Fault::new(design.refresh.span_of("workers"), what)
        .rule(format!(
            "a fetch takes {mean:.3} s on average, so the job would need {busy:.1} times its workers"
        ))
        .help(format!("write workers = {}, or a longer period", (busy * workers * 1.25).ceil())))
}

/// Mean time of a fetch in seconds, where the model says it.
fn mean_time(latency: &Chosen<dyn LatencyModel, OriginSetup>) -> Option<f64> {
    match latency.name() {
        "constant" => span(latency, "value").map(SimDuration::as_secs_f64),
        "exponential" => span(latency, "mean").map(SimDuration::as_secs_f64),
        "lognormal" => {
            let sigma = number(latency, "sigma")?;
            Some(span(latency, "median")?.as_secs_f64() * (sigma * sigma / 2.0).exp())
        }
        _ => None,
    }
}

/// The time that 99 % of the fetches stay within in seconds, where the model says it.
fn p99_time(latency: &Chosen<dyn LatencyModel, OriginSetup>) -> Option<f64> {
    match latency.name() {
        "constant" => mean_time(latency),
        "exponential" => Some(mean_time(latency)? * 100.0_f64.ln()),
        "lognormal" => {
            // The 99 % point of the standard normal distribution.
            const Z: f64 = 2.326_347_874;
            Some(span(latency, "median")?.as_secs_f64() * (Z * number(latency, "sigma")?).exp())
        }
        _ => None,
    }
}

/// What the reader should know about combinations that are legal and odd.
pub(super) fn warnings(
    client: &Client,
    cache: &CacheDesign,
    origin: &OriginDesign,
    source: &Source,
    strategies: &[Design],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for design in strategies {
        warnings.extend(warnings_of(design, client, cache, origin));
    }
    let servers = number(&origin.capacity, "servers");
    if let (Source::Synthetic(workload), LateFill::Discard, Some(servers), Some(mean)) =
        (source, client.late_fill, servers, mean_time(&origin.latency))
        && workload.rate.as_per_second() * mean > servers
    {
        warnings.push(format!(
            "late_fill = \"discard\", and without a cache {} requests a second meet an origin of {:.0}: \
             once the cache is lost it may stay lost",
            workload.rate.as_per_second(),
            servers / mean
        ));
    }
    warnings
}

fn warnings_of(design: &Design, client: &Client, cache: &CacheDesign, origin: &OriginDesign) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = &design.name;
    let ttl = span(&design.rule, "ttl");
    if design.rule.name() == "none" && cache.capacities.contains(&Capacity::Unbounded) {
        warnings.push(format!(
            "strategy \"{name}\" has no ttl and the cache no limit, so memory grows with every object ever asked for"
        ));
    }
    let extends = design.guard.effective().get("extend").and_then(toml::Value::as_bool) == Some(true);
    if let (Some(lock), Some(p99), false) =
        (span(&design.guard, "lock_ttl"), p99_time(&origin.latency), extends)
        && lock.as_secs_f64() < p99
    {
        warnings.push(format!(
            "strategy \"{name}\" locks for {lock} (lock_ttl), but a fetch in a hundred takes longer than {p99:.2} s: \
             then another one is let in"
        ));
    }
    if design.refresh.name() == "refresh-ahead"
        && let (Some(ttl), Some(f), Some(p99)) =
            (ttl, number(&design.refresh, "f"), p99_time(&origin.latency))
        && ttl.as_secs_f64() * (1.0 - f) < p99
    {
        warnings.push(format!(
            "strategy \"{name}\" refreshes {:.2} s before the expiry (refresh-ahead, f = {f}), but fetches take up to \
             {p99:.2} s: some end too late",
            ttl.as_secs_f64() * (1.0 - f)
        ));
    }
    if design.sweep.name() == "zset-sweep" && !cache.capacities.contains(&Capacity::Unbounded) {
        for eviction in &cache.evictions {
            warnings.push(if eviction.name() == "noeviction" {
                format!(
                    "strategy \"{name}\" sweeps (zset-sweep) a cache with \"noeviction\": between two sweeps writes \
                     may find no room"
                )
            } else {
                format!(
                    "strategy \"{name}\" sweeps (zset-sweep) a cache that evicts by \"{}\": two evictors, and what the \
                     cache evicts stays in the set",
                    eviction.name()
                )
            });
        }
    }
    for policy in cache.evictions.iter().filter(|policy| policy.name().starts_with("volatile-")) {
        if design.rule.name() == "none" {
            warnings.push(format!(
                "strategy \"{name}\" gives no key a ttl, so eviction \"{}\" finds nobody to evict and refuses writes as \"noeviction\" does",
                policy.name()
            ));
        }
    }
    if let Some(ttl) = ttl.filter(|ttl| client.negative_ttl >= *ttl) {
        warnings.push(format!(
            "negative_ttl ({}) is not shorter than the ttl of strategy \"{name}\" ({ttl}): an error lasts as long as a value",
            client.negative_ttl
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    /// What is said of a scenario with this strategy and these further lines.
    fn said(strategy: &str, lines: &str) -> Result<Vec<String>, String> {
        let text = format!(
            "name = \"pair\"\n{lines}\n[workload]\nduration = \"1m\"\nrate = \"100/s\"\n\
             [[workload.class]]\nname = \"all\"\nobjects = 100\n[[strategy]]\nname = \"s\"\n{strategy}\n"
        );
        Scenario::parse(&text, "pair.toml").map(|read| read.warnings).map_err(|error| error.to_string())
    }

    const FIXED: &str = "ttl = { rule = \"fixed\", ttl = \"10s\" }\n";

    #[test]
    fn what_means_nothing_is_refused_with_both_settings_named() {
        for (strategy, lines, names) in [
            (
                "ttl = \"none\"\nrefresh = \"stale-while-revalidate\"".to_owned(),
                "",
                ["stale-while-revalidate", "none"],
            ),
            ("ttl = \"none\"\nrefresh = \"xfetch\"".to_owned(), "", ["xfetch", "none"]),
            ("ttl = \"none\"\nguard = \"lock-stale\"".to_owned(), "", ["lock-stale", "none"]),
            (
                "ttl = \"none\"\nrefresh = { policy = \"on-demand\", addons = [\"stale-if-error\"] }"
                    .to_owned(),
                "",
                ["stale-if-error", "none"],
            ),
            (
                format!("{FIXED}guard = \"lock\""),
                "[client]\ntimeout = \"3s\"",
                ["wait_timeout", "timeout is 3s"],
            ),
            (
                format!("{FIXED}refresh = {{ policy = \"timer\", period = \"1s\", workers = 1 }}"),
                "",
                ["workers", "period"],
            ),
            (
                "ttl = { rule = \"fixed\", modifiers = [\"jitter\"] }\n\
                 sweep = { policy = \"zset-sweep\", limit_entries = 10, purge = \"by-score\" }"
                    .to_owned(),
                "",
                ["by-score", "modifiers"],
            ),
        ] {
            let error = said(&strategy, lines).expect_err(&strategy);
            assert!(names.iter().all(|name| error.contains(name)), "{strategy}: {error}");
        }
    }

    #[test]
    fn what_is_odd_is_warned_of() {
        let short = format!("{FIXED}guard = {{ policy = \"lock\", lock_ttl = \"100ms\" }}");
        let ahead = format!("{FIXED}refresh = {{ policy = \"refresh-ahead\", f = 0.99 }}");
        let sweep = format!("{FIXED}sweep = {{ policy = \"zset-sweep\", limit_entries = 10 }}");
        for (strategy, lines, part) in [
            (short.as_str(), "", "lock_ttl"),
            (ahead.as_str(), "", "refresh-ahead"),
            (sweep.as_str(), "[cache]\ncapacity = \"1MiB\"", "two evictors"),
            (sweep.as_str(), "[cache]\ncapacity = \"1MiB\"\neviction = \"noeviction\"", "no room"),
            (FIXED, "[client]\nnegative_ttl = \"1m\"", "negative_ttl"),
            ("ttl = \"none\"", "[cache]\ncapacity = \"1MiB\"\neviction = \"volatile-lru\"", "refuses writes"),
            (FIXED, "[cache]\ncapacity = \"512KiB\"\nmemory = \"redis\"", "empty server"),
            (FIXED, "[cache]\nreclaim = \"active\"\nhz = 1000", "taken as 500"),
            (FIXED, "[cache]\neviction = \"allkeys-lru\"\nmaxmemory-samples = 65", "later versions"),
            (
                FIXED,
                "[client]\ntimeout = \"1s\"\nlate_fill = \"discard\"\n[origin]\ncapacity = { model = \"servers\", servers = 2 }",
                "may stay lost",
            ),
        ] {
            let warnings = said(strategy, lines).unwrap_or_else(|error| panic!("{error}"));
            assert!(warnings.iter().any(|warning| warning.contains(part)), "{strategy}: {warnings:?}");
        }
        assert_eq!(said(FIXED, ""), Ok(Vec::new()));
    }
}
