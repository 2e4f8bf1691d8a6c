//! Tests: what recordings of caches promise, and several inputs at once.

use super::*;
use crate::trace::Happening::{self, Changed, Deleted};
use crate::trace::ObjectId;
use crate::trace::format::FORMATS;
use crate::units::{SimDuration, SimTime};

fn options(format: &'static str) -> Options {
    Options { format: Some(FORMATS.default_choice(format)), spread: Spread::None, ..Options::default() }
}

fn read(text: impl AsRef<[u8]>, options: &Options) -> Import {
    import(text.as_ref(), "trace", options, Seed::new(1)).unwrap_or_else(|error| panic!("{error}"))
}

fn requests(import: &Import) -> Vec<(f64, String)> {
    let key = |object| import.trace.objects().key(object);
    import.trace.requests().map(|request| (request.at.as_secs_f64(), key(request.object))).collect()
}

const TWITTER: &str = "0,unasked,1,9,7,set,60\n\
                       1,a,1,0,7,get,0\n\
                       2,a,1,500,7,set,60\n\
                       3,b,1,70,7,gets,0\n\
                       4,a,1,0,7,get,0\n\
                       5,a,1,400,7,replace,0\n\
                       6,a,1,0,7,get,0\n\
                       7,b,1,0,7,delete,0\n\
                       8,b,1,70,7,get,0\n";

#[test]
fn writes_are_fills_whose_ttls_hold_until_the_next_write() {
    let import = read(TWITTER, &options("twitter"));
    let want =
        [(0.0, "a"), (2.0, "b"), (3.0, "a"), (5.0, "a"), (7.0, "b")].map(|(at, key)| (at, key.to_owned()));
    assert_eq!(requests(&import), want);
    // The key that was only written is no object of the trace.
    assert_eq!(import.trace.objects().len(), 2);
    assert_eq!(import.trace.objects().size(ObjectId::new(0)), 500);
    let ttls = import.trace.ttls().unwrap();
    let at =
        |object, second: u64| ttls.at(ObjectId::new(object), SimTime::ZERO + SimDuration::from_secs(second));
    let (minute, forever) = (Some(SimDuration::from_secs(60)), Some(SimDuration::FOREVER));
    // Before the first write of a key, its TTL holds.
    assert_eq!(
        [at(0, 0), at(0, 1), at(0, 3), at(0, 4), at(0, 9)],
        [minute, minute, minute, forever, forever]
    );
    assert_eq!(at(1, 5), None);
    assert_eq!((import.provenance.ignored_writes, import.provenance.objects_with_ttl), (3, 1));
    let events = import.trace.events();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].what, events[0].object, events[0].before), (Deleted, ObjectId::new(1), 4));
}

#[test]
fn writes_are_changes_and_deletions_where_the_settings_say_so() {
    let whats = |set, delete| {
        let import = read(TWITTER, &Options { set, delete, ..options("twitter") });
        import.trace.events().iter().map(|event| (event.what, event.before)).collect::<Vec<_>>()
    };
    let ignore = Some(DeleteRule::Ignore);
    assert_eq!(whats(Some(SetRule::Change), ignore), [(Changed, 1), (Changed, 3)]);
    let invalidate = whats(Some(SetRule::Invalidate), None);
    assert_eq!(invalidate, [(Changed, 1), (Deleted, 1), (Changed, 3), (Deleted, 3), (Deleted, 4)]);
    assert_eq!(whats(Some(SetRule::Ignore), ignore), []);
}

#[test]
fn writes_in_a_log_are_left_out_unless_they_are_asked_for() {
    let line = |second: u32, method: &str, status: u32| {
        format!("h - - [01/Aug/1995:00:00:{second:02} -0400] \"{method} /a.gif HTTP/1.0\" {status} 9\n")
    };
    let log =
        [line(0, "GET", 200), line(1, "PUT", 204), line(2, "DELETE", 403), line(3, "PURGE", 200)].concat();
    let plain = read(&log, &options("clf"));
    assert_eq!((plain.trace.len(), plain.trace.events().len()), (1, 0));
    assert_eq!(plain.provenance.skipped["method PUT"].count, 1);
    let asked =
        Options { set: Some(SetRule::Change), delete: Some(DeleteRule::Invalidate), ..options("clf") };
    let asked = read(&log, &asked);
    let events: Vec<Happening> = asked.trace.events().iter().map(|event| event.what).collect();
    assert_eq!(events, [Changed, Deleted], "a refused DELETE deletes nothing");
    assert_eq!(asked.provenance.skipped["method DELETE"].count, 1);
}

