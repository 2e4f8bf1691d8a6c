//! `[[cache.event]]`: what happens to the server while the requests go on.

use super::cache::{capacity, written};
use crate::cache::{Capacity, Happening, Persistence, Restart, ServerEvent, ShardLoss, TtlClock};
use crate::catalog::{Fault, Section};
use crate::units::{SimDuration, SimTime};

/// An event and where it was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The event.
    pub event: ServerEvent,
    /// Byte offsets in the scenario's text.
    pub span: std::ops::Range<usize>,
}

/// Reads the events, in the order of their time; `capacities` are the limits at the start.
pub(super) fn events(sections: Vec<Section<'_>>, capacities: &[Capacity]) -> Result<Vec<Written>, Fault> {
    let mut events = sections.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
    events.sort_by_key(|written| written.event.at);
    for pair in events.windows(2) {
        let (first, second) = (&pair[0], &pair[1]);
        if second.event.at <= first.event.until() {
            let what = format!(
                "this event is at {}, but the one before it lasts from {} to {}",
                time(second.event.at),
                time(first.event.at),
                time(first.event.until())
            );
            return Err(Fault::new(second.span.clone(), what)
                .rule("a server that is down cannot be told anything, and two events need an order")
                .help("move one of them"));
        }
    }
    for written in &events {
        same_unit(written, capacities)?;
    }
    Ok(events)
}

fn event(mut section: Section<'_>) -> Result<Written, Fault> {
    const KINDS: &str = "flush = { at = \"1h\" }, restart = { at = \"2h\", down = \"30s\" }, shard_loss = { at = \"2h\", shards = 6 } or maxmemory = { at = \"3h\", capacity = \"64MiB\" }";
    let span = section.span();
    let written =
        ["flush", "restart", "shard_loss", "maxmemory"].iter().filter(|kind| section.has(kind)).count();
    let kinds = (
        section.section("flush")?,
        section.section("restart")?,
        section.section("shard_loss")?,
        section.section("maxmemory")?,
    );
    section.finish()?;
    let event = match kinds {
        (Some(flush), None, None, None) => happening(flush, |_| Ok(Happening::Flush))?,
        (None, Some(restart), None, None) => happening(restart, |section| {
            Ok(Happening::Restart(Restart {
                down: section.or("down", SimDuration::ZERO)?,
                persistence: section.or("persistence", Persistence::default())?,
                ttl: section.or("ttl", TtlClock::default())?,
            }))
        })?,
        (None, None, Some(loss), None) => {
            happening(loss, |section| Ok(Happening::ShardLoss(shard_loss(section)?)))?
        }
        (None, None, None, Some(limit)) => happening(limit, |section| {
            let Some(item) = section.take("capacity") else {
                return Err(section.missing("capacity", "capacity = \"64MiB\""));
            };
            Ok(Happening::Limit(capacity(item)?))
        })?,
        _ => {
            let what = if written == 0 { "this event does nothing" } else { "this event does two things" };
            return Err(Fault::new(span, what)
                .rule("each [[cache.event]] is one of flush, restart, shard_loss and maxmemory")
                .help(format!("write {KINDS}")));
        }
    };
    Ok(Written { event, span })
}

/// `shard_loss = { at = "2h", down = "5m", shards = 6, shard = 2 }`.
fn shard_loss(section: &mut Section<'_>) -> Result<ShardLoss, Fault> {
    let down = section.or("down", SimDuration::from_secs(60))?;
    let number =
        |section: &mut Section<'_>, key: &'static str, usual: u16, least: u16, most: u16| match section
            .located::<i64>(key)?
        {
            None => Ok(usual),
            Some(number) => u16::try_from(*number.get_ref())
                .ok()
                .filter(|n| (least..=most).contains(n))
                .ok_or_else(|| {
                    let what =
                        format!("{key} must lie between {least} and {most}, but is {}", number.get_ref());
                    Fault::new(number.span(), what)
                        .rule("a cluster has shards 0 to shards - 1, with equal shares of the hash slots")
                }),
        };
    let shards = number(section, "shards", 3, 1, 1_000)?;
    let shard = number(section, "shard", 0, 0, shards - 1)?;
    Ok(ShardLoss { down, shards, shard })
}

