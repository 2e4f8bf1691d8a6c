//! Plays requests through the crate's own cache: a miss is filled at once.

use std::sync::Arc;

use ttlab::cache::eviction::EVICTIONS;
use ttlab::cache::memory::MEMORIES;
use ttlab::cache::reclaim::RECLAIMS;
use ttlab::cache::{Cache, Capacity, Entry, Lookup, Residency, Setup};
use ttlab::origin::Version;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use ttlab::units::{SimDuration, SimTime, Window};

/// Requests, one every nanosecond, for objects of these sizes.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    pub(crate) objects: Vec<usize>,
    pub(crate) sizes: Vec<u32>,
    /// How long each stored value lives; `None`: for ever.
    pub(crate) ttl: Option<u64>,
}

/// Whether each request was a hit. The cache checks itself now and then.
pub(crate) fn play(policy: &'static str, requests: &Requests, capacity: Capacity) -> Vec<bool> {
    let (mut cache, trace) = cache(policy, requests, capacity);
    let mut hits = Vec::new();
    for (index, request) in trace.requests().enumerate() {
        let hit = matches!(cache.get(request.object, request.at), Lookup::Held(_));
        if !hit {
            let until = requests.ttl.map_or(SimTime::NEVER, |ttl| request.at + SimDuration::from_nanos(ttl));
            let entry =
                Entry { stored_at: request.at, fresh_until: until, expires_at: until, version: Version(0) };
            cache.set(request.object, entry, request.at);
        }
        hits.push(hit);
        if index % 1_000 == 0 || trace.len() < 200 {
            cache.check();
        }
    }
    cache.check();
    hits
}

/// How many of the requests were hits.
pub(crate) fn hits(policy: &'static str, requests: &Requests, capacity: Capacity) -> usize {
    play(policy, requests, capacity).into_iter().filter(|hit| *hit).count()
}

fn cache(policy: &'static str, requests: &Requests, capacity: Capacity) -> (Cache, Arc<Trace>) {
    let fact = |size: &u32| Fact { size: *size, class: ClassId::default(), size_is_imputed: false };
    let facts = requests.sizes.iter().map(fact).collect();
    let objects = Objects::new(facts, Keys::Numbered, vec!["all".to_owned()]);
    let count = objects.len();
    let at = (0..requests.objects.len() as u64).map(SimTime::from_nanos).collect();
    let asked = requests.objects.iter().copied().map(ObjectId::from_index).collect();
    let trace = Arc::new(Trace::new(at, asked, objects, SimDuration::ZERO));
    let setup = Setup { objects: count, capacity, trace: Arc::clone(&trace) };
    let window = Window { from: SimTime::ZERO, until: SimTime::from_nanos(requests.objects.len() as u64) };
    let made = "every part can be made with its defaults";
    let cache = Cache::new(
        trace.shared_objects(),
        capacity,
        EVICTIONS.default_choice(policy).make(&setup).expect(made),
        RECLAIMS.default_choice("lazy").make(&setup).expect(made),
        MEMORIES.default_choice("payload").make(&setup).expect(made),
        Residency::new(window, SimDuration::from_secs(1)),
    );
    (cache, trace)
}
