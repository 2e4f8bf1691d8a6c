//! Fields of a line that is split at one sign, and the values in them.

use super::Skip;
use super::timestamp::TimeUnit;
use crate::units::SimDuration;

/// A whole number that is not negative; `None` for anything else and for what does not fit.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// A time in seconds, with or without a fraction.
pub(super) fn seconds(text: &[u8]) -> Result<i64, Skip<'_>> {
    let parsed = TimeUnit::S.parse(text);
    parsed
        .map(|(ns, _)| ns)
        .ok_or_else(|| Skip::bad("the time must be a number of seconds within 292 years of 1970", text))
}

/// A size in bytes; 0 tells none.
pub(super) fn size(text: &[u8]) -> Result<Option<u64>, Skip<'_>> {
    if text.first() == Some(&b'-') && text.len() > 1 {
        return Err(Skip::bad("the size must not be negative", text));
    }
    match number(text) {
        Some(size) => Ok(Some(size).filter(|size| *size > 0)),
        None => Err(Skip::bad("the size must be a whole number of bytes", text)),
    }
}

/// A span of time in `unit`.
pub(super) fn span<'l>(text: &'l [u8], unit: TimeUnit, rule: &'static str) -> Result<SimDuration, Skip<'l>> {
    let parsed = unit.parse(text).and_then(|(ns, _)| u64::try_from(ns).ok());
    parsed.map(SimDuration::from_nanos).ok_or_else(|| Skip::bad(rule, text))
}

/// The id of an object: a whole number of 64 bits.
pub(super) fn id(text: &[u8]) -> Result<&[u8], Skip<'_>> {
    match number(text) {
        Some(_) => Ok(text),
        None => Err(Skip::bad("the id must be a whole number below 2^64", text)),
    }
}

/// The parts of a line between runs of blanks.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_not_negative_and_fit() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for text in ["18446744073709551616", "", "-1", "+1", "1.0", "1e3", "000000000000000000001", " 1"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }
}
