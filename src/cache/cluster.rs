//! Redis Cluster: which of its 16,384 hash slots a key lies in, and which shard holds the slot.
//!
//! A slot is the CRC16 of the key modulo 16,384. Where the key holds a `{` and, later, a `}` with something between
//! them, only what stands between the first `{` and the next `}` counts (a hash tag), so that an application can keep
//! keys together. Source: Redis cluster specification, key distribution model and hash tags; CRC-16/XMODEM (polynomial
//! 0x1021, initial value 0, nothing reflected).

/// Slots of a cluster.
pub const SLOTS: u16 = 16_384;

/// CRC-16/XMODEM of every byte.
const TABLE: [u16; 256] = {
    let mut table = [0_u16; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut crc = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
};

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, &byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

/// What of a key decides its slot: its hash tag, or all of it.
fn hashed(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&byte| byte == b'}') {
        Some(0) | None => key,
        Some(close) => &rest[..close],
    }
}

/// The slot of a key, as `CLUSTER KEYSLOT` answers it.
pub fn slot(key: &[u8]) -> u16 {
    crc16(hashed(key)) % SLOTS
}

/// The shard of a slot among `shards` of equal shares, as `redis-cli --cluster create` deals them out: shard `i` begins
/// at the slot nearest to `i · 16384 / shards`.
///
/// # Panics
/// Without shards, or for a slot that does not exist.
pub fn shard(slot: u16, shards: u16) -> u16 {
    assert!(shards > 0 && slot < SLOTS, "slot {slot} of {shards} shards");
    let begins = |shard: u16| {
        let (slots, shard, shards) = (u32::from(SLOTS), u32::from(shard), u32::from(shards));
        (2 * shard * slots + shards) / (2 * shards)
    };
    let near = u32::from(slot) * u32::from(shards) / u32::from(SLOTS);
    let near = u16::try_from(near).expect("a shard's number is below their count");
    // Rounding moves a border by half a slot at most.
    if near + 1 < shards && u32::from(slot) >= begins(near + 1) {
        near + 1
    } else if u32::from(slot) < begins(near) {
        near - 1
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values_come_out() {
        // The check value of CRC-16/XMODEM, which the cluster specification names too; and answers of CLUSTER KEYSLOT
        // in Redis's documentation.
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot(b"somekey"), 11_058);
        assert_eq!(slot(b"foo{hash_tag}"), 2_515);
        assert_eq!(slot(b"bar{hash_tag}"), 2_515);
        assert_eq!(slot(b""), 0);
    }

    #[test]
    fn a_hash_tag_is_what_stands_in_the_first_braces() {
        for (key, counts) in [
            ("{user1000}.following", "user1000"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("foo}bar{", "foo}bar{"),
            ("plain", "plain"),
        ] {
            assert_eq!(hashed(key.as_bytes()), counts.as_bytes(), "{key}");
        }
    }

    #[test]
    fn shards_hold_whole_ranges_of_nearly_equal_length() {
        for shards in [1, 2, 3, 5, 6, 7, 100, 1_000, SLOTS] {
            let of: Vec<u16> = (0..SLOTS).map(|slot| shard(slot, shards)).collect();
            assert!(of.is_sorted() && of[0] == 0 && *of.last().unwrap() == shards - 1, "{shards}");
            let mut counts = vec![0_u32; usize::from(shards)];
            of.iter().for_each(|&shard| counts[usize::from(shard)] += 1);
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 1, "{shards}: {least} to {most}");
        }
        // redis-cli --cluster create with three masters: 0-5460, 5461-10922, 10923-16383.
        let starts: Vec<u16> = (1..SLOTS).filter(|&slot| shard(slot, 3) != shard(slot - 1, 3)).collect();
        assert_eq!(starts, [5_461, 10_923]);
    }
}
