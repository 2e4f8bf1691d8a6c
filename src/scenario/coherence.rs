//! Which refresh policies, guards, sweeps and clients go together: nonsense is refused.
//!
//! Every message names both settings.

use super::remarks::World;
use super::{Source, fetch_time, windows};
use crate::catalog::Fault;
use crate::strategy::Design;
use crate::units::SimDuration;

/// Refuses combinations of the parts of one strategy.
pub(super) fn refuse(design: &Design) -> Result<(), Fault> {
    needs_expiry(design)?;
    needs_copy(design)?;
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
    if design.sweep.word_of("purge") == "by-score" && !uniform {
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

/// A fetch can ask whether a copy is current only where there is one.
fn needs_copy(design: &Design) -> Result<(), Fault> {
    let named = |name: &str| design.addons.iter().find(|addon| addon.name() == name);
    let Some(conditional) = named("conditional") else { return Ok(()) };
    let fetches_early = design.refresh.name() != "on-demand" || named("warm-on-upload").is_some();
    if fetches_early || windows::keeps_stale(design) {
        return Ok(());
    }
    let what =
        "add-on \"conditional\" with keep = \"0s\" has no copy to ask about under refresh \"on-demand\"";
    Err(Fault::new(conditional.span(), what)
        .rule("a value that is past its ttl is gone when it is fetched anew, so no answer would ever be a 304")
        .help("write keep = \"1h\" in the add-on, or a refresh that fetches while the value is there, such as \"refresh-ahead\""))
}

/// What keeps or refetches values past their TTL needs a TTL.
fn needs_expiry(design: &Design) -> Result<(), Fault> {
    if windows::expires(design) {
        return Ok(());
    }
    let rule = design.rule.name();
    let refresh = Some(&design.refresh).filter(|chosen| !matches!(chosen.name(), "on-demand" | "timer")).map(
        |chosen| {
            (format!("refresh \"{}\"", chosen.name()), chosen.span(), "refresh = { policy = \"on-demand\" }")
        },
    );
    let guard = Some(&design.guard)
        .filter(|chosen| chosen.name() == "lock-stale" || chosen.is_set("stale_ok"))
        .map(|chosen| (format!("guard \"{}\"", chosen.name()), chosen.span(), "guard = \"lock\""));
    // Jobs and uploads have values fetched that are fresh, and those fetches can ask whether anything changed.
    let named = |name: &str| design.addons.iter().any(|addon| addon.name() == name);
    let asks_again = design.refresh.name() == "timer" || named("warm-on-upload");
    let addon = design
        .addons
        .iter()
        .find(|addon| match addon.name() {
            "stale-if-error" => true,
            "conditional" => !asks_again,
            _ => false,
        })
        .map(|chosen| (format!("add-on \"{}\"", chosen.name()), chosen.span(), "leave the add-on out"));
    match refresh.or(guard).or(addon) {
        None => Ok(()),
        Some((what, span, instead)) => Err(Fault::new(
            span,
            format!(
                "{what} needs a ttl, but the ttl rule {}",
                if rule == "none" { "is \"none\"" } else { "\"class-table\" gives none to any class" }
            ),
        )
        .rule("a value that never expires is never stale, and no request fetches it anew")
        .help(format!("choose a ttl rule that expires, such as \"fixed\", or {instead}"))),
    }
}

/// Refuses combinations of a strategy with the client, the origin, the cache and the traffic.
pub(super) fn refuse_with(design: &Design, world: &World<'_>) -> Result<(), Fault> {
    waits_in_vain(design)?;
    served_in_vain(design)?;
    never_early(design, world)?;
    overloaded(design, world)
}

/// Who waits for a lock longer than for an answer never gets to fetch.
fn waits_in_vain(design: &Design) -> Result<(), Fault> {
    // Where those who find nothing fetch at once nobody waits.
    let guard = Some(&design.guard).filter(|guard| guard.word_of("cold") != "fetch");
    let patience = guard.and_then(|guard| guard.duration_of("wait_timeout")).zip(design.client.timeout);
    let Some((wait, timeout)) = patience.filter(|(wait, timeout)| wait >= timeout) else { return Ok(()) };
    let what = format!(
        "guard \"{}\" lets requests wait for {wait} (wait_timeout), but [client] timeout is {timeout}",
        design.guard.name()
    );
    Err(Fault::new(design.guard.span_of("wait_timeout"), what)
        .rule("every request that waits would give up before it may fetch")
        .help(format!("write wait_timeout = \"{}\"", SimDuration::from_nanos(timeout.as_nanos() / 2))))
}

/// Who gives up first is never served the old value that it waits for.
fn served_in_vain(design: &Design) -> Result<(), Fault> {
    let addon = design.addons.iter().find(|addon| addon.duration_of("soft_timeout").is_some());
    let patience =
        addon.and_then(|addon| Some((addon, addon.duration_of("soft_timeout")?, design.client.timeout?)));
    let Some((addon, soft, timeout)) = patience.filter(|(_, soft, timeout)| soft >= timeout) else {
        return Ok(());
    };
    let what = format!(
        "add-on \"{}\" serves the old value after {soft} (soft_timeout), but [client] timeout is {timeout}",
        addon.name()
    );
    Err(Fault::new(addon.span_of("soft_timeout"), what)
        .rule("every request that waits gives up before that, so that soft_timeout would change nothing")
        .help(format!(
            "write soft_timeout = \"{}\", or leave it out: who gives up is served the old value as well",
            SimDuration::from_nanos(timeout.as_nanos() / 2)
        )))
}

/// The rule of xfetch is about the time of a fetch.
fn never_early(design: &Design, world: &World<'_>) -> Result<(), Fault> {
    let latency = &world.origin.latency;
    if design.refresh.name() != "xfetch" || fetch_time::modelled(latency).map(|time| time.mean) != Some(0.0) {
        return Ok(());
    }
    let what = format!(
        "refresh \"xfetch\" needs the time of a fetch, but [origin] latency \"{}\" takes none",
        latency.name()
    );
    Err(Fault::new(design.refresh.span(), what)
        .rule("a value is fetched early by about as much as its last fetch took, so here it never would be")
        .help("write latency = { model = \"constant\", value = \"120ms\" } in [origin], or refresh = \"on-demand\""))
}

/// A job that cannot keep up with its objects.
fn overloaded(design: &Design, world: &World<'_>) -> Result<(), Fault> {
    let Source::Synthetic(workload) = world.source else { return Ok(()) };
    let class = design.refresh.word_of("class");
    let covered = workload.classes.iter().filter(|of| class.is_empty() || of.name == class);
    let objects: f64 = covered.map(|of| f64::from(of.objects)).sum();
    let late =
        fetch_time::modelled(&world.origin.latency).and_then(|time| overload(design, time.mean, objects));
    late.map_or(Ok(()), Err)
}

/// Why a job cannot keep up with so many objects if a fetch takes `mean` seconds on average, if it covers objects by the
/// clock and cannot.
pub(super) fn overload(design: &Design, mean: f64, mut objects: f64) -> Option<Fault> {
    let refresh = &design.refresh;
    if refresh.name() != "timer" {
        return None;
    }
    if refresh.word_of("scope") == "top-k" {
        objects = objects.min(refresh.number_of("top_k").unwrap_or(objects));
    }
    let (period, workers) = (refresh.duration_of("period")?, refresh.number_of("workers")?);
    let busy = objects * mean / (period.as_secs_f64() * workers);
    if busy < 1.0 {
        return None;
    }
    let what = format!(
        "refresh \"timer\" has {workers} workers, which cannot fetch {objects} objects within a period of {period}"
    );
    Some(
        Fault::new(refresh.span_of("workers"), what)
            .rule(format!(
                "a fetch takes {mean:.3} s on average, so the job would need {busy:.1} times its workers"
            ))
            .help(format!("write workers = {}, or a longer period", (busy * workers * 1.25).ceil())),
    )
}
