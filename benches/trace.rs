//! How fast a combined log is read, beside a loop over the same bytes that only finds the line ends; and
//! binary records, plain and packed, beside a loop that only adds up their bytes and the decoder alone.

use std::fmt::Write;
use std::hint::black_box;
use std::io::BufRead;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ttlab::random::Seed;
use ttlab::trace::format::{FORMATS, RECORD_BYTES, write_record};
use ttlab::trace::import::{Options, import};

/// A log of about 10 MB: skewed popularity, a tenth of the lines no images, several lines a second.
fn log() -> String {
    let seed = Seed::new(1);
    let mut text = String::new();
    for line in 0..70_000_u64 {
        let second = line / 7;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let place = seed.unit(line, 0);
        // The square of a uniform number: a few images receive most requests.
        let image = (place * place * 20_000.0).floor();
        let extension = if seed.unit(line, 1) < 0.1 { "html" } else { "jpg" };
        let size = 1_000.0 + image * 17.0;
        writeln!(
            text,
            "10.0.{}.{} - - [12/Mar/2026:{hour:02}:{minute:02}:{second:02} +0100] \"GET /media/{image}/photo.{extension} \
             HTTP/1.1\" 200 {size} \"https://shop.example/page\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
            line % 256,
            line % 251
        )
        .expect("writing to a String cannot fail");
    }
    text
}

fn reading(c: &mut Criterion) {
    let text = log();
    let mut group = c.benchmark_group("combined log");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(20);
    group.bench_function("read", |bencher| {
        let options = Options::default();
        bencher
            .iter(|| import(text.as_bytes(), "bench.log", &options, Seed::new(1)).map(|import| import.trace));
    });
    group.bench_function("only find the line ends", |bencher| {
        bencher.iter(|| {
            let (mut input, mut line, mut lines) = (text.as_bytes(), Vec::new(), 0_u64);
            while input.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                lines += 1;
                black_box(&line);
                line.clear();
            }
            lines
        });
    });
    group.finish();
}

/// A million records of binary requests: a tenth as many objects as requests.
fn records() -> Vec<u8> {
    let seed = Seed::new(2);
    let mut records = Vec::new();
    for nth in 0..1_000_000_u32 {
        let place = seed.unit(u64::from(nth), 0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 100,000")]
        let id = (place * place * 100_000.0) as u64;
        write_record(&mut records, nth / 1_000, id, 1_000 + nth % 977, None).expect("a Vec takes everything");
    }
    records
}

fn binary(c: &mut Criterion) {
    let plain = records();
    let packed = zstd::encode_all(plain.as_slice(), 3).expect("a Vec takes everything");
    let mut group = c.benchmark_group("oracle-general");
    group.throughput(Throughput::Elements((plain.len() / RECORD_BYTES) as u64));
    group.sample_size(20);
    let options = Options { format: Some(FORMATS.default_choice("oracle-general")), ..Options::default() };
    for (name, file) in [("plain", &plain), ("zstd", &packed)] {
        group.bench_function(format!("read {name}"), |bencher| {
            bencher.iter(|| import(file.as_slice(), "bench", &options, Seed::new(1)).map(|import| import.trace));
        });
    }
    group.bench_function("only add up the bytes", |bencher| {
        bencher.iter(|| black_box(&plain).chunks(8).map(|bytes| u64::from(bytes[0])).sum::<u64>());
    });
    group.bench_function("only unpack zstd", |bencher| {
        bencher.iter(|| zstd::decode_all(black_box(packed.as_slice())).map(|bytes| bytes.len()));
    });
    group.finish();
}

criterion_group!(benches, reading, binary);
criterion_main!(benches);
