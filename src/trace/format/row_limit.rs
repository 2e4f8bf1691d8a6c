//! The text of a table with no row longer than a line may be, so that one row in memory takes no more, whatever quote
//! is open and whether the text has line ends at all.

use std::io::{self, BufRead, Read};

use memchr::memchr;

use super::lines::LONGEST;

/// Passes a text on, and ends a row that is too long: the rest of the line where it becomes that is left out.
pub(super) struct RowLimit<R> {
    input: R,
    /// Bytes that were passed on.
    given: u64,
    /// How many may be before the row is too long.
    end: u64,
    is_cut: bool,
    /// Whether no more than the rest of a line is passed on at once, so that what comes after it can be taken elsewhere.
    is_by_line: bool,
    /// What ends a row, whether a quote is open in it or not: a letter, so that the quote cannot begin a field, the
    /// quote, and a line end.
    close: [u8; 3],
    /// How many of these are still to be passed on.
    closing: usize,
}

impl<R> RowLimit<R> {
    /// Of a table with `delimiter` between its fields, which are quoted with `quote`.
    pub(super) fn new(input: R, delimiter: u8, quote: u8) -> Self {
        let is_letter = |letter: &u8| *letter != delimiter && *letter != quote;
        let letter = [b'x', b'y', b'z'].into_iter().find(is_letter).expect("two signs are not three letters");
        Self {
            input,
            given: 0,
            end: LONGEST,
            is_cut: false,
            close: [letter, quote, b'\n'],
            is_by_line: false,
            closing: 0,
        }
    }

    /// A row begins after the first `at` bytes that were passed on.
    pub(super) fn begin(&mut self, at: u64) {
        self.end = at.saturating_add(LONGEST);
        self.is_cut = false;
    }

    /// Whether from now on no more than the rest of a line is passed on at once.
    pub(super) fn by_line(&mut self, is_by_line: bool) {
        self.is_by_line = is_by_line;
    }

    /// What was not passed on yet, where a row begins after the first `at` bytes that were; `None` where more was passed on.
    pub(super) fn rest(&mut self, at: u64) -> Option<&mut R> {
        (self.given == at && self.closing == 0).then_some(&mut self.input)
    }

    /// Whether the row was too long.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl<R: BufRead> RowLimit<R> {
    /// The next piece of the text as it stands there, up to the end of the line where that is all that is wanted.
    fn piece(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_by_line {
            return self.input.read(buffer);
        }
        let ready = self.input.fill_buf()?;
        let ready = &ready[..ready.len().min(buffer.len())];
        let count = memchr(b'\n', ready).map_or(ready.len(), |end| end + 1);
        buffer[..count].copy_from_slice(&ready[..count]);
        self.input.consume(count);
        Ok(count)
    }

    /// Moves what stands in `text` together so that line ends of two signs are of one; how much there is then. Who takes
    /// rows apart sees the second sign with the next row only, and would count lines wrong.
    fn with_short_ends(&mut self, text: &mut [u8]) -> usize {
        let Some(first) = memchr(b'\r', text) else { return text.len() };
        let mut kept = first;
        for at in first..text.len() {
            let is_dropped = text[at] == b'\r'
                && match text.get(at + 1) {
                    Some(next) => *next == b'\n',
                    // An error comes again with what follows.
                    None => self.input.fill_buf().is_ok_and(|rest| rest.first() == Some(&b'\n')),
                };
            if !is_dropped {
                text[kept] = text[at];
                kept += 1;
            }
        }
        kept
    }
}

