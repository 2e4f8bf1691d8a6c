//! What is written is read again: every format, packed in every way.

use proptest::prelude::*;

use super::*;
use crate::random::Seed;
use crate::trace::TraceError;
use crate::trace::format::{FORMATS, Op};
use crate::trace::import::{Import, Input, Options, open, stream};
use crate::trace::shape::spread::Spread;
use crate::units::SimDuration;

/// Records with times that do not run backwards, the first of them a request.
fn items() -> impl Strategy<Value = Vec<Item>> {
    // As keys are kept: a backslash before an x is escaped, and so is what is not UTF-8.
    let backslashes = "/[ äß\\\\x]{1,4}".prop_map(|key| key.replace("\\x", "\\x5Cx"));
    let no_text = Just("/\\xE9\\xE8.gif".to_owned());
    let key = prop_oneof!["[a-z/?=&\"',;]{1,8}", backslashes, no_text, Just("#\n\r\t|".to_owned())];
    let item = (
        0_i64..3_000_000,
        prop::sample::select(vec![Op::Get, Op::Get, Op::Set, Op::Delete]),
        key,
        prop::option::of(1_u32..u32::MAX),
        prop::option::of("[a-z ,\"]{1,4}".prop_map(|class| class.trim().to_owned())),
        prop::option::of(prop_oneof![
            Just(SimDuration::FOREVER),
            (1_u64..10_000).prop_map(SimDuration::from_millis)
        ]),
        prop::option::of((0_u64..9_000_000).prop_map(SimDuration::from_micros)),
    );
    prop::collection::vec(item, 1..40).prop_map(|rows| {
        let mut time_ns = 1_700_000_000_000_000_000;
        let row = |(step, op, key, size, class, ttl, origin_time)| {
            time_ns += step * 1_000;
            let class: Option<String> = class;
            let class = class.filter(|class| !class.is_empty());
            Item { time_ns, op, key, size, class, ttl, origin_time, whole_second: false }
        };
        let mut items: Vec<Item> = rows.into_iter().map(row).collect();
        items[0].op = Op::Get;
        items
    })
}

fn write(path: &Path, items: &[Item]) -> Written {
    let (packing, format) = by_name(path);
    let mut writer = Writer::create(path, format.unwrap(), packing, true).unwrap();
    items.iter().for_each(|item| writer.write(item).unwrap());
    writer.finish().unwrap()
}

fn read(path: &Path, options: &Options) -> Vec<Item> {
    let mut items = Vec::new();
    let inputs = [Input::File(path.to_owned())];
    stream(&inputs, options, Seed::new(1), |item| {
        items.push(Item { whole_second: false, ..item.clone() });
        Ok::<(), TraceError>(())
    })
    .unwrap_or_else(|error| panic!("{error}"));
    items
}

fn import(path: &Path, options: &Options) -> Import {
    open(path, options, Seed::new(1)).unwrap_or_else(|error| panic!("{error}"))
}

fn plain() -> Options {
    Options { spread: Spread::None, ..Options::default() }
}

#[test]
fn what_was_never_there_is_as_small_in_what_is_written() {
    let line = |second: u32, path: &str, status: u32, bytes: u32| {
        format!("h - - [01/Aug/1995:00:00:{second:02} -0400] \"GET {path} HTTP/1.0\" {status} {bytes}\n")
    };
    // /b is gone for a while, and /a was never there.
    let log = [
        line(0, "/a.gif", 404, 300),
        line(1, "/b.gif", 404, 300),
        line(2, "/b.gif", 200, 5_000),
        line(3, "/c.gif", 200, 9_000),
        line(4, "/b.gif", 410, 300),
        line(5, "/a.gif", 404, 300),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("access.log"), log.concat()).unwrap();
    let options = Options { negative: true, ..plain() };
    let items = read(&path("access.log"), &options);
    let sizes: Vec<Option<u32>> = items.iter().map(|item| item.size).collect();
    assert_eq!(sizes, [Some(1), None, Some(5_000), Some(9_000), None, Some(1)]);
    write(&path("out.csv"), &items);
    let objects = |import: &Import| {
        let objects = import.trace.objects();
        let fact = |fact: &crate::trace::Fact| (fact.size, objects.classes()[fact.class.index()].clone());
        objects.facts().iter().map(fact).collect::<Vec<_>>()
    };
    let (log, table) = (import(&path("access.log"), &options), import(&path("out.csv"), &plain()));
    assert_eq!(objects(&table), objects(&log));
    assert_eq!(objects(&table)[0], (1, "absent".to_owned()));
    assert_eq!(table.provenance.objects_with_several_sizes, 0);
}

