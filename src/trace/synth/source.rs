//! Which object of a class a request is for.

use rand::RngExt;

use super::Class;
use super::ageing::Ageing;
use super::alias::{self, Alias};
use super::catalogue::{Catalogue, by_share};
use super::popularity::Ranks;
use super::viewers::Renewal;
use crate::random::{Seed, Stream};
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Where the requests of one class come from.
pub(super) struct Source {
    class: usize,
    stream: Stream,
    law: Law,
    one_hit: Option<(f64, Stream)>,
    renditions: Option<(Alias, Stream)>,
}

/// What a source draws for requests that follow each other.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// When they come.
    pub(super) times: Vec<SimTime>,
    /// What each asks for, but for those marked in `once`.
    objects: Vec<ObjectId>,
    /// Which of them ask for an object that nobody asks for again; empty where none can.
    once: Vec<bool>,
    ranks: Vec<u32>,
    /// How many requests and how many objects have been taken.
    taken: (usize, usize),
}

impl Drawn {
    pub(super) fn clear(&mut self) {
        self.times.clear();
        self.objects.clear();
        self.once.clear();
        self.taken = (0, 0);
    }

    /// The object of the next request of class number `class`.
    #[inline]
    pub(super) fn take(&mut self, class: usize, catalogue: &mut Catalogue<'_>) -> ObjectId {
        let (request, object) = &mut self.taken;
        let is_once = self.once.get(*request).is_some_and(|once| *once);
        *request += 1;
        if is_once {
            return catalogue.one_hit(class);
        }
        *object += 1;
        self.objects[*object - 1]
    }

    /// The objects of all requests, where each has one.
    pub(super) fn all(&self) -> Option<&[ObjectId]> {
        Some(self.objects.as_slice()).filter(|_| self.once.is_empty())
    }
}

/// How the originals of a class are drawn.
enum Law {
    /// As they are: ranks, and the object of each rank.
    Steady { ranks: Box<dyn Ranks>, object: Vec<ObjectId> },
    /// By age as well.
    Ageing(Box<ByAge>),
}

/// Objects by age, and their numbers.
struct ByAge {
    ageing: Ageing,
    /// The original of each rank at the start.
    by_rank: Vec<u32>,
    /// Originals at the start.
    at_start: u32,
    /// The number of the first of them, and of the first that is uploaded later.
    first: u32,
    later: u32,
}

impl Source {
    /// The source of class number `class`, whose objects from `first` on are in the catalogue; `order` is
    /// [`order`] of the class.
    pub(super) fn new(
        (class, of): (usize, &Class),
        (first, order): (u32, Vec<u32>),
        catalogue: &mut Catalogue<'_>,
        duration: SimDuration,
        seed: Seed,
    ) -> Self {
        let per_original = of.per_original();
        let popularity = seed.of("popularity").of(&of.name);
        let law = match of.churn {
            None => Law::Steady {
                ranks: of.popularity.over(of.objects),
                object: order
                    .into_iter()
                    .map(|original| ObjectId::new(first + original * per_original))
                    .collect(),
            },
            Some(churn) => {
                let by_rank = of.popularity.weights(of.objects);
                let mut weights = vec![0.0; of.objects as usize];
                order
                    .iter()
                    .zip(&by_rank)
                    .for_each(|(original, weight)| weights[*original as usize] = *weight);
                let ageing = Ageing::new(&weights, churn, duration, popularity);
                let new = u32::try_from(ageing.len()).expect("objects fit in 32 bits") - of.objects;
                if of.size.follows_popularity() {
                    let places = places(&order);
                    let later = of.objects as usize..ageing.len();
                    catalogue.place(class, later.map(|index| places[ageing.forebear(index)]));
                }
                let later = catalogue.extend(class, new);
                Law::Ageing(Box::new(ByAge { ageing, by_rank: order, at_start: of.objects, first, later }))
            }
        };
        let one_hit = (of.one_hit > 0.0).then(|| (of.one_hit, seed.of("one-hit").of(&of.name).stream()));
        let renditions = by_share(of).map(|shares| (shares, seed.of("rendition").of(&of.name).stream()));
        Self { class, stream: popularity.stream(), law, one_hit, renditions }
    }

    /// Number of the class.
    pub(super) fn class(&self) -> usize {
        self.class
    }

    /// Draws an object at `at`, which never decreases; and whether it is one that nobody asks for again.
    #[inline]
    pub(super) fn draw(&mut self, at: SimTime, catalogue: &mut Catalogue<'_>) -> (ObjectId, bool) {
        if let Some((share, stream)) = &mut self.one_hit
            && stream.random::<f64>() < *share
        {
            return (catalogue.one_hit(self.class), true);
        }
        let original = match &mut self.law {
            Law::Steady { ranks, object } => object[ranks.draw(&mut self.stream) as usize],
            Law::Ageing(by_age) => {
                by_age.draw(at, self.renditions.as_ref().map_or(1, |(shares, _)| shares.len()))
            }
        };
        match &mut self.renditions {
            None => (original, false),
            Some((shares, stream)) => (ObjectId::new(original.as_u32() + shares.draw(stream)), false),
        }
    }

