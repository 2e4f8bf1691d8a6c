//! One TTL per class of images: segmentation by usage.
//!
//! Thumbnails that never change may stay a day while a banner is renewed every quarter of an hour.
//! Every class of the workload needs an entry, unless there is a `default`. A class whose names carry
//! a hash of the content needs no expiry at all: write `"none"`. A class that was imported in one
//! batch still expires in one batch; combine with `jitter`.
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
    default: Option<Life>,
    table: BTreeMap<String, Life>,
}

/// A TTL, or `"none"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life(SimDuration);

impl Serialize for Life {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == SimDuration::FOREVER {
            "none".serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Life {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl serde::de::Visitor<'_> for Written {
            type Value = Life;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a duration with its unit, such as \"1h\", or \"none\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Life, E> {
                if text == "none" {
                    return Ok(Life(SimDuration::FOREVER));
                }
                text.parse().map(Life).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Written)
    }
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
        Param::new("table", Kind::Table("class = ttl"), "TTL of each class, 1ms to 365d, or \"none\"")
            .required(),
        Param::duration("default", "TTL of the classes that the table leaves out, or \"none\"")
            .from("1ms")
            .to("365d"),
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
            let legal = SimDuration::from_millis(1)..=SimDuration::from_secs(365 * 86_400);
            if ttl.0 != SimDuration::FOREVER && !legal.contains(&ttl.0) {
                let what =
                    format!("the ttl of class \"{class}\" must lie between 1ms and 365d, but is {}", ttl.0);
                return Err(
                    Invalid::param("table", what).help(format!("write {class} = \"1h\", or \"none\""))
                );
            }
        }
        let ttls = setup.classes.iter().map(|class| {
            params.table.get(class).copied().or(params.default).ok_or_else(|| {
                Invalid::param("table", format!("class \"{class}\" has no ttl"))
                    .help(format!("add {class} = \"1h\" to the table, or default = \"1h\" beside it"))
            })
        });
        Ok(Self { ttls: ttls.map(|life| Ok(life?.0)).collect::<Result<_, _>>()? })
    }
}

impl TtlRule for ClassTable {
    fn fresh_for(&mut self, fill: &Fill) -> SimDuration {
        self.ttls[fill.class.index()]
    }
}
