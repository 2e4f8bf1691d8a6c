//! How fast a combined log of 100 MB is read from disk, plain and packed, beside the tools that do no
//! more than unpack it and count its lines: `wc -l` and `zcat | wc -l`.
//!
//! The log is made anew from a seed into a temporary folder. A tool that is not there is left out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use ttlab::random::Seed;
use ttlab::trace::import::{Options, open};

const LINES: u64 = 700_000;

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

fn read(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, path: &Path) {
    let options = Options::default();
    group.bench_function(name, |bencher| {
        bencher.iter(|| open(path, &options, Seed::new(1)).map(|import| import.trace.len()));
    });
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
    read(&mut group, "read", &path("access.log"));
    tool(&mut group, "wc -l", "cat", &path("access.log"));
    read(&mut group, "read gz", &path("access.log.gz"));
    tool(&mut group, "zcat | wc -l", "zcat", &path("access.log.gz"));
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
