//! Pages from a record: the HTML report, the summary, tables and charts.
//!
//! Everything is a pure function of the record: the same record gives the same bytes today and
//! next year. Nothing is simulated here, and rounding happens in `format` alone.

mod csv;
#[cfg(test)]
mod fixture;
mod format;
mod markdown;
mod measure;
mod ranking;
mod reading;
mod verdict;

pub use ranking::ranking;
