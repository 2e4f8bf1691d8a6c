//! ttlab
pub mod catalog;
pub mod metrics;
pub mod random;
pub mod record;
pub mod scenario;
pub mod score;
pub mod trace;
pub mod units;
