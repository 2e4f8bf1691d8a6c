//! The server's own configuration beside the scenario's: told where they differ, set where that is asked.

use super::super::link::{Fault, Link, Node};
use super::Info;
use crate::cache::Capacity;
use crate::cache::memory::Counting;
use crate::cache::redis::Settings;
use crate::scenario::Scenario;
use crate::tune::CellPlan;

/// The settings that are compared and set, by Redis's names.
pub(in crate::live) const NAMES: [&str; 10] = [
    "latency-tracking",
    "maxmemory",
    "maxmemory-policy",
    "maxmemory-samples",
    "maxmemory-eviction-tenacity",
    "active-expire-effort",
    "hz",
    "dynamic-hz",
    "lfu-log-factor",
    "lfu-decay-time",
];

/// The limit of bytes; 0 is none.
pub(super) const LIMIT: &str = "maxmemory";

/// What is evicted at the limit.
pub(super) const POLICY: &str = "maxmemory-policy";

/// The policy that evicts nothing.
pub(super) const NEVER: &str = "noeviction";

/// Those without which a server is not set as the scenario says.
const NEEDED: [&str; 2] = [LIMIT, POLICY];

/// What a cell wants of the configuration of each of so many servers, by Redis's names; they share the limit.
pub(in crate::live) fn wanted(
    scenario: &Scenario,
    plan: &CellPlan,
    counting: Option<Counting>,
    servers: u64,
) -> Vec<(&'static str, String)> {
    let Settings { samples, effort, hz, dynamic_hz, lfu_log_factor, lfu_decay_time, tenacity, .. } =
        scenario.cache.server.unwrap_or_default();
    let limit = match plan.capacity {
        Capacity::Bytes(bytes) => bytes / servers.max(1),
        Capacity::Unbounded | Capacity::Objects(_) => 0,
    };
    // Without a limit no policy has anything to do.
    let policy = match plan.capacity {
        Capacity::Bytes(_) => scenario.cache.evictions[plan.eviction].name(),
        Capacity::Unbounded | Capacity::Objects(_) => "noeviction",
    };
    // A histogram for each kind of command counts as memory.
    let tracking = if counting.is_some_and(|counting| !counting.latency_tracking) { "no" } else { "yes" };
    let values = [
        tracking.to_owned(),
        limit.to_string(),
        policy.to_owned(),
        samples.to_string(),
        tenacity.to_string(),
        effort.to_string(),
        hz.to_string(),
        if dynamic_hz { "yes" } else { "no" }.to_owned(),
        lfu_log_factor.to_string(),
        lfu_decay_time.to_string(),
    ];
    NAMES.into_iter().zip(values).collect()
}

