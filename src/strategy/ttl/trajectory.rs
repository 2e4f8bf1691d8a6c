//! How TTLs went over time: what controllers steered, and what fills were given.

use std::borrow::Cow;

use super::{Steered, TtlRule};
use crate::trace::ClassId;
use crate::units::{SimDuration, SimTime};

/// A TTL over time.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Trajectory {
    /// What it is the TTL of: `fills`, or the name of the controller that steers it.
    pub name: Cow<'static, str>,
    /// Of which class; `None` if of all objects.
    pub class: Option<ClassId>,
    /// Instants, increasing.
    pub times: Vec<SimTime>,
    /// The TTL at each; of `fills`, the mean over the bucket that begins then.
    pub ttls: Vec<SimDuration>,
    /// Share of the instants at which the controller stood at a limit; `None` where nothing is steered.
    pub pinned_share: Option<f64>,
    /// At each instant, how many names the controller remembered without a value; empty where it remembers none.
    #[serde(default)]
    pub shadows: Vec<u64>,
}

/// Keeps one point a bucket.
#[derive(Debug)]
pub(super) struct Log {
    step: SimDuration,
    /// When the current bucket ends.
    next: SimTime,
    /// Of the current bucket, by class: the sum of TTLs in seconds, and how many.
    given: Vec<(f64, u64)>,
    fills: Vec<Trajectory>,
    steered: Vec<(Trajectory, u64)>,
}

impl Log {
    /// A log with buckets of length `step`.
    pub(super) fn new(step: SimDuration, classes: usize) -> Self {
        let empty = |class| Trajectory {
            name: "fills".into(),
            class: Some(ClassId::from_index(class)),
            times: Vec::new(),
            ttls: Vec::new(),
            pinned_share: None,
            shadows: Vec::new(),
        };
        Self {
            step,
            next: SimTime::ZERO + step,
            given: vec![(0.0, 0); classes],
            fills: (0..classes).map(empty).collect(),
            steered: Vec::new(),
        }
    }

    /// Closes the buckets that ended before `now`; `rule` is as it was left by all that happened so far.
    #[inline]
    pub(super) fn roll(&mut self, now: SimTime, rule: &mut dyn TtlRule) {
        if now >= self.next {
            self.close(self.next, rule);
            let past = now.as_nanos() / self.step.as_nanos();
            self.next = SimTime::from_nanos((past + 1).saturating_mul(self.step.as_nanos()));
        }
    }

    /// A value of `class` is stored with this TTL.
    pub(super) fn filled(&mut self, class: ClassId, ttl: SimDuration) {
        let (sum, count) = &mut self.given[class.index()];
        *sum += ttl.as_secs_f64();
        *count += 1;
    }

    /// Closes the last bucket.
    pub(super) fn finish(mut self, end: SimTime, rule: &mut dyn TtlRule) -> Vec<Trajectory> {
        self.close(self.next.min(end), rule);
        let steered = self.steered.into_iter().map(|(mut trajectory, pinned)| {
            trajectory.pinned_share = Some(pinned as f64 / trajectory.times.len() as f64);
            trajectory
        });
        steered.chain(self.fills.into_iter().filter(|fills| !fills.times.is_empty())).collect()
    }

    /// Closes the current bucket, which is over at `end`.
    fn close(&mut self, end: SimTime, rule: &mut dyn TtlRule) {
        let began = self.next.before(self.step);
        for (given, fills) in self.given.iter_mut().zip(&mut self.fills) {
            let (sum, count) = std::mem::take(given);
            if count > 0 {
                fills.times.push(began);
                fills.ttls.push(SimDuration::from_secs_f64(sum / count as f64));
            }
        }
        for (place, steered) in rule.steered(end).into_iter().enumerate() {
            let Steered { name, class, ttl, pinned, shadows } = steered;
            if self.steered.len() == place {
                let (times, ttls, shadows) = (Vec::new(), Vec::new(), Vec::new());
                let name = name.into();
                self.steered.push((Trajectory { name, class, times, ttls, pinned_share: None, shadows }, 0));
            }
            let (trajectory, times_pinned) = &mut self.steered[place];
            trajectory.times.push(end);
            trajectory.ttls.push(ttl);
            trajectory.shadows.extend(shadows);
            *times_pinned += u64::from(pinned);
        }
    }
}
