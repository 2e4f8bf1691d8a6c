//! What makes the figures of a run worth less than they look.

use std::sync::Arc;

use super::run::shortest;
use super::{LiveError, LookedAgain, Options, Pace};
use crate::cache::Capacity;
use crate::cache::redis::Settings;
use crate::metrics::Measurements;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::{self, CellPlan};
use crate::units::SimDuration;

/// Seconds for which keys should stay before they are evicted by a clock with steps of one.
const LONG: f64 = 10.0;

/// A sentence for each.
pub(super) fn doubts(
    scenario: &Scenario,
    plan: &CellPlan,
    measured: &Measurements,
    pace: &Pace,
    speed: f64,
) -> Vec<String> {
    let mut doubts = Vec::new();
    let [_, late, worst] = pace.late_s;
    if pace.is_client_limited() {
        doubts.push(format!(
            "client-limited: one request in a hundred was started more than {:.0} ms late (the worst {:.0} ms), because the harness \
             could not keep up; waits say how fast it is, not the server. Play it slower, or on a quieter machine",
            late * 1e3,
            worst * 1e3
        ));
    }
    if let Some((what, shortest, off)) = pace.coarse() {
        doubts.push(format!(
            "client-limited: {}the harness's own timers, of 1 ms, and starts up to {:.1} ms late are {} of the trace, more than a tenth \
             of {what} ({}): what happens then says how fast the harness is, not the server. {}",
            at(speed),
            late * 1e3,
            off.about(),
            shortest.about(),
            slower(speed)
        ));
    }
    if pace.is_held_back() {
        let LookedAgain { all, held_back, held_back_s } = pace.looked_again;
        doubts.push(format!(
            "{held_back} of {all} looks of requests that waited (polls of a lock or a lease, retries) came {:.0} ms late on average, as \
             --max-rate allowed no more: they waited otherwise than their strategy says. Raise --max-rate, or play it with a longer poll",
            held_back_s / held_back as f64 * 1e3
        ));
    }
    if let Some(stay) = short_stay(scenario, plan, measured, speed) {
        doubts.push(format!(
            "keys stayed for {stay:.1} s on average before they were evicted, and the server's LRU clock has steps of 1 s: what \
             it evicts is closer to random than in production. {}",
            if speed > 1.0 { "Play it with a lower --speed" } else { "Give it more memory, or a longer trace" }
        ));
    }
    if speed > 1.0 {
        doubts.push(format!(
            "played {speed} times faster than recorded: TTLs, fetches and patience are as much shorter, but the server's own clocks \
             (1 s of LRU, 1 min of LFU, hz) are not, and waits are told in the trace's time, {speed} times the real ones"
        ));
    }
    doubts
}

/// Whether a trace is played at its own pace.
fn is_own(speed: f64) -> bool {
    (speed - 1.0).abs() < f64::EPSILON
}

/// At which speed, where that is not the trace's own.
fn at(speed: f64) -> String {
    if is_own(speed) { String::new() } else { format!("at --speed {speed} ") }
}

/// What to do where the harness's own milliseconds are too long.
fn slower(speed: f64) -> &'static str {
    if is_own(speed) {
        "Play it slower, with a --speed below 1, or make that longer"
    } else {
        "Play it with a lower --speed"
    }
}

/// For how many real seconds a key stays until an LRU policy evicts it, on average, where that is too short for its clock.
fn short_stay(scenario: &Scenario, plan: &CellPlan, measured: &Measurements, speed: f64) -> Option<f64> {
    let is_lru = scenario.cache.evictions[plan.eviction].name().ends_with("-lru");
    if !is_lru || plan.capacity == Capacity::Unbounded || measured.evicted == 0 {
        return None;
    }
    let seconds = measured.scored.as_secs_f64() / speed;
    let stay = measured.memory.mean_entries * seconds / measured.evicted as f64;
    (stay < LONG).then_some(stay)
}

