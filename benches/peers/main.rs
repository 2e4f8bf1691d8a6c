//! The side of `compare.py` that is ours: reads a trace and plays it, and says what came out and how long it took.
//!
//! Arguments: the trace, objects in the cache, the TTL in seconds. Each play is made five times and the best
//! counts, as on the other side; the first pays for memory that the others use again. One line of JSON.

#![expect(clippy::print_stdout, reason = "a measurement for a script")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use ttlab::cache::Capacity;
use ttlab::engine::exact::{Detail, Lifetime, Order, Play, Player};
use ttlab::random::Seed;
use ttlab::trace::Trace;
use ttlab::trace::import::{Options, open};
use ttlab::trace::shape::spread::Spread;
use ttlab::units::{SimDuration, SimTime, Window};

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let done = black_box(work());
    (done, began.elapsed().as_secs_f64())
}

fn best(trace: &Trace, limit: u64, ttl: Option<SimDuration>, player: &mut Player) -> (u64, f64) {
    let window = Window { from: SimTime::ZERO, until: SimTime::ZERO + trace.span() };
    let mut hits = 0;
    let times = (0..5).map(|_| {
        let play = Play {
            trace,
            window,
            order: Order::Lru,
            capacity: Capacity::Objects(limit),
            lifetime: ttl.map_or(Lifetime::Forever, Lifetime::Fixed),
            reclaim: None,
            detail: Detail::Outcomes,
        };
        let (counts, seconds) = timed(|| player.play(play));
        hits = counts.hits;
        seconds
    });
    let least = times.fold(f64::INFINITY, f64::min);
    (hits, least)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [path, limit, ttl] = &args[..] else {
        println!("arguments: TRACE OBJECTS TTL_SECONDS; compare.py gives them");
        return;
    };
    let limit: u64 = limit.parse().expect("the second argument is a number of objects");
    let ttl: u64 = ttl.parse().expect("the third argument is a number of seconds");
    // Seconds as they are written, for the other side knows no finer ones.
    let options = Options { spread: Spread::None, ..Options::default() };
    let (import, decode) = timed(|| open(&PathBuf::from(path), &options, Seed::new(1)));
    let trace = import.expect("the trace can be read").trace;
    let mut player = Player::default();
    let (hits, seconds) = best(&trace, limit, None, &mut player);
    let (ttl_hits, ttl_seconds) = best(&trace, limit, Some(SimDuration::from_secs(ttl)), &mut player);
    println!(
        "{{\"requests\": {}, \"objects\": {}, \"decode_s\": {decode}, \"hits\": {hits}, \"lru_s\": {seconds}, \"ttl_hits\": {ttl_hits}, \"ttl_s\": {ttl_seconds}}}",
        trace.len(),
        trace.objects().len()
    );
}
