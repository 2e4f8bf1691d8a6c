//! The origin is down for a while: fetches are refused, or hang until it is back.
//!
//! With `answer = "refuse"` every fetch taken up meanwhile fails after `after`, as when nobody
//! listens on the port. With `"hang"` it is answered only once the outage is over, as when packets
//! are dropped; its server stays busy until then.
//!
//! ```toml
//! faults = [{ fault = "outage", at = "1m", lasts = "2m", answer = "refuse" }]
//! ```

use serde::{Deserialize, Serialize};

use super::{FaultModel, Service, Setup, during, window};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::units::{SimDuration, Window};

/// Parameters of [`Outage`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    at: SimDuration,
    lasts: SimDuration,
    answer: Answer,
    after: SimDuration,
}

/// What a fetch meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Refuse,
    Hang,
}

/// The origin is down.
#[derive(Debug)]
pub struct Outage {
    window: Window,
    answer: Answer,
    after: SimDuration,
}

impl Plugin for Outage {
    const NAME: &'static str = "outage";
    const SUMMARY: &'static str =
        "The origin is down for a while: fetches are refused, or hang until it is back.";
    const PARAMS: &'static [Param] = &[
        Param::duration("at", "when it begins, counted from the begin of the trace").required().from("0s"),
        Param::duration("lasts", "how long it lasts").required().above("0s"),
        Param::new("answer", Kind::Choice(&["refuse", "hang"]), "what a fetch meets").default("refuse"),
        Param::duration("after", "how long a refusal takes").default("1ms").from("0s").to("1h"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { at, lasts, answer, after } = *params;
        Ok(Self { window: window(at, lasts), answer, after })
    }
}

impl FaultModel for Outage {
    fn strike(&mut self, service: &mut Service) {
        if !during(self.window, service.started) {
            return;
        }
        match self.answer {
            Answer::Refuse => (service.fails, service.time) = (true, self.after),
            Answer::Hang => service.time = self.window.until.since(service.started) + service.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ObjectId;
    use crate::units::SimTime;

    fn struck(answer: Answer, started: u64) -> (u64, bool) {
        let secs = SimDuration::from_secs;
        let mut outage = Outage { window: window(secs(10), secs(5)), answer, after: secs(0) };
        let started = SimTime::ZERO + secs(started);
        let mut service = Service { object: ObjectId::new(0), nth: 0, started, time: secs(2), fails: false };
        outage.strike(&mut service);
        (service.time.as_nanos() / 1_000_000_000, service.fails)
    }

    #[test]
    fn fetches_fail_or_hang_from_its_begin_until_its_end() {
        for (started, refused, hung) in
            [(9, (2, false), 2), (10, (0, true), 7), (14, (0, true), 3), (15, (2, false), 2)]
        {
            assert_eq!(struck(Answer::Refuse, started), refused, "{started}");
            assert_eq!(struck(Answer::Hang, started), (hung, false), "{started}");
        }
    }
}
