//! A case as a scenario writes it.

use std::fmt::Write;

use crate::case::Case;
use crate::naive::breaker::Breaker;
use crate::naive::fault::{Fault, Spell};
use crate::naive::guard::{AfterWait, Guard};
use crate::naive::modifier::Modifier;
use crate::naive::origin::Shed;
use crate::naive::refresh::{Covers, Refresh};
use crate::naive::server::{Keeps, Upset};
use crate::naive::sweep::{Limit, Sweep};
use crate::naive::upload::{Cover, Warming};
use crate::naive::{
    Capacity, Conditional, Deserted, Duplicate, Eviction, FailSafe, Failures, LateFill, Reclaim, Soft,
};
use ttlab::origin::change::ChangeModel;

/// A duration as a scenario writes it.
pub(crate) fn ns(nanos: u64) -> String {
    format!("\"{nanos}ns\"")
}

impl Case {
    /// The case as a scenario, but for its requests and its origin.
    pub(crate) fn scenario(&self) -> String {
        let source = self.source();
        // Buckets of a length that fits nothing else.
        let mut text = format!("name = \"case\"\n[time]\nbucket = \"7ms\"\n{source}");
        let mut line = |line: String| writeln!(text, "{line}").expect("a String takes any text");
        self.client().into_iter().for_each(&mut line);
        // The case has fetch times of its own; those written here are only what xfetch asks for.
        let time = if matches!(self.refresh, Refresh::Chance { .. }) { "1ms" } else { "0s" };
        line(format!("[origin]\nlatency = {{ model = \"constant\", value = \"{time}\" }}"));
        if self.origin.ever() {
            line("changes = { model = \"poisson\", mean = \"1h\" }".to_owned());
        }
        if let Some(count) = self.servers.count {
            let room = self.servers.room.map_or("\"unbounded\"".to_owned(), |room| room.to_string());
            let order = if self.servers.lifo { "lifo" } else { "fifo" };
            let shed = match self.servers.shed {
                Shed::Newest => "newest",
                Shed::Oldest => "oldest",
                Shed::Deadline => "deadline",
            };
            line(format!(
                "capacity = {{ model = \"servers\", servers = {count}, queue = {room}, order = \"{order}\", shed = \"{shed}\" }}"
            ));
        }
        let spells: Vec<String> = self.spells.iter().map(spell).collect();
        line(format!("faults = [{}]", spells.join(", ")));
        let start = if self.warm { "warm" } else { "cold" };
        let resolution = if self.whole { "1ms" } else { "exact" };
        line(format!("[cache]\nttl_resolution = \"{resolution}\"\nstart = \"{start}\""));
        self.capacity.written().into_iter().for_each(&mut line);
        let eviction = match self.eviction {
            Eviction::Lru => "lru",
            Eviction::Fifo => "fifo",
            Eviction::Never => "noeviction",
        };
        line(format!("eviction = \"{eviction}\""));
        line(format!("reclaim = \"{}\"", if self.reclaim == Reclaim::Lazy { "lazy" } else { "eager" }));
        self.upsets.iter().map(upset).for_each(&mut line);
        let two = self.ttl.steers() && self.modifiers.iter().any(Modifier::moves);
        line(format!(
            "[[strategy]]\nname = \"case\"\nallow_two_controllers = {two}\nttl = {{ {}{} }}",
            self.rule(),
            self.bending()
        ));
        line(format!("refresh = {{ {}{} }}", self.refreshing(), self.addons()));
        line(format!("guard = {{ {} }}", self.guarding()));
        if let Some(sweep) = &self.sweep {
            line(sweeping(sweep));
        }
        match self.soft {
            Soft::Inside => {}
            Soft::Asked => line("soft_expiry = \"pttl\"".to_owned()),
            Soft::Beside => line("soft_expiry = \"sidecar\"".to_owned()),
        }
        text
    }

    /// Where requests come from: classes that some objects are added to, where that matters.
    fn source(&self) -> String {
        let churn = if self.warming.is_some_and(|warming| warming.cover != Cover::Held) {
            "churn = { new_per_day = 0.5 }\n"
        } else {
            ""
        };
        let class = |class| format!("[[workload.class]]\nname = \"c{class}\"\nobjects = 1\n{churn}");
        let classes: String = (0..self.classes()).map(class).collect();
        format!("[workload]\nduration = \"1s\"\nrate = \"1/s\"\n{classes}")
    }

