//! Wrong input ends with status 2, a message that names place, value, rule and remedy, and not a file written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for one test, with files that the test puts there.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a temporary file can be written");
        path
    }

    /// Runs ttlab in the folder.
    fn ttlab(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
        command.current_dir(self.0.path()).args(arguments).output().expect("ttlab can be started")
    }

    /// Runs a scenario that must be refused with a message that holds all `parts`.
    fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.ttlab(&[&["run"], arguments].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in:\n{message}");
        }
        assert!(!self.path("reports").exists(), "nothing is written");
    }
}

const WORKLOAD: &str =
    "[workload]\nduration = \"60s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n";
const STRATEGY: &str = "[[strategy]]\nname = \"x\"\nbaseline = true\n";

/// A scenario refused for what `body` says; `parts` must stand in the message.
fn scenario_refused(body: &str, parts: &[&str]) {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{body}"));
    bench.refused(&["s.toml"], parts);
}

fn strategy_refused(ttl: &str, parts: &[&str]) {
    scenario_refused(&format!("{STRATEGY}ttl = {ttl}\n"), parts);
}

#[test]
fn a_missing_scenario_is_named() {
    Bench::new().refused(&["nowhere.toml"], &["nowhere.toml", "cannot be read"]);
}

#[test]
fn a_folder_is_no_scenario() {
    Bench::new().refused(&["."], &["is a folder"]);
}

#[test]
fn an_empty_scenario_is_told_what_it_needs() {
    let bench = Bench::new();
    bench.put("s.toml", "");
    bench.refused(&["s.toml"], &["needs \"name\"", "s.toml:1:1", "help: write name"]);
}

#[test]
fn binary_garbage_is_no_scenario() {
    let bench = Bench::new();
    bench.put("s.toml", [0xff, 0xfe, 0, 1]);
    bench.refused(&["s.toml"], &["s.toml is not a scenario", "UTF-8"]);
}

#[test]
fn broken_toml_shows_its_place() {
    scenario_refused("[origin\n", &["s.toml:8:8", "8 | [origin", "^"]);
}

#[test]
fn a_ttl_of_zero_is_refused() {
    strategy_refused(
        "{ rule = \"fixed\", ttl = \"0s\" }",
        &[
            "s.toml:11:31",
            "ttl must lie in its legal range (1ms to 365d), but is \"0s\"",
            "^^^^",
            "rule:",
            "help:",
        ],
    );
}

#[test]
fn a_negative_ttl_is_refused() {
    strategy_refused("{ rule = \"fixed\", ttl = \"-5s\" }", &["s.toml:11:31", "\"-5s\"", "never negative"]);
}

#[test]
fn a_ttl_without_a_unit_is_refused() {
    strategy_refused("{ rule = \"fixed\", ttl = \"60\" }", &["unit is missing", "ns, us, ms, s, m, h, d, w"]);
    strategy_refused("{ rule = \"fixed\", ttl = 60 }", &["expected a duration with its unit"]);
}

#[test]
fn a_misspelt_rule_finds_its_neighbours() {
    strategy_refused(
        "{ rule = \"fixd\", ttl = \"1h\" }",
        &["no ttl rule is called \"fixd\"", "there are: none, fixed, class-table", "did you mean \"fixed\"?"],
    );
}

#[test]
fn a_misspelt_parameter_finds_its_neighbours() {
    strategy_refused(
        "{ rule = \"sliding\", idel = \"1h\" }",
        &["ttl rule \"sliding\" has no \"idel\"", "idle", "did you mean \"idle\"?"],
    );
}

#[test]
fn not_a_number_is_no_spread() {
    strategy_refused(
        "{ rule = \"fixed\", modifiers = [{ modifier = \"jitter\", spread = nan }] }",
        &["spread must lie in its legal range", "but is nan"],
    );
}

#[test]
fn what_never_expires_is_never_stale() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"none\"\nrefresh = \"stale-while-revalidate\"\n"),
        &["stale-while-revalidate", "\"none\"", "never stale"],
    );
}

