//! Quantities with their units: time, bytes, rates and fractions, how they are written and printed.
//!
//! No other module knows how a unit is spelt. Text becomes a value here, is checked here, and is
//! trusted afterwards; a value that a scenario spells wrongly is refused while it is read, so that
//! the error can point at it.

mod byte_rate;
mod fraction;
mod rate;
mod size;
mod time;

pub use byte_rate::ByteRate;
pub use fraction::Fraction;
pub use rate::Rate;
pub use size::ByteSize;
pub use time::{SimDuration, SimTime, Window};

/// Why a text is not the quantity it should be; complete as a sentence, without a final full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

/// Splits `"1.5h"` into its number and its unit, and says where the next part begins.
///
/// Returns `None` where the text does not begin with a decimal number.
fn number_and_unit(text: &str) -> Option<(f64, &str, &str)> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let number: f64 = text[..digits].replace('_', "").parse().ok()?;
    let rest = text[digits..].trim_start();
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(rest.len());
    Some((number, &rest[..unit_end], rest[unit_end..].trim_start()))
}

/// A number of at least one, with no more digits than people read: three, and none after the point that say nothing.
fn three_digits(number: f64) -> String {
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{number:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// Implements serde for a quantity that is written as a string and printed by `Display`.
macro_rules! written_as_text {
    ($quantity:ty, $expecting:literal) => {
        impl<'de> serde::Deserialize<'de> for $quantity {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $quantity;
                    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        out.write_str($expecting)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$quantity, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                source.deserialize_any(Text)
            }
        }
        impl serde::Serialize for $quantity {
            fn serialize<S: serde::Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
                sink.collect_str(self)
            }
        }
    };
}
use written_as_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_told_and_no_zeros_after_the_point() {
        let told = [0.0, 1.0, 1.234, 9.996, 12.34, 30.0, 99.96, 100.0, 1_023.7].map(three_digits);
        assert_eq!(told, ["0", "1", "1.23", "10", "12.3", "30", "100", "100", "1024"]);
    }

    #[test]
    fn a_number_is_split_from_its_unit_and_from_what_follows() {
        assert_eq!(number_and_unit("1h30m"), Some((1.0, "h", "30m")));
        assert_eq!(number_and_unit("2.5 MiB"), Some((2.5, "MiB", "")));
        assert_eq!(number_and_unit("50_000"), Some((50_000.0, "", "")));
        assert_eq!(number_and_unit("-3s"), None);
        assert_eq!(number_and_unit(""), None);
    }
}
