//! What a Redis command does to its keys, as far as a cache is concerned.

use super::fields::number;
use super::operation::Op;
use crate::units::SimDuration;

/// Arguments are numbered from that behind the command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effect {
    /// What it does.
    pub(super) op: Op,
    /// The first argument that is a key, and how far the next key is, where it takes several; 0 for one.
    pub(super) keys: (usize, usize),
    /// The argument that is the value, counted from its key.
    pub(super) value: Option<usize>,
    /// The TTL from now on, where the command says it.
    pub(super) ttl: Option<SimDuration>,
}

/// What EXPIRE and its kin do to the key `arguments[0]`: a TTL from now on, or, of none or a date in the past, a deletion,
/// as in Redis. `GT` only makes TTLs longer, so that it deletes nothing.
fn expire(arguments: &[Vec<u8>], unit_ns: u64, is_date: bool, now_ns: i64) -> Effect {
    let effect = |op, ttl| Effect { op, keys: (0, 0), value: None, ttl };
    let Some(text) = arguments.get(1) else { return effect(Op::Expire, None) };
    let ttl = span(text, unit_ns, is_date, now_ns);
    let is_number = number(text.strip_prefix(b"-").unwrap_or(text)).is_some();
    let lengthens = arguments.iter().skip(2).any(|option| option.eq_ignore_ascii_case(b"GT"));
    let deletes = ttl.is_none() && is_number && !lengthens;
    effect(if deletes { Op::Delete } else { Op::Expire }, ttl)
}

/// Seconds or milliseconds, and whether they are counted from 1970; `None` of what lies in the past or is no number.
fn span(text: &[u8], unit_ns: u64, is_date: bool, now_ns: i64) -> Option<SimDuration> {
    let ns = number(text)?.saturating_mul(unit_ns);
    let ns = if is_date { ns.saturating_sub(now_ns.unsigned_abs()) } else { ns };
    (ns > 0).then(|| SimDuration::from_nanos(ns))
}

const S: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// The TTL among the options of SET and GETEX (`EX 60`, `PX 500`, `EXAT`, `PXAT`, `PERSIST`, `KEEPTTL`).
fn option_ttl(options: &[Vec<u8>], otherwise: Option<SimDuration>, now_ns: i64) -> Option<SimDuration> {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let (unit, is_date) = match option.to_ascii_uppercase().as_slice() {
            b"EX" => (S, false),
            b"PX" => (MS, false),
            b"EXAT" => (S, true),
            b"PXAT" => (MS, true),
            b"KEEPTTL" => return None,
            b"PERSIST" => return Some(SimDuration::FOREVER),
            _ => continue,
        };
        return options.next().and_then(|text| span(text, unit, is_date, now_ns));
    }
    otherwise
}

/// What the command `words` does at `now_ns`, in nanoseconds since 1970; `None` for one that is no
/// matter of a cache of values, or lacks arguments.
pub(super) fn effect(words: &[Vec<u8>], now_ns: i64) -> Option<Effect> {
    let (name, arguments) = words.split_first()?;
    let name = name.to_ascii_uppercase();
    let at = |index: usize| arguments.get(index).map(Vec::as_slice);
    let plain = |op| Effect { op, keys: (0, 0), value: None, ttl: None };
    let timed = |unit, is_date| at(1).and_then(|text| span(text, unit, is_date, now_ns));
    let effect = match name.as_slice() {
        b"GET" => plain(Op::Get),
        b"GETEX" => Effect { ttl: option_ttl(arguments.get(1..)?, None, now_ns), ..plain(Op::Get) },
        b"MGET" => Effect { keys: (0, 1), ..plain(Op::Get) },
        b"SET" => Effect {
            value: Some(1),
            ttl: option_ttl(arguments.get(2..)?, Some(SimDuration::FOREVER), now_ns),
            ..plain(Op::Set)
        },
        b"SETEX" => Effect { value: Some(2), ttl: timed(S, false), ..plain(Op::Set) },
        b"PSETEX" => Effect { value: Some(2), ttl: timed(MS, false), ..plain(Op::Set) },
        b"SETNX" => Effect { value: Some(1), ttl: Some(SimDuration::FOREVER), ..plain(Op::Set) },
        b"MSET" => Effect { keys: (0, 2), value: Some(1), ttl: Some(SimDuration::FOREVER), ..plain(Op::Set) },
        b"EXPIRE" => expire(arguments, S, false, now_ns),
        b"PEXPIRE" => expire(arguments, MS, false, now_ns),
        b"EXPIREAT" => expire(arguments, S, true, now_ns),
        b"PEXPIREAT" => expire(arguments, MS, true, now_ns),
        b"PERSIST" => Effect { ttl: Some(SimDuration::FOREVER), ..plain(Op::Expire) },
        b"DEL" | b"UNLINK" => Effect { keys: (0, 1), ..plain(Op::Delete) },
        _ => return None,
    };
    at(effect.value.unwrap_or(0)).map(|_| effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Option<(Op, Option<SimDuration>)> {
        let words: Vec<Vec<u8>> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        effect(&words, 100 * 1_000_000_000).map(|effect| (effect.op, effect.ttl))
    }

    #[test]
    fn ttls_are_read_from_every_command_that_sets_one() {
        let s = |seconds| Some(SimDuration::from_secs(seconds));
        let forever = Some(SimDuration::FOREVER);
        for (command, want) in [
            ("get k", Some((Op::Get, None))),
            ("GETEX k EX 60", Some((Op::Get, s(60)))),
            ("GETEX k PERSIST", Some((Op::Get, forever))),
            ("SET k v", Some((Op::Set, forever))),
            ("SET k v NX PX 5000", Some((Op::Set, s(5)))),
            ("SET k v KEEPTTL", Some((Op::Set, None))),
            ("SET k v EXAT 160", Some((Op::Set, s(60)))),
            ("set k v PXAT 160000", Some((Op::Set, s(60)))),
            ("SETEX k 3600 v", Some((Op::Set, s(3_600)))),
            ("PSETEX k 1000 v", Some((Op::Set, s(1)))),
            ("EXPIRE k 7", Some((Op::Expire, s(7)))),
            ("PEXPIREAT k 107000", Some((Op::Expire, s(7)))),
            ("EXPIRE k 0", Some((Op::Delete, None))),
            ("PEXPIRE k -5", Some((Op::Delete, None))),
            ("EXPIREAT k 99", Some((Op::Delete, None))),
            ("pexpireat k 100000 LT", Some((Op::Delete, None))),
            ("EXPIREAT k -1", Some((Op::Delete, None))),
            ("EXPIRE k 0 gt", Some((Op::Expire, None))),
            ("EXPIRE k soon", Some((Op::Expire, None))),
            ("EXPIRE k", Some((Op::Expire, None))),
            ("DEL a b", Some((Op::Delete, None))),
            ("ZADD z 1 m", None),
            ("SETEX k", None),
            ("GET", None),
        ] {
            assert_eq!(of(command), want, "{command}");
        }
    }
}
