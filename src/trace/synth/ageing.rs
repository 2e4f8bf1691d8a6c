//! Popularity that falls with age, in a catalogue to which objects are added.
//!
//! The weight of an object at time `t` is `v * (max(age, young) / young)^-decay`, with the `v` that the class's popularity
//! gives to its rank. Drawing is exact: objects stand in the order of their upload with the
//! running sum of their `v`; ages that grow by a factor of the square root of two make cohorts, each a
//! stretch of that order. A cohort is drawn by the weight that it had if all its objects were as young as its
//! youngest can be, an object in it by `v`, and what its own age takes off that weight is rejected.

use rand::RngExt;
use rand_distr::{Distribution, Exp1};

use super::alias;
use crate::random::{Seed, Stream};
use crate::units::{SimDuration, SimTime};

/// How a class's catalogue changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// New objects per day, as a share of the catalogue; above 0.
    pub new_per_day: f64,
    /// Who leaves for a new object.
    pub retire: Retire,
    /// The exponent with which an object's popularity falls with its age, 0 or more.
    pub decay: f64,
    /// Until which age it does not fall, above 0.
    pub young: SimDuration,
}

/// Who leaves the catalogue when an object is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retire {
    /// The oldest, whose popularity rank the new one inherits: the catalogue keeps its size.
    #[default]
    Oldest,
    /// Nobody: the catalogue grows.
    None,
}

/// Objects by age.
pub(super) struct Ageing {
    churn: Churn,
    stream: Stream,
    /// When each object was uploaded, in seconds of the trace and in order; negative for those of the start.
    born: Vec<f64>,
    /// The running sum of the weights before each object, and the whole sum.
    sums: Vec<f64>,
    /// For equal parts of the whole sum, the first object that reaches into each: a draw begins there.
    guide: Vec<u32>,
    /// Guide entries per weight.
    scale: f64,
    /// Objects of the start.
    at_start: usize,
    /// Whose popularity each later object has; empty where ranks go round.
    forebears: Vec<u32>,
    /// The objects that are there now.
    head: usize,
    tail: usize,
    cohorts: Vec<Cohort>,
    /// The sum of the cohorts' masses.
    mass: f64,
    /// Until when the cohorts hold, in seconds.
    until: f64,
}

/// Objects of an age between two bounds.
#[derive(Debug, Clone, Copy)]
struct Cohort {
    /// The running sum where it begins.
    from: f64,
    /// What is rejected from: the weight of its youngest object as long as the cohorts hold, per `v`.
    most: f64,
    /// No object in it has less weight than this, per `v`.
    least: f64,
    /// Its sum of `v` times `most`.
    mass: f64,
}

impl Ageing {
    /// `weights[i]` is the popularity of the `i`-th object of the start, the oldest first.
    pub(super) fn new(weights: &[f64], churn: Churn, duration: SimDuration, seed: Seed) -> Self {
        let count = weights.len();
        let per_second = churn.new_per_day * count as f64 / 86_400.0;
        let mut births = seed.of("births").stream();
        let mut gap = || {
            let gap: f64 = Exp1.sample(&mut births);
            gap / per_second
        };
        // Uploads have gone on for ever: the past is the same process, run backwards.
        let mut born: Vec<f64> = Vec::with_capacity(count);
        let mut at = 0.0;
        for _ in 0..count {
            at -= gap();
            born.push(at);
        }
        born.reverse();
        let end = duration.as_secs_f64();
        let mut at = gap();
        while at < end {
            born.push(at);
            at += gap();
        }
        let mut heirs = seed.of("heirs").stream();
        let mut forebears = Vec::new();
        let mut sums = Vec::with_capacity(born.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for index in 0..born.len() {
            sum += match churn.retire {
                // Ranks go round: whoever leaves hands on the rank it once inherited.
                Retire::Oldest => weights[index % count],
                Retire::None if index < count => weights[index],
                Retire::None => {
                    let forebear = alias::below(&mut heirs, count);
                    forebears.push(forebear);
                    weights[forebear as usize]
                }
            };
            sums.push(sum);
        }
        let (guide, scale) = guide(&sums);
        let mut ageing = Self {
            churn,
            stream: seed.stream(),
            born,
            sums,
            guide,
            scale,
            at_start: count,
            forebears,
            head: 0,
            tail: count,
            cohorts: Vec::new(),
            mass: 0.0,
            until: 0.0,
        };
        ageing.sort(0.0);
        ageing
    }

    /// How many objects there will have been.
    pub(super) fn len(&self) -> usize {
        self.born.len()
    }

    /// The object of the start whose popularity this one has.
    pub(super) fn forebear(&self, index: usize) -> usize {
        let later = index.checked_sub(self.at_start);
        let drawn = later.and_then(|later| self.forebears.get(later));
        drawn.map_or(index % self.at_start, |forebear| *forebear as usize)
    }

    /// When each object that is not there from the start is uploaded, in seconds and in order.
    pub(super) fn born_later(&self) -> impl Iterator<Item = f64> + '_ {
        self.born[self.at_start..].iter().copied()
    }