impl<R: BufRead> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Who takes rows apart asks for more only where the row has no end in what was passed on.
        if self.given >= self.end && !self.is_cut {
            self.input.skip_until(b'\n')?;
            (self.is_cut, self.closing) = (true, self.close.len());
        }
        let count = if self.closing > 0 {
            let count = (&self.close[self.close.len() - self.closing..]).read(buffer)?;
            self.closing -= count;
            count
        } else {
            let room = usize::try_from(self.end.saturating_sub(self.given)).unwrap_or(usize::MAX);
            // Behind its end a row that was cut asks for nothing.
            let most = if self.is_cut { buffer.len() } else { room.min(buffer.len()) };
            loop {
                let read = self.piece(&mut buffer[..most])?;
                let kept = self.with_short_ends(&mut buffer[..read]);
                // Nothing is the end of the text alone.
                if kept > 0 || read == 0 {
                    break kept;
                }
            }
        };
        self.given += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of fields and the first bytes of each row, and whether it was cut.
    fn rows(text: &[u8], delimiter: u8, quote: u8) -> Vec<(usize, Vec<u8>, bool)> {
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quote(quote)
            .from_reader(RowLimit::new(text, delimiter, quote));
        let (mut row, mut out) = (csv::ByteRecord::new(), Vec::new());
        loop {
            let begin = rows.position().byte();
            rows.get_mut().begin(begin);
            if !rows.read_byte_record(&mut row).unwrap() {
                return out;
            }
            assert!(row.as_slice().len() as u64 <= LONGEST + 2);
            let start = row.as_slice().iter().take(3).copied().collect();
            out.push((row.len(), start, rows.get_ref().is_cut()));
        }
    }

    #[test]
    fn a_row_without_an_end_is_cut_in_whatever_state_and_the_next_is_whole() {
        // What stands before the place where the row becomes too long.
        let ends = ["", "q", "qq", ",", "a,", ",q", ",qa", "\n", "qa\n", ",q\n", "x", "y"];
        // Neither sign may be taken for what ends the row.
        for (delimiter, quote) in [(b',', b'"'), (b'x', b'y'), (b'y', b'x')] {
            let open = |text: &str| {
                text.replace('q', &char::from(quote).to_string())
                    .replace(',', &char::from(delimiter).to_string())
            };
            for end in ends.map(open) {
                for start in ["a,b,", "a,qb", "qb"].map(open) {
                    // A line end ends the row but where a quote is open.
                    let (is_open, has_quote) = (start.contains(&open("q")), end.contains(&open("q")));
                    let is_open = if is_open { !has_quote } else { end.contains(&open(",q")) };
                    if end.contains('\n') && !is_open {
                        continue;
                    }
                    let fill = usize::try_from(LONGEST).unwrap() - start.len() - end.len();
                    let long = start.clone() + &"-".repeat(fill) + end.as_str() + &"-".repeat(10_000);
                    let text = format!("1{d}2\n{long}\n3{d}4{d}5\n", d = char::from(delimiter));
                    let read = rows(text.as_bytes(), delimiter, quote);
                    let told = format!("{start:?} {end:?} {read:?}");
                    assert_eq!(read.len(), 3, "{told}");
                    assert_eq!((read[0].0, read[0].2, read[1].2), (2, false, true), "{told}");
                    assert_eq!((read[2].0, read[2].2), (3, false), "{told}");
                }
            }
        }
    }

    #[test]
    fn line_ends_of_two_signs_are_passed_on_as_one() {
        let text = b"a\r\n\r\nb\rc\r\r\nd\r";
        for (capacity, room) in [(1, 1), (2, 3), (3, 2), (64, 1), (64, 64)] {
            for is_by_line in [false, true] {
                let mut limited =
                    RowLimit::new(io::BufReader::with_capacity(capacity, &text[..]), b',', b'"');
                limited.by_line(is_by_line);
                let (mut read, mut piece) = (Vec::new(), vec![0; room]);
                while let count @ 1.. = limited.read(&mut piece).unwrap() {
                    read.extend_from_slice(&piece[..count]);
                }
                assert_eq!(read, b"a\n\nb\rc\r\nd\r", "{capacity} {room} {is_by_line}");
                assert_eq!(limited.given, read.len() as u64);
            }
        }
    }

    #[test]
    fn rows_within_the_limit_are_as_they_are() {
        let longest = "a,".to_owned() + &"b".repeat(usize::try_from(LONGEST).unwrap() - 3);
        let text = format!("{longest}\n{longest}\n1,2,3");
        let read = rows(text.as_bytes(), b',', b'"');
        let whole: Vec<(usize, bool)> = read.iter().map(|(fields, _, is_cut)| (*fields, *is_cut)).collect();
        assert_eq!(whole, [(2, false), (2, false), (3, false)]);
        // One byte more is one too many, and at the end of the text there is no more to be left out.
        let read = rows(format!("{longest}b\n1\n{longest}bb").as_bytes(), b',', b'"');
        assert_eq!(read.iter().map(|row| row.2).collect::<Vec<_>>(), [true, false, true]);
    }
}
