//! What is written down while a cache is played: counts alone here, all that a record tells in `recorded`.

use std::ops::ControlFlow;

use super::life::Asked;
use super::{Bytes, Counts, Level};
use crate::cache::{Cause, Stored};
use crate::strategy::ttl::{Told, Ttl};
use crate::trace::ObjectId;
use crate::units::{SimTime, Window};

/// An entry that leaves, or is seen no longer: its size, and from when until when it lived.
pub(super) type Stay = (u32, Window);

/// Those who write down what happens. Told in the order in which it happens.
pub(super) trait Books {
    /// Whether sizes are wanted and every entry that comes is told; otherwise an entry that comes for one that leaves
    /// is not.
    const ALL: bool;
    /// What is kept for them with every entry.
    type Note: Copy + Default;
    /// What a fetch brings.
    type Fetched: Copy;

    /// Entries held.
    fn entries(&self) -> u64;

    /// Bytes held.
    fn bytes(&self) -> u64;

    /// An object will be asked for soon.
    #[inline]
    fn prefetch(&self, _object: ObjectId) {}

    /// A request found a live entry, and gave it another deadline or not.
    fn hit(&mut self, asked: &Asked, size: u32, note: Self::Note, touched: bool, ttl: Option<&mut Ttl>);

    /// A request found none, and fetches.
    fn fetches(&mut self, asked: &Asked, size: u32, cause: Cause) -> Self::Fetched;

    /// What the fetch told about the value, for the rule that says how long it lives.
    fn told(&mut self, asked: &Asked, fetched: Self::Fetched, ttl: Option<&mut Ttl>) -> Option<Told>;

    /// What is kept with the entry.
    fn note(fetched: Self::Fetched) -> Self::Note;

    /// The request has its value, and this became of the store.
    fn missed(
        &mut self,
        asked: &Asked,
        cause: Cause,
        fetched: Self::Fetched,
        stored: Stored,
        ttl: Option<&mut Ttl>,
    );

    /// An entry came.
    fn came(&mut self, size: u32, now: SimTime);

    /// An entry left.
    fn left(&mut self, cause: Cause, now: SimTime, stay: impl FnOnce() -> Stay);

    /// An entry is still there at the end.
    fn still_held(&mut self, stay: Stay, end: SimTime);

    /// So many requests have passed; a break ends the play without a result.
    fn passed(&mut self, requests: usize) -> ControlFlow<()>;

    /// The run is over.
    fn ended(&mut self, _end: SimTime, _ttl: Option<&mut Ttl>) {}
}

/// Counts; of bytes, and how much there was over time, where `BYTES` are counted.
#[derive(Debug)]
pub(super) struct Tally<const BYTES: bool> {
    window: Window,
    /// Requests that come before the window.
    warmup: usize,
    counts: Counts,
    entries: u64,
    bytes: u64,
    /// Integrals over the window.
    entry_time: i128,
    byte_time: i128,
    dead_byte_time: u128,
    peak_entries: u64,
    peak_bytes: u64,
    requested: u64,
    hit: u64,
}

impl<const BYTES: bool> Tally<BYTES> {
    /// Nothing has been counted.
    pub(super) fn new(window: Window, warmup: usize) -> Self {
        Self {
            window,
            warmup,
            counts: Counts::default(),
            entries: 0,
            bytes: 0,
            entry_time: 0,
            byte_time: 0,
            dead_byte_time: 0,
            peak_entries: 0,
            peak_bytes: 0,
            requested: 0,
            hit: 0,
        }
    }

    /// The counts of the window.
    pub(super) fn finish(self) -> Counts {
        let length = self.window.length().as_nanos();
        let mean = |integral: i128| if length == 0 { 0.0 } else { integral as f64 / length as f64 };
        let level = |integral, peak: u64, last| Level { mean: mean(integral), peak: peak.max(last), last };
        Counts {
            entries: level(self.entry_time, self.peak_entries, self.entries),
            bytes: BYTES.then(|| Bytes {
                requested: self.requested,
                hit: self.hit,
                resident: level(self.byte_time, self.peak_bytes, self.bytes),
                dead_mean: mean(self.dead_byte_time.cast_signed()),
            }),
            ..self.counts
        }
    }

