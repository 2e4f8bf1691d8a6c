//! F12: the origin with servers and a queue is M/M/c.

use crate::by_hand;
use crate::ledger::Ledger;
use crate::statistics::Estimate;
use crate::theory::erlang_c;
use ttlab::metrics::{Observer, Outcome, Served};
use ttlab::units::{SimDuration, SimTime};

/// Watches how long fetches wait for a server, after a warm-up.
struct QueueWatch {
    from: SimTime,
    fetches: u64,
    waited: u64,
    wait_s: f64,
}

impl Observer for QueueWatch {
    fn observe(&mut self, _: &Outcome) {}

    fn served(&mut self, served: &Served) {
        if served.fetch.asked >= self.from {
            let wait = served.fetch.started.since(served.fetch.asked);
            self.fetches += 1;
            self.waited += u64::from(!wait.is_zero());
            self.wait_s += wait.as_secs_f64();
        }
    }
}

/// Chance to wait and mean wait, by replication. Nothing fits into the cache, so every request fetches.
fn waits(rate: u32, warmup: u32, seconds: u32) -> Vec<(f64, f64)> {
    let text = format!(
        "name = \"law\"\nseed = 1\n[workload]\nduration = \"{seconds}s\"\nrate = \"{rate}/s\"\n\
         [[workload.class]]\nname = \"image\"\nobjects = 1\n\
         [origin]\nlatency = {{ model = \"exponential\", mean = \"100ms\" }}\n\
         capacity = {{ model = \"servers\", servers = 30 }}\n\
         [cache]\ncapacity = {{ objects = 0 }}\n[[strategy]]\nname = \"law\"\nttl = \"fixed\"\n"
    );
    let from = SimTime::ZERO + SimDuration::from_secs(warmup.into());
    let watches = by_hand::watch(&text, 16, || QueueWatch { from, fetches: 0, waited: 0, wait_s: 0.0 });
    let of = |watch: &QueueWatch| {
        (watch.waited as f64 / watch.fetches as f64, watch.wait_s / watch.fetches as f64)
    };
    watches.iter().map(of).collect()
}

#[test]
fn f12_the_origin_with_servers_is_the_queue_of_erlang_c() {
    let mut ledger = Ledger::new("F12");
    // Fetches a second; a warm-up of twenty relaxation times and the length in seconds; tolerances of the
    // chance and of the mean wait in seconds.
    for (rate, warmup, seconds, of_chance, of_wait) in
        [(250, 10, 1_500, 0.007, 0.000_5), (280, 60, 2_000, 0.016, 0.003), (290, 240, 4_000, 0.016, 0.016)]
    {
        let waits = waits(rate, warmup, seconds);
        let (chance, wait) = erlang_c(f64::from(rate), 0.1, 30);
        let at = format!("F12 at {rate} fetches a second");
        let measured = Estimate::of(waits.iter().map(|run| run.0));
        measured.must_equal(&mut ledger, chance, of_chance, &format!("{at}: chance to wait"));
        Estimate::of(waits.iter().map(|run| run.1)).must_equal(
            &mut ledger,
            wait,
            of_wait,
            &format!("{at}: mean wait"),
        );
    }
    ledger.close();
}

#[test]
fn the_queue_of_erlang_c_is_what_was_published() {
    for (rate, chance, wait_ms) in [(250.0, 0.2499, 5.00), (280.0, 0.6201, 31.0), (290.0, 0.7959, 79.6)] {
        let law = erlang_c(rate, 0.1, 30);
        assert!((law.0 - chance).abs() < 1e-4 && (law.1 * 1e3 - wait_ms).abs() < 0.02, "{rate}: {law:?}");
    }
}
