//! What the tests of rules and modifiers share.

use std::sync::Arc;

use super::RULES;
use crate::catalog::{Catalog, Fault, Section};
use crate::origin::Version;
use crate::random::Seed;
use crate::strategy::ttl::modifier::MODIFIERS;
use crate::strategy::ttl::{Fill, Told, TtlModifier, TtlRule};
use crate::strategy::{Setup, Traffic};
use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use crate::units::{SimDuration, SimTime};

/// The instant `secs` seconds after the trace began.
pub(in crate::strategy::ttl) fn at(secs: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(secs)
}

/// A store of object 0 after `secs` seconds.
pub(in crate::strategy::ttl) fn fill(secs: u64) -> Fill {
    let (object, class, at) = (ObjectId::new(0), ClassId::new(0), at(secs));
    Fill { object, class, size: 1_000, at, drawn_at: at, told: None }
}

/// A store after `secs` seconds of a version that was fetched at once.
pub(in crate::strategy::ttl) fn fetched(secs: u64, version: u32) -> Fill {
    let told = Told {
        fetch_time: SimDuration::ZERO,
        dated: at(secs),
        version: Version(version),
        last_modified: None,
        confirms: false,
    };
    Fill { told: Some(told), ..fill(secs) }
}

/// One class `photo` and two objects, an origin of ten servers.
pub(in crate::strategy::ttl) fn setup() -> Setup {
    Setup {
        classes: vec!["photo".to_owned(), "banner".to_owned()],
        objects: 2,
        servers: Some(10),
        traffic: Traffic::default(),
        seed: Seed::new(1),
    }
}

/// Objects of these sizes, asked for in this order.
pub(in crate::strategy::ttl) fn traffic(sizes: &[u32], order: &[u32]) -> Setup {
    let fact = |size: &u32| Fact { size: *size, class: ClassId::new(0), size_is_imputed: false };
    let objects = Objects::new(sizes.iter().map(fact).collect(), Keys::Numbered, vec!["photo".to_owned()]);
    let ids = order.iter().map(|id| ObjectId::new(*id)).collect();
    let trace = Trace::new(vec![SimTime::ZERO; order.len()], ids, objects, SimDuration::ZERO);
    Setup { traffic: Traffic::like(Arc::new(trace)), ..setup() }
}

/// The rule that `text` describes.
pub(in crate::strategy::ttl) fn rule(text: &str) -> Box<dyn TtlRule> {
    rule_for(text, &setup())
}

/// The rule that `text` describes, for a run.
pub(in crate::strategy::ttl) fn rule_for(text: &str, setup: &Setup) -> Box<dyn TtlRule> {
    made(&RULES, text, setup).unwrap_or_else(|fault| panic!("{}", fault.what))
}

/// The modifier that `text` describes.
pub(in crate::strategy::ttl) fn modifier(text: &str) -> Box<dyn TtlModifier> {
    made(&MODIFIERS, text, &setup()).unwrap_or_else(|fault| panic!("{}", fault.what))
}

/// Why the rule or modifier that `text` describes is refused.
pub(in crate::strategy::ttl) fn refused(text: &str) -> String {
    let fault = if text.contains("rule =") {
        made(&RULES, text, &setup()).err()
    } else {
        made(&MODIFIERS, text, &setup()).err()
    };
    fault.unwrap_or_else(|| panic!("{text} is not refused")).what
}

fn made<T: ?Sized + 'static>(
    catalog: &'static Catalog<T, Setup>,
    text: &str,
    setup: &Setup,
) -> Result<Box<T>, Fault> {
    let text = format!("x = {text}");
    let mut section = Section::parse(&text)?;
    let item = section.take("x").expect("it was written");
    catalog.choose(item)?.make(setup)
}
