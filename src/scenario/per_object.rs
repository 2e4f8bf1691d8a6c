//! What a run takes for each object and request, by what it is made of.

use super::Scenario;
use crate::strategy::{Design, SoftExpiry};

/// Bytes that a cache takes for each object: its place in the cache, in the order of eviction and in the tables of a
/// server; the most that `tests/footprint.rs` finds, which is where a table has just grown.
pub fn cache_per_object(eviction: &str, reclaim: &str, memory: &str) -> u64 {
    const PLACE: u64 = 40;
    let order = match eviction {
        "infinite" | "noeviction" => 0,
        "lru" | "fifo" => 8,
        "sieve" => 9,
        "arc" | "s4lru" | "lfu" => 16,
        "s3-fifo" => 17,
        "w-tinylfu" => 20,
        "gdsf" => 28,
        // Of a server's own policies.
        _ if is_sampled(eviction) => 0,
        // Whatever is not known here.
        _ => 32,
    };
    PLACE + order + of_key(eviction, reclaim, memory)
}

/// Bytes that a cache that counts as a server does takes for each key that may lie beside a value: when it ends, whether it is
/// there, and its place in the tables.
pub fn key_beside(eviction: &str, reclaim: &str) -> u64 {
    const END: u64 = 8;
    const THERE: u64 = 1;
    END + THERE + of_key(eviction, reclaim, "redis")
}

/// Bytes of the deadline in such a key.
pub const DEADLINE_BESIDE: u64 = 8;

fn is_sampled(eviction: &str) -> bool {
    ["volatile-", "allkeys-"].iter().any(|which| eviction.starts_with(which))
}

/// Bytes of what is kept of a key, of its places in the tables of a server, and of its end where the dead leave at once.
fn of_key(eviction: &str, reclaim: &str, memory: &str) -> u64 {
    // What is kept of each key of a server: its hash, and where victims are drawn its age.
    const HASH: u64 = 4;
    const DRAWN: u64 = 8;
    // Places in a table: rows from which victims are drawn, rows with deadlines, or numbers of keys.
    const PLACES: u64 = 15;
    const ROWS: u64 = 22;
    const TALLIES: u64 = 3;
    // A deadline and the place of it.
    const DEADLINE: u64 = 16;
    let is_volatile = eviction.starts_with("volatile-");
    let is_sampled = is_sampled(eviction);
    let is_counted = memory == "redis" || eviction == "noeviction";
    let is_active = reclaim == "active";
    let all_keys = match (is_sampled, is_counted) {
        (true, _) if is_volatile => DRAWN + TALLIES,
        (true, _) => DRAWN + PLACES,
        (false, true) => HASH + TALLIES,
        (false, false) if is_active => HASH,
        (false, false) => 0,
    };
    let with_ttl = if is_volatile || is_active {
        ROWS
    } else if is_sampled || is_counted {
        TALLIES
    } else {
        0
    };
    all_keys + with_ttl + if reclaim == "eager" { DEADLINE } else { 0 }
}

/// Bytes that a strategy keeps of each object.
fn strategy_per_object(design: &Design) -> u64 {
    let rule = match design.rule.name() {
        "f-ttl" | "cost-proportional" => 8,
        "elastic" => 24,
        "change-rate" => 48,
        _ => 0,
    };
    let activity = design.modifiers.iter().any(|modifier| modifier.name() == "activity");
    let refresh = if design.refresh.name() == "xfetch" { 28 } else { 0 };
    rule + refresh + if activity { 16 } else { 0 }
}

/// Whether a guard sets a key in the cache for each object.
fn sets_keys(guard: &str) -> bool {
    ["lock", "lock-stale", "lease"].contains(&guard)
}

