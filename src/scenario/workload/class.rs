//! `[[workload.class]]`: objects of one kind.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::{CLASSES_MAX, OBJECTS_MAX};
use crate::catalog::{Chosen, Fault, Item, Section};
use crate::trace::synth::arrival::{ARRIVALS, ArrivalModel};
use crate::trace::synth::popularity::{POPULARITIES, Popularity};
use crate::trace::synth::size::{SIZES, SizeModel};
use crate::trace::synth::{Churn, Class, Rendition, Retire, Setup};
use crate::units::{Fraction, SimDuration};

/// How far the sum of shares may lie from 1: a third cannot be written.
const SHARE_SLACK: f64 = 1e-6;
/// More renditions than this no site offers.
const RENDITIONS_MAX: usize = 100;

/// One `[[workload.class]]`, not yet compared with the others.
pub(super) struct Written {
    place: Range<usize>,
    pub(super) name: Spanned<String>,
    pub(super) objects: Spanned<u32>,
    share: Option<Spanned<Fraction>>,
    popularity: Chosen<dyn Popularity, Setup>,
    size: Chosen<dyn SizeModel, Setup>,
    arrivals: Option<Chosen<dyn ArrivalModel, Setup>>,
    one_hit: Fraction,
    churn: Option<Churn>,
    renditions: Vec<Rendition>,
    /// Whether a change draws sizes anew; with its place, where written.
    pub(super) resize: Option<Spanned<bool>>,
}

impl Written {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, Fault> {
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
        let arrivals = section.take("arrivals").map(|item| ARRIVALS.choose(item)).transpose()?;
        let one_hit = section.or("one_hit", Fraction::ZERO)?;
        let churn = section.take("churn").map(churn).transpose()?;
        let renditions = section.take("renditions").map_or(Ok(Vec::new()), renditions)?;
        let resize = section.located("resize")?;
        section.finish()?;
        let objects = Spanned::new(number.span(), objects);
        Ok(Self {
            place,
            name,
            objects,
            share,
            popularity,
            size,
            arrivals,
            one_hit,
            churn,
            renditions,
            resize,
        })
    }

    /// Objects with all their renditions.
    pub(super) fn total(&self) -> i64 {
        let renditions = i64::try_from(self.renditions.len().max(1)).unwrap_or(i64::MAX);
        i64::from(*self.objects.get_ref()).saturating_mul(renditions)
    }

