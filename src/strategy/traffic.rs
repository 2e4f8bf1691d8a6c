//! What an operator knows of the traffic. The trace itself is private to this file, so that no strategy can look
//! at who comes when.

use std::sync::Arc;

use crate::trace::{ObjectId, Trace, Ttls};
use crate::units::{SimDuration, SimTime};

/// What an operator knows of the traffic from earlier days: figures, never who comes when.
#[derive(Clone, Default)]
pub struct Traffic {
    trace: Option<Arc<Trace>>,
}

impl Traffic {
    /// Traffic like that of `trace`.
    pub fn like(trace: Arc<Trace>) -> Self {
        Self { trace: Some(trace) }
    }

    /// The TTL that was recorded for `object` at `now` or before, or else the first one after.
    pub fn recorded_ttl(&self, object: ObjectId, now: SimTime) -> Option<SimDuration> {
        self.trace.as_ref()?.ttls()?.at(object, now)
    }

    /// For how many objects a TTL is recorded.
    pub fn objects_with_recorded_ttl(&self) -> usize {
        self.trace.as_ref().and_then(|trace| trace.ttls()).map_or(0, Ttls::objects)
    }

    /// When the traffic begins by a recorded clock, in nanoseconds since 1970 UTC; `None` where none was recorded.
    pub fn began(&self) -> Option<i64> {
        self.trace.as_ref()?.began()
    }

    /// Whether the size of any object is known; true where nothing is known of the traffic at all.
    pub fn knows_sizes(&self) -> bool {
        let facts = self.trace.as_ref().map_or(&[][..], |trace| trace.objects().facts());
        facts.is_empty() || facts.iter().any(|fact| !fact.size_is_imputed)
    }

    /// The size in bytes that half of the requests stay within; `None` where nothing was ever asked for.
    pub fn median_size(&self) -> Option<u32> {
        let trace = self.trace.as_ref()?;
        let mut requests = vec![0_u64; trace.objects().len()];
        trace.each(|_, object| requests[object.index()] += 1);
        let mut sizes: Vec<(u32, u64)> =
            trace.objects().facts().iter().zip(requests).map(|(fact, n)| (fact.size, n)).collect();
        sizes.sort_unstable();
        let half = (trace.len() as u64).div_ceil(2);
        let mut so_far = 0;
        sizes.into_iter().find_map(|(size, requests)| {
            so_far += requests;
            (requests > 0 && so_far >= half).then_some(size)
        })
    }
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Traffic({} requests)", self.trace.as_ref().map_or(0, |trace| trace.len()))
    }
}
