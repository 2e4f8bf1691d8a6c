//! Traffic follows a rate that was measured: a table of times and rates.
//!
//! The table stands in the scenario, as rows of seconds and requests per second, or in a csv file with
//! the columns `time_seconds` and `rate`, such as any monitoring system exports. The first time is 0.
//! Between two rows the rate is that of the first (`between = "step"`) or changes linearly (`"linear"`); in steps, the
//! last row holds as long as the one before it. A workload that lasts longer repeats the table, or has no
//! further requests (`repeat = false`).
//!
//! The table gives the shape: where the workload states a `rate`, the table is scaled to that mean; where it
//! states none, its rates hold as they are. Arrivals are a Poisson process of that rate, by inversion of its integral.
//!
//! ```toml
//! arrivals = { model = "envelope", table = [[0, 10], [60, 80], [90, 20]], between = "step" }
//! ```
//!
//! ```toml
//! arrivals = { model = "envelope", path = "rate-by-minute.csv", between = "linear" }
//! ```

use serde::{Deserialize, Serialize};

use super::curve::{Following, Piece};
use super::{ArrivalModel, Arrivals, Traffic, table};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Seed;
use crate::trace::synth::Setup;
use crate::units::{Rate, SimTime};

/// The model; see the page above.
#[derive(Debug)]
pub struct Envelope {
    pieces: Vec<Piece>,
    mean: f64,
    repeat: bool,
}

/// What the rate does between two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// It stays.
    Step,
    /// It changes linearly.
    Linear,
}

/// Parameters of [`Envelope`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Params {
    /// A csv file.
    pub path: String,
    /// Rows of seconds and rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Vec<(f64, f64)>>,
    /// What the rate does between two rows.
    pub between: Between,
    /// Whether the table begins anew at its end.
    pub repeat: bool,
}

impl Plugin for Envelope {
    const NAME: &'static str = "envelope";
    const SUMMARY: &'static str = "Traffic follows a table of times and rates.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "path",
            Kind::Text,
            "A csv file with the columns time_seconds and rate, relative to the scenario.",
        )
        .default(""),
        Param::new("table", Kind::Table("[[seconds, rate], ...]"), "The same in the scenario itself."),
        Param::new("between", Kind::Choice(&["step", "linear"]), "What the rate does between two rows.")
            .default("step"),
        Param::new("repeat", Kind::Flag, "Whether the table begins anew at its end.").default("true"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let layout = table::Layout { first: "time_seconds", second: "rate", second_if_absent: None };
        let rows = table::rows(setup, &params.path, params.table.as_deref(), &layout)?;
        let param = if params.table.is_some() { "table" } else { "path" };
        if rows[0].0 != 0.0 {
            let what = format!("the first time must be 0, but is {}", rows[0].0);
            return Err(Invalid::param(param, what));
        }
        if let Some(pair) = rows.windows(2).find(|pair| pair[1].0 <= pair[0].0) {
            let what = format!("times must increase, but {} follows {}", pair[1].0, pair[0].0);
            return Err(Invalid::param(param, what));
        }
        if params.between == Between::Linear && rows.len() < 2 {
            return Err(
                Invalid::param(param, "a line needs at least two rows").help("write between = \"step\"")
            );
        }
        let mut pieces: Vec<Piece> = rows
            .windows(2)
            .map(|pair| {
                let to = if params.between == Between::Step { pair[0].1 } else { pair[1].1 };
                Piece { length: pair[1].0 - pair[0].0, from: pair[0].1, to }
            })
            .collect();
        if params.between == Between::Step {
            let rate = rows[rows.len() - 1].1;
            let length = pieces.last().map_or(setup.duration.as_secs_f64().max(1.0), |piece| piece.length);
            pieces.push(Piece { length, from: rate, to: rate });
        }
        let area: f64 = pieces.iter().map(Piece::area).sum();
        if area <= 0.0 {
            return Err(Invalid::param(param, "at least one rate must be above 0"));
        }
        let mean = area / pieces.iter().map(|piece| piece.length).sum::<f64>();
        Ok(Self { pieces, mean, repeat: params.repeat })
    }
}

impl ArrivalModel for Envelope {
    fn begin(&self, traffic: Traffic, seed: Seed) -> Box<dyn Arrivals> {
        let scale = traffic.rate.as_per_second() / self.mean;
        let scaled = |piece: &Piece| Piece { from: piece.from * scale, to: piece.to * scale, ..*piece };
        let pieces: Vec<Piece> = self.pieces.iter().map(scaled).collect();
        let rounds = if self.repeat { usize::MAX } else { 1 };
        let pieces = std::iter::repeat_n(pieces, rounds).flatten();
        Box::new(Following::new(pieces, seed.stream(), SimTime::ZERO, traffic.duration))
    }

    fn own_rate(&self) -> Option<Rate> {
        Some(Rate::per_second(self.mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::synth::fit::fits;
    use crate::units::SimDuration;

    fn model(table: &[(f64, f64)], between: Between, repeat: bool) -> Result<Envelope, Invalid> {
        let params = Params { path: String::new(), table: Some(table.to_vec()), between, repeat };
        Envelope::new(&params, &Setup::default())
    }

    fn counts(times: &[SimTime], seconds: u64, bins: usize) -> Vec<u64> {
        let mut counts = vec![0; bins];
        times.iter().for_each(|at| counts[at.bucket(SimDuration::from_secs(seconds))] += 1);
        counts
    }

    #[test]
    fn steps_have_their_shares_and_are_repeated() {
        let model = model(&[(0.0, 100.0), (60.0, 0.0), (90.0, 300.0)], Between::Step, true).unwrap();
        // 60 s of 100, 30 s of none, 30 s of 300: 15,000 in 120 s.
        assert_eq!(model.own_rate(), Some(Rate::per_second(125.0)));
        let times = super::super::all(&model, 125.0, SimDuration::from_secs(240), 3);
        let bins = counts(&times, 30, 8);
        let shares = [3.0, 3.0, 0.0, 9.0, 3.0, 3.0, 0.0, 9.0].map(|share: f64| share / 30.0);
        fits(&bins, &shares);
        assert!((times.len() as f64 - 30_000.0).abs() < 4.0 * 30_000_f64.sqrt());
        // Twice the rate is twice the requests.
        let double = super::super::all(&model, 250.0, SimDuration::from_secs(240), 3).len() as f64;
        assert!((double - 60_000.0).abs() < 4.0 * 60_000_f64.sqrt());
    }

    #[test]
    fn lines_have_their_shares_and_end_where_they_are_cut() {
        let model = model(&[(0.0, 0.0), (100.0, 200.0)], Between::Linear, false).unwrap();
        let times = super::super::all(&model, 100.0, SimDuration::from_secs(400), 3);
        let bins = counts(&times, 10, 10);
        let shares: Vec<f64> = (0..10).map(|i| (2.0 * f64::from(i) + 1.0) / 100.0).collect();
        fits(&bins, &shares);
        assert!((times.len() as f64 - 10_000.0).abs() < 400.0, "{}", times.len());
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        for (rows, part) in [
            (vec![(5.0, 1.0)], "the first time must be 0, but is 5"),
            (vec![(0.0, 1.0), (9.0, 1.0), (9.0, 2.0)], "times must increase, but 9 follows 9"),
            (vec![(0.0, 0.0), (9.0, 0.0)], "at least one rate"),
        ] {
            let said = model(&rows, Between::Step, true).unwrap_err();
            assert!(said.what.contains(part) && said.param == "table", "{said:?}");
        }
        assert!(model(&[(0.0, 1.0)], Between::Linear, true).is_err());
    }
}
