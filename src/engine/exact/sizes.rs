//! Many sizes of exact LRU without TTLs, in one pass.
//!
//! The order of LRU does not depend on the size of the cache, so all caches share one queue, in which each has a tail of
//! its own. A request misses in a cache if and only if its object was asked for last before the tail, so a block of
//! requests is taken at once: those that miss are counted, the tail goes over as many places as there were misses, and
//! where no request of the block asks for what the tail went over, this is what would have come out one by one.

use std::ops::Range;

use super::queue::Queue;
use super::spare::emptied;
use super::suits;
use crate::trace::prefetch::{AHEAD, prefetch};
use crate::trace::{Fact, Trace};
use crate::units::Window;

/// Requests that are taken at once.
const BLOCK: usize = 128;

/// Requests of a part of a block, for the caches for which the block is too long.
const PART: usize = 16;

/// So many words of the queue ahead of a tail the sizes of what leaves next are asked for.
const WORDS_AHEAD: usize = 3;

/// What caches of several sizes did in the scored window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SizeCounts {
    /// Requests.
    pub requests: u64,
    /// For each size the hits, and the bytes resident, averaged over the window.
    pub cells: Vec<(u64, f64)>,
}

/// What is known of an object: where it was asked for last, and its size where bytes are counted.
pub(super) trait Seat: Copy {
    /// Whether it knows the size.
    const SIZED: bool;

    /// Of an object that was not asked for yet.
    fn new(fact: Fact) -> Self;

    /// Notes the place of a request; the one before, or 0 where there was none.
    fn take(&mut self, place: u32) -> u32;

    /// The size, where it is known.
    fn size(self) -> u32;
}

impl Seat for u32 {
    const SIZED: bool = false;

    fn new(_: Fact) -> Self {
        0
    }

    #[inline]
    fn take(&mut self, place: u32) -> u32 {
        std::mem::replace(self, place)
    }

    fn size(self) -> u32 {
        0
    }
}

/// A place with the size beside it, so that one line of memory tells both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sized {
    place: u32,
    size: u32,
}

impl Seat for Sized {
    const SIZED: bool = true;

    fn new(fact: Fact) -> Self {
        Self { place: 0, size: fact.size }
    }

    #[inline]
    fn take(&mut self, place: u32) -> u32 {
        std::mem::replace(&mut self.place, place)
    }

    #[inline]
    fn size(self) -> u32 {
        self.size
    }
}

/// Plays caches of so many objects each.
///
/// # Panics
/// If the trace does not [suit](suits).
pub(super) fn walk<S: Seat>(
    queue: &mut Queue,
    seats: &mut Vec<S>,
    trace: &Trace,
    window: Window,
    capacities: &[u64],
) -> SizeCounts {
    assert!(suits(trace), "the trace has places");
    queue.reset(trace.len());
    let (facts, requests) = (trace.objects().facts(), trace.len());
    *seats = emptied(std::mem::take(seats), facts.len());
    seats.extend(facts.iter().copied().map(S::new));
    let scored = trace.times().partition_point(|at| *at < window.from);
    let mut walk = Walk { queue, seats, trace, window };
    let mut tails: Vec<Tail> = capacities.iter().map(|limit| Tail::new(*limit)).collect();
    // Those for which a block is too long, and those for which its parts are.
    let (mut late, mut one_by_one) = (Vec::with_capacity(tails.len()), Vec::with_capacity(tails.len()));
    let (mut before, mut sizes) = ([0; BLOCK], [0; BLOCK]);
    let mut begins = 0;
    while begins < requests {
        if begins == scored {
            tails.iter_mut().for_each(|tail| tail.misses = 0);
        }
        // A block does not reach from what is not scored into what is.
        let ends = (begins + BLOCK).min(if begins < scored { scored } else { requests });
        walk.look_up(begins..ends, &mut before, &mut sizes);
        let length = ends - begins;
        let block = Block { begins, before: &before[..length], sizes: &sizes[..length] };
        late.clear();
        late.extend((0..tails.len()).filter(|nth| !tails[*nth].leaps(&walk, &block)));
        if late.is_empty() {
            block.before.iter().for_each(|before| walk.queue.pass(place(*before)));
        } else {
            for part in block.parts() {
                one_by_one.clear();
                one_by_one.extend(late.iter().copied().filter(|nth| !tails[*nth].leaps(&walk, &part)));
                for nth in 0..part.before.len() {
                    one_by_one.iter().for_each(|tail| tails[*tail].request(&walk, &part, nth));
                    walk.queue.pass(place(part.before[nth]));
                }
            }
        }
        begins = ends;
    }
    let length = window.length().as_nanos() as f64;
    let requests = (requests - scored) as u64;
    let cell = |tail: &Tail| {
        let mean = if length > 0.0 { (tail.resident / length).max(0.0) } else { 0.0 };
        let hits = if tail.limit > 0 { requests.saturating_sub(tail.misses) } else { 0 };
        (hits, mean)
    };
    SizeCounts { requests, cells: tails.iter().map(cell).collect() }
}

/// A place as it is compared: numbers with a sign are compared four at once on any processor.
fn signed(place: u32) -> i32 {
    place.cast_signed() ^ i32::MIN
}

/// The place that is compared in this way.
fn place(signed: i32) -> u32 {
    (signed ^ i32::MIN).cast_unsigned()
}

/// What all caches share.
struct Walk<'w, S> {
    queue: &'w mut Queue,
    /// Of each object.
    seats: &'w mut [S],
    trace: &'w Trace,
    window: Window,
}

