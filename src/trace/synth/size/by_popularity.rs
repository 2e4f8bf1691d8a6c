//! Sizes that go with popularity: what is asked for most has other sizes than what is hardly asked for.
//!
//! Bands of a class's objects, the most popular first, each with a number of objects and a table of bytes and weight;
//! where the class has another number of objects, the bands are stretched as a table of popularity is. Objects that are
//! asked for once have the sizes of `once`, or else those of the last band. `ttlab trace fit` writes this model where a
//! log ties sizes to popularity: a cache in bytes holds more of the requests where the popular images are small.
//!
//! ```toml
//! size = { model = "by-popularity", bands = [[10, [[2_000, 1]]], [990, [[20_000, 3], [300_000, 1]]]], once = [[90_000, 1]] }
//! ```

use super::{SizeModel, Weighted};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::Setup;

/// The model; see the page above.
#[derive(Debug)]
pub struct ByPopularity {
    /// The share of the objects up to the end of each band, and its sizes.
    bands: Vec<(f64, Weighted)>,
    once: Option<Weighted>,
}

/// Number of objects, and rows of bytes and weight.
type Band = (f64, Vec<(f64, f64)>);

/// Parameters of [`ByPopularity`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// Number of objects with rows of bytes and weight, the most popular objects first.
    pub bands: Vec<Band>,
    /// Rows of bytes and weight of the objects that are asked for once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Vec<(f64, f64)>>,
}

impl Plugin for ByPopularity {
    const NAME: &'static str = "by-popularity";
    const SUMMARY: &'static str = "Sizes from tables, one for each band of popularity.";
    const PARAMS: &'static [Param] = &[
        Param::new(
            "bands",
            Kind::Table("[[objects, [[bytes, weight], ...]], ...]"),
            "Bands of the class's objects, the most popular first, each with the sizes of its objects.",
        ),
        Param::new(
            "once",
            Kind::Table("[[bytes, weight], ...]"),
            "The sizes of one-hit objects; those of the last band where left out.",
        ),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let wrong = |what: &str| Invalid::param("bands", what.to_owned());
        let whole: f64 = params.bands.iter().map(|(objects, _)| *objects).sum();
        if params.bands.iter().any(|(objects, _)| !(objects.is_finite() && *objects > 0.0)) {
            return Err(wrong("a band must have more than 0 objects"));
        }
        if params.bands.is_empty() || !whole.is_finite() {
            return Err(wrong("there must be a band").help("write bands = [[1, [[20_000, 1]]]]"));
        }
        let mut seen = 0.0;
        let mut bands = Vec::new();
        for (objects, rows) in &params.bands {
            seen += objects;
            bands.push((seen / whole, Weighted::new(rows, "bands")?));
        }
        let once = params.once.as_ref().map(|rows| Weighted::new(rows, "once")).transpose()?;
        Ok(Self { bands, once })
    }
}

impl SizeModel for ByPopularity {
    /// Of an object of which nothing is known: any of the class's.
    fn draw(&self, stream: &mut Stream) -> u32 {
        let place = rand::RngExt::random::<f64>(stream);
        self.draw_placed(Some(place), stream)
    }

    fn draw_placed(&self, place: Option<f64>, stream: &mut Stream) -> u32 {
        let last = self.bands.len() - 1;
        let sizes = match (place, &self.once) {
            (None, Some(once)) => once,
            (None, None) => &self.bands[last].1,
            (Some(place), _) => {
                let band = self.bands.partition_point(|(end, _)| *end <= place);
                &self.bands[band.min(last)].1
            }
        };
        sizes.draw(stream)
    }

    fn follows_popularity(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    fn model(bands: &[(f64, &[(f64, f64)])], once: Option<&[(f64, f64)]>) -> Result<ByPopularity, Invalid> {
        let bands = bands.iter().map(|(objects, rows)| (*objects, rows.to_vec())).collect();
        ByPopularity::new(&Params { bands, once: once.map(<[_]>::to_vec) }, &Setup::default())
    }

    #[test]
    fn a_place_among_the_popular_decides_the_band() {
        let bands: [(f64, &[(f64, f64)]); 3] =
            [(1.0, &[(10.0, 1.0)]), (2.0, &[(20.0, 1.0)]), (5.0, &[(30.0, 1.0), (40.0, 0.0)])];
        let drawn = |model: &ByPopularity, place| model.draw_placed(place, &mut Seed::new(1).keyed(1, 0));
        let plain = model(&bands, None).unwrap();
        let of = |rank: u32| drawn(&plain, Some((f64::from(rank) + 0.5) / 8.0));
        assert_eq!((0..8).map(of).collect::<Vec<_>>(), [10, 20, 20, 30, 30, 30, 30, 30]);
        assert_eq!((drawn(&plain, None), drawn(&plain, Some(1.0))), (30, 30));
        assert_eq!(drawn(&model(&bands, Some(&[(70.0, 1.0)])).unwrap(), None), 70);
    }

    #[test]
    fn bands_that_cannot_be_are_refused() {
        type Bands<'b> = &'b [(f64, &'b [(f64, f64)])];
        let cases: [(Bands<'_>, &str); 4] = [
            (&[], "there must be a band"),
            (&[(0.0, &[(1.0, 1.0)])], "more than 0 objects"),
            (&[(1.0, &[(0.0, 1.0)])], "between 1 byte"),
            (&[(1.0, &[])], "above 0"),
        ];
        for (bands, part) in cases {
            let said = model(bands, None).unwrap_err();
            assert!(said.what.contains(part) && said.param == "bands", "{said:?}");
        }
        assert_eq!(model(&[(1.0, &[(9.0, 1.0)])], Some(&[(5.0, -1.0)])).unwrap_err().param, "once");
    }
}