/// What can be foreseen of that: of its cells, the worst.
///
/// How long keys stay where a trace is to be played faster than recorded is what the model says; to play it takes a small part
/// of the time that the run will take.
pub(super) fn foreseen(
    scenario: &Scenario,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    options: &Options,
) -> Result<Vec<String>, LiveError> {
    let speed = options.speed;
    let (mut timed, mut stays) = (Vec::new(), Vec::new());
    for plan in cells {
        let seed = tune::replication_seed(scenario.seed, 0);
        let mut simulation = tune::simulation(scenario, plan, trace, seed).map_err(LiveError::Scenario)?;
        let fetch = options.origin.is_none().then(|| simulation.origin.median_time());
        timed.extend(shortest([
            (fetch, "the median time of a fetch"),
            (simulation.client.timeout, "the timeout of [client]"),
            (simulation.strategy.ttl.constant(), "the TTL"),
        ]));
        let is_limited = matches!(plan.capacity, Capacity::Bytes(_)) && options.sets_the_limit();
        if speed > 1.0 && is_limited && scenario.cache.evictions[plan.eviction].name().ends_with("-lru") {
            let second = SimDuration::from_secs_f64(speed);
            let settings = Settings { second, ..scenario.cache.server.unwrap_or_default() };
            simulation.cache = simulation.cache.serving(settings, seed.of("server"));
            let run = simulation.run(tune::bucket_of(scenario, trace), &()).expect("nobody stops it");
            stays.extend(short_stay(scenario, plan, &run, speed).map(|stay| (stay, plan.strategy)));
        }
    }
    let pace = Pace { speed, shortest: timed.into_iter().min_by_key(|(_, span)| *span), ..Pace::default() };
    let coarse = pace.coarse().map(|(what, shortest, off)| {
        format!(
            "{}a tick of the harness's own timers, 1 ms, is {} of the trace, more than a tenth of {what} ({}): what \
             happens will say how fast the harness is, not the server. {}",
            at(speed),
            off.about(),
            shortest.about(),
            slower(speed)
        )
    });
    let stay = stays.into_iter().min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(stay, strategy)| {
        format!(
            "at --speed {speed} keys will stay for about {stay:.1} s before they are evicted (\"{}\", by the model), and the server's LRU \
             clock has steps of 1 s: what it evicts will be closer to random than in production. Play it with a lower --speed",
            scenario.strategies[strategy].name
        )
    });
    Ok(coarse.into_iter().chain(stay).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::synth::generate;
    use crate::tune;

    /// What is said of a run in which keys stayed so long before they were evicted.
    fn said(eviction: &str, stay: f64, speed: f64) -> Vec<String> {
        said_with(eviction, stay, &Pace { most_under_way: 1, look_s: 0.2, speed, ..Pace::default() })
    }

    /// The same of a run that kept its pace like this.
    fn said_with(eviction: &str, stay: f64, pace: &Pace) -> Vec<String> {
        let speed = pace.speed;
        let text = format!(
            "name = \"x\"\n[workload]\nduration = \"10s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n\
             [cache]\ncapacity = \"1MiB\"\neviction = \"{eviction}\"\n[[strategy]]\nname = \"s\"\nttl = {{ rule = \"fixed\", ttl = \"1h\" }}\n"
        );
        let scenario = Scenario::parse(&text, "x.toml").expect("it is a scenario");
        let crate::scenario::Source::Synthetic(workload) = &scenario.source else {
            panic!("it is synthetic")
        };
        let (trace, plan) =
            (Arc::new(generate(workload, crate::random::Seed::new(1))), tune::grid(&scenario)[0]);
        let simulation = tune::simulation(&scenario, &plan, &trace, crate::random::Seed::new(1))
            .expect("it can be set up");
        let mut measured = simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
        (measured.memory.mean_entries, measured.evicted) =
            (stay * 10.0 / measured.scored.as_secs_f64() * speed, 10);
        doubts(&scenario, &plan, &measured, pace, speed)
    }

    #[test]
    fn stays_too_short_for_the_clock_of_lru_are_told_and_so_is_a_higher_speed() {
        let short = said("allkeys-lru", 9.9, 1.0);
        assert!(short[0].contains("keys stayed for 9.9 s") && short[0].contains("more memory"), "{short:?}");
        assert_eq!(said("allkeys-lru", 10.1, 1.0), [""; 0]);
        assert_eq!(said("allkeys-lfu", 9.9, 1.0), [""; 0], "it has no such clock");
        let fast = said("volatile-lru", 9.9, 2.0);
        assert!(fast[0].contains("lower --speed") && fast[1].contains("played 2 times faster"), "{fast:?}");
        assert_eq!(said("volatile-lru", 10.1, 2.0).len(), 1);
    }

    #[test]
    fn the_harnesss_own_milliseconds_are_told_at_the_traces_own_pace_too() {
        let shortest = Some(("the median time of a fetch", SimDuration::from_millis(2)));
        let pace = Pace { shortest, speed: 1.0, ..Pace::default() };
        let said = said_with("allkeys-lru", 10.1, &pace);
        assert!(
            said.len() == 1 && said[0].starts_with("client-limited: the harness's own timers"),
            "{said:?}"
        );
        assert!(said[0].contains("are 1 ms of the trace") && said[0].contains("a fetch (2 ms)"), "{said:?}");
        let late = said_with("allkeys-lru", 10.1, &Pace { late_s: [0.0, 0.009_428_988, 0.01], ..pace });
        assert!(late[0].contains("starts up to 9.4 ms late are 9.43 ms of the trace"), "{late:?}");
    }

    /// What is foreseen of a run at this speed with room for so many bytes.
    fn foreseen(capacity: &str, ttl: &str, speed: f64) -> Vec<String> {
        let text = format!(
            "name = \"x\"\n[workload]\nduration = \"100s\"\nrate = \"20/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 900\n\
             size = {{ model = \"constant\", value = \"1KiB\" }}\n[origin]\nlatency = {{ model = \"constant\", value = \"40ms\" }}\n\
             [cache]\ncapacity = \"{capacity}\"\neviction = \"allkeys-lru\"\n\
             [[strategy]]\nname = \"s\"\nttl = {{ rule = \"fixed\", ttl = \"{ttl}\" }}\n"
        );
        let scenario = Scenario::parse(&text, "x.toml").expect("it is a scenario");
        let crate::scenario::Source::Synthetic(workload) = &scenario.source else {
            panic!("it is synthetic")
        };
        let trace = Arc::new(generate(workload, crate::random::Seed::new(1)));
        let options = Options {
            target: super::super::Target::Spawn,
            speed,
            prefix: String::new(),
            connections: 1,
            configure: false,
            allow_nonempty: false,
            limits: super::super::Limits::default(),
            origin: None,
            tls: super::super::Tls::default(),
        };
        super::foreseen(&scenario, &tune::grid(&scenario), &trace, &options).expect("it can be set up")
    }

    #[test]
    fn a_speed_that_is_too_high_is_told_before_the_start_where_that_is_known() {
        assert_eq!(foreseen("1GiB", "1h", 4.0), [""; 0], "4 ms of the trace are a tenth of a fetch");
        let own = foreseen("1GiB", "9ms", 1.0);
        assert!(own.len() == 1 && own[0].starts_with("a tick of the harness's own timers"), "{own:?}");
        assert!(own[0].contains("the TTL (9 ms)") && own[0].contains("a --speed below 1"), "{own:?}");
        let coarse = foreseen("1GiB", "1h", 5.0);
        assert!(coarse.len() == 1 && coarse[0].contains("the median time of a fetch (40 ms)"), "{coarse:?}");
        let brief = foreseen("1GiB", "20ms", 5.0);
        assert!(brief.len() == 1 && brief[0].contains("the TTL (20 ms)"), "{brief:?}");
        // A tenth of 900 values is held, of which each second of the trace brings about as many as fifteen.
        let stay = foreseen("100KiB", "1h", 3.0);
        assert!(
            stay.len() == 1 && stay[0].contains("before they are evicted (\"s\", by the model)"),
            "{stay:?}"
        );
        assert_eq!(foreseen("100KiB", "1h", 1.0), [""; 0], "as recorded");
    }
}
