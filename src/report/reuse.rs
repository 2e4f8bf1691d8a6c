//! How soon images are asked for again, as shares of all requests.

use super::format;
use crate::record::Record;

/// Requests by step of the time since the one before for the same image, and of the time since its first.
#[derive(Debug, PartialEq)]
pub(crate) struct Reuse {
    /// Names of the steps that occur and those below them: `up to 1 s`, `1 s to 10 s`.
    pub(crate) steps: Vec<String>,
    /// The upper edges of these steps: `1 s`, and `more` for the last one of all.
    pub(crate) edges: Vec<String>,
    /// Share of all requests, by gap and within it by age.
    pub(crate) shares: Vec<Vec<f64>>,
    /// Share of requests that were the first for their image.
    pub(crate) first: f64,
}

impl Reuse {
    /// Share of requests with a gap up to the end of a step.
    pub(crate) fn within(&self, step: usize) -> f64 {
        self.shares.iter().take(step + 1).flatten().sum()
    }
}

/// What a record tells of reuse; `None` where no image was asked for twice.
pub(crate) fn of(record: &Record) -> Option<Reuse> {
    let told = record.trace.reuse.as_ref()?;
    let again: u64 = told.requests.iter().flatten().sum();
    if again == 0 {
        return None;
    }
    let all = (again + told.first_requests) as f64;
    let occurs = |step: usize| {
        told.requests.iter().any(|row| row.get(step).is_some_and(|count| *count > 0))
            || told.requests.get(step).is_some_and(|row| row.iter().any(|count| *count > 0))
    };
    let steps = (0..told.requests.len()).rev().find(|step| occurs(*step)).map_or(0, |last| last + 1);
    let name = |step: usize| {
        let edge = |at: usize| told.edges_s.get(at).map(|edge| format::duration(*edge));
        match (step.checked_sub(1).and_then(edge), edge(step)) {
            (None, Some(to)) => format!("up to {to}"),
            (Some(from), Some(to)) => format!("{from} to {to}"),
            (from, None) => format!("over {}", from.unwrap_or_default()),
        }
    };
    let edge = |step: usize| told.edges_s.get(step).map_or("more".into(), |edge| format::duration(*edge));
    let row = |row: &Vec<u64>| row.iter().take(steps).map(|count| *count as f64 / all).collect();
    Some(Reuse {
        steps: (0..steps).map(name).collect(),
        edges: (0..steps).map(edge).collect(),
        shares: told.requests.iter().take(steps).map(row).collect(),
        first: told.first_requests as f64 / all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;
    use crate::report::fixture;

    #[test]
    fn steps_that_never_occur_are_left_out_at_the_end() {
        let mut record = fixture::thumbnails();
        record.trace.reuse = Some(record::Reuse {
            edges_s: vec![1.0, 60.0, 3_600.0],
            first_requests: 5,
            requests: vec![vec![1, 2, 0, 0], vec![0, 2, 0, 0], vec![0; 4], vec![0; 4]],
        });
        let reuse = of(&record).unwrap();
        assert_eq!(reuse.steps, ["up to 1 s", "1 s to 1 min"]);
        assert_eq!(reuse.edges, ["1 s", "1 min"]);
        assert_eq!(reuse.shares, [[0.1, 0.2], [0.0, 0.2]]);
        assert!((reuse.within(0) - 0.3).abs() < 1e-12 && (reuse.within(1) - 0.5).abs() < 1e-12);
        record.trace.reuse.as_mut().unwrap().requests = vec![vec![0; 4]; 4];
        assert_eq!(of(&record), None, "nothing was asked for twice");
    }
}
