//! The objects of a synthetic trace: those there are from the start, and those that come later.
//!
//! Objects have numbers class by class; what is uploaded later comes behind all of them, and
//! one-hit wonders last, in the order in which they are made. An object's size depends on its class and
//! on which of that class it is (and on how popular that is, where the class's sizes go by it), never on when it was
//! drawn.

use super::Class;
use super::alias::Alias;
use super::resizing::{Drawn, Redrawn};
use crate::random::{Seed, Stream};
use crate::trace::{ClassId, Fact, Kin, ObjectId};

/// One of the sizes in which an original image is offered; each is an object of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendition {
    /// Share of the requests for the class; the shares of a family sum to 1.
    pub share: f64,
    /// Its bytes as a multiple of the size that the class's size model gives, above 0.
    pub scale: f64,
}

/// Redis refuses longer strings (proto-max-bulk-len).
const MOST_BYTES: f64 = 536_870_912.0;

/// All objects that have been made so far.
pub struct Catalogue<'w> {
    classes: Vec<Kind<'w>>,
    facts: Vec<Fact>,
    /// The family of each object; empty where no class has renditions.
    families: Vec<Kin>,
    has_families: bool,
    /// What each object was drawn from; empty where no class redraws sizes.
    drawn: Vec<Drawn>,
    redraws: bool,
}

/// What the objects of a class are made from.
struct Kind<'w> {
    class: &'w Class,
    id: ClassId,
    seed: Seed,
    /// How many originals of it there are.
    originals: u64,
    /// The place of each original in the order of popularity, from 0 to 1; empty where sizes do not go by it.
    places: Vec<f64>,
    /// By how many requests a rendition is asked for; `None` without renditions.
    renditions: Option<Alias>,
    /// How many renditions are asked for more often than each.
    ranks: Vec<u8>,
    /// For the renditions of one-hit objects.
    stream: Stream,
}

impl Kind<'_> {
    /// The place in the order of popularity of original `number`, which is the `nth` of those that are added together;
    /// `None` where sizes do not go by it.
    fn place(&self, number: u64, nth: u32) -> Option<f64> {
        let own = usize::try_from(number).ok().and_then(|number| self.places.get(number));
        // Beyond them a whole generation is replaced.
        own.or_else(|| self.places.get(nth as usize % self.places.len().max(1))).copied()
    }

    /// The size of original `number`.
    fn size(&self, number: u64, place: Option<f64>) -> u32 {
        let mut stream = self.seed.keyed(number, 0);
        match place {
            None => self.class.size.draw(&mut stream),
            placed => self.class.size.draw_placed(placed, &mut stream),
        }
    }
}

impl<'w> Catalogue<'w> {
    /// No objects yet; sizes come from `seed`.
    pub(super) fn new(classes: &'w [Class], seed: Seed) -> Self {
        let kind = |(number, class): (usize, &'w Class)| Kind {
            class,
            id: ClassId::from_index(number),
            seed: seed.of(&class.name),
            originals: 0,
            places: Vec::new(),
            renditions: by_share(class),
            ranks: ranks(&class.renditions),
            stream: seed.of("rendition").of(&class.name).stream(),
        };
        Self {
            classes: classes.iter().enumerate().map(kind).collect(),
            facts: Vec::with_capacity(classes.iter().map(Class::total).sum()),
            families: Vec::new(),
            has_families: classes.iter().any(|class| !class.renditions.is_empty()),
            drawn: Vec::new(),
            redraws: classes.iter().any(|class| class.resize),
        }
    }

    /// Says how popular the next originals of a class are, from 0 for the most popular to 1. Once all are said, those
    /// that are added replace them one by one.
    pub(super) fn place(&mut self, class: usize, places: impl Iterator<Item = f64>) {
        let kind = &mut self.classes[class];
        if kind.class.size.follows_popularity() {
            kind.places.extend(places);
        }
    }

