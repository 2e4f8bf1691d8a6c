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
//! Without a class the catalogue is that of a preset: a site's thumbnails, avatars, photos and banners, or what
//! a content delivery network sees. Where no class has a `share`, all have the same; where one has, all must, and they
//! sum to 1.

mod class;
#[cfg(test)]
mod tests;
mod traffic;

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use self::class::Written;
use self::traffic::Growth;
use super::need::Need;
use crate::catalog::{Chosen, Fault, Item, Section};
use crate::trace::synth::arrival::{ARRIVALS, ArrivalModel};
use crate::trace::synth::event::TrafficEvent;
use crate::trace::synth::{Pages, Repeats, Setup, Workload, digest};
use crate::units::{Rate, SimDuration};

/// Above so many expected requests a trace would not fit into the memory of usual machines.
const REQUESTS_MAX: f64 = 4e9;
/// Object numbers have 32 bits, and one of them is kept for "none".
const OBJECTS_MAX: i64 = u32::MAX as i64 - 1;
/// Class numbers have 16 bits.
const CLASSES_MAX: usize = 1 << 16;

/// The classes that a workload has which writes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    #[default]
    Site,
    CdnImage,
}

/// The usual images of a site. Medians are pixels (150 x 150, 400 x 400, 800 x 800, 1920 x 600) times the 1.4 bits of WebP
/// (Web Almanac 2022), the decay is that of feed photos (f4, OSDI 2014); shares, objects, sigma, churn and times of change
/// are assumptions.
const SITE: &str = r#"
class = [
    { name = "thumbnail", objects = 60_000, share = 0.6, size = { model = "lognormal", median = "3.9kB", sigma = 0.6 }, churn = { decay = 0.8 } },
    { name = "avatar", objects = 25_000, share = 0.2, size = { model = "lognormal", median = "28kB", sigma = 0.6 }, changes = { model = "poisson", mean = "90d" } },
    { name = "photo", objects = 14_500, share = 0.15, size = { model = "lognormal", median = "112kB", sigma = 0.6 }, churn = { decay = 0.8 }, changes = { model = "poisson", mean = "30d" } },
    { name = "banner", objects = 500, share = 0.05, size = { model = "lognormal", median = "202kB", sigma = 0.6 }, changes = { model = "poisson", mean = "1d" } },
]"#;

/// An image class of a content delivery network, calibrated to published figures of one of Akamai's: 77 % of the objects
/// are asked for once, at best 59 to 60 % of the requests are hits, sizes have a median of 10 kB.
const CDN_IMAGE: &str = r#"
class = [
    { name = "image", objects = 1, share = 1.0, one_hit = 0.27, popularity = { model = "zipf", alpha = 0.8 }, size = { model = "lognormal", median = "10kB", sigma = 1.2 } },
]"#;
/// Objects of [`CDN_IMAGE`] for each expected request.
const CDN_OBJECTS: f64 = 0.17;

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
    /// The classes whose sizes change with their objects, and where that is written.
    pub(super) resized: Vec<(String, Range<usize>)>,
    /// Tables that the results depend on beside the scenario.
    pub(super) notes: Vec<String>,
}

/// The traffic as written, before its classes are known.
struct Traffic {
    duration: Spanned<SimDuration>,
    rate: Option<Spanned<Rate>>,
    arrivals: Chosen<dyn ArrivalModel, Setup>,
    pages: Option<Pages>,
    repeats: Option<Repeats>,
    events: Vec<Chosen<dyn TrafficEvent, Setup>>,
    growth: Growth,
    preset: Option<Spanned<Preset>>,
}

impl Traffic {
    fn read(section: &mut Section<'_>) -> Result<Self, Fault> {
        Ok(Self {
            duration: section.required("duration", "duration = \"6h\"")?,
            rate: section.located("rate")?,
            arrivals: section.plug("arrivals", &ARRIVALS, "poisson")?,
            pages: section.take("pages").map(traffic::pages).transpose()?,
            repeats: section.take("repeats").map(traffic::repeats).transpose()?,
            events: section.take("events").map_or(Ok(Vec::new()), traffic::events)?,
            growth: section
                .take("grow")
                .map_or(Ok(Growth { traffic: 1.0, catalogue: 1.0 }), traffic::grow)?,
            preset: section.located("preset")?,
        })
    }
}

