//! The commands of a Redis server that concern one string key and its TTL.
//!
//! They are the cache's public interface: each is put together from the same few operations of
//! [`Cache`](super::Cache) that the engine's cache-aside uses ([`get`](super::Cache::get),
//! [`set`](super::Cache::set), [`expire`](super::Cache::expire), [`delete`](super::Cache::delete)), so that what is proven of commands holds for
//! simulations. Replies, rounding, error texts and what counts as a hit or as an expired key are those
//! of Redis 7.0, held against a live server in `tests/live`.
//!
//! A command is typed: keys are objects of the trace, a value is the version that a fetch brought. What a
//! value weighs is the size of its object, whatever its text. [`Names`] reads commands from words and
//! gives values their text back, [`Connection`] does both, and [`WallClock`] says which Unix
//! millisecond an instant of the run is: commands know no finer time.
//!
//! ```
//! # use std::sync::Arc;
//! # use ttlab::cache::eviction::EVICTIONS;
//! # use ttlab::cache::memory::MEMORIES;
//! # use ttlab::cache::reclaim::RECLAIMS;
//! # use ttlab::cache::{Cache, Capacity, Residency, Setup};
//! # use ttlab::trace::{ClassId, Fact, Keys, Objects, Trace};
//! # use ttlab::units::Window;
//! use ttlab::cache::command::{Connection, Reply, WallClock};
//! use ttlab::units::{SimDuration, SimTime};
//!
//! # fn cache(key: &str) -> Cache {
//! #     let mut keys = Keys::recorded();
//! #     keys.push(key);
//! #     let fact = Fact { size: 20_000, class: ClassId::default(), size_is_imputed: false };
//! #     let objects = Objects::new(vec![fact], keys, vec!["image".to_owned()]);
//! #     let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
//! #     let objects = trace.shared_objects();
//! #     let setup = Setup { objects: 1, capacity: Capacity::Unbounded, trace };
//! #     let window = Window { from: SimTime::ZERO, until: SimTime::NEVER };
//! #     Cache::new(
//! #         objects,
//! #         Capacity::Unbounded,
//! #         EVICTIONS.default_choice("lru").make(&setup).unwrap(),
//! #         RECLAIMS.default_choice("lazy").make(&setup).unwrap(),
//! #         MEMORIES.default_choice("payload").make(&setup).unwrap(),
//! #         Residency::new(window, SimDuration::FOREVER),
//! #     )
//! # }
//! // The run begins at 1.7e12 ms of Unix time; a cache for the one image of a trace.
//! let mut redis = Connection::new(cache("cat.jpg"), WallClock::starting_at(1_700_000_000_000));
//! let after = |millis| SimTime::ZERO + SimDuration::from_millis(millis);
//!
//! assert_eq!(redis.send(&["SET", "cat.jpg", "v1", "EX", "10"], after(0)), Reply::Ok);
//! assert_eq!(redis.send(&["SET", "cat.jpg", "v2", "NX"], after(1)), Reply::Nil);
//! // Redis rounds to the nearest second.
//! assert_eq!(redis.send(&["TTL", "cat.jpg"], after(8_501)), Reply::Integer(1));
//! assert_eq!(redis.send(&["PEXPIRETIME", "cat.jpg"], after(8_501)), Reply::Integer(1_700_000_010_000));
//! // It is still served at the instant of its expiry, and gone a millisecond later.
//! assert_eq!(redis.send(&["GET", "cat.jpg"], after(10_000)).to_string(), "\"v1\"");
//! assert_eq!(redis.send(&["GET", "cat.jpg"], after(10_001)), Reply::Nil);
//! assert_eq!(redis.cache().stats().expired_keys, 1);
//!
//! let refused = redis.send(&["SET", "cat.jpg", "v3", "EX", "0"], after(10_001));
//! assert_eq!(refused.to_string(), "(error) ERR invalid expire time in 'set' command");
//! ```

mod clock;
mod connection;
mod execute;
mod far;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use clock::WallClock;
pub use connection::{Connection, Names};
pub(super) use far::{END, FarEnds};
use thiserror::Error;

use crate::origin::Version;
use crate::trace::ObjectId;

