//! Redis's random eviction: a bucket is drawn that is not empty, then a key of its chain.
//!
//! Keys that share a bucket leave less often, and a key's bucket is the same in all its lives: a
//! few tenths of a point below uniformly random eviction.
//!
//! The setting `maxmemory-eviction-tenacity` is a key of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `dict.c:dictGetRandomKey`; redis.io, "Key eviction".
//!
//! ```toml
//! eviction = "allkeys-random"
//! ```

use super::sampled::{Rank, sampled};

sampled!(AllkeysRandom, "allkeys-random", "Redis's random eviction: a random key of a random bucket leaves.", volatile: false, Rank::Random);
