//! How fast traces are read: a combined log of 100 MB from disk, plain and packed, and ten million binary records.
//!
//! "read" makes a trace of it: digest, filters, keys, sizes, order. "records" only takes the input apart, as whatever
//! makes a trace of it does: lines one by one, binary records by the block, with another thread that reads ahead and
//! unpacks; "on one thread" it does that itself, and "one by one" spells every key, as `ttlab trace head` shows it.
//! Beside them stands what does less: finding the ends of lines in the same file, unpacking alone, adding the bytes
//! up, and the tools `wc -l` and `zcat | wc -l`. The files are made anew from a seed into a temporary folder. A tool
//! that is not there is left out.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use ttlab::random::Seed;
use ttlab::trace::format::{Declared, FORMATS, ahead, write_record};
use ttlab::trace::import::{Digest, Options, open};

const LINES: u64 = 700_000;

/// How binary traces are called.
const FORMAT: &str = "oracle-general";

/// A log of about 100 MB: skewed popularity, a tenth of the lines no images, several lines a second.
fn write_log(out: &mut impl Write) -> std::io::Result<()> {
    let seed = Seed::new(1);
    for line in 0..LINES {
        let second = line / 9;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let place = seed.unit(line, 0);
        // The square of a uniform number: a few images receive most requests.
        let image = (place * place * 20_000.0).floor();
        let extension = if seed.unit(line, 1) < 0.1 { "html" } else { "jpg" };
        let size = 1_000.0 + image * 17.0;
        writeln!(
            out,
            "10.0.{}.{} - - [12/Mar/2026:{hour:02}:{minute:02}:{second:02} +0100] \"GET /media/{image}/photo.{extension} \
             HTTP/1.1\" 200 {size} \"https://shop.example/page\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
            line % 256,
            line % 251
        )?;
    }
    out.flush()
}

fn read(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, path: &Path, digest: Digest) {
    let options = Options { digest, ..Options::default() };
    group.bench_function(name, |bencher| {
        bencher.iter(|| open(path, &options, Seed::new(1)).map(|import| import.trace.len()));
    });
}

/// Takes an input apart into records and looks at each, without making a trace of them.
fn records<'r>(format: &'static str, input: impl BufRead + Send + 'r) -> u64 {
    let format = FORMATS.default_choice(format).make(&Declared::default()).expect("no settings are needed");
    let mut reader = format.open(Box::new(input), "bench").expect("the file can be opened");
    let mut sum = 0;
    let mut block = Vec::new();
    loop {
        reader.plain(&mut block);
        sum += block.iter().map(|row| u64::from(row.size) + row.number).fold(0, u64::wrapping_add);
        if block.is_empty() {
            let Some(row) = reader.next_row() else { return black_box(sum) };
            let row = row.expect("the file can be read");
            sum += row.content.map_or(0, |record| record.size.unwrap_or(0) + record.key.len() as u64);
        }
    }
}

/// The same, with another thread that reads ahead.
fn records_ahead(format: &'static str, input: impl Read + Send) -> u64 {
    std::thread::scope(|scope| records(format, ahead(scope, input)))
}

/// Takes an input apart record by record, with a key of each in letters.
fn one_by_one(format: &'static str, input: impl BufRead + Send) -> u64 {
    let format = FORMATS.default_choice(format).make(&Declared::default()).expect("no settings are needed");
    let mut reader = format.open(Box::new(input), "bench").expect("the file can be opened");
    let mut sum = 0;
    while let Some(row) = reader.next_row() {
        let row = row.expect("the file can be read");
        sum += row.content.map_or(0, |record| record.size.unwrap_or(0) + record.key.len() as u64);
    }
    black_box(sum)
}

/// A buffer as large as a reader's without another thread.
fn buffered<R: Read>(input: R) -> BufReader<R> {
    BufReader::with_capacity(1 << 17, input)
}

/// Finds the ends of all lines: what every reader of lines has to do at least.
fn lines(input: impl Read) -> u64 {
    let mut input = buffered(input);
    let (mut count, mut bytes) = (0, 0);
    loop {
        let ready = input.fill_buf().expect("the file can be read");
        let length = ready.len();
        if length == 0 {
            return black_box(count + bytes);
        }
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', ready) {
            (count, bytes, from) = (count + 1, bytes + (end - from) as u64, end + 1);
        }
        black_box(from);
        input.consume(length);
    }
}

/// Adds up all bytes, eight at a time: what moving them through memory takes.
fn sum(input: impl Read) -> u64 {
    let mut input = buffered(input);
    let mut sum = 0_u64;
    loop {
        let ready = input.fill_buf().expect("the file can be read");
        let length = ready.len();
        if length == 0 {
            return black_box(sum);
        }
        sum = ready.as_chunks().0.iter().fold(sum, |sum, bytes| sum.wrapping_add(u64::from_le_bytes(*bytes)));
        input.consume(length);
    }
}

