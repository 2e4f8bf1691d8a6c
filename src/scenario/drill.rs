//! `[drill]`: the bad days that a plan must survive.
//!
//! ```toml
//! [drill]
//! at = "1h"               # from the begin of the trace
//! lasts = "5m"
//! survive = "error <= 0.05, peak_origin_rate <= 80/s"
//! recover_within = "10m"
//! expect = { "jitter" = ["flush", "restart"] }
//! ```

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::vary::{KeyPath, Unvaried};
use super::{Scenario, Source};
use crate::catalog::{Fault, Section, nearest, one_of, read};
use crate::score::{Gate, targets, written};
use crate::units::{SimDuration, SimTime};

const SECOND: u64 = 1_000_000_000;

/// Something that happens on a bad day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The cache restarts and has kept nothing.
    Restart,
    /// Every key is deleted.
    Flush,
    /// One shard of a cluster is lost, the busiest, and comes back empty.
    ShardLoss,
    /// A crowd comes for the most popular image.
    FlashCrowd,
    /// Fetches take a multiple of their time.
    OriginSlowdown,
    /// The origin refuses every fetch.
    OriginOutage,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] = [
        Self::Restart,
        Self::Flush,
        Self::ShardLoss,
        Self::FlashCrowd,
        Self::OriginSlowdown,
        Self::OriginOutage,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Flush => "flush",
            Self::ShardLoss => "shard-loss",
            Self::FlashCrowd => "flash-crowd",
            Self::OriginSlowdown => "origin-slowdown",
            Self::OriginOutage => "origin-outage",
        }
    }

    /// The one that is called so.
    ///
    /// # Errors
    /// If there is none, with what there is and what may be meant.
    pub fn named(name: &str) -> Result<Self, String> {
        if let Some(kind) = Self::ALL.into_iter().find(|kind| kind.name() == name) {
            return Ok(kind);
        }
        let names = || Self::ALL.into_iter().map(Self::name);
        let meant =
            nearest(name, names()).map_or_else(String::new, |meant| format!("; did you mean \"{meant}\"?"));
        Err(format!("no drill is called \"{name}\"; there are: {}{meant}", one_of(names())))
    }
}

/// What `[drill]` says.
#[derive(Debug, Clone)]
pub struct Drills {
    /// When it happens; `None` takes a third of the scored time.
    pub at: Option<SimDuration>,
    /// How long a crowd, a slow or an absent origin, and the loss of a shard last.
    pub lasts: SimDuration,
    /// How long a restart takes.
    pub down: SimDuration,
    /// Shards of the cluster of which one is lost.
    pub shards: u16,
    /// How many times as long a fetch takes from a slow origin.
    pub slowdown: f64,
    /// How many times its usual rate the most popular image is asked for by the crowd.
    pub crowd: f64,
    /// Which drills, in the order of [`Kind::ALL`].
    pub only: Vec<Kind>,
    /// What must hold from the drill on.
    pub survive: Vec<Gate>,
    /// How soon all must be as it was; `None` for any time.
    pub recover_within: Option<SimDuration>,
    /// What each of these strategies is expected to survive; all else is expected to fail it.
    pub expect: Vec<(String, Vec<Kind>)>,
    /// Where the names of `expect` stand.
    pub(crate) claimed: Vec<(String, Range<usize>)>,
}

impl Default for Drills {
    fn default() -> Self {
        Self {
            at: None,
            lasts: SimDuration::from_secs(300),
            down: SimDuration::from_secs(10),
            shards: 3,
            slowdown: 5.0,
            crowd: 50.0,
            only: Kind::ALL.to_vec(),
            survive: Vec::new(),
            recover_within: None,
            expect: Vec::new(),
            claimed: Vec::new(),
        }
    }
}

