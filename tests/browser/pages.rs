//! Pages to look at: of a small run, and of one of fifty cells.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use ttlab::record::{About, Record, Surface, synthetic};
use ttlab::scenario::{Scenario, Source};
use ttlab::tune::{self, Runs};

/// A page of a command that is not `run`.
pub(crate) struct Other {
    /// The page.
    pub(crate) page: PathBuf,
    /// How many texts its charts have at least.
    pub(crate) texts: u64,
}

/// The pages of all of them, each of the scenario that was written for it, or of one that is quickly played.
pub(crate) fn others() -> &'static [Other] {
    static OTHERS: LazyLock<(tempfile::TempDir, Vec<Other>)> = LazyLock::new(make_others);
    &OTHERS.1
}

fn make_others() -> (tempfile::TempDir, Vec<Other>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let trace = at("day.csv");
    ttlab(&["trace", "generate", "scenarios/tune-ttls.toml", "--out", &trace]);
    let commands: [(&[&str], &str, u64); 7] = [
        (&["curve", "scenarios/quickstart.toml", "--out"], "curve/index.html", 60),
        (&["curve", "scenarios/tune-ttls.toml", "--grid", "12x16", "--out"], "surface/index.html", 60),
        (&["growth", "scenarios/growth.toml", "--format", "html", "--out"], "growth.html", 10),
        (&["drill", "scenarios/drills.toml", "--format", "html", "--out"], "drill.html", 0),
        (&["tune", "scenarios/tune-ttls.toml", "--runs", "12", "--out"], "tuned/index.html", 10),
        (&["trace", "stat", &trace, "--html"], "stat.html", 40),
        (&["compare", "reports/adaptive", "reports/adaptive", "--format", "html", "--out"], "same.html", 5),
    ];
    let made = commands.map(|(command, page, texts)| {
        // A folder is named where the page is the index of one.
        let out = at(page.strip_suffix("/index.html").unwrap_or(page));
        ttlab(&[command, &[&out]].concat());
        Other { page: folder.path().join(page), texts }
    });
    (folder, made.into())
}

/// Runs a command in the project's folder; it may say that something is not met.
fn ttlab(arguments: &[&str]) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ttlab"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .expect("ttlab can be started");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {told}");
}

/// A folder with a report in it.
pub(crate) struct Pages {
    folder: tempfile::TempDir,
    /// What the pages were made from.
    pub(crate) record: Record,
}

impl Pages {
    fn of(text: &str) -> Self {
        let mut scenario = Scenario::parse(text, "browser.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it has a workload") };
        let runs = Runs::Synthetic(Arc::clone(workload));
        let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).expect("it can be played");
        let trace = played.trace.expect("nobody stopped it");
        let about =
            About { scenario_sha256: String::new(), command: "ttlab run".into(), trace: synthetic(&trace) };
        let mut record = Record::of_run(&scenario, &trace, played.cells, about);
        let plan = tune::grid(&scenario)[record.scoring.winner.unwrap_or(0)];
        let outlook = tune::Outlook::of(&scenario, &plan, &trace).expect("it can be made");
        record.surface = outlook.map(|outlook| {
            let beside = outlook.find(&mut scenario, &runs, &trace, &());
            Surface::of_run(&scenario, &beside)
        });
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        ttlab::report::write(&record, &record.to_json(), folder.path()).expect("pages can be written");
        Self { folder, record }
    }

    /// Three strategies at three limits, with an event, gates and classes.
    pub(crate) fn small() -> &'static Self {
        static SMALL: LazyLock<Pages> = LazyLock::new(Pages::make_small);
        &SMALL
    }

    fn make_small() -> Self {
        let strategies = r#"
            [[strategy]]
            name = "today"
            baseline = true
            ttl = { rule = "fixed", ttl = "10m" }
            [[strategy]]
            name = "longer, <b>one fetch</b>"
            ttl = { rule = "fixed", ttl = "1h" }
            guard = "single-flight"
            [[strategy]]
            name = "by class"
            ttl = { rule = "class-table", table = { thumb = "1h", photo = "2h" } }
        "#;
        let event = "[[cache.event]]\nflush = { at = \"2h\" }\n";
        Self::of(&scenario("3h", "2/s", &["1MiB", "4MiB", "16MiB"], strategies, event))
    }

    /// Half a hundred cells of what the project itself shows, with long names: its strategies at two limits.
    pub(crate) fn fifty() -> &'static Self {
        static FIFTY: LazyLock<Pages> = LazyLock::new(Pages::make_fifty);
        &FIFTY
    }

    fn make_fifty() -> Self {
        let text = include_str!("../../scenarios/all-strategies.toml");
        let text = text.replacen("capacity = \"96MiB\"", "capacity = [\"64MiB\", \"96MiB\"]", 1);
        let mut parts = text.split("[[strategy]]\n");
        let mut scenario = parts.next().expect("it has a head").to_owned();
        for strategy in parts.take(25) {
            let named = strategy.replacen("name = \"", "name = \"what our image service might do next: ", 1);
            let _ = write!(scenario, "[[strategy]]\n{named}");
        }
        Self::of(&scenario)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The report itself.
    pub(crate) fn index(&self) -> PathBuf {
        self.folder.path().join("index.html")
    }
}

fn scenario(duration: &str, rate: &str, capacities: &[&str], strategies: &str, event: &str) -> String {
    format!(
        r#"
        name = "browser"
        question = "Does the page work?"
        repeat = 2
        [time]
        warmup = "30m"
        bucket = "1m"
        [workload]
        duration = "{duration}"
        rate = "{rate}"
        [[workload.class]]
        name = "thumb"
        objects = 400
        share = 0.7
        popularity = {{ model = "zipf", alpha = 0.9 }}
        size = {{ model = "lognormal", median = "6KiB", sigma = 0.6 }}
        changes = {{ model = "poisson", mean = "6h" }}
        [[workload.class]]
        name = "photo"
        objects = 100
        share = 0.3
        popularity = {{ model = "zipf", alpha = 0.8 }}
        size = {{ model = "lognormal", median = "60KiB", sigma = 0.8 }}
        [origin]
        latency = {{ model = "lognormal", median = "2s", sigma = 0.8 }}
        [cache]
        capacity = {capacities:?}
        eviction = "allkeys-lru"
        memory = "redis"
        {event}
        {strategies}
        [gates]
        hit_min = 0.1
        "#
    )
}
