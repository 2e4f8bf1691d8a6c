//! Reading ahead: another thread reads, digests and unpacks an input while this one takes it apart.
//!
//! What comes out is what would come out without it, byte for byte, and an error comes after all that was read
//! before it. Some blocks go round between the two threads, so that memory is bounded whoever is slower.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use memchr::memrchr;

/// Bytes of a block: enough for handing it over to cost nothing beside filling it, few enough to stay in the second
/// cache.
const BLOCK: usize = 192 << 10;

/// How much of a line is kept for the next block at most, in bytes.
const LINE: usize = 4 << 10;

/// Blocks that are filled at most before one is taken.
const BLOCKS: usize = 4;

/// An input that another thread reads ahead.
#[derive(Debug)]
pub struct Ahead {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    /// How much of the block has been consumed.
    at: usize,
}

/// Begins to read `input` on a thread of `scope`, which ends with the input, with its first error, or once nobody
/// waits for more.
pub fn ahead<'scope>(scope: &'scope Scope<'scope, '_>, input: impl Read + Send + 'scope) -> Ahead {
    let (fill, full) = channel();
    let (empty, refill) = channel();
    (0..BLOCKS).for_each(|_| empty.send(Vec::new()).expect("this thread holds the other end"));
    scope.spawn(move || pump(input, &fill, &refill));
    Ahead { full, empty, block: Vec::new(), at: 0 }
}

/// Fills blocks as they come back. A block ends with a line where that is near: a line that lies in two blocks is taken
/// with more effort.
fn pump(mut input: impl Read, fill: &Sender<io::Result<Vec<u8>>>, refill: &Receiver<Vec<u8>>) {
    let mut begun = Vec::new();
    while let Ok(mut block) = refill.recv() {
        block.resize(BLOCK, 0);
        let mut end = begun.len();
        block[..end].copy_from_slice(&begun);
        begun.clear();
        // How the input ended, if it did. A decoder must not be asked for nothing.
        let over = loop {
            if end == BLOCK {
                break None;
            }
            match input.read(&mut block[end..]) {
                Ok(0) => break Some(Ok(())),
                Ok(count) => end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(Err(error)),
            }
        };
        if over.is_none()
            && let Some(line) = memrchr(b'\n', &block[BLOCK - LINE..])
        {
            let whole = BLOCK - LINE + line + 1;
            begun.extend_from_slice(&block[whole..]);
            end = whole;
        }
        block.truncate(end);
        // Where nobody receives any more, nobody asks for the next block either.
        if end > 0 && fill.send(Ok(block)).is_err() {
            return;
        }
        match over {
            None => {}
            Some(Ok(())) => return,
            Some(Err(error)) => {
                let _ = fill.send(Err(error));
                return;
            }
        }
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.block.len()
            && let Ok(block) = self.full.recv()
        {
            let used = std::mem::replace(&mut self.block, block?);
            self.at = 0;
            // Where the other thread has ended it needs no block.
            let _ = self.empty.send(used);
        }
        Ok(&self.block[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.block.len());
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Gives `left` bytes in pieces of changing length, counts them, and then ends or fails.
    struct Pieces<'c> {
        left: usize,
        piece: usize,
        given: &'c AtomicUsize,
        fails: bool,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.piece = self.piece % 70_000 + 12_345;
            if self.piece % 11 == 3 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            assert!(!buffer.is_empty(), "a decoder takes that for no progress");
            let count = self.left.min(self.piece).min(buffer.len());
            if count == 0 && self.fails {
                return Err(io::Error::other("torn"));
            }
            let from = self.given.fetch_add(count, Ordering::Relaxed);
            for (byte, place) in buffer.iter_mut().zip(from..from + count) {
                *byte = letter(place);
            }
            self.left -= count;
            Ok(count)
        }
    }

    fn letter(place: usize) -> u8 {
        u8::try_from(place % 251).expect("below 251")
    }

    fn input(left: usize, given: &AtomicUsize, fails: bool) -> Pieces<'_> {
        Pieces { left, piece: 0, given, fails }
    }

    #[test]
    fn what_is_read_ahead_is_what_is_there() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 20 * BLOCK + 77] {
            for fails in [false, true] {
                let given = AtomicUsize::new(0);
                let (mut all, mut end) = (Vec::new(), None);
                std::thread::scope(|scope| {
                    let mut ahead = ahead(scope, input(length, &given, fails));
                    end = ahead.read_to_end(&mut all).err().map(|error| error.to_string());
                });
                assert_eq!(end, fails.then(|| "torn".to_owned()), "{length}");
                assert_eq!(all.len(), length);
                assert!(all.iter().zip(0..).all(|(byte, place)| *byte == letter(place)), "{length}");
            }
        }
    }

    #[test]
    fn a_slow_taker_is_not_run_away_from_and_one_that_leaves_ends_it() {
        let given = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let mut ahead = ahead(scope, input(usize::MAX / 2, &given, false));
            for _ in 0..100 {
                let ready = ahead.fill_buf().expect("no error comes").len();
                ahead.consume(ready);
                let taken = ahead.fill_buf().map_or(0, <[u8]>::len);
                assert!(taken > 0);
            }
        });
        // All blocks that go round, beside those that were taken.
        assert!(given.load(Ordering::Relaxed) <= (101 + BLOCKS + 1) * BLOCK);
    }
}
