//! Settings that are written and change nothing, because another one leaves them no part to play: told, not refused,
//! because a search may vary the other one.

use super::windows;
use crate::catalog::Chosen;
use crate::client::Client;
use crate::strategy::ttl::TtlModifier;
use crate::strategy::{Design, Setup};
use crate::units::SimDuration;

/// Every setting of a strategy that changes nothing, as a warning that names what decides it.
pub(super) fn idle(design: &Design) -> Vec<String> {
    let mut found = Vec::new();
    for modifier in design.modifiers.iter().filter(|modifier| modifier.name() == "jitter") {
        let additive = modifier.word_of("mode") == "additive";
        found.extend(unused(modifier, "modifier", "spread", additive, "mode \"additive\" adds up to most"));
    }
    let rule = &design.rule;
    let by_steps = rule.word_of("mode") == "steps";
    if rule.name() == "change-rate" {
        found.extend(unused(rule, "ttl rule", "steps", !by_steps, "mode \"target\" works a ttl out"));
        found.extend(unused(rule, "ttl rule", "target_freshness", by_steps, "mode \"steps\" looks a ttl up"));
        for param in ["min_polls", "prior"] {
            let declared = rule.word_of("mu") == "declared";
            found.extend(unused(rule, "ttl rule", param, declared, "mu \"declared\" learns nothing"));
        }
    }
    if rule.name() == "d-ttl" {
        let untouched = !rule.is_set("touch");
        found.extend(unused(
            rule,
            "ttl rule",
            "max_age",
            untouched,
            "touch is false, so no read extends a ttl",
        ));
    }
    found.extend(design.modifiers.iter().filter_map(|modifier| without_ttl(design, modifier)));
    found.extend(design.modifiers.iter().filter_map(never_so_busy));
    let timer = &design.refresh;
    if timer.name() == "timer" {
        let other = timer.word_of("scope") != "top-k";
        found.extend(unused(timer, "refresh", "top_k", other, "it is for scope \"top-k\""));
        found.extend(outlived(design));
    }
    let guard = &design.guard;
    match guard.name() {
        "lease" => {
            let fresh_only = !guard.is_set("stale_ok");
            found.extend(unused(guard, "guard", "window", fresh_only, "stale_ok is false"));
        }
        "lock-stale" => {
            let nobody_waits = guard.word_of("cold") == "fetch";
            for param in ["poll", "wait_timeout"] {
                found.extend(unused(
                    guard,
                    "guard",
                    param,
                    nobody_waits,
                    "under cold \"fetch\" nobody waits",
                ));
            }
        }
        "lock" => {
            let nothing_stale = guard.word_of("on_timeout") == "stale" && !windows::keeps_stale(design);
            let why = "nothing keeps values beyond their ttl, so that who waited in vain fetches";
            found.extend(unused(guard, "guard", "on_timeout", nothing_stale, why));
        }
        _ => {}
    }
    let sweep = &design.sweep;
    if sweep.name() == "zset-sweep" {
        let at_once = sweep.is_set("atomic");
        found.extend(unused(sweep, "sweep", "round_trip", at_once, "atomic makes both one step"));
        let by_members = sweep.number_of("limit_entries").is_some();
        found.extend(unused(
            sweep,
            "sweep",
            "batch",
            by_members,
            "limit_entries tells how many are too many",
        ));
    }
    let mut found: Vec<String> =
        found.into_iter().map(|what| format!("strategy \"{}\": {what}", design.name)).collect();
    if design.allow_two_controllers && super::combinations::second_controller(design).is_none() {
        found.push(format!(
            "strategy \"{}\": allow_two_controllers changes nothing, for at most one controller moves the ttl; leave it out",
            design.name
        ));
    }
    found
}

/// Says that a modifier bends nothing, because what comes to it has no TTL.
fn without_ttl(design: &Design, modifier: &Chosen<dyn TtlModifier, Setup>) -> Option<String> {
    let has_ttl = match modifier.name() {
        "clamp" => true,
        // A clamp before it gives one.
        "jitter" => windows::expires(design),
        _ => windows::rule_expires(design),
    };
    (!has_ttl).then(|| {
        format!(
            "modifier \"{}\" changes nothing: ttl rule \"{}\" gives nothing a ttl; leave it out, or choose a ttl rule that \
             expires, such as \"fixed\"",
            modifier.name(),
            design.rule.name()
        )
    })
}

/// Says that TTLs never become as long as a modifier allows, because a share of servers is never above 1.
fn never_so_busy(modifier: &Chosen<dyn TtlModifier, Setup>) -> Option<String> {
    if modifier.name() != "load-adaptive" || modifier.word_of("signal") != "utilisation" {
        return None;
    }
    let hi = modifier.number_of("hi").filter(|hi| *hi > 1.0)?;
    Some(format!(
        "modifier \"load-adaptive\" never comes to its greatest factor (g_max), because signal \"utilisation\" is at most 1 and \
         hi is {hi}; write hi = 0.95, or signal = \"queue\""
    ))
}

/// Says of settings of `[client]` that they are about retries, if no strategy has any.
pub(super) fn never_retries(strategies: &[Design]) -> Option<String> {
    let usual = Client::default();
    if strategies.iter().any(|design| design.client.retries > 0) {
        return None;
    }
    let any = |changed: fn(&Client, &Client) -> bool| {
        strategies.iter().any(|design| changed(&design.client, &usual))
    };
    let named = [
        ("backoff", any(|client, usual| client.backoff != usual.backoff)),
        // It is raised to the backoff where nothing is written.
        ("backoff_cap", any(|client, usual| client.backoff_cap != usual.backoff_cap.max(client.backoff))),
        ("retry_budget", any(|client, usual| client.retry_budget != usual.retry_budget)),
    ];
    let named: Vec<&str> = named.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect();
    (!named.is_empty()).then(|| {
        let all = named.join(" and ");
        format!("{all} of [client] changes nothing: retries is 0; write retries = 2, or leave {all} out")
    })
}

/// Says that values are kept longer for their TTL than for the timer, if they are.
fn outlived(design: &Design) -> Option<String> {
    let written = design.refresh.duration_of("physical_ttl")?;
    let ttl = windows::least_bent_ttl(design).filter(|ttl| written < *ttl)?;
    let rule = design.rule.name();
    let what = format!("physical_ttl ({written}) of refresh \"timer\" changes nothing");
    Some(if ttl == SimDuration::FOREVER {
        format!("{what}: what ttl rule \"{rule}\" gives no ttl is kept for ever; leave it out")
    } else {
        format!(
            "{what}: the ttl of rule \"{rule}\" is at least {ttl}, and keeps values by itself; write \
             physical_ttl = \"{ttl}\", or more to have them served past their ttl"
        )
    })
}

/// Says that a parameter has another value than its default in vain, if it has.
fn unused<T: ?Sized + 'static, S: 'static>(
    chosen: &Chosen<T, S>,
    axis: &str,
    param: &str,
    in_vain: bool,
    why: &str,
) -> Option<String> {
    (in_vain && chosen.is_changed(param))
        .then(|| format!("{param} of {axis} \"{}\" changes nothing: {why}; leave {param} out", chosen.name()))
}
