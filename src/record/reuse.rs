//! How soon images are asked for again, and how old they are by then: which TTL could have caught a request.

use super::wire::Reuse;
use crate::trace::Trace;
use crate::units::{SimDuration, SimTime};

/// Upper edges of the steps but the last, in seconds: 1 s, 10 s, 1 min, 10 min, 1 h, 6 h, 1 d, 7 d.
const EDGES_S: [u32; 8] = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800];

/// Counts the requests of a trace by the time since the one before for the same object, and since its first.
pub fn reuse(trace: &Trace) -> Reuse {
    let mut seen = vec![(SimTime::NEVER, SimTime::NEVER); trace.objects().len()];
    let mut first_requests = 0;
    let mut requests = vec![vec![0_u64; EDGES_S.len() + 1]; EDGES_S.len() + 1];
    trace.each(|at, object| {
        let (first, last) = &mut seen[object.index()];
        if *first == SimTime::NEVER {
            *first = at;
            first_requests += 1;
        } else {
            requests[step(at.since(*last))][step(at.since(*first))] += 1;
        }
        *last = at;
    });
    Reuse { edges_s: EDGES_S.map(f64::from).to_vec(), first_requests, requests }
}

/// The step that a span lies in; an edge belongs to the step below it, as a value is still fresh at the end of its TTL.
fn step(span: SimDuration) -> usize {
    EDGES_S.partition_point(|edge| SimDuration::from_secs(u64::from(*edge)) < span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{ClassId, Fact, Keys, ObjectId, Objects};

    #[test]
    fn requests_are_counted_by_gap_and_age() {
        let fact = Fact { size: 1, class: ClassId::new(0), size_is_imputed: false };
        let objects = Objects::new(vec![fact; 2], Keys::Numbered, vec!["all".into()]);
        let requests = [(0, 0), (5, 1), (60, 0), (61, 0), (4_000, 0), (4_000, 1)];
        let times = requests.map(|(at, _)| SimTime::ZERO + SimDuration::from_secs(at)).to_vec();
        let ids = requests.map(|(_, object)| ObjectId::new(object)).to_vec();
        let reuse = reuse(&Trace::new(times, ids, objects, SimDuration::from_secs(4_000)));
        assert_eq!(reuse.first_requests, 2);
        // A minute after a minute, a second after 61 seconds, and after about an hour twice.
        let mut expected = vec![vec![0; 9]; 9];
        (expected[2][2], expected[0][3], expected[5][5]) = (1, 1, 2);
        assert_eq!(reuse.requests, expected);
    }
}
