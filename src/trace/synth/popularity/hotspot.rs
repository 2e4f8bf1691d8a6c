//! A part of the objects gets most of the requests, and all within it are alike: the "80/20 rule".
//!
//! A share `share` of the requests goes to a share `objects` of the objects, equally; the rest goes to
//! the others, equally. Real popularity is smoother (see `zipf`); this law is for questions about a
//! working set of known size. The defaults are the proverbial 80 and 20 per cent: an assumption.
//!
//! ```toml
//! popularity = { model = "hotspot", share = 0.8, objects = 0.2 }
//! ```

use super::Popularity;
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::synth::Setup;

/// The model; see the page above.
#[derive(Debug)]
pub struct Hotspot {
    share: f64,
    objects: f64,
}

/// Parameters of [`Hotspot`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// Share of the requests that go to the hot objects.
    pub share: f64,
    /// Share of the objects that are hot.
    pub objects: f64,
}

impl Plugin for Hotspot {
    const NAME: &'static str = "hotspot";
    const SUMMARY: &'static str = "A part of the objects gets most of the requests, all within it alike.";
    const PARAMS: &'static [Param] = &[
        Param::number("share", "Share of the requests that go to the hot objects.")
            .default("0.8")
            .from("0")
            .to("1"),
        Param::number("objects", "Share of the objects that are hot; at least one object is.")
            .default("0.2")
            .above("0")
            .below("1"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { share: params.share, objects: params.objects })
    }
}

impl Popularity for Hotspot {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a u32")]
    fn weights(&self, objects: u32) -> Vec<f64> {
        let hot = ((self.objects * f64::from(objects)).round() as u32).clamp(1, objects);
        // Where all are hot there is nobody else for the rest of the requests.
        let cold = objects - hot;
        let (of_hot, of_cold) = if cold == 0 { (1.0, 0.0) } else { (self.share, 1.0 - self.share) };
        let hot_weight = of_hot / f64::from(hot);
        let cold_weight = of_cold / f64::from(cold.max(1));
        (0..objects).map(|rank| if rank < hot { hot_weight } else { cold_weight }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::synth::fit::fits;

    #[test]
    fn both_parts_have_their_share_and_within_them_all_are_alike() {
        let ranks = Hotspot { share: 0.9, objects: 0.1 }.over(50);
        let mut stream = Seed::new(3).stream();
        let mut counts = vec![0; 50];
        for _ in 0..100_000 {
            counts[ranks.draw(&mut stream) as usize] += 1;
        }
        let shares: Vec<f64> = (0..50).map(|rank| if rank < 5 { 0.18 } else { 0.1 / 45.0 }).collect();
        fits(&counts, &shares);
    }

    #[test]
    fn a_single_object_gets_everything() {
        assert_eq!(Hotspot { share: 0.2, objects: 0.5 }.weights(1), [1.0]);
    }
}
