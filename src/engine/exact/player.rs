//! One cache over a trace, in one pass.

use super::life::{Asked, Buffers, Fixed, Forever, Life, Place, Ruled};
use super::queue::Queue;
use super::{Bytes, Counts, Detail, Level, Lifetime, Order, Play, suits};
use crate::cache::Capacity;
use crate::cache::reclaim::Reclaim;
use crate::trace::prefetch::{AHEAD, on_large_pages, prefetch};
use crate::trace::{Fact, ObjectId};
use crate::units::{SimTime, Window};

/// The place of an object whose entry was given back when its TTL ran out.
const GONE: u32 = u32::MAX;

/// Plays one cache after the other; what it needs for that is allocated once, by the longest trace.
#[derive(Debug, Default)]
pub struct Player {
    buffers: Buffers,
}

impl Player {
    /// Plays a cache from the first request to the last.
    ///
    /// # Panics
    /// If the trace does not [suit](suits).
    pub fn play(&mut self, play: Play<'_>) -> Counts {
        assert!(suits(play.trace), "the trace has places");
        let counts_bytes = play.detail == Detail::Bytes || matches!(play.capacity, Capacity::Bytes(_));
        match (play.order, play.reclaim.is_some(), counts_bytes) {
            (Order::Lru, true, _) => self.with::<false, true, true>(play),
            (Order::Lru, false, true) => self.with::<false, true, false>(play),
            (Order::Lru, false, false) => self.with::<false, false, false>(play),
            (Order::Fifo, true, _) => self.with::<true, true, true>(play),
            (Order::Fifo, false, true) => self.with::<true, true, false>(play),
            (Order::Fifo, false, false) => self.with::<true, false, false>(play),
        }
    }

    fn with<const FIFO: bool, const BYTES: bool, const RECLAIMS: bool>(&mut self, play: Play<'_>) -> Counts {
        let Play { trace, window, capacity, lifetime, reclaim, .. } = play;
        let pass = Pass::<FIFO, BYTES, RECLAIMS> {
            times: trace.times(),
            objects: trace.object_ids(),
            facts: trace.objects().facts(),
            window,
            capacity,
            reclaim,
        };
        let times = pass.times;
        match lifetime {
            Lifetime::Forever => pass.play(&mut self.buffers, Forever),
            Lifetime::Fixed(ttl) => pass.play(&mut self.buffers, Fixed { ttl, times, first_alive: 1 }),
            Lifetime::Ruled(ttl) => pass.play(&mut self.buffers, Ruled { ttl, objects: trace.objects() }),
        }
    }
}

/// What a pass reads.
struct Pass<'t, const FIFO: bool, const BYTES: bool, const RECLAIMS: bool> {
    times: &'t [SimTime],
    objects: &'t [ObjectId],
    facts: &'t [Fact],
    window: Window,
    capacity: Capacity,
    reclaim: Option<Box<dyn Reclaim>>,
}

impl<const FIFO: bool, const BYTES: bool, const RECLAIMS: bool> Pass<'_, FIFO, BYTES, RECLAIMS> {
    fn play<L: Life>(self, buffers: &mut Buffers, life: L) -> Counts {
        let mut queue = std::mem::take(&mut buffers.queue);
        queue.reset(self.objects.len());
        let mut places = std::mem::take(L::places(buffers));
        places.clear();
        if places.capacity() < self.facts.len() {
            places = on_large_pages(self.facts.len());
        }
        places.resize(self.facts.len(), Place::default());
        let scored = self.times.partition_point(|at| *at < self.window.from);
        let mut run =
            Run { pass: self, life, queue, places, held: Held::default(), counts: Counts::default() };
        run.requests(0..scored);
        // Not scored: the warm-up.
        run.counts = Counts { expirations: run.counts.expirations, ..Counts::default() };
        run.requests(scored..run.pass.objects.len());
        let counts = run.finish();
        let Run { queue, places, .. } = run;
        buffers.queue = queue;
        *L::places(buffers) = places;
        counts
    }
}

/// What the cache holds, with integrals over the window.
#[derive(Debug, Default)]
struct Held {
    entries: u64,
    bytes: u64,
    entry_time: i128,
    byte_time: i128,
    dead_byte_time: u128,
    peak_entries: u64,
    peak_bytes: u64,
    requested: u64,
    hit: u64,
}

