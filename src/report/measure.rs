//! The measures that pages show of a cell: name, unit, which way is better, and how one is written.

use super::format;
use crate::record::{Bound, Cell, Gate};

/// In what a measure is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A share from 0 to 1; changes are told in points.
    Share,
    /// Bytes.
    Bytes,
    /// Per second.
    Rate,
    /// Bytes per second.
    ByteRate,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// A plain number, a count or a rate per hour.
    Number,
}

impl Unit {
    /// A value in this unit.
    pub(crate) fn print(self, value: Option<f64>) -> String {
        match self {
            Self::Share => format::percent(value),
            Self::Bytes => format::bytes(value),
            Self::Rate => format::rate(value),
            Self::ByteRate => format::byte_rate(value),
            Self::Millis => format::millis(value),
            Self::Seconds => format::seconds(value),
            Self::Number => format::number(value),
        }
    }
}

/// One measure of a cell.
#[derive(Debug)]
pub(crate) struct Measure {
    /// Its name in scenarios and in the record's paired differences.
    pub(crate) key: &'static str,
    /// Its name for people.
    pub(crate) label: &'static str,
    /// Where a cell of the record has it, as a JSON pointer (RFC 6901); with `:` the first as a share of the second, with `*`
    /// times the third.
    pub(crate) path: &'static str,
    /// In what it is counted.
    pub(crate) unit: Unit,
    /// Whether more is better, less is better, or neither.
    pub(crate) better: Option<std::cmp::Ordering>,
    value: fn(&Cell) -> Option<f64>,
}

impl Measure {
    /// The value of a cell; `None` without a finished replication or without data.
    pub(crate) fn of(&self, cell: &Cell) -> Option<f64> {
        if cell.replications == 0 || cell.requests == 0 {
            return None;
        }
        (self.value)(cell).filter(|value| value.is_finite())
    }

    /// The value of a cell, written for people.
    pub(crate) fn text(&self, cell: &Cell) -> String {
        self.unit.print(self.of(cell))
    }

    /// The one whose value a cell of the record has there.
    #[cfg(test)]
    pub(crate) fn at(path: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|measure| measure.path == path)
    }

    fn named(key: &str) -> Option<&'static Self> {
        let key = match key {
            "stampedes_per_hour" => "stampedes",
            "errors" => "error",
            "mean_memory" => "memory",
            other => other,
        };
        ALL.iter().copied().find(|measure| measure.key == key)
    }
}

macro_rules! measures {
    ($($id:ident $key:literal $label:literal $path:literal $unit:ident $better:ident $value:expr;)*) => {
        $(pub(crate) static $id: Measure = Measure {
            key: $key, label: $label, path: $path, unit: Unit::$unit, better: better::$better, value: $value,
        };)*
        static ALL: &[&Measure] = &[$(&$id),*];
    };
}

/// Which way a measure should go.
mod better {
    use std::cmp::Ordering;
    pub(super) const HIGHER: Option<Ordering> = Some(Ordering::Greater);
    pub(super) const LOWER: Option<Ordering> = Some(Ordering::Less);
    pub(super) const NEITHER: Option<Ordering> = None;
}

