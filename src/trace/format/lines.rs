//! Lines of a text one by one, however long or broken they are: where they lie in the input's buffer, or pieced
//! together in one that is reused.

use std::io::{self, BufRead, Read};

use memchr::memchr;

/// No line of a log and no row of a table is longer, in bytes; what is longer is none.
pub(super) const LONGEST: u64 = 1 << 20;

/// The lines of an input without their line ends (LF or CR LF).
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    longest: u64,
    read: u64,
    /// Bytes of the input that the last line took and that are still to be consumed.
    taken: usize,
}

/// One line.
pub(super) struct Line<'l> {
    /// From 1.
    pub(super) number: u64,
    /// Without line end; cut where the line is too long.
    pub(super) text: &'l [u8],
    /// Whether the line was cut.
    pub(super) is_cut: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self::with_longest(input, LONGEST)
    }

    /// Lines of up to `longest` bytes.
    pub(super) fn with_longest(input: R, longest: u64) -> Self {
        Self { input, buffer: Vec::with_capacity(1024), longest, read: 0, taken: 0 }
    }

    /// How many lines have been read whole.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    pub(super) fn next(&mut self) -> Option<io::Result<Line<'_>>> {
        self.input.consume(std::mem::take(&mut self.taken));
        let end = match self.input.fill_buf() {
            Ok(ready) => memchr(b'\n', ready).filter(|end| (*end as u64) < self.longest),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(error) => return Some(Err(error)),
        };
        let Some(end) = end else { return self.next_in_pieces() };
        // The line lies in the input's buffer as a whole, and is left there.
        self.taken = end + 1;
        self.read += 1;
        match self.input.fill_buf() {
            Ok(ready) => Some(Ok(line(self.read, &ready[..end], false))),
            Err(error) => Some(Err(error)),
        }
    }

    /// A line that does not lie in the input's buffer as a whole.
    fn next_in_pieces(&mut self) -> Option<io::Result<Line<'_>>> {
        self.buffer.clear();
        match self.input.by_ref().take(self.longest).read_until(b'\n', &mut self.buffer) {
            Err(error) => return Some(Err(error)),
            Ok(0) => return None,
            Ok(_) => {}
        }
        let is_cut = self.buffer.len() as u64 == self.longest && self.buffer.last() != Some(&b'\n');
        if is_cut && let Err(error) = self.input.skip_until(b'\n') {
            return Some(Err(error));
        }
        self.read += 1;
        let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        Some(Ok(line(self.read, text, is_cut)))
    }
}

/// A line without LF, of which the rest of its end and the byte order mark that some editors put before a text are
/// taken away.
fn line(number: u64, mut text: &[u8], is_cut: bool) -> Line<'_> {
    text = text.strip_suffix(b"\r").unwrap_or(text);
    if number == 1 {
        text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    }
    Line { number, text, is_cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Vec<u8>, bool)> {
        let mut lines = Lines::new(text);
        let mut out = Vec::new();
        while let Some(line) = lines.next() {
            let line = line.unwrap();
            out.push((line.number, line.text.to_vec(), line.is_cut));
        }
        out
    }

    #[test]
    fn line_ends_of_both_kinds_and_none_at_the_end() {
        let want = [(1, b"a".to_vec(), false), (2, b"".to_vec(), false), (3, b"c".to_vec(), false)];
        assert_eq!(all(b"a\r\n\nc"), want);
        assert_eq!(all(b"\xef\xbb\xbfa\n\nc\r\n"), want);
        assert_eq!(all(b""), []);
    }

    #[test]
    fn lines_are_the_same_whatever_the_buffer_of_the_input() {
        let text = b"\xef\xbb\xbfone\r\n\ntwo words\r\nthree\n\r\nlast";
        for size in 1..40 {
            let mut lines = Lines::new(io::BufReader::with_capacity(size, &text[..]));
            let mut out = Vec::new();
            while let Some(line) = lines.next() {
                let line = line.unwrap();
                out.push((line.number, line.text.to_vec(), line.is_cut));
            }
            // The mark is found where the first line is whole in one way or the other.
            assert_eq!(out, all(text), "{size}");
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_found() {
        let mut text = vec![b'x'; 3 << 20];
        text.extend_from_slice(b"\nnext\n");
        let lines = all(&text);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].2);
        assert_eq!(lines[1], (2, b"next".to_vec(), false));
    }
}
