//! What reading a trace promises, and what it says about bad input.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::trace::format::{Column, FORMATS, TimeUnit};
use crate::units::ByteSize;

fn log_line(second: u32, request: &str, status: u16, size: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!("host - - [01/Aug/1995:10:{minute:02}:{second:02} -0400] \"{request}\" {status} {size}\n")
}

fn get(second: u32, path: &str, size: &str) -> String {
    log_line(second, &format!("GET {path} HTTP/1.0"), 200, size)
}

fn read(text: impl AsRef<[u8]>, options: &Options) -> Result<Import, TraceError> {
    import(text.as_ref(), "access.log", options, Seed::new(1))
}

fn message(text: impl AsRef<[u8]>, options: &Options) -> String {
    read(text, options).unwrap_err().to_string()
}

fn tolerant() -> Options {
    Options { max_bad: Fraction::ONE, spread: Spread::None, ..Options::default() }
}

fn keys(import: &Import) -> Vec<String> {
    import.trace.requests().map(|request| import.trace.objects().key(request.object)).collect()
}

fn seconds(import: &Import) -> Vec<f64> {
    import.trace.times().iter().map(|at| at.as_secs_f64()).collect()
}

fn columns(named: &[(&str, &str)]) -> Options {
    let mut options = tolerant();
    for (field, name) in named {
        options.declared.columns.set(field, Column::Named((*name).to_owned()));
    }
    options
}

#[test]
fn a_304_206_head_or_aborted_transfer_never_defines_a_size() {
    let log = [
        get(0, "/a.gif", "500"),
        log_line(1, "GET /a.gif HTTP/1.0", 304, "900"),
        log_line(2, "GET /a.gif HTTP/1.0", 206, "900"),
        get(3, "/a.gif", "0"),
        get(4, "/a.gif", "-"),
        log_line(5, "HEAD /a.gif HTTP/1.0", 200, "900"),
        log_line(6, "GET /b.gif HTTP/1.0", 304, "0"),
    ]
    .concat();
    let mut options = tolerant();
    options.methods.push("HEAD".to_owned());
    let import = read(log, &options).unwrap();
    let sizes: Vec<u32> = import.trace.objects().facts().iter().map(|fact| fact.size).collect();
    // The size of b is unknown and takes the median of its class, which is the size of a.
    assert_eq!(sizes, [500, 500]);
    assert_eq!((import.provenance.imputed_objects, import.provenance.imputed_requests), (1, 1));
    assert_eq!(import.provenance.objects_with_several_sizes, 0);
    assert_eq!(import.provenance.imputed_share(), Some(1.0 / 7.0));
}

#[test]
fn what_is_not_asked_for_is_counted_by_reason_and_is_not_bad() {
    let log = [
        get(0, "/a.gif", "1"),
        get(1, "/index.html", "1"),
        log_line(2, "HEAD /a.gif HTTP/1.0", 200, "0"),
        log_line(3, "GET /a.JPEG HTTP/1.0", 404, "9"),
        log_line(4, "-", 408, "0"),
        "\n".to_owned(),
        log_line(5, "GET /b.PNG?x=1 HTTP/1.0", 200, "1"),
    ]
    .concat();
    let import = read(log, &Options::default()).unwrap();
    let skipped = &import.provenance.skipped;
    let counts: Vec<(&str, u64, u64)> =
        skipped.iter().map(|(reason, s)| (reason.as_str(), s.count, s.first_line)).collect();
    assert_eq!(
        counts,
        [
            ("empty line", 1, 6),
            ("method HEAD", 1, 3),
            ("other extension", 1, 2),
            ("status 404", 1, 4),
            ("the request is empty", 1, 5),
        ]
    );
    assert!(skipped.values().all(|s| !s.is_bad));
    assert_eq!(skipped["other extension"].example, "/index.html");
    assert_eq!((import.provenance.lines, import.provenance.kept, import.provenance.bad), (7, 2, 0));
    assert_eq!(keys(&import), ["/a.gif", "/b.PNG"]);
}

#[test]
fn broken_lines_are_counted_and_the_first_is_shown() {
    let mut log: String = (0..200).map(|i| get(i, "/a.gif", "1")).collect();
    log.push_str("host - - [01/Aug/1995:10:03:21 -0400] \"GET /a.gif HT\n");
    log.push_str("TP/1.0\" 200 1\n");
    let import = read(&log, &Options::default()).unwrap();
    assert_eq!((import.provenance.bad, import.provenance.kept), (2, 200));
    let cut = &import.provenance.skipped["the request must end with a quote (the line may be cut off)"];
    assert_eq!((cut.first_line, cut.count, cut.is_bad), (201, 1, true));

    let strict = Options { strict: true, ..Options::default() };
    assert_eq!(
        message(&log, &strict),
        "access.log:201:40: the request must end with a quote (the line may be cut off), but is \"GET /a.gif HT\""
    );
    log.push_str("junk\n");
    let refused = read(&log, &Options::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "access.log: 3 of 203 lines are bad (1.48 %, tolerated are 1.00 %); mostly: a line must hold a time \
         stamp in brackets and then a request in quotes (first in line 202: \"TP/1.0\" 200 1\")"
    );
    assert!(refused.help().contains("max_bad"));
}

