//! A sweep that is killed goes on from the runs that were done, and comes to the same bytes; another sweep is refused.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use ttlab::record::{ASIDE, JOURNAL};

/// Twelve runs that take long enough to be killed between them: two capacities, three strategies, two seeds.
const SWEEP: &str = r#"
name = "sweep"
repeat = 2
[workload]
duration = "400s"
rate = "500/s"
[[workload.class]]
name = "photo"
objects = 5_000
[origin]
latency = { model = "lognormal", median = "80ms", sigma = 0.6 }
[cache]
capacity = ["4MiB", "16MiB"]
[[strategy]]
name = "minute"
baseline = true
ttl = { rule = "fixed", ttl = "1m" }
[[strategy]]
name = "controlled"
ttl = { rule = "d-ttl", target = 0.5 }
[[strategy]]
name = "early"
ttl = { rule = "fixed", ttl = "20s", modifiers = [{ modifier = "jitter", spread = 0.1 }] }
refresh = { policy = "xfetch" }
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(scenario: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        folder.put("s.toml", scenario);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a temporary file can be written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
        command.current_dir(self.0.path()).arg("run").arg("s.toml").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("ttlab can be started")
    }

    fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ttlab can be started")
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Finished runs in a journal: lines after the first.
fn runs(journal: &Path) -> usize {
    // What follows the last line end is no line.
    let parts = |text: Vec<u8>| text.split(|byte| *byte == b'\n').count();
    std::fs::read(journal).map_or(0, parts).saturating_sub(2)
}

