//! The sizes that images have after they have changed.
//!
//! An image's size is drawn anew for each version, from the law that drew the first and from chance of its own, so that
//! who asks when plays no part. All renditions of an original are drawn with it.

use std::sync::Arc;

use super::Class;
use super::catalogue::scaled;
use super::size::SizeModel;
use crate::random::Seed;
use crate::trace::{ClassId, ObjectId, Resizing};

/// What a size was drawn from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    /// The number of the original in its class.
    pub(super) number: u32,
    /// Which rendition of it this is.
    pub(super) rendition: u8,
    /// Its place in the order of popularity, where that mattered.
    pub(super) place: Option<f64>,
}

/// How sizes of a class are drawn.
struct Law {
    size: Arc<dyn SizeModel>,
    seed: Seed,
    /// By rendition; empty where there are none.
    scales: Vec<f64>,
}

/// The law for all objects of a workload.
pub(super) struct Redrawn {
    /// By class; `None` where a change leaves sizes as they are.
    laws: Vec<Option<Law>>,
    drawn: Vec<Drawn>,
}

impl Redrawn {
    /// The law for objects of these classes, each of which was drawn so.
    pub(super) fn new<'c>(classes: impl Iterator<Item = (&'c Class, Seed)>, drawn: Vec<Drawn>) -> Self {
        let law = |(class, seed): (&Class, Seed)| Law {
            size: Arc::clone(&class.size),
            seed,
            scales: class.renditions.iter().map(|rendition| rendition.scale).collect(),
        };
        let laws = classes.map(|(class, seed)| class.resize.then(|| law((class, seed)))).collect();
        Self { laws, drawn }
    }
}

impl Resizing for Redrawn {
    fn size(&self, object: ObjectId, class: ClassId, version: u32) -> Option<u32> {
        let law = self.laws[class.index()].as_ref()?;
        Some(law.size(self.drawn[object.index()], version))
    }
}

impl Law {
    fn size(&self, drawn: Drawn, version: u32) -> u32 {
        let mut stream = self.seed.keyed(drawn.number.into(), version.into());
        let size = self.size.draw_placed(drawn.place, &mut stream);
        self.scales.get(usize::from(drawn.rendition)).map_or(size, |scale| scaled(size, *scale))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fit::fits;
    use super::super::popularity::POPULARITIES;
    use super::super::size::SIZES;
    use super::super::{Rendition, Setup, Workload, arrival, generate};
    use super::*;
    use crate::catalog::Section;
    use crate::trace::Trace;
    use crate::units::{Rate, SimDuration};

    fn class(name: &str, objects: u32, size: &str) -> Class {
        let made = format!("size = {size}");
        let mut section = Section::parse(&made).unwrap();
        let size = section.plug("size", &SIZES, "lognormal").unwrap().make(&Setup::default()).unwrap();
        let popularity = POPULARITIES.default_choice("zipf").make(&Setup::default()).unwrap();
        Class { resize: true, ..Class::steady(name, objects, 0.5, popularity, size) }
    }

    fn site(classes: Vec<Class>) -> Trace {
        let workload = Workload {
            duration: SimDuration::from_secs(20),
            rate: Rate::per_second(1_000.0),
            arrivals: arrival::ARRIVALS.default_choice("poisson").make(&Setup::default()).unwrap(),
            classes,
            pages: None,
            repeats: None,
            events: Vec::new(),
        };
        generate(&workload, Seed::new(1))
    }

    fn sizes(trace: &Trace, class: &str, version: u32) -> Vec<u32> {
        let objects = trace.objects();
        let ids = (0..objects.len()).map(ObjectId::from_index);
        let of_class = ids.filter(|id| objects.classes()[objects.class(*id).index()] == class);
        of_class.map(|id| objects.size_of(id, version)).collect()
    }

    const TWO_SIZES: &str = "{ model = \"empirical\", table = [[100, 1], [300, 3]] }";

    #[test]
    fn every_version_is_drawn_by_the_law_and_knows_nothing_of_the_one_before() {
        let trace = site(vec![class("photo", 40_000, TWO_SIZES), class("other", 10, TWO_SIZES)]);
        let versions = [0, 1, 2, 77].map(|version| sizes(&trace, "photo", version));
        let is_large = |size: &u32| usize::from(*size == 300);
        for pair in versions.windows(2) {
            let mut both = [0; 4];
            for (before, after) in pair[0].iter().zip(&pair[1]) {
                both[2 * is_large(before) + is_large(after)] += 1;
            }
            // A quarter is small; independently of what the version before was.
            fits(&both, &[1.0 / 16.0, 3.0 / 16.0, 3.0 / 16.0, 9.0 / 16.0]);
        }
    }

    #[test]
    fn only_the_classes_that_say_so_change_their_sizes_and_nothing_else_moves() {
        let fixed = || vec![Class { resize: false, ..class("a", 500, TWO_SIZES) }];
        let one = site(vec![class("b", 500, TWO_SIZES)].into_iter().chain(fixed()).collect());
        let none = site(
            [Class { resize: false, ..class("b", 500, TWO_SIZES) }].into_iter().chain(fixed()).collect(),
        );
        assert!(one.objects().are_resized() && !none.objects().are_resized());
        assert_eq!((one.object_ids(), one.objects().facts()), (none.object_ids(), none.objects().facts()));
        assert_eq!(sizes(&one, "a", 5), sizes(&one, "a", 0));
        assert_ne!(sizes(&one, "b", 5), sizes(&one, "b", 0));
        assert_eq!(sizes(&none, "b", 5), sizes(&none, "b", 0));
    }

    #[test]
    fn renditions_are_redrawn_with_their_original_and_places_keep_their_tables() {
        let rendition = |scale| Rendition { share: 0.5, scale };
        let renditions = vec![rendition(0.5), rendition(2.0)];
        let banded =
            "{ model = \"by-popularity\", bands = [[1, [[10, 1], [20, 1]]], [99, [[100, 1], [200, 1]]]] }";
        let trace = site(vec![
            Class { renditions, one_hit: 0.1, ..class("photo", 300, "{ model = \"lognormal\" }") },
            class("banded", 100, banded),
        ]);
        let originals = 0..600;
        let (first, later) = (sizes(&trace, "photo", 0), sizes(&trace, "photo", 3));
        for version in [&first, &later] {
            // Both are rounded.
            let pairs = version[originals.clone()].chunks(2);
            assert!(pairs.clone().all(|pair| (f64::from(pair[1]) / 4.0 - f64::from(pair[0])).abs() <= 1.0));
        }
        assert!(first.iter().zip(&later).filter(|(first, later)| first == later).count() < 10);
        assert!(first.len() > 700, "there are one-hit images too");
        let by_band = sizes(&trace, "banded", 4);
        assert_eq!(by_band.iter().filter(|size| [10, 20].contains(*size)).count(), 1);
        assert_eq!(by_band.iter().filter(|size| [100, 200].contains(*size)).count(), 99);
        let same_band = |(before, after): (&u32, &u32)| (*before < 50) == (*after < 50);
        assert!(sizes(&trace, "banded", 0).iter().zip(&by_band).all(same_band));
    }
}
