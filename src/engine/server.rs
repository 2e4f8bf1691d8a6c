//! What happens to the cache's server while requests go on.
//!
//! The loss of a shard does the same to the keys of its slots alone; locks are taken to lie beside the keys that they guard,
//! and the set of a sweep elsewhere.
//!
//! While it is down, the application notices at once and goes to the origin for everything; nothing
//! is stored. A guard that keeps its locks in the cache lets everybody fetch, errors are not
//! remembered, a key that the application deletes stays, and a sweep waits until the server is back. What is in flight goes on, and whatever
//! ends after the server is back is stored as usual.

use super::{Event, Run};
use crate::cache::{Happening, Persistence};
use crate::metrics::Observer;
use crate::trace::ObjectId;
use crate::units::SimTime;

impl<O: Observer> Run<'_, O> {
    /// Schedules all that will happen to the server.
    pub(super) fn schedule_server_events(&mut self) {
        for (place, event) in self.server_events.iter().enumerate() {
            self.queue.push(event.at, Event::Server(place));
            if matches!(event.what, Happening::Restart(_) | Happening::ShardLoss(_)) {
                self.queue.push(event.until(), Event::Back(place));
            }
        }
    }

    /// Something happens to the server.
    pub(super) fn server_event(&mut self, now: SimTime, place: usize) {
        match self.server_events[place].what {
            Happening::Flush => {
                self.cache.flush(now);
                self.forget_what_was_kept(now);
            }
            Happening::Restart(restart) => {
                self.cache.shut_down(restart, now);
                if restart.persistence == Persistence::None {
                    self.forget_what_was_kept(now);
                }
            }
            Happening::ShardLoss(loss) => {
                // Locks, and errors that are remembered, lie beside the keys that they are of.
                let keys = self.cache.lose_shard(loss, now);
                let lost = |object: ObjectId| keys.get(object.index()) == Some(&true);
                self.strategy.guard.forget(&lost);
                self.negative.retain(|object, _| !lost(*object));
            }
            Happening::Limit(capacity) => self.cache.set_limit(capacity, now),
        }
    }

    /// The server is back.
    pub(super) fn server_is_back(&mut self, now: SimTime, place: usize) {
        match self.server_events[place].what {
            Happening::Restart(restart) => self.cache.come_back(restart, now),
            Happening::ShardLoss(_) => self.cache.shard_is_back(),
            Happening::Flush | Happening::Limit(_) => {}
        }
    }

    /// Locks, remembered errors and the sweep's set are keys too, and are gone with the others.
    fn forget_what_was_kept(&mut self, now: SimTime) {
        self.strategy.guard.forget(&|_| true);
        self.negative.clear();
        if let Some(sweep) = &mut self.strategy.sweep {
            sweep.forget();
            self.cache.keep_sorted_set(0, now);
        }
    }
}
