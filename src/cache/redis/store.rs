//! SET in a server: the check of memory comes first, then the lookup, then the write.

use super::{Ends, Kind, Room};
use crate::cache::{Cache, Entry, State, Stored};
use crate::trace::ObjectId;
use crate::units::SimTime;

impl Cache {
    /// Whether commands run as Redis runs them.
    pub(in crate::cache) fn runs_commands(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.runs_commands())
    }

    /// Stores a value; what the memory check evicts may be the old value itself.
    pub(in crate::cache) fn set_in_server(&mut self, object: ObjectId, entry: Entry, now: SimTime) -> Stored {
        self.make_way(object, &entry, now);
        // What the policy does not want is not sent.
        if !self.is_admitted(object, &entry, now) {
            return Stored::NotAdmitted;
        }
        let was_live = self.is_live(object, now);
        let room = self.before_set(Kind::Set, object, entry.version, entry.has_ttl(), now);
        let stored = if room == Room::None {
            Stored::OutOfMemory
        } else if was_live && !self.is_admitted(object, &entry, now) {
            Stored::NotAdmitted
        } else {
            self.write(object, entry, Ends::Replaced, now);
            Stored::Yes
        };
        self.after_command(now);
        if stored == Stored::NotAdmitted {
            return stored;
        }
        // Whether the value was refused or not, its deadline was sent with it; without one it is of no use.
        match self.set_deadline(object, entry.fresh_until, entry.expires_at, now) {
            Room::Made => stored,
            Room::None => Stored::OutOfMemory,
        }
    }

    /// Stores a value that a command has brought for which room was made.
    pub(in crate::cache) fn store_in_server(
        &mut self,
        object: ObjectId,
        entry: Entry,
        ends: Ends,
        now: SimTime,
    ) -> Stored {
        self.make_way(object, &entry, now);
        if !self.is_admitted(object, &entry, now) {
            return Stored::NotAdmitted;
        }
        self.write(object, entry, ends, now);
        Stored::Yes
    }

    /// Whether a value is there to be written over, or the policy lets one come.
    fn is_admitted(&mut self, object: ObjectId, entry: &Entry, now: SimTime) -> bool {
        self.is_live(object, now) || {
            let weight = self.weight(self.cost_of_pair(object, self.cost(object, entry), entry.expires_at));
            self.eviction.admit(object, weight)
        }
    }

    fn is_live(&self, object: ObjectId, now: SimTime) -> bool {
        let slot = &self.slots[object.index()];
        slot.state == State::Held && slot.is_live(now)
    }
}
