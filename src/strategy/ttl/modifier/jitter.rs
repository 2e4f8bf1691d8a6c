//! Spreads TTLs at random, so that keys written together do not expire together.
//!
//! - `mode = "uniform"`: `T (1 + U[-spread, spread])`, drawn at every store; the mean is kept.
//! - `mode = "per-key"`: the same, drawn once for each key; its TTL is the same in every generation.
//! - `mode = "additive"`: `T + U[0, most)`, as many libraries do; it lengthens the mean by `most / 2`.
//!
//! With independent requests the hit ratio under a fixed TTL depends on the mean alone (law F1j), so what the additive mode gains is
//! what a longer TTL would; under a sliding TTL jitter costs hits (law F2j). What changes is the avalanche, whose
//! peak falls to `N / (2 spread T)` fetches a second for `N` keys (law F11). A single hot key gains nothing.
//!
//! ```toml
//! ttl = { rule = "fixed", ttl = "1h", modifiers = [{ modifier = "jitter", spread = 0.1 }] }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Seed;
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlModifier};
use crate::units::SimDuration;

/// Parameters of [`Jitter`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    mode: Mode,
    spread: f64,
    most: SimDuration,
}

/// What is drawn, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Uniform,
    Additive,
    PerKey,
}

/// Random TTLs.
#[derive(Debug)]
pub struct Jitter {
    mode: Mode,
    spread: f64,
    most: SimDuration,
    seed: Seed,
}

impl Plugin for Jitter {
    const NAME: &'static str = "jitter";
    const SUMMARY: &'static str = "Spreads TTLs at random, so that keys do not expire together.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "mode",
            Kind::Choice(&["uniform", "additive", "per-key"]),
            "whether the ttl is spread around its mean at every store, lengthened at every store, or spread once for each key",
        )
        .default("uniform"),
        Param::number(
            "spread",
            "a ttl is drawn from ttl x (1 - spread) to ttl x (1 + spread), so a spread of 1 or more could leave no ttl",
        )
        .default("0.1")
        .from("0")
        .below("1"),
        Param::duration("most", "mode \"additive\" lengthens a ttl by less than this").default("0s").to("365d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Params { mode, spread, most } = *params;
        if mode == Mode::Additive && most.is_zero() {
            return Err(Invalid::param(
                "most",
                "mode \"additive\" needs most, the time that it adds at most",
            )
            .help("write most = \"5m\", or mode = \"uniform\""));
        }
        if mode != Mode::Additive && !most.is_zero() {
            return Err(Invalid::param(
                "most",
                "most is for mode \"additive\"; the others spread a ttl by their spread",
            )
            .help("leave most out, or write mode = \"additive\""));
        }
        Ok(Self { mode, spread, most, seed: setup.seed })
    }
}

impl TtlModifier for Jitter {
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        if ttl == SimDuration::FOREVER {
            return ttl;
        }
        let object = u64::from(fill.object.as_u32());
        let draw = match self.mode {
            Mode::PerKey => self.seed.of("per-key").unit(object, 0),
            Mode::Uniform | Mode::Additive => self.seed.unit(object, fill.drawn_at.as_nanos()),
        };
        match self.mode {
            Mode::Additive => ttl + self.most.scaled(draw),
            Mode::Uniform | Mode::PerKey => ttl.scaled(1.0 + self.spread * (2.0 * draw - 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;
    use crate::trace::ObjectId;

    const TTL: SimDuration = SimDuration::from_secs(100);

    #[test]
    fn a_key_keeps_its_draw_and_keys_differ() {
        let mut jitter = fixture::modifier("{ modifier = \"jitter\", mode = \"per-key\", spread = 0.5 }");
        let mut ttl = |object, secs| {
            jitter.adjust(&Fill { object: ObjectId::new(object), ..fixture::fill(secs) }, TTL).as_secs_f64()
        };
        assert_eq!(ttl(1, 0).to_bits(), ttl(1, 7).to_bits());
        let n = 10_000;
        let mean = (0..n).map(|object| ttl(object, 0)).sum::<f64>() / f64::from(n);
        // Uniform on 50 to 150 has variance 100^2 / 12.
        assert!((mean - 100.0).abs() < 4.0 * 100.0 / (12.0 * f64::from(n)).sqrt(), "{mean}");
    }

    #[test]
    fn the_additive_mode_only_lengthens() {
        let mut jitter = fixture::modifier("{ modifier = \"jitter\", mode = \"additive\", most = \"10s\" }");
        let n = 10_000;
        let ttls: Vec<f64> =
            (0..n).map(|secs| jitter.adjust(&fixture::fill(secs), TTL).as_secs_f64()).collect();
        assert!(ttls.iter().all(|ttl| (100.0..110.0).contains(ttl)));
        let mean = ttls.iter().sum::<f64>() / n as f64;
        assert!((mean - 105.0).abs() < 4.0 * 10.0 / (12.0 * n as f64).sqrt(), "{mean}");
    }

    #[test]
    fn settings_of_another_mode_are_refused() {
        assert!(fixture::refused("{ modifier = \"jitter\", mode = \"additive\" }").contains("needs most"));
        assert!(fixture::refused("{ modifier = \"jitter\", most = \"5s\" }").contains("additive"));
    }
}
