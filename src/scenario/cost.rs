//! `[cost]`: the prices by which cells are compared.

use crate::catalog::{Fault, Section, read};
use crate::score::{MemoryPrice, Node, Prices};
use crate::units::{ByteSize, Fraction};

/// Share of the rented memory that is kept free where the scenario says nothing: what managed services keep back for
/// snapshots and replication buffers (reserved-memory-percent of Amazon `ElastiCache` is 25 by default).
const HEADROOM: f64 = 0.25;

/// Reads `[cost]`.
pub(super) fn cost(mut section: Section<'_>) -> Result<Prices, Fault> {
    let span = section.span();
    let currency = section.or("currency", "USD".to_owned())?;
    let by_size = price(&mut section, "per_gib_hour")?;
    let nodes_at = section.span_of("nodes");
    let sizes =
        section.sections("nodes", "nodes = [{ … }]")?.into_iter().map(node).collect::<Result<Vec<_>, _>>()?;
    let memory = match (by_size, nodes_at) {
        (Some(_), Some(place)) => {
            return Err(Fault::new(place, "memory is priced twice: by per_gib_hour and by nodes")
                .help("leave one of them out"));
        }
        (Some(price), None) => MemoryPrice::PerGibHour(price),
        (None, Some(place)) if sizes.is_empty() => {
            return Err(Fault::new(place, "nodes names no size that could be rented").help(EXAMPLE));
        }
        (None, Some(_)) => MemoryPrice::Nodes(sizes),
        (None, None) => {
            return Err(Fault::new(span, "[cost] needs a price of memory")
                .help(format!("write per_gib_hour = 0.02, or {EXAMPLE}")));
        }
    };
    let headroom_at = section.span_of("headroom");
    let headroom = section.optional::<Fraction>("headroom")?.map_or(HEADROOM, Fraction::as_f64);
    if headroom >= 1.0 {
        return Err(Fault::new(
            headroom_at.unwrap_or_default(),
            "headroom leaves nothing of the memory to use",
        )
        .rule("headroom is the share of the rented memory that is kept free")
        .help("write headroom = 0.25"));
    }
    let replicas = match section.located::<i64>("replicas")? {
        None => 0,
        Some(replicas) => {
            u32::try_from(*replicas.get_ref()).ok().filter(|count| *count <= 100).ok_or_else(|| {
                Fault::new(
                    replicas.span(),
                    format!("replicas must lie between 0 and 100, but is {}", replicas.get_ref()),
                )
                .rule("replicas are the copies of each node beside the primary")
            })?
        }
    };
    let rss_at = section.span_of("rss_ratio");
    let rss_ratio = section.optional::<f64>("rss_ratio")?;
    if let Some(ratio) = rss_ratio.filter(|ratio| !(1.0..=10.0).contains(ratio)) {
        return Err(Fault::new(
            rss_at.unwrap_or_default(),
            format!("rss_ratio must lie between 1 and 10, but is {ratio}"),
        )
        .rule("it is what the process takes of the machine, as a multiple of what Redis counts"));
    }
    let per_fetch = price(&mut section, "per_million_fetches")?.unwrap_or(0.0) / 1e6;
    let per_gb_fetched = price(&mut section, "per_gb_fetched")?.unwrap_or(0.0);
    let per_gb_served = price(&mut section, "per_gb_served")?.unwrap_or(0.0);
    section.finish()?;
    Ok(Prices { currency, memory, replicas, headroom, rss_ratio, per_fetch, per_gb_fetched, per_gb_served })
}

/// A size of node, as it could be written.
const EXAMPLE: &str = "nodes = [{ name = \"small\", memory = \"4GiB\", per_hour = 0.1 }]";

fn node(mut section: Section<'_>) -> Result<Node, Fault> {
    let name = section.required::<String>("name", "name = \"small\"")?.into_inner();
    let memory = section.required::<ByteSize>("memory", "memory = \"4GiB\"")?;
    if memory.get_ref().as_bytes() == 0 {
        return Err(Fault::new(memory.span(), format!("node \"{name}\" has no memory"))
            .help("write memory = \"4GiB\""));
    }
    let Some(per_hour) = price(&mut section, "per_hour")? else {
        return Err(section.missing("per_hour", "per_hour = 0.1"));
    };
    section.finish()?;
    Ok(Node { name, memory: memory.into_inner().as_bytes(), per_hour })
}

