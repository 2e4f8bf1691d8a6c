//! When a value is fetched that is still there.

use std::collections::{BTreeMap, BTreeSet};

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
    },
    /// By the first who finds it expired, who prolongs it for the others.
    Race {
        r: u64,
    },
    /// Every period, read or not, by so many workers.
    Timer {
        period: u64,
        keep: u64,
        workers: usize,
    },
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
    draw: &'a dyn Fn(usize, u64) -> f64,
    /// When the value was stored whose successor has been asked for.
    asked_for: BTreeMap<usize, u64>,
    /// How long the last fetch took.
    took: BTreeMap<usize, u64>,
    /// When the prolonged value was stored, and until when it is prolonged.
    prolonged: BTreeMap<usize, (u64, u64)>,
    /// Whom the job knows: due, waiting for a worker, or being fetched.
    known: BTreeSet<usize>,
    due: BTreeSet<(u64, usize)>,
    waiting: Vec<usize>,
    busy: usize,
}

impl<'a> Policy<'a> {
    /// `draw(object, instant)` is what chance gives.
    pub(crate) fn new(refresh: Refresh, draw: &'a dyn Fn(usize, u64) -> f64) -> Self {
        Self {
            refresh,
            draw,
            asked_for: BTreeMap::new(),
            took: BTreeMap::new(),
            prolonged: BTreeMap::new(),
            known: BTreeSet::new(),
            due: BTreeSet::new(),
            waiting: Vec::new(),
            busy: 0,
        }
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
            Refresh::Chance { beta, waits, longest } => {
                let Some(took) = self.took.get(&object) else { return Wish::Serve };
                let scale = beta * (*took).min(longest) as f64;
                let left = (copy.fresh_until - now) as f64;
                // 1 - u, because a logarithm of 0 would be for ever.
                let early = scale > 0.0 && -scale * (1.0 - (self.draw)(object, now)).ln() >= left;
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
        if let Some(took) = took {
            self.took.insert(object, took);
        }
        if matches!(self.refresh, Refresh::Timer { .. }) {
            self.enlist(object, now);
        }
    }

    /// Puts an object down for the next round of the job, unless it is known.
    fn enlist(&mut self, object: usize, now: u64) {
        let Refresh::Timer { period, .. } = self.refresh else { return };
        if self.known.insert(object) {
            self.due.insert(((now / period + 1) * period, object));
        }
    }

    /// A fetch in the background brought nothing.
    pub(crate) fn failed(&mut self, object: usize) {
        self.asked_for.remove(&object);
    }

    /// When the job comes next.
    pub(crate) fn next_job(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whom the job fetches now.
    pub(crate) fn job(&mut self, now: u64) -> Option<usize> {
        let Refresh::Timer { workers, .. } = self.refresh else { return None };
        while let Some((at, object)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, object));
            self.waiting.push(object);
        }
        if self.busy == workers || self.waiting.is_empty() {
            return None;
        }
        self.busy += 1;
        Some(self.waiting.remove(0))
    }

    /// The job is done with an object, which is in the cache or is not.
    pub(crate) fn job_done(&mut self, object: usize, now: u64, held: bool) {
        self.busy -= 1;
        self.known.remove(&object);
        if held {
            self.enlist(object, now);
        }
    }
}
