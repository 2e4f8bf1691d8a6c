//! Where the deadline lies after which a copy is stale: inside its value, in the key's own TTL, or in a second key.
//!
//! What lies inside a value the ledger keeps. The other two are asked of the server, together with the key.

use std::time::Duration;

use redis::{Cmd, Value};

use super::super::link::{Fault, Written, bytes, fill_of, millis, set_command, written};
use super::Player;
use super::keys::Keys;
use crate::cache::Entry;
use crate::metrics::{Command, Observer};
use crate::strategy::SoftExpiry;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// What PTTL says of a key that is not there.
const GONE: i64 = -2;
/// And of one that has no TTL.
const ENDLESS: i64 = -1;

/// A deadline as a second key holds it.
fn encoded(at: SimTime) -> [u8; 8] {
    at.as_nanos().to_be_bytes()
}

fn decoded(held: &[u8]) -> Option<SimTime> {
    held.try_into().ok().map(|held| SimTime::from_nanos(u64::from_be_bytes(held)))
}

/// The deadline of a copy whose key lives so much longer from `now` on: as far before the key's own end as the
/// copy that was `written` has it.
fn less_the_window(written: &Entry, now: SimTime, left: SimDuration) -> SimTime {
    let window = written.expires_at.since(written.fresh_until);
    SimTime::ZERO + (now + left).since(SimTime::ZERO + window)
}

impl Player {
    /// GET: the copy that the server holds.
    pub(super) async fn copy(&self, object: ObjectId) -> Result<Option<Entry>, Fault> {
        let key = self.key(object);
        let (value, told) = match self.deadline_question(&key) {
            None => (self.link.get(key.as_bytes()).await?, None),
            Some(question) => {
                let mut get = Cmd::new();
                get.arg(b"GET").arg(&key);
                let [value, told] = self.link.send_both(&get, &question).await;
                (bytes("GET", value?)?, Some(told?))
            }
        };
        let entry = value.and_then(|value| self.state().ledger.copy(object, fill_of(&value)));
        self.dated(entry, told)
    }

    /// EXISTS, as a job asks before it fetches: the copy that the server still holds. Nobody tells an application
    /// what was evicted. It fetches whatever the deadline is, so that it asks for none.
    pub(super) async fn still_there(&self, object: ObjectId) -> Result<Option<Entry>, Fault> {
        let mut exists = Cmd::new();
        exists.arg(b"EXISTS").arg(self.key(object));
        let count = self.link.number("EXISTS", &exists).await?;
        let now = self.now();
        let mut state = self.state();
        state.recorder.sent(now, Command::Look, 1);
        Ok(state.ledger.latest(object, now).filter(|_| count > 0))
    }

    /// What is asked of the server together with a key, where its deadline lies neither there nor in the value.
    fn deadline_question(&self, key: &str) -> Option<Cmd> {
        let mut question = Cmd::new();
        match self.deadlines? {
            SoftExpiry::Envelope => return None,
            SoftExpiry::Pttl => question.arg(b"PTTL").arg(key),
            SoftExpiry::Sidecar => question.arg(b"GET").arg(self.second_key(key)?),
        };
        Some(question)
    }

    /// A copy with the deadline that was told beside it; `None` where that is gone, as nobody knows then whether the
    /// value is fresh.
    fn dated(&self, entry: Option<Entry>, told: Option<Value>) -> Result<Option<Entry>, Fault> {
        let (Some(entry), Some(told)) = (entry, told) else { return Ok(entry) };
        let fresh_until = match told {
            Value::Int(GONE) | Value::Nil => return Ok(None),
            Value::Int(ENDLESS) => SimTime::NEVER,
            Value::Int(left) => {
                let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
                less_the_window(&entry, self.now(), self.clock.virtual_span(left))
            }
            Value::BulkString(held) => {
                let Some(at) = decoded(&held) else {
                    self.state().ledger.note_strange();
                    return Ok(None);
                };
                at
            }
            other => return Err(Fault::strange("a question for a deadline", &other)),
        };
        Ok(Some(Entry { fresh_until, ..entry }))
    }

    /// SET of a value, and of the second key with its deadline where there is one: what became of each.
    pub(super) async fn set_value(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
        fresh_until: SimTime,
    ) -> Result<[Written; 2], Fault> {
        let Some(second) = self.second_set(key, fresh_until, ttl) else {
            return Ok([self.link.set(key.as_bytes(), value, ttl).await?, Written::Yes]);
        };
        let set = set_command(key.as_bytes(), value, ttl);
        let [first, second] = self.link.send_both(&set, &second).await;
        Ok([written("SET", first)?, written("SET", second)?])
    }

    /// PEXPIRE of a key, or PERSIST where it has no end, with the new deadline in its second key: what became of the
    /// first.
    pub(super) async fn set_ttl(
        &self,
        key: &str,
        ttl: Option<Duration>,
        fresh_until: SimTime,
    ) -> Result<Written, Fault> {
        let Some(mut second) = self.second_set(key, fresh_until, ttl) else {
            return match ttl {
                Some(ttl) => self.link.expire(key.as_bytes(), ttl).await,
                None => self.link.persist(key.as_bytes()).await,
            };
        };
        // Where its key is gone a deadline is of no use.
        second.arg(b"XX");
        let mut expire = Cmd::new();
        match ttl {
            Some(ttl) => expire.arg(b"PEXPIRE").arg(key).arg(millis(ttl)),
            None => expire.arg(b"PERSIST").arg(key),
        };
        let [first, second] = self.link.send_both(&expire, &second).await;
        written("SET XX", second)?;
        written("PEXPIRE", first)
    }

    /// SET of the second key of a key, where there is one.
    fn second_set(&self, key: &str, fresh_until: SimTime, ttl: Option<Duration>) -> Option<Cmd> {
        let second = self.second_key(key)?;
        Some(set_command(second.as_bytes(), &encoded(fresh_until), ttl))
    }

    /// The keys that the server holds of an object: its own, and the one beside it where there is one.
    pub(super) fn keys_of(&self, object: ObjectId) -> Vec<String> {
        let key = self.key(object);
        let second = self.second_key(&key);
        std::iter::once(key).chain(second).collect()
    }

    /// The key beside a key, where deadlines are kept in one.
    pub(super) fn second_key(&self, key: &str) -> Option<String> {
        (self.deadlines == Some(SoftExpiry::Sidecar)).then(|| Keys::second(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Version;

    #[test]
    fn a_deadline_lies_as_far_before_the_keys_end_as_it_was_written() {
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        let written =
            Entry { stored_at: at(1), fresh_until: at(5), expires_at: at(9), version: Version::default() };
        let deadline = |now, left| less_the_window(&written, at(now), SimDuration::from_secs(left));
        assert_eq!((deadline(2, 7), deadline(8, 1)), (at(5), at(5)), "nobody moved the key's end");
        assert_eq!(deadline(8, 10), at(14), "somebody did");
        assert_eq!(deadline(1, 2), at(0), "it has been over since before the run");
    }

    #[test]
    fn a_deadline_is_eight_bytes_that_are_no_number_to_a_server() {
        for nanos in [0, 1, 5_000_000_000, 31_536_000_000_000_000] {
            let at = SimTime::from_nanos(nanos);
            assert_eq!(decoded(&encoded(at)), Some(at));
            assert!(encoded(at).iter().any(|byte| !byte.is_ascii_digit()));
        }
        assert_eq!((decoded(b"1234567"), decoded(b"123456789")), (None, None));
    }
}
