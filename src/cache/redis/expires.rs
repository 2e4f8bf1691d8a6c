//! The keys with a TTL: their ends can be moved, and are swept.

use super::dict::Dict;
use super::keys::Keys;
use super::rows::coarse;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// The table of the keys with a TTL.
pub(super) type Expires = Dict<true>;

impl Expires {
    /// A key has this deadline from now on; `there` says whether its place stays as it is, with a deadline from before.
    #[inline]
    pub(super) fn arm(
        &mut self,
        object: ObjectId,
        expires_at: SimTime,
        there: bool,
        keys: &mut Keys,
        allowed: impl FnOnce(u64) -> bool,
    ) {
        if !there {
            return self.insert(object, coarse(expires_at), keys, allowed);
        }
        self.step(keys);
        if let Self::Listed(table) = self {
            table.rearm(object, coarse(expires_at), keys);
        }
    }

    /// The keys of one bucket of a table that is swept.
    pub(super) fn each(&self, half: usize, place: usize, visit: impl FnMut(ObjectId)) {
        if let Self::Listed(table) = self {
            table.each(half, place, visit);
        }
    }
}
