//! Small traces made by hand: requests at known instants for objects of known sizes.

use std::sync::Arc;

use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use ttlab::units::{SimDuration, SimTime};

/// A trace of (nanoseconds, object) over objects of these sizes in bytes, that ends at `end` nanoseconds.
/// Object `i` is the only one of class `ci`.
pub(crate) fn trace(requests: &[(u64, u32)], sizes: &[u32], end: u64) -> Arc<Trace> {
    let facts = sizes.iter().zip(0..).map(|(size, class)| Fact {
        size: *size,
        class: ClassId::new(class),
        size_is_imputed: false,
    });
    let classes = (0..sizes.len()).map(|class| format!("c{class}")).collect();
    let objects = Objects::new(facts.collect(), Keys::Numbered, classes);
    let at = requests.iter().map(|request| SimTime::from_nanos(request.0)).collect();
    let object = requests.iter().map(|request| ObjectId::new(request.1)).collect();
    Arc::new(Trace::new(at, object, objects, SimDuration::from_nanos(end)))
}

/// The part of a scenario that says where requests come from, for a trace of `objects` such objects.
pub(crate) fn source(objects: usize) -> String {
    let class = |class| format!("[[workload.class]]\nname = \"c{class}\"\nobjects = 1\n");
    let classes: String = (0..objects).map(class).collect();
    format!("[workload]\nduration = \"1s\"\nrate = \"1/s\"\n{classes}")
}
