//! When a value is fetched that is still there.

use std::collections::{BTreeMap, BTreeSet};

use super::Fate;
use super::store::Value;
use super::ttl::part;

/// A policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Refresh {
    OnDemand,
    /// When it is asked for in the window after its freshness.
    StaleWhileRevalidate {
        window: u64,
    },
    /// At the first read after this part of its TTL.
    Ahead {
        f: f64,
    },
    /// By chance, the likelier the nearer its expiry; its reader waits or does not.
    Chance {
        beta: f64,
        waits: bool,
        longest: u64,
        /// Weight of the latest fetch in the mean time of fetches.
        ewma: f64,
    },
    /// By the first who finds it expired, who prolongs it for the others.
    Race {
        r: u64,
    },
    /// Every period, read or not, by so many workers; each object at its own time, or all at its beginning.
    Timer {
        period: u64,
        keep: u64,
        workers: usize,
        covers: Covers,
        staggers: bool,
    },
}

/// Whom the job covers of those that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covers {
    All,
    Class(usize),
    /// So many that were read most.
    Top(usize),
}

/// What a reader does with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Serve,
    ServeAndFetch,
    Fetch,
    /// Keep it until this instant, and fetch.
    Prolong(u64),
}

/// A policy and its memory.
pub(crate) struct Policy<'a> {
    pub(crate) refresh: Refresh,
    classes: &'a [usize],
    fate: &'a dyn Fate,
    /// When the value was stored whose successor has been asked for.
    asked_for: BTreeMap<usize, u64>,
    /// Every read of a fresh copy, where each draws.
    drawn: Vec<(usize, u64)>,
    /// How long fetches took, averaged.
    took: BTreeMap<usize, f64>,
    /// When the prolonged value was stored, and until when it is prolonged.
    prolonged: BTreeMap<usize, (u64, u64)>,
    /// Whom the job knows: due, waiting for a worker, or being fetched.
    known: BTreeSet<usize>,
    due: BTreeSet<(u64, usize)>,
    waiting: Vec<usize>,
    busy: usize,
    /// How often each object was asked for, halved and rounded down at the end of each period; when that is next, and who
    /// had been asked for most the last time.
    reads: BTreeMap<usize, u64>,
    next_choice: u64,
    chosen: Vec<usize>,
}

impl<'a> Policy<'a> {
    pub(crate) fn new(refresh: Refresh, classes: &'a [usize], fate: &'a dyn Fate) -> Self {
        Self {
            refresh,
            classes,
            fate,
            asked_for: BTreeMap::new(),
            drawn: Vec::new(),
            took: BTreeMap::new(),
            prolonged: BTreeMap::new(),
            known: BTreeSet::new(),
            due: BTreeSet::new(),
            waiting: Vec::new(),
            busy: 0,
            reads: BTreeMap::new(),
            next_choice: if let Refresh::Timer { period, .. } = refresh { period } else { u64::MAX },
            chosen: Vec::new(),
        }
    }

    /// A request asks for an object.
    pub(crate) fn asked(&mut self, object: usize) {
        *self.reads.entry(object).or_insert(0) += 1;
    }

    /// Until when a value is kept that was stored or touched at `now`.
    pub(crate) fn keep_until(&self, now: u64, fresh_until: u64) -> u64 {
        match self.refresh {
            Refresh::StaleWhileRevalidate { window } => fresh_until.saturating_add(window),
            Refresh::Race { r } => fresh_until.saturating_add(r),
            Refresh::Timer { keep, .. } => fresh_until.max(now + keep),
            _ => fresh_until,
        }
    }

    pub(crate) fn read(&mut self, object: usize, copy: &Value, now: u64) -> Wish {
        let stale = now > copy.fresh_until;
        match self.refresh {
            Refresh::OnDemand | Refresh::Ahead { .. } | Refresh::Chance { .. } if stale => Wish::Fetch,
            // A value is served for as long as the job has it kept, and not for as long as others do.
            Refresh::Timer { keep, .. } if stale && now > copy.stored_at.saturating_add(keep) => Wish::Fetch,
            Refresh::OnDemand | Refresh::Timer { .. } => Wish::Serve,
            Refresh::StaleWhileRevalidate { window } => match stale {
                false => Wish::Serve,
                true if now <= copy.fresh_until.saturating_add(window) => Wish::ServeAndFetch,
                true => Wish::Fetch,
            },
            Refresh::Ahead { f } => {
                let from = copy.stored_at + part(copy.fresh_until - copy.stored_at, f);
                if now <= from || self.asked_for.get(&object) == Some(&copy.stored_at) {
                    return Wish::Serve;
                }
                self.asked_for.insert(object, copy.stored_at);
                Wish::ServeAndFetch
            }
            Refresh::Chance { beta, waits, longest, .. } => {
                let before = self.drawn.iter().filter(|drawn| **drawn == (object, now)).count() as u64;
                self.drawn.push((object, now));
                let Some(took) = self.took.get(&object) else { return Wish::Serve };
                let scale = beta * took.min(longest as f64);
                let left = (copy.fresh_until - now) as f64;
                // 1 - u, because a logarithm of 0 would be for ever.
                let early = scale > 0.0 && -scale * (1.0 - self.fate.early(object, now, before)).ln() >= left;
                match (early, waits) {
                    (false, _) => Wish::Serve,
                    (true, true) => Wish::Fetch,
                    (true, false) => Wish::ServeAndFetch,
                }
            }
            Refresh::Race { r } => self.race(object, copy, now, r),
        }
    }