#[test]
fn late_lines_are_sorted_stably_and_counted() {
    let log =
        [get(5, "/a.gif", "1"), get(3, "/b.gif", "1"), get(5, "/c.gif", "1"), get(1, "/d.gif", "1")].concat();
    let import = read(log, &tolerant()).unwrap();
    assert_eq!(keys(&import), ["/d.gif", "/b.gif", "/a.gif", "/c.gif"]);
    assert_eq!(seconds(&import), [0.0, 2.0, 4.0, 4.0]);
    assert_eq!((import.provenance.backward_steps, import.provenance.max_lateness_ns), (2, 4_000_000_000));
}

#[test]
fn whole_seconds_are_spread_and_fractions_are_left_alone() {
    let log: String = (0..40).map(|i| get(i / 20, "/a.gif", "1")).collect();
    let spread = read(&log, &Options::default()).unwrap();
    assert_eq!(spread.provenance.spread, "uniform");
    assert!(spread.trace.times().windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(spread.trace, read(&log, &Options::default()).unwrap().trace, "the same seed, the same trace");
    let other = import(log.as_bytes(), "access.log", &Options::default(), Seed::new(2)).unwrap();
    assert_ne!(spread.trace, other.trace);
    let later: String = (20..40).map(|i| get(i / 20, "/a.gif", "1")).collect();
    let cut = read(&later, &Options::default()).unwrap();
    let absolute = |import: &Import, from: usize| -> Vec<i64> {
        let times = import.trace.times()[from..].iter();
        times.map(|at| import.provenance.first_unix_ns + i64::try_from(at.as_nanos()).unwrap()).collect()
    };
    assert_eq!(absolute(&spread, 20), absolute(&cut, 0), "cutting moves no other request");

    let table = "time,key\n1.5,a\n2,a\n2,b\n";
    let fractions = read(table, &Options::default()).unwrap();
    assert_eq!(
        (fractions.provenance.spread.as_str(), fractions.provenance.resolution_ns),
        ("none", 1_000_000)
    );
    assert_eq!(seconds(&fractions), [0.0, 0.5, 0.5]);
}

#[test]
fn classes_follow_the_first_rule_that_holds() {
    let log = [
        get(0, "/thumbs/a.gif", "10"),
        get(1, "/big.png", "9000"),
        get(2, "/small.png", "90"),
        log_line(3, "GET /thumbs/unknown.gif HTTP/1.0", 304, "-"),
    ]
    .concat();
    let rule = |name: &str| ClassRule { name: name.to_owned(), ..ClassRule::default() };
    let mut options = tolerant();
    options.classes = vec![
        ClassRule { prefix: Some("/thumbs/".to_owned()), ..rule("thumbnail") },
        ClassRule { min_size: Some(ByteSize::from_bytes(1_000)), ..rule("original") },
        ClassRule { suffix: Some(".webp".to_owned()), ..rule("modern") },
    ];
    let import = read(log, &options).unwrap();
    let objects = import.trace.objects();
    let classes: Vec<&str> =
        objects.facts().iter().map(|fact| objects.classes()[fact.class.index()].as_str()).collect();
    assert_eq!(classes, ["thumbnail", "original", OTHER, "thumbnail"]);
    assert_eq!(objects.facts()[3].size, 10, "the median of its class");
    assert_eq!(import.provenance.idle_class_rules, ["modern"]);
}

#[test]
fn a_table_declares_its_columns_and_units() {
    let mut options =
        columns(&[("time", "when"), ("key", "path"), ("size", "bytes"), ("origin_time", "d_us")]);
    options.declared.time_unit = Some(TimeUnit::Ms);
    let table = "path,when,bytes,d_us\n\"/a,\"\"1\"\".png\",1000,5,250\n/b.png,1500,,-\n";
    let import = read(table, &options).unwrap();
    assert_eq!(keys(&import), ["/a,\"1\".png", "/b.png"]);
    assert_eq!(seconds(&import), [0.0, 0.5]);
    let times = import.trace.origin_times().unwrap();
    assert_eq!(times[0].as_nanos(), 250_000);
    assert_eq!(times[1], times[0], "unknown: the median of the others");
    assert_eq!(import.provenance.assumed_origin_times, 1);
}

#[test]
fn a_table_without_header_counts_its_columns() {
    let mut options = tolerant();
    options.format = Some(FORMATS.default_choice("tsv"));
    options.declared.columns.set("time", Column::Number(2));
    options.declared.columns.set("key", Column::Number(1));
    let import = read("a\"b\t1\nc\t2\n", &options).unwrap();
    assert_eq!(keys(&import), ["a\"b", "c"]);
}

#[test]
fn an_undeclared_unit_is_told_by_the_name_or_else_said_to_be_seconds() {
    let import = read("time_us,key\n1,a\n3,a\n", &tolerant()).unwrap();
    assert_eq!(import.trace.span().as_nanos(), 2_000);
    assert!(import.provenance.notes.iter().any(|note| note.contains("is read in us, as its name says")));
    let import = read("time,key\n1,a\n3,a\n", &tolerant()).unwrap();
    assert_eq!(import.trace.span().as_nanos(), 2_000_000_000);
    assert!(import.provenance.notes.iter().any(|note| note.contains("is read in seconds")));
}

#[test]
fn a_wrong_column_lists_what_exists_and_guesses() {
    let error = read("ts,path,bytes\n1,a,1\n", &columns(&[("time", "ts"), ("key", "pth")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "access.log:1: no column is called \"pth\" (declared as key; there are: ts, path, bytes)"
    );
    assert_eq!(error.help(), "did you mean \"path\"?");
    let error = read("when,what\n1,a\n", &tolerant()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "access.log:1: it is not said which column holds the time (there are: when, what)"
    );
}

#[test]
fn a_bad_field_is_named_with_line_field_and_column() {
    let mut options = columns(&[("time", "ts"), ("key", "path"), ("size", "bytes")]);
    options.strict = true;
    for (row, want) in [
        ("1,a,-5", "access.log:3:3: the size must not be negative, but is \"-5\" (column \"bytes\")"),
        (
            "1,a,-",
            "access.log:3:3: the size must be a whole number of bytes, but is \"-\" (column \"bytes\")",
        ),
        (
            "NaN,a,5",
            "access.log:3:1: the time must be a number of seconds within 292 years of 1970, but is \"NaN\" \
             (column \"ts\")",
        ),
        ("1,,5", "access.log:3:2: the key must not be empty, but is \"\" (column \"path\")"),
        ("1", "access.log:3: a row must have all declared columns, but is \"1\""),
    ] {
        let table = format!("ts,path,bytes\n0,a,1\n{row}\n2,a,1\n");
        assert_eq!(message(&table, &options), want);
        let counted = read(&table, &Options { strict: false, ..options.clone() }).unwrap();
        assert_eq!((counted.provenance.bad, counted.provenance.kept), (1, 2), "{row}");
    }
}

#[test]
fn an_open_quote_cannot_swallow_the_rest_unnoticed() {
    let mut table = "time,key\n1,\"a\n".to_owned();
    table.extend((0..50).map(|i| format!("{i},b\n")));
    let error = message(&table, &Options { max_bad: Fraction::try_from(0.5).unwrap(), ..tolerant() });
    assert!(error.contains("51 of 51 lines are bad") && error.contains("a quote may be open"), "{error}");
}

#[test]
fn an_unsorted_table_is_sorted() {
    let import = read("time,key\n3,c\n1,a\n2,b\n1,a2\n", &tolerant()).unwrap();
    assert_eq!(keys(&import), ["a", "a2", "b", "c"]);
    assert_eq!((import.provenance.backward_steps, import.provenance.max_lateness_ns), (2, 2_000_000_000));
}

#[test]
fn input_that_is_no_trace_is_called_what_it_is() {
    let options = Options::default();
    assert_eq!(message("", &options), "access.log is empty");
    assert_eq!(message("\n\n", &options), "access.log is empty");
    let noise: Vec<u8> = (0..9_999_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert_eq!(message(noise, &options), "access.log is not a text of requests: it looks like binary data");
    let unknown = read("these are three words\n", &options).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "access.log:1: the format cannot be told from the content, which begins \"these are three words\""
    );
    assert!(unknown.help().contains("clf, combined, nginx, json-lines, csv, tsv"));
    assert_eq!(
        message(get(0, "/index.html", "1"), &options),
        "access.log: none of its 1 lines is a request to replay (other extension: 1)"
    );
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.log");
    let error = open(&missing, &Options::default(), Seed::new(1)).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no file {}", missing.display()));
    assert!(error.help().contains("spelling"));
    let error = open(folder.path(), &Options::default(), Seed::new(1)).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is a directory, not a trace", folder.path().display()));
    let empty = folder.path().join("empty.log");
    File::create(&empty).unwrap();
    let error = open(&empty, &Options::default(), Seed::new(1)).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is empty", empty.display()));
}

#[test]
fn a_cut_stream_says_how_far_it_got() {
    let log: String = (0..30_000_u32)
        .map(|i| get(i % 3_600, &format!("/{}.gif", i.wrapping_mul(2_654_435_761)), "1"))
        .collect();
    let gzip = {
        let mut sink = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        sink.write_all(log.as_bytes()).unwrap();
        sink.finish().unwrap()
    };
    let xz = {
        let mut sink = liblzma::write::XzEncoder::new(Vec::new(), 1);
        sink.write_all(log.as_bytes()).unwrap();
        sink.finish().unwrap()
    };
    let zstd = zstd::encode_all(log.as_bytes(), 1).unwrap();
    let whole = read(&log, &Options::default()).unwrap();
    for (name, packed) in [("gzip", gzip), ("xz", xz), ("zstd", zstd)] {
        let same = read(&packed, &Options::default()).unwrap();
        assert_eq!((same.provenance.compression.as_str(), &same.trace), (name, &whole.trace));
        let error = read(&packed[..packed.len() * 3 / 4], &Options::default()).unwrap_err();
        let line = error.line().unwrap();
        assert!((1..30_000).contains(&line), "{error}");
        let want =
            format!("access.log:{line}: the {name} stream is cut off; line {line} is the last that is whole");
        assert_eq!(error.to_string(), want);
    }
}

#[test]
fn head_shows_rows_as_they_are_before_any_filter() {
    let log =
        [log_line(0, "HEAD /index.html HTTP/1.0", 404, "-"), "junk\n".to_owned(), get(1, "/a.gif", "7")];
    let head = head(log.concat().as_bytes(), "access.log", &Options::default(), 2).unwrap();
    assert_eq!((head.format.as_str(), head.rows.len()), ("clf", 2));
    assert_eq!(
        head.rows[0],
        ["1", "1995-08-01 10:00:00 -0400", "HEAD", "404", "", "/index.html", "", "", ""]
    );
    assert!(head.rows[1][5].contains("junk"));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        start in prop::sample::select(vec!["", "time,key,size\n", "a\tb\n"]),
        text in prop::collection::vec(any::<u8>(), 0..300),
        format in prop::sample::select(vec![
            "clf", "combined", "csv", "tsv", "json-lines", "oracle-general", "twitter", "wikimedia-upload",
            "redis-monitor", "valkey-trace", "webcachesim", "lirs", "tencent-photo", "meta-cdn",
        ]),
    ) {
        let options = Options { format: Some(FORMATS.default_choice(format)), ..tolerant() };
        let _ = read([start.as_bytes(), &text].concat(), &options);
        let _ = read(&text, &Options::default());
    }

    #[test]
    fn no_change_of_a_line_makes_a_reader_panic(at in 0_usize..80, byte: u8, cut in 0_usize..90) {
        let mut line = get(0, "/a%20b.gif?x=1#y", "17").into_bytes();
        let at = at % line.len();
        line[at] = byte;
        line.truncate(cut);
        let text = [get(0, "/a.gif", "1").into_bytes(), line].concat();
        let import = read(&text, &tolerant());
        if let Ok(import) = import {
            prop_assert!(import.provenance.kept >= 1);
        }
    }
}

#[test]
fn a_table_of_plain_rows_with_others_among_them_is_what_it_is_row_by_row() {
    let table = |is_quoted: &dyn Fn(u32) -> bool| {
        let mut text = String::from("time_ms,key,size\n");
        for row in 0..90_000_u32 {
            let (key, size) = (row.wrapping_mul(2_654_435_761) % 5_000, 1 + row % 7);
            let time = if row == 50_000 { "soon".to_owned() } else { row.to_string() };
            let quote = if is_quoted(row) { "\"" } else { "" };
            writeln!(text, "{time},{quote}{key}{quote},{size}").expect("a text takes any line");
        }
        text
    };
    let options = Options { format: Some(FORMATS.default_choice("csv")), ..tolerant() };
    let want = read(table(&|_| true), &options).unwrap();
    let sparse = table(&|row| row % 20_000 == 7 || (60_000..60_100).contains(&row));
    for text in [table(&|_| false), sparse, table(&|row| row % 30 == 0)] {
        let got = read(text, &options).unwrap();
        assert_eq!(got.trace, want.trace);
        assert_eq!(keys(&got), keys(&want));
        let alike =
            |import: &Import| Provenance { bytes: 0, sha256: String::new(), ..import.provenance.clone() };
        assert_eq!(alike(&got), alike(&want));
        let skipped: Vec<u64> = got.provenance.skipped.values().map(|skipped| skipped.first_line).collect();
        assert_eq!(skipped, [50_002]);
    }
}
