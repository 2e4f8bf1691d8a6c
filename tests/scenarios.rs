//! Every scenario in `scenarios/` asks a question, can be run, and gets the answer its author expects.

#[expect(dead_code, reason = "the tests of pages use the rest")]
#[path = "browser/cdp.rs"]
mod cdp;
#[path = "browser/labels.rs"]
mod labels;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use cdp::Browser;
use ttlab::live::validate::{Course, Kind, ValidatedCell};
use ttlab::live::{Calls, Worked};
use ttlab::random::Seed;
use ttlab::record::{About, Record, synthetic};
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::import;
use ttlab::tune::{self, Runs};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Name, text and meaning of every scenario.
fn scenarios() -> Vec<(String, String, Scenario)> {
    let listed = std::fs::read_dir(root().join("scenarios")).expect("there are scenarios");
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a scenario is text");
        let scenario = Scenario::parse(&text, &format!("scenarios/{name}.toml"));
        (name, text, scenario.unwrap_or_else(|error| panic!("{error}")))
    };
    paths.into_iter().map(read).collect()
}

/// Plays a scenario as it stands.
fn play(name: &str, scenario: &Scenario, runs: &Runs) -> Record {
    let played = tune::run(scenario, &tune::grid(scenario), runs, &())
        .unwrap_or_else(|fault| panic!("{name}: {}", fault.what));
    let trace = played.trace.expect("nobody stopped it");
    let about = About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
    Record::of_run(scenario, &trace, played.cells, about)
}

/// The records of all scenarios with a workload of their own, played once for all tests.
static PLAYED: LazyLock<Vec<(String, Record)>> = LazyLock::new(|| {
    let synthetic = scenarios().into_iter().filter_map(|(name, _, scenario)| {
        let Source::Synthetic(workload) = &scenario.source else { return None };
        let record = play(&name, &scenario, &Runs::Synthetic(Arc::clone(workload)));
        Some((name, record))
    });
    synthetic.collect()
});

/// The record of the scenario for logs, played on a small one.
static LOGGED: LazyLock<(String, Record)> = LazyLock::new(|| {
    let (name, _, scenario) =
        scenarios().into_iter().find(|(name, ..)| name == "access-log").expect("it exists");
    let Source::Recorded(recorded) = &scenario.source else { panic!("{name} is for recorded traces") };
    let log: Vec<String> = (0..400)
        .map(|number| {
            let (minute, image) = (number / 8 % 60, number * 7 % 40);
            format!(
                "h - - [01/Aug/1995:{:02}:{minute:02}:01 -0400] \"GET /{image}.gif HTTP/1.0\" 200 {}\n",
                number / 100,
                500 + 977 * image
            )
        })
        .collect();
    let import = import::import(log.concat().as_bytes(), "log", &recorded.options, Seed::new(1))
        .expect("the log is sound");
    assert_eq!(import.trace.len(), 400);
    let record = play(&name, &scenario, &Runs::Recorded(Arc::new(import.trace)));
    (name, record)
});

/// Holds a record against what its scenario claims.
fn expectations_hold(name: &str, record: &Record) {
    for cell in &record.cells {
        assert_eq!(cell.failed, None, "{name}: {}", cell.id);
        for (gate, result) in &cell.gates {
            assert!(result.pass, "{name}: {} does not pass {gate}: {result:?}", cell.id);
        }
    }
    for claim in &record.expectations {
        assert!(claim.met, "{name}: {claim:?}");
    }
}

#[test]
fn each_opens_with_its_question_and_ends_with_what_it_expects() {
    let scenarios = scenarios();
    assert!(scenarios.iter().any(|(name, ..)| name == "quickstart"), "the README runs it");
    for (name, text, scenario) in &scenarios {
        assert_eq!(*name, scenario.name, "a scenario is called like its file");
        assert!(text.starts_with("# "), "{name} opens with a comment for people");
        assert!(scenario.question.ends_with('?'), "{name} asks a question");
        let last = text.lines().rfind(|line| line.starts_with('['));
        assert_eq!(last, Some("[expect]"), "{name} ends with what it expects");
        assert!(!scenario.judgement.rules.expectations.is_empty(), "{name} expects something");
        // A scenario that shows what goes wrong says so where it does it.
        let on_purpose = text.matches("\n# Warned of on purpose: ").count();
        assert_eq!(
            on_purpose > 0,
            !scenario.warnings.is_empty(),
            "{name} is no bad example, or says so: {:?}",
            scenario.warnings
        );
    }
}

