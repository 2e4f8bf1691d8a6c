//! Lines of a text one by one, in one reused buffer, however long or broken they are.

use std::io::{self, BufRead, Read};

/// No line of a log is longer; what is longer is no line.
const LONGEST: u64 = 1 << 20;

/// The lines of an input without their line ends (LF or CR LF).
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    longest: u64,
    read: u64,
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
        Self { input, buffer: Vec::with_capacity(1024), longest, read: 0 }
    }

    /// How many lines have been read whole.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    pub(super) fn next(&mut self) -> Option<io::Result<Line<'_>>> {
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
        let mut text = self.buffer.as_slice();
        text = text.strip_suffix(b"\n").unwrap_or(text);
        text = text.strip_suffix(b"\r").unwrap_or(text);
        if self.read == 1 {
            // The byte order mark that some editors put before a text.
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        Some(Ok(Line { number: self.read, text, is_cut }))
    }
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
    fn an_endless_line_is_cut_and_the_next_one_found() {
        let mut text = vec![b'x'; 3 << 20];
        text.extend_from_slice(b"\nnext\n");
        let lines = all(&text);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].2);
        assert_eq!(lines[1], (2, b"next".to_vec(), false));
    }
}
