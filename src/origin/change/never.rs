//! Objects never change: content-addressed URLs, where a new version has a new name.
//!
//! ```toml
//! changes = { model = "never" }
//! ```

use serde::{Deserialize, Serialize};

use super::{ChangeModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::SimDuration;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// No change, ever.
#[derive(Debug)]
pub struct Never;

impl Plugin for Never {
    const NAME: &'static str = "never";
    const SUMMARY: &'static str = "Objects never change.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl ChangeModel for Never {
    fn lifetime(&self, _: ObjectId, _: u32) -> SimDuration {
        SimDuration::FOREVER
    }

    fn ever(&self) -> bool {
        false
    }
}
