//! What is wrong with a recorded trace.

use super::bench::{Bench, STRATEGY};

/// A scenario over the recorded trace `t.log` is refused with a message that holds all `parts`.
fn trace_refused(content: Option<&[u8]>, trace: &str, parts: &[&str]) {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n[trace]\n{trace}\n{STRATEGY}ttl = \"fixed\"\n"));
    if let Some(content) = content {
        bench.put("t.log", content);
    }
    bench.refused(&["s.toml", "--trace", "t.log"], parts);
}

const LINE: &str = "h - - [01/Aug/1995:00:00:01 -0400] \"GET /a.gif HTTP/1.0\" 200 1839\n";

#[test]
fn a_missing_trace_is_named() {
    trace_refused(None, "", &["t.log", "there is no file t.log"]);
}

#[test]
fn a_folder_is_no_trace() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n[trace]\n{STRATEGY}ttl = \"fixed\"\n"));
    bench.refused(&["s.toml", "--trace", "."], &["directory, not a trace"]);
}

#[test]
fn an_empty_trace_is_refused() {
    trace_refused(Some(b""), "", &["t.log", "empty"]);
}

#[test]
fn binary_garbage_is_no_trace() {
    let garbage: Vec<u8> = (0..4_096_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    trace_refused(Some(&garbage), "", &["t.log"]);
}

#[test]
fn a_trace_cut_off_inside_its_compression_is_refused() {
    use std::io::Write;
    let text = LINE.repeat(5_000);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(text.as_bytes()).expect("memory takes everything");
    let gz = gz.finish().expect("memory takes everything");
    let zst = zstd::encode_all(text.as_bytes(), 3).expect("memory takes everything");
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(text.as_bytes()).expect("memory takes everything");
    let xz = xz.finish().expect("memory takes everything");
    for (name, whole) in [("gzip", gz), ("zstd", zst), ("xz", xz)] {
        trace_refused(Some(&whole[..whole.len() / 2]), "", &["t.log", name]);
    }
}

#[test]
fn a_trace_of_junk_is_refused_and_a_few_broken_lines_are_counted() {
    let junk = "what is this\n".repeat(50);
    trace_refused(Some((LINE.repeat(100) + &junk).as_bytes()), "format = \"clf\"", &["t.log"]);
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n[trace]\n{STRATEGY}ttl = \"fixed\"\n"));
    bench.put("t.log", LINE.repeat(500) + "what is this\n" + LINE);
    let output = bench.ttlab(&["run", "s.toml", "--trace", "t.log", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let record = std::fs::read_to_string(bench.path("out/record.json")).expect("the record is written");
    let record: serde_json::Value = serde_json::from_str(&record).expect("a record is JSON");
    let skipped = record["trace"]["skipped"].as_object().expect("reasons are an object");
    assert_eq!(skipped.values().filter_map(serde_json::Value::as_u64).sum::<u64>(), 1, "{skipped:?}");
    let first = record["trace"]["skipped_first"].to_string();
    assert!(first.contains("line 501") && first.contains("what is this"), "{first}");
    bench.refused(&["s.toml", "--trace", "t.log", "--strict"], &["t.log:501", "what is this"]);
}

#[test]
fn a_column_that_is_not_there_is_refused_with_those_that_are() {
    trace_refused(
        Some(b"ts,path,bytes\n1,/a.gif,10\n"),
        "format = \"csv\"\ncolumns = { time = \"ts\", key = \"pth\", size = \"bytes\" }\ntime_unit = \"s\"",
        &["t.log", "pth", "path"],
    );
}

#[test]
fn numbers_that_cannot_be_are_bad_rows() {
    for (row, what) in [("1,/a.gif,-5", "-5"), ("nan,/a.gif,5", "nan")] {
        trace_refused(
            Some(format!("time,key,size\n{row}\n").as_bytes()),
            "format = \"csv\"\nstrict = true\ntime_unit = \"s\"",
            &["t.log:2", what],
        );
    }
}

#[test]
fn unsorted_rows_are_put_in_order() {
    let bench = Bench::new();
    bench.put(
        "s.toml",
        format!("name = \"t\"\n[trace]\nformat = \"csv\"\ntime_unit = \"s\"\nspread = \"none\"\n{STRATEGY}ttl = \"fixed\"\n"),
    );
    bench.put("t.log", "time,key,size\n30,/a,5\n10,/b,5\n20,/a,5\n");
    let output = bench.ttlab(&["run", "s.toml", "--trace", "t.log", "--out", "out"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(
        message.contains("put into the order of time: 1 earlier than the line before, late by up to 20s"),
        "{message}"
    );
    let record = ttlab::record::Record::read(&bench.path("out/record.json")).expect("the record is readable");
    assert_eq!((record.trace.requests, record.cells[0].outcomes.fresh_hit), (3, 1));
    assert!((record.trace.span_s - 20.0).abs() < 1e-9);
}
