//! `ttlab trace convert`, `sample`, `slice`, `stretch` and `generate` as a user meets them: what they write, into what,
//! and what they refuse.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for one test.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("a temporary file can be written");
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// All names in the folder.
    fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder is there");
        entries
            .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
        command.current_dir(self.0.path()).arg("trace").args(arguments);
        command
    }

    fn trace(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("ttlab can be started")
    }

    /// What it tells the user while it does what it should.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.trace(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        told
    }

    /// Refused with a message that holds all `parts`, and nothing is written.
    fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let before = self.names();
        let output = self.trace(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        for part in parts {
            assert!(told.contains(part), "no {part:?} in:\n{told}");
        }
        assert_eq!(self.names(), before, "nothing is written");
    }
}

const TABLE: &str = "time_us,op,key,size,class,ttl_ms\n\
    1000000,get,/a,500,small,\n1250000,get,/b,9000,large,\n2500000,get,/a,500,small,\n";

#[test]
fn links_pipes_and_standard_output_stay_what_they_are() {
    let bench = Bench::new();
    bench.put("in.csv", TABLE);
    bench.put("old.csv", "old");
    for (link, to) in [("out.csv", "old.csv"), ("dangling.csv", "new.csv")] {
        std::os::unix::fs::symlink(to, bench.path(link)).expect("a link can be made");
        bench.done(&["convert", "in.csv", link]);
        assert!(bench.path(link).is_symlink(), "{link} is a link still");
        assert_eq!(bench.text(to), TABLE);
    }
    let output = bench.trace(&["convert", "in.csv", "-"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), TABLE);
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output: 3 records"));
    let output = bench.trace(&["convert", "in.csv", "/dev/stdout"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), TABLE);
    let binary = bench.trace(&["convert", "in.csv", "-", "--to", "oracle-general"]);
    assert_eq!(binary.stdout.len(), 3 * 24);
    let made = Command::new("mkfifo").arg(bench.path("pipe")).status().expect("there is mkfifo");
    assert!(made.success());
    let mut writing =
        bench.command(&["convert", "in.csv", "pipe"]).stderr(Stdio::null()).spawn().expect("it starts");
    assert_eq!(bench.text("pipe"), TABLE);
    assert!(writing.wait().expect("it ends").success());
    assert!(bench.path("pipe").metadata().expect("it is there").file_type().is_fifo());
    assert!(!bench.names().contains("-"), "{:?}", bench.names());
    assert!(bench.names().iter().all(|name| !name.starts_with('.')), "{:?}", bench.names());
}

#[test]
fn a_name_that_says_what_cannot_be_written_is_refused() {
    let bench = Bench::new();
    bench.put("in.csv", TABLE);
    for name in ["o.clf", "o.csv.bz2", "o.parquet"] {
        bench.refused(&["convert", "in.csv", name], &[name, ".csv", ".oracleGeneral", "--to csv"]);
    }
    bench.refused(&["convert", "in.csv", "o.csv.bz2", "--to", "csv"], &["o.csv.bz2"]);
    bench.done(&["convert", "in.csv", "o.clf", "--to", "csv"]);
    bench.done(&["convert", "in.csv", "plain"]);
    bench.done(&["convert", "in.csv", "plain.gz"]);
    assert!(std::fs::read(bench.path("plain.gz")).expect("it is there").starts_with(&[0x1f, 0x8b]));
    assert_eq!((bench.text("o.clf"), bench.text("plain")), (TABLE.to_owned(), TABLE.to_owned()));
}

#[test]
fn nothing_kept_is_an_error_that_says_what_there_is() {
    let bench = Bench::new();
    bench.put("in.csv", TABLE);
    bench.refused(
        &["slice", "in.csv", "o.csv", "--class", "nix"],
        &["none of 3 records", "\"large\", \"small\""],
    );
    bench.refused(&["slice", "in.csv", "o.csv", "--from", "5m"], &["none of 3 records", "1s500ms"]);
    bench.refused(
        &["slice", "in.csv", "o.csv", "--from", "5m", "--until", "1m"],
        &["nothing lies between --from 5m"],
    );
    bench.refused(&["sample", "in.csv", "o.csv", "--rate", "0.000001"], &["none of 3 records"]);
    bench.done(&["slice", "in.csv", "o.csv", "--class", "large"]);
    assert_eq!(bench.text("o.csv").lines().count(), 2);
}

