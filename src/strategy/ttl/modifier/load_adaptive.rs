//! Lengthens TTLs while the origin is busy.
//!
//! The factor is 1 while the load is at most `lo`, grows linearly to `g_max` at `hi`, and stays there. The load is a moving
//! average over `window` of the application's own fetches in flight, divided by the origin's servers: with `signal = "utilisation"` of
//! those that servers work on (at most 1), with `signal = "queue"` of all, so that more than 1 wait in a queue above 1. It must move by
//! `hysteresis` before the factor follows.
//!
//! Only what is stored gets the longer TTL, and stores are what a saturated origin cannot deliver: this prevents an overload, and does
//! not cure one. With `extend_existing` reads also give existing entries, while the load is above `hi`, the TTL counted from their
//! store that they would get now. A control by hit ratio instead of origin load would be positive feedback.
//!
//! ```toml
//! ttl = { rule = "fixed", ttl = "10m", modifiers = [{ modifier = "load-adaptive", servers = 32, lo = 0.7, hi = 0.95, g_max = 4 }] }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, Load, Needs, TtlModifier};
use crate::units::{SimDuration, SimTime};

/// Parameters of [`LoadAdaptive`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    signal: Signal,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<u32>,
    lo: f64,
    hi: f64,
    g_max: f64,
    window: SimDuration,
    hysteresis: f64,
    extend_existing: bool,
}

/// What counts as load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signal {
    Utilisation,
    Queue,
}

/// TTLs that follow the origin's load.
#[derive(Debug)]
pub struct LoadAdaptive {
    signal: Signal,
    servers: f64,
    lo: f64,
    hi: f64,
    g_max: f64,
    window_secs: f64,
    hysteresis: f64,
    extend_existing: bool,
    /// The moving average as of an instant, and the load since then.
    average: f64,
    as_of: SimTime,
    present: f64,
    /// The load that the factor follows.
    followed: f64,
}

impl Plugin for LoadAdaptive {
    const NAME: &'static str = "load-adaptive";
    const SUMMARY: &'static str = "Lengthens TTLs while the origin is busy.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "signal",
            Kind::Choice(&["utilisation", "queue"]),
            "the share of busy servers, or all fetches in flight over the servers",
        )
        .default("utilisation"),
        Param::integer("servers", "fetches the origin serves at once; left out, those of [origin] capacity")
            .from("1")
            .to("100_000"),
        Param::number("lo", "up to this load ttls are left alone").default("0.7").above("0").to("1.5"),
        Param::number("hi", "from this load on ttls are longest; above lo")
            .default("0.95")
            .above("0")
            .to("1.5"),
        Param::number("g_max", "the greatest factor").default("4").from("1").to("20"),
        Param::duration("window", "time constant of the moving average").default("10s").from("1s").to("10m"),
        Param::number("hysteresis", "the factor follows once the load has moved by this")
            .default("0.05")
            .from("0")
            .to("0.5"),
        Param::new(
            "extend_existing",
            Kind::Flag,
            "whether reads lengthen existing entries while the load is above hi",
        )
        .default("false"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let Params { signal, servers, lo, hi, g_max, window, hysteresis, extend_existing } = *params;
        if lo >= hi {
            return Err(Invalid::param(
                "lo",
                format!("lo ({lo}) must be below hi ({hi}), because ttls grow from the one to the other"),
            )
            .help("write lo = 0.7 and hi = 0.95"));
        }
        if signal == Signal::Utilisation && lo >= 1.0 {
            let what = format!(
                "lo ({lo}) is never exceeded by signal \"utilisation\", a share of servers that is at most 1"
            );
            return Err(Invalid::param("lo", what).help("write lo = 0.7, or signal = \"queue\""));
        }
        let Some(servers) = servers.or(setup.servers) else {
            return Err(Invalid::param(
                "servers",
                "the load of an origin that serves any number of fetches at once is never high",
            )
            .help("write [origin] capacity = { model = \"servers\", servers = 32 }, or servers = 32 here"));
        };
        Ok(Self {
            signal,
            servers: f64::from(servers),
            lo,
            hi,
            g_max,
            window_secs: window.as_secs_f64(),
            hysteresis,
            extend_existing,
            average: 0.0,
            as_of: SimTime::ZERO,
            present: 0.0,
            followed: 0.0,
        })
    }
}

impl LoadAdaptive {
    /// Follows the load as it is at `now`.
    fn follow(&mut self, now: SimTime) {
        // The average moves from where it is towards the present load, so that it can leave what is
        // followed only if one of the two ends is far enough from it.
        let is_near = |load: f64| (load - self.followed).abs() < self.hysteresis;
        if !(is_near(self.average) && is_near(self.present)) {
            self.advance(now);
        }
    }

    /// Brings the moving average up to `now`.
    fn advance(&mut self, now: SimTime) {
        let kept = (-now.since(self.as_of).as_secs_f64() / self.window_secs).exp();
        self.average = self.present + (self.average - self.present) * kept;
        self.as_of = self.as_of.max(now);
        if (self.average - self.followed).abs() >= self.hysteresis {
            self.followed = self.average;
        }
    }

