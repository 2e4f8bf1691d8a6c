//! What the integration tests share: running a scenario given as text.

use ttlab::metrics::Measurements;
use ttlab::scenario::{Scenario, Source};
use ttlab::tune::{self, Runs};

/// Runs a synthetic scenario: the measurements of each cell, by replication.
pub(crate) fn run(text: &str) -> Vec<Vec<Measurements>> {
    let scenario = Scenario::parse(text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is not synthetic") };
    let runs = Runs::Synthetic(std::sync::Arc::clone(workload));
    let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &())
        .unwrap_or_else(|fault| panic!("{}", fault.what));
    let cells = played.cells.into_iter();
    cells
        .map(|cell| cell.replications.into_iter().map(|run| run.expect("the run is finished")).collect())
        .collect()
}
