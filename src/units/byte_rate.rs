//! How many bytes go somewhere per second of virtual time.

use std::fmt;
use std::str::FromStr;

use super::{ByteSize, UnitError};

/// Bytes per second, a whole number of them. Written as a size in each second: `"4MiB/s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRate(ByteSize);

impl ByteRate {
    /// Bytes per second.
    pub const fn as_bytes_per_second(self) -> u64 {
        self.0.as_bytes()
    }
}

impl FromStr for ByteRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let size = text.trim().strip_suffix("/s").and_then(|size| size.trim_end().parse().ok());
        size.map(Self).ok_or_else(|| {
            UnitError(format!(
                "\"{text}\" is not a rate of bytes: write a size in each second, such as \"4MiB/s\""
            ))
        })
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{}/s", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_bytes_are_read_back() {
        for (text, bytes) in [("4MiB/s", 4 << 20), ("1.5kB/s", 1_500), ("0B/s", 0)] {
            let rate: ByteRate = text.parse().unwrap();
            assert_eq!(rate.as_bytes_per_second(), bytes, "{text}");
            assert_eq!(rate.to_string().parse(), Ok(rate), "{text}");
        }
    }

    #[test]
    fn a_wrong_rate_says_what_to_write() {
        for wrong in ["4MiB", "4MiB/h", "4/s", "-1B/s", "fast/s", ""] {
            let error = wrong.parse::<ByteRate>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{wrong}\"")) && error.contains("\"4MiB/s\""), "{error}");
        }
    }
}
