//! One cache over a trace, in one pass.

use std::ops::Range;

use super::books::{Books, Stay, Tally};
use super::life::{Asked, Buffers, Fixed, Forever, Life, Place, Ruled};
use super::queue::Queue;
use super::spare::refilled;
use super::{Counts, Detail, Lifetime, Order, Play, suits};
use crate::cache::reclaim::Reclaim;
use crate::cache::{Capacity, Cause, Stored};
use crate::trace::prefetch::{AHEAD, prefetch};
use crate::trace::{Fact, ObjectId, Trace};
use crate::units::SimTime;

/// The place of an object whose entry was given back when its TTL ran out.
const GONE: u32 = u32::MAX;

/// Plays one cache after the other; what it needs for that is allocated once, by the longest trace, as long as entries
/// live by rules of one kind.
#[derive(Debug, Default)]
pub struct Player {
    buffers: Buffers<()>,
}

impl Player {
    /// Plays a cache from the first request to the last.
    ///
    /// # Panics
    /// If the trace does not [suit](suits).
    pub fn play(&mut self, play: Play<'_>) -> Counts {
        let counts_bytes = play.detail == Detail::Bytes || matches!(play.capacity, Capacity::Bytes(_));
        // A reclaim tells of every entry that it gives back.
        if counts_bytes || play.reclaim.is_some() {
            self.tally::<true>(play)
        } else {
            self.tally::<false>(play)
        }
    }

    fn tally<const BYTES: bool>(&mut self, play: Play<'_>) -> Counts {
        let Play { trace, window, order, capacity, lifetime, reclaim, .. } = play;
        assert!(suits(trace), "the trace has places");
        let warmup = trace.times().partition_point(|at| *at < window.from);
        let legs = [0..warmup, warmup..trace.len()];
        let cached = Cached { trace, end: window.until, order, capacity, lifetime, reclaim };
        let tally = cached.play(&mut self.buffers, Tally::<BYTES>::new(window, warmup), legs.into_iter());
        tally.map(Tally::finish).unwrap_or_default()
    }
}

/// A cache over a trace, whoever writes down what happens.
pub(super) struct Cached<'t> {
    pub(super) trace: &'t Trace,
    /// When the run ends.
    pub(super) end: SimTime,
    pub(super) order: Order,
    pub(super) capacity: Capacity,
    pub(super) lifetime: Lifetime,
    pub(super) reclaim: Option<Box<dyn Reclaim>>,
}

impl Cached<'_> {
    /// Plays it over consecutive stretches of the requests; `None` if the books broke it off.
    pub(super) fn play<B: Books>(
        self,
        buffers: &mut Buffers<B::Note>,
        books: B,
        legs: impl Iterator<Item = Range<usize>>,
    ) -> Option<B> {
        match (self.order, self.reclaim.is_some()) {
            (Order::Lru, false) => self.ordered::<B, false, false>(buffers, books, legs),
            (Order::Lru, true) => self.ordered::<B, false, true>(buffers, books, legs),
            (Order::Fifo, false) => self.ordered::<B, true, false>(buffers, books, legs),
            (Order::Fifo, true) => self.ordered::<B, true, true>(buffers, books, legs),
        }
    }

    fn ordered<B: Books, const FIFO: bool, const RECLAIMS: bool>(
        self,
        buffers: &mut Buffers<B::Note>,
        books: B,
        legs: impl Iterator<Item = Range<usize>>,
    ) -> Option<B> {
        let Cached { trace, end, capacity, lifetime, reclaim, .. } = self;
        let (times, objects) = (trace.times(), trace.objects());
        let ids = trace.object_ids();
        let pass =
            Pass::<FIFO, RECLAIMS> { times, objects: ids, facts: objects.facts(), end, capacity, reclaim };
        match lifetime {
            Lifetime::Forever => pass.play(buffers, Forever, books, legs),
            Lifetime::Fixed(ttl) => pass.play(buffers, Fixed { ttl, times, first_alive: 1 }, books, legs),
            Lifetime::Ruled(ttl) => pass.play(buffers, Ruled { ttl, objects }, books, legs),
        }
    }
}

