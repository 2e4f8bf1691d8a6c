//! `[workload]`: a synthetic trace and what it is made of.
//!
//! ```toml
//! [workload]
//! duration = "6h"
//! rate = "500/s"
//! [[workload.class]]
//! name = "thumbnail"
//! objects = 50_000
//! popularity = { model = "zipf", alpha = 0.9 }
//! size = { model = "lognormal", median = "6KiB", sigma = 0.6 }
//! ```
//!
//! Without a class the catalogue is a site's usual one: thumbnails, avatars, photos and banners.
//! Where no class has a `share`, all have the same; where one has, all must, and they sum to 1.

use std::ops::Range;

use toml::Spanned;

use super::need::Need;
use crate::catalog::{Chosen, Fault, Item, Section};
use crate::trace::synth::arrival::ARRIVALS;
use crate::trace::synth::popularity::{POPULARITIES, Popularity};
use crate::trace::synth::size::{SIZES, SizeModel};
use crate::trace::synth::{Class, Workload};
use crate::units::{Fraction, Rate, SimDuration};

/// Above so many expected requests a trace would not fit into the memory of usual machines.
const REQUESTS_MAX: f64 = 4e9;
/// Object numbers have 32 bits, and one of them is kept for "none".
const OBJECTS_MAX: i64 = u32::MAX as i64 - 1;
/// Class numbers have 16 bits.
const CLASSES_MAX: usize = 1 << 16;
/// How far the sum of the shares may lie from 1: a third cannot be written.
const SHARE_SLACK: f64 = 1e-6;

/// The usual images of a site. Medians are pixels (150 x 150, 400 x 400, 800 x 800, 1920 x 600)
/// times the 1.4 bits of WebP; shares, objects and sigma are assumptions.
const USUAL: &str = r#"
class = [
    { name = "thumbnail", objects = 60_000, share = 0.6, size = { model = "lognormal", median = "3.9kB", sigma = 0.6 } },
    { name = "avatar", objects = 25_000, share = 0.2, size = { model = "lognormal", median = "28kB", sigma = 0.6 } },
    { name = "photo", objects = 14_500, share = 0.15, size = { model = "lognormal", median = "112kB", sigma = 0.6 } },
    { name = "banner", objects = 500, share = 0.05, size = { model = "lognormal", median = "202kB", sigma = 0.6 } },
]"#;

/// `[workload]` as it was meant.
#[derive(Debug)]
pub(super) struct WorkloadSpec<'i> {
    /// What the generator needs.
    pub(super) workload: Workload,
    /// The section with every default filled in, as it could be written; without `changes`.
    pub(super) effective: toml::Table,
    /// What decides how much memory it takes.
    pub(super) need: Need,
    /// What each class of `workload` says under `changes`: the origin's matter, read elsewhere.
    pub(super) changes: Vec<Option<Item<'i>>>,
}

