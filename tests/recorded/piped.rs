//! `-` is standard input, whatever the command: the program as a process of its own at the end of a pipe says what it
//! says of a file with the same bytes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const SCENARIO: &str = r#"
name = "piped"
[cache]
capacity = ["1 kB"]
[[strategy]]
name = "short"
baseline = true
ttl = { rule = "fixed", ttl = "30s" }
[[strategy]]
name = "long"
ttl = { rule = "fixed", ttl = "2m" }
"#;

/// A folder with a table of 5,000 requests (more than a pipe holds), plain and packed, and scenarios that play it:
/// `file.toml` takes the trace that is given, `pipe.toml` names standard input itself.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut table = String::from("time_s,key,size\n");
    for request in 0..5_000_u32 {
        let image = request.wrapping_mul(2_654_435_761) >> 26;
        let image = image * image / 60;
        let row = writeln!(table, "{},/media/images/{image}.jpg,{}", request / 2, 100 + image * 7);
        row.expect("memory can be written to");
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(table.as_bytes()).expect("memory can be written to");
    let tune = "[tune]\nruns = 4\nfresh = 2\n\
                vary = [{ path = \"strategy.long.ttl.ttl\", from = \"1m\", to = \"9m\", scale = \"log\" }]\n";
    for (name, content) in [
        ("t.csv", table.as_bytes()),
        ("t.csv.gz", &packed.finish().expect("memory can be written to")),
        ("file.toml", format!("{SCENARIO}[trace]\n").as_bytes()),
        ("pipe.toml", format!("{SCENARIO}[trace]\npath = \"-\"\n").as_bytes()),
        ("tune.toml", format!("{SCENARIO}[trace]\n{tune}").as_bytes()),
    ] {
        std::fs::write(folder.path().join(name), content).expect("a temporary file can be written");
    }
    folder
}

/// Runs ttlab in the folder, with these bytes in its standard input.
fn ttlab(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    command.current_dir(folder).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("ttlab can be started");
    let mut pipe = child.stdin.take().expect("it is a pipe");
    std::thread::scope(|scope| {
        // Pieces that end anywhere; whoever has read enough may hang up.
        scope.spawn(move || input.chunks(4_567).try_for_each(|piece| pipe.write_all(piece)));
        child.wait_with_output().expect("ttlab ends")
    })
}

/// What a command says and writes of the trace `name`: standard output, or `out.csv` where that is written. What
/// tells where the trace comes from is taken out.
fn told(folder: &Path, command: &str, name: &str, input: &[u8]) -> String {
    let arguments: Vec<&str> =
        command.split(' ').map(|word| if word == "TRACE" { name } else { word }).collect();
    let output = ttlab(folder, &arguments, input);
    let said = String::from_utf8(output.stdout).expect("it is text");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command} of {name}: {error}");
    let out = folder.join("out.csv");
    if out.exists() {
        let written = std::fs::read_to_string(&out).expect("it is text");
        std::fs::remove_file(out).expect("it can be removed");
        return written;
    }
    let Ok(mut all) = serde_json::from_str::<Value>(&said) else { return said };
    if let Some(cells) = all.get("cells") {
        return cells.to_string();
    }
    for place in ["/input/file", "/command"] {
        all.pointer_mut(place).into_iter().for_each(|named| *named = Value::Null);
    }
    all.to_string()
}

#[test]
fn every_command_reads_standard_input_as_it_reads_a_file() {
    let folder = folder();
    let folder = folder.path();
    for packed in ["t.csv", "t.csv.gz"] {
        let bytes = std::fs::read(folder.join(packed)).expect("it was written");
        for command in [
            "trace head TRACE --json",
            "trace stat TRACE --json",
            "trace fit TRACE",
            "trace convert TRACE out.csv",
            "trace sample TRACE out.csv --rate 0.5",
            "trace slice TRACE out.csv --until 10m",
            "trace stretch TRACE out.csv --rate 2",
            "run file.toml --trace TRACE --json --out run",
            "curve file.toml --trace TRACE --json --grid 2x2",
            "cluster file.toml --trace TRACE --json --shards 2",
            "size file.toml --trace TRACE --json --target fresh_hit>=0.1",
            "drill file.toml --trace TRACE --json",
            "tune tune.toml --trace TRACE --json --out tuned",
        ] {
            let (of_file, piped) =
                (told(folder, command, packed, b""), told(folder, command, "-", bytes.as_slice()));
            assert!(of_file.len() > 100, "{command}: {of_file}");
            assert_eq!(piped, of_file, "{command} of {packed}");
        }
        let named = told(folder, "run pipe.toml --json --out run", "", &bytes);
        assert_eq!(named, told(folder, "run file.toml --trace TRACE --json --out run", packed, b""));
    }
}

#[test]
fn standard_input_is_one_of_several_traces_but_only_once() {
    let folder = folder();
    let folder = folder.path();
    let table = b"time_s,key,size\n7,/media/late.jpg,9\n";
    let merged = told(folder, "trace convert t.csv TRACE out.csv", "-", table);
    assert_eq!(merged.lines().count(), 5_002);
    assert!(merged.contains("7000000,get,/media/late.jpg,9"), "{merged}");
    for command in ["trace convert - - out.csv", "trace stat - t.csv -", "trace head - -", "trace fit - -"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let output = ttlab(folder, &arguments, table);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {message}");
        assert!(message.contains("(-) is named more than once"), "{command}: {message}");
        assert!(message.contains("help: name - once"), "{command}: {message}");
        assert!(!folder.join("out.csv").exists(), "{command}");
    }
}

#[test]
fn an_empty_or_a_cut_pipe_is_told() {
    let folder = folder();
    let folder = folder.path();
    let packed = std::fs::read(folder.join("t.csv.gz")).expect("it was written");
    for (input, want) in [
        (&b""[..], "standard input is empty"),
        (&packed[..packed.len() - 9], "standard input:"),
        (&packed[..packed.len() - 9], "the gzip stream is cut off"),
    ] {
        for command in
            ["trace stat -", "trace convert - out.csv", "run file.toml --trace - --out run", "trace fit -"]
        {
            let arguments: Vec<&str> = command.split(' ').collect();
            let output = ttlab(folder, &arguments, input);
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command}: {message}");
            assert!(message.contains(want), "{command}: {message}");
            assert!(!folder.join("out.csv").exists() && !folder.join("run").exists(), "{command}");
        }
    }
}