/// Reads `[drill]`.
pub(super) fn drills(mut section: Section<'_>) -> Result<Drills, Fault> {
    let usual = Drills::default();
    let long = |section: &mut Section<'_>, key: &'static str, usual: SimDuration| match section
        .located::<SimDuration>(key)?
    {
        Some(length) if length.get_ref().is_zero() => {
            Err(Fault::new(length.span(), format!("{key} must be above 0s"))
                .rule("a drill that takes no time does nothing")
                .help(format!("write {key} = \"{usual}\"")))
        }
        Some(length) => Ok(length.into_inner()),
        None => Ok(usual),
    };
    let at = section.optional::<SimDuration>("at")?;
    let lasts = long(&mut section, "lasts", usual.lasts)?;
    let down = section.or("down", usual.down)?;
    let shards = match section.located::<i64>("shards")? {
        None => usual.shards,
        Some(shards) => {
            let number = u16::try_from(*shards.get_ref()).ok().filter(|n| (2..=1_000).contains(n));
            number.ok_or_else(|| {
                let what = format!("shards must lie between 2 and 1000, but is {}", shards.get_ref());
                Fault::new(shards.span(), what)
                    .rule("a cluster of one loses all of it: that is the drill \"restart\"")
            })?
        }
    };
    let times =
        |section: &mut Section<'_>, key: &'static str, usual: f64| match section.located::<f64>(key)? {
            None => Ok(usual),
            Some(number) if (1.0..=1_000.0).contains(number.get_ref()) && *number.get_ref() > 1.0 => {
                Ok(*number.get_ref())
            }
            Some(number) => Err(Fault::new(
                number.span(),
                format!("{key} must lie above 1 and not above 1000, but is {}", number.get_ref()),
            )
            .help(format!("write {key} = {usual}"))),
        };
    let slowdown = times(&mut section, "slowdown", usual.slowdown)?;
    let crowd = times(&mut section, "crowd", usual.crowd)?;
    let only = match section.take("only") {
        None => usual.only,
        Some(item) => {
            let span = item.span();
            let names: Vec<String> = read(item)?;
            let mut only = kinds(&names).map_err(|what| Fault::new(span.clone(), what))?;
            if only.is_empty() {
                return Err(
                    Fault::new(span, "only names no drill").help("write only = [\"flush\", \"restart\"]")
                );
            }
            only.sort_unstable();
            only.dedup();
            only
        }
    };
    let survive = match section.located::<String>("survive")? {
        None => Vec::new(),
        Some(text) => targets(text.get_ref()).map_err(|error| Fault::new(text.span(), error.to_string()))?,
    };
    let recover_within = section.optional::<SimDuration>("recover_within")?;
    let (mut expect, mut claimed) = (Vec::new(), Vec::new());
    if let Some(mut claims) = section.section("expect")? {
        let mut names = claims.keys();
        names.sort_by_key(|(_, span)| span.start);
        for (name, span) in names {
            let Some(item) = claims.take_named(&name) else { continue };
            let place = item.span();
            let survived: Vec<String> = read(item)?;
            let mut survived = kinds(&survived).map_err(|what| Fault::new(place.clone(), what))?;
            survived.sort_unstable();
            if let Some(kind) = survived.iter().find(|kind| !only.contains(kind)) {
                let what =
                    format!("expect says that \"{name}\" survives {}, which only leaves out", kind.name());
                return Err(Fault::new(place, what));
            }
            expect.push((name.clone(), survived));
            claimed.push((name, span));
        }
    }
    section.finish()?;
    Ok(Drills { at, lasts, down, shards, slowdown, crowd, only, survive, recover_within, expect, claimed })
}

/// The drills of these names.
///
/// # Errors
/// For the first that there is not.
pub fn kinds(names: &[String]) -> Result<Vec<Kind>, String> {
    names.iter().map(|name| Kind::named(name)).collect()
}

