//! The rule and the modifiers of a case as a scenario writes them.

use crate::TICK;
use crate::case::Case;
use crate::naive::learning::{Change, Curve, Goal, Gradient, Room};
use crate::naive::modifier::{Activity, Modifier};
use crate::naive::schedule::Clock;
use crate::naive::ttl::Ttl;
use crate::write::ns;

impl Case {
    pub(crate) fn rule(&self) -> String {
        let within = |(min, max): &(u64, u64)| format!("min = {}, max = {}", ns(*min), ns(*max));
        match &self.ttl {
            Ttl::None => "rule = \"none\"".to_owned(),
            Ttl::Fixed(ttl) => format!("rule = \"fixed\", ttl = {}", ns(*ttl)),
            Ttl::ClassTable(ttls) => {
                // Those that are like the last need not be named.
                let other = ttls.last().copied().unwrap_or(TICK);
                let named = ttls.iter().enumerate().filter(|(_, ttl)| **ttl != other);
                let rows: Vec<String> =
                    named.map(|(class, ttl)| format!("c{class} = {}", life(*ttl))).collect();
                format!(
                    "rule = \"class-table\", table = {{ {} }}, default = {}",
                    rows.join(", "),
                    life(other)
                )
            }
            Ttl::Recorded(_, default) => {
                let default = default.map_or(String::new(), |ttl| format!(", default = {}", ns(ttl)));
                format!("rule = \"trace\"{default}")
            }
            Ttl::Sliding { idle, max_age, redraws } => {
                let redraw = if *redraws { "touch" } else { "fill" };
                let (idle, max_age) = (ns(*idle), age(*max_age));
                format!("rule = \"sliding\", idle = {idle}, max_age = {max_age}, redraw = \"{redraw}\"")
            }
            Ttl::SizePower { t0, s0, gamma, within: bounds } => {
                let s0 = s0.map_or("median".to_owned(), |bytes| format!("{bytes}B"));
                let (t0, bounds) = (ns(*t0), within(bounds));
                format!("rule = \"size-power\", t0 = {t0}, s0 = \"{s0}\", gamma = {gamma:?}, {bounds}")
            }
            Ttl::CostProportional { k, ewma, within: bounds } => {
                format!("rule = \"cost-proportional\", k = {k:?}, ewma = {ewma:?}, {}", within(bounds))
            }
            Ttl::LastModifiedFraction { f, within: bounds } => {
                format!("rule = \"last-modified-fraction\", f = {f:?}, {}", within(bounds))
            }
            Ttl::BreakEven { randomised, miss_cost, price_per_gb_hour, within: bounds, max_age } => format!(
                "rule = \"break-even\", randomised = {randomised}, miss_cost = {miss_cost:?}, price = {price_per_gb_hour:?}, {}, max_age = {}",
                within(bounds),
                age(*max_age)
            ),
            Ttl::ChangeRate(change) => changing(change),
            Ttl::Controlled(goal, touch, by_class) => {
                let scope = if *by_class { "class" } else { "global" };
                format!("rule = \"d-ttl\", touch = {touch}, scope = \"{scope}\", {}", self::goal(goal))
            }
            Ttl::Filtered(goal, room) => {
                let room = match room {
                    Room::Values(values) => format!("{{ objects = {values} }}"),
                    Room::Bytes(bytes) => format!("\"{bytes}B\""),
                };
                format!("rule = \"f-ttl\", size_target = {room}, {}", self::goal(goal))
            }
            Ttl::Elastic(Gradient { step, start, miss_cost, price_per_gb_hour, within: bounds, max_age }) => {
                format!(
                    "rule = \"elastic\", step = {}, start = {}, miss_cost = {miss_cost:?}, price = {price_per_gb_hour:?}, {}, max_age = {}",
                    ns(*step),
                    ns(*start),
                    within(bounds),
                    age(*max_age)
                )
            }
        }
    }

