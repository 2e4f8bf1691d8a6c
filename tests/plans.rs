//! The scenarios whose answer comes from a command that plans give the answer that their comments tell.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a command answers, and its exit status.
fn asked(arguments: &[&str]) -> (Value, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output =
        command.current_dir(root).args(arguments).arg("--json").output().expect("ttlab can be started");
    let message = String::from_utf8_lossy(&output.stderr);
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {message}"));
    (answer, output.status.code())
}

/// The entry of a list with this name.
fn of<'v>(list: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    let name = name.to_owned();
    list.as_array().expect("a list").iter().filter(move |entry| entry["strategy"] == *name)
}

fn mib(value: &Value) -> f64 {
    value.as_f64().expect("a number of bytes") / f64::from(1 << 20)
}

/// "45 MiB with the TTL of an hour, by either policy; with ten minutes no memory is enough."
#[test]
fn size_for_hit_rate() {
    let scenario = "scenarios/size-for-hit-rate.toml";
    let (answer, status) = asked(&["size", scenario, "--target", "hit >= 0.9, peak_origin_rate <= 25/s"]);
    assert_eq!(status, Some(0));
    for strategy in of(&answer["strategies"], "one hour") {
        assert!((43.0..48.0).contains(&mib(&strategy["maxmemory_bytes"])), "{strategy}");
        assert_eq!(strategy["binding"], serde_json::json!(["hit"]), "{strategy}");
    }
    for strategy in of(&answer["strategies"], "ten minutes") {
        assert_eq!(
            (strategy["met"].as_bool(), &strategy["missed"]),
            (Some(false), &serde_json::json!(["hit"]))
        );
    }
    assert_eq!(answer["strategies"].as_array().map(Vec::len), Some(4));
}

/// "From month 4 on more than 3 fetches a second, in month 7 less than 80 % hits; a little more than 20 MiB would do in
/// month 4, and about 38 MiB in month 12."
#[test]
fn growth() {
    let (answer, status) = asked(&["growth", "scenarios/growth.toml"]);
    assert_eq!(status, Some(1), "today's memory is not enough for a year");
    let cell = of(&answer["cells"], "one hour").next().expect("it is told");
    assert_eq!(cell["fails_in_month"].as_u64(), Some(4), "{cell}");
    assert_eq!(cell["targets"][0]["fails_in_month"].as_u64(), Some(7), "{cell}");
    let needed: Vec<(u64, f64)> = cell["needed"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|needed| (needed["month"].as_u64().expect("a month"), mib(&needed["maxmemory_bytes"])))
        .collect();
    let [(4, first), (7, _), (12, last)] = needed.as_slice() else { panic!("{needed:?}") };
    assert!((20.0..22.0).contains(first) && (36.0..41.0).contains(last), "{needed:?}");
}

/// "Twice the load of the mean one; memory is even; the origin sees four times as many fetches."
#[test]
fn cluster() {
    let (answer, status) = asked(&["cluster", "scenarios/cluster.toml", "--shards", "6"]);
    assert_eq!(status, Some(0));
    let cell = &answer["cells"][0];
    let number = |name: &str| cell[name].as_f64().expect("a number");
    assert!((1.9..2.3).contains(&number("load_imbalance")), "{cell}");
    assert!((1.0..1.05).contains(&number("memory_imbalance")), "{cell}");
    let times = number("origin_rate_without_hottest") / number("origin_rate");
    assert!((3.8..5.0).contains(&times), "{times}");
}

/// `[drill]` says what each strategy survives; the command holds it against what comes out.
#[test]
fn drills() {
    let (answer, status) = asked(&["drill", "scenarios/drills.toml"]);
    assert_eq!((status, answer["met"].as_bool()), (Some(0), Some(true)), "{}", answer["unexpected"]);
    let survivors: Vec<&Value> = answer["cells"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|cell| cell["survives"] == true)
        .map(|cell| &cell["strategy"])
        .collect();
    assert_eq!(survivors, ["kept + stale + one fetch"], "what the comments say");
    // Another expectation fails as a gate.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let text = include_str!("../scenarios/drills.toml")
        .replace("\"late fills discarded\" = [", "\"late fills discarded\" = [\"restart\", ");
    let path = folder.path().join("drills.toml");
    std::fs::write(&path, text).expect("a file can be written");
    let path = path.to_string_lossy();
    let (answer, status) = asked(&["drill", &path, "--only", "restart"]);
    assert_eq!((status, answer["met"].as_bool()), (Some(1), Some(false)));
    assert!(answer["unexpected"][0].as_str().is_some_and(|what| what.contains("does not survive restart")));
}

/// "Both do; old copies are hits all the same, so keeping them wins": the search puts its finalists through the drills.
#[test]
fn tune_with_drills() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (plan, status) =
        asked(&["tune", "scenarios/drills.toml", "--out", &folder.path().join("plan").to_string_lossy()]);
    assert_eq!(status, Some(0), "{}", plan["verdict"]);
    let finalists = plan["finalists"].as_array().expect("a list");
    assert_eq!(finalists.len(), 2);
    for (index, one) in finalists.iter().enumerate() {
        let drills = one["drills"].as_array().expect("a list");
        assert_eq!(drills.len(), 6, "{one}");
        assert!(drills.iter().all(|drill| drill["survives"] == true), "{one}");
        let keeps_copies = one["values"][0]["policy"] == "stale-while-revalidate";
        assert_eq!(plan["winner"] == index, keeps_copies, "{one}");
    }
}
