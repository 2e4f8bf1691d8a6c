//! What one limit of memory comes to, held against the targets.

use crate::cache::Capacity;
use crate::score::{Bound, Estimate, Gate, Interval, MonthlyCost, Prices, Replications, rates};

/// One target at one limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// What came out; `None` without data.
    pub value: Option<f64>,
    /// Its 95 % interval over replications, where there are several.
    pub interval: Option<Interval>,
    /// Whether the target is met.
    pub met: bool,
}

impl Held {
    /// Whether the target would be met if the measure lay at the better, or the worse, end of its interval; without an
    /// interval, whether it is met.
    pub fn would_be_met(&self, target: &Gate, better: bool) -> bool {
        let end = |interval: Interval| {
            if (target.bound == Bound::Min) == better { interval.high } else { interval.low }
        };
        self.interval.map_or(self.met, |interval| target.keeps(end(interval)))
    }
}

/// What was seen at one limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The limit.
    pub capacity: Capacity,
    /// By target.
    pub targets: Vec<Held>,
    /// Fresh and stale hits, of requests.
    pub hit: Option<f64>,
    /// Its 95 % interval over replications, where there are several.
    pub hit_interval: Option<Interval>,
    /// Origin fetches a second.
    pub origin_rate: Option<f64>,
    /// What it costs a month, where the scenario names prices.
    pub cost: Option<MonthlyCost>,
}

impl Probe {
    /// Whether every target is met.
    pub fn passes(&self) -> bool {
        self.targets.iter().all(|held| held.met)
    }

    /// Whether every target would be met if each measure lay at one end of its interval: the better or the worse.
    pub(super) fn would_pass(&self, targets: &[Gate], better: bool) -> bool {
        self.targets.iter().zip(targets).all(|(held, target)| held.would_be_met(target, better))
    }

    /// How many targets have no data, and by which share the worst of the others is missed; 0 where all are met.
    pub(super) fn worst(&self, targets: &[Gate]) -> (usize, f64) {
        let missed = |(held, target): (&Held, &Gate)| match held.value {
            Some(value) if !held.met => (value - target.limit).abs() / target.limit.abs().max(1e-12),
            _ => 0.0,
        };
        let without = self.targets.iter().filter(|held| held.value.is_none()).count();
        (without, self.targets.iter().zip(targets).map(missed).fold(0.0, f64::max))
    }
}

/// What the replications at a limit say of the targets.
pub(in crate::tune) fn probe(
    capacity: Capacity,
    runs: &Replications,
    targets: &[Gate],
    prices: Option<&Prices>,
) -> Probe {
    let held = |target: &Gate| {
        let checked = target.check(runs);
        let interval = target.metric.estimate(runs).and_then(|Estimate { interval, .. }| interval);
        Held { value: checked.value, interval, met: checked.pass }
    };
    let limit = match capacity {
        Capacity::Bytes(bytes) => Some(bytes),
        _ => None,
    };
    Probe {
        capacity,
        targets: targets.iter().map(held).collect(),
        hit: runs.mean(rates::hit),
        hit_interval: runs.estimate(rates::hit).and_then(|estimate| estimate.interval),
        origin_rate: runs.mean(rates::origin_rate),
        cost: prices.and_then(|prices| prices.monthly(limit, runs)),
    }
}
