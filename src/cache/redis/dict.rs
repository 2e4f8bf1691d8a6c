//! One of the two tables of a server, of all keys or of those with a TTL: as rows where victims are drawn from it or it is
//! swept, as numbers where only its size is asked.

use super::keys::Keys;
use super::rows::Rows;
use super::table::Table;
use super::tallies::Tallies;
use crate::trace::ObjectId;

/// The table of all keys; with `ENDS`, that of the keys with a TTL, which knows when each is due.
#[derive(Debug)]
pub(super) enum Dict<const ENDS: bool> {
    /// Victims are drawn from it, or it is swept.
    Listed(Table<Rows<ENDS>>),
    /// Neither happens, but its memory counts.
    Counted(Table<Tallies>),
}

/// The same of both kinds.
macro_rules! both {
    ($of:expr, $table:ident => $what:expr) => {
        match $of {
            Dict::Listed($table) => $what,
            Dict::Counted($table) => $what,
        }
    };
}

impl<const ENDS: bool> Dict<ENDS> {
    /// An empty table; `listed` where victims are drawn from it, or it is swept.
    pub(super) fn new(listed: bool) -> Self {
        if listed { Self::Listed(Table::default()) } else { Self::Counted(Table::default()) }
    }

    /// The rows; `None` where nobody draws or sweeps.
    #[inline]
    pub(super) fn rows(&self) -> Option<&Table<Rows<ENDS>>> {
        if let Self::Listed(table) = self { Some(table) } else { None }
    }

    /// The same, to be drawn from or swept.
    #[inline]
    pub(super) fn rows_mut(&mut self) -> Option<&mut Table<Rows<ENDS>>> {
        if let Self::Listed(table) = self { Some(table) } else { None }
    }

    /// Number of keys.
    #[inline]
    pub(super) fn len(&self) -> usize {
        both!(self, table => table.len())
    }

    /// Whether the key of `object` is there.
    #[inline]
    pub(super) fn contains(&self, object: ObjectId, keys: &Keys) -> bool {
        both!(self, table => table.contains(object, keys))
    }

    /// Buckets of the table and, while keys move, of the one they move to.
    #[inline]
    pub(super) fn buckets(&self) -> [usize; 2] {
        both!(self, table => table.buckets())
    }

    /// Whether keys move to another table.
    #[inline]
    pub(super) fn is_moving(&self) -> bool {
        both!(self, table => table.is_moving())
    }

    /// Whether the cron would shrink it.
    #[inline]
    pub(super) fn is_sparse(&self) -> bool {
        both!(self, table => table.is_sparse())
    }

    /// Adds a key that is not there, and which is due then; the table may grow if `allowed` says so of its bytes.
    #[inline]
    pub(super) fn insert(
        &mut self,
        object: ObjectId,
        due: u32,
        keys: &mut Keys,
        allowed: impl FnOnce(u64) -> bool,
    ) {
        both!(self, table => table.insert(object, due, keys, allowed));
    }

    /// Takes a key out that is there.
    #[inline]
    pub(super) fn remove(&mut self, object: ObjectId, keys: &mut Keys) {
        both!(self, table => table.remove(object, keys));
    }

    /// A key is looked up: while keys move, the next bucket is moved.
    #[inline]
    pub(super) fn step(&mut self, keys: &mut Keys) {
        both!(self, table => table.step(keys));
    }

    /// Moves up to so many buckets that hold keys; how many were visited.
    pub(super) fn advance(&mut self, buckets: u64, keys: &mut Keys) -> u64 {
        both!(self, table => table.advance(buckets, keys))
    }

    /// Shrinks a table that is less than a tenth full.
    pub(super) fn shrink(&mut self) {
        both!(self, table => table.shrink());
    }

    /// A table as it is after loading so many keys.
    pub(super) fn reserve(&mut self, keys: usize) {
        both!(self, table => table.reserve(keys));
    }

    /// # Panics
    /// If the bookkeeping has drifted.
    pub(super) fn check(&self, keys: &Keys) {
        both!(self, table => table.check(keys));
    }
}
