//! What bends a TTL.

pub mod jitter;

use super::TtlModifier;
use crate::strategy::Setup;

crate::catalog! {
    /// All TTL modifiers.
    pub static MODIFIERS: Catalog<dyn TtlModifier, Setup> = "ttl modifier", tag "modifier";
    jitter::Jitter,
}