    /// The weight of an object of this age in seconds, per `v`.
    fn weight(&self, age: f64) -> f64 {
        let young = self.churn.young.as_secs_f64();
        if age <= young { 1.0 } else { (age / young).powf(-self.churn.decay) }
    }

    /// Puts the objects that are there at `now` into cohorts.
    fn sort(&mut self, now: f64) {
        while self.tail < self.born.len() && self.born[self.tail] <= now {
            self.tail += 1;
        }
        if self.churn.retire == Retire::Oldest {
            self.head = self.tail - self.at_start;
        }
        let young = self.churn.young.as_secs_f64();
        let next = self.born.get(self.tail).copied().unwrap_or(f64::INFINITY);
        self.until = if self.churn.decay > 0.0 { next.min(now + young / 4.0) } else { next };
        let lasts = if self.until.is_finite() { self.until - now } else { 0.0 };
        self.cohorts.clear();
        self.mass = 0.0;
        // From the youngest on; each bound is the age at which the cohort begins.
        let (mut end, mut youngest, mut oldest) = (self.tail, 0.0, young);
        while end > self.head {
            let born_before = now - oldest;
            let from = if self.churn.decay > 0.0 {
                self.head + self.born[self.head..end].partition_point(|born| *born < born_before)
            } else {
                self.head
            };
            if from < end {
                let most = self.weight(youngest);
                let mass = (self.sums[end] - self.sums[from]) * most;
                let least = if self.churn.decay > 0.0 { self.weight(oldest + lasts) } else { 1.0 };
                self.cohorts.push(Cohort { from: self.sums[from], most, least, mass });
                self.mass += mass;
            }
            end = from;
            youngest = oldest;
            oldest *= std::f64::consts::SQRT_2;
        }
        // The old ones are many and hold most of the weight: they are found first.
        self.cohorts.reverse();
    }

    /// Draws one of the objects that are there at `at`, which never decreases.
    pub(super) fn draw(&mut self, at: SimTime) -> usize {
        let now = at.as_secs_f64();
        if now >= self.until {
            self.sort(now);
        }
        loop {
            let mut place = self.stream.random::<f64>() * self.mass;
            let mut cohort = self.cohorts[0];
            for next in &self.cohorts {
                cohort = *next;
                if place < cohort.mass {
                    break;
                }
                place -= cohort.mass;
            }
            // What is left of the draw is uniform in the cohort.
            let index = self.find(cohort.from + place / cohort.most);
            if cohort.least >= cohort.most {
                return index;
            }
            let kept = self.stream.random::<f64>() * cohort.most;
            if kept < cohort.least || kept < self.weight(now - self.born[index]) {
                return index;
            }
        }
    }

    /// The object at whose stretch of the running sum `place` lies.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index, which is cut to the guide"
    )]
    fn find(&self, place: f64) -> usize {
        let entry = ((place * self.scale) as usize).min(self.guide.len() - 1);
        let mut index = self.guide[entry] as usize;
        while self.sums[index + 1] <= place && index + 1 < self.tail {
            index += 1;
        }
        // Rounding may have led one too far.
        while self.sums[index] > place && index > self.head {
            index -= 1;
        }
        index.clamp(self.head, self.tail - 1)
    }
}

