//! What writes and deletions of a recording are taken for.

/// What a write is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetRule {
    /// A fill of the cache that was recorded: the simulated cache fills itself, so only the size and the
    /// TTL count.
    #[default]
    Ignore,
    /// The object changes at the origin.
    Change,
    /// The object changes at the origin, and the application deletes its key.
    Invalidate,
}

impl SetRule {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Change => "change",
            Self::Invalidate => "invalidate",
        }
    }
}

/// What a deletion is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeleteRule {
    /// The application deletes the key from the cache.
    #[default]
    Invalidate,
    /// Nothing.
    Ignore,
}

impl DeleteRule {
    /// As written in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalidate => "invalidate",
            Self::Ignore => "ignore",
        }
    }
}
