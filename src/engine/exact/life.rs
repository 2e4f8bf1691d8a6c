//! How long entries live, as the loop is compiled for it.

use super::queue::Queue;
use crate::strategy::ttl::{Fill, Told, Ttl};
use crate::trace::{ObjectId, Objects};
use crate::units::{SimDuration, SimTime, Window};

/// What is kept of an object: the place that counts, what tells how long its entry lives, and what the books note of it.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "a place in the trace")]
pub(super) struct Place<M, N> {
    /// 0 before the first store.
    pub(super) place: u32,
    pub(super) mark: M,
    pub(super) note: N,
}

/// Where buffers lie, so that they are made once for many plays. Of places there are those of one way of living at a
/// time.
#[derive(Debug)]
pub(super) struct Buffers<N> {
    pub(super) queue: Queue,
    unmarked: Vec<Place<(), N>>,
    by_place: Vec<Place<u32, N>>,
    by_deadline: Vec<Place<Deadline, N>>,
}

impl<N> Default for Buffers<N> {
    fn default() -> Self {
        Self { queue: Queue::default(), unmarked: Vec::new(), by_place: Vec::new(), by_deadline: Vec::new() }
    }
}

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) place: u32,
    pub(super) at: SimTime,
    pub(super) object: ObjectId,
}

/// A way of living.
pub(super) trait Life {
    /// What is kept of an entry to tell whether it lives.
    type Mark: Copy + Default;

    /// The buffer for its marks.
    fn places<N>(buffers: &mut Buffers<N>) -> &mut Vec<Place<Self::Mark, N>>;

    /// Time has come to `now`.
    fn comes(&mut self, now: SimTime);

    /// The mark of an entry that is stored now; `told` is what its fetch told, where anybody noted that.
    fn stores(&mut self, asked: &Asked, told: Option<Told>) -> Self::Mark;

    /// Whether an entry lives; the boundary is that of the cache: it is dead after its deadline, not at it.
    fn lives(&self, mark: Self::Mark, now: SimTime) -> bool;

    /// A live entry is read; whether it has another deadline now.
    fn reads(&mut self, mark: &mut Self::Mark, asked: &Asked) -> bool;

    /// From when an entry has been there, and until when it lives.
    fn stay(&self, mark: Self::Mark) -> Window;

    /// The rule that has the say, where there is one.
    fn ttl(&mut self) -> Option<&mut Ttl> {
        None
    }
}

/// Nothing dies.
pub(super) struct Forever;

impl Life for Forever {
    type Mark = ();

    fn places<N>(buffers: &mut Buffers<N>) -> &mut Vec<Place<(), N>> {
        &mut buffers.unmarked
    }

    #[inline]
    fn comes(&mut self, _: SimTime) {}

    #[inline]
    fn stores(&mut self, _: &Asked, _: Option<Told>) {}

    #[inline]
    fn lives(&self, (): (), _: SimTime) -> bool {
        true
    }

    #[inline]
    fn reads(&mut self, (): &mut (), _: &Asked) -> bool {
        false
    }

    #[inline]
    fn stay(&self, (): ()) -> Window {
        Window { from: SimTime::ZERO, until: SimTime::NEVER }
    }
}

/// One TTL for all. Entries die in the order of their stores, so a mark is the place of the store, and those
/// before `first_alive` are dead: a second tail, which time moves forward.
pub(super) struct Fixed<'t> {
    pub(super) ttl: SimDuration,
    pub(super) times: &'t [SimTime],
    /// The first place whose store would still be alive.
    pub(super) first_alive: u32,
}

impl Life for Fixed<'_> {
    type Mark = u32;

    fn places<N>(buffers: &mut Buffers<N>) -> &mut Vec<Place<u32, N>> {
        &mut buffers.by_place
    }

    #[inline]
    fn comes(&mut self, now: SimTime) {
        while self.times.get(self.first_alive as usize - 1).is_some_and(|stored| *stored + self.ttl < now) {
            self.first_alive += 1;
        }
    }

    #[inline]
    fn stores(&mut self, asked: &Asked, _: Option<Told>) -> u32 {
        asked.place
    }

    #[inline]
    fn lives(&self, stored: u32, _: SimTime) -> bool {
        stored >= self.first_alive
    }

    #[inline]
    fn reads(&mut self, _: &mut u32, _: &Asked) -> bool {
        false
    }

    #[inline]
    fn stay(&self, stored: u32) -> Window {
        let from = self.times[stored as usize - 1];
        Window { from, until: from + self.ttl }
    }
}

/// When an entry dies, and when it was stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deadline {
    until: SimTime,
    stored_at: SimTime,
}

/// A TTL by rule, asked at every store and, if it follows them, at reads.
pub(super) struct Ruled<'t> {
    pub(super) ttl: Box<Ttl>,
    pub(super) objects: &'t Objects,
}

impl Ruled<'_> {
    fn fill(&self, asked: &Asked) -> Fill {
        let fact = self.objects.fact(asked.object);
        let Asked { object, at, .. } = *asked;
        Fill { object, class: fact.class, size: fact.size, at, drawn_at: at, told: None }
    }
}

impl Life for Ruled<'_> {
    type Mark = Deadline;

    fn places<N>(buffers: &mut Buffers<N>) -> &mut Vec<Place<Deadline, N>> {
        &mut buffers.by_deadline
    }

    #[inline]
    fn comes(&mut self, _: SimTime) {}

    fn stores(&mut self, asked: &Asked, told: Option<Told>) -> Deadline {
        let fill = Fill { told, ..self.fill(asked) };
        Deadline { until: self.ttl.fresh_until(&fill), stored_at: asked.at }
    }

    #[inline]
    fn lives(&self, mark: Deadline, now: SimTime) -> bool {
        now <= mark.until
    }

    #[inline]
    fn reads(&mut self, mark: &mut Deadline, asked: &Asked) -> bool {
        if !self.ttl.follows_reads() {
            return false;
        }
        let fill = self.fill(asked);
        match self.ttl.touched(&fill, mark.stored_at, mark.until) {
            Some(until) => {
                mark.until = until;
                true
            }
            None => false,
        }
    }

    #[inline]
    fn stay(&self, mark: Deadline) -> Window {
        Window { from: mark.stored_at, until: mark.until }
    }

    #[inline]
    fn ttl(&mut self) -> Option<&mut Ttl> {
        Some(&mut self.ttl)
    }
}
