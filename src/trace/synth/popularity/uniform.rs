//! Every object of the class is equally popular.
//!
//! No real traffic is like this; it is the worst case for a cache and the easiest to calculate,
//! so laws and boundary cases are checked on it. Equal to `zipf` with `alpha = 0`.
//!
//! ```toml
//! popularity = { model = "uniform" }
//! ```

use super::{Popularity, Ranks, alias};
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::Setup;

/// The model; see the page above.
#[derive(Debug)]
pub struct Uniform;

/// It has no parameters.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {}

impl Plugin for Uniform {
    const NAME: &'static str = "uniform";
    const SUMMARY: &'static str = "Every object of the class is equally popular.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl Popularity for Uniform {
    fn weights(&self, objects: u32) -> Vec<f64> {
        vec![1.0; objects as usize]
    }

    fn over(&self, objects: u32) -> Box<dyn Ranks> {
        Box::new(Equal { objects: objects as usize })
    }
}

/// All of `objects` ranks, equally likely.
struct Equal {
    objects: usize,
}

impl Ranks for Equal {
    fn draw(&self, stream: &mut Stream) -> u32 {
        alias::below(stream, self.objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::fits;

    #[test]
    fn all_ranks_are_drawn_equally_often() {
        let ranks = Uniform.over(200);
        let mut stream = Seed::new(3).stream();
        let mut counts = vec![0; 200];
        for _ in 0..100_000 {
            counts[ranks.draw(&mut stream) as usize] += 1;
        }
        fits(&counts, &[0.005; 200]);
    }
}
