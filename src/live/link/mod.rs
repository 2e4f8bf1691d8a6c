//! What is said to the server, and what it says: the only file that knows the `redis` crate's calls.

mod address;
mod fault;
mod holders;
mod lane;
mod values;

use std::cell::Cell;
use std::time::Duration;

use redis::{Cmd, ErrorKind, Script, Value};

pub(super) use address::{is_by_tls, names_several, naming};
pub(super) use fault::Fault;
use fault::opening;
pub(super) use holders::Holders;
pub(super) use lane::Node;
use lane::{Gate, Lane};
pub(super) use values::{Values, fill_of};

use super::tls::Tls;

/// How long an answer may take to a question about the server itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It is there.
    Yes,
    /// The server is out of memory (`OOM`).
    OutOfMemory,
    /// There was no such key, or there was one and there must not be.
    No,
}

/// Where a server is, or the nodes of a cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address<'a> {
    /// With user, password and the like.
    pub(super) url: &'a str,
    /// Whether it is a cluster; then the URL may name several hosts.
    pub(super) is_cluster: bool,
}

/// Connections to one server or to one cluster, used in turn; every one carries any number of commands at once.
pub(super) struct Link {
    connections: Vec<Lane>,
    turn: Cell<usize>,
    /// Compare-and-delete.
    release: Script,
}

/// Deletes a lock that is still one's own.
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

