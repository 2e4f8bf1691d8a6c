//! What an entry costs.

pub mod payload;
pub mod redis;

use super::Setup;
use super::redis::Build;
use crate::trace::{ObjectId, Objects};

/// A model of memory: bytes per entry.
pub trait MemoryModel: Send {
    /// Bytes that the entry of an object occupies while it is held, with a TTL or without.
    fn cost(&self, objects: &Objects, object: ObjectId, has_ttl: bool) -> u64;

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
    /// Memory of the process per byte counted; an estimate.
    pub rss_ratio: f64,
}

crate::catalog! {
    /// All models of memory.
    pub static MEMORIES: Catalog<dyn MemoryModel, Setup> = "memory model", tag "model";
    payload::Payload,
    redis::Redis,
}
