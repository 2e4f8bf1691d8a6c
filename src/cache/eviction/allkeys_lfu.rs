//! Redis's sampled LFU: a few keys are drawn, and of the best 16 seen so far the one with the lowest counter leaves.
//!
//! The counter has 8 bits, begins at 5, grows with the logarithm of the reads and loses one for each
//! `lfu-decay-time` minutes without any.
//!
//! The settings `maxmemory-samples`, `maxmemory-eviction-tenacity`, `lfu-log-factor` and `lfu-decay-time` are keys of `[cache]`.
//!
//! Source: Redis 7.0, `evict.c:LFULogIncr`, `evict.c:LFUDecrAndReturn`, `evict.c:evictionPoolPopulate`; redis.io, "Key
//! eviction". To count by chance: R. Morris, "Counting large numbers of events in small registers", Communications of the ACM
//! 21(10), 1978.
//!
//! ```toml
//! eviction = "allkeys-lfu"
//! ```

use super::sampled::{Rank, sampled};

sampled!(AllkeysLfu, "allkeys-lfu", "Redis's sampled LFU: of a few keys drawn, the least frequently used leaves.", volatile: false, Rank::Lfu);
