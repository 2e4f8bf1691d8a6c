//! What Redis counts as `used_memory`: usable sizes of allocations, byte by byte.
//!
//! Sizes of allocator classes, of one entry and of what is kept beside entries, as measured on
//! Redis 7.0.15 (x86-64, jemalloc); an entry's size is exact.

use serde::{Deserialize, Serialize};

/// Who built the server: their allocators round differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Build {
    /// The package of a distribution, such as Debian's, with the system's jemalloc: classes in steps of 16 bytes.
    Distribution,
    /// As released by Redis, with its own jemalloc: classes in steps of 8 bytes.
    Upstream,
}

impl Build {
    fn quantum(self) -> u64 {
        match self {
            Self::Distribution => 16,
            Self::Upstream => 8,
        }
    }

    /// Bytes in use right after the start.
    pub(super) fn startup(self) -> u64 {
        match self {
            // Measured between 876 288 and 876 600.
            Self::Distribution => 876_400,
            Self::Upstream => 858_976,
        }
    }

    /// What a request of `bytes` takes: the smallest class that holds it.
    pub fn allocated(self, bytes: u64) -> u64 {
        let quantum = self.quantum();
        if bytes <= 8 {
            return 8;
        }
        if bytes <= 8 * quantum {
            return bytes.next_multiple_of(quantum);
        }
        // Four classes between two powers of two.
        let base = 1 << (bytes - 1).ilog2();
        bytes.next_multiple_of(base / 4)
    }

    /// A string of `len` bytes as a value or an argument: in one block with its object up to 44 bytes.
    pub fn string(self, len: u64) -> u64 {
        if len <= 44 {
            self.allocated(OBJECT + 3 + len + 1)
        } else {
            self.allocated(OBJECT) + self.allocated(header(len) + len + 1)
        }
    }

    /// Everything that one key takes, its places in the chains included and the tables left out.
    pub fn entry(self, key: u64, value: u64, has_ttl: bool) -> u64 {
        let chain = self.allocated(DICT_ENTRY);
        let ttl = if has_ttl { chain } else { 0 };
        chain + self.allocated(header(key) + key + 1) + self.string(value) + ttl
    }

    /// The same where the value is an integer, which lies in the object itself (`object.c:tryObjectEncoding`). Those below
    /// 10,000, which a server without an LRU or LFU policy shares among its keys, count as any other.
    pub fn entry_of_number(self, key: u64, has_ttl: bool) -> u64 {
        self.entry(key, 0, has_ttl) - self.string(0) + self.allocated(OBJECT)
    }

    /// What a member of a large sorted set takes, its [node](Self::sorted_set_node) in the skip list and the table left
    /// out.
    pub fn sorted_set_member(self, key: u64) -> u64 {
        self.allocated(DICT_ENTRY) + self.allocated(header(key) + key + 1)
    }

    /// A member's node in the skip list of a large sorted set, its score included. A node has as many levels as chance
    /// gives it; this is the mean.
    pub fn sorted_set_node(self) -> f64 {
        match self {
            Self::Distribution => 53.3,
            Self::Upstream => 45.8,
        }
    }

    /// The parts of [`Self::entry`], whose sum it is.
    pub(in crate::cache) fn parts(self, key: u64, value: u64, has_ttl: bool) -> Breakdown {
        let value_header = if value <= 44 { 3 } else { header(value) };
        let mut parts = Breakdown {
            values: value,
            keys: key,
            headers: OBJECT + value_header + 1 + header(key) + 1,
            dict_entries: DICT_ENTRY,
            expires_entries: if has_ttl { DICT_ENTRY } else { 0 },
            ..Breakdown::default()
        };
        parts.rounding = self.entry(key, value, has_ttl) - parts.total();
        parts
    }

    /// The parts of [`Self::entry_of_number`].
    pub(in crate::cache) fn parts_of_number(self, key: u64, has_ttl: bool) -> Breakdown {
        let mut parts = Breakdown {
            keys: key,
            headers: OBJECT + header(key) + 1,
            dict_entries: DICT_ENTRY,
            expires_entries: if has_ttl { DICT_ENTRY } else { 0 },
            ..Breakdown::default()
        };
        parts.rounding = self.entry_of_number(key, has_ttl) - parts.total();
        parts
    }

    /// What a value of `len` bytes that takes over its connection's buffer needs.
    pub(super) fn taken_over(self, len: u64) -> u64 {
        self.allocated(header(len + 2) + len + 3)
    }
}

/// Bytes of the object that a value lies in or hangs on.
const OBJECT: u64 = 16;
/// Bytes of a place in a chain.
const DICT_ENTRY: u64 = 24;
/// Bytes of the latency histogram of one kind of command.
pub(super) const HISTOGRAM: u64 = 24_688;

/// Bytes of the header of a string of `len` bytes; a byte that ends it follows the data.
fn header(len: u64) -> u64 {
    match len {
        1..32 => 1,
        // The empty string has the longer header too.
        0 | 32..256 => 3,
        256..65_536 => 5,
        _ => 9,
    }
}

