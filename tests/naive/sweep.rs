//! The application's own clean-up: a list of members in the order of their last access.

/// How it cleans up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sweep {
    pub(crate) period: u64,
    pub(crate) limit: Limit,
    /// Whether an access that stored the value sends no EXPIRE.
    pub(crate) lean: bool,
    /// Between the listing and the removal.
    pub(crate) round_trip: u64,
    /// Whether members go that nobody accessed for this long.
    pub(crate) purge_after: Option<u64>,
}

/// What is not to be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Members(usize),
    /// Bytes in use, freed in batches of so many members.
    Bytes(u64, usize),
}

/// The sorted set and what is under way.
pub(crate) struct Broom {
    pub(crate) sweep: Sweep,
    /// Object and time of its last access, the oldest first.
    members: Vec<(usize, u64)>,
    listed: Vec<usize>,
    begins: u64,
    /// When it acts next.
    pub(crate) next: u64,
    pub(crate) commands: u64,
}

impl Broom {
    pub(crate) fn new(sweep: Sweep) -> Self {
        let next = sweep.period;
        Self { sweep, members: Vec::new(), listed: Vec::new(), begins: next, next, commands: 0 }
    }

    pub(crate) fn accessed(&mut self, object: usize, now: u64) {
        self.members.retain(|(other, _)| *other != object);
        self.members.push((object, now));
    }

    /// The cache lost its keys, the set among them.
    pub(crate) fn forget(&mut self) {
        self.members.clear();
    }

    /// Does what is due; the keys that it deletes.
    pub(crate) fn act(&mut self, now: u64, bytes: u64) -> Vec<usize> {
        if now >= self.begins {
            self.begins = (now / self.sweep.period + 1) * self.sweep.period;
            if let Some(ttl) = self.sweep.purge_after {
                self.members.retain(|(_, at)| now - at <= ttl);
                self.commands += 1;
            }
        }
        self.next = self.begins;
        if !self.listed.is_empty() {
            return self.remove(now);
        }
        self.commands += 1;
        let excess = match self.sweep.limit {
            Limit::Members(most) => self.members.len().saturating_sub(most),
            Limit::Bytes(most, batch) if bytes > most => batch.min(self.members.len()),
            Limit::Bytes(..) => 0,
        };
        if excess == 0 {
            return Vec::new();
        }
        self.commands += 1;
        self.listed = self.members[..excess].iter().map(|(object, _)| *object).collect();
        if self.sweep.round_trip > 0 {
            self.next = now + self.sweep.round_trip;
            return Vec::new();
        }
        self.remove(now)
    }

    /// UNLINK of what was listed, and as many members go by rank.
    fn remove(&mut self, now: u64) -> Vec<usize> {
        let gone = std::mem::take(&mut self.listed);
        self.members.drain(..gone.len().min(self.members.len()));
        self.commands += 2;
        if matches!(self.sweep.limit, Limit::Bytes(..)) {
            self.next = now;
        }
        gone
    }
}
