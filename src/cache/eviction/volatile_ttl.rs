//! Redis's eviction by TTL: a few keys with a TTL are drawn, and of the best 16 seen so far the one that expires next leaves.
//!
//! When a key was read does not matter. With one TTL for all, it is a sampled FIFO.
//!
//! The settings `maxmemory-samples`, `maxmemory-eviction-tenacity` are keys of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `evict.c:evictionPoolPopulate`; redis.io, "Key eviction".
//!
//! ```toml
//! eviction = "volatile-ttl"
//! ```

use super::sampled::{Rank, sampled};

sampled!(VolatileTtl, "volatile-ttl", "Redis's eviction by TTL: of a few keys drawn, the one that expires next leaves.", volatile: true, Rank::Ttl);
