//! ttlab
pub mod cache;
pub mod catalog;
pub mod client;
pub mod engine;
pub mod metrics;
pub mod origin;
pub mod random;
pub mod record;
pub mod scenario;
pub mod strategy;
pub mod trace;
pub mod units;