/// Reads the whole section; `folder` is that of the scenario.
///
/// # Errors
/// The first mistake, at its place: a wrong key or value, shares that do not sum to 1, two classes
/// of one name, more requests or objects than there can be.
pub(super) fn read<'i>(mut section: Section<'i>, folder: &Path) -> Result<WorkloadSpec<'i>, Fault> {
    let traffic = Traffic::read(&mut section)?;
    let mut setup =
        Setup { folder: folder.to_owned(), classes: Vec::new(), duration: *traffic.duration.get_ref() };
    let arrivals = traffic.arrivals.make(&setup)?;
    let rate = rate(&traffic, arrivals.as_ref());
    check_requests(&traffic.duration, &rate)?;
    let mut sections = class_sections(&mut section)?;
    section.finish()?;
    let written = !sections.is_empty();
    if let Some(preset) = traffic.preset.as_ref().filter(|_| written) {
        return Err(Fault::new(preset.span(), "there are both a preset and classes")
            .rule("a preset stands for classes that are not written")
            .help("leave the preset or the classes out"));
    }
    let preset = traffic.preset.as_ref().map_or(Preset::Site, |preset| *preset.get_ref());
    if !written {
        let text = if preset == Preset::Site { SITE } else { CDN_IMAGE };
        sections = class_sections(&mut Section::parse(text)?)?;
    }
    let mut changes = Vec::with_capacity(sections.len());
    let mut classes = Vec::with_capacity(sections.len());
    for mut class in sections {
        changes.push(class.take("changes"));
        classes.push(Written::read(class)?);
    }
    if !written && preset == Preset::CdnImage {
        let requests = rate.get_ref().as_per_second() / traffic.growth.traffic * setup.duration.as_secs_f64();
        resize(&mut classes[0], CDN_OBJECTS * requests);
    }
    for class in &mut classes {
        let objects = f64::from(*class.objects.get_ref());
        resize(class, objects * traffic.growth.catalogue);
    }
    class::check(&classes)?;
    let shares = class::shares(&classes)?;
    setup.classes = classes.iter().map(|class| class.name.get_ref().clone()).collect();
    let effective = effective(&traffic, *rate.get_ref(), &classes, &shares);
    let notes = notes(&traffic, &classes, folder);

    let largest = classes.iter().max_by_key(|class| *class.objects.get_ref());
    // Classes that nobody has written have no place of their own.
    let objects_span =
        largest.filter(|_| written).map_or(traffic.duration.span(), |class| class.objects.span());
    let redrawn =
        classes.iter().filter_map(|class| Some((class.name.get_ref().clone(), class.redrawn_at()?)));
    let resized: Vec<_> = redrawn.collect();
    let rate_span = rate.span();
    let build = |(class, share): (Written, f64)| class.build(share, &setup);
    let workload = Workload {
        duration: setup.duration,
        rate: rate.into_inner(),
        arrivals,
        classes: classes.into_iter().zip(shares).map(build).collect::<Result<_, _>>()?,
        pages: traffic.pages,
        repeats: traffic.repeats,
        events: traffic.events.iter().map(|event| event.make(&setup)).collect::<Result<_, _>>()?,
    };
    let (objects, requests) = (workload.expected_objects(), workload.expected_requests());
    if requests as f64 > REQUESTS_MAX {
        let event = traffic.events.iter().find(|event| event.name() != "purge");
        let what = format!("with what events add there are {requests} requests, more than 4e9");
        return Err(Fault::new(event.map_or(rate_span, Chosen::span), what)
            .rule("a trace is held in memory, 12 bytes a request"));
    }
    if objects > OBJECTS_MAX.unsigned_abs() {
        let what =
            format!("with uploads and one-hit objects there are {objects} objects, more than {OBJECTS_MAX}");
        return Err(
            Fault::new(objects_span, what).help("shorten the duration, or lower one_hit or new_per_day")
        );
    }
    let need = Need {
        objects: (objects, objects_span),
        requests: (requests, rate_span),
        is_resized: !resized.is_empty(),
    };
    Ok(WorkloadSpec { workload, effective, need, changes, resized, notes })
}

/// The rate with its growth: as written, or that of the arrivals themselves, or the usual one.
fn rate(traffic: &Traffic, arrivals: &dyn ArrivalModel) -> Spanned<Rate> {
    let (span, rate) = match &traffic.rate {
        Some(rate) => (rate.span(), *rate.get_ref()),
        None => (traffic.duration.span(), arrivals.own_rate().unwrap_or(Rate::per_second(1_000.0))),
    };
    Spanned::new(span, Rate::per_second(rate.as_per_second() * traffic.growth.traffic))
}

/// Gives a class another number of objects; at least 1, and one that is too large stays so.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn resize(class: &mut Written, objects: f64) {
    class.objects = Spanned::new(class.objects.span(), (objects.round() as u32).max(1));
}

/// The section as it could be written.
fn effective(traffic: &Traffic, rate: Rate, classes: &[Written], shares: &[f64]) -> toml::Table {
    let mut effective = toml::Table::new();
    effective.insert("duration".to_owned(), traffic.duration.get_ref().to_string().into());
    effective.insert("rate".to_owned(), rate.to_string().into());
    effective.insert("arrivals".to_owned(), traffic.arrivals.effective());
    if let Some(pages) = &traffic.pages {
        effective.insert("pages".to_owned(), traffic::effective_pages(pages).into());
    }
    if let Some(repeats) = &traffic.repeats {
        effective.insert("repeats".to_owned(), traffic::effective_repeats(repeats).into());
    }
    if !traffic.events.is_empty() {
        let events = traffic.events.iter().map(Chosen::effective).collect();
        effective.insert("events".to_owned(), toml::Value::Array(events));
    }
    let table = classes.iter().zip(shares).map(|(class, share)| class.effective(*share).into());
    effective.insert("class".to_owned(), toml::Value::Array(table.collect()));
    effective
}

/// What the results depend on beside the scenario.
fn notes(traffic: &Traffic, classes: &[Written], folder: &Path) -> Vec<String> {
    let own = Some(traffic.arrivals.word_of("path")).filter(|path| !path.is_empty()).map(str::to_owned);
    let mut paths: Vec<String> = own.into_iter().chain(classes.iter().flat_map(Written::tables)).collect();
    paths.sort_unstable();
    paths.dedup();
    // A table that cannot be read is refused where it is made use of.
    let note = |path: String| Some(format!("table {path}: sha256 {}", digest(folder, &path).ok()?));
    paths.into_iter().filter_map(note).collect()
}

/// The path and the digest in a note of a table that a result depends on.
pub(super) fn table_of(note: &str) -> Option<(String, String)> {
    let (path, digest) = note.strip_prefix("table ")?.rsplit_once(": sha256 ")?;
    Some((path.to_owned(), digest.to_owned()))
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
