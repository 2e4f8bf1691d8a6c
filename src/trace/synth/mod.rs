//! Makes traces: classes of objects with a popularity and sizes, asked for at random times.
//!
//! Requests are independent of one another (the independent reference model): each draws its class
//! by the classes' shares and its object by the class's popularity. The axes are catalogs, one
//! folder each: [`popularity`], [`size`], [`arrival`].
//!
//! Chance is drawn by purpose and class, so that a class that is added, or sizes that change, leave
//! the times and the other classes' objects as they were. Which object has which rank is a seeded
//! permutation: an object's number says nothing about its popularity or size.

mod alias;
pub mod arrival;
#[cfg(test)]
mod fit;
pub mod popularity;
pub mod size;

use self::alias::Alias;
use self::arrival::{ArrivalModel, Traffic};
use self::popularity::{Popularity, Ranks};
use self::size::SizeModel;
use super::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use crate::random::{Seed, Stream};
use crate::units::{Rate, SimDuration};

/// What a synthetic trace is made of.
#[derive(Debug)]
pub struct Workload {
    /// How long it lasts.
    pub duration: SimDuration,
    /// Mean rate of requests over all classes, above 0.
    pub rate: Rate,
    /// When requests arrive.
    pub arrivals: Box<dyn ArrivalModel>,
    /// The classes: at least one, at most 65,536, with at most 2^32 - 2 objects together.
    pub classes: Vec<Class>,
}

impl Workload {
    /// How many requests a trace of this workload has on average.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate, and neither factor is negative"
    )]
    pub fn expected_requests(&self) -> u64 {
        (self.rate.as_per_second() * self.duration.as_secs_f64()).round() as u64
    }
}

/// Objects of one kind.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// How many objects there are, at least 1.
    pub objects: u32,
    /// Its share of the requests; the shares of all classes sum to 1.
    pub share: f64,
    /// How its requests spread over its objects.
    pub popularity: Box<dyn Popularity>,
    /// How large its objects are.
    pub size: Box<dyn SizeModel>,
}

/// Makes the trace that `workload` and `seed` determine: 12 bytes a request, 8 an object.
///
/// # Panics
/// If a number is outside the range that its field states; scenarios are refused before.
pub fn generate(workload: &Workload, seed: Seed) -> Trace {
    let seed = seed.of("workload");
    let objects = objects(&workload.classes, seed.of("size"));
    let mut sources = sources(&workload.classes, seed);
    let shares: Vec<f64> = workload.classes.iter().map(|class| class.share).collect();
    let class_of = Alias::new(&shares);
    let traffic = Traffic { rate: workload.rate, duration: workload.duration };
    let at = workload.arrivals.times(traffic, &mut seed.of("arrivals").stream());
    let mut class_stream = seed.of("class").stream();
    let object = at
        .iter()
        .map(|_| {
            let class = if sources.len() == 1 { 0 } else { class_of.draw(&mut class_stream) };
            sources[class as usize].draw()
        })
        .collect();
    Trace::new(at, object, objects, workload.duration)
}

/// The objects of all classes, class by class, each with a size of its own draw.
fn objects(classes: &[Class], seed: Seed) -> Objects {
    let total = classes.iter().map(|class| class.objects as usize).sum();
    let mut facts = Vec::with_capacity(total);
    for (number, class) in classes.iter().enumerate() {
        let seed = seed.of(&class.name);
        let id = ClassId::new(u16::try_from(number).expect("there are at most 65,536 classes"));
        facts.extend((0..class.objects).map(|object| Fact {
            size: class.size.draw(&mut seed.keyed(u64::from(object), 0)),
            class: id,
            size_is_imputed: false,
        }));
    }
    Objects::new(facts, Keys::Numbered, classes.iter().map(|class| class.name.clone()).collect())
}

/// Where the requests of one class come from.
struct Source {
    stream: Stream,
    ranks: Box<dyn Ranks>,
    /// The object of each rank.
    object: Vec<ObjectId>,
}

impl Source {
    fn draw(&mut self) -> ObjectId {
        self.object[self.ranks.draw(&mut self.stream) as usize]
    }
}

fn sources(classes: &[Class], seed: Seed) -> Vec<Source> {
    let mut first = 0_u32;
    classes
        .iter()
        .map(|class| {
            let end = first.checked_add(class.objects).expect("there are at most 2^32 - 2 objects");
            let mut object: Vec<ObjectId> = (first..end).map(ObjectId::new).collect();
            shuffle(&mut object, &mut seed.of("rank").of(&class.name).stream());
            first = end;
            Source {
                stream: seed.of("popularity").of(&class.name).stream(),
                ranks: class.popularity.over(class.objects),
                object,
            }
        })
        .collect()
}

