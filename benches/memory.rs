//! What a simulation takes of memory, by a counting allocator: bytes for each request and for each object.
//!
//! The trace alone, then what the engine and the exact play add to it at their peak, under exact LRU in a cache of a
//! tenth of the objects, all observers on. Each is taken at two sizes, so that what does not grow (series, waits,
//! flights) is left out. It fails above 12 bytes a request or, the object's share of the trace included, above 48
//! bytes an object, each with a hundredth of slack. `tests/footprint.rs` holds the same of every policy.
//! `cargo bench --bench memory`.

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

/// Objects, and seconds of 20,000 requests each: more objects, then more requests.
const SIZES: [(u32, u32); 3] = [(500_000, 100), (1_000_000, 100), (1_000_000, 200)];

fn scenario(objects: u32, seconds: u32, latency: &str) -> Scenario {
    let text = format!(
        "name = \"memory\"\n[workload]\nduration = \"{seconds}s\"\nrate = \"20000/s\"\n\
         [[workload.class]]\nname = \"all\"\nobjects = {objects}\npopularity = {{ model = \"zipf\", alpha = 1.0 }}\n\
         [origin]\nlatency = {{ model = \"constant\", value = \"{latency}\" }}\n\
         [cache]\ncapacity = {{ objects = {} }}\neviction = \"lru\"\nreclaim = \"lazy\"\nmemory = \"payload\"\n\
         [[strategy]]\nname = \"it\"\nttl = {{ rule = \"fixed\", ttl = \"60s\" }}\nguard = \"single-flight\"\n",
        objects / 10
    );
    Scenario::parse(&text, "memory.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// Bytes of the trace, and most bytes that the engine and the exact play take beside it.
fn taken(objects: u32, seconds: u32) -> (f64, [f64; 3]) {
    let (slow, quick) = (scenario(objects, seconds, "20ms"), scenario(objects, seconds, "0s"));
    let Source::Synthetic(workload) = &slow.source else { panic!("the scenario is synthetic") };
    let before = in_use();
    let trace = Arc::new(generate(workload, Seed::new(1)));
    let of_trace = in_use() - before;
    let ((), engine) = peak_of(|| {
        let plan = tune::grid(&slow)[0];
        let simulation = tune::simulation(&slow, &plan, &trace, Seed::new(1));
        let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
        simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
    });
    let ((), exact) = peak_of(|| {
        let plan = tune::grid(&quick)[0];
        let play = tune::exact(&quick, &plan, &trace, Seed::new(1), Detail::Outcomes);
        let play =
            play.unwrap_or_else(|fault| panic!("{}", fault.what)).unwrap_or_else(|why| panic!("{why}"));
        Player::default().play(play);
    });
    (trace.len() as f64, [of_trace, engine, exact].map(|bytes| bytes as f64))
}

fn main() -> ExitCode {
    let [few, more, long] = SIZES.map(|(objects, seconds)| taken(objects, seconds));
    let objects = f64::from(SIZES[1].0 - SIZES[0].0);
    let mut an_object = [0.0; 3];
    let mut a_request = [0.0; 3];
    for part in 0..3 {
        a_request[part] = (long.1[part] - more.1[part]) / (long.0 - more.0);
        // The two first have nearly as many requests.
        an_object[part] = (more.1[part] - few.1[part] - a_request[part] * (more.0 - few.0)) / objects;
    }
    for (part, name) in
        ["trace", "engine beside it, exact LRU and TTL", "exact play beside it"].iter().enumerate()
    {
        println!("{name}: {:.2} bytes a request, {:.2} bytes an object", a_request[part], an_object[part]);
    }
    let in_all = an_object[0] + an_object[1];
    println!("trace and engine: {in_all:.2} bytes an object");
    if a_request[0] > 12.0 * 1.01 || in_all > 48.0 * 1.01 {
        eprintln!("more than 12 bytes a request or 48 bytes an object");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
