//! Compressed or not: told by the first bytes, never by the name; and the digest of what was read.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trace) enum Compression {
    Plain,
    Gzip,
    Zstd,
    Xz,
}

impl Compression {
    /// What the first bytes of a file say (RFC 1952, RFC 8878, the .xz file format 1.2).
    pub(in crate::trace) fn of(start: &[u8]) -> Self {
        if start.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0x00]) {
            Self::Xz
        } else {
            Self::Plain
        }
    }

    /// As it is called in messages and records.
    pub(in crate::trace) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        }
    }

    /// The text inside. Several members, frames or streams one after the other are one text.
    pub(in crate::trace) fn open<'r>(
        self,
        input: impl Read + Send + 'r,
    ) -> io::Result<Box<dyn Read + Send + 'r>> {
        let input = BufReader::with_capacity(1 << 16, input);
        Ok(match self {
            Self::Plain => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(input)?),
            Self::Xz => {
                // The window of the highest preset is 64 MiB; a file can ask for 4 GiB.
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(256 << 20, liblzma::stream::CONCATENATED)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
        })
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('?');
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// SHA-256 of `bytes` in hexadecimal digits.
pub(in crate::trace) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// A stream unpacks to more than is tolerated.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than {0} times its own size")]
pub(in crate::trace) struct Expands(pub(in crate::trace) u32);

/// Passes an unpacked text on as long as it is no more than so many times what was packed.
pub(in crate::trace) struct Bounded<R> {
    text: R,
    out: u64,
    packed: Arc<AtomicU64>,
    limit: u32,
}

impl<R: Read> Bounded<R> {
    /// What small files unpack to is no harm.
    const HARMLESS: u64 = 64 << 20;

    pub(in crate::trace) fn new(text: R, packed: Arc<AtomicU64>, limit: u32) -> Self {
        Self { text, out: 0, packed, limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer)?;
        self.out += count as u64;
        if self.out > Self::HARMLESS && self.out / u64::from(self.limit) > self.packed.load(Ordering::Relaxed)
        {
            return Err(io::Error::other(Expands(self.limit)));
        }
        Ok(count)
    }
}

/// Passes bytes on, counts them and digests them.
pub(in crate::trace) struct Digesting<R> {
    input: R,
    hasher: Option<Sha256>,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Digesting<R> {
    pub(in crate::trace) fn new(input: R) -> Self {
        Self { input, hasher: Some(Sha256::new()), bytes: Arc::default() }
    }

    /// Counts alone; the digest is empty then.
    pub(in crate::trace) fn counting(input: R) -> Self {
        Self { input, hasher: None, bytes: Arc::default() }
    }

    /// How many bytes have been read, also while somebody else reads.
    pub(in crate::trace) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    /// Reads what is left; the number of bytes and their SHA-256 in hexadecimal digits.
    pub(in crate::trace) fn finish(mut self) -> io::Result<(u64, String)> {
        io::copy(&mut self, &mut io::sink())?;
        let digest = self.hasher.map(|hasher| hexadecimal(&hasher.finalize()));
        Ok((self.bytes.load(Ordering::Relaxed), digest.unwrap_or_default()))
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Reads up to `limit` bytes ahead; `start` holds what could be read, in case of an error too.
pub(in crate::trace) fn peek(input: &mut dyn Read, limit: u64, start: &mut Vec<u8>) -> io::Result<()> {
    input.take(limit).read_to_end(start)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(how: Compression, text: &[u8]) -> Vec<u8> {
        match how {
            Compression::Plain => text.to_vec(),
            Compression::Gzip => {
                let mut sink = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                sink.write_all(text).unwrap();
                sink.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(text, 1).unwrap(),
            Compression::Xz => {
                let mut sink = liblzma::write::XzEncoder::new(Vec::new(), 1);
                sink.write_all(text).unwrap();
                sink.finish().unwrap()
            }
        }
    }

    const ALL: [Compression; 4] = [Compression::Plain, Compression::Gzip, Compression::Zstd, Compression::Xz];

    #[test]
    fn parts_one_after_the_other_are_one_text() {
        for how in ALL {
            let file = [packed(how, b"one\n"), packed(how, b"two\n")].concat();
            assert_eq!(Compression::of(&file), how);
            let mut text = String::new();
            how.open(&file[..]).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "one\ntwo\n", "{how:?}");
        }
    }

    #[test]
    fn a_cut_stream_is_an_unexpected_end() {
        let text: Vec<u8> = (0..20_000_u32)
            .flat_map(|i| format!("{}\n", i.wrapping_mul(2_654_435_761)).into_bytes())
            .collect();
        for how in ALL.into_iter().skip(1) {
            let mut file = packed(how, &text);
            file.truncate(file.len() / 2);
            let mut out = Vec::new();
            let error = how.open(&file[..]).unwrap().read_to_end(&mut out).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{how:?}: {error}");
        }
    }

    #[test]
    fn the_digest_is_that_of_all_bytes_even_of_those_nobody_read() {
        let mut digesting = Digesting::new(&b"abc"[..]);
        let mut start = Vec::new();
        peek(&mut digesting, 1, &mut start).unwrap();
        assert_eq!(start, b"a");
        // The example of FIPS 180-2, appendix B.1.
        let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digesting.finish().unwrap(), (3, want.to_owned()));
    }
}
