//! Traffic follows the hours of the day and the days of the week.
//!
//! The rate is `mean * w * (1 + a cos(2 pi (t - peak_hour) / 24 h))` with `a = (r - 1) / (r + 1)`, so that
//! the busiest hour has `r = peak_to_trough` times the rate of the quietest, and `w` the factor of the day
//! of the week (scaled so that the seven have a mean of 1). The workload's `rate` is the mean of a week.
//! Arrivals are a Poisson process of that rate, by inversion of its integral.
//!
//! The defaults are assumptions: no figure for image traffic was found. Two logs of whole sites of the
//! 1990s have a ratio of 4.0 (NASA, two months) and 4.3 (World Cup 1998) by hour of the day.
//!
//! ```toml
//! arrivals = { model = "diurnal", peak_to_trough = 3, peak_hour = 20, week = [1, 1, 1, 1, 1, 0.8, 0.7] }
//! ```

use std::f64::consts::TAU;

use rand_distr::{Distribution, Exp1};

use super::{ArrivalModel, Arrivals, BLOCK, Traffic};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::{Seed, Stream};
use crate::trace::synth::Setup;
use crate::units::{SimDuration, SimTime};

const DAY_S: f64 = 86_400.0;

/// The model; see the page above.
#[derive(Debug)]
pub struct Diurnal {
    wave: Wave,
    starts_s: f64,
}

/// Parameters of [`Diurnal`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// The highest rate of a day over the lowest.
    pub peak_to_trough: f64,
    /// The hour with the highest rate.
    pub peak_hour: f64,
    /// Factors of the days from Monday on.
    pub week: Vec<f64>,
    /// Time since Monday, 0:00, at which the trace begins.
    pub starts: SimDuration,
}

impl Plugin for Diurnal {
    const NAME: &'static str = "diurnal";
    const SUMMARY: &'static str = "Traffic follows the hours of the day and the days of the week.";
    const PARAMS: &'static [Param] = &[
        Param::number("peak_to_trough", "The highest rate of a day, as a multiple of the lowest.")
            .default("3")
            .from("1")
            .to("1000"),
        Param::number("peak_hour", "The hour of the day with the highest rate.")
            .default("20")
            .from("0")
            .below("24"),
        Param::new(
            "week",
            Kind::Table("seven factors"),
            "The factors of the seven days from Monday on; only their ratios count.",
        )
        .default("[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]"),
        Param::duration("starts", "The time since Monday, 0:00, at which the trace begins.")
            .default("0s")
            .from("0s")
            .below("7d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let sum: f64 = params.week.iter().sum();
        let legal = params.week.iter().all(|factor| factor.is_finite() && *factor >= 0.0);
        let week: Option<[f64; 7]> = params.week.clone().try_into().ok().filter(|_| legal && sum > 0.0);
        let Some(mut week) = week else {
            let what = format!(
                "week must be seven numbers that are not negative, one above 0, but is {:?}",
                params.week
            );
            return Err(Invalid::param("week", what).help("write week = [1, 1, 1, 1, 1, 0.8, 0.7]"));
        };
        week.iter_mut().for_each(|factor| *factor *= 7.0 / sum);
        let amplitude = (params.peak_to_trough - 1.0) / (params.peak_to_trough + 1.0);
        let wave = Wave { amplitude, peak: TAU * params.peak_hour / 24.0, week };
        Ok(Self { wave, starts_s: params.starts.as_secs_f64() })
    }
}

/// The rate over a week whose mean is 1.
#[derive(Debug, Clone)]
struct Wave {
    amplitude: f64,
    /// The phase of the peak.
    peak: f64,
    week: [f64; 7],
}

impl Wave {
    /// Of a day of factor 1, the integral of the rate over its first `x` seconds, and the rate there.
    fn day(&self, x: f64) -> (f64, f64) {
        let (sin, cos) = (TAU * x / DAY_S - self.peak).sin_cos();
        let area = x + self.amplitude * DAY_S / TAU * (sin + self.peak.sin());
        (area, 1.0 + self.amplitude * cos)
    }

    fn factor(&self, day: u64) -> f64 {
        self.week[usize::try_from(day % 7).unwrap_or(0)]
    }

    /// The second of a day at which the integral over the day is `area`; it is sought from `from` on.
    fn second(&self, area: f64, from: f64) -> f64 {
        let (mut low, mut high) = (from, DAY_S);
        let mut x = from;
        for _ in 0..100 {
            let (reached, rate) = self.day(x);
            if reached < area {
                low = low.max(x);
            } else {
                high = high.min(x);
            }
            // Newton's step from before the goal is nearly exact, as gaps are short beside a day.
            let next = x + (area - reached) / rate.max(1e-9);
            let next = if next >= low && next <= high { next } else { f64::midpoint(low, high) };
            if (next - x).abs() < 1e-10 {
                return next;
            }
            x = next;
        }
        x
    }
}

