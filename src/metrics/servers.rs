//! How busy the servers of an origin were and who queued for them, bucket by bucket.

use super::Bucket;
use crate::origin::Fetch;
use crate::units::{SimDuration, SimTime};

/// Records what an origin of so many servers did until the end of the run, warm-up included.
#[derive(Debug)]
pub(super) struct ServerRecorder {
    servers: u32,
    until: SimTime,
    length: SimDuration,
    buckets: Vec<Load>,
}

/// What lies in one bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    /// Time of all servers spent on fetches.
    busy_ns: u128,
    /// Time of all fetches spent in the queue.
    queued_ns: u128,
    /// Longest wait for a server among the fetches asked for in it.
    longest_wait: SimDuration,
}

impl ServerRecorder {
    pub(super) fn new(servers: u32, until: SimTime, length: SimDuration, buckets: usize) -> Self {
        Self { servers, until, length, buckets: vec![Load::default(); buckets] }
    }

    /// A fetch that a server had taken up is over.
    pub(super) fn served(&mut self, fetch: &Fetch) {
        self.spread(fetch.started, fetch.done, |load, nanos| load.busy_ns += nanos);
        if fetch.started > fetch.asked {
            self.spread(fetch.asked, fetch.started, |load, nanos| load.queued_ns += nanos);
            if fetch.asked <= self.until {
                let place = self.place(fetch.asked);
                let longest = &mut self.buckets[place].longest_wait;
                *longest = (*longest).max(fetch.started.since(fetch.asked));
            }
        }
    }

    /// Closes the books.
    pub(super) fn finish(self, buckets: &mut [Bucket]) {
        for (index, (bucket, load)) in buckets.iter_mut().zip(&self.buckets).enumerate() {
            let (begin, end) = self.bounds(index);
            let span = end.since(begin).as_nanos() as f64;
            let share = |nanos: u128| if span > 0.0 { nanos as f64 / span } else { 0.0 };
            bucket.utilisation = Some(share(load.busy_ns) / f64::from(self.servers));
            bucket.queue_mean = share(load.queued_ns);
            bucket.longest_queue_wait = load.longest_wait;
        }
    }

    /// Adds the stretch between two instants to the buckets that it lies in.
    fn spread(&mut self, start: SimTime, end: SimTime, mut add: impl FnMut(&mut Load, u128)) {
        let end = end.min(self.until);
        if start >= end {
            return;
        }
        for place in self.place(start)..=self.place(end) {
            let (from, to) = self.bounds(place);
            add(&mut self.buckets[place], u128::from(end.min(to).since(start.max(from)).as_nanos()));
        }
    }

    /// The bucket of an instant; the end of the run belongs to the last one.
    fn place(&self, at: SimTime) -> usize {
        at.bucket(self.length).min(self.buckets.len() - 1)
    }

    /// When a bucket begins and ends.
    fn bounds(&self, place: usize) -> (SimTime, SimTime) {
        let begin = SimTime::from_nanos(place as u64 * self.length.as_nanos());
        (begin, (begin + self.length).min(self.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{Answer, Version};

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn fetch(asked: u64, started: u64, done: u64) -> Fetch {
        let answer = Answer::Value;
        Fetch { asked: at(asked), started: at(started), done: at(done), version: Version(0), answer }
    }

    /// Two servers, buckets of ten seconds, a run of 25.
    fn told(fetches: &[Fetch]) -> Vec<Bucket> {
        let mut recorder = ServerRecorder::new(2, at(25), SimDuration::from_secs(10), 3);
        fetches.iter().for_each(|fetch| recorder.served(fetch));
        let mut buckets = vec![Bucket::default(); 3];
        recorder.finish(&mut buckets);
        buckets
    }

    #[test]
    fn work_and_waiting_are_shared_out_over_the_buckets_they_lie_in() {
        let buckets = told(&[fetch(2, 2, 12), fetch(4, 9, 24)]);
        let utilisation: Vec<f64> = buckets.iter().map(|bucket| bucket.utilisation.unwrap()).collect();
        // Eight and one of twenty seconds; two and ten; none and four of the ten that two servers have in five seconds.
        assert_eq!(utilisation, [9.0 / 20.0, 12.0 / 20.0, 4.0 / 10.0]);
        let queue: Vec<f64> = buckets.iter().map(|bucket| bucket.queue_mean).collect();
        assert_eq!(queue, [0.5, 0.0, 0.0]);
        assert_eq!(buckets[0].longest_queue_wait, SimDuration::from_secs(5));
        assert_eq!(buckets[1].longest_queue_wait, SimDuration::ZERO);
    }

    #[test]
    fn what_comes_after_the_end_of_the_run_is_not_counted() {
        let buckets = told(&[fetch(24, 30, 40), fetch(26, 27, 28)]);
        assert_eq!(buckets[2].utilisation, Some(0.0));
        assert!((buckets[2].queue_mean - 0.2).abs() < 1e-12, "one second of five");
        assert_eq!(buckets[2].longest_queue_wait, SimDuration::from_secs(6));
    }
}
