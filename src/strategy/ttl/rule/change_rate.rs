//! TTL by how often images change, for a share of hits that shall be current.
//!
//! An object that changes at rate `m` and is kept for `T` is current at a share `(1 - e^-x) / x` of its hits,
//! `x = m T` (law F8; Cho and Garcia-Molina, SIGMOD 2000). The rule solves that for the target and gives
//! `T = x / m`, kept between `min` and `max`: `x` is .0201, .1035, .2146, .4642 and 1.594 for targets of 99, 95, 90, 80 and 50 % (law
//! F8b).
//!
//! The rate is what the operator believes (`mu = "declared"`: `changes_every` for all classes, `table` for
//! some), or estimated from what each object's own fetches find (`mu = "estimated"`), with the declared rate until
//! `min_polls` fetches have been seen. A class of which nothing is declared starts with the shortest TTL. From `n` fetches
//! an interval `I` apart, `X` of them with a new version, the estimate is `-ln((n - X + .5) / (n + .5)) / I` (Cho and
//! Garcia-Molina, TODS 2003), which is nearly without bias where `X / (n I)` is too low, because several
//! changes between two fetches look like one (law X3). For unequal intervals it is taken with those that found a change on
//! average, `J`, and the sum `S` of those that found none: `ln(1 + X J / (S + J / 2)) / J`, the same where all are equal.
//!
//! With a target of 95 % a fetch finds a change once in ten times, so the first fetches of most images find
//! none, and that estimate is nought: such images would be kept for `max`. The declared rate therefore counts as
//! `prior` changes that were seen, in the time that they take at that rate, as a gamma distribution of the rate does
//! in Bayes's rule (half a change, the default, weighs as Jeffreys's). Once changes have been seen, though, they count for no
//! longer than these took on average, the time that the object was watched divided by the changes: what is declared far too
//! slow would otherwise hold the estimate down for many times as long as it takes to see that it is wrong. Where nothing is declared, the rate to which the shortest TTL
//! belongs takes its place, so that the TTL of an image that never changes grows with the time it was watched. With
//! `prior = 0` the estimate is that of the fetches alone.
//!
//! Changes are seen at fetches only: if every fetch finds one, the estimate stands at `ln(2 n + 1) / I` though
//! the truth may be far above.
//!
//! With `mode = "steps"` the TTL is that of the highest step of `steps` whose rate the object's exceeds, and `max` below all.
//!
//! ```toml
//! ttl = { rule = "change-rate", target_freshness = 0.95, mu = "estimated", changes_every = "7d", table = { banner = "2h" } }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bounds, max_ttl, min_ttl};
use crate::catalog::{Invalid, Kind, Param, Plugin, nearest, one_of};
use crate::origin::Version;
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Told, TtlRule};
use crate::units::{Rate, SimDuration, SimTime};

/// Parameters of [`ChangeRate`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    mode: Mode,
    target_freshness: f64,
    mu: Mu,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes_every: Option<SimDuration>,
    table: BTreeMap<String, SimDuration>,
    min_polls: u32,
    prior: f64,
    steps: BTreeMap<String, SimDuration>,
    min: SimDuration,
    max: SimDuration,
}

/// From a rate to a TTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Target,
    Steps,
}

/// Where rates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mu {
    Declared,
    Estimated,
}

/// A TTL from a rate of change.
#[derive(Debug)]
pub struct ChangeRate {
    curve: Curve,
    bounds: Bounds,
    /// Declared rate of each class per second.
    declared: Vec<Option<f64>>,
    min_polls: u32,
    /// Changes that the declared rate counts for, and in how many seconds by class.
    prior: f64,
    prior_secs: Vec<f64>,
    /// What the fetches of each object have found; empty where rates are declared.
    polls: Vec<Polls>,
}

/// The TTL of an object by its rate of change.
#[derive(Debug)]
enum Curve {
    /// Changes expected within the TTL.
    Target(f64),
    /// Rates per second, falling, and the TTL above each.
    Steps(Vec<(f64, SimDuration)>),
}

