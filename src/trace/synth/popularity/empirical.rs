//! Popularity as it was measured: a weight for each object, most popular first.
//!
//! The table stands in the scenario, as rows of a weight and the number of objects that have it, or in
//! a csv file with the columns `weight` and `objects` (without that column each row is one object):
//! requests by image from a log or a database. Its rows are put in order. Where the class has another
//! number of objects than the table, the table is stretched: the object at a tenth of the ranks
//! gets the weight at a tenth of the table. `ttlab trace fit` writes such tables where no Zipf law fits.
//!
//! ```toml
//! popularity = { model = "empirical", table = [[500, 1], [120, 3], [7, 60]] }
//! ```
//!
//! ```toml
//! popularity = { model = "empirical", path = "requests-by-image.csv" }
//! ```

use super::Popularity;
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::trace::synth::{Setup, table};

/// The model; see the page above.
#[derive(Debug)]
pub struct Empirical {
    /// Weights, the greatest first, each with the number of objects up to it.
    steps: Vec<(f64, f64)>,
}

/// Parameters of [`Empirical`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// A csv file.
    pub path: String,
    /// Rows of weight and number of objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Vec<(f64, f64)>>,
}

impl Plugin for Empirical {
    const NAME: &'static str = "empirical";
    const SUMMARY: &'static str = "Popularity from a table of measured weights.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "path",
            Kind::Text,
            "A csv file with the columns weight and objects, relative to the scenario.",
        )
        .default(""),
        Param::new("table", Kind::Table("[[weight, objects], ...]"), "The same in the scenario itself."),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let layout = table::Layout { first: "weight", second: "objects", second_if_absent: Some(1.0) };
        let mut rows = table::rows(setup, &params.path, params.table.as_deref(), &layout)?;
        rows.retain(|(_, objects)| *objects > 0.0);
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        if rows.first().is_none_or(|(weight, _)| *weight <= 0.0) {
            let param = if params.table.is_some() { "table" } else { "path" };
            return Err(Invalid::param(param, "at least one weight must be above 0"));
        }
        let mut sum = 0.0;
        for (_, objects) in &mut rows {
            sum += *objects;
            *objects = sum;
        }
        Ok(Self { steps: rows })
    }
}

impl Popularity for Empirical {
    fn weights(&self, objects: u32) -> Vec<f64> {
        let whole = self.steps.last().map_or(1.0, |(_, end)| *end);
        let mut step = 0;
        (0..objects)
            .map(|rank| {
                let place = (f64::from(rank) + 0.5) * whole / f64::from(objects);
                while self.steps[step].1 <= place && step + 1 < self.steps.len() {
                    step += 1;
                }
                self.steps[step].0
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::fits;

    fn model(table: &[(f64, f64)]) -> Result<Empirical, Invalid> {
        let params = Params { path: String::new(), table: Some(table.to_vec()) };
        Empirical::new(&params, &Setup::default())
    }

    #[test]
    fn a_table_is_put_in_order_and_stretched() {
        let model = model(&[(1.0, 3.0), (9.0, 1.0), (4.0, 0.0)]).unwrap();
        assert_eq!(model.weights(4), [9.0, 1.0, 1.0, 1.0]);
        assert_eq!(model.weights(8), [9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(model.weights(2), [1.0, 1.0]);
    }

    #[test]
    fn draws_follow_the_weights() {
        let model = model(&[(50.0, 1.0), (10.0, 4.0), (1.0, 10.0)]).unwrap();
        let ranks = model.over(15);
        let mut stream = Seed::new(3).stream();
        let mut counts = vec![0; 15];
        for _ in 0..100_000 {
            counts[ranks.draw(&mut stream) as usize] += 1;
        }
        fits(&counts, &model.weights(15).iter().map(|weight| weight / 100.0).collect::<Vec<f64>>());
    }

    #[test]
    fn weights_of_nothing_are_refused() {
        assert!(model(&[(0.0, 5.0)]).unwrap_err().what.contains("above 0"));
        assert!(model(&[]).is_err());
    }
}