/// Times a command, if it can be run at all.
fn tool(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, command: &str, path: &Path) {
    let run = || {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{command} \"$0\" | wc -l")).arg(path);
        shell.stderr(Stdio::null()).output().ok().filter(|done| done.stdout != b"0\n").map(|done| done.stdout)
    };
    if run().is_some() {
        group.bench_function(name, |bencher| bencher.iter(run));
    }
}

fn reading(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let create = |name: &str| File::create(path(name)).expect("a file can be made");
    write_log(&mut BufWriter::new(create("access.log"))).expect("the log can be written");
    let mut packed = GzEncoder::new(BufWriter::new(create("access.log.gz")), Compression::default());
    write_log(&mut packed).and_then(|()| packed.try_finish()).expect("the packed log can be written");
    drop(packed);
    let bytes = path("access.log").metadata().expect("the log is there").len();

    let mut group = c.benchmark_group("combined log of 100 MB");
    group.throughput(Throughput::Bytes(bytes));
    group.sample_size(10);
    let open_plain = || File::open(path("access.log")).expect("the log is there");
    read(&mut group, "read", &path("access.log"), Digest::Taken);
    group.bench_function("records", |bencher| bencher.iter(|| records_ahead("combined", open_plain())));
    group.bench_function("records on one thread", |bencher| {
        bencher.iter(|| records("combined", buffered(open_plain())));
    });
    group.bench_function("ends of lines", |bencher| bencher.iter(|| lines(open_plain())));
    tool(&mut group, "wc -l", "cat", &path("access.log"));
    read(&mut group, "read gz", &path("access.log.gz"), Digest::Taken);
    tool(&mut group, "zcat | wc -l", "zcat", &path("access.log.gz"));
    group.finish();
}

const RECORDS: u64 = 10_000_000;

/// Ten million records of a million objects, a thousand a second.
fn write_records(out: &mut impl Write) -> std::io::Result<()> {
    let seed = Seed::new(2);
    for record in 0..RECORDS {
        let place = seed.unit(record, 0);
        let id = (place * place * 1_000_000.0).floor().to_bits();
        let time = u32::try_from(record / 1_000).expect("hours of seconds");
        write_record(out, time, id, 1_000, None)?;
    }
    out.flush()
}

fn binary(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let create = |name: &str| BufWriter::new(File::create(path(name)).expect("a file can be made"));
    write_records(&mut create("trace.oracleGeneral")).expect("the trace can be written");
    let mut packed = zstd::Encoder::new(create("trace.oracleGeneral.zst"), 3).expect("zstd is there");
    write_records(&mut packed).expect("the packed trace can be written");
    packed.finish().and_then(|mut out| out.flush()).expect("the packed trace can be written");
    let plain = || File::open(path("trace.oracleGeneral")).expect("the trace is there");
    let unpacked = || {
        let file = File::open(path("trace.oracleGeneral.zst")).expect("the trace is there");
        zstd::Decoder::new(file).expect("zstd is there")
    };

    let mut group = c.benchmark_group("10 M oracle-general records");
    group.throughput(Throughput::Elements(RECORDS));
    group.sample_size(10);
    read(&mut group, "read", &path("trace.oracleGeneral"), Digest::Taken);
    read(&mut group, "read without digest", &path("trace.oracleGeneral"), Digest::LeftOut);
    group.bench_function("records", |bencher| bencher.iter(|| records_ahead(FORMAT, plain())));
    group.bench_function("records on one thread", |bencher| {
        bencher.iter(|| records(FORMAT, buffered(plain())));
    });
    group.bench_function("records one by one", |bencher| {
        bencher.iter(|| one_by_one(FORMAT, buffered(plain())));
    });
    group.bench_function("sum of all bytes", |bencher| bencher.iter(|| sum(plain())));
    read(&mut group, "read zst", &path("trace.oracleGeneral.zst"), Digest::Taken);
    read(&mut group, "read zst without digest", &path("trace.oracleGeneral.zst"), Digest::LeftOut);
    group.bench_function("records zst", |bencher| bencher.iter(|| records_ahead(FORMAT, unpacked())));
    group.bench_function("records zst on one thread", |bencher| {
        bencher.iter(|| records(FORMAT, buffered(unpacked())));
    });
    group.bench_function("unpacking zst", |bencher| bencher.iter(|| sum(unpacked())));
    group.finish();
}

criterion_group!(benches, reading, binary);
criterion_main!(benches);
