//! A parameter of a plugin as it is documented, listed and checked: once.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::Fault;
use crate::units::{ByteSize, Rate, SimDuration};

/// What kind of value a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A duration with its unit, `"1h"`.
    Duration,
    /// A number of bytes with its unit, `"64MiB"`.
    Size,
    /// Events per unit of time, `"500/s"`.
    Rate,
    /// A plain number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Free text, such as a path.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A table; the text says from what to what.
    Table(&'static str),
}

/// One parameter: its name, unit, default, legal range and meaning.
///
/// The range is stated here, once: the catalog checks it while it reads a scenario, `ttlab list`
/// prints it, and a test walks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// As written in scenarios, `snake_case`.
    pub name: &'static str,
    /// What kind of value it takes.
    pub kind: Kind,
    /// The value it has when it is not written, in the spelling of scenarios.
    pub default: Option<&'static str>,
    /// Whether it must be written.
    pub required: bool,
    /// The least legal value, in the spelling of scenarios.
    pub min: Option<&'static str>,
    /// The greatest legal value.
    pub max: Option<&'static str>,
    /// Whether `min` itself is legal.
    pub min_is_legal: bool,
    /// Whether `max` itself is legal.
    pub max_is_legal: bool,
    /// What it means, in one sentence.
    pub about: &'static str,
}

impl Param {
    /// A parameter without range or default.
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            default: None,
            required: false,
            min: None,
            max: None,
            min_is_legal: true,
            max_is_legal: true,
            about,
        }
    }

    /// A duration.
    pub const fn duration(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Duration, about)
    }

    /// A number.
    pub const fn number(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Number, about)
    }

    /// A whole number.
    pub const fn integer(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Integer, about)
    }

    /// A number of bytes.
    pub const fn size(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Size, about)
    }

    /// The value it has when it is not written.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// It has no default and must be written.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// At least `min`.
    #[must_use]
    pub const fn from(mut self, min: &'static str) -> Self {
        self.min = Some(min);
        self
    }

    /// More than `min`.
    #[must_use]
    pub const fn above(mut self, min: &'static str) -> Self {
        self.min = Some(min);
        self.min_is_legal = false;
        self
    }

    /// At most `max`.
    #[must_use]
    pub const fn to(mut self, max: &'static str) -> Self {
        self.max = Some(max);
        self
    }

    /// Less than `max`.
    #[must_use]
    pub const fn below(mut self, max: &'static str) -> Self {
        self.max = Some(max);
        self.max_is_legal = false;
        self
    }

    /// The legal range for people: `1ms to 365d`, `above 0`; empty where every value is legal.
    pub fn range(&self) -> String {
        let min = self.min.map(|min| if self.min_is_legal { min.to_owned() } else { format!("above {min}") });
        let max = self.max.map(|max| if self.max_is_legal { max.to_owned() } else { format!("below {max}") });
        match (min, max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) if self.min_is_legal => format!("at least {min}"),
            (Some(min), None) => min,
            (None, Some(max)) if self.max_is_legal => format!("at most {max}"),
            (None, Some(max)) => max,
            (None, None) => match self.kind {
                Kind::Choice(words) => super::one_of(words.iter().copied()),
                Kind::Table(shape) => shape.to_owned(),
                _ => String::new(),
            },
        }
    }

    /// Refuses a value outside the legal range.
    ///
    /// A value of the wrong type passes: reading it into the plugin's parameters says so, and better.
    pub(super) fn check(&self, value: &Spanned<DeValue<'_>>) -> Result<(), Fault> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            _ => return Ok(()),
        };
        if let Kind::Choice(words) = self.kind {
            return if words.contains(&text.as_str()) {
                Ok(())
            } else {
                let fault = Fault::new(value.span(), format!("no {} is called \"{text}\"", self.name))
                    .rule(format!("there are: {}", super::one_of(words.iter().copied())));
                Err(match super::nearest(&text, words.iter().copied()) {
                    Some(word) => fault.help(format!("did you mean \"{word}\"?")),
                    None => fault,
                })
            };
        }
        let Some(given) = self.magnitude(&text) else { return Ok(()) };
        let bound = |text| {
            self.magnitude(text)
                .unwrap_or_else(|| panic!("{} has a bound that is no value: {text}", self.name))
        };
        let low_enough = self.max.is_none_or(|max| {
            let max = bound(max);
            given < max || (self.max_is_legal && given <= max)
        });
        let high_enough = self.min.is_none_or(|min| {
            let min = bound(min);
            given > min || (self.min_is_legal && given >= min)
        });
        // Neither NaN nor infinity is a value, even where there is no bound.
        if low_enough && high_enough && given.is_finite() {
            return Ok(());
        }
        Err(self.out_of_range(&text, value.span()))
    }

    fn out_of_range(&self, text: &str, span: Range<usize>) -> Fault {
        let range = self.range();
        let quoted = match self.kind {
            Kind::Number | Kind::Integer => text.to_owned(),
            _ => format!("\"{text}\""),
        };
        let fault = Fault::new(
            span,
            if range.is_empty() {
                format!("{} must be a number, but is {quoted}", self.name)
            } else {
                format!("{} must lie in its legal range ({range}), but is {quoted}", self.name)
            },
        )
        .rule(format!("{}: {}", self.name, self.about));
        match self.default {
            Some(default) => fault.help(format!("leave it out for the default, {default}")),
            None => fault,
        }
    }

    /// The size of a value in the base unit of its kind; `None` for what has no size or is misspelt.
    pub fn magnitude(&self, text: &str) -> Option<f64> {
        match self.kind {
            Kind::Duration => text.parse::<SimDuration>().ok().map(SimDuration::as_secs_f64),
            Kind::Size => text.parse::<ByteSize>().ok().map(|size| size.as_bytes() as f64),
            Kind::Rate => text.parse::<Rate>().ok().map(Rate::as_per_second),
            Kind::Number | Kind::Integer => text.replace('_', "").parse().ok(),
            Kind::Flag | Kind::Text | Kind::Choice(_) | Kind::Table(_) => None,
        }
    }
}
