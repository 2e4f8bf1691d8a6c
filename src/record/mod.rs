//! Results on disk: `record.json`, the one source of every page.
//!
//! Numbers are raw and in base units; rounding happens once, in the pages. What is not known is
//! `null`, never 0. Nothing here depends on the machine, the clock or the number of threads: two
//! runs of one scenario and seed give the same bytes.

mod assemble;
mod build;
mod classes;
mod columns;
mod journal;
mod json;
mod live;
mod parties;
mod reuse;
mod series;
mod surface;
#[cfg(test)]
mod tests;
mod wire;
mod work;

pub use assemble::{About, sha256, sha256_of, synthetic};
pub use build::{CellContext, Finished, ids};
pub use journal::{ASIDE, Damaged, JOURNAL, Journal, JournalError, Sweep, settings};
pub use json::{RecordError, Trouble};
pub use reuse::reuse;
pub use wire::*;
