//! A Redis Cluster: each shard holds its slots' keys and an equal part of the memory.
//!
//! Every shard is simulated by itself, with the requests for its own keys. What shards share is therefore left out: the
//! queue of an origin with few servers, and what an application learns from all of its requests together.

use std::sync::Arc;

use super::{CellPlan, Failure, Progress, Runs, run};
use crate::cache::Capacity;
use crate::cache::cluster::{shard, slot};
use crate::catalog::Fault;
use crate::metrics::Measurements;
use crate::scenario::Scenario;
use crate::trace::{ObjectId, Trace};

/// What one shard did.
#[derive(Debug, Clone)]
pub struct Shard {
    /// Keys that lie in its slots.
    pub keys: u64,
    /// What was measured.
    pub run: Measurements,
}

/// One cell of the scenario on a cluster.
#[derive(Debug)]
pub struct Clustered {
    /// Which cell; its capacity is that of the whole cluster.
    pub plan: CellPlan,
    /// What the shards did, in the order of their slots; or why there is nothing to tell.
    pub shards: Result<Vec<Shard>, Failure>,
}

/// The shard of every object of a trace.
pub fn placement(trace: &Trace, shards: u16) -> Vec<u16> {
    let mut key = String::new();
    let mut of = |object: usize| {
        key.clear();
        trace.objects().write_key(ObjectId::from_index(object), &mut key);
        shard(slot(key.as_bytes()), shards)
    };
    (0..trace.objects().len()).map(&mut of).collect()
}

/// Plays a trace on a cluster: every cell of the scenario, each on all shards. Limits are divided among the shards.
///
/// # Errors
/// If a part of the scenario cannot be made for this trace.
///
/// # Panics
/// Without shards, or for a spooled trace.
pub fn cluster(
    scenario: &Scenario,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    shards: u16,
    progress: &dyn Progress,
) -> Result<Vec<Clustered>, Fault> {
    assert!(shards > 0, "a cluster has shards");
    let of = placement(trace, shards);
    let parted: Vec<CellPlan> = cells.iter().map(|plan| part(plan, shards)).collect();
    let mut all: Vec<Clustered> =
        cells.iter().map(|plan| Clustered { plan: *plan, shards: Ok(Vec::new()) }).collect();
    for number in 0..shards {
        let part = trace.part(|object| of[object.index()] == number);
        let keys = of.iter().filter(|&&shard| shard == number).count() as u64;
        let played = run(scenario, &parted, &Runs::Recorded(Arc::new(part)), progress)?;
        for (cell, mut runs) in all.iter_mut().zip(played.cells) {
            match (&mut cell.shards, runs.replications.remove(0)) {
                (Ok(shards), Ok(run)) => shards.push(Shard { keys, run }),
                (Ok(_), Err(failure)) => cell.shards = Err(failure),
                (Err(_), _) => {}
            }
        }
    }
    Ok(all)
}

/// A shard's part of a cell: as many bytes or objects as its share of the whole.
fn part(plan: &CellPlan, shards: u16) -> CellPlan {
    let share = |whole: u64| (whole / u64::from(shards)).max(1);
    let capacity = match plan.capacity {
        Capacity::Unbounded => Capacity::Unbounded,
        Capacity::Bytes(bytes) => Capacity::Bytes(share(bytes)),
        Capacity::Objects(objects) => Capacity::Objects(share(objects)),
    };
    CellPlan { capacity, ..*plan }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Source;
    use crate::score::rates;
    use crate::trace::synth::generate;
    use crate::tune::{grid, replication_seed};

    const TEXT: &str = r#"
        name = "t"
        [workload]
        duration = "10m"
        rate = "200/s"
        class = [{ name = "thumbnail", objects = 2000, popularity = { model = "zipf", alpha = 0.6 } }]
        [origin]
        latency = { model = "constant", value = "50ms" }
        [[strategy]]
        name = "x"
        ttl = { rule = "fixed", ttl = "2m" }
    "#;

    fn play(shards: u16, capacity: &str) -> Vec<Shard> {
        let text = format!("{TEXT}\n[cache]\n{capacity}\n");
        let scenario = Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let trace = Arc::new(generate(workload, replication_seed(scenario.seed, 0)));
        let mut cells = cluster(&scenario, &grid(&scenario), &trace, shards, &()).unwrap();
        cells.remove(0).shards.unwrap()
    }

    #[test]
    fn shards_without_a_limit_hit_as_one_server_does() {
        let (one, six) = (play(1, ""), play(6, ""));
        let sum =
            |shards: &[Shard], of: fn(&Measurements) -> u64| shards.iter().map(|s| of(&s.run)).sum::<u64>();
        for of in [
            (|run| run.totals.outcomes.total()) as fn(&Measurements) -> u64,
            |run| run.totals.outcomes.hits(),
            |run| run.origin.fetches,
            |run| run.expired,
        ] {
            assert_eq!(sum(&six, of), sum(&one, of));
        }
        assert_eq!(six.iter().map(|shard| shard.keys).sum::<u64>(), 2_000);
        // 2000 keys in six shards: 333 each, with a standard deviation of 17.
        assert!(six.iter().all(|shard| (250..420).contains(&shard.keys)), "{six:?}");
    }

    #[test]
    fn a_limit_is_divided_and_a_hot_shard_costs_hits() {
        let (one, many) = (play(1, "capacity = { objects = 400 }"), play(40, "capacity = { objects = 400 }"));
        assert!(many.iter().all(|shard| shard.run.memory.peak_entries <= 10));
        let hits = |shards: &[Shard]| {
            let (hits, all) = shards.iter().fold((0, 0), |(hits, all), shard| {
                let outcomes = &shard.run.totals.outcomes;
                (hits + outcomes.hits(), all + outcomes.total())
            });
            hits as f64 / all as f64
        };
        assert!(hits(&many) < hits(&one), "{} against {}", hits(&many), hits(&one));
        assert!(many.iter().filter_map(|shard| rates::hit(&shard.run)).all(|hit| hit < 1.0));
    }
}