fn spelt(text: &str, breaks: &[char]) -> String {
    let letter = |letter: char| {
        if breaks.contains(&letter) { format!("%{:02X}", u32::from(letter)) } else { letter.to_string() }
    };
    text.chars().map(letter).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_table_is_read_as_it_was_written(items in items(), end in prop::sample::select(vec!["", ".gz", ".zst", ".xz"])) {
        let folder = tempfile::tempdir().unwrap();
        for (name, breaks) in [("csv", &['\n', '\r'][..]), ("tsv", &['\n', '\r', '\t'][..])] {
            let path = folder.path().join(format!("trace.{name}{end}"));
            prop_assert_eq!(write(&path, &items).records, items.len() as u64);
            let want: Vec<Item> = items.iter().cloned()
                .map(|item| Item { key: spelt(&item.key, breaks), ..item }).collect();
            prop_assert_eq!(&read(&path, &plain()), &want, "{}", name);
            // Without a declaration, the format is told by the content.
            prop_assert_eq!(import(&path, &plain()).provenance.format, name);
        }
    }

    #[test]
    fn binary_records_keep_order_keys_sizes_and_whole_seconds(items in items()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.oracleGeneral.zst");
        let numbered: Vec<Item> = items.iter().enumerate()
            .map(|(nth, item)| Item { key: (nth % 5).to_string(), ..item.clone() }).collect();
        write(&path, &numbered);
        let gets: Vec<&Item> = numbered.iter().filter(|item| item.op == Op::Get).collect();
        let options = Options { format: Some(FORMATS.default_choice("oracle-general")), ..plain() };
        let back = read(&path, &options);
        let first = gets[0].time_ns.div_euclid(1_000_000_000);
        let want: Vec<(i64, &str, Option<u32>)> = gets.iter()
            .map(|item| (item.time_ns.div_euclid(1_000_000_000) - first, item.key.as_str(), item.size)).collect();
        let got: Vec<(i64, &str, Option<u32>)> = back.iter()
            .map(|item| (item.time_ns / 1_000_000_000, item.key.as_str(), item.size)).collect();
        prop_assert_eq!(got, want);
        let next_of = |place: usize| {
            let later = gets.iter().enumerate().skip(place + 1).find(|(_, item)| item.key == gets[place].key);
            later.map_or(-1, |(next, _)| i64::try_from(next).unwrap())
        };
        let bytes = zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap();
        for (place, record) in bytes.chunks(24).enumerate() {
            prop_assert_eq!(i64::from_le_bytes(record[16..].try_into().unwrap()), next_of(place));
        }
    }
}

#[test]
fn what_is_not_finished_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for name in ["a.csv.gz", "a.oracleGeneral"] {
        let (packing, format) = by_name(Path::new(name));
        let writer = Writer::create(&folder.path().join(name), format.unwrap(), packing, false).unwrap();
        assert!(!names().contains(&name.to_owned()));
        drop(writer);
        assert_eq!(names(), Vec::<String>::new());
        let writer = Writer::create(&folder.path().join(name), format.unwrap(), packing, false).unwrap();
        writer.finish().unwrap();
        assert_eq!(names(), [name]);
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let refused = Writer::create(folder.path(), Format::Csv, Packing::Plain, false).err().unwrap();
    assert!(refused.to_string().ends_with("cannot be written: it is a directory"));
}

#[test]
fn the_canonical_table_has_six_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let mut writer = Writer::create(&path, Format::Csv, Packing::Plain, false).unwrap();
    let item = Item {
        time_ns: 1_500_000,
        op: Op::Set,
        key: "/a,b".to_owned(),
        size: Some(7),
        class: None,
        ttl: Some(SimDuration::FOREVER),
        origin_time: None,
        whole_second: false,
    };
    writer.write(&item).unwrap();
    writer.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "time_us,op,key,size,class,ttl_ms\n1500,set,\"/a,b\",7,,never\n");
}

#[test]
fn lines_are_put_into_order_within_five_minutes_and_refused_beyond() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let seconds = |seconds: &[u32]| {
        let rows = seconds.iter().map(|second| format!("{second},/a\n")).collect::<Vec<_>>().concat();
        std::fs::write(&path, format!("time_s,key\n{rows}")).unwrap();
    };
    seconds(&[0, 400, 101, 700, 401]);
    let times: Vec<i64> = read(&path, &plain()).iter().map(|item| item.time_ns / 1_000_000_000).collect();
    assert_eq!(times, [0, 101, 400, 401, 700]);
    seconds(&[0, 400, 800, 1_200, 99]);
    let late = stream(&[Input::File(path.clone())], &plain(), Seed::new(1), |_| Ok::<(), TraceError>(()))
        .unwrap_err();
    assert!(
        late.to_string()
            .ends_with("a.csv:6: the line is 1101 s earlier than one before it, too much for a stream"),
        "{late}"
    );
}
