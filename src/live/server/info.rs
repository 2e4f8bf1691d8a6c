//! What INFO says, as far as it is compared.

use std::time::Duration;

use super::super::link::{Fault, Link, Node};

/// How the version begins whose memory is modelled.
const MODELLED: &str = "Redis 7.0.";

/// One look at a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::live) struct Info {
    /// Bytes in use.
    pub(in crate::live) used_memory: u64,
    /// Bytes of its connections among them, as its cron counted them last; `None` where it does not tell.
    pub(in crate::live) of_clients: Option<u64>,
    /// Most bytes in use since it was started.
    pub(in crate::live) used_memory_peak: u64,
    /// Bytes of the process.
    pub(in crate::live) used_memory_rss: u64,
    /// Its limit of bytes; 0 where it has none.
    pub(in crate::live) maxmemory: u64,
    /// What it does at that limit, by Redis's names; empty where it does not tell.
    pub(in crate::live) policy: String,
    /// Keys evicted since the statistics were reset.
    pub(in crate::live) evicted_keys: u64,
    /// Keys removed because their TTL was over.
    pub(in crate::live) expired_keys: u64,
    /// GETs that found a key.
    pub(in crate::live) keyspace_hits: u64,
    /// GETs that did not.
    pub(in crate::live) keyspace_misses: u64,
    /// Keys in all databases.
    pub(in crate::live) keys: u64,
    /// Whether INFO takes several sections at once, as since Redis 7.0.
    pub(in crate::live) takes_sections: bool,
    /// Name and version, for people.
    pub(in crate::live) version: String,
    /// The allocator of its memory, with its version; empty where it does not tell.
    pub(in crate::live) allocator: String,
    /// Which start of the server this is.
    pub(in crate::live) run_id: String,
    /// Its clock, in microseconds since 1970.
    pub(in crate::live) clock_us: u64,
    /// The number of its process.
    pub(in crate::live) process: u64,
    /// Whether it is a replica.
    pub(in crate::live) is_replica: bool,
    /// Whether it is a node of a cluster.
    pub(in crate::live) is_cluster: bool,
    /// Its connections, ours and those of others.
    pub(in crate::live) connections: u64,
    /// Calls of its cron per second; 0 where it does not tell.
    pub(in crate::live) hz: u64,
}

/// By what part the cron may be late, and by how much beside that.
const LATE: (u32, Duration) = (10, Duration::from_millis(50));

impl Info {
    /// Asks: what a server shows, or all primaries of a cluster together; with those who answered.
    pub(in crate::live) async fn ask(link: &Link) -> Result<(Self, Vec<Node>), Fault> {
        let all = Self::of_each(link).await?;
        Ok((Self::sum(&all)?, all.into_iter().map(|(node, _)| node).collect()))
    }

    /// Asks what every server shows by itself.
    pub(in crate::live) async fn of_each(link: &Link) -> Result<Vec<(Node, Self)>, Fault> {
        let mut all = Vec::new();
        for (node, text) in link.info(&[]).await? {
            let mut info = Self::parse(&text)?;
            if info.clock_us == 0 {
                // Not every server tells its clock here.
                info.clock_us = link.time(&node).await?;
            }
            all.push((node, info));
        }
        Ok(all)
    }

    /// Asks one server.
    pub(in crate::live) async fn of_one(link: &Link, node: &Node) -> Result<Self, Fault> {
        Self::parse(&link.info_of(node).await?)
    }

    /// All servers together.
    pub(in crate::live) fn sum(all: &[(Node, Self)]) -> Result<Self, Fault> {
        let sum = all.iter().map(|(_, info)| info.clone()).reduce(|sum, next| sum.and(&next));
        let mut sum = sum.ok_or_else(|| Fault::Refused("nobody answers INFO".to_owned()))?;
        if all.len() > 1 {
            sum.version = format!("{}, {} primaries of a cluster", sum.version, all.len());
        }
        Ok(sum)
    }

    /// That it counts its memory otherwise than the model, in a sentence: as another version than 7.0, or by another
    /// allocator than jemalloc.
    pub(in crate::live) fn counts_otherwise(&self) -> Option<String> {
        let is_another = !self.version.starts_with(MODELLED);
        let is_foreign = !self.allocator.is_empty() && !self.allocator.starts_with("jemalloc");
        (is_another || is_foreign).then(|| {
            let by = if is_foreign { format!(" with {}", self.allocator) } else { String::new() };
            format!(
                "memory is modelled for Redis 7.0 with jemalloc, and this is {}{by}: what is predicted of used_memory, and of hits \
                 and evictions under a limit, need not hold of it",
                self.version
            )
        })
    }

