//! How long fetches take, as far as the scenario's model of it says; models that measure say nothing here.

use crate::catalog::Chosen;
use crate::origin::Setup;
use crate::origin::latency::LatencyModel;

/// A model of how long a fetch takes.
type Latency = Chosen<dyn LatencyModel, Setup>;

/// Mean time of a fetch in seconds.
pub(super) fn mean(latency: &Latency) -> Option<f64> {
    match latency.name() {
        "constant" => Some(latency.duration_of("value")?.as_secs_f64()),
        "exponential" => Some(latency.duration_of("mean")?.as_secs_f64()),
        "lognormal" => {
            let sigma = latency.number_of("sigma")?;
            Some(latency.duration_of("median")?.as_secs_f64() * (sigma * sigma / 2.0).exp())
        }
        _ => None,
    }
}

/// The time that half of the fetches stay within in seconds.
pub(super) fn median(latency: &Latency) -> Option<f64> {
    match latency.name() {
        "exponential" => Some(mean(latency)? * std::f64::consts::LN_2),
        "lognormal" => Some(latency.duration_of("median")?.as_secs_f64()),
        _ => mean(latency),
    }
}

/// The time that 99 % of the fetches stay within in seconds.
pub(super) fn p99(latency: &Latency) -> Option<f64> {
    match latency.name() {
        "exponential" => Some(mean(latency)? * 100.0_f64.ln()),
        "lognormal" => {
            // The 99 % point of the standard normal distribution.
            const Z: f64 = 2.326_347_874;
            Some(latency.duration_of("median")?.as_secs_f64() * (Z * latency.number_of("sigma")?).exp())
        }
        _ => mean(latency),
    }
}
