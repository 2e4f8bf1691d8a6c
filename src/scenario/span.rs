//! A range of values in a scale: `from = "1m", to = "1d", scale = "log", steps = 12`.

use std::ops::Range;

use toml::Value;
use toml::de::DeValue;

use crate::catalog::{Fault, Item, Section, read};
use crate::units::{ByteSize, Rate, SimDuration};

/// All values between two, in a scale and in their own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// As written, which the ends give back exactly.
    ends: [Value; 2],
    /// In the base unit of their kind.
    low: f64,
    high: f64,
    kind: Kind,
    scale: Scale,
    /// How many values there are; `None` for all.
    pub steps: Option<u32>,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Duration,
    Size,
    Rate,
    Integer,
    Number,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Duration => "a duration",
            Self::Size => "a size",
            Self::Rate => "a rate",
            Self::Integer => "a whole number",
            Self::Number => "a number",
        }
    }
}

/// How values lie between the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum Scale {
    /// Evenly by difference.
    #[default]
    Linear,
    /// Evenly by ratio.
    Log,
}

/// Reads the keys of a range.
pub(super) fn read_span(section: &mut Section<'_>) -> Result<Span, Fault> {
    let mut end = |key, help: &str| -> Result<_, Fault> {
        let Some(item) = section.take(key) else { return Err(section.missing(key, help)) };
        let place = item.span();
        let (kind, size, value) = magnitude(item)?;
        Ok((place, kind, size, value))
    };
    let (place, kind, low, from) = end("from", "from and to, or choices = [ … ]")?;
    let (second, other, high, to) = end("to", "to, the other end of the range")?;
    let kind = match (kind, other) {
        (Kind::Integer, Kind::Number) | (Kind::Number, Kind::Integer) => Kind::Number,
        (kind, other) if kind == other => kind,
        (kind, other) => {
            let what =
                format!("from is {} and to is {}, so nothing lies between them", kind.words(), other.words());
            return Err(Fault::new(second, what).help("write both in the unit of what varies"));
        }
    };
    let both: Range<usize> = place.start.min(second.start)..place.end.max(second.end);
    if low >= high {
        return Err(Fault::new(both, format!("the range is empty, since {from} is not below {to}"))
            .help("write the lower end as from and the higher one as to"));
    }
    let scale = section.or("scale", Scale::default())?;
    if scale == Scale::Log && low <= 0.0 {
        return Err(Fault::new(
            place,
            format!("{from} has no logarithm, so a range in that scale begins above 0"),
        )
        .help("write a higher from, or scale = \"linear\""));
    }
    let steps = match section.located::<i64>("steps")? {
        None => None,
        Some(steps) => Some(
            u32::try_from(*steps.get_ref()).ok().filter(|n| (2..=100_000).contains(n)).ok_or_else(|| {
                Fault::new(
                    steps.span(),
                    format!("steps must be at least 2 and at most 100000, but is {}", steps.get_ref()),
                )
                .rule("steps is the number of values, both ends included")
            })?,
        ),
    };
    Ok(Span { ends: [from, to], low, high, kind, scale, steps })
}

/// What kind of value it is, its size in the base unit of that kind, and the value as written.
fn magnitude(item: Item<'_>) -> Result<(Kind, f64, Value), Fault> {
    let place = item.span();
    let text = match item.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(_) => {
            let number: i64 = read(item)?;
            return Ok((Kind::Integer, number as f64, number.into()));
        }
        DeValue::Float(_) => {
            let number: f64 = read(item)?;
            if !number.is_finite() {
                return Err(Fault::new(place, format!("{number} is no end of a range")));
            }
            return Ok((Kind::Number, number, number.into()));
        }
        other => {
            let what = format!(
                "an end of a range is a number or a quantity, but this is of type {}",
                other.type_str()
            );
            return Err(Fault::new(place, what).help("write choices = [ … ] for what has no range"));
        }
    };
    let duration = || text.parse::<SimDuration>().ok().map(|span| (Kind::Duration, span.as_nanos() as f64));
    let size = || text.parse::<ByteSize>().ok().map(|size| (Kind::Size, size.as_bytes() as f64));
    let rate = || text.parse::<Rate>().ok().map(|rate| (Kind::Rate, rate.as_per_second()));
    let (kind, magnitude) = duration().or_else(size).or_else(rate).ok_or_else(|| {
        Fault::new(place, format!("\"{text}\" is no duration, size or rate, so it is no end of a range"))
            .help("write choices = [ … ] for words")
    })?;
    Ok((kind, magnitude, text.into()))
}

