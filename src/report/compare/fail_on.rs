//! `--fail-on`: how much worse a measure may become.

use std::str::FromStr;

use super::{MEASURES, Shift};
use crate::report::measure::{Measure, Unit};

/// How much worse one measure may become before the comparison fails: `fresh_hit:1pt`, `memory:10%`, `stampedes:5`.
#[derive(Debug, Clone)]
pub struct FailOn {
    pub(super) measure: &'static Measure,
    amount: Amount,
    pub(super) written: String,
}

#[derive(Debug, Clone, Copy)]
enum Amount {
    /// In the measure's own unit: points as shares, bytes, per second, milliseconds.
    Absolute(f64),
    /// A share of what was.
    Relative(f64),
}

/// Why a limit could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FailOnError(String);

impl FromStr for FailOn {
    type Err = FailOnError;

    fn from_str(text: &str) -> Result<Self, FailOnError> {
        let wrong = |what: String| Err(FailOnError(what));
        let Some((name, amount)) = text.split_once(':') else {
            return wrong(format!(
                "\"{text}\" names no limit; write METRIC:AMOUNT, as in fresh_hit:1pt or memory:10%"
            ));
        };
        let Some(measure) = MEASURES.iter().copied().find(|measure| measure.key == name) else {
            let names: Vec<&str> = MEASURES.iter().map(|measure| measure.key).collect();
            return wrong(format!("no measure is called \"{name}\"; there are {}", names.join(", ")));
        };
        let (number, unit) = match amount.find(|c: char| !(c.is_ascii_digit() || c == '.')) {
            Some(at) => amount.split_at(at),
            None => (amount, ""),
        };
        let Some(number) = number.parse::<f64>().ok().filter(|number| number.is_finite()) else {
            return wrong(format!("\"{amount}\" is no amount; write one as in {name}:{}", example(measure)));
        };
        let amount = match (unit.trim(), measure.unit) {
            ("%", _) => Amount::Relative(number / 100.0),
            ("pt", Unit::Share) => Amount::Absolute(number / 100.0),
            ("", unit) if unit != Unit::Share => Amount::Absolute(number),
            ("ms", Unit::Millis) | ("/s", Unit::Rate) => Amount::Absolute(number),
            ("s", Unit::Millis) => Amount::Absolute(number * 1e3),
            ("KiB", Unit::Bytes) => Amount::Absolute(number * 1024.0),
            ("MiB", Unit::Bytes) => Amount::Absolute(number * 1_048_576.0),
            ("GiB", Unit::Bytes) => Amount::Absolute(number * 1_073_741_824.0),
            (other, _) => {
                return wrong(format!(
                    "\"{other}\" is no unit of {name}; write it as in {name}:{}",
                    example(measure)
                ));
            }
        };
        Ok(Self { measure, amount, written: text.to_owned() })
    }
}

fn example(measure: &Measure) -> &'static str {
    match measure.unit {
        Unit::Share => "1pt or 5%",
        Unit::Bytes => "16MiB or 10%",
        Unit::Rate => "50/s or 10%",
        Unit::Millis | Unit::Seconds => "20ms or 10%",
        Unit::Number => "5 or 10%",
    }
}

impl FailOn {
    /// Whether a measure became worse by more than this, and not by chance as far as an interval can tell.
    pub(super) fn is_beyond(&self, shift: &Shift) -> bool {
        if shift.is_better() != Some(false) {
            return false;
        }
        match self.amount {
            Amount::Absolute(most) => shift.difference.abs() > most,
            // From nothing to something is more than any share of nothing.
            Amount::Relative(most) => shift.relative().is_none_or(|relative| relative.abs() > most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_or_refused_with_an_example() {
        for good in
            ["fresh_hit:1pt", "fresh_hit:0.5%", "memory:16MiB", "memory:10%", "p99:20ms", "stampedes:0"]
        {
            assert_eq!(good.parse::<FailOn>().unwrap().written, good);
        }
        for (bad, says) in [
            ("fresh_hit", "names no limit"),
            ("hits:1pt", "there are fresh_hit, byte_hit"),
            ("fresh_hit:1", "is no unit of fresh_hit; write it as in fresh_hit:1pt"),
            ("memory:many", "is no amount; write one as in memory:16MiB"),
            ("p99:1pt", "is no unit of p99"),
        ] {
            let error = bad.parse::<FailOn>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