measures! {
    FRESH_HIT "fresh_hit" "fresh hits" "/ratios/fresh_hit/mean" Share HIGHER |cell| cell.ratios.fresh_hit.mean;
    HIT "hit" "hits, fresh or stale" "/ratios/hit/mean" Share HIGHER |cell| cell.ratios.hit.mean;
    HIT_OR_JOINED "hit_or_joined" "hits and delayed hits" "/ratios/hit_or_joined/mean" Share HIGHER |cell| cell.ratios.hit_or_joined.mean;
    BYTE_HIT "byte_hit" "byte hits" "/ratios/byte_hit/mean" Share HIGHER |cell| cell.ratios.byte_hit.mean;
    ORIGIN_OFFLOAD "origin_offload" "origin offload" "/ratios/origin_offload/mean" Share HIGHER |cell| cell.ratios.origin_offload.mean;
    MEMORY "memory" "mean memory" "/memory/mean_bytes" Bytes LOWER |cell| Some(cell.memory.mean_bytes);
    PEAK_MEMORY "peak_memory" "peak memory" "/memory/peak_bytes" Bytes LOWER |cell| cell.memory.peak_bytes.map(|bytes| bytes as f64);
    EXPIRED_RESIDENT "expired_resident" "expired but resident" "/memory/expired_resident_mean_bytes" Bytes LOWER
        |cell| cell.memory.expired_resident_mean_bytes;
    ORIGIN_RATE "origin_rate" "mean origin rate" "/origin/mean_rate" Rate LOWER |cell| Some(cell.origin.mean_rate);
    ORIGIN_BYTES "origin_bytes_rate" "bytes from the origin" "/origin/bytes:/origin/fetches*/origin/mean_rate" ByteRate LOWER |cell| Some(bytes_per_second(cell));
    PEAK_ORIGIN_RATE "peak_origin_rate" "peak origin rate" "/origin/peak_rate" Rate LOWER |cell| cell.origin.peak_rate;
    UTILISATION "utilisation" "origin utilisation" "/origin/utilisation" Share LOWER |cell| cell.origin.utilisation;
    STAMPEDES "stampedes" "stampedes per hour" "/stampedes/per_hour" Number LOWER |cell| cell.stampedes.per_hour;
    DUPLICATES "duplicate_fetches" "duplicate fetches" "/stampedes/duplicate_fetches" Number LOWER
        |cell| cell.stampedes.duplicate_fetches.map(|count| count as f64);
    DUPLICATE_RATIO "duplicate_ratio" "duplicates of fetches" "/stampedes/duplicate_ratio" Share LOWER |cell| cell.stampedes.duplicate_ratio;
    PEAK_TO_MEAN "peak_to_mean" "peak to mean of fetches" "/avalanche/peak_to_mean" Number LOWER |cell| cell.avalanche.peak_to_mean;
    PEAK_WAITERS "peak_waiters" "most waiting at once" "/stampedes/peak_waiters" Number LOWER
        |cell| cell.stampedes.peak_waiters.map(|count| count as f64);
    P50 "p50" "p50 latency" "/latency_ms/p50" Millis LOWER |cell| cell.latency_ms.p50;
    P90 "p90" "p90 latency" "/latency_ms/p90" Millis LOWER |cell| cell.latency_ms.p90;
    P99 "p99" "p99 latency" "/latency_ms/p99" Millis LOWER |cell| cell.latency_ms.p99;
    P999 "p999" "p99.9 latency" "/latency_ms/p999" Millis LOWER |cell| cell.latency_ms.p999;
    FRESH_SHARE "fresh_share" "current answers" "/freshness/fresh_share" Share HIGHER |cell| cell.freshness.fresh_share;
    MEAN_AGE "mean_age_s" "mean staleness" "/freshness/mean_age_s" Seconds LOWER |cell| cell.freshness.mean_age_s;
    P95_AGE "p95_age_s" "p95 staleness of outdated answers" "/freshness/p95_age_s" Seconds LOWER |cell| cell.freshness.p95_age_s;
    OVER_BOUND "over_bound_share" "answers over the age limit" "/freshness/over_bound_share" Share LOWER |cell| cell.freshness.over_bound_share;
    EVICTED "evicted" "evictions" "/evicted" Number NEITHER |cell| Some(cell.evicted as f64);
    EXPIRED "expired" "expired entries" "/expired" Number NEITHER |cell| Some(cell.expired as f64);
}

/// What the origin sends a second: the bytes of a fetch times the fetches of a second.
fn bytes_per_second(cell: &Cell) -> f64 {
    let origin = &cell.origin;
    match origin.fetches {
        0 => 0.0,
        fetches => origin.bytes as f64 / fetches as f64 * origin.mean_rate,
    }
}

/// Unit of a measure that a gate or an expectation names; a plain number where it is not shown here.
pub(crate) fn unit_of(key: &str) -> Unit {
    match Measure::named(key) {
        Some(measure) => measure.unit,
        None if key.starts_with("miss") || key.ends_with("_share") || key.ends_with("_ratio") => Unit::Share,
        None if matches!(key, "error" | "stale_hit" | "delayed_hit" | "stale_on_error") => Unit::Share,
        None if key.ends_with("_age_s") => Unit::Seconds,
        None if key.ends_with("latency") => Unit::Millis,
        None => Unit::Number,
    }
}

/// Name for people of a measure that a gate or an expectation names.
pub(crate) fn label_of(key: &str) -> String {
    match key {
        "stale_share" => "outdated answers".into(),
        _ => Measure::named(key).map_or_else(|| key.replace('_', " "), |measure| measure.label.into()),
    }
}