/// Bytes of all keys that a strategy keeps beside each value.
fn beside_per_object(eviction: &str, reclaim: &str, design: &Design) -> u64 {
    let has_guard = sets_keys(design.guard.name());
    let has_deadline = design.soft_expiry == SoftExpiry::Sidecar;
    let keys = u64::from(has_guard) + u64::from(has_deadline);
    keys * key_beside(eviction, reclaim) + if has_deadline { DEADLINE_BESIDE } else { 0 }
}

impl Scenario {
    /// Bytes that the dearest run of this scenario takes for each object.
    pub fn run_per_object(&self) -> u64 {
        let (reclaim, memory) = (self.cache.reclaim.name(), self.cache.memory.name());
        let evictions = self.cache.evictions.iter();
        let beside = |eviction, design: &Design| match memory {
            "redis" => beside_per_object(eviction, reclaim, design),
            _ => 0,
        };
        let of = |eviction| {
            let strategies = self.strategies.iter();
            let strategy =
                strategies.map(|design| strategy_per_object(design) + beside(eviction, design)).max();
            cache_per_object(eviction, reclaim, memory) + strategy.unwrap_or(0)
        };
        evictions.map(|eviction| of(eviction.name())).max().unwrap_or(0)
    }

    /// Bits that the dearest run of this scenario takes for each request: the oracle looks ahead by a number of 32 bits,
    /// and a run without a clock marks each place of the trace.
    pub fn run_bits_per_request(&self) -> u64 {
        let looks_ahead = self.cache.evictions.iter().any(|eviction| eviction.name() == "belady");
        if looks_ahead { 32 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::strategy::guard::GUARDS;
    use crate::strategy::{Setup, Traffic};

    #[test]
    fn every_guard_that_sets_keys_in_the_cache_counts() {
        let setup = Setup {
            classes: vec!["a".to_owned()],
            objects: 1,
            servers: None,
            traffic: Traffic::default(),
            seed: Seed::new(1),
        };
        for entry in GUARDS.listing().entries {
            let guard =
                GUARDS.default_choice(entry.name).make(&setup).expect("it can be made with its defaults");
            assert_eq!(sets_keys(entry.name), guard.key_in_cache().is_some(), "{}", entry.name);
        }
    }

    #[test]
    fn the_oracle_takes_four_bytes_a_request_and_whoever_marks_places_a_bit() {
        let bits = |evictions: &str| {
            let text = format!(
                "name = \"t\"\n[workload]\nduration = \"1m\"\nrate = \"1/s\"\nclass = [{{ name = \"a\", objects = 1 }}]\n\
                 [cache]\ncapacity = {{ objects = 1 }}\neviction = [{evictions}]\n[[strategy]]\nname = \"x\"\nttl = \"none\"\n"
            );
            Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}")).run_bits_per_request()
        };
        assert_eq!((bits("\"lru\""), bits("\"lru\", \"belady\"")), (1, 32));
    }

    #[test]
    fn keys_beside_values_count_where_a_server_holds_them() {
        let bytes = |memory: &str, more: &str| {
            let text = format!(
                "name = \"t\"\n[workload]\nduration = \"1m\"\nrate = \"1/s\"\nclass = [{{ name = \"a\", objects = 1 }}]\n\
                 [cache]\nmemory = \"{memory}\"\neviction = \"allkeys-lru\"\n[[strategy]]\nname = \"x\"\n\
                 ttl = {{ rule = \"fixed\", ttl = \"10s\" }}\n{more}\n"
            );
            Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}")).run_per_object()
        };
        let sidecar =
            "refresh = { policy = \"stale-while-revalidate\", window = \"5s\" }\nsoft_expiry = \"sidecar\"";
        let of_key = key_beside("allkeys-lru", "active");
        assert!(of_key > 40, "its end, and places in two tables: {of_key}");
        for (more, own) in [("", 0), ("guard = \"lease\"", of_key), (sidecar, of_key + DEADLINE_BESIDE)] {
            assert_eq!(bytes("redis", more) - bytes("redis", ""), own, "{more}");
            assert_eq!(bytes("payload", more), bytes("payload", ""), "{more}");
        }
    }
}