/// Reads the whole section.
///
/// # Errors
/// The first mistake, at its place: a wrong key or value, shares that do not sum to 1, two classes
/// of one name, more requests or objects than there can be.
pub(super) fn read(mut section: Section<'_>) -> Result<WorkloadSpec<'_>, Fault> {
    let duration: Spanned<SimDuration> = section.required("duration", "duration = \"6h\"")?;
    let rate =
        section.located("rate")?.unwrap_or_else(|| Spanned::new(duration.span(), Rate::per_second(1_000.0)));
    check_requests(&duration, &rate)?;
    let arrivals = section.plug("arrivals", &ARRIVALS, "poisson")?;
    let mut sections = class_sections(&mut section)?;
    section.finish()?;
    let written = !sections.is_empty();
    if !written {
        sections = class_sections(&mut Section::parse(USUAL)?)?;
    }
    let mut changes = Vec::with_capacity(sections.len());
    let mut classes = Vec::with_capacity(sections.len());
    for mut class in sections {
        changes.push(class.take("changes"));
        classes.push(Written::read(class)?);
    }
    check_classes(&classes)?;
    let shares = shares(&classes)?;

    let mut effective = toml::Table::new();
    effective.insert("duration".to_owned(), duration.get_ref().to_string().into());
    effective.insert("rate".to_owned(), rate.get_ref().to_string().into());
    effective.insert("arrivals".to_owned(), arrivals.effective());
    let table = classes.iter().zip(&shares).map(|(class, share)| class.effective(*share).into());
    effective.insert("class".to_owned(), toml::Value::Array(table.collect()));

    let largest = classes.iter().max_by_key(|class| *class.objects.get_ref());
    let objects = classes.iter().map(|class| u64::from(*class.objects.get_ref())).sum();
    // Classes that nobody has written have no place of their own.
    let objects_span = largest.filter(|_| written).map_or(duration.span(), |class| class.objects.span());
    let rate_span = rate.span();

    let workload = Workload {
        duration: duration.into_inner(),
        rate: rate.into_inner(),
        arrivals: arrivals.make(&())?,
        classes: classes
            .into_iter()
            .zip(shares)
            .map(|(class, share)| class.build(share))
            .collect::<Result<_, _>>()?,
    };
    let requests = (workload.expected_requests(), rate_span);
    let need = Need { objects: (objects, objects_span), requests };
    Ok(WorkloadSpec { workload, effective, need, changes })
}

fn class_sections<'i>(section: &mut Section<'i>) -> Result<Vec<Section<'i>>, Fault> {
    section.sections("class", "[[workload.class]]")
}

/// Refuses a workload without requests, or with more than could be held.
fn check_requests(duration: &Spanned<SimDuration>, rate: &Spanned<Rate>) -> Result<(), Fault> {
    if duration.get_ref().is_zero() {
        return Err(Fault::new(duration.span(), "the duration must be above 0s")
            .rule("a workload without time has no requests to simulate"));
    }
    let per_second = rate.get_ref().as_per_second();
    if per_second <= 0.0 {
        return Err(Fault::new(rate.span(), "the rate must be above 0/s")
            .rule("a workload without requests has nothing to simulate")
            .help("write rate = \"500/s\""));
    }
    let expected = per_second * duration.get_ref().as_secs_f64();
    if expected > REQUESTS_MAX {
        let (rate_text, duration_text) = (rate.get_ref(), duration.get_ref());
        return Err(Fault::new(
            rate.span(),
            format!("{rate_text} for {duration_text} are {expected:.2e} requests, more than 4e9"),
        )
        .rule("a trace is held in memory, 12 bytes a request")
        .help("lower the rate or shorten the duration"));
    }
    Ok(())
}

/// One `[[workload.class]]`, not yet compared with the others.
struct Written {
    place: Range<usize>,
    name: Spanned<String>,
    objects: Spanned<u32>,
    share: Option<Spanned<Fraction>>,
    popularity: Chosen<dyn Popularity, ()>,
    size: Chosen<dyn SizeModel, ()>,
}

impl Written {
    fn read(mut section: Section<'_>) -> Result<Self, Fault> {
        let place = section.span();
        let name: Spanned<String> = section.required("name", "name = \"thumbnail\"")?;
        if name.get_ref().trim().is_empty() {
            return Err(Fault::new(name.span(), "a class needs a name that is not empty"));
        }
        let number: Spanned<i64> = section.required("objects", "objects = 50_000")?;
        let objects = Some(*number.get_ref())
            .filter(|objects| (1..=OBJECTS_MAX).contains(objects))
            .and_then(|objects| u32::try_from(objects).ok())
            .ok_or_else(|| {
                let (class, objects) = (name.get_ref(), number.get_ref());
                Fault::new(
                    number.span(),
                    format!("class \"{class}\" must have from 1 to {OBJECTS_MAX} objects, but has {objects}"),
                )
            })?;
        let share = section.located("share")?;
        let popularity = section.plug("popularity", &POPULARITIES, "zipf")?;
        let size = section.plug("size", &SIZES, "lognormal")?;
        section.finish()?;
        let objects = Spanned::new(number.span(), objects);
        Ok(Self { place, name, objects, share, popularity, size })
    }

