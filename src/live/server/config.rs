//! The server's own configuration beside the scenario's: told where they differ, set where that is asked.

use super::super::link::{Fault, Link, Node};
use crate::cache::Capacity;
use crate::cache::memory::Counting;
use crate::cache::redis::Settings;
use crate::scenario::Scenario;
use crate::tune::CellPlan;

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
    vec![
        ("latency-tracking", tracking.to_owned()),
        ("maxmemory", limit.to_string()),
        ("maxmemory-policy", policy.to_owned()),
        ("maxmemory-samples", samples.to_string()),
        ("maxmemory-eviction-tenacity", tenacity.to_string()),
        ("active-expire-effort", effort.to_string()),
        ("hz", hz.to_string()),
        ("dynamic-hz", if dynamic_hz { "yes" } else { "no" }.to_owned()),
        ("lfu-log-factor", lfu_log_factor.to_string()),
        ("lfu-decay-time", lfu_decay_time.to_string()),
    ]
}

/// What was set, and what it was before.
#[derive(Debug, Default)]
pub(in crate::live) struct Changed {
    before: Vec<(Node, &'static str, String)>,
}

impl Changed {
    /// Sets what differs from `wanted` on each node; what was set before an error is put back.
    pub(in crate::live) async fn set(
        link: &Link,
        nodes: &[Node],
        wanted: &[(&'static str, String)],
    ) -> Result<Self, Fault> {
        let mut changed = Self::default();
        for node in nodes {
            for (name, value) in wanted {
                let Some(now) = link.config(node, name).await?.filter(|now| now != value) else { continue };
                if let Err(fault) = link.set_config(node, name, value).await {
                    changed.restore(link).await?;
                    return Err(Fault::Refused(format!("CONFIG SET {name} {value}: {fault}")));
                }
                changed.before.push((node.clone(), name, now));
            }
        }
        Ok(changed)
    }

    /// Puts everything back, the latest change first.
    pub(in crate::live) async fn restore(self, link: &Link) -> Result<(), Fault> {
        let mut first = Ok(());
        for (node, name, value) in self.before.iter().rev() {
            let set = link.set_config(node, name, value).await;
            first = first.and(set);
        }
        first
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
