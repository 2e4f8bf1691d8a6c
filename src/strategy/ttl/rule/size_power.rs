//! TTL by image size: small images longer, large ones shorter.
//!
//! `T = t0 (s0 / s)^gamma`, kept between `min` and `max`, for a value of `s` bytes. The argument is one of rent,
//! not of freshness: an image changes no faster for being large (Douglis et al., USITS 1997), but
//! keeping it costs in proportion to its bytes, so the TTL at which rent and miss cost break even
//! falls as `1 / s`. `gamma = 0` is the fixed rule, 1 is break-even, a negative one keeps large images longer.
//!
//! Where the cost of a fetch grows with size as well, the break-even TTL tends to a constant, and
//! large-and-short is wrong. The byte hit ratio falls before the hit ratio gains.
//!
//! ```toml
//! ttl = { rule = "size-power", t0 = "1h", s0 = "20kB", gamma = 0.5, min = "60s", max = "24h" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Bounds, max_ttl, min_ttl};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlRule};
use crate::units::{ByteSize, SimDuration};

/// Parameters of [`SizePower`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    t0: SimDuration,
    s0: String,
    gamma: f64,
    min: SimDuration,
    max: SimDuration,
}

/// A TTL that is a power of the size.
#[derive(Debug)]
pub struct SizePower {
    t0_secs: f64,
    s0: f64,
    gamma: f64,
    bounds: Bounds,
}

impl Plugin for SizePower {
    const NAME: &'static str = "size-power";
    const SUMMARY: &'static str = "TTL by image size: a power law, by default longer for small images.";
    const PARAMS: &'static [Param] = &[
        Param::duration("t0", "ttl of an image of size s0").default("1h").from("1ms").to("365d"),
        Param::new(
            "s0",
            Kind::Text,
            "the size that has ttl t0: a number of bytes with its unit, or \"median\" for the size that half of the requests stay within",
        )
        .default("median"),
        Param::number("gamma", "how fast the ttl falls with size: 0 not at all, 1 in proportion")
            .default("0.5")
            .from("-1")
            .to("2"),
        min_ttl("60s"),
        max_ttl("24h"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let s0 = match params.s0.as_str() {
            // Without a request there is no fill either.
            "median" => setup.traffic.median_size().map_or(1.0, |size| f64::from(size.max(1))),
            text => {
                let size: ByteSize = text.parse().map_err(|error| {
                    Invalid::param("s0", format!("s0: {error}"))
                        .help("write a size, such as \"20kB\", or \"median\"")
                })?;
                if size == ByteSize::ZERO {
                    return Err(Invalid::param(
                        "s0",
                        "s0 must be above 0 bytes, because sizes are divided by it",
                    ));
                }
                size.as_bytes() as f64
            }
        };
        let bounds = Bounds::new(params.min, params.max)?;
        Ok(Self { t0_secs: params.t0.as_secs_f64(), s0, gamma: params.gamma, bounds })
    }
}

impl TtlRule for SizePower {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        let size = f64::from(fill.size.max(1));
        self.bounds.nearest(self.t0_secs * (self.s0 / size).powf(self.gamma))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::ttl::rule::fixture;

    #[test]
    fn the_ttl_is_the_power_of_the_size_within_the_bounds() {
        let ttl = |gamma, size| {
            let text = format!("{{ rule = \"size-power\", t0 = \"1h\", s0 = \"20kB\", gamma = {gamma} }}");
            fixture::rule(&text).fresh_for(&Fill { size, ..fixture::fill(0) })
        };
        assert_eq!(ttl(0.5, 20_000), SimDuration::from_secs(3_600));
        assert_eq!(ttl(0.5, 80_000), SimDuration::from_secs(1_800));
        assert_eq!(ttl(1.0, 5_000), SimDuration::from_secs(4 * 3_600));
        assert_eq!(ttl(-1.0, 5_000), SimDuration::from_secs(900));
        assert_eq!(ttl(0.0, 1), SimDuration::from_secs(3_600));
        assert_eq!(ttl(2.0, 1), SimDuration::from_secs(86_400), "not above max");
        assert_eq!(ttl(2.0, 2_000_000_000), SimDuration::from_secs(60), "not below min");
    }

    #[test]
    fn the_median_is_that_of_the_requests() {
        // Object 0 (10 bytes) is asked for once, object 1 (40 bytes) twice.
        let mut rule = fixture::rule_for(
            "{ rule = \"size-power\", gamma = 1 }",
            &fixture::traffic(&[10, 40], &[0, 1, 1]),
        );
        assert_eq!(rule.fresh_for(&Fill { size: 40, ..fixture::fill(0) }), SimDuration::from_secs(3_600));
    }
}
