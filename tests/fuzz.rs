//! Whatever the bytes, no reader breaks: seeded mutations of sound input, in every format, by the million.
//!
//! A mutated input must be read or refused with an error, hold no more requests than it has bytes, and
//! give the same again. The same is done by cargo-fuzz, led by coverage, in `fuzz/`; this driver needs no tool.
//! `cargo test --test fuzz -- --ignored --nocapture` runs millions.

#[path = "fuzz/driver.rs"]
mod driver;

use std::io::Write;
use std::path::Path;

use driver::{TARGETS, check, options};
use ttlab::random::{Seed, Stream};
use ttlab::trace::format::FORMATS;
use ttlab::trace::import::{Options, import};

/// Pieces that mean something somewhere.
const TOKENS: [&[u8]; 24] = [
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"\\x",
    b"%",
    b"%2",
    b"?",
    b"#",
    b",",
    b"\t",
    b" ",
    b"[",
    b"] \"",
    b"-",
    b"-1",
    b"99999999999999999999",
    b"1e308",
    b"NaN",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{",
    b"0.000000000000000000001",
];

fn below(random: &mut Stream, limit: usize) -> usize {
    use rand::RngExt;
    random.random_range(0..limit.max(1))
}

fn mutated(sound: &[u8], random: &mut Stream) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..=below(random, 6) {
        let at = below(random, bytes.len() + 1);
        match below(random, 7) {
            0 if at < bytes.len() => bytes[at] = u8::try_from(below(random, 256)).expect("a byte"),
            1 if at < bytes.len() => bytes[at] ^= 1 << below(random, 8),
            2 => bytes.truncate(at),
            3 => {
                let token = TOKENS[below(random, TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            4 if at < bytes.len() => {
                let end = at + below(random, bytes.len() - at);
                bytes.drain(at..end);
            }
            5 if at < bytes.len() => {
                let end = at + below(random, (bytes.len() - at).min(40));
                let copy = bytes[at..end].to_vec();
                let to = below(random, bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            _ => bytes.insert(at, u8::try_from(below(random, 256)).expect("a byte")),
        }
    }
    bytes
}

/// Reads `inputs` mutations in each format; how many were read, and how many refused.
fn drive(inputs: u64) -> Vec<(&'static str, u64, u64)> {
    let mut results = Vec::new();
    for target in &TARGETS {
        let options = options(target);
        let guessed = Options { format: None, ..options.clone() };
        let (mut read, mut refused) = (0, 0);
        for nth in 0..inputs {
            let mut random = Seed::new(1).of(target.name).keyed(nth, 0);
            let bytes = mutated(target.sound, &mut random);
            if nth % 16 == 0 {
                let once = import(bytes.as_slice(), "fuzz", &options, Seed::new(1));
                let again = import(bytes.as_slice(), "fuzz", &options, Seed::new(1));
                assert_eq!(once.as_ref().ok().map(|i| &i.trace), again.as_ref().ok().map(|i| &i.trace));
                let _ = import(bytes.as_slice(), "fuzz", &guessed, Seed::new(1));
            }
            if check(target, &options, &bytes) { read += 1 } else { refused += 1 }
        }
        results.push((target.name, read, refused));
    }
    results
}

#[test]
fn every_format_has_a_target_for_both_fuzzers() {
    let formats: Vec<&str> = FORMATS.listing().entries.iter().map(|entry| entry.name).collect();
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(targets, formats);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("fuzz/ is a crate of its own");
    for name in targets {
        let path = format!("fuzz_targets/{}.rs", name.replace('-', "_"));
        assert!(manifest.contains(&format!("path = \"{path}\"")), "{path} is no target");
        let text = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
        assert!(text.contains(&format!("read_as(\"{name}\"")), "{path} does not read {name}");
    }
}

#[test]
fn no_mutation_breaks_a_reader() {
    for (format, read, refused) in drive(1_500) {
        assert!(read > 0 && refused > 0, "{format}: {read} read, {refused} refused");
    }
}

#[test]
#[ignore = "millions of inputs: run it in release, by hand"]
fn no_mutation_of_millions_breaks_a_reader() {
    let mut out = std::io::stdout();
    for (format, read, refused) in drive(300_000) {
        writeln!(out, "{format}: {read} read, {refused} refused").expect("standard output is there");
    }
}
