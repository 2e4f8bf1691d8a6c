//! What `[workload]` says beside its classes: page views, repeats, events, growth.

use toml::Spanned;
use toml::de::DeValue;

use super::class::above_zero;
use crate::catalog::{Chosen, Fault, Item, Section};
use crate::trace::synth::event::{EVENTS, TrafficEvent};
use crate::trace::synth::{Pages, Repeats, Setup};
use crate::units::{Fraction, SimDuration};

/// `pages = { images = 8, varies = true, within = "300ms" }`.
pub(super) fn pages(item: Item<'_>) -> Result<Pages, Fault> {
    let mut section = Section::of(item, "pages")?;
    let varies = section.or("varies", true)?;
    let images: Spanned<f64> = section.required("images", "images = 8")?;
    let number = *images.get_ref();
    if !(1.0..=10_000.0).contains(&number) {
        let what = format!("images must lie between 1 and 10000, but is {number}");
        return Err(Fault::new(images.span(), what).rule("a page asks for at least one image"));
    }
    if !varies && number.fract() != 0.0 {
        let what = format!("images must be a whole number where it does not vary, but is {number}");
        return Err(Fault::new(images.span(), what).help("write varies = true for a mean"));
    }
    let within = section.or("within", SimDuration::from_millis(300))?;
    section.finish()?;
    Ok(Pages { images: number, varies, within })
}

pub(super) fn effective_pages(pages: &Pages) -> toml::Table {
    let mut table = toml::Table::new();
    table.insert("images".to_owned(), pages.images.into());
    table.insert("varies".to_owned(), pages.varies.into());
    table.insert("within".to_owned(), pages.within.to_string().into());
    table
}

/// `repeats = { share = 0.3, within = 1000 }`.
pub(super) fn repeats(item: Item<'_>) -> Result<Repeats, Fault> {
    let mut section = Section::of(item, "repeats")?;
    let share: Spanned<Fraction> = section.required("share", "share = 0.3")?;
    if *share.get_ref() >= Fraction::ONE {
        return Err(Fault::new(share.span(), "share must be below 1")
            .rule("where every request repeats another one, there is nothing to repeat"));
    }
    let written: Spanned<i64> = section.required("within", "within = 1_000")?;
    let within = u32::try_from(*written.get_ref()).ok().filter(|within| (1..=100_000_000).contains(within));
    let within = within.ok_or_else(|| {
        let what = format!("within must lie between 1 and 100000000 requests, but is {}", written.get_ref());
        Fault::new(written.span(), what)
    })?;
    section.finish()?;
    Ok(Repeats { share: share.get_ref().as_f64(), within })
}

pub(super) fn effective_repeats(repeats: &Repeats) -> toml::Table {
    let mut table = toml::Table::new();
    table.insert("share".to_owned(), repeats.share.into());
    table.insert("within".to_owned(), i64::from(repeats.within).into());
    table
}

/// `events = [{ event = "flash-crowd", at = "10m" }]`.
pub(super) fn events(item: Item<'_>) -> Result<Vec<Chosen<dyn TrafficEvent, Setup>>, Fault> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Array(items) => items.into_iter().map(|item| EVENTS.choose(item)).collect(),
        _ => Err(Fault::new(span, "events must be a list")
            .help("write events = [{ event = \"flash-crowd\", at = \"10m\" }]")),
    }
}

/// How much more there is than what is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) traffic: f64,
    pub(super) catalogue: f64,
}

/// `grow = { traffic = 2.0, catalogue = 1.5 }`.
pub(super) fn grow(item: Item<'_>) -> Result<Growth, Fault> {
    let mut section = Section::of(item, "grow")?;
    let traffic = above_zero(&mut section, "traffic", 1e6, 1.0)?;
    let catalogue = above_zero(&mut section, "catalogue", 1e6, 1.0)?;
    section.finish()?;
    Ok(Growth { traffic, catalogue })
}
