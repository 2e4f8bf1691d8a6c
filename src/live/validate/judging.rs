//! Which figures of a run are judged, and by what tolerance: none that something else than the server or chance has spoiled.

use super::super::Pace;
use super::figures::{EVICTED, EXPIRED};
use super::waits::Added;
use crate::cache::Capacity;
use crate::scenario::Scenario;
use crate::units::SimDuration;

/// What spoils all figures of a run.
pub(super) const SPOILED: [&str; 6] = [
    "client-limited: the harness could not start requests in time, which says nothing of the server",
    "client-limited: the harness's own milliseconds are not small beside what the scenario times",
    "the server's clock was set during the run, and TTLs follow it",
    "--max-rate held back those who wait and look again, so that they waited otherwise than their strategy says",
    "a real origin answered, on which hits, misses and memory depend too, and the prediction is of the scenario's",
    "others hold keys on the server, and its limit holds for theirs too",
];

/// What the server's own counters tell.
const BY_COUNTERS: [&str; 2] = [EVICTED, EXPIRED];

/// Why the server's counters and its memory are not judged where they are of others, too.
const OTHERS: &str = "others hold keys on the server, and it counts theirs too";

/// Why they are not judged where the server has keys beside values and the model has none.
const BESIDE: &str =
    "deadlines and tokens are keys of the server, and the memory model holds none; write memory = \"redis\"";

/// Whether a figure is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// It is, by this tolerance.
    Within(f64),
    /// It is the server's memory, in per cent: judged where the model counts that.
    Memory(f64),
    /// It is not, and why.
    Shown(&'static str),
}

/// How the figures of a scenario are judged.
pub(super) struct Judging {
    /// Whether the memory model counts all of a server's memory.
    pub(super) counts_all: bool,
    /// How long the run goes before it is scored.
    pub(super) warmup: SimDuration,
    /// What spoils all figures.
    pub(super) spoiled: Option<&'static str>,
    /// Why the server's own counters are not judged.
    pub(super) counters: Option<&'static str>,
    /// Whether others hold keys on the server.
    pub(super) others_hold_keys: bool,
    /// From one look at the server to the next, in seconds of the trace.
    pub(super) look_s: f64,
    /// What harness and network add to waits.
    pub(super) added: Added,
}

impl Judging {
    /// `lies_beside`: whether keys lie beside values until they expire, deadlines or the tokens of a lease.
    pub(super) fn of(
        scenario: &Scenario,
        capacity: Capacity,
        pace: &Pace,
        added: Added,
        lies_beside: bool,
    ) -> Self {
        let others_hold_keys = pace.before.is_some_and(|before| before.keys > 0);
        let spoiled = [
            pace.is_client_limited(),
            pace.coarse().is_some(),
            pace.clock_stepped,
            pace.is_held_back(),
            pace.real_origin,
            others_hold_keys && !matches!(capacity, Capacity::Unbounded | Capacity::Bytes(0)),
        ];
        let counts_all = scenario.cache.memory.name() == "redis";
        let counters = [
            (pace.counters_reset, "somebody reset the server's counters during the run"),
            (others_hold_keys, OTHERS),
            (lies_beside && !counts_all, BESIDE),
        ];
        let first = |(spoils, why)| if spoils { Some(why) } else { None };
        Self {
            counts_all,
            warmup: scenario.warmup,
            spoiled: spoiled.into_iter().zip(SPOILED).find_map(first),
            counters: counters.into_iter().find_map(first),
            others_hold_keys,
            look_s: pace.look_s,
            added,
        }
    }