    pub(crate) fn bending(&self) -> String {
        let one = |modifier: &Modifier| match modifier {
            Modifier::Clock(clock) => timetable(clock),
            Modifier::Active { of, half_life, power, within } => {
                let scope = match of {
                    Activity::Object => "key",
                    Activity::Class => "class",
                    Activity::All => "site",
                };
                format!(
                    "{{ modifier = \"activity\", scope = \"{scope}\", half_life = {}, a = {power:?}, f_min = {:?}, f_max = {:?} }}",
                    ns(*half_life),
                    within.0,
                    within.1
                )
            }
            Modifier::Loaded { servers, queue, from, to, most, window, hysteresis, extends } => {
                // As many as the origin has go without saying.
                let own = self.servers.count.is_some_and(|count| (count as f64 - servers).abs() < 0.5);
                let servers = if own { String::new() } else { format!("servers = {servers}, ") };
                format!(
                    "{{ modifier = \"load-adaptive\", signal = \"{}\", {servers}lo = {from:?}, hi = {to:?}, g_max = {most:?}, \
                     window = {}, hysteresis = {hysteresis:?}, extend_existing = {extends} }}",
                    if *queue { "queue" } else { "utilisation" },
                    ns(*window)
                )
            }
            Modifier::Clamp(min, max) => {
                format!("{{ modifier = \"clamp\", min = {}, max = {} }}", ns(*min), ns(*max))
            }
            Modifier::Spread(spread) => format!("{{ modifier = \"jitter\", spread = {spread:?} }}"),
            Modifier::SpreadForGood(spread) => {
                format!("{{ modifier = \"jitter\", mode = \"per-key\", spread = {spread:?} }}")
            }
            Modifier::Longer(most) => {
                format!("{{ modifier = \"jitter\", mode = \"additive\", most = {} }}", ns(*most))
            }
        };
        let all: Vec<String> = self.modifiers.iter().map(one).collect();
        format!(", modifiers = [{}]", all.join(", "))
    }
}

/// A TTL, or none.
fn life(ttl: u64) -> String {
    if ttl == u64::MAX { "\"none\"".to_owned() } else { ns(ttl) }
}

/// A greatest age, or none.
fn age(max_age: u64) -> String {
    if max_age == u64::MAX { "\"unbounded\"".to_owned() } else { ns(max_age) }
}

fn timetable(Clock { lines, linear, ahead, begins }: &Clock) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let name = |day: u64| DAYS[usize::try_from(day).expect("a week has seven")];
    let time = |minute: u64| format!("{:02}:{:02}", minute / 60, minute % 60);
    let lines = lines.iter().map(|(days, minute, factor)| {
        let days = match days {
            None => String::new(),
            Some((first, last)) if first == last => format!("{} ", name(*first)),
            Some((first, last)) => format!("{}-{} ", name(*first), name(*last)),
        };
        format!("\"{days}{}\" = {factor:?}", time(*minute))
    });
    let lines: Vec<String> = lines.collect();
    let sign = if *ahead < 0 { '-' } else { '+' };
    format!(
        "{{ modifier = \"schedule\", table = {{ {} }}, interpolate = \"{}\", utc_offset = \"{sign}{}\", start = \"{} {}\" }}",
        lines.join(", "),
        if *linear { "linear" } else { "step" },
        time(ahead.unsigned_abs()),
        name(begins.0),
        time(begins.1)
    )
}

/// The keys of a goal.
fn goal(goal: &Goal) -> String {
    let Goal { target, a0, exponent, least_step, max_ttl, start, max_age, by_size } = goal;
    let weight = if *by_size { "byte" } else { "object" };
    format!(
        "target = {target:?}, a0 = {a0:?}, exponent = {exponent:?}, floor_step = {}, max_ttl = {}, start = {}, \
         max_age = {}, weight = \"{weight}\"",
        ns(*least_step),
        ns(*max_ttl),
        ns(*start),
        age(*max_age)
    )
}

fn changing(Change { curve, declared, estimated, within: (min, max) }: &Change) -> String {
    // What holds for all classes is said of none of them, unless it is too short for that.
    let alike = declared.windows(2).all(|two| two[0] == two[1]);
    let all = declared.first().copied().flatten().filter(|every| alike && *every >= 100 * TICK);
    let rows = declared.iter().enumerate().filter(|_| all.is_none());
    let mut rows: Vec<String> =
        rows.filter_map(|(class, every)| Some(format!("c{class} = {}", ns((*every)?)))).collect();
    rows = vec![format!("table = {{ {} }}", rows.join(", "))];
    rows.extend(all.map(|every| format!("changes_every = {}", ns(every))));
    let curve = match curve {
        Curve::Target(target) => format!("target_freshness = {target:?}"),
        Curve::Steps(steps) => {
            let steps: Vec<String> =
                steps.iter().map(|(rate, ttl)| format!("\"{rate}/s\" = {}", ns(*ttl))).collect();
            format!("mode = \"steps\", steps = {{ {} }}", steps.join(", "))
        }
    };
    let mu = match estimated {
        Some((polls, prior)) => format!("mu = \"estimated\", min_polls = {polls}, prior = {prior:?}"),
        None => "mu = \"declared\"".to_owned(),
    };
    let (min, max) = (ns(*min), ns(*max));
    format!("rule = \"change-rate\", {mu}, {curve}, {}, min = {min}, max = {max}", rows.join(", "))
}
