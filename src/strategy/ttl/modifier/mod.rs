//! What bends a TTL.
//!
//! The order of the catalog is the order of the pipeline: what follows the clock, the users and the
//! load comes first, the limits after it, and jitter last, so that its mean is kept.

pub mod activity;
pub mod clamp;
pub mod jitter;
pub mod load_adaptive;
pub mod schedule;

use super::TtlModifier;
use crate::strategy::Setup;

crate::catalog! {
    /// All TTL modifiers, in the order in which a scenario must list them.
    pub static MODIFIERS: Catalog<dyn TtlModifier, Setup> = "ttl modifier", tag "modifier";
    schedule::Schedule,
    activity::Activity,
    load_adaptive::LoadAdaptive,
    clamp::Clamp,
    jitter::Jitter,
}
