//! What a run leaves behind on a server that is not its own: no keys, and the settings as they were.
//!
//! It is done over a connection of its own, as those of the run may be dead or have a long queue; over another one where
//! that one dies, too, and over those of the run where no further one can be opened. What cannot be done is told.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::link::{Fault, Holders, Link, Node, naming, within};
use super::server::Info;
use super::server::config::{Back, Changed, Set};
use super::{Options, Target, ready};

/// Keys in one UNLINK.
const CHUNK: usize = 500;

/// How long one UNLINK may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections are opened, one after the other.
const CONNECTIONS: u32 = 5;

/// How long a server may take to free what was removed, and what it kept for connections, before its limit is lowered.
const FREED: Duration = Duration::from_secs(5);

/// Time between two looks at that.
const LOOK: Duration = Duration::from_millis(20);

/// Puts settings back and removes `keys`, over connections of its own or those of the run, if they answer; a sentence for
/// whatever is left. One server that does not answer is in nobody's way but its own.
pub(super) async fn tidy(
    options: &Options,
    own: Option<&Link>,
    holders: &Holders,
    keys: &[String],
    changed: Changed,
) -> Vec<String> {
    let Back { at_once, after_keys, with_room } = changed.back();
    let mut errand = Errand::new(options, own, holders);
    // Settings first: they matter to others, and an UNLINK of many keys may take long.
    let mut settings = NotPutBack::default();
    for set in at_once {
        settings.put_back(&mut errand, set).await;
    }
    // Each of both on its own.
    errand.begin_again();
    let mut kept = Kept::default();
    for (node, part) in holders.parts(keys, CHUNK) {
        let removed =
            errand.send(&node, async |link| within("UNLINK", PATIENCE, link.unlink(&part)).await).await;
        if let Err(reason) = removed {
            kept.note(&node, part.len(), reason);
        }
    }
    for set in after_keys {
        settings.put_back(&mut errand, set).await;
    }
    let mut withheld = Vec::new();
    for (node, name, value) in with_room {
        if kept.has_any_on(&node) {
            withheld.push(format!("{name} {value} on {node}"));
            continue;
        }
        // A server that has no more room than that evicts what others have.
        until_it_fits(&mut errand, &node, value.parse().unwrap_or(u64::MAX)).await;
        settings.put_back(&mut errand, (node, name, value)).await;
    }
    let mut left = Vec::new();
    if let Some(why) = settings.why {
        left.push(format!(
            "settings could not be put back ({why}); do it with CONFIG SET: {}",
            settings.which.join(", ")
        ));
    }
    left.extend(kept.told(keys.len(), options.prefix()));
    if !withheld.is_empty() {
        left.push(format!(
            "a smaller limit is not put back, as the server would evict keys of others while those of this run are there; when they \
             are removed, do it with CONFIG SET: {}",
            withheld.join(", ")
        ));
    }
    left
}

/// A sentence where fewer keys are there than others had before; `None` where not, and where not every server tells.
pub(super) async fn gone(
    options: &Options,
    own: Option<&Link>,
    holders: &Holders,
    others: u64,
    is_tidy: bool,
) -> Option<String> {
    if others == 0 {
        return None;
    }
    let mut errand = Errand::new(options, own, holders);
    let mut now = 0;
    for node in holders.nodes() {
        now += errand.send(node, async |link| Info::of_one(link, node).await).await.ok()?.keys;
    }
    let gone = others.checked_sub(now).filter(|gone| *gone > 0)?;
    // Keys of the run that stayed count in the place of theirs.
    let at_least = if is_tidy { "" } else { "at least " };
    Some(format!(
        "{at_least}{gone} of the {others} keys of others that were on the server before the run are gone (evicted, expired or deleted \
         meanwhile)"
    ))
}

/// Waits until a server would be within a limit, but not for ever: others may have filled it.
async fn until_it_fits(errand: &mut Errand<'_>, node: &Node, limit: u64) {
    let end = Instant::now() + FREED;
    while Instant::now() < end {
        let Ok(info) = errand.send(node, async |link| Info::of_one(link, node).await).await else { return };
        if info.used_memory <= limit {
            return;
        }
        sleep(LOOK).await;
    }
}

/// Keys that could not be removed, and from which server, with why the first of its keys could not.
#[derive(Default)]
struct Kept(Vec<(Node, usize, String)>);

impl Kept {
    fn note(&mut self, node: &Node, keys: usize, why: String) {
        match self.0.iter_mut().find(|(own, ..)| own == node) {
            Some((_, kept, _)) => *kept += keys,
            None => self.0.push((node.clone(), keys, why)),
        }
    }

    fn has_any_on(&self, node: &Node) -> bool {
        self.0.iter().any(|(own, ..)| own == node)
    }

