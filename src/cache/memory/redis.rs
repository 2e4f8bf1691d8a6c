//! Memory as Redis 7.0 counts it in `used_memory`, to the byte for each entry.
//!
//! An entry takes its key, its value, their headers, a place in the chain of all keys and with a TTL
//! one in that of the keys with a TTL, each rounded up to a class of the allocator. Beside entries
//! there are both hash tables, which double and move their keys bit by bit, the connections with their
//! buffers, a histogram for each kind of command, and the empty server: so a limit below about one
//! megabyte (0.96 with one connection that sends GET and SET) holds next to nothing. The limit applies to all that, and to
//! the command that is being run.
//!
//! `build` says who built the server: a `distribution`'s package (allocator classes in steps of 16
//! bytes) or `upstream` (8 bytes). `clients` is the number of connections of the application. What the
//! process takes of the machine is more; `rss_ratio` is what to multiply by, an estimate reported
//! apart.
//!
//! ```toml
//! memory = { model = "redis", build = "distribution" }
//! ```

use serde::{Deserialize, Serialize};

use super::{Beside, Counting, KeyBeside, MemoryModel, Setup};
use crate::cache::redis::Build;
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::origin::Version;
use crate::trace::{ObjectId, Objects};

/// Parameters of [`Redis`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    build: Build,
    clients: usize,
    latency_tracking: bool,
    rss_ratio: f64,
}

/// Bytes as `used_memory` counts them.
#[derive(Debug)]
pub struct Redis(Counting);

impl Plugin for Redis {
    const NAME: &'static str = "redis";
    const SUMMARY: &'static str =
        "Memory as Redis counts it: keys, headers, tables, rounding, connections, the empty server.";
    const PARAMS: &'static [Param] = &[
        Param::new("build", Kind::Choice(&["distribution", "upstream"]), "who built the server, and so how its allocator rounds")
            .default("distribution"),
        Param::integer("clients", "how many connections the application keeps").default("1").from("1").to("100000"),
        Param::new("latency_tracking", Kind::Flag, "whether the server keeps a histogram of each kind of command")
            .default("true"),
        Param::number("rss_ratio", "what the process takes of the machine, as a multiple of used_memory; jemalloc's fragmentation with values of mixed sizes")
            .default("1.1")
            .from("1")
            .to("4"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let Params { build, clients, latency_tracking, rss_ratio } = *params;
        Ok(Self(Counting { build, clients, latency_tracking, beside: Beside::default(), rss_ratio }))
    }
}

impl MemoryModel for Redis {
    #[inline]
    fn cost(&self, objects: &Objects, object: ObjectId, version: Version, has_ttl: bool) -> u64 {
        self.0.build.entry(objects.key_len(object), objects.size_of(object, version.0).into(), has_ttl)
    }

    fn keep_beside(&mut self, which: KeyBeside) {
        match which {
            KeyBeside::Deadline => self.0.beside.deadlines = true,
            KeyBeside::Guard => self.0.beside.guards = true,
        }
    }

    fn counting(&self) -> Option<Counting> {
        Some(self.0)
    }
}
