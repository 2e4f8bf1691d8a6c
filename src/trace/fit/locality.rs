//! How soon requests repeat others: what independent draws of the same popularity lack.

use super::Measured;
use super::distance::LruCurve;
use super::popularity::Turnover;
use crate::catalog::Plugin;
use crate::random::Seed;
use crate::trace::synth::popularity::empirical::{Empirical, Params};
use crate::trace::synth::size::constant;
use crate::trace::synth::{Block, Class, Generator, Repeats, Setup, Workload, arrival};
use crate::trace::{ObjectId, Trace};
use crate::units::{ByteSize, Rate, SimDuration};

/// As many requests, from the begin of the trace, are compared at most.
const COMPARED: usize = 300_000;
/// Shares of repeats that are tried.
const SHARES: [f64; 9] = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
/// An improvement of LRU's curve by less is not worth a setting.
const WORTH: f64 = 0.003;

/// How LRU's curve over a made trace stands to that of the trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// How many requests were compared, from the begin of the trace.
    pub(super) requests: usize,
    /// Mean absolute difference of the hit ratio over sizes of the cache, evenly spread over their logarithm, as the
    /// share of what is asked for again.
    pub(super) error: f64,
}

/// The repeats that bring LRU's curve over a made trace closest to that of the trace, and the difference that is left.
/// Made are requests one by one, without pages and at one rate, for neither is a matter of LRU's order.
pub(super) fn repeats(trace: &Trace, classes: &[Measured]) -> (Option<Repeats>, Comparison) {
    let requests = begin(trace);
    let goal = LruCurve::of(&requests, trace.objects().len());
    let sizes = sizes(&requests, trace.objects().len());
    let error = |repeats: Option<Repeats>| {
        let made = made(trace, classes, repeats, requests.len());
        let count = made.iter().map(|object| object.index() + 1).max().unwrap_or(0);
        let curve = LruCurve::of(&made, count);
        // Of what is asked for again: how many objects are new depends on how much of the trace is compared.
        let again = |curve: &LruCurve, size: usize| curve.hit_ratio(size) / curve.best().max(1e-12);
        let differences = sizes.iter().map(|size| (again(&curve, *size) - again(&goal, *size)).abs());
        differences.sum::<f64>() / sizes.len() as f64 * goal.best()
    };
    let alone = error(None);
    let mut best = (None, alone);
    let widest = trace.objects().len().saturating_mul(20).clamp(10, 1_000_000);
    let mut within = 10;
    while within <= widest {
        for share in SHARES {
            let repeats = Repeats { share, within: u32::try_from(within).unwrap_or(u32::MAX) };
            let left = error(Some(repeats));
            if left < best.1 {
                best = (Some(repeats), left);
            }
        }
        within *= 3;
    }
    let (repeats, error) = if alone - best.1 < WORTH { (None, alone) } else { best };
    (repeats, Comparison { requests: requests.len(), error })
}

/// The first requests of a trace, as many as are compared.
fn begin(trace: &Trace) -> Vec<ObjectId> {
    let mut requests = Vec::with_capacity(trace.len().min(COMPARED));
    let mut blocks = trace.blocks();
    while requests.len() < COMPARED
        && let Some(block) = blocks.next_block().expect("the file of a spooled trace can be read")
    {
        requests.extend_from_slice(block.objects);
    }
    requests.truncate(COMPARED);
    requests
}

/// Sizes of a cache in objects, evenly spread over their logarithm.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a number of objects")]
pub(super) fn sizes(requests: &[ObjectId], objects: usize) -> Vec<usize> {
    let mut asked = vec![false; objects];
    requests.iter().for_each(|object| asked[object.index()] = true);
    let most = asked.iter().filter(|asked| **asked).count() as f64;
    let mut sizes: Vec<usize> =
        (0..=24).map(|step| most.powf(f64::from(step) / 24.0).round() as usize).collect();
    sizes.dedup();
    sizes
}

/// As many requests of the workload that the classes amount to.
fn made(trace: &Trace, classes: &[Measured], repeats: Option<Repeats>, count: usize) -> Vec<ObjectId> {
    let repeated = repeats.map_or(0.0, |repeats| repeats.share);
    let constant = constant::Params { value: ByteSize::from_bytes(1) };
    let class = |class: &Measured| {
        let turnover = Turnover::of(class, repeated);
        let weights = class.again.iter().map(|count| (*count as f64, 1.0));
        let table: Vec<(f64, f64)> = weights.chain((class.again.is_empty()).then_some((1.0, 1.0))).collect();
        let popularity =
            Empirical::new(&Params { path: String::new(), table: Some(table) }, &Setup::default());
        let size = constant::Constant::new(&constant, &Setup::default());
        let mut made = Class::steady(
            &class.name,
            u32::try_from(turnover.objects).expect("objects fit in 32 bits"),
            class.requests as f64 / trace.len() as f64,
            Box::new(popularity.expect("there is a weight above 0")),
            Box::new(size.expect("a byte is a size")),
        );
        made.one_hit = turnover.one_hit;
        made.churn = turnover.churn(class.uploads, trace.span());
        made
    };
    let rate = trace.len() as f64 / trace.span().as_secs_f64();
    let workload = Workload {
        // Ends of chance are of no matter: it is cut at `count`.
        duration: SimDuration::from_secs_f64(trace.span().as_secs_f64() * 1.2 + 10.0 / rate),
        rate: Rate::per_second(rate),
        arrivals: arrival::ARRIVALS
            .default_choice("deterministic")
            .make(&Setup::default())
            .expect("it has no parameters"),
        classes: classes.iter().map(class).collect(),
        pages: None,
        repeats,
        events: Vec::new(),
    };
    let mut generator = Generator::new(&workload, Seed::new(1));
    let (mut block, mut objects) = (Block::default(), Vec::with_capacity(count + 4_096));
    while objects.len() < count && generator.next(&mut block) {
        objects.extend_from_slice(&block.requests.object);
    }
    objects.truncate(count);
    objects
}
