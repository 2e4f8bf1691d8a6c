//! `[origin]` and `[client]`: who answers, and how requests are asked.

use super::Change;
use crate::catalog::{Chosen, Fault, Item, Section};
use crate::client::{Client, LateFill, Routing};
use crate::origin::Setup;
use crate::origin::capacity::{CAPACITIES, CapacityModel};
use crate::origin::change::CHANGES;
use crate::origin::latency::{LATENCIES, LatencyModel};
use crate::units::SimDuration;

/// `[origin]` as written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) latency: Chosen<dyn LatencyModel, Setup>,
    pub(super) capacity: Chosen<dyn CapacityModel, Setup>,
    /// For classes that say nothing themselves.
    pub(super) changes: Change,
}

/// Reads `[origin]`; without it, lognormal times of median 120 ms and any number at once.
pub(super) fn origin(section: Option<Section<'_>>) -> Result<Written, Fault> {
    let Some(mut section) = section else {
        return Ok(Written {
            latency: LATENCIES.default_choice("lognormal"),
            capacity: CAPACITIES.default_choice("unlimited"),
            changes: CHANGES.default_choice("never"),
        });
    };
    let written = Written {
        latency: section.plug("latency", &LATENCIES, "lognormal")?,
        capacity: section.plug("capacity", &CAPACITIES, "unlimited")?,
        changes: section.plug("changes", &CHANGES, "never")?,
    };
    section.finish()?;
    Ok(written)
}

/// How many fetches the origin serves at once; `None` if any number.
pub(super) fn servers(origin: &Written) -> Option<u32> {
    // Read from the text, because a model is made for a trace and there is none yet.
    let servers = origin.capacity.effective().get("servers")?.as_integer()?;
    u32::try_from(servers).ok()
}

/// The change models of the classes that have one of their own.
pub(super) fn changes(own: Vec<(String, Item<'_>)>) -> Result<Vec<(String, Change)>, Fault> {
    own.into_iter().map(|(class, item)| Ok((class, CHANGES.choose(item)?))).collect()
}

/// Reads `[client]`.
pub(super) fn client(section: Option<Section<'_>>) -> Result<Client, Fault> {
    let Some(mut section) = section else { return Ok(Client::default()) };
    let mut client = Client::default();
    if let Some(nodes) = section.located::<i64>("nodes")? {
        client.nodes = u32::try_from(*nodes.get_ref())
            .ok()
            .filter(|nodes| (1..=10_000).contains(nodes))
            .ok_or_else(|| {
                let what = format!("nodes must lie between 1 and 10000, but is {}", nodes.get_ref());
                Fault::new(nodes.span(), what).rule("nodes is the number of processes that share the cache")
            })?;
    }
    client.routing = section.or("routing", Routing::default())?;
    if let Some(timeout) = section.located::<SimDuration>("timeout")? {
        if timeout.get_ref().is_zero() {
            return Err(Fault::new(timeout.span(), "a timeout must be above 0s")
                .help("leave it out to let clients wait as long as it takes"));
        }
        client.timeout = Some(*timeout.get_ref());
    }
    if let Some(late_fill) = section.located::<LateFill>("late_fill")? {
        client.late_fill = *late_fill.get_ref();
        if client.timeout.is_none() && client.late_fill == LateFill::Discard {
            return Err(Fault::new(late_fill.span(), "late_fill = \"discard\" needs a timeout")
                .rule("only a fetch that outlives its client's patience is late")
                .help("add timeout = \"3s\""));
        }
    }
    section.finish()?;
    Ok(client)
}
