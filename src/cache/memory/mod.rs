//! What an entry costs.

pub mod payload;
pub mod redis;

use super::Setup;
use super::redis::Build;
use crate::origin::Version;
use crate::trace::{ObjectId, Objects};

/// A second key beside one is called the same, and this behind it.
pub const SIDECAR_SUFFIX: &str = ":due";

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

    /// From now on the application keeps a second key with the same TTL and a value of so many bytes beside every one.
    /// Where images alone are counted that changes nothing.
    fn keep_second_key(&mut self, _value: u32) {}

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
    /// The bytes in the value of a second key that the application keeps beside every one; `None` without.
    pub second_key: Option<u32>,
    /// Memory of the process per byte counted; an estimate.
    pub rss_ratio: f64,
}

crate::catalog! {
    /// All models of memory.
    pub static MEMORIES: Catalog<dyn MemoryModel, Setup> = "memory model", tag "model";
    payload::Payload,
    redis::Redis,
}
