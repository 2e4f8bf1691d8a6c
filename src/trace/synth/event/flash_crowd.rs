//! A crowd comes for a few images: their rate rises, stays high, and falls again.
//!
//! The chosen images are the ones at popularity ranks `rank` to `rank + keys - 1` of the class, or as many new ones
//! (`on = "new"`, a picture that is in the news). At the height of the crowd they are asked for `factor` times as often as
//! these ranks are otherwise; the crowd's requests come on top of all others, as a Poisson process whose rate is a trapezoid:
//! `ramp` up, `lasts` at the height, `ramp` down. In a class with churn the usual rate is taken without ageing.
//!
//! 50 times is what the images of the Starr report met (second-hand); ramp and length are assumptions.
//!
//! ```toml
//! events = [{ event = "flash-crowd", at = "1m", factor = 50, ramp = "10s", lasts = "30s" }]
//! ```

use serde::{Deserialize, Serialize};

use super::arrival::Arrivals;
use super::curve::{Following, Piece};
use super::{Begun, Catalogue, Flow, Requests, Setup, Site, TrafficEvent, Workload, classes, instant};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::random::Stream;
use crate::trace::ObjectId;
use crate::trace::synth::alias::Alias;
use crate::units::{SimDuration, SimTime};

/// The event; see the page above.
#[derive(Debug)]
pub struct FlashCrowd {
    at: SimTime,
    class: usize,
    rank: u32,
    keys: u32,
    factor: f64,
    ramp: SimDuration,
    lasts: SimDuration,
    on: On,
}

/// Which images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// Those that have the ranks.
    Existing,
    /// New ones.
    New,
}

/// Parameters of [`FlashCrowd`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Params {
    at: SimDuration,
    class: String,
    on: On,
    rank: u32,
    keys: u32,
    factor: f64,
    ramp: SimDuration,
    lasts: SimDuration,
}

impl Plugin for FlashCrowd {
    const NAME: &'static str = "flash-crowd";
    const SUMMARY: &'static str =
        "A crowd comes for a few images: their rate rises, stays high, and falls again.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it begins").required().from("0s"),
        Param::new("class", Kind::Text, "the class of the images; the first by default").default(""),
        Param::new(
            "on",
            Kind::Choice(&["existing", "new"]),
            "whether images of these ranks are meant, or new ones",
        )
        .default("existing"),
        Param::integer("rank", "popularity rank of the first of the images, 1 is the most popular")
            .default("1")
            .from("1")
            .to("4294967294"),
        Param::integer("keys", "how many images").default("1").from("1").to("1000000"),
        Param::number("factor", "how many times the usual rate of these ranks at the height")
            .default("50")
            .above("1")
            .to("1000000"),
        Param::duration("ramp", "how long the rate rises, and falls").default("1m").from("0s").to("365d"),
        Param::duration("lasts", "how long it stays at the height").default("10m").above("0s").to("365d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let class = classes(&params.class, setup)?[0];
        Ok(Self {
            at: instant(params.at, setup)?,
            class,
            rank: params.rank - 1,
            keys: params.keys,
            factor: params.factor,
            ramp: params.ramp,
            lasts: params.lasts,
            on: params.on,
        })
    }
}

impl FlashCrowd {
    /// The ranks that there are, the weights of their images, and the crowd's rate at its height.
    fn height(&self, workload: &Workload) -> (u32, Vec<f64>, f64) {
        let class = &workload.classes[self.class];
        let all = class.popularity.weights(class.objects);
        let first = self.rank.min(class.objects - 1);
        let end = first.saturating_add(self.keys).min(class.objects);
        let weights = all[first as usize..end as usize].to_vec();
        let part = weights.iter().sum::<f64>() / all.iter().rev().sum::<f64>();
        let usual = workload.rate.as_per_second() * class.share * (1.0 - class.one_hit) * part;
        // What the images are asked for anyway is no part of the crowd.
        let times = if self.on == On::Existing { self.factor - 1.0 } else { self.factor };
        (first, weights, usual * times)
    }

    /// The trapezoid of this height.
    fn pieces(&self, rate: f64) -> [Piece; 3] {
        let slope = |from, to| Piece { length: self.ramp.as_secs_f64().max(1e-9), from, to };
        let height = Piece { length: self.lasts.as_secs_f64(), from: rate, to: rate };
        [slope(0.0, rate), height, slope(rate, 0.0)]
    }
}

impl TrafficEvent for FlashCrowd {
    fn begin(&self, site: &mut Site<'_, '_>) -> Begun {
        let (first, mut weights, rate) = self.height(site.workload);
        let renditions = site.workload.classes[self.class].per_original();
        let objects: Vec<ObjectId> = match self.on {
            On::Existing => {
                let count = u32::try_from(weights.len()).expect("at most a million");
                (first..first + count).map(|rank| site.sources[self.class].ranked(rank)).collect()
            }
            On::New => {
                weights.resize(self.keys as usize, weights.last().copied().unwrap_or(1.0));
                let new = site.catalogue.extend(self.class, self.keys);
                (0..self.keys).map(|key| ObjectId::new(new + key * renditions)).collect()
            }
        };
        if weights.iter().sum::<f64>() <= 0.0 {
            weights.fill(1.0);
        }
        let left = (SimTime::ZERO + site.workload.duration).since(self.at);
        Begun::Requests(Box::new(Crowd {
            arrivals: Following::new(self.pieces(rate).into_iter(), site.seed.stream(), self.at, left),
            times: Vec::new(),
            objects,
            weights: Alias::new(&weights),
            stream: site.seed.of("image").stream(),
        }))
    }

    fn requests(&self, workload: &Workload) -> f64 {
        let mut left = (SimTime::ZERO + workload.duration).since(self.at).as_secs_f64();
        let mut sum = 0.0;
        for piece in self.pieces(self.height(workload).2) {
            sum += piece.area_until(left);
            left -= piece.length;
        }
        sum
    }
}

/// The requests of a crowd.
struct Crowd<A> {
    arrivals: A,
    times: Vec<SimTime>,
    objects: Vec<ObjectId>,
    weights: Alias,
    stream: Stream,
}

impl<A: Arrivals> Flow for Crowd<A> {
    fn next(&mut self, _: &mut Catalogue<'_>, out: &mut Requests) {
        self.times.clear();
        self.arrivals.next(&mut self.times);
        for at in &self.times {
            out.push(*at, self.objects[self.weights.draw(&mut self.stream) as usize]);
        }
    }
}