    fn factor(&self) -> f64 {
        let share = ((self.followed - self.lo) / (self.hi - self.lo)).clamp(0.0, 1.0);
        1.0 + (self.g_max - 1.0) * share
    }
}

impl TtlModifier for LoadAdaptive {
    fn adjust(&mut self, fill: &Fill, ttl: SimDuration) -> SimDuration {
        self.follow(fill.at);
        if ttl == SimDuration::FOREVER { ttl } else { ttl.scaled(self.factor()) }
    }

    fn needs(&self) -> Needs {
        Needs { load: true, reads: self.extend_existing, ..Needs::default() }
    }

    fn on_load(&mut self, load: &Load) {
        self.advance(load.at);
        let in_flight = load.in_flight as f64 / self.servers;
        self.present = match self.signal {
            Signal::Utilisation => in_flight.min(1.0),
            Signal::Queue => in_flight,
        };
    }

    fn extends(&mut self, now: SimTime) -> bool {
        self.extend_existing && {
            self.follow(now);
            self.followed > self.hi
        }
    }

    fn varies(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;

    const TTL: SimDuration = SimDuration::from_secs(100);

    fn factor(modifier: &mut dyn TtlModifier, secs: u64) -> f64 {
        modifier.adjust(&fixture::fill(secs), TTL).as_secs_f64() / 100.0
    }

    fn load(secs: u64, in_flight: u64) -> Load {
        Load { at: fixture::at(secs), in_flight }
    }

    #[test]
    fn the_factor_grows_from_lo_to_hi() {
        // The fixture's origin has ten servers.
        for (in_flight, expected) in [(0, 1.0), (5, 1.0), (6, 1.5), (7, 2.0), (9, 3.0), (30, 3.0)] {
            let mut modifier = fixture::modifier(
                "{ modifier = \"load-adaptive\", lo = 0.5, hi = 0.9, g_max = 3, window = \"1s\", hysteresis = 0 }",
            );
            modifier.on_load(&load(0, in_flight));
            assert!((factor(&mut *modifier, 100) - expected).abs() < 1e-9, "{in_flight}");
        }
    }

    #[test]
    fn the_average_forgets_within_its_window() {
        let mut modifier = fixture::modifier(
            "{ modifier = \"load-adaptive\", lo = 0.1, hi = 1.1, g_max = 11, window = \"10s\", hysteresis = 0 }",
        );
        modifier.on_load(&load(0, 10));
        // After one window the average of a full load is 1 - 1/e, and the factor 1 + 10 (average - .1).
        assert!((factor(&mut *modifier, 10) - (1.0 + 10.0 * (0.9 - (-1.0_f64).exp()))).abs() < 1e-6);
        modifier.on_load(&load(1_000, 0));
        assert!((factor(&mut *modifier, 1_010) - (1.0 + 10.0 * ((-1.0_f64).exp() - 0.1))).abs() < 1e-6);
    }

    #[test]
    fn only_a_queue_counts_more_than_all_servers() {
        let text = |signal| {
            format!(
                "{{ modifier = \"load-adaptive\", signal = \"{signal}\", lo = 0.9, hi = 1.4, g_max = 6, window = \"1s\" }}"
            )
        };
        // A tenth above lo is a fifth of the way to hi, and three tenths are three.
        for (signal, expected) in [("utilisation", 2.0), ("queue", 4.0)] {
            let mut modifier = fixture::modifier(&text(signal));
            modifier.on_load(&load(0, 12));
            assert!((factor(&mut *modifier, 100) - expected).abs() < 1e-9, "{signal}");
        }
        let never = fixture::refused(
            "{ modifier = \"load-adaptive\", signal = \"utilisation\", lo = 1.0, hi = 1.4, servers = 10 }",
        );
        assert!(never.contains("lo (1)") && never.contains("at most 1"), "{never}");
    }

    #[test]
    fn small_movements_are_not_followed() {
        let mut modifier = fixture::modifier(
            "{ modifier = \"load-adaptive\", lo = 0.1, hi = 1.1, g_max = 11, window = \"1s\", hysteresis = 0.15 }",
        );
        modifier.on_load(&load(0, 5));
        let before = factor(&mut *modifier, 100);
        modifier.on_load(&load(100, 6));
        assert!((factor(&mut *modifier, 200) - before).abs() < 1e-9);
        modifier.on_load(&load(200, 7));
        assert!((factor(&mut *modifier, 300) - before - 2.0).abs() < 0.6);
    }

    #[test]
    fn existing_entries_are_extended_above_hi_only_and_on_request() {
        for (in_flight, flag, expected) in [(10, true, true), (10, false, false), (8, true, false)] {
            let mut modifier = fixture::modifier(&format!(
                "{{ modifier = \"load-adaptive\", hi = 0.9, window = \"1s\", extend_existing = {flag} }}"
            ));
            modifier.on_load(&load(0, in_flight));
            assert_eq!(modifier.extends(fixture::at(100)), expected, "{in_flight} {flag}");
        }
    }

    #[test]
    fn the_thresholds_stand_in_order() {
        assert!(
            fixture::refused("{ modifier = \"load-adaptive\", lo = 0.9, hi = 0.8 }").contains("below hi")
        );
    }
}
