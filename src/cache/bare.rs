//! A cache taken apart, for a play that knows its entries without slots, lists and hashes.

use super::eviction::Order;
use super::reclaim::Reclaim;
use super::{Cache, Capacity, Residency};

/// What is left of an empty cache without the places of its entries: its rules, and the account of what it holds.
pub struct Bare {
    /// Who leaves first.
    pub order: Order,
    /// How much it holds; bytes are those of values.
    pub capacity: Capacity,
    /// Who gives dead entries back before they are looked up or evicted; `None` where nobody does.
    pub reclaim: Option<Box<dyn Reclaim>>,
    /// The account, in which nothing stands yet.
    pub residency: Residency,
}

impl Cache {
    /// Whether the requests alone say what it does: an exact order of eviction, memory of plain values, and no server
    /// with tables, clocks and samples of its own.
    pub fn is_plain(&self) -> bool {
        let is_new = self.entries() == 0 && self.stats() == super::Stats::default();
        is_new
            && self.server.is_none()
            && self.memory.counts_values_alone()
            && self.eviction.order().is_some()
            && !self.reclaim.is_active()
    }

    /// Takes it apart, if it [is plain](Self::is_plain).
    pub fn bare(self) -> Option<Bare> {
        let order = self.eviction.order().filter(|_| self.is_plain())?;
        let Self { capacity, reclaim, residency, .. } = self;
        Some(Bare { order, capacity, reclaim: Some(reclaim).filter(|reclaim| !reclaim.is_lazy()), residency })
    }
}
