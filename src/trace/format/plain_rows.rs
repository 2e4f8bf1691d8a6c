//! Rows of a table that say when, of which number and how large, taken out of the text by the block.
//!
//! Where keys are numbers, most rows are digits between delimiters, and what [`csv`] and [`record`](super::table_reader)
//! do with a row takes several times as long as reading these digits. Whatever is not as plain (a quote, a sign, a
//! zero before a key, a field too few) is left to them, so that a table means the same whoever reads it.

use memchr::{memchr, memchr2};

use super::Plain;
use super::table::Layout;
use super::timestamp::TimeUnit;

/// Rows that are taken at once: enough for handing them over to cost nothing beside reading them, few enough to stay in
/// the second cache.
const AT_ONCE: usize = 8_192;

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
    last: Time,
}

/// A time as the last row wrote it, for the next row often writes the same.
#[derive(Debug, Clone, Copy, Default)]
struct Time {
    /// Its text and the byte after it, in the lowest bytes, and which bytes these are; none where it is too long to be kept,
    /// and before the first.
    text: u128,
    mask: u128,
    length: usize,
    ns: i64,
}

impl Time {
    /// Of a text that begins with `length` bytes of time.
    fn of(text: &[u8], length: usize, ns: i64) -> Self {
        let (text, mask) = match text.first_chunk() {
            Some(first) if length < size_of_val(first) => {
                let mask = u128::MAX >> (8 * (size_of_val(first) - 1 - length));
                (u128::from_le_bytes(*first) & mask, mask)
            }
            _ => (0, 0),
        };
        Self { text, mask, length, ns }
    }

    /// Whether `text` begins with it.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        let is_same = |first: &[u8; 16]| (u128::from_le_bytes(*first) ^ self.text) & self.mask == 0;
        self.mask != 0 && text.first_chunk().is_some_and(is_same)
    }
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
        let unit = layout.time_unit.unwrap_or(TimeUnit::S);
        Some(Self { roles, delimiter, quote, unit, last: Time::default() })
    }

    /// Puts the rows with which `text` begins into `block` as far as they are plain and whole; how many bytes they take.
    pub(super) fn take(&mut self, text: &[u8], block: &mut Vec<Plain>) -> usize {
        let (mut at, mut last) = (0, self.last);
        // Where the order of the columns is known when this is compiled none is asked what it holds.
        if *self.roles == [Role::Time, Role::Key, Role::Size] {
            while block.len() < AT_ONCE
                && let Some((row, length)) = self.usual_row(&text[at..], &mut last)
            {
                block.push(row);
                at += length;
            }
        } else {
            while block.len() < AT_ONCE
                && let Some((row, length)) = self.row(&text[at..], &mut last)
            {
                block.push(row);
                at += length;
            }
        }
        self.last = last;
        at
    }

    /// The row with which `text` begins, and how many bytes it takes with its line end. `last` is the time of the row
    /// before, and becomes that of this one.
    fn row(&self, text: &[u8], last: &mut Time) -> Option<(Plain, usize)> {
        let mut row = Plain { time_ns: 0, number: 0, size: 0 };
        let mut rest = text;
        for (place, role) in self.roles.iter().enumerate() {
            if place > 0 {
                rest = rest.strip_prefix(&[self.delimiter])?;
            }
            match role {
                Role::Time => (row.time_ns, rest) = self.time(rest, last)?,
                Role::Key => (row.number, rest) = key(rest)?,
                Role::Size => (row.size, rest) = size(rest)?,
                Role::Empty => {}
                Role::Any => rest = self.field(rest)?.1,
            }
        }
        self.ended(row, text, rest)
    }

    /// The same where the columns are time, key and size.
    #[expect(clippy::inline_always, reason = "called for each row")]
    #[inline(always)]
    fn usual_row(&self, text: &[u8], last: &mut Time) -> Option<(Plain, usize)> {
        let (time_ns, rest) = self.time(text, last)?;
        let (number, rest) = key(rest.strip_prefix(&[self.delimiter])?)?;
        let (size, rest) = size(rest.strip_prefix(&[self.delimiter])?)?;
        self.ended(Plain { time_ns, number, size }, text, rest)
    }

    /// The row in `text`, of which `rest` follows the last column that is asked for.
    #[expect(clippy::inline_always, reason = "called for each row")]
    #[inline(always)]
    fn ended(&self, row: Plain, text: &[u8], mut rest: &[u8]) -> Option<(Plain, usize)> {
        if *rest.first()? != b'\n' {
            rest = self.end(rest)?;
        }
        Some((row, text.len() - rest.len() + 1))
    }

    /// The end of a line of which the last column that is asked for has been taken.
    #[inline(never)]
    fn end<'t>(&self, mut rest: &'t [u8]) -> Option<&'t [u8]> {
        if *rest.first()? == self.delimiter {
            let (line, end) = rest.split_at(memchr(b'\n', rest)?);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let is_odd = memchr2(b'\r', self.quote.unwrap_or(b'\r'), line).is_some();
            rest = Some(end).filter(|_| !is_odd)?;
        }
        Some(rest.strip_prefix(b"\r").unwrap_or(rest)).filter(|rest| rest.first() == Some(&b'\n'))
    }

    /// A time, and what follows it.
    #[expect(clippy::inline_always, reason = "called for each row, and short where it matters")]
    #[inline(always)]
    fn time<'t>(&self, text: &'t [u8], last: &mut Time) -> Option<(i64, &'t [u8])> {
        if !last.begins(text) {
            *last = self.other_time(text)?;
        }
        Some((last.ns, text.get(last.length..)?))
    }

    /// A time that is not that of the row before.
    #[inline(never)]
    fn other_time(&self, text: &[u8]) -> Option<Time> {
        if let Some((whole, rest)) = number(text)
            && rest.first().is_some_and(|next| *next == self.delimiter || matches!(next, b'\r' | b'\n'))
            && let Some(ns) = self.unit.whole(whole)
        {
            return Some(Time::of(text, text.len() - rest.len(), ns));
        }
        let (field, rest) = self.field(text)?;
        let (ns, offset) = self.unit.parse(field)?;
        Some(Time::of(text, text.len() - rest.len(), ns)).filter(|_| offset.is_none())
    }

    /// A field without quotes, and what follows it.
    fn field<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let is_end = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
        let end = text.iter().position(|byte| is_end(byte) || Some(*byte) == self.quote)?;
        Some(text.split_at(end)).filter(|_| Some(text[end]) != self.quote)
    }
}

