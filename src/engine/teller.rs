//! What is told of fetches and outcomes, whichever way a run is played.

use super::Arrival;
use crate::metrics::{Asked, Observer, Outcome, OutcomeKind, Regeneration, Served};
use crate::origin::{Answer, Ask, Fetch, Origin, Version};
use crate::strategy::ttl::{Seen, Told, Ttl};
use crate::trace::{ObjectId, Objects};
use crate::units::{SimDuration, SimTime};

/// Those who know of a request and those who want to.
pub(super) struct Teller<'r, O> {
    pub(super) observer: &'r mut O,
    pub(super) origin: &'r mut Origin,
    pub(super) objects: &'r Objects,
}

impl<O: Observer> Teller<'_, O> {
    /// A request leads a fetch that the origin [takes up at once](Origin::always_answers_at_once); `in_flight` counts it too.
    #[inline]
    pub(super) fn ask(&mut self, leader: Arrival, in_flight: u64) -> Fetch {
        let Arrival { index, at, object } = leader;
        let class = self.objects.class(object);
        self.observer.asked(&Asked { object, class, at, background: false, overlaps: false, in_flight });
        self.origin.ask_at_once(Ask { object, at, request: index, patience: None, validates: None })
    }

    /// Such a fetch is over, for which `joined` requests waited beside its leader.
    #[inline]
    pub(super) fn over(&mut self, leader: Arrival, trigger: OutcomeKind, fetch: Fetch, joined: u64) {
        let Arrival { object, at: start, .. } = leader;
        self.observer.regenerated(&Regeneration {
            object,
            start,
            end: fetch.done,
            size: 1,
            peak_waiters: 1 + joined,
            wasted: SimDuration::ZERO,
            trigger,
        });
        let bytes = self.objects.size_of(object, fetch.version.0);
        self.observer.served(&Served { object, bytes, fetch });
    }

    /// What an answer of the origin tells about itself, as far as it is read.
    pub(super) fn told(&mut self, ttl: &Ttl, object: ObjectId, fetch: &Fetch) -> Told {
        let wanted = ttl.wants_last_modified();
        Told {
            fetch_time: fetch.done.since(fetch.asked),
            dated: fetch.started,
            version: fetch.version,
            last_modified: if wanted { self.origin.last_modified(object, fetch.version) } else { None },
            confirms: fetch.answer == Answer::Unchanged,
        }
    }

    /// A request has its outcome; `ttl` is shown it if it wants that.
    #[expect(clippy::inline_always, reason = "of a known kind, half of it is known when it is compiled")]
    #[inline(always)]
    pub(super) fn answered(
        &mut self,
        ttl: Option<&mut Ttl>,
        arrival: Arrival,
        now: SimTime,
        kind: OutcomeKind,
        version: Option<Version>,
    ) {
        let Arrival { index, at, object } = arrival;
        let outdated = version.and_then(|version| self.origin.outdated_since(object, version, now));
        let objects = self.objects;
        let class = objects.class(object);
        let size = match version {
            Some(version) => objects.size_of(object, version.0),
            // Who gets nothing has asked for what there is now.
            None if objects.are_resized() => objects.size_of(object, self.origin.version(object, now).0),
            None => objects.size(object),
        };
        #[expect(clippy::cast_possible_truncation, reason = "documented as the place modulo 2^32")]
        let request = index as u32;
        self.observer.observe(&Outcome {
            at,
            wait: now.since(at),
            request,
            object,
            size,
            class,
            kind,
            stale_for: outdated.map(|since| now.since(since)),
        });
        if let Some(ttl) = ttl.filter(|ttl| ttl.wants_requests()) {
            let request = Seen { at: now, object, class, size, saw: kind.seen() };
            ttl.on_request(&request);
        }
    }
}
