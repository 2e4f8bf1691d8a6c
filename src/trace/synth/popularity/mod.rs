//! How often each object of a class is asked for, most popular first.

pub mod empirical;
pub mod hotspot;
pub mod uniform;
pub mod zipf;

use super::{Setup, alias};
use crate::catalog;
use crate::random::Stream;

/// A law of popularity: how the requests of a class spread over its objects by rank.
pub trait Popularity: std::fmt::Debug + Send + Sync {
    /// The weights of `objects` objects, at least 1, the most popular first; they need not sum to 1.
    fn weights(&self, objects: u32) -> Vec<f64>;

    /// A sampler of ranks for `objects` objects. May cost time and memory in proportion.
    fn over(&self, objects: u32) -> Box<dyn Ranks> {
        Box::new(alias::Alias::new(&self.weights(objects)))
    }
}

/// Draws ranks.
pub trait Ranks: Send {
    /// Draws a rank; 0 is the most popular object.
    fn draw(&self, stream: &mut Stream) -> u32;

    /// Adds `count` ranks to `ranks`, those that as many single draws would give: one call for many of them, and
    /// looks at tables that do not wait for one another.
    fn draw_many(&self, stream: &mut Stream, count: usize, ranks: &mut Vec<u32>) {
        ranks.extend((0..count).map(|_| self.draw(stream)));
    }
}

impl Ranks for alias::Alias {
    fn draw(&self, stream: &mut Stream) -> u32 {
        self.draw(stream)
    }
}

catalog! {
    /// All popularity models.
    pub static POPULARITIES: Catalog<dyn Popularity, Setup> = "popularity model", tag "model";
    zipf::Zipf,
    hotspot::Hotspot,
    empirical::Empirical,
    uniform::Uniform,
}