impl<S: Seat> Walk<'_, S> {
    /// Notes where each of these requests finds its object asked for last, 0 where it was not, and its size.
    #[inline]
    fn look_up(&mut self, which: Range<usize>, before: &mut [i32; BLOCK], sizes: &mut [u32; BLOCK]) {
        let objects = self.trace.object_ids();
        for ((before, size), index) in before.iter_mut().zip(sizes).zip(which) {
            if let Some(coming) = objects.get(index + AHEAD) {
                prefetch(self.seats, coming.index());
            }
            let seat = &mut self.seats[objects[index].index()];
            if S::SIZED {
                *size = seat.size();
            }
            *before = signed(seat.take(u32::try_from(index + 1).expect("the trace suits")));
        }
    }

    /// The size of the object at a place.
    #[inline]
    fn size_at(&self, place: usize) -> f64 {
        f64::from(self.seats[self.trace.object_ids()[place - 1].index()].size())
    }

    /// For how long a request is followed by what is scored, in nanoseconds.
    #[inline]
    fn rest(&self, index: usize) -> f64 {
        self.window.overlap(self.trace.times()[index], self.window.until).as_nanos().cast_signed() as f64
    }

    /// Asks for the sizes of objects whose places stand in a word of the queue.
    #[inline]
    fn ask_for(&self, word: usize) {
        let objects = self.trace.object_ids();
        let mut counts = self.queue.counts(word);
        while counts != 0 {
            let place = word * 64 + counts.trailing_zeros() as usize;
            counts &= counts - 1;
            if let Some(object) = objects.get(place.wrapping_sub(1)) {
                prefetch(self.seats, object.index());
            }
        }
    }
}

/// Requests that follow each other, from the one with index `begins` on.
struct Block<'b> {
    begins: usize,
    /// Where each finds its object asked for last, as it is compared.
    before: &'b [i32],
    sizes: &'b [u32],
}

impl Block<'_> {
    fn parts(&self) -> impl Iterator<Item = Block<'_>> {
        let each = self.before.chunks(PART).zip(self.sizes.chunks(PART)).zip((self.begins..).step_by(PART));
        each.map(|((before, sizes), begins)| Block { begins, before, sizes })
    }

    /// How many find that of their objects before the place `at`.
    #[inline]
    fn missed(&self, at: u32) -> u32 {
        let at = signed(at);
        self.before.iter().map(|before| u32::from(*before < at)).sum()
    }
}

/// The tail of one cache in the queue of all.
#[derive(Debug, Clone, Copy)]
struct Tail {
    at: u32,
    held: u64,
    limit: u64,
    /// Requests that found nothing.
    misses: u64,
    /// Bytes times nanoseconds.
    resident: f64,
}

impl Tail {
    fn new(limit: u64) -> Self {
        Self { at: 1, held: 0, limit, misses: 0, resident: 0.0 }
    }

    /// Takes a block of requests at once; `false` where the tail might go over what they ask for and nothing was done.
    #[inline]
    fn leaps<S: Seat>(&mut self, walk: &Walk<'_, S>, block: &Block<'_>) -> bool {
        let (from, misses) = (self.at, block.missed(self.at));
        let is_full = self.held >= self.limit;
        if !is_full {
            if self.held + u64::from(misses) > self.limit {
                return false;
            }
            self.held += u64::from(misses);
        } else if misses > 0 && self.limit > 0 {
            let at = walk.queue.beyond(from, misses);
            if at as usize > block.begins + 1 || block.missed(at) != misses {
                return false;
            }
            self.at = at;
        }
        self.misses += u64::from(misses);
        if S::SIZED && misses > 0 && self.limit > 0 {
            self.resident += exchanged(walk, block, from, is_full);
        }
        true
    }

    /// Takes one request of a block.
    #[inline]
    fn request<S: Seat>(&mut self, walk: &Walk<'_, S>, block: &Block<'_>, nth: usize) {
        if place(block.before[nth]) >= self.at {
            return;
        }
        self.misses += 1;
        if self.limit == 0 {
            return;
        }
        let rest = if S::SIZED { walk.rest(block.begins + nth) } else { 0.0 };
        self.resident += f64::from(block.sizes[nth]) * rest;
        if self.held < self.limit {
            self.held += 1;
        } else {
            let leaves = walk.queue.next_from(self.at);
            self.at = leaves + 1;
            if S::SIZED {
                self.resident -= walk.size_at(leaves as usize) * rest;
            }
        }
    }
}

/// What the misses of a block bring into a cache whose tail stands at the place `from`, and take out of it where it is
/// full, in bytes times the nanoseconds that follow.
#[inline]
fn exchanged<S: Seat>(walk: &Walk<'_, S>, block: &Block<'_>, from: u32, is_full: bool) -> f64 {
    let at = signed(from);
    let (mut missed, mut count) = ([0_u8; BLOCK], 0);
    // Without a branch, for which requests miss cannot be foreseen.
    for (before, nth) in block.before.iter().zip(0..) {
        missed[count % BLOCK] = nth;
        count += usize::from(*before < at);
    }
    let (mut word, mut sum) = (from as usize / 64, 0.0);
    let mut counts = walk.queue.counts(word) & (u64::MAX << (from % 64));
    for nth in &missed[..count] {
        let nth = usize::from(*nth);
        let mut bytes = f64::from(block.sizes[nth]);
        if is_full {
            while counts == 0 {
                word += 1;
                counts = walk.queue.counts(word);
                walk.ask_for(word + WORDS_AHEAD);
            }
            // For each that comes the next one leaves.
            bytes -= walk.size_at(word * 64 + counts.trailing_zeros() as usize);
            counts &= counts - 1;
        }
        sum += bytes * walk.rest(block.begins + nth);
    }
    sum
}
