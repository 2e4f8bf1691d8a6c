//! Runs that the plain way through a scenario does not give: on a trace made by hand, or under one's own observer.

use std::sync::Arc;

use ttlab::metrics::{Measurements, Observer};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use ttlab::tune::{self, Runs};
use ttlab::units::{SimDuration, SimTime};

fn parse(text: &str) -> Scenario {
    Scenario::parse(text, "test.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the cells of a scenario on a trace, whatever its workload says: the measurements of each.
pub(crate) fn run_on(text: &str, trace: &Arc<Trace>) -> Vec<Measurements> {
    let scenario = parse(text);
    let runs = Runs::Recorded(Arc::clone(trace));
    let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &())
        .unwrap_or_else(|fault| panic!("{}", fault.what));
    let cells = played.cells.into_iter();
    cells.map(|mut cell| cell.replications.remove(0).expect("the run is finished")).collect()
}

/// Runs the first cell of a synthetic scenario in so many replications, each under the eyes of its own observer.
pub(crate) fn watch<O: Observer>(text: &str, replications: u64, observer: impl Fn() -> O) -> Vec<O> {
    let scenario = parse(text);
    let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is not synthetic") };
    let plan = tune::grid(&scenario)[0];
    let one = |replication| {
        let seed = Seed::new(scenario.seed).nth(replication);
        let trace = Arc::new(generate(workload, seed));
        let simulation =
            tune::simulation(&scenario, &plan, &trace, seed).unwrap_or_else(|fault| panic!("{}", fault.what));
        simulation.observed_by(observer(), &()).expect("nobody stops it").1
    };
    (0..replications).map(one).collect()
}

/// A trace made by hand: objects of 1000 bytes each, all of one class `image`, asked for at these instants.
pub(crate) fn trace(
    at: Vec<SimTime>,
    object: Vec<ObjectId>,
    objects: usize,
    span: SimDuration,
) -> Arc<Trace> {
    let fact = Fact { size: 1_000, class: ClassId::new(0), size_is_imputed: false };
    let objects = Objects::new(vec![fact; objects], Keys::Numbered, vec!["image".to_owned()]);
    Arc::new(Trace::new(at, object, objects, span))
}
