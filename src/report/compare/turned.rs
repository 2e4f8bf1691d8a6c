//! Cells whose gates turned from one run to the other.

use serde_json::{Value, json};

use super::super::reading::Names;
use super::super::{format, measure};
use super::Pair;
use crate::record::Cell;

/// A cell whose gates are not all as they were.
#[derive(Debug)]
pub(super) struct Turned<'a> {
    pub(super) cell: &'a Cell,
    /// What it fails or passes now, with its name.
    pub(super) words: String,
    /// The gates that it passed before and fails now, in words.
    pub(super) failed: Vec<String>,
}

impl<'a> Turned<'a> {
    pub(super) fn of(pair: &Pair<'a>, names: Names) -> Option<Self> {
        let gates = || {
            pair.after.gates.iter().filter_map(|(name, now)| Some((name, pair.before.gates.get(name)?, now)))
        };
        let turned = |fails: bool| -> Vec<String> {
            let of = gates().filter(|(_, before, now)| before.pass == fails && now.pass != fails);
            of.map(|(name, before, now)| {
                let was = measure::gate_value(name, before);
                format!("{}; before {was}", measure::gate_words(name, now))
            })
            .collect()
        };
        let (failed, passed) = (turned(true), turned(false));
        let parts = [("now FAILS", &failed), ("now passes", &passed)].into_iter();
        let parts = parts.filter(|(_, gates)| !gates.is_empty());
        let words: Vec<String> =
            parts.map(|(what, gates)| format!("{what} {}", gates.join(", and "))).collect();
        (!words.is_empty()).then(|| Self {
            cell: pair.after,
            words: format!(
                "{}: {}",
                format::shortened(&names.cell(pair.after), 2 * format::LONGEST_NAME),
                words.join("; ")
            ),
            failed,
        })
    }

    pub(super) fn json(&self) -> Value {
        json!({"cell": self.cell.id, "what": self.words, "fails": !self.failed.is_empty()})
    }
}