#[test]
fn a_monitor_measures_the_origin_and_tells_ttls() {
    let text = br#"OK
100.000000 [0 10.0.0.1:5] "GET" "a"
100.250000 [0 10.0.0.1:5] "SETEX" "a" "60" "12345"
101.000000 [0 10.0.0.1:5] "GET" "a"
102.000000 [0 10.0.0.1:5] "DEL" "a"
"#;
    let import = read(text, &Options { format: None, ..options("clf") });
    assert_eq!((import.provenance.format.as_str(), import.trace.len()), ("redis-monitor", 2));
    let quarter = SimDuration::from_millis(250);
    // The second request was a hit and measured nothing; the median stands in.
    assert_eq!(import.trace.origin_times(), Some(&[quarter, quarter][..]));
    assert_eq!(import.provenance.assumed_origin_times, 1);
    assert_eq!(
        import.trace.ttls().unwrap().at(ObjectId::new(0), SimTime::ZERO),
        Some(SimDuration::from_secs(60))
    );
    assert_eq!(import.trace.objects().size(ObjectId::new(0)), 5);
    assert_eq!(import.trace.events()[0].at, SimTime::from_nanos(2_000_000_000));
}

#[test]
fn a_key_that_is_made_to_expire_at_once_is_deleted() {
    let text = br#"100.0 [0 10.0.0.1:5] "SETEX" "a" "60" "12345"
101.0 [0 10.0.0.1:5] "GET" "a"
102.0 [0 10.0.0.1:5] "EXPIRE" "a" "0"
103.0 [0 10.0.0.1:5] "EXPIREAT" "a" "90"
104.0 [0 10.0.0.1:5] "EXPIRE" "a" "30"
105.0 [0 10.0.0.1:5] "GET" "a"
"#;
    let import = read(text, &options("redis-monitor"));
    let events: Vec<_> = import.trace.events().iter().map(|event| (event.what, event.before)).collect();
    assert_eq!(events, [(Deleted, 1), (Deleted, 1)]);
    assert_eq!((import.provenance.recorded_deletions, import.trace.len()), (2, 2));
}

#[test]
fn metas_columns_are_found_by_their_header_or_by_their_place() {
    const HEADER: &str = "timestamp,cacheKey,OpType,objectSize,responseSize,responseHeaderSize,rangeStart,rangeEnd,TTL,\
                          SamplingRate,cache_hit,item_value,RequestHandler,cdn_content_type_id,vip_type\n";
    // The second line asks for 100 bytes of the object, whose size it is all the same.
    const ROWS: &str = "10,k1,1,5000,5000,300,-1,-1,3600,0.01,1,0,h,c,v\n\
                        12,k1,1,5000,100,300,0,99,3600,0.01,0,0,h,c,v\n";
    let minute = |import: &Import| import.trace.ttls().unwrap().at(ObjectId::new(0), SimTime::ZERO);
    for text in [ROWS.to_owned(), HEADER.to_owned() + ROWS] {
        let import = read(&text, &options("meta-cdn"));
        assert_eq!(requests(&import), [(0.0, "k1".to_owned()), (2.0, "k1".to_owned())]);
        assert_eq!(import.trace.objects().size(ObjectId::new(0)), 5_000, "not what a range answers");
        assert_eq!(minute(&import), Some(SimDuration::from_secs(3_600)));
    }
    // With a header the columns may stand in any order.
    let import = read("timestamp,TTL,objectSize,cacheKey\n1,60,7,a\n", &options("meta-cdn"));
    assert_eq!(import.trace.objects().size(ObjectId::new(0)), 7);
    assert_eq!(minute(&import), Some(SimDuration::from_secs(60)));
}

#[test]
fn valkeys_commands_are_requests_writes_and_deletions() {
    const ROWS: &str =
        "1000000,1,0,GET,a,read\n1500000,2,0,SET,a,write\n2000000,3,0,get,b,read\n2500000,4,0,DEL,a,write\n";
    for text in [ROWS.to_owned(), "ts_us,seq,db,cmd,key,access\n".to_owned() + ROWS] {
        let import = read(&text, &options("valkey-trace"));
        assert_eq!(requests(&import), [(0.0, "a".to_owned()), (1.0, "b".to_owned())], "{text}");
        assert_eq!(import.provenance.ignored_writes, 1);
        let events: Vec<Happening> = import.trace.events().iter().map(|event| event.what).collect();
        assert_eq!(events, [Deleted]);
    }
    // With a header the columns may stand in any order, and a key is one in each database.
    let text = "db,key,access,ts_us,cmd\n0,a,read,1000000,GET\n3,a,read,2000000,GET\n0,a,read,3000000,GET\n";
    for options in [options("valkey-trace"), Options { format: None, ..options("valkey-trace") }] {
        let keys: Vec<String> = requests(&read(text, &options)).into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys, ["a", "3:a", "a"]);
    }
    let by_place = read("1000000,1,3,GET,a,read\n", &options("valkey-trace"));
    assert_eq!(requests(&by_place), [(0.0, "3:a".to_owned())]);
}

