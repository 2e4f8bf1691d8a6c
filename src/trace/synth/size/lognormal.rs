//! Sizes whose logarithm is normal: many small objects, few large ones.
//!
//! Images of one kind and resolution have sizes like this, with `sigma` about 0.6 around a median
//! of pixels times bits per pixel (an assumption; see the class table of the workload). The
//! defaults are for images of all kinds together and meet the percentiles of a published model of
//! a content delivery network's image traffic (median 10 kB, 90 % below 50 kB, 99 % below 150 kB)
//! within a tenth.
//!
//! Sizes are clamped to 64 B to 32 MiB, so that no draw is absurd: with `sigma` above about 2 that
//! lowers the mean visibly.
//!
//! ```toml
//! size = { model = "lognormal", median = "6KiB", sigma = 0.6 }
//! ```

use rand_distr::{Distribution, StandardNormal};

use super::SizeModel;
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::Setup;
use crate::units::ByteSize;

/// The least and the greatest size in bytes.
const BOUNDS: (f64, f64) = (64.0, 33_554_432.0);

/// The model; see the page above.
#[derive(Debug)]
pub struct Lognormal {
    median: f64,
    sigma: f64,
}

/// Parameters of [`Lognormal`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// Half of the objects are larger, 64 B to 32 MiB.
    pub median: ByteSize,
    /// Standard deviation of the size's natural logarithm, 0 to 5.
    pub sigma: f64,
}

impl Plugin for Lognormal {
    const NAME: &'static str = "lognormal";
    const SUMMARY: &'static str = "Sizes whose logarithm is normal: many small objects, few large ones.";
    const PARAMS: &'static [Param] = &[
        Param::size("median", "Half of the objects are larger.").default("10kB").from("64B").to("32MiB"),
        Param::number("sigma", "Standard deviation of the size's natural logarithm.")
            .default("1.2")
            .from("0")
            .to("5"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { median: params.median.as_bytes() as f64, sigma: params.sigma })
    }
}

impl SizeModel for Lognormal {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to bounds that are u32"
    )]
    fn draw(&self, stream: &mut Stream) -> u32 {
        let normal: f64 = StandardNormal.sample(stream);
        let size = self.median * (self.sigma * normal).exp();
        size.round().clamp(BOUNDS.0, BOUNDS.1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::fits;

    #[test]
    fn the_tenths_of_the_law_each_hold_a_tenth_of_the_objects() {
        let model = Lognormal { median: 50_000.0, sigma: 0.6 };
        // The tenths of the standard normal distribution.
        let normal = [-1.281_552, -0.841_621, -0.524_401, -0.253_347, 0.0];
        let mut edges: Vec<f64> = normal.iter().chain(normal[..4].iter()).copied().collect();
        edges[5..].iter_mut().for_each(|z| *z = -*z);
        edges.sort_by(f64::total_cmp);
        let edges: Vec<f64> = edges.iter().map(|z| 50_000.0 * (0.6 * z).exp()).collect();
        let seed = Seed::new(8);
        let mut counts = vec![0; 10];
        for object in 0..100_000 {
            let size = f64::from(model.draw(&mut seed.keyed(object, 0)));
            counts[edges.partition_point(|edge| *edge < size)] += 1;
        }
        fits(&counts, &[0.1; 10]);
    }

    #[test]
    fn no_size_is_absurd_and_without_spread_all_are_the_median() {
        let (wild, flat) = (Lognormal { median: 1e4, sigma: 5.0 }, Lognormal { median: 1e4, sigma: 0.0 });
        let seed = Seed::new(8);
        let sizes: Vec<u32> = (0..2_000).map(|object| wild.draw(&mut seed.keyed(object, 0))).collect();
        assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&64), Some(&33_554_432)));
        assert!((0..100).all(|object| flat.draw(&mut seed.keyed(object, 0)) == 10_000));
    }

    #[test]
    fn the_values_of_the_normal_distribution_have_not_changed() {
        // An upgrade that changes these changes every synthetic trace, and must be announced.
        let model = Lognormal { median: 10_000.0, sigma: 1.2 };
        let seed = Seed::new(42);
        let sizes: Vec<u32> = (0..6).map(|object| model.draw(&mut seed.keyed(object, 0))).collect();
        assert_eq!(sizes, [19_441, 7_140, 9_495, 28_885, 19_996, 7_621]);
    }
}
