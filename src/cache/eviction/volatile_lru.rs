//! Redis's sampled LRU among keys with a TTL: `allkeys-lru`, but keys without a TTL never leave.
//!
//! Where no key has a TTL, nothing can be evicted and writes are refused, as with `noeviction`.
//!
//! The settings `maxmemory-samples`, `maxmemory-eviction-tenacity`, `hz` and `lru-clock` are keys of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `evict.c:evictionPoolPopulate`; redis.io, "Key eviction".
//!
//! ```toml
//! eviction = "volatile-lru"
//! ```

use super::sampled::{Rank, sampled};

sampled!(VolatileLru, "volatile-lru", "Redis's sampled LRU among keys with a TTL.", volatile: true, Rank::Lru);