    /// Adds originals of a class with all their renditions; the number of the first.
    pub(super) fn extend(&mut self, class: usize, originals: u32) -> u32 {
        let first = ObjectId::from_index(self.facts.len());
        let kind = &mut self.classes[class];
        for nth in 0..originals {
            let number = kind.originals;
            kind.originals += 1;
            let place = kind.place(number, nth);
            let size = kind.size(number, place);
            let family = ObjectId::from_index(self.facts.len());
            if kind.class.renditions.is_empty() {
                self.facts.push(Fact { size, class: kind.id, size_is_imputed: false });
            }
            for rendition in &kind.class.renditions {
                let size = scaled(size, rendition.scale);
                self.facts.push(Fact { size, class: kind.id, size_is_imputed: false });
            }
            if self.redraws {
                let number = in_class(number);
                let renditions = 0..kind.class.per_original();
                let drawn = |rendition| Drawn { number, rendition: nth_rendition(rendition), place };
                self.drawn.extend(renditions.map(drawn));
            }
            if self.has_families {
                let alone: &[u8] = if kind.ranks.is_empty() { &[0] } else { &[] };
                let ranks = kind.ranks.iter().chain(alone);
                self.families.extend(ranks.map(|rank| Kin { original: family, rank: *rank }));
            }
        }
        first.as_u32()
    }

    /// An object that nobody has asked for and nobody will ask for again.
    pub(super) fn one_hit(&mut self, class: usize) -> ObjectId {
        let object = ObjectId::from_index(self.facts.len());
        let kind = &mut self.classes[class];
        let number = kind.originals;
        let mut size = kind.class.size.draw_placed(None, &mut kind.seed.keyed(number, 0));
        kind.originals += 1;
        let mut rendition = 0;
        if let Some(renditions) = &kind.renditions {
            rendition = renditions.draw(&mut kind.stream);
            size = scaled(size, kind.class.renditions[rendition as usize].scale);
        }
        self.facts.push(Fact { size, class: kind.id, size_is_imputed: false });
        if self.has_families {
            self.families.push(Kin { original: object, rank: 0 });
        }
        if self.redraws {
            let rendition = nth_rendition(rendition);
            self.drawn.push(Drawn { number: in_class(number), rendition, place: None });
        }
        object
    }

    /// What is known of each object so far.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The facts, the families where there are any, and the sizes of later versions where a class redraws them.
    pub(super) fn into_parts(self) -> (Vec<Fact>, Option<Vec<Kin>>, Option<Redrawn>) {
        let classes = self.classes.iter().map(|kind| (kind.class, kind.seed));
        let redrawn = self.redraws.then(|| Redrawn::new(classes, self.drawn));
        (self.facts, self.has_families.then_some(self.families), redrawn)
    }
}

/// The number of an original among those of its class.
fn in_class(number: u64) -> u32 {
    u32::try_from(number).expect("there are at most 2^32 - 2 objects")
}

fn nth_rendition(nth: u32) -> u8 {
    u8::try_from(nth).expect("there are at most 100 renditions")
}

/// How many renditions are asked for more often than each; of equal ones the first comes first.
fn ranks(renditions: &[Rendition]) -> Vec<u8> {
    let before = |place: usize, of: &Rendition| {
        let more = |(other, rendition): (usize, &Rendition)| {
            rendition.share > of.share || (rendition.share >= of.share && other < place)
        };
        renditions.iter().enumerate().filter(|other| more(*other)).count()
    };
    let ranked = renditions.iter().enumerate().map(|(place, of)| before(place, of));
    ranked.map(|rank| u8::try_from(rank).unwrap_or(u8::MAX)).collect()
}

/// A table that draws renditions of a class.
pub(super) fn by_share(class: &Class) -> Option<Alias> {
    let shares: Vec<f64> = class.renditions.iter().map(|rendition| rendition.share).collect();
    (!shares.is_empty()).then(|| Alias::new(&shares))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a u32 holds")]
pub(super) fn scaled(size: u32, scale: f64) -> u32 {
    (f64::from(size) * scale).round().clamp(1.0, MOST_BYTES) as u32
}
