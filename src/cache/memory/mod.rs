//! What an entry costs.

pub mod payload;
pub mod redis;

use super::Setup;
use super::redis::{Breakdown, Build};
use crate::origin::Version;
use crate::trace::{ObjectId, Objects};

/// A key that the application keeps of an object beside that of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBeside {
    /// The deadline of the value (`soft_expiry = "sidecar"`), with the same TTL as the value.
    Deadline,
    /// What a guard lets one fetch by: a lock, or the token of a lease, with a number as its value.
    Guard,
}

impl KeyBeside {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Deadline, Self::Guard];

    /// What its name has before that of the value's key.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Deadline => "",
            Self::Guard => "lock:",
        }
    }

    /// What it has behind it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Deadline => ":due",
            Self::Guard => "",
        }
    }

    /// The length of its name where the value's key is so long.
    pub fn name_len(self, key: u64) -> u64 {
        (self.prefix().len() + self.suffix().len()) as u64 + key
    }
}

/// Bytes in the value of a deadline.
pub const DEADLINE: u64 = 8;

/// Bytes of `image_access_times`, the name of the sorted set in which an application keeps what a sweep goes by.
pub const ACCESS_TIMES: u64 = 18;

/// A model of memory: bytes per entry.
pub trait MemoryModel: Send {
    /// Bytes that a version of an object occupies while it is held, with a TTL or without.
    fn cost(&self, objects: &Objects, object: ObjectId, version: Version, has_ttl: bool) -> u64;

    /// Whether an entry costs the bytes of its value and nothing else, with a TTL or without.
    fn counts_values_alone(&self) -> bool {
        false
    }

    /// From now on the application keeps such keys beside values. Where images alone are counted that changes nothing.
    fn keep_beside(&mut self, _which: KeyBeside) {}

    /// How memory beside entries is counted; `None` where there is none.
    fn counting(&self) -> Option<Counting> {
        None
    }
}

/// What is counted beside entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counting {
    /// Who built the server.
    pub build: Build,
    /// Connections of the application.
    pub clients: usize,
    /// Whether each kind of command has a histogram.
    pub latency_tracking: bool,
    /// Which keys the application keeps beside values.
    pub beside: Beside,
    /// Memory of the process per byte counted; an estimate.
    pub rss_ratio: f64,
}

/// Which keys an application keeps beside values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// Deadlines.
    pub deadlines: bool,
    /// Those of a guard.
    pub guards: bool,
}

impl Counting {
    /// Whether keys of this kind are kept.
    #[inline]
    pub fn keeps(&self, which: KeyBeside) -> bool {
        match which {
            KeyBeside::Deadline => self.beside.deadlines,
            KeyBeside::Guard => self.beside.guards,
        }
    }

    /// Bytes of such a key beside one of this length.
    pub(super) fn beside(&self, which: KeyBeside, key: u64, has_ttl: bool) -> u64 {
        let key = which.name_len(key);
        match which {
            KeyBeside::Deadline => self.build.entry(key, DEADLINE, has_ttl),
            KeyBeside::Guard => self.build.entry_of_number(key, has_ttl),
        }
    }

    /// The parts of [`Self::beside`], whose sum it is.
    pub(super) fn parts_beside(&self, which: KeyBeside, key: u64, has_ttl: bool) -> Breakdown {
        let key = which.name_len(key);
        match which {
            KeyBeside::Deadline => self.build.parts(key, DEADLINE, has_ttl),
            KeyBeside::Guard => self.build.parts_of_number(key, has_ttl),
        }
    }
}

crate::catalog! {
    /// All models of memory.
    pub static MEMORIES: Catalog<dyn MemoryModel, Setup> = "memory model", tag "model";
    payload::Payload,
    redis::Redis,
}