#[test]
fn a_sliding_ttl_without_end_is_never_renewed() {
    scenario_refused(
        &format!(
            "{STRATEGY}ttl = {{ rule = \"sliding\", max_age = \"unbounded\" }}\nrefresh = \"stale-while-revalidate\"\n"
        ),
        &["unbounded", "never be renewed", "max_age = \"24h\""],
    );
}

#[test]
fn a_table_names_classes_that_exist_and_all_of_them() {
    strategy_refused(
        "{ rule = \"class-table\", table = { thumbs = \"1h\" } }",
        &["no class \"thumbs\"", "there are: a"],
    );
    strategy_refused(
        "{ rule = \"class-table\", table = {} }",
        &["class \"a\" has no ttl", "default = \"1h\""],
    );
}

#[test]
fn weights_that_are_all_zero_judge_nothing() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[score]\nweights = {{ hit = 0.0, memory = 0.0 }}\n"),
        &["all weights are zero", "help:"],
    );
}

#[test]
fn two_strategies_of_one_name_cannot_be_told_apart() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[[strategy]]\nname = \"x\"\nttl = \"none\"\n"),
        &["two strategies called \"x\"", "s.toml:13:8"],
    );
}

#[test]
fn several_strategies_need_a_baseline() {
    scenario_refused(
        "[[strategy]]\nname = \"x\"\nttl = \"fixed\"\n[[strategy]]\nname = \"y\"\nttl = \"none\"\n",
        &["no strategy is the baseline", "add baseline = true"],
    );
}

#[test]
fn two_baselines_are_one_too_many() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[[strategy]]\nname = \"y\"\nbaseline = true\nttl = \"none\"\n"),
        &["there are 2 baselines: x, y", "keep baseline = true at one strategy"],
    );
}

#[test]
fn several_mistakes_are_shown_the_first_first() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\nsede = 4\n{WORKLOAD}{STRATEGY}ttl = \"fixd\"\n"));
    let message = String::from_utf8_lossy(&bench.ttlab(&["run", "s.toml"]).stderr).into_owned();
    assert!(message.starts_with("error: the scenario has no \"sede\"\n --> s.toml:2:1\n"), "{message}");
    assert!(message.contains("did you mean \"seed\"?") && message.contains("\"fixd\""), "{message}");
}

#[test]
fn recorded_origin_times_need_a_recording() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[origin]\nlatency = \"trace\"\n"),
        &["latency model \"trace\" needs a recorded [trace]", "help:"],
    );
}

#[test]
fn the_oracle_knows_no_requests_that_are_not_in_the_trace() {
    scenario_refused(
        &format!(
            "{STRATEGY}ttl = \"fixed\"\nguard = \"lock\"\n[cache]\ncapacity = \"1MiB\"\neviction = \"belady\"\n"
        ),
        &["guard \"lock\" cannot be combined with eviction \"belady\"", "help:"],
    );
}

#[test]
fn a_sweep_names_each_value_once() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[cache]\ncapacity = [\"64KiB\", \"65536B\"]\n"),
        &["stands twice in the sweep"],
    );
}

#[test]
fn a_duration_in_the_place_of_a_rule_is_helped() {
    strategy_refused("\"5s\"", &["is a duration, not a ttl rule", "{ rule = \"fixed\", ttl = \"5s\" }"]);
}

#[test]
fn a_warmup_that_leaves_nothing_is_refused() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[time]\nwarmup = \"1h\"\n"),
        &["warmup (1h) leaves nothing of the duration (1m)"],
    );
}

#[test]
fn a_model_that_is_not_there_is_refused() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[cache]\ncapacity = \"1MiB\"\neviction = \"magic\"\n"),
        &["no eviction policy is called \"magic\"", "lru"],
    );
}

#[test]
fn an_output_folder_below_a_file_is_refused_before_anything_runs() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{STRATEGY}ttl = \"fixed\"\n"));
    bench.put("taken", "");
    bench.refused(&["s.toml", "--out", "taken/here"], &["taken", "cannot write", "is a file", "--out"]);
}