/// As many entries as objects, so that a search takes one step on average (Chen and Asau 1974).
fn guide(sums: &[f64]) -> (Vec<u32>, f64) {
    let count = sums.len() - 1;
    let scale = count as f64 / sums[count];
    let mut guide = Vec::with_capacity(count);
    let mut index = 0_u32;
    for entry in 0..count {
        let place = entry as f64 / scale;
        while sums[index as usize + 1] <= place && (index as usize) + 1 < count {
            index += 1;
        }
        guide.push(index);
    }
    (guide, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::synth::fit::fits;

    fn churn(decay: f64, retire: Retire) -> Churn {
        Churn { new_per_day: 0.5, retire, decay, young: SimDuration::from_secs(3_600) }
    }

    fn zipf(objects: u32) -> Vec<f64> {
        // The order of the weights has nothing to do with age.
        (0..objects).map(|index| f64::from(index * 7 % objects + 1).powf(-0.8)).collect()
    }

    #[test]
    fn at_any_time_objects_are_drawn_by_popularity_and_age() {
        for (decay, retire) in
            [(0.8, Retire::Oldest), (1.5, Retire::None), (0.0, Retire::Oldest), (0.0, Retire::None)]
        {
            let weights = zipf(200);
            let mut ageing =
                Ageing::new(&weights, churn(decay, retire), SimDuration::from_secs(400_000), Seed::new(1));
            for now in [0_u64, 100_000, 399_000] {
                let mut counts = vec![0; ageing.len()];
                for _ in 0..100_000 {
                    counts[ageing.draw(SimTime::from_nanos(now * 1_000_000_000))] += 1;
                }
                let now = now as f64;
                let there = ageing.born.iter().filter(|born| **born <= now).count();
                let first = if retire == Retire::Oldest { there - 200 } else { 0 };
                let shares: Vec<f64> = (0..ageing.len())
                    .map(|index| {
                        let v = ageing.sums[index + 1] - ageing.sums[index];
                        let age = ((now - ageing.born[index]) / 3_600.0).max(1.0);
                        if (first..there).contains(&index) { v * age.powf(-decay) } else { 0.0 }
                    })
                    .collect();
                let sum: f64 = shares.iter().sum();
                fits(&counts, &shares.iter().map(|share| share / sum).collect::<Vec<f64>>());
            }
        }
    }

    #[test]
    fn while_time_goes_on_the_exponent_of_the_decay_is_what_was_asked_for() {
        // Equal popularity: requests per object at an age show the decay alone.
        let churn = Churn { new_per_day: 1.0, ..churn(0.8, Retire::Oldest) };
        let days = 4_u64;
        let mut ageing =
            Ageing::new(&[1.0; 2_000], churn, SimDuration::from_secs(days * 86_400), Seed::new(2));
        let edges: Vec<f64> = (0..6).map(|k| 3_600.0 * 1.7_f64.powi(k)).collect();
        let (mut requests, mut exposure) = ([0.0; 5], [0.0; 5]);
        let step = 20_u64;
        for tick in 0..days * 86_400 / step {
            let at = SimTime::from_nanos(tick * step * 1_000_000_000);
            for _ in 0..20 {
                let index = ageing.draw(at);
                let age = at.as_secs_f64() - ageing.born[index];
                if let Some(bin) = edges.windows(2).position(|bin| age >= bin[0] && age < bin[1]) {
                    requests[bin] += 1.0;
                }
            }
            // Every object counts with the normalised weight that its age gives it at each instant, by sampling instants.
            if tick % 50 == 0 {
                let now = at.as_secs_f64();
                let mass: f64 = ageing.born[ageing.head..ageing.tail]
                    .iter()
                    .map(|born| ((now - born) / 3_600.0).max(1.0).powf(-0.8))
                    .sum();
                for born in &ageing.born[ageing.head..ageing.tail] {
                    if let Some(bin) =
                        edges.windows(2).position(|bin| now - born >= bin[0] && now - born < bin[1])
                    {
                        exposure[bin] += 1.0 / mass;
                    }
                }
            }
        }
        // Slope of ln(requests per exposure) on ln(age) by least squares.
        let points: Vec<(f64, f64)> = (0..5)
            .map(|bin| ((edges[bin] * edges[bin + 1]).sqrt().ln(), (requests[bin] / exposure[bin]).ln()))
            .collect();
        let (mx, my) = (
            points.iter().map(|point| point.0).sum::<f64>() / 5.0,
            points.iter().map(|point| point.1).sum::<f64>() / 5.0,
        );
        let slope = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum::<f64>()
            / points.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>();
        assert!((slope + 0.8).abs() < 0.03, "{slope}");
    }

    #[test]
    fn uploads_come_at_their_rate_and_ages_at_the_start_are_stationary() {
        let weights = vec![1.0; 50_000];
        let ageing =
            Ageing::new(&weights, churn(0.8, Retire::Oldest), SimDuration::from_secs(86_400), Seed::new(3));
        // Half of 50,000 in a day: 25,000 with a standard deviation of 158.
        let new = ageing.len() - 50_000;
        assert!((24_370..25_630).contains(&new), "{new}");
        // The past of two days is evenly covered.
        let mut counts = [0_i32; 20];
        for born in &ageing.born[..50_000] {
            let tenth = (0..19).take_while(|tenth| -born > 8_640.0 * f64::from(tenth + 1)).count();
            counts[tenth] += 1;
        }
        assert!(counts[..19].iter().all(|n| (f64::from(*n) - 2_500.0).abs() < 4.5 * 50.0), "{counts:?}");
    }
}