/// A key that is a number without zeros before it, and what follows it.
#[expect(clippy::inline_always, reason = "called for each row")]
#[inline(always)]
fn key(text: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = number(text)?;
    (text[0] != b'0' || text.len() - rest.len() == 1).then_some((number, rest))
}

/// A size, and what follows it.
#[expect(clippy::inline_always, reason = "called for each row")]
#[inline(always)]
fn size(text: &[u8]) -> Option<(u32, &[u8])> {
    let (size, rest) = number(text)?;
    Some((u32::try_from(size).ok()?, rest))
}

/// A whole number below 2^64 in digits, at least one, and what follows it.
#[expect(clippy::inline_always, reason = "called for each field, and short where it matters")]
#[inline(always)]
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    // Most numbers end within eight bytes, which are looked at together.
    let (value, length) = match text.first_chunk().map(|eight| leading(*eight)) {
        Some((value, length @ 0..8)) => (value, length),
        Some((value, _)) => longer_number(text, value),
        None => long_number(text),
    };
    if length > 0 { Some((value, text.get(length..)?)) } else { None }
}

/// The value of a number whose first eight digits have this one, and how long it is; 0 where it is none.
#[inline(never)]
fn longer_number(text: &[u8], value: u64) -> (u64, usize) {
    const TENS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let Some(eight) = text[8..].first_chunk() else { return long_number(text) };
    let (more, length) = leading(*eight);
    TENS.get(length).map_or_else(|| long_number(text), |tens| (value * tens + more, 8 + length))
}

