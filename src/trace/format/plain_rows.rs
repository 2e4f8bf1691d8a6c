//! Rows of a table that say when, of which number and how large, taken out of the text by the block.
//!
//! Where keys are numbers, most rows are digits between delimiters, and what [`csv`] and [`record`](super::table_reader)
//! do with a row takes several times as long as reading these digits. Whatever is not as plain (a quote, a sign, a
//! zero before a key, a field too few) is left to them, so that a table means the same whoever reads it.

use memchr::{memchr, memchr2};

use super::Plain;
use super::table::Layout;
use super::timestamp::TimeUnit;

/// Rows that are taken at once: as many as stay in the nearest cache.
const AT_ONCE: usize = 1_024;

/// What a column must hold in a plain row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Time,
    Key,
    Size,
    /// Nothing: a column that tells more where it is filled.
    Empty,
    /// Whatever it is, nobody asks for it.
    Any,
}

/// Which rows of a table are plain.
#[derive(Debug)]
pub(super) struct PlainRows {
    /// Of the columns up to the last that is asked for.
    roles: Vec<Role>,
    delimiter: u8,
    /// Where this stands, a row is not plain; `None` where nothing is quoted.
    quote: Option<u8>,
    unit: TimeUnit,
}

impl PlainRows {
    /// Of a table that is laid out in this way; `None` where no row can be plain.
    pub(super) fn of(layout: &Layout, delimiter: u8, quote: Option<u8>) -> Option<Self> {
        let is_strange = |sign: u8| sign.is_ascii_digit() || matches!(sign, b'.' | b'\r' | b'\n');
        let has_more = layout.method.is_some() || layout.client.is_some();
        if has_more || is_strange(delimiter) || quote.is_some_and(is_strange) {
            return None;
        }
        let size = layout.size.as_ref()?;
        let empty = [&layout.class, &layout.origin_time, &layout.status, &layout.ttl, &layout.last_modified];
        let asked = [(&layout.time, Role::Time), (&layout.key, Role::Key), (size, Role::Size)];
        let asked = asked.into_iter().chain(empty.into_iter().flatten().map(|found| (found, Role::Empty)));
        let mut roles = Vec::new();
        for (found, role) in asked {
            if roles.len() <= found.index {
                roles.resize(found.index + 1, Role::Any);
            }
            // One column for two of them is possible, and nothing to be quick about.
            if std::mem::replace(&mut roles[found.index], role) != Role::Any {
                return None;
            }
        }
        Some(Self { roles, delimiter, quote, unit: layout.time_unit.unwrap_or(TimeUnit::S) })
    }

    /// Puts the rows with which `text` begins into `block` as far as they are plain and whole; how many bytes they take.
    pub(super) fn take(&self, text: &[u8], block: &mut Vec<Plain>) -> usize {
        let mut at = 0;
        while block.len() < AT_ONCE
            && let Some((row, length)) = self.row(&text[at..])
        {
            block.push(row);
            at += length;
        }
        at
    }

    /// The row with which `text` begins, and how many bytes it takes with its line end.
    fn row(&self, text: &[u8]) -> Option<(Plain, usize)> {
        let mut row = Plain { time_ns: 0, number: 0, size: 0 };
        let mut rest = text;
        for (place, role) in self.roles.iter().enumerate() {
            if place > 0 {
                rest = rest.strip_prefix(&[self.delimiter])?;
            }
            match role {
                Role::Time => (row.time_ns, rest) = self.time(rest)?,
                Role::Key => {
                    let (number, after) = number(rest)?;
                    if rest[0] == b'0' && rest.len() - after.len() > 1 {
                        return None;
                    }
                    (row.number, rest) = (number, after);
                }
                Role::Size => {
                    let (size, after) = number(rest)?;
                    (row.size, rest) = (u32::try_from(size).ok()?, after);
                }
                Role::Empty => {}
                Role::Any => rest = self.field(rest)?.1,
            }
        }
        if *rest.first()? == self.delimiter {
            let (line, after) = rest.split_at(memchr(b'\n', rest)?);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let is_odd = memchr2(b'\r', self.quote.unwrap_or(b'\r'), line).is_some();
            rest = Some(after).filter(|_| !is_odd)?;
        }
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest).strip_prefix(b"\n")?;
        Some((row, text.len() - rest.len()))
    }

    /// A time, and what follows it.
    fn time<'t>(&self, text: &'t [u8]) -> Option<(i64, &'t [u8])> {
        if let Some((whole, rest)) = number(text)
            && rest.first().is_some_and(|next| *next == self.delimiter || matches!(next, b'\r' | b'\n'))
            && let Some(ns) = self.unit.whole(whole)
        {
            return Some((ns, rest));
        }
        let (field, rest) = self.field(text)?;
        let (ns, offset) = self.unit.parse(field)?;
        Some((ns, rest)).filter(|_| offset.is_none())
    }

    /// A field without quotes, and what follows it.
    fn field<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let is_end = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
        let end = text.iter().position(|byte| is_end(byte) || Some(*byte) == self.quote)?;
        Some(text.split_at(end)).filter(|_| Some(text[end]) != self.quote)
    }
}

