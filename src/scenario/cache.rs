//! `[cache]`: how much is remembered, and by which rules.

use toml::de::DeValue;

use super::{CacheDesign, events, server};
use crate::cache::eviction::{EVICTIONS, EvictionPolicy};
use crate::cache::memory::MEMORIES;
use crate::cache::reclaim::RECLAIMS;
use crate::cache::{Capacity, Happening, Persistence, Restart, Setup, TtlClock};
use crate::catalog::{Chosen, Fault, Item, Section, read};
use crate::strategy::TtlResolution;
use crate::units::ByteSize;

/// Reads `[cache]`; without it, or without a capacity, the cache is unbounded.
pub(super) fn cache(section: Option<Section<'_>>) -> Result<CacheDesign, Fault> {
    let mut section = match section {
        Some(section) => section,
        None => Section::parse("")?,
    };
    let capacities = match section.take("capacity") {
        None => vec![Capacity::Unbounded],
        Some(item) => axis(item, capacity)?,
    };
    let evictions = match section.take("eviction") {
        None => vec![EVICTIONS.default_choice("lru")],
        Some(item) => axis(item, |item| EVICTIONS.choose(item))?,
    };
    let events = events::events(section.sections("event", "[[cache.event]]")?, &capacities)?;
    let written = server::settings(&mut section)?;
    let memory = section.plug("memory", &MEMORIES, "payload")?;
    let redis = memory.name() == "redis" || evictions.iter().any(is_of_redis);
    let reclaim = section.plug("reclaim", &RECLAIMS, if redis { "active" } else { "lazy" })?;
    let used = redis || reclaim.name() == "active";
    server::refuse_idle(&written, used)?;
    let idle = server::idle(&written, &evictions, reclaim.name(), memory.name());
    let mut design = CacheDesign {
        capacities,
        evictions,
        reclaim,
        memory,
        server: used.then_some(written.settings),
        ttl_resolution: section.or("ttl_resolution", TtlResolution::default())?,
        warm: section.or("start", Start::default())? == Start::Warm,
        events,
        warnings: written.warnings.into_iter().chain(idle).collect(),
    };
    section.finish_pointing(by_redis_name)?;
    limits_that_change(&design)?;
    leaving_no_room(&mut design)?;
    without_effect(&mut design)?;
    Ok(design)
}

/// What Redis calls otherwise.
fn by_redis_name(key: &str) -> Option<String> {
    let meant = match key {
        "maxmemory" => "capacity = \"64MiB\"",
        "maxmemory-policy" => "eviction = \"allkeys-lru\"",
        _ => return None,
    };
    Some(format!("Redis's {key} is written {meant} here"))
}

/// Whether a policy is one of Redis's own.
fn is_of_redis(policy: &Chosen<dyn EvictionPolicy, Setup>) -> bool {
    policy.make(&Setup::nothing()).is_ok_and(|policy| policy.is_of_redis())
}

/// All limits, those included that come later.
fn limits(design: &CacheDesign) -> impl Iterator<Item = Capacity> + '_ {
    let later = design.events.iter().filter_map(|written| match written.event.what {
        Happening::Limit(capacity) => Some(capacity),
        _ => None,
    });
    design.capacities.iter().copied().chain(later)
}

/// Warns of a limit of nothing, which is none at all where Redis reads it.
fn zero(design: &mut CacheDesign, is_counted: bool) {
    if !limits(design).any(|capacity| capacity == Capacity::Bytes(0)) {
        return;
    }
    let of_redis = design.evictions.iter().filter(|policy| is_counted || is_of_redis(policy)).count();
    let mut warnings = Vec::new();
    if of_redis > 0 {
        warnings.push(
            "maxmemory 0 is no limit, as Redis takes it; leave capacity out to say so plainly".to_owned(),
        );
    }
    if of_redis < design.evictions.len() {
        warnings.push("a limit of 0 bytes holds nothing where nothing is modelled on Redis; leave capacity out for no limit".to_owned());
    }
    design.warnings.extend(warnings);
}

