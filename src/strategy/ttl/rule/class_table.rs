//! One TTL per class of images: segmentation by usage.
//!
//! Thumbnails that never change may stay a day while a banner is renewed every quarter of an hour.
//! Every class of the workload needs an entry, unless there is a `default`. A class that was
//! imported in one batch still expires in one batch; combine with `jitter`.
//!
//! ```toml
//! ttl = { rule = "class-table", table = { thumbnail = "24h", banner = "15m" }, default = "1h" }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Invalid, Kind, Param, Plugin, nearest, one_of};
use crate::strategy::Setup;
use crate::strategy::ttl::{Fill, TtlRule};
use crate::units::SimDuration;

/// Parameters of [`ClassTable`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<SimDuration>,
    table: BTreeMap<String, SimDuration>,
}

/// A constant TTL for each class.
#[derive(Debug)]
pub struct ClassTable {
    ttls: Vec<SimDuration>,
}

impl Plugin for ClassTable {
    const NAME: &'static str = "class-table";
    const SUMMARY: &'static str = "One TTL per class of images: segmentation by usage.";
    const PARAMS: &'static [Param] = &[
        Param::new("table", Kind::Table("class = ttl"), "TTL of each class, 1ms to 365d").required(),
        Param::duration("default", "TTL of the classes that the table leaves out").from("1ms").to("365d"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, setup: &Setup) -> Result<Self, Invalid> {
        for (class, ttl) in &params.table {
            if !setup.classes.contains(class) {
                let there_are = one_of(setup.classes.iter().map(String::as_str));
                let what = format!("there is no class \"{class}\" in this trace (there are: {there_are})");
                let invalid = Invalid::param("table", what);
                return Err(match nearest(class, setup.classes.iter().map(String::as_str)) {
                    Some(meant) => invalid.help(format!("did you mean \"{meant}\"?")),
                    None => invalid,
                });
            }
            if !(SimDuration::from_millis(1)..=SimDuration::from_secs(365 * 86_400)).contains(ttl) {
                let what =
                    format!("the ttl of class \"{class}\" must lie between 1ms and 365d, but is {ttl}");
                return Err(Invalid::param("table", what));
            }
        }
        let ttls = setup.classes.iter().map(|class| {
            params.table.get(class).copied().or(params.default).ok_or_else(|| {
                Invalid::param("table", format!("class \"{class}\" has no ttl"))
                    .help(format!("add {class} = \"1h\" to the table, or default = \"1h\" beside it"))
            })
        });
        Ok(Self { ttls: ttls.collect::<Result<_, _>>()? })
    }
}

impl TtlRule for ClassTable {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        self.ttls[fill.class.index()]
    }
}
