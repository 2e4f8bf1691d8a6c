//! Same scenario, same seed, same result: on any number of threads.

mod support;

use rayon::ThreadPoolBuilder;
use ttlab::metrics::Measurements;

/// A little of everything that draws by chance or depends on order.
fn scenario(seed: u64) -> String {
    format!(
        "name = \"same\"\nseed = {seed}\nrepeat = 3\n[time]\nwarmup = \"1m\"\n\
         [workload]\nduration = \"10m\"\nrate = \"100/s\"\n\
         [[workload.class]]\nname = \"a\"\nobjects = 3_000\nshare = 0.7\n\
         changes = {{ model = \"poisson\", mean = \"5m\" }}\n\
         [[workload.class]]\nname = \"b\"\nobjects = 100\nshare = 0.3\n\
         [client]\nnodes = 3\ntimeout = \"1s\"\nlate_fill = \"discard\"\n\
         [origin]\nlatency = {{ model = \"lognormal\", median = \"200ms\", sigma = 1.2 }}\n\
         capacity = {{ model = \"servers\", servers = 20 }}\n\
         [cache]\ncapacity = [\"3MB\", {{ objects = 1000 }}]\neviction = [\"lru\", \"fifo\"]\nreclaim = \"eager\"\n\
         [[strategy]]\nname = \"fixed\"\nbaseline = true\nttl = {{ rule = \"fixed\", ttl = \"2m\" }}\n\
         [[strategy]]\nname = \"jitter\"\n\
         ttl = {{ rule = \"fixed\", ttl = \"90s\", modifiers = [{{ modifier = \"jitter\", spread = 0.2 }}] }}\n\
         guard = \"single-flight\"\nrefresh = {{ policy = \"stale-while-revalidate\", window = \"20s\" }}\n\
         [[strategy]]\nname = \"sliding\"\nttl = {{ rule = \"sliding\", idle = \"30s\", max_age = \"5m\" }}\n"
    )
}

fn run_on(threads: usize, seed: u64) -> Vec<Vec<Measurements>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.install(|| support::run(&scenario(seed)))
}

#[test]
fn the_seed_decides_every_cell_on_any_number_of_threads() {
    let once = run_on(1, 5);
    assert_eq!(once.len(), 12);
    assert!(once.iter().flatten().all(|run| run.totals.outcomes.total() > 50_000));
    for (threads, again) in [(1, run_on(1, 5)), (2, run_on(2, 5)), (5, run_on(5, 5))] {
        for (cell, (once, again)) in once.iter().zip(&again).enumerate() {
            for (replication, (once, again)) in once.iter().zip(again).enumerate() {
                assert_eq!(once, again, "cell {cell}, replication {replication}, {threads} threads");
            }
        }
        assert_eq!(once.len(), again.len());
    }
}

#[test]
fn another_seed_and_another_replication_are_another_run() {
    let (one, other) = (run_on(2, 5), run_on(2, 6));
    for (one, other) in one.iter().zip(&other) {
        assert_ne!(one[0].latencies, other[0].latencies);
        assert_ne!(one[0].latencies, one[1].latencies);
    }
}
