//! Kinds of commands, as a server tells them apart: each has a latency histogram of its own from its first use on.

/// A kind of command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SET.
    Set,
    /// SETEX.
    SetEx,
    /// PSETEX.
    PSetEx,
    /// GET.
    Get,
    /// GETEX.
    GetEx,
    /// GETDEL.
    GetDel,
    /// DEL.
    Del,
    /// UNLINK.
    Unlink,
    /// EXISTS.
    Exists,
    /// EXPIRE.
    Expire,
    /// PEXPIRE.
    PExpire,
    /// EXPIREAT.
    ExpireAt,
    /// PEXPIREAT.
    PExpireAt,
    /// TTL.
    Ttl,
    /// PTTL.
    PTtl,
    /// EXPIRETIME.
    ExpireTime,
    /// PEXPIRETIME.
    PExpireTime,
    /// PERSIST.
    Persist,
    /// ZADD.
    ZAdd,
    /// ZCARD.
    ZCard,
    /// ZRANGE.
    ZRange,
    /// ZREMRANGEBYRANK.
    ZRemRangeByRank,
    /// ZREMRANGEBYSCORE.
    ZRemRangeByScore,
    /// EVALSHA of the script that deletes a lock if it is still one's own; its GET and DEL count too.
    EvalSha,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 24] = [
        Self::Set,
        Self::SetEx,
        Self::PSetEx,
        Self::Get,
        Self::GetEx,
        Self::GetDel,
        Self::Del,
        Self::Unlink,
        Self::Exists,
        Self::Expire,
        Self::PExpire,
        Self::ExpireAt,
        Self::PExpireAt,
        Self::Ttl,
        Self::PTtl,
        Self::ExpireTime,
        Self::PExpireTime,
        Self::Persist,
        Self::ZAdd,
        Self::ZCard,
        Self::ZRange,
        Self::ZRemRangeByRank,
        Self::ZRemRangeByScore,
        Self::EvalSha,
    ];

    /// Its name as it is sent, in small letters.
    pub(in crate::cache) fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::SetEx => "setex",
            Self::PSetEx => "psetex",
            Self::Get => "get",
            Self::GetEx => "getex",
            Self::GetDel => "getdel",
            Self::Del => "del",
            Self::Unlink => "unlink",
            Self::Exists => "exists",
            Self::Expire => "expire",
            Self::PExpire => "pexpire",
            Self::ExpireAt => "expireat",
            Self::PExpireAt => "pexpireat",
            Self::Ttl => "ttl",
            Self::PTtl => "pttl",
            Self::ExpireTime => "expiretime",
            Self::PExpireTime => "pexpiretime",
            Self::Persist => "persist",
            Self::ZAdd => "zadd",
            Self::ZCard => "zcard",
            Self::ZRange => "zrange",
            Self::ZRemRangeByRank => "zremrangebyrank",
            Self::ZRemRangeByScore => "zremrangebyscore",
            Self::EvalSha => "evalsha",
        }
    }

    /// The kind of this name, in small letters.
    pub(in crate::cache) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is refused where no room can be made: it may take memory (`COMMAND INFO`, flag `denyoom`).
    pub(in crate::cache) fn takes_memory(self) -> bool {
        matches!(self, Self::Set | Self::SetEx | Self::PSetEx | Self::ZAdd)
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u32);

impl Kinds {
    /// Those of these names, in small letters, that there are.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut kinds = Self::default();
        names.into_iter().filter_map(Kind::named).for_each(|kind| kinds.add(kind));
        kinds
    }

    /// Those of either set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Adds a kind.
    #[inline]
    pub(super) fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u32;
    }

    /// How many there are.
    pub(super) fn count(self) -> u64 {
        self.0.count_ones().into()
    }

    /// How many there are that are not in another set.
    pub(super) fn count_beyond(self, other: Self) -> u64 {
        Self(self.0 & !other.0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_and_a_place_of_its_own() {
        let mut all = Kinds::default();
        for (count, kind) in (1..).zip(Kind::ALL) {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            all.add(kind);
            all.add(kind);
            assert_eq!(all.count(), count, "{kind:?}");
        }
        assert_eq!(Kind::named("frobnicate"), None);
        let [few, more] =
            [&["get", "frobnicate"][..], &["get", "set"]].map(|names| Kinds::named(names.to_vec()));
        assert_eq!((few.count(), few.and(more), more.count_beyond(few)), (1, more, 1));
        assert_eq!((few.count_beyond(more), all.count_beyond(Kinds::default())), (0, 24));
    }
}