impl ArrivalModel for Diurnal {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day of the week")]
    fn begin(&self, traffic: Traffic, seed: Seed) -> Box<dyn Arrivals> {
        let day = (self.starts_s / DAY_S) as u64;
        let second = self.starts_s - day as f64 * DAY_S;
        let area = self.wave.day(second).0 * self.wave.factor(day);
        Box::new(Daily {
            wave: self.wave.clone(),
            stream: seed.stream(),
            rate: traffic.rate.as_per_second(),
            starts_s: self.starts_s,
            end: traffic.duration.as_secs_f64(),
            day,
            area,
            second,
        })
    }
}

/// A Poisson process whose rate follows the wave.
struct Daily {
    wave: Wave,
    stream: Stream,
    rate: f64,
    starts_s: f64,
    end: f64,
    /// Days since Monday, the integral of the rate since that day began (mean 1), and the last second of it.
    day: u64,
    area: f64,
    second: f64,
}

impl Arrivals for Daily {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times are at least 0 and before an end that is a u64"
    )]
    fn next(&mut self, times: &mut Vec<SimTime>) {
        for _ in 0..BLOCK {
            let gap: f64 = Exp1.sample(&mut self.stream);
            self.area += gap / self.rate;
            // The cosine has no mean, so a day's integral is its factor.
            while self.area >= DAY_S * self.wave.factor(self.day) {
                self.area -= DAY_S * self.wave.factor(self.day);
                self.day += 1;
                self.second = 0.0;
                if self.day as f64 * DAY_S - self.starts_s >= self.end {
                    self.end = 0.0;
                    return;
                }
            }
            self.second = self.wave.second(self.area / self.wave.factor(self.day), self.second);
            let at = (self.day as f64 * DAY_S - self.starts_s + self.second).max(0.0);
            if at >= self.end {
                self.end = 0.0;
                return;
            }
            times.push(SimTime::from_nanos((at * 1e9) as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::synth::fit::fits;

    fn model(peak_to_trough: f64, week: [f64; 7], starts: u64) -> Diurnal {
        let starts = SimDuration::from_secs(starts);
        let params = Params { peak_to_trough, peak_hour: 20.0, week: week.to_vec(), starts };
        Diurnal::new(&params, &Setup::default()).unwrap()
    }

    /// The integral of the rate from hour `h` to `h + 1` of a day by its formula.
    fn hour(a: f64, h: f64) -> f64 {
        let sin = |hour: f64| (TAU * (hour - 20.0) / 24.0).sin();
        (1.0 + a * 24.0 / TAU * (sin(h + 1.0) - sin(h))) / 24.0
    }

    #[test]
    fn the_hours_of_the_day_have_their_shares() {
        let times = super::super::all(&model(3.0, [1.0; 7], 0), 2.0, SimDuration::from_secs(2 * 86_400), 1);
        let mut counts = vec![0; 24];
        for at in &times {
            counts[at.bucket(SimDuration::from_secs(3_600)) % 24] += 1;
        }
        let shares: Vec<f64> = (0..24).map(|h| hour(0.5, f64::from(h))).collect();
        fits(&counts, &shares);
        // 345,600 are expected; 4 standard deviations.
        assert!((times.len() as f64 - 345_600.0).abs() < 4.0 * 345_600_f64.sqrt(), "{}", times.len());
    }

    #[test]
    fn inside_an_hour_arrivals_follow_the_curve_and_are_not_piled_up() {
        let times = super::super::all(&model(9.0, [1.0; 7], 0), 5.0, SimDuration::from_secs(86_400), 2);
        // By the integral of its formula each arrival becomes a uniform number.
        let wave = model(9.0, [1.0; 7], 0).wave;
        let edges: Vec<f64> = (1..500).map(|part| DAY_S * f64::from(part) / 500.0).collect();
        let mut counts = vec![0; 500];
        for at in &times {
            let area = wave.day(at.as_secs_f64()).0;
            counts[edges.partition_point(|edge| *edge <= area)] += 1;
        }
        fits(&counts, &[0.002; 500]);
    }

    #[test]
    fn the_days_of_the_week_have_their_shares_wherever_the_trace_begins() {
        let week = [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0];
        let times = super::super::all(
            &model(3.0, week, 4 * 86_400 + 1_800),
            0.5,
            SimDuration::from_secs(7 * 86_400),
            3,
        );
        let mut counts = vec![0; 7];
        for at in &times {
            let second = at.as_nanos() / 1_000_000_000 + 4 * 86_400 + 1_800;
            counts[(second / 86_400 % 7) as usize] += 1;
        }
        fits(&counts, &week.map(|factor| factor / 5.5));
        assert!((times.len() as f64 - 302_400.0).abs() < 4.0 * 302_400_f64.sqrt(), "{}", times.len());
    }

    #[test]
    fn a_week_of_other_than_seven_days_is_refused() {
        for week in [vec![1.0; 6], vec![0.0; 7], vec![-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]] {
            let params = Params { peak_to_trough: 3.0, peak_hour: 20.0, week, starts: SimDuration::ZERO };
            assert_eq!(Diurnal::new(&params, &Setup::default()).unwrap_err().param, "week");
        }
    }
}
