//! An upload puts the new version into the cache before anybody asks for it.
//!
//! Uploads pass through the application, so it knows of them at once and need not wait for a TTL: each
//! one sets off a fetch in the background, through the guard, and the value gets a TTL as always.
//! `cover = "all"` warms whatever is uploaded, `"held"` only what the cache holds an older version of.
//! A photo site measured 7.4 % more hits and 4.1 % more origin traffic (Zhou et al., ICS 2018): much is
//! uploaded that nobody will ask for. Here an upload is a change of an image at the origin, and every
//! size of a picture is an image of its own.
//!
//! ```toml
//! refresh = { policy = "on-demand", addons = [{ addon = "warm-on-upload", cover = "held" }] }
//! ```

use serde::{Deserialize, Serialize};

use super::{RefreshAddon, Warming};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::strategy::Setup;
use crate::units::SimDuration;

/// Parameters of [`WarmOnUpload`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    cover: Warming,
}

/// Fetches what is uploaded.
#[derive(Debug)]
pub struct WarmOnUpload(Warming);

impl Plugin for WarmOnUpload {
    const NAME: &'static str = "warm-on-upload";
    const SUMMARY: &'static str = "An upload puts the new version into the cache before anybody asks for it.";
    const PARAMS: &'static [Param] = &[Param::new(
        "cover",
        Kind::Choice(&["held", "all"]),
        "which uploads: of images that the cache holds, or all",
    )
    .default("held")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self(params.cover))
    }
}

impl RefreshAddon for WarmOnUpload {
    fn stale_window(&self) -> SimDuration {
        SimDuration::ZERO
    }

    fn warms(&self) -> Option<Warming> {
        Some(self.0)
    }
}
