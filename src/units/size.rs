//! Numbers of bytes, written with binary or decimal units.

use std::fmt;
use std::str::FromStr;

use super::{UnitError, number_and_unit, three_digits, written_as_text};

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A number of bytes. Written with units: `"64MiB"` (binary), `"20kB"` or `"20KB"` (decimal), `"512B"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

impl ByteSize {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// A size of `bytes` bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The size in bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// About how much it is, for people: three digits in the largest binary unit that it has one of, `1.43 MiB`.
    pub fn about(self) -> String {
        let (unit, length) =
            UNITS[..4].iter().find(|(_, length)| self.0 >= *length).copied().unwrap_or(("B", 1));
        format!("{} {unit}", three_digits(self.0 as f64 / length as f64))
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        const KNOWN: &str = "(there are: B, kB, KiB, MB, MiB, GB, GiB, TB, TiB)";
        let wrong = |rule: &str| UnitError(format!("\"{text}\" is not a size: {rule}"));
        if text.trim_start().starts_with('-') {
            return Err(wrong("a size is never negative"));
        }
        let (number, unit, rest) = number_and_unit(text.trim())
            .ok_or_else(|| wrong("write a number and a unit, such as \"64MiB\""))?;
        let unit = if unit == "KB" { "kB" } else { unit };
        let Some((_, length)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let what = if unit.is_empty() { "the unit is missing" } else { "that unit is not known" };
            return Err(wrong(&format!("{what} {KNOWN}")));
        };
        if !rest.is_empty() {
            return Err(wrong("write one number and one unit"));
        }
        let bytes = number * *length as f64;
        if bytes >= u64::MAX as f64 {
            return Err(wrong("it is larger than 16 EiB"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be between 0 and u64::MAX"
        )]
        Ok(Self(bytes.round() as u64))
    }
}

/// Prints what [`FromStr`] reads: the exact value in the largest binary unit that divides it.
impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS[..4].iter().find(|(_, length)| self.0 >= *length && self.0.is_multiple_of(*length));
        match exact {
            Some((unit, length)) => out.pad(&format!("{}{unit}", self.0 / length)),
            None => out.pad(&format!("{}B", self.0)),
        }
    }
}

written_as_text!(ByteSize, "a size with its unit, such as \"64MiB\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_decimal_units_differ_and_read_back() {
        for (text, bytes) in [
            ("64MiB", 67_108_864),
            ("256 MB", 256_000_000),
            ("20KB", 20_000),
            ("1.5KiB", 1_536),
            ("1000000B", 1_000_000),
            ("0B", 0),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size.as_bytes(), bytes, "{text}");
            assert_eq!(size.to_string().parse(), Ok(size), "{text}");
        }
    }

    #[test]
    fn about_how_much_it_is_has_few_digits() {
        for (bytes, about) in [
            (0, "0 B"),
            (12, "12 B"),
            (1_500, "1.46 KiB"),
            (1 << 20, "1 MiB"),
            (8_000_000, "7.63 MiB"),
            (587_203_200_000, "547 GiB"),
            (1 << 45, "32 TiB"),
        ] {
            assert_eq!(ByteSize::from_bytes(bytes).about(), about);
        }
    }

    #[test]
    fn a_wrong_size_says_what_to_write() {
        for (text, part) in [
            ("64", "unit is missing"),
            ("-1B", "never negative"),
            ("64mib", "not known"),
            ("1MiB 2KiB", "one number"),
            ("99999999TiB", "16 EiB"),
        ] {
            let error = text.parse::<ByteSize>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