/// What a pass reads.
struct Pass<'t, const FIFO: bool, const RECLAIMS: bool> {
    times: &'t [SimTime],
    objects: &'t [ObjectId],
    facts: &'t [Fact],
    end: SimTime,
    capacity: Capacity,
    reclaim: Option<Box<dyn Reclaim>>,
}

impl<const FIFO: bool, const RECLAIMS: bool> Pass<'_, FIFO, RECLAIMS> {
    fn play<L: Life, B: Books>(
        self,
        buffers: &mut Buffers<B::Note>,
        life: L,
        books: B,
        mut legs: impl Iterator<Item = Range<usize>>,
    ) -> Option<B> {
        let mut queue = std::mem::take(&mut buffers.queue);
        queue.reset(self.objects.len());
        let places = std::mem::take(L::places(buffers));
        // Those of another way of living go, so that nobody holds more than one play needs.
        *buffers = Buffers::default();
        let places = refilled(places, self.facts.len(), Place::default());
        let mut run = Run { pass: self, life, books, queue, places };
        let is_whole = legs.all(|leg| {
            let passed = leg.end;
            run.requests(leg);
            run.books.passed(passed).is_continue()
        });
        if is_whole {
            run.finish();
        }
        let Run { queue, places, books, .. } = run;
        buffers.queue = queue;
        *L::places(buffers) = places;
        is_whole.then_some(books)
    }
}

struct Run<'t, L: Life, B: Books, const FIFO: bool, const RECLAIMS: bool> {
    pass: Pass<'t, FIFO, RECLAIMS>,
    life: L,
    books: B,
    queue: Queue,
    places: Vec<Place<L::Mark, B::Note>>,
}

