//! What a cell of a plan is called, and its limit: before there is a record of it.

use serde_json::{Value, json};

use super::{format, reading};
use crate::cache::Capacity;
use crate::record;
use crate::scenario::Scenario;
use crate::tune::CellPlan;

/// The strategy's name, with the eviction policy where there are several.
pub(super) fn name(scenario: &Scenario, strategy: usize, eviction: usize) -> String {
    let name = format::shortened(&scenario.strategies[strategy].name, format::LONGEST_NAME);
    if scenario.cache.evictions.len() == 1 {
        return name;
    }
    format!("{name}, {}", scenario.cache.evictions[eviction].name())
}

/// What a limit leaves out where only images are counted against it.
pub(super) fn leaves_out(scenario: &Scenario) -> Option<&'static str> {
    (scenario.cache.memory.name() == "payload").then_some(
        "memory = \"payload\" counts the bytes of images alone; Redis adds those of keys and of its allocator: play it with \
         memory = \"redis\" before you rent a server of exactly this size",
    )
}

/// A limit as people read it.
pub(super) fn limit(capacity: Capacity) -> String {
    reading::capacity(match capacity {
        Capacity::Unbounded => None,
        Capacity::Bytes(bytes) => Some(record::Capacity::Bytes(bytes)),
        Capacity::Objects(objects) => Some(record::Capacity::Objects(objects)),
    })
}

/// A cell as the first part of a JSON object.
pub(super) fn json(scenario: &Scenario, plan: &CellPlan) -> Value {
    let capacity = match plan.capacity {
        Capacity::Unbounded => Value::Null,
        Capacity::Bytes(bytes) => json!({ "bytes": bytes }),
        Capacity::Objects(objects) => json!({ "objects": objects }),
    };
    json!({
        "strategy": scenario.strategies[plan.strategy].name,
        "eviction": scenario.cache.evictions[plan.eviction].name(),
        "capacity": capacity,
    })
}

/// One JSON object of two.
pub(super) fn joined(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(mut first), Value::Object(second)) => {
            first.extend(second);
            Value::Object(first)
        }
        (first, _) => first,
    }
}