/// The value of the digits with which eight bytes begin, and how many they are.
#[inline(always)]
fn leading(eight: [u8; 8]) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Digits become 0 to 9. Whatever is more has the upper bit of its byte set in `others`.
    let values = u64::from_le_bytes(eight) ^ (EACH * 0x30);
    let others = (((values & (EACH * 0x7f)) + EACH * 0x76) | values) & (EACH * 0x80);
    let bits = others.trailing_zeros() / 8 * 8;
    // Zeros stand before the digits, and neighbours are put together: to pairs, to fours, to eight.
    let digits = if bits == 64 { values } else { (values << 8) << (56 - bits) };
    let pairs = (digits.wrapping_mul(10 * 0x100 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 0x1_0000 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    let value = fours.wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32;
    (value, bits as usize / 8)
}

/// The same of a number of any length, digit by digit.
#[inline(never)]
fn long_number(text: &[u8]) -> (u64, usize) {
    /// Digits of which no number has more.
    const MOST: usize = 20;
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let length = text.iter().take(MOST + 1).take_while(is_digit).count();
    let add = |value: u64, digit: &u8| value.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    match text[..length].iter().try_fold(0, add) {
        Some(value) if length <= MOST => (value, length),
        _ => (0, 0),
    }
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

    fn rows(plain: &mut PlainRows, text: &str) -> (Vec<(i64, u64, u32)>, usize) {
        let mut block = Vec::new();
        let taken = plain.take(text.as_bytes(), &mut block);
        (block.iter().map(|row| (row.time_ns, row.number, row.size)).collect(), taken)
    }

    #[test]
    fn plain_rows_are_taken_up_to_the_first_other_one() {
        let mut plain = PlainRows::of(&layout(2, None), b',', Some(b'"')).unwrap();
        let (taken, bytes) = rows(&mut plain, "1,2,3\n2.5,0,4\r\n7,18446744073709551615,0,more,\n8,9,1");
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
            assert_eq!(rows(&mut plain, odd), (vec![], 0), "{odd:?}");
        }
    }

    #[test]
    fn a_time_that_is_written_again_is_the_same_and_one_that_begins_alike_is_not() {
        let mut plain = PlainRows::of(&layout(2, None), b',', Some(b'"')).unwrap();
        let text = "12,2,3444444444\n12,1,3444444444\n123,1,3444444444\n12.5,1,3444444444\n12.5,2,3444444444\n\
                    1,2,3444444444\n123456789012.25,2,3\n123456789012.25,2,4\n1234567890123.5,2,3\n\
                    1234567890123.5,2,4\n1234567890123.5,2,44444444\n";
        let times = [12_000_000, 12_000_000, 123_000_000, 12_500_000, 12_500_000, 1_000_000];
        let longer = [123_456_789_012_250_000; 2];
        let longest = [1_234_567_890_123_500_000; 3];
        let (taken, bytes) = rows(&mut plain, text);
        assert_eq!(
            taken.iter().map(|row| row.0).collect::<Vec<_>>(),
            [&times[..], &longer, &longest].concat()
        );
        assert_eq!(bytes, text.len());
        // What was the last time before stays known, and nothing of a row that is none.
        for odd in [
            "1234567890123.5\"2,44444444\n",
            "1234567890123.5",
            "1234567890123.5,\n",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(rows(&mut plain, odd), (vec![], 0), "{odd:?}");
        }
    }

    /// A number by its length, as [`number`] tells it.
    fn told((value, length): (u64, usize), text: &[u8]) -> Option<(u64, &[u8])> {
        (length > 0).then(|| (value, &text[length..]))
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
                prop_assert_eq!(told(long_number(text.as_bytes()), text.as_bytes()), want);
            }
            prop_assert_eq!(number(after.as_bytes()), told(long_number(after.as_bytes()), after.as_bytes()));
        }
    }

    proptest! {
        /// Rows in one go, in which the last time is known, and each on its own, in which none is.
        #[test]
        fn rows_are_those_that_each_is_alone(
            rows in prop::collection::vec(("[0-9]{1,2}|12(34567890123){0,2}|1[.]5|[0-9]{1,14}[.][0-9]{0,2}", 0_u64..200, 0_u32..3), 1..60),
        ) {
            let lines: Vec<String> = rows.iter().map(|(time, key, size)| format!("{time},{key},{size}\n")).collect();
            let new = || PlainRows::of(&layout(2, None), b',', Some(b'"')).unwrap();
            let (mut together, mut text) = (new(), lines.concat());
            text.push_str("1,2,3");
            let mut want = Vec::new();
            for line in &lines {
                let (row, _) = tests::rows(&mut new(), line);
                if row.is_empty() {
                    break;
                }
                want.extend(row);
            }
            let (got, bytes) = tests::rows(&mut together, &text);
            prop_assert_eq!(bytes, lines[..want.len()].concat().len());
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn columns_that_tell_more_must_be_empty_and_others_may_hold_anything() {
        let mut plain = PlainRows::of(&layout(4, Some(3)), b'\t', None).unwrap();
        assert_eq!(rows(&mut plain, "1\t2\tan \"x\"\t\t5\n").0, [(1_000_000, 2, 5)]);
        assert_eq!(rows(&mut plain, "1\t2\tx\t9\t5\n").0, []);
        assert!(PlainRows::of(&layout(1, None), b',', None).is_none(), "the key is the size");
        assert!(PlainRows::of(&Layout { size: None, ..layout(2, None) }, b',', None).is_none());
        assert!(
            PlainRows::of(&Layout { method: Some(Found::default()), ..layout(2, None) }, b',', None)
                .is_none()
        );
        assert!(PlainRows::of(&layout(2, None), b'5', None).is_none());
    }
}
