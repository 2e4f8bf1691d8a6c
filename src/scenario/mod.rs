//! What a scenario file means: TOML text becomes a [`Scenario`], or errors that say where and why.

pub mod recorded;
mod workload;
