//! Cache-tuning simulator for images cached in Redis with TTLs.
//!
//! The modules stand in the order in which data flows through them, and may import only what
//! stands above them.

pub mod units;

pub mod random;

pub mod catalog;

pub mod trace;

pub mod client;

pub mod origin;

pub mod cache;

pub mod strategy;

pub mod metrics;

pub mod engine;

pub mod score;

pub mod scenario;

pub mod tune;

pub mod record;

pub mod report;

pub mod cli;