    /// The class as it could be written, without `changes`.
    pub(super) fn effective(&self, share: f64) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("name".to_owned(), self.name.get_ref().clone().into());
        table.insert("objects".to_owned(), i64::from(*self.objects.get_ref()).into());
        table.insert("share".to_owned(), share.into());
        table.insert("popularity".to_owned(), self.popularity.effective());
        table.insert("size".to_owned(), self.size.effective());
        if let Some(arrivals) = &self.arrivals {
            table.insert("arrivals".to_owned(), arrivals.effective());
        }
        if self.one_hit > Fraction::ZERO {
            table.insert("one_hit".to_owned(), self.one_hit.as_f64().into());
        }
        if let Some(churn) = &self.churn {
            table.insert("churn".to_owned(), effective_churn(churn).into());
        }
        if !self.renditions.is_empty() {
            let one = |rendition: &Rendition| {
                let mut table = toml::Table::new();
                table.insert("share".to_owned(), rendition.share.into());
                table.insert("scale".to_owned(), rendition.scale.into());
                toml::Value::Table(table)
            };
            table.insert(
                "renditions".to_owned(),
                toml::Value::Array(self.renditions.iter().map(one).collect()),
            );
        }
        if self.redraws() {
            table.insert("resize".to_owned(), true.into());
        }
        table
    }

    /// Whether a change draws sizes anew.
    fn redraws(&self) -> bool {
        self.resize.as_ref().is_some_and(|resize| *resize.get_ref())
    }

    /// Where it says that.
    pub(super) fn redrawn_at(&self) -> Option<Range<usize>> {
        self.resize.as_ref().filter(|_| self.redraws()).map(Spanned::span)
    }

    /// The paths of the tables that the class names.
    pub(super) fn tables(&self) -> Vec<String> {
        let arrivals = self.arrivals.as_ref().map_or("", |arrivals| arrivals.word_of("path"));
        let paths = [self.popularity.word_of("path"), self.size.word_of("path"), arrivals];
        paths.into_iter().filter(|path| !path.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn build(self, share: f64, setup: &Setup) -> Result<Class, Fault> {
        Ok(Class {
            popularity: self.popularity.make(setup)?,
            resize: self.redraws(),
            size: self.size.make(setup)?.into(),
            arrivals: self.arrivals.map(|arrivals| arrivals.make(setup)).transpose()?,
            name: self.name.into_inner(),
            objects: self.objects.into_inner(),
            share,
            one_hit: self.one_hit.as_f64(),
            churn: self.churn,
            renditions: self.renditions,
        })
    }
}

/// A number under `key` that must lie above 0 and not above `most`.
pub(super) fn above_zero(
    section: &mut Section<'_>,
    key: &'static str,
    most: f64,
    default: f64,
) -> Result<f64, Fault> {
    let Some(number) = section.located::<f64>(key)? else { return Ok(default) };
    let value = *number.get_ref();
    if value > 0.0 && value <= most {
        return Ok(value);
    }
    Err(Fault::new(number.span(), format!("{key} must lie above 0 and not above {most}, but is {value}"))
        .help(format!("write {key} = {default}")))
}

/// `churn = { new_per_day = 0.01, retire = "oldest", decay = 0.8, young = "1h" }`.
fn churn(item: Item<'_>) -> Result<Churn, Fault> {
    let mut section = Section::of(item, "churn")?;
    let new_per_day = above_zero(&mut section, "new_per_day", 1_000.0, 0.01)?;
    let retire = section.or("retire", Retire::default())?;
    let decay = match section.located::<f64>("decay")? {
        None => 0.0,
        Some(decay) if (0.0..=10.0).contains(decay.get_ref()) => *decay.get_ref(),
        Some(decay) => {
            let what = format!("decay must lie between 0 and 10, but is {}", decay.get_ref());
            return Err(Fault::new(decay.span(), what)
                .rule("the popularity of an image falls with its age to the power of -decay")
                .help("write decay = 0.8"));
        }
    };
    let young = section.located::<SimDuration>("young")?;
    if let Some(young) = young.as_ref().filter(|young| *young.get_ref() < SimDuration::from_secs(1)) {
        return Err(Fault::new(
            young.span(),
            format!("young must be at least 1s, but is {}", young.get_ref()),
        )
        .rule("until that age the popularity of an image does not fall")
        .help("write young = \"1h\""));
    }
    let young = young.map_or(SimDuration::from_secs(3_600), Spanned::into_inner);
    section.finish()?;
    Ok(Churn { new_per_day, retire, decay, young })
}

fn effective_churn(churn: &Churn) -> toml::Table {
    let mut table = toml::Table::new();
    table.insert("new_per_day".to_owned(), churn.new_per_day.into());
    table.insert("retire".to_owned(), toml::Value::try_from(churn.retire).expect("it is a word"));
    table.insert("decay".to_owned(), churn.decay.into());
    table.insert("young".to_owned(), churn.young.to_string().into());
    table
}

/// `renditions = [{ share = 0.7, scale = 0.1 }, { share = 0.3, scale = 1.0 }]`.
fn renditions(item: Item<'_>) -> Result<Vec<Rendition>, Fault> {
    const EXAMPLE: &str = "write renditions = [{ share = 0.7, scale = 0.1 }, { share = 0.3, scale = 1.0 }]";
    let span = item.span();
    let DeValue::Array(items) = item.into_inner() else {
        return Err(Fault::new(span, "renditions must be a list").help(EXAMPLE));
    };
    if items.is_empty() || items.len() > RENDITIONS_MAX {
        let what =
            format!("there must be from 1 to {RENDITIONS_MAX} renditions, but there are {}", items.len());
        return Err(Fault::new(span, what).help(EXAMPLE));
    }
    let mut renditions = Vec::with_capacity(items.len());
    for item in items {
        let mut section = Section::of(item, "a rendition")?;
        let share: Spanned<Fraction> = section.required("share", "share = 0.5")?;
        let scale = above_zero(&mut section, "scale", 1_000.0, 1.0)?;
        section.finish()?;
        renditions.push(Rendition { share: share.get_ref().as_f64(), scale });
    }
    let sum: f64 = renditions.iter().map(|rendition| rendition.share).sum();
    if (sum - 1.0).abs() > SHARE_SLACK {
        let sum = (sum * 1e9).round() / 1e9;
        return Err(Fault::new(span, format!("the shares of the renditions sum to {sum}, not to 1"))
            .rule("a share is the part of the class's requests that goes to the rendition"));
    }
    Ok(renditions)
}

/// Refuses two classes of one name, too many classes and too many objects.
pub(super) fn check(classes: &[Written]) -> Result<(), Fault> {
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
        objects = objects.saturating_add(class.total());
        if objects > OBJECTS_MAX {
            return Err(Fault::new(
                class.objects.span(),
                format!("with class \"{name}\" there are {objects} objects, more than {OBJECTS_MAX}"),
            )
            .rule("all classes together have at most 2^32 - 2 objects, renditions included"));
        }
    }
    Ok(())
}

/// The share of each class: as written, or the same for all where none is.
pub(super) fn shares(classes: &[Written]) -> Result<Vec<f64>, Fault> {
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