    /// A stay is over, or seen no longer: what it was dead for.
    #[inline]
    fn dead_for(&mut self, (size, stay): Stay, now: SimTime) {
        let dead = self.window.overlap(stay.until, now).as_nanos();
        self.dead_byte_time += u128::from(dead) * u128::from(size);
    }

    /// An entry came or left.
    #[inline]
    fn changed(&mut self, size: u32, came: bool, now: SimTime) {
        let rest = i128::from(self.window.overlap(now, self.window.until).as_nanos());
        if came {
            self.entries += 1;
            self.entry_time += rest;
        } else {
            self.entries -= 1;
            self.entry_time -= rest;
        }
        if BYTES {
            let bytes = i128::from(size);
            self.byte_time += rest * if came { bytes } else { -bytes };
            self.bytes = if came { self.bytes + u64::from(size) } else { self.bytes - u64::from(size) };
        }
    }

    #[inline]
    fn note_peak(&mut self, now: SimTime) {
        if BYTES && now >= self.window.from {
            self.peak_bytes = self.peak_bytes.max(self.bytes);
            self.peak_entries = self.peak_entries.max(self.entries);
        }
    }
}

impl<const BYTES: bool> Books for Tally<BYTES> {
    const ALL: bool = BYTES;
    type Note = ();
    type Fetched = ();

    #[inline]
    fn entries(&self) -> u64 {
        self.entries
    }

    #[inline]
    fn bytes(&self) -> u64 {
        self.bytes
    }

    #[inline]
    fn hit(&mut self, asked: &Asked, size: u32, (): (), _: bool, _: Option<&mut Ttl>) {
        self.counts.hits += 1;
        if BYTES && asked.at >= self.window.from {
            self.requested += u64::from(size);
            self.hit += u64::from(size);
        }
    }

    #[inline]
    fn fetches(&mut self, asked: &Asked, size: u32, cause: Cause) {
        if BYTES && asked.at >= self.window.from {
            self.requested += u64::from(size);
        }
        self.counts.cold += u64::from(cause == Cause::Cold);
        self.counts.evicted += u64::from(cause == Cause::Evicted);
        self.counts.expired += u64::from(cause == Cause::Expired);
    }

    #[inline]
    fn told(&mut self, _: &Asked, (): (), _: Option<&mut Ttl>) -> Option<Told> {
        None
    }

    #[inline]
    fn note((): ()) {}

    #[inline]
    fn missed(&mut self, _: &Asked, _: Cause, (): (), _: Stored, _: Option<&mut Ttl>) {}

    #[inline]
    fn came(&mut self, size: u32, now: SimTime) {
        self.changed(size, true, now);
        self.note_peak(now);
    }

    #[inline]
    fn left(&mut self, cause: Cause, now: SimTime, stay: impl FnOnce() -> Stay) {
        if cause == Cause::Evicted {
            self.counts.evictions += 1;
        } else {
            self.counts.expirations += u64::from(now >= self.window.from);
        }
        if BYTES {
            let stay = stay();
            self.dead_for(stay, now);
            self.note_peak(now);
            self.changed(stay.0, false, now);
        }
    }

    fn still_held(&mut self, stay: Stay, end: SimTime) {
        self.dead_for(stay, end);
    }

    fn passed(&mut self, requests: usize) -> ControlFlow<()> {
        if requests == self.warmup {
            // The warm-up is not scored; what expired in it has not been counted.
            self.counts = Counts { expirations: self.counts.expirations, ..Counts::default() };
        }
        ControlFlow::Continue(())
    }
}
