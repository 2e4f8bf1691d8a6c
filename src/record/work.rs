//! How long the server of a live run itself worked, written down.

use super::wire::{ServerWork, SlowestWork, WorkSeries};
use crate::live::{Calls, LiveCell, Slowest, Worked};

/// What a cell's server told; `None` where it told nothing.
pub(super) fn server_work(cell: &LiveCell) -> Option<ServerWork> {
    let served = cell.pace.as_ref()?.served.filter(|_| !cell.worked.is_empty())?;
    Some(ServerWork {
        get_mean_ms: served.get_mean_s.map(millis),
        set_mean_ms: served.set_mean_s.map(millis),
        get_p99_ms: served.get_p99_s.map(millis),
        slowest: served.slowest.map(|Slowest { from_s, until_s, get_mean_s, set_mean_s }| SlowestWork {
            from_s,
            until_s,
            get_mean_ms: millis(get_mean_s),
            set_mean_ms: set_mean_s.map(millis),
        }),
        series: series(&cell.worked),
    })
}

fn series(worked: &[Worked]) -> WorkSeries {
    let calls = |of: fn(&Worked) -> Option<Calls>| worked.iter().map(move |one| of(one).map(|did| did.calls));
    let mean_ms =
        |of: fn(&Worked) -> Option<Calls>| worked.iter().map(move |one| of(one)?.mean_s().map(millis));
    WorkSeries {
        until_s: worked.iter().map(|one| one.until_s).collect(),
        get: calls(|one| one.get).collect(),
        get_mean_ms: mean_ms(|one| one.get).collect(),
        set: calls(|one| one.set).collect(),
        set_mean_ms: mean_ms(|one| one.set).collect(),
        get_p99_ms: worked.iter().map(|one| one.get_p99_s.map(millis)).collect(),
    }
}

fn millis(seconds: f64) -> f64 {
    seconds * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null_and_what_did_not_happen_is_none() {
        let one = |until_s, get, get_p99_s| Worked {
            from_s: until_s - 1.0,
            until_s,
            get,
            set: Some(Calls::default()),
            get_p99_s,
        };
        let calls = Some(Calls { calls: 4, micros: 10 });
        let series = series(&[one(1.0, calls, Some(5e-6)), one(2.0, None, None)]);
        assert_eq!((series.until_s, series.get), (vec![1.0, 2.0], vec![Some(4), None]));
        let near = |told: &[Option<f64>]| {
            told.iter().map(|told| told.map(|ms| (ms * 1e6).round())).collect::<Vec<_>>()
        };
        assert_eq!(near(&series.get_mean_ms), [Some(2_500.0), None]);
        assert_eq!(near(&series.get_p99_ms), [Some(5_000.0), None]);
        assert_eq!((series.set, series.set_mean_ms), (vec![Some(0); 2], vec![None; 2]));
    }
}
