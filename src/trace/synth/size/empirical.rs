//! Sizes as they were measured: each object has one of the sizes of a table.
//!
//! The table stands in the scenario, as rows of bytes and weight, or in a csv file with the columns
//! `bytes` and `weight` (without that column all sizes are equally likely), such as `du` or
//! a query of a database gives. `ttlab trace fit` writes such tables where no lognormal law fits.
//!
//! ```toml
//! size = { model = "empirical", table = [[2_000, 0.5], [20_000, 0.4], [300_000, 0.1]] }
//! ```
//!
//! ```toml
//! size = { model = "empirical", path = "sizes.csv" }
//! ```

use super::{SizeModel, Weighted};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::{Setup, table};

/// The model; see the page above.
#[derive(Debug)]
pub struct Empirical(Weighted);

/// Parameters of [`Empirical`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// A csv file.
    pub path: String,
    /// Rows of bytes and weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Vec<(f64, f64)>>,
}

impl Plugin for Empirical {
    const NAME: &'static str = "empirical";
    const SUMMARY: &'static str = "Sizes from a table of measured sizes and their weights.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "path",
            Kind::Text,
            "A csv file with the columns bytes and weight, relative to the scenario.",
        )
        .default(""),
        Param::new("table", Kind::Table("[[bytes, weight], ...]"), "The same in the scenario itself."),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let layout = table::Layout { first: "bytes", second: "weight", second_if_absent: Some(1.0) };
        let rows = table::rows(setup, &params.path, params.table.as_deref(), &layout)?;
        let param = if params.table.is_some() { "table" } else { "path" };
        Weighted::new(&rows, param).map(Self)
    }
}

impl SizeModel for Empirical {
    fn draw(&self, stream: &mut Stream) -> u32 {
        self.0.draw(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::fits;

    #[test]
    fn each_size_has_its_share() {
        let table = Some(vec![(500.0, 1.0), (70_000.0, 5.0), (9.0, 4.0)]);
        let model = Empirical::new(&Params { path: String::new(), table }, &Setup::default()).unwrap();
        let seed = Seed::new(4);
        let mut counts = vec![0; 3];
        for object in 0..50_000 {
            match model.draw(&mut seed.keyed(object, 0)) {
                500 => counts[0] += 1,
                70_000 => counts[1] += 1,
                9 => counts[2] += 1,
                other => panic!("{other}"),
            }
        }
        fits(&counts, &[0.1, 0.5, 0.4]);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for (row, part) in
            [((0.0, 1.0), "between 1 byte"), ((1e12, 1.0), "1000000000000"), ((5.0, 0.0), "above 0")]
        {
            let params = Params { path: String::new(), table: Some(vec![row]) };
            let said = Empirical::new(&params, &Setup::default()).unwrap_err();
            assert!(said.what.contains(part) && said.param == "table", "{said:?}");
        }
    }
}
