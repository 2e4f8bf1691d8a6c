//! How small a sample of the keys may be, found out by a smaller one.
//!
//! A pilot plays every cell on samples of about 50,000 requests. The error of a sample falls with the root of its share, so
//! the pilot's widest interval says which share brings that of the hit ratio down to what is wanted: the two-stage
//! procedure of Stein (A two-sample test for a linear hypothesis whose power is independent of the variance, Annals of
//! Mathematical Statistics 16, 1945). How skewed popularity is, how short TTLs and how small caches are is all in the pilot's
//! spread. Shares are powers of two, which keep the steps of a server's hash tables.

use std::sync::Arc;

use super::run::{Failure, run};
use super::sampled::{Extent, SAMPLES};
use super::simulation::{check_scale, replication_seed};
use super::{CellPlan, Progress, Runs};
use crate::catalog::Fault;
use crate::scenario::Scenario;
use crate::score::{Estimate, rates, student_95};
use crate::trace::Trace;
use crate::trace::synth::generate;

/// Half of the 95 % interval of the hit ratio that is wanted.
const ERROR: f64 = 0.01;
/// Requests of a pilot's sample, at least.
const REQUESTS: f64 = 50_000.0;
/// Keys of a pilot's sample, at least.
const KEYS: f64 = 1_000.0;
/// From this share on the samples together are half of the trace or more, and all keys may as well be played.
const ALL: f64 = 0.5 / SAMPLES as f64;

/// Gives the scenario the share of the keys that it needs, or all of them, and the reason; false if it was stopped.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace.
pub fn quick(
    scenario: &mut Scenario,
    cells: &[CellPlan],
    runs: &Runs,
    progress: &dyn Progress,
) -> Result<bool, Fault> {
    let trace = match runs {
        Runs::Recorded(trace) => Arc::clone(trace),
        Runs::Synthetic(workload) => Arc::new(generate(workload, replication_seed(scenario.seed, 0))),
    };
    let rate = match pilot_rate(scenario, cells, &trace) {
        Ok(rate) => rate,
        Err(why) => {
            all(scenario, &why);
            return Ok(true);
        }
    };
    if let Err(fault) = scenario.sample_keys(rate) {
        all(scenario, &fault.what);
        return Ok(true);
    }
    // Several samples of one trace, whatever is repeated later.
    let repeat = std::mem::replace(&mut scenario.repeat, 1);
    let played = run(scenario, cells, &Runs::Recorded(trace), progress);
    scenario.repeat = repeat;
    let mut widest: f64 = 0.0;
    for cell in &played?.cells {
        let hits: Option<Vec<f64>> =
            cell.replications.iter().map(|run| rates::hit(run.as_ref().ok()?)).collect();
        let Some(hits) = hits else {
            if cell.replications.iter().any(|run| matches!(run, Err(Failure::Stopped))) {
                return Ok(false);
            }
            all(scenario, "a pilot gave no hit ratio");
            return Ok(true);
        };
        if let Some(interval) = Estimate::of(&hits).and_then(|hit| hit.interval) {
            widest = widest.max((interval.high - interval.low) / 2.0);
        }
    }
    let replications = match runs {
        Runs::Synthetic(_) if repeat > 1 => repeat as usize,
        _ => SAMPLES,
    };
    // Fewer or more runs than the pilot's, and Student's quantile with them.
    let quantiles = student_95((replications - 1).max(1)) / student_95(SAMPLES - 1);
    let more = (widest / ERROR * quantiles).powi(2) * SAMPLES as f64 / replications as f64;
    let wanted = power_of_two(rate * more.max(1.0));
    let points = |half: f64| format!("± {:.2} pt", half * 100.0);
    let pilot = format!("a pilot with 1/{:.0} of them had an error of {}", 1.0 / rate, points(widest));
    if wanted > ALL {
        all(scenario, &format!("{pilot}, so that no small sample has one of {}", points(ERROR)));
        return Ok(true);
    }
    scenario.sample_keys(wanted)?;
    scenario.sample_chosen = Some(format!(
        "--quick took 1/{:.0} of the keys: {pilot}, errors fall with the root of the share, and {} is wanted.",
        1.0 / wanted,
        points(ERROR)
    ));
    Ok(true)
}

