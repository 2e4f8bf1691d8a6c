//! What a strategy remembers about each object, in a column that grows with the objects it meets.

use crate::trace::ObjectId;

/// A value per object; the default for those never met.
#[derive(Debug, Clone, Default)]
pub struct PerObject<T>(Vec<T>);

impl<T: Copy + Default> PerObject<T> {
    /// The value of `object`.
    pub fn get(&self, object: ObjectId) -> T {
        self.0.get(object.index()).copied().unwrap_or_default()
    }

    /// Remembers `value`.
    pub fn set(&mut self, object: ObjectId, value: T) {
        if object.index() >= self.0.len() {
            self.0.resize((object.index() + 1).next_power_of_two(), T::default());
        }
        self.0[object.index()] = value;
    }

    /// Takes these objects for never met.
    pub fn forget(&mut self, which: &dyn Fn(ObjectId) -> bool) {
        for (index, value) in self.0.iter_mut().enumerate() {
            // Room that has grown ahead of the objects holds nothing to forget.
            if which(ObjectId::from_index(index)) {
                *value = T::default();
            }
        }
    }
}