#[test]
fn the_place_of_the_next_request_is_not_read_and_every_id_is_its_own() {
    let record = |time: u32, id: u64, next: i64| {
        let fields: [&[u8]; 4] =
            [&time.to_le_bytes(), &id.to_le_bytes(), &100_u32.to_le_bytes(), &next.to_le_bytes()];
        fields.concat()
    };
    // No next request is -1 to some writers and the greatest number to others; a wrong place harms nobody.
    let bytes = [
        record(5, u64::MAX, 2),
        record(5, 0, i64::MAX),
        record(6, u64::MAX, -1),
        record(7, u64::MAX - 1, 1_000_000),
        record(8, 1 << 32, i64::MIN),
    ];
    let import = read(bytes.concat(), &options("oracle-general"));
    let key = |id: u64| id.to_string();
    assert_eq!(
        requests(&import),
        [
            (0.0, key(u64::MAX)),
            (0.0, key(0)),
            (1.0, key(u64::MAX)),
            (2.0, key(u64::MAX - 1)),
            (3.0, key(1 << 32))
        ]
    );
    assert_eq!(import.trace.objects().len(), 4);
}

#[test]
fn recordings_without_times_say_so() {
    let lirs = read("5\n*\n6\n5\n", &options("lirs"));
    assert!(lirs.trace.is_timeless());
    assert_eq!(requests(&lirs), [(0.0, "5"), (1.0, "6"), (2.0, "5")].map(|(at, key)| (at, key.to_owned())));
    assert_eq!(lirs.provenance.spread, "none");
    let mut timed = options("webcachesim");
    timed.declared.time_unit = Some(crate::trace::format::TimeUnit::S);
    assert!(!read("9 5 100\n12 5 100\n", &timed).trace.is_timeless());
    assert!(read("9 5 100\n12 5 100\n", &options("webcachesim")).trace.is_timeless());
}

#[test]
fn several_inputs_are_one_trace_merged_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    write("b.log", b"time_us,key,size\n5000000,/c,3\n1000000,/a,1\n");
    write("a.log", b"time_us,key,size\n3000000,/b,2\n5000000,/a,1\n");
    let found = inputs(&folder.path().join("*.log")).unwrap();
    assert_eq!(found.len(), 2);
    let import = open_all(&found, &options("csv"), Seed::new(1)).unwrap();
    let want = [(0.0, "/a"), (2.0, "/b"), (4.0, "/a"), (4.0, "/c")].map(|(at, key)| (at, key.to_owned()));
    assert_eq!(requests(&import), want, "at equal times in the order of the files");
    let provenance = &import.provenance;
    assert_eq!((provenance.lines, provenance.backward_steps, provenance.format.as_str()), (4, 1, "csv"));
    assert!(provenance.file.contains("a.log, ") && provenance.file.ends_with("b.log"));
    let none = inputs(&folder.path().join("*.txt")).unwrap_err();
    assert!(none.to_string().starts_with("no file is called like ") && none.to_string().ends_with("*.txt"));
    assert_eq!(inputs(Path::new("-")).unwrap(), [Input::Stdin]);
}

#[test]
fn classes_go_by_patterns_expressions_and_parameters() {
    let class = |name: &str| ClassRule { name: name.to_owned(), ..ClassRule::default() };
    let mut options = options("csv");
    options.query = Some(Query::Only(vec!["w".to_owned()]));
    options.classes = vec![
        ClassRule { query: vec![Condition::new("w <= 200").unwrap()], ..class("thumbnail") },
        ClassRule { glob: Some(Glob::new("/u/*/avatar.*").unwrap()), ..class("avatar") },
        ClassRule { regex: Some(Regex::new("^/p/[0-9]+").unwrap()), ..class("photo") },
    ];
    let text = "time_s,key,size\n0,/p/1?w=200&x=1,9\n1,/u/7/avatar.png,9\n2,/p/22?w=800,9\n3,/x,9\n";
    let import = read(text, &options);
    let objects = import.trace.objects();
    let classes: Vec<&str> =
        objects.facts().iter().map(|f| objects.classes()[f.class.index()].as_str()).collect();
    assert_eq!(classes, ["thumbnail", "avatar", "photo", "other"]);
    options.query = Some(Query::Drop);
    let refused = super::import(text.as_bytes(), "trace", &options, Seed::new(1)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "class \"thumbnail\" goes by the parameter \"w\", which is dropped from keys"
    );
    assert!(refused.help().contains("query = [\"w\"]"));
}
