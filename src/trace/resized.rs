//! Sizes that change: what later versions of an object weigh.

use std::fmt;
use std::sync::Arc;

use super::{ClassId, ObjectId};

/// A law of the sizes of later versions. The same question has the same answer, whoever asks and when.
pub trait Resizing: Send + Sync {
    /// Size in bytes of a version of an object of a class, 1 for the first that differs from the original; `None` where the
    /// object keeps its size.
    fn size(&self, object: ObjectId, class: ClassId, version: u32) -> Option<u32>;
}

/// The law over the objects of a trace, or of a part of one.
#[derive(Clone)]
pub(super) struct Resized {
    law: Arc<dyn Resizing>,
    /// The numbers by which the law knows the objects; `None` where it knows them by their own.
    numbers: Option<Arc<[ObjectId]>>,
    /// Bytes that every value has beside its own.
    beside: u32,
}

/// Laws cannot be compared: that of objects which are alike was made with them.
impl PartialEq for Resized {
    fn eq(&self, other: &Self) -> bool {
        (&self.numbers, self.beside) == (&other.numbers, other.beside)
    }
}

impl Eq for Resized {}

impl fmt::Debug for Resized {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Resized")
    }
}

impl Resized {
    pub(super) fn new(law: Arc<dyn Resizing>) -> Self {
        Self { law, numbers: None, beside: 0 }
    }

    pub(super) fn size(&self, object: ObjectId, class: ClassId, version: u32) -> Option<u32> {
        let number = self.numbers.as_ref().map_or(object, |numbers| numbers[object.index()]);
        Some(self.law.size(number, class, version)?.saturating_add(self.beside))
    }

    /// The same with so many bytes more in every value.
    pub(super) fn longer_by(&self, bytes: u32) -> Self {
        Self { beside: self.beside.saturating_add(bytes), ..self.clone() }
    }

    /// The same for some of the objects, numbered anew.
    pub(super) fn only(&self, kept: &[ObjectId]) -> Self {
        let number = |object: &ObjectId| self.numbers.as_ref().map_or(*object, |all| all[object.index()]);
        Self { numbers: Some(kept.iter().map(number).collect()), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fact, Keys, Objects};
    use super::*;

    /// Ten times the number, and one for each version; object 0 keeps its size.
    struct Tens;
    impl Resizing for Tens {
        fn size(&self, object: ObjectId, _: ClassId, version: u32) -> Option<u32> {
            Some(10 * object.as_u32() + version).filter(|_| object.as_u32() > 0)
        }
    }

    #[test]
    fn later_versions_have_sizes_of_their_own_in_every_part_of_a_trace() {
        let fact = |size| Fact { size, class: ClassId::new(0), size_is_imputed: false };
        let facts = vec![fact(7), fact(10), fact(20), fact(30)];
        let objects = Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]);
        let sizes = |objects: &Objects, version| -> Vec<u32> {
            (0..objects.len()).map(|id| objects.size_of(ObjectId::from_index(id), version)).collect()
        };
        assert!(!objects.are_resized() && sizes(&objects, 9) == [7, 10, 20, 30]);
        let objects = objects.with_resizing(Arc::new(Tens));
        assert!(objects.are_resized() && sizes(&objects, 0) == [7, 10, 20, 30]);
        assert_eq!(sizes(&objects, 9), [7, 19, 29, 39]);
        let some = objects.only(&[0, 1, 3].map(ObjectId::new)).only(&[1, 2].map(ObjectId::new));
        assert_eq!((sizes(&some, 0), sizes(&some, 2)), (vec![10, 30], vec![12, 32]));
        assert_eq!(sizes(&some.longer_by(100), 2), [112, 132]);
    }
}
