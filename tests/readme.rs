//! The written matter keeps its word: commands run, tables show what comes out, lists are complete.

use std::path::Path;
use std::process::{Command, Output};

use ttlab::score::METRICS;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The insides of the fenced blocks of `language`.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let opened = document.split(&fence).skip(1);
    opened.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// A copy of what the commands need, in a folder of its own, with somebody's log in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let scenarios = folder.path().join("scenarios");
    std::fs::create_dir(&scenarios).expect("a folder can be made");
    for name in ["quickstart.toml", "access-log.toml", "tune-ttls.toml", "growth.toml", "drills.toml"] {
        let content = text(&format!("scenarios/{name}"));
        std::fs::write(scenarios.join(name), content).expect("a file can be written");
    }
    let log: Vec<String> = (0..300)
        .map(|number| {
            let (hour, minute, image) = (number / 60, number % 60, number * 7 % 40);
            format!(
                "h - - [01/Aug/1995:{hour:02}:{minute:02}:01 -0400] \"GET /{image}.gif HTTP/1.0\" 200 {}\n",
                500 + image
            )
        })
        .collect();
    std::fs::write(folder.path().join("access.log"), log.concat()).expect("a file can be written");
    folder
}

fn ttlab(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
    // What stands in quotes is one argument, as in a shell.
    let parts = arguments.split('"').enumerate();
    let words = parts.flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().collect::<Vec<_>>(),
        _ => vec![part],
    });
    let command = command.current_dir(folder).env("COLUMNS", "100").args(words);
    command.output().expect("ttlab can be started")
}

#[test]
fn the_commands_of_the_readme_run_and_its_table_is_what_they_print() {
    let readme = text("README.md");
    let folder = folder();
    let mut ran = 0;
    for line in blocks(&readme, "sh").iter().flat_map(|block| block.lines()) {
        let arguments = line.strip_prefix("cargo run --release -- ").or(line.strip_prefix("ttlab "));
        let Some(arguments) = arguments else {
            assert!(["cargo test", "cargo install --path ."].contains(&line), "nobody has tried: {line}");
            continue;
        };
        let output = ttlab(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {message}");
        ran += 1;
        if line.ends_with("run scenarios/quickstart.toml") {
            let printed = String::from_utf8_lossy(&output.stdout);
            let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
            let shown = blocks(&readme, "text");
            let shown: Vec<&str> = shown[0].lines().map(str::trim_end).collect();
            assert_eq!(
                shown,
                printed,
                "the README shows what was printed; put this in:\n{}",
                printed.join("\n")
            );
        }
    }
    assert!(ran >= 6, "only {ran} commands were found");
}

#[test]
fn the_files_that_the_readme_promises_are_written() {
    let folder = folder();
    let output = ttlab(folder.path(), "run scenarios/access-log.toml --trace access.log --out out --quiet");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "quiet is quiet");
    for name in ["index.html", "summary.md", "cells.csv", "series.csv", "record.json"] {
        assert!(text("README.md").contains(&format!("`{name}`")), "the README leaves out {name}");
        assert!(folder.path().join("out").join(name).is_file(), "{name} is not there");
    }
}

#[test]
fn the_script_that_checks_changes_runs_the_readmes_test_command() {
    assert!(blocks(&text("README.md"), "sh")[0].lines().any(|line| line == "cargo test"));
    assert!(text(".ci/run").lines().any(|line| line.starts_with("cargo test")));
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    for page in ["README.md", "CHANGELOG.md", "docs/guide.md", "docs/bias.md", "benches/README.md"] {
        let content = text(page);
        let targets = content.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|target| !target.is_empty() && !target.contains("://")) {
            let folder = Path::new(page).parent().unwrap_or(Path::new(""));
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
            assert!(path.exists(), "{page} links to {target}, which is not there");
        }
    }
}

#[test]
fn the_guide_names_every_metric_with_its_meaning() {
    let guide = text("docs/guide.md");
    for metric in METRICS {
        let about = metric.about.trim_end_matches('.');
        let name = format!("| `{}`", metric.name);
        let told = guide.lines().any(|line| line.starts_with(&name) && line.contains(about));
        assert!(told, "docs/guide.md has no row of {} with: {about}", metric.name);
    }
}

#[test]
fn the_changelog_has_the_version_of_the_crate() {
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(text("CHANGELOG.md").contains(&heading), "CHANGELOG.md has no {heading}");
}

#[test]
fn the_reference_of_strategies_is_what_the_catalogs_say() {
    let output = ttlab(Path::new("."), "list --markdown");
    let listed = String::from_utf8(output.stdout).expect("a page is text");
    let written = text("docs/strategies.md");
    let stale = listed.lines().zip(written.lines()).find(|(listed, written)| listed != written);
    assert!(listed == written, "run: ttlab list --markdown > docs/strategies.md\n{stale:?}");
}
