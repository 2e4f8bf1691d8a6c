//! How fast a combined log is read, beside a loop over the same bytes that only finds the line ends.

use std::fmt::Write;
use std::hint::black_box;
use std::io::BufRead;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ttlab::random::Seed;
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

criterion_group!(benches, reading);
criterion_main!(benches);