/// A command, with everything that it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `SET key value [NX | XX] [GET] [EX | PX | EXAT | PXAT time | KEEPTTL]`, SETEX and PSETEX.
    Set {
        /// What is stored.
        key: ObjectId,
        /// Its value.
        value: Version,
        /// What becomes of the TTL: dropped, unless the command says otherwise.
        lifetime: Lifetime,
        /// Whether there must be a value, or must be none.
        only: Option<Only>,
        /// Whether the reply is the value before.
        get: bool,
    },
    /// `GET key`.
    Get(ObjectId),
    /// `GETEX key [EX | PX | EXAT | PXAT time | PERSIST]`: reads, and moves the TTL; it is kept,
    /// unless the command says otherwise.
    GetEx {
        /// What is read.
        key: ObjectId,
        /// What becomes of the TTL.
        lifetime: Lifetime,
    },
    /// `GETDEL key`.
    GetDel(ObjectId),
    /// `DEL key [key ...]`.
    Del(Vec<ObjectId>),
    /// `UNLINK key [key ...]`, which differs from DEL only in who gives the memory back.
    Unlink(Vec<ObjectId>),
    /// `EXISTS key [key ...]`: how many of them there are, a key that stands twice counting twice.
    Exists(Vec<ObjectId>),
    /// `EXPIRE key time [NX | XX | GT | LT]`, PEXPIRE, EXPIREAT and PEXPIREAT.
    Expire {
        /// Whose TTL is set.
        key: ObjectId,
        /// When it shall end; an end that is not in the future deletes the key.
        until: Moment,
        /// Under which conditions.
        only: ExpireOnly,
    },
    /// TTL and PTTL: what is left; -1 without a TTL, -2 without a key.
    Ttl(ObjectId, Unit),
    /// EXPIRETIME and PEXPIRETIME: when it ends, in Unix time; -1 and -2 as above.
    ExpireTime(ObjectId, Unit),
    /// `PERSIST key`: drops the TTL.
    Persist(ObjectId),
}

/// What becomes of the TTL of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifetime {
    /// It has none from now on.
    Drop,
    /// It stays as it is.
    Keep,
    /// It ends then.
    Until(Moment),
}

/// A moment as it is written in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The number, or why there is none. Redis judges it only when it is needed: GETEX finds a missing
    /// key before it finds a wrong number.
    pub amount: Result<i64, CommandError>,
    /// What it counts.
    pub unit: Unit,
    /// From when on.
    pub since: Since,
    /// The command, as errors name it.
    pub command: &'static str,
}

/// In what times are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
}

/// From when on times are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From the command on: EX, PX, EXPIRE, PEXPIRE.
    Now,
    /// From 1970 on: EXAT, PXAT, EXPIREAT, PEXPIREAT.
    Epoch,
}

/// A condition of SET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// NX: there must be no value.
    IfAbsent,
    /// XX: there must be one.
    IfPresent,
}

/// The conditions of EXPIRE, all of which must hold. Without a TTL a key lives for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpireOnly {
    /// NX: there must be no TTL. Excludes the others.
    pub without_ttl: bool,
    /// XX: there must be one.
    pub with_ttl: bool,
    /// GT or LT: the new TTL must end after the old one, or before it.
    pub moves: Option<Moves>,
}

/// In which direction a TTL may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    /// GT: it must end later.
    Later,
    /// LT: it must end earlier.
    Earlier,
}

/// What the server answers. Values are versions, or their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<V = Version> {
    /// `OK`.
    Ok,
    /// No value.
    Nil,
    /// A number.
    Integer(i64),
    /// A value.
    Value(V),
    /// An error.
    Error(CommandError),
}

impl<V> Reply<V> {
    /// The reply with another form of its value.
    pub fn map<T>(self, form: impl FnOnce(V) -> T) -> Reply<T> {
        match self {
            Self::Ok => Reply::Ok,
            Self::Nil => Reply::Nil,
            Self::Integer(number) => Reply::Integer(number),
            Self::Value(value) => Reply::Value(form(value)),
            Self::Error(error) => Reply::Error(error),
        }
    }
}

/// As `redis-cli` shows it on a terminal.
impl fmt::Display for Reply<String> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => write!(out, "OK"),
            Self::Nil => write!(out, "(nil)"),
            Self::Integer(number) => write!(out, "(integer) {number}"),
            Self::Value(value) => write!(out, "{value:?}"),
            Self::Error(error) => write!(out, "(error) {error}"),
        }
    }
}

/// Why a command is refused. All but the last two read as Redis writes them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommandError {
    /// Options that do not exist or exclude each other.
    #[error("ERR syntax error")]
    Syntax,
    /// A time that is no 64-bit integer.
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    /// A time that must be positive and is not, or lies beyond 2^63 ms.
    #[error("ERR invalid expire time in '{0}' command")]
    ExpireTime(&'static str),
    /// Too few words, or too many.
    #[error("ERR wrong number of arguments for '{0}' command")]
    Arity(&'static str),
    /// Conditions of EXPIRE that exclude each other.
    #[error("ERR NX and XX, GT or LT options at the same time are not compatible")]
    NotTogether,
    /// Conditions of EXPIRE that exclude each other.
    #[error("ERR GT and LT options at the same time are not compatible")]
    BothDirections,
    /// A condition that EXPIRE does not know.
    #[error("ERR Unsupported option {0}")]
    Option(String),
    /// A command that is not modelled.
    #[error("ERR unknown command '{name}', with args beginning with: {arguments}")]
    Unknown {
        /// Its name.
        name: String,
        /// The beginning of its arguments, each in quotes and followed by a blank.
        arguments: String,
    },
    /// The value does not fit, and nothing may leave for it.
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    /// The server is down, as after the event `restart`.
    #[error("the server is down: connection refused")]
    Down,
    /// The cache holds objects of its trace alone.
    #[error("no object of the trace has the key \"{0}\"; a cache of the simulator holds no other")]
    NoSuchObject(String),
}
