//! Who leaves when the cache is full.

pub mod fifo;
pub mod lru;
pub mod noeviction;

use super::{Setup, Stored};
use crate::trace::ObjectId;

/// A rule that chooses victims. It is told of every entry that comes, is used and goes.
pub trait EvictionPolicy: Send {
    /// A live entry was read or overwritten.
    fn on_hit(&mut self, object: ObjectId);

    /// An entry of `size` bytes was stored where there was none.
    fn on_fill(&mut self, object: ObjectId, size: u32);

    /// An entry left, for whatever reason.
    fn on_remove(&mut self, object: ObjectId);

    /// Asks for what it keeps about `object`, which will be needed soon.
    fn prefetch(&self, _object: ObjectId) {}

    /// Who should leave next; `None` if nobody may. The victim stays until [`Self::on_remove`].
    fn victim(&mut self) -> Option<ObjectId>;

    /// Who will probably leave after this one, so that its memory can be asked for ahead.
    fn likely_victim(&self) -> Option<ObjectId> {
        None
    }

    /// What becomes of a value that is larger than the whole cache: textbook policies do not store it.
    fn oversized(&self) -> Stored {
        Stored::TooLarge
    }

    /// Recomputes its counters from scratch, knowing how many entries are held.
    ///
    /// # Panics
    /// If the bookkeeping has drifted.
    fn check(&self, entries: u64);
}

crate::catalog! {
    /// All eviction policies.
    pub static EVICTIONS: Catalog<dyn EvictionPolicy, Setup> = "eviction policy", tag "policy";
    noeviction::NoEviction,
    lru::Lru,
    fifo::Fifo,
}