/// A gate in words, without PASS or FAIL: `peak origin rate 412/s, limit 300/s, 37 % over`.
pub(crate) fn gate_words(name: &str, gate: &Gate) -> String {
    let key = limited_by(name);
    let unit = unit_of(key);
    let limit = match gate.bound {
        Bound::Min => format!("at least {}", unit.print(Some(gate.limit))),
        Bound::Max => format!("limit {}", unit.print(Some(gate.limit))),
    };
    let what = format!("{} {}, {limit}", label_of(key), unit.print(gate.value));
    // A mean says little of replications that do not agree.
    let split = match gate.kept_in {
        Some([kept, all]) if 0 < kept && kept < all => format!("; kept in {kept} of {all} replications"),
        _ => String::new(),
    };
    match gate.value {
        _ if gate.pass => format!("{what}{split}"),
        None => format!("{what}, no data"),
        Some(value) => format!("{what}, {}{split}", distance(unit, value, gate)),
    }
}

/// The value of a gate's measure: `412/s`.
pub(crate) fn gate_value(name: &str, gate: &Gate) -> String {
    unit_of(limited_by(name)).print(gate.value)
}

/// The measure that a gate limits.
fn limited_by(name: &str) -> &str {
    name.strip_suffix("_min").or_else(|| name.strip_suffix("_max")).unwrap_or(name)
}

/// By how much a failing gate is missed, as a share of its limit; infinite without data.
pub(crate) fn missed_by(gate: &Gate) -> f64 {
    match gate.value {
        _ if gate.pass => 0.0,
        None => f64::INFINITY,
        Some(value) if gate.limit == 0.0 => value.abs(),
        Some(value) => ((value - gate.limit) / gate.limit).abs(),
    }
}

fn distance(unit: Unit, value: f64, gate: &Gate) -> String {
    let direction = if value > gate.limit { "over" } else { "short" };
    if unit == Unit::Share {
        return format!("{} {direction}", unsigned(&format::points((value - gate.limit).abs())));
    }
    if gate.limit == 0.0 {
        return format!("{} {direction}", unit.print(Some(value.abs())));
    }
    format!("{} {direction}", unsigned(&format::relative(missed_by(gate))))
}

fn unsigned(text: &str) -> String {
    text.trim_start_matches(['+', '±']).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(bound: Bound, value: impl Into<Option<f64>>, limit: f64, pass: bool) -> Gate {
        Gate { value: value.into(), limit, bound, pass, kept_in: None }
    }

    #[test]
    fn a_failing_gate_names_value_limit_and_distance() {
        for (name, gate, words) in [
            (
                "peak_origin_rate_max",
                gate(Bound::Max, 412.0, 300.0, false),
                "peak origin rate 412/s, limit 300/s, 37 % over",
            ),
            (
                "hit_min",
                gate(Bound::Min, 0.85, 0.9, false),
                "hits, fresh or stale 85.0 %, at least 90.0 %, 5.0 points short",
            ),
            ("stampedes_per_hour_max", gate(Bound::Max, 0.5, 1.0, true), "stampedes per hour 0.5, limit 1"),
            ("evicted_max", gate(Bound::Max, 3.0, 0.0, false), "evictions 3, limit 0, 3 over"),
            (
                "stale_share_max",
                gate(Bound::Max, 0.034, 0.03, false),
                "outdated answers 3.4 %, limit 3.0 %, 0.40 points over",
            ),
            ("p99_max", gate(Bound::Max, None, 250.0, false), "p99 latency —, limit 250 ms, no data"),
            ("unheard_of_max", gate(Bound::Max, 2.0, 1.0, false), "unheard of 2, limit 1, 100 % over"),
        ] {
            assert_eq!(gate_words(name, &gate), words);
        }
        let split = |pass, kept| Gate { kept_in: Some([kept, 5]), ..gate(Bound::Max, 4.6, 4.7, pass) };
        let words = |gate: &Gate| gate_words("peak_origin_rate_max", gate);
        assert_eq!(
            words(&split(true, 2)),
            "peak origin rate 4.6/s, limit 4.7/s; kept in 2 of 5 replications"
        );
        assert_eq!(words(&split(true, 5)), "peak origin rate 4.6/s, limit 4.7/s", "all agree");
        let failed = Gate { value: Some(5.0), ..split(false, 1) };
        assert!(words(&failed).ends_with("% over; kept in 1 of 5 replications"), "{}", words(&failed));
    }

    #[test]
    fn every_measure_has_its_own_name() {
        for (index, measure) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.key != measure.key), "{}", measure.key);
        }
    }
}
