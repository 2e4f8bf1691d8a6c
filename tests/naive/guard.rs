//! Who may fetch.

use std::collections::BTreeMap;

/// What a waiter does whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterWait {
    Fetch,
    Fail,
    Stale,
}

/// A guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    None,
    SingleFlight,
    Lock { lock_ttl: u64, extends: bool, poll: u64, wait: u64, after: AfterWait },
    LockStale { lock_ttl: u64, extends: bool, poll: u64, wait: u64, window: u64, cold_waits: bool },
    Lease { interval: u64, wait: u64, stale: bool, window: u64 },
}

impl Guard {
    /// How long a value is kept for it beyond its freshness.
    pub(crate) fn window(self) -> u64 {
        match self {
            Self::LockStale { window, .. } | Self::Lease { stale: true, window, .. } => window,
            _ => 0,
        }
    }

    /// Whether a value that is past its freshness for so long may be served by its leave. A lock alone keeps nothing, so
    /// that it sets no limit.
    pub(crate) fn serves(self, overdue: u64) -> bool {
        matches!(self, Self::Lock { .. }) || overdue <= self.window()
    }
}

/// What who wants a fetch may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    Fetch { holds: bool },
    Join,
    ServeStale,
    LookAgainIn(u64),
    Fail,
}

/// Who wants a fetch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanting {
    pub(crate) object: usize,
    pub(crate) now: u64,
    pub(crate) ticket: u64,
    pub(crate) in_flight: bool,
    pub(crate) has_copy: bool,
    pub(crate) waited: u64,
}

/// A guard and its memory.
pub(crate) struct Gate {
    guard: Guard,
    /// Holder and last instant of each lock.
    locks: BTreeMap<usize, (u64, u64)>,
    /// When each object's last lease was given.
    leases: BTreeMap<usize, u64>,
    /// When each object was purged last.
    purged: BTreeMap<usize, u64>,
    /// Commands that locks cost.
    pub(crate) commands: u64,
}

impl Gate {
    pub(crate) fn new(guard: Guard) -> Self {
        let (locks, leases, purged) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { guard, locks, leases, purged, commands: 0 }
    }

    /// The cache lost its keys of these objects.
    pub(crate) fn forget(&mut self, lost: impl Fn(usize) -> bool) {
        self.locks.retain(|object, _| !lost(*object));
        self.leases.retain(|object, _| !lost(*object));
    }

    /// The application deleted an object, or took its copy for stale.
    pub(crate) fn purged(&mut self, object: usize, now: u64) {
        self.purged.insert(object, now);
    }

    /// Whether what was asked for at `asked` may be stored: a lease that was given before a purge is void.
    pub(crate) fn lets_store(&self, object: usize, asked: u64) -> bool {
        let purged = self.purged.get(&object).filter(|_| matches!(self.guard, Guard::Lease { .. }));
        purged.is_none_or(|purged| *purged <= asked)
    }

    pub(crate) fn ask(&mut self, who: Wanting) -> May {
        let Wanting { object, now, waited, has_copy, .. } = who;
        if !matches!(self.guard, Guard::None | Guard::SingleFlight) {
            self.commands += 1;
        }
        let guard = self.guard;
        match guard {
            Guard::SingleFlight if who.in_flight => May::Join,
            Guard::Lock { lock_ttl, extends, .. } | Guard::LockStale { lock_ttl, extends, .. }
                if self.locks(who, if extends { u64::MAX } else { lock_ttl }) =>
            {
                May::Fetch { holds: true }
            }
            Guard::Lock { poll, wait, .. } if waited < wait => May::LookAgainIn(poll.min(wait - waited)),
            Guard::Lock { after: AfterWait::Fail, .. } => May::Fail,
            Guard::Lock { after: AfterWait::Stale, .. } | Guard::LockStale { .. } if has_copy => {
                May::ServeStale
            }
            Guard::LockStale { cold_waits: true, poll, wait, .. } if waited < wait => {
                May::LookAgainIn(poll.min(wait - waited))
            }
            Guard::None | Guard::SingleFlight | Guard::Lock { .. } | Guard::LockStale { .. } => {
                May::Fetch { holds: false }
            }
            Guard::Lease { interval, wait, stale, .. } => {
                if self.leases.get(&object).is_none_or(|given| now > given + interval) {
                    self.leases.insert(object, now);
                    May::Fetch { holds: false }
                } else if stale && has_copy {
                    May::ServeStale
                } else {
                    May::LookAgainIn(wait)
                }
            }
        }
    }

    /// Whether the lock is free, and now taken.
    fn locks(&mut self, who: Wanting, lock_ttl: u64) -> bool {
        let free = self.locks.get(&who.object).is_none_or(|(_, until)| who.now > *until);
        if free {
            self.locks.insert(who.object, (who.ticket, who.now.saturating_add(lock_ttl)));
        }
        free
    }

    /// The fetch that a holder asked for at `asked` is over. Where it prolongs its lock, it did so each time half of it was over,
    /// and the lock of the dead lasts from the last time. Of others it is deleted if it is still their own.
    pub(crate) fn over(&mut self, object: usize, (ticket, asked): (u64, u64), now: u64, died: bool) {
        let mut prolonged = asked;
        let extends = match self.guard {
            Guard::Lock { extends: true, lock_ttl, .. }
            | Guard::LockStale { extends: true, lock_ttl, .. } => Some(lock_ttl),
            _ => None,
        };
        if let Some(lock_ttl) = extends {
            while prolonged + lock_ttl.div_ceil(2) <= now {
                prolonged += lock_ttl.div_ceil(2);
                self.commands += 1;
            }
        }
        let own = self.locks.get(&object).is_some_and(|(holder, _)| *holder == ticket);
        if !died {
            self.commands += 1;
            if own {
                self.locks.remove(&object);
            }
        } else if let Some(lock_ttl) = extends.filter(|_| own) {
            self.locks.insert(object, (ticket, prolonged + lock_ttl));
        }
    }
}