    /// The rule for a figure, where nothing has spoiled it and the model has what it is about.
    pub(super) fn applied(&self, what: &str, rule: Rule) -> Rule {
        let of_counters = self.counters.filter(|_| BY_COUNTERS.contains(&what));
        if let Some(why) = self.spoiled.or(of_counters) {
            return Rule::Shown(why);
        }
        match rule {
            Rule::Memory(_) if self.others_hold_keys => Rule::Shown(OTHERS),
            Rule::Memory(tolerance) if self.counts_all => Rule::Within(tolerance),
            Rule::Memory(_) => {
                Rule::Shown("the memory model counts no server's memory; write memory = \"redis\"")
            }
            rule => rule,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Before, LookedAgain};

    /// A scenario whose memory is counted so.
    fn scenario(memory: &str) -> Scenario {
        let text = "name = \"x\"\n[workload]\nduration = \"10s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n";
        let strategy = "[[strategy]]\nname = \"s\"\nttl = { rule = \"fixed\", ttl = \"1h\" }\n";
        Scenario::parse(&format!("{text}[cache]\nmemory = \"{memory}\"\n{strategy}"), "x.toml")
            .expect("it is a scenario")
    }

    #[test]
    fn what_the_servers_counters_tell_is_judged_where_they_count_what_the_model_counts() {
        let why = |memory, pace: &Pace, lies_beside| {
            let judging = Judging::of(&scenario(memory), Capacity::Unbounded, pace, Added::NONE, lies_beside);
            let [evicted, fetched] =
                [EVICTED, "origin fetches"].map(|what| judging.applied(what, Rule::Within(3.0)));
            assert_eq!(fetched, Rule::Within(3.0), "no counter of the server tells that");
            match evicted {
                Rule::Shown(why) => why,
                _ => "",
            }
        };
        let pace = Pace::default();
        // Deadlines and tokens are keys of a server, and of the model only where it counts as a server does.
        assert_eq!(["redis", "payload"].map(|memory| why(memory, &pace, false)), ["", ""]);
        assert_eq!(["redis", "payload"].map(|memory| why(memory, &pace, true)), ["", BESIDE]);
        assert!(why("redis", &Pace { counters_reset: true, ..pace }, false).contains("reset"));
        let others = Pace { before: Some(Before { keys: 1, ..Before::default() }), ..pace };
        assert_eq!(why("redis", &others, false), OTHERS);
    }

    #[test]
    fn what_spoils_a_run_spoils_all_of_it() {
        let scenario = scenario("redis");
        let spoiled = |pace: Pace, capacity| {
            let judging = Judging::of(&scenario, capacity, &pace, Added::NONE, false);
            judging.spoiled.unwrap_or_default()
        };
        let unlimited = |pace| spoiled(pace, Capacity::Unbounded);
        let fast = |speed| Pace {
            speed,
            shortest: Some(("the median time of a fetch", SimDuration::from_millis(20))),
            ..Pace::default()
        };
        assert_eq!(unlimited(fast(1.0)), "");
        assert_eq!(unlimited(fast(2.0)), "", "two milliseconds of the trace are a tenth of a fetch");
        assert!(unlimited(fast(10.0)).contains("own milliseconds"));
        let late = |speed, p99| Pace { late_s: [0.0, p99, 0.0], ..fast(speed) };
        assert_eq!(unlimited(late(1.0, 0.002)), "");
        assert!(unlimited(late(1.0, 0.005)).contains("own milliseconds"), "five are a quarter of one");
        assert!(unlimited(late(2.0, 0.002)).contains("own milliseconds"), "four are a fifth");
        let brief = Pace { shortest: Some(("a fetch", SimDuration::from_millis(2))), ..fast(1.0) };
        assert!(unlimited(brief).contains("own milliseconds"), "a tick is half of one, as recorded too");
        let held_back = |held_back| Pace {
            looked_again: LookedAgain { all: 1_000, held_back, held_back_s: 1.0 },
            ..Pace::default()
        };
        assert_eq!(unlimited(held_back(10)), "");
        assert!(unlimited(held_back(11)).contains("--max-rate"));
        assert!(unlimited(Pace { real_origin: true, ..Pace::default() }).contains("a real origin answered"));
        let others = Pace { before: Some(Before { keys: 1, ..Before::default() }), ..Pace::default() };
        assert_eq!(unlimited(others), "", "nothing of theirs is in the way");
        assert!(spoiled(others, Capacity::Bytes(1 << 20)).contains("others hold keys"));
    }
}