    /// Two servers together: what they hold and did is added, and so are limits if all have one; clock and policy are
    /// those of the first.
    fn and(self, other: &Self) -> Self {
        // One node that counts its memory otherwise makes the sum another.
        let told = if self.counts_otherwise().is_some() { &self } else { other };
        let (version, allocator) = match told.counts_otherwise() {
            Some(_) => (told.version.clone(), told.allocator.clone()),
            None => (self.version.clone(), self.allocator.clone()),
        };
        Self {
            used_memory: self.used_memory + other.used_memory,
            of_clients: self.of_clients.zip(other.of_clients).map(|(own, others)| own + others),
            used_memory_peak: self.used_memory_peak + other.used_memory_peak,
            used_memory_rss: self.used_memory_rss + other.used_memory_rss,
            maxmemory: match (self.maxmemory, other.maxmemory) {
                (0, _) | (_, 0) => 0,
                (own, others) => own + others,
            },
            evicted_keys: self.evicted_keys + other.evicted_keys,
            expired_keys: self.expired_keys + other.expired_keys,
            keyspace_hits: self.keyspace_hits + other.keyspace_hits,
            keyspace_misses: self.keyspace_misses + other.keyspace_misses,
            keys: self.keys + other.keys,
            run_id: format!("{} {}", self.run_id, other.run_id),
            takes_sections: self.takes_sections && other.takes_sections,
            is_replica: self.is_replica || other.is_replica,
            is_cluster: self.is_cluster || other.is_cluster,
            policy: self.policy,
            version,
            allocator,
            clock_us: self.clock_us,
            process: self.process,
            connections: self.connections.max(other.connections),
            hz: self.hz.min(other.hz),
        }
    }

    /// How long a server whose cron is called so many times a second may take until it has counted the bytes of each of its
    /// connections: a new one counts as nothing until a tick visits it, and a tick visits as many as make it once around
    /// in a second, five at least (`server.c:clientsCron`). Measured on Redis 7.0.15 with eight connections:
    /// `mem_clients_normal` is 0, 188 160 a tick later and 270 336 after the next, and what is in use beside them 1.18, 1.00
    /// and 0.88 MB.
    pub(in crate::live) fn counts_within(&self, hz: u64) -> Duration {
        let hz = hz.clamp(1, 500);
        let visits = (self.connections / hz).max(self.connections.min(5)).max(1);
        let ticks = u32::try_from(self.connections.div_ceil(visits)).unwrap_or(u32::MAX);
        let all = Duration::from_millis(1_000 / hz).saturating_mul(ticks);
        all + all / LATE.0 + LATE.1
    }

