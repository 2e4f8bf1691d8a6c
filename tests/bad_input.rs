//! Wrong input ends with status 2, a message that names place, value, rule and remedy, and not a file written.

#[path = "bad_input/bench.rs"]
mod bench;
#[path = "bad_input/sample.rs"]
mod sample;
#[path = "bad_input/scenario.rs"]
mod scenario;
#[path = "bad_input/trace.rs"]
mod trace;

use std::path::Path;
use std::process::Command;

use bench::{Bench, STRATEGY, WORKLOAD};

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

#[test]
fn a_file_that_is_no_record_is_told_of_with_its_place() {
    let bench = Bench::new();
    bench.put("list.json", "[1]");
    let output = bench.ttlab(&["report", "list.json", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("standard output is JSON");
    let error = &told["error"];
    assert_eq!((error["file"].as_str(), error["line"].as_u64()), (Some("list.json"), Some(1)), "{error}");
    let what = error["what"].as_str().expect("it says what is wrong");
    assert_eq!(what, "this is no record of ttlab (it holds a list, and a record is an object)");
}

#[test]
fn an_index_warns_of_runs_that_cannot_be_read() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("runs/cut")).expect("a folder");
    bench.put("runs/cut/record.json", "{");
    let output = bench.ttlab(&["report", "--index", "runs", "--json"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("warning: runs/cut/record.json: line 1") && message.contains("cut off"),
        "{message}"
    );
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("standard output is JSON");
    assert_eq!(
        (told["runs"].as_u64(), told["unreadable"][0]["column"].as_u64()),
        (Some(0), Some(1)),
        "{told}"
    );
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
    stopped_in_the_middle(&["-INT"]);
}

#[cfg(unix)]
#[test]
fn a_request_to_end_does_what_ctrl_c_does() {
    stopped_in_the_middle(&["-TERM"]);
}

/// `timeout` asks the program and then its group, and a terminal that is closed asks by more than one signal.
#[cfg(unix)]
#[test]
fn requests_that_come_at_once_are_one() {
    stopped_in_the_middle(&["-TERM", "-INT", "-TERM"]);
}

/// A run that gets signals keeps what is finished and marks the rest.
#[cfg(unix)]
fn stopped_in_the_middle(signals: &[&str]) {
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
            .current_dir(bench.path(""))
            .args(["run", "s.toml", "--out", "out", "--threads", "1"])
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("ttlab can be started");
        std::thread::sleep(std::time::Duration::from_secs(seconds));
        signals.iter().for_each(|signal| send(signal, &process));
        let status = process.wait().expect("ttlab ends");
        assert_eq!(status.code(), Some(130));
        if bench.path("out").join("record.json").exists() {
            return whole(&bench.path("out"));
        }
    }
    panic!("no cell is finished within half a minute");
}

/// Whether programs started from here hear that the terminal is closed: on Linux, and not below `nohup`.
#[cfg(unix)]
fn hears_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 0)
}

