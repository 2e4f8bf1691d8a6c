//! How long an entry stays fresh, before anything bends it.

mod approximation;
pub mod break_even;
pub mod change_rate;
pub mod class_table;
pub mod cost_proportional;
pub mod d_ttl;
pub mod elastic;
pub mod f_ttl;
pub mod fixed;
#[cfg(test)]
pub(super) mod fixture;
pub mod last_modified_fraction;
pub mod none;
pub mod size_power;
pub mod sliding;
pub mod trace;

use super::TtlRule;
use crate::catalog::{Invalid, Kind, Param};
use crate::strategy::Setup;
use crate::units::SimDuration;

crate::catalog! {
    /// All TTL rules.
    pub static RULES: Catalog<dyn TtlRule, Setup> = "ttl rule", tag "rule";
    none::NoExpiry,
    fixed::Fixed,
    class_table::ClassTable,
    sliding::Sliding,
    size_power::SizePower,
    change_rate::ChangeRate,
    last_modified_fraction::LastModifiedFraction,
    cost_proportional::CostProportional,
    break_even::BreakEven,
    d_ttl::DTtl,
    f_ttl::FTtl,
    elastic::Elastic,
    trace::Recorded,
}

/// What every rule that reads extend has: without it a hot key would never be renewed.
const MAX_AGE: Param = Param::new(
    "max_age",
    Kind::Text,
    "how long after its store an entry stays fresh at most, whatever modifiers do: a duration, or \"unbounded\"",
)
.default("24h");

/// Reads a `max_age`, which must let reads extend a TTL that may be as long as `longest`, the parameter `of`.
fn max_age(text: &str, longest: SimDuration, of: &str) -> Result<SimDuration, Invalid> {
    let max_age = match text {
        "unbounded" => SimDuration::FOREVER,
        text => text.parse().map_err(|error| {
            Invalid::param("max_age", format!("max_age: {error}"))
                .help("write a duration, such as \"24h\", or \"unbounded\"")
        })?,
    };
    if max_age < longest {
        let what =
            format!("max_age ({max_age}) is shorter than {of} ({longest}), so no read could extend it");
        return Err(
            Invalid::param("max_age", what).help(format!("write a longer max_age, or a {of} of {max_age}"))
        );
    }
    Ok(max_age)
}

/// The least and greatest TTL that a rule gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    min: SimDuration,
    max: SimDuration,
}

impl Bounds {
    /// From the parameters `min` and `max`.
    fn new(min: SimDuration, max: SimDuration) -> Result<Self, Invalid> {
        if min > max {
            let what = format!("min ({min}) is longer than max ({max}), so there is no ttl between them");
            return Err(Invalid::param("min", what).help("write a min of at most max"));
        }
        Ok(Self { min, max })
    }

    /// The TTL nearest to `secs` seconds; a number that is none gives the longest.
    fn nearest(self, secs: f64) -> SimDuration {
        if secs.is_nan() { self.max } else { SimDuration::from_secs_f64(secs).clamp(self.min, self.max) }
    }
}

/// The parameter `min` of a rule.
const fn min_ttl(default: &'static str) -> Param {
    Param::duration("min", "the shortest ttl").default(default).from("1ms").to("365d")
}

/// The parameter `max` of a rule.
const fn max_ttl(default: &'static str) -> Param {
    Param::duration("max", "the longest ttl").default(default).from("1ms").to("365d")
}

/// What a byte-second costs, for rules that weigh rent against misses.
const PRICE: Param = Param::number(
    "price",
    "what it costs to keep 1 GB (1e9 bytes) for an hour, in the currency of miss_cost",
)
.required()
.above("0");

/// What a miss costs, for rules that weigh rent against misses.
const MISS_COST: Param =
    Param::number("miss_cost", "what one fetch from the origin costs, in any currency").required().above("0");

/// Bytes of a GB times seconds of an hour.
const GB_HOUR: f64 = 1e9 * 3_600.0;
