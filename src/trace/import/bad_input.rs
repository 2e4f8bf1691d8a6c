//! Tests: what is said of input that is broken, hostile or not what it seems.

use std::io::Write;

use super::*;
use crate::trace::format::FORMATS;

fn line(clock: &str, path: &str, size: &str) -> String {
    format!("h - - [{clock}] \"GET {path} HTTP/1.0\" 200 {size}\n")
}

fn at(hour: u32, minute: u32) -> String {
    line(&format!("01/Aug/1995:{hour:02}:{minute:02}:00 -0400"), "/a.gif", "5")
}

fn read(text: impl AsRef<[u8]>) -> Result<Import, TraceError> {
    import(text.as_ref(), "access.log", &Options::default(), Seed::new(1))
}

fn read_as(format: &'static str, text: impl AsRef<[u8]>) -> Result<Import, TraceError> {
    let options = Options { format: Some(FORMATS.default_choice(format)), ..Options::default() };
    import(text.as_ref(), "trace", &options, Seed::new(1))
}

/// A file whose first lines are sound, so that one bad line is tolerated and can be looked at.
fn with_one_bad(bad: impl AsRef<[u8]>) -> Import {
    let mut text = at(1, 0).repeat(200).into_bytes();
    text.extend_from_slice(bad.as_ref());
    text.push(b'\n');
    text.extend_from_slice(at(1, 1).as_bytes());
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn time_that_runs_backwards_by_hours_is_sorted_and_told() {
    let text = [at(9, 0), at(10, 0), at(4, 30), at(11, 0)].concat();
    let provenance = read(text).unwrap().provenance;
    assert_eq!((provenance.backward_steps, provenance.max_lateness_ns), (1, 19_800_000_000_000));
    assert!(
        provenance
            .notes
            .iter()
            .any(|note| note.starts_with("line 3 of access.log is 5.5 hours earlier than one before it")),
        "{:?}",
        provenance.notes
    );
}

#[test]
fn a_clock_that_jumps_ahead_is_told() {
    let text = at(9, 0) + &line("01/Aug/1996:09:00:00 -0400", "/a.gif", "5");
    let notes = read(text).unwrap().provenance.notes;
    let told = "line 2 of access.log is 366 days later than the one before it";
    assert!(notes.iter().any(|note| note.starts_with(told)), "{notes:?}");
}

#[test]
fn a_change_of_the_zone_is_no_step_back() {
    // The clock goes back by an hour, and time does not.
    let text = line("29/Oct/1995:01:59:00 -0400", "/a.gif", "5")
        + &line("29/Oct/1995:01:01:00 -0500", "/a.gif", "5");
    let import = read(text).unwrap();
    assert_eq!(import.provenance.backward_steps, 0);
    assert_eq!(import.provenance.offsets.len(), 2);
    assert!((import.trace.span().as_secs_f64() - 120.0).abs() < 1.0);
}

#[test]
fn two_formats_in_one_file_are_told_with_the_line_of_the_change() {
    let text = at(9, 0).repeat(50) + "time,key,size\n" + &"1,/a.gif,5\n".repeat(20);
    let refused = read(text).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "access.log: 21 of 71 lines are bad (29.58 %, tolerated are 1.00 %); mostly: a line must hold a time \
         stamp in brackets and then a request in quotes (first in line 51: \"time,key,size\")"
    );
    assert!(refused.help().starts_with("no line from 51 on could be read"), "{}", refused.help());
}

#[test]
fn a_line_of_ten_megabytes_is_one_bad_line() {
    let import = with_one_bad(vec![b'x'; 10 << 20]);
    let skipped = &import.provenance.skipped["a line must be shorter than a MiB"];
    assert_eq!((skipped.count, skipped.first_line), (1, 201));
    assert!(skipped.example.len() < 100);
    assert_eq!(import.provenance.kept, 201);
}

#[test]
fn a_row_of_ten_megabytes_is_one_bad_row_of_a_table() {
    let rows = |row: &str, count: usize| format!("{row}\n").repeat(count);
    let (csv, tsv) = ("1,/a,5", "1\t/a\t5");
    let meta = "1,k,1,5,5,300,-1,-1,60,1,1,0,h,c,v";
    let valkey = "1000000,1,0,GET,a,read";
    for (format, header, row, delimiter) in [
        ("csv", "time,key,size\n", csv, ','),
        ("tsv", "time\tkey\tsize\n", tsv, '\t'),
        ("meta-cdn", "", meta, ','),
        ("valkey-trace", "", valkey, ','),
    ] {
        let long = "x".repeat(10 << 20);
        for bad in [long.clone(), format!("2{delimiter}{long}{delimiter}5"), format!("2{delimiter}\"{long}")]
        {
            let text = format!("{header}{}{bad}\n{}", rows(row, 200), rows(row, 1));
            let provenance = read_as(format, text).unwrap_or_else(|error| panic!("{error}")).provenance;
            let skipped = &provenance.skipped["a row must be shorter than a MiB"];
            let line = if header.is_empty() { 201 } else { 202 };
            assert_eq!((skipped.count, skipped.first_line, provenance.bad), (1, line, 1), "{format}");
            assert!(skipped.example.len() < 100);
            assert_eq!(provenance.kept, 201, "{format}");
        }
    }
    // A quote that is never closed takes up a MiB of rows and not all that follow.
    let text = format!("time,key,size\n1,\"/a,5\n{}", rows(csv, 400_000));
    let options = Options { max_bad: Fraction::ONE, ..Options::default() };
    let provenance = import(text.as_bytes(), "trace", &options, Seed::new(1)).unwrap().provenance;
    assert_eq!((provenance.lines, provenance.kept + provenance.bad), (400_001, 400_001));
    assert!((149_000..151_000).contains(&provenance.bad), "{}", provenance.bad);
    let nameless = read_as("csv", "x".repeat(3 << 20)).unwrap_err();
    let told = "the first row of trace, which should name its columns, is longer than a MiB";
    assert_eq!(nameless.to_string(), told);
    assert!(!nameless.help().is_empty());
}