#[test]
fn one_scenario_shows_every_strategy() {
    let (_, _, scenario) =
        scenarios().into_iter().find(|(name, ..)| name == "all-strategies").expect("it exists");
    let mut shown: Vec<&str> = Vec::new();
    for design in &scenario.strategies {
        shown.extend([design.rule.name(), design.refresh.name(), design.guard.name(), design.sweep.name()]);
        shown.extend(design.modifiers.iter().map(ttlab::catalog::Chosen::name));
        shown.extend(design.addons.iter().map(ttlab::catalog::Chosen::name));
    }
    for axis in ttlab::scenario::strategy_axes() {
        // The rule `trace` honours what a recording tells, and a made-up trace records no TTLs.
        for entry in axis.entries.iter().filter(|entry| entry.name != "trace") {
            assert!(
                shown.contains(&entry.name),
                "all-strategies leaves out the {} \"{}\"",
                axis.axis,
                entry.name
            );
        }
    }
}

#[test]
fn synthetic_scenarios_meet_their_expectations() {
    for (name, record) in PLAYED.iter() {
        expectations_hold(name, record);
    }
}

#[test]
fn the_scenario_for_logs_holds_on_a_log() {
    let (name, record) = &*LOGGED;
    expectations_hold(name, record);
}

/// In the page of every scenario, and of those that are made for a real server in the page of its validation too, as
/// if the server had done what was simulated.
#[test]
fn labels_never_overlap_in_any_scenario() {
    // Played first: a browser waits for ten minutes only.
    let all: Vec<&(String, Record)> = PLAYED.iter().chain([&*LOGGED]).collect();
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    browser.resize(1280, 900);
    let (mut pages, mut validations) = (0, 0);
    for (name, record) in all {
        let out = folder.path().join(name);
        ttlab::report::write(record, &record.to_json(), &out).expect("pages can be written");
        let (texts, _) = labels::look(&mut browser, &out.join("index.html"));
        assert!(texts > 50, "{name}: {texts} texts");
        pages += 1;
        if name.starts_with("live") {
            let cells: Vec<ValidatedCell> = record.cells.iter().map(validated).collect();
            let report = ttlab::report::ValidationReport {
                scenario: name,
                question: &record.scenario.question,
                command: "ttlab validate",
                seed: record.scenario.seed,
                speed: 1.0,
                cells: &cells,
            };
            let page = out.join("validation.html");
            std::fs::write(&page, report.page()).expect("a file can be written");
            let (texts, _) = labels::look(&mut browser, &page);
            assert!(texts > 2 * u64::try_from(record.cells.len()).expect("few"), "{name}: {texts} texts");
            validations += 1;
        }
    }
    assert_eq!((pages, validations), (scenarios().len(), 4));
}

/// A cell as a validation shows it, with what was simulated on both sides.
fn validated(cell: &ttlab::record::Cell) -> ValidatedCell {
    let series = &cell.series;
    let course = |what, kind, values: Vec<Option<f64>>| Course {
        what,
        kind,
        bucket_s: series.bucket_s,
        predicted: values.clone(),
        measured: values,
    };
    let memory = series.live_bytes.iter().map(|bytes| Some(*bytes)).collect();
    let hits = series.fresh_hit.iter().zip(&series.requests);
    let hits = hits.map(|(hits, all)| (*all > 0.0).then(|| hits / all)).collect();
    let fetches = series.fetches.iter().map(|fetches| Some(*fetches)).collect();
    let stretch = |nth: u32| {
        let from_s = f64::from(nth) * series.bucket_s;
        let did = |micros| Some(Calls { calls: 10, micros });
        Worked { from_s, until_s: from_s + series.bucket_s, get: did(23), set: did(61), get_p99_s: None }
    };
    ValidatedCell {
        strategy: cell.strategy.clone(),
        capacity_bytes: match cell.capacity {
            Some(ttlab::record::Capacity::Bytes(bytes)) => Some(bytes),
            _ => None,
        },
        eviction: cell.eviction.clone(),
        server: "a server".to_owned(),
        rows: Vec::new(),
        courses: vec![
            course("used_memory", Kind::Bytes, memory),
            course("fresh hits", Kind::Share, hits),
            course("origin fetches in a bucket", Kind::Count, fetches),
        ],
        served: None,
        worked: (0..10).map(stretch).collect(),
        warnings: Vec::new(),
    }
}

#[test]
fn what_a_scenario_means_can_be_written_down_and_read_again() {
    for (name, _, scenario) in scenarios() {
        let text = toml::to_string(&scenario.effective).expect("a table can be written");
        let again =
            Scenario::parse(&text, "effective.toml").unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again.effective, scenario.effective, "{name}");
    }
}
