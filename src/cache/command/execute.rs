//! What each command does, put together from the operations of the cache.

use super::{
    Command, CommandError, ExpireOnly, Lifetime, Moment, Moves, Only, Reply, Since, Unit, WallClock,
};
use crate::cache::redis::{Ends, Kind, Look, Room};
use crate::cache::{Cache, Cause, Entry, Lookup, Stored};
use crate::origin::Version;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// When a command happens.
#[derive(Debug, Clone, Copy)]
struct Now {
    at: SimTime,
    clock: WallClock,
}

impl Now {
    fn unix_ms(self) -> i64 {
        self.clock.unix_ms(self.at)
    }
}

impl Cache {
    /// Carries one command out at an instant, which must not lie before that of an earlier one.
    ///
    /// A value that the eviction policy does not admit was never sent; the reply is that of a SET NX that
    /// found a value, [`Reply::Nil`]. No policy of Redis does that.
    pub fn execute(&mut self, command: &Command, clock: WallClock, at: SimTime) -> Reply {
        if self.is_down(at) {
            return Reply::Error(CommandError::Down);
        }
        let now = Now { at, clock };
        if let Some((key, more)) = command.words(&self.objects) {
            self.before_command(command.kind(), key, &more, at);
        }
        match command {
            Command::Set { key, value, lifetime, only, get } => {
                if self.is_out_of_reach(*key, at) {
                    return Reply::Error(CommandError::Down);
                }
                self.reclaim_due(at);
                // Before anything else is looked at, its conditions and options included.
                let room = self.before_set(command.kind(), *key, *value, *lifetime != Lifetime::Drop, at);
                let reply = match room {
                    Room::None => Reply::Error(CommandError::OutOfMemory),
                    Room::Made => self.set_if(*key, *value, lifetime, *only, *get, now),
                };
                self.after_command(at);
                reply
            }
            Command::Get(key) => value_or_nil(self.value(*key, now)),
            Command::GetEx { key, lifetime } => self.get_ex(*key, lifetime, now),
            Command::GetDel(key) => {
                let found = self.value(*key, now);
                self.take(*key, Cause::Invalidated, at);
                value_or_nil(found)
            }
            Command::Del(keys) | Command::Unlink(keys) => count(keys, |key| {
                self.look_in_tables(key, Look::Delete, at);
                self.take(key, Cause::Invalidated, at)
            }),
            Command::Exists(keys) => count(keys, |key| self.glance(key, at).is_some()),
            Command::Expire { key, until, only } => self.expire_if(*key, until, *only, now),
            Command::Ttl(key, unit) => self.tell_expiry(*key, now, |when| match unit {
                Unit::Millis => (when - now.unix_ms()).max(0),
                Unit::Seconds => in_seconds((when - now.unix_ms()).max(0)),
            }),
            Command::ExpireTime(key, unit) => self.tell_expiry(*key, now, |when| match unit {
                Unit::Millis => when,
                Unit::Seconds => in_seconds(when),
            }),
            Command::Persist(key) => {
                let has_ttl = self.look_to_write(*key, at).is_some_and(|entry| entry.expires_at != NEVER);
                if has_ttl {
                    self.arm(*key, NEVER, NEVER, at);
                } else if self.peek(*key, at).is_some() {
                    self.look_in_tables(*key, Look::NoEnd, at);
                }
                Reply::Integer(i64::from(has_ttl))
            }
        }
    }

    /// The live entry, as GET reads it.
    fn value(&mut self, key: ObjectId, now: Now) -> Option<Entry> {
        if self.is_out_of_reach(key, now.at) {
            return None;
        }
        match self.read(key, now.at) {
            Lookup::Held(entry) => Some(entry),
            Lookup::Absent(_) => None,
        }
    }

    /// A command is sent whose options make no sense: whether the server refuses it before it reads them, because it
    /// might store something and there is no room (`server.c:processCommand`).
    pub(super) fn refuses(&mut self, kind: Kind, key: ObjectId, words: &[&str], at: SimTime) -> bool {
        let room = if matches!(kind, Kind::Set | Kind::SetEx | Kind::PSetEx) {
            self.serve_clock(at);
            // What stands behind the value is an option, and options take memory.
            let room = self.before_set(kind, key, Version(0), words.len() > 3, at);
            self.after_command(at);
            room
        } else {
            let more: Vec<u64> = words[2..].iter().map(|word| word.len() as u64).collect();
            self.before_command(kind, key, &more, at)
        };
        room == Room::None && kind.takes_memory()
    }

