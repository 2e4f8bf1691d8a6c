//! Every scenario in `scenarios/` asks a question, can be run, and gets the answer its author expects.

use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Plays a scenario and holds it against what it claims.
fn expectations_hold(name: &str, scenario: &Scenario, runs: &Runs) {
    let played = tune::run(scenario, &tune::grid(scenario), runs, &())
        .unwrap_or_else(|fault| panic!("{name}: {}", fault.what));
    let trace = played.trace.expect("nobody stopped it");
    let about = About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
    let record = Record::of_run(scenario, &trace, played.cells, about);
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
    for (name, _, scenario) in scenarios() {
        if let Source::Synthetic(workload) = &scenario.source {
            expectations_hold(&name, &scenario, &Runs::Synthetic(Arc::clone(workload)));
        }
    }
}

#[test]
fn the_scenario_for_logs_holds_on_a_log() {
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
    expectations_hold(&name, &scenario, &Runs::Recorded(Arc::new(import.trace)));
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