/// Refuses to set what would push keys of others out, before the run begins or in its course, when the keys of the run take
/// up to `bytes`; a server that does as much by itself is left to that.
pub(in crate::live) fn spares_others(
    servers: &[(Node, Info)],
    wanted: &[(&'static str, String)],
    bytes: u64,
) -> Result<(), String> {
    let wants =
        |name: &str| wanted.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value.as_str());
    let (limit, policy) = (wants(LIMIT).parse().unwrap_or(0), wants(POLICY));
    if limit == 0 {
        return Ok(());
    }
    let of_others = servers.iter().filter(|(_, info)| info.keys > 0 && !evicts_as_much(info, policy, limit));
    for (node, info) in of_others {
        let Info { keys, used_memory, .. } = info;
        if *used_memory > limit {
            return Err(format!(
                "--configure would limit {node} to {limit} bytes, and it holds {keys} keys of others in {used_memory} bytes, many of \
                 which it would evict at once; leave out --configure, give [cache] a larger capacity, or name an empty server"
            ));
        }
        let together = used_memory.saturating_add(bytes);
        if policy != NEVER && together > limit {
            return Err(format!(
                "--configure would let {node} evict ({policy} at {limit} bytes) as it does not by itself, and it holds {keys} keys of \
                 others in {used_memory} bytes: with up to {bytes} bytes of the run they may be pushed out; name an empty server, let \
                 --spawn start one, or give [cache] a capacity of {} bytes or more",
                together.saturating_mul(servers.len() as u64)
            ));
        }
    }
    Ok(())
}

/// Whether a server pushes out as much by itself as under such a policy and limit, of as many kinds of keys.
fn evicts_as_much(info: &Info, policy: &str, limit: u64) -> bool {
    let of_all = info.policy.starts_with("allkeys-");
    let of_those_with_a_ttl = info.policy.starts_with("volatile-") && policy.starts_with("volatile-");
    (1..=limit).contains(&info.maxmemory) && (of_all || of_those_with_a_ttl)
}

/// A setting of a server, and its value.
pub(in crate::live) type Set = (Node, &'static str, String);

/// A setting that was changed.
#[derive(Debug)]
struct Change {
    /// What it was before.
    before: Set,
    /// What it is now.
    now: String,
}

impl Change {
    /// When it may be put back without a server that is full of the run's keys evicting those of others.
    fn turn(&self) -> Turn {
        let (_, name, before) = &self.before;
        let limit = |text: &str| text.parse().ok().filter(|limit: &u64| *limit > 0).unwrap_or(u64::MAX);
        match *name {
            LIMIT if limit(before) < limit(&self.now) => Turn::WithRoom,
            POLICY if before != NEVER => Turn::AfterKeys,
            _ => Turn::AtOnce,
        }
    }
}

/// When a setting may be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    AtOnce,
    AfterKeys,
    WithRoom,
}

/// What is to be put back, in three steps.
#[derive(Debug, Default)]
pub(in crate::live) struct Back {
    /// Whatever spares keys, or has nothing to do with them: at once, a larger limit first.
    pub(in crate::live) at_once: Vec<Set>,
    /// A policy by which a server evicts: when the keys of the run are gone, if they can be removed.
    pub(in crate::live) after_keys: Vec<Set>,
    /// A smaller limit: only when they are gone, as it would push out what others have.
    pub(in crate::live) with_room: Vec<Set>,
}

/// What was set, and what it was before.
#[derive(Debug, Default)]
pub(in crate::live) struct Changed {
    changes: Vec<Change>,
}

impl Changed {
    /// Sets what differs from `wanted` on each node. A sentence for each setting that a server does not tell; where that is
    /// one of those that matter most, nothing is set. After an error some may be set.
    pub(in crate::live) async fn set(
        &mut self,
        link: &Link,
        nodes: &[Node],
        wanted: &[(&'static str, String)],
    ) -> Result<Vec<String>, String> {
        let (mut told, mut differ) = (Vec::new(), Vec::new());
        for node in nodes {
            for (name, value) in wanted {
                match link.config(node, name).await.map_err(|fault| fault.to_string())? {
                    Some(now) if now != *value => differ.push((node, *name, value, now)),
                    Some(_) => {}
                    None if NEEDED.contains(name) => {
                        return Err(format!(
                            "--configure: {node} does not let its {name} be seen and set (CONFIG GET), as is usual where somebody else \
                             runs it; set it where that is done, and leave out --configure"
                        ));
                    }
                    None => told.push(format!(
                        "{node} has no {name}, or does not tell it (CONFIG GET): it is not set, and stays as it is"
                    )),
                }
            }
        }
        for (node, name, value, now) in differ {
            // Noted first: whether it is set when no answer comes nobody knows.
            self.changes.push(Change { before: (node.clone(), name, now), now: value.clone() });
            if let Err(fault) = link.set_config(node, name, value).await {
                if matches!(fault, Fault::Refused(_) | Fault::Forbidden(_) | Fault::Missing(_)) {
                    self.changes.pop();
                }
                return Err(format!("--configure: CONFIG SET {name} {value} on {node}: {fault}"));
            }
        }
        Ok(told)
    }

    /// Each change in a sentence.
    pub(in crate::live) fn told(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(|Change { before: (node, name, value), .. }| {
            format!("{name} of {node} was {value}, which is put back at the end")
        })
    }

    /// What each setting was, as CONFIG SET takes it, and where.
    pub(in crate::live) fn before(&self) -> impl Iterator<Item = String> {
        self.changes
            .iter()
            .map(|Change { before: (node, name, value), .. }| format!("{name} {value} on {node}"))
    }

    /// What is to be put back, the latest change first where the order does not matter.
    pub(in crate::live) fn back(self) -> Back {
        let mut back = Back::default();
        for change in self.changes.into_iter().rev() {
            let turn = match change.turn() {
                Turn::AtOnce => &mut back.at_once,
                Turn::AfterKeys => &mut back.after_keys,
                Turn::WithRoom => &mut back.with_room,
            };
            turn.push(change.before);
        }
        // A server that is full and evicts no more would refuse the writes of others.
        back.at_once.sort_by_key(|(_, name, _)| *name != LIMIT);
        back
    }
}

/// A sentence for each setting of a server that is not what the scenario says.
pub(in crate::live) async fn differences(
    link: &Link,
    nodes: &[Node],
    wanted: &[(&'static str, String)],
) -> Result<Vec<String>, Fault> {
    let mut told = Vec::new();
    for node in nodes {
        for (name, value) in wanted {
            match link.config(node, name).await? {
                Some(now) if now != *value => told.push(format!(
                    "{node} has {name} {now} and the scenario's cache {value}: what is predicted for one is not measured on the \
                     other; --configure sets it for the run"
                )),
                Some(_) => {}
                None => told.push(format!("{node} does not tell its {name} (CONFIG GET), so it is not compared")),
            }
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(limit: &str, policy: &str) -> [(&'static str, String); 2] {
        [(POLICY, policy.to_owned()), (LIMIT, limit.to_owned())]
    }

    fn holding(keys: u64, used_memory: u64) -> Vec<(Node, Info)> {
        vec![(Node::Only, Info { used_memory, keys, ..Info::default() })]
    }

    #[test]
    fn a_limit_below_what_others_hold_is_refused() {
        let spares = |servers: &[(Node, Info)], limit| spares_others(servers, &wanted(limit, NEVER), 500);
        assert!(spares(&holding(3, 2_000), "1000").unwrap_err().contains("3 keys of others"));
        assert_eq!(spares(&holding(3, 2_000), "2000"), Ok(()), "writes are refused, and no key is lost");
        assert_eq!(spares(&holding(3, 2_000), "0"), Ok(()), "without a limit nothing is evicted");
        assert_eq!(spares(&holding(0, 2_000), "1000"), Ok(()), "there is nothing to lose");
    }

    #[test]
    fn keys_of_others_that_a_run_may_push_out_are_spared() {
        let spares =
            |servers: &[(Node, Info)], policy, bytes| spares_others(servers, &wanted("3000", policy), bytes);
        assert_eq!(spares(&holding(3, 2_000), "allkeys-lru", 1_000), Ok(()), "there is room for both");
        let told = spares(&holding(3, 2_000), "allkeys-lru", 1_001).unwrap_err();
        assert!(told.contains("3 keys of others") && told.contains("capacity of 3001 bytes"), "{told}");
        assert!(spares(&holding(3, 2_000), "volatile-ttl", 1_001).is_err());
        assert_eq!(spares(&holding(3, 2_000), NEVER, 9_000), Ok(()));
        assert_eq!(spares(&holding(0, 2_000), "allkeys-lru", 9_000), Ok(()));
        // What a server does by itself anyway.
        let by_itself = |own: &str, maxmemory, policy| {
            let own =
                Info { policy: own.to_owned(), maxmemory, used_memory: 2_000, keys: 3, ..Info::default() };
            spares(&[(Node::Only, own)], policy, 9_000).is_ok()
        };
        assert!(by_itself("allkeys-random", 3_000, "allkeys-lru"));
        assert!(by_itself("allkeys-lru", 2_500, "volatile-ttl"), "it gets more room");
        assert!(!by_itself("allkeys-lru", 3_001, "allkeys-lru"), "it gets less room");
        assert!(!by_itself("allkeys-lru", 0, "allkeys-lru"), "it has no limit");
        assert!(!by_itself(NEVER, 2_500, "allkeys-lru"));
        assert!(by_itself("volatile-lru", 2_500, "volatile-ttl"));
        assert!(!by_itself("volatile-lru", 2_500, "allkeys-lru"), "it spares what has no TTL");
    }

    #[test]
    fn a_smaller_limit_waits_until_the_keys_are_gone_and_a_larger_one_comes_first() {
        let back = |limit: [&str; 2], policy: [&str; 2]| {
            let change = |name, [before, now]: [&str; 2]| Change {
                before: (Node::Only, name, before.to_owned()),
                now: now.to_owned(),
            };
            let changes = vec![change(LIMIT, limit), change(POLICY, policy), change("hz", ["10", "100"])];
            let Back { at_once, after_keys, with_room } = Changed { changes }.back();
            [at_once, after_keys, with_room].map(|sets| {
                let names: Vec<&str> = sets.into_iter().map(|(_, name, _)| name).collect();
                names.join(" ")
            })
        };
        let [evicts, other] = ["allkeys-lru", "volatile-ttl"];
        assert_eq!(back(["6", "30"], [evicts, other]), ["hz", POLICY, LIMIT]);
        assert_eq!(back(["6", "0"], [evicts, NEVER]), ["hz", POLICY, LIMIT], "now there is none");
        assert_eq!(back(["6", "30"], [NEVER, evicts]), ["hz maxmemory-policy", "", LIMIT]);
        assert_eq!(back(["30", "6"], [NEVER, evicts]), ["maxmemory hz maxmemory-policy", "", ""]);
        assert_eq!(back(["0", "6"], [evicts, other]), ["maxmemory hz", POLICY, ""]);
    }
}