/// What a sweep says of the program that began it.
fn program() -> String {
    ttlab::record::sha256(&bytes(Path::new(env!("CARGO_BIN_EXE_ttlab"))))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_sweep_that_is_killed_goes_on_from_what_was_done_to_the_same_bytes() {
    let folder = Folder::with(SWEEP);
    let journal = folder.path("out").join(JOURNAL);
    let mut killed = folder.begin(&["--out", "out", "--threads", "1"]);
    while runs(&journal) < 2 && killed.try_wait().expect("it can be asked").is_none() {
        std::thread::yield_now();
    }
    // SIGKILL: nothing is told, nothing can be put in order.
    killed.kill().expect("it can be killed");
    killed.wait().expect("it has ended");
    let done = runs(&journal);
    assert!((2..12).contains(&done), "{done} runs were done");
    assert!(!folder.path("out/record.json").exists(), "there is no record of a part");

    let resumed = folder.run(&["--out", "out", "--threads", "2", "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert!(said(&resumed).contains(&format!("resumed: {done} of 12 runs")), "{}", said(&resumed));
    assert!(!journal.exists(), "the record holds all that was in it");
    let whole = folder.run(&["--out", "whole", "--threads", "1"]);
    assert!(whole.status.success(), "{}", said(&whole));
    for name in ["record.json", "series.csv", "index.html"] {
        let (resumed, whole) = (folder.path("out").join(name), folder.path("whole").join(name));
        assert!(bytes(&resumed) == bytes(&whole), "{name} is the same");
    }
    let again = folder.run(&["--out", "out", "--resume"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again).contains("nothing to resume"), "{}", said(&again));
}

/// Ctrl-C while a run looks beyond its cells: these are done and written, and what is missing is made up for.
#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_beyond_its_cells_makes_up_for_that_to_the_same_bytes() {
    // A queue is not sampled, so that the engine plays all keys at as many limits as a quarter of 48 runs pays for.
    let scenario =
        SWEEP.replace("sigma = 0.6 }", "sigma = 0.6 }\ncapacity = { model = \"servers\", servers = 60 }");
    let folder = Folder::with(&scenario.replace("repeat = 2", "repeat = 8"));
    let mut command = folder.command(&["--out", "out", "--threads", "1"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("ttlab can be started");
    let mut lines = BufReader::new(run.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    lines.find(|line| line == "hits at other limits and TTLs").expect("it looks beyond its cells");
    let pid = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill is there").success());
    let told: Vec<String> = lines.collect();
    assert_eq!(run.wait().expect("it ends").code(), Some(130), "{told:?}");
    assert!(told.iter().any(|line| line.contains("with --resume goes on")), "{told:?}");
    let cut = std::fs::read_to_string(folder.path("out/record.json")).expect("the cells are written");
    assert!(cut.contains("the run was interrupted"));

    let resumed = folder.run(&["--out", "out", "--threads", "2", "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert!(said(&resumed).contains("resumed: 48 of 48 runs"), "{}", said(&resumed));
    let whole = folder.run(&["--out", "whole", "--threads", "1"]);
    assert!(whole.status.success(), "{}", said(&whole));
    for name in ["record.json", "index.html"] {
        assert!(bytes(&folder.path("out").join(name)) == bytes(&folder.path("whole").join(name)), "{name}");
    }
}

/// Begins a sweep, kills it after its first run, and gives what resuming says after `change`.
fn refused(arguments: &[&str], change: impl FnOnce(&Folder)) -> String {
    let folder = Folder::with(SWEEP);
    let journal = folder.path("out").join(JOURNAL);
    let mut killed = folder.begin(&["--out", "out", "--threads", "1"]);
    while runs(&journal) < 1 && killed.try_wait().expect("it can be asked").is_none() {
        std::thread::yield_now();
    }
    killed.kill().expect("it can be killed");
    killed.wait().expect("it has ended");
    let before = bytes(&journal);
    change(&folder);
    let output = folder.run(&[&["--out", "out", "--resume"], arguments].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(bytes(&journal) == before, "what was done is left alone");
    assert!(!folder.path("out/record.json").exists(), "nothing is written");
    said(&output)
}

#[test]
fn a_changed_scenario_or_seed_is_refused_with_what_changed() {
    let edited = refused(&[], |folder| folder.put("s.toml", &SWEEP.replace("80ms", "90ms")));
    let told =
        "the scenario changed: origin.latency.median was \"80ms\" and is \"90ms\"; run without --resume";
    assert!(edited.contains(told), "{edited}");
    let seed = refused(&["--seed", "5"], |_| ());
    assert!(seed.contains("the seed was") && seed.contains("and is 5"), "{seed}");
}

#[test]
fn a_changed_trace_is_refused() {
    let scenario = "name = \"t\"\n[trace]\npath = \"t.csv\"\n[cache]\ncapacity = [{ objects = 5 }, { objects = 50 }]\n\
                    [[strategy]]\nname = \"x\"\nttl = \"none\"\n";
    let folder = Folder::with(scenario);
    let table = |rows: u32| {
        let row = |nth: u32| format!("{nth},{},10\n", nth * 7 % 90);
        format!("time_s,key,size\n{}", (0..rows).map(row).collect::<String>())
    };
    folder.put("t.csv", &table(500));
    // As a sweep leaves it that was killed after the first of its two runs.
    let kept = ttlab::record::Sweep {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        program: Some(program()),
        scenario_sha256: ttlab::record::sha256(scenario.as_bytes()),
        settings: BTreeMap::new(),
        tables: BTreeMap::new(),
        seed: 1,
        sample: None,
        trace_sha256: Some(ttlab::record::sha256(table(500).as_bytes())),
        requests: Some(500),
        cells: 2,
        repeat: 1,
    };
    let journal = ttlab::record::Journal::begin(&folder.path("out"), &kept);
    assert!(journal.keep(0, 0, &ttlab::metrics::Measurements::empty()));
    journal.end().expect("it was kept");
    folder.put("t.csv", &table(501));
    let output = folder.run(&["--out", "out", "--resume"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("the trace changed"), "{}", said(&output));
}

#[test]
fn a_changed_sample_is_refused_and_the_same_goes_on() {
    let scenario = "name = \"t\"\n[workload]\nduration = \"100s\"\nrate = \"100/s\"\nclass = [{ name = \"a\", objects = 500 }]\n\
                    [cache]\ncapacity = [{ objects = 50 }, { objects = 100 }]\n[[strategy]]\nname = \"x\"\nttl = \"none\"\n";
    let folder = Folder::with(scenario);
    let kept = ttlab::record::Sweep {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        program: Some(program()),
        scenario_sha256: ttlab::record::sha256(scenario.as_bytes()),
        settings: BTreeMap::new(),
        tables: BTreeMap::new(),
        seed: 1,
        sample: Some("0.5".to_owned()),
        trace_sha256: None,
        requests: None,
        cells: 2,
        repeat: 4,
    };
    let journal = ttlab::record::Journal::begin(&folder.path("out"), &kept);
    assert!(journal.keep(0, 0, &ttlab::metrics::Measurements::empty()));
    journal.end().expect("it was kept");
    let output = folder.run(&["--out", "out", "--resume", "--sample", "0.25"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("the sample of the keys was 0.5 and is 0.25"), "{}", said(&output));
    let output = folder.run(&["--out", "out", "--resume", "--sample", "0.5"]);
    assert!(said(&output).contains("resumed: 1 of 8 runs"), "{}", said(&output));
}

/// Two runs of one cell each, of which the first is done: as a sweep leaves it that was killed.
fn with_a_finished_run(scenario: &str, program: String) -> Folder {
    let folder = Folder::with(scenario);
    let kept = ttlab::record::Sweep {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        program: Some(program),
        scenario_sha256: ttlab::record::sha256(scenario.as_bytes()),
        settings: BTreeMap::new(),
        tables: BTreeMap::new(),
        seed: 1,
        sample: None,
        trace_sha256: None,
        requests: None,
        cells: 2,
        repeat: 1,
    };
    let journal = ttlab::record::Journal::begin(&folder.path("out"), &kept);
    assert!(journal.keep(0, 0, &ttlab::metrics::Measurements::empty()));
    journal.end().expect("it was kept");
    folder
}

const SMALL: &str = "name = \"t\"\n[workload]\nduration = \"100s\"\nrate = \"100/s\"\nclass = [{ name = \"a\", objects = 500 }]\n\
                     [cache]\ncapacity = [{ objects = 50 }, { objects = 100 }]\n[[strategy]]\nname = \"x\"\nttl = \"none\"\n";

#[test]
fn another_build_of_the_program_is_refused() {
    let folder = with_a_finished_run(SMALL, "0".repeat(64));
    let output = folder.run(&["--out", "out", "--resume"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for part in ["another build of ttlab", "resume with that one", "run without --resume"] {
        assert!(said(&output).contains(part), "no {part:?} in:\n{}", said(&output));
    }
}

#[test]
fn a_sweep_that_is_begun_anew_says_what_it_moves_aside() {
    let folder = with_a_finished_run(SMALL, program());
    let before = bytes(&folder.path("out").join(JOURNAL));
    let output = folder.run(&["--out", "out"]);
    assert!(output.status.success(), "{}", said(&output));
    let told = said(&output);
    assert!(told.contains("1 finished runs of a sweep") && told.contains("--resume goes on"), "{told}");
    assert!(bytes(&folder.path("out").join(ASIDE)) == before, "what was done is kept");
    assert!(!folder.path("out").join(JOURNAL).exists());
}

#[test]
fn quick_that_takes_all_keys_goes_on_with_a_sweep_of_all_keys() {
    let folder = with_a_finished_run(SMALL, program());
    let output = folder.run(&["--out", "out", "--resume", "--quick"]);
    assert!(said(&output).contains("resumed: 1 of 2 runs"), "{}", said(&output));
}

#[test]
fn damaged_lines_are_told_and_their_runs_made_again() {
    let folder = with_a_finished_run(SMALL, program());
    let journal = folder.path("out").join(JOURNAL);
    let text = String::from_utf8(bytes(&journal)).expect("it is text");
    let (head, run) = text.split_once('\n').expect("there are two lines");
    std::fs::write(&journal, format!("{head}\n{{\"cell\":0,\n{run}")).expect("it can be written");
    let output = folder.run(&["--out", "out", "--resume"]);
    let told = said(&output);
    assert!(told.contains("cannot be read: 1, the first is line 2"), "{told}");
    assert!(told.contains("resumed: 1 of 2 runs"), "{told}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_stops_the_sweep_and_is_told() {
    let folder = Folder::with(SWEEP);
    std::fs::create_dir(folder.path("out")).expect("a folder can be made");
    // Writing to this device fails as on a full disk.
    std::os::unix::fs::symlink("/dev/full", folder.path("out").join(JOURNAL)).expect("a link can be made");
    let output = folder.run(&["--out", "out", "--threads", "1"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for part in [JOURNAL, "No space left", "make room"] {
        assert!(said(&output).contains(part), "no {part:?} in:\n{}", said(&output));
    }
    assert!(!folder.path("out/record.json").exists(), "there is no record of a part");
}
