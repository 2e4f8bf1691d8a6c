//! The first read after a part of the TTL fetches the next value in the background, before this one expires.
//!
//! A value stored at `t` with the TTL `T` (after jitter) is fresh until `t + T`; the first read after
//! `t + f T` starts a fetch through the guard, and everyone is served the old value meanwhile. Hot
//! keys so never expire under their readers. The origin's load is that of the TTL `f T`
//! (law F4: law F5 with `f T` for the TTL and `(1 - f) T` for the window). It gains nothing where a
//! fetch takes longer than `(1 - f) T`, or where a key is read less than once in that time. Known as
//! refresh-ahead factor, eager refresh threshold and refresh-after-write in caching libraries.
//!
//! ```toml
//! refresh = { policy = "refresh-ahead", f = 0.8 }
//! ```

use serde::{Deserialize, Serialize};

use super::{Copy, RefreshPolicy, Wish};
use crate::catalog::{Invalid, Param, Plugin};
use crate::strategy::Setup;
use crate::strategy::per_object::PerObject;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// Parameters of [`RefreshAhead`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    f: f64,
}

/// Fetches ahead of the expiry.
#[derive(Debug)]
pub struct RefreshAhead {
    f: f64,
    /// The value, by when it was stored, whose successor has been asked for.
    asked_for: PerObject<Option<SimTime>>,
}

impl Plugin for RefreshAhead {
    const NAME: &'static str = "refresh-ahead";
    const SUMMARY: &'static str =
        "The first read after a part of the TTL fetches the next value in the background.";
    const PARAMS: &'static [Param] =
        &[Param::number("f", "the part of the TTL after which a read starts the fetch")
            .default("0.8")
            .above("0")
            .below("1")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self { f: params.f, asked_for: PerObject::default() })
    }
}

impl RefreshPolicy for RefreshAhead {
    fn on_copy(&mut self, copy: &Copy) -> Wish {
        if copy.is_stale() {
            return Wish::Fetch;
        }
        let ahead = copy.fresh_until.since(copy.stored_at).scaled(self.f);
        if copy.now <= copy.stored_at + ahead || self.asked_for.get(copy.object) == Some(copy.stored_at) {
            return Wish::Serve;
        }
        self.asked_for.set(copy.object, Some(copy.stored_at));
        Wish::ServeAndRefresh
    }

    fn on_failure(&mut self, object: ObjectId, _: SimTime) {
        self.asked_for.set(object, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_read_after_the_part_asks_and_a_failure_lets_the_next_one_ask_again() {
        let mut policy = RefreshAhead { f: 0.8, asked_for: PerObject::default() };
        let object = ObjectId::new(3);
        let copy = |now| Copy {
            object,
            now: SimTime::from_nanos(now),
            stored_at: SimTime::from_nanos(100),
            fresh_until: SimTime::from_nanos(200),
        };
        assert_eq!(policy.on_copy(&copy(180)), Wish::Serve);
        assert_eq!(policy.on_copy(&copy(181)), Wish::ServeAndRefresh);
        assert_eq!(policy.on_copy(&copy(182)), Wish::Serve);
        policy.on_failure(object, SimTime::from_nanos(190));
        assert_eq!(policy.on_copy(&copy(195)), Wish::ServeAndRefresh);
        assert_eq!(policy.on_copy(&copy(201)), Wish::Fetch);
    }
}
