//! Probabilistic early recomputation: each read may fetch before the expiry, the nearer the likelier.
//!
//! A read at `now` fetches if and only if `now - δ β ln(u) >= expiry`, with `u` uniform in (0, 1] and
//! `δ` the time the last fetch took, stored with the value (Vattani, Chierichetti, Lowenstein,
//! "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8(8), 2015). With the time `r` left, the
//! chance is `e^(-r / (β δ))`. No coordination is needed, so duplicates are only made rare: without
//! a guard an expiry costs `e^(1/β)` fetches on average whatever the load (law F6), not one; with a
//! guard, one. A key read at the rate `λ` still expires unprotected with chance `e^(-λ β δ)`, and the
//! TTL is shortened by `β δ (ln(λ β δ) + 0.577)`. A slow origin makes `δ` and so the load grow, which
//! `delta_max` bounds.
//!
//! `mode = "sync"` lets the reader wait for the fetch it starts (a miss by expiry), `"async"` serves
//! it the copy and fetches in the background. `δ` adds 8 bytes to each value, which the memory model
//! `redis` counts; what was in a warm cache from the beginning has none, and is never fetched early until a fetch has brought it.
//! An answer that only confirms the copy (the add-on `conditional`) leaves its `δ` as it is: making the image anew would take no less
//! than before. Where a guard does not let the reader fetch, it is served the copy.
//!
//! ```toml
//! refresh = { policy = "xfetch", beta = 1.0, mode = "async" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Copy, Filled, RefreshPolicy, Wish};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Seed;
use crate::strategy::Setup;
use crate::strategy::per_object::PerObject;
use crate::units::{SimDuration, SimTime};

/// Parameters of [`Xfetch`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    beta: f64,
    mode: Mode,
    delta_max: SimDuration,
    delta_ewma: f64,
}

/// Who waits for an early fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Sync,
    Async,
}

/// Early recomputation by chance.
#[derive(Debug)]
pub struct Xfetch {
    beta: f64,
    mode: Mode,
    delta_max: SimDuration,
    ewma: f64,
    seed: Seed,
    /// Time of the last fetch; none before the first.
    delta: PerObject<Option<SimDuration>>,
    /// The instant of the last read that found a fresh copy, and how many such reads came before it at that instant.
    last_read: PerObject<Option<(SimTime, u64)>>,
}

impl Plugin for Xfetch {
    const NAME: &'static str = "xfetch";
    const SUMMARY: &'static str =
        "Each read may fetch before the expiry, with a chance that grows as it comes near.";
    const PARAMS: &'static [Param] = &[
        Param::number("beta", "how early, in units of the time of a fetch; 0 is never")
            .default("1")
            .from("0")
            .to("10"),
        Param::new(
            "mode",
            Kind::Choice(&["sync", "async"]),
            "whether the reader waits for the fetch it starts",
        )
        .default("async"),
        Param::duration("delta_max", "longest time of a fetch that is believed").default("10s").above("0s"),
        Param::number(
            "delta_ewma",
            "weight of the last fetch in the mean time of fetches; 1 is the last alone",
        )
        .default("1")
        .above("0")
        .to("1"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Params { beta, mode, delta_max, delta_ewma } = *params;
        let (delta, last_read) = (PerObject::default(), PerObject::default());
        Ok(Self { beta, mode, delta_max, ewma: delta_ewma, seed: setup.seed.of("xfetch"), delta, last_read })
    }
}

impl Xfetch {
    /// How many reads found a fresh copy of the object at this very instant before.
    fn reads_before(&mut self, copy: &Copy) -> u64 {
        let before = match self.last_read.get(copy.object) {
            Some((at, before)) if at == copy.now => before + 1,
            _ => 0,
        };
        self.last_read.set(copy.object, Some((copy.now, before)));
        before
    }

