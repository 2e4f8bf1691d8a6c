//! An independent model of the simulator, and the engine held against it.

mod naive;
