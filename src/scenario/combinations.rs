//! Which TTL rules and modifiers go together, and with what else: nonsense is refused.
//!
//! Every message names both settings.

use super::{OriginDesign, Source, windows};
use crate::catalog::{Fault, one_of};
use crate::strategy::ttl::modifier::MODIFIERS;
use crate::strategy::{Design, TtlResolution};
use crate::units::SimDuration;

/// Rules that steer a TTL by what they observe.
const CONTROLLERS: [&str; 3] = ["d-ttl", "f-ttl", "elastic"];
/// Modifiers that move a TTL over time.
const MOVERS: [&str; 3] = ["schedule", "activity", "load-adaptive"];

/// Refuses what means nothing within one strategy.
pub(super) fn check(design: &Design) -> Result<(), Fault> {
    in_order(design)?;
    one_controller(design)?;
    renewed(design)?;
    restated(design)?;
    within_cap(design)
}

/// Refuses what a strategy cannot do with this origin and this cache.
pub(super) fn check_world(
    design: &Design,
    origin: &OriginDesign,
    source: &Source,
    resolution: TtlResolution,
) -> Result<(), Fault> {
    something_changes(design, origin)?;
    something_is_uploaded(design, origin, source)?;
    representable(design, resolution)
}

/// Whether reads set the TTL of an entry anew under this design.
pub(super) fn touches(design: &Design) -> bool {
    let rule = design.rule.effective();
    rule.get("max_age").is_some() && rule.get("touch").and_then(toml::Value::as_bool) != Some(false)
}

/// The place of a modifier in the pipeline: the order of the catalog.
fn place(name: &str) -> usize {
    let names = MODIFIERS.listing().entries;
    names.iter().position(|entry| entry.name == name).expect("what was chosen is in the catalog")
}

/// Modifiers apply in the order of the pipeline, and are listed in it.
fn in_order(design: &Design) -> Result<(), Fault> {
    for pair in design.modifiers.windows(2) {
        let (first, second) = (pair[0].name(), pair[1].name());
        if place(first) > place(second) {
            let listing = MODIFIERS.listing();
            let order = one_of(listing.entries.iter().map(|entry| entry.name));
            return Err(Fault::new(
                pair[1].span(),
                format!("modifier \"{second}\" stands after modifier \"{first}\""),
            )
            .rule(format!(
                "modifiers apply in this order: {order}; jitter comes last so that its mean is kept"
            ))
            .help(format!("write \"{second}\" before \"{first}\"")));
        }
    }
    Ok(())
}

pub(super) fn second_controller(design: &Design) -> Option<(&'static str, std::ops::Range<usize>)> {
    if !CONTROLLERS.contains(&design.rule.name()) {
        return None;
    }
    let mover = design.modifiers.iter().find(|modifier| MOVERS.contains(&modifier.name()))?;
    Some((mover.name(), mover.span()))
}

/// Two controllers on one TTL fight each other.
fn one_controller(design: &Design) -> Result<(), Fault> {
    match second_controller(design) {
        Some((modifier, span)) if !design.allow_two_controllers => {
            let rule = design.rule.name();
            Err(Fault::new(
                span,
                format!("modifier \"{modifier}\" cannot be combined with ttl rule \"{rule}\""),
            )
            .rule("both move the same ttl, and each takes the other's effect for its own")
            .help("leave one of them out, or write allow_two_controllers = true in this [[strategy]]"))
        }
        _ => Ok(()),
    }
}

/// What refreshes entries at their soft deadline never sees a key that reads keep from reaching it.
fn renewed(design: &Design) -> Result<(), Fault> {
    let (rule, refresh) = (design.rule.name(), design.refresh.name());
    if design.rule.word_of("max_age") == "unbounded"
        && touches(design)
        && ["stale-while-revalidate", "refresh-ahead", "xfetch"].contains(&refresh)
    {
        return Err(Fault::new(
            design.rule.span_of("max_age"),
            format!("ttl rule \"{rule}\" with max_age = \"unbounded\" cannot be combined with refresh \"{refresh}\""),
        )
        .rule("a hot key would never become stale, so it would never be renewed")
        .help("write max_age = \"24h\""));
    }
    if touches(design) && refresh == "timer" {
        return Err(Fault::new(
            design.refresh.span(),
            format!(
                "refresh \"timer\" cannot be combined with ttl rule \"{rule}\", whose ttl reads set anew"
            ),
        )
        .rule("the timer rewrites entries that nobody reads, so the time since the last read means nothing")
        .help("write ttl = { rule = \"fixed\", ttl = \"1h\" }, or refresh = { policy = \"on-demand\" }"));
    }
    Ok(())
}

