//! Where the bytes of an entry go, averaged over the entries that a cell held at its end.

use crate::record::Cell;

/// A part of memory, in bytes per entry, and its name for people and in the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    /// For people.
    pub(crate) label: &'static str,
    /// Field of the record's breakdown.
    pub(crate) field: &'static str,
    /// In all, in bytes.
    pub(crate) bytes: f64,
    /// Whether every entry has a share of it; the others are there without any entry.
    pub(crate) of_entries: bool,
}

/// The parts of a cell's memory in the order of the waterfall; `None` where the memory model counts entries alone.
pub(crate) fn parts(cell: &Cell) -> Option<Vec<Part>> {
    let parts = cell.memory.breakdown?;
    let part = |label, field, bytes, of_entries| Part { label, field, bytes, of_entries };
    let mut all = vec![
        part("value: the image", "values", parts.values, true),
        part("key", "keys", parts.keys, true),
        part("object and string headers", "headers", parts.headers, true),
        part("entry of the key table", "dict_entries", parts.dict_entries, true),
        part("entry of the expiry table", "expires_entries", parts.expires_entries, true),
        part("share of the tables' buckets", "tables", parts.tables, true),
        part("rounding by the allocator", "rounding", parts.rounding, true),
        part("sorted set of the application's sweep", "sorted_set", parts.sorted_set, true),
        part("connections and buffers", "clients", parts.clients, false),
        part("empty server", "fixed", parts.fixed, false),
    ];
    all.retain(|part| part.field != "sorted_set" || part.bytes > 0.0);
    Some(all)
}

/// Bytes of a part per entry; `None` without entries.
pub(crate) fn per_entry(part: &Part, cell: &Cell) -> Option<f64> {
    let entries = cell.entries.at_end;
    (part.of_entries && entries > 0.0).then(|| part.bytes / entries).filter(|bytes| bytes.is_finite())
}
