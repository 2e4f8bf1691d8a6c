//! How large the objects of a class are.

pub mod by_popularity;
pub mod constant;
pub mod empirical;
pub mod lognormal;
pub mod pareto;

use super::Setup;
use super::alias::Alias;
use crate::catalog;
use crate::catalog::Invalid;
use crate::random::Stream;

/// A law of sizes. Each object draws once, from a stream of its own, and keeps its size.
pub trait SizeModel: std::fmt::Debug + Send + Sync {
    /// The size of one object in bytes; `stream` is that object's alone.
    fn draw(&self, stream: &mut Stream) -> u32;

    /// The size of an object whose place among the originals of its class is known: from 0 for the most popular to 1;
    /// `None` for one that is asked for once. What a law makes of it is said by its page; most make nothing.
    fn draw_placed(&self, _place: Option<f64>, stream: &mut Stream) -> u32 {
        self.draw(stream)
    }

    /// Whether that place matters.
    fn follows_popularity(&self) -> bool {
        false
    }
}

/// Redis refuses longer strings (proto-max-bulk-len).
const MOST: f64 = 536_870_912.0;

/// A table of sizes and weights.
#[derive(Debug)]
struct Weighted {
    sizes: Vec<u32>,
    weights: Alias,
}

impl Weighted {
    /// Rows of bytes and weight, which stand in `param`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to lie between 1 and 2^29"
    )]
    fn new(rows: &[(f64, f64)], param: &'static str) -> Result<Self, Invalid> {
        if let Some((bytes, _)) = rows.iter().find(|(bytes, _)| !(1.0..=MOST).contains(bytes)) {
            let what = format!("a size must lie between 1 byte and 512MiB, but one is {bytes}");
            return Err(Invalid::param(param, what));
        }
        if let Some((_, weight)) = rows.iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) {
            let what = format!("a weight must be a number that is not negative, but one is {weight}");
            return Err(Invalid::param(param, what));
        }
        if rows.iter().all(|(_, weight)| *weight <= 0.0) {
            return Err(Invalid::param(param, "at least one weight must be above 0"));
        }
        let weights: Vec<f64> = rows.iter().map(|(_, weight)| *weight).collect();
        Ok(Self {
            sizes: rows.iter().map(|(bytes, _)| bytes.round() as u32).collect(),
            weights: Alias::new(&weights),
        })
    }

    fn draw(&self, stream: &mut Stream) -> u32 {
        self.sizes[self.weights.draw(stream) as usize]
    }
}

catalog! {
    /// All size models.
    pub static SIZES: Catalog<dyn SizeModel, Setup> = "size model", tag "model";
    lognormal::Lognormal,
    pareto::Pareto,
    empirical::Empirical,
    by_popularity::ByPopularity,
    constant::Constant,
}