impl Plugin for ChangeRate {
    const NAME: &'static str = "change-rate";
    const SUMMARY: &'static str =
        "TTL by how often images change, for a share of hits that shall be current.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "mode",
            Kind::Choice(&["target", "steps"]),
            "from a rate to a ttl: by the target, or by a table of steps",
        )
        .default("target"),
        Param::number("target_freshness", "share of hits that shall be current")
            .default("0.95")
            .from("0.5")
            .to("0.999"),
        Param::new(
            "mu",
            Kind::Choice(&["declared", "estimated"]),
            "whether rates of change are those declared, or estimated from what fetches find",
        )
        .default("declared"),
        Param::duration(
            "changes_every",
            "declared mean time between changes of an object, for classes that the table leaves out",
        )
        .from("100ms")
        .to("36500d"),
        Param::new("table", Kind::Table("class = time"), "declared mean time between changes, by class")
            .default("{}"),
        Param::integer("min_polls", "fetches of an object before its estimate is believed")
            .default("5")
            .from("1")
            .to("1000"),
        Param::number("prior", "changes that the declared rate counts for in an estimate; 0 is not at all")
            .default("0.5")
            .from("0")
            .to("1000"),
        Param::new(
            "steps",
            Kind::Table("rate = ttl"),
            "the ttl of objects that change more often than each rate",
        )
        .default("{ \"1/m\" = \"1m\", \"10/m\" = \"10s\", \"5/m\" = \"30s\" }"),
        min_ttl("60s"),
        max_ttl("7d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let bounds = Bounds::new(params.min, params.max)?;
        let curve = match params.mode {
            Mode::Target => Curve::Target(changes_allowed(params.target_freshness)),
            Mode::Steps => Curve::Steps(steps(&params.steps)?),
        };
        let estimated = params.mu == Mu::Estimated;
        let declared = declared(params, setup)?;
        if !estimated && let Some(class) = declared.iter().position(Option::is_none) {
            let class = &setup.classes[class];
            return Err(Invalid::param(
                "table",
                format!("nothing is declared of how often class \"{class}\" changes"),
            )
            .help(format!(
                "add {class} = \"7d\" to the table, changes_every = \"7d\" beside it, or mu = \"estimated\""
            )));
        }
        let polls = if estimated { vec![Polls::NONE; setup.objects] } else { Vec::new() };
        let (prior, min_polls) = (params.prior, params.min_polls);
        let of_shortest = curve.rate_of(bounds.min);
        let prior_secs = declared.iter().map(|rate| prior / rate.unwrap_or(of_shortest)).collect();
        Ok(Self { curve, bounds, declared, min_polls, prior, prior_secs, polls })
    }
}

impl Curve {
    /// A rate per second to which so short a TTL belongs.
    fn rate_of(&self, ttl: SimDuration) -> f64 {
        match self {
            Self::Target(changes) => changes / ttl.as_secs_f64(),
            // The first step is that of the highest rate.
            Self::Steps(steps) => steps[0].0,
        }
    }
}

/// What a table may declare, as `changes_every` does.
const LEAST_EVERY: SimDuration = SimDuration::from_millis(100);
const MOST_EVERY: SimDuration = SimDuration::from_secs(36_500 * 86_400);

/// The declared rates by class.
fn declared(params: &Params, setup: &Setup) -> Result<Vec<Option<f64>>, Invalid> {
    for (class, time) in &params.table {
        if !setup.classes.contains(class) {
            let there_are = one_of(setup.classes.iter().map(String::as_str));
            let invalid = Invalid::param(
                "table",
                format!("there is no class \"{class}\" in this trace (there are: {there_are})"),
            );
            return Err(match nearest(class, setup.classes.iter().map(String::as_str)) {
                Some(meant) => invalid.help(format!("did you mean \"{meant}\"?")),
                None => invalid,
            });
        }
        if *time < LEAST_EVERY || *time > MOST_EVERY {
            let what = format!(
                "the time between changes of class \"{class}\" lies between {LEAST_EVERY} and {MOST_EVERY}, but is {time}"
            );
            return Err(Invalid::param("table", what).help("write table = { banner = \"2h\" }"));
        }
    }
    let of_class = |class| params.table.get(class).copied().or(params.changes_every);
    Ok(setup.classes.iter().map(|class| of_class(class).map(|every| 1.0 / every.as_secs_f64())).collect())
}

