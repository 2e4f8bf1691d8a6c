//! What the row "ttl, single-flight" of the engine's bench does, written by hand for nothing else: the
//! least that these duties cost, with the same advice to the processor and the system. It has no
//! seams, no strategy, one class in mind and no percentiles; the engine is held against it.

use std::collections::VecDeque;

use ttlab::trace::Trace;
use ttlab::trace::prefetch::{AHEAD, on_large_pages, prefetch};

const NONE: u32 = u32::MAX;
const HELD: u8 = 3;
const SECOND: u64 = 1_000_000_000;

/// One object: half a cache line with its links in the LRU list, its size and its flight.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Slot {
    expires: u64,
    prev: u32,
    next: u32,
    size: u32,
    flight: u32,
    /// `HELD`, or why it is not.
    state: u8,
}

struct Flight {
    asked: u64,
    done: u64,
    object: u32,
    joined: u64,
    waited: u64,
    cause: u8,
}

/// Counts of one bucket of the series.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    outcomes: [u64; 8],
    bytes: u64,
    waited: u64,
    fetches: u64,
}

/// What a run is asked for, in nanoseconds and objects.
#[derive(Clone, Copy)]
pub(crate) struct Duties {
    pub(crate) ttl: u64,
    pub(crate) latency: u64,
    pub(crate) bucket: u64,
    pub(crate) capacity: usize,
}

/// What it measures.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) series: Vec<Counts>,
    pub(crate) byte_time: u128,
    pub(crate) peak_bytes: u64,
    pub(crate) peak_fetches: u64,
}

struct Loop {
    slots: Vec<Slot>,
    /// The place behind the objects: the ring's head.
    head: u32,
    held: usize,
    bytes: u64,
    since: u64,
    counts: Counts,
    bucket_end: u64,
    measured: Measured,
}

impl Loop {
    fn unlink(&mut self, id: u32) {
        let Slot { prev, next, .. } = self.slots[id as usize];
        self.slots[prev as usize].next = next;
        self.slots[next as usize].prev = prev;
    }

    fn put_first(&mut self, id: u32) {
        let first = self.slots[self.head as usize].next;
        let slot = &mut self.slots[id as usize];
        (slot.prev, slot.next) = (self.head, first);
        self.slots[first as usize].prev = id;
        self.slots[self.head as usize].next = id;
    }

    /// Memory has had its level until now.
    fn settle(&mut self, now: u64) {
        self.measured.byte_time += u128::from(now - self.since) * u128::from(self.bytes);
        self.since = now;
    }

    fn turn_to(&mut self, now: u64, bucket: u64) {
        while now >= self.bucket_end {
            self.measured.series.push(std::mem::take(&mut self.counts));
            self.bucket_end += bucket;
        }
    }

    fn evict(&mut self) {
        let last = self.slots[self.head as usize].prev;
        let before = self.slots[last as usize].prev;
        prefetch(&self.slots, self.slots[before as usize].prev as usize);
        self.unlink(last);
        self.slots[last as usize].state = 2;
        self.bytes -= u64::from(self.slots[last as usize].size);
        self.held -= 1;
    }

    fn land(&mut self, flight: &Flight, duties: Duties) {
        self.settle(flight.done);
        if self.held == duties.capacity {
            self.evict();
        }
        self.held += 1;
        let slot = &mut self.slots[flight.object as usize];
        (slot.expires, slot.flight, slot.state) = (flight.done + duties.ttl, NONE, HELD);
        let size = u64::from(slot.size);
        self.put_first(flight.object);
        self.bytes += size;
        self.measured.peak_bytes = self.measured.peak_bytes.max(self.bytes);
        self.turn_to(flight.done, duties.bucket);
        self.counts.outcomes[4 + flight.cause as usize] += 1;
        self.counts.outcomes[1] += flight.joined;
        self.counts.bytes += size;
        self.counts.waited += flight.waited + flight.done - flight.asked;
    }
}

/// Plays a trace.
pub(crate) fn play(trace: &Trace, duties: Duties) -> Measured {
    let facts = trace.objects().facts();
    let head = u32::try_from(facts.len()).expect("ids have 32 bits");
    let mut slots = on_large_pages(facts.len() + 1);
    let absent = Slot { expires: 0, prev: NONE, next: NONE, size: 0, flight: NONE, state: 0 };
    slots.extend(facts.iter().map(|fact| Slot { size: fact.size, ..absent }));
    slots.push(Slot { prev: head, next: head, ..absent });
    let (counts, measured) = (Counts::default(), Measured::default());
    let (held, bytes, since, bucket_end) = (0, 0, 0, duties.bucket);
    let mut run = Loop { slots, head, held, bytes, since, counts, bucket_end, measured };
    let (mut flights, mut landed, mut next_done) = (VecDeque::<Flight>::new(), 0_u32, u64::MAX);
    let (mut second_end, mut fetches) = (0, 0);
    let objects = trace.object_ids();
    for (index, (at, object)) in trace.times().iter().zip(objects).enumerate() {
        let (now, id) = (at.as_nanos(), object.as_u32());
        if let Some(coming) = objects.get(index + AHEAD) {
            prefetch(&run.slots, coming.index());
        }
        while next_done <= now {
            let Some(flight) = flights.pop_front() else { break };
            landed = landed.wrapping_add(1);
            next_done = flights.front().map_or(u64::MAX, |next| next.done);
            if let Some(coming) = flights.get(3) {
                prefetch(&run.slots, coming.object as usize);
            }
            run.land(&flight, duties);
        }
        run.turn_to(now, duties.bucket);
        let slot = run.slots[id as usize];
        if slot.state == HELD && now <= slot.expires {
            run.unlink(id);
            run.put_first(id);
            run.counts.outcomes[0] += 1;
            run.counts.bytes += u64::from(slot.size);
            continue;
        }
        if slot.flight != NONE {
            let flight = &mut flights[slot.flight.wrapping_sub(landed) as usize];
            flight.joined += 1;
            flight.waited += flight.done - now;
            continue;
        }
        if slot.state == HELD {
            run.settle(now);
            run.unlink(id);
            run.held -= 1;
            run.bytes -= u64::from(slot.size);
            run.slots[id as usize].state = 1;
        }
        let cause = run.slots[id as usize].state;
        let flying = u32::try_from(flights.len()).expect("fewer fetches than requests are in flight");
        run.slots[id as usize].flight = landed.wrapping_add(flying);
        let done = now + duties.latency;
        flights.push_back(Flight { asked: now, done, object: id, joined: 0, waited: 0, cause });
        next_done = next_done.min(done);
        run.counts.fetches += 1;
        if now >= second_end {
            (second_end, fetches) = ((now / SECOND + 1) * SECOND, 0);
        }
        fetches += 1;
        run.measured.peak_fetches = run.measured.peak_fetches.max(fetches);
    }
    run.measured.series.push(run.counts);
    run.measured
}

impl Measured {
    /// Requests served at once.
    pub(crate) fn hits(&self) -> u64 {
        self.series.iter().map(|counts| counts.outcomes[0]).sum()
    }
}