    /// Draws for all of `drawn.times`, which never decrease, what as many calls of [`draw`](Self::draw) would; each
    /// kind of chance comes from a stream of its own, so that one can be drawn for all before the next.
    pub(super) fn draw_many(&mut self, drawn: &mut Drawn) {
        let Drawn { times, objects, once, ranks, .. } = drawn;
        if let Some((share, stream)) = &mut self.one_hit {
            once.extend(times.iter().map(|_| stream.random::<f64>() < *share));
        }
        match &mut self.law {
            Law::Steady { ranks: law, object } => {
                ranks.clear();
                let count = times.len() - once.iter().filter(|once| **once).count();
                law.draw_many(&mut self.stream, count, ranks);
                objects.extend(ranks.iter().map(|rank| object[*rank as usize]));
            }
            Law::Ageing(by_age) => {
                let per_original = self.renditions.as_ref().map_or(1, |(shares, _)| shares.len());
                let again = times.iter().enumerate().filter(|(nth, _)| once.get(*nth) != Some(&true));
                objects.extend(again.map(|(_, at)| by_age.draw(*at, per_original)));
            }
        }
        if let Some((shares, stream)) = &mut self.renditions {
            for object in objects {
                *object = ObjectId::new(object.as_u32() + shares.draw(stream));
            }
        }
    }

    /// The original of a rank (0 is the most popular) at the start.
    pub(super) fn ranked(&self, rank: u32) -> ObjectId {
        let per_original = self.renditions.as_ref().map_or(1, |(shares, _)| shares.len());
        match &self.law {
            Law::Steady { object, .. } => object[rank as usize],
            Law::Ageing(by_age) => ObjectId::new(by_age.first + by_age.by_rank[rank as usize] * per_original),
        }
    }

    /// Every object that is uploaded while the trace lasts, all renditions of an original at once. After a
    /// renewal (given in the order of time) what comes has the new numbers.
    pub(super) fn uploads(&self, renewals: &[&Renewal]) -> Vec<(SimTime, ObjectId)> {
        let Law::Ageing(by_age) = &self.law else { return Vec::new() };
        let per_original = self.renditions.as_ref().map_or(1, |(shares, _)| shares.len());
        let mut uploads = Vec::new();
        for (new, at) in (0..).zip(by_age.ageing.born_later()) {
            let at = SimTime::ZERO + SimDuration::from_secs_f64(at);
            let renewed = renewals.iter().rev().find(|renewal| renewal.at <= at);
            let later = renewed.map_or(by_age.later, |by| by.first + by_age.at_start * per_original);
            let first = later + new * per_original;
            uploads.extend((first..first + per_original).map(|object| (at, ObjectId::new(object))));
        }
        uploads
    }

    /// How many originals there will have been.
    pub(super) fn originals(&self) -> u32 {
        let count = match &self.law {
            Law::Steady { object, .. } => object.len(),
            Law::Ageing(by_age) => by_age.ageing.len(),
        };
        u32::try_from(count).expect("objects fit in 32 bits")
    }

    /// Every object is replaced by a new one of the same popularity; `first` is the first of as many new
    /// originals as there will have been, and `old` was the first object of the class.
    pub(super) fn renew(&mut self, first: u32) {
        let per_original = self.renditions.as_ref().map_or(1, |(shares, _)| shares.len());
        match &mut self.law {
            Law::Steady { object, .. } => {
                let old = object.iter().map(|object| object.as_u32()).min().unwrap_or(0);
                for object in object {
                    *object = ObjectId::new(first + (object.as_u32() - old));
                }
            }
            Law::Ageing(by_age) => {
                by_age.first = first;
                by_age.later = first + by_age.at_start * per_original;
            }
        }
    }
}

impl ByAge {
    fn draw(&mut self, at: SimTime, per_original: u32) -> ObjectId {
        let index = u32::try_from(self.ageing.draw(at)).expect("objects fit in 32 bits");
        let number = match index.checked_sub(self.at_start) {
            None => self.first + index * per_original,
            Some(later) => self.later + later * per_original,
        };
        ObjectId::new(number)
    }
}

/// The originals of a class at the start, the most popular first.
pub(super) fn order(of: &Class, seed: Seed) -> Vec<u32> {
    let mut order: Vec<u32> = (0..of.objects).collect();
    shuffle(&mut order, &mut seed.of("rank").of(&of.name).stream());
    order
}

/// The place of each original in such an order, in the middle of its part of all from 0 to 1.
pub(super) fn places(order: &[u32]) -> Vec<f64> {
    let mut places = vec![0.0; order.len()];
    for (rank, original) in order.iter().enumerate() {
        places[*original as usize] = (rank as f64 + 0.5) / order.len() as f64;
    }
    places
}

/// Every order equally likely (Durstenfeld 1964).
pub(super) fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for left in (2..=items.len()).rev() {
        items.swap(left - 1, alias::below(stream, left) as usize);
    }
}
