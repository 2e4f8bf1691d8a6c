//! What a scenario file means: TOML text becomes a [`Scenario`], or errors that say where and why.

mod judgement;
mod recorded;
mod workload;

pub use judgement::Judgement;