    /// `[client]`.
    fn client(&self) -> Vec<String> {
        let Failures { deserted, duplicate, retries, backoff, budget, share_errors, negative } =
            self.failures;
        let mut lines = vec![
            format!("[client]\nnodes = {}", self.nodes),
            format!("routing = \"{}\"", if self.by_key { "by-key" } else { "uniform" }),
            format!("retries = {retries}\nbackoff = {}\nbackoff_cap = {}", ns(backoff.0), ns(backoff.1)),
            format!(
                "retry_budget = {}",
                budget.map_or("\"none\"".to_owned(), |budget| format!("{budget:?}"))
            ),
            format!(
                "share_errors = {share_errors}\nnegative_ttl = {}\ncrash = {:?}",
                ns(negative),
                self.crash
            ),
        ];
        let duplicate = match duplicate {
            Duplicate::Overwrites => "overwrite",
            Duplicate::IsDropped => "keep-first",
            Duplicate::IsDroppedIfOlder => "newest-version",
        };
        if let Some(Breaker { errors, within, open_for }) = self.breaker {
            let (within, open_for) = (ns(within), ns(open_for));
            lines
                .push(format!("breaker = {{ errors = {errors}, within = {within}, open_for = {open_for} }}"));
        }
        lines.push(format!("duplicate_fill = \"{duplicate}\""));
        if let Some(timeout) = self.timeout {
            let late_fill = if self.late_fill == LateFill::Keep { "keep" } else { "discard" };
            let deserted = match deserted {
                Deserted::RunsOn => "abandon",
                Deserted::LeavesTheQueue => "cancel-queued",
                Deserted::IsCut => "cancel",
            };
            lines.push(format!(
                "timeout = {}\nlate_fill = \"{late_fill}\"\non_timeout = \"{deserted}\"",
                ns(timeout)
            ));
        }
        lines
    }

    fn refreshing(&self) -> String {
        match self.refresh {
            Refresh::OnDemand => "policy = \"on-demand\"".to_owned(),
            Refresh::StaleWhileRevalidate { window } => {
                format!("policy = \"stale-while-revalidate\", window = {}", ns(window))
            }
            Refresh::Ahead { f } => format!("policy = \"refresh-ahead\", f = {f:?}"),
            Refresh::Chance { beta, waits, longest, ewma } => {
                let mode = if waits { "sync" } else { "async" };
                format!(
                    "policy = \"xfetch\", beta = {beta:?}, mode = \"{mode}\", delta_max = {}, delta_ewma = {ewma:?}",
                    ns(longest)
                )
            }
            Refresh::Race { r } => format!("policy = \"race-ttl\", r = {}", ns(r)),
            Refresh::Timer { period, keep, workers, covers, staggers } => {
                let scope = match covers {
                    Covers::All => "scope = \"all\"".to_owned(),
                    Covers::Class(class) => format!("scope = \"class\", class = \"c{class}\""),
                    Covers::Top(most) => format!("scope = \"top-k\", top_k = {most}"),
                };
                // Twice the period goes without saying.
                let keep =
                    if keep == 2 * period { String::new() } else { format!("physical_ttl = {}, ", ns(keep)) };
                format!(
                    "policy = \"timer\", period = {}, {keep}workers = {workers}, stagger = {staggers}, {scope}",
                    ns(period)
                )
            }
        }
    }

    fn addons(&self) -> String {
        let mut all = Vec::new();
        if let Some(Conditional { cost, keep }) = self.conditional {
            all.push(format!("{{ addon = \"conditional\", cost_304 = {cost:?}, keep = {} }}", ns(keep)));
        }
        if let Some(FailSafe { window, throttle, soft }) = self.fail_safe {
            let soft = soft.map_or(String::new(), |soft| format!(", soft_timeout = {}", ns(soft)));
            all.push(format!(
                "{{ addon = \"stale-if-error\", window = {}, throttle = {}{soft} }}",
                ns(window),
                ns(throttle)
            ));
        }
        if let Some(Warming { cover, renditions }) = self.warming {
            let cover = match cover {
                Cover::Held => "held",
                Cover::New => "new",
                Cover::All => "all",
            };
            all.push(format!(
                "{{ addon = \"warm-on-upload\", cover = \"{cover}\", renditions = {renditions} }}"
            ));
        }
        format!(", addons = [{}]", all.join(", "))
    }

