//! The eviction policies against published simulators, against naive models, and against each other.

mod golden;
mod player;