impl Drills {
    /// Refuses what the scenario does not have: strategies that `expect` names, a time at its end.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<(), Fault> {
        let names = || scenario.strategies.iter().map(|design| design.name.as_str());
        for (name, span) in &self.claimed {
            if !names().any(|other| other == name) {
                let fault = Fault::new(
                    span.clone(),
                    format!("[drill] expects something of \"{name}\", but no strategy is called so"),
                )
                .rule(format!("there are: {}", one_of(names())));
                return Err(match nearest(name, names()) {
                    Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
                    None => fault,
                });
            }
        }
        Ok(())
    }

    /// When it happens in a trace of this length.
    ///
    /// # Errors
    /// If what is written leaves nothing of it to look at, in words.
    pub fn begin(&self, warmup: SimDuration, span: SimDuration) -> Result<SimDuration, String> {
        let scored = span.as_nanos().saturating_sub(warmup.as_nanos());
        let third = warmup.as_nanos() + scored / 3;
        // On a whole second, as one would write it.
        let whole = if third > SECOND { third / SECOND * SECOND } else { third };
        let at = self.at.unwrap_or(SimDuration::from_nanos(whole));
        let end = at.as_nanos().saturating_add(self.lasts.max(self.down).as_nanos());
        if end >= span.as_nanos() {
            return Err(format!(
                "a drill from {at} on for {} is not over when the trace ends, at {span}; write an earlier at or a shorter lasts in [drill], or play a longer trace",
                self.lasts.max(self.down)
            ));
        }
        Ok(at)
    }

    /// The section as it could be written.
    pub(super) fn effective(&self) -> toml::Table {
        let mut table = toml::Table::new();
        let mut put = |key: &str, value: Value| table.insert(key.to_owned(), value);
        if let Some(at) = self.at {
            put("at", at.to_string().into());
        }
        put("lasts", self.lasts.to_string().into());
        put("down", self.down.to_string().into());
        put("shards", i64::from(self.shards).into());
        put("slowdown", self.slowdown.into());
        put("crowd", self.crowd.into());
        put("only", names(&self.only));
        if !self.survive.is_empty() {
            put("survive", self.survive.iter().map(written).collect::<Vec<_>>().join(", ").into());
        }
        if let Some(within) = self.recover_within {
            put("recover_within", within.to_string().into());
        }
        if !self.expect.is_empty() {
            let claims = self.expect.iter().map(|(name, survived)| (name.clone(), names(survived)));
            put("expect", Value::Table(claims.collect()));
        }
        table
    }
}

fn names(kinds: &[Kind]) -> Value {
    Value::Array(kinds.iter().map(|kind| kind.name().into()).collect())
}

/// A drill at work: when, in which steps the run is looked at, and which shard is lost.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// When it happens, from the begin of the trace.
    pub at: SimDuration,
    /// Length of the buckets in which the run is looked at.
    pub bucket: SimDuration,
    /// Which shard is lost.
    pub shard: u16,
}

impl Scenario {
    /// The scenario in which something happens at `stage.at`, or the same without it; both scored from then on, in buckets
    /// of `stage.bucket`.
    ///
    /// # Errors
    /// If it cannot happen here: a recording has no more visitors than it has, and events of the scenario may be in the way.
    pub fn drilled(&self, drills: &Drills, kind: Option<Kind>, stage: Stage) -> Result<Self, Unvaried> {
        let path = |text: &str| text.parse::<KeyPath>().expect("it is a path");
        let text = |length: SimDuration| Value::from(length.to_string());
        let table = |entries: Vec<(&str, Value)>| {
            Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        };
        let mut time = self.effective.get("time").and_then(Value::as_table).cloned().unwrap_or_default();
        time.insert("warmup".to_owned(), text(stage.at));
        time.insert("bucket".to_owned(), text(stage.bucket));
        let mut changes = vec![(path("time"), Value::Table(time))];
        let at = ("at", text(stage.at));
        // A list with one more entry than what is written.
        let more = |section: &str, key: &str, entry: Value| {
            let list =
                self.effective.get(section).and_then(|section| section.get(key)).and_then(Value::as_array);
            let mut list = list.cloned().unwrap_or_default();
            list.push(entry);
            (path(&format!("{section}.{key}")), Value::Array(list))
        };
        let fault = |name: &str, rest: Vec<(&str, Value)>| {
            let entries = [("fault", name.into()), at.clone(), ("lasts", text(drills.lasts))];
            more("origin", "faults", table(entries.into_iter().chain(rest).collect()))
        };
        let event = |name: &str, entries: Vec<(&str, Value)>| {
            more("cache", "event", table(vec![(name, table(entries))]))
        };
        match kind {
            None => {}
            Some(Kind::Restart) => changes.push(event("restart", vec![at, ("down", text(drills.down))])),
            Some(Kind::Flush) => changes.push(event("flush", vec![at])),
            Some(Kind::ShardLoss) => changes.push(event(
                "shard_loss",
                vec![
                    at,
                    ("down", text(drills.lasts)),
                    ("shards", i64::from(drills.shards).into()),
                    ("shard", i64::from(stage.shard).into()),
                ],
            )),
            Some(Kind::OriginSlowdown) => {
                changes.push(fault("slowdown", vec![("factor", drills.slowdown.into())]));
            }
            Some(Kind::OriginOutage) => changes.push(fault("outage", Vec::new())),
            Some(Kind::FlashCrowd) if matches!(self.source, Source::Recorded(_)) => {
                return Err(Unvaried {
                    path: None,
                    what: "a recording has no more visitors than it has".into(),
                    rule: None,
                    help: Some("make a workload of it with ttlab trace fit".into()),
                });
            }
            Some(Kind::FlashCrowd) => {
                let ramp = SimDuration::from_nanos(drills.lasts.as_nanos() / 10);
                let height = SimDuration::from_nanos(drills.lasts.as_nanos() - 2 * ramp.as_nanos());
                changes.push(more(
                    "workload",
                    "events",
                    table(vec![
                        ("event", "flash-crowd".into()),
                        at,
                        ("factor", drills.crowd.into()),
                        ("ramp", text(ramp)),
                        ("lasts", text(height)),
                    ]),
                ));
            }
        }
        self.varied(&changes)
    }
}

