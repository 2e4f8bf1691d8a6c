//! A part of a trace that keeps its reuse: all requests of some keys, none of the others.
//!
//! A key is kept where its hash lies below the rate, which is the spatial sampling of SHARDS (Waldspurger
//! and others, FAST 2015). A cache of `rate` times the size then behaves as the whole one. What remains
//! is the chance of which hot keys are kept: it shows as a number of requests that is not `rate` times
//! that of the trace, and [`Sampler::adjusted`] takes it out of a hit ratio.

use crate::random::Seed;
use crate::trace::{ObjectId, Trace};

/// Keeps a part of all keys.
#[derive(Debug, Clone, Copy)]
pub struct Sampler {
    rate: f64,
    seed: Seed,
}

impl Sampler {
    /// Keeps about `rate` (0 to 1) of all keys; another seed keeps others.
    pub fn new(rate: f64, seed: Seed) -> Self {
        Self { rate, seed: seed.of("trace/sample") }
    }

    /// Whether the key is kept; the same for every request, file and run.
    pub fn keeps(&self, key: &str) -> bool {
        self.seed.of(key).unit(0, 0) < self.rate
    }

    /// The requests of the keys that are kept, at the times they have.
    pub fn of(&self, trace: &Trace) -> Trace {
        let objects = trace.objects();
        let mut key = String::new();
        let kept = (0..objects.len()).map(ObjectId::from_index).filter(|object| {
            key.clear();
            objects.write_key(*object, &mut key);
            self.keeps(&key)
        });
        let kept: Vec<ObjectId> = kept.collect();
        trace.only(&kept)
    }

    /// The hit ratio of the whole trace of `requests` from that of the sample, where `hits` of `sampled`
    /// requests were hits: requests that the sample has too many or too few are those of hot keys, which
    /// are hits in any cache (the adjustment of SHARDS). `None` without requests.
    pub fn adjusted(&self, hits: u64, sampled: u64, requests: u64) -> Option<f64> {
        let whole = hits as f64 / self.rate + lacking(self.rate, sampled, requests);
        (self.rate * requests as f64 > 0.0).then(|| (whole / requests as f64).clamp(0.0, 1.0))
    }
}

/// How many of `requests` in all a sample of a share `rate` of the keys lacks, when its `sampled` requests stand for
/// `sampled / rate`; negative where it has too many. They are those of hot keys, and so hits in any cache.
pub fn lacking(rate: f64, sampled: u64, requests: u64) -> f64 {
    requests as f64 - sampled as f64 / rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_keys_are_kept_as_the_rate_says_and_a_higher_rate_keeps_them_too() {
        let keys: Vec<String> = (0..100_000).map(|i| format!("/media/{i}.jpg")).collect();
        let few = Sampler::new(0.1, Seed::new(1));
        let many = Sampler::new(0.3, Seed::new(1));
        let kept = keys.iter().filter(|key| few.keeps(key)).count();
        // Binomial: the standard deviation is sqrt(n p q), about 95.
        assert!((kept as f64 - 10_000.0).abs() < 4.0 * 95.0, "{kept}");
        assert!(keys.iter().filter(|key| few.keeps(key)).all(|key| many.keeps(key)));
        let other = Sampler::new(0.1, Seed::new(2));
        assert!(keys.iter().any(|key| few.keeps(key) != other.keeps(key)));
    }

    #[test]
    fn a_sampled_trace_keeps_all_that_is_told_of_its_keys_and_nothing_of_others() {
        use crate::trace::{ClassId, Event, Fact, Happening, Keys, Objects, Ttls};
        use crate::units::{SimDuration, SimTime};
        let mut keys = Keys::recorded();
        let fact = |size| Fact { size, class: ClassId::new(0), size_is_imputed: false };
        (0..40).for_each(|nth| keys.push(&format!("/{nth}")));
        let objects = Objects::new((0..40).map(fact).collect(), keys, vec!["all".to_owned()]);
        let ids: Vec<ObjectId> = (0..200_u32).map(|nth| ObjectId::new(nth * 7 % 40)).collect();
        let times: Vec<SimTime> = (0..200).map(SimTime::from_nanos).collect();
        let events = (0..40_u32).map(|nth| Event {
            at: SimTime::from_nanos(u64::from(nth) * 5),
            object: ObjectId::new(nth),
            what: Happening::Deleted,
            before: nth as usize * 5,
        });
        let ttls =
            (0..40_u32).map(|nth| (ObjectId::new(nth), SimTime::ZERO, SimDuration::from_secs(nth.into())));
        let trace = Trace::new(times, ids, objects, SimDuration::ZERO)
            .with_events(events.collect())
            .with_ttls(Ttls::new(40, ttls.collect()));
        let sampler = Sampler::new(0.4, Seed::new(3));
        let sampled = sampler.of(&trace);
        let named = |trace: &Trace| -> Vec<(SimTime, String)> {
            trace.requests().map(|r| (r.at, trace.objects().key(r.object))).collect()
        };
        let mut want = named(&trace);
        want.retain(|(_, key)| sampler.keeps(key));
        assert!(!want.is_empty() && want.len() < 200);
        assert_eq!(named(&sampled), want);
        let kept = sampled.objects().len();
        assert_eq!((sampled.events().len(), sampled.ttls().map(Ttls::objects)), (kept, Some(kept)));
        for event in sampled.events() {
            let key = sampled.objects().key(event.object);
            let nth: u64 = key[1..].parse().unwrap();
            assert_eq!(event.at, SimTime::from_nanos(nth * 5));
            assert_eq!(event.before, want.iter().filter(|(at, _)| *at < event.at).count());
            let ttl = sampled.ttls().and_then(|ttls| ttls.at(event.object, event.at));
            assert_eq!(ttl, Some(SimDuration::from_secs(nth)));
            assert_eq!(u64::from(sampled.objects().size(event.object)), nth);
        }
    }

    #[test]
    fn missing_requests_count_as_hits() {
        let sampler = Sampler::new(0.1, Seed::new(1));
        assert_eq!(sampler.adjusted(50, 90, 1_000), Some(0.6));
        assert_eq!(sampler.adjusted(0, 0, 0), None);
    }
}