#[test]
fn errors_are_json_where_that_is_asked_for() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{STRATEGY}ttl = \"fixd\"\n"));
    let output = bench.ttlab(&["run", "s.toml", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("standard output is JSON");
    assert_eq!((told["error"]["line"].as_u64(), told["error"]["column"].as_u64()), (Some(11), Some(7)));
    assert_eq!(told["error"]["help"], "did you mean \"fixed\"?");
}

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

#[test]
fn a_record_that_is_not_there_is_told_once() {
    let output = Bench::new().ttlab(&["report", "nowhere.json"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.matches("No such file").count(), 1, "{message}");
    assert!(message.contains("nowhere.json: No such file"), "{message}");
}

#[test]
fn sizes_that_change_are_refused_where_nothing_changes_or_a_sample_is_played() {
    let bench = Bench::new();
    let write = |head: &str, class: &str| {
        bench.put(
            "s.toml",
            format!(
                "name = \"t\"\n{head}[workload]\nduration = \"60s\"\n[[workload.class]]\nname = \"a\"\nobjects = 10\n\
                 {class}resize = true\n{STRATEGY}ttl = \"fixed\"\n"
            ),
        );
    };
    write("", "");
    bench.refused(
        &["s.toml"],
        &["s.toml:7:10", "class \"a\" never change", "resize", "add changes = { model = \"poisson\""],
    );
    let changes = "changes = { model = \"poisson\", mean = \"20s\" }\n";
    write("sample = 0.5\n", changes);
    bench.refused(&["s.toml"], &["s.toml:9:10", "class \"a\", whose sizes change", "without sample"]);
    write("", changes);
    bench.refused(&["s.toml", "--sample", "0.5"], &["class \"a\", whose sizes change", "without sample"]);
    assert!(bench.ttlab(&["run", "s.toml"]).status.success());
}

/// Sends a process a signal; `-INT` is that of Ctrl-C.
#[cfg(unix)]
fn send(signal: &str, process: &std::process::Child) {
    let id = process.id().to_string();
    let status = Command::new("kill").args([signal, &id]).status().expect("kill can be started");
    assert!(status.success(), "the process is there");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished_and_marks_the_rest() {
    stopped_in_the_middle("-INT");
}

#[cfg(unix)]
#[test]
fn a_request_to_end_does_what_ctrl_c_does() {
    stopped_in_the_middle("-TERM");
}

/// A run that gets a signal keeps what is finished and marks the rest.
#[cfg(unix)]
fn stopped_in_the_middle(signal: &str) {
    let bench = Bench::new();
    let capacities: Vec<String> = (1..=400).map(|size| format!("\"{size}MiB\"")).collect();
    // Hundreds of cells of a few hundredths of a second: some are done and many are not when the signal comes.
    let text = format!(
        "name = \"t\"\n[workload]\nduration = \"3000s\"\nrate = \"500/s\"\n[cache]\ncapacity = [{}]\n{STRATEGY}ttl = \"fixed\"\n",
        capacities.join(", ")
    );
    bench.put("s.toml", text);
    // Where not even one cell is finished by then, on a busy machine, the next signal comes later.
    for seconds in [1, 2, 4, 8, 16, 32] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ttlab"))
            .current_dir(bench.0.path())
            .args(["run", "s.toml", "--out", "out", "--threads", "1"])
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("ttlab can be started");
        std::thread::sleep(std::time::Duration::from_secs(seconds));
        send(signal, &process);
        let status = process.wait().expect("ttlab ends");
        assert_eq!(status.code(), Some(130));
        if bench.path("out").join("record.json").exists() {
            return whole(&bench.path("out"));
        }
    }
    panic!("no cell is finished within half a minute");
}

/// Whatever ends the program while it writes a trace, no part of the file stays.
#[cfg(unix)]
#[test]
fn a_trace_that_is_being_written_is_taken_away_when_the_program_must_end() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let bench = Bench::new();
        let input = format!("time,key,size\n{}", "1,/a,5\n".repeat(1_000));
        let mut process = Command::new(env!("CARGO_BIN_EXE_ttlab"))
            .current_dir(bench.0.path())
            .args(["trace", "convert", "--format", "csv", "-", "out.csv"])
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("ttlab can be started");
        // The input does not end, and so the file is never whole.
        let mut stdin = process.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it is read");
        let names = || -> Vec<_> {
            let entries = std::fs::read_dir(bench.0.path()).expect("the folder can be listed");
            entries.map(|entry| entry.expect("it can be listed").file_name()).collect()
        };
        while names().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        send(signal, &process);
        assert_eq!(process.wait().expect("ttlab ends").code(), Some(130), "{signal}");
        assert_eq!(names(), Vec::<std::ffi::OsString>::new(), "{signal}");
        drop(stdin);
    }
}

