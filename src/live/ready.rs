//! Before a cell is played: the server is found or started, and nothing is written to one that may not be.

use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::limits::{Beside, PLACES};
use super::link::{Address, Fault, Holders, Link, Node};
use super::owed::{owe, settled};
use super::play::Keys;
use super::server::{Info, Says, Sections, Spawned, Work, config, room};
use super::tidy::tidy;
use super::{Options, Target};
use crate::cache::memory::Counting;
use crate::scenario::Scenario;
use crate::trace::Objects;
use crate::tune::{CellPlan, Progress};

/// Most names in one EXISTS.
const CHUNK: usize = 500;

/// Time between two looks at whether the user wants to stop.
const TICK: Duration = Duration::from_millis(20);

/// The longest pause between two questions, in seconds.
const LONGEST: f64 = 3_600.0;

/// What a connection takes of a server at most, about, while values are small.
const CONNECTION: u64 = 38 << 10;

/// A server that is ready, and what was done to it.
pub(super) struct Ready {
    /// Stopped when it is dropped.
    pub(super) spawned: Option<Spawned>,
    pub(super) link: Link,
    /// Who holds keys; remembered, as who does not answer at the end may hold some.
    pub(super) holders: Holders,
    pub(super) first: Info,
    /// What it has worked before, and what it may be asked of that.
    pub(super) work: (Work, Sections),
    pub(super) changed: config::Changed,
    pub(super) warnings: Vec<String>,
}

/// Why a server is not ready.
pub(super) enum Unready {
    /// The user stopped it before anything was written.
    Stopped,
    /// It cannot be used.
    Why(String),
}

impl From<String> for Unready {
    fn from(why: String) -> Self {
        Self::Why(why)
    }
}

/// Finds or starts the server, and looks whether it may be used.
pub(super) async fn ready(
    scenario: &Scenario,
    plan: &CellPlan,
    counting: Option<Counting>,
    connections: usize,
    (objects, beside): (&Objects, Beside),
    options: &Options,
    progress: &dyn Progress,
) -> Result<Ready, Unready> {
    let said = |fault: Fault| fault.to_string();
    let wanted = |servers| config::wanted(scenario, plan, counting, servers);
    let spawned = match &options.target {
        Target::Spawn => Some(Spawned::start(&wanted(1))?),
        Target::Url(_) | Target::Cluster(_) => None,
    };
    let link = open(spawned.as_ref(), options, connections).await?;
    let servers = Info::of_each(&link).await.map_err(said)?;
    let first = Info::sum(&servers).map_err(said)?;
    if let Some(server) = &spawned
        && first.process != u64::from(server.process())
    {
        let why = "somebody else answers at the port of the server that was started; try again";
        return Err(Unready::Why(why.to_owned()));
    }
    usable(&first, options)?;
    let wanted = wanted(servers.len() as u64);
    let says = match (&spawned, options.configure) {
        (Some(_), _) => Says::Cell,
        (None, true) => Says::Configure(&wanted),
        (None, false) => Says::Server,
    };
    let mut warnings = room(&servers, says)?;
    // Told at once: whoever waits for the end of a run waits for nothing.
    warnings.iter().for_each(|what| progress.told(&format!("warning: {what}")));
    if counting.is_some() {
        let otherwise: BTreeSet<String> =
            servers.iter().filter_map(|(_, info)| info.counts_otherwise()).collect();
        warnings.extend(otherwise);
    }
    let nodes: Vec<Node> = servers.iter().map(|(node, _)| node.clone()).collect();
    let holders = link.holders(nodes).await.map_err(said)?;
    if spawned.is_none() {
        // Who removes the keys comes over one more connection: a server that takes none says so before any is written.
        drop(open(None, options, 1).await?);
        let free = free(&link, &first, objects, beside, options, progress).await;
        free.map_err(|why| if progress.stop() { Unready::Stopped } else { Unready::Why(why) })?;
        may_remove(&link, objects, beside, options).await?;
    }
    // Before anything is changed, which a failure would leave so.
    let work = Work::first(&link, &first).await.map_err(said)?;
    let mut changed = config::Changed::default();
    if spawned.is_none() {
        if options.configure {
            let others = first.keys * PLACES + connections as u64 * CONNECTION;
            config::spares_others(&servers, &wanted, beside.bytes_with(objects) + others)?;
            let set = changed.set(&link, holders.nodes(), &wanted).await;
            // Told at once: whoever kills the run must know what to put back.
            changed.told().for_each(|what| progress.told(&what));
            match set {
                Ok(told) => warnings.extend(told),
                Err(why) => {
                    owe(options.prefix(), &changed);
                    let left = tidy(options, Some(&link), &holders, &[], changed).await;
                    settled();
                    return Err(Unready::Why(iter::once(why).chain(left).collect::<Vec<_>>().join("; ")));
                }
            }
        } else {
            warnings.extend(config::differences(&link, holders.nodes(), &wanted).await.map_err(said)?);
        }
        if first.keys > 0 {
            warnings
                .push(format!("the server held {} keys of others, whose memory is counted too", first.keys));
        }
    }
    if spawned.is_none() {
        owe(options.prefix(), &changed);
    }
    Ok(Ready { spawned, link, holders, first, work, changed, warnings })
}

