//! The side of `compare.py` that is ours: reads a trace and plays it, and says what came out and how long it took.
//!
//! Arguments: the trace, objects in the cache, the TTL in seconds, and `all`, or `eager` for the TTL alone in a cache
//! that gives back what has died before it evicts. Each play is made five times and the best counts, as on
//! the other side; the first pays for memory that the others use again. One line of JSON.

#![expect(clippy::print_stdout, reason = "a measurement for a script")]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ttlab::engine::exact::{Detail, Player};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::Trace;
use ttlab::trace::import::{Options, open};
use ttlab::trace::shape::spread::Spread;
use ttlab::tune;

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let done = black_box(work());
    (done, began.elapsed().as_secs_f64())
}

/// A cache of `limit` objects under exact LRU, with this TTL rule and in front of an origin that takes `latency`.
fn scenario(limit: u64, ttl: &str, reclaim: &str, latency: &str) -> Scenario {
    let text = format!(
        "name = \"peers\"\n[trace]\n[origin]\nlatency = {{ model = \"constant\", value = \"{latency}\" }}\n\
         [cache]\ncapacity = {{ objects = {limit} }}\neviction = \"lru\"\nreclaim = \"{reclaim}\"\nmemory = \"payload\"\n\
         [[strategy]]\nname = \"it\"\nttl = {ttl}\nguard = \"single-flight\"\n"
    );
    Scenario::parse(&text, "peers.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// The hits without a clock, and the least time of five plays.
fn best(trace: &Arc<Trace>, scenario: &Scenario, player: &mut Player) -> (u64, f64) {
    let plan = tune::grid(scenario)[0];
    let mut hits = 0;
    let times = (0..5).map(|_| {
        let play = tune::exact(scenario, &plan, trace, Seed::new(1), Detail::Outcomes);
        let play =
            play.unwrap_or_else(|fault| panic!("{}", fault.what)).unwrap_or_else(|reason| panic!("{reason}"));
        let (counts, seconds) = timed(|| player.play(play));
        hits = counts.hits;
        seconds
    });
    let least = times.fold(f64::INFINITY, f64::min);
    (hits, least)
}

/// The least time of two runs of the engine, with all its observers.
fn engine(trace: &Arc<Trace>, scenario: &Scenario) -> f64 {
    let plan = tune::grid(scenario)[0];
    let times = (0..2).map(|_| {
        let simulation = tune::simulation(scenario, &plan, trace, Seed::new(1));
        let simulation = simulation.unwrap_or_else(|fault| panic!("{}", fault.what));
        let run = timed(|| simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it"));
        run.1
    });
    times.fold(f64::INFINITY, f64::min)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [path, limit, ttl, what] = &args[..] else {
        println!("arguments: TRACE OBJECTS TTL_SECONDS all|eager; compare.py gives them");
        return;
    };
    let limit: u64 = limit.parse().expect("the second argument is a number of objects");
    let ttl: u64 = ttl.parse().expect("the third argument is a number of seconds");
    // Seconds as they are written, for the other side knows no finer ones.
    let options = Options { spread: Spread::None, ..Options::default() };
    let (import, decode) = timed(|| open(&PathBuf::from(path), &options, Seed::new(1)));
    let trace = Arc::new(import.expect("the trace can be read").trace);
    let (requests, objects) = (trace.len(), trace.objects().len());
    let mut player = Player::default();
    let fixed = |seconds: u64| format!("{{ rule = \"fixed\", ttl = \"{seconds}s\" }}");
    if what == "eager" {
        let (hits, seconds) = best(&trace, &scenario(limit, &fixed(ttl), "eager", "0s"), &mut player);
        println!("{{\"requests\": {requests}, \"ttl_hits\": {hits}, \"ttl_s\": {seconds}}}");
        return;
    }
    let (hits, lru) = best(&trace, &scenario(limit, "\"none\"", "lazy", "0s"), &mut player);
    let beyond = trace.span().as_nanos() / 1_000_000_000 + 2;
    let (long_hits, long) = best(&trace, &scenario(limit, &fixed(beyond), "lazy", "0s"), &mut player);
    let (ttl_hits, short) = best(&trace, &scenario(limit, &fixed(ttl), "lazy", "0s"), &mut player);
    let full = engine(&trace, &scenario(limit, &fixed(ttl), "lazy", "20ms"));
    println!(
        "{{\"requests\": {requests}, \"objects\": {objects}, \"decode_s\": {decode}, \"hits\": {hits}, \"lru_s\": {lru}, \
         \"long_hits\": {long_hits}, \"long_s\": {long}, \"ttl_hits\": {ttl_hits}, \"ttl_s\": {short}, \"full_s\": {full}}}"
    );
}
