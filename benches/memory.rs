//! What a simulation takes of memory, by a counting allocator: bytes for each request and for each object.
//!
//! The trace alone, then what the engine and the exact play add to it at their peak, under exact LRU in a cache of a
//! tenth of the objects, all observers on, at 1 M objects and 4 M requests. It fails above 12 bytes a request or, the
//! object's share of the trace included, above 48 bytes an object and half a byte for all that does not grow with them. `tests/footprint.rs` holds the same of every
//! policy. `cargo bench --bench memory`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

#[path = "../tests/support/counting.rs"]
mod counting;

use std::process::ExitCode;
use std::sync::Arc;

use counting::{in_use, peak_of};
use ttlab::engine::exact::{Detail, Player};
use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::synth::generate;
use ttlab::tune;

const OBJECTS: u32 = 1_000_000;

/// 32 bytes for the slot, 8 for the links, 8 for size and class, and what series and flights take beside them: none of
/// it grows with the objects, but there are only a million of these.
const MOST_AN_OBJECT: f64 = 48.5;

fn scenario(seconds: u32, latency: &str) -> Scenario {
    let text = format!(
        "name = \"memory\"\n[workload]\nduration = \"{seconds}s\"\nrate = \"20000/s\"\n\
         [[workload.class]]\nname = \"all\"\nobjects = {OBJECTS}\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"{latency}\" }}\n\
         [cache]\ncapacity = {{ objects = {} }}\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
         [[strategy]]\nname = \"it\"\nttl = {{ rule = \"fixed\", ttl = \"60s\" }}\nguard = \"single-flight\"\n",
        OBJECTS / 10
    );
    Scenario::parse(&text, "memory.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn main() -> ExitCode {
    let mut traces = Vec::new();
    for seconds in [100, 200] {
        let scenario = scenario(seconds, "20ms");
        let Source::Synthetic(workload) = &scenario.source else { panic!("the scenario is synthetic") };
        let before = in_use();
        let trace = Arc::new(generate(workload, Seed::new(1)));
        traces.push((trace.len() as f64, (in_use() - before) as f64, trace));
    }
    // Two lengths over the same objects: what grows is the requests', what stays is the objects'.
    let (short, long) = (&traces[0], &traces[1]);
    let a_request = (long.1 - short.1) / (long.0 - short.0);
    let of_trace = (short.1 - a_request * short.0) / f64::from(OBJECTS);
    println!("trace: {a_request:.2} bytes a request, {of_trace:.2} bytes an object");

    let trace = &long.2;
    let (slow, quick) = (scenario(200, "20ms"), scenario(200, "0s"));
    let ((), engine) = peak_of(|| {
        let plan = tune::grid(&slow)[0];
        let simulation = tune::simulation(&slow, &plan, trace, Seed::new(1));
        let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
        simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
    });
    let an_object = engine as f64 / f64::from(OBJECTS);
    println!(
        "engine, exact LRU and TTL: {an_object:.2} bytes an object beside the trace, {:.2} in all",
        an_object + of_trace
    );
    let ((), exact) = peak_of(|| {
        let plan = tune::grid(&quick)[0];
        let play = tune::exact(&quick, &plan, trace, Seed::new(1), Detail::Outcomes);
        let play =
            play.unwrap_or_else(|fault| panic!("{}", fault.what)).unwrap_or_else(|why| panic!("{why}"));
        Player::default().play(play);
    });
    println!(
        "exact play: {:.2} bytes an object and 1 bit a request beside the trace",
        exact as f64 / f64::from(OBJECTS)
    );
    if a_request > 12.0 || an_object + of_trace > MOST_AN_OBJECT {
        eprintln!("more than 12 bytes a request or {MOST_AN_OBJECT} bytes an object");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
