//! When the bytes of dead entries come back.

pub mod active;
pub mod eager;
pub mod lazy;

use super::Setup;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// A model of reclaim. Every model also frees a dead entry when it is looked up.
pub trait Reclaim: Send {
    /// Whether the server sweeps by itself.
    fn is_active(&self) -> bool {
        false
    }

    /// Whether no dead entry ever leaves before it is looked up or evicted.
    fn is_lazy(&self) -> bool {
        false
    }

    /// So many keys may be armed, those beside values with the numbers behind the objects.
    fn cover(&mut self, _keys: usize) {}

    /// The deadline of an entry, or of a key beside one, was set or moved.
    fn on_armed(&mut self, object: ObjectId, expires_at: SimTime);

    /// An object, or a key beside one, that may have died before `now`; the cache looks itself, and arms it again if not.
    fn due(&mut self, now: SimTime) -> Option<ObjectId>;
}

crate::catalog! {
    /// All models of reclaim.
    pub static RECLAIMS: Catalog<dyn Reclaim, Setup> = "reclaim model", tag "model";
    lazy::Lazy,
    eager::Eager,
    active::Active,
}
