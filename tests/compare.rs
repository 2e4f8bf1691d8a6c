//! `ttlab compare` as a continuous integration calls it: by its exit status.

use std::path::Path;
use std::process::{Command, Output};

fn ttlab(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    let command = command.current_dir(folder).args(arguments.split_whitespace());
    command.output().expect("ttlab can be started")
}

fn json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Plays a small scenario with this TTL and leaves its report in the folder `name`.
fn run(folder: &Path, name: &str, ttl: &str) {
    let scenario = format!(
        "name = \"{name}\"\nseed = 3\nrepeat = 5\n[workload]\nduration = \"10m\"\nrate = \"20/s\"\n\
         [[workload.class]]\nname = \"all\"\nobjects = 200\n\
         [[strategy]]\nname = \"fixed\"\nbaseline = true\nttl = {{ rule = \"fixed\", ttl = \"{ttl}\" }}\n"
    );
    std::fs::write(folder.join(format!("{name}.toml")), scenario).expect("a file can be written");
    let output = ttlab(folder, &format!("run {name}.toml --quiet --out {name}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_fails_where_a_measure_became_worse_by_more_than_is_allowed() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    run(folder, "long", "10m");
    run(folder, "short", "10s");
    let status = |arguments: &str| {
        let output = ttlab(folder, &format!("compare {arguments}"));
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, text) = status("long short --fail-on fresh_hit:1pt");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("fresh") && text.contains("fixed"), "what failed is named: {text}");
    assert_eq!(status("long short --fail-on fresh_hit:99pt").0, Some(0), "allowed");
    assert_eq!(status("short long --fail-on fresh_hit:1pt").0, Some(0), "better is never worse");
    assert_eq!(status("long short").0, Some(0), "nothing was asked for");
    assert_eq!(status("long long --fail-on fresh_hit:0pt").0, Some(0), "the same run");
    for format in ["markdown", "html", "json"] {
        let output = ttlab(folder, &format!("compare long short --fail-on fresh_hit:1pt --format {format}"));
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(text.contains("limit fresh"), "what failed stands in the document: {text}");
    }
    let (code, text) = status("long short --fail-on freshness:1pt");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("freshness"), "{text}");
    let output = ttlab(folder, "compare long short --json --fail-on freshness:1pt");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(2), 0));
    let error = json(&output);
    assert_eq!(error["error"]["value"], "freshness:1pt");
    let what = error["error"]["what"].as_str().expect("it says what is wrong");
    assert!(what.contains("no measure is called \"freshness\"; there are fresh_hit"), "{what}");
    let output = ttlab(folder, "compare long short --json --fail-on fresh_hit:1pt");
    assert_eq!(output.status.code(), Some(1));
    let failures = &json(&output)["failures"];
    assert_eq!(
        (&failures[0]["metric"], &failures[0]["cell"]),
        (&"fresh_hit".into(), &"fixed-unbounded".into())
    );
    let (code, text) = status("long missing");
    assert_eq!(code, Some(2), "{text}");
}