/// `used_memory` by what it is used for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Breakdown {
    /// Data of values.
    pub values: u64,
    /// Data of keys.
    pub keys: u64,
    /// Objects, and headers and ends of strings.
    pub headers: u64,
    /// Places in the chains of all keys.
    pub dict_entries: u64,
    /// Places in the chains of the keys with a TTL.
    pub expires_entries: u64,
    /// Buckets of both tables, with the old ones while keys move.
    pub tables: u64,
    /// What the allocator rounds up.
    pub rounding: u64,
    /// The sorted set of a sweep by the application.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub sorted_set: u64,
    /// Connections with their buffers.
    pub clients: u64,
    /// The empty server, and the histograms of the kinds of commands seen.
    pub fixed: u64,
}

impl Breakdown {
    /// Everything together.
    pub fn total(&self) -> u64 {
        let Self { values, keys, headers, dict_entries, expires_entries, tables, rounding, .. } = *self;
        let of_entries = values + keys + headers + dict_entries + expires_entries + tables + rounding;
        of_entries + self.sorted_set + self.clients + self.fixed
    }

    /// The same with `factor` times what keys take; the empty server and its connections stay as they are.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float to integer casts saturate, and no part is negative"
        )]
        let of = |bytes: u64| (bytes as f64 * factor).round() as u64;
        Self {
            values: of(self.values),
            keys: of(self.keys),
            headers: of(self.headers),
            dict_entries: of(self.dict_entries),
            expires_entries: of(self.expires_entries),
            tables: of(self.tables),
            rounding: of(self.rounding),
            sorted_set: of(self.sorted_set),
            ..*self
        }
    }

    /// Adds the parts of another.
    pub(super) fn add(&mut self, other: &Self) {
        self.values += other.values;
        self.keys += other.keys;
        self.headers += other.headers;
        self.dict_entries += other.dict_entries;
        self.expires_entries += other.expires_entries;
        self.tables += other.tables;
        self.rounding += other.rounding;
        self.sorted_set += other.sorted_set;
        self.clients += other.clients;
        self.fixed += other.fixed;
    }
}

/// Whether a part is left out because there is none of it.
fn is_nothing<B: Default + PartialEq>(bytes: &B) -> bool {
    *bytes == B::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_both_builds() {
        let of = |build: Build, sizes: &[u64]| -> Vec<u64> {
            sizes.iter().map(|size| build.allocated(*size)).collect()
        };
        let sizes =
            [1, 8, 9, 17, 24, 33, 65, 81, 129, 161, 225, 257, 1_000, 1_025, 32_769, 65_537, 1_000_010];
        let distribution =
            [8, 8, 16, 32, 32, 48, 80, 96, 160, 192, 256, 320, 1_024, 1_280, 40_960, 81_920, 1_048_576];
        assert_eq!(of(Build::Distribution, &sizes), distribution);
        let upstream =
            [8, 8, 16, 24, 24, 40, 80, 96, 160, 192, 256, 320, 1_024, 1_280, 40_960, 81_920, 1_048_576];
        assert_eq!(of(Build::Upstream, &sizes), upstream);
        assert_eq!(Build::Upstream.allocated(49), 56);
        assert_eq!(Build::Distribution.allocated(49), 64);
    }

    /// Value, then bytes without TTL for keys of 24 and of 40 bytes, measured on the distribution build.
    const MEASURED: [(u64, u64, u64); 22] = [
        (0, 96, 112),
        (16, 112, 128),
        (44, 128, 144),
        (45, 144, 160),
        (64, 160, 176),
        (128, 240, 256),
        (512, 720, 736),
        (1_000, 1_104, 1_120),
        (1_024, 1_360, 1_376),
        (2_048, 2_640, 2_656),
        (4_096, 5_200, 5_216),
        (4_097, 5_200, 5_216),
        (8_192, 10_320, 10_336),
        (10_000, 10_320, 10_336),
        (16_384, 20_560, 20_576),
        (20_000, 20_560, 20_576),
        (32_768, 41_040, 41_056),
        (40_000, 41_040, 41_056),
        (65_536, 82_000, 82_016),
        (100_000, 114_768, 114_784),
        (262_144, 327_760, 327_776),
        (1_000_000, 1_048_656, 1_048_672),
    ];

    #[test]
    fn an_entry_takes_what_was_measured() {
        for (value, short, long) in MEASURED {
            for (key, bytes) in [(24, short), (40, long)] {
                assert_eq!(Build::Distribution.entry(key, value, false), bytes, "{key} and {value}");
                assert_eq!(Build::Distribution.entry(key, value, true), bytes + 32, "{key} and {value}, TTL");
                let less = if matches!(value, 0 | 16 | 45) { 16 } else { 8 };
                let upstream = Build::Upstream.entry(24, value, false);
                assert_eq!(upstream, short - less, "upstream, {value}");
                assert_eq!(Build::Upstream.entry(24, value, true), upstream + 24);
            }
        }
    }

    #[test]
    fn the_parts_of_an_entry_make_up_the_whole() {
        for build in [Build::Distribution, Build::Upstream] {
            for (value, _, _) in MEASURED {
                for has_ttl in [false, true] {
                    let parts = build.parts(24, value, has_ttl);
                    assert_eq!(parts.total(), build.entry(24, value, has_ttl));
                    assert_eq!((parts.keys, parts.values, parts.dict_entries), (24, value, 24));
                }
            }
        }
    }
}
