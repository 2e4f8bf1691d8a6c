//! Claims 14 and 15: what becomes of photos after their upload.

use std::collections::BTreeMap;

use ttlab::metrics::Measurements;
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::trace::{ObjectId, Trace};
use ttlab::units::SimTime;

use crate::ledger::Ledger;
use crate::{hit, support};

const DAY: f64 = 86_400.0;

/// Photos in four sizes, 30 % of the catalogue new every day and asked for less and less.
const SITE: &str = "name = \"claim\"\nseed = 14\n[time]\nwarmup = \"1d\"\n[workload]\nduration = \"4d\"\nrate = \"5/s\"\n\
    [[workload.class]]\nname = \"photo\"\nobjects = 50_000\npopularity = { model = \"zipf\", alpha = 0.7 }\n\
    size = { model = \"constant\", value = \"20KB\" }\nchurn = { new_per_day = 0.3, decay = 0.8, young = \"1h\" }\n\
    renditions = [{ share = 0.4, scale = 0.2 }, { share = 0.3, scale = 1.0 }, { share = 0.2, scale = 0.5 }, { share = 0.1, scale = 3.0 }]\n\
    [origin]\nlatency = { model = \"constant\", value = \"100ms\" }\n\
    [cache]\neviction = \"lru\"\nmemory = \"payload\"\ncapacity = \"200MB\"\n\
    [[strategy]]\nname = \"none\"\nbaseline = true\nttl = { rule = \"fixed\", ttl = \"30d\" }\n\
    [[strategy]]\nname = \"warm\"\nttl = { rule = \"fixed\", ttl = \"30d\" }\n\
    refresh = { policy = \"on-demand\", addons = [{ addon = \"warm-on-upload\", cover = \"new\", renditions = 2 }] }\n";

/// Seconds that a request takes on average.
fn latency(run: &Measurements) -> f64 {
    run.latencies.all.mean() / 1e9
}

#[test]
fn claim_14_prefetching_the_sizes_of_new_photos_buys_hits_with_origin_traffic() {
    let cells = support::run(SITE);
    let (without, with) = (&cells[0][0], &cells[1][0]);
    let more = |of: &dyn Fn(&Measurements) -> f64| 100.0 * (of(with) / of(without) - 1.0);
    let mut ledger = Ledger::new("claim 14");
    ledger.must_lie("fresh hits, % more", "+7.4", more(&hit), 0.5..=f64::INFINITY);
    ledger.must_lie("mean latency, % more", "-6.9", more(&latency), f64::NEG_INFINITY..=-0.5);
    let fetches = |run: &Measurements| run.origin.fetches as f64;
    ledger.must_lie("fetches from the origin, % more", "+4.14", more(&fetches), 0.5..=f64::INFINITY);
    ledger.close();
}

/// How fast the requests for an uploaded photo fall with its age: the exponent between ages of one and of a
/// hundred days, by least squares over bins that double.
fn exponent(trace: &Trace) -> f64 {
    let span = trace.span().as_secs_f64();
    let born: BTreeMap<ObjectId, SimTime> =
        trace.objects().uploads().iter().map(|(at, o)| (*o, *at)).collect();
    let bounds: Vec<f64> = (0..=6).map(|power| DAY * 1.5 * 2.0_f64.powi(power)).collect();
    let bin = |age: f64| bounds.windows(2).position(|ends| ends[0] <= age && age < ends[1]);
    let (mut asked, mut watched) = (vec![0.0; bounds.len() - 1], vec![0.0; bounds.len() - 1]);
    trace.each(|at, object| {
        if let Some(bin) = born.get(&object).and_then(|born| bin(at.since(*born).as_secs_f64())) {
            asked[bin] += 1.0;
        }
    });
    for at in born.values() {
        let oldest = span - at.since(SimTime::ZERO).as_secs_f64();
        for (bin, ends) in bounds.windows(2).enumerate() {
            watched[bin] += (oldest.min(ends[1]) - ends[0]).max(0.0);
        }
    }
    let points: Vec<(f64, f64)> = bounds
        .windows(2)
        .zip(asked.iter().zip(&watched))
        .map(|(ends, (asked, watched))| ((ends[0] * ends[1]).sqrt().ln(), (asked / watched).ln()))
        .collect();
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
    -mean(&|point| (point.0 - x) * (point.1 - y)) / mean(&|point| (point.0 - x).powi(2))
}

#[test]
fn claim_15_requests_for_a_photo_fall_by_a_power_of_its_age_and_for_a_profile_picture_do_not() {
    let trace = |decay: f64| {
        let text = format!(
            "name = \"claim\"\nseed = 15\n[workload]\nduration = \"200d\"\nrate = \"0.3/s\"\n\
             [[workload.class]]\nname = \"photo\"\nobjects = 20_000\npopularity = \"uniform\"\n\
             churn = {{ new_per_day = 0.005, decay = {decay} }}\n\
             [[strategy]]\nname = \"any\"\nttl = \"none\"\n"
        );
        let scenario = Scenario::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        generate(workload, Seed::new(15))
    };
    let mut ledger = Ledger::new("claim 15");
    let photos = exponent(&trace(0.8));
    ledger.must_lie("photos: exponent of the fall with age", "0.7 to 0.9", photos, 0.7..=0.9);
    ledger.must_lie(
        "photos: requests at 2 days over those at 100",
        "10 and more",
        50_f64.powf(photos),
        10.0..=40.0,
    );
    ledger.must_lie("profile pictures: exponent", "0", exponent(&trace(0.0)), -0.1..=0.1);
    ledger.close();
}