/// `nohup` has the signal of a closed terminal ignored.
#[cfg(target_os = "linux")]
#[test]
fn who_is_not_to_hear_that_the_terminal_is_closed_goes_on() {
    let bench = Bench::new();
    let mut process = Command::new("sh")
        .current_dir(bench.0.path())
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" trace convert --format csv - out.csv",
            env!("CARGO_BIN_EXE_ttlab"),
        ])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("a shell can be started");
    let mut stdin = process.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, b"time,key,size\n1,/a,5\n").expect("it is read");
    while !bench.path(".out.csv.part").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    send("-HUP", &process);
    drop(stdin);
    assert_eq!(process.wait().expect("ttlab ends").code(), Some(0));
    assert!(bench.path("out.csv").exists());
}

/// The results are complete and say what is missing.
fn whole(out: &Path) {
    let record = ttlab::record::Record::read(&out.join("record.json")).expect("the record is whole");
    let (done, missing): (Vec<_>, Vec<_>) = record.cells.iter().partition(|cell| cell.failed.is_none());
    assert_eq!(done.len() + missing.len(), 400);
    assert!(!done.is_empty() && !missing.is_empty(), "{} done", done.len());
    assert!(missing.iter().all(|cell| cell.failed.as_ref().is_some_and(|why| why.contains("interrupted"))));
    for folder in [out.to_owned(), out.join("plots")] {
        let files: Vec<_> = std::fs::read_dir(folder).expect("the folder is there").flatten().collect();
        assert!(files.iter().all(|file| !file.file_name().to_string_lossy().ends_with(".part")), "{files:?}");
    }
    assert!(out.join("index.html").exists(), "the page is there");
}

#[test]
#[cfg(target_os = "linux")]
fn a_workload_that_no_memory_holds_is_refused_at_the_number_that_is_too_large() {
    let bench = Bench::new();
    let text = format!("name = \"t\"\n{WORKLOAD}{STRATEGY}ttl = \"none\"\n");
    bench.put("s.toml", text.replace("objects = 9", "objects = 4_000_000_000"));
    let parts = [
        "4000000000 objects need at least",
        "of memory, but",
        "s.toml:7:11",
        "bytes an object",
        "= help: simulate a part",
    ];
    bench.refused(&["s.toml"], &parts);
    bench.put("s.toml", text.replace("10/s", "60_000_000/s"));
    let parts = ["3600000000 requests need at least", "s.toml:4:8", "= help: lower the rate"];
    bench.refused(&["s.toml", "--threads", "1"], &parts);
}

#[test]
#[cfg(target_os = "linux")]
fn a_memory_limit_that_holds_no_run_is_refused_and_one_that_holds_one_runs_one_at_a_time() {
    let bench = Bench::new();
    let second = "[[strategy]]\nname = \"y\"\nttl = \"none\"\n";
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{STRATEGY}ttl = \"none\"\n{second}"));
    let parts = ["600 requests need at least 8 KiB of memory, but 1 KiB are available", "s.toml:4:8"];
    bench.refused(&["s.toml", "--memory-limit", "1KiB"], &parts);
    bench.refused(&["s.toml", "--memory-limit", "lots"], &["\"lots\" is not a"]);
    // 600 requests of 12 bytes, 9 objects of 24, and 48 an object for each run under LRU.
    let output = bench.ttlab(&["run", "s.toml", "--threads", "2", "--memory-limit", "8000B"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("memory: 1 of 2 runs at once"), "{message}");
    assert!(bench.path("reports/t/index.html").exists(), "all cells are there");
}