/// The limit of bytes that a server has by itself; `None` where it has none.
pub(super) async fn own_limit(options: &Options) -> Result<Option<u64>, String> {
    let link = open(None, options, 1).await?;
    let (info, _) = Info::ask(&link).await.map_err(|fault| fault.to_string())?;
    Ok(Some(info.maxmemory).filter(|limit| *limit > 0))
}

/// Opens connections to the server that was started, or to the one that is named.
pub(super) async fn open(
    spawned: Option<&Spawned>,
    options: &Options,
    connections: usize,
) -> Result<Link, String> {
    let own = spawned.map(Spawned::url).unwrap_or_default();
    let address = match &options.target {
        Target::Spawn => Address { url: &own, is_cluster: false },
        Target::Url(url) => Address { url, is_cluster: false },
        Target::Cluster(url) => Address { url, is_cluster: true },
    };
    Link::open(address, &options.tls, connections).await.map_err(|fault| fault.to_string())
}

/// Whether a server may be written to.
pub(super) fn usable(first: &Info, options: &Options) -> Result<(), String> {
    if first.is_replica {
        return Err("the server is a replica and takes no writes; name its primary instead".to_owned());
    }
    if first.is_cluster && !matches!(options.target, Target::Cluster(_)) {
        return Err(
            "the server is a node of a cluster; say --cluster, or name a server of its own".to_owned()
        );
    }
    if first.keys > 0 && !options.allow_nonempty {
        return Err(format!(
            "the server holds {} keys; name an empty one, or say --allow-nonempty: keys of the run begin with \"{}\", but what it \
             writes may push others out",
            first.keys, options.prefix
        ));
    }
    Ok(())
}

/// Whether nobody has keys by the names that a run would use: it would write over them, and remove them at its end. It asks for
/// no more of them in a second than reads are allowed.
pub(super) async fn free(
    link: &Link,
    first: &Info,
    objects: &Objects,
    beside: Beside,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(), String> {
    if first.keys == 0 {
        return Ok(());
    }
    let keys = Keys::new(options.prefix().to_owned());
    let rate = options.limits.rate.as_per_second();
    let (mut names, mut taken) = (beside.names(objects, &keys), 0);
    let mut due = Instant::now();
    loop {
        let chunk: Vec<String> = names.by_ref().take(at_once(rate)).collect();
        if chunk.is_empty() {
            break;
        }
        while Instant::now() < due && !progress.stop() {
            sleep_until(due.min(Instant::now() + TICK)).await;
        }
        if progress.stop() {
            return Err("interrupted before anything was written".to_owned());
        }
        // Who was late does not catch up.
        due = due.max(Instant::now()) + Duration::from_secs_f64((chunk.len() as f64 / rate).min(LONGEST));
        taken += link.exists(&chunk).await.map_err(|fault| fault.to_string())?;
    }
    if taken > 0 {
        return Err(format!(
            "{taken} keys by names of this run are on the server already, of somebody else or left by a run that was killed, and would \
             be written over and removed; choose another --prefix, or remove those that begin with \"{}\"",
            options.prefix()
        ));
    }
    Ok(())
}

/// Whether the run may remove what it writes, tried with names that are its own and free: a user may be allowed SET and no
/// UNLINK, and would leave all of its keys.
pub(super) async fn may_remove(
    link: &Link,
    objects: &Objects,
    beside: Beside,
    options: &Options,
) -> Result<(), String> {
    let keys = Keys::new(options.prefix().to_owned());
    // In a cluster every server has users of its own.
    let many = if matches!(options.target, Target::Cluster(_)) {
        at_once(options.limits.rate.as_per_second())
    } else {
        1
    };
    let names: Vec<String> = beside.names(objects, &keys).take(many).collect();
    match link.unlink(&names).await {
        Ok(_) => Ok(()),
        Err(fault) => Err(format!(
            "nothing is written, as the run could not remove its keys at its end (UNLINK): {fault}"
        )),
    }
}

/// Names in one EXISTS where so many are allowed in a second: those of a tenth of one.
fn at_once(rate: f64) -> usize {
    (1..CHUNK).find(|names| (names + 1) as f64 > rate / 10.0).unwrap_or(CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_for_in_parts_of_a_tenth_of_a_second() {
        assert_eq!(
            [0.0, 5.0, 19.0, 20.0, 25.0, 4_999.0, 5_000.0, 1e9].map(at_once),
            [1, 1, 1, 2, 2, 499, 500, 500]
        );
    }
}