/// Whatever ends the program while it writes a trace, no part of the file stays.
#[cfg(unix)]
#[test]
fn a_trace_that_is_being_written_is_taken_away_when_the_program_must_end() {
    for signal in ["-INT", "-TERM", "-HUP"].into_iter().filter(|signal| *signal != "-HUP" || hears_hang_ups())
    {
        let bench = Bench::new();
        let input = format!("time,key,size\n{}", "1,/a,5\n".repeat(1_000));
        let mut process = Command::new(env!("CARGO_BIN_EXE_ttlab"))
            .current_dir(bench.path(""))
            .args(["trace", "convert", "--format", "csv", "-", "out.csv"])
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("ttlab can be started");
        // The input does not end, and so the file is never whole.
        let mut stdin = process.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("it is read");
        let names = || -> Vec<_> {
            let entries = std::fs::read_dir(bench.path("")).expect("the folder can be listed");
            entries.map(|entry| entry.expect("it can be listed").file_name()).collect()
        };
        while names().is_empty() {
            assert!(process.try_wait().expect("it can be asked").is_none(), "it ended by itself");
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
        .current_dir(bench.path(""))
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
        assert!(process.try_wait().expect("it can be asked").is_none(), "it ended by itself");
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
        "simulate a part: fewer objects",
    ];
    bench.refused(&["s.toml"], &parts);
    bench.put("s.toml", text.replace("10/s", "60_000_000/s"));
    let parts = ["3600000000 requests need at least", "s.toml:4:8", "lower the rate or shorten"];
    bench.refused(&["s.toml", "--threads", "1"], &parts);
}

#[test]
fn a_recording_that_must_be_in_memory_is_refused_where_it_takes_too_much() {
    let bench = Bench::new();
    let rows: Vec<String> = (0..5_000).map(|row| format!("{row},/{},9\n", row % 9)).collect();
    let rows = rows.concat();
    bench.put("t.csv", format!("time_s,key,size\n{rows}"));
    let text = "name = \"t\"\n[trace]\npath = \"t.csv\"\n[cache]\ncapacity = \"1kB\"\neviction = \"lru\"\n";
    bench.put("s.toml", format!("{text}{STRATEGY}ttl = \"none\"\n"));
    bench.put("oracle.toml", format!("{}{STRATEGY}ttl = \"none\"\n", text.replace("lru", "belady")));
    for arguments in [&["drill", "s.toml"][..], &["curve", "s.toml", "--instant"], &["run", "oracle.toml"]] {
        let output = bench.ttlab(&[arguments, &["--memory-limit", "12KiB"]].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        // Nine objects of 24 bytes, and 1,006 requests of 12: the first line names the columns.
        let refused = "t.csv:1008: the requests up to here take 12 KiB of memory, but 12 KiB are allowed (--memory-limit)";
        assert!(
            message.contains(refused) && message.contains("= help: allow or free more memory"),
            "{message}"
        );
    }
}

#[test]
fn buckets_too_short_for_a_recording_are_refused_where_they_are_written() {
    let bench = Bench::new();
    bench.put("t.csv", "time_s,key,size\n0,/a,9\n2000000,/a,9\n");
    let text = "name = \"t\"\n[time]\nbucket = \"1ms\"\n[trace]\npath = \"t.csv\"\n";
    bench.put("s.toml", format!("{text}{STRATEGY}ttl = \"none\"\n"));
    let parts = [
        "buckets of 1ms cut",
        "into more than 100000 parts",
        "s.toml:3:10",
        "= help: choose longer buckets, of 20",
    ];
    bench.refused(&["s.toml"], &parts);
}

#[test]
#[cfg(target_os = "linux")]
fn a_memory_limit_that_holds_no_run_is_refused_and_one_that_holds_one_runs_one_at_a_time() {
    let bench = Bench::new();
    let second = "[[strategy]]\nname = \"y\"\nttl = \"none\"\n";
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{STRATEGY}ttl = \"none\"\n"));
    let parts = [
        "600 requests need at least 7.74 KiB of memory, but 1 KiB are allowed (--memory-limit)",
        "s.toml:4:8",
    ];
    bench.refused(&["s.toml", "--memory-limit", "1KiB"], &parts);
    bench.refused(&["s.toml", "--memory-limit", "lots"], &["\"lots\" is not a"]);
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{STRATEGY}ttl = \"none\"\n{second}"));
    // What the second run leaves is counted: 61 buckets and the waits of 600 requests.
    let parts = ["the results of 2 runs", "7.81 KiB are allowed", "= help: allow more, or sweep fewer cells"];
    bench.refused(&["s.toml", "--memory-limit", "8000B"], &parts);
    // 600 requests of 12 bytes, 50,000 objects of 24, and 48 an object for each run under LRU.
    let many = WORKLOAD.replace("objects = 9", "objects = 50_000");
    assert_ne!(many, WORKLOAD);
    bench.put("s.toml", format!("name = \"t\"\n{many}{STRATEGY}ttl = \"none\"\n{second}"));
    let output = bench.ttlab(&["run", "s.toml", "--threads", "2", "--memory-limit", "4MiB"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("memory: 1 of 2 runs at once"), "{message}");
    assert!(bench.path("reports/t/index.html").exists(), "all cells are there");
}