/// A whole number below 2^64 in digits, at least one, and what follows it.
#[expect(clippy::inline_always, reason = "called for each field, and short where it matters")]
#[inline(always)]
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    // Most numbers end within eight bytes, which are looked at together, or within the next eight.
    let Some(eight) = text.first_chunk() else { return long_number(text) };
    let (value, length) = leading(*eight);
    if length == 0 {
        return None;
    }
    if length < 8 {
        return Some((value, &text[length..]));
    }
    let Some(eight) = text[8..].first_chunk() else { return long_number(text) };
    let (more, length) = leading(*eight);
    if length == 8 {
        return long_number(text);
    }
    Some((value * 10_u64.pow(u32::try_from(length).ok()?) + more, &text[8 + length..]))
}

/// The value of the digits with which eight bytes begin, and how many they are.
#[inline]
fn leading(eight: [u8; 8]) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Digits become 0 to 9. Whatever is more has the upper bit of its byte set in `others`.
    let values = u64::from_le_bytes(eight) ^ (EACH * 0x30);
    let others = (((values & (EACH * 0x7f)) + EACH * 0x76) | values) & (EACH * 0x80);
    let length = others.trailing_zeros() / 8;
    if length == 0 {
        return (0, 0);
    }
    // Zeros stand before the digits, and neighbours are put together: to pairs, to fours, to eight.
    let digits = values << (64 - 8 * length);
    let pairs = (digits.wrapping_mul(10 * 0x100 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 0x1_0000 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    let value = fours.wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32;
    (value, length as usize)
}

/// The same of a number of any length, digit by digit.
#[inline(never)]
fn long_number(text: &[u8]) -> Option<(u64, &[u8])> {
    /// Digits of which any number is below 2^64.
    const SAFE: usize = 19;
    let (mut value, mut length) = (0_u64, 0);
    for byte in text.iter().take(SAFE) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value * 10 + u64::from(digit);
        length += 1;
    }
    let mut rest = &text[length..];
    if length == SAFE
        && let Some((digit, after)) = rest.split_first().filter(|(digit, _)| digit.is_ascii_digit())
    {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        rest = after;
        if rest.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
    }
    (length > 0).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::table::Found;
    use super::*;

    fn layout(size: usize, more: Option<usize>) -> Layout {
        let found = |index| Found { index, name: String::new() };
        Layout {
            time: found(0),
            time_unit: Some(TimeUnit::Ms),
            key: found(1),
            size: Some(found(size)),
            ttl: more.map(found),
            ..Layout::default()
        }
    }

    fn rows(plain: &PlainRows, text: &str) -> (Vec<(i64, u64, u32)>, usize) {
        let mut block = Vec::new();
        let taken = plain.take(text.as_bytes(), &mut block);
        (block.iter().map(|row| (row.time_ns, row.number, row.size)).collect(), taken)
    }

    #[test]
    fn plain_rows_are_taken_up_to_the_first_other_one() {
        let plain = PlainRows::of(&layout(2, None), b',', Some(b'"')).unwrap();
        let (taken, bytes) = rows(&plain, "1,2,3\n2.5,0,4\r\n7,18446744073709551615,0,more,\n8,9,1");
        assert_eq!(taken, [(1_000_000, 2, 3), (2_500_000, 0, 4), (7_000_000, u64::MAX, 0)]);
        assert_eq!(bytes, "1,2,3\n2.5,0,4\r\n7,18446744073709551615,0,more,\n".len(), "the last has no end");
        for odd in [
            "",
            "\n",
            "1,2\n",
            ",2,3\n",
            "1,,3\n",
            "1,2,\n",
            "1,02,3\n",
            "1,-2,3\n",
            "1,2,+3\n",
            "1,a,3\n",
            "1,2a,3\n",
            "1,2,4294967296\n",
            "1,18446744073709551616,3\n",
            "1,184467440737095516150,3\n",
            "1,\"2\",3\n",
            " 1,2,3\n",
            "1,2,3 \n",
            "1,2,3,\"\n",
            "1,2,3,\rx\n",
            "1,2,3\rx\n",
            "x,2,3\n",
            "99999999999999999999,2,3\n",
        ] {
            assert_eq!(rows(&plain, odd), (vec![], 0), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_their_digits(value: u64, digits in 0_u32..20, zeros in 0_usize..3, after in ".{0,12}") {
            let value = value % 10_u64.pow(digits).max(2);
            let text = format!("{}{value}{after}", "0".repeat(zeros));
            let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
            let want = text[..end].parse().ok().map(|value: u64| (value, &text.as_bytes()[end..]));
            // Beyond twenty digits nobody asks, whatever the zeros.
            if end <= 20 {
                prop_assert_eq!(number(text.as_bytes()), want);
                prop_assert_eq!(long_number(text.as_bytes()), want);
            }
            prop_assert_eq!(number(after.as_bytes()), long_number(after.as_bytes()));
        }
    }

    #[test]
    fn columns_that_tell_more_must_be_empty_and_others_may_hold_anything() {
        let plain = PlainRows::of(&layout(4, Some(3)), b'\t', None).unwrap();
        assert_eq!(rows(&plain, "1\t2\tan \"x\"\t\t5\n").0, [(1_000_000, 2, 5)]);
        assert_eq!(rows(&plain, "1\t2\tx\t9\t5\n").0, []);
        assert!(PlainRows::of(&layout(1, None), b',', None).is_none(), "the key is the size");
        assert!(PlainRows::of(&Layout { size: None, ..layout(2, None) }, b',', None).is_none());
        assert!(
            PlainRows::of(&Layout { method: Some(Found::default()), ..layout(2, None) }, b',', None)
                .is_none()
        );
        assert!(PlainRows::of(&layout(2, None), b'5', None).is_none());
    }
}
