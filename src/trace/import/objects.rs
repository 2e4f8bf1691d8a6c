//! What is known of each object once all lines are read: its class, and its size or what stands in for it.

use std::collections::BTreeSet;

use super::class::{ABSENT, ClassRule, OTHER};
use super::collect::UNCLASSED;
use super::intern::Interner;
use super::provenance::Provenance;
use super::sizes::{Sizes, median};
use crate::trace::{ClassId, Fact, Objects};

/// The size that objects count with where not a single size is recorded, and what was never there, in bytes.
pub(super) const ASSUMED_SIZE: u32 = 1;

/// What the lines told about the objects.
pub(super) struct Raw {
    pub(super) keys: Interner,
    pub(super) sizes: Sizes,
    /// The recorded class of each object up to the last that has one, or [`UNCLASSED`].
    pub(super) class_of: Vec<u32>,
    pub(super) recorded_classes: Interner,
    pub(super) objects_with_several_classes: u64,
    pub(super) requests_of: Vec<u64>,
    /// Rules by status, each with the objects that had a request with such a status.
    pub(super) statuses: BTreeSet<(u32, u32)>,
    /// Objects that were never there, where those are requests.
    pub(super) absent: Vec<bool>,
}

/// More classes than ids.
#[derive(Debug)]
pub(super) struct TooManyClasses;

/// Gives each object its class and its size; what had to be assumed is noted in `provenance`.
pub(super) fn describe(
    raw: Raw,
    rules: &[ClassRule],
    provenance: &mut Provenance,
) -> Result<Objects, TooManyClasses> {
    let (sizes, several) = raw.sizes.finish();
    provenance.objects_with_several_sizes = several;
    let mut known: Vec<u32> = sizes.iter().copied().flatten().collect();
    let typical = median(&mut known).unwrap_or(ASSUMED_SIZE);
    let mut classes = Classes::new(rules);
    let mut by_assumed_size = 0_u64;
    let mut facts = Vec::with_capacity(sizes.len());
    for (id, size) in (0..).zip(&sizes) {
        let is_absent = raw.absent.get(id as usize).is_some_and(|is_absent| *is_absent);
        // What is not there is remembered by a value of next to nothing, and nothing is assumed of it.
        let size = &size.or(is_absent.then_some(ASSUMED_SIZE));
        let rule = (0..).zip(rules).position(|(place, rule)| {
            rule.holds(&raw.keys.key(id), size.unwrap_or(typical))
                && (rule.status.is_empty() || raw.statuses.contains(&(place, id)))
        });
        by_assumed_size += u64::from(size.is_none() && rule.is_some_and(|rule| rules[rule].asks_for_size()));
        let class = match rule {
            Some(rule) => classes.of_rule(rule),
            None => match raw.class_of.get(id as usize) {
                Some(class) if *class != UNCLASSED => classes.recorded(*class, &raw.recorded_classes)?,
                _ => classes.id(if is_absent { ABSENT } else { OTHER })?,
            },
        };
        facts.push(Fact { size: size.unwrap_or(typical), class, size_is_imputed: size.is_none() });
    }
    impute(&mut facts, classes.names.len());
    provenance.idle_class_rules = classes.idle_rules(rules);
    provenance.imputed_objects = facts.iter().filter(|fact| fact.size_is_imputed).count() as u64;
    let imputed = facts.iter().zip(&raw.requests_of).filter(|(fact, _)| fact.size_is_imputed);
    provenance.imputed_requests = imputed.map(|(_, requests)| requests).sum();
    note(provenance, known.is_empty(), by_assumed_size, raw.objects_with_several_classes);
    Ok(Objects::new(facts, raw.keys.into_keys(), classes.names))
}

/// Gives objects without a recorded size the median of their class, where it has one.
fn impute(facts: &mut [Fact], classes: usize) {
    let mut sizes: Vec<Vec<u32>> = vec![Vec::new(); classes];
    for fact in facts.iter().filter(|fact| !fact.size_is_imputed) {
        sizes[fact.class.index()].push(fact.size);
    }
    let medians: Vec<Option<u32>> = sizes.iter_mut().map(|sizes| median(sizes)).collect();
    for fact in facts.iter_mut().filter(|fact| fact.size_is_imputed) {
        fact.size = medians[fact.class.index()].unwrap_or(fact.size);
    }
}

fn note(provenance: &mut Provenance, has_no_size: bool, by_assumed_size: u64, several_classes: u64) {
    let notes = &mut provenance.notes;
    if has_no_size {
        notes.push(format!(
            "no sizes are recorded: every object counts as {ASSUMED_SIZE} byte, so figures in bytes count objects"
        ));
    }
    if by_assumed_size > 0 {
        notes.push(format!("{by_assumed_size} objects are in their class only by an assumed size"));
    }
    if several_classes > 0 {
        notes.push(format!(
            "{several_classes} objects are recorded with several classes; the first one counts"
        ));
    }
    for rule in &provenance.idle_class_rules {
        notes.push(format!("no object matches the rule for class \"{rule}\""));
    }
}

/// The classes of a trace: first those of the rules, then recorded ones as they appear.
struct Classes {
    names: Vec<String>,
    of_rule: Vec<ClassId>,
    used: Vec<bool>,
    of_recorded: Vec<Option<ClassId>>,
}

impl Classes {
    fn new(rules: &[ClassRule]) -> Self {
        let mut classes = Self {
            names: Vec::new(),
            of_rule: Vec::new(),
            used: vec![false; rules.len()],
            of_recorded: Vec::new(),
        };
        for rule in rules {
            let id = classes.id(&rule.name).unwrap_or_default();
            classes.of_rule.push(id);
        }
        classes
    }

    fn of_rule(&mut self, rule: usize) -> ClassId {
        self.used[rule] = true;
        self.of_rule[rule]
    }

    /// The class that the recording calls by `index`.
    fn recorded(&mut self, index: u32, names: &Interner) -> Result<ClassId, TooManyClasses> {
        self.of_recorded.resize(names.len(), None);
        if let Some(id) = self.of_recorded[index as usize] {
            return Ok(id);
        }
        let id = self.id(&names.key(index))?;
        self.of_recorded[index as usize] = Some(id);
        Ok(id)
    }

    /// The id of the class `name`.
    fn id(&mut self, name: &str) -> Result<ClassId, TooManyClasses> {
        let index = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        u16::try_from(index).map(ClassId::new).map_err(|_| TooManyClasses)
    }

    fn idle_rules(&self, rules: &[ClassRule]) -> Vec<String> {
        let idle = rules.iter().zip(&self.used).filter(|(_, used)| !**used);
        idle.map(|(rule, _)| rule.name.clone()).collect()
    }
}
