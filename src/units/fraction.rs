//! A part of a whole, from 0 to 1.

use std::fmt;

use super::UnitError;

/// A number from 0 to 1. Written as a plain number: `0.05` is five per cent.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

impl Fraction {
    /// Nothing of the whole.
    pub const ZERO: Self = Self(0.0);
    /// All of it.
    pub const ONE: Self = Self(1.0);

    /// The fraction as a number from 0 to 1.
    pub const fn as_f64(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Fraction {
    type Error = UnitError;

    fn try_from(number: f64) -> Result<Self, UnitError> {
        if (0.0..=1.0).contains(&number) {
            Ok(Self(number))
        } else {
            Err(UnitError(format!("{number} is not a fraction: write a number from 0 to 1")))
        }
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        fraction.0
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_zero_to_one_are_fractions() {
        assert_eq!(Fraction::try_from(0.25).map(Fraction::as_f64), Ok(0.25));
        for wrong in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
            let error = Fraction::try_from(wrong).unwrap_err().to_string();
            assert!(error.contains("from 0 to 1"), "{error}");
        }
    }
}
