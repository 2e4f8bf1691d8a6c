//! `[origin]` and `[client]`: who answers, and how requests are asked.

use toml::de::DeValue;

use super::Change;
use crate::catalog::{Chosen, Fault, Item, Section, read};
use crate::client::{Breaker, Client, DuplicateFill, LateFill, OnTimeout, Routing};
use crate::origin::Setup;
use crate::origin::capacity::{CAPACITIES, CapacityModel};
use crate::origin::change::CHANGES;
use crate::origin::fault::{FAULTS, FaultModel};
use crate::origin::latency::{LATENCIES, LatencyModel};
use crate::units::{Fraction, SimDuration};

/// `[origin]` as written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) latency: Chosen<dyn LatencyModel, Setup>,
    pub(super) capacity: Chosen<dyn CapacityModel, Setup>,
    pub(super) faults: Vec<Chosen<dyn FaultModel, Setup>>,
    /// For classes that say nothing themselves.
    pub(super) changes: Change,
}

/// Reads `[origin]`; without it, lognormal times of median 120 ms and any number at once.
pub(super) fn origin(section: Option<Section<'_>>) -> Result<Written, Fault> {
    let Some(mut section) = section else {
        return Ok(Written {
            latency: LATENCIES.default_choice("lognormal"),
            capacity: CAPACITIES.default_choice("unlimited"),
            faults: Vec::new(),
            changes: CHANGES.default_choice("never"),
        });
    };
    let written = Written {
        latency: section.plug("latency", &LATENCIES, "lognormal")?,
        capacity: section.plug("capacity", &CAPACITIES, "unlimited")?,
        faults: section.take("faults").map_or(Ok(Vec::new()), faults)?,
        changes: section.plug("changes", &CHANGES, "never")?,
    };
    section.finish()?;
    Ok(written)
}

/// `[{ fault = "outage", at = "10m", lasts = "2m" }]`.
fn faults(item: Item<'_>) -> Result<Vec<Chosen<dyn FaultModel, Setup>>, Fault> {
    let span = item.span();
    match item.into_inner() {
        DeValue::Array(items) => items.into_iter().map(|item| FAULTS.choose(item)).collect(),
        _ => Err(Fault::new(span, "faults must be a list")
            .help("write faults = [{ fault = \"outage\", at = \"10m\", lasts = \"2m\" }]")),
    }
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

/// Reads `[client]`, or what a strategy says of its own; what is not written is as in `client`.
pub(super) fn client(section: Option<Section<'_>>, mut client: Client) -> Result<Client, Fault> {
    let Some(mut section) = section else { return Ok(client) };
    if let Some(nodes) = whole(&mut section, "nodes", 1, 10_000, "processes that share the cache")? {
        client.nodes = nodes;
    }
    client.routing = section.or::<Routing>("routing", client.routing)?;
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
    failures(&mut section, &mut client)?;
    section.finish()?;
    Ok(client)
}

/// A client as it could be written.
pub(super) fn effective_client(client: &Client) -> toml::Table {
    let mut table = toml::Table::try_from(client).expect("a client is a table of plain values");
    if client.retry_budget.is_none() {
        table.insert("retry_budget".to_owned(), "none".into());
    }
    table
}

/// What happens when an answer does not come.
fn failures(section: &mut Section<'_>, client: &mut Client) -> Result<(), Fault> {
    if let Some(on_timeout) = section.located::<OnTimeout>("on_timeout")? {
        client.on_timeout = *on_timeout.get_ref();
        if client.timeout.is_none() && client.on_timeout != OnTimeout::Abandon {
            return Err(Fault::new(
                on_timeout.span(),
                "on_timeout calls fetches off, but there is no timeout",
            )
            .help("add timeout = \"3s\""));
        }
    }
    client.duplicate_fill = section.or::<DuplicateFill>("duplicate_fill", client.duplicate_fill)?;
    client.share_errors = section.or("share_errors", client.share_errors)?;
    client.negative_ttl = section.or("negative_ttl", client.negative_ttl)?;
    let retries = whole(section, "retries", 0, 3, "further attempts after one that failed")?;
    client.retries = retries.unwrap_or(client.retries);
    client.backoff = section.or("backoff", client.backoff)?;
    client.backoff_cap = client.backoff_cap.max(client.backoff);
    if let Some(cap) = section.located::<SimDuration>("backoff_cap")? {
        client.backoff_cap = *cap.get_ref();
        if client.backoff_cap < client.backoff {
            let what =
                format!("backoff_cap ({}) is shorter than backoff ({})", client.backoff_cap, client.backoff);
            return Err(Fault::new(cap.span(), what)
                .rule("the wait before a retry grows from backoff up to backoff_cap")
                .help(format!("write backoff_cap = \"{}\" or more", client.backoff)));
        }
    }
    if let Some(budget) = section.take("retry_budget") {
        client.retry_budget = match budget.get_ref() {
            DeValue::String(word) if word == "none" => None,
            _ => Some(read::<Fraction>(budget)?.as_f64()),
        };
    }
    if let Some(crash) = section.located::<Fraction>("crash")? {
        client.crash = crash.get_ref().as_f64();
    }
    if let Some(breaker) = section.located::<Breaker>("breaker")? {
        let Breaker { errors, within, open_for } = *breaker.get_ref();
        if errors == 0 || within.is_zero() || open_for.is_zero() {
            let what = "errors, within and open_for of a breaker must be above 0";
            return Err(Fault::new(breaker.span(), what)
                .rule("a breaker opens after so many errors within a time, for another time")
                .help("write breaker = { errors = 20, within = \"10s\", open_for = \"5s\" }"));
        }
        client.breaker = Some(*breaker.get_ref());
    }
    Ok(())
}

/// A whole number within limits.
fn whole(
    section: &mut Section<'_>,
    key: &'static str,
    min: u32,
    max: u32,
    about: &str,
) -> Result<Option<u32>, Fault> {
    let Some(written) = section.located::<i64>(key)? else { return Ok(None) };
    let number = u32::try_from(*written.get_ref()).ok().filter(|number| (min..=max).contains(number));
    number.map(Some).ok_or_else(|| {
        let what = format!("{key} must lie between {min} and {max}, but is {}", written.get_ref());
        Fault::new(written.span(), what).rule(format!("{key} is the number of {about}"))
    })
}
