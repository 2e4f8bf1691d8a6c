//! Fetch times with a part that grows with the image: what reads, scales and encodes it works on every pixel.
//!
//! A lognormal part as in the model of that name, and `per_megapixel` for every million pixels. Traces record bytes, not
//! pixels: an image of `b` bytes is taken to have `8 b / bits_per_pixel` of them. The mean WebP image of the web has 1.4 bits a
//! pixel, JPEG 2.1, PNG 4.2, AVIF 1.0 (Web Almanac 2022); that scaling takes 80 ms a megapixel is an assumption, near what is told
//! of Flickr (225 ms for an image 2048 pixels wide).
//!
//! ```toml
//! latency = { model = "by-megapixels", median = "40ms", sigma = 0.5, per_megapixel = "80ms" }
//! ```

use std::sync::Arc;

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{Ask, LatencyModel, Setup, Version};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Seed;
use crate::trace::Trace;
use crate::units::SimDuration;

/// Parameters of [`ByMegapixels`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    median: SimDuration,
    sigma: f64,
    per_megapixel: SimDuration,
    bits_per_pixel: f64,
}

/// Origin time with a part by the image's pixels.
#[derive(Debug)]
pub struct ByMegapixels {
    fixed: SimDuration,
    sigma: f64,
    per_megapixel: SimDuration,
    megapixels_per_byte: f64,
    /// That of the lognormal part and of an image of the median size.
    median_of_all: SimDuration,
    trace: Arc<Trace>,
    seed: Seed,
}

impl Plugin for ByMegapixels {
    const NAME: &'static str = "by-megapixels";
    const SUMMARY: &'static str = "A lognormal part and one that grows with the pixels of the image.";
    const PARAMS: &'static [Param] = &[
        Param::duration("median", "half of the fetches take less beside their pixels")
            .default("120ms")
            .above("0s")
            .to("1h"),
        Param::number("sigma", "standard deviation of that time's logarithm")
            .default("0.8")
            .from("0")
            .to("3"),
        Param::duration("per_megapixel", "what a million pixels take").default("80ms").from("0s").to("1h"),
        Param::number("bits_per_pixel", "how many bits an image takes for a pixel")
            .default("1.4")
            .above("0")
            .to("64"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let mut model = Self {
            fixed: params.median,
            sigma: params.sigma,
            per_megapixel: params.per_megapixel,
            megapixels_per_byte: 8.0 / params.bits_per_pixel / 1e6,
            median_of_all: params.median,
            trace: Arc::clone(&setup.trace),
            seed: setup.seed.of("latency"),
        };
        let mut sizes: Vec<u32> = setup.trace.objects().facts().iter().map(|fact| fact.size).collect();
        if !sizes.is_empty() {
            let middle = sizes.len() / 2;
            model.median_of_all = model.fixed + model.pixels(*sizes.select_nth_unstable(middle).1);
        }
        Ok(model)
    }
}

impl ByMegapixels {
    /// What the pixels of an image of so many bytes take.
    fn pixels(&self, bytes: u32) -> SimDuration {
        self.per_megapixel.scaled(f64::from(bytes) * self.megapixels_per_byte)
    }
}

impl LatencyModel for ByMegapixels {
    fn time(&mut self, ask: &Ask, nth: u32, version: Version) -> SimDuration {
        let mut draw = self.seed.keyed(u64::from(ask.object.as_u32()), u64::from(nth));
        let z: f64 = StandardNormal.sample(&mut draw);
        self.fixed.scaled((self.sigma * z).exp())
            + self.pixels(self.trace.objects().size_of(ask.object, version.0))
    }

    fn median(&self) -> SimDuration {
        self.median_of_all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects};
    use crate::units::SimTime;

    #[test]
    fn every_pixel_takes_its_time() {
        let fact = |size| Fact { size, class: ClassId::default(), size_is_imputed: false };
        // A million pixels of 1.4 bits are 175,000 bytes.
        let objects =
            Objects::new([0, 175_000, 350_000].map(fact).to_vec(), Keys::Numbered, vec!["a".into()]);
        let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
        let params = Params {
            median: SimDuration::from_millis(10),
            sigma: 0.0,
            per_megapixel: SimDuration::from_millis(80),
            bits_per_pixel: 1.4,
        };
        let mut model = ByMegapixels::new(&params, &Setup { trace, seed: Seed::new(1) }).unwrap();
        let mut time = |object| {
            let (object, at) = (ObjectId::new(object), SimTime::ZERO);
            model.time(&Ask { object, at, request: 0, patience: None, validates: None }, 0, Version(0))
        };
        assert_eq!([0, 1, 2].map(&mut time), [10, 90, 170].map(SimDuration::from_millis));
        assert_eq!(model.median(), SimDuration::from_millis(90));
    }
}
