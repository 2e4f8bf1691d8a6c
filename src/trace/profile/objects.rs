//! Objects: how many, how concentrated the requests are on them, how large they are, class by class.

use serde::Serialize;

use super::quantile::Spread;
use super::share;
use super::tallied::Tallied;
use crate::trace::Trace;
use crate::trace::import::Provenance;

/// Requests and objects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectProfile {
    /// Number of requests.
    pub requests: u64,
    /// Number of different objects.
    pub objects: u64,
    /// No cache that begins empty can do better: 1 - objects / requests.
    pub best_hit_ratio: Option<f64>,
    /// The rest: first requests, which no cache can answer, as a share of all requests.
    pub compulsory_miss_ratio: Option<f64>,
    /// Objects that are asked for once.
    pub one_hit_objects: u64,
    /// Their share of all objects.
    pub one_hit_share_of_objects: Option<f64>,
    /// Their share of all requests.
    pub one_hit_share_of_requests: Option<f64>,
    /// Share of requests for the most popular object.
    pub top_1: Option<f64>,
    /// Share of requests for the ten most popular objects.
    pub top_10: Option<f64>,
    /// Share of requests for the most popular 1 % of objects (rounded up).
    pub top_1_percent: Option<f64>,
    /// Share of requests for the most popular 10 % of objects (rounded up).
    pub top_10_percent: Option<f64>,
}

/// Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizeProfile {
    /// Of objects whose size is recorded.
    pub per_object: Spread,
    /// Of the objects behind all requests.
    pub per_request: Spread,
    /// Points of the distribution over objects: bytes, and the share that is no larger.
    pub curve: Vec<(f64, f64)>,
    /// The same over requests.
    pub request_curve: Vec<(f64, f64)>,
    /// Objects whose size is recorded.
    pub known_objects: u64,
    /// Sum of the sizes of these.
    pub known_bytes: u64,
    /// Sum of the sizes of all objects, assumed ones included.
    pub unique_bytes: u64,
    /// Sum of the objects' sizes over all requests.
    pub requested_bytes: u64,
    /// Objects with several recorded sizes.
    pub objects_with_several_sizes: u64,
    /// Objects whose size is assumed.
    pub imputed_objects: u64,
    /// Share of requests for these.
    pub imputed_share_of_requests: Option<f64>,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassProfile {
    /// Name of the class.
    pub name: String,
    /// Number of objects in it.
    pub objects: u64,
    /// Requests for them.
    pub requests: u64,
    /// Share of all requests.
    pub share_of_requests: Option<f64>,
    /// Sum of the sizes of its objects.
    pub bytes: u64,
    /// Sizes of its objects, assumed ones included.
    pub sizes: Spread,
    /// 1 - objects / requests.
    pub best_hit_ratio: Option<f64>,
}

fn best_hit_ratio(requests: u64, objects: u64) -> Option<f64> {
    share(requests.saturating_sub(objects), requests)
}

pub(super) fn objects(counts: &[u64]) -> ObjectProfile {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let requests: u64 = sorted.iter().sum();
    let objects = sorted.len() as u64;
    let one_hit_objects = sorted.iter().filter(|count| **count == 1).count() as u64;
    let top = |count: usize| share(sorted.iter().take(count).sum(), requests);
    ObjectProfile {
        requests,
        objects,
        best_hit_ratio: best_hit_ratio(requests, objects),
        compulsory_miss_ratio: share(objects, requests),
        one_hit_objects,
        one_hit_share_of_objects: share(one_hit_objects, objects),
        one_hit_share_of_requests: share(one_hit_objects, requests),
        top_1: top(1),
        top_10: top(10),
        top_1_percent: top(sorted.len().div_ceil(100)),
        top_10_percent: top(sorted.len().div_ceil(10)),
    }
}

pub(super) fn sizes(trace: &Trace, counts: &[u64], provenance: &Provenance) -> SizeProfile {
    let facts = trace.objects().facts();
    let known: Vec<u64> =
        facts.iter().filter(|fact| !fact.size_is_imputed).map(|fact| u64::from(fact.size)).collect();
    let requested_bytes = facts.iter().zip(counts).map(|(fact, count)| u64::from(fact.size) * count).sum();
    let requests: u64 = counts.iter().sum();
    let mut by_request: Vec<(u64, u64)> =
        facts.iter().zip(counts).map(|(fact, count)| (u64::from(fact.size), *count)).collect();
    by_request.sort_unstable();
    let mean = (requests > 0).then(|| requested_bytes as f64 / requests as f64);
    let per_request = Spread::of_counted(&by_request, mean, 1.0);
    let mut tallied = Tallied::new();
    known.iter().for_each(|size| tallied.record(*size));
    let curve = tallied.curve(1.0);
    let mut tallied = Tallied::new();
    by_request.iter().for_each(|(size, count)| tallied.record_many(*size, *count));
    SizeProfile {
        known_objects: known.len() as u64,
        known_bytes: known.iter().sum(),
        unique_bytes: trace.objects().total_bytes(),
        requested_bytes,
        per_object: Spread::of(known, 1.0),
        per_request,
        curve,
        request_curve: tallied.curve(1.0),
        objects_with_several_sizes: provenance.objects_with_several_sizes,
        imputed_objects: provenance.imputed_objects,
        imputed_share_of_requests: provenance.imputed_share(),
    }
}

pub(super) fn classes(trace: &Trace, counts: &[u64]) -> Vec<ClassProfile> {
    let facts = trace.objects().facts();
    let mut sizes: Vec<Vec<u64>> = vec![Vec::new(); trace.objects().classes().len()];
    let mut requests = vec![0_u64; sizes.len()];
    for (fact, count) in facts.iter().zip(counts) {
        sizes[fact.class.index()].push(u64::from(fact.size));
        requests[fact.class.index()] += count;
    }
    let all = trace.len() as u64;
    let parts = trace.objects().classes().iter().zip(sizes.into_iter().zip(requests));
    parts
        .map(|(name, (sizes, requests))| ClassProfile {
            name: name.clone(),
            objects: sizes.len() as u64,
            requests,
            share_of_requests: share(requests, all),
            bytes: sizes.iter().sum(),
            best_hit_ratio: best_hit_ratio(requests, sizes.len() as u64),
            sizes: Spread::of(sizes, 1.0),
        })
        .collect()
}
