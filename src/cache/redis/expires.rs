//! The keys with a TTL: as chains where victims are drawn from them, as rows where they are only swept, as numbers where
//! neither happens.

use super::chains::Chains;
use super::keys::Keys;
use super::rows::{Rows, coarse};
use super::table::Table;
use super::tallies::Tallies;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// The table of the keys with a TTL.
#[derive(Debug)]
pub(super) enum Expires {
    /// Victims are drawn from it.
    Chained(Table<Chains<1>>),
    /// It is swept.
    Swept(Table<Rows>),
    /// Only its memory counts.
    Counted(Table<Tallies>),
}

/// The same of all kinds.
macro_rules! all {
    ($of:expr, $table:ident => $what:expr) => {
        match $of {
            Expires::Chained($table) => $what,
            Expires::Swept($table) => $what,
            Expires::Counted($table) => $what,
        }
    };
}

impl Expires {
    /// An empty table; `sampled` where victims are drawn from it, `active` where it is swept.
    pub(super) fn new(sampled: bool, active: bool) -> Self {
        match (sampled, active) {
            (true, _) => Self::Chained(Table::default()),
            (false, true) => Self::Swept(Table::default()),
            (false, false) => Self::Counted(Table::default()),
        }
    }

    /// Number of keys.
    #[inline]
    pub(super) fn len(&self) -> usize {
        all!(self, table => table.len())
    }

    /// Whether the key of `object` is there.
    #[inline]
    pub(super) fn contains(&self, object: ObjectId, keys: &Keys) -> bool {
        all!(self, table => table.contains(object, keys))
    }

    /// Buckets of the table and, while keys move, of the one they move to.
    #[inline]
    pub(super) fn buckets(&self) -> [usize; 2] {
        all!(self, table => table.buckets())
    }

    /// Whether keys move to another table.
    #[inline]
    pub(super) fn is_moving(&self) -> bool {
        all!(self, table => table.is_moving())
    }

    /// Whether the cron would shrink it.
    pub(super) fn is_sparse(&self) -> bool {
        all!(self, table => table.is_sparse())
    }

    /// A key has this deadline from now on; `there` says whether it had one before.
    #[inline]
    pub(super) fn arm(
        &mut self,
        object: ObjectId,
        expires_at: SimTime,
        there: bool,
        keys: &mut Keys,
        allowed: impl FnOnce(u64) -> bool,
    ) {
        match self {
            Self::Chained(_) | Self::Counted(_) if there => self.step(keys),
            Self::Swept(table) if there => {
                table.step(keys);
                table.rearm(object, coarse(expires_at), keys);
            }
            _ => all!(self, table => table.insert(object, coarse(expires_at), keys, allowed)),
        }
    }

    /// Takes a key out that is there.
    #[inline]
    pub(super) fn remove(&mut self, object: ObjectId, keys: &mut Keys) {
        all!(self, table => table.remove(object, keys));
    }

    /// A key is looked up: while keys move, the next bucket is moved.
    #[inline]
    pub(super) fn step(&mut self, keys: &mut Keys) {
        all!(self, table => table.step(keys));
    }

    /// Moves up to so many buckets that hold keys; how many were visited.
    pub(super) fn advance(&mut self, buckets: u64, keys: &mut Keys) -> u64 {
        all!(self, table => table.advance(buckets, keys))
    }

    /// Shrinks a table that is less than a tenth full.
    pub(super) fn shrink(&mut self) {
        all!(self, table => table.shrink());
    }

    /// A table as it is after loading so many keys.
    pub(super) fn reserve(&mut self, keys: usize) {
        all!(self, table => table.reserve(keys));
    }

    /// The keys of one bucket of a table that is swept.
    pub(super) fn each(&self, half: usize, place: usize, keys: &Keys, visit: impl FnMut(ObjectId)) {
        match self {
            Self::Chained(table) => table.each(half, place, keys, visit),
            Self::Swept(table) => table.each(half, place, keys, visit),
            Self::Counted(_) => {}
        }
    }

    /// # Panics
    /// If the bookkeeping has drifted.
    pub(super) fn check(&self, keys: &Keys) {
        all!(self, table => table.check(keys));
    }
}
