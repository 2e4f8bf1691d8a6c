//! How long an entry stays fresh, before anything bends it.

pub mod class_table;
pub mod fixed;
pub mod none;
pub mod sliding;

use super::TtlRule;
use crate::strategy::Setup;

crate::catalog! {
    /// All TTL rules.
    pub static RULES: Catalog<dyn TtlRule, Setup> = "ttl rule", tag "rule";
    none::NoExpiry,
    fixed::Fixed,
    class_table::ClassTable,
    sliding::Sliding,
}