#[test]
fn a_bound_on_freshness_needs_something_that_changes() {
    scenario_refused(
        &format!("[time]\nfreshness_bound = \"5m\"\n{STRATEGY}ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\n"),
        &[
            "freshness_bound is 5m, but nothing ever changes at the origin",
            "s.toml:9:19",
            "= help: write changes =",
        ],
    );
}

/// A scenario refused for what stands above its sections, with `body` behind the workload.
fn head_refused(head: &str, body: &str, parts: &[&str]) {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n{head}\n{WORKLOAD}{body}"));
    bench.refused(&["s.toml"], parts);
}

#[test]
fn a_sample_is_a_share_of_the_keys() {
    let strategy = format!("{STRATEGY}ttl = \"none\"\n");
    for written in ["0", "-0.1", "nan", "1.5", "inf"] {
        let head = format!("sample = {written}");
        head_refused(
            &head,
            &strategy,
            &["sample must lie above 0 and not above 1", "s.toml:2:10", "^", "write sample = 0.01"],
        );
        let bench = Bench::new();
        bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{strategy}"));
        bench.refused(
            &["s.toml", &format!("--sample={written}")],
            &["is no share of the keys", "above 0 and at most 1"],
        );
    }
    head_refused("sample = \"1 %\"", &strategy, &["s.toml:2:10", "^"]);
}

#[test]
fn what_a_sample_cannot_tell_is_refused_before_anything_runs() {
    let strategy = format!("{STRATEGY}ttl = \"none\"\n");
    let bounded = "[origin]\ncapacity = { model = \"servers\", servers = 400 }\n";
    for (body, parts) in [
        (
            format!("{strategy}[gates]\npeak_origin_rate_max = \"9/s\"\n"),
            [
                "peak_origin_rate is not available from a sample",
                "peak_origin_rate_max",
                "all keys at once",
                "without sample",
            ],
        ),
        (
            format!("{strategy}[expect]\nx.max_latency = [1, 2]\n"),
            ["max_latency is not available from a sample", "max_latency", "waits longest", "leave it out"],
        ),
        (
            format!("{bounded}{strategy}[score]\nweights = {{ hit = 1, p99 = 1 }}\n"),
            ["p99 is not available from a sample", "weights", "Erlang C", "leave it out"],
        ),
        (
            format!("{STRATEGY}ttl = {{ rule = \"d-ttl\", target = 0.5 }}\n"),
            [
                "cannot stand for ttl rule \"d-ttl\"",
                "steered by the requests of all keys",
                "^",
                "play all keys",
            ],
        ),
        (
            format!(
                "{STRATEGY}ttl = {{ rule = \"fixed\", ttl = \"1m\" }}\nsweep = {{ policy = \"zset-sweep\", limit_entries = 5 }}\n"
            ),
            ["cannot stand for sweep \"zset-sweep\"", "all keys together", "^", "play all keys"],
        ),
    ] {
        head_refused("sample = 0.1", &body, &parts);
    }
}

#[test]
fn a_sample_that_leaves_no_server_or_no_cache_is_refused() {
    let strategy = format!("{STRATEGY}ttl = \"none\"\n");
    head_refused(
        "sample = 0.1",
        &format!("[origin]\ncapacity = {{ model = \"servers\", servers = 5 }}\n{strategy}"),
        &["less than one of the origin's 5 servers", "servers = 5", "at least 0.2"],
    );
    head_refused(
        "sample = 0.1",
        &format!("[cache]\ncapacity = {{ objects = 50 }}\n{strategy}"),
        &["fewer than 10", "50 objects", "a sample of 0.2"],
    );
}

#[test]
fn commands_that_play_all_keys_refuse_a_sample() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\nsample = 0.5\n{WORKLOAD}{STRATEGY}ttl = \"none\"\n"));
    for (command, more) in
        [("size", &["--target", "hit >= 0.5"][..]), ("drill", &[]), ("curve", &[]), ("tune", &[])]
    {
        let output = bench.ttlab(&[&[command, "s.toml"], more].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("sample = 0.5, which is for ttlab run"), "{message}");
    }
}