/// When a drill is over.
pub(crate) fn over(drills: &Drills, kind: Kind, at: SimDuration) -> SimTime {
    let length = match kind {
        Kind::Restart => drills.down,
        Kind::Flush => SimDuration::ZERO,
        _ => drills.lasts,
    };
    SimTime::ZERO + at + length
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"t\"\n[workload]\nduration = \"1h\"\nrate = \"10/s\"\nclass = [{ name = \"a\", objects = 100 }]\n\
                        [[strategy]]\nname = \"s\"\nttl = { rule = \"fixed\", ttl = \"5m\" }\n";

    fn scenario(more: &str) -> Result<Scenario, String> {
        Scenario::parse(&format!("{TEXT}{more}"), "t.toml").map_err(|error| error.to_string())
    }

    #[test]
    fn every_drill_makes_a_scenario_and_is_told_in_full() {
        let scenario =
            scenario("[drill]\nsurvive = \"error <= 0.1\"\nexpect = { s = [\"flush\"] }\n").unwrap();
        let drills = scenario.drill.clone().unwrap();
        let stage = Stage { at: SimDuration::from_secs(1_200), bucket: SimDuration::from_secs(5), shard: 2 };
        for (kind, told) in [
            (None, "warmup = \"20m\""),
            (Some(Kind::Restart), "down = \"10s\""),
            (Some(Kind::Flush), "[cache.event.flush]"),
            (Some(Kind::ShardLoss), "shard = 2"),
            (Some(Kind::FlashCrowd), "flash-crowd"),
            (Some(Kind::OriginSlowdown), "slowdown"),
            (Some(Kind::OriginOutage), "outage"),
        ] {
            let drilled = scenario.drilled(&drills, kind, stage).unwrap_or_else(|error| panic!("{error}"));
            let text = toml::to_string(&drilled.effective).unwrap();
            assert!(text.contains(told) || text.contains(told.trim_matches(['[', ']'])), "{kind:?}: {text}");
            assert_eq!(drilled.warmup, stage.at);
        }
        let again = Scenario::parse(&toml::to_string(&scenario.effective).unwrap(), "again.toml").unwrap();
        assert_eq!(again.effective, scenario.effective);
        let begin = drills.begin(SimDuration::ZERO, SimDuration::from_secs(3_601)).unwrap();
        assert_eq!(begin, SimDuration::from_secs(1_200), "a third, on a whole second");
    }

    #[test]
    fn what_cannot_be_drilled_says_why() {
        for (section, what) in [
            ("only = [\"flod\"]", "no drill is called \"flod\""),
            ("only = []", "only names no drill"),
            ("lasts = \"0s\"", "lasts must be above 0s"),
            ("shards = 1", "shards must lie between 2 and 1000"),
            ("crowd = 1.0", "crowd must lie above 1"),
            ("slowdown = 0.5", "slowdown must lie above 1"),
            ("survive = \"hti >= 1\"", "did you mean \"hit\"?"),
            ("expect = { t = [\"flush\"] }", "no strategy is called so"),
            ("only = [\"flush\"]\nexpect = { s = [\"restart\"] }", "which only leaves out"),
            ("last = \"5m\"", "did you mean \"lasts\"?"),
        ] {
            let error = scenario(&format!("[drill]\n{section}\n")).expect_err(section);
            assert!(error.contains(what), "{section}: {error}");
        }
    }
}