    fn effective(&self, share: f64) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("name".to_owned(), self.name.get_ref().clone().into());
        table.insert("objects".to_owned(), i64::from(*self.objects.get_ref()).into());
        table.insert("share".to_owned(), share.into());
        table.insert("popularity".to_owned(), self.popularity.effective());
        table.insert("size".to_owned(), self.size.effective());
        table
    }

    fn build(self, share: f64) -> Result<Class, Fault> {
        Ok(Class {
            popularity: self.popularity.make(&())?,
            size: self.size.make(&())?,
            name: self.name.into_inner(),
            objects: self.objects.into_inner(),
            share,
        })
    }
}

/// Refuses two classes of one name, too many classes and too many objects.
fn check_classes(classes: &[Written]) -> Result<(), Fault> {
    let mut names = std::collections::BTreeSet::new();
    let mut objects = 0_i64;
    for (number, class) in classes.iter().enumerate() {
        let name = class.name.get_ref();
        if !names.insert(name) {
            return Err(Fault::new(class.name.span(), format!("there are two classes called \"{name}\""))
                .rule("results are reported by the name of the class"));
        }
        if number >= CLASSES_MAX {
            return Err(Fault::new(
                class.place.clone(),
                format!("there are more than {CLASSES_MAX} classes"),
            ));
        }
        objects += i64::from(*class.objects.get_ref());
        if objects > OBJECTS_MAX {
            return Err(Fault::new(
                class.objects.span(),
                format!("with class \"{name}\" there are {objects} objects, more than {OBJECTS_MAX}"),
            )
            .rule("all classes together have at most 2^32 - 2 objects"));
        }
    }
    Ok(())
}

