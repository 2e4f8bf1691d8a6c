//! A dead entry leaves at the instant it expires.
//!
//! No real Redis does this; it is what analytic models assume (F10 of the laws), and a bound for
//! what any active expiry could give back.
//!
//! ```toml
//! reclaim = "eager"
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::{Reclaim, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// It takes no parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {}

/// Deadlines, earliest first.
///
/// At most one deadline per object waits here. One that was moved is found out when it comes up:
/// the cache then arms it again.
#[derive(Debug)]
pub struct Eager {
    deadlines: BinaryHeap<Reverse<(SimTime, ObjectId)>>,
    waits: Vec<bool>,
}

impl Plugin for Eager {
    const NAME: &'static str = "eager";
    const SUMMARY: &'static str = "A dead entry leaves at the instant it expires, as analytic models assume.";
    const PARAMS: &'static [Param] = &[];
    type Params = Params;
    type Setup = Setup;

    fn new(_: &Params, setup: &Setup) -> Result<Self, Invalid> {
        Ok(Self { deadlines: BinaryHeap::new(), waits: vec![false; setup.objects] })
    }
}

impl Reclaim for Eager {
    fn on_armed(&mut self, object: ObjectId, expires_at: SimTime) {
        if !self.waits[object.index()] && expires_at != SimTime::NEVER {
            self.waits[object.index()] = true;
            self.deadlines.push(Reverse((expires_at, object)));
        }
    }

    fn due(&mut self, now: SimTime) -> Option<ObjectId> {
        let Reverse((expires_at, object)) = *self.deadlines.peek()?;
        if expires_at >= now {
            return None;
        }
        self.deadlines.pop();
        self.waits[object.index()] = false;
        Some(object)
    }
}
