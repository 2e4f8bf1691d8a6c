//! What is known of each object: its key, its size and its class.

use std::fmt;
use std::sync::Arc;

use super::prefetch::{on_large_pages, prefetch};
use super::resized::{Resized, Resizing};
use crate::units::SimTime;

/// The number of an object: dense, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ObjectId(u32);

impl ObjectId {
    /// The object with number `id`.
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The object at `index` of a column.
    ///
    /// # Panics
    /// Above 2^32 - 2 objects; readers refuse such a trace before.
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("a trace has at most 2^32 - 2 objects"))
    }

    /// The place of this object in a column.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The number itself.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

/// The number of a class of objects: dense, from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct ClassId(u16);

impl ClassId {
    /// The class with number `id`.
    pub const fn new(id: u16) -> Self {
        Self(id)
    }

    /// The class at `index` of a column.
    ///
    /// # Panics
    /// Above 2^16 classes; readers and generators refuse such a trace before.
    pub fn from_index(index: usize) -> Self {
        Self(u16::try_from(index).expect("a trace has at most 2^16 classes"))
    }

    /// The place of this class in a column.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known of one object; 8 bytes, looked up at every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// Size of the value in bytes.
    pub size: u32,
    /// Class of the object.
    pub class: ClassId,
    /// Whether the size was never seen and had to be assumed.
    pub size_is_imputed: bool,
}

/// An object among the renditions of one original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kin {
    /// The first object of its family, which stands for all of it.
    pub original: ObjectId,
    /// How many of its family are asked for more often; an object without a family has 0.
    pub rank: u8,
}

/// The keys of all objects.
#[derive(Clone)]
pub enum Keys {
    /// Keys as they were recorded, one after the other; key `i` ends at `ends[i]`.
    Recorded {
        /// All keys in one text.
        text: String,
        /// Where each ends.
        ends: Vec<u64>,
    },
    /// Keys that are numbers in decimal digits, without zeros before them.
    Numbers(Vec<u64>),
    /// Keys of a synthetic trace, `class/number`.
    Numbered,
}

/// Keys are the same if they are spelt the same, however they are kept.
impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numbered, Self::Numbered) => true,
            (Self::Numbers(ours), Self::Numbers(theirs)) => ours == theirs,
            (Self::Recorded { text, ends }, Self::Recorded { text: other, ends: others }) => {
                text == other && ends == others
            }
            (Self::Numbered, _) | (_, Self::Numbered) => false,
            _ => {
                let (mut ours, mut theirs) = (String::new(), String::new());
                self.recorded_len() == other.recorded_len()
                    && (0..self.recorded_len().unwrap_or(0)).all(|index| {
                        ours.clear();
                        theirs.clear();
                        self.write(index, &mut ours);
                        other.write(index, &mut theirs);
                        ours == theirs
                    })
            }
        }
    }
}

impl Eq for Keys {}

impl Keys {
    /// No recorded keys yet.
    pub fn recorded() -> Self {
        Self::Recorded { text: String::new(), ends: Vec::new() }
    }

    /// Adds the key of the next object.
    ///
    /// # Panics
    /// If the keys are numbered, or numbers.
    pub fn push(&mut self, key: &str) {
        match self {
            Self::Recorded { text, ends } => {
                text.push_str(key);
                ends.push(text.len() as u64);
            }
            Self::Numbers(_) | Self::Numbered => panic!("only keys that are texts are stored as such"),
        }
    }

    /// How many keys are kept; `None` where they follow from the numbers of the objects.
    fn recorded_len(&self) -> Option<usize> {
        match self {
            Self::Recorded { ends, .. } => Some(ends.len()),
            Self::Numbers(numbers) => Some(numbers.len()),
            Self::Numbered => None,
        }
    }

    /// Adds the key at `index` to a text; nothing where none is kept.
    fn write(&self, index: usize, to: &mut String) {
        match self {
            Self::Recorded { text, ends } => {
                let at = |index: usize| usize::try_from(ends[index]).expect("the text is in memory");
                to.push_str(&text[index.checked_sub(1).map_or(0, at)..at(index)]);
            }
            Self::Numbers(numbers) => to.push_str(itoa::Buffer::new().format(numbers[index])),
            Self::Numbered => {}
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded { ends, .. } => write!(out, "Keys({} recorded)", ends.len()),
            Self::Numbers(numbers) => write!(out, "Keys({} numbers)", numbers.len()),
            Self::Numbered => write!(out, "Keys(numbered)"),
        }
    }
}

