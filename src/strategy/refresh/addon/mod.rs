//! What can be added to any refresh policy: fetches that only ask whether something changed, old
//! values that are served when the origin fails, and new ones that uploads bring.

pub mod conditional;
pub mod stale_if_error;
pub mod warm_on_upload;

use crate::strategy::Setup;
use crate::units::{Fraction, SimDuration};

/// What to do with an old value when a fetch fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailSafe {
    /// How long beyond its TTL a value may be served.
    pub window: SimDuration,
    /// For how long after a failure it is served without asking the origin again.
    pub throttle: SimDuration,
    /// After how long a request that waits for a fetch is served it all the same.
    pub soft_timeout: Option<SimDuration>,
}

/// Which uploads put the new version into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// Those of objects that the cache holds.
    Held,
    /// Those of objects that are added to the catalogue.
    New,
    /// All.
    All,
}

/// What uploads put into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warming {
    /// Which uploads.
    pub cover: Cover,
    /// How many renditions of an original, those asked for most often first.
    pub renditions: u8,
}

/// Something that changes how a refresh policy's fetches are made, or what is done when they fail.
pub trait RefreshAddon: Send {
    /// How long beyond its logical TTL the cache keeps a value for it.
    fn stale_window(&self) -> SimDuration;

    /// The part of a fetch's time that it takes to learn that nothing changed.
    fn validates_at(&self) -> Option<Fraction> {
        None
    }

    /// Which uploads put the new version into the cache at once.
    fn warms(&self) -> Option<Warming> {
        None
    }

    /// What to do when a fetch fails.
    fn fail_safe(&self) -> Option<FailSafe> {
        None
    }
}

crate::catalog! {
    /// All add-ons of refresh policies.
    pub static ADDONS: Catalog<dyn RefreshAddon, Setup> = "refresh add-on", tag "addon";
    conditional::Conditional,
    stale_if_error::StaleIfError,
    warm_on_upload::WarmOnUpload,
}