impl Span {
    /// The value at `unit`, 0 to 1 of the way from one end to the other; between the ends it is rounded to about three
    /// digits, as people write such values.
    pub fn at(&self, unit: f64) -> Value {
        let unit = unit.clamp(0.0, 1.0);
        if unit <= 0.0 || unit >= 1.0 {
            return self.ends[usize::from(unit >= 1.0)].clone();
        }
        let exact = match self.scale {
            Scale::Linear => self.low + unit * (self.high - self.low),
            Scale::Log => self.low * (self.high / self.low).powf(unit),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between the ends, which fit"
        )]
        let whole = |value: f64| value.round() as u64;
        match self.kind {
            Kind::Number => rounded(exact).clamp(self.low, self.high).into(),
            #[expect(clippy::cast_possible_truncation, reason = "between the ends, which fit")]
            Kind::Integer => Value::Integer(exact.round() as i64),
            Kind::Rate => Rate::per_second(rounded(exact)).to_string().into(),
            // Whole seconds, and of long times multiples that a table can show.
            Kind::Duration => {
                let step = [3.6e12, 6e10, 1.5e10, 1e9, 1e6, 1e3]
                    .into_iter()
                    .find(|step| exact >= 30.0 * step)
                    .unwrap_or(1.0);
                let near = ((exact / step).round() * step).clamp(self.low, self.high);
                SimDuration::from_nanos(whole(near)).to_string().into()
            }
            Kind::Size => {
                let step = [1_u64 << 30, 1 << 20, 1 << 10]
                    .map(|step| step as f64)
                    .into_iter()
                    .find(|step| exact >= 30.0 * step);
                let step = step.unwrap_or(1.0);
                let near = ((exact / step).round() * step).clamp(self.low, self.high);
                ByteSize::from_bytes(whole(near)).to_string().into()
            }
        }
    }

    /// The keys as they could be written.
    pub(super) fn effective(&self) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("from".to_owned(), self.ends[0].clone());
        table.insert("to".to_owned(), self.ends[1].clone());
        table.insert("scale".to_owned(), Value::try_from(self.scale).expect("a scale is a word"));
        if let Some(steps) = self.steps {
            table.insert("steps".to_owned(), i64::from(steps).into());
        }
        table
    }
}

/// The value with three digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        let mut section = Section::parse(text).unwrap();
        let span = read_span(&mut section).unwrap_or_else(|fault| panic!("{}", fault.what));
        section.finish().unwrap();
        span
    }

    #[test]
    fn values_lie_in_their_scale_and_are_written_in_their_unit() {
        for (text, values) in [
            ("from = \"1m\"\nto = \"1h\"\nscale = \"log\"", ["1m", "7m45s", "1h"].map(Value::from)),
            ("from = \"1h\"\nto = \"7d\"", ["1h", "3d13h", "7d"].map(Value::from)),
            ("from = \"10ms\"\nto = \"1s\"\nscale = \"log\"", ["10ms", "100ms", "1s"].map(Value::from)),
            (
                "from = \"64MiB\"\nto = \"1GiB\"\nscale = \"log\"",
                ["64MiB", "256MiB", "1GiB"].map(Value::from),
            ),
            ("from = \"1/s\"\nto = \"100/s\"\nscale = \"log\"", ["1/s", "10/s", "100/s"].map(Value::from)),
            ("from = 1\nto = 10", [1.into(), 6.into(), 10.into()]),
            ("from = 0\nto = 0.5", [0.into(), 0.25.into(), 0.5.into()]),
        ] {
            let span = span(text);
            assert_eq!([0.0, 0.5, 1.0].map(|unit| span.at(unit)), values, "{text}");
        }
    }

    #[test]
    fn no_value_lies_outside_and_none_is_smaller_than_one_before() {
        let span = span("from = \"59s\"\nto = \"3h7m\"\nscale = \"log\"");
        let seconds = |unit: f64| span.at(unit).as_str().unwrap().parse::<SimDuration>().unwrap().as_nanos();
        let all: Vec<u64> = (0..=1_000).map(|nth| seconds(f64::from(nth) / 1_000.0)).collect();
        assert!(all.is_sorted());
        assert_eq!((all[0], all[1_000]), (59_000_000_000, 11_220_000_000_000));
    }
}