    /// SET, for which there is room.
    fn set_if(
        &mut self,
        key: ObjectId,
        value: Version,
        lifetime: &Lifetime,
        only: Option<Only>,
        get: bool,
        now: Now,
    ) -> Reply {
        let until = match lifetime {
            Lifetime::Until(moment) => match moment.in_future(now) {
                Ok(unix_ms) => Some(unix_ms),
                Err(error) => return Reply::Error(error),
            },
            Lifetime::Drop | Lifetime::Keep => None,
        };
        let before = if get { self.value(key, now) } else { None };
        let found = self.find(key, now.at);
        let refused = match only {
            None => false,
            Some(Only::IfAbsent) => found.is_some(),
            Some(Only::IfPresent) => found.is_none(),
        };
        if refused {
            // The write touches what it has found, even if it changes nothing.
            self.look_to_write(key, now.at);
            return value_or_nil(before);
        }
        let (fresh_until, expires_at) = match (until, lifetime, found) {
            (Some(unix_ms), ..) => (now.clock.expiry(unix_ms), now.clock.expiry(unix_ms)),
            (None, Lifetime::Keep, Some(found)) => (found.fresh_until, found.expires_at),
            (None, ..) => (NEVER, NEVER),
        };
        let entry = Entry { stored_at: now.at, fresh_until, expires_at, version: value };
        let stored = if self.runs_commands() {
            let ends = if *lifetime == Lifetime::Keep { Ends::Kept } else { Ends::Replaced };
            self.store_in_server(key, entry, ends, now.at)
        } else {
            self.set(key, entry, now.at)
        };
        if let (Stored::Yes, Some(unix_ms)) = (stored, until) {
            self.far_ends.note(key, unix_ms, expires_at);
        }
        match stored {
            Stored::Yes if get => value_or_nil(before),
            Stored::Yes => Reply::Ok,
            Stored::NotAdmitted => Reply::Nil,
            Stored::TooLarge | Stored::OutOfMemory => Reply::Error(CommandError::OutOfMemory),
            Stored::Unreachable => Reply::Error(CommandError::Down),
        }
    }

    /// GETEX.
    fn get_ex(&mut self, key: ObjectId, lifetime: &Lifetime, now: Now) -> Reply {
        let Some(found) = self.value(key, now) else { return Reply::Nil };
        match lifetime {
            Lifetime::Keep => {}
            Lifetime::Drop => self.arm(key, NEVER, NEVER, now.at),
            Lifetime::Until(moment) => match moment.in_future(now) {
                Ok(unix_ms) => self.expire_at(key, unix_ms, now),
                Err(error) => return Reply::Error(error),
            },
        }
        Reply::Value(found.version)
    }

    /// EXPIRE.
    fn expire_if(&mut self, key: ObjectId, until: &Moment, only: ExpireOnly, now: Now) -> Reply {
        let unix_ms = match until.unix_ms(now) {
            Ok(unix_ms) => unix_ms,
            Err(error) => return Reply::Error(error),
        };
        let Some(found) = self.look_to_write(key, now.at) else { return Reply::Integer(0) };
        if only != ExpireOnly::default() {
            self.look_in_tables(key, Look::End, now.at);
        }
        let ends = found.expires_at != NEVER;
        let current = ends.then(|| self.far_ends.unix_ms(key, found.expires_at, now.clock));
        let holds = match current {
            None => !only.with_ttl && only.moves != Some(Moves::Later),
            Some(_) if only.without_ttl => false,
            Some(current) => match only.moves {
                None => true,
                Some(Moves::Later) => unix_ms > current,
                Some(Moves::Earlier) => unix_ms < current,
            },
        };
        if holds {
            self.expire_at(key, unix_ms, now);
        }
        Reply::Integer(i64::from(holds))
    }

    /// Moves the end of a key's life; one that is not in the future deletes it, and counts as no expiry.
    fn expire_at(&mut self, key: ObjectId, unix_ms: i64, now: Now) {
        if unix_ms <= now.unix_ms() {
            self.take(key, Cause::Invalidated, now.at);
        } else {
            let end = now.clock.expiry(unix_ms);
            self.arm(key, end, end, now.at);
            self.far_ends.note(key, unix_ms, end);
        }
    }

    /// TTL and its kin: -2 without a key, -1 without a TTL, else what `tell` makes of its end.
    fn tell_expiry(&mut self, key: ObjectId, now: Now, tell: impl FnOnce(i64) -> i64) -> Reply {
        let found = self.glance(key, now.at);
        if found.is_some() {
            self.look_in_tables(key, Look::End, now.at);
        }
        Reply::Integer(match found {
            None => -2,
            Some(entry) if entry.expires_at == NEVER => -1,
            Some(entry) => tell(self.far_ends.unix_ms(key, entry.expires_at, now.clock)),
        })
    }
}

const NEVER: SimTime = SimTime::NEVER;

impl Moment {
    /// In milliseconds since 1970.
    fn unix_ms(&self, now: Now) -> Result<i64, CommandError> {
        let amount = self.amount.clone()?;
        let millis = match self.unit {
            Unit::Seconds => amount.checked_mul(1_000),
            Unit::Millis => Some(amount),
        };
        let unix_ms = match self.since {
            Since::Now => millis.and_then(|millis| millis.checked_add(now.unix_ms())),
            Since::Epoch => millis,
        };
        unix_ms.ok_or(CommandError::ExpireTime(self.command))
    }

    /// The same, of a number that must be positive. An absolute one may still lie in the past.
    fn in_future(&self, now: Now) -> Result<i64, CommandError> {
        match self.amount {
            Ok(amount) if amount <= 0 => Err(CommandError::ExpireTime(self.command)),
            _ => self.unix_ms(now),
        }
    }
}

/// Milliseconds to the nearest second, half a second upwards.
fn in_seconds(millis: i64) -> i64 {
    millis / 1_000 + i64::from(millis % 1_000 >= 500)
}

fn value_or_nil(found: Option<Entry>) -> Reply {
    found.map_or(Reply::Nil, |entry| Reply::Value(entry.version))
}

/// Of how many keys something holds.
fn count(keys: &[ObjectId], mut holds: impl FnMut(ObjectId) -> bool) -> Reply {
    let count = keys.iter().filter(|key| holds(**key)).count();
    Reply::Integer(i64::try_from(count).expect("a command has fewer than 2^63 words"))
}
