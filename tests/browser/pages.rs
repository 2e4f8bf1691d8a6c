//! Pages to look at: of a small run, and of one of fifty cells.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use ttlab::record::{About, Record, synthetic};
use ttlab::scenario::{Scenario, Source};
use ttlab::tune::{self, Runs};

/// A folder with a report in it.
pub(crate) struct Pages {
    folder: tempfile::TempDir,
    /// What the pages were made from.
    pub(crate) record: Record,
}

impl Pages {
    fn of(text: &str) -> Self {
        let scenario = Scenario::parse(text, "browser.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it has a workload") };
        let runs = Runs::Synthetic(Arc::clone(workload));
        let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &()).expect("it can be played");
        let trace = played.trace.expect("nobody stopped it");
        let about =
            About { scenario_sha256: String::new(), command: "ttlab run".into(), trace: synthetic(&trace) };
        let record = Record::of_run(&scenario, &trace, played.cells, about);
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

    /// Ten strategies at five limits over six hours of minutes.
    pub(crate) fn fifty() -> Self {
        let mut strategies = String::new();
        for (place, ttl) in ["1m", "5m", "15m", "1h", "4h"].iter().enumerate() {
            for guard in ["none", "single-flight"] {
                let baseline = if place == 0 && guard == "none" { "baseline = true" } else { "" };
                let _ = write!(
                    strategies,
                    "[[strategy]]\nname = \"{ttl} {guard}\"\n{baseline}\nttl = {{ rule = \"fixed\", ttl = \"{ttl}\" }}\nguard = \
                     \"{guard}\"\n"
                );
            }
        }
        Self::of(&scenario("6h", "1/s", &["1MiB", "2MiB", "4MiB", "8MiB", "16MiB"], &strategies, ""))
    }

    /// A committed scenario with few requests, played once: as many points and names as it has.
    pub(crate) fn thinned(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
        let text = std::fs::read_to_string(path).expect("the scenario is there");
        let thinned = |line: &str| match line.split_once(" = ") {
            Some(("rate", _)) => "rate = \"2/s\"".to_owned(),
            Some(("repeat", _)) => "repeat = 1".to_owned(),
            _ => line.to_owned(),
        };
        let lines: Vec<String> = text.lines().map(thinned).collect();
        assert!(lines.iter().any(|line| line == "rate = \"2/s\""), "{name} has a rate");
        Self::of(&lines.join("\n"))
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
