//! SET in a server: the check of memory comes first, then the lookup, then the write.

use super::room::Room;
use crate::cache::{Cache, Entry, State, Stored};
use crate::origin::Version;
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
        let weight = self.weight(self.cost(object, &entry));
        let mut admitted = self.is_live(object, now);
        if !admitted {
            admitted = self.eviction.admit(object, weight);
            if !admitted {
                return Stored::NotAdmitted;
            }
        }
        let was_live = self.is_live(object, now);
        let room = self.before_set(object, entry.version, entry.has_ttl(), now);
        let stored = if room == Room::None {
            Stored::OutOfMemory
        } else if was_live && !self.is_live(object, now) && !self.eviction.admit(object, weight) {
            Stored::NotAdmitted
        } else {
            self.write(object, entry, now);
            Stored::Yes
        };
        self.after_command(now);
        stored
    }

    /// Whether the check of memory refuses a SET before anything else is looked at, its conditions included; commands
    /// write the first version of an object.
    pub(in crate::cache) fn refuses_set(&mut self, object: ObjectId, has_ttl: bool, now: SimTime) -> bool {
        if !self.runs_commands() {
            return false;
        }
        let refuses = self.before_set(object, Version(0), has_ttl, now) == Room::None;
        self.after_command(now);
        refuses
    }

    fn is_live(&self, object: ObjectId, now: SimTime) -> bool {
        let slot = &self.slots[object.index()];
        slot.state == State::Held && slot.is_live(now)
    }
}
