//! The origin: servers and those that wait for one.

/// Who goes when there is no place to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shed {
    Newest,
    Oldest,
    /// Whose client has given up, at the door of the server; the newest where there is no place.
    Deadline,
}

/// How many are served and may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Servers {
    /// Served at once; `None`: all.
    pub(crate) count: Option<usize>,
    /// Waiting at most; `None`: any number.
    pub(crate) room: Option<usize>,
    /// Whether the last to come is served first.
    pub(crate) lifo: bool,
    pub(crate) shed: Shed,
}

impl Servers {
    /// Everyone is served at once.
    pub(crate) const ALL: Self = Self { count: None, room: None, lifo: false, shed: Shed::Newest };
}

/// What happens to a fetch that asks.
pub(crate) enum Admitted {
    Served,
    Waits,
    /// This one goes: itself, or another in whose place it waits.
    Shed(usize),
}

/// Who is served and who waits, by the number of the fetch.
pub(crate) struct Door {
    pub(crate) servers: Servers,
    busy: usize,
    /// The fetch and the last instant at which its client waits.
    line: Vec<(usize, u64)>,
}

impl Door {
    pub(crate) fn new(servers: Servers) -> Self {
        Self { servers, busy: 0, line: Vec::new() }
    }

    pub(crate) fn knock(&mut self, fetch: usize, patience: u64) -> Admitted {
        if self.servers.count.is_none_or(|count| self.busy < count) {
            self.busy += 1;
            return Admitted::Served;
        }
        let full = self.servers.room.is_some_and(|room| self.line.len() >= room);
        if !full {
            self.line.push((fetch, patience));
            return Admitted::Waits;
        }
        if self.servers.shed != Shed::Oldest || self.line.is_empty() {
            return Admitted::Shed(fetch);
        }
        let (oldest, _) = self.line.remove(0);
        self.line.push((fetch, patience));
        Admitted::Shed(oldest)
    }

    /// A server is free: the fetch that it serves next, and those that have waited in vain.
    pub(crate) fn next(&mut self, now: u64) -> (Option<usize>, Vec<usize>) {
        let mut in_vain = Vec::new();
        while !self.line.is_empty() {
            let (fetch, patience) = self.line.remove(if self.servers.lifo { self.line.len() - 1 } else { 0 });
            if self.servers.shed != Shed::Deadline || now <= patience {
                return (Some(fetch), in_vain);
            }
            in_vain.push(fetch);
        }
        self.busy -= 1;
        (None, in_vain)
    }

    /// Whether a fetch that waited no longer does.
    pub(crate) fn withdraw(&mut self, fetch: usize) -> bool {
        let before = self.line.len();
        self.line.retain(|(other, _)| *other != fetch);
        self.line.len() < before
    }
}