struct Run<'t, L: Life, const FIFO: bool, const BYTES: bool, const RECLAIMS: bool> {
    pass: Pass<'t, FIFO, BYTES, RECLAIMS>,
    life: L,
    queue: Queue,
    places: Vec<Place<L::Mark>>,
    held: Held,
    counts: Counts,
}

impl<L: Life, const FIFO: bool, const BYTES: bool, const RECLAIMS: bool> Run<'_, L, FIFO, BYTES, RECLAIMS> {
    fn requests(&mut self, which: std::ops::Range<usize>) {
        let (times, objects) = (self.pass.times, self.pass.objects);
        for index in which {
            if let Some(coming) = objects.get(index + AHEAD) {
                prefetch(&self.places, coming.index());
                if BYTES {
                    prefetch(self.pass.facts, coming.index());
                }
            }
            let place = u32::try_from(index + 1).expect("the trace suits");
            let asked = Asked { place, at: times[index], object: objects[index] };
            self.life.comes(asked.at);
            self.request(&asked);
        }
    }

    #[inline]
    fn request(&mut self, asked: &Asked) {
        let Place { place, mut mark } = self.places[asked.object.index()];
        let size = if BYTES { u64::from(self.pass.facts[asked.object.index()].size) } else { 0 };
        if BYTES && asked.at >= self.pass.window.from {
            self.held.requested += size;
        }
        if RECLAIMS && place == GONE {
            self.counts.expired += 1;
        } else if place < self.queue.tail() {
            self.counts.cold += u64::from(place == 0);
            self.counts.evicted += u64::from(place != 0);
        } else if self.life.lives(mark, asked.at) {
            self.counts.hits += 1;
            if BYTES && asked.at >= self.pass.window.from {
                self.held.hit += size;
            }
            if self.life.reads(&mut mark, asked) {
                self.places[asked.object.index()].mark = mark;
                self.arm(asked.object, mark);
            }
            if FIFO {
                self.queue.pass(asked.place);
            } else {
                self.queue.pass(place);
                self.places[asked.object.index()].place = asked.place;
            }
            return;
        } else {
            self.counts.expired += 1;
            if RECLAIMS {
                // It was given back at its deadline, and others before it.
                self.reclaim_until(asked.at);
            } else {
                self.queue.pass(place);
                if !BYTES {
                    // It is stored in its own stead, and there are as many as before.
                    self.counts.expirations += u64::from(asked.at >= self.pass.window.from);
                    let mark = self.life.stores(asked);
                    self.places[asked.object.index()] = Place { place: asked.place, mark };
                    return;
                }
                self.expire(size, mark, asked.at);
            }
        }
        self.store(asked, size);
    }

    #[inline]
    fn store(&mut self, asked: &Asked, size: u64) {
        if RECLAIMS {
            self.reclaim_until(asked.at);
        }
        let (weight, limit) = match self.pass.capacity {
            Capacity::Unbounded => (0, u64::MAX),
            Capacity::Objects(limit) => (1, limit),
            Capacity::Bytes(limit) => (size, limit),
        };
        if weight > limit {
            // Larger than the whole cache: served and not stored.
            self.queue.pass(asked.place);
            return;
        }
        let by_bytes = matches!(self.pass.capacity, Capacity::Bytes(_));
        let mut makes_room = false;
        while (if BYTES && by_bytes { self.held.bytes } else { self.held.entries }) > limit - weight {
            self.evict(asked.at);
            makes_room = true;
            if !BYTES {
                // One comes for the one that left.
                break;
            }
        }
        let mark = self.life.stores(asked);
        self.places[asked.object.index()] = Place { place: asked.place, mark };
        if BYTES || !makes_room {
            self.changed(size, true, asked.at);
        }
        self.note_peak(asked.at);
        self.arm(asked.object, mark);
    }

    #[inline]
    fn evict(&mut self, now: SimTime) {
        let place = self.queue.leave();
        self.counts.evictions += 1;
        if BYTES {
            let victim = self.pass.objects[place as usize - 1].index();
            // The next one's size will be wanted soon.
            if let Some(next) = self.pass.objects.get(place as usize + AHEAD) {
                prefetch(self.pass.facts, next.index());
                prefetch(&self.places, next.index());
            }
            let mark = self.places[victim].mark;
            self.leaves(u64::from(self.pass.facts[victim].size), mark, now);
        }
    }

    /// An entry leaves because it is dead.
    #[inline]
    fn expire(&mut self, size: u64, mark: L::Mark, now: SimTime) {
        self.counts.expirations += u64::from(now >= self.pass.window.from);
        self.leaves(size, mark, now);
    }

    #[inline]
    fn leaves(&mut self, size: u64, mark: L::Mark, now: SimTime) {
        self.dead_for(size, mark, now);
        self.note_peak(now);
        self.changed(size, false, now);
    }

    /// A stay is over, or seen no longer: what it was dead for.
    #[inline]
    fn dead_for(&mut self, size: u64, mark: L::Mark, now: SimTime) {
        let dead = self.pass.window.overlap(self.life.deadline(mark), now).as_nanos();
        self.held.dead_byte_time += u128::from(dead) * u128::from(size);
    }

    /// An entry came or left.
    #[inline]
    fn changed(&mut self, size: u64, came: bool, now: SimTime) {
        let rest = i128::from(self.pass.window.overlap(now, self.pass.window.until).as_nanos());
        let held = &mut self.held;
        if came {
            held.entries += 1;
            held.entry_time += rest;
        } else {
            held.entries -= 1;
            held.entry_time -= rest;
        }
        if BYTES {
            let bytes = i128::from(size);
            held.byte_time += rest * if came { bytes } else { -bytes };
            held.bytes = if came { held.bytes + size } else { held.bytes - size };
        }
    }

    #[inline]
    fn note_peak(&mut self, now: SimTime) {
        if BYTES && now >= self.pass.window.from {
            self.held.peak_bytes = self.held.peak_bytes.max(self.held.bytes);
            self.held.peak_entries = self.held.peak_entries.max(self.held.entries);
        }
    }

    #[inline]
    fn arm(&mut self, object: ObjectId, mark: L::Mark) {
        if RECLAIMS {
            let deadline = self.life.deadline(mark);
            if let Some(reclaim) = &mut self.pass.reclaim {
                reclaim.on_armed(object, deadline);
            }
        }
    }

    /// Gives back what has died before `now`, each at its deadline.
    fn reclaim_until(&mut self, now: SimTime) {
        while let Some(object) = self.pass.reclaim.as_mut().and_then(|reclaim| reclaim.due(now)) {
            let Place { place, mark } = self.places[object.index()];
            if place == GONE || place < self.queue.tail() {
                continue;
            }
            if self.life.lives(mark, now) {
                self.arm(object, mark);
                continue;
            }
            self.queue.pass(place);
            self.places[object.index()].place = GONE;
            let size = u64::from(self.pass.facts[object.index()].size);
            self.expire(size, mark, self.life.deadline(mark));
        }
    }

    /// Accounts for what is still there at the end.
    fn finish(&mut self) -> Counts {
        let end = self.pass.window.until;
        if RECLAIMS {
            self.life.comes(end);
            self.reclaim_until(end);
        }
        if BYTES {
            let mut place = self.queue.tail();
            for _ in 0..self.held.entries {
                place = self.queue.next_from(place);
                let object = self.pass.objects[place as usize - 1].index();
                let size = u64::from(self.pass.facts[object].size);
                self.dead_for(size, self.places[object].mark, end);
                place += 1;
            }
        }
        let length = self.pass.window.length().as_nanos();
        let mean = |integral: i128| if length == 0 { 0.0 } else { integral as f64 / length as f64 };
        let held = &self.held;
        let level = |integral, peak: u64, last| Level { mean: mean(integral), peak: peak.max(last), last };
        Counts {
            entries: level(held.entry_time, held.peak_entries, held.entries),
            bytes: BYTES.then(|| Bytes {
                requested: held.requested,
                hit: held.hit,
                resident: level(held.byte_time, held.peak_bytes, held.bytes),
                dead_mean: mean(held.dead_byte_time.cast_signed()),
            }),
            ..self.counts
        }
    }
}