/// A price: a plain number in the scenario's currency, never negative.
fn price(section: &mut Section<'_>, key: &'static str) -> Result<Option<f64>, Fault> {
    let Some(item) = section.take(key) else { return Ok(None) };
    let span = item.span();
    let price: f64 = read(item)?;
    if price.is_finite() && price >= 0.0 {
        return Ok(Some(price));
    }
    let what = format!("{key} must be a price of at least 0, but is {price}");
    Err(Fault::new(span, what).help(format!("write {key} = 0.02, in the currency of [cost]")))
}

/// The section with every default filled in.
pub(super) fn effective(prices: &Prices) -> toml::Table {
    let mut table = toml::Table::new();
    let mut put = |key: &str, value: toml::Value| table.insert(key.to_owned(), value);
    put("currency", prices.currency.clone().into());
    match &prices.memory {
        MemoryPrice::PerGibHour(price) => put("per_gib_hour", (*price).into()),
        MemoryPrice::Nodes(sizes) => {
            let size = |node: &Node| {
                let mut table = toml::Table::new();
                table.insert("name".to_owned(), node.name.clone().into());
                table.insert("memory".to_owned(), ByteSize::from_bytes(node.memory).to_string().into());
                table.insert("per_hour".to_owned(), node.per_hour.into());
                toml::Value::Table(table)
            };
            put("nodes", toml::Value::Array(sizes.iter().map(size).collect()))
        }
    };
    put("replicas", i64::from(prices.replicas).into());
    put("headroom", prices.headroom.into());
    if let Some(ratio) = prices.rss_ratio {
        put("rss_ratio", ratio.into());
    }
    put("per_million_fetches", (prices.per_fetch * 1e6).into());
    put("per_gb_fetched", prices.per_gb_fetched.into());
    put("per_gb_served", prices.per_gb_served.into());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(text: &str) -> Result<Prices, Fault> {
        cost(Section::parse(text).unwrap())
    }

    #[test]
    fn prices_are_read_and_written_back_the_same() {
        for text in [
            "per_gib_hour = 0.02",
            "currency = \"EUR\"\nper_gib_hour = 0\nreplicas = 2\nheadroom = 0.1\nrss_ratio = 1.3\nper_million_fetches = 0.4\nper_gb_fetched = 0.02\nper_gb_served = 0.05",
            "nodes = [{ name = \"a\", memory = \"4GiB\", per_hour = 0.1 }, { name = \"b\", memory = \"16GiB\", per_hour = 0.3 }]",
        ] {
            let once = prices(text).unwrap();
            let again = prices(&effective(&once).to_string()).unwrap();
            assert_eq!(effective(&again), effective(&once), "{text}");
        }
        let usual = prices("per_gib_hour = 0.02").unwrap();
        assert_eq!((usual.replicas, usual.currency.as_str(), usual.rss_ratio), (0, "USD", None));
        assert!((usual.headroom - 0.25).abs() < 1e-12);
    }

    #[test]
    fn a_mistake_is_shown_at_its_place_with_what_to_write() {
        for (text, at, what) in [
            ("per_gib_hour = -0.02", "-0.02", "at least 0, but is -0.02"),
            ("per_gib_hour = nan", "nan", "at least 0, but is NaN"),
            ("currency = \"EUR\"", "currency = \"EUR\"", "needs a price of memory"),
            ("nodes = []", "nodes", "names no size"),
            ("per_gib_hour = 1\nnodes = []", "nodes", "priced twice"),
            ("nodes = [{ name = \"a\", memory = \"0B\", per_hour = 1 }]", "\"0B\"", "has no memory"),
            ("per_gib_hour = 1\nheadroom = 1.0", "headroom", "leaves nothing"),
            ("per_gib_hour = 1\nheadroom = 1.5", "1.5", "not a fraction"),
            ("per_gib_hour = 1\nreplicas = -1", "-1", "between 0 and 100"),
            ("per_gib_hour = 1\nrss_ratio = 0.5", "rss_ratio", "between 1 and 10"),
        ] {
            let fault = prices(text).unwrap_err();
            assert!(fault.what.contains(what), "{text}: {}", fault.what);
            assert_eq!(&text[fault.span], at, "{text}");
        }
        let unknown = prices("per_gib_hour = 1\nper_gb_servd = 1").unwrap_err();
        assert_eq!(unknown.help.as_deref(), Some("did you mean \"per_gb_served\"?"));
    }
}