impl Link {
    /// Opens so many connections.
    pub(super) async fn open(address: Address<'_>, tls: &Tls, connections: usize) -> Result<Self, Fault> {
        let Address { url, is_cluster } = address;
        let certificates = if is_by_tls(url) { tls.of_redis() } else { Ok(None) };
        let certificates = certificates.map_err(Fault::Unreachable)?;
        let gate = if is_cluster {
            Gate::to_a_cluster(address::each(url)?, certificates)
        } else {
            Gate::to_one(url, certificates)
        };
        let gate = gate.map_err(|error| opening(url, &error))?;
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(gate.open().await.map_err(|error| opening(url, &error))?);
        }
        Ok(Self { connections: opened, turn: Cell::new(0), release: Script::new(RELEASE) })
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The next connection.
    fn next(&self) -> Lane {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.connections.len());
        self.connections[turn].clone()
    }

    /// Sends a command over the next connection.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, Fault> {
        extracted(self.next().send(command).await)
    }

    /// Sends two commands over the next connection, one right after the other.
    pub(super) async fn send_both(&self, first: &Cmd, second: &Cmd) -> [Result<Value, Fault>; 2] {
        let mut lane = self.next();
        let mut same = lane.clone();
        let (first, second) = tokio::join!(lane.send(first), same.send(second));
        [extracted(first), extracted(second)]
    }

    /// GET.
    pub(super) async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let mut command = Cmd::with_capacity(2, key.len() + 3);
        command.arg(b"GET").arg(key);
        bytes("GET", self.send(&command).await?)
    }

    /// SET, with PX where there is a TTL.
    pub(super) async fn set(
        &self,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Written, Fault> {
        written("SET", self.send(&set_command(key, value, ttl)).await)
    }

    /// SET with NX and PX: whether the key was set.
    pub(super) async fn set_absent(&self, key: &[u8], value: u64, ttl: Duration) -> Result<Written, Fault> {
        let mut command = Cmd::new();
        command.arg(b"SET").arg(key).arg(value).arg(b"NX").arg(b"PX").arg(millis(ttl));
        written("SET NX", self.send(&command).await)
    }

    /// Compare-and-delete in a script (EVALSHA): whether the lock was still one's own.
    pub(super) async fn release(&self, key: &[u8], value: u64) -> Result<bool, Fault> {
        let deleted = self.next().run(self.release.key(key).arg(value)).await;
        deleted.map(|deleted| deleted > 0).map_err(|error| Fault::of(&error))
    }

    /// PEXPIRE: whether there was such a key.
    pub(super) async fn expire(&self, key: &[u8], ttl: Duration) -> Result<Written, Fault> {
        let mut command = Cmd::new();
        command.arg(b"PEXPIRE").arg(key).arg(millis(ttl));
        written("PEXPIRE", self.send(&command).await)
    }

    /// PERSIST: whether there was such a key with a TTL.
    pub(super) async fn persist(&self, key: &[u8]) -> Result<Written, Fault> {
        let mut command = Cmd::new();
        command.arg(b"PERSIST").arg(key);
        written("PERSIST", self.send(&command).await)
    }

    /// UNLINK: how many of the keys were there.
    pub(super) async fn unlink<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<u64, Fault> {
        self.of_all("UNLINK", keys).await
    }

    /// EXISTS: how many of the keys are there.
    pub(super) async fn exists<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<u64, Fault> {
        self.of_all("EXISTS", keys).await
    }

    /// A command on keys that answers with a number of them.
    async fn of_all<K: AsRef<[u8]>>(&self, name: &str, keys: &[K]) -> Result<u64, Fault> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut command = Cmd::new();
        command.arg(name);
        keys.iter().for_each(|key| {
            command.arg(key.as_ref());
        });
        self.number(name, &command).await
    }

    /// A command that answers with a number.
    pub(super) async fn number(&self, name: &str, command: &Cmd) -> Result<u64, Fault> {
        number(name, self.send(command).await?)
    }

    /// A command that answers with a list of texts.
    pub(super) async fn list(&self, name: &str, command: &Cmd) -> Result<Vec<Vec<u8>>, Fault> {
        let answer = self.send(command).await?;
        match redis::from_redis_value(answer) {
            Ok(list) => Ok(list),
            Err(_) => Err(Fault::Refused(format!("{name} was answered with something that is no list"))),
        }
    }

    /// INFO of every server that holds keys, in the order of their addresses; of these sections, or what is told unasked.
    pub(super) async fn info(&self, sections: &[&str]) -> Result<Vec<(Node, String)>, Fault> {
        let mut command = Cmd::new();
        command.arg(b"INFO").arg(sections);
        let answers = self.ask_all("INFO", &command, PATIENCE).await?;
        let told = |(node, answer)| -> Result<(Node, String), Fault> {
            Ok((node, told("INFO", extracted(Ok(answer))?)?))
        };
        answers.into_iter().map(told).collect()
    }

    /// INFO of one server, what is told unasked.
    pub(super) async fn info_of(&self, node: &Node) -> Result<String, Fault> {
        let mut command = Cmd::new();
        command.arg(b"INFO");
        told("INFO", self.ask("INFO", node, &command).await?)
    }

    /// Which of these servers holds which keys.
    pub(super) async fn holders(&self, nodes: Vec<Node>) -> Result<Holders, Fault> {
        let Some(asked @ Node::Primary { .. }) = nodes.first().cloned() else { return Ok(Holders::only()) };
        let mut command = Cmd::new();
        command.arg(b"CLUSTER").arg(b"SLOTS");
        let answer = self.ask("CLUSTER SLOTS", &asked, &command).await?;
        Ok(Holders::of_a_cluster(nodes, &asked, &answer))
    }

    /// TIME of a server: its clock in microseconds since 1970; 0 where it does not tell.
    pub(super) async fn time(&self, node: &Node) -> Result<u64, Fault> {
        let mut command = Cmd::new();
        command.arg(b"TIME");
        match self.ask("TIME", node, &command).await {
            Ok(answer) => {
                let told: Option<(u64, u64)> = redis::from_redis_value(answer).ok();
                Ok(told.map_or(0, |(seconds, micros)| seconds * 1_000_000 + micros))
            }
            Err(Fault::Refused(_) | Fault::Forbidden(_)) => Ok(0),
            Err(other) => Err(other),
        }
    }

    /// PING over every connection that lives: whatever was sent before is done then.
    pub(super) async fn settle(&self, patience: Duration) -> Result<(), Fault> {
        let mut command = Cmd::new();
        command.arg(b"PING");
        for _ in &self.connections {
            // What a dead connection has not done it will not do.
            if let Err(silent @ Fault::Silent { .. }) = self.ask_all("PING", &command, patience).await {
                return Err(silent);
            }
        }
        Ok(())
    }

    /// CONFIG GET: the value of a setting; none where the server has none of that name, or must not tell.
    pub(super) async fn config(&self, node: &Node, name: &str) -> Result<Option<String>, Fault> {
        let mut command = Cmd::new();
        command.arg(b"CONFIG").arg(b"GET").arg(name);
        match self.ask("CONFIG GET", node, &command).await {
            Ok(answer) => {
                let pairs: Vec<(String, String)> = redis::from_redis_value(answer).unwrap_or_default();
                Ok(pairs.into_iter().next().map(|(_, value)| value))
            }
            Err(Fault::Refused(_) | Fault::Forbidden(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// LATENCY: what its monitor noted.
    pub(super) async fn latency(&self, node: &Node, words: &[&str]) -> Result<Value, Fault> {
        let mut command = Cmd::new();
        command.arg(b"LATENCY").arg(words);
        self.ask("LATENCY", node, &command).await
    }

    /// CONFIG SET.
    pub(super) async fn set_config(&self, node: &Node, name: &str, value: &str) -> Result<(), Fault> {
        let mut command = Cmd::new();
        command.arg(b"CONFIG").arg(b"SET").arg(name).arg(value);
        self.ask("CONFIG SET", node, &command).await.map(|_| ())
    }

    /// Asks a server something about itself, and does not wait for ever.
    async fn ask(&self, what: &'static str, node: &Node, command: &Cmd) -> Result<Value, Fault> {
        let mut lane = self.next();
        within(what, PATIENCE, async { extracted(lane.send_to(node, command).await) }).await
    }

    /// The same of every server that holds keys.
    async fn ask_all(
        &self,
        what: &'static str,
        command: &Cmd,
        patience: Duration,
    ) -> Result<Vec<(Node, Value)>, Fault> {
        let mut lane = self.next();
        let answers = async { lane.send_to_all(command).await.map_err(|error| Fault::of(&error)) };
        within(what, patience, answers).await
    }
}

/// Waits for an answer, and not for ever.
pub(super) async fn within<T>(
    what: &'static str,
    patience: Duration,
    answer: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let in_time = tokio::time::timeout(patience, answer).await;
    in_time.unwrap_or(Err(Fault::Silent { what, patience }))
}

/// An answer that is an error is one.
fn extracted(answer: redis::RedisResult<Value>) -> Result<Value, Fault> {
    answer.and_then(Value::extract_error).map_err(|error| Fault::of(&error))
}

/// SET, with PX where there is a TTL.
pub(super) fn set_command(key: &[u8], value: &[u8], ttl: Option<Duration>) -> Cmd {
    let mut command = Cmd::with_capacity(6, value.len() + key.len() + 64);
    command.arg(b"SET").arg(key).arg(value);
    if let Some(ttl) = ttl {
        command.arg(b"PX").arg(millis(ttl));
    }
    command
}

/// A text about the server itself.
fn told(name: &str, answer: Value) -> Result<String, Fault> {
    match answer {
        Value::BulkString(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Value::VerbatimString { text, .. } => Ok(text),
        other => Err(Fault::strange(name, &other)),
    }
}

/// A value, or that there is none.
pub(super) fn bytes(name: &str, answer: Value) -> Result<Option<Vec<u8>>, Fault> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(value) => Ok(Some(value)),
        other => Err(Fault::strange(name, &other)),
    }
}

/// A number that is not below 0.
fn number(name: &str, answer: Value) -> Result<u64, Fault> {
    match answer {
        Value::Int(number) => Ok(u64::try_from(number).unwrap_or(0)),
        other => Err(Fault::strange(name, &other)),
    }
}

/// A TTL as Redis takes it. It knows none of 0, so what lives shorter than 1 ms lives for 1 ms.
pub(super) fn millis(ttl: Duration) -> u64 {
    // To the nearest millisecond, as the nearest that Redis can do.
    u64::try_from((ttl.as_micros() + 500) / 1_000).unwrap_or(u64::MAX).max(1)
}

/// What became of a write.
pub(super) fn written(name: &str, answer: Result<Value, Fault>) -> Result<Written, Fault> {
    match answer {
        Ok(Value::Okay | Value::Int(1)) => Ok(Written::Yes),
        Ok(Value::Nil | Value::Int(0)) => Ok(Written::No),
        Ok(other) => Err(Fault::strange(name, &other)),
        Err(Fault::OutOfMemory) => Ok(Written::OutOfMemory),
        Err(other) => Err(other),
    }
}

/// Whether the crate's error says that nobody is there.
fn is_gone(error: &redis::RedisError) -> bool {
    error.is_connection_dropped() || error.is_io_error() || error.kind() == ErrorKind::Io
}
