//! ttlab
pub mod catalog;
pub mod random;
pub mod trace;
pub mod units;
pub mod scenario;
