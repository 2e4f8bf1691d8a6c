//! Whole seconds are spread, what carries a fraction stays, and how long a request took is taken off afterwards.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::trace::format::FORMATS;

const SECOND_NS: u64 = 1_000_000_000;

fn table() -> Options {
    Options { format: Some(FORMATS.default_choice("csv")), ..Options::default() }
}

/// Lines that tell the second of their end and how long they took.
fn nginx(log_format: &str) -> Options {
    let params = toml::Table::from_iter([("log_format".to_owned(), log_format.into())]);
    Options {
        format: Some(FORMATS.choice("nginx", params).expect("it is sound")),
        status: Vec::new(),
        extensions: Some(Vec::new()),
        ..Options::default()
    }
}

fn read(text: &str, options: &Options) -> Import {
    import(text.as_bytes(), "t", options, Seed::new(1)).unwrap_or_else(|error| panic!("{error}"))
}

/// Absolute times in nanoseconds.
fn times(import: &Import) -> Vec<u64> {
    let first = import.provenance.first_unix_ns.unsigned_abs();
    let mut times = Vec::new();
    import.trace.each(|at, _| times.push(first + at.as_nanos()));
    times
}

#[test]
fn seconds_in_which_requests_ended_are_no_milliseconds() {
    // 97 of 100 took no time that a clock of milliseconds can tell, and 200 ms the others.
    let mut log = String::new();
    for line in 0..20_000_u32 {
        let took = if line % 100 < 3 { "0.200" } else { "0.000" };
        let _ = writeln!(
            log,
            "[01/Aug/1995:10:{:02}:{:02} -0400] {took} /{}",
            line / 3_000,
            line / 50 % 60,
            line % 7
        );
    }
    for (format, text) in [
        ("[$time_local] $request_time $uri", log.clone()),
        (
            "$time_iso8601 $request_time $uri",
            log.replace("[01/Aug/1995:", "1995-08-01T").replace(" -0400]", "-04:00"),
        ),
    ] {
        let import = read(&text, &nginx(format));
        let provenance = &import.provenance;
        assert_eq!(
            (provenance.resolution_ns, provenance.spread.as_str()),
            (SECOND_NS, "uniform"),
            "{format}"
        );
        let times = times(&import);
        assert!(times.is_sorted());
        let mut distinct = times.clone();
        distinct.dedup();
        assert!(distinct.len() > 19_900, "{} different times", distinct.len());
    }
    let exact =
        read("1700000000.250 0.200 /a\n1700000001.250 0.100 /a\n", &nginx("$msec $request_time $uri"));
    assert_eq!((exact.provenance.resolution_ns, exact.provenance.spread.as_str()), (1_000_000, "none"));
    assert_eq!(times(&exact), [1_700_000_000_050_000_000, 1_700_000_001_150_000_000]);
}

#[test]
fn what_a_request_took_is_taken_off_the_place_in_its_second() {
    let options = Options { spread: Spread::Even, ..nginx("[$time_local] $request_time $uri") };
    let line = |second, took, key| format!("[01/Aug/1995:00:00:{second:02} +0000] {took} /{key}\n");
    let import =
        read(&[line(5, "0.000", "a"), line(5, "3.000", "b"), line(9, "0.500", "c")].concat(), &options);
    // Even places are 5.25, 5.75 and 9.5 s.
    let first = 807_235_200 * SECOND_NS;
    assert_eq!(times(&import), [2_750, 5_250, 9_000].map(|ms| first + ms * 1_000_000));
    let keys = import.trace.requests().map(|request| import.trace.objects().key(request.object));
    assert_eq!(keys.collect::<Vec<_>>(), ["/b", "/a", "/c"]);
    let unspread = read(&line(5, "0.250", "a"), &Options { spread: Spread::None, ..options });
    assert_eq!(times(&unspread), [first + 4_750 * 1_000_000]);
}

#[test]
fn one_time_with_a_fraction_leaves_the_others_to_be_spread() {
    let mut whole = "time_s,key\n".to_owned();
    for row in 0..30_000 {
        let _ = writeln!(whole, "{},k{}", row / 50, row % 9);
    }
    let text = format!("{whole}599.5,late\n");
    let import = read(&text, &table());
    assert_eq!((import.provenance.resolution_ns, import.provenance.spread.as_str()), (SECOND_NS, "uniform"));
    let note = "but for 1 with a fraction, first in line 30002";
    assert!(import.provenance.notes.iter().any(|said| said.contains(note)), "{:?}", import.provenance.notes);
    let found = times(&import);
    assert!(found.is_sorted() && found.contains(&599_500_000_000));
    assert!(found.iter().filter(|time| **time % SECOND_NS == 0).count() < 5);
    // The same in two files, and no other request has moved.
    let folder = tempfile::tempdir().unwrap();
    let files = [("w1.csv", whole.as_str()), ("w2.csv", "time_s,key\n599.5,late\n")];
    let inputs = files.map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Input::File(path)
    });
    let two = open_all(&inputs, &table(), Seed::new(1)).unwrap();
    assert_eq!((two.provenance.spread.as_str(), times(&two)), ("uniform", found));
}

#[test]
fn times_with_fractions_stay_even_where_some_are_whole() {
    let mut text = "time_s,key\n".to_owned();
    for row in 0..400 {
        let _ = writeln!(text, "{}.{},k", row / 2, row % 2 * 5);
    }
    let import = read(&text, &table());
    assert_eq!((import.provenance.resolution_ns, import.provenance.spread.as_str()), (1_000_000, "none"));
    assert!(times(&import).iter().enumerate().all(|(row, time)| *time == row as u64 * SECOND_NS / 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_goes_to_disk_begins_when_it_would_in_memory(
        lines in prop::collection::vec((0_u32..60, 0_u32..9_000, 0_u32..9), 1..150),
        part in 1_usize..60,
        how in prop::sample::select(vec![Spread::None, Spread::Even, Spread::Uniform]),
    ) {
        let line = |(second, took, key): &(u32, u32, u32)| {
            format!("[01/Aug/1995:10:00:{second:02} +0000] {}.{:03} /{key}\n", took / 1_000, took % 1_000)
        };
        let text: String = lines.iter().map(line).collect();
        let memory = Options { spread: how, ..nginx("[$time_local] $request_time $uri") };
        let spill = Some(Spill { folder: std::env::temp_dir(), rows: part });
        let disk = Options { spill, ..memory.clone() };
        let (memory, disk) = (read(&text, &memory), read(&text, &disk));
        prop_assert_eq!(disk.trace.is_spooled(), lines.len() >= part);
        prop_assert_eq!(&memory.trace, &disk.trace);
        prop_assert_eq!(memory.provenance, disk.provenance);
    }
}
