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

/// Those without which a server is not set as the scenario says.
const NEEDED: [&str; 2] = ["maxmemory", "maxmemory-policy"];

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

/// Refuses to limit a server to less than others hold on it: it would evict their keys before the run begins.
pub(in crate::live) fn spares_others(
    servers: &[(Node, Info)],
    wanted: &[(&'static str, String)],
) -> Result<(), String> {
    let limit =
        wanted.iter().find(|(name, _)| *name == "maxmemory").and_then(|(_, value)| value.parse().ok());
    let Some(limit) = limit.filter(|limit: &u64| *limit > 0) else { return Ok(()) };
    let endangered = servers.iter().find(|(_, info)| info.keys > 0 && info.used_memory > limit);
    endangered.map_or(Ok(()), |(node, info)| {
        Err(format!(
            "--configure would limit {node} to {limit} bytes, and it holds {} keys of others in {} bytes, many of which it would \
             evict at once; leave out --configure, give [cache] a larger capacity, or name an empty server",
            info.keys, info.used_memory
        ))
    })
}

/// A setting of a server, and its value.
pub(in crate::live) type Set = (Node, &'static str, String);

/// What was set, and what it was before.
#[derive(Debug, Default)]
pub(in crate::live) struct Changed {
    before: Vec<Set>,
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
            self.before.push((node.clone(), name, now));
            if let Err(fault) = link.set_config(node, name, value).await {
                if matches!(fault, Fault::Refused(..)) {
                    self.before.pop();
                }
                return Err(format!("--configure: CONFIG SET {name} {value} on {node}: {fault}"));
            }
        }
        Ok(told)
    }

    /// Each change in a sentence.
    pub(in crate::live) fn told(&self) -> impl Iterator<Item = String> {
        self.before
            .iter()
            .map(|(node, name, now)| format!("{name} of {node} was {now}, which is put back at the end"))
    }

    /// What is to be put back, the latest change first.
    pub(in crate::live) fn back(self) -> impl Iterator<Item = Set> {
        self.before.into_iter().rev()
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

    #[test]
    fn a_limit_below_what_others_hold_is_refused() {
        let holding = |keys, used_memory| vec![(Node::Only, Info { used_memory, keys, ..Info::default() })];
        let spares = |servers: &[(Node, Info)], limit: &str| {
            spares_others(
                servers,
                &[("maxmemory-policy", "noeviction".to_owned()), ("maxmemory", limit.to_owned())],
            )
        };
        assert!(spares(&holding(3, 2_000), "1000").unwrap_err().contains("3 keys of others"));
        assert_eq!(spares(&holding(3, 2_000), "2000"), Ok(()));
        assert_eq!(spares(&holding(3, 2_000), "0"), Ok(()), "without a limit nothing is evicted");
        assert_eq!(spares(&holding(0, 2_000), "1000"), Ok(()), "there is nothing to lose");
    }
}
