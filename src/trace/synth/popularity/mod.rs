//! How often each object of a class is asked for, most popular first.

pub mod uniform;
pub mod zipf;

use super::alias;
use crate::catalog;
use crate::random::Stream;

/// A law of popularity: how the requests of a class spread over its objects by rank.
pub trait Popularity: std::fmt::Debug + Send + Sync {
    /// A sampler of ranks for `objects` objects, at least 1. May cost time and memory in proportion.
    fn over(&self, objects: u32) -> Box<dyn Ranks>;
}

/// Draws ranks.
pub trait Ranks {
    /// Draws a rank; 0 is the most popular object.
    fn draw(&self, stream: &mut Stream) -> u32;
}

catalog! {
    /// All popularity models.
    pub static POPULARITIES: Catalog<dyn Popularity, ()> = "popularity model", tag "model";
    zipf::Zipf,
    uniform::Uniform,
}