#[test]
fn classes_by_size_and_status_are_those_of_the_whole_trace() {
    let bench = Bench::new();
    let mut log = String::new();
    for (second, path, status, size) in [
        (0, "/large.gif", 304, "0"),
        (1, "/large.gif", 200, "700"),
        (2, "/large.gif", 200, "90000"),
        (3, "/small.gif", 200, "800"),
        (4, "/small.gif", 304, "-"),
        (5, "/part.gif", 200, "900"),
        (6, "/part.gif", 206, "10"),
    ] {
        let _ = writeln!(
            log,
            "h - - [01/Aug/1995:10:00:{second:02} +0000] \"GET {path} HTTP/1.0\" {status} {size}"
        );
    }
    bench.put("access.log", &log);
    let rules = [
        "--set",
        "class = [{ name = \"parts\", status = [206] }, { name = \"large\", min_size = \"10kB\" }, { name = \"small\", max_size = \"10kB\" }]",
    ];
    for (class, records) in [("large", 3), ("small", 2), ("parts", 2)] {
        let told = bench.done(&[&["slice", "access.log", "o.csv", "--class", class], &rules[..]].concat());
        assert!(told.contains(&format!("o.csv: {records} records")) && told.contains("read twice"), "{told}");
    }
    let stat = bench.trace(&[&["stat", "access.log", "--json"], &rules[..]].concat());
    let stat: serde_json::Value = serde_json::from_slice(&stat.stdout).expect("it is JSON");
    let of = |name: &str| {
        stat["classes"].as_array().and_then(|all| all.iter().find(|class| class["name"] == name))
    };
    assert_eq!(of("large").expect("there is such a class")["requests"], 3);
    // What comes through a pipe is there once: a size that is not known puts nothing into a class.
    let arguments = [&["slice", "-", "o.csv", "--class", "small"], &rules[..]].concat();
    let mut command = bench.command(&arguments);
    let file = std::fs::File::open(bench.path("access.log")).expect("it is there");
    let output = command.stdin(file).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("o.csv: 3 records") && told.contains("cannot be read twice"), "{told}");
}

#[test]
fn stretched_seconds_are_spread_and_times_beyond_all_are_refused() {
    let bench = Bench::new();
    let mut table = "time_us,op,key,size,class,ttl_ms\n".to_owned();
    for row in 0..600 {
        let _ = writeln!(table, "{}000000,get,/{row},,,", row / 3);
    }
    bench.put("in.csv", &table);
    bench.done(&["stretch", "in.csv", "twice.csv", "--rate", "2"]);
    let times: Vec<u64> = bench
        .text("twice.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().and_then(|time| time.parse().ok()).expect("a time"))
        .collect();
    let distinct: BTreeSet<_> = times.iter().collect();
    assert!(distinct.len() > 595 && times.is_sorted(), "{} different times", distinct.len());
    assert!(times[599] < 100_000_000 && times[599] >= 99_500_000);
    bench.refused(&["stretch", "in.csv", "o.csv", "--rate", "1e-9"], &["292 years", "--rate"]);
}

#[test]
fn formats_and_their_settings_need_no_scenario() {
    let bench = Bench::new();
    bench.put("nginx.log", "1700000000.250 0.200 /a.png\n1700000001.250 0.100 /b.png\n");
    let format = r#"{ format = "nginx", log_format = "$msec $request_time $uri" }"#;
    bench.done(&["convert", "nginx.log", "o.csv", "--format", format, "--set", "status = []"]);
    assert!(bench.text("o.csv").contains("1700000000050000,get,/a.png"), "{}", bench.text("o.csv"));
    bench.put("lines.json", "{\"when\": 5, \"what\": \"/x\"}\n");
    let columns = "columns = { time = \"when\", key = \"what\" }";
    let head = bench.trace(&["head", "lines.json", "--format", "json-lines", "--set", columns]);
    assert!(
        String::from_utf8_lossy(&head.stdout).contains("/x"),
        "{}",
        String::from_utf8_lossy(&head.stderr)
    );
    bench.refused(&["stat", "lines.json", "--format", "jsonl"], &["no trace format is called \"jsonl\""]);
    bench.refused(&["stat", "lines.json", "--set", "spred = false"], &["spred", "--set"]);
}

#[test]
fn only_objects_that_are_asked_for_are_counted() {
    let bench = Bench::new();
    let workload = "name = \"t\"\n[workload]\nduration = \"10s\"\nrate = \"20/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 5000\n\
                    [[strategy]]\nname = \"x\"\nttl = \"none\"\n";
    bench.put("s.toml", workload);
    let told = bench.done(&["generate", "s.toml", "-o", "o.csv"]);
    let text = bench.text("o.csv");
    let keys: BTreeSet<_> = text.lines().skip(1).filter_map(|line| line.split(',').nth(2)).collect();
    assert!(told.contains(&format!("records of {} objects", keys.len())), "{told}");
}

#[test]
fn the_header_of_a_table_with_counted_columns_is_no_lost_line() {
    let bench = Bench::new();
    bench.put("valkey.csv", "ts_us,seq,db,cmd,key,access\n1000000,1,0,GET,a,read\n2000000,2,0,GET,b,read\n");
    let told = bench.done(&["convert", "valkey.csv", "o.csv"]);
    assert!(told.contains("2 records") && !told.contains("left out"), "{told}");
}

#[test]
fn a_folder_is_not_written_over() {
    let bench = Bench::new();
    bench.put("in.csv", TABLE);
    std::fs::create_dir(bench.path("o.csv")).expect("a folder can be made");
    bench.refused(&["convert", "in.csv", "o.csv"], &["it is a directory"]);
    assert!(Path::new(&bench.path("o.csv")).is_dir());
}
