//! What an entry costs.

pub mod payload;

use super::Setup;
use crate::trace::Fact;

/// A model of memory: bytes per entry.
pub trait MemoryModel: Send {
    /// Bytes that the entry of an object occupies while it is held.
    fn cost(&self, fact: Fact) -> u64;
}

crate::catalog! {
    /// All models of memory.
    pub static MEMORIES: Catalog<dyn MemoryModel, Setup> = "memory model", tag "model";
    payload::Payload,
}
