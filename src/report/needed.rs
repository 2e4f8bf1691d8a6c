//! The memory that is needed in a month: its limit in words, in bytes and as JSON.

use serde_json::{Value, json};

use super::format;
use crate::cache::Capacity;
use crate::score::{Estimate, Gate};
use crate::tune::{Answer, Needed, Probe};

/// As JSON, with the targets that were asked for.
pub(super) fn json(needed: &Needed, targets: &[Gate]) -> Value {
    let month = needed.month;
    match &needed.sized.answer {
        Answer::NoCacheNeeded(_) => json!({ "month": month, "met": true, "maxmemory_bytes": 0 }),
        Answer::Smallest { probe, interval: (low, high), .. } => {
            let cost = probe.cost.as_ref().map(|cost| {
                let Estimate { mean, interval } = cost.total;
                json!({ "mean": mean, "low": interval.map(|i| i.low), "high": interval.map(|i| i.high) })
            });
            json!({
                "month": month, "met": true, "maxmemory_bytes": bytes_of(probe), "low_bytes": low, "high_bytes": high,
                "monthly_cost": cost,
            })
        }
        Answer::Unmet { missed, nearest } => {
            let names = missed.iter().map(|&place| targets[place].metric.name);
            json!({
                "month": month, "met": false, "missed": names.collect::<Vec<_>>(), "nearest_bytes": bytes_of(nearest),
            })
        }
        Answer::Failed(why) => json!({ "month": month, "met": null, "failed": why }),
    }
}

/// What was seen at the limit that is enough.
pub(super) fn enough(answer: &Answer) -> Option<&Probe> {
    match answer {
        Answer::NoCacheNeeded(probe) | Answer::Smallest { probe, .. } => Some(probe),
        Answer::Unmet { .. } | Answer::Failed(_) => None,
    }
}

/// The limit in bytes; `None` where it is none in bytes.
pub(super) fn bytes_of(probe: &Probe) -> Option<u64> {
    match probe.capacity {
        Capacity::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The limit in words.
pub(super) fn limit_of(answer: &Answer) -> String {
    match answer {
        Answer::NoCacheNeeded(_) => "none".into(),
        Answer::Smallest { probe, .. } => {
            bytes_of(probe).map_or_else(|| "no limit".into(), |bytes| format::bytes(bytes as f64))
        }
        Answer::Unmet { .. } => "no memory is enough".into(),
        Answer::Failed(_) => "failed".into(),
    }
}