    /// Whether a read fetches before the expiry.
    fn is_early(&mut self, copy: &Copy) -> bool {
        /// Beyond so many scales the chance is below 1e-17, and no draw can be as small.
        const FAR: f64 = 40.0;
        let before = self.reads_before(copy);
        let Some(delta) = self.delta.get(copy.object) else { return false };
        let scale = delta.min(self.delta_max).as_nanos() as f64 * self.beta;
        let left = copy.fresh_until.since(copy.now).as_nanos() as f64;
        if left > FAR * scale || scale <= 0.0 {
            return false;
        }
        // Each read draws for itself, also where many come at one instant, as in a trace of whole seconds.
        let seed = if before == 0 { self.seed } else { self.seed.nth(before) };
        let draw = 1.0 - seed.unit(u64::from(copy.object.as_u32()), copy.now.as_nanos());
        -scale * draw.ln() >= left
    }
}

impl RefreshPolicy for Xfetch {
    fn bytes_beside(&self) -> u32 {
        8
    }

    fn on_copy(&mut self, copy: &Copy) -> Wish {
        if copy.is_stale() {
            return Wish::Fetch;
        }
        match (self.is_early(copy), self.mode) {
            (false, _) => Wish::Serve,
            (true, Mode::Sync) => Wish::Fetch,
            (true, Mode::Async) => Wish::ServeAndRefresh,
        }
    }

    fn on_fill(&mut self, filled: &Filled) {
        let Some(took) = filled.took else { return };
        let delta = match self.delta.get(filled.object) {
            None => took,
            Some(before) => before.scaled(1.0 - self.ewma) + took.scaled(self.ewma),
        };
        self.delta.set(filled.object, Some(delta));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{ClassId, ObjectId};

    fn xfetch(beta: f64, took: u64) -> Xfetch {
        let mut policy = Xfetch {
            beta,
            mode: Mode::Async,
            delta_max: SimDuration::from_secs(10),
            ewma: 1.0,
            seed: Seed::new(9),
            delta: PerObject::default(),
            last_read: PerObject::default(),
        };
        let (at, took) = (SimTime::ZERO, SimDuration::from_secs(took));
        let (object, class) = (ObjectId::new(0), ClassId::new(0));
        policy.on_fill(&Filled { object, class, at, fresh_until: at, took: Some(took) });
        policy
    }

    /// Share of reads that fetch with so many nanoseconds and about so many seconds left.
    fn share(policy: &mut Xfetch, left_s: u64) -> f64 {
        let n = 40_000_u64;
        let early = (0..n).filter(|i| {
            let now = SimTime::from_nanos(*i);
            let (object, stored_at) = (ObjectId::new(0), SimTime::ZERO);
            let fresh_until = now + SimDuration::from_secs(left_s);
            policy.on_copy(&Copy { object, now, stored_at, fresh_until }) == Wish::ServeAndRefresh
        });
        early.count() as f64 / n as f64
    }

    #[test]
    fn the_chance_falls_exponentially_with_the_time_left() {
        for (beta, took, left) in [(1.0, 3, 3), (1.0, 3, 6), (2.0, 3, 3), (0.5, 4, 2)] {
            let expected = (-(left as f64) / (beta * took as f64)).exp();
            let seen = share(&mut xfetch(beta, took), left);
            let error = (expected * (1.0 - expected) / 40_000.0).sqrt();
            assert!((seen - expected).abs() < 4.0 * error, "{beta} {took} {left}: {seen}, not {expected}");
        }
    }

    #[test]
    fn reads_at_one_instant_draw_each_for_itself() {
        let mut policy = xfetch(1.0, 3);
        let (object, now) = (ObjectId::new(0), SimTime::ZERO);
        let copy = Copy { object, now, stored_at: now, fresh_until: now + SimDuration::from_secs(3) };
        let early = (0..40_000).filter(|_| policy.on_copy(&copy) == Wish::ServeAndRefresh).count();
        let share = early as f64 / 40_000.0;
        assert!((share - (-1.0_f64).exp()).abs() < 0.01, "{share}");
    }

    #[test]
    fn beta_zero_and_fetches_that_take_no_time_are_never_early() {
        assert!(share(&mut xfetch(0.0, 3), 0) == 0.0);
        assert!(share(&mut xfetch(1.0, 0), 0) == 0.0);
    }

    #[test]
    fn a_fetch_that_took_longer_than_is_believed_counts_as_the_longest() {
        let seen = share(&mut xfetch(1.0, 1_000), 10);
        assert!((seen - (-1.0_f64).exp()).abs() < 0.01, "{seen}");
    }
}