/// The share of a pilot, or why all keys are to be played.
fn pilot_rate(scenario: &Scenario, cells: &[CellPlan], trace: &Arc<Trace>) -> Result<f64, String> {
    let (requests, objects) = (trace.len() as f64, trace.objects().len() as f64);
    let mut rate = power_of_two((REQUESTS / requests.max(1.0)).max(KEYS / objects.max(1.0)));
    let mut why = format!("the trace is small, {requests} requests of {objects} keys");
    let extent = Extent::of(trace);
    while rate <= ALL {
        let refused = cells.iter().find_map(|plan| check_scale(scenario, plan, &extent, rate).err());
        match refused {
            None => return Ok(rate),
            Some(fault) => why = fault.what,
        }
        rate *= 2.0;
    }
    Err(why)
}

/// The least power of two that is not below `rate`.
fn power_of_two(rate: f64) -> f64 {
    rate.log2().ceil().exp2()
}

/// All keys, with the reason in a note.
fn all(scenario: &mut Scenario, why: &str) {
    scenario.play_all_keys();
    scenario.notes.push(format!("--quick took all keys: {why}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Source;
    use crate::tune::grid;

    fn chosen(alpha: f64, rate: u32, more: &str) -> Scenario {
        let text = format!(
            "name = \"t\"\n[workload]\nduration = \"1000s\"\nrate = \"{rate}/s\"\n\
             class = [{{ name = \"a\", objects = 200_000, popularity = {{ model = \"zipf\", alpha = {alpha:?} }} }}]\n\
             [cache]\ncapacity = {{ objects = 20_000 }}\neviction = \"lru\"\n\
             [[strategy]]\nname = \"x\"\nttl = \"none\"\n{more}"
        );
        let mut scenario = Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let runs = Runs::Synthetic(Arc::clone(workload));
        let cells = grid(&scenario);
        assert!(quick(&mut scenario, &cells, &runs, &()).unwrap());
        scenario
    }

    #[test]
    fn a_large_trace_is_sampled_by_a_power_of_two_with_the_reason() {
        let scenario = chosen(0.1, 1_700, "");
        let rate = scenario.sample.expect("popularity that is nearly even needs few keys");
        assert!(rate <= ALL && rate.log2().fract().abs() < 1e-12, "{rate}");
        let why = scenario.sample_chosen.unwrap();
        assert!(why.contains("--quick took 1/") && why.contains("a pilot with 1/32"), "{why}");
        assert_eq!(scenario.effective["sample"].as_float(), Some(rate));
    }

    #[test]
    fn a_small_trace_and_one_that_no_sample_serves_are_played_whole() {
        for (scenario, why) in [
            (chosen(0.6, 100, ""), "the trace is small"),
            (
                chosen(0.6, 1_200, "[gates]\npeak_origin_rate_max = \"9/s\"\n"),
                "peak_origin_rate is not available",
            ),
        ] {
            assert_eq!((scenario.sample, scenario.effective.get("sample")), (None, None));
            assert!(scenario.notes.iter().any(|note| note.contains(why)), "{:?}", scenario.notes);
        }
    }

    #[test]
    fn a_pilot_is_as_large_as_large_values_need() {
        let text = "name = \"t\"\n[workload]\nduration = \"1000s\"\nrate = \"2000/s\"\n\
                    class = [{ name = \"a\", objects = 200_000, share = 0.8, size = { model = \"constant\", value = \"10KiB\" } },\n\
                             { name = \"b\", objects = 2_000, share = 0.2, size = { model = \"constant\", value = \"6MiB\" } }]\n\
                    [cache]\ncapacity = \"1GiB\"\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
                    [[strategy]]\nname = \"x\"\nttl = \"none\"\n";
        let scenario = Scenario::parse(text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let trace = Arc::new(generate(workload, replication_seed(scenario.seed, 0)));
        // 50,000 requests are a fortieth, and ten images of the average size a tenth of that; four videos are a 43rd of 1 GiB.
        let rate = pilot_rate(&scenario, &grid(&scenario), &trace);
        assert_eq!(rate, Ok(1.0 / 32.0));
        let small = text.replace("1GiB", "160MiB");
        let scenario = Scenario::parse(&small, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let why = pilot_rate(&scenario, &grid(&scenario), &trace).unwrap_err();
        assert!(why.contains("room for fewer than 4 of 6 MiB"), "{why}");
    }

    #[test]
    fn powers_of_two_are_never_below() {
        for (rate, power) in [(0.25, 0.25), (0.26, 0.5), (0.001, 1.0 / 512.0)] {
            assert!((power_of_two(rate) - power).abs() < 1e-15);
        }
    }
}
