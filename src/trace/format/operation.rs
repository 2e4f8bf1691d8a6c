//! What a record does to its key, whatever the recorder calls it.

/// What a record does to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Asks for it: a request.
    Get,
    /// Writes its value.
    Set,
    /// Deletes it.
    Delete,
    /// Sets its TTL and nothing else.
    Expire,
    /// Anything else.
    Other,
}

/// The names by which recorders call them: HTTP, memcached and Redis.
const NAMES: [(Op, &[&str]); 4] = [
    (Op::Get, &["GET", "GETS", "MGET", "GETEX", "READ"]),
    (
        Op::Set,
        &[
            "SET", "SETEX", "PSETEX", "SETNX", "GETSET", "MSET", "ADD", "REPLACE", "CAS", "APPEND",
            "PREPEND", "INCR", "DECR", "PUT", "POST", "PATCH", "WRITE",
        ],
    ),
    (Op::Delete, &["DELETE", "DEL", "UNLINK", "PURGE"]),
    (Op::Expire, &["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST", "TOUCH"]),
];

impl Op {
    /// What `method` does, in any letter case.
    pub fn of(method: &[u8]) -> Self {
        if method.eq_ignore_ascii_case(b"GET") {
            return Self::Get;
        }
        let is_called = |name: &&str| method.eq_ignore_ascii_case(name.as_bytes());
        let found = NAMES.iter().find(|(_, names)| names.iter().any(is_called));
        found.map_or(Self::Other, |(op, _)| *op)
    }

    /// As the canonical table writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Expire => "expire",
            Self::Other => "other",
        }
    }
}