impl<L: Life, B: Books, const FIFO: bool, const RECLAIMS: bool> Run<'_, L, B, FIFO, RECLAIMS> {
    fn requests(&mut self, which: Range<usize>) {
        let (times, objects) = (self.pass.times, self.pass.objects);
        for index in which {
            if let Some(coming) = objects.get(index + AHEAD) {
                prefetch(&self.places, coming.index());
                if B::ALL {
                    prefetch(self.pass.facts, coming.index());
                }
                self.books.prefetch(*coming);
            }
            let place = u32::try_from(index + 1).expect("the trace suits");
            let asked = Asked { place, at: times[index], object: objects[index] };
            self.life.comes(asked.at);
            self.request(&asked);
        }
    }

    #[inline]
    fn request(&mut self, asked: &Asked) {
        let object = asked.object.index();
        let Place { place, mut mark, note } = self.places[object];
        let size = if B::ALL { self.pass.facts[object].size } else { 0 };
        let cause = if RECLAIMS && place == GONE {
            Cause::Expired
        } else if place < self.queue.tail() {
            if place == 0 { Cause::Cold } else { Cause::Evicted }
        } else if self.life.lives(mark, asked.at) {
            let touched = self.life.reads(&mut mark, asked);
            if touched {
                self.places[object].mark = mark;
                self.arm(asked.object, mark);
            }
            if FIFO {
                self.queue.pass(asked.place);
            } else {
                self.queue.pass(place);
                self.places[object].place = asked.place;
            }
            return self.books.hit(asked, size, note, touched, self.life.ttl());
        } else {
            if RECLAIMS {
                // It was given back at its deadline, and others before it.
                self.reclaim_until(asked.at);
            } else {
                self.queue.pass(place);
                self.books.left(Cause::Expired, asked.at, || (size, self.life.stay(mark)));
            }
            Cause::Expired
        };
        let fetched = self.books.fetches(asked, size, cause);
        let told = self.books.told(asked, fetched, self.life.ttl());
        let mark = self.life.stores(asked, told);
        let entry = Place { place: asked.place, mark, note: B::note(fetched) };
        let stored = if !B::ALL && !RECLAIMS && cause == Cause::Expired {
            // It is stored in its own stead, and there are as many as before.
            self.places[object] = entry;
            Stored::Yes
        } else {
            self.store(asked, size, entry)
        };
        self.books.missed(asked, cause, fetched, stored, self.life.ttl());
    }

    #[inline]
    fn store(&mut self, asked: &Asked, size: u32, entry: Place<L::Mark, B::Note>) -> Stored {
        if RECLAIMS {
            self.reclaim_until(asked.at);
        }
        let (weight, limit) = match self.pass.capacity {
            Capacity::Unbounded => (0, u64::MAX),
            Capacity::Objects(limit) => (1, limit),
            Capacity::Bytes(limit) => (u64::from(size), limit),
        };
        if weight > limit {
            // Larger than the whole cache: served and not stored.
            self.queue.pass(asked.place);
            return Stored::TooLarge;
        }
        let by_bytes = B::ALL && matches!(self.pass.capacity, Capacity::Bytes(_));
        let mut makes_room = false;
        while (if by_bytes { self.books.bytes() } else { self.books.entries() }) > limit - weight {
            self.evict(asked.at);
            makes_room = true;
            if !B::ALL {
                // One comes for the one that left.
                break;
            }
        }
        self.places[asked.object.index()] = entry;
        if B::ALL || !makes_room {
            self.books.came(size, asked.at);
        }
        self.arm(asked.object, entry.mark);
        Stored::Yes
    }

    #[inline]
    fn evict(&mut self, now: SimTime) {
        let place = self.queue.leave();
        let Self { pass, places, life, books, .. } = self;
        if B::ALL
            && let Some(next) = pass.objects.get(place as usize + AHEAD)
        {
            // The next one's size will be wanted soon.
            prefetch(pass.facts, next.index());
            prefetch(places, next.index());
        }
        books.left(Cause::Evicted, now, || stay(pass, places, life, place));
    }

    #[inline]
    fn arm(&mut self, object: ObjectId, mark: L::Mark) {
        if RECLAIMS {
            let deadline = self.life.stay(mark).until;
            if let Some(reclaim) = &mut self.pass.reclaim {
                reclaim.on_armed(object, deadline);
            }
        }
    }

    /// Gives back what has died before `now`, each at its deadline.
    fn reclaim_until(&mut self, now: SimTime) {
        while let Some(object) = self.pass.reclaim.as_mut().and_then(|reclaim| reclaim.due(now)) {
            let Place { place, mark, .. } = self.places[object.index()];
            if place == GONE || place < self.queue.tail() {
                continue;
            }
            if self.life.lives(mark, now) {
                self.arm(object, mark);
                continue;
            }
            self.queue.pass(place);
            self.places[object.index()].place = GONE;
            let stay = self.life.stay(mark);
            let size = self.pass.facts[object.index()].size;
            self.books.left(Cause::Expired, stay.until, || (size, stay));
        }
    }

    /// Accounts for what is still there at the end.
    fn finish(&mut self) {
        let end = self.pass.end;
        if RECLAIMS {
            self.life.comes(end);
            self.reclaim_until(end);
        }
        let Self { pass, life, books, queue, places } = self;
        if B::ALL {
            let mut place = queue.tail();
            for _ in 0..books.entries() {
                place = queue.next_from(place);
                let held = stay(pass, places, life, place);
                books.still_held(held, end);
                place += 1;
            }
        }
        books.ended(end, life.ttl());
    }
}

/// The entry that stands at a place.
#[inline]
fn stay<L: Life, N, const FIFO: bool, const RECLAIMS: bool>(
    pass: &Pass<'_, FIFO, RECLAIMS>,
    places: &[Place<L::Mark, N>],
    life: &L,
    place: u32,
) -> Stay {
    let object = pass.objects[place as usize - 1].index();
    (pass.facts[object].size, life.stay(places[object].mark))
}
