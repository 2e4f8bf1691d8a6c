//! How long fetches take, as far as the scenario's model of it or the recording says.

use crate::catalog::Chosen;
use crate::origin::Setup;
use crate::origin::latency::LatencyModel;
use crate::trace::Trace;
use crate::units::SimDuration;

/// A model of how long a fetch takes.
type Latency = Chosen<dyn LatencyModel, Setup>;

/// How long fetches take, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FetchTime {
    /// On average.
    pub(super) mean: f64,
    /// What half of them stay within.
    pub(super) median: f64,
    /// What 99 % of them stay within.
    pub(super) p99: f64,
}

impl FetchTime {
    fn constant(time: f64) -> Self {
        Self { mean: time, median: time, p99: time }
    }

    fn exponential(mean: f64) -> Self {
        Self { mean, median: mean * std::f64::consts::LN_2, p99: mean * 100.0_f64.ln() }
    }

    fn lognormal(median: f64, sigma: f64) -> Self {
        // The 99 % point of the standard normal distribution.
        const Z: f64 = 2.326_347_874;
        Self { mean: median * (sigma * sigma / 2.0).exp(), median, p99: median * (Z * sigma).exp() }
    }
}

/// What the model says; of one with a part by the image's size the rest, so that no fetch takes less. `None` for a model
/// that measures.
pub(super) fn modelled(latency: &Latency) -> Option<FetchTime> {
    let seconds = |param| latency.duration_of(param).map(SimDuration::as_secs_f64);
    Some(match latency.name() {
        "constant" => FetchTime::constant(seconds("value")?),
        "exponential" => FetchTime::exponential(seconds("mean")?),
        "lognormal" | "by-megapixels" => {
            FetchTime::lognormal(seconds("median")?, latency.number_of("sigma")?)
        }
        _ => return None,
    })
}

/// What a recording measured, for the model that plays it; `None` for the other models, and where nothing was measured.
pub(super) fn recorded(latency: &Latency, trace: &Trace) -> Option<FetchTime> {
    let times = trace.origin_times().filter(|times| latency.name() == "trace" && !times.is_empty())?;
    let mut sorted = times.to_vec();
    let mut at = |place: usize| sorted.select_nth_unstable(place.min(times.len() - 1)).1.as_secs_f64();
    let (median, p99) = (at(times.len() / 2), at((times.len() * 99).div_ceil(100).saturating_sub(1)));
    let mean = times.iter().map(|time| time.as_secs_f64()).sum::<f64>() / times.len() as f64;
    Some(FetchTime { mean, median, p99 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::latency::LATENCIES;
    use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects};
    use crate::units::SimTime;

    #[test]
    fn a_part_that_grows_with_the_image_comes_on_top() {
        let of = |name| modelled(&LATENCIES.default_choice(name)).expect("the model says it");
        let (bare, with_pixels) = (of("lognormal"), of("by-megapixels"));
        assert_eq!(bare, with_pixels, "both are made of the same lognormal part");
        assert!((bare.median - 0.12).abs() < 1e-9 && bare.p99 > 0.7, "{bare:?}");
        assert_eq!(modelled(&LATENCIES.default_choice("trace")), None);
    }

    #[test]
    fn recorded_times_are_those_of_the_requests() {
        let facts = vec![Fact { size: 1, class: ClassId::default(), size_is_imputed: false }];
        let objects = Objects::new(facts, Keys::Numbered, vec!["a".into()]);
        let trace =
            Trace::new(vec![SimTime::ZERO; 200], vec![ObjectId::new(0); 200], objects, SimDuration::ZERO);
        let latency = LATENCIES.default_choice("trace");
        assert_eq!(recorded(&latency, &trace), None, "nothing was measured");
        // 1 ms to 200 ms, in no order.
        let times = (0..200).map(|n| SimDuration::from_millis(n * 7 % 200 + 1)).collect();
        let trace = trace.with_origin_times(times);
        let time = recorded(&latency, &trace).expect("times are recorded");
        assert!((time.mean - 0.1005).abs() < 1e-9 && (time.median - 0.101).abs() < 1e-9, "{time:?}");
        assert!((time.p99 - 0.198).abs() < 1e-9, "{time:?}");
        assert_eq!(recorded(&LATENCIES.default_choice("lognormal"), &trace), None);
    }
}
