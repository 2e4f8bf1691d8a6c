//! An entry costs the bytes of its value and nothing else.
//!
//! The model of trace simulators. A real server adds the key, the object's header, its place in the
//! tables and the rounding of the allocator.
//!
//! ```toml
//! memory = "payload"
//! ```

use serde::{Deserialize, Serialize};

use super::{MemoryModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::origin::Version;
use crate::trace::{ObjectId, Objects};

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Bytes of values.
#[derive(Debug)]
pub struct Payload;

impl Plugin for Payload {
    const NAME: &'static str = "payload";
    const SUMMARY: &'static str = "An entry costs the bytes of its value and nothing else.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self)
    }
}

impl MemoryModel for Payload {
    fn cost(&self, objects: &Objects, object: ObjectId, version: Version, _: bool) -> u64 {
        u64::from(objects.size_of(object, version.0))
    }

    fn counts_values_alone(&self) -> bool {
        true
    }
}