    /// Reads the answer.
    pub(in crate::live) fn parse(text: &str) -> Result<Self, Fault> {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let number = |name: &str| field(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        if field("used_memory").is_none() {
            return Err(Fault::Refused("INFO tells no used_memory; is this a Redis server?".to_owned()));
        }
        // Valkey tells the version of Redis that it does as.
        let major = field("redis_version").and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        let valkey = field("valkey_version").map(|version| format!("Valkey {version}"));
        let redis = field("redis_version").map(|version| format!("Redis {version}"));
        Ok(Self {
            used_memory: number("used_memory"),
            of_clients: field("mem_clients_normal").and_then(|value| value.parse().ok()),
            used_memory_peak: number("used_memory_peak"),
            used_memory_rss: number("used_memory_rss"),
            maxmemory: number("maxmemory"),
            policy: field("maxmemory_policy").unwrap_or_default().to_owned(),
            evicted_keys: number("evicted_keys"),
            expired_keys: number("expired_keys"),
            keyspace_hits: number("keyspace_hits"),
            keyspace_misses: number("keyspace_misses"),
            keys: text.lines().filter_map(keys_of).sum(),
            takes_sections: major.is_some_and(|major| major >= 7),
            version: valkey.or(redis).unwrap_or_else(|| "a server of unknown version".to_owned()),
            allocator: field("mem_allocator").unwrap_or_default().to_owned(),
            run_id: field("run_id").unwrap_or_default().to_owned(),
            clock_us: number("server_time_usec"),
            process: number("process_id"),
            is_replica: field("role") == Some("slave"),
            is_cluster: field("cluster_enabled") == Some("1"),
            connections: number("connected_clients"),
            hz: number("hz"),
        })
    }
}

/// The keys of a database: `db0:keys=12,expires=3,avg_ttl=0`.
fn keys_of(line: &str) -> Option<u64> {
    let (number, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
    number.parse::<u32>().ok()?;
    rest.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_keys_of_all_databases_added() {
        let text = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n# Memory\r\nused_memory:1000\r\n\
                    used_memory_peak:2000\r\nmaxmemory:3000\r\nmaxmemory_policy:allkeys-lru\r\nrole:slave\r\nevicted_keys:7\r\n# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=0\r\n\
                    db3:keys=5,expires=0,avg_ttl=0\r\ndbx:keys=9\r\n";
        let info = Info::parse(text).unwrap();
        assert_eq!((info.used_memory, info.used_memory_peak, info.evicted_keys), (1_000, 2_000, 7));
        assert_eq!((info.keys, info.version.as_str(), info.is_replica), (17, "Redis 7.0.15", true));
        assert_eq!((info.maxmemory, info.policy.as_str()), (3_000, "allkeys-lru"));
        assert!(info.takes_sections);
        let before = Info::parse(&text.replace("7.0.15", "6.2.14")).unwrap();
        assert!(!before.takes_sections && !info.clone().and(&before).takes_sections, "one of them does not");
        assert!(Info::parse("HTTP/1.1 400 Bad Request").is_err());
        let other = Info {
            used_memory: 10,
            keys: 1,
            run_id: "def".to_owned(),
            version: "Redis 7.0.11".to_owned(),
            ..Info::default()
        };
        let later = Info { version: "Redis 7.2.4".to_owned(), ..other.clone() };
        assert!(info.clone().and(&later).counts_otherwise().is_some(), "one of the nodes does");
        assert!(later.and(&info).counts_otherwise().is_some());
        let both = info.and(&other);
        assert_eq!((both.used_memory, both.evicted_keys, both.keys), (1_010, 7, 18));
        assert_eq!((both.run_id.as_str(), both.version.as_str()), ("abc def", "Redis 7.0.15"));
        let limited = |maxmemory| Info { maxmemory, ..Info::default() };
        assert_eq!(limited(5).and(&limited(7)).maxmemory, 12);
        assert_eq!(limited(5).and(&limited(0)).maxmemory, 0, "one of them has no limit");
    }

    #[test]
    fn a_server_whose_memory_is_not_the_modelled_one_is_told() {
        let told = |text: &str| {
            let text = format!("used_memory:1\r\n{text}");
            Info::parse(&text).unwrap().counts_otherwise()
        };
        assert_eq!(told("redis_version:7.0.15\r\nmem_allocator:jemalloc-5.3.0\r\n"), None);
        assert_eq!(told("redis_version:7.0.0\r\n"), None, "it does not tell its allocator");
        let foreign = told("redis_version:7.0.15\r\nmem_allocator:libc\r\n").unwrap();
        assert!(foreign.contains("this is Redis 7.0.15 with libc: "), "{foreign}");
        for version in ["redis_version:7.2.4", "redis_version:6.2.7", "redis_version:7.00", "role:master"] {
            let text = format!("{version}\r\nmem_allocator:jemalloc-5.3.0\r\n");
            assert!(told(&text).is_some_and(|told| !told.contains("5.3.0")), "{version}");
        }
        let valkey = told("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\nmem_allocator:jemalloc-5.3.0\r\n");
        assert!(valkey.is_some_and(|told| told.contains("this is Valkey 8.0.1: ")));
    }

    #[test]
    fn connections_are_counted_once_ticks_have_visited_all_of_them() {
        let millis = |connections, hz| {
            let info = Info { connections, ..Info::default() };
            info.counts_within(hz).as_millis()
        };
        // Five in a tick, or a second's share, and a tenth and 50 ms more.
        assert_eq!(
            [1, 5, 6, 30, 60, 600].map(|connections| millis(connections, 10)),
            [160, 160, 270, 710, 1_150, 1_150]
        );
        assert_eq!((millis(2, 1), millis(8, 1), millis(11, 2)), (1_150, 1_150, 1_700));
        assert_eq!((millis(8, 500), millis(0, 0)), (54, 50));
    }
}