    fn guarding(&self) -> String {
        let waiting = |lock_ttl, extends: bool, poll, wait| {
            let (lock_ttl, poll, wait) = (ns(lock_ttl), ns(poll), ns(wait));
            format!("lock_ttl = {lock_ttl}, extend = {extends}, poll = {poll}, wait_timeout = {wait}")
        };
        match self.guard {
            Guard::None => "policy = \"none\"".to_owned(),
            Guard::SingleFlight => "policy = \"single-flight\"".to_owned(),
            Guard::Lock { lock_ttl, extends, poll, wait, after } => {
                let after = match after {
                    AfterWait::Fetch => "fetch",
                    AfterWait::Fail => "fail",
                    AfterWait::Stale => "stale",
                };
                format!(
                    "policy = \"lock\", on_timeout = \"{after}\", {}",
                    waiting(lock_ttl, extends, poll, wait)
                )
            }
            Guard::LockStale { lock_ttl, extends, poll, wait, window, cold_waits } => {
                let cold = if cold_waits { "wait" } else { "fetch" };
                let waiting = waiting(lock_ttl, extends, poll, wait);
                format!("policy = \"lock-stale\", cold = \"{cold}\", window = {}, {waiting}", ns(window))
            }
            Guard::Lease { interval, wait, stale, window } => format!(
                "policy = \"lease\", token_interval = {}, wait = {}, stale_ok = {stale}, window = {}",
                ns(interval),
                ns(wait),
                ns(window)
            ),
        }
    }
}

fn sweeping(sweep: &Sweep) -> String {
    let limit = match sweep.limit {
        Limit::Members(members) => format!("limit_entries = {members}"),
        Limit::Bytes(bytes, batch) => format!("limit_bytes = \"{bytes}B\", batch = {batch}"),
    };
    let purge = if sweep.purge_after.is_some() { "by-score" } else { "none" };
    let together = if sweep.round_trip == 0 {
        "atomic = true".to_owned()
    } else {
        format!("round_trip = {}", ns(sweep.round_trip))
    };
    format!(
        "sweep = {{ policy = \"zset-sweep\", period = {}, {limit}, lean = {}, purge = \"{purge}\", {together} }}",
        ns(sweep.period),
        sweep.lean
    )
}

impl Capacity {
    /// Nothing where there is no limit.
    fn written(self) -> Option<String> {
        match self {
            Self::Unbounded => None,
            Self::Bytes(bytes) => Some(format!("capacity = \"{bytes}B\"")),
            Self::Objects(objects) => Some(format!("capacity = {{ objects = {objects} }}")),
        }
    }
}

fn spell(Spell { from, until, fault }: &Spell) -> String {
    let what = match fault {
        Fault::Refused(after) => format!("fault = \"outage\", answer = \"refuse\", after = {}", ns(*after)),
        Fault::Hung => "fault = \"outage\", answer = \"hang\"".to_owned(),
        Fault::Slow(factor) => format!("fault = \"slowdown\", factor = {factor:?}"),
        Fault::Failing(share) => format!("fault = \"errors\", share = {share:?}"),
    };
    format!("{{ {what}, at = {}, lasts = {} }}", ns(*from), ns(until - from))
}

fn upset((at, what): &(u64, Upset)) -> String {
    let at = ns(*at);
    let what = match what {
        Upset::Flush => format!("flush = {{ at = {at} }}"),
        Upset::Restart { down, keeps, pauses } => {
            let persistence = match keeps {
                Keeps::Nothing => "none",
                Keeps::Live => "rdb",
                Keeps::All => "aof",
            };
            let ttl = if *pauses { "paused" } else { "wall-clock" };
            format!(
                "restart = {{ at = {at}, down = {}, persistence = \"{persistence}\", ttl = \"{ttl}\" }}",
                ns(*down)
            )
        }
        Upset::ShardLoss { down, shards, shard } => {
            format!("shard_loss = {{ at = {at}, down = {}, shards = {shards}, shard = {shard} }}", ns(*down))
        }
        Upset::Limit(capacity) => {
            format!("maxmemory = {{ at = {at}, {} }}", capacity.written().expect("a limit is one"))
        }
    };
    format!("[[cache.event]]\n{what}")
}
