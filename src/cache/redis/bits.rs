//! A set of objects, a bit for each.

use crate::trace::ObjectId;

/// Objects of a trace, each of which is in the set or not.
#[derive(Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set with room for so many objects.
    pub(super) fn of(objects: usize) -> Self {
        Self(vec![0; objects.div_ceil(64)])
    }

    /// Whether room was made for any object.
    pub(super) fn has_room(&self) -> bool {
        !self.0.is_empty()
    }

    #[inline]
    pub(super) fn contains(&self, object: ObjectId) -> bool {
        let (word, bit) = place(object);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Puts an object in, and makes room for it.
    #[inline]
    pub(super) fn insert(&mut self, object: ObjectId) {
        let (word, bit) = place(object);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    /// Takes an object out; whether it was there.
    #[inline]
    pub(super) fn remove(&mut self, object: ObjectId) -> bool {
        let (word, bit) = place(object);
        let Some(bits) = self.0.get_mut(word).filter(|bits| **bits & bit != 0) else { return false };
        *bits &= !bit;
        true
    }

    /// The objects, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = ObjectId> {
        let of_word = |(word, bits): (usize, &u64)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(ObjectId::from_index(word * 64 + bit))
            })
        };
        self.0.iter().enumerate().flat_map(of_word)
    }

    /// Puts all objects of another set in.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.0.len() < other.0.len() {
            std::mem::swap(self, &mut other);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(own, more)| *own |= more);
    }

    /// Whether no object is in both.
    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, more)| own & more == 0)
    }
}

#[inline]
fn place(object: ObjectId) -> (usize, u64) {
    (object.index() / 64, 1 << (object.index() % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_and_go_and_are_told_in_their_order() {
        let mut bits = Bits::default();
        assert!(!bits.has_room() && Bits::of(1).has_room());
        for object in [130, 3, 64, 63] {
            bits.insert(ObjectId::new(object));
        }
        assert!(
            bits.remove(ObjectId::new(64))
                && !bits.remove(ObjectId::new(64))
                && !bits.remove(ObjectId::new(999))
        );
        let told = |bits: &Bits| bits.iter().map(ObjectId::as_u32).collect::<Vec<_>>();
        assert_eq!(told(&bits), [3, 63, 130]);
        assert!(bits.contains(ObjectId::new(130)) && !bits.contains(ObjectId::new(131)));
        let mut other = Bits::of(65);
        other.insert(ObjectId::new(64));
        assert!(bits.is_disjoint(&other));
        other.merge(bits);
        assert_eq!(told(&other), [3, 63, 64, 130]);
        let mut three = Bits::default();
        three.insert(ObjectId::new(3));
        assert!(!other.is_disjoint(&three));
    }
}