/// Adds the key that an object of a synthetic trace has to a text.
pub fn write_number(class: &str, object: ObjectId, to: &mut String) {
    to.push_str(class);
    to.push('/');
    // By hand: every key of a run is written at least once, and formatting takes several times as long.
    let (mut digits, mut first, mut rest) = ([b'0'; 10], 10, object.as_u32());
    loop {
        first -= 1;
        digits[first] += (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    to.push_str(std::str::from_utf8(&digits[first..]).expect("digits are ASCII"));
}

/// How many decimal digits a number has.
fn digits(number: u64) -> u64 {
    number.checked_ilog10().map_or(1, |power| u64::from(power) + 1)
}

/// All objects of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    facts: Vec<Fact>,
    keys: Keys,
    classes: Vec<String>,
    /// The family of each object; `None` where each is its own.
    families: Option<Vec<Kin>>,
    /// What was added to the catalogue after the beginning, in the order of time.
    uploads: Vec<(SimTime, ObjectId)>,
    /// How large later versions are; `None` where objects keep their sizes.
    resized: Option<Resized>,
}

impl Objects {
    /// Objects with their facts, keys and the names of the classes.
    ///
    /// # Panics
    /// If recorded keys are not as many as facts, or a class has no name.
    pub fn new(facts: Vec<Fact>, keys: Keys, classes: Vec<String>) -> Self {
        assert!(keys.recorded_len().is_none_or(|keys| keys == facts.len()), "every object has a key");
        assert!(facts.iter().all(|fact| fact.class.index() < classes.len()), "every class has a name");
        let mut on_large = on_large_pages(facts.len());
        on_large.extend(facts);
        Self { facts: on_large, keys, classes, families: None, uploads: Vec::new(), resized: None }
    }

    /// Says which objects are renditions of one original: `families[i]` is the place of object `i`.
    ///
    /// # Panics
    /// If there are not as many as objects, or an original does not exist.
    #[must_use]
    pub fn with_families(mut self, families: Vec<Kin>) -> Self {
        assert_eq!(families.len(), self.facts.len(), "every object has a family");
        assert!(families.iter().all(|kin| kin.original.index() < self.facts.len()), "every original exists");
        self.families = Some(families);
        self
    }

    /// Says which objects were added to the catalogue after the beginning, and when.
    ///
    /// # Panics
    /// If time runs backwards or an object does not exist.
    #[must_use]
    pub fn with_uploads(mut self, uploads: Vec<(SimTime, ObjectId)>) -> Self {
        assert!(uploads.is_sorted_by_key(|(at, _)| *at), "time does not run backwards");
        assert!(uploads.iter().all(|(_, object)| object.index() < self.facts.len()), "every object exists");
        self.uploads = uploads;
        self
    }

    /// Says how large later versions of the objects are, which `law` knows by their present numbers.
    #[must_use]
    pub fn with_resizing(mut self, law: Arc<dyn Resizing>) -> Self {
        self.resized = Some(Resized::new(law));
        self
    }

    /// The family of each object; `None` where no object has renditions.
    pub fn families(&self) -> Option<&[Kin]> {
        self.families.as_deref()
    }

    /// How many renditions of the same original are asked for more often.
    pub fn rank(&self, object: ObjectId) -> u8 {
        self.families.as_ref().map_or(0, |families| families[object.index()].rank)
    }

    /// What was added to the catalogue after the beginning, in the order of time.
    pub fn uploads(&self) -> &[(SimTime, ObjectId)] {
        &self.uploads
    }

    /// The same objects, with a prefix before every key.
    #[must_use]
    pub fn with_key_prefix(&self, prefix: &str) -> Self {
        if prefix.is_empty() {
            return self.clone();
        }
        let (mut keys, mut key) = (Keys::recorded(), String::new());
        for index in 0..self.len() {
            key.clear();
            key.push_str(prefix);
            self.write_key(ObjectId::from_index(index), &mut key);
            keys.push(&key);
        }
        Self { keys, ..self.clone() }
    }

    /// The same objects, each value longer by `bytes`.
    #[must_use]
    pub fn longer_by(&self, bytes: u32) -> Self {
        let longer = |fact: &Fact| Fact { size: fact.size.saturating_add(bytes), ..*fact };
        let resized = self.resized.as_ref().map(|resized| resized.longer_by(bytes));
        Self { facts: self.facts.iter().map(longer).collect(), resized, ..self.clone() }
    }

    /// Some of the objects, in this order, under the keys they have here. Renditions whose original is not
    /// among them stand for themselves.
    #[must_use]
    pub fn only(&self, kept: &[ObjectId]) -> Self {
        let mut keys = Keys::recorded();
        kept.iter().for_each(|object| keys.push(&self.key(*object)));
        let facts = kept.iter().map(|object| self.fact(*object)).collect();
        let place = |object: ObjectId| kept.binary_search(&object).ok().map(ObjectId::from_index);
        let uploads = self.uploads.iter().filter_map(|(at, object)| Some((*at, place(*object)?)));
        let mut only = Self::new(facts, keys, self.classes.clone()).with_uploads(uploads.collect());
        only.resized = self.resized.as_ref().map(|resized| resized.only(kept));
        let Some(families) = &self.families else { return only };
        let families = kept.iter().enumerate().map(|(index, object)| {
            let kin = families[object.index()];
            Kin { original: place(kin.original).unwrap_or(ObjectId::from_index(index)), ..kin }
        });
        only.with_families(families.collect())
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// What is known of `object`.
    #[inline]
    pub fn fact(&self, object: ObjectId) -> Fact {
        self.facts[object.index()]
    }

    /// Asks for what is known of `object`, which will be needed soon.
    #[inline]
    pub fn prefetch(&self, object: ObjectId) {
        prefetch(&self.facts, object.index());
    }

    /// What is known of each object, by id.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Bytes of the keys' texts and of where each ends, as far as there are any.
    pub fn key_bytes(&self) -> u64 {
        match &self.keys {
            Keys::Recorded { text, ends } => (text.len() + size_of_val(ends.as_slice())) as u64,
            Keys::Numbers(numbers) => size_of_val(numbers.as_slice()) as u64,
            Keys::Numbered => 0,
        }
    }

    /// Whether later versions of objects can have other sizes.
    #[inline]
    pub fn are_resized(&self) -> bool {
        self.resized.is_some()
    }

    /// Size in bytes of a version of the object's value; 0 is the first.
    #[inline]
    pub fn size_of(&self, object: ObjectId, version: u32) -> u32 {
        let fact = self.fact(object);
        match &self.resized {
            Some(resized) if version > 0 => resized.size(object, fact.class, version).unwrap_or(fact.size),
            _ => fact.size,
        }
    }

    /// Size of the object's value in bytes; where sizes change, of its first version.
    #[inline]
    pub fn size(&self, object: ObjectId) -> u32 {
        self.facts[object.index()].size
    }

    /// Class of the object.
    #[inline]
    pub fn class(&self, object: ObjectId) -> ClassId {
        self.facts[object.index()].class
    }

    /// The names of the classes, by id.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The key of the object.
    pub fn key(&self, object: ObjectId) -> String {
        let mut key = String::new();
        self.write_key(object, &mut key);
        key
    }

    /// Adds the key of the object to a text.
    pub fn write_key(&self, object: ObjectId, to: &mut String) {
        match &self.keys {
            Keys::Numbered => {
                write_number(&self.classes[self.class(object).index()], object, to);
            }
            keys => keys.write(object.index(), to),
        }
    }

    /// Length of the object's key in bytes.
    pub fn key_len(&self, object: ObjectId) -> u64 {
        match &self.keys {
            Keys::Recorded { ends, .. } => {
                ends[object.index()] - object.index().checked_sub(1).map_or(0, |before| ends[before])
            }
            Keys::Numbers(numbers) => digits(numbers[object.index()]),
            Keys::Numbered => {
                let class = &self.classes[self.class(object).index()];
                class.len() as u64 + 1 + digits(object.as_u32().into())
            }
        }
    }

    /// Sum of all sizes in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.facts.iter().map(|fact| u64::from(fact.size)).sum()
    }
}