/// What a step may give, as in a table of classes.
const LEAST_STEP: SimDuration = SimDuration::from_millis(1);
const MOST_STEP: SimDuration = SimDuration::from_secs(365 * 86_400);

/// The steps by falling rate.
fn steps(table: &BTreeMap<String, SimDuration>) -> Result<Vec<(f64, SimDuration)>, Invalid> {
    let mut steps = Vec::new();
    for (rate, ttl) in table {
        let rate: Rate = rate.parse().map_err(|error| {
            Invalid::param("steps", format!("steps: {error}")).help("write steps = { \"10/m\" = \"10s\" }")
        })?;
        if *ttl < LEAST_STEP || *ttl > MOST_STEP {
            let what =
                format!("steps: a ttl lies between {LEAST_STEP} and {MOST_STEP}, but \"{rate}\" has {ttl}");
            return Err(Invalid::param("steps", what).help("write steps = { \"10/m\" = \"10s\" }"));
        }
        steps.push((rate.as_per_second(), *ttl));
    }
    if steps.is_empty() {
        return Err(Invalid::param("steps", "mode \"steps\" needs at least one step")
            .help("write steps = { \"10/m\" = \"10s\" }, or mode = \"target\""));
    }
    steps.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(steps)
}

/// The number of changes to expect within the TTL, `x`, so that `(1 - e^-x) / x` of the hits are current.
fn changes_allowed(freshness: f64) -> f64 {
    // The share falls from 1 at x = 0 to below .5 at x = 2, so bisection finds it.
    let (mut low, mut high) = (0.0_f64, 2.0_f64);
    for _ in 0..60 {
        let x = f64::midpoint(low, high);
        if -(-x).exp_m1() / x > freshness { low = x } else { high = x }
    }
    low
}

impl TtlRule for ChangeRate {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        let mut rate = self.declared[fill.class.index()];
        if let Some(polls) = self.polls.get_mut(fill.object.index()) {
            if let Some(told) = fill.told {
                polls.learn(&told);
            }
            if polls.count >= self.min_polls {
                rate = Some(polls.rate(self.prior, self.prior_secs[fill.class.index()]));
            }
        }
        let Some(rate) = rate else { return self.bounds.min };
        match &self.curve {
            Curve::Target(changes) => self.bounds.nearest(changes / rate),
            Curve::Steps(steps) => {
                let step = steps.iter().find(|(above, _)| rate > *above);
                step.map_or(self.bounds.max, |(_, ttl)| *ttl)
            }
        }
    }

    fn varies(&self) -> bool {
        !self.polls.is_empty()
    }
}

/// What the fetches of one object have found.
#[derive(Debug, Clone, Copy)]
struct Polls {
    /// When the latest was served; never if there was none.
    latest: SimTime,
    version: Version,
    /// Intervals seen, and how many of them ended with a new version.
    count: u32,
    changed: u32,
    /// Length of the intervals with and without a change in seconds.
    changed_secs: f64,
    unchanged_secs: f64,
}

impl Polls {
    const NONE: Self = Self {
        latest: SimTime::NEVER,
        version: Version(0),
        count: 0,
        changed: 0,
        changed_secs: 0.0,
        unchanged_secs: 0.0,
    };

    fn learn(&mut self, told: &Told) {
        if self.latest == SimTime::NEVER {
            (self.latest, self.version) = (told.dated, told.version);
            return;
        }
        // Of fetches that overlap, a later one may arrive first; what is older than known tells nothing.
        if told.dated <= self.latest {
            return;
        }
        let interval = told.dated.since(self.latest).as_secs_f64();
        self.count += 1;
        if told.version == self.version {
            self.unchanged_secs += interval;
        } else {
            self.changed += 1;
            self.changed_secs += interval;
        }
        (self.latest, self.version) = (told.dated, told.version);
    }

