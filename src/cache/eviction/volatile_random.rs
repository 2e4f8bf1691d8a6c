//! Redis's random eviction among keys with a TTL: `allkeys-random`, but keys without a TTL never leave.
//!
//! Where no key has a TTL, nothing can be evicted and writes are refused, as with `noeviction`.
//!
//! The setting `maxmemory-eviction-tenacity` is a key of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `dict.c:dictGetRandomKey`; redis.io, "Key eviction".
//!
//! ```toml
//! eviction = "volatile-random"
//! ```

use super::sampled::{Rank, sampled};

sampled!(VolatileRandom, "volatile-random", "Redis's random eviction among keys with a TTL.", volatile: true, Rank::Random);
