//! What goes wrong at the origin for a while.

use super::ttl::part;
use super::world::World;

/// A stretch of time in which something is wrong; at its end it is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spell {
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) fault: Fault,
}

/// What becomes of a fetch that a server takes up in that time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// It is refused, which takes so long.
    Refused(u64),
    /// It is worked on once the time is over.
    Hung,
    /// It takes so many times as long.
    Slow(f64),
    /// It ends in an error with this chance.
    Failing(f64),
}

impl World<'_> {
    /// How long the n-th fetch of an object takes that is taken up at `now` and would take `latency`, and whether it
    /// fails.
    pub(super) fn struck(&self, object: usize, nth: u64, now: u64, mut latency: u64) -> (u64, bool) {
        let mut fails = self.config.fate.fails(object, nth);
        for Spell { from, until, fault } in &self.config.spells {
            if !(*from..*until).contains(&now) {
                continue;
            }
            match fault {
                Fault::Refused(after) => (latency, fails) = (*after, true),
                Fault::Hung => latency += until - now,
                Fault::Slow(factor) => latency = part(latency, *factor),
                Fault::Failing(share) => fails |= self.config.fate.error(object, nth) < *share,
            }
        }
        (latency, fails)
    }
}
