//! What a run leaves behind on a server that is not its own: no keys, and the settings as they were.
//!
//! It is done over a connection of its own, as those of the run may be dead or have a long queue; over another one where
//! that one dies, too, and over those of the run where no further one can be opened. What cannot be done is told.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::link::{Fault, Link, Node, within};
use super::server::Info;
use super::server::config::{Back, Changed, Set};
use super::{Options, ready};

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
/// whatever is left.
pub(super) async fn tidy(
    options: &Options,
    own: Option<&Link>,
    keys: &[String],
    changed: Changed,
) -> Vec<String> {
    let Back { at_once, after_keys, with_room } = changed.back();
    let mut left = Vec::new();
    let mut errand = Errand::new(options, own);
    // Settings first: they matter to others, and an UNLINK of many keys may take long.
    let mut settings = NotPutBack::default();
    for set in at_once {
        settings.put_back(&mut errand, set).await;
    }
    // Each of both on its own.
    errand.begin_again();
    let (mut kept, mut why) = (0, None);
    for chunk in keys.chunks(CHUNK) {
        let removed = errand.send(async |link| within("UNLINK", PATIENCE, link.unlink(chunk)).await).await;
        if let Err(reason) = removed {
            kept += chunk.len();
            why.get_or_insert(reason);
        }
    }
    for set in after_keys {
        settings.put_back(&mut errand, set).await;
    }
    let mut withheld = Vec::new();
    for (node, name, value) in with_room {
        if kept > 0 {
            withheld.push(format!("{name} {value} on {node}"));
            continue;
        }
        // A server that has no more room than that evicts what others have.
        until_it_fits(&mut errand, &node, value.parse().unwrap_or(u64::MAX)).await;
        settings.put_back(&mut errand, (node, name, value)).await;
    }
    if let Some(why) = settings.why {
        left.push(format!(
            "settings could not be put back ({why}); do it with CONFIG SET: {}",
            settings.which.join(", ")
        ));
    }
    if let Some(why) = why {
        left.push(format!(
            "up to {kept} of the {} keys of this run may still be on the server ({why}); remove those that begin with \"{}\"",
            keys.len(),
            options.prefix()
        ));
    }
    if !withheld.is_empty() {
        left.push(format!(
            "a smaller limit is not put back, as the server would evict keys of others while those of this run are there; when they \
             are removed, do it with CONFIG SET: {}",
            withheld.join(", ")
        ));
    }
    left
}

/// A sentence where fewer keys are there than others had before; `None` where not, and where nobody tells.
pub(super) async fn gone(
    options: &Options,
    own: Option<&Link>,
    others: u64,
    is_tidy: bool,
) -> Option<String> {
    if others == 0 {
        return None;
    }
    let asked = Errand::new(options, own).send(async |link| Info::ask(link).await).await;
    let (now, _) = asked.ok()?;
    let gone = others.checked_sub(now.keys).filter(|gone| *gone > 0)?;
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
        let Ok(servers) = errand.send(async |link| Info::of_each(link).await).await else { return };
        if servers.iter().any(|(own, info)| own == node && info.used_memory <= limit) {
            return;
        }
        sleep(LOOK).await;
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
        let set = errand.send(async |link| link.set_config(&node, name, &value).await).await;
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
    options: &'o Options,
    /// The connections of the run, which may be alive where no further one can be opened.
    own: Option<&'o Link>,
    way: Option<Way<'o>>,
    /// How many may still be opened.
    connections: u32,
    /// How many of the run's may still turn out to be dead.
    own_ones: usize,
    /// What was first in the way.
    why: Option<String>,
    /// Whether nothing more is tried.
    is_over: bool,
}

impl<'o> Errand<'o> {
    fn new(options: &'o Options, own: Option<&'o Link>) -> Self {
        let mut errand =
            Self { options, own, way: None, connections: 0, own_ones: 0, why: None, is_over: false };
        errand.begin_again();
        errand
    }

    /// Tries as much as at the beginning; a connection that lives is kept.
    fn begin_again(&mut self) {
        self.connections = CONNECTIONS;
        self.own_ones = self.own.map_or(0, Link::connections);
        (self.why, self.is_over) = (None, false);
    }

    /// Does one thing, again over another connection where one dies.
    async fn send<T>(&mut self, what: impl AsyncFn(&Link) -> Result<T, Fault>) -> Result<T, String> {
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
                Err(fault @ Fault::Gone(_)) => {
                    self.why.get_or_insert(fault.to_string());
                }
                // Who does not answer once is not asked a thousand times.
                Err(fault @ Fault::Silent { .. }) => {
                    (self.why, self.is_over) = (Some(fault.to_string()), true);
                    return Err(fault.to_string());
                }
                answer => {
                    self.way = Some(way);
                    return answer.map_err(|fault| fault.to_string());
                }
            }
        }
    }

    /// Another connection, or the next one of the run.
    async fn open(&mut self) -> Result<Way<'o>, String> {
        if !self.is_over && self.connections > 0 {
            self.connections -= 1;
            match ready::open(None, self.options, 1).await {
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