    fn told(&self, all: usize, prefix: &str) -> impl Iterator<Item = String> {
        self.0.iter().map(move |(node, kept, why)| {
            format!(
                "up to {kept} of the {all} keys of this run may still be on {node} ({why}); remove those that begin with \"{prefix}\""
            )
        })
    }
}

/// Settings that could not be put back.
#[derive(Default)]
struct NotPutBack {
    which: Vec<String>,
    /// Why the first one of them could not.
    why: Option<String>,
}

impl NotPutBack {
    async fn put_back(&mut self, errand: &mut Errand<'_>, (node, name, value): Set) {
        let set = errand.send(&node, async |link| link.set_config(&node, name, &value).await).await;
        if let Err(reason) = set {
            self.which.push(format!("{name} {value} on {node}"));
            self.why.get_or_insert(reason);
        }
    }
}

/// A connection, or those of the run.
enum Way<'o> {
    New(Link),
    Own(&'o Link),
}

/// Somebody who does one thing after the other.
struct Errand<'o> {
    /// With the addresses of all servers that are known, as one that is named may be the one that does not answer.
    options: Options,
    /// The connections of the run, which may be alive where no further one can be opened.
    own: Option<&'o Link>,
    way: Option<Way<'o>>,
    /// How many may still be opened.
    connections: u32,
    /// How many of the run's may still turn out to be dead.
    own_ones: usize,
    /// What was first in the way.
    why: Option<String>,
    /// Whether no connection can be had any more.
    is_over: bool,
    /// Servers that are not asked any more, and why.
    silent: Vec<(Node, String)>,
}

impl<'o> Errand<'o> {
    fn new(options: &Options, own: Option<&'o Link>, holders: &Holders) -> Self {
        let mut options = options.clone();
        if let Target::Cluster(url) = &mut options.target {
            *url = naming(url, holders.nodes());
        }
        let (connections, own_ones) = (0, 0);
        let mut errand = Self {
            options,
            own,
            way: None,
            connections,
            own_ones,
            why: None,
            is_over: false,
            silent: Vec::new(),
        };
        errand.begin_again();
        errand
    }

    /// Tries as much as at the beginning; a connection that lives is kept.
    fn begin_again(&mut self) {
        self.try_all_connections();
        self.silent.clear();
    }

    fn try_all_connections(&mut self) {
        self.connections = CONNECTIONS;
        self.own_ones = self.own.map_or(0, Link::connections);
        (self.why, self.is_over) = (None, false);
    }

    /// Does one thing at a server, again over another connection where one dies.
    async fn send<T>(
        &mut self,
        node: &Node,
        what: impl AsyncFn(&Link) -> Result<T, Fault>,
    ) -> Result<T, String> {
        if let Some((_, why)) = self.silent.iter().find(|(silent, _)| silent == node) {
            return Err(why.clone());
        }
        let mut died = 0;
        loop {
            let way = match self.way.take() {
                Some(way) => way,
                None => self.open().await?,
            };
            let answer = match &way {
                Way::New(link) => what(link).await,
                Way::Own(link) => what(link).await,
            };
            match answer {
                // What dies twice on its way to one server of several is that server and not the connection.
                Err(fault @ Fault::Gone(_)) if died > 0 && *node != Node::Only => {
                    self.try_all_connections();
                    return Err(self.given_up(node, &fault));
                }
                Err(fault @ Fault::Gone(_)) => {
                    died += 1;
                    self.why.get_or_insert(fault.to_string());
                }
                // Who does not answer once is not asked a thousand times; the others are.
                Err(fault @ (Fault::Silent { .. } | Fault::Missing(_))) => {
                    self.way = Some(way);
                    return Err(self.given_up(node, &fault));
                }
                answer => {
                    self.way = Some(way);
                    return answer.map_err(|fault| fault.to_string());
                }
            }
        }
    }

    /// A server is not asked any more; why.
    fn given_up(&mut self, node: &Node, fault: &Fault) -> String {
        self.silent.push((node.clone(), fault.to_string()));
        fault.to_string()
    }

    /// Another connection, or the next one of the run.
    async fn open(&mut self) -> Result<Way<'o>, String> {
        if !self.is_over && self.connections > 0 {
            self.connections -= 1;
            match ready::open(None, &self.options, 1).await {
                Ok(link) => return Ok(Way::New(link)),
                // Who lets nobody in is not asked again.
                Err(why) => {
                    self.connections = 0;
                    self.why.get_or_insert(why);
                }
            }
        }
        if let Some(own) = self.own.filter(|_| !self.is_over && self.own_ones > 0) {
            self.own_ones -= 1;
            return Ok(Way::Own(own));
        }
        self.is_over = true;
        Err(self.why.clone().unwrap_or_default())
    }
}
