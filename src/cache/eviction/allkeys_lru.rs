//! Redis's sampled LRU: a few keys are drawn, and of the best 16 seen so far the longest idle one leaves.
//!
//! Idle times are whole seconds, read from a clock that the cron refreshes: all keys touched within a
//! second tie. Keys are drawn by walking hash buckets from a random one, not uniformly. Slightly below
//! exact `lru` with 5 samples, closer with 10; far below where keys live for only seconds.
//!
//! The settings `maxmemory-samples`, `maxmemory-eviction-tenacity`, `hz` and `lru-clock` are keys of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:performEvictions`, `evict.c:evictionPoolPopulate`, `dict.c:dictGetSomeKeys`; redis.io, "Key
//! eviction". To keep the best of earlier samples: K. Psounis and B. Prabhakar, "Efficient randomized web-cache replacement
//! schemes using samples from past eviction times", IEEE/ACM Transactions on Networking 10(4), 2002.
//!
//! ```toml
//! eviction = "allkeys-lru"
//! ```

use super::sampled::{Rank, sampled};

sampled!(AllkeysLru, "allkeys-lru", "Redis's sampled LRU: of a few keys drawn, the longest idle leaves.", volatile: false, Rank::Lru);