    /// Estimated changes per second, where `prior` changes in `prior_secs` are taken as seen besides.
    fn rate(&self, prior: f64, prior_secs: f64) -> f64 {
        if self.changed == 0 {
            // The limit of what follows for short intervals; without a prior there is nothing to go by.
            return if prior > 0.0 { prior / (self.unchanged_secs + prior_secs) } else { 0.0 };
        }
        let seen = f64::from(self.changed);
        // What was declared is not to outlast what was found: half a change in days would outweigh all that a busy object
        // shows for as long.
        let prior_secs = prior_secs.min(prior * (self.changed_secs + self.unchanged_secs) / seen);
        let mean = self.changed_secs / (seen + prior);
        (self.changed_secs / (self.unchanged_secs + prior_secs + mean / 2.0)).ln_1p() / mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::strategy::ttl::rule::fixture;
    use rand_distr::{Distribution, Exp1};

    #[test]
    fn the_target_is_turned_into_changes_per_ttl_as_law_f8b_says() {
        for (freshness, x) in [(0.99, 0.0201), (0.95, 0.1035), (0.90, 0.2146), (0.80, 0.4642), (0.50, 1.594)]
        {
            assert!((changes_allowed(freshness) - x).abs() < 0.000_5, "{freshness}");
        }
    }

    #[test]
    fn a_declared_rate_gives_one_ttl_per_class() {
        let mut rule = fixture::rule(
            "{ rule = \"change-rate\", target_freshness = 0.9, changes_every = \"10000s\", table = { banner = \"1000s\" } }",
        );
        let mut ttl = |class| {
            let class = crate::trace::ClassId::new(class);
            rule.fresh_for(&Fill { class, ..fixture::fill(0) }).as_secs_f64()
        };
        assert!((ttl(0) - 2_146.0).abs() < 1.0);
        assert!((ttl(1) - 214.6).abs() < 0.1);
        assert!(
            fixture::refused("{ rule = \"change-rate\", table = { photo = \"1d\" } }").contains("banner")
        );
        assert!(fixture::refused("{ rule = \"change-rate\", table = { foto = \"1d\" } }").contains("foto"));
        for every in ["0s", "50ms", "36501d"] {
            let told = fixture::refused(&format!(
                "{{ rule = \"change-rate\", changes_every = \"1d\", table = {{ banner = \"{every}\" }} }}"
            ));
            assert!(told.contains("class \"banner\" lies between 100ms and"), "{told}");
        }
    }

    /// Polls `n` times, one second apart, an object that changes at `rate`; the estimate.
    fn estimate(rate: f64, n: u32, seed: Seed) -> f64 {
        let mut draw = seed.stream();
        let mut polls = Polls::NONE;
        let (mut next, mut version) = (0.0, 0);
        for poll in 0..=n {
            while next <= f64::from(poll) {
                let gap: f64 = Exp1.sample(&mut draw);
                next += gap / rate;
                version += 1;
            }
            polls.learn(&fixture::fetched(u64::from(poll), version).told.unwrap());
        }
        polls.rate(0.0, 0.0)
    }

    #[test]
    fn the_estimator_is_nearly_without_bias_as_law_x3_says() {
        // The expectation at n = 20, which is not quite the truth.
        for (rate, expected) in [(0.1, 0.1000), (1.0, 1.0019), (2.0, 2.0006)] {
            let runs = 100_000;
            let estimates: Vec<f64> =
                (0..runs).map(|run| estimate(rate, 20, Seed::new(7).nth(run))).collect();
            let mean = estimates.iter().sum::<f64>() / runs as f64;
            let variance = estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (runs - 1) as f64;
            let error = (variance / runs as f64).sqrt();
            assert!(error < 0.002 * rate.max(0.25), "{rate}: {error}");
            assert!((mean - expected).abs() < 4.0 * error + 0.000_1, "{rate}: {mean} +- {error}");
        }
    }

    #[test]
    fn an_estimate_is_believed_after_min_polls() {
        let mut rule = fixture::rule(
            "{ rule = \"change-rate\", mu = \"estimated\", min_polls = 3, prior = 0, changes_every = \"1d\", min = \"1s\" }",
        );
        let declared = rule.fresh_for(&fixture::fetched(0, 0));
        assert!((declared.as_secs_f64() / 86_400.0 - 0.1035).abs() < 0.000_1);
        for poll in 1..3 {
            assert_eq!(rule.fresh_for(&fixture::fetched(poll * 100, 0)), declared);
        }
        assert_eq!(
            rule.fresh_for(&fixture::fetched(300, 0)),
            SimDuration::from_secs(7 * 86_400),
            "it never changed"
        );
        let changed = rule.fresh_for(&fixture::fetched(400, 1)).as_secs_f64();
        // One of four fetches, 100 s apart, found a change: -ln(3.5 / 4.5) / 100 per second.
        let rate = -(3.5_f64 / 4.5).ln() / 100.0;
        assert!((changed * rate - 0.1035).abs() < 0.000_1, "{changed}");
        assert_eq!(
            rule.fresh_for(&fixture::fill(500)).as_secs_f64().to_bits(),
            changed.to_bits(),
            "a touch teaches nothing"
        );
    }

    #[test]
    fn what_was_never_seen_to_change_is_kept_for_a_part_of_the_time_it_was_watched() {
        for (declared, prior_secs) in [("changes_every = \"1000s\", ", 500.0), ("", 0.5 * 2.0 / 0.1035)] {
            let mut rule = fixture::rule(&format!(
                "{{ rule = \"change-rate\", mu = \"estimated\", min_polls = 3, {declared}min = \"2s\" }}"
            ));
            for poll in 0..3 {
                rule.fresh_for(&fixture::fetched(poll * 100, 0));
            }
            for watched in [300, 400, 9_000] {
                // Half a change, in the time of the prior and that in which none was seen.
                let expected = 0.1035 * (watched as f64 + prior_secs) / 0.5;
                let ttl = rule.fresh_for(&fixture::fetched(watched, 0)).as_secs_f64();
                assert!((ttl / expected - 1.0).abs() < 0.001, "{declared}{watched}: {ttl}, not {expected}");
            }
        }
    }

    #[test]
    fn what_was_declared_far_too_slow_is_outweighed_by_the_changes_that_are_seen() {
        let mut rule = fixture::rule(
            "{ rule = \"change-rate\", mu = \"estimated\", changes_every = \"10d\", min = \"1s\" }",
        );
        // Every tenth of two hundred fetches, 100 s apart, finds a new version.
        let ttls: Vec<f64> = (0..=200_u32)
            .map(|poll| rule.fresh_for(&fixture::fetched(100 * u64::from(poll), poll / 10)).as_secs_f64())
            .collect();
        let rate = -(180.5_f64 / 200.5).ln() / 100.0;
        let ttl = ttls[200];
        assert!((ttl * rate / 0.1035 - 1.0).abs() < 0.01, "{ttl}");
    }

    #[test]
    fn steps_give_the_ttl_of_the_highest_rate_exceeded() {
        let ttl = |every: &str| {
            let text = format!(
                "{{ rule = \"change-rate\", mode = \"steps\", changes_every = \"{every}\", max = \"300s\" }}"
            );
            fixture::rule(&text).fresh_for(&fixture::fill(0)).as_secs_f64()
        };
        let whole = [ttl("5s"), ttl("7s"), ttl("30s"), ttl("1h")].map(|ttl| format!("{ttl:.0}"));
        assert_eq!(whole, ["10", "30", "60", "300"]);
        for ttl in ["0s", "9999d"] {
            let told = fixture::refused(&format!(
                "{{ rule = \"change-rate\", mode = \"steps\", changes_every = \"1d\", steps = {{ \"1/m\" = \"{ttl}\" }} }}"
            ));
            assert!(told.contains("a ttl lies between 1ms and"), "{told}");
        }
        let empty = "{ rule = \"change-rate\", mode = \"steps\", changes_every = \"1d\", steps = {} }";
        assert!(fixture::refused(empty).contains("at least one step"));
    }
}
