//! F16 and X1: how many fetches remain where processes coordinate within themselves or by a lock.

use crate::ledger::Ledger;
use crate::{Estimate, OneKey, mean};

/// Fetches per regeneration, with requests at `rate` and fetches of constant time.
fn size(rate: f64, time: f64, requests: f64, origin: &str, strategy: &str) -> Estimate {
    let latency = format!("{{ model = \"constant\", value = \"{time}s\" }}");
    let runs = OneKey { rate, seconds: requests / rate, latency: &latency, origin, strategy }.run();
    mean(&runs, |run| {
        let of = &run.stampedes;
        (of.regenerations + of.duplicate_fetches) as f64 / of.regenerations as f64
    })
}

#[test]
fn f16_each_process_fetches_once() {
    let mut ledger = Ledger::new("F16");
    for (nodes, rate, time, tolerance) in
        [(4, 10.0, 1.0, 0.02), (4, 2.0, 0.5, 0.02), (16, 10.0, 1.0, 0.06), (4, 100.0, 0.12, 0.02)]
    {
        let law = 1.0 + f64::from(nodes - 1) * (1.0 - (-rate * time / f64::from(nodes)).exp());
        let strategy = "ttl = { rule = \"fixed\", ttl = \"3s\" }\nguard = \"single-flight\"";
        let client = format!("[client]\nnodes = {nodes}");
        let size = size(rate, time, 500_000.0, &client, strategy);
        size.must_equal(
            &mut ledger,
            law,
            tolerance,
            &format!("F16 at N = {nodes}, λ = {rate}, D = {time} s"),
        );
    }
    ledger.close();
}

#[test]
fn x1_waiters_who_give_up_on_the_lock_before_the_fetch_is_done_fetch_as_well() {
    let mut ledger = Ledger::new("X1, impatient waiters");
    for (rate, time, patience, tolerance) in [(50.0, 2.0, 0.5, 0.9), (20.0, 1.0, 0.2, 0.4)] {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"5s\" }}\n\
             guard = {{ policy = \"lock\", poll = \"20ms\", wait_timeout = \"{patience}s\" }}"
        );
        let size = size(rate, time, 200_000.0, "", &strategy);
        let law = 1.0 + rate * (time - patience);
        size.must_equal(
            &mut ledger,
            law,
            tolerance,
            &format!("X1 at λ = {rate}, D = {time} s, W = {patience} s"),
        );
    }
    ledger.close();
}

#[test]
fn x1_a_lock_that_lapses_before_the_fetch_is_done_lets_the_next_one_in() {
    let mut ledger = Ledger::new("X1, a lock that lapses");
    let strategy = "ttl = { rule = \"fixed\", ttl = \"5s\" }\n\
                    guard = { policy = \"lock\", lock_ttl = \"750ms\", poll = \"10ms\", wait_timeout = \"60s\" }";
    size(50.0, 2.0, 20_000.0, "", strategy).must_equal(&mut ledger, 3.0, 0.01, "X1, lock of 0.75 s, D = 2 s");
    let kept = strategy.replace("poll", "extend = true, poll");
    size(50.0, 2.0, 20_000.0, "", &kept).must_equal(&mut ledger, 1.0, 0.01, "X1, an extended lock");
    ledger.close();
}

#[test]
fn guards_that_all_processes_share_let_one_fetch_and_say_what_that_costs() {
    let client = "[client]\nnodes = 8";
    let latency = "{ model = \"constant\", value = \"1s\" }";
    let ttl = "ttl = { rule = \"fixed\", ttl = \"20s\" }";
    for guard in ["lock", "lock-stale", "lease"] {
        let strategy = format!("{ttl}\nguard = \"{guard}\"");
        let key = OneKey { rate: 20.0, seconds: 2_000.0, latency, origin: client, strategy: &strategy };
        for run in key.run() {
            assert_eq!(run.stampedes.count, 0, "{guard}");
            let (commands, requests) = (&run.commands, run.totals.outcomes.total());
            assert!(commands.lock >= run.origin.fetches, "{guard} tries to lock before each fetch");
            // Who is served stale does not wait, and so does not look again.
            let polls = commands.get - requests;
            assert_eq!(polls > run.origin.fetches * 10, guard != "lock-stale", "{guard}: {polls} polls");
        }
    }
}
