//! How often something happens, per second of virtual time.

use std::fmt;
use std::str::FromStr;

use super::{UnitError, written_as_text};

/// Events per second, finite and at least 0. Written `"500/s"`, `"30/m"`, `"1200/h"` or `"5/d"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// A rate of `per_second` events per second.
    ///
    /// # Panics
    /// If the number is negative or not finite: a rate comes from a scenario, where that is an error.
    pub fn per_second(per_second: f64) -> Self {
        assert!(per_second.is_finite() && per_second >= 0.0, "{per_second} is not a rate");
        Self(per_second)
    }

    /// Events per second.
    pub const fn as_per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = |rule: &str| UnitError(format!("\"{text}\" is not a rate: {rule}"));
        let (number, unit) = text
            .split_once('/')
            .ok_or_else(|| wrong("write a number per unit of time, such as \"500/s\""))?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong("that unit of time is not known (there are: /s, /m, /h, /d)")),
        };
        let number: f64 = number
            .trim()
            .replace('_', "")
            .parse()
            .map_err(|_| wrong("write a number per unit of time, such as \"500/s\""))?;
        if !number.is_finite() || number < 0.0 {
            return Err(wrong("a rate is a finite number that is not negative"));
        }
        Ok(Self(number / seconds))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{}/s", self.0))
    }
}

written_as_text!(Rate, "a rate with its unit, such as \"500/s\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_kept_per_second_and_read_back() {
        for (text, per_second) in [("500/s", 500.0), ("30/m", 0.5), ("1_800/h", 0.5), ("0/s", 0.0)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.as_per_second().to_bits(), f64::to_bits(per_second), "{text}");
            assert_eq!(rate.to_string().parse(), Ok(rate), "{text}");
        }
    }

    #[test]
    fn a_wrong_rate_says_what_to_write() {
        for (text, part) in [
            ("500", "per unit of time"),
            ("500/y", "not known"),
            ("-1/s", "not negative"),
            ("NaN/s", "finite"),
            ("x/s", "write a number"),
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
