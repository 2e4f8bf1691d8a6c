//! What a run leaves behind on a server that is not its own: no keys, and the settings as they were.
//!
//! It is done over a connection of its own, as those of the run may be dead or have a long queue; over another one where
//! that one dies, too. What cannot be done is told.

use std::time::Duration;

use super::link::{Fault, Link, within};
use super::server::config::Changed;
use super::{Options, run};

/// Keys in one UNLINK.
const CHUNK: usize = 500;

/// How long one UNLINK may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections are opened, one after the other.
const CONNECTIONS: u32 = 5;

/// Puts settings back and removes `keys`; a sentence for each of the two where something is left.
pub(super) async fn tidy(options: &Options, keys: &[String], changed: Changed) -> Vec<String> {
    let mut left = Vec::new();
    // Settings first, and each of both on its own: they matter to others, and an UNLINK of many keys may take long.
    let (mut settings, mut why) = (Vec::new(), None);
    let mut errand = Errand::new(options);
    for (node, name, value) in changed.back() {
        let set = errand.send(async |link| link.set_config(&node, name, &value).await).await;
        if let Err(reason) = set {
            settings.push(format!("{name} {value} on {node}"));
            why.get_or_insert(reason);
        }
    }
    if let Some(why) = why {
        left.push(format!(
            "settings could not be put back ({why}); do it with CONFIG SET: {}",
            settings.join(", ")
        ));
    }
    let (mut kept, mut why) = (0, None);
    let mut errand = Errand::new(options);
    for chunk in keys.chunks(CHUNK) {
        let removed = errand.send(async |link| within("UNLINK", PATIENCE, link.unlink(chunk)).await).await;
        if let Err(reason) = removed {
            kept += chunk.len();
            why.get_or_insert(reason);
        }
    }
    if let Some(why) = why {
        left.push(format!(
            "up to {kept} of the {} keys of this run may still be on the server ({why}); remove those that begin with \"{}\"",
            keys.len(),
            options.prefix()
        ));
    }
    left
}

/// Somebody who does one thing after the other.
struct Errand<'o> {
    options: &'o Options,
    link: Option<Link>,
    /// How many may still be opened.
    connections: u32,
    /// Why nothing more is tried.
    over: Option<String>,
}

impl<'o> Errand<'o> {
    fn new(options: &'o Options) -> Self {
        Self { options, link: None, connections: CONNECTIONS, over: None }
    }

    /// Does one thing, again over another connection where one dies.
    async fn send<T>(&mut self, what: impl AsyncFn(&Link) -> Result<T, Fault>) -> Result<T, String> {
        loop {
            let link = match self.link.take() {
                Some(link) => link,
                None => self.open().await?,
            };
            match what(&link).await {
                Err(fault @ Fault::Gone(_)) => {
                    if self.connections == 0 {
                        self.over = Some(fault.to_string());
                    }
                }
                // Who does not answer once is not asked a thousand times.
                Err(fault @ Fault::Silent { .. }) => {
                    self.over = Some(fault.to_string());
                    return Err(fault.to_string());
                }
                answer => {
                    self.link = Some(link);
                    return answer.map_err(|fault| fault.to_string());
                }
            }
        }
    }

    async fn open(&mut self) -> Result<Link, String> {
        if let Some(why) = &self.over {
            return Err(why.clone());
        }
        self.connections -= 1;
        run::open(None, self.options, 1).await.inspect_err(|why| self.over = Some(why.clone()))
    }
}
