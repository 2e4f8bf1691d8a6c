//! What changes a trace into another one.

pub mod part;
pub mod sample;
pub mod slice;
pub mod spread;
pub mod stretch;
