//! ttlab
pub mod catalog;
pub mod random;
pub mod scenario;
pub mod trace;
pub mod units;
