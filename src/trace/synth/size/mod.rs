//! How large the objects of a class are.

pub mod constant;
pub mod empirical;
pub mod lognormal;
pub mod pareto;

use super::Setup;
use crate::catalog;
use crate::random::Stream;

/// A law of sizes. Each object draws once, from a stream of its own, and keeps its size.
pub trait SizeModel: std::fmt::Debug + Send + Sync {
    /// The size of one object in bytes; `stream` is that object's alone.
    fn draw(&self, stream: &mut Stream) -> u32;
}

catalog! {
    /// All size models.
    pub static SIZES: Catalog<dyn SizeModel, Setup> = "size model", tag "model";
    lognormal::Lognormal,
    pareto::Pareto,
    empirical::Empirical,
    constant::Constant,
}
