//! When objects change at the origin.
//!
//! A model says how long an object stays as it is; [`Changes`] keeps what has been drawn, so that
//! the same history answers every question of one simulation and of every strategy.

pub mod batch;
pub mod never;
pub mod periodic;
pub mod poisson;
pub mod trace;

use super::{Setup, Version};
use crate::trace::{ClassId, ObjectId, Objects};
use crate::units::{SimDuration, SimTime};

/// A model of change; the state of an object does not depend on who asks or when.
pub trait ChangeModel: Send {
    /// How long version `nth` of `object` stays current; [`SimDuration::FOREVER`] if it is never replaced.
    fn lifetime(&self, object: ObjectId, nth: u32) -> SimDuration;

    /// Whether objects of this model ever change.
    fn ever(&self) -> bool {
        true
    }
}

crate::catalog! {
    /// All models of change.
    pub static CHANGES: Catalog<dyn ChangeModel, Setup> = "change model", tag "model";
    never::Never,
    poisson::Poisson,
    periodic::Periodic,
    batch::Batch,
    trace::Recorded,
}

/// The history of every object, drawn as far as it was asked for.
pub struct Changes {
    models: Vec<Box<dyn ChangeModel>>,
    class_of: Vec<ClassId>,
    /// The original of each rendition: a family changes together. Empty where there are none.
    original: Vec<ObjectId>,
    /// Instants at which each object changed, in order; empty where nothing ever changes.
    history: Vec<Vec<SimTime>>,
}

impl Changes {
    /// Changes by class: `models[i]` rules the objects of class `i`.
    pub fn new(models: Vec<Box<dyn ChangeModel>>, objects: &Objects) -> Self {
        let ever = models.iter().any(|model| model.ever());
        let (class_of, history) = if ever {
            (objects.facts().iter().map(|fact| fact.class).collect(), vec![Vec::new(); objects.len()])
        } else {
            (Vec::new(), Vec::new())
        };
        let families = objects.families().filter(|_| ever).unwrap_or_default();
        let original = families.iter().map(|kin| kin.original).collect();
        Self { models, class_of, original, history }
    }

    /// The object whose history is that of `object`.
    fn family(&self, object: ObjectId) -> ObjectId {
        self.original.get(object.index()).copied().unwrap_or(object)
    }

    /// Whether any object ever changes.
    #[inline]
    pub fn ever(&self) -> bool {
        !self.history.is_empty()
    }

    /// The version that is current at `at`.
    #[inline]
    pub fn version(&mut self, object: ObjectId, at: SimTime) -> Version {
        if !self.ever() {
            return Version(0);
        }
        let history = self.until(object, at);
        Version(u32::try_from(history.partition_point(|change| *change <= at)).unwrap_or(u32::MAX))
    }

    /// When `version`, which has been current already, came to be; the first one at time zero.
    /// `None` if nothing ever changes.
    pub fn made_at(&mut self, object: ObjectId, version: Version) -> Option<SimTime> {
        if !self.ever() {
            return None;
        }
        let object = self.family(object);
        let nth = version.0.checked_sub(1);
        nth.map_or(Some(SimTime::ZERO), |nth| self.history[object.index()].get(nth as usize).copied())
    }

    /// When the first change after `version` took place, if that was at `at` or before.
    #[inline]
    pub fn outdated_since(&mut self, object: ObjectId, version: Version, at: SimTime) -> Option<SimTime> {
        if !self.ever() {
            return None;
        }
        self.until(object, at).get(version.0 as usize).copied().filter(|change| *change <= at)
    }

    /// When the object changes next after `at`; `None` if it never does.
    pub fn next(&mut self, object: ObjectId, at: SimTime) -> Option<SimTime> {
        if !self.ever() {
            return None;
        }
        self.until(object, at)
            .iter()
            .copied()
            .find(|change| *change > at)
            .filter(|change| *change != SimTime::NEVER)
    }

    /// The object's history, drawn until it reaches beyond `at`.
    fn until(&mut self, object: ObjectId, at: SimTime) -> &[SimTime] {
        let object = self.family(object);
        let history = &mut self.history[object.index()];
        let model = &self.models[self.class_of[object.index()].index()];
        while history.last().is_none_or(|last| *last <= at) {
            let last = history.last().copied().unwrap_or(SimTime::ZERO);
            let nth = u32::try_from(history.len()).expect("an object changes less than 2^32 times");
            let next = last + model.lifetime(object, nth);
            history.push(next);
            if next == SimTime::NEVER {
                break;
            }
        }
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Fact, Keys, Kin};

    struct Every(u64);
    impl ChangeModel for Every {
        fn lifetime(&self, _: ObjectId, _: u32) -> SimDuration {
            SimDuration::from_nanos(self.0)
        }
    }

    #[test]
    fn a_version_is_current_from_its_change_until_the_next() {
        let fact = Fact { size: 1, class: ClassId::new(0), size_is_imputed: false };
        let objects = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
        let mut changes = Changes::new(vec![Box::new(Every(10))], &objects);
        let (object, at) = (ObjectId::new(0), SimTime::from_nanos);
        assert_eq!(changes.version(object, at(9)), Version(0));
        assert_eq!(changes.version(object, at(10)), Version(1));
        assert_eq!(changes.version(object, at(35)), Version(3));
        assert_eq!(changes.version(object, at(5)), Version(0));
        assert_eq!(changes.outdated_since(object, Version(1), at(19)), None);
        assert_eq!(changes.outdated_since(object, Version(1), at(35)), Some(at(20)));
        assert_eq!(changes.made_at(object, Version(0)), Some(at(0)));
        assert_eq!(changes.made_at(object, Version(2)), Some(at(20)));
    }

    #[test]
    fn all_renditions_of_an_image_change_with_it() {
        struct ByNumber;
        impl ChangeModel for ByNumber {
            fn lifetime(&self, object: ObjectId, _: u32) -> SimDuration {
                SimDuration::from_nanos(u64::from(object.as_u32()) + 1)
            }
        }
        let fact = Fact { size: 1, class: ClassId::new(0), size_is_imputed: false };
        let families = [0, 1, 1].map(|first| Kin { original: ObjectId::new(first), rank: 0 }).to_vec();
        let objects =
            Objects::new(vec![fact; 3], Keys::Numbered, vec!["all".to_owned()]).with_families(families);
        let mut changes = Changes::new(vec![Box::new(ByNumber)], &objects);
        let at = SimTime::from_nanos;
        assert_eq!(changes.version(ObjectId::new(2), at(4)), Version(2));
        assert_eq!(changes.version(ObjectId::new(1), at(4)), Version(2));
        assert_eq!(changes.made_at(ObjectId::new(2), Version(1)), Some(at(2)));
    }
}
