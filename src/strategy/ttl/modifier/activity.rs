//! Bends TTLs by recent activity: of the object, of its class, or of the whole site.
//!
//! The factor is `(r / r_ref)^a`, kept between `f_min` and `f_max`. `r` is the recent rate of requests, from a counter that halves every
//! `half_life`; `r_ref` is the long-run mean: of the class or site itself, and for `scope = "key"` the mean over all keys seen so far, so
//! that there the factor follows popularity and recency. A request is counted when it is over, so the one that causes a
//! fill is counted after it: with `scope = "key"` the first fill of a key sees no activity, which is `f_min` where `a > 0`.
//!
//! More TTL saves the origin `λ² / (1 + λT)²` fetches a second and second of TTL: nothing for keys that are hardly asked for, and for busy
//! ones the same whatever their rate. So popularity pays between the two. With `a > 0` the hottest images become the stalest;
//! with `a < 0` they are the freshest, at little cost, but `scope = "site"` then loads the origin when the site is busiest. Scope `key`
//! needs 16 bytes a key in the application, which are no memory of the cache: the record's notes tell what they come to.
//!
//! ```toml
//! ttl = { rule = "fixed", ttl = "1h", modifiers = [{ modifier = "activity", scope = "class", half_life = "10m", a = 0.5 }] }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Needs, Seen, TtlModifier};
use crate::trace::{ClassId, ObjectId};
use crate::units::{SimDuration, SimTime};

/// Parameters of [`Activity`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    scope: Scope,
    half_life: SimDuration,
    a: f64,
    f_min: f64,
    f_max: f64,
}

/// Whose activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scope {
    Key,
    Class,
    Site,
}

/// TTLs that follow activity.
#[derive(Debug)]
pub struct Activity {
    scope: Scope,
    half_life_secs: f64,
    a: f64,
    f_min: f64,
    f_max: f64,
    counters: Vec<Counter>,
    /// Requests so far by counter, where each is compared with itself.
    totals: Vec<u64>,
    /// Requests so far, and keys seen.
    requests: u64,
    keys: u64,
}

/// Requests, each halved in weight every half-life.
#[derive(Debug, Clone, Copy)]
struct Counter {
    weight: f64,
    as_of: SimTime,
}

/// Bytes that a counter takes.
pub(crate) const COUNTER_BYTES: usize = size_of::<Counter>();

impl Counter {
    fn at(self, now: SimTime, half_life_secs: f64) -> f64 {
        self.weight * (-now.since(self.as_of).as_secs_f64() / half_life_secs).exp2()
    }
}

impl Plugin for Activity {
    const NAME: &'static str = "activity";
    const SUMMARY: &'static str =
        "Bends TTLs by the recent activity of the object, its class or the whole site.";
    const PARAMS: &'static [Param] = &[
        Param::new("scope", Kind::Choice(&["key", "class", "site"]), "whose activity counts").default("key"),
        Param::duration("half_life", "how long until a request counts for half")
            .default("10m")
            .from("1s")
            .to("7d"),
        Param::number(
            "a",
            "the factor is the relative activity to this power; below 0 activity shortens ttls",
        )
        .default("0.5")
        .from("-2")
        .to("2"),
        Param::number("f_min", "the least factor").default("0.25").above("0").to("1"),
        Param::number("f_max", "the greatest factor").default("4").from("1").to("1000"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Params { scope, half_life, a, f_min, f_max } = *params;
        let counters = match scope {
            Scope::Key => setup.objects,
            Scope::Class => setup.classes.len(),
            Scope::Site => 1,
        };
        let totals = if scope == Scope::Key { 0 } else { counters };
        Ok(Self {
            scope,
            half_life_secs: half_life.as_secs_f64(),
            a,
            f_min,
            f_max,
            counters: vec![Counter { weight: 0.0, as_of: SimTime::ZERO }; counters],
            totals: vec![0; totals],
            requests: 0,
            keys: 0,
        })
    }
}

impl Activity {
    fn place(&self, object: ObjectId, class: ClassId) -> usize {
        match self.scope {
            Scope::Key => object.index(),
            Scope::Class => class.index(),
            Scope::Site => 0,
        }
    }

