//! `[trace]`: a recorded trace and how it is to be read.