/// Warns of events that change nothing.
fn without_effect(design: &mut CacheDesign) -> Result<(), Fault> {
    let mut warnings = Vec::new();
    for written in &design.events {
        match written.event.what {
            Happening::Restart(Restart { persistence: Persistence::None, ttl: TtlClock::Paused, .. }) => {
                warnings.push(
                    "ttl = \"paused\" changes nothing for a restart that loads nothing (persistence = \"none\")".to_owned(),
                );
            }
            Happening::Limit(_) => {
                for policy in &design.evictions {
                    if policy.make(&Setup::nothing())?.ignores_capacity() {
                        warnings.push(format!(
                            "maxmemory changes nothing under \"{}\", which has no limit",
                            policy.name()
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    warnings.dedup();
    design.warnings.extend(warnings);
    Ok(())
}

/// Warns of limits that a server at work exceeds without any key: Redis takes them, and refuses writes.
fn leaving_no_room(design: &mut CacheDesign) -> Result<(), Fault> {
    let counting = design.memory.make(&Setup::nothing())?.counting();
    zero(design, counting.is_some());
    let Some(counting) = counting else { return Ok(()) };
    let (least, at_work) = (counting.without_entries_at_rest(), counting.without_entries());
    let mut warnings = Vec::new();
    for capacity in limits(design) {
        let Capacity::Bytes(bytes) = capacity else { continue };
        let (limit, size) = (ByteSize::from_bytes(bytes), |bytes| ByteSize::from_bytes(bytes));
        if bytes == 0 {
            continue;
        }
        if bytes < least {
            warnings.push(format!(
                "maxmemory {limit} is less than a server at work takes without any key ({}): nearly every write is refused",
                size(least)
            ));
        } else if bytes < at_work {
            warnings.push(format!(
                "maxmemory {limit} is less than a server takes without any key while all {} connections are at work at once \
                 ({}): writes may be refused then",
                counting.clients,
                size(at_work)
            ));
        }
    }
    design.warnings.extend(warnings);
    Ok(())
}

/// A policy that was made for one limit cannot be given another.
fn limits_that_change(design: &CacheDesign) -> Result<(), Fault> {
    let changes = |written: &&events::Written| matches!(written.event.what, Happening::Limit(_));
    let Some(change) = design.events.iter().find(changes) else { return Ok(()) };
    for policy in &design.evictions {
        if policy.make(&Setup::nothing())?.knows_limit() {
            let name = policy.name();
            return Err(Fault::new(
                change.span.clone(),
                format!("a change of maxmemory cannot be combined with eviction \"{name}\""),
            )
            .rule("that policy divides the limit among its queues, which are made once")
            .help("choose a policy without such parts, such as \"lru\", or leave the event out"));
        }
    }
    Ok(())
}

/// What the cache holds when the trace begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Start {
    /// Nothing.
    #[default]
    Cold,
    /// Every object, with a part of its TTL left that is drawn uniformly.
    Warm,
}

/// A value, or a list of values to sweep.
fn axis<'i, V: std::fmt::Debug>(
    item: Item<'i>,
    mut one: impl FnMut(Item<'i>) -> Result<V, Fault>,
) -> Result<Vec<V>, Fault> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Array(items) if items.is_empty() => {
            Err(Fault::new(span, "an empty list sweeps over nothing")
                .help("write one value, or a list of values"))
        }
        DeValue::Array(items) => {
            let mut seen: Vec<String> = Vec::new();
            let mut values = Vec::new();
            for item in items {
                let place = item.span();
                let value = one(item)?;
                let shown = format!("{value:?}");
                if seen.contains(&shown) {
                    return Err(Fault::new(place, "this value stands twice in the sweep")
                        .rule("equal cells would only be compared with themselves"));
                }
                seen.push(shown);
                values.push(value);
            }
            Ok(values)
        }
        value => Ok(vec![one(toml::Spanned::new(span, value))?]),
    }
}

/// `"64MiB"` or `{ objects = 1000 }`.
pub(super) fn capacity(item: Item<'_>) -> Result<Capacity, Fault> {
    if !item.get_ref().is_table() {
        let size: ByteSize = read(item)?;
        return Ok(Capacity::Bytes(size.as_bytes()));
    }
    let mut section = Section::of(item, "a capacity")?;
    let objects = section.required::<i64>("objects", "{ objects = 1000 }")?;
    section.finish()?;
    let count = u64::try_from(*objects.get_ref()).map_err(|_| {
        Fault::new(objects.span(), format!("a capacity of {} objects cannot be", objects.get_ref()))
    })?;
    Ok(Capacity::Objects(count))
}

/// A capacity as it could be written.
pub(super) fn written(capacity: Capacity) -> Option<toml::Value> {
    match capacity {
        Capacity::Unbounded => None,
        Capacity::Bytes(bytes) => Some(ByteSize::from_bytes(bytes).to_string().into()),
        Capacity::Objects(objects) => {
            let mut table = toml::Table::new();
            table.insert("objects".to_owned(), i64::try_from(objects).unwrap_or(i64::MAX).into());
            Some(table.into())
        }
    }
}