/// The share of each class: as written, or the same for all where none is.
fn shares(classes: &[Written]) -> Result<Vec<f64>, Fault> {
    let Some(last) = classes.iter().filter_map(|class| class.share.as_ref()).next_back() else {
        return Ok(vec![1.0 / classes.len() as f64; classes.len()]);
    };
    let share = |class: &Written| match &class.share {
        Some(share) => Ok(share.get_ref().as_f64()),
        None => Err(Fault::new(
            class.place.clone(),
            format!("class \"{}\" has no share, but another class has one", class.name.get_ref()),
        )
        .rule("either every class has a share, or none and all are asked for equally")),
    };
    let shares: Vec<f64> = classes.iter().map(share).collect::<Result<_, _>>()?;
    let sum: f64 = shares.iter().sum();
    if (sum - 1.0).abs() > SHARE_SLACK {
        // Rounded so that 0.6 + 0.3 reads as people add it.
        let sum = (sum * 1e9).round() / 1e9;
        return Err(Fault::new(last.span(), format!("the shares of all classes sum to {sum}, not to 1"))
            .rule("a share is the part of all requests that goes to the class"));
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
duration = "1m"
rate = "100/s"
[[class]]
name = "a"
objects = 10
share = 0.25
[[class]]
name = "b"
objects = 20
share = 0.75
"#;

    fn read_text(text: &str) -> Result<WorkloadSpec<'_>, Fault> {
        read(Section::parse(text)?)
    }

    /// What the error says, and the text it points at.
    fn refused(text: &str) -> (String, &str) {
        let fault = read_text(text).expect_err(text);
        (fault.what, &text[fault.span])
    }

    #[test]
    fn what_is_written_is_read() {
        let WorkloadSpec { workload, changes, .. } = read_text(TWO).unwrap();
        assert_eq!(workload.duration, SimDuration::from_secs(60));
        assert_eq!(workload.rate, Rate::per_second(100.0));
        let classes: Vec<_> =
            workload.classes.iter().map(|c| (c.name.as_str(), c.objects, c.share)).collect();
        assert_eq!(classes, [("a", 10, 0.25), ("b", 20, 0.75)]);
        assert!(changes.iter().all(Option::is_none) && changes.len() == 2);
    }

    #[test]
    fn the_effective_form_shows_every_default_and_reads_back_as_itself() {
        for text in ["duration = \"1h\"", TWO] {
            let effective = read_text(text).unwrap().effective;
            let again = effective.to_string();
            assert_eq!(read_text(&again).unwrap().effective, effective, "{again}");
        }
        let effective = read_text(TWO).unwrap().effective.to_string();
        for part in ["alpha = 0.9", "median = \"10000B\"", "sigma = 1.2", "model = \"poisson\""] {
            assert!(effective.contains(part), "{part} in {effective}");
        }
    }

    #[test]
    fn without_classes_the_catalogue_is_the_usual_one() {
        let workload = read_text("duration = \"1h\"").unwrap().workload;
        assert_eq!(workload.rate, Rate::per_second(1_000.0));
        assert_eq!(workload.classes.iter().map(|class| class.objects).sum::<u32>(), 100_000);
        assert_eq!(workload.classes[0].name, "thumbnail");
    }

    #[test]
    fn classes_without_shares_are_asked_for_equally() {
        let text = TWO.replace("share = 0.25\n", "").replace("share = 0.75\n", "");
        let shares: Vec<f64> = read_text(&text).unwrap().workload.classes.iter().map(|c| c.share).collect();
        assert_eq!(shares, [0.5, 0.5]);
    }

    #[test]
    fn changes_are_handed_on_unread() {
        let text = TWO.replace("share = 0.25", "share = 0.25\nchanges = { model = \"anything\" }");
        let spec = read_text(&text).unwrap();
        assert!(spec.changes[0].is_some() && spec.changes[1].is_none());
    }

    #[test]
    fn a_mistake_is_named_at_its_place() {
        for (find, write, what, place) in [
            ("share = 0.75", "share = 0.5", "sum to 0.75, not to 1", "0.5"),
            ("share = 0.75", "share = 1.5", "not a fraction", "1.5"),
            ("share = 0.75", "", "\"b\" has no share", "[[class]]"),
            ("name = \"b\"", "name = \"a\"", "two classes called \"a\"", "\"a\""),
            ("name = \"b\"", "name = \"\"", "not empty", "\"\""),
            ("objects = 20", "objects = 0", "from 1 to 4294967294 objects, but has 0", "0"),
            ("objects = 20", "objects = -3", "but has -3", "-3"),
            ("objects = 20", "objects = 4_294_967_295", "but has 4294967295", "4_294_967_295"),
            ("objects = 20", "objects = 4_294_967_290", "there are 4294967300 objects", "4_294_967_290"),
            ("objects = 20", "", "needs \"objects\"", "[[class]]"),
            ("objects = 20", "object = 20", "needs \"objects\"", "[[class]]"),
            ("objects = 20", "objects = 20\nsizes = 1", "has no \"sizes\"", "sizes"),
            ("rate = \"100/s\"", "rate = \"0/s\"", "above 0/s", "\"0/s\""),
            ("rate = \"100/s\"", "rate = \"1e9/s\"", "6.00e10 requests, more than 4e9", "\"1e9/s\""),
            ("rate = \"100/s\"", "rates = 1", "no \"rates\"", "rates"),
            ("duration = \"1m\"", "duration = \"0s\"", "above 0s", "\"0s\""),
            ("duration = \"1m\"", "duration = \"7000w\"", "requests, more than", "\"100/s\""),
            ("rate = \"100/s\"", "arrivals = \"poison\"", "no arrival model is called", "\"poison\""),
            (
                "objects = 20",
                "objects = 20\npopularity = { model = \"zipf\", alpha = -1 }",
                "alpha must lie in its legal range (0 to 20)",
                "-1",
            ),
            ("objects = 20", "objects = 20\nsize = \"constant\"", "needs \"value\"", "\"constant\""),
        ] {
            assert!(TWO.contains(find), "{find}");
            let text = TWO.replace(find, write);
            let (said, at) = refused(&text);
            assert!(said.contains(what), "{write:?}: {said}");
            assert_eq!(at, place, "{write:?}: {said}");
        }
        assert!(refused("rate = \"1/s\"").0.contains("needs \"duration\""));
    }
}
