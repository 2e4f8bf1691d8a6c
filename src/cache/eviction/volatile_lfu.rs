//! Redis's sampled LFU among keys with a TTL: `allkeys-lfu`, but keys without a TTL never leave.
//!
//! Where no key has a TTL, nothing can be evicted and writes are refused, as with `noeviction`.
//!
//! The settings `maxmemory-samples`, `maxmemory-eviction-tenacity`, `lfu-log-factor` and `lfu-decay-time` are keys of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `evict.c:evictionPoolPopulate`; redis.io, "Key eviction".
//!
//! ```toml
//! eviction = "volatile-lfu"
//! ```

use super::sampled::{Rank, sampled};

sampled!(VolatileLfu, "volatile-lfu", "Redis's sampled LFU among keys with a TTL.", volatile: true, Rank::Lfu);