#[test]
fn nul_bytes_and_broken_utf8_are_escaped_and_never_merged() {
    let nul = with_one_bad(line("01/Aug/1995:01:00:30 -0400", "/a\0b.gif", "5").trim_end());
    assert_eq!(nul.provenance.bad, 0);
    let mut text = Vec::new();
    for byte in [0xe9_u8, 0xe8] {
        text.extend_from_slice(b"h - - [01/Aug/1995:01:00:30 -0400] \"GET /");
        text.push(byte);
        text.extend_from_slice(b".gif HTTP/1.0\" 200 5\n");
    }
    let import = read(text).unwrap();
    let keys: Vec<String> =
        import.trace.object_ids().iter().map(|o| import.trace.objects().key(*o)).collect();
    assert_eq!(keys, ["/\\xE9.gif", "/\\xE8.gif"]);
    let binary = read(vec![0_u8; 5_000]).unwrap_err();
    assert_eq!(binary.to_string(), "access.log is not a text of requests: it looks like binary data");
}

#[test]
fn negative_absurd_and_overflowing_sizes_are_bad_lines() {
    for (size, reason) in [
        ("-5", "the size must be a number of bytes or a dash"),
        ("5000000000", "the size must be below 4 GiB"),
        ("99999999999999999999999", "the size must be a number of bytes or a dash"),
        ("1e3", "the size must be a number of bytes or a dash"),
    ] {
        let bad = line("01/Aug/1995:01:00:30 -0400", "/a.gif", size);
        let import = with_one_bad(bad.trim_end());
        assert_eq!(import.provenance.skipped[reason].count, 1, "{size}");
    }
}

#[test]
fn a_size_of_four_gibibytes_harms_only_what_is_kept_for_its_size() {
    let clock = "01/Aug/1995:01:00:30 -0400";
    let part = line(clock, "/a.gif", "5000000000").replace("\" 200", "\" 206");
    let text = at(1, 0) + &line(clock, "/backup.tar", "5000000000") + &part;
    let provenance = read(text).unwrap().provenance;
    assert_eq!((provenance.bad, provenance.kept), (0, 2));
    assert_eq!(provenance.skipped["other extension"].count, 1);
}

#[test]
fn ids_that_overflow_are_named() {
    let refused = read_as("webcachesim", "1 99999999999999999999999 5\n").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "trace: 1 of 1 lines are bad (100.00 %, tolerated are 1.00 %); mostly: the id must be a whole number below 2^64 \
         (first in line 1: \"99999999999999999999999\")"
    );
}

#[test]
fn a_part_of_a_binary_record_is_named() {
    let mut records = Vec::new();
    for second in 0..3 {
        crate::trace::format::write_record(&mut records, second, 7, 100, None).unwrap();
    }
    let whole = import(records.as_slice(), "t", &Options::default(), Seed::new(1)).unwrap();
    assert_eq!((whole.provenance.format.as_str(), whole.trace.len()), ("oracle-general", 3));
    records.truncate(60);
    let refused = import(records.as_slice(), "t", &Options::default(), Seed::new(1)).unwrap_err();
    assert_eq!(refused.to_string(), "t: after record 2, the last that is whole, a part of one is left");
}

#[test]
fn a_bomb_is_refused_where_it_unpacks_to_too_much() {
    // 200 MiB of one repeated line, which each packs into some kilobytes or, gz at its best, some hundreds.
    let block = at(9, 0).repeat(10_000);
    let blocks = (200 << 20) / block.len();
    let fill = |to: &mut dyn Write| (0..blocks).for_each(|_| to.write_all(block.as_bytes()).unwrap());
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    fill(&mut zstd);
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    fill(&mut xz);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    fill(&mut gz);
    let packed = [
        ("zstd", zstd.finish().unwrap(), Options::default().max_expansion),
        ("xz", xz.finish().unwrap(), Options::default().max_expansion),
        // Deflate packs nothing to less than a thousandth.
        ("gz", gz.finish().unwrap(), 100),
    ];
    for (name, packed, limit) in packed {
        let read = |max_expansion| {
            let options = Options { max_expansion, ..Options::default() };
            import(packed.as_slice(), "access.log", &options, Seed::new(1))
        };
        let refused = read(limit).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.contains(&format!("stream unpacks to more than {limit} times its own size")),
            "{name}: {text}"
        );
        assert!(refused.help().contains("max_expansion"));
        assert!(read(1_000_000).is_ok(), "{name}");
    }
}

#[test]
fn formats_without_a_guess_name_all_that_exist() {
    let refused = read("one two three\nfour five six\n").unwrap_err();
    let help = refused.help();
    assert!(FORMATS.listing().entries.iter().all(|entry| help.contains(entry.name)), "{help}");
}
