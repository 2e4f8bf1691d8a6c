//! A dead entry keeps its place until it is looked up or evicted.
//!
//! Its bytes stay resident meanwhile, and count: see `expired_resident_mean_bytes`.
//!
//! ```toml
//! reclaim = "lazy"
//! ```

use serde::{Deserialize, Serialize};

use super::{Reclaim, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Nothing is reclaimed unasked.
#[derive(Debug)]
pub struct Lazy;

impl Plugin for Lazy {
    const NAME: &'static str = "lazy";
    const SUMMARY: &'static str = "A dead entry keeps its place until it is looked up or evicted.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl Reclaim for Lazy {
    fn is_lazy(&self) -> bool {
        true
    }

    fn on_armed(&mut self, _: ObjectId, _: SimTime) {}

    fn due(&mut self, _: SimTime) -> Option<ObjectId> {
        None
    }
}