/// Every order equally likely (Durstenfeld 1964).
fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for left in (2..=items.len()).rev() {
        items.swap(left - 1, alias::below(stream, left) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::fit::{Bins, fits};
    use super::*;
    use crate::catalog::Catalog;

    fn made<T: ?Sized>(catalog: &'static Catalog<T, ()>, name: &'static str) -> Box<T> {
        catalog.default_choice(name).make(&()).unwrap()
    }

    fn class(name: &str, objects: u32, share: f64) -> Class {
        Class {
            name: name.to_owned(),
            objects,
            share,
            popularity: made(&popularity::POPULARITIES, "zipf"),
            size: made(&size::SIZES, "lognormal"),
        }
    }

    fn workload(classes: Vec<Class>) -> Workload {
        Workload {
            duration: SimDuration::from_secs(300),
            rate: Rate::per_second(1_000.0),
            arrivals: made(&arrival::ARRIVALS, "poisson"),
            classes,
        }
    }

    fn three() -> Vec<Class> {
        vec![class("thumbnail", 6_000, 0.6), class("avatar", 900, 0.3), class("banner", 100, 0.1)]
    }

    #[test]
    fn each_class_has_its_share_of_requests_and_its_objects() {
        let trace = generate(&workload(three()), Seed::new(1));
        let mut requests = [0; 3];
        for request in trace.requests() {
            requests[trace.objects().class(request.object).index()] += 1;
        }
        fits(&requests, &[0.6, 0.3, 0.1]);
        assert_eq!(trace.objects().classes(), ["thumbnail", "avatar", "banner"]);
        let mut objects = [0; 3];
        for fact in trace.objects().facts() {
            objects[fact.class.index()] += 1;
        }
        assert_eq!(objects, [6_000, 900, 100]);
        assert_eq!(trace.objects().key(ObjectId::new(6_899)), "avatar/6899");
        assert_eq!(trace.span(), SimDuration::from_secs(300));
    }

    #[test]
    fn the_objects_of_a_class_follow_its_popularity() {
        // By the sampler's own ranks: sorting the counts would bias them towards a steeper law.
        let classes = vec![class("photo", 5_000, 1.0)];
        let seed = Seed::new(2);
        let trace = generate(&workload(classes), seed);
        let source = sources(&[class("photo", 5_000, 1.0)], seed.of("workload"));
        let mut rank = vec![0; 5_000];
        for (place, object) in source[0].object.iter().enumerate() {
            rank[object.index()] = place;
        }
        let bins = Bins::ranks(5_000);
        let mut counts = vec![0; bins.len()];
        for request in trace.requests() {
            counts[bins.of(rank[request.object.index()])] += 1;
        }
        let weights: Vec<f64> = (1..=5_000_u32).map(|rank| f64::from(rank).powf(-0.9)).collect();
        fits(&counts, &bins.shares(&weights));
    }

    #[test]
    fn a_rank_says_nothing_about_the_number_or_the_size_of_its_object() {
        let n = 50_000_u32;
        let classes = [class("photo", n, 1.0)];
        let seed = Seed::new(3).of("workload");
        let source = &sources(&classes, seed)[0];
        let objects = objects(&classes, seed.of("size"));
        let mut sorted = source.object.clone();
        sorted.sort_unstable();
        assert!(
            sorted.iter().zip(0..).all(|(object, id)| object.as_u32() == id),
            "every object has one rank"
        );
        let correlation = |value: &dyn Fn(ObjectId) -> f64| {
            let values: Vec<f64> = source.object.iter().map(|object| value(*object)).collect();
            let count = f64::from(n);
            let mean = values.iter().sum::<f64>() / count;
            let middle = (count - 1.0) / 2.0;
            let (mut both, mut ranks, mut spread) = (0.0, 0.0, 0.0);
            for (rank, value) in (0..n).zip(&values) {
                let (r, v) = (f64::from(rank) - middle, value - mean);
                (both, ranks, spread) = (both + r * v, ranks + r * r, spread + v * v);
            }
            both / (ranks * spread).sqrt()
        };
        // A correlation of independent columns has a standard deviation of 1 / sqrt(n).
        let limit = 4.0 / f64::from(n).sqrt();
        assert!(correlation(&|object| f64::from(object.as_u32())).abs() < limit);
        assert!(correlation(&|object| f64::from(objects.size(object)).ln()).abs() < limit);
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let once = generate(&workload(three()), Seed::new(1));
        assert_eq!(once, generate(&workload(three()), Seed::new(1)));
        let other = generate(&workload(three()), Seed::new(2));
        assert_ne!(once.times(), other.times());
        assert_ne!(once.objects(), other.objects());
    }

    #[test]
    fn a_class_that_is_added_leaves_the_sizes_and_ranks_of_the_others() {
        let (few, seed) = (three(), Seed::new(1));
        let mut more = three();
        more.push(class("icon", 10, 0.0));
        let (before, after) = (objects(&few, seed), objects(&more, seed));
        assert_eq!(before.facts(), &after.facts()[..7_000]);
        assert_eq!(sources(&few, seed)[1].object, sources(&more, seed)[1].object);
        // A class that nobody asks for changes no request either.
        let with_it = generate(&workload(more), seed);
        assert_eq!(generate(&workload(few), seed).times(), with_it.times());
        assert!(with_it.object_ids().iter().all(|object| object.index() < 7_000));
    }

    #[test]
    fn a_trace_of_no_time_is_empty_and_one_object_is_enough() {
        let mut empty = workload(vec![class("photo", 1, 1.0)]);
        empty.duration = SimDuration::ZERO;
        assert!(generate(&empty, Seed::new(1)).is_empty());
        let one = generate(&workload(vec![class("photo", 1, 1.0)]), Seed::new(1));
        assert!(one.len() > 290_000 && one.object_ids().iter().all(|object| object.index() == 0));
    }

    #[test]
    fn the_values_of_a_trace_have_not_changed() {
        // An upgrade that changes these changes every synthetic result, and must be announced.
        let trace = generate(&workload(three()), Seed::new(42));
        let ids: Vec<u32> = trace.object_ids()[..6].iter().map(|object| object.as_u32()).collect();
        assert_eq!(trace.len(), 299_920);
        assert_eq!(ids, [4_944, 6_982, 4_013, 2_581, 1_584, 6_741]);
    }
}