/// A read can extend an entry only to a TTL that the rule can state without a fetch.
fn restated(design: &Design) -> Result<(), Fault> {
    match design.modifiers.iter().find(|modifier| modifier.is_set("extend_existing")) {
        Some(modifier) if design.rule.name() == "last-modified-fraction" => Err(Fault::new(
            modifier.span_of("extend_existing"),
            "modifier \"load-adaptive\" with extend_existing cannot be combined with ttl rule \"last-modified-fraction\"",
        )
        .rule("that rule takes its ttl from the answer of a fetch, and a read brings none")
        .help("write extend_existing = false")),
        _ => Ok(()),
    }
}

/// Whether images ever change at the origin.
fn changes(origin: &OriginDesign) -> bool {
    let by_class = origin.class_changes.iter().map(|(_, changes)| changes);
    std::iter::once(&origin.changes).chain(by_class).any(|changes| changes.name() != "never")
}

/// What acts on uploads needs uploads of the kind that it covers.
fn something_is_uploaded(design: &Design, origin: &OriginDesign, source: &Source) -> Result<(), Fault> {
    let Some(addon) = design.addons.iter().find(|addon| addon.name() == "warm-on-upload") else {
        return Ok(());
    };
    let grows = match source {
        Source::Synthetic(workload) => workload.classes.iter().any(|class| class.churn.is_some()),
        Source::Recorded(_) => false,
    };
    let changing = "changes = { model = \"poisson\", mean = \"7d\" } in [origin] or in a class";
    let adding = "churn = { new_per_day = 0.05 } in a class of [workload]";
    let (what, help) = match addon.word_of("cover") {
        "held" if !changes(origin) => {
            ("covers images that change, but [origin] changes is \"never\"", format!("write {changing}"))
        }
        "new" if !grows => ("covers new images, but no class has any", format!("write {adding}")),
        "all" if !grows && !changes(origin) => (
            "acts when images are uploaded, but no class has new ones and [origin] changes is \"never\"",
            format!("write {changing}, or {adding}"),
        ),
        _ => return Ok(()),
    };
    Err(Fault::new(addon.span(), format!("add-on \"warm-on-upload\" {what}"))
        .rule("an upload is a change of an image, or a new one")
        .help(help + ", or leave the add-on out"))
}

/// Rules that live on change need something that changes.
fn something_changes(design: &Design, origin: &OriginDesign) -> Result<(), Fault> {
    if changes(origin) {
        return Ok(());
    }
    if let Some(addon) = design.addons.iter().find(|addon| addon.name() == "conditional") {
        return Err(Fault::new(
            addon.span(),
            "add-on \"conditional\" asks whether images have changed, but [origin] changes is \"never\"",
        )
        .rule("where nothing ever changes every answer would be a 304, and a ttl of any length would do")
        .help("write changes = { model = \"poisson\", mean = \"7d\" } in [origin] or in a class, or leave the add-on out"));
    }
    let rule = design.rule.name();
    let (span, what) = match rule {
        "last-modified-fraction" => {
            (design.rule.span(), "needs images with a date of their last change".to_owned())
        }
        "change-rate" if design.rule.word_of("mu") == "estimated" => {
            (design.rule.span_of("mu"), "with mu = \"estimated\" needs images that change".to_owned())
        }
        _ => return Ok(()),
    };
    Err(Fault::new(span, format!("ttl rule \"{rule}\" {what}, but [origin] changes is \"never\""))
        .rule("where nothing ever changes there is nothing to learn from changes")
        .help("write changes = { model = \"poisson\", mean = \"7d\" } in [origin] or in a class, or another rule"))
}

