//! The TTL that the recording tells for the object: what the application did when it was recorded.
//!
//! For recordings with TTLs: a column `ttl`, the `SETEX` of a Redis `MONITOR`, the writes of the
//! Twitter cache traces. A write's TTL holds for its key until the next write; before the first write
//! of a key, that of the first holds, since it is what the application stored once it had fetched.
//! Keys without any recorded TTL take `default`; without a default they are refused.
//!
//! As a baseline it answers: what do we gain against the TTLs that we have today?
//!
//! ```toml
//! ttl = { rule = "trace", default = "1h" }
//! ```

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::ttl::{Fill, TtlRule};
use crate::strategy::{Setup, Traffic};
use crate::units::SimDuration;

/// Parameters of [`Recorded`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<SimDuration>,
}

/// TTLs as recorded.
#[derive(Debug)]
pub struct Recorded {
    traffic: Traffic,
    default: SimDuration,
}

impl Plugin for Recorded {
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "The TTL that the recording tells for the object.";
    const PARAMS: &'static [Param] =
        &[Param::duration("default", "TTL of keys for which none is recorded").from("1ms").to("365d")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        let without = setup.objects - setup.traffic.objects_with_recorded_ttl();
        if params.default.is_none() && without > 0 {
            let what = match setup.objects - without {
                0 => {
                    "ttl rule \"trace\" needs a trace that records TTLs, and this one records none".to_owned()
                }
                _ => format!("{without} of {} keys have no recorded TTL", setup.objects),
            };
            return Err(Invalid::param("", what).help(
                "add a default to the rule, { rule = \"trace\", default = \"1h\" }, or choose another rule",
            ));
        }
        Ok(Self { traffic: setup.traffic.clone(), default: params.default.unwrap_or_default() })
    }
}

impl TtlRule for Recorded {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        self.traffic.recorded_ttl(fill.object, fill.at).unwrap_or(self.default)
    }
}
