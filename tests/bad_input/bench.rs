//! A folder in which ttlab is run, and scenarios that it must refuse.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of its own for one test, with files that the test puts there.
pub(crate) struct Bench(tempfile::TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a temporary file can be written");
        path
    }

    /// Runs ttlab in the folder.
    pub(crate) fn ttlab(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttlab"));
        command.current_dir(self.0.path()).args(arguments).output().expect("ttlab can be started")
    }

    /// Runs a scenario that must be refused with a message that holds all `parts`.
    pub(crate) fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.ttlab(&[&["run"], arguments].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in:\n{message}");
        }
        assert!(!self.path("reports").exists(), "nothing is written");
    }
}

pub(crate) const WORKLOAD: &str =
    "[workload]\nduration = \"60s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n";
pub(crate) const STRATEGY: &str = "[[strategy]]\nname = \"x\"\nbaseline = true\n";

/// A scenario refused for what `body` says; `parts` must stand in the message.
pub(crate) fn scenario_refused(body: &str, parts: &[&str]) {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{body}"));
    bench.refused(&["s.toml"], parts);
}

pub(crate) fn strategy_refused(ttl: &str, parts: &[&str]) {
    scenario_refused(&format!("{STRATEGY}ttl = {ttl}\n"), parts);
}