/// A cap on what the server is told bounds the TTL and what is kept beyond it together.
fn within_cap(design: &Design) -> Result<(), Fault> {
    let Some(cap) = design.modifiers.iter().find(|modifier| modifier.is_set("physical")) else {
        return Ok(());
    };
    let Some(max) = cap.duration_of("max") else { return Ok(()) };
    if let Some(kept) = windows::physical_ttl(design).filter(|kept| *kept > max) {
        let what = format!(
            "refresh \"timer\" keeps values for {kept} (physical_ttl), but modifier \"clamp\" with physical = true allows \
             {max} (max)"
        );
        return Err(Fault::new(design.refresh.span_of("physical_ttl"), what)
            .rule(
                "the server is told the longer of the two, and the cap is declared to be one of the server's",
            )
            .help(format!("write max = \"{kept}\" or more, a shorter physical_ttl, or physical = false")));
    }
    let (ttl, jitter) = greatest_bent_ttl(design, cap.duration_of("min").unwrap_or_default(), max);
    let rule = design.rule.name();
    let Some((window, what, span)) = windows::stale_window(design) else {
        let Some(jitter) = jitter.filter(|_| ttl > max) else { return Ok(()) };
        let what = format!(
            "modifier \"jitter\" spreads the ttl of rule \"{rule}\" up to {ttl}, but modifier \"clamp\" with physical = true \
             allows {max} (max)"
        );
        return Err(Fault::new(jitter, what)
            .rule("jitter comes after the clamp, and the cap is declared to be one of the server's")
            .help(format!("write max = \"{ttl}\" or more, less jitter, or physical = false")));
    };
    if ttl + window <= max {
        return Ok(());
    }
    Err(Fault::new(
        span,
        format!(
            "{what} keeps values for {window} beyond the ttl of rule \"{rule}\" (up to {ttl}), but modifier \"clamp\" \
             with physical = true allows {max} (max) in all"
        ),
    )
    .rule("the server is told the sum of both, and the cap is declared to be one of the server's")
    .help(format!("write max = \"{}\" or more, a shorter window, or physical = false", ttl + window)))
}

/// The longest TTL that a clamp and the jitter after it leave, and where that jitter stands.
fn greatest_bent_ttl(
    design: &Design,
    min: SimDuration,
    max: SimDuration,
) -> (SimDuration, Option<std::ops::Range<usize>>) {
    let moved = design.modifiers.iter().any(|modifier| MOVERS.contains(&modifier.name()));
    let clamped = windows::greatest_ttl(design).filter(|_| !moved).map_or(max, |ttl| ttl.max(min).min(max));
    let mut jitters = design.modifiers.iter().filter(|modifier| modifier.name() == "jitter").peekable();
    let place = jitters.peek().map(|jitter| jitter.span());
    let ttl = jitters.fold(clamped, |ttl, jitter| {
        if jitter.word_of("mode") == "additive" {
            ttl + jitter.duration_of("most").unwrap_or_default()
        } else {
            ttl.scaled(1.0 + jitter.number_of("spread").unwrap_or_default())
        }
    });
    // No jitter lengthens a TTL beyond the greatest age of a rule that has one.
    let age = design.rule.duration_of("max_age").filter(|_| touches(design));
    (age.map_or(ttl, |age| ttl.min(age)), place)
}

/// A TTL shorter than the smallest step of the cache would be rounded up to it.
fn representable(design: &Design, resolution: TtlResolution) -> Result<(), Fault> {
    let Some(step) = resolution.step() else { return Ok(()) };
    let (rule, mut written) = (&design.rule, Vec::new());
    let of_rule = |param: &str| (format!("ttl rule \"{}\" has a {param}", rule.name()), rule.span_of(param));
    for param in ["ttl", "idle", "max", "max_ttl", "default"] {
        written.extend(rule.duration_of(param).map(|ttl| (ttl, of_rule(param))));
    }
    for param in ["table", "steps"] {
        // The table of declared changes holds no TTLs.
        let holds = rule.name() != "change-rate" || (param == "steps" && rule.word_of("mode") == "steps");
        let least = rule.durations_of(param).into_iter().min().filter(|_| holds);
        written.extend(least.map(|ttl| (ttl, of_rule(param))));
    }
    for clamp in design.modifiers.iter().filter(|modifier| modifier.name() == "clamp") {
        let place = ("modifier \"clamp\" has a max".to_owned(), clamp.span_of("max"));
        written.extend(clamp.duration_of("max").map(|ttl| (ttl, place)));
    }
    let Some((ttl, (what, span))) = written.into_iter().find(|(ttl, _)| *ttl < step) else { return Ok(()) };
    Err(Fault::new(span, format!("{what} of {ttl}, but [cache] ttl_resolution is {step}"))
        .rule("the cache keeps TTLs in whole steps, at least one")
        .help("write a longer ttl, or ttl_resolution = \"1ms\" in [cache]"))
}