fn happening(
    mut section: Section<'_>,
    what: impl FnOnce(&mut Section<'_>) -> Result<Happening, Fault>,
) -> Result<ServerEvent, Fault> {
    let at = section.required::<SimDuration>("at", "at = \"2h\"")?.into_inner();
    let what = what(&mut section)?;
    section.finish()?;
    Ok(ServerEvent { at: SimTime::ZERO + at, what })
}

/// A limit changes in the unit it is in, which without one is bytes: a cache that counts entries has no use for those.
fn same_unit(written: &Written, capacities: &[Capacity]) -> Result<(), Fault> {
    let Happening::Limit(new) = written.event.what else { return Ok(()) };
    let same = |old: &Capacity| {
        matches!(
            (old, new),
            (Capacity::Bytes(_) | Capacity::Unbounded, Capacity::Bytes(_))
                | (Capacity::Objects(_), Capacity::Objects(_))
        )
    };
    if capacities.iter().all(same) {
        return Ok(());
    }
    Err(Fault::new(
        written.span.clone(),
        "maxmemory changes to a capacity of another unit than [cache] capacity",
    )
    .rule("entries are weighed in the unit of the capacity with which the run begins")
    .help("write both as sizes, such as \"64MiB\", or both as { objects = 1000 }"))
}

/// An instant as it could be written.
fn time(at: SimTime) -> String {
    at.since(SimTime::ZERO).to_string()
}

/// The events as they could be written.
pub(super) fn effective(events: &[Written]) -> toml::Value {
    let one = |written: &Written| {
        let ServerEvent { at, what } = written.event;
        let mut table = toml::Table::new();
        table.insert("at".to_owned(), time(at).into());
        let word = |value: Result<toml::Value, toml::ser::Error>| value.expect("it is a word");
        let kind = match what {
            Happening::Flush => "flush",
            Happening::Restart(Restart { down, persistence, ttl }) => {
                table.insert("down".to_owned(), down.to_string().into());
                table.insert("persistence".to_owned(), word(toml::Value::try_from(persistence)));
                table.insert("ttl".to_owned(), word(toml::Value::try_from(ttl)));
                "restart"
            }
            Happening::ShardLoss(ShardLoss { down, shards, shard }) => {
                table.insert("down".to_owned(), down.to_string().into());
                table.insert("shards".to_owned(), i64::from(shards).into());
                table.insert("shard".to_owned(), i64::from(shard).into());
                "shard_loss"
            }
            Happening::Limit(capacity) => {
                let value = written_capacity(capacity);
                table.insert("capacity".to_owned(), value);
                "maxmemory"
            }
        };
        toml::Value::Table(toml::Table::from_iter([(kind.to_owned(), table.into())]))
    };
    toml::Value::Array(events.iter().map(one).collect())
}

fn written_capacity(capacity: Capacity) -> toml::Value {
    written(capacity).expect("an event's capacity has a limit")
}

/// What a reader should know of an event, in a few words.
pub fn words(event: &ServerEvent) -> (&'static str, String) {
    match event.what {
        Happening::Flush => ("flush", "every key deleted".to_owned()),
        Happening::Restart(Restart { down, persistence, ttl }) => {
            let loaded = match persistence {
                Persistence::None => "every key lost",
                Persistence::Rdb => "loaded from a snapshot",
                Persistence::Aof => "loaded from the append-only file",
            };
            let clock = match (persistence, ttl) {
                (Persistence::Rdb | Persistence::Aof, TtlClock::Paused) => ", ttls paused",
                _ => "",
            };
            ("restart", format!("down for {down}, {loaded}{clock}"))
        }
        Happening::ShardLoss(ShardLoss { down, shards, shard }) => {
            ("shard loss", format!("shard {} of {shards} lost, served again empty after {down}", shard + 1))
        }
        Happening::Limit(capacity) => {
            let limit = match capacity {
                Capacity::Objects(objects) => format!("{objects} objects"),
                _ => written_capacity(capacity).as_str().unwrap_or_default().to_owned(),
            };
            ("maxmemory", format!("limit changed to {limit}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    fn read(cache: &str) -> Result<Scenario, String> {
        let text = format!(
            "name = \"events\"\n[workload]\nduration = \"10m\"\nrate = \"100/s\"\n\
             [[workload.class]]\nname = \"all\"\nobjects = 100\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n{cache}\n"
        );
        Scenario::parse(&text, "events.toml").map_err(|error| error.to_string())
    }

    #[test]
    fn events_are_told_in_full_and_in_order() {
        let scenario = read(
            "[cache]\ncapacity = \"1MiB\"\n[[cache.event]]\nrestart = { at = \"2m\", down = \"30s\" }\n\
             [[cache.event]]\nflush = { at = \"1m\" }\n[[cache.event]]\nmaxmemory = { at = \"3m\", capacity = \"512KiB\" }",
        )
        .unwrap();
        let told = scenario.effective["cache"]["event"].to_string();
        assert_eq!(
            told,
            "[{ flush = { at = \"1m\" } }, { restart = { at = \"2m\", down = \"30s\", persistence = \"none\", ttl = \"wall-clock\" } }, \
             { maxmemory = { at = \"3m\", capacity = \"512KiB\" } }]"
        );
        let again = toml::to_string(&scenario.effective).unwrap();
        assert_eq!(Scenario::parse(&again, "again.toml").unwrap().effective, scenario.effective);
    }

    #[test]
    fn what_cannot_happen_is_refused() {
        for (lines, what) in [
            ("[[cache.event]]", "does nothing"),
            ("[[cache.event]]\nflush = { at = \"1m\" }\nrestart = { at = \"2m\" }", "two things"),
            ("[[cache.event]]\nflush = {}", "needs \"at\""),
            (
                "[[cache.event]]\nshard_loss = { at = \"1m\", shards = 0 }",
                "shards must lie between 1 and 1000",
            ),
            (
                "[[cache.event]]\nshard_loss = { at = \"1m\", shards = 3, shard = 3 }",
                "shard must lie between 0 and 2",
            ),
            ("[[cache.event]]\nflush = { at = \"10m\" }", "after the end"),
            (
                "[origin]\nfaults = [{ fault = \"slowdown\", at = \"10m\", lasts = \"1m\", factor = 2 }]",
                "fault \"slowdown\" begins after the end",
            ),
            ("[[cache.event]]\nflush = { at = \"1m\", down = \"1s\" }", "has no \"down\""),
            ("[[cache.event]]\nrestart = { at = \"1m\", persistence = \"disk\" }", "unknown variant"),
            ("[[cache.event]]\nmaxmemory = { at = \"1m\", capacity = { objects = 9 } }", "another unit"),
            (
                "[cache]\ncapacity = { objects = 9 }\n[[cache.event]]\nmaxmemory = { at = \"1m\", capacity = \"1MiB\" }",
                "another unit",
            ),
            ("[cache]\nmaxmemory = \"4MiB\"", "Redis's maxmemory is written capacity = \"64MiB\" here"),
            ("[cache]\nmaxmemory-policy = \"allkeys-lru\"", "Redis's maxmemory-policy is written eviction"),
            (
                "[[cache.event]]\nrestart = { at = \"1m\", down = \"1m\" }\n[[cache.event]]\nflush = { at = \"90s\" }",
                "lasts from 1m to 2m",
            ),
            (
                "[cache]\ncapacity = \"1MiB\"\neviction = \"arc\"\n[[cache.event]]\n\
                 maxmemory = { at = \"1m\", capacity = \"2MiB\" }",
                "eviction \"arc\"",
            ),
        ] {
            let error = read(lines).expect_err(lines);
            assert!(error.contains(what), "{lines}: {error}");
        }
    }
}
