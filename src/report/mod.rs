//! Pages from a record: the HTML report, the summary, tables and charts.
//!
//! Everything is a pure function of the record: the same record gives the same bytes today and
//! next year. Nothing is simulated here, and rounding happens in `format` alone.

mod csv;
#[cfg(test)]
mod fixture;
mod folder;
mod format;
mod markdown;
mod measure;
mod ranking;
mod reading;
mod verdict;

pub use folder::{FolderError, check_folder, write};
pub use ranking::ranking;

/// One JSON document that says what the terminal's table says: the record without its series.
pub fn brief_json(record: &crate::record::Record) -> String {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    let cells = value.get_mut("cells").and_then(serde_json::Value::as_array_mut);
    for cell in cells.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        cell.remove("series");
    }
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

/// TEMP
fn render(record: &crate::record::Record) -> std::collections::BTreeMap<String, Vec<u8>> {
    std::collections::BTreeMap::from([("record.json".to_owned(), record.to_json().into_bytes())])
}
