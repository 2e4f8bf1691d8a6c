//! Who leaves when the cache is full.

pub mod allkeys_lfu;
pub mod allkeys_lru;
pub mod allkeys_random;
pub mod arc;
pub mod belady;
pub mod fifo;
pub mod gdsf;
pub mod infinite;
pub mod lfu;
pub mod lru;
pub mod noeviction;
pub mod s3_fifo;
pub mod s4lru;
pub mod sampled;
pub mod sieve;
pub mod volatile_lfu;
pub mod volatile_lru;
pub mod volatile_random;
pub mod volatile_ttl;
pub mod w_tinylfu;

use super::Setup;
use crate::trace::ObjectId;
use sampled::Sampled;

/// An order of eviction that follows from the requests alone, so that it can be told without a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Whoever was asked for longest ago leaves first.
    Lru,
    /// Whoever was stored longest ago leaves first.
    Fifo,
}

/// A rule that chooses victims. It is told of every entry that comes, is used and goes.
///
/// Weights are in the unit of the capacity: bytes by the memory model, or 1 an entry where the
/// capacity counts objects.
pub trait EvictionPolicy: Send {
    /// How the server finds victims itself, where it draws them.
    fn sampled(&self) -> Option<Sampled> {
        None
    }

    /// Whether the policy is one of Redis's own, so that commands run as a server runs them.
    fn is_of_redis(&self) -> bool {
        self.sampled().is_some()
    }

    /// The order in which entries leave, where there is no more to the policy than that.
    fn order(&self) -> Option<Order> {
        None
    }

    /// A request found a live entry. Every request is told once, here or in [`Self::on_miss`].
    fn on_hit(&mut self, object: ObjectId);

    /// A request found nothing, or only a dead entry (which has left by now).
    fn on_miss(&mut self, _object: ObjectId) {}

    /// A live entry was overwritten. By default as good as a hit; policies that count requests do
    /// not count the writes that requests cause.
    fn on_overwrite(&mut self, object: ObjectId) {
        self.on_hit(object);
    }

    /// A command that writes has looked at a live entry and left its value as it was, such as EXPIRE. Only
    /// Redis touches it then.
    fn on_write_lookup(&mut self, _object: ObjectId) {}

    /// An entry of `weight` wants to come where there is none, and room will be made for it;
    /// `false` if what is held is worth more, so that it stays outside.
    fn admit(&mut self, _object: ObjectId, _weight: u32) -> bool {
        true
    }

    /// An entry of `weight` was stored where there was none. It has been admitted just before.
    fn on_fill(&mut self, object: ObjectId, weight: u32);

    /// An entry left: it expired, was deleted or lost.
    fn on_remove(&mut self, object: ObjectId);

    /// The victim left. Policies that remember whom they sent away do it here.
    fn on_evict(&mut self, object: ObjectId) {
        self.on_remove(object);
    }

    /// Asks for what it keeps about `object`, which will be needed soon.
    fn prefetch(&self, _object: ObjectId) {}

    /// Asks for what else it will need when `object` is used, now that what it keeps about `object` is near.
    fn prefetch_more(&self, _object: ObjectId) {}

    /// Who should leave next; `None` if nobody may. The victim stays until
    /// [`Self::on_evict`], and the answer stays the same until then.
    fn victim(&mut self) -> Option<ObjectId>;

    /// Who will probably leave after this one, so that its memory can be asked for ahead.
    fn likely_victim(&self) -> Option<ObjectId> {
        None
    }

    /// Whether the cache has no limit under this policy, whatever the scenario says: a bound to compare with.
    fn ignores_capacity(&self) -> bool {
        false
    }

    /// Whether it was made for one limit, which it divides or compares with, so that the limit of a run
    /// cannot change under it.
    fn knows_limit(&self) -> bool {
        false
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
    allkeys_lru::AllkeysLru,
    allkeys_lfu::AllkeysLfu,
    allkeys_random::AllkeysRandom,
    volatile_lru::VolatileLru,
    volatile_lfu::VolatileLfu,
    volatile_random::VolatileRandom,
    volatile_ttl::VolatileTtl,
    lru::Lru,
    fifo::Fifo,
    lfu::Lfu,
    sieve::Sieve,
    s3_fifo::S3Fifo,
    w_tinylfu::WTinyLfu,
    gdsf::Gdsf,
    arc::AdaptiveReplacement,
    s4lru::S4Lru,
    belady::Belady,
    infinite::Infinite,
}
