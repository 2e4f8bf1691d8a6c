//! `[workload]`: a synthetic trace and what it is made of.
