//! Sizes with a heavy tail: the share of objects above `x` falls as `x^-alpha`.
//!
//! Between `min` and `max` the law is the Pareto distribution, cut off and scaled up again (not
//! clamped: no size is piled up at the end). With `alpha` at or below 1 the mean is ruled by the
//! few largest objects, as in the file sizes of whole web servers (1.0 to 1.5 in logs of the 1990s:
//! Crovella and Bestavros 1997, IEEE/ACM ToN 5). The defaults are assumptions.
//!
//! ```toml
//! size = { model = "pareto", min = "4KiB", alpha = 1.2, max = "8MiB" }
//! ```

use rand::RngExt;

use super::SizeModel;
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::Setup;
use crate::units::ByteSize;

/// The model; see the page above.
#[derive(Debug)]
pub struct Pareto {
    min: f64,
    alpha: f64,
    /// Of the whole law, the share below the greatest size.
    below_max: f64,
}

/// Parameters of [`Pareto`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// The least size, 1 B to 512 MiB.
    pub min: ByteSize,
    /// The exponent, above 0.
    pub alpha: f64,
    /// The greatest size, above `min`.
    pub max: ByteSize,
}

impl Plugin for Pareto {
    const NAME: &'static str = "pareto";
    const SUMMARY: &'static str = "Sizes with a heavy tail: few objects hold most of the bytes.";
    const PARAMS: &'static [Param] = &[
        Param::size("min", "The least size.").default("4KiB").from("1B").to("512MiB"),
        Param::number("alpha", "The exponent with which the tail falls.")
            .default("1.2")
            .from("0.05")
            .to("20"),
        Param::size("max", "The greatest size; above min.").default("32MiB").from("1B").to("512MiB"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        if params.max <= params.min {
            let what = format!("max must be above min ({}), but is {}", params.min, params.max);
            return Err(Invalid::param("max", what));
        }
        let (min, max) = (params.min.as_bytes() as f64, params.max.as_bytes() as f64);
        Ok(Self { min, alpha: params.alpha, below_max: 1.0 - (min / max).powf(params.alpha) })
    }
}

impl SizeModel for Pareto {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between bounds that are u32"
    )]
    fn draw(&self, stream: &mut Stream) -> u32 {
        let below: f64 = stream.random::<f64>() * self.below_max;
        (self.min * (1.0 - below).powf(-1.0 / self.alpha)).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::fits;

    fn model(min: u64, alpha: f64, max: u64) -> Pareto {
        let params = Params { min: ByteSize::from_bytes(min), alpha, max: ByteSize::from_bytes(max) };
        Pareto::new(&params, &Setup::default()).unwrap()
    }

    #[test]
    fn the_tenths_of_the_law_each_hold_a_tenth_of_the_objects() {
        for alpha in [0.5, 1.0, 1.2, 3.0] {
            let (min, max) = (10_000.0_f64, 20_000_000.0_f64);
            let model = model(10_000, alpha, 20_000_000);
            let whole = 1.0 - (min / max).powf(alpha);
            let edges: Vec<f64> =
                (1..10).map(|i| min * (1.0 - whole * f64::from(i) / 10.0).powf(-1.0 / alpha)).collect();
            let seed = Seed::new(8);
            let mut counts = vec![0; 10];
            for object in 0..100_000 {
                let size = f64::from(model.draw(&mut seed.keyed(object, 0)));
                counts[edges.partition_point(|edge| *edge < size)] += 1;
            }
            fits(&counts, &[0.1; 10]);
        }
    }

    #[test]
    fn sizes_lie_between_the_bounds() {
        let model = model(100, 0.1, 1_000);
        let seed = Seed::new(8);
        let sizes: Vec<u32> = (0..5_000).map(|object| model.draw(&mut seed.keyed(object, 0))).collect();
        assert!(sizes.iter().all(|size| (100..=1_000).contains(size)));
        assert!(sizes.iter().any(|size| *size > 990) && sizes.iter().any(|size| *size < 103));
    }
}
