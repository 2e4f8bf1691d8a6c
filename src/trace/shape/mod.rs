//! What changes a trace into another one.

pub mod spread;
