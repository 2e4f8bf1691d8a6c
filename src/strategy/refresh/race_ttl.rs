//! Who first finds a value expired for less than `r` gives it a little more life for the others, and fetches.
//!
//! The first reader rewrites the expired value so that it lasts until `now + r`, and waits for its
//! fetch; readers meanwhile are served the old value (stale hits). A value expired for longer is a
//! plain miss, and a cold key has no protection. Costs one more SET with the whole value per expiry.
//! Known from Rails as `race_condition_ttl`. Reading and rewriting are one step here, where two
//! readers in the same round trip would both fetch.
//!
//! ```toml
//! refresh = { policy = "race-ttl", r = "10s" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Copy, RefreshPolicy, Wish};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::per_object::PerObject;
use crate::units::{SimDuration, SimTime};

/// Parameters of [`RaceTtl`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    r: SimDuration,
}

/// A second life for expired values.
#[derive(Debug)]
pub struct RaceTtl {
    r: SimDuration,
    /// Of the value stored at the first instant, until when the rewritten copy is served.
    rewritten: PerObject<(SimTime, SimTime)>,
}

impl Plugin for RaceTtl {
    const NAME: &'static str = "race-ttl";
    const SUMMARY: &'static str =
        "Who first finds a value just expired prolongs it for the others and fetches.";
    const PARAMS: &'static [Param] =
        &[Param::duration("r", "how long after its expiry a value is prolonged, and for how long")
            .default("10s")
            .above("0s")
            .to("1d")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { r: params.r, rewritten: PerObject::default() })
    }
}

impl RefreshPolicy for RaceTtl {
    fn keep_until(&self, _: SimTime, fresh_until: SimTime) -> SimTime {
        fresh_until + self.r
    }

    fn on_copy(&mut self, copy: &Copy) -> Wish {
        if !copy.is_stale() {
            return Wish::Serve;
        }
        let (of, until) = self.rewritten.get(copy.object);
        if of == copy.stored_at && copy.now <= until {
            return Wish::Serve;
        }
        // The prolonged copy expires like any other, and its first reader prolongs it again.
        let expiry = if of == copy.stored_at { until.max(copy.fresh_until) } else { copy.fresh_until };
        if copy.now > expiry + self.r {
            return Wish::Fetch;
        }
        let until = copy.now + self.r;
        self.rewritten.set(copy.object, (copy.stored_at, until));
        Wish::RewriteAndFetch(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ObjectId;

    #[test]
    fn the_first_reader_after_the_expiry_fetches_and_the_others_are_served() {
        let mut policy = RaceTtl { r: SimDuration::from_nanos(10), rewritten: PerObject::default() };
        let at = SimTime::from_nanos;
        let copy =
            |now| Copy { object: ObjectId::new(1), now: at(now), stored_at: at(5), fresh_until: at(100) };
        assert_eq!(policy.on_copy(&copy(100)), Wish::Serve);
        assert_eq!(policy.on_copy(&copy(108)), Wish::RewriteAndFetch(at(118)));
        assert_eq!(policy.on_copy(&copy(118)), Wish::Serve);
        assert_eq!(policy.on_copy(&copy(119)), Wish::RewriteAndFetch(at(129)));
        assert_eq!(policy.on_copy(&copy(140)), Wish::Fetch);
    }
}