    /// Recent rate over long-run mean; `None` before there is anything to compare.
    fn relative(&self, place: usize, now: SimTime) -> Option<f64> {
        let elapsed = now.as_secs_f64();
        let mean = match self.totals.get(place) {
            Some(total) => *total as f64 / elapsed,
            None => self.requests as f64 / self.keys.max(1) as f64 / elapsed,
        };
        // A counter that has run for less than for ever has seen this share of what it would have.
        let share = -(-elapsed / self.half_life_secs * std::f64::consts::LN_2).exp_m1();
        let weight = self.counters[place].at(now, self.half_life_secs);
        let recent = weight * std::f64::consts::LN_2 / self.half_life_secs / share;
        (elapsed > 0.0 && mean > 0.0).then(|| recent / mean)
    }
}

impl TtlModifier for Activity {
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        let Some(relative) = self.relative(self.place(fill.object, fill.class), fill.at) else { return ttl };
        if ttl == SimDuration::FOREVER {
            return ttl;
        }
        // No activity to a negative power is infinite, and clamped as that.
        ttl.scaled(relative.powf(self.a).clamp(self.f_min, self.f_max))
    }

    fn needs(&self) -> Needs {
        Needs { requests: true, ..Needs::default() }
    }

    fn on_request(&mut self, seen: &Seen) {
        let place = self.place(seen.object, seen.class);
        let counter = &mut self.counters[place];
        self.keys += u64::from(counter.weight <= 0.0);
        *counter = Counter {
            weight: counter.at(seen.at, self.half_life_secs).max(f64::MIN_POSITIVE) + 1.0,
            as_of: seen.at,
        };
        self.requests += 1;
        if let Some(total) = self.totals.get_mut(place) {
            *total += 1;
        }
    }

    fn varies(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::Saw;
    use crate::strategy::ttl::rule::fixture;

    const TTL: SimDuration = SimDuration::from_secs(1_000);

    fn seen(object: u32, secs: u64) -> Seen {
        let (object, class) = (ObjectId::new(object), ClassId::new(0));
        Seen { at: fixture::at(secs), object, class, size: 1, saw: Saw::Missed }
    }

    fn factor(activity: &mut dyn TtlModifier, object: u32, secs: u64) -> f64 {
        let fill = Fill { object: ObjectId::new(object), ..fixture::fill(secs) };
        activity.adjust(&fill, TTL).as_secs_f64() / 1_000.0
    }

    #[test]
    fn steady_activity_changes_nothing_and_a_burst_raises_it_to_its_power() {
        let mut site = fixture::modifier(
            "{ modifier = \"activity\", scope = \"site\", half_life = \"100s\", a = 0.5, f_max = 100 }",
        );
        for secs in 1..=10_000 {
            site.on_request(&seen(0, secs));
        }
        assert!((factor(&mut *site, 0, 10_000) - 1.0).abs() < 0.01);
        // After a half-life of silence the rate is half, and so is its square root the root of a half.
        assert!((factor(&mut *site, 0, 10_100) - 0.5_f64.sqrt()).abs() < 0.01);
        for secs in 10_001..=10_100 {
            (0..4).for_each(|_| site.on_request(&seen(0, secs)));
        }
        // Half of the weight is old at rate 1, half new at rate 4; the mean has become 1.03.
        assert!((factor(&mut *site, 0, 10_100) - (2.5_f64 / 1.0297).sqrt()).abs() < 0.02);
    }

    #[test]
    fn a_popular_key_has_more_than_the_mean_and_limits_hold() {
        let mut key = fixture::modifier(
            "{ modifier = \"activity\", scope = \"key\", half_life = \"100s\", a = 1, f_max = 1.5 }",
        );
        for secs in 1..=10_000 {
            key.on_request(&seen(u32::from(secs % 4 == 0), secs));
        }
        // Rates 3/4 and 1/4, a mean of 1/2: factors 1.5 and .5.
        assert!((factor(&mut *key, 0, 10_000) - 1.5).abs() < 0.02);
        assert!((factor(&mut *key, 1, 10_000) - 0.5).abs() < 0.02);
        assert!((factor(&mut *key, 1, 20_000) - 0.25).abs() < 1e-9, "not below f_min");
    }

    #[test]
    fn nothing_is_bent_before_anything_is_known() {
        let mut site = fixture::modifier("{ modifier = \"activity\", scope = \"site\" }");
        assert!((factor(&mut *site, 0, 0) - 1.0).abs() < 1e-12);
        site.on_request(&seen(0, 0));
        assert!((factor(&mut *site, 0, 0) - 1.0).abs() < 1e-12);
    }
}
