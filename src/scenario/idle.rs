//! Settings that are written and change nothing, because another one leaves them no part to play: told, not refused,
//! because a search may vary the other one.

use super::windows;
use crate::catalog::Chosen;
use crate::strategy::Design;
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
    }
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
        "lock" => {
            let nothing_stale = guard.word_of("on_timeout") == "stale" && !windows::keeps_stale(design);
            let why = "nothing keeps values beyond their ttl, so that who waited in vain fetches";
            found.extend(unused(guard, "guard", "on_timeout", nothing_stale, why));
        }
        _ => {}
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
