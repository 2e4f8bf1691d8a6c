//! ttlab
pub mod catalog;
pub mod metrics;
pub mod random;
pub mod record;
pub mod report;
pub mod scenario;
pub mod trace;
pub mod units;
