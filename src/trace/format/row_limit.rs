//! The text of a table with no row longer than a line may be, so that one row in memory takes no more, whatever quote
//! is open and whether the text has line ends at all.

use std::io::{self, BufRead, Read};

use super::lines::LONGEST;

/// Passes a text on, and ends a row that is too long: the rest of the line where it becomes that is left out.
pub(super) struct RowLimit<R> {
    input: R,
    /// Bytes that were passed on.
    given: u64,
    /// How many may be before the row is too long.
    end: u64,
    is_cut: bool,
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
        Self { input, given: 0, end: LONGEST, is_cut: false, close: [letter, quote, b'\n'], closing: 0 }
    }

    /// A row begins after the first `at` bytes that were passed on.
    pub(super) fn begin(&mut self, at: u64) {
        self.end = at.saturating_add(LONGEST);
        self.is_cut = false;
    }

    /// Whether the row was too long.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
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
            self.input.read(&mut buffer[..most])?
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