    fn race(&mut self, object: usize, copy: &Value, now: u64, r: u64) -> Wish {
        if now <= copy.fresh_until {
            return Wish::Serve;
        }
        let mut expiry = copy.fresh_until;
        if let Some((_, until)) = self.prolonged.get(&object).filter(|(of, _)| *of == copy.stored_at) {
            if now <= *until {
                return Wish::Serve;
            }
            expiry = expiry.max(*until);
        }
        if now > expiry + r {
            return Wish::Fetch;
        }
        self.prolonged.insert(object, (copy.stored_at, now + r));
        Wish::Prolong(now + r)
    }

    /// What a fetch brought that took so long was stored, or what was there at the start.
    pub(crate) fn stored(&mut self, object: usize, now: u64, took: Option<u64>) {
        if let (Some(took), Refresh::Chance { ewma, .. }) = (took, self.refresh) {
            let mean = self.took.entry(object).or_insert(took as f64);
            *mean = *mean * (1.0 - ewma) + took as f64 * ewma;
        }
        if self.covers(object) {
            self.enlist(object, now + 1);
        }
    }

    fn covers(&self, object: usize) -> bool {
        let Refresh::Timer { covers, .. } = self.refresh else { return false };
        match covers {
            Covers::All => true,
            Covers::Class(class) => self.classes[object] == class,
            Covers::Top(_) => self.chosen.contains(&object),
        }
    }

    /// Puts an object down for its next turn at `from` or later, unless it is known.
    fn enlist(&mut self, object: usize, from: u64) {
        let Refresh::Timer { period, staggers, .. } = self.refresh else { return };
        if self.known.insert(object) {
            let mut turn = if staggers { self.fate.place_in_period(object, period) } else { 0 };
            while turn < from {
                turn += period;
            }
            self.due.insert((turn, object));
        }
    }

    /// A fetch in the background brought nothing, or was refused while none was in flight.
    pub(crate) fn failed(&mut self, object: usize) {
        self.asked_for.remove(&object);
    }

    /// When the job comes next, be it to choose.
    pub(crate) fn next_job(&self) -> Option<u64> {
        let chooses = matches!(self.refresh, Refresh::Timer { covers: Covers::Top(_), .. });
        let choice = chooses.then_some(self.next_choice);
        self.due.first().map(|(at, _)| *at).into_iter().chain(choice).min()
    }

    /// Those that were asked for most are covered in the period that begins; of two alike the first.
    fn choose(&mut self, period: u64, most: usize) {
        let mut ranked: Vec<usize> = self.reads.keys().copied().filter(|of| self.reads[of] > 0).collect();
        ranked.sort_by_key(|object| std::cmp::Reverse(self.reads[object]));
        ranked.truncate(most);
        self.chosen = ranked;
        for object in self.chosen.clone() {
            self.enlist(object, self.next_choice);
        }
        self.reads.values_mut().for_each(|reads| *reads /= 2);
        self.next_choice += period;
    }

    /// Whom the job fetches now.
    pub(crate) fn job(&mut self, now: u64) -> Option<usize> {
        let Refresh::Timer { workers, covers, period, .. } = self.refresh else { return None };
        if let Covers::Top(most) = covers {
            while self.next_choice <= now {
                self.choose(period, most);
            }
        }
        while let Some((at, object)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, object));
            self.waiting.push(object);
        }
        while self.busy < workers && !self.waiting.is_empty() {
            let object = self.waiting.remove(0);
            if self.covers(object) {
                self.busy += 1;
                return Some(object);
            }
            self.known.remove(&object);
        }
        None
    }

    /// The job is done with an object, which is in the cache or is not.
    pub(crate) fn job_done(&mut self, object: usize, now: u64, held: bool) {
        self.busy -= 1;
        self.known.remove(&object);
        if held && self.covers(object) {
            self.enlist(object, now + 1);
        }
    }
}
