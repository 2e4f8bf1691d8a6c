//! Traffic comes in bursts: phases of high and of low rate take turns at random.
//!
//! Phases last for exponential times of means `on` and `off`; in a phase, requests are a Poisson process. The rate of the
//! high phase is `ratio` times that of the low one, and the workload's `rate` is the mean over both. (A
//! Markov-modulated Poisson process with two states: Heffes and Lucantoni 1986, IEEE JSAC 4.) This breaks the
//! independence that formulas for hit ratios assume, on purpose. The defaults are assumptions.
//!
//! Written for a class, the bursts are that class's own.
//!
//! ```toml
//! arrivals = { model = "on-off", ratio = 10, on = "30s", off = "2m" }
//! ```

use rand_distr::{Distribution, Exp1};

use super::curve::{Following, Piece};
use super::{ArrivalModel, Arrivals, Traffic};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::{Seed, Stream};
use crate::trace::synth::Setup;
use crate::units::{SimDuration, SimTime};

/// The model; see the page above.
#[derive(Debug)]
pub struct OnOff {
    ratio: f64,
    on_s: f64,
    off_s: f64,
}

/// Parameters of [`OnOff`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// The rate of the high phase over that of the low one.
    pub ratio: f64,
    /// Mean length of the high phase.
    pub on: SimDuration,
    /// Mean length of the low phase.
    pub off: SimDuration,
}

impl Plugin for OnOff {
    const NAME: &'static str = "on-off";
    const SUMMARY: &'static str =
        "Traffic comes in bursts: phases of high and of low rate take turns at random.";
    const PARAMS: &'static [Param] = &[
        Param::number("ratio", "The rate of the high phase, as a multiple of that of the low one.")
            .default("10")
            .from("1")
            .to("1000000"),
        Param::duration("on", "Mean length of the high phase.").default("30s").from("1ms").to("365d"),
        Param::duration("off", "Mean length of the low phase.").default("2m").from("1ms").to("365d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { ratio: params.ratio, on_s: params.on.as_secs_f64(), off_s: params.off.as_secs_f64() })
    }
}

impl ArrivalModel for OnOff {
    fn begin(&self, traffic: Traffic, seed: Seed) -> Box<dyn Arrivals> {
        let share_on = self.on_s / (self.on_s + self.off_s);
        let low = traffic.rate.as_per_second() / (self.ratio * share_on + 1.0 - share_on);
        let phases = seed.of("phases");
        let phases = Phases {
            stream: phases.stream(),
            // The first phase is as likely as it is long: what is left of it is as long as a whole one.
            is_on: phases.unit(0, 0) < share_on,
            means: (self.on_s, self.off_s),
            rates: (self.ratio * low, low),
        };
        Box::new(Following::new(phases, seed.stream(), SimTime::ZERO, traffic.duration))
    }
}

/// Phases, one after the other, without end.
struct Phases {
    stream: Stream,
    is_on: bool,
    means: (f64, f64),
    rates: (f64, f64),
}

impl Iterator for Phases {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (mean, rate) =
            if self.is_on { (self.means.0, self.rates.0) } else { (self.means.1, self.rates.1) };
        self.is_on = !self.is_on;
        let length: f64 = Exp1.sample(&mut self.stream);
        Some(Piece { length: (length * mean).max(1e-9), from: rate, to: rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_mean_and_the_variance_of_the_process() {
        // Rates of 40 and 4 a second, 30 s and 60 s long: mean 16.
        let model = OnOff { ratio: 10.0, on_s: 30.0, off_s: 60.0 };
        let times = super::super::all(&model, 16.0, SimDuration::from_secs(200_000), 5);
        let mut counts = vec![0.0_f64; 2_000];
        for at in &times {
            counts[at.bucket(SimDuration::from_secs(100))] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 2_000.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 1_999.0;
        // Of a window w, with difference d of the rates, on-share p and relaxation rate s = 1/30 + 1/60:
        // mean 16 w, variance mean + 2 d^2 p (1 - p) (s w - 1 + exp(-s w)) / s^2.
        let (w, d, p, s) = (100.0_f64, 36.0_f64, 1.0 / 3.0, 0.05_f64);
        let expected = 16.0 * w + 2.0 * d * d * p * (1.0 - p) * (s * w - 1.0 + (-s * w).exp()) / (s * s);
        assert!((mean - 1_600.0).abs() < 4.0 * (expected / 2_000.0).sqrt() * 1.3, "{mean}");
        assert!((variance / expected - 1.0).abs() < 0.2, "{variance} for {expected}");
    }

    #[test]
    fn without_a_difference_of_rates_it_is_a_poisson_process() {
        let model = OnOff { ratio: 1.0, on_s: 3.0, off_s: 5.0 };
        let times = super::super::all(&model, 100.0, SimDuration::from_secs(1_000), 5);
        let mut counts = vec![0.0_f64; 1_000];
        times.iter().for_each(|at| counts[at.bucket(SimDuration::from_secs(1))] += 1.0);
        let mean = counts.iter().sum::<f64>() / 1_000.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 999.0;
        assert!((variance / mean - 1.0).abs() < 4.0 * (2.0_f64 / 999.0).sqrt(), "{variance} of {mean}");
    }
}
